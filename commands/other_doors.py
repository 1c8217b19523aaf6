"""The same command at the other doors: a line for curl, and one for the shell."""

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from chargers.models import Charger

from .registry import Definition
from .targets import Target

LINES = 5  # shown for a choice that takes a line for each charger


def targets_of(
    definition: Definition, chargers: Sequence[Charger], location_ids: Sequence[str]
) -> list[Target]:
    """What the API takes for a choice of chargers, or of whole locations.

    It knows a charger, a location and a part of one: chargers chosen anywhere are
    parted by location.
    """
    if not definition.fan_out or len(chargers) == 1:
        return [Target(charger_id=charger.pk) for charger in chargers]
    if location_ids:
        return [Target(location_id=pk) for pk in location_ids]
    by_location: dict[str | None, list[str]] = {}
    for charger in chargers:
        place = str(charger.location_id) if charger.location_id else None
        by_location.setdefault(place, []).append(charger.pk)
    alone = by_location.pop(None, [])
    return [
        *(Target(location_id=pk, charger_ids=ids) for pk, ids in by_location.items()),
        *(Target(charger_id=pk) for pk in alone),
    ]


def as_curl(
    base_url: str, definition: Definition, target: Target, event: Mapping[str, Any]
) -> str:
    """The call of the REST API; the token is the caller's."""
    given = {
        "charger_id": target.charger_id,
        "location_id": target.location_id,
        "charger_ids": target.charger_ids,
    }
    body = {
        "target": {name: value for name, value in given.items() if value is not None},
        "event": event,
    }
    url = f"{base_url}/ocpp/commands/{definition.slug}"
    return (
        f"curl -X POST {shlex.quote(url)} \\\n"
        '  -H "Authorization: Bearer $TOKEN" \\\n'
        "  -H 'Content-Type: application/json' \\\n"
        f"  -d {shlex.quote(json.dumps(body, ensure_ascii=False))}"
    )


def as_shell(definition: Definition, target: Target, event: Mapping[str, Any]) -> str:
    """The line of ``manage.py send``."""
    words = [".venv/bin/python", "manage.py", "send", definition.slug]
    if target.charger_id is not None:
        words += ["--charger-id", target.charger_id]
    if target.location_id is not None:
        words += ["--location-id", target.location_id]
    if target.charger_ids is not None:
        words += ["--charger-ids", ",".join(target.charger_ids)]
    for name, value in event.items():
        if isinstance(value, dict | list):
            value = json.dumps(value, ensure_ascii=False)
        words += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join(words)


def other_doors(
    base_url: str,
    definition: Definition,
    targets: Sequence[Target],
    event: Mapping[str, Any],
) -> dict[str, Any]:
    """What templates/admin/commands/doors.html shows: the first few lines of each."""
    some = targets[:LINES]
    calls = [as_curl(base_url, definition, target, event) for target in some]
    shell = [as_shell(definition, target, event) for target in some]
    return {
        "doors": [
            ("as-curl", "curl", "\n".join(calls)),
            ("as-shell", "manage.py", "\n".join(shell)),
        ],
        "doors_left_out": max(0, len(targets) - LINES),
    }
