"""Parts of the admin's lists: filters, columns, and a paginator for long tables."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.timezone import localtime

COUNTED_ROWS = 10_000  # a list counts no further: COUNT(*) reads the whole table


class CappedPaginator(Paginator):
    """Counts up to COUNTED_ROWS rows; who looks for older ones filters."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return rows.order_by()[:COUNTED_ROWS].count()


class ScopedRelatedFilter(admin.RelatedFieldListFilter):
    """Offers only what the person may see; hidden when that leaves no choice."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: Any
    ) -> list[tuple[Any, Any]]:
        related = model_admin.admin_site.get_model_admin(field.related_model)
        rows = related.get_queryset(request)
        return [(row.pk, str(row)) for row in rows]

    def has_output(self) -> bool:
        return len(self.lookup_choices) > 1


def choice_filter(
    title: str, parameter_name: str, choices: Iterable[tuple[Any, str]]
) -> type[admin.SimpleListFilter]:
    """A filter by the given values; Django's would look for them in all rows."""

    class ChoiceFilter(admin.SimpleListFilter):
        def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
            return list(choices)

        def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
            return (
                rows.filter(**{parameter_name: value})
                if (value := self.value())
                else rows
            )

    ChoiceFilter.title, ChoiceFilter.parameter_name = title, parameter_name
    return ChoiceFilter


def moment(name: str, description: str) -> Any:
    """A column with a time, to the second."""

    @admin.display(description=description, ordering=name)
    def column(obj: Any) -> str:
        at = getattr(obj, name)
        return date_format(localtime(at), "j M Y H:i:s") if at else ""

    return column
