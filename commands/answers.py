"""What the API and the command line say of commands just sent (contract, 4.5)."""

from typing import Any

from chargers.ocpp.versions import Version

from .models import Command
from .services import Submission


def queued(command: Command) -> dict[str, Any]:
    """A QueuedCommandResponse: the event as it was given, under the command's id."""
    event = command.event
    return {
        "id": command.command_id,
        "event_type": command.event_type,
        "ocpp_version": Version.from_label(command.charger.ocpp_version).value,
        "payload": event["payload"] if command.slug == "proxy-message" else event,
    }


def fan_out(submission: Submission) -> dict[str, Any]:
    """A LocationCommandResponse."""
    return {
        "targeted_count": submission.targeted_count,
        "queued_count": len(submission.commands),
        "failed_count": len(submission.failed),
        "results": [
            {
                "charger_id": command.charger_id,
                "identity": command.charger.identity,
                "command": queued(command),
            }
            for command in submission.commands
        ],
        "failed": [
            {"identity": failure.identity, "error": failure.error}
            for failure in submission.failed
        ],
    }


def ending(command: Command) -> str:
    """Why a command that was waited for has not been applied, in one sentence."""
    if not command.is_final:
        return f"Command {command.command_id} is not finished: it may yet take effect."
    return f"Command {command.command_id} {command.status}: {command.detail}"
