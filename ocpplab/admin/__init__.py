"""The admin's base classes, and the admin of organizations, people and tokens.

Who sees and may do what follows from memberships alone (``access``), not from Django's
permission table.
"""

from django.contrib import admin
from django.contrib.auth.models import Group

from . import accounts, queues, tokens
from .lists import (
    CappedPaginator,
    DateRangeFilter,
    ScopedRelatedFilter,
    choice_filter,
    moment,
)
from .scoped import OrganizationScopedAdmin, RecordAdmin

__all__ = [
    "CappedPaginator",
    "DateRangeFilter",
    "OrganizationScopedAdmin",
    "RecordAdmin",
    "ScopedRelatedFilter",
    "accounts",
    "choice_filter",
    "moment",
    "queues",
    "tokens",
]

admin.site.site_header = "OCPPLAB Portal"
admin.site.site_title = "OCPPLAB Portal"
admin.site.index_title = "Operations"
admin.site.enable_nav_sidebar = True
# Roles come from memberships: there are no groups.
admin.site.unregister(Group)
