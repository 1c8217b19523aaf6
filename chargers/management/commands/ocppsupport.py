"""``manage.py ocppsupport``: which OCPP messages are supported, read from the code.

Its output is docs/ocpp-support.md.
"""

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from chargers.consumers import HANDLERS
from chargers.csms.common import Handler
from chargers.ocpp.messages import SENT_BY_CHARGERS, UNANSWERED
from chargers.ocpp.variables import OF_V16_KEYS
from chargers.ocpp.versions import Version
from chargers.requests import request_actions

ROOT = Path(settings.BASE_DIR)
VIRTUAL = ROOT / "chargers/virtual"
# Of the endpoint, then of the virtual charger, in the order they are named in.
V16_TESTS = (
    "chargers/tests/test_endpoint.py",
    "chargers/tests/test_commands_v16.py",
    "chargers/virtual/tests/test_*.py",
    "chargers/virtual/v16/tests/test_*.py",
)
V2_TESTS = (
    "chargers/tests/test_endpoint_v2.py",
    "chargers/tests/test_transaction_events.py",
    "chargers/tests/test_commands_v2.py",
    "chargers/tests/test_portions.py",
    "chargers/tests/test_ocsp.py",
    "chargers/virtual/v2/tests/test_*.py",
)

INTRODUCTION = """\
# OCPP messages supported

Made by `manage.py ocppsupport` from the code: change that, then make this page anew.

{summary}

**Endpoint**: the CSMS of the chargers that dial it. It judges each message of a charger by
the JSON schema of the negotiated version, and does with it what is said below. Each
request of a CSMS can be sent from the charger's page, by
`POST /ocpp/chargers/{{charger_id}}/requests` and by `manage.py request`. For every message
and request, with all it can hold and with the least, that is shown by
[endpoint_messages](../chargers/tests/test_endpoint_messages.py), and for every fault of
every field by [negative_cases](../chargers/tests/test_negative_cases.py). Which characters
an identifierString may have (2.x, part 2, 2.1.4) is not in the schemas and not judged:
tokens and names with others are taken from stations, and then sent to them, too.

**Virtual charger**: "yes" where it sends the message in the course of things, or does what
the request asks; "by proxy-message" where only that command has it send one, as it can any
message of a charger; "no" where it answers NotSupported.

The last column has the other tests that speak of the message: of the endpoint, then of
virtual chargers.
"""

CONFIGURATION = """\
## Configuration keys in 2.x

The command `configuration` names variables of the device model: `Component.Variable`,
with an instance in brackets and EVSE and connector after an `@`, as in
`OCPPCommCtrlr.MessageAttempts[TransactionEvent]` and `Connector@1.2.Available`. A
variable that is the only one of its name needs no component. Keys of 1.6 mean:

| key of 1.6 | variable |
|---|---|
"""


class Command(BaseCommand):
    help = "Print which OCPP messages are supported (docs/ocpp-support.md)."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(support_page(), ending="")


def support_page() -> str:
    """The whole page, in Markdown."""
    parts = [INTRODUCTION.format(summary="\n".join(_summary()))]
    parts += ["\n".join(_tables(version)) + "\n" for version in Version]
    keys = [f"| {key} | `{name}` |\n" for key, name in OF_V16_KEYS.items()]
    return "\n".join([*parts, CONFIGURATION + "".join(keys)])


def _summary() -> Iterator[str]:
    yield "| | messages of a charger | sent by virtual chargers | requests of a CSMS |"
    yield "|---|---|---|---|"
    for version in Version:
        sent, requests = _from_chargers(version), request_actions(version)
        taken = sum(action in HANDLERS[version] for action in sent)
        of_itself = sum(action in _sent(version.is_v16) for action in sent)
        done = sum(action in _answered(version.is_v16) for action in requests)
        yield (
            f"| {_name(version)} | endpoint: {taken} of {len(sent)} "
            f"| {of_itself}, any by proxy-message "
            f"| endpoint: {len(requests)}, virtual charger: {done} |"
        )


def _tables(version: Version) -> Iterator[str]:
    yield f"## {_name(version)}\n"
    yield "### From the charger\n"
    yield "| message | endpoint | virtual charger | tests |"
    yield "|---|---|---|---|"
    for action in _from_chargers(version):
        handler = HANDLERS[version].get(action)
        virtual = "yes" if action in _sent(version.is_v16) else "by proxy-message"
        yield _row(version, action, _purpose(handler), virtual)
    yield "\n### From the CSMS\n"
    yield "| request | endpoint | virtual charger | tests |"
    yield "|---|---|---|---|"
    for action in request_actions(version):
        virtual = "yes" if action in _answered(version.is_v16) else "no"
        yield _row(version, action, "yes", virtual)


def _name(version: Version) -> str:
    return version.label.replace("OCPP", "OCPP ")


def _from_chargers(version: Version) -> list[str]:
    return sorted(SENT_BY_CHARGERS[version] | UNANSWERED[version])


def _purpose(handler: Handler | None) -> str:
    """What the handler says of itself."""
    if handler is None:
        return "no"
    said = inspect.getdoc(handler) or ""
    return " ".join(said.partition("\n\n")[0].split()).removesuffix(".")


def _row(version: Version, action: str, endpoint: str, virtual: str) -> str:
    tests = ", ".join(_tests_of(version, action))
    return f"| {action} | {endpoint} | {virtual} | {tests} |"


# --- The virtual charger's code -------------------------------------------------------


def _files(v16: bool) -> set[Path]:
    """The modules of the core and of the version."""
    own = "v16/*.py" if v16 else "v2/*.py"
    return {*VIRTUAL.glob("*.py"), *VIRTUAL.glob(own)}


@cache
def _sent(v16: bool) -> frozenset[str]:
    """The actions that the code names; in a table of handlers they are what it takes."""
    files = _files(v16)
    taken = {id(key) for path in files for key, _ in _entries(path)}
    return frozenset(
        node.value
        for path in files
        for node in ast.walk(_parsed(path))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in taken
    )


@cache
def _answered(v16: bool) -> frozenset[str]:
    """What is answered: the actions that have a handler in a table."""
    return frozenset(
        str(key.value)
        for path in _files(v16)
        for key, value in _entries(path)
        if isinstance(value, ast.Attribute | ast.Name)
    )


def _entries(path: Path) -> Iterator[tuple[ast.Constant, ast.expr]]:
    """The entries of the dictionaries in a module that have a constant key."""
    for node in ast.walk(_parsed(path)):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant):
                    yield key, value
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Subscript) and isinstance(
                    target.slice, ast.Constant
                ):
                    yield target.slice, node.value


def _tests_of(version: Version, action: str) -> list[str]:
    """Links to the test modules that speak of an action."""
    return [
        f"[{path.stem.removeprefix('test_')}](../{path.relative_to(ROOT)})"
        for pattern in (V16_TESTS if version.is_v16 else V2_TESTS)
        for path in sorted(ROOT.glob(pattern))
        if action in _texts(path)
    ]


@cache
def _texts(path: Path) -> frozenset[str]:
    return frozenset(
        node.value
        for node in ast.walk(_parsed(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())
