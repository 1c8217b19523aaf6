"""Bearer tokens of the REST API (contract, section 3)."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from .models import ApiToken
from .services import find_token


class TokenUser:
    """The caller of a REST request: a token rather than a person."""

    is_authenticated = True
    is_active = True

    def __init__(self, token: ApiToken) -> None:
        self.token = token
        self.pk = None

    def __str__(self) -> str:
        return f"token {self.token}"


class BearerAuthentication(BaseAuthentication):
    """``Authorization: Bearer <token>``; ``request.auth`` becomes the ApiToken."""

    def authenticate(self, request: Request) -> tuple[TokenUser, ApiToken]:
        words = get_authorization_header(request).split()
        if len(words) != 2 or words[0].lower() != b"bearer":
            raise AuthenticationFailed("A Bearer token is required.")
        token = find_token(words[1].decode("latin-1"))
        if token is None:
            raise AuthenticationFailed("The token is invalid, expired or revoked.")
        return TokenUser(token), token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
