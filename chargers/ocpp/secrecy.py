"""Secrets inside payloads, which no log may show (security whitepaper, A01.FR.09)."""

from typing import Any

from .frames import Call, Frame

HIDDEN = "***"

# Configuration keys and variables, in lower case, whose values are secrets.
_SECRET_KEYS = frozenset({"authorizationkey", "basicauthpassword"})
_SECRET_FIELDS = frozenset({"apnPassword", "basicAuthPassword", "password"})
_CARRIERS = frozenset({"ChangeConfiguration", "SetVariables", "SetNetworkProfile"})


def is_password_key(key: str) -> bool:
    """Whether a configuration key holds the password of the charger's connection."""
    return key.lower() in _SECRET_KEYS


def accepted_password(
    action: str, payload: dict[str, Any], answer: dict[str, Any]
) -> str | None:
    """The new password of the connection, if this request set one and was accepted.

    From then on the charger presents it, and no other (whitepaper, A01.FR.03).
    """
    if action == "ChangeConfiguration" and is_password_key(payload["key"]):
        # One that reboots first presents it afterwards.
        is_accepted = answer["status"] in ("Accepted", "RebootRequired")
        return str(payload["value"]) if is_accepted else None
    if action == "SetVariables":
        # Results may come in any order; there is one variable of that name.
        is_accepted = any(
            is_password_key(result["variable"]["name"])
            and result["attributeStatus"] == "Accepted"
            for result in answer["setVariableResult"]
        )
        for item in payload["setVariableData"]:
            if is_accepted and is_password_key(item["variable"]["name"]):
                return str(item["attributeValue"])
    return None


def without_secrets(action: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The payload of a request with its secrets hidden."""
    if action not in _CARRIERS:
        return payload
    hidden: dict[str, Any] = _hide(payload)
    return hidden


def text_without_secrets(frame: Frame | None, text: str) -> str:
    """The text of a frame with its secrets hidden."""
    if not isinstance(frame, Call) or frame.action not in _CARRIERS:
        return text
    payload = without_secrets(frame.action, frame.payload)
    if payload == frame.payload:
        return text
    return Call(frame.message_id, frame.action, payload).encode()


def _hide(part: Any) -> Any:
    if isinstance(part, list):
        return [_hide(item) for item in part]
    if not isinstance(part, dict):
        return part
    hidden = {
        name: HIDDEN if name in _SECRET_FIELDS else _hide(value)
        for name, value in part.items()
    }
    variable = part.get("variable")
    key = variable.get("name") if isinstance(variable, dict) else part.get("key")
    if isinstance(key, str) and is_password_key(key):
        for name in hidden.keys() & {"value", "attributeValue"}:
            hidden[name] = HIDDEN
    return hidden
