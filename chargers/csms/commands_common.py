"""What commands to physical chargers have in common, whatever the OCPP version.

Each becomes CALLs of ours. There is one function per command and version,
named like the virtual charger's method; each returns the command's result, the same in
all versions, or raises CommandRejected with the charger's answer.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from channels.db import database_sync_to_async

from chargers import services
from chargers.choices import CurrentType
from chargers.models import Charger, Transaction
from chargers.ocpp.errors import CommandRejected

Payload = dict[str, Any]
Call = Callable[[str, Payload], Awaitable[Payload]]
Command = Callable[..., Awaitable[Payload]]
Commands = Mapping[str, Command]  # by slug

VOLTAGE = 230  # V, of a phase
TAKEN = ("Accepted", "RebootRequired")  # of a setting


async def perform(
    commands: Commands, call: Call, charger: Charger, command: str, event: Payload
) -> Payload:
    """Carry a command out; ``call`` sends a CALL to the charger and awaits its answer."""
    function = commands.get(command)
    if function is None:
        raise CommandRejected(f"A physical charger cannot be told {command}.")
    return await function(call, charger, **event)


def expect(status: str, answer: Payload, action: str) -> None:
    """Go on only where the charger answered so; CommandRejected says what else it did."""
    if answer["status"] == status:
        return
    said = f"The charger answered {action} with {answer['status']}"
    why = explained(answer.get("statusInfo"))
    raise CommandRejected(f"{said}: {why}" if why else f"{said}.", answer)


def explained(status_info: Payload | None) -> str:
    """What a ``statusInfo`` of 2.x says, in words or else by its code."""
    info = status_info or {}
    return str(info.get("additionalInfo") or info.get("reasonCode", ""))


def within_rating(charger: Charger, power_w: int) -> int:
    """A power limit, no higher than what a connector gives, where that is known."""
    return min(power_w, charger.max_power_w) if charger.model else power_w


def phases_of(charger: Charger) -> int:
    """How many phases its current counts for."""
    model = charger.model
    return model.phases if model and model.current_type == CurrentType.AC else 3


def power_limit(charger: Charger, power_w: int, *, in_watts: bool) -> Payload:
    """A charging schedule with one limit: in A of each phase where W is not taken."""
    if in_watts:
        period: Payload = {"startPeriod": 0, "limit": power_w}
        return {"chargingRateUnit": "W", "chargingSchedulePeriod": [period]}
    phases = phases_of(charger)
    tenths = power_w * 10 // (VOLTAGE * phases)
    period = {"startPeriod": 0, "limit": tenths / 10, "numberPhases": phases}
    return {"chargingRateUnit": "A", "chargingSchedulePeriod": [period]}


def configuration_result(
    answers: Mapping[str, str], reasons: Mapping[str, str] | None = None
) -> Payload:
    """The result of a configuration, of what each key was answered, and why if told."""
    refused = {key: answer for key, answer in answers.items() if answer not in TAKEN}
    if refused:
        status = "Rejected"
        why = {key: f" ({text})" for key, text in (reasons or {}).items() if text}
        told = (f"{key}: {answer}{why.get(key, '')}" for key, answer in refused.items())
        msg = f"Refused: {', '.join(told)}"
    elif "RebootRequired" in answers.values():
        status, msg = "RebootRequired", "Takes effect after a reboot."
    else:
        status, msg = "Accepted", "Configuration changed"
    configured = [key for key in answers if key not in refused]
    return {"status": status, "configured": configured, "msg": msg}


async def find_running(
    charger: Charger,
    transaction_id: str | None = None,
    connector_id: int | None = None,
) -> Transaction | None:
    """The running transaction with this id, or on this connector, or the first."""
    return await database_sync_to_async(services.open_transaction)(
        charger, transaction_id=transaction_id, evse_id=connector_id
    )


async def running_id(charger: Charger, connector_id: int | None = None) -> str:
    """The OCPP id of the transaction that runs; CommandRejected when none does."""
    running = await find_running(charger, connector_id=connector_id)
    if running is None:
        raise CommandRejected("No transaction is running.")
    return running.transaction_id


# --- The same in all versions ---------------------------------------------------------


async def cache_reset(call: Call, charger: Charger) -> Payload:
    expect("Accepted", await call("ClearCache", {}), "ClearCache")
    # OCPP does not tell how many entries there were.
    return {"msg": "Authorization cache cleared", "cleared_entries": 0}


def session_commands(start_transaction: Command, stop_transaction: Command) -> Commands:
    """Those of sessions, which to a physical charger are transactions."""

    async def start_session(
        call: Call,
        charger: Charger,
        id_tag: str,
        connector_id: int = 1,
        duration_seconds: int | None = None,
        target_energy_kwh: float | None = None,
    ) -> Payload:
        """The limits are watched by the portal (commands.services)."""
        return await start_transaction(call, charger, id_tag, connector_id)

    async def stop_session(
        call: Call, charger: Charger, connector_id: int | None = None
    ) -> Payload:
        transaction_id = await running_id(charger, connector_id)
        return await stop_transaction(call, charger, transaction_id)

    return {"start-session": start_session, "stop-session": stop_session}
