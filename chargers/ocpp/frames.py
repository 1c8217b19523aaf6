"""OCPP-J messages and their text on the wire (OCPP-J 1.6, section 4; 2.0.1, part 4)."""

import json
import math
import uuid
from dataclasses import dataclass, field
from typing import Any

from .errors import FrameError, OCPPError
from .versions import Version

MESSAGE_ID_LIMIT = 36
DIGIT_LIMIT = 4000  # of an integer

CALL, CALLRESULT, CALLERROR = 2, 3, 4
CALLRESULTERROR, SEND = 5, 6
OF_ALL = (CALL, CALLRESULT, CALLERROR)
OF_V21 = (*OF_ALL, CALLRESULTERROR, SEND)


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


@dataclass(slots=True, frozen=True)
class CallResultError:
    """Says of a CALLRESULT that it could not be processed (2.1, part 4, 4.2.3)."""

    message_id: str
    code: str
    description: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    def encode(self) -> str:
        return _dump(
            [
                CALLRESULTERROR,
                self.message_id,
                self.code,
                self.description,
                self.details,
            ]
        )


@dataclass(slots=True, frozen=True)
class Send:
    """A message that is never answered (2.1, part 4, 4.2.4)."""

    message_id: str
    action: str
    payload: dict[str, Any]

    def encode(self) -> str:
        return _dump([SEND, self.message_id, self.action, self.payload])


Frame = Call | CallResult | CallError | CallResultError | Send

MESSAGE_TYPES: dict[type[Frame], int] = {
    Call: CALL,
    CallResult: CALLRESULT,
    CallError: CALLERROR,
    CallResultError: CALLRESULTERROR,
    Send: SEND,
}


class UnknownMessageType(FrameError):
    """A well-formed array whose message type is none of ours: to be ignored in 1.6."""


class BadMessageId(FrameError):
    """A CALL whose id is empty or too long: 1.6 has it answered under that id."""


class Unanswerable(FrameError):
    """A faulty answer, or a faulty SEND: neither is ever answered."""


def new_message_id() -> str:
    """A message id that this side never used before."""
    return str(uuid.uuid4())


def parse(text: str | bytes, version: Version = Version.V16) -> Frame:
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
    if not isinstance(message_id, str) or has_unstorable_text(message_id):
        raise FrameError(OCPPError("RpcFrameworkError", "The message id is no text."))
    if type(kind) is not int:
        kind = type(kind).__name__
    if kind not in (OF_V21 if version is Version.V21 else OF_ALL):
        raise UnknownMessageType(
            OCPPError("MessageTypeNotSupported", f"There is no message type {kind}."),
            message_id,
        )
    if not 0 < len(message_id) <= MESSAGE_ID_LIMIT:
        length = f"The message id has not 1 to {MESSAGE_ID_LIMIT} characters."
        unusable = BadMessageId if kind == CALL else Unanswerable
        raise unusable(OCPPError("RpcFrameworkError", length), message_id)
    problem = ""
    if not is_clear:
        problem = "An object has the same name twice."
    elif "\\u" in text and has_unstorable_text(data):
        try:
            data = _storable(data)
        except RecursionError:
            problem = "It is nested too deeply."
    frame = problem or _frame(kind, message_id, data)
    if isinstance(frame, str):
        faulty = FrameError if kind == CALL else Unanswerable
        raise faulty(OCPPError("FormatViolation", frame), message_id)
    return frame


def _frame(kind: int, message_id: str, data: list[Any]) -> Frame | str:
    """The frame of this type that the array is, or what is wrong with it."""
    if kind in (CALL, SEND):
        if len(data) != 4:
            return f"A CALL has 4 elements, not {len(data)}."
        if not isinstance(data[2], str):
            return "The action is no string."
        if not _is_payload(data[3]):
            return "The payload is no object."
        return (Call if kind == CALL else Send)(message_id, data[2], data[3] or {})
    if kind == CALLRESULT and len(data) == 3 and _is_payload(data[2]):
        return CallResult(message_id, data[2] or {})
    if kind != CALLRESULT and 3 <= len(data) <= 5 and isinstance(data[2], str):
        # Description and details are often left out or null; the code is what counts.
        description = data[3] if len(data) > 3 and isinstance(data[3], str) else ""
        details = data[4] if len(data) > 4 and isinstance(data[4], dict) else {}
        error = CallError if kind == CALLERROR else CallResultError
        return error(message_id, data[2], description, details)
    return "The answer has a wrong shape."


def _is_payload(part: Any) -> bool:
    """Whether it is an object, or null for none (OCPP-J 1.6, 4.2.1)."""
    return part is None or isinstance(part, dict)


_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


def _dump(message: list[Any]) -> str:
    return _ENCODER.encode(message)


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


def _storable(part: Any) -> Any:
    """The same with each NUL and half surrogate pair replaced: legal JSON that no
    database keeps, and no reason to refuse what a charger has to tell.
    """
    if isinstance(part, str):
        text = part.replace("\0", "\N{REPLACEMENT CHARACTER}")
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(part, list):
        return [_storable(item) for item in part]
    if isinstance(part, dict):
        return {_storable(name): _storable(value) for name, value in part.items()}
    return part
