"""Who may connect to the endpoint: what a charger's handshake has to show."""

import base64
import binascii
from typing import Any
from urllib.parse import unquote

from channels.db import database_sync_to_async
from django.conf import settings

from . import services
from .choices import SecurityProfile
from .group_commit import group_commit
from .models import Charger
from .services import certificates, links

Scope = dict[str, Any]


async def find_charger(organization: str, identity: str) -> Charger | None:
    """The charger that a path names; one nobody knows may be registered by that."""
    charger = await group_commit().run_batched(
        services.find_chargers, services.Address(organization, identity)
    )
    if charger is None and settings.OCPP_REGISTER_UNKNOWN_CHARGERS:
        register = database_sync_to_async(links.register_unknown_charger)
        return await register(organization, identity)
    return charger


async def is_authentic(scope: Scope, charger: Charger) -> bool:
    """Whether it shows what the charger's security profile asks for, or more.

    One that comes by the higher profile that it was set to may not come by a lower one
    any more (whitepaper, A05; 2.0.1, A05.FR.07).
    """
    if not await _shows(scope, charger, charger.security_profile):
        return False
    profile = charger.next_security_profile
    if profile > charger.security_profile and await _shows(scope, charger, profile):
        raise_profile = database_sync_to_async(links.raise_security_profile)
        await raise_profile(charger, profile)
    return True


async def _shows(scope: Scope, charger: Charger, profile: int) -> bool:
    """Whether it shows what a security profile asks for, or more (whitepaper, 2).

    Basic authentication also where it asks for nothing, but there is a password. A
    certificate needs no password beside it: so a charger comes to profile 3 before
    that is asked of it.
    """
    is_secure = _is_secure(scope)
    if profile >= SecurityProfile.TLS and not is_secure:
        return False
    if is_secure and await _has_certificate_of(scope, charger):
        return True
    if profile == SecurityProfile.MUTUAL_TLS:
        return False
    if not charger.password_hash:
        return profile == SecurityProfile.UNSECURED
    headers = dict(scope["headers"])
    password = _basic_password(headers, charger.identity)
    if password is None:
        return False
    if services.has_slow_hash(charger):
        renew = database_sync_to_async(services.renew_hash, thread_sensitive=False)
        return await renew(charger, password)
    return services.password_matches(charger, password)


def _is_secure(scope: Scope) -> bool:
    """Whether TLS ends here, or at a proxy that is trusted to say so."""
    if "tls" in scope.get("extensions", {}):
        return True
    forwarded = dict(scope["headers"]).get(b"x-forwarded-proto", b"")
    return bool(settings.HTTPS and forwarded == b"https")


async def _has_certificate_of(scope: Scope, charger: Charger) -> bool:
    presented = _client_certificate(scope)
    belongs = database_sync_to_async(certificates.certificate_belongs_to)
    return bool(presented) and await belongs(charger, presented)


def _client_certificate(scope: Scope) -> str:
    """The certificate (PEM) that the TLS layer, here or at the proxy, has checked."""
    if header := settings.OCPP_CLIENT_CERTIFICATE_HEADER:
        given = dict(scope["headers"]).get(header.lower().encode(), b"")
        return unquote(given.decode("latin1"))
    chain = scope.get("extensions", {}).get("tls", {}).get("client_cert_chain")
    return chain[0] if chain else ""


def _basic_password(headers: dict[bytes, bytes], identity: str) -> bytes | None:
    """The password of an Authorization header that names this identity as its user.

    An identity may hold a colon itself; the key may be any bytes (OCPP-J 1.6, 6.2.2).
    """
    scheme, _, encoded = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True)
    except binascii.Error:
        return None
    user = f"{identity}:".encode()
    return text.removeprefix(user) if text.startswith(user) else None
