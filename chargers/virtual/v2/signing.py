"""Signed meter values: each register in an OCMF record of the charger's own meter
(2.x, J01, J02; SignedMeterValueType).
"""

import base64
import hashlib
import json
from datetime import datetime
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SIGNED = "Energy.Active.Import.Register"
_CURVE = ec.SECP256R1()
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_METHOD = "ECDSA-secp256r1-SHA256"
_MOMENTS = {"Transaction.Begin": "B", "Transaction.End": "E"}  # OCMF: TX; else "C"


class MeterKey:
    """The key of a meter, made from its serial number: the same after a restart."""

    def __init__(self, serial_number: str) -> None:
        self._serial_number = serial_number

    @cached_property
    def _key(self) -> ec.EllipticCurvePrivateKey:
        digest = hashlib.sha256(f"meter {self._serial_number}".encode()).digest()
        return ec.derive_private_key(int.from_bytes(digest) % (_ORDER - 1) + 1, _CURVE)

    @cached_property
    def public_key(self) -> str:
        """As the white paper on signed meter values has it (3.2.2)."""
        public = self._key.public_key()
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(f"oca:base16:asn1:{der.hex()}".encode()).decode()

    def sign(
        self, value_wh: float, context: str, at: datetime, *, with_key: bool
    ) -> dict[str, Any]:
        """SignedMeterValueType of a register."""
        record = {
            "FV": "1.0",
            "GI": "OCPPLAB",
            "GS": self._serial_number,
            "PG": "T1",
            "MS": self._serial_number,
            "RD": [
                {
                    "TM": f"{at:%Y-%m-%dT%H:%M:%S},{at.microsecond // 1000:03}+0000 S",
                    "TX": _MOMENTS.get(context, "C"),
                    "RV": value_wh,
                    "RI": "1-b:1.8.0",
                    "RU": "Wh",
                    "ST": "G",
                }
            ],
        }
        payload = json.dumps(record, separators=(",", ":"))
        signature = self._key.sign(payload.encode(), ec.ECDSA(hashes.SHA256()))
        signed = json.dumps({"SA": _METHOD, "SD": signature.hex()})
        return {
            "signedMeterData": base64.b64encode(
                f"OCMF|{payload}|{signed}".encode()
            ).decode(),
            "signingMethod": "",  # it is in the record (white paper, 3.2.1)
            "encodingMethod": "OCMF",
            "publicKey": self.public_key if with_key else "",
        }
