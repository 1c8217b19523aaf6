"""What a charger is set to do, whatever an OCPP version calls it."""

from enum import StrEnum
from typing import Protocol


class Series(StrEnum):
    """What is measured together, and where it goes."""

    SAMPLED = "sampled"  # while a transaction runs, every so often
    ALIGNED = "aligned"  # at the same moments of every day
    BEGIN = "begin"  # as a transaction begins (2.x)
    END_SAMPLED = "end_sampled"  # kept until the end of the transaction
    END_ALIGNED = "end_aligned"


class Settings(Protocol):
    """The versions' names for these are in the 1.6 keys and the 2.x device model."""

    @property
    def heartbeat_interval(self) -> int:
        """In s; 0 for none."""

    @property
    def ping_interval(self) -> int:
        """Of WebSocket pings, in s; 0 for none."""

    def retry_pause(self, failures: int) -> float:
        """Before another attempt to connect, in s, after so many have failed."""

    @property
    def connection_timeout(self) -> int:
        """How long an authorized driver may take to plug in, in s."""

    @property
    def minimum_status_duration(self) -> int:
        """How long a status has to last before it is told, in s."""

    @property
    def message_timeout(self) -> int:
        """How long the charger waits for the answer to a CALL, in s."""

    @property
    def message_attempts(self) -> int:
        """How often a transaction message is sent that the CSMS does not take."""

    @property
    def message_retry_interval(self) -> int:
        """The pause after the first attempt, in s; it grows with every one."""

    @property
    def offline_threshold(self) -> float:
        """After so many seconds without a link every status is told anew."""

    @property
    def needs_authorization(self) -> bool:
        """Whether a driver has to present an id tag at all."""

    @property
    def asks_csms(self) -> bool:
        """Whether the CSMS is asked about id tags at all."""

    def is_master_group(self, parent: str) -> bool:
        """Whether it is the parent id of those who have a master pass."""

    @property
    def admits_before_update(self) -> bool:
        """Whether sessions may begin while an update waits for others to end."""

    @property
    def has_local_list(self) -> bool: ...

    @property
    def has_cache(self) -> bool: ...

    @property
    def cache_lifetime(self) -> int:
        """Of what the CSMS names no expiry for, in s; 0 for no end."""

    def rechecks(self, *, listed: bool) -> bool:
        """Whether the CSMS is asked about an id tag that is known not to be accepted,
        from the local list or from the cache.
        """

    @property
    def pre_authorizes(self) -> bool:
        """An id tag that is known here starts without asking the CSMS."""

    @property
    def authorizes_offline(self) -> bool:
        """The same while there is no link."""

    @property
    def admits_unknown_offline(self) -> bool: ...

    @property
    def authorizes_remote_starts(self) -> bool: ...

    @property
    def stops_on_unplug(self) -> bool: ...

    @property
    def unlocks_on_unplug(self) -> bool:
        """Whether the cable can be taken when its EV's end is pulled out."""

    @property
    def stops_on_invalid_id(self) -> bool:
        """Else the transaction goes on without energy."""

    @property
    def grace_wh(self) -> int:
        """What one whose id tag is refused may still charge, in Wh."""

    def measurands(self, series: Series) -> list[str]:
        """Such as ``Voltage`` or ``Current.Import.L1``."""

    @property
    def bound_measurands(self) -> list[str]:
        """What is kept of the begin and the end of a transaction."""

    def interval(self, series: Series) -> int:
        """Between two samples of a series, in s; 0 for none."""

    def rotation(self, connector: int) -> str:
        """The phases of the grid that the connector's own are, such as ``RST``."""
