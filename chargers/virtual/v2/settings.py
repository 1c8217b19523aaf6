"""The settings of the core by the variables of the device model."""

import random
from typing import Any

from ..settings import Series
from .device_model import DeviceModel, key
from .keys import TX_STOP_POINT
from .tokens import token_of

_MEASURANDS = {
    Series.SAMPLED: key("SampledDataCtrlr", "TxUpdatedMeasurands"),
    Series.ALIGNED: key("AlignedDataCtrlr", "Measurands"),
    Series.BEGIN: key("SampledDataCtrlr", "TxStartedMeasurands"),
    Series.END_SAMPLED: key("SampledDataCtrlr", "TxEndedMeasurands"),
    Series.END_ALIGNED: key("AlignedDataCtrlr", "TxEndedMeasurands"),
}
_INTERVALS = {
    Series.SAMPLED: key("SampledDataCtrlr", "TxUpdatedInterval"),
    Series.ALIGNED: key("AlignedDataCtrlr", "Interval"),
    Series.END_SAMPLED: key("SampledDataCtrlr", "TxEndedInterval"),
    Series.END_ALIGNED: key("AlignedDataCtrlr", "TxEndedInterval"),
}
_BACKOFF_MINIMUM = key("OCPPCommCtrlr", "RetryBackOffWaitMinimum")
_BACKOFF_RANGE = key("OCPPCommCtrlr", "RetryBackOffRandomRange")
_BACKOFF_REPEATS = key("OCPPCommCtrlr", "RetryBackOffRepeatTimes")
_MASTER_GROUP = key("AuthCtrlr", "MasterPassGroupId")
_ADMITS_BEFORE_UPDATE = key("ChargingStation", "AllowNewSessionsPendingFirmwareUpdate")
_TRUSTS_LIST = key("LocalAuthListCtrlr", "DisablePostAuthorize")
_TRUSTS_CACHE = key("AuthCacheCtrlr", "DisablePostAuthorize")
_STOPS_ON_UNPLUG = key("TxCtrlr", "StopTxOnEVSideDisconnect")
ALIGNED_SERIES = (Series.ALIGNED, Series.END_ALIGNED)
_SAMPLED_ENABLED = key("SampledDataCtrlr", "Enabled")
_ALIGNED_ENABLED = key("AlignedDataCtrlr", "Enabled")


class _Integer:
    def __init__(self, component: str, variable: str, instance: str = "") -> None:
        self._key = key(component, variable, instance)

    def __get__(self, settings: "ModelSettings", owner: Any) -> int:
        return settings.model.integer(self._key)


class _Flag:
    def __init__(self, component: str, variable: str, *, is_inverted: bool = False):
        self._key = key(component, variable)
        self._is_inverted = is_inverted

    def __get__(self, settings: "ModelSettings", owner: Any) -> bool:
        return settings.model.flag(self._key) is not self._is_inverted


class ModelSettings:
    heartbeat_interval = _Integer("OCPPCommCtrlr", "HeartbeatInterval")
    ping_interval = _Integer("OCPPCommCtrlr", "WebSocketPingInterval")
    connection_timeout = _Integer("TxCtrlr", "EVConnectionTimeOut")
    minimum_status_duration = 0
    message_timeout = _Integer("OCPPCommCtrlr", "MessageTimeout", "Default")
    message_attempts = _Integer("OCPPCommCtrlr", "MessageAttempts", "TransactionEvent")
    message_retry_interval = _Integer(
        "OCPPCommCtrlr", "MessageAttemptInterval", "TransactionEvent"
    )
    offline_threshold = _Integer("OCPPCommCtrlr", "OfflineThreshold")
    needs_authorization = _Flag("AuthCtrlr", "Enabled")
    asks_csms = _Flag("AuthCtrlr", "DisableRemoteAuthorization", is_inverted=True)
    has_local_list = _Flag("LocalAuthListCtrlr", "Enabled")
    cache_lifetime = _Integer("AuthCacheCtrlr", "LifeTime")
    has_cache = _Flag("AuthCacheCtrlr", "Enabled")
    pre_authorizes = _Flag("AuthCtrlr", "LocalPreAuthorize")
    authorizes_offline = _Flag("AuthCtrlr", "LocalAuthorizeOffline")
    admits_unknown_offline = _Flag("AuthCtrlr", "OfflineTxForUnknownIdEnabled")
    authorizes_remote_starts = _Flag("AuthCtrlr", "AuthorizeRemoteStart")
    unlocks_on_unplug = _Flag("OCPPCommCtrlr", "UnlockOnEVSideDisconnect")
    stops_on_invalid_id = _Flag("TxCtrlr", "StopTxOnInvalidId")
    grace_wh = _Integer("TxCtrlr", "MaxEnergyOnInvalidId")

    def __init__(self, model: DeviceModel) -> None:
        self.model = model

    def retry_pause(self, failures: int) -> float:
        """It doubles so many times, and has a random part (part 4, 5.3)."""
        doublings = min(failures, self.model.integer(_BACKOFF_REPEATS))
        pause: float = self.model.integer(_BACKOFF_MINIMUM) * 2.0**doublings
        return pause + random.uniform(0, self.model.integer(_BACKOFF_RANGE))

    def is_master_group(self, parent: str) -> bool:
        group = self.model.text(_MASTER_GROUP).casefold()
        return group != "" and token_of(parent)["idToken"].casefold() == group

    @property
    def admits_before_update(self) -> bool:
        return self.model.flag(_ADMITS_BEFORE_UPDATE)

    def rechecks(self, *, listed: bool) -> bool:
        return not self.model.flag(_TRUSTS_LIST if listed else _TRUSTS_CACHE)

    @property
    def stops_on_unplug(self) -> bool:
        """Also where the transaction itself is to end there."""
        points = {"EVConnected", "PowerPathClosed"}
        return self.model.flag(_STOPS_ON_UNPLUG) or not points.isdisjoint(
            self.model.items(TX_STOP_POINT)
        )

    def measurands(self, series: Series) -> list[str]:
        enabled = _ALIGNED_ENABLED if series in ALIGNED_SERIES else _SAMPLED_ENABLED
        return self.model.items(_MEASURANDS[series]) if self.model.flag(enabled) else []

    @property
    def bound_measurands(self) -> list[str]:
        return self.measurands(Series.END_SAMPLED)

    def interval(self, series: Series) -> int:
        return self.model.integer(_INTERVALS[series])

    def rotation(self, connector: int) -> str:
        return "RST"
