"""What operators tell a virtual charger to do: one method for each command.

Each returns its result as the contract has it (10.2) once the messages it caused are
answered. ``evse_id`` equals ``connector_id`` (an EVSE has one connector) and is ignored.
"""

import asyncio
from typing import TYPE_CHECKING, Any

from ..ocpp.errors import CommandRejected, OCPPError
from ..ocpp.schemas import actions
from .authorization import LOCAL_LIST_LIMIT, TagInfo
from .connector import Connector
from .outbox import Message
from .states import FAULTS, WARNINGS, StopReason

if TYPE_CHECKING:
    from .charger import VirtualCharger

MEANINGS = {  # of what a CSMS answers for an id tag
    "ConcurrentTx": "it charges somewhere already",
    "Blocked": "it is blocked",
    "Expired": "it has expired",
    "Invalid": "it is not known",
    "Unknown": "it is not known",
}

Result = dict[str, Any]


class Commands:
    def __init__(self, charger: "VirtualCharger") -> None:
        self._charger = charger
        self._charging = charger.charging
        self._authorizer = charger.authorizer
        self._protocol = charger.protocol

    async def perform(self, command: str, event: dict[str, Any]) -> Result:
        """The method of that name, e.g. ``plug-connector``: ``plug_connector``."""
        name = command.replace("-", "_").replace("/", "_")
        method = None if name.startswith("_") else getattr(self, name, None)
        if method is None or name == "perform":
            raise CommandRejected(f"A virtual charger has no command {command!r}.")
        result: Result = await method(**event)
        return result

    # -- the charger -----------------------------------------------------------------

    async def proxy_message(
        self, action: str, ocpp_version: str, payload: dict[str, Any]
    ) -> Result:
        version = self._charger.spec.version
        if ocpp_version != version.value:
            raise CommandRejected(f"the charger speaks {version.value}")
        names = {known.lower(): known for known in actions(version)}
        name = names.get(action.replace("_", "").lower(), action)
        sent = _camel_case_keys(payload)
        try:
            response = await self._charger.call(name, sent, validate=False)
        except OCPPError as error:
            raise CommandRejected(
                str(error),
                {
                    "code": error.code,
                    "description": error.description,
                    "details": error.details,
                },
            ) from None
        return {"action": name, "payload": sent, "response": response}

    async def configuration(self, configuration: dict[str, str]) -> Result:
        configured, refused, needs_reboot = [], [], False
        for name, value in configuration.items():
            status, problem = self._charger.configure(name, value)
            if status in ("Accepted", "RebootRequired"):
                configured.append(name)
                needs_reboot = needs_reboot or status == "RebootRequired"
            else:
                refused.append(f"{name} {problem}")
        self._charger.uplink.refresh()
        if refused:
            status, msg = "Rejected", "Refused: " + "; ".join(refused)
        elif needs_reboot:
            status, msg = "RebootRequired", "Takes effect after a reset"
        else:
            status, msg = "Accepted", "Configuration changed"
        return {"status": status, "configured": configured, "msg": msg}

    async def cache_reset(self) -> Result:
        count = self._charger.cache.clear()
        self._charger.flash.touch()
        return {"msg": "Authorization cache cleared", "cleared_entries": count}

    async def local_auth_list(
        self, list_version: int, entries: list[dict[str, Any]]
    ) -> Result:
        local_list = self._charger.local_list
        if list_version <= local_list.version:
            raise CommandRejected(
                f"list_version {list_version} is not newer than "
                f"the charger's {local_list.version}",
                {"status": "VersionMismatch"},
            )
        if len(entries) > LOCAL_LIST_LIMIT:
            raise CommandRejected(
                f"the list holds at most {LOCAL_LIST_LIMIT} entries",
                {"status": "Failed"},
            )
        tags = {entry["id_tag"].casefold() for entry in entries}
        if len(tags) < len(entries):
            raise CommandRejected(
                "an id tag is in the list more than once", {"status": "Failed"}
            )
        local_list.replace(list_version, {e["id_tag"]: _tag_info(e) for e in entries})
        self._charger.flash.touch()
        return {
            "status": "Accepted",
            "list_version": list_version,
            "entries_received": len(entries),
        }

    async def clear_local_auth_list(self) -> Result:
        count = len(self._charger.local_list)
        self._charger.local_list.replace(0, {})
        self._charger.flash.touch()
        return {"msg": "Local authorization list cleared", "entries_deleted": count}

    async def authorize_id_tag(self, id_tag: str) -> Result:
        self._require_name(id_tag)
        info = await self._ask_csms(id_tag)
        if info["status"] == "Accepted" and self._authorizer.is_master(info):
            for connector in self._charger.outlets:  # 2.x, C16.FR.02
                if connector.transaction is not None:
                    self._charging.end(connector, StopReason.MASTER)
        return {"id_tag": id_tag, "status": info["status"], "id_tag_info": info}

    # -- faults ----------------------------------------------------------------------

    async def inject_fault(
        self, fault_type: str, connector_id: int = 1, evse_id: int | None = None
    ) -> Result:
        connector = self._connector(connector_id)
        if fault_type not in FAULTS:
            raise CommandRejected(f"there is no fault {fault_type!r}")
        if connector.fault:
            raise CommandRejected(
                f"connector {connector_id} already has the fault {connector.fault}"
            )
        if fault_type in WARNINGS and connector.vehicle is None:
            raise CommandRejected(f"connector {connector_id} has no EV")
        connector.set_fault(fault_type)
        if connector.transaction is not None and connector.is_faulted:
            self._charging.end(connector, StopReason.FAULT)
        await self._told(connector)
        return _fault_result("Fault injected", fault_type, connector)

    async def clear_fault(
        self, connector_id: int = 1, evse_id: int | None = None
    ) -> Result:
        connector = self._connector(connector_id)
        fault = connector.fault
        if not fault:
            raise CommandRejected(f"connector {connector_id} has no fault")
        connector.set_fault("")
        await self._told(connector)
        return _fault_result("Fault cleared", fault, connector)

    # -- cable and EV ----------------------------------------------------------------

    async def plug_connector(
        self, connector_id: int = 1, evse_id: int | None = None
    ) -> Result:
        connector = self._connector(connector_id)
        self._require_usable(connector)
        if connector.vehicle is not None:
            raise CommandRejected(f"connector {connector_id} has a cable in already")
        self._charging.plug(connector)
        await self._told(connector)
        return _status_result(connector)

    async def unplug_connector(
        self, connector_id: int = 1, evse_id: int | None = None
    ) -> Result:
        connector = self._connector(connector_id)
        if connector.is_locked:
            raise CommandRejected(f"the cable of connector {connector_id} is locked")
        if connector.vehicle is None:
            raise CommandRejected(f"connector {connector_id} has no cable in")
        stopped = self._charging.unplug(connector)
        ended = await self._confirmed(stopped)
        await self._told(connector)
        return {**_status_result(connector), **ended}

    async def unlock_connector(
        self, connector_id: int = 1, evse_id: int | None = None
    ) -> Result:
        connector = self._connector(connector_id)
        if connector.fault == "ConnectorLockFailure":
            raise CommandRejected(
                f"the lock of connector {connector_id} is stuck",
                {"status": "UnlockFailed", "connector_id": connector_id},
            )
        await self._confirmed(self._charging.unlock(connector))
        await self._told(connector)
        return {"status": "Unlocked", "connector_id": connector_id}

    async def ev_requests_energy(
        self, connector_id: int = 1, evse_id: int | None = None
    ) -> Result:
        return await self._want_energy(connector_id, True)

    async def ev_stops_energy(
        self, connector_id: int = 1, evse_id: int | None = None
    ) -> Result:
        return await self._want_energy(connector_id, False)

    async def _want_energy(self, connector_id: int, wanted: bool) -> Result:
        connector = self._connector(connector_id)
        if connector.transaction is None:
            raise CommandRejected(f"connector {connector_id} has no transaction")
        if connector.vehicle is None:
            raise CommandRejected(f"connector {connector_id} has no EV")
        connector.want_energy(wanted)
        await self._told(connector)
        return _status_result(connector)

    async def power_update(
        self, power_w: float, connector_id: int = 1, evse_id: int | None = None
    ) -> Result:
        connector = self._connector(connector_id)
        connector.limit_power(power_w)
        self._charger.power.apply()
        self._protocol.limited(connector)
        effective = connector.offered_w
        await self._told(connector)
        whole = int(effective) if effective == int(effective) else effective
        return {"connector_id": connector_id, "power_w": whole}

    # -- transactions ----------------------------------------------------------------

    async def start_transaction(
        self, id_tag: str, connector_id: int = 1, evse_id: int | None = None
    ) -> Result:
        self._require_name(id_tag)
        connector = self._connector(connector_id)
        self._require_startable(connector)
        if connector.vehicle is None:
            raise CommandRejected(f"connector {connector_id} has no cable in")
        if not self._charger.is_online:
            await self._authorize(id_tag)
        await self._admit(connector, id_tag)
        parent = self._authorizer.parent_of(id_tag)
        message = self._charging.start(connector, id_tag, parent=parent)
        return await self._started(connector, id_tag, message)

    async def stop_transaction(self, transaction_id: str | None = None) -> Result:
        connector = self._find(transaction_id)
        message = self._charging.end(connector, StopReason.LOCAL)
        stopped = _stop_result(connector)
        ended = await self._confirmed(message)
        await self._told(connector)
        return {**ended, **stopped}

    async def start_session(
        self,
        id_tag: str,
        connector_id: int = 1,
        duration_seconds: int | None = None,
        target_energy_kwh: float | None = None,
        evse_id: int | None = None,
    ) -> Result:
        self._require_name(id_tag)
        connector = self._connector(connector_id)
        self._require_startable(connector)
        plugs = connector.vehicle is None
        if plugs:
            self._charging.plug(connector)
        try:
            if self._charger.is_online:
                await self._told(connector)
            info = await self._authorize(id_tag)
            await self._admit(connector, id_tag, info)
        except (Exception, asyncio.CancelledError) as problem:
            if plugs and connector.transaction is None:
                self._charging.unplug(connector)
                self._charger.report_soon(connector)
            if isinstance(problem, CommandRejected) and self._charger.is_online:
                await self._told(connector)
            raise
        energy_wh = None if target_energy_kwh is None else target_energy_kwh * 1000
        message = self._charging.start(
            connector,
            id_tag,
            duration_s=duration_seconds,
            energy_wh=energy_wh,
            is_session=True,
            parent=info.get("parentIdTag"),
        )
        return await self._started(connector, id_tag, message)

    async def stop_session(
        self, connector_id: int | None = None, evse_id: int | None = None
    ) -> Result:
        connector = (
            self._find(None) if connector_id is None else self._connector(connector_id)
        )
        transaction = connector.transaction
        if transaction is None:
            raise CommandRejected(f"connector {connector_id} has no transaction")
        message = self._charging.end_session(connector)
        stopped = _stop_result(connector)
        ended = await self._confirmed(message)
        await self._charging.departed(connector)
        return {
            **ended,
            **stopped,
            "energy_wh": stopped["meter_stop_wh"] - transaction.meter_start_wh,
            **_status_result(connector),
        }

    # -- helpers ---------------------------------------------------------------------

    def _connector(self, number: int) -> Connector:
        if not 1 <= number <= len(self._charger.outlets):
            raise CommandRejected(f"the charger has no connector {number}")
        return self._charger.connectors[number]

    def _find(self, transaction_id: str | None) -> Connector:
        """Where that transaction runs; without an id, the first running one."""
        for connector in self._charger.outlets:
            transaction = connector.transaction
            if transaction is not None and (
                transaction_id is None or _is_id(transaction_id, transaction.id)
            ):
                return connector
        named = "" if transaction_id is None else f" {transaction_id}"
        raise CommandRejected(f"the charger has no running transaction{named}")

    def _require_name(self, id_tag: str) -> None:
        if not self._protocol.can_name(id_tag):
            raise CommandRejected(
                f"the id tag is too long for {self._charger.spec.version.value}"
            )

    def _require_usable(self, connector: Connector) -> None:
        if connector.is_faulted:
            raise CommandRejected(
                f"connector {connector.number} is Faulted ({connector.fault})"
            )
        if not connector.is_operative or connector.is_blocked:
            raise CommandRejected(f"connector {connector.number} is Unavailable")

    def _require_startable(self, connector: Connector) -> None:
        self._require_usable(connector)
        if connector.transaction is not None:
            raise CommandRejected(
                f"connector {connector.number} already has a running transaction"
            )

    async def _admit(
        self, connector: Connector, id_tag: str, info: TagInfo | None = None
    ) -> None:
        """Let the id tag start there, unless a reservation keeps it off."""
        parent = (info or {}).get("parentIdTag")
        if not await self._authorizer.admits(connector, id_tag, parent):
            raise CommandRejected(
                f"connector {connector.number} is reserved for another id tag"
            )
        await self._charging.prepare(connector)
        self._require_startable(connector)

    async def _told(self, connector: Connector) -> None:
        """Go on once the CSMS knows the connector's status."""
        self._charger.flash.touch()
        self._charging.wake()
        await self._charger.report(connector)

    async def _answered(self, message: Message) -> Result:
        """The CSMS's answer to a transaction message, across losses of the link."""
        outcome = await message.outcome()
        if isinstance(outcome, OCPPError):
            raise CommandRejected(f"the CSMS refused {message.action}: {outcome}")
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def _confirmed(self, message: Message | None) -> Result:
        """What to say of a transaction that ended, once the CSMS knows."""
        if message is None:
            return {}
        answer = await self._answered(message)
        return {"transaction_id": self._protocol.transaction_id(message, answer)}

    async def _ask_csms(self, id_tag: str) -> TagInfo:
        try:
            return await self._authorizer.ask_csms(id_tag)
        except OCPPError as error:
            raise CommandRejected(f"the CSMS refused Authorize: {error}") from None

    async def _authorize(self, id_tag: str) -> TagInfo:
        try:
            info = await self._authorizer.authorize(id_tag)
        except OCPPError as error:
            raise CommandRejected(f"the CSMS refused Authorize: {error}") from None
        if info.get("status") != "Accepted":
            raise _refused(id_tag, info)
        return info

    async def _started(
        self, connector: Connector, id_tag: str, message: Message | None
    ) -> Result:
        transaction_id, info = None, {"status": "Accepted"}
        if message is not None:
            answer = await self._answered(message)
            transaction_id = self._protocol.transaction_id(message, answer)
            info = self._protocol.verdict(answer)
        await self._told(connector)
        if info.get("status") != "Accepted":
            await self._charging.departed(connector)
            raise _refused(id_tag, info)
        return {
            "transaction_id": transaction_id,
            "connector_id": connector.number,
            "id_tag": id_tag,
            "status": info["status"],
        }


def _is_id(text: str, transaction_id: int | str | None) -> bool:
    if isinstance(transaction_id, int):
        return text.isascii() and text.isdigit() and int(text) == transaction_id
    return text == transaction_id


def _refused(id_tag: str, info: TagInfo) -> CommandRejected:
    status = info.get("status", "")
    meaning = f" ({MEANINGS[status]})" if status in MEANINGS else ""
    return CommandRejected(
        f"the CSMS answered {status} for this id tag{meaning}",
        {"id_tag": id_tag, "status": status, "id_tag_info": info},
    )


def _status_result(connector: Connector) -> Result:
    return {"connector_id": connector.number, "status": connector.status.value}


def _stop_result(connector: Connector) -> Result:
    """Of a transaction that has just ended there."""
    return {
        "meter_stop_wh": connector.energy_wh,
        "reason": StopReason.LOCAL.value,
    }


def _fault_result(msg: str, fault: str, connector: Connector) -> Result:
    return {
        "msg": msg,
        "fault_type": fault,
        "evse_id": connector.number,
        "connector_id": connector.number,
        "status": connector.status.value,
    }


def _tag_info(entry: dict[str, Any]) -> TagInfo:
    """The idTagInfo of an entry of the operator's list."""
    info: TagInfo = {"status": "Accepted"}
    if entry.get("expiry_date"):
        info["expiryDate"] = str(entry["expiry_date"])
    if entry.get("parent_id_tag"):
        info["parentIdTag"] = entry["parent_id_tag"]
    return info


def _camel_case_keys(value: Any) -> Any:
    """Every key in it as OCPP spells it: ``id_tag`` becomes ``idTag``."""
    if isinstance(value, dict):
        return {_camel_case(key): _camel_case_keys(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_camel_case_keys(item) for item in value]
    return value


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)
