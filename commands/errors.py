"""Why a command was not accepted. Each message is fit to be shown to the caller."""


class CommandError(Exception):
    """Base: ``str(error)`` is the reason."""


class TargetNotFound(CommandError):
    """The target names no charger or location of the organization."""


class CommandRefused(CommandError):
    """The charger cannot do this, or not now."""


class UnsupportedMessage(CommandRefused):
    """proxy-message: the charger's OCPP version has no such message to send."""
