"""What the services of this app refuse. Each message is fit to be shown."""

from collections.abc import Sequence
from typing import Any

from .choices import RequestOutcome
from .ocpp.schemas import Problem


class ChargerError(Exception):
    """Base: ``str(error)`` is the reason."""


class InvalidCharger(ChargerError):
    """The charger cannot be registered or changed like this."""


class InvalidLocation(ChargerError):
    """The location cannot be made or changed like this."""


class RequestError(ChargerError):
    """An OCPP request could not be sent to a charger, or was not answered."""

    outcome: RequestOutcome | None = None  # None: there was nothing to send


class UnknownRequest(RequestError):
    """There is no such request in the OCPP version that the charger speaks."""


class RequestInvalid(RequestError):
    """The payload is not valid by its schema."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        texts = (
            f"{'.'.join(map(str, path))}: {message}" if path else message
            for path, _, message in problems
        )
        super().__init__(" ".join(texts))
        self.problems = problems


class NotAllowed(RequestError):
    """Nothing was sent: the charger's boot is not accepted."""

    outcome = RequestOutcome.NOT_ALLOWED


class NotConnected(RequestError):
    """The charger has no connection to the built-in endpoint."""

    outcome = RequestOutcome.NOT_CONNECTED


class NotAnswered(RequestError):
    """The request was sent, and no answer came."""

    outcome = RequestOutcome.NOT_ANSWERED


class AnswerInvalid(RequestError):
    """The charger answered with a payload that is not valid by its schema."""

    outcome = RequestOutcome.INVALID_ANSWER


class RequestRefused(RequestError):
    """The charger answered with a CALLERROR."""

    outcome = RequestOutcome.CALL_ERROR

    def __init__(self, code: str, description: str, details: dict[str, Any]) -> None:
        super().__init__(f"{code}: {description}" if description else code)
        self.code = code
        self.description = description
        self.details = details
