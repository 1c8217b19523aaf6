"""``manage.py send``: the commands at the command line (the tour's step 1)."""

import argparse
import json
import uuid
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from rest_framework import serializers

from chargers.models import Charger, Location
from commands import answers, services
from commands.errors import CommandError as NotAccepted
from commands.errors import TargetNotFound
from commands.models import Command as SentCommand
from commands.models import Origin, Status
from commands.registry import COMMANDS, DEFINITIONS, Definition
from commands.services import Actor, Submission
from commands.targets import Target
from ocpplab.api import problems
from ocpplab.audit import shell_user
from ocpplab.models import Organization
from ocpplab.serializers import ObjectField

USAGE_ERROR = 2


class Command(BaseCommand):
    help = (
        "Send a command to a charger, or to chargers of a location. The exit status is "
        "0 only when all of them accepted it; with --wait, when all have done it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(
            dest="slug", required=True, metavar="COMMAND", title="commands"
        )
        for definition in DEFINITIONS:
            _add_command(commands, definition)

    def handle(self, *args: Any, **options: Any) -> None:
        definition = COMMANDS[options["slug"]]
        is_direct = definition.result is not None
        wait = options["wait"]
        if wait is None and is_direct:
            wait = settings.COMMAND_WAIT
        try:
            organization, target = _find_target(options)
            submission = services.submit_commands(
                organization=organization,
                definition=definition,
                target=target,
                event=_event_of(definition, options),
                actor=Actor(Origin.CLI, shell_user()),
            )
            commands = submission.commands
            if wait is not None and commands:
                commands = services.wait_for_commands(commands, wait)
            if is_direct:
                commands = [c if c.is_final else services.give_up(c) for c in commands]
        except serializers.ValidationError as error:
            raise CommandError(_reasons(error), returncode=USAGE_ERROR) from None
        except (NotAccepted, DatabaseError) as error:
            raise CommandError(str(error)) from None
        self._print(Submission(commands, submission.failed), as_json=options["json"])
        done = [c for c in commands if wait is None or c.status == Status.APPLIED]
        if missed := submission.targeted_count - len(done):
            verb = "accepted" if wait is None else "applied"
            raise CommandError(
                f"{missed} of {submission.targeted_count} chargers have not {verb} it."
            )

    def _print(self, submission: Submission, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(_as_json(submission), indent=2))
            return
        for command in submission.commands:
            self.stdout.write(_line(command))
        for failure in submission.failed:
            self.stderr.write(f"{failure.identity or '-'}  not sent: {failure.error}")


def _line(command: SentCommand) -> str:
    said = command.detail or (json.dumps(command.result) if command.result else "")
    words = (command.charger.identity, command.command_id, command.status, said)
    return "  ".join(word for word in words if word)


def _as_json(submission: Submission) -> dict[str, Any]:
    """The API's answer to a fan-out, with how far each command is."""
    answer = answers.fan_out(submission)
    for item, command in zip(answer["results"], submission.commands, strict=True):
        item |= {
            "status": command.status,
            "detail": command.detail or None,
            "result": command.result,
        }
    return answer


def _reasons(error: serializers.ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
        for problem in problems(error.detail, ("event",), {})
    )


def _find_target(options: dict[str, Any]) -> tuple[Organization, Target]:
    """The charger or location named, in whichever organization it is."""
    if options.get("location_id"):
        place = _find_location(options["location_id"], options["organization"])
        target = Target(location_id=str(place.pk), charger_ids=options["charger_ids"])
        return place.organization, target
    if options.get("charger_ids"):
        raise CommandError(
            "--charger-ids is for --location-id only.", returncode=USAGE_ERROR
        )
    charger = _find_charger(options["charger_id"], options["organization"])
    return charger.organization, Target(charger_id=charger.pk)


def _find_location(location_id: str, organization: str | None) -> Location:
    places = Location.objects.select_related("organization")
    if organization is not None:
        places = places.filter(organization__slug=organization)
    try:
        return places.get(pk=uuid.UUID(location_id))
    except (ValueError, Location.DoesNotExist):
        raise TargetNotFound(f"There is no location {location_id}.") from None


def _find_charger(name: str, organization: str | None) -> Charger:
    """The charger with this id, or else the only one of this identity."""
    chargers = Charger.objects.select_related("organization")
    if organization is not None:
        chargers = chargers.filter(organization__slug=organization)
    if found := chargers.filter(pk=name).first():
        return found
    named = list(chargers.filter(identity=name)[:2])
    if not named:
        raise TargetNotFound(f"There is no charger {name}.")
    if len(named) > 1:
        raise TargetNotFound(
            f"Several organizations have a charger {name}: name one, --organization."
        )
    return named[0]


# --- Arguments ------------------------------------------------------------------------


def _add_command(commands: Any, definition: Definition) -> None:
    parser = commands.add_parser(
        definition.slug, help=definition.summary, description=definition.summary
    )
    target = parser.add_argument_group("target")
    one_of = target.add_mutually_exclusive_group(required=True)
    one_of.add_argument(
        "--charger-id", metavar="ID", help="A charger's id or identity."
    )
    if definition.fan_out:
        one_of.add_argument("--location-id", metavar="UUID")
        target.add_argument(
            "--charger-ids",
            metavar="A,B",
            type=lambda text: text.split(","),
            help="Only these chargers of the location.",
        )
    target.add_argument("--organization", metavar="SLUG", help="Look only in this one.")
    event = parser.add_argument_group("event")
    for name, field in definition.event().fields.items():
        event.add_argument(
            f"--{name.replace('_', '-')}",
            required=field.required,
            help=str(field.help_text or "").replace("%", "%%"),
            **_kind_of(field),
        )
    parser.add_argument(
        "--wait",
        nargs="?",
        type=float,
        const=settings.COMMAND_TTL,
        metavar="SECONDS",
        help="Wait until it is done; %(const)s s unless given.",
    )
    parser.add_argument("--json", action="store_true", help="Print JSON.")


def _kind_of(field: serializers.Field) -> dict[str, Any]:
    """How argparse reads an event field."""
    match field:
        case serializers.IntegerField():
            return {"type": int, "metavar": "N"}
        case serializers.FloatField():
            return {"type": float, "metavar": "X"}
        case serializers.ChoiceField():
            return {"choices": list(field.choices)}
        case ObjectField() if isinstance(field.child, serializers.CharField):
            return {"action": Merge, "type": _pairs, "metavar": "KEY=VALUE"}
        case ObjectField() | serializers.ListField():
            return {"type": _json, "metavar": "JSON"}
        case _:
            return {"metavar": "TEXT"}


class Merge(argparse.Action):
    """Objects given one by one become one."""

    def __call__(self, parser: Any, namespace: Any, values: Any, *args: Any) -> None:
        earlier = getattr(namespace, self.dest) or {}
        setattr(namespace, self.dest, {**earlier, **values})


def _pairs(text: str) -> dict[str, Any]:
    """``KEY=VALUE``, or a JSON object of them."""
    if text.startswith("{"):
        return _json(text)
    key, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text} is not KEY=VALUE")
    return {key: value}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"no JSON: {error}") from None


def _event_of(definition: Definition, options: dict[str, Any]) -> dict[str, Any]:
    given = {name: options[name] for name in definition.event().get_fields()}
    return {name: value for name, value in given.items() if value is not None}
