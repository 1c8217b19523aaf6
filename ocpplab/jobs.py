"""RQ jobs of what every app shares."""

from . import idempotency


def delete_old_idempotency_keys() -> None:
    idempotency.delete_old_keys()
