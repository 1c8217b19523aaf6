"""Secrets that must be known in the clear later are kept encrypted under SECRET_KEY."""

import base64
import hashlib

from cryptography.fernet import Fernet
from django.conf import settings


def encrypt(text: str) -> str:
    return _fernet().encrypt(text.encode()).decode()


def decrypt(text: str) -> str:
    """The clear text; cryptography.fernet.InvalidToken if SECRET_KEY has changed."""
    return _fernet().decrypt(text.encode()).decode()


def _fernet() -> Fernet:
    digest = hashlib.sha256(b"ocpplab.encryption" + settings.SECRET_KEY.encode())
    return Fernet(base64.urlsafe_b64encode(digest.digest()))
