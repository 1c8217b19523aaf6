"""``Idempotency-Key``: a POST that comes again is not done again.

Its first answer is kept for a day and given to each repetition. Only what a repetition
would meet too is kept: an unexpected error is not, nor what was refused before the view
(401, 403, 429).
"""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.utils import timezone
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .api import Unavailable, Unprocessable
from .models import ApiToken, IdempotencyKey
from .permissions import organization_of
from .services import digest_of_request

KEPT = timedelta(hours=24)
WAIT_SECONDS = 5.0  # for the first request to end
POLL_SECONDS = 0.1
# A request still open after so long was lost with its process.
LOST = timedelta(minutes=2)
KEY_LENGTH = 255

Post = Callable[..., Response]


def idempotent(post: Post) -> Post:
    """Decorates the ``post`` of a view in an organization: every one of the API."""

    @wraps(post)
    def post_once(
        view: APIView, request: Request, *args: Any, **kwargs: Any
    ) -> Response:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return post(view, request, *args, **kwargs)
        row, is_first = _begin(request, key)
        if not is_first:
            replayed = {"Idempotent-Replayed": "true"}
            return Response(row.body, row.status, headers=replayed)
        try:
            response = post(view, request, *args, **kwargs)
        except Exception as error:
            response = view.handle_exception(error)
        _finish(row, response)
        return response

    post_once.is_idempotent = True  # type: ignore[attr-defined]
    return post_once


def delete_old_keys() -> None:
    IdempotencyKey.objects.filter(created_at__lt=timezone.now() - KEPT).delete()


def _begin(request: Request, key: str) -> tuple[IdempotencyKey, bool]:
    """The key's row, and whether this request is the one to be done."""
    if not 0 < len(key) <= KEY_LENGTH:
        raise Unprocessable(f"An Idempotency-Key has 1 to {KEY_LENGTH} characters.")
    token = request.auth
    assert isinstance(token, ApiToken)
    digest = digest_of_request(request.method, request.path, request.data)
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        row, is_new = IdempotencyKey.objects.get_or_create(
            token=token,
            organization=organization_of(request),
            key=key,
            defaults={"digest": digest},
        )
        if is_new:
            return row, True
        age = timezone.now() - row.created_at
        if age > (KEPT if row.is_done else LOST):
            IdempotencyKey.objects.filter(pk=row.pk).delete()
            continue
        if row.digest != digest:
            raise Unprocessable("This Idempotency-Key came with another request.")
        if row.is_done:
            return row, False
        if time.monotonic() > deadline:
            raise Unavailable("The first request with this key is still being done.")
        time.sleep(POLL_SECONDS)


def _finish(row: IdempotencyKey, response: Response) -> None:
    """Keep the answer; after an unexpected error the request may be done anew."""
    if response.status_code >= 500:
        row.delete()
        return
    row.status = response.status_code
    row.body = json.loads(JSONRenderer().render(response.data))
    IdempotencyKey.objects.filter(pk=row.pk).update(status=row.status, body=row.body)
