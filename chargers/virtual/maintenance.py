"""Firmware and logs as the whitepaper to 1.6 and OCPP 2.x ask for them (L01, N01)."""

from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..ocpp.errors import OCPPError
from ..ocpp.session import Reply
from ..ocpp.versions import Version
from .certificates import Use, is_signing_certificate
from .clock import parse_time
from .firmware import Update
from .protocol import Payload
from .transfers import Tries
from .uploads import Upload

if TYPE_CHECKING:
    from .charger import VirtualCharger

RETRIES_LIMIT = 10
RETRY_INTERVAL = 30  # s, where the CSMS leaves it to us


class Maintenance:
    def __init__(self, charger: "VirtualCharger") -> None:
        self._charger = charger

    def update_firmware(self, payload: Payload) -> Reply:
        """Signed firmware, or unsigned where nothing says who signed it."""
        sent = payload["firmware"]
        certificate = sent.get("signingCertificate", "")
        now = self._charger.clock.now()
        roots = self._charger.certificates.valid(Use.MANUFACTURER, now)
        if certificate and not is_signing_certificate(certificate, roots, now):
            return Reply(
                {"status": "InvalidCertificate"},
                then=lambda: self._charger.security.note(
                    "InvalidFirmwareSigningCertificate"
                ),
            )
        install_at = sent.get("installDateTime")
        update = Update(
            location=sent["location"],
            retrieve_at=time_of(sent["retrieveDateTime"]),
            install_at=time_of(install_at) if install_at else None,
            request_id=payload["requestId"],
            certificate=certificate,
            signature=sent.get("signature", ""),
            tries=tries_of(payload),
        )
        is_busy = self._charger.firmware.current is not None
        self._charger.firmware.cancel()
        return Reply(
            {"status": "AcceptedCanceled" if is_busy else "Accepted"},
            then=lambda: self._charger.firmware.begin(update),
        )

    def get_log(self, payload: Payload) -> Payload | Reply:
        log, kind = payload["log"], payload["logType"]
        if kind not in ("DiagnosticsLog", "SecurityLog"):
            return {"status": "Rejected"}
        upload = self.upload(
            payload,
            log["remoteLocation"],
            log.get("oldestTimestamp"),
            log.get("latestTimestamp"),
            is_security=kind == "SecurityLog",
        )
        if upload is None:
            return {"status": "Rejected"}
        is_busy = self._charger.uploads.current is not None
        status = "AcceptedCanceled" if is_busy else "Accepted"
        return self.uploading({"status": status, "filename": upload.name}, upload)

    def upload(
        self,
        payload: Payload,
        location: str,
        since: str | None,
        until: str | None,
        *,
        is_security: bool = False,
    ) -> Upload | None:
        """None where there is nothing of that time."""
        logs = self._charger.uploads
        upload = Upload(
            location=location,
            name=logs.name(is_security=is_security),
            is_security=is_security,
            request_id=payload.get("requestId"),
            since=time_of(since) if since else None,
            until=time_of(until) if until else None,
            tries=tries_of(payload),
            is_whole=self._names_file(location),
        )
        return upload if logs.has_log(upload.since, upload.until) else None

    def _names_file(self, location: str) -> bool:
        """In 2.1 a URL without a slash at its end is that of the log (N01.FR.29)."""
        parts = urlsplit(location)
        is_http = parts.scheme.lower() in ("http", "https")
        is_v21 = self._charger.spec.version is Version.V21
        return is_v21 and is_http and not parts.path.endswith("/") and parts.path != ""

    def uploading(self, answer: Payload, upload: Upload) -> Reply:
        return Reply(answer, then=lambda: self._charger.uploads.begin(upload))


def tries_of(payload: Payload) -> Tries:
    """How often to try, and how long to wait in between; within reason."""
    return Tries(
        1 + min(max(0, payload.get("retries", 0)), RETRIES_LIMIT),
        max(0, payload.get("retryInterval", RETRY_INTERVAL)),
    )


def time_of(text: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError:  # such as a leap second
        raise OCPPError("PropertyConstraintViolation", f"{text} is no date.") from None
