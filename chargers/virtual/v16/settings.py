"""The settings of the core by the configuration keys of OCPP 1.6 (chapter 9)."""

import math
import random
from typing import Any

from ..settings import Series
from .configuration import Configuration, phase_rotation

FIRST_PAUSE = 1.0  # s, before the second attempt to connect
LONGEST_PAUSE = 30.0  # s

_MEASURANDS = {
    Series.SAMPLED: "MeterValuesSampledData",
    Series.ALIGNED: "MeterValuesAlignedData",
    Series.END_SAMPLED: "StopTxnSampledData",
    Series.END_ALIGNED: "StopTxnAlignedData",
}
_INTERVALS = {
    Series.SAMPLED: "MeterValueSampleInterval",
    Series.ALIGNED: "ClockAlignedDataInterval",
    Series.END_SAMPLED: "MeterValueSampleInterval",
    Series.END_ALIGNED: "ClockAlignedDataInterval",
}


class _Integer:
    def __init__(self, key: str) -> None:
        self._key = key

    def __get__(self, settings: "KeySettings", owner: Any) -> int:
        return settings.configuration.integer(self._key)


class _Flag:
    def __init__(self, key: str) -> None:
        self._key = key

    def __get__(self, settings: "KeySettings", owner: Any) -> bool:
        return settings.configuration.flag(self._key)


class KeySettings:
    heartbeat_interval = _Integer("HeartbeatInterval")
    ping_interval = _Integer("WebSocketPingInterval")
    connection_timeout = _Integer("ConnectionTimeOut")
    minimum_status_duration = _Integer("MinimumStatusDuration")
    message_timeout = _Integer("MessageTimeout")
    message_attempts = _Integer("TransactionMessageAttempts")
    message_retry_interval = _Integer("TransactionMessageRetryInterval")
    offline_threshold = math.inf
    cache_lifetime = 0
    admits_before_update = False
    needs_authorization = True
    asks_csms = True
    has_local_list = _Flag("LocalAuthListEnabled")
    has_cache = _Flag("AuthorizationCacheEnabled")
    pre_authorizes = _Flag("LocalPreAuthorize")
    authorizes_offline = _Flag("LocalAuthorizeOffline")
    admits_unknown_offline = _Flag("AllowOfflineTxForUnknownId")
    authorizes_remote_starts = _Flag("AuthorizeRemoteTxRequests")
    stops_on_unplug = _Flag("StopTransactionOnEVSideDisconnect")
    unlocks_on_unplug = _Flag("UnlockConnectorOnEVSideDisconnect")
    stops_on_invalid_id = _Flag("StopTransactionOnInvalidId")
    grace_wh = _Integer("MaxEnergyOnInvalidId")

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration

    def retry_pause(self, failures: int) -> float:
        """It doubles, with jitter so that a fleet does not dial in step."""
        pause = min(FIRST_PAUSE * 2 ** min(failures, 10), LONGEST_PAUSE)
        return pause * random.uniform(0.5, 1.0)

    def is_master_group(self, parent: str) -> bool:
        return False

    def rechecks(self, *, listed: bool) -> bool:
        return True

    def measurands(self, series: Series) -> list[str]:
        key = _MEASURANDS.get(series)
        return self.configuration.items(key) if key else []

    @property
    def bound_measurands(self) -> list[str]:
        """Each that is kept, however it is sampled in between (errata, 3.14)."""
        kept = (Series.END_SAMPLED, Series.END_ALIGNED)
        return list(dict.fromkeys(m for s in kept for m in self.measurands(s)))

    def interval(self, series: Series) -> int:
        key = _INTERVALS.get(series)
        return self.configuration.integer(key) if key else 0

    def rotation(self, connector: int) -> str:
        text = self.configuration.in_force("ConnectorPhaseRotation")
        return phase_rotation(text, connector)
