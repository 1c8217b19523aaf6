"""The audit log: of an organization for its admins, of everything for superusers."""

from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from ocpplab.access import access_of
from ocpplab.html import badge
from ocpplab.models import AuditEntry, Membership

from .lists import DateRangeFilter, ScopedRelatedFilter, moment
from .scoped import RecordAdmin


@admin.register(AuditEntry)
class AuditEntryAdmin(RecordAdmin):
    menu = ("Administration", 5)
    list_display = [
        moment("at", "Time"),
        "who",
        "door",
        "action",
        "subject",
        "result",
        "detail",
        "address",
    ]
    list_filter = [
        ("at", DateRangeFilter),
        "door",
        "is_done",
        ("organization", ScopedRelatedFilter),
    ]
    search_fields = ["who", "action", "subject", "=address"]
    search_help_text = (
        "Who, what or where. Commands to chargers are listed under Commands, with who "
        "sent each, by which door, and how it ended."
    )
    export_columns = {
        "at": "at",
        "organization": "organization.slug",
        "door": "door",
        "who": "who",
        "address": "address",
        "action": "action",
        "subject": "subject",
        "done": "is_done",
        "detail": "detail",
    }
    export_related = ("organization",)

    def has_view_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Whether an entry is theirs says the queryset: some have no organization."""
        return access_of(request).may_change()

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        """What was done in the organizations that the person is an admin of; and what
        their members did in none, such as signing in."""
        entries = admin.ModelAdmin.get_queryset(self, request)
        access = access_of(request)
        if access.is_superuser:
            return entries
        members = access.scope(Membership.objects.all(), "organization", to_change=True)
        ids = [pk for pk, role in access.roles.items() if role.may_change]
        return entries.filter(
            Q(organization__in=ids)
            | Q(organization=None, user__in=members.values("user"))
        )

    @admin.display(description="Result", ordering="is_done")
    def result(self, entry: AuditEntry) -> SafeString:
        return badge("done", "good") if entry.is_done else badge("refused", "bad")
