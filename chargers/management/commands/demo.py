"""``manage.py demo``: makes the demo organization."""

from typing import Any

from django.core.management.base import BaseCommand

from chargers.demo import create_demo


class Command(BaseCommand):
    help = "Makes the demo organization with its chargers, unless it was made before."

    def handle(self, *args: Any, **options: Any) -> None:
        if create_demo():
            self.stdout.write("The demo organization is made.")
        else:
            self.stdout.write("The demo organization exists already.")
