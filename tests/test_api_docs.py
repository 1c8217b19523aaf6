"""docs/api.md shows every operation, and each with an answer that is no error."""

import re
from pathlib import Path

import pytest
from rest_framework.test import APIClient

DOCS = Path(__file__).resolve().parent.parent / "docs" / "api.md"


@pytest.mark.django_db
def test_every_operation_is_shown() -> None:
    schema = APIClient().get("/ocpp/schema", HTTP_ACCEPT="application/json").json()
    operations = {
        f"{method.upper()} {path}"
        for path, methods in schema["paths"].items()
        for method in methods
        if method in ("get", "post", "put", "patch", "delete")
    }
    shown = set(re.findall(r"^### `(\w+ \S+)`$", DOCS.read_text(), re.MULTILINE))
    assert operations - shown == set()


def test_every_answer_is_a_good_one() -> None:
    statuses = re.findall(r"^answers \*\*(\d+)\*\*$", DOCS.read_text(), re.MULTILINE)
    assert statuses
    assert {status[0] for status in statuses} == {"2"}
