"""Parts of the admin's lists: filters, columns, and a paginator for long tables."""

from collections.abc import Iterable, Iterator
from datetime import datetime, time, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
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

    @property
    def is_capped(self) -> bool:
        """Whether there may be more rows than were counted."""
        return self.count >= COUNTED_ROWS


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


class ValuesFilter(admin.AllValuesFieldListFilter):
    """Offers every value that there is; that of rows without one has a name as well."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "display": choice["display"] or "none"}


def choice_filter(
    title: str, parameter_name: str, choices: Iterable[tuple[Any, str]]
) -> type[admin.SimpleListFilter]:
    """A filter by the given values; Django's would look for them in all rows."""

    class ChoiceFilter(admin.SimpleListFilter):
        def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
            return list(choices)

        def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
            if not (value := self.value()):
                return rows
            try:
                return rows.filter(**{parameter_name: value})
            except ValueError as error:
                raise IncorrectLookupParameters(error) from None

    ChoiceFilter.title, ChoiceFilter.parameter_name = title, parameter_name
    return ChoiceFilter


class DateRangeFilter(admin.FieldListFilter):
    """From one moment to another: a form for both, and links for what is asked daily.

    A date without time is the beginning of its day for the first, its end for the last.
    """

    template = "admin/date_range_filter.html"

    def __init__(
        self, field: Any, request: HttpRequest, params: Any, *args: Any, **kwargs: Any
    ) -> None:
        field_path = kwargs.get("field_path") or args[-1]
        self.names = (f"{field_path}_from", f"{field_path}_until")
        super().__init__(field, request, params, *args, **kwargs)
        words = str(self.title).removesuffix(" at")
        self.title = "time" if words in ("at", "timestamp") else words
        used: dict[str, Any] = self.used_parameters
        self.since, self.until = (used.get(name, [""])[-1] for name in self.names)

    def expected_parameters(self) -> list[str | None]:
        return list(self.names)

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        if self.since:
            rows = rows.filter(**{f"{self.field_path}__gte": _moment_of(self.since)})
        if self.until:
            end = _moment_of(self.until, end_of_day=True)
            rows = rows.filter(**{f"{self.field_path}__lt": end})
        return rows

    def choices(self, changelist: Any) -> Iterator[Any]:
        given = changelist.get_query_string(remove=[*self.names, "p"])
        self.hidden = list(QueryDict(given.removeprefix("?")).items())
        today = timezone.localdate()
        days = (
            ("Any time", None, None),
            ("Today", today, None),
            ("Yesterday", today - timedelta(days=1), today - timedelta(days=1)),
            ("Last 7 days", today - timedelta(days=6), None),
        )
        self.is_other = bool(self.since or self.until)  # than those below
        for text, first, last in days:
            wanted = [day.isoformat() if day else "" for day in (first, last)]
            self.is_other = self.is_other and wanted != [self.since, self.until]
            new = {
                name: day or None for name, day in zip(self.names, wanted, strict=True)
            }
            yield {
                "selected": wanted == [self.since, self.until],
                "query_string": changelist.get_query_string(new, ["p"]),
                "display": text,
            }


def _moment_of(text: str, *, end_of_day: bool = False) -> datetime:
    """A date, or a date with time, of a query string."""
    try:
        if (day := parse_date(text)) is not None:
            found = datetime.combine(day, time())
            found += timedelta(days=end_of_day)
        elif (moment := parse_datetime(text)) is not None:
            found = moment
        else:
            raise ValueError(text)
        return timezone.make_aware(found) if timezone.is_naive(found) else found
    except (ValueError, OverflowError) as error:
        raise IncorrectLookupParameters(error) from None


def moment(name: str, description: str) -> Any:
    """A column with a time, to the second."""

    @admin.display(description=description, ordering=name)
    def column(obj: Any) -> str:
        at = getattr(obj, name)
        return date_format(localtime(at), "j M Y H:i:s") if at else ""

    return column
