"""Firmware and logs as OCPP 1.6 and its whitepaper ask for them (5.9, 5.19; L01, N01)."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..ocpp.errors import OCPPError
from ..ocpp.session import Reply
from .certificates import Use, is_signing_certificate
from .clock import parse_time
from .firmware import Update
from .transfers import Tries
from .uploads import Upload

if TYPE_CHECKING:
    from .charger import VirtualCharger

Payload = dict[str, Any]

RETRIES_LIMIT = 10
RETRY_INTERVAL = 30  # s, where the CSMS leaves it to us
SECURE_PROFILE = 2  # from which on unsigned firmware is refused (L01.FR.20)


class Maintenance:
    def __init__(self, charger: "VirtualCharger") -> None:
        self._charger = charger
        self.handlers = {
            "GetDiagnostics": self._get_diagnostics,
            "GetLog": self._get_log,
            "SignedUpdateFirmware": self._update_signed,
            "UpdateFirmware": self._update,
        }

    # -- firmware --------------------------------------------------------------------

    def _update(self, payload: Payload) -> Reply:
        if self._charger.credentials.profile >= SECURE_PROFILE:
            raise OCPPError("NotSupported", "Only signed firmware is installed.")
        update = Update(
            location=payload["location"],
            retrieve_at=_time(payload["retrieveDate"]),
            tries=_tries(payload),
        )
        return Reply({}, then=lambda: self._charger.firmware.begin(update))

    def _update_signed(self, payload: Payload) -> Reply:
        sent = payload["firmware"]
        now = self._charger.clock.now()
        roots = self._charger.certificates.valid(Use.MANUFACTURER, now)
        if not is_signing_certificate(sent["signingCertificate"], roots, now):
            return Reply(
                {"status": "InvalidCertificate"},
                then=lambda: self._charger.security.note(
                    "InvalidFirmwareSigningCertificate"
                ),
            )
        install_at = sent.get("installDateTime")
        update = Update(
            location=sent["location"],
            retrieve_at=_time(sent["retrieveDateTime"]),
            install_at=_time(install_at) if install_at else None,
            request_id=payload["requestId"],
            certificate=sent["signingCertificate"],
            signature=sent["signature"],
            tries=_tries(payload),
        )
        is_busy = self._charger.firmware.current is not None
        self._charger.firmware.cancel()
        return Reply(
            {"status": "AcceptedCanceled" if is_busy else "Accepted"},
            then=lambda: self._charger.firmware.begin(update),
        )

    # -- logs ------------------------------------------------------------------------

    def _get_diagnostics(self, payload: Payload) -> Payload | Reply:
        upload = self._upload(
            payload,
            payload["location"],
            payload.get("startTime"),
            payload.get("stopTime"),
        )
        if upload is None:
            return {}
        return self._uploading({"fileName": upload.name}, upload)

    def _get_log(self, payload: Payload) -> Payload | Reply:
        log = payload["log"]
        upload = self._upload(
            payload,
            log["remoteLocation"],
            log.get("oldestTimestamp"),
            log.get("latestTimestamp"),
            is_security=payload["logType"] == "SecurityLog",
        )
        if upload is None:
            return {"status": "Rejected"}
        is_busy = self._charger.uploads.current is not None
        status = "AcceptedCanceled" if is_busy else "Accepted"
        return self._uploading({"status": status, "filename": upload.name}, upload)

    def _upload(
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
            since=_time(since) if since else None,
            until=_time(until) if until else None,
            tries=_tries(payload),
        )
        return upload if logs.has_log(upload.since, upload.until) else None

    def _uploading(self, answer: Payload, upload: Upload) -> Reply:
        self._charger.uploads.cancel()
        return Reply(answer, then=lambda: self._charger.uploads.begin(upload))


def _tries(payload: Payload) -> Tries:
    """How often to try, and how long to wait in between; within reason."""
    return Tries(
        1 + min(max(0, payload.get("retries", 0)), RETRIES_LIMIT),
        max(0, payload.get("retryInterval", RETRY_INTERVAL)),
    )


def _time(text: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError:  # such as a leap second
        raise OCPPError("PropertyConstraintViolation", f"{text} is no date.") from None
