"""The audit log: who did what, by which door, with what result."""

import getpass
import logging
import os
from collections.abc import Sequence
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import (
    user_logged_in,
    user_logged_out,
    user_login_failed,
)
from django.db import DatabaseError
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone
from django.utils.deprecation import MiddlewareMixin

from .models import ApiToken, AuditEntry, Origin, User

logger = logging.getLogger(__name__)

NAMED = 20  # of many things that were changed at once
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
# Commands are rows that say all of this themselves.
KEPT_ELSEWHERE = "/ocpp/commands/"


def record(
    *, door: Origin, action: str, subject: Any = "", detail: str = "", **fields: Any
) -> None:
    """Write an entry. ``fields`` as the model has them."""
    AuditEntry.objects.create(
        door=door,
        action=action[:30],
        subject=str(subject)[:300],
        detail=detail,
        **fields,
    )


def record_of_person(request: HttpRequest, action: str, **fields: Any) -> None:
    """Write what somebody who is signed in has done."""
    user = request.user if isinstance(request.user, User) else None
    record(
        door=Origin.ADMIN,
        action=action,
        user=user,
        who=user.get_username() if user else "",
        address=address_of(request),
        **fields,
    )


def record_of_shell(action: str, **fields: Any) -> None:
    """Write what a management command has done, for the operating system's user."""
    record(door=Origin.CLI, action=action, who=shell_user(), **fields)


def shell_user() -> str:
    """Who runs a management command; in a container the user may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def listed(rows: Sequence[Any]) -> str:
    """The names of some rows, and how many more there are."""
    names = ", ".join(str(row) for row in rows[:NAMED])
    more = len(rows) - NAMED
    return f"{names} and {more} more" if more > 0 else names


def address_of(request: HttpRequest) -> str | None:
    """Where a request comes from; what a client says of itself counts for nothing.

    Behind ``OCPPLAB_PROXIES`` proxies, each of which adds who called it to
    X-Forwarded-For, the address is that many entries from its end.
    """
    forwarded = request.headers.get("X-Forwarded-For", "").split(",")
    caller = request.META.get("REMOTE_ADDR", "")
    if 0 < settings.PROXIES <= len(forwarded):
        caller = forwarded[-settings.PROXIES].strip() or caller
    try:
        return str(ip_address(caller.partition("%")[0]))  # without its zone
    except ValueError:  # a Unix socket, or a proxy that says something else
        return None


def delete_old_entries() -> None:
    age = timedelta(days=settings.AUDIT_RETENTION_DAYS)
    AuditEntry.objects.filter(at__lt=timezone.now() - age).delete()


class AuditMiddleware(MiddlewareMixin):
    """Records what REST requests change, or were refused to."""

    def process_response(self, request: Any, response: Any) -> Any:
        token = getattr(request, "auth", None)
        if not isinstance(token, ApiToken) or request.method in SAFE_METHODS:
            return response
        is_done = response.status_code < 400
        if is_done and request.path_info.startswith(KEPT_ELSEWHERE):
            return response
        try:
            record(
                door=Origin.API,
                action=request.method,
                subject=request.path_info,
                token=token,
                who=str(token),
                organization=getattr(request, "organization", token.organization),
                address=address_of(request),
                is_done=is_done,
                detail=f"{response.status_code} {response.reason_phrase}",
            )
        except DatabaseError as error:  # what was done is done
            logger.error("%s was not recorded: %s", request.path, error)
        return response


# --- Signing in and out ---------------------------------------------------------------


@receiver(user_logged_in)
def _on_sign_in(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    _record_session("signed in", request, user)


@receiver(user_logged_out)
def _on_sign_out(
    sender: Any, request: HttpRequest, user: User | None, **kwargs: Any
) -> None:
    if user is not None:
        _record_session("signed out", request, user)


@receiver(user_login_failed)
def _on_refusal(
    sender: Any, credentials: dict[str, Any], request: HttpRequest | None, **kwargs: Any
) -> None:
    if request is not None:
        name = str(credentials.get("username", ""))[:150]
        user = User.objects.filter(username=name).first()
        _record_session("sign-in refused", request, user, who=name, is_done=False)


def _record_session(
    action: str, request: HttpRequest, user: User | None, **fields: Any
) -> None:
    who = {"who": user.get_username()} if user else {}
    record(
        door=Origin.ADMIN,
        action=action,
        user=user,
        address=address_of(request),
        **{**who, **fields},
    )
