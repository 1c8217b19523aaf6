"""``manage.py ocppsupport``: which OCPP messages are supported, read from the code.

Its output is docs/ocpp-support.md.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from chargers.consumers import HANDLERS
from chargers.ocpp.messages import SENT_BY_CHARGERS, UNANSWERED
from chargers.ocpp.variables import OF_V16_KEYS
from chargers.ocpp.versions import Version
from chargers.requests import request_actions

ROOT = Path(settings.BASE_DIR)
VIRTUAL = ROOT / "chargers/virtual"

INTRODUCTION = """\
# OCPP messages supported

Made by `manage.py ocppsupport` from the code: change that, then make this page anew.

**Endpoint.** The built-in endpoint is the CSMS of the chargers that dial it. It judges
each message of a charger by the JSON schema of the negotiated version, keeps what it
tells, and answers; each request of a CSMS can be sent from a charger's page, by REST and
by `manage.py request`. For every message this is shown by
`chargers/tests/test_endpoint_messages.py`, and for every fault of every field by
`chargers/tests/test_negative_cases.py`.

**Virtual charger.** "yes": it sends the message in the course of things, or does what the
request asks. "by proxy-message": it sends the message only when that command gives it
one, as with any message of a charger. "no": it answers NotSupported. The last column
names the tests that speak of the message: `requests` is `test_requests.py`, in
`chargers/virtual/v16/tests` or `chargers/virtual/tests` for 1.6, in
`chargers/virtual/v2/tests` for 2.x.
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
    parts = [INTRODUCTION]
    parts += ["\n".join(_table(version)) + "\n" for version in Version]
    keys = [f"| {key} | `{name}` |\n" for key, name in OF_V16_KEYS.items()]
    return "\n".join([*parts, CONFIGURATION + "".join(keys)])


def _table(version: Version) -> Iterator[str]:
    yield f"## {version.label.replace('OCPP', 'OCPP ')}\n"
    yield "| message | from | endpoint | virtual charger | shown by |"
    yield "|---|---|---|---|---|"
    for action in sorted(SENT_BY_CHARGERS[version] | UNANSWERED[version]):
        endpoint = "yes" if action in HANDLERS[version] else "no"
        virtual = "yes" if action in _sent(version.is_v16) else "by proxy-message"
        yield _row(version, action, "charger", endpoint, virtual)
    for action in request_actions(version):
        virtual = "yes" if action in _answered(version.is_v16) else "no"
        yield _row(version, action, "CSMS", "yes", virtual)


def _row(
    version: Version, action: str, sender: str, endpoint: str, virtual: str
) -> str:
    tests = _tests_of(version, action) if virtual == "yes" else []
    return f"| {action} | {sender} | {endpoint} | {virtual} | {', '.join(tests)} |"


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
    """The test modules of the virtual charger that speak of an action."""
    folders = ("tests", "v16/tests") if version.is_v16 else ("v2/tests",)
    return sorted(
        path.stem.removeprefix("test_")
        for folder in folders
        for path in (VIRTUAL / folder).glob("test_*.py")
        if action in _texts(path)
    )


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
