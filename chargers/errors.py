"""What the services of this app refuse. Each message is fit to be shown."""


class ChargerError(Exception):
    """Base: ``str(error)`` is the reason."""


class InvalidCharger(ChargerError):
    """The charger cannot be registered or changed like this."""


class InvalidLocation(ChargerError):
    """The location cannot be made or changed like this."""


class RequestError(ChargerError):
    """An OCPP request could not be sent to a charger, or was not answered."""


class RequestInvalid(RequestError):
    """There is no such request, or its payload is not valid."""


class NotConnected(RequestError):
    """The charger has no connection to the built-in endpoint."""


class NotAnswered(RequestError):
    """The request was sent, and no answer came."""


class RequestRefused(RequestError):
    """The charger answered with a CALLERROR."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"{code}: {description}" if description else code)
        self.code = code
