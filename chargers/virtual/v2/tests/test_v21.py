"""What OCPP 2.1 adds."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from cryptography import x509

from chargers.ocpp.errors import OCPPError
from chargers.ocpp.versions import Version

from ...tests.csms import Bench, until
from ...tests.files import http_server
from ...tests.signing import authority, issue
from .test_requests import reserve, start, status_of, trigger
from .test_security import network_profile, set_network
from .test_sessions import events
from .test_smart_charging import periods, profile, set_profile
from .test_variables import element, get, report


@pytest.fixture
async def ready() -> AsyncIterator[Bench]:
    bench = Bench(Version.V21)
    await bench.csms.open()
    await bench.power_on(connectors=2)
    bench.csms.forget()
    yield bench
    await bench.power_off()
    await bench.csms.close()


def dynamic(**fields: Any) -> dict[str, Any]:
    return profile(
        chargingProfileKind="Dynamic", schedule={"startSchedule": None}, **fields
    )


async def test_the_csms_moves_a_dynamic_limit(ready: Bench) -> None:
    async def update(number: int, limit: float) -> str:
        return await status_of(
            ready,
            "UpdateDynamicSchedule",
            chargingProfileId=number,
            scheduleUpdate={"limit": limit},
        )

    await ready.perform("start-session", id_tag="TAG")
    assert await set_profile(ready, 1, dynamic()) == "Accepted"
    assert await set_profile(ready, 2, profile(2)) == "Accepted"
    assert await update(1, 8) == "Accepted"
    assert ready.charger.connectors[1].power_w == 5520
    assert await update(2, 8) == "Rejected"  # it is not dynamic
    assert await update(3, 8) == "Rejected"


async def test_a_dynamic_limit_is_asked_for(ready: Bench) -> None:
    ready.csms.answers["PullDynamicScheduleUpdate"] = {
        "status": "Accepted",
        "scheduleUpdate": {"limit": 10},
    }
    await ready.perform("start-session", id_tag="TAG")
    assert await set_profile(ready, 1, dynamic(dynUpdateInterval=30)) == "Accepted"
    await until(lambda: 30 in ready.clock.sleeps)
    await ready.clock.advance(30)
    await until(lambda: ready.charger.connectors[1].power_w == 6900)
    assert ready.csms.payloads("PullDynamicScheduleUpdate") == [
        {"chargingProfileId": 1}
    ]


async def test_a_dynamic_limit_may_come_with_a_start_from_remote(ready: Bench) -> None:
    ready.csms.answers["PullDynamicScheduleUpdate"] = {"status": "Rejected"}
    await ready.perform("plug-connector")
    sent = dynamic(chargingProfilePurpose="TxProfile", dynUpdateInterval=30)
    assert (await start(ready, evseId=1, chargingProfile=sent))["status"] == "Accepted"
    await until(lambda: ready.charger.connectors[1].transaction is not None)
    await ready.clock.advance(30)
    await until(lambda: "PullDynamicScheduleUpdate" in ready.csms.actions)


async def test_a_profile_that_is_set_anew_is_asked_for_once(ready: Bench) -> None:
    ready.csms.answers["PullDynamicScheduleUpdate"] = {"status": "Rejected"}
    await ready.perform("start-session", id_tag="TAG")
    for _ in range(3):
        await set_profile(ready, 1, dynamic(dynUpdateInterval=30))
    await until(lambda: 30 in ready.clock.sleeps)
    await ready.clock.advance(30)
    await until(lambda: "PullDynamicScheduleUpdate" in ready.csms.actions)
    await ready.csms.call("GetLocalListVersion", {})
    assert ready.csms.actions.count("PullDynamicScheduleUpdate") == 1


async def test_priority_charging_overrules_other_profiles(ready: Bench) -> None:
    async def use(activate: bool) -> str:
        transaction_id = events(ready)[0]["transactionInfo"]["transactionId"]
        return await status_of(
            ready,
            "UsePriorityCharging",
            transactionId=transaction_id,
            activate=activate,
        )

    await set_profile(ready, 1, profile(1, schedule=periods(8)))
    await ready.perform("start-session", id_tag="TAG")
    assert await use(True) == "NoProfile"
    priority = profile(
        2, chargingProfilePurpose="PriorityCharging", schedule=periods(20)
    )
    assert await set_profile(ready, 1, priority) == "Accepted"
    assert ready.charger.connectors[1].power_w == 5520
    assert await use(True) == "Accepted"
    assert ready.charger.connectors[1].power_w == 13_800
    await ready.charger.stop()
    await ready.power_on(connectors=2)
    assert ready.charger.connectors[1].power_w == 13_800
    assert await use(False) == "Accepted"
    assert ready.charger.connectors[1].power_w == 5520


async def test_the_csms_limits_a_transaction(ready: Bench) -> None:
    ready.csms.answers["TransactionEvent"] = lambda event: (
        {"transactionLimit": {"maxEnergy": 500}}
        if event["eventType"] == "Started"
        else {}
    )
    await ready.perform("plug-connector")
    await ready.perform("start-transaction", id_tag="TAG")
    await until(lambda: "Updated(LimitSet:Charging)" in ready.csms.story)
    limit_set = next(e for e in events(ready) if e["triggerReason"] == "LimitSet")
    assert limit_set["transactionInfo"]["transactionLimit"] == {"maxEnergy": 500}
    await ready.clock.advance(120)
    end = "Ended(EnergyLimitReached:EVConnected/EnergyLimitReached)"
    await until(lambda: end in ready.csms.story)
    assert ready.charger.connectors[1].energy_wh == 500
    assert ready.charger.connectors[1].vehicle is not None


async def test_only_limits_that_are_kept_are_confirmed(ready: Bench) -> None:
    ready.csms.answers["TransactionEvent"] = lambda event: (
        {"transactionLimit": {"maxCost": 5, "maxSoC": 80}}
        if event["eventType"] == "Started"
        else {"transactionLimit": {"maxCost": 5, "maxTime": 3600}}
        if event["triggerReason"] == "ChargingStateChanged"
        else {}
    )
    await ready.perform("start-session", id_tag="TAG")
    await until(lambda: "Updated(LimitSet:Charging)" in ready.csms.story)
    (told,) = [e for e in events(ready) if e["triggerReason"] == "LimitSet"]
    assert told["transactionInfo"]["transactionLimit"] == {"maxTime": 3600}
    (kept,) = await get(ready, element("TxCtrlr.SupportedLimits"))
    assert kept["attributeValue"] == "maxEnergy,maxTime"


async def test_a_transaction_is_resumed_after_a_restart(ready: Bench) -> None:
    await ready.perform("start-session", id_tag="TAG")
    await ready.charger.stop()
    ready.csms.forget()
    await ready.power_on(connectors=2)
    await until(lambda: events(ready))
    assert "Updated(TxResumed:Charging)" in ready.csms.story


async def test_a_signing_request_has_an_id_that_its_answer_names(
    ready: Bench,
) -> None:
    await trigger(ready, "SignChargingStationCertificate")
    await until(lambda: ready.csms.payloads("SignCertificate"))
    (asked,) = ready.csms.payloads("SignCertificate")
    root = authority()
    request = x509.load_pem_x509_csr(asked["csr"].encode())
    chain = issue("CP-1", root, public_key=request.public_key()).pem
    kind = "CSMSRootCertificate"
    await status_of(
        ready, "InstallCertificate", certificateType=kind, certificate=root.pem
    )
    for number, status in ((asked["requestId"] + 1, "Rejected"), (1, "Accepted")):
        assert status == await status_of(
            ready, "CertificateSigned", certificateChain=chain, requestId=number
        )


async def test_a_reservation_that_led_to_nothing_is_told(ready: Bench) -> None:
    await reserve(ready, 7, evseId=1)
    await start(ready, evseId=1)
    await ready.clock.advance(61)
    await until(lambda: ready.csms.payloads("ReservationStatusUpdate"))
    assert ready.csms.payloads("ReservationStatusUpdate") == [
        {"reservationId": 7, "reservationUpdateStatus": "NoTransaction"}
    ]


async def test_network_profiles_are_variables(ready: Bench) -> None:
    data = network_profile("ws://other/ocpp", ocppVersion="OCPP201")
    assert await set_network(ready, 2, data) == "Accepted"
    parts = await report(
        ready,
        "GetReport",
        componentVariable=[
            {
                "component": {"name": "NetworkConfiguration"},
                "variable": {"name": "OcppCsmsUrl"},
            }
        ],
    )
    told = {
        item["component"]["instance"]: item["variableAttribute"][0]["value"]
        for item in parts
    }
    own = ready.csms.url.rpartition("/")[0]
    assert told == {"1": own, "2": "ws://other/ocpp", "3": ""}
    names = ("OcppVersion", "SecurityProfile", "MessageTimeout", "VpnEnabled")
    found = await get(
        ready,
        *[
            element(f"NetworkConfiguration.{name}", component_instance="2")
            for name in names
        ],
    )
    assert [result["attributeValue"] for result in found] == [
        *("OCPP201", "0", "30", "false"),
    ]
    (unknown,) = await get(
        ready, element("NetworkConfiguration.OcppCsmsUrl", component_instance="9")
    )
    assert unknown["attributeStatus"] == "UnknownComponent"


async def test_a_log_goes_just_where_a_url_says(ready: Bench) -> None:
    with http_server() as files:
        for number, path in enumerate(("/logs/mine.log", "/logs/")):
            answer = await ready.csms.call(
                "GetLog",
                {
                    "logType": "DiagnosticsLog",
                    "requestId": number,
                    "log": {"remoteLocation": files.url + path},
                },
            )
            await until(
                lambda number=number: (
                    ("Uploaded", number)
                    in [
                        (told["status"], told["requestId"])
                        for told in ready.csms.payloads("LogStatusNotification")
                    ]
                )
            )
        assert set(files.held) == {"/logs/mine.log", f"/logs/{answer['filename']}"}
    log = {"remoteLocation": "http://x/"}
    assert (
        await status_of(
            ready, "GetLog", logType="DataCollectorLog", requestId=9, log=log
        )
        == "Rejected"
    )


async def test_there_is_no_discharging(ready: Bench) -> None:
    sent = profile(schedule=periods(16, operationMode="CentralSetpoint"))
    assert await set_profile(ready, 1, sent) == "InvalidSchedule"
    sent = profile(
        schedule={"chargingSchedulePeriod": [{"startPeriod": 0, "setpoint": 5}]}
    )
    assert await set_profile(ready, 1, sent) == "InvalidSchedule"


@pytest.mark.parametrize(
    "sent",
    [
        profile(schedule={"useLocalTime": True}),
        profile(schedule={"randomizedDelay": 60}),
        profile(schedule={"limitAtSoC": {"soc": 80, "limit": 6}}),
        profile(schedule=periods(0, evseSleep=True)),
        profile(chargingProfilePurpose="PriorityCharging", schedule={"duration": 60}),
    ],
)
async def test_a_profile_with_what_is_not_supported_is_refused(
    ready: Bench, sent: dict[str, Any]
) -> None:
    assert await set_profile(ready, 1, sent) == "InvalidSchedule"


async def test_the_device_model_tells_what_is_supported(ready: Bench) -> None:
    found = await get(
        ready,
        element("AuthCtrlr.SupportedIdTokenTypes"),
        element("SmartChargingCtrlr.SupportsFeature[DynamicProfiles]"),
        element("TariffCostCtrlr.Available[Tariff]"),
        element("DisplayMessageCtrlr.SupportedStates"),
    )
    values = [result["attributeValue"] for result in found]
    assert "VIN" in values[0].split(",")
    assert values[1:3] == ["true", "false"]
    assert "Suspended" in values[3].split(",")


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("GetDERControl", {"requestId": 1}),
        ("GetTariffs", {"evseId": 1}),
        (
            "RequestBatterySwap",
            {"requestId": 1, "idToken": {"idToken": "T", "type": "Central"}},
        ),
        ("GetPeriodicEventStream", {}),
    ],
)
async def test_what_a_charger_has_no_use_for_is_not_supported(
    ready: Bench, action: str, payload: dict[str, Any]
) -> None:
    with pytest.raises(OCPPError, match="NotSupported"):
        await ready.csms.call(action, payload)
    assert ready.csms.session is not None
    assert (
        await ready.csms.session.call(
            "NotifyWebPaymentStarted", {"evseId": 1, "timeout": 30}
        )
        == {}
    )
