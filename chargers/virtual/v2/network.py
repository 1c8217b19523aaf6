"""Network connection profiles: where a charger dials to (2.x, B09, B10)."""

from typing import TYPE_CHECKING

from ...ocpp.versions import Version
from ..protocol import Handler, Payload
from .device_model import INSTANCE, DeviceModel, Refusal, key
from .keys import ACTIVE_PROFILE, NETWORK_ATTEMPTS, NETWORK_PRIORITY, SLOTS

if TYPE_CHECKING:
    from ..charger import VirtualCharger


_VARIABLES = {  # of NetworkConfiguration (2.1), by field
    "ocppCsmsUrl": "OcppCsmsUrl",
    "ocppInterface": "OcppInterface",
    "ocppVersion": "OcppVersion",
    "messageTimeout": "MessageTimeout",
    "securityProfile": "SecurityProfile",
}
_SECURED = {"apn": "ApnEnabled", "vpn": "VpnEnabled"}
BUILT_IN = 1  # the slot of what the charger was given in the first place


class Network:
    """``state`` are the profiles that the CSMS has set, by slot.

    They are used from the next boot on, in the order of NetworkConfigurationPriority.
    """

    def __init__(
        self, charger: "VirtualCharger", model: DeviceModel, state: dict[str, Payload]
    ) -> None:
        self._charger = charger
        self._model = model
        self._profiles = {int(slot): payload for slot, payload in state.items()}
        self._failures = 0
        self._order = self._set_order()
        self.handlers: dict[str, Handler] = {"SetNetworkProfile": self._set}

    def to_state(self) -> dict[str, Payload]:
        return {str(slot): payload for slot, payload in self._profiles.items()}

    # -- for the link ----------------------------------------------------------------

    def boot(self) -> None:
        """Take up the order that is set now, and a higher security profile (A05)."""
        self._order, self._failures = self._set_order(), 0
        credentials = self._charger.credentials
        profile = self._profiles.get(self._slot)
        if profile is not None and profile["securityProfile"] > credentials.profile:
            credentials.change_profile(str(profile["securityProfile"]))

    def _set_order(self) -> list[int]:
        return [int(slot) for slot in self._model.items(NETWORK_PRIORITY)]

    def url(self) -> str:
        """Where to dial now."""
        given = self._charger.spec.url
        profile = self._profiles.get(self._slot)
        if profile is None:
            return given
        identity = given.rpartition("/")[2]
        return f"{profile['ocppCsmsUrl'].rstrip('/')}/{identity}"

    def failed_to_dial(self) -> None:
        """After so many failures the next one has its turn (B10.FR.03)."""
        self._failures += 1
        if self._failures >= self._model.integer(NETWORK_ATTEMPTS):
            self._order = [*self._order[1:], *self._order[:1]]
            self._failures = 0

    def dialed(self) -> None:
        self._failures = 0
        self._model.store(ACTIVE_PROFILE, str(self._slot))
        self._publish(self._slot)
        self._drop_less_secure()

    def _drop_less_secure(self) -> None:
        """What works with a higher security profile takes no lower one (A05.FR.06)."""
        level = self._charger.credentials.profile
        kept = [
            slot
            for slot in self._set_order()
            if slot == self._slot or self._security_of(slot) >= level
        ]
        if kept == self._set_order():
            return
        for slot in self._profiles.keys() - set(kept):
            if self._security_of(slot) < level:
                del self._profiles[slot]
        self._model.store(NETWORK_PRIORITY, ",".join(map(str, kept)))
        self._order = [slot for slot in self._order if slot in kept]
        self._charger.flash.touch()

    def _security_of(self, slot: int) -> int:
        profile = self._profiles.get(slot)
        if profile is None:
            return self._charger.credentials.first_profile
        security: int = profile["securityProfile"]
        return security

    @property
    def _slot(self) -> int:
        return self._order[0] if self._order else BUILT_IN

    # -- settings --------------------------------------------------------------------

    def check_priority(self, text: str) -> None:
        """Only slots that hold something usable may be named (A05.FR.02, B09.FR.07)."""
        credentials = self._charger.credentials
        for slot in text.split(","):
            if slot.strip() not in SLOTS or int(slot) == self._slot:
                continue
            if int(slot) not in {BUILT_IN, *self._profiles}:
                raise Refusal("InvalidNetworkConf", f"slot {slot} is empty")
            security = self._security_of(int(slot))
            if security < credentials.profile:
                raise Refusal("NoSecurityDowngrade", f"slot {slot} is less secure")
            if security > credentials.profile and (
                problem := credentials.problem_with(security)
            ):
                raise Refusal("InvalidNetworkConf", f"slot {slot} {problem}")

    def _set(self, payload: Payload) -> Payload:
        slot, data = payload["configurationSlot"], payload["connectionData"]
        if str(slot) not in SLOTS:
            return _rejected("InvalidConfSlot")
        scheme = data["ocppCsmsUrl"].partition("://")[0].lower()
        if scheme not in ("ws", "wss") or data.get("ocppTransport") == "SOAP":
            return _rejected("InvalidURL")
        security = data["securityProfile"]
        if security < self._charger.credentials.profile:
            return _rejected("NoSecurityDowngrade")  # B09.FR.04
        if security > 3 or (security >= 2) != (scheme == "wss"):
            return _rejected("InvalidProfile")
        # The secrets of an access point or a VPN say nothing to a charger that has one
        # network.
        kept = {name: data[name] for name in _VARIABLES if name in data}
        secured = {name: True for name in _SECURED if name in data}
        self._profiles[slot] = {**kept, **secured}
        self._publish(slot)
        self._charger.flash.touch()
        return {"status": "Accepted"}

    def _publish(self, slot: int) -> None:
        """Have the device model of 2.1 tell of it (B09.FR.09)."""
        if self._charger.spec.version is not Version.V21:
            return
        profile = self._profiles.get(slot) or {
            "ocppCsmsUrl": self._charger.spec.url.rpartition("/")[0],
            "securityProfile": self._charger.credentials.profile,
        }
        told = {
            **{name: str(profile[k]) for k, name in _VARIABLES.items() if k in profile},
            **{name: str(k in profile).lower() for k, name in _SECURED.items()},
        }
        for name, value in told.items():
            self._model.store(key(f"NetworkConfiguration{INSTANCE}{slot}", name), value)


def _rejected(reason: str) -> Payload:
    return {"status": "Rejected", "statusInfo": {"reasonCode": reason}}
