"""docs/tour.md names files and what is in them: all of it is there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROWS = re.findall(
    r"^\| \d\w? \|.*?\| `(.+?)` \| (.+?) \|$",
    (ROOT / "docs/tour.md").read_text(),
    re.MULTILINE,
)


def names_in(path: Path) -> set[str]:
    """The functions, classes and constants of a module; methods as Class.method."""
    if path.suffix != ".py":
        return set(re.findall(r"\b\w+\b", path.read_text()))
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        match node:
            case ast.ClassDef(name=name, body=body):
                found.add(name)
                functions = (ast.FunctionDef, ast.AsyncFunctionDef)
                found |= {f"{name}.{f.name}" for f in body if isinstance(f, functions)}
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.add(name)
            case ast.Assign(targets=[ast.Name(id=name)]):
                found.add(name)
    return found


@pytest.mark.parametrize(("file", "names"), ROWS)
def test_what_the_tour_names_is_where_it_says(file: str, names: str) -> None:
    missing = set(re.findall(r"`(.+?)`", names)) - names_in(ROOT / file)
    assert not missing


def test_every_file_that_the_tour_mentions_exists() -> None:
    text = (ROOT / "docs/tour.md").read_text()
    files = set(re.findall(r"`((?:commands|chargers|ocpplab)/[\w/]+\.\w+)`", text))
    assert len(files) > 15
    assert [file for file in files if not (ROOT / file).exists()] == []
