"""Many virtual chargers at once: by a naming pattern, or from a CSV file.

They are made as the API's bulk create makes them, by the same provisioning job.
"""

import re
from typing import Any

from django import forms
from django.urls import reverse

from chargers import provisioning
from chargers.choices import OCPPVersion
from chargers.models import ChargerModel, Location, ProvisioningJob
from ocpplab.admin.importing import ImportForm, Row
from ocpplab.imports import ImportFault, write_rows
from ocpplab.models import Organization

LIMIT = 10_000  # chargers in one job, as by REST
VERSIONS = {version.value.removeprefix("OCPP"): version for version in OCPPVersion}


class ManyChargersForm(ImportForm):
    """The chargers; a row of a CSV file takes from here what it leaves out."""

    required_columns = ("identity",)
    optional_columns = (
        "name",
        "brand",
        "model",
        "connector_type",
        "connectors",
        "ocpp_version",
        "ws_url",
    )
    limit = LIMIT

    location = forms.ModelChoiceField(Location.objects.none())
    model = forms.ModelChoiceField(
        ChargerModel.objects.select_related("brand"),
        required=False,
        help_text="Rows of a file may name their own: columns brand and model, as the "
        "catalog writes them in the API.",
    )
    connector_type = forms.CharField(
        max_length=20, required=False, help_text="Empty: the first that the model has."
    )
    connectors = forms.IntegerField(
        min_value=1,
        max_value=255,
        required=False,
        help_text="Empty: as many as the model has.",
    )
    ocpp_version = forms.ChoiceField(
        label="OCPP version", choices=[(v.value, v.value) for v in OCPPVersion]
    )
    ws_url = forms.CharField(
        label="CSMS URL",
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text="ws:// or wss://, without the identity. Empty: the built-in endpoint.",
    )
    count = forms.IntegerField(
        label="How many", min_value=1, max_value=LIMIT, required=False
    )
    pattern = forms.CharField(
        label="Identities",
        max_length=48,
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "DEPOT-###"}),
        help_text="Each # is a digit of the number: DEPOT-### makes DEPOT-001 and so on.",
    )
    first = forms.IntegerField(
        label="From number", min_value=0, max_value=10**9, initial=1, required=False
    )

    def __init__(self, request: Any, *args: Any) -> None:
        super().__init__(request, *args)
        places = self.access.scope(
            Location.objects.order_by("name"), "organization", to_change=True
        )
        field: Any = self.fields["location"]
        field.queryset = places
        field.initial = request.GET.get("location")
        self.fields["file"].help_text = (
            "With a header: identity, and any of name, brand, model, connector_type, "
            "connectors, ocpp_version, ws_url. An export of chargers is such a file."
        )

    def parts(self) -> list[tuple[str, list[str]]]:
        kind = ["location", "model", "connector_type", "connectors"]
        return [
            ("What is made", [*kind, "ocpp_version", "ws_url"]),
            ("By number", ["count", "pattern", "first"]),
            ("Or from a file", ["file", "rows"]),
        ]

    def text(self) -> str:
        """The file or its rows; without them, rows made of the pattern."""
        data = self.cleaned_data
        if data["file"] or data["rows"]:
            return super().text()
        if not data["count"] or not data["pattern"]:
            raise ImportFault("Say how many and how they are called, or choose a file.")
        first = 1 if data["first"] is None else data["first"]
        numbers = range(first, first + data["count"])
        rows = [{"identity": _identity(data["pattern"], number)} for number in numbers]
        return write_rows(["identity"], rows)

    def check_rows(self, given: list[dict[str, str]]) -> list[Row]:
        rows = [
            Row(number, cells, _fault_of(cells), _note_of(cells))
            for number, cells in enumerate(map(self._filled, given), 1)
        ]
        alike: dict[tuple[str, ...], list[Row]] = {}
        for row in rows:
            if not row.error:
                key = tuple(row.cells[name] for name in self.columns[2:])
                alike.setdefault(key, []).append(row)
        place = self.cleaned_data["location"]
        self.draft: dict[str, Any] = {
            "organization": place.organization,
            "location": place,
            "groups": [_group_of(group) for group in alike.values()],
        }
        sound = [row for group in alike.values() for row in group]
        problems = provisioning.problems_of(provisioning.draft_job(**self.draft))
        for row, problem in zip(sound, problems, strict=True):
            row.error = problem
        return rows

    def _filled(self, record: dict[str, str]) -> dict[str, str]:
        """A row with what it leaves out, from the form or the model."""
        data = self.cleaned_data
        cells = {name: record.get(name, "") for name in self.columns}
        model: ChargerModel | None = data["model"]
        if model is not None and not (cells["brand"] or cells["model"]):
            cells["brand"], cells["model"] = model.brand.slug, model.slug
        cells["connector_type"] = (
            cells["connector_type"]
            or data["connector_type"]
            or self._first_type_of(cells["brand"], cells["model"])
        )
        cells["connectors"] = cells["connectors"] or str(data["connectors"] or "")
        version = cells["ocpp_version"] or data["ocpp_version"]
        cells["ocpp_version"] = VERSIONS.get(
            version.upper().removeprefix("OCPP"), version
        )
        cells["ws_url"] = cells["ws_url"] or data["ws_url"]
        return cells

    def _first_type_of(self, brand: str, model: str) -> str:
        if not hasattr(self, "_types"):
            self._types = {
                (row.brand.slug, row.slug): row.connector_types[0]
                for row in ChargerModel.objects.select_related("brand")
            }
        return str(self._types.get((brand, model), ""))

    @property
    def owner(self) -> Organization:
        place: Location = self.cleaned_data["location"]
        return place.organization

    def make(self) -> tuple[str, str]:
        job: ProvisioningJob = provisioning.create_job(**self.draft)
        count = len(job.items)
        return (
            reverse("admin:chargers_provisioningjob_change", args=[job.pk]),
            f"{count} charger{'' if count == 1 else 's'} are being made.",
        )


def _identity(pattern: str, number: int) -> str:
    """The pattern with the number in the place of its #; at its end without one."""
    if "#" not in pattern:
        return f"{pattern}{number}"
    return re.sub("#+", lambda found: str(number).zfill(len(found[0])), pattern)


def _fault_of(cells: dict[str, str]) -> str:
    """What is wrong with a row as text; the rest is checked as a charger."""
    if not cells["identity"]:
        return "It has no identity."
    if not cells["model"]:
        return (
            "Its model is not named: choose one above, or brand and model in the row."
        )
    if cells["connectors"] and not (
        cells["connectors"].isdecimal() and 1 <= int(cells["connectors"][:4]) <= 255
    ):
        return "Connectors: a number from 1 to 255."
    if cells["ocpp_version"] not in OCPPVersion.values:
        return f"OCPP version: one of {', '.join(OCPPVersion.values)}."
    if cells["ws_url"] and not cells["ws_url"].startswith(("ws://", "wss://")):
        return "The CSMS URL begins ws:// or wss://."
    return ""


def _note_of(cells: dict[str, str]) -> str:
    return "" if cells["ws_url"] else "dials the built-in endpoint"


def _group_of(rows: list[Row]) -> dict[str, Any]:
    """Rows that differ in identity and name alone, as a group of a job."""
    cells = rows[0].cells
    return {
        "template": {
            "brand_slug": cells["brand"],
            "model_slug": cells["model"],
            "connector_type": cells["connector_type"],
            "connector_count": int(cells["connectors"] or 0),
            "ocpp_version": cells["ocpp_version"],
            "ws_url": cells["ws_url"],
        },
        "chargers": [
            {"identity": row.cells["identity"], "name": row.cells["name"]}
            for row in rows
        ],
    }
