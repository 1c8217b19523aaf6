"""``manage.py request``: one OCPP request to a connected charger, and its answer."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q

from chargers.choices import Origin
from chargers.errors import ChargerError
from chargers.models import Charger
from chargers.requests import send_request
from ocpplab.audit import shell_user


class Command(BaseCommand):
    help = "Send an OCPP request to a charger on the built-in endpoint."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("charger", help="its id, or its identity where unique")
        parser.add_argument("action", help="such as GetConfiguration")
        parser.add_argument("payload", nargs="?", default="{}", help="JSON object")
        parser.add_argument("--organization", metavar="SLUG")

    def handle(self, *args: Any, **options: Any) -> None:
        charger = _find_charger(options["charger"], options["organization"])
        try:
            payload = json.loads(options["payload"])
        except ValueError:
            raise CommandError("The payload is no JSON.") from None
        if not isinstance(payload, dict):
            raise CommandError("The payload is no JSON object.")
        try:
            answer = send_request(
                charger,
                options["action"],
                payload,
                origin=Origin.CLI,
                asked_by=shell_user(),
            )
        except ChargerError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(json.dumps(answer, indent=2, ensure_ascii=False))


def _find_charger(named: str, organization: str | None) -> Charger:
    found = Charger.objects.filter(Q(pk=named) | Q(identity=named))
    if organization is not None:
        found = found.filter(organization__slug=organization)
    chargers = list(found[:2])
    if not chargers:
        raise CommandError(f"There is no charger {named}.")
    if len(chargers) > 1:
        raise CommandError(f"Several chargers are called {named}: name one by its id.")
    return chargers[0]
