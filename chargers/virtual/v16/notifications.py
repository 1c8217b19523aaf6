"""What OCPP 1.6 and its security whitepaper call the notices of a charger."""

from datetime import datetime
from typing import Any

from ..clock import format_time

Request = tuple[str, dict[str, Any]]  # action and payload

# FirmwareStatus of 1.6 itself (7.25); the whitepaper's has more.
_PLAIN_FIRMWARE = frozenset(
    {
        "Idle",
        "Downloading",
        "Downloaded",
        "DownloadFailed",
        "Installing",
        "Installed",
        "InstallationFailed",
    }
)
_DIAGNOSTICS = ("Idle", "Uploading", "Uploaded")  # anything else has failed (7.24)


class Notifications:
    """``request_id`` None: about what a request of 1.6 without one has started."""

    def firmware_status(self, status: str, request_id: int | None) -> Request | None:
        if request_id is not None:
            return self.signed_firmware_status(status, request_id)
        if status not in _PLAIN_FIRMWARE:
            return None
        return "FirmwareStatusNotification", {"status": status}

    def signed_firmware_status(self, status: str, request_id: int | None) -> Request:
        return "SignedFirmwareStatusNotification", _about(status, request_id)

    def log_status(self, status: str, request_id: int | None) -> Request:
        if request_id is not None:
            return "LogStatusNotification", _about(status, request_id)
        told = status if status in _DIAGNOSTICS else "UploadFailed"
        return "DiagnosticsStatusNotification", {"status": told}

    def security_event(self, kind: str, at: datetime, info: str) -> Request:
        payload = {"type": kind, "timestamp": format_time(at)}
        if info:
            payload["techInfo"] = info
        return "SecurityEventNotification", payload


def _about(status: str, request_id: int | None) -> dict[str, Any]:
    """Without an id where there is nothing that it could be of (L01.FR.21, N01.FR.12)."""
    payload: dict[str, Any] = {"status": status}
    return payload if request_id is None else {**payload, "requestId": request_id}
