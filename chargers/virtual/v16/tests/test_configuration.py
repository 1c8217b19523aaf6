"""The standard configuration keys: what they take, and what they change."""

from typing import Any

import pytest

from chargers.ocpp.errors import OCPPError

from ...tests.csms import Bench, until
from ..configuration import Configuration, phase_rotation


async def change(bench: Bench, key: str, value: str) -> str:
    request = {"key": key, "value": value}
    status: str = (await bench.csms.call("ChangeConfiguration", request))["status"]
    return status


async def read(bench: Bench, *keys: str) -> dict[str, dict[str, Any]]:
    answer = await bench.csms.call("GetConfiguration", {"key": list(keys)})
    return {item["key"]: item for item in answer["configurationKey"]}


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("LightIntensity", "100", "101"),
        ("BlinkRepeat", "0", "-1"),
        ("ConnectorPhaseRotation", "0.RST, 1.RTS,2.NotApplicable", "1.ABC"),
        ("ConnectorPhaseRotation", "Unknown", "one.RST"),
        ("ConnectorPhaseRotation", "2.RST,Unknown", "3.RST"),
        ("ConnectorPhaseRotation", "1.TRS", "1.RST,1.RTS"),
        ("MeterValuesSampledData", "Current.Import.L1,Voltage.L1-N,RPM", "Wind"),
        ("StopTxnAlignedData", "Energy.Reactive.Import.Interval", "SoC.L1"),
        ("AuthorizationKey", "0123456789abcdef", "0123456789abcde"),
        ("CpoName", "Acme", "A" * 65),
        ("MeterValuesAlignedData", "", ",".join(["SoC"] * 51)),
        ("TransactionMessageAttempts", "1", "0"),
    ],
)
def test_a_key_takes_what_it_should(key: str, good: str, bad: str) -> None:
    configuration = Configuration({}, connectors=2)
    assert configuration.change(key, good)[0] in ("Accepted", "RebootRequired")
    assert configuration.change(key, bad)[0] == "Rejected"


@pytest.mark.parametrize(
    "key",
    [
        "ChargeProfileMaxStackLevel",
        "ChargingScheduleAllowedChargingRateUnit",
        "ChargingScheduleMaxPeriods",
        "ConnectorPhaseRotationMaxLength",
        "ConnectorSwitch3to1PhaseSupported",
        "GetConfigurationMaxKeys",
        "LocalAuthListMaxLength",
        "MaxChargingProfilesInstalled",
        "NumberOfConnectors",
        "ReserveConnectorZeroSupported",
        "SupportedFeatureProfiles",
    ],
)
def test_what_the_charger_is_cannot_be_changed(key: str) -> None:
    configuration = Configuration({}, connectors=2)
    assert configuration.text(key)
    assert configuration.change(key, "1") == ("Rejected", "is read-only")


def test_a_rotation_may_be_for_one_connector_or_all() -> None:
    assert phase_rotation("1.RTS,2.STR", 2) == "STR"
    assert phase_rotation("TRS", 5) == "TRS"
    assert phase_rotation("1.RTS,NotApplicable", 2) == "RST"


async def test_the_authorization_key_is_never_shown(bench: Bench) -> None:
    await bench.power_on()
    assert await read(bench, "AuthorizationKey") == {
        "AuthorizationKey": {"key": "AuthorizationKey", "readonly": False}
    }


async def test_too_many_keys_at_once_are_refused(bench: Bench) -> None:
    await bench.power_on()
    with pytest.raises(OCPPError, match="Occurence"):
        await bench.csms.call(
            "GetConfiguration", {"key": [f"K{n}" for n in range(101)]}
        )


async def test_flickering_statuses_are_damped(bench: Bench) -> None:
    await bench.power_on()
    await change(bench, "MinimumStatusDuration", "5")
    bench.csms.forget()
    connector = bench.charger.connectors[1]
    bench.charger.charging.plug(connector)
    bench.charger.report_soon(connector)
    await until(lambda: 5 in bench.clock.sleeps)
    await bench.clock.advance(3)
    bench.charger.charging.unplug(connector)
    await bench.clock.advance(3)
    assert bench.csms.story == []
    bench.charger.charging.plug(connector)
    bench.charger.report_soon(connector)
    await bench.clock.advance(6)
    await bench.told("1:Preparing")


@pytest.mark.parametrize(
    ("stops", "last"),
    [("true", "1:Finishing"), ("false", "1:SuspendedEVSE")],
)
async def test_a_refused_id_tag_may_get_some_energy(
    bench: Bench, stops: str, last: str
) -> None:
    await bench.power_on()
    await change(bench, "MaxEnergyOnInvalidId", "1000")
    await change(bench, "StopTransactionOnInvalidId", stops)
    await bench.perform("plug-connector")
    bench.csms.answers["StartTransaction"] = {
        "transactionId": 7,
        "idTagInfo": {"status": "Invalid"},
    }
    await bench.csms.call("RemoteStartTransaction", {"idTag": "T"})
    await until(lambda: "1:Charging" in bench.csms.story)
    await bench.clock.advance(170)
    await until(lambda: bench.csms.story[-1] == last)
    assert bench.charger.connectors[1].energy_wh == 1000
