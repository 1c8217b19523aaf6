"""How the passwords of chargers are kept."""

import hmac
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import BasePasswordHasher, PBKDF2PasswordHasher


class ChargerPasswordHasher(BasePasswordHasher):
    """A digest that is salted, and keyed with SECRET_KEY.

    A slow hash is for what people make up. The keys of chargers are long and random, and
    thousands of chargers may come back at once, each with 5 s for its handshake. Who has
    the database alone cannot try any out.
    """

    algorithm = "charger_hmac"

    def encode(self, password: str, salt: str) -> str:
        self._check_encode_args(password, salt)  # type: ignore[attr-defined]
        key = b"ocpplab.hashers" + settings.SECRET_KEY.encode()
        digest = hmac.digest(key, f"{salt}${password}".encode(), "sha256")
        return f"{self.algorithm}${salt}${digest.hex()}"

    def decode(self, encoded: str) -> dict[str, Any]:
        algorithm, salt, digest = encoded.split("$")
        return {"algorithm": algorithm, "salt": salt, "hash": digest}

    def verify(self, password: str, encoded: str) -> bool:
        again = self.encode(password, self.decode(encoded)["salt"])
        return hmac.compare_digest(again, encoded)

    def safe_summary(self, encoded: str) -> Any:
        return {"algorithm": self.algorithm}

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Nothing to equal out: it takes no time."""


class EarlierChargerPasswordHasher(PBKDF2PasswordHasher):
    """What an earlier version kept them by: still read, and then kept as above."""

    algorithm = "charger_pbkdf2"
    iterations = 10_000
