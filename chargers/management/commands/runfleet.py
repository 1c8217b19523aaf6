"""``manage.py runfleet``: one fleet process."""

import asyncio
import contextlib
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from chargers.fleet import Fleet
from ocpplab.garbage import collect_less


class Command(BaseCommand):
    help = "Run virtual chargers until interrupted."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--capacity",
            type=int,
            default=settings.FLEET_CAPACITY,
            help="virtual chargers at most (default %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        collect_less()
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_run(options["capacity"]))


async def _run(capacity: int) -> None:
    fleet = Fleet(capacity)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, fleet.stop)
    await fleet.run()


def _loop_factory() -> Any:
    """uvloop where there is one."""
    with contextlib.suppress(ImportError):
        import uvloop

        return uvloop.new_event_loop
    return None
