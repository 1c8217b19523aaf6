"""``manage.py demo``: makes the demo organization."""

from typing import Any

from django.core.management.base import BaseCommand

from chargers.demo import create_demo


class Command(BaseCommand):
    help = "Makes the demo organization with its chargers, unless it was made before."

    def handle(self, *args: Any, **options: Any) -> None:
        was_made = create_demo()
        if options["verbosity"] > 0:
            state = "is made" if was_made else "exists already"
            self.stdout.write(f"The demo organization {state}.")
