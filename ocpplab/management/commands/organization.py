"""``manage.py organization SLUG``: makes an organization."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from ocpplab.audit import record_of_shell
from ocpplab.models import Organization
from ocpplab.services import ensure_organization


class Command(BaseCommand):
    help = "Makes an organization, unless it exists, and prints its slug."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="part of its chargers' WebSocket URL")
        parser.add_argument("--name", default="", help="as people read it")

    def handle(self, *args: Any, slug: str, name: str, **options: Any) -> None:
        is_new = not Organization.objects.filter(slug=slug).exists()
        try:
            organization = ensure_organization(slug=slug, name=name)
        except ValidationError as error:
            raise CommandError(f"{slug!r}: {' '.join(error.messages)}") from None
        if is_new:
            record_of_shell(
                "added",
                subject=f"organization {organization}",
                organization=organization,
            )
        self.stdout.write(organization.slug)
