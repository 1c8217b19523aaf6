"""Who may import whom: the house stays as it was drawn."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("ocpplab", "chargers", "commands")
# The wiring of the project: urls and asgi name every app, whatever imports whom.
WIRING = {"ocpplab/urls.py", "ocpplab/asgi.py"}


def modules(*folders: str) -> list[Path]:
    return [
        path
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "tests" not in path.parts and "migrations" not in path.parts
    ]


def imports(path: Path) -> Iterator[str]:
    """The absolute names of what a module imports, also inside functions."""
    package = list(path.relative_to(ROOT).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            yield ".".join([*base, *(node.module or "").split(".")]).strip(".")


def offences(paths: list[Path], *forbidden: str) -> list[str]:
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in paths
        if str(path.relative_to(ROOT)) not in WIRING
        for name in imports(path)
        if any(name == part or name.startswith(f"{part}.") for part in forbidden)
    ]


def test_chargers_know_nothing_of_commands() -> None:
    assert offences(modules("chargers"), "commands") == []


def test_the_project_knows_nothing_of_its_apps() -> None:
    assert offences(modules("ocpplab"), "chargers", "commands") == []


def test_the_ocpp_layer_knows_nothing_of_django() -> None:
    ours = ["ocpplab", "commands", *(f"chargers.{name}" for name in OTHERS)]
    found = offences(modules("chargers/ocpp"), "django", "channels", "redis", *ours)
    assert found == []


def test_a_virtual_charger_knows_only_ocpp() -> None:
    ours = ["ocpplab", "commands", *(f"chargers.{name}" for name in OTHERS)]
    found = offences(modules("chargers/virtual"), "django", "channels", "redis", *ours)
    assert found == []


OTHERS = [
    path.stem
    for path in (ROOT / "chargers").iterdir()
    if path.stem not in ("__init__", "ocpp", "virtual", "tests")
]


@pytest.mark.parametrize("app", APPS)
def test_what_lies_below_a_door_imports_no_door(app: str) -> None:
    doors = ("admin", "api", "jobs", "management", "consumers")
    below = [
        ROOT / app / f"{name}.py"
        for name in (
            "models",
            "services",
            "selectors",
            "registry",
            "targets",
            "delivery",
        )
    ]
    forbidden = [f"{name}.{door}" for name in APPS for door in doors]
    forbidden.remove("ocpplab.api")  # error shapes and envelopes, not a door
    assert offences([path for path in below if path.exists()], *forbidden) == []
