"""Signing in: who gives too many wrong passwords has to wait."""

import hashlib
import logging
import math
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.cache import cache
from redis.exceptions import RedisError

from .audit import address_of

logger = logging.getLogger(__name__)


class SignInForm(AdminAuthenticationForm):
    """Counts wrong passwords for a user name from an address, in Redis for all web
    processes. Without Redis nobody has to wait.

    While one has to, no password is looked at: neither the right one lets in, nor can it
    be found out. Others of the same name or address are not held up.
    """

    def clean(self) -> dict[str, Any]:
        key = self._key()
        if _count(key) >= settings.SIGN_IN_ATTEMPTS:
            minutes = math.ceil(settings.SIGN_IN_PAUSE / 60)
            raise forms.ValidationError(
                "Too many wrong passwords. Wait %(minutes)d minute%(plural)s, then try "
                "again.",
                code="too_many_attempts",
                params={"minutes": minutes, "plural": "" if minutes == 1 else "s"},
            )
        try:
            data = super().clean()
        except forms.ValidationError:
            _add_one(key)
            raise
        _forget(key)
        return data

    def _key(self) -> str:
        name = str(self.cleaned_data.get("username", "")).lower()
        where = address_of(self.request) if self.request else ""
        digest = hashlib.sha256(f"{where} {name}".encode()).hexdigest()
        return f"sign-in-{digest}"


def _count(key: str) -> int:
    try:
        return int(cache.get(key, 0))
    except RedisError as error:
        logger.warning("Wrong passwords are not counted: %s", error)
        return 0


def _add_one(key: str) -> None:
    """Count one more; each starts the pause anew."""
    try:
        if not cache.add(key, 1, settings.SIGN_IN_PAUSE):
            cache.incr(key)
            cache.touch(key, settings.SIGN_IN_PAUSE)
    except (RedisError, ValueError) as error:  # ValueError: it has expired just now
        logger.warning("A wrong password is not counted: %s", error)


def _forget(key: str) -> None:
    try:
        cache.delete(key)
    except RedisError as error:
        logger.warning("Wrong passwords are not forgotten: %s", error)
