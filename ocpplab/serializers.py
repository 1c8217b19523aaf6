"""Serializer parts that take JSON at its word: no coercion, no unknown fields.

The error codes are those of the contract's published examples (section 4.1).
"""

import json
from collections.abc import Collection, Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.renderers import JSONRenderer


class StrictSerializer(serializers.Serializer):
    """Refuses fields that it does not declare; reads ``null`` as absent.

    The published client sends an unset optional field as null (contract, section 2).
    """

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, Mapping):
            unknown = {
                name: [serializers.ErrorDetail("Unknown field.", "extra_forbidden")]
                for name in data
                if name not in self.fields
            }
            if unknown:
                raise serializers.ValidationError(unknown)
        values = super().to_internal_value(data)
        return {name: value for name, value in values.items() if value is not None}

    def data_as_json(self) -> dict[str, Any]:
        """The valid data as it came, unset fields left out: for storing and echoing."""
        given: dict[str, Any] = json.loads(JSONRenderer().render(self.validated_data))
        return given


class PartialSerializer(StrictSerializer):
    """The body of a PUT: changes what it names, and nothing else.

    Null empties the fields of ``cleared``, which says what they are then, and is read as
    absent for all others.
    """

    cleared: Mapping[str, Any] = {}
    always: Collection[str] = ()  # fields that must be there all the same

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()
        for name in fields.keys() - self.always:
            fields[name].required = False
            fields[name].allow_null = True
        return fields

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        values = super().to_internal_value(data)
        nulls = {name: self.cleared[name] for name in self.cleared.keys() & data.keys()}
        return {**nulls, **values}


class IntegerField(serializers.IntegerField):
    """A JSON integer: no text, no boolean, no fraction."""

    default_error_messages = {"int_type": "A valid integer is required."}

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, float) and data.is_integer():
            data = int(data)
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("int_type")
        return data


class FloatField(serializers.FloatField):
    """A JSON number: no text, no boolean."""

    default_error_messages = {"float_type": "A valid number is required."}

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("float_type")
        return data


class BooleanField(serializers.BooleanField):
    """A JSON boolean."""

    default_error_messages = {"bool_type": "A valid boolean is required."}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("bool_type")
        return data


class CharField(serializers.CharField):
    """A JSON string."""

    default_error_messages = {"string_type": "A valid string is required."}

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("trim_whitespace", False)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("string_type")
        return super().to_internal_value(data)


class ObjectField(serializers.DictField):
    """A JSON object of any content that a database can store."""

    default_error_messages = {
        "unstorable": "Text with a NUL or half a surrogate pair is not accepted."
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        value: dict[str, Any] = super().to_internal_value(data)
        if not _is_storable(value):
            self.fail("unstorable")
        return value


def _is_storable(value: Any) -> bool:
    if isinstance(value, str):
        return _encodes(value)
    if isinstance(value, dict):
        return all(_is_storable(part) for item in value.items() for part in item)
    if isinstance(value, list):
        return all(_is_storable(part) for part in value)
    return True


def _encodes(value: str) -> bool:
    try:
        return b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False
