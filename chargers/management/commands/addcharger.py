"""``manage.py addcharger``: registers one charger and prints its id."""

import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chargers.choices import (
    BootPolicy,
    ChargerKind,
    OCPPVersion,
    SecurityProfile,
)
from chargers.errors import ChargerError
from chargers.models import ChargerModel, Location
from chargers.services import register_charger
from ocpplab.audit import record_of_shell
from ocpplab.models import Organization


class Command(BaseCommand):
    help = "Register a charger and print its id."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("identity", help="its OCPP identity")
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument(
            "--physical",
            action="store_true",
            help="it dials our endpoint; otherwise the fleet runs it",
        )
        parser.add_argument("--password", default="", help="for Basic authentication")
        parser.add_argument("--location", metavar="ID_OR_SLUG")
        parser.add_argument("--model", metavar="BRAND/MODEL", help="from the catalog")
        parser.add_argument("--connectors", type=int, metavar="N")
        parser.add_argument("--name", default="")
        parser.add_argument(
            "--ws-url", default="", help="the CSMS to dial; default: our endpoint"
        )
        parser.add_argument(
            "--ocpp-version", default=OCPPVersion.V16, choices=OCPPVersion.values
        )

        parser.add_argument(
            "--security-profile",
            type=int,
            default=SecurityProfile.UNSECURED,
            choices=SecurityProfile.values,
            help="the least that its connection to our endpoint must offer",
        )
        parser.add_argument(
            "--boot",
            default=BootPolicy.ACCEPTED,
            choices=BootPolicy.values,
            help="what its BootNotification is answered (default: Accepted)",
        )
        parser.add_argument(
            "--boot-interval",
            type=int,
            default=0,
            metavar="SECONDS",
            help="answered with it (default: that of the portal)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        organization = Organization.objects.filter(slug=options["organization"]).first()
        if organization is None:
            raise CommandError(f"There is no organization {options['organization']}.")
        kind = ChargerKind.PHYSICAL if options["physical"] else ChargerKind.VIRTUAL
        try:
            charger = register_charger(
                organization=organization,
                identity=options["identity"],
                kind=kind,
                model=_find_model(options["model"]),
                location=_find_location(organization, options["location"]),
                name=options["name"],
                ocpp_version=options["ocpp_version"],
                ws_url=options["ws_url"],
                password=options["password"],
                connector_count=options["connectors"],
                security_profile=options["security_profile"],
                boot_policy=options["boot"],
                boot_interval=options["boot_interval"],
            )
        except ChargerError as error:
            raise CommandError(str(error)) from None
        record_of_shell(
            "added", subject=f"charger {charger}", organization=organization
        )
        self.stdout.write(charger.pk)


def _find_model(path: str | None) -> ChargerModel | None:
    if path is None:
        return None
    brand, _, slug = path.partition("/")
    model = ChargerModel.objects.filter(brand__slug=brand, slug=slug).first()
    if model is None:
        raise CommandError(f"The catalog has no model {path}.")
    return model


def _find_location(organization: Organization, named: str | None) -> Location | None:
    if named is None:
        return None
    try:
        key: dict[str, Any] = {"pk": uuid.UUID(named)}
    except ValueError:
        key = {"slug": named}
    location = Location.objects.filter(organization=organization, **key).first()
    if location is None:
        raise CommandError(f"There is no location {named} in {organization.slug}.")
    return location
