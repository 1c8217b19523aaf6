"""Every faulty CALL of a charge point is answered with the CALLERROR it deserves."""

import json
from typing import Any

import pytest

from chargers.csms import v16
from chargers.csms.common import handle
from chargers.models import Charger
from chargers.ocpp.messages import SENT_BY_CHARGERS
from chargers.ocpp.schemas import actions
from chargers.ocpp.session import Session
from chargers.ocpp.versions import Version
from chargers.tests.negative_cases import negative_cases, valid_payload

SENT = sorted(SENT_BY_CHARGERS[Version.V16])
NOT_FOR_US = sorted(actions(Version.V16) - SENT_BY_CHARGERS[Version.V16])
CASES = [
    pytest.param(action, payload, code, id=f"{action}: {what}")
    for action in SENT
    for what, payload, code in negative_cases(action)
]


class Station:
    """The far end of a session that the real CSMS answers."""

    def __init__(self) -> None:
        self.sent: list[list[Any]] = []
        self.session = Session(
            Version.V16,
            send=self._send,
            handle=self._handle,
            takes=SENT_BY_CHARGERS[Version.V16],
        )

    async def _send(self, text: str) -> None:
        self.sent.append(json.loads(text))

    async def _handle(self, action: str, payload: dict[str, Any]) -> Any:
        return (await handle(v16.HANDLERS, Charger(), action, payload)).payload

    async def ask(self, text: str | bytes) -> list[list[Any]]:
        self.sent.clear()
        await self.session.receive(text)
        return self.sent


def call(action: str, payload: Any) -> str:
    return json.dumps([2, "7", action, payload])


@pytest.mark.parametrize(("action", "payload", "code"), CASES)
async def test_a_faulty_field_is_named_by_its_code(
    action: str, payload: dict[str, Any], code: str
) -> None:
    [answer] = await Station().ask(call(action, payload))
    assert answer[:3] == [4, "7", code]
    assert answer[3].startswith(f"{action}: ")
    assert len(answer[3]) <= 255
    assert answer[4] == {}


def test_the_cases_are_many() -> None:
    assert len(CASES) > 500
    assert {case.values[0] for case in CASES} == set(SENT)


@pytest.mark.parametrize("action", SENT)
@pytest.mark.parametrize("payload", [[], "x", 5, True])
async def test_a_payload_that_is_no_object_is_a_formation_violation(
    action: str, payload: Any
) -> None:
    [answer] = await Station().ask(call(action, payload))
    assert answer[:3] == [4, "7", "FormationViolation"]


@pytest.mark.parametrize("escape", ["\\u0000", "\\ud83d", "\\udc00\\ud800"])
async def test_text_that_no_database_keeps_is_read_with_a_mark_in_its_place(
    escape: str,
) -> None:
    [answer] = await Station().ask(f'[2,"7","DataTransfer",{{"vendorId":"{escape}"}}]')
    assert answer == [3, "7", {"status": "UnknownVendorId"}]
    [answer] = await Station().ask(f'[2,"7","Heartbeat",{{"{escape}":1}}]')
    assert answer[:3] == [4, "7", "OccurenceConstraintViolation"]


async def test_a_payload_of_null_means_none() -> None:
    [answer] = await Station().ask(call("Heartbeat", None))
    assert answer[:2] == [3, "7"]
    [answer] = await Station().ask(call("Authorize", None))
    assert answer[:3] == [4, "7", "OccurenceConstraintViolation"]


@pytest.mark.parametrize("message_id", ["", "7" * 37, "é" * 37])
async def test_a_call_with_an_id_of_no_valid_length_is_answered_under_it(
    message_id: str,
) -> None:
    [answer] = await Station().ask(json.dumps([2, message_id, "Heartbeat", {}]))
    assert answer[:3] == [4, message_id, "FormationViolation"]


@pytest.mark.parametrize("message_id", ["7" * 36, "é" * 36, "😀" * 36, " "])
async def test_an_id_is_counted_in_characters(message_id: str) -> None:
    [answer] = await Station().ask(json.dumps([2, message_id, "Heartbeat", {}]))
    assert answer[:2] == [3, message_id]


@pytest.mark.parametrize("action", NOT_FOR_US)
async def test_what_a_csms_sends_is_not_supported_from_a_charge_point(
    action: str,
) -> None:
    for payload in ({}, {"unknown": 1}, valid_payload(action)):
        [answer] = await Station().ask(call(action, payload))
        assert answer[:3] == [4, "7", "NotSupported"]


@pytest.mark.parametrize("action", ["", "Nonsense", "heartbeat", "x" * 5000, "Größe"])
async def test_an_unknown_action_is_not_implemented(action: str) -> None:
    [answer] = await Station().ask(call(action, {}))
    assert answer[:3] == [4, "7", "NotImplemented"]


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
async def test_a_call_of_a_wrong_shape_is_a_formation_violation(text: str) -> None:
    [answer] = await Station().ask(text)
    assert answer[:3] == [4, "7", "FormationViolation"]


@pytest.mark.parametrize(
    "text",
    [
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
        '["2","7","Heartbeat",{}]',
        '[2.0,"7","Heartbeat",{}]',
        '[true,"7","Heartbeat",{}]',
        '[5,"7","Heartbeat",{}]',
        '[-2,"7","Heartbeat",{}]',
        '[3,"7"]',
        '[3,"7",{"a":1,"a":2}]',
        '[3,"",{}]',
        '[4,"7"]',
        '[4,"7",5]',
        "[" * 200_000,
        '{"a":' * 200_000,
        f'[{"[" * 900}{"]" * 900},"7","Heartbeat",{{}}]',
        b"",
        b'[2,"7","Heartbeat",{}]',
        b"\xff\xfe\x00",
    ],
)
async def test_what_is_no_message_is_passed_over(text: str | bytes) -> None:
    station = Station()
    assert await station.ask(text) == []
    [answer] = await station.ask(call("Heartbeat", {}))
    assert answer[:2] == [3, "7"]


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
