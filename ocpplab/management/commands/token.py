"""``manage.py token ORGANIZATION``: makes an API token."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from ocpplab.audit import record_of_shell
from ocpplab.models import Organization, Role
from ocpplab.services import create_token


class Command(BaseCommand):
    help = "Makes an API token and prints it, once, alone on standard output."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", nargs="?", help="its slug")
        parser.add_argument("--name", default="", help="what the token is for")
        parser.add_argument(
            "--admin",
            action="store_true",
            help="an admin token, which names an organization in each request",
        )
        parser.add_argument("--role", choices=Role.values, default=Role.ADMIN)
        parser.add_argument("--expires-days", type=int, metavar="N")

    def handle(self, *args: Any, **options: Any) -> None:
        days = options["expires_days"]
        if days is not None and days < 1:
            raise CommandError("--expires-days must be at least 1.")
        owner = None if options["admin"] else _find(options["organization"])
        token, secret = create_token(
            organization=owner,
            name=options["name"],
            role=options["role"],
            expires_at=timezone.now() + timedelta(days=days) if days else None,
        )
        record_of_shell("added", subject=f"API token {token}", organization=owner)
        self.stdout.write(secret)


def _find(slug: str | None) -> Organization:
    if slug is None:
        raise CommandError("Name an organization, or give --admin.")
    organization = Organization.objects.filter(slug=slug).first()
    if organization is None:
        raise CommandError(f"There is no organization {slug!r}.")
    return organization
