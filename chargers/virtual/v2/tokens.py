"""Id tokens: a text with a type in OCPP 2.x, one id tag in the core.

An id tag of another type than that of a usual RFID card has its type before it:
``Central:4711``, ``eMAID:DE8ACC12E46L89``.
"""

from typing import Any

from ...ocpp.versions import Version
from ..authorization import TagInfo

USUAL_TYPE = "ISO14443"
TYPES = (
    "Central",
    "DirectPayment",
    "EVCCID",
    "ISO14443",
    "ISO15693",
    "KeyCode",
    "Local",
    "MacAddress",
    "NoAuthorization",
    "VIN",
    "eMAID",
)
_BY_NAME = {name.casefold(): name for name in TYPES}
_SINCE_V21 = frozenset({"DirectPayment", "EVCCID", "VIN"})
LENGTHS = {Version.V201: 36, Version.V21: 255}  # of the text


def id_tag_of(token: dict[str, Any]) -> str:
    """The id tag for an IdTokenType."""
    kind, text = token["type"], token["idToken"]
    return str(text) if kind == USUAL_TYPE else f"{kind}:{text}"


def token_of(id_tag: str, version: Version = Version.V21) -> dict[str, Any]:
    """The IdTokenType of an id tag."""
    kind, colon, text = id_tag.partition(":")
    name = _BY_NAME.get(kind.casefold()) if colon else None
    if name is None or (name in _SINCE_V21 and version is not Version.V21):
        return {"idToken": id_tag, "type": USUAL_TYPE}
    return {"idToken": text, "type": name}


def tag_info_of(info: dict[str, Any]) -> TagInfo:
    """An IdTokenInfoType as the core keeps it."""
    found: TagInfo = {"status": info["status"]}
    if "cacheExpiryDateTime" in info:
        found["expiryDate"] = info["cacheExpiryDateTime"]
    if "groupIdToken" in info:
        found["parentIdTag"] = id_tag_of(info["groupIdToken"])
    if "evseId" in info:
        found["evseIds"] = info["evseId"]
    return found
