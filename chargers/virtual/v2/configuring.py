"""Settings by a name in one line, as operators write them."""

import re

from .device_model import DeviceModel, Place, key

_NAME = re.compile(
    r"(?:(?P<component>\w+)(?:@(?P<evse>\d+)(?:\.(?P<connector>\d+))?)?\.)?"
    r"(?P<variable>\w+)(?:\[(?P<instance>[^\]]*)\])?"
)
_KEYS = {  # of OCPP 1.6, by what they are called here
    "AllowOfflineTxForUnknownId": "AuthCtrlr.OfflineTxForUnknownIdEnabled",
    "AuthorizationCacheEnabled": "AuthCacheCtrlr.Enabled",
    "AuthorizationKey": "SecurityCtrlr.BasicAuthPassword",
    "AuthorizeRemoteTxRequests": "AuthCtrlr.AuthorizeRemoteStart",
    "ClockAlignedDataInterval": "AlignedDataCtrlr.Interval",
    "ConnectionTimeOut": "TxCtrlr.EVConnectionTimeOut",
    "CpoName": "SecurityCtrlr.OrganizationName",
    "LocalAuthListEnabled": "LocalAuthListCtrlr.Enabled",
    "MeterValueSampleInterval": "SampledDataCtrlr.TxUpdatedInterval",
    "MeterValuesAlignedData": "AlignedDataCtrlr.Measurands",
    "MeterValuesSampledData": "SampledDataCtrlr.TxUpdatedMeasurands",
    "StopTransactionOnEVSideDisconnect": "TxCtrlr.StopTxOnEVSideDisconnect",
    "StopTransactionOnInvalidId": "TxCtrlr.StopTxOnInvalidId",
    "StopTxnAlignedData": "AlignedDataCtrlr.TxEndedMeasurands",
    "StopTxnSampledData": "SampledDataCtrlr.TxEndedMeasurands",
    "TransactionMessageAttempts": "OCPPCommCtrlr.MessageAttempts[TransactionEvent]",
    "TransactionMessageRetryInterval": (
        "OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]"
    ),
    "UnlockConnectorOnEVSideDisconnect": "OCPPCommCtrlr.UnlockOnEVSideDisconnect",
}


def find_setting(model: DeviceModel, name: str) -> Place | None:
    """The variable named ``Component.Variable[instance]``, ``EVSE@1.Power``, by its own
    name alone where only one has it, or as a configuration key of OCPP 1.6.
    """
    found = _NAME.fullmatch(_KEYS.get(name, name))
    if found is None:
        return None
    component, variable, instance = found["component"], found["variable"], ""
    instance = found["instance"] or ""
    if component is None:
        places = model.named(variable, instance)
        return places[0] if len(places) == 1 else None
    evse, connector = int(found["evse"] or 0), int(found["connector"] or 0)
    return model.find(key(component, variable, instance, evse, connector))
