"""The OCPP versions spoken here, and how each place spells them."""

from enum import StrEnum


class Version(StrEnum):
    """An OCPP version, by its WebSocket subprotocol (OCPP-J 1.6, 3.1.2)."""

    V16 = "ocpp1.6"
    V201 = "ocpp2.0.1"
    V21 = "ocpp2.1"

    @property
    def label(self) -> str:
        """The spelling of the API's charger resource: ``OCPP1.6`` (contract, 4.4)."""
        return self.value.upper()

    @property
    def is_v16(self) -> bool:
        return self is Version.V16

    @classmethod
    def from_label(cls, label: str) -> "Version":
        """The version spelt ``OCPP1.6``; ValueError for an unknown one."""
        return cls(label.lower())


def choose_subprotocol(
    offered: list[str], spoken: tuple[Version, ...]
) -> Version | None:
    """The first of the peer's offers, in its order of preference, that we speak."""
    for name in offered:
        for version in spoken:
            if name == version.value:
                return version
    return None
