"""Names of variables of a 2.x device model, as operators write them.

``Component.Variable``, instances in brackets and EVSE and connector after an ``@``:
``OCPPCommCtrlr.HeartbeatInterval``, ``Connector@1.2.Available``,
``OCPPCommCtrlr.MessageAttempts[TransactionEvent]``. A configuration key of 1.6 names the
variable that took its place.
"""

import re
from typing import Any

# By key of 1.6. Not all have a successor.
OF_V16_KEYS = {
    "AdditionalRootCertificateCheck": "SecurityCtrlr.AdditionalRootCertificateCheck",
    "AllowOfflineTxForUnknownId": "AuthCtrlr.OfflineTxForUnknownIdEnabled",
    "AuthorizationCacheEnabled": "AuthCacheCtrlr.Enabled",
    "AuthorizationKey": "SecurityCtrlr.BasicAuthPassword",
    "AuthorizeRemoteTxRequests": "AuthCtrlr.AuthorizeRemoteStart",
    "ClockAlignedDataInterval": "AlignedDataCtrlr.Interval",
    "ConnectionTimeOut": "TxCtrlr.EVConnectionTimeOut",
    "CpoName": "SecurityCtrlr.OrganizationName",
    "HeartbeatInterval": "OCPPCommCtrlr.HeartbeatInterval",
    "LocalAuthListEnabled": "LocalAuthListCtrlr.Enabled",
    "LocalAuthorizeOffline": "AuthCtrlr.LocalAuthorizeOffline",
    "LocalPreAuthorize": "AuthCtrlr.LocalPreAuthorize",
    "MaxEnergyOnInvalidId": "TxCtrlr.MaxEnergyOnInvalidId",
    "MessageTimeout": "OCPPCommCtrlr.MessageTimeout[Default]",
    "MeterValueSampleInterval": "SampledDataCtrlr.TxUpdatedInterval",
    "MeterValuesAlignedData": "AlignedDataCtrlr.Measurands",
    "MeterValuesSampledData": "SampledDataCtrlr.TxUpdatedMeasurands",
    "ReserveConnectorZeroSupported": "ReservationCtrlr.NonEvseSpecific",
    "ResetRetries": "OCPPCommCtrlr.ResetRetries",
    "StopTransactionOnEVSideDisconnect": "TxCtrlr.StopTxOnEVSideDisconnect",
    "StopTransactionOnInvalidId": "TxCtrlr.StopTxOnInvalidId",
    "StopTxnAlignedData": "AlignedDataCtrlr.TxEndedMeasurands",
    "StopTxnSampledData": "SampledDataCtrlr.TxEndedMeasurands",
    "TransactionMessageAttempts": "OCPPCommCtrlr.MessageAttempts[TransactionEvent]",
    "TransactionMessageRetryInterval": (
        "OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]"
    ),
    "UnlockConnectorOnEVSideDisconnect": "OCPPCommCtrlr.UnlockOnEVSideDisconnect",
    "WebSocketPingInterval": "OCPPCommCtrlr.WebSocketPingInterval",
}

_NAME = re.compile(
    r"(?P<component>[^.\[\]@]{1,50})(\[(?P<component_instance>[^\[\]]{1,50})\])?"
    r"(@(?P<evse>\d{1,3})(\.(?P<connector>\d{1,3}))?)?"
    r"\.(?P<variable>[^.\[\]@]{1,50})(\[(?P<variable_instance>[^\[\]]{1,50})\])?"
)


def parse_variable_name(name: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The component and the variable of a name, as in OCPP; None when it is none."""
    match = _NAME.fullmatch(OF_V16_KEYS.get(name, name))
    if match is None:
        return None
    component: dict[str, Any] = {"name": match["component"]}
    variable: dict[str, Any] = {"name": match["variable"]}
    if match["component_instance"]:
        component["instance"] = match["component_instance"]
    if match["variable_instance"]:
        variable["instance"] = match["variable_instance"]
    if match["evse"]:
        component["evse"] = {"id": int(match["evse"])}
        if match["connector"]:
            component["evse"]["connectorId"] = int(match["connector"])
    return component, variable
