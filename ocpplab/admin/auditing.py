"""What is done in the admin is recorded: in the history of each object, as Django does,
and in the audit log."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.utils import model_ngettext
from django.db.models import QuerySet
from django.http import HttpRequest

from ocpplab import audit
from ocpplab.models import Organization


class AuditedAdmin(admin.ModelAdmin):
    """Records every addition, change, deletion and action."""

    def organization_id_of(self, obj: Any) -> int | None:
        """The organization of an object; None while it has none."""
        return None

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._record(request, "added", obj)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        entry = super().log_change(request, obj, message)
        if message:
            self._record(request, "changed", obj, entry.get_change_message())
        return entry

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        rows = list(queryset)
        self.record_many(request, "deleted", rows)
        return super().log_deletions(request, queryset)

    def log_action_on(
        self, request: HttpRequest, rows: QuerySet[Any], action: str
    ) -> None:
        """Note in the history of each row, and once in the audit log, what was done."""
        found = list(rows)
        LogEntry.objects.log_actions(
            user_id=request.user.pk or 0,
            queryset=found,
            action_flag=CHANGE,
            change_message=action.capitalize() + ".",
        )
        self.record_many(request, action, found)

    def record_many(self, request: HttpRequest, action: str, rows: list[Any]) -> None:
        """One entry for an organization, naming the first of its rows."""
        by_owner: dict[int | None, list[Any]] = {}
        for row in rows:
            by_owner.setdefault(self.organization_id_of(row), []).append(row)
        for owner, some in by_owner.items():
            if len(some) == 1:
                self._record(request, action, some[0])
                continue
            audit.record_of_person(
                request,
                action,
                subject=f"{len(some)} {model_ngettext(self.opts, len(some))}",
                detail=audit.listed(some),
                organization_id=owner,
            )

    def _record(
        self, request: HttpRequest, action: str, obj: Any, detail: str = ""
    ) -> None:
        # An organization that is deleted is none to refer to.
        is_gone = action == "deleted" and isinstance(obj, Organization)
        audit.record_of_person(
            request,
            action,
            subject=f"{self.opts.verbose_name} {obj}",
            detail=detail,
            organization_id=None if is_gone else self.organization_id_of(obj),
        )
