"""RQ jobs of what every app shares."""

from . import audit, idempotency


def delete_old_idempotency_keys() -> None:
    idempotency.delete_old_keys()


def delete_old_audit_entries() -> None:
    audit.delete_old_entries()
