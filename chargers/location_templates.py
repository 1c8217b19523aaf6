"""The gallery of location presets (data/location_templates.json; contract, 7)."""

import json
from functools import cache
from pathlib import Path
from typing import Any

PATH = Path(__file__).parent / "data" / "location_templates.json"
TYPES = ("AC", "DC", "AC-DC")
DC_CONNECTORS = {"CCS1", "CCS2", "CHAdeMO", "NACS", "GB/T DC"}


@cache
def all_templates() -> tuple[dict[str, Any], ...]:
    """Every preset, with the power family derived from its groups' connectors."""
    return tuple(
        {**template, "type": _type_of(template["groups"])}
        for template in json.loads(PATH.read_text())
    )


def find_templates(
    type_: str | None = None, ocpp_version: str | None = None
) -> list[dict[str, Any]]:
    """The presets of a power family and version; a mixed one matches every version."""
    return [
        template
        for template in all_templates()
        if type_ in (None, template["type"])
        and (ocpp_version is None or _matches(template["groups"], ocpp_version))
    ]


def _matches(groups: list[dict[str, Any]], ocpp_version: str) -> bool:
    versions = {group["ocpp_version"] for group in groups}
    return len(versions) > 1 or ocpp_version in versions


def _type_of(groups: list[dict[str, Any]]) -> str:
    is_dc = {group["connector_type"] in DC_CONNECTORS for group in groups}
    if is_dc == {True, False}:
        return "AC-DC"
    return "DC" if is_dc == {True} else "AC"
