"""OCPP requests of operators, sent to a connected charger wherever its socket is.

Any process asks; the web process that has the charger's WebSocket hears of it through
the channel layer, sends the CALL, and leaves the answer in Redis for who asked.
"""

import json
import secrets
from typing import Any, cast

import redis.asyncio
from django.conf import settings
from redis.exceptions import RedisError

from ocpplab.queue import redis_client

from .choices import Origin, RequestOutcome
from .connections import tell_from_thread
from .errors import (
    AnswerInvalid,
    NotAllowed,
    NotAnswered,
    NotConnected,
    RequestError,
    RequestInvalid,
    RequestRefused,
    UnknownRequest,
)
from .models import Charger, OperatorRequest
from .ocpp.frames import has_unstorable_text
from .ocpp.messages import SENT_BY_CHARGERS
from .ocpp.schemas import Problem, actions, request_problems
from .ocpp.secrecy import without_secrets
from .ocpp.session import DEFAULT_CALL_TIMEOUT
from .ocpp.versions import Version

Payload = dict[str, Any]

RECEIPT_WAIT = 3  # s, for the process that has the charger's WebSocket
ANSWER_WAIT = int(DEFAULT_CALL_TIMEOUT) + 15  # s; a CALL may wait for the one before it
KEPT = 120  # s, what nobody fetches


def version_of(charger: Charger) -> Version:
    """What the charger speaks; of a physical one, what it last agreed on."""
    return Version.from_label(charger.ocpp_version)


def request_actions(version: Version) -> list[str]:
    """What a CSMS may ask of a charger."""
    ours = actions(version) - SENT_BY_CHARGERS[version] | {"DataTransfer"}
    return sorted(ours)


def new_password_request(version: Version) -> tuple[str, Payload]:
    """The request that gives a charger a new password: 20 random bytes, as digits.

    Once the charger has accepted it, the endpoint expects it (whitepaper, A01).
    """
    password = secrets.token_hex(20)
    if version.is_v16:
        key = {"key": "AuthorizationKey", "value": password}
        return "ChangeConfiguration", key
    variable = {
        "component": {"name": "SecurityCtrlr"},
        "variable": {"name": "BasicAuthPassword"},
        "attributeValue": password,
    }
    return "SetVariables", {"setVariableData": [variable]}


def send_request(
    charger: Charger, action: str, payload: Payload, *, origin: Origin, asked_by: str
) -> Payload:
    """Send a CALL to the charger, at most once, and return its answer.

    It is recorded who asked, and what came of it.

    UnknownRequest, RequestInvalid, NotAllowed, NotConnected, NotAnswered, AnswerInvalid
    or RequestRefused (a CALLERROR) where there is none.
    """
    version = version_of(charger)
    _check(version, action, payload)
    record = OperatorRequest.objects.create(
        charger=charger,
        action=action,
        payload=without_secrets(action, payload),
        origin=origin,
        asked_by=asked_by,
    )
    try:
        record.answer = _exchange(charger, version, action, payload)
        record.outcome = RequestOutcome.ANSWERED
    except RequestError as error:
        record.outcome, record.detail = str(error.outcome), str(error)
        raise
    finally:
        # Also after an unexpected error; the charger may be gone meanwhile.
        OperatorRequest.objects.filter(pk=record.pk).update(
            answer=record.answer, outcome=record.outcome, detail=record.detail
        )
    return cast(Payload, record.answer)


def _exchange(
    charger: Charger, version: Version, action: str, payload: Payload
) -> Payload:
    request_id = secrets.token_hex(16)
    message = {
        "type": "request.send",
        "id": request_id,
        "version": version,
        "action": action,
        "payload": json.dumps(payload),  # the channel layer knows no big numbers
    }
    try:
        tell_from_thread(charger.pk, message)
    except (RedisError, OSError):
        raise NotConnected(
            f"{charger} cannot be reached: Redis does not answer."
        ) from None
    try:
        return _answer_to(charger, action, request_id)
    except RedisError:
        raise NotAnswered(
            f"{action} may have been sent: Redis does not answer any more."
        ) from None


def _answer_to(charger: Charger, action: str, request_id: str) -> Payload:
    connection = redis_client()
    receipt = connection.blpop([_receipt_key(request_id)], RECEIPT_WAIT)
    # Claimed here, whoever hears of it now is too late: it was never sent.
    if receipt is None and connection.set(_claim_key(request_id), 1, ex=KEPT, nx=True):
        raise NotConnected(f"{charger} is not connected to the built-in endpoint.")
    answered = cast(Any, connection.blpop([_answer_key(request_id)], ANSWER_WAIT))
    if answered is None:
        raise NotAnswered(f"{action} was sent, but not answered in time.")
    answer: Payload = json.loads(answered[1])
    if "payload" in answer:
        return cast(Payload, answer["payload"])
    if "code" in answer:
        raise RequestRefused(**answer)
    if "invalid" in answer:
        raise AnswerInvalid(answer["invalid"])
    if "refusal" in answer:
        raise NotAllowed(answer["refusal"])
    raise NotAnswered(answer["failure"])


def _check(version: Version, action: str, payload: Payload) -> None:
    if action not in request_actions(version):
        raise UnknownRequest(
            f"A CSMS cannot send {action[:50]!r} to a charger that speaks "
            f"{version.label}."
        )
    problems = request_problems(version, action, payload)
    if has_unstorable_text(payload):
        text = "Text with a NUL or half a surrogate pair is not accepted."
        problems.append(Problem((), "text", text))
    if problems:
        raise RequestInvalid(problems)


# --- The process that has the WebSocket -----------------------------------------------


async def claim(request_id: str) -> bool:
    """Whether this connection is to send the request; said to who asked."""
    async with _client() as client:
        if not await client.set(_claim_key(request_id), 1, ex=KEPT, nx=True):
            return False
        await _push(client, _receipt_key(request_id), "taken")
    return True


async def answer(request_id: str, answer: Payload) -> None:
    """Leave the answer for who asked."""
    async with _client() as client:
        await _push(client, _answer_key(request_id), json.dumps(answer))


async def _push(client: Any, key: str, text: str) -> None:
    async with client.pipeline(transaction=True) as pipe:
        await pipe.rpush(key, text).expire(key, KEPT).execute()


def _client() -> Any:
    return redis.asyncio.from_url(settings.REDIS_URL)


def _claim_key(request_id: str) -> str:
    return f"ocpplab:request:{request_id}:claim"


def _receipt_key(request_id: str) -> str:
    return f"ocpplab:request:{request_id}:receipt"


def _answer_key(request_id: str) -> str:
    return f"ocpplab:request:{request_id}:answer"
