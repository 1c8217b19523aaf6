"""What commands to physical chargers have in common, whatever the OCPP version.

Each becomes CALLs of ours. There is one function per command and version,
named like the virtual charger's method; each returns the command's result, the same in
all versions, or raises CommandRejected with the charger's answer.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from channels.db import database_sync_to_async

from chargers import services
from chargers.models import Charger, Transaction
from chargers.ocpp.errors import CommandRejected

Payload = dict[str, Any]
Call = Callable[[str, Payload], Awaitable[Payload]]
Commands = Mapping[str, Callable[..., Awaitable[Payload]]]

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
    if answer["status"] != status:
        raise CommandRejected(
            f"The charger answered {action} with {answer['status']}.", answer
        )


def configuration_result(answers: Mapping[str, str]) -> Payload:
    """The result of a configuration, of what each key was answered."""
    refused = {key: answer for key, answer in answers.items() if answer not in TAKEN}
    if refused:
        status = "Rejected"
        reasons = (f"{key}: {answer}" for key, answer in refused.items())
        msg = f"Refused: {', '.join(reasons)}"
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
