"""RQ jobs: one more door to the services."""

from collections.abc import Sequence

from . import services


def deliver_commands(ids: Sequence[int]) -> None:
    services.deliver_commands(ids)


def sweep_commands() -> None:
    services.sweep_commands()


def stop_due_sessions() -> None:
    services.stop_due_sessions()


def delete_old_commands() -> None:
    services.delete_old_commands()
