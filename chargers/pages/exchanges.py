"""The message log as exchanges: a request with its answer, and how long it took."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db.models import Q, QuerySet

from ocpplab.html import pretty_json

from ..choices import Direction
from ..gist import gist
from ..models import Message

CALL, RESULT, ERROR = 2, 3, 4
ANSWERS = (RESULT, ERROR)
ANSWER_WAIT = timedelta(minutes=2)  # no answer comes later than that
OTHER_WAY = {
    Direction.TO_CSMS.value: Direction.TO_CHARGER.value,
    Direction.TO_CHARGER.value: Direction.TO_CSMS.value,
}


@dataclass(frozen=True)
class Wanted:
    """Which exchanges: those with this action, begun by that side, or with errors."""

    action: str = ""
    direction: str = ""
    errors: bool = False

    def filter(self, messages: QuerySet[Message]) -> QuerySet[Message]:
        if self.action:
            messages = messages.filter(action=self.action)
        if self.direction:
            begun = Q(message_type=CALL, direction=self.direction)
            answered = Q(message_type__in=ANSWERS, direction=OTHER_WAY[self.direction])
            messages = messages.filter(begun | answered)
        if self.errors:
            messages = messages.filter(message_type=ERROR)
        return messages


@dataclass(frozen=True)
class Exchange:
    """A request and its answer; either may be missing, or be no readable frame."""

    request: Message | None
    answer: Message | None

    @property
    def first(self) -> Message:
        message = self.request or self.answer
        assert message is not None
        return message

    @property
    def at(self) -> datetime:
        return self.first.timestamp

    @property
    def action(self) -> str:
        return self.first.action

    @property
    def direction(self) -> str:
        """Which way the request went."""
        if self.request is None and self.answer and self.answer.message_type:
            return OTHER_WAY[self.answer.direction]
        return self.first.direction

    @property
    def goes_up(self) -> bool:
        return self.direction == Direction.TO_CSMS

    @property
    def is_error(self) -> bool:
        return bool(self.answer and self.answer.message_type == ERROR)

    @property
    def took_ms(self) -> int | None:
        """Between the two, as whoever logged them saw it."""
        if self.request is None or self.answer is None:
            return None
        delta = self.answer.timestamp - self.request.timestamp
        return round(delta.total_seconds() * 1000)

    @cached_property
    def outcome(self) -> str:
        """In a few words: a status that the answer tells, or its error."""
        if self.answer is None:
            is_open = self.request and self.request.message_type == CALL
            return "no answer" if is_open else ""
        parts = _parts(self.answer)
        if self.is_error:
            return str(parts[2]) if len(parts) > 2 else "error"
        carried = parts[2] if len(parts) > 2 and isinstance(parts[2], dict) else {}
        return _status_in(carried)

    @property
    def tone(self) -> str:
        if self.is_error:
            return "bad"
        if self.answer is None:
            return "idle" if self.request and self.request.message_type else "warn"
        refusals = (
            "Rejected",
            "Invalid",
            "Blocked",
            "Expired",
            "Failed",
            "NotSupported",
            "ConcurrentTx",
            "Unknown",
        )
        return "warn" if self.outcome.startswith(refusals) else "good"

    @property
    def is_refusal(self) -> bool:
        return self.answer is not None and self.tone in ("warn", "bad")

    @property
    def summary(self) -> str:
        """What the request carries, in one line."""
        parts = _parts(self.request) if self.request else []
        if len(parts) > 3:
            return gist(parts[3])
        return self.first.text if self.request else ""

    @property
    def request_json(self) -> str:
        return pretty_json(self.request.text) if self.request else ""

    @property
    def answer_json(self) -> str:
        return pretty_json(self.answer.text) if self.answer else ""


def exchanges(
    messages: QuerySet[Message], wanted: Wanted, limit: int
) -> list[Exchange]:
    """The last exchanges among a charger's messages, newest first; two queries."""
    found = list(wanted.filter(messages)[:limit])
    known = {message.pk for message in found}
    missing = _requests_of(messages, found)
    both = paired([*found, *(m for m in missing if m.pk not in known)])
    return [e for e in both if known & {m.pk for m in (e.request, e.answer) if m}]


def _requests_of(
    messages: QuerySet[Message], found: Sequence[Message]
) -> Iterable[Message]:
    """What may have asked for the answers that were found alone."""
    asked = {_id_of(m) for m in found if m.message_type == CALL}
    alone = [m for m in found if m.message_type in ANSWERS and _id_of(m) not in asked]
    windows = Q()
    for answer in alone:
        windows |= Q(
            action=answer.action,
            message_type=CALL,
            timestamp__range=(answer.timestamp - ANSWER_WAIT, answer.timestamp),
            text__contains=json.dumps(_id_of(answer), ensure_ascii=False),
        )
    return messages.filter(windows)[: len(alone)] if alone else ()


def paired(found: Iterable[Message]) -> list[Exchange]:
    """Newest first. An id may come again after a restart: the nearest answer counts."""
    open_requests: dict[tuple[str, str], int] = {}
    pairs: list[Exchange] = []
    for message in sorted(found, key=lambda m: (m.timestamp, m.pk)):
        unique_id = _id_of(message)
        if message.message_type in ANSWERS:
            asker = (OTHER_WAY[message.direction], unique_id)
            if (place := open_requests.pop(asker, None)) is not None:
                pairs[place] = replace(pairs[place], answer=message)
            else:
                pairs.append(Exchange(None, message))
            continue
        if message.message_type == CALL:
            open_requests[message.direction, unique_id] = len(pairs)
        pairs.append(Exchange(message, None))
    return pairs[::-1]


def _parts(message: Message) -> list[Any]:
    try:
        parts = json.loads(message.text)
    except ValueError:
        return []
    return parts if isinstance(parts, list) else []


def _id_of(message: Message) -> str:
    parts = _parts(message)
    return str(parts[1]) if len(parts) > 1 else ""


def _status_in(carried: dict[str, Any]) -> str:
    for name in ("status", "idTagInfo", "idTokenInfo"):
        value = carried.get(name)
        if isinstance(value, dict):
            return str(value.get("status", ""))
        if value is not None:
            return str(value)
    return ""
