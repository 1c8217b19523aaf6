"""What the CSMS asks of a virtual charger in OCPP 1.6, request by request.

A handler never awaits a CALL of its own: what follows an answer is started by the
``then`` of its ``Reply``.
"""

from typing import TYPE_CHECKING

from ...ocpp.errors import OCPPError
from ...ocpp.session import Reply
from ..authorization import LOCAL_LIST_LIMIT, TagInfo
from ..connector import Connector
from ..data_transfer import transfer_data
from ..protocol import Handler, Payload
from ..states import StopReason
from ..transaction import Transaction
from .configuration import KEYS_LIMIT, Configuration
from .maintenance_requests import MaintenanceRequests
from .messages import Messages
from .reservation_requests import ReservationRequests
from .security_requests import SecurityRequests
from .smart_charging import SmartCharging
from .trigger_requests import TriggerRequests

if TYPE_CHECKING:
    from ..charger import VirtualCharger


class Requests:
    def __init__(
        self,
        charger: "VirtualCharger",
        configuration: Configuration,
        messages: Messages,
    ) -> None:
        self._charger = charger
        self._charging = charger.charging
        self._configuration = configuration
        self._messages = messages
        self._smart_charging = SmartCharging(charger)
        self._handlers: dict[str, Handler] = {
            "ChangeAvailability": self._change_availability,
            "ChangeConfiguration": self._change_configuration,
            "ClearCache": self._clear_cache,
            "DataTransfer": transfer_data,
            "GetConfiguration": self._get_configuration,
            "GetLocalListVersion": self._get_local_list_version,
            "RemoteStartTransaction": self._remote_start,
            "RemoteStopTransaction": self._remote_stop,
            "Reset": self._reset,
            "SendLocalList": self._send_local_list,
            "UnlockConnector": self._unlock_connector,
            **self._smart_charging.handlers,
            **MaintenanceRequests(charger).handlers,
            **ReservationRequests(charger).handlers,
            **SecurityRequests(charger).handlers,
            **TriggerRequests(charger, configuration, messages).handlers,
        }

    async def handle(self, action: str, payload: Payload) -> Payload | Reply:
        handler = self._handlers.get(action)
        if handler is None:
            raise OCPPError("NotSupported", f"{action} is not supported.")
        return handler(payload)

    # -- Core ------------------------------------------------------------------------

    def _change_availability(self, payload: Payload) -> Payload | Reply:
        number = payload["connectorId"]
        if not 0 <= number < len(self._charger.connectors):
            return {"status": "Rejected"}
        is_done = self._charger.change_availability(
            number, payload["type"] == "Operative"
        )
        status = "Accepted" if is_done else "Scheduled"
        return Reply({"status": status}, then=self._charger.report_all)

    def _change_configuration(self, payload: Payload) -> Reply:
        status, _ = self._charger.configure(payload["key"], payload["value"])
        return Reply({"status": status}, then=self._charger.uplink.refresh)

    def _clear_cache(self, payload: Payload) -> Payload:
        self._charger.cache.clear()
        self._charger.flash.touch()
        return {"status": "Accepted"}

    def _get_configuration(self, payload: Payload) -> Payload:
        configuration = self._configuration
        asked = payload.get("key") or list(configuration.names())
        if len(asked) > KEYS_LIMIT:
            raise OCPPError(
                "OccurrenceConstraintViolation", f"At most {KEYS_LIMIT} keys at once."
            )
        found = {name: configuration.find(name) for name in asked}
        known = [self._key_value(name) for name in found.values() if name]
        unknown = [name for name, key in found.items() if key is None]
        answer: Payload = {"configurationKey": known}
        return {**answer, "unknownKey": unknown} if unknown else answer

    def _key_value(self, name: str) -> Payload:
        """A write-only key is shown without its value (whitepaper, 7.2)."""
        configuration = self._configuration
        shown: Payload = {"key": name, "readonly": configuration.is_readonly(name)}
        if not configuration.is_writeonly(name):
            shown["value"] = configuration.text(name)
        return shown

    def _remote_start(self, payload: Payload) -> Payload | Reply:
        id_tag = payload["idTag"]
        connector = self._charging.place_for(payload.get("connectorId"), id_tag)
        if connector is None or not self._charger.is_online:
            return {"status": "Rejected"}
        profile = None
        if sent := payload.get("chargingProfile"):
            profile = self._smart_charging.read_for_start(connector.number, sent)
            if profile is None:
                return {"status": "Rejected"}

        def start() -> None:
            self._charging.start_remotely(connector, id_tag, profile)

        return Reply({"status": "Accepted"}, then=start)

    def _remote_stop(self, payload: Payload) -> Payload | Reply:
        if not self._charger.is_online:  # the boot is pending (4.2)
            return {"status": "Rejected"}
        for connector in self._charger.outlets:
            transaction = connector.transaction
            if transaction is not None and transaction.id == payload["transactionId"]:
                return self._stopping(connector, transaction)
        return {"status": "Rejected"}

    def _stopping(self, connector: Connector, transaction: Transaction) -> Reply:
        def end() -> None:
            if connector.transaction is transaction:  # nothing else has ended it
                self._charging.end(connector, StopReason.REMOTE)

        return Reply({"status": "Accepted"}, then=end)

    def _reset(self, payload: Payload) -> Reply:
        is_hard = payload["type"] == "Hard"

        def reboot() -> None:
            self._charger.spawn(self._charger.reboot(hard=is_hard))

        return Reply({"status": "Accepted"}, then=reboot)

    def _unlock_connector(self, payload: Payload) -> Payload | Reply:
        number = payload["connectorId"]
        if not 0 < number < len(self._charger.connectors):
            return {"status": "NotSupported"}
        connector = self._charger.connectors[number]
        if connector.fault == "ConnectorLockFailure":
            return {"status": "UnlockFailed"}

        def unlock() -> None:
            self._charging.unlock(connector)

        return Reply({"status": "Unlocked"}, then=unlock)

    # -- Local authorization list ----------------------------------------------------

    def _get_local_list_version(self, payload: Payload) -> Payload:
        if not self._configuration.flag("LocalAuthListEnabled"):
            return {"listVersion": -1}
        local_list = self._charger.local_list
        return {"listVersion": local_list.version if len(local_list) else 0}

    def _send_local_list(self, payload: Payload) -> Payload:
        local_list = self._charger.local_list
        version, sent = payload["listVersion"], payload.get("localAuthorizationList")
        if not self._configuration.flag("LocalAuthListEnabled"):
            return {"status": "NotSupported"}
        entries: dict[str, TagInfo | None] = {
            entry["idTag"]: entry.get("idTagInfo") for entry in sent or []
        }
        tags = {tag.casefold() for tag in entries}
        if version < 1:  # 0 and -1 mean something else (6.41)
            return {"status": "Failed"}
        if len(tags) < len(sent or []) or len(entries) > LOCAL_LIST_LIMIT:
            return {"status": "Failed"}
        if payload["updateType"] == "Full":
            if None in entries.values():  # nothing to delete from a new list
                return {"status": "Failed"}
            local_list.replace(version, {t: i for t, i in entries.items() if i})
        elif version <= local_list.version:
            return {"status": "VersionMismatch"}
        elif local_list.count_after(entries) > LOCAL_LIST_LIMIT:
            return {"status": "Failed"}
        else:
            local_list.update(version, entries)
        self._charger.flash.touch()
        return {"status": "Accepted"}
