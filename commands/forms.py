"""The form of a command, made from the serializer of its event.

The form turns what was typed into the event's JSON; whether that is right, the
serializer alone decides, as for the other doors.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from typing import Any

from django import forms
from rest_framework import serializers

from chargers.models import Charger
from chargers.ocpp.messages import SENT_BY_CHARGERS
from chargers.ocpp.versions import Version
from ocpplab.serializers import ObjectField

from .registry import Definition, LocalListEntry
from .suggestions import shared_id_tag, suggestions_for

LABELS = {
    "evse_id": "EVSE",
    "connector_id": "Connector",
    "transaction_id": "Transaction",
    "ocpp_version": "OCPP version",
    "power_w": "Power, W",
    "duration_seconds": "Duration, s",
    "target_energy_kwh": "Energy, kWh",
}
# What a form puts under "More".
MINOR = ("evse_id",)
STARTS = ("start_session", "start_transaction", "authorize_id_tag")
# Inputs that the page suggests values for: the id of their <datalist>.
SUGGESTIONS = {"id_tag": "id-tags", "action": "ocpp-actions"}


class KeyValueField(forms.CharField):
    """Lines of ``Key=Value`` to a dictionary."""

    widget = forms.Textarea(attrs={"rows": 6, "placeholder": "HeartbeatInterval=30"})

    def to_python(self, value: Any) -> Any:
        pairs = {}
        for line in str(value or "").splitlines():
            if line.strip():
                key, separator, setting = line.partition("=")
                if not separator:
                    raise forms.ValidationError(f"{line!r} is not Key=Value.")
                pairs[key.strip()] = setting.strip()
        return pairs

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return "\n".join(f"{key}={setting}" for key, setting in value.items())


class PayloadField(forms.JSONField):
    """A JSON object, which may be empty."""

    empty_values = [None, ""]
    widget = forms.Textarea(attrs={"rows": 8, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        """Text is JSON already: it came in the page's address."""
        return value if isinstance(value, str) else super().prepare_value(value)


class EntriesField(forms.CharField):
    """Lines of ``ID_TAG[, expiry[, parent]]`` to the entries of a local list."""

    widget = forms.Textarea(
        attrs={"rows": 8, "placeholder": "TAG-RFID-001, 2030-12-31T23:59:59Z, GROUP-1"}
    )

    def to_python(self, value: Any) -> Any:
        lines = str(value or "").splitlines()
        return [_entry(line) for line in lines if line.strip()]

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        names = list(LocalListEntry().fields)
        rows = ([str(entry.get(name) or "") for name in names] for entry in value)
        return "\n".join(", ".join(row).rstrip(", ") for row in rows)


def _entry(line: str) -> dict[str, str]:
    parts = [part.strip() for part in line.split(",")]
    if len(parts) > len(LocalListEntry().fields):
        raise forms.ValidationError(f"{line!r} has too many commas.")
    named = zip(LocalListEntry().fields, parts, strict=False)
    return {name: part for name, part in named if part}


def typed(definition: Definition, event: Mapping[str, Any]) -> dict[str, str]:
    """An event as somebody would type it into the command's form."""
    return {
        name: str(_form_field(field).prepare_value(event[name]))
        for name, field in definition.event().fields.items()
        if event.get(name) is not None
    }


class CommandForm(forms.Form):
    """The event of a command to some chargers; valid, its JSON is ``event``."""

    required_css_class = "required"

    def __init__(
        self, definition: Definition, chargers: Sequence[Charger], *args: Any, **kw: Any
    ) -> None:
        super().__init__(*args, **kw)
        self.definition = definition
        self.event: dict[str, Any] = {}
        self.actions: list[str] = []
        for name, field in definition.event().fields.items():
            self.fields[name] = _form_field(field)
        if len(chargers) == 1:
            self._fit_to(chargers[0])
        elif chargers and "id_tag" in self.fields and definition.name in STARTS:
            self.initial = {"id_tag": shared_id_tag(chargers), **self.initial}
        self._focus_first()

    def _fit_to(self, charger: Charger) -> None:
        """Offer what this one charger has, and begin with what is likely meant."""
        found = suggestions_for(self.definition, charger)
        self.initial = {**found.initial, **self.initial}
        choices: list[tuple[Any, str]] = [
            (number, f"{number}: {status}") for number, status in found.connectors
        ]
        for name in ("connector_id", "evse_id"):
            if name in self.fields:
                given = self.fields[name]
                self.fields[name] = forms.TypedChoiceField(
                    label=given.label,
                    help_text=self.definition.event().fields[name].help_text or "",
                    required=given.required,
                    choices=[("", "not named"), *choices],
                    coerce=int,
                    empty_value=None,
                )
        if "power_w" in self.fields:
            rating = f" This charger gives up to {found.max_power_w} W a connector."
            self.fields["power_w"].help_text += rating
        if "ocpp_version" in self.fields:
            version = Version.from_label(charger.ocpp_version)
            self.initial.setdefault("ocpp_version", version.value)
            self.actions = sorted(_snake(a) for a in SENT_BY_CHARGERS[version])

    def _focus_first(self) -> None:
        """The first field that has something to say, or to be told, has the focus."""
        wrong = [name for name in self.fields if self.is_bound and name in self.errors]
        for name in [*wrong, *self.fields][:1]:
            self.fields[name].widget.attrs["autofocus"] = True

    @property
    def major(self) -> list[forms.BoundField]:
        return [field for field in self if field.name not in MINOR]

    @property
    def minor(self) -> list[forms.BoundField]:
        """Fields that are seldom needed."""
        return [field for field in self if field.name in MINOR]

    @property
    def draft(self) -> dict[str, Any]:
        """The event as far as it is typed, for show; what is missing is named."""
        form = self if self.is_bound else self._as_it_begins()
        form.is_valid()
        given = form.event or {
            name: value
            for name, value in form.cleaned_data.items()
            if value is not None and value != ""
        }
        missing = {
            name: f"<{name}>"
            for name, field in self.fields.items()
            if field.required and name not in given
        }
        return {**given, **missing}

    def _as_it_begins(self) -> "CommandForm":
        """This form as if it were sent as it is."""
        sent = copy(self)
        # Or the fields of this form would show the errors of that one.
        sent._bound_fields_cache = {}  # type: ignore[attr-defined]
        sent.is_bound = True
        sent.data = {
            name: field.prepare_value(self.get_initial_for_field(field, name))
            for name, field in self.fields.items()
        }
        sent.full_clean()
        return sent

    def clean(self) -> dict[str, Any]:
        given = {
            name: value
            for name, value in self.cleaned_data.items()
            if value is not None and value != ""
        }
        serializer = self.definition.event(data=given)
        if serializer.is_valid():
            self.event = given
        for name, faults in serializer.errors.items():
            for text in _texts(faults):
                if name in self.cleaned_data:
                    self.add_error(name, text)
                elif name not in self.fields:
                    self.add_error(None, f"{name}: {text}")
        return self.cleaned_data


def _form_field(field: serializers.Field) -> forms.Field:
    """The form field for a serializer's field."""
    name = str(field.field_name)
    common: dict[str, Any] = {
        "required": field.required,
        "help_text": field.help_text or "",
        "label": LABELS.get(name, name.replace("_", " ").capitalize()),
    }
    if isinstance(field, serializers.IntegerField | serializers.FloatField):
        common["help_text"] += f" {field.min_value:,} to {field.max_value:,}."
    if isinstance(field, serializers.IntegerField):
        return forms.IntegerField(widget=_number(field, 1), **common)
    if isinstance(field, serializers.FloatField):
        return forms.FloatField(widget=_number(field, "any"), **common)
    if isinstance(field, serializers.ChoiceField):
        return forms.ChoiceField(choices=list(field.choices.items()), **common)
    if isinstance(field, serializers.ListField):
        common["help_text"] += (
            " One a line: id tag, expiry, parent; the last two may miss."
        )
        return EntriesField(**common | {"required": False})
    if isinstance(field, ObjectField):
        if isinstance(field.child, serializers.CharField):
            common["help_text"] += " One a line, as Key=Value."
            return KeyValueField(**common)
        return PayloadField(initial=dict, **common)
    text = forms.TextInput(
        attrs={"maxlength": getattr(field, "max_length", None) or ""}
    )
    text.attrs["autocomplete"] = "off"
    if suggestions := SUGGESTIONS.get(name):
        text.attrs["list"] = suggestions
    return forms.CharField(widget=text, **common)


def _number(field: Any, step: Any) -> forms.NumberInput:
    return forms.NumberInput(
        attrs={"min": field.min_value, "max": field.max_value, "step": step}
    )


def _snake(action: str) -> str:
    """``BootNotification`` as ``boot_notification``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", action).lower()


def _texts(faults: Any) -> Iterator[str]:
    """Each message in a field's errors, with where in the field it is."""
    if isinstance(faults, dict):
        for key, inner in faults.items():
            where = f"Entry {key + 1}" if isinstance(key, int) else key
            for text in _texts(inner):
                yield f"{where}: {text}"
    elif isinstance(faults, list):
        for inner in faults:
            yield from _texts(inner)
    else:
        yield str(faults)
