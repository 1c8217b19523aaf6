"""What counts as an OCPP-J message, and what does not."""

import pytest

from chargers.ocpp.errors import FrameError
from chargers.ocpp.frames import (
    Call,
    CallError,
    CallResult,
    UnknownMessageType,
    parse,
)


@pytest.mark.parametrize(
    "frame",
    [
        Call("1", "Heartbeat", {}),
        CallResult("1", {"currentTime": "2026-01-01T00:00:00Z"}),
        CallError("1", "InternalError", "größer", {"a": [1, None]}),
    ],
)
def test_a_frame_survives_the_wire(frame: Call | CallResult | CallError) -> None:
    assert parse(frame.encode()) == frame


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "{}",
        "[]",
        "[2]",
        "null",
        '[2, 17, "Heartbeat", {}]',
        '[2, "\\u0000", "Heartbeat", {}]',
        '[2, "\\ud800", "Heartbeat", {}]',
        '[3, "1", {"a": NaN}]',
        "[" * 100_000,
        b'[2, "1", "Heartbeat", {}]',
    ],
)
def test_what_has_no_usable_id_cannot_be_answered(text: str | bytes) -> None:
    with pytest.raises(FrameError) as caught:
        parse(text)
    assert caught.value.message_id is None


@pytest.mark.parametrize(
    "text",
    [
        '[2, "1"]',
        '[2, "1", "Heartbeat"]',
        '[2, "1", 7, {}]',
        '[2, "1", "Heartbeat", []]',
        '[2, "1", "Heartbeat", {}, {}]',
    ],
)
def test_a_malformed_call_is_a_format_violation(text: str) -> None:
    with pytest.raises(FrameError) as caught:
        parse(text)
    assert caught.value.message_id == "1"
    assert caught.value.error.code == "FormatViolation"


@pytest.mark.parametrize("kind", ["1", "5", '"2"', "true", "null", "2.5"])
def test_other_message_types_are_told_apart(kind: str) -> None:
    with pytest.raises(UnknownMessageType):
        parse(f'[{kind}, "1", "Heartbeat", {{}}]')


def test_a_callerror_may_leave_out_description_and_details() -> None:
    assert parse('[4, "1", "GenericError"]') == CallError("1", "GenericError")
    assert parse('[4, "1", "GenericError", null, null]').description == ""  # type: ignore[union-attr]
