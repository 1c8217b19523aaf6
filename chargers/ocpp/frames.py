"""OCPP-J messages and their text on the wire (OCPP-J 1.6, section 4; 2.0.1, part 4)."""

import json
import math
import uuid
from dataclasses import dataclass, field
from typing import Any

from .errors import FrameError, OCPPError

MESSAGE_ID_LIMIT = 36
DIGIT_LIMIT = 4000  # of an integer

CALL, CALLRESULT, CALLERROR = 2, 3, 4


@dataclass(slots=True, frozen=True)
class Call:
    message_id: str
    action: str
    payload: dict[str, Any]

    def encode(self) -> str:
        return _dump([CALL, self.message_id, self.action, self.payload])


@dataclass(slots=True, frozen=True)
class CallResult:
    message_id: str
    payload: dict[str, Any]

    def encode(self) -> str:
        return _dump([CALLRESULT, self.message_id, self.payload])


@dataclass(slots=True, frozen=True)
class CallError:
    message_id: str
    code: str
    description: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    def encode(self) -> str:
        return _dump(
            [CALLERROR, self.message_id, self.code, self.description, self.details]
        )


Frame = Call | CallResult | CallError


class UnknownMessageType(FrameError):
    """A well-formed array whose message type is none of ours: to be ignored in 1.6."""


def new_message_id() -> str:
    """A message id that this side never used before."""
    return str(uuid.uuid4())


def parse(text: str | bytes) -> Frame:
    """The message in a WebSocket frame; FrameError when it is none.

    Bytes are refused: OCPP-J messages travel in text frames.
    """
    if isinstance(text, bytes):
        raise FrameError(
            OCPPError("RpcFrameworkError", "Binary frames carry no OCPP-J message.")
        )
    try:
        data, is_clear = _decode(text)
    except (ValueError, RecursionError):
        raise FrameError(
            OCPPError("RpcFrameworkError", "The frame is not JSON.")
        ) from None
    if not isinstance(data, list) or len(data) < 2:
        raise FrameError(
            OCPPError("RpcFrameworkError", "The frame is no OCPP-J message array.")
        )
    kind, message_id = data[0], data[1]
    if (
        not isinstance(message_id, str)
        or not 0 < len(message_id) <= MESSAGE_ID_LIMIT
        or has_unstorable_text(message_id)
    ):
        raise FrameError(
            OCPPError(
                "RpcFrameworkError",
                "The message id is no string of 1 to 36 characters.",
            )
        )
    if type(kind) is not int:
        kind = type(kind).__name__
    problem = ""
    if "\\u" in text and has_unstorable_text(data):
        problem = "The text holds a NUL or half a surrogate pair."
    elif not is_clear:
        problem = "An object has the same name twice."
    if problem:
        # Only a CALL is answered.
        raise FrameError(
            OCPPError("FormatViolation", problem), message_id if kind == CALL else None
        )
    if kind == CALL:
        return _parse_call(data, message_id)
    if kind == CALLRESULT:
        if len(data) == 3 and isinstance(data[2], dict):
            return CallResult(message_id, data[2])
    elif kind == CALLERROR:
        # Description and details are often left out or null; the code is what counts.
        if 3 <= len(data) <= 5 and isinstance(data[2], str):
            description = data[3] if len(data) > 3 and isinstance(data[3], str) else ""
            details = data[4] if len(data) > 4 and isinstance(data[4], dict) else {}
            return CallError(message_id, data[2], description, details)
    else:
        raise UnknownMessageType(
            OCPPError("MessageTypeNotSupported", f"There is no message type {kind}."),
            message_id,
        )
    raise FrameError(OCPPError("RpcFrameworkError", "The answer has a wrong shape."))


def _parse_call(data: list[Any], message_id: str) -> Call:
    if len(data) != 4:
        problem = f"A CALL has 4 elements, not {len(data)}."
    elif not isinstance(data[2], str):
        problem = "The action is no string."
    elif not isinstance(data[3], dict):
        problem = "The payload is no object."
    else:
        return Call(message_id, data[2], data[3])
    raise FrameError(OCPPError("FormatViolation", problem), message_id)


def _dump(message: list[Any]) -> str:
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False)


def _refuse_constant(name: str) -> Any:
    raise json.JSONDecodeError(f"{name} is no JSON", name, 0)


def _parse_integer(digits: str) -> int | float:
    """One of thousands of digits, which int() refuses, is as good as infinite."""
    return int(digits) if len(digits) <= DIGIT_LIMIT else math.inf


class _RepeatedName(Exception):
    """An object has a name twice: nobody knows which value was meant."""


def _make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _RepeatedName
    return made


_STRICT = json.JSONDecoder(
    parse_constant=_refuse_constant, object_pairs_hook=_make_object
)
_LENIENT = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=_parse_integer)


def _decode(text: str) -> tuple[Any, bool]:
    """What the JSON says, and whether it says it without repeating a name."""
    try:
        return _STRICT.decode(text), True
    except _RepeatedName:
        return _LENIENT.decode(text), False
    except json.JSONDecodeError:
        raise
    except ValueError:  # from int()
        return _LENIENT.decode(text), True


def has_unstorable_text(data: Any) -> bool:
    """Whether any string in it is refused by UTF-8 or by PostgreSQL (NUL)."""
    try:
        encoded = json.dumps(data, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        return True
    return rb"\u0000" in encoded
