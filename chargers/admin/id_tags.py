"""Id tags, one by one or many from a CSV file."""

from datetime import datetime, time
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import model_ngettext
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from chargers.models import IdTag
from chargers.services import id_tags
from ocpplab.access import access_of
from ocpplab.admin import OrganizationScopedAdmin, ScopedRelatedFilter
from ocpplab.admin.importing import ImportForm, ImportsRows, Row
from ocpplab.models import Organization

YES = ("1", "true", "yes", "y", "x")
NO = ("", "0", "false", "no", "n")


class ManyIdTagsForm(ImportForm):
    required_columns = ("id_tag",)
    optional_columns = (
        "type",
        "parent_id_tag",
        "blocked",
        "expires_at",
        "allows_concurrent",
    )

    organization = forms.ModelChoiceField(Organization.objects.none())

    def __init__(self, request: Any, *args: Any) -> None:
        super().__init__(request, *args)
        mine = self.access.scope(Organization.objects.all(), "pk", to_change=True)
        field: Any = self.fields["organization"]
        field.queryset = mine
        if len(only := list(mine[:2])) == 1:
            field.initial = only[0].pk
        self.fields["file"].help_text = (
            "With a header: id_tag, and any of type, parent_id_tag, blocked, "
            "expires_at, allows_concurrent. Id tags that exist are changed to what the "
            "row says."
        )

    def parts(self) -> list[tuple[str, list[str]]]:
        return [("Id tags", ["organization", "file", "rows"])]

    def check_rows(self, given: list[dict[str, str]]) -> list[Row]:
        owner = self.cleaned_data["organization"]
        known = id_tags.find_id_tags(
            id_tags.Presented(owner.pk, row.get("id_tag", "")) for row in given
        )
        seen: set[tuple[int, str]] = set()
        rows = []
        self.tags: list[IdTag] = []
        for number, record in enumerate(given, 1):
            cells = {name: record.get(name, "") for name in self.columns}
            row = Row(number, cells)
            key = id_tags.Presented(owner.pk, cells["id_tag"]).key
            row.note = "changed" if key in known else "new"
            try:
                tag = _id_tag(owner, cells)
                row.error = id_tags.fault_of(tag)
                if key in seen:
                    row.error = "The file has this id tag twice."
                self.tags.append(tag)
            except ValueError as error:
                row.error = str(error)
            seen.add(key)
            rows.append(row)
        return rows

    def make(self) -> tuple[str, str]:
        id_tags.save_id_tags(self.tags)
        said = f"{len(self.tags)} {model_ngettext(IdTag._meta, len(self.tags))} stored."
        return reverse("admin:chargers_idtag_changelist"), said


def _id_tag(organization: Organization, cells: dict[str, str]) -> IdTag:
    """A row's id tag; ValueError says what cannot be read."""
    return IdTag(
        organization=organization,
        id_tag=cells["id_tag"],
        type=cells["type"],
        parent_id_tag=cells["parent_id_tag"],
        is_blocked=_yes_or_no("blocked", cells),
        expires_at=_moment(cells["expires_at"]),
        allows_concurrent=_yes_or_no("allows_concurrent", cells),
    )


def _yes_or_no(name: str, cells: dict[str, str]) -> bool:
    word = cells[name].lower()
    if word not in YES + NO:
        raise ValueError(f"{name}: yes or no.")
    return word in YES


def _moment(text: str) -> datetime | None:
    """A time; a date is its end."""
    if not text:
        return None
    try:
        day = parse_date(text)
        found = datetime.combine(day, time(23, 59, 59)) if day else parse_datetime(text)
        if found is None:
            raise ValueError
        return timezone.make_aware(found) if timezone.is_naive(found) else found
    except (ValueError, OverflowError):
        raise ValueError("expires_at: a time such as 2030-12-31T23:59:59Z.") from None


@admin.register(IdTag)
class IdTagAdmin(ImportsRows, OrganizationScopedAdmin):
    menu = ("Operations", 6)
    import_form = ManyIdTagsForm
    import_title = "Import id tags"
    import_lead = "Id tags from a CSV file. Each row is shown before any is stored."
    empty_list = "Add one, or import many from a CSV file."
    list_display = [
        "id_tag",
        "parent_id_tag",
        "organization",
        "is_blocked",
        "expires_at",
        "allows_concurrent",
    ]
    list_filter = [("organization", ScopedRelatedFilter), "is_blocked"]
    list_select_related = ["organization"]
    search_fields = ["id_tag", "parent_id_tag"]
    actions = ["block", "unblock"]
    export_columns = {
        "id_tag": "id_tag",
        "type": "type",
        "parent_id_tag": "parent_id_tag",
        "blocked": "is_blocked",
        "expires_at": "expires_at",
        "allows_concurrent": "allows_concurrent",
        "organization": "organization.slug",
    }

    @admin.action(description="Block", permissions=["change"])
    def block(self, request: HttpRequest, tags: QuerySet[IdTag]) -> None:
        self._set_blocked(request, tags, True)

    @admin.action(description="Unblock", permissions=["change"])
    def unblock(self, request: HttpRequest, tags: QuerySet[IdTag]) -> None:
        self._set_blocked(request, tags, False)

    def _set_blocked(
        self, request: HttpRequest, tags: QuerySet[IdTag], is_blocked: bool
    ) -> None:
        mine = access_of(request).scope(tags, "organization", to_change=True)
        done = "blocked" if is_blocked else "unblocked"
        self.log_action_on(request, mine, done)
        count = mine.update(is_blocked=is_blocked)
        messages.success(request, f"{count} {model_ngettext(tags, count)} {done}.")
