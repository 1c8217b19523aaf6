"""What the services of this app refuse. Each message is fit to be shown."""


class ChargerError(Exception):
    """Base: ``str(error)`` is the reason."""


class InvalidCharger(ChargerError):
    """The charger cannot be registered or changed like this."""


class InvalidLocation(ChargerError):
    """The location cannot be made or changed like this."""
