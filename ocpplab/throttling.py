"""How many requests of the REST API one token may make (``OCPPLAB_API_RATE``)."""

import logging
from typing import Any

from django.conf import settings
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from .models import ApiToken

logger = logging.getLogger(__name__)


class TokenRateThrottle(SimpleRateThrottle):
    """Counts in Redis, for all web processes. Without Redis nobody is refused."""

    def get_rate(self) -> str | None:
        return settings.API_RATE or None

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        token = request.auth
        return f"api-rate-{token.pk}" if isinstance(token, ApiToken) else None

    def allow_request(self, request: Request, view: Any) -> bool:
        try:
            return super().allow_request(request, view)
        except RedisError as error:
            logger.warning("Requests are not counted: %s", error)
            return True
