"""Every faulty CALL of a charge point is answered with the CALLERROR it deserves."""

import json
from typing import Any

import pytest

from chargers.consumers import HANDLERS
from chargers.csms.common import handle
from chargers.models import Charger
from chargers.ocpp.errors import OCPPError
from chargers.ocpp.messages import SENT_BY_CHARGERS, UNANSWERED
from chargers.ocpp.schemas import actions
from chargers.ocpp.session import Session
from chargers.ocpp.versions import Version
from chargers.tests.negative_cases import negative_cases, valid_payload

SENT = [
    (version, action)
    for version in Version
    for action in sorted(SENT_BY_CHARGERS[version])
]
NOT_FOR_US = [
    (version, action)
    for version in Version
    for action in sorted(actions(version) - SENT_BY_CHARGERS[version])
]


class Station:
    """The far end of a session that the real CSMS answers."""

    def __init__(self, version: Version = Version.V16) -> None:
        self.version = version
        self.sent: list[list[Any]] = []
        self.session = Session(
            version,
            send=self._send,
            handle=self._handle,
            takes=SENT_BY_CHARGERS[version],
        )

    async def _send(self, text: str) -> None:
        self.sent.append(json.loads(text))

    async def _handle(self, action: str, payload: dict[str, Any]) -> Any:
        handlers = HANDLERS[self.version]
        return (await handle(handlers, Charger(), action, payload)).payload

    async def ask(self, text: str | bytes) -> list[list[Any]]:
        self.sent.clear()
        await self.session.receive(text)
        return self.sent

    def named(self, code: str) -> str:
        """A CALLERROR code as this version spells it."""
        return OCPPError(code).code_for(self.version)


def call(action: str, payload: Any, kind: int = 2) -> str:
    return json.dumps([kind, "7", action, payload])


@pytest.mark.parametrize(("version", "action"), SENT)
async def test_every_faulty_field_is_named_by_its_code(
    version: Version, action: str
) -> None:
    station = Station(version)
    for what, payload, code in negative_cases(version, action):
        [answer] = await station.ask(call(action, payload))
        assert answer[:3] == [4, "7", station.named(code)], what
        assert answer[3].startswith(f"{action}: "), what
        assert len(answer[3]) <= 255, what
        assert answer[4] == {}, what


@pytest.mark.parametrize("version", list(Version))
def test_the_cases_are_many(version: Version) -> None:
    sent = SENT_BY_CHARGERS[version]
    faults = sum(len(list(negative_cases(version, action))) for action in sent)
    assert faults > {Version.V16: 600, Version.V201: 4000, Version.V21: 10000}[version]


async def test_a_faulty_send_is_passed_over() -> None:
    station = Station(Version.V21)
    for action in UNANSWERED[Version.V21]:
        for what, payload, _ in negative_cases(Version.V21, action, "send"):
            assert await station.ask(call(action, payload, 6)) == [], what


@pytest.mark.parametrize(("version", "action"), SENT)
async def test_a_payload_that_is_no_object_is_a_format_violation(
    version: Version, action: str
) -> None:
    station = Station(version)
    for payload in ([], "x", 5, True):
        [answer] = await station.ask(call(action, payload))
        assert answer[:3] == [4, "7", station.named("FormatViolation")]


@pytest.mark.parametrize("escape", ["\\u0000", "\\ud83d", "\\udc00\\ud800"])
async def test_text_that_no_database_keeps_is_read_with_a_mark_in_its_place(
    escape: str,
) -> None:
    [answer] = await Station().ask(f'[2,"7","DataTransfer",{{"vendorId":"{escape}"}}]')
    assert answer == [3, "7", {"status": "UnknownVendorId"}]
    [answer] = await Station().ask(f'[2,"7","Heartbeat",{{"{escape}":1}}]')
    assert answer[:3] == [4, "7", "OccurenceConstraintViolation"]


@pytest.mark.parametrize("version", list(Version))
async def test_a_payload_of_null_means_none(version: Version) -> None:
    station = Station(version)
    [answer] = await station.ask(call("Heartbeat", None))
    assert answer[:2] == [3, "7"]
    [answer] = await station.ask(call("Authorize", None))
    assert answer[:3] == [4, "7", station.named("OccurrenceConstraintViolation")]


@pytest.mark.parametrize("message_id", ["", "7" * 37, "é" * 37])
async def test_a_call_with_an_id_of_no_valid_length_is_answered(
    message_id: str,
) -> None:
    text = json.dumps([2, message_id, "Heartbeat", {}])
    [answer] = await Station().ask(text)
    assert answer[:3] == [4, message_id, "FormationViolation"]
    [answer] = await Station(Version.V201).ask(text)
    assert answer[:3] == [4, "-1", "RpcFrameworkError"]


@pytest.mark.parametrize("message_id", ["7" * 36, "é" * 36, "😀" * 36, " "])
async def test_an_id_is_counted_in_characters(message_id: str) -> None:
    [answer] = await Station().ask(json.dumps([2, message_id, "Heartbeat", {}]))
    assert answer[:2] == [3, message_id]


@pytest.mark.parametrize(("version", "action"), NOT_FOR_US)
async def test_what_a_csms_sends_is_not_supported_from_a_charger(
    version: Version, action: str
) -> None:
    for payload in ({}, {"unknown": 1}, valid_payload(version, action)):
        [answer] = await Station(version).ask(call(action, payload))
        assert answer[:3] == [4, "7", "NotSupported"]


@pytest.mark.parametrize("version", list(Version))
@pytest.mark.parametrize("action", ["", "Nonsense", "heartbeat", "x" * 5000, "Größe"])
async def test_an_unknown_action_is_not_implemented(
    version: Version, action: str
) -> None:
    [answer] = await Station(version).ask(call(action, {}))
    assert answer[:3] == [4, "7", "NotImplemented"]


@pytest.mark.parametrize("version", list(Version))
@pytest.mark.parametrize(
    "text",
    [
        '[2,"7"]',
        '[2,"7","Heartbeat"]',
        '[2,"7","Heartbeat",{},{}]',
        '[2,"7",null,{}]',
        '[2,"7",["Heartbeat"],{}]',
        '[2,"7","Authorize",{"idTag":"A","idTag":"B"}]',
        '[2,"7","Authorize",{"idTag":"A","more":{"a":1,"a":2}}]',
    ],
)
async def test_a_call_of_a_wrong_shape_is_a_format_violation(
    version: Version, text: str
) -> None:
    station = Station(version)
    [answer] = await station.ask(text)
    assert answer[:3] == [4, "7", station.named("FormatViolation")]


NO_MESSAGES: list[str | bytes] = [
    "",
    " ",
    "hello",
    "null",
    "{}",
    "[]",
    "2",
    '"2"',
    "[2]",
    '[2,7,"Heartbeat",{}]',
    '[2,null,"Heartbeat",{}]',
    '[2,"7","Heartbeat",{}',
    '[2,"7","Heartbeat",{}]]',
    '[2,"7","Heartbeat",{"a":NaN}]',
    "[" * 200_000,
    '{"a":' * 200_000,
    f'[{"[" * 900}{"]" * 900},7,"Heartbeat",{{}}]',
    b"",
    b'[2,"7","Heartbeat",{}]',
    b"\xff\xfe\x00",
]
OF_NO_TYPE = [
    '["2","7","Heartbeat",{}]',
    '[2.0,"7","Heartbeat",{}]',
    '[true,"7","Heartbeat",{}]',
    '[7,"7","Heartbeat",{}]',
    '[-2,"7","Heartbeat",{}]',
    f'[{"[" * 900}{"]" * 900},"7","Heartbeat",{{}}]',
]
FAULTY_ANSWERS = [
    '[3,"7"]',
    '[3,"7",{"a":1,"a":2}]',
    '[3,"7",{},{}]',
    '[3,"",{}]',
    '[4,"7"]',
    '[4,"7",5]',
]


async def is_heard(station: Station) -> bool:
    [answer] = await station.ask(call("Heartbeat", {}))
    return answer[:2] == [3, "7"]


@pytest.mark.parametrize("text", [*NO_MESSAGES, *OF_NO_TYPE, *FAULTY_ANSWERS])
async def test_1_6_passes_over_what_is_no_message(text: str | bytes) -> None:
    station = Station()
    assert await station.ask(text) == []
    assert await is_heard(station)


@pytest.mark.parametrize("version", [Version.V201, Version.V21])
async def test_2_x_answers_what_is_no_message(version: Version) -> None:
    station = Station(version)
    for text in NO_MESSAGES:
        [answer] = await station.ask(text)
        assert answer[:3] == [4, "-1", "RpcFrameworkError"], text
    for text in OF_NO_TYPE:
        [answer] = await station.ask(text)
        assert answer[:3] == [4, "7", "MessageTypeNotSupported"], text
    assert await is_heard(station)


@pytest.mark.parametrize("version", [Version.V201, Version.V21])
async def test_no_faulty_answer_is_ever_answered(version: Version) -> None:
    station = Station(version)
    for text in FAULTY_ANSWERS:
        assert await station.ask(text) == []
    assert await is_heard(station)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("9" * 5000, "TypeConstraintViolation"),
        ("1e400", "TypeConstraintViolation"),
        ("1e2", "TypeConstraintViolation"),
        ("-0.0", "TypeConstraintViolation"),
        ("9" * 50, "PropertyConstraintViolation"),
        (str(2**63), "PropertyConstraintViolation"),
        ("-1", "PropertyConstraintViolation"),
    ],
)
async def test_a_connector_of_no_possible_number_is_refused(
    value: str, code: str
) -> None:
    status = '"errorCode":"NoError","status":"Available"'
    text = f'[2,"7","StatusNotification",{{"connectorId":{value},{status}}}]'
    [answer] = await Station().ask(text)
    assert answer[:3] == [4, "7", code]


@pytest.mark.parametrize("depth", [100, 300, 900])
async def test_deep_nesting_is_answered(depth: int) -> None:
    deep = f"{'[' * depth}1{']' * depth}"
    [answer] = await Station().ask(f'[2,"7","DataTransfer",{{"vendorId":{deep}}}]')
    assert answer[:2] == [4, "7"]
    assert answer[2] in ("TypeConstraintViolation", "FormationViolation")


async def test_deep_nesting_of_odd_text_is_answered() -> None:
    deep = f'{"[" * 900}"\\u0000"{"]" * 900}'
    [answer] = await Station().ask(f'[2,"7","DataTransfer",{{"vendorId":{deep}}}]')
    assert answer[:2] == [4, "7"]


async def test_a_payload_with_very_many_faults_is_answered() -> None:
    payload = {f"unknown{n}": n for n in range(20_000)}
    [answer] = await Station().ask(call("Heartbeat", payload))
    assert answer[2] == "OccurenceConstraintViolation"
    assert len(answer[3]) <= 255
