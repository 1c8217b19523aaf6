"""Many rows made at once, in two steps: each is shown with what is wrong with it, then
all of them are made.

What was read travels from the first step to the second as CSV text in the form, which
the person may correct there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

from ocpplab import audit
from ocpplab.access import access_of
from ocpplab.imports import ImportFault, read_rows, write_rows
from ocpplab.models import Organization

SHOWN = 200  # rows that the preview lists


@dataclass
class Row:
    """A row as it would be made: ``note`` says as what, ``error`` why not."""

    number: int
    cells: Mapping[str, str]
    error: str = ""
    note: str = ""


@dataclass
class Preview:
    """The rows, before any is made."""

    columns: Sequence[str]
    rows: list[Row]

    @property
    def faulty(self) -> int:
        return sum(1 for row in self.rows if row.error)

    @property
    def shown(self) -> list[Row]:
        """The first rows, those with an error before the others."""
        return sorted(self.rows, key=lambda row: not row.error)[:SHOWN]

    @property
    def unshown(self) -> int:
        return max(0, len(self.rows) - SHOWN)


class ImportForm(forms.Form):
    """What the rows are made of. Subclasses check and make them."""

    required_columns: ClassVar[Sequence[str]] = ()
    optional_columns: ClassVar[Sequence[str]] = ()
    limit: ClassVar[int] = 10_000
    required_css_class = "required"

    file = forms.FileField(
        label="CSV file",
        required=False,
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv,text/plain"}),
    )
    rows = forms.CharField(
        label="or pasted rows",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
    )

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        super().__init__(*args)
        self.access = access_of(request)
        self.preview: Preview | None = None

    @property
    def columns(self) -> list[str]:
        return [*self.required_columns, *self.optional_columns]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return data
        try:
            given = read_rows(
                self.text(),
                required=self.required_columns,
                optional=self.optional_columns,
                limit=self.limit,
            )
        except ImportFault as fault:
            self.add_error("file" if data["file"] else None, str(fault))
            return data
        self.preview = Preview(self.columns, self.check_rows(given))
        return data

    @property
    def rows_text(self) -> str:
        """The rows of the preview, as they come back from it."""
        rows = self.preview.rows if self.preview else []
        return write_rows(self.columns, [dict(row.cells) for row in rows])

    def parts(self) -> list[tuple[str, list[str]]]:
        """The fields of the first step, under their titles."""
        return [("Rows", ["file", "rows"])]

    @property
    def fieldsets(self) -> list[tuple[str, list[forms.BoundField]]]:
        return [
            (title, [self[name] for name in names]) for title, names in self.parts()
        ]

    def text(self) -> str:
        """The CSV text: of the file, or as it came back from the preview."""
        if file := self.cleaned_data["file"]:
            try:
                return str(file.read().decode("utf-8-sig"))
            except UnicodeDecodeError:
                raise ImportFault("The file is no UTF-8 text.") from None
        if not self.cleaned_data["rows"]:
            raise ImportFault("Choose a file, or paste its rows.")
        return str(self.cleaned_data["rows"])

    def check_rows(self, given: list[dict[str, str]]) -> list[Row]:
        raise NotImplementedError

    @property
    def owner(self) -> Organization:
        """Whose rows they are; once the form is valid."""
        owner: Organization = self.cleaned_data["organization"]
        return owner

    def make(self) -> tuple[str, str]:
        """Make the rows: the address to go to, and what to say there."""
        raise NotImplementedError


class ImportsRows(admin.ModelAdmin):
    """Offers a page that makes many rows at once, by ``import_form``."""

    import_form: type[ImportForm]
    import_title: str
    import_lead: str

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.import_view)
        return [path("import/", view, name=self._import_name), *super().get_urls()]

    @property
    def _import_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_import"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        tools = []
        if self.has_add_permission(request):
            tools = [(self.import_title, reverse(f"admin:{self._import_name}"))]
        return super().changelist_view(
            request, {"tools": tools, **(extra_context or {})}
        )

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """The form; sent with ``_check`` the preview, with ``_make`` the making."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            form = self.import_form(request, request.POST, request.FILES)
            is_valid = form.is_valid()
            preview = form.preview if is_valid else None
            if preview and not preview.faulty and "_make" in request.POST:
                url, said = form.make()
                audit.record_of_person(
                    request,
                    "made many",
                    subject=f"{len(preview.rows)} {self.opts.verbose_name_plural}",
                    detail=said,
                    organization=form.owner,
                )
                messages.success(request, said)
                return HttpResponseRedirect(url)
        else:
            form, preview = self.import_form(request), None
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": self.import_title,
            "lead": self.import_lead,
            "form": form,
            "preview": preview,
            "media": self.media,
        }
        return TemplateResponse(request, "admin/import.html", context)
