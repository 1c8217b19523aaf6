"""What can go wrong between two OCPP peers."""

from typing import Any

from .versions import Version

DESCRIPTION_LIMIT = 255  # OCPP-J, CALLERROR: errorDescription

# OCPP-J 1.6 (4.2.3) spells some codes otherwise than 2.0.1 (part 4, 4.3).
_NAMES_OF_V16 = {
    "FormatViolation": "FormationViolation",
    "OccurrenceConstraintViolation": "OccurenceConstraintViolation",  # sic
    "RpcFrameworkError": "FormationViolation",
    "MessageTypeNotSupported": "ProtocolError",
}


class OCPPError(Exception):
    """A CALLERROR, received from the peer or to be answered to it.

    ``code`` is spelt as in OCPP 2.0.1; ``code_for`` gives a version's own spelling.
    """

    def __init__(
        self, code: str, description: str = "", details: dict[str, Any] | None = None
    ) -> None:
        super().__init__(f"{code}: {description}" if description else code)
        self.code = code
        self.description = description[:DESCRIPTION_LIMIT]
        self.details = details or {}

    def code_for(self, version: Version) -> str:
        if version.is_v16:
            return _NAMES_OF_V16.get(self.code, self.code)
        return self.code


class InvalidAnswer(OCPPError):
    """The peer answered a CALL with a payload that is not valid by its schema."""


class FrameError(Exception):
    """The text is no OCPP-J message.

    ``message_id`` is what could be read of it, or None: then there is nobody to address
    a CALLERROR to.
    """

    def __init__(self, error: OCPPError, message_id: str | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.message_id = message_id


class LinkClosed(Exception):
    """The connection ended before the answer came."""


class CallTimeout(Exception):
    """The peer did not answer a CALL in time."""


class CommandRejected(Exception):
    """A charger, or its CSMS, refused what an operator asked of the charger.

    ``detail`` says why, for the operator; ``result`` is the refusing answer, if any.
    """

    def __init__(self, detail: str, result: dict[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.result = result
