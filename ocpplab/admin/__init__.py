"""The admin's base classes, and the admin of organizations, people and tokens.

Who sees and may do what follows from memberships alone (``access``), not from Django's
permission table.
"""

from django.contrib import admin
from django.contrib.auth.models import Group

from . import accounts, audit_log, queues, tokens
from .auditing import AuditedAdmin
from .lists import (
    CappedPaginator,
    DateRangeFilter,
    ScopedRelatedFilter,
    ValuesFilter,
    choice_filter,
    moment,
)
from .scoped import OrganizationScopedAdmin, RecordAdmin

__all__ = [
    "AuditedAdmin",
    "CappedPaginator",
    "DateRangeFilter",
    "OrganizationScopedAdmin",
    "RecordAdmin",
    "ScopedRelatedFilter",
    "ValuesFilter",
    "accounts",
    "audit_log",
    "choice_filter",
    "moment",
    "queues",
    "tokens",
]

# Roles come from memberships: there are no groups.
admin.site.unregister(Group)
