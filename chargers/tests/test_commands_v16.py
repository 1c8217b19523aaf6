"""What commands to a physical 1.6 charger put on the wire."""

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from chargers.csms import commands_v16
from chargers.csms.commands_common import perform
from chargers.models import Charger, Transaction
from chargers.ocpp.errors import CommandRejected, OCPPError
from chargers.ocpp.schemas import validate_request, validate_response
from chargers.ocpp.versions import Version

pytestmark = pytest.mark.django_db(transaction=True)


class Wire:
    """Answers each CALL as it is told, and keeps what was asked."""

    def __init__(self, charger: Charger, **answers: Any) -> None:
        self.charger = charger
        self.answers = answers
        self.sent: list[tuple[str, Any]] = []

    async def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        validate_request(Version.V16, action, payload)
        self.sent.append((action, payload))
        answer: Any = self.answers.get(action, {"status": "Accepted"})
        if isinstance(answer, Exception):
            raise answer
        validate_response(Version.V16, action, answer)
        return answer

    async def perform(self, command: str, **event: Any) -> dict[str, Any]:
        return await perform(
            commands_v16.COMMANDS, self.call, self.charger, command, event
        )


@pytest.mark.parametrize(("present", "sent"), [(0, 1), (7, 8)])
async def test_the_local_list_is_cleared_with_a_version_that_is_newer(
    physical_charger: Charger, present: int, sent: int
) -> None:
    wire = Wire(physical_charger, GetLocalListVersion={"listVersion": present})
    await wire.perform("clear-local-auth-list")
    empty = {"updateType": "Full", "localAuthorizationList": []}
    assert wire.sent[-1] == ("SendLocalList", {"listVersion": sent, **empty})


async def test_a_charger_without_a_local_list_has_none_to_clear(
    physical_charger: Charger,
) -> None:
    wire = Wire(physical_charger, GetLocalListVersion={"listVersion": -1})
    with pytest.raises(CommandRejected, match="keeps no local"):
        await wire.perform("clear-local-auth-list")
    assert len(wire.sent) == 1


@pytest.mark.parametrize("status", ["Failed", "NotSupported", "VersionMismatch"])
async def test_a_local_list_that_is_refused_is_told(
    physical_charger: Charger, status: str
) -> None:
    wire = Wire(physical_charger, SendLocalList={"status": status})
    entries = [
        {
            "id_tag": "A",
            "expiry_date": "2030-01-01T00:00:00Z",
            "parent_id_tag": "P",
        }
    ]
    with pytest.raises(CommandRejected, match=status):
        await wire.perform("local-auth-list", list_version=3, entries=entries)
    info = {
        "status": "Accepted",
        "expiryDate": "2030-01-01T00:00:00Z",
        "parentIdTag": "P",
    }
    assert wire.sent[-1][1]["localAuthorizationList"] == [
        {"idTag": "A", "idTagInfo": info}
    ]


async def test_power_is_set_for_the_transaction_or_for_those_to_come(
    physical_charger: Charger,
) -> None:
    wire = Wire(physical_charger, GetConfiguration={})
    await wire.perform("power-update", power_w=7000, connector_id=1)
    await sync_to_async(Transaction.objects.create)(
        charger=physical_charger,
        transaction_id="17",
        evse_id=1,
        started_at=timezone.now(),
    )
    await wire.perform("power-update", power_w=99_000, connector_id=1)
    default, running = (
        payload["csChargingProfiles"]
        for action, payload in wire.sent
        if action == "SetChargingProfile"
    )
    assert default["chargingProfilePurpose"] == "TxDefaultProfile"
    assert "transactionId" not in default
    assert running["chargingProfilePurpose"] == "TxProfile"
    assert running["transactionId"] == 17
    # One that had the other's id would take its place.
    assert running["chargingProfileId"] != default["chargingProfileId"]
    limits = [
        profile["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"]
        for profile in (default, running)
    ]
    assert limits == [7000, 22_000]


def told(**settings: str) -> dict[str, Any]:
    keys = [{"key": k, "value": v, "readonly": True} for k, v in settings.items()]
    return {"configurationKey": keys, "unknownKey": ["other"]}


@pytest.mark.parametrize(
    ("answer", "level", "unit", "limit"),
    [
        (OCPPError("NotSupported"), 0, "W", 7000),
        (told(), 0, "W", 7000),
        (told(ChargeProfileMaxStackLevel="many"), 0, "W", 7000),
        (told(chargeprofilemaxstacklevel="8"), 8, "W", 7000),
        (told(ChargingScheduleAllowedChargingRateUnit="Current,Power"), 0, "W", 7000),
        (
            told(
                ChargeProfileMaxStackLevel="3",
                ChargingScheduleAllowedChargingRateUnit="Current",
            ),
            *(3, "A", 10.1),
        ),
    ],
)
async def test_power_is_set_as_the_charger_takes_it_and_above_all_else(
    physical_charger: Charger, answer: Any, level: int, unit: str, limit: float
) -> None:
    wire = Wire(physical_charger, GetConfiguration=answer)
    await wire.perform("power-update", power_w=7000, connector_id=1)
    profile = wire.sent[-1][1]["csChargingProfiles"]
    schedule = profile["chargingSchedule"]
    assert (profile["stackLevel"], schedule["chargingRateUnit"]) == (level, unit)
    assert schedule["chargingSchedulePeriod"][0]["limit"] == limit


async def test_power_has_no_limit_where_no_rating_is_known(
    physical_charger: Charger,
) -> None:
    physical_charger.model = None
    wire = Wire(physical_charger, GetConfiguration={})
    result = await wire.perform("power-update", power_w=150_000, connector_id=1)
    assert result["power_w"] == 150_000


async def test_power_leaves_out_a_transaction_of_before_it_spoke_1_6(
    physical_charger: Charger,
) -> None:
    wire = Wire(physical_charger, GetConfiguration={})
    await Transaction.objects.acreate(
        charger=physical_charger,
        transaction_id="1d0e-uuid",
        evse_id=1,
        seq_no=0,
        started_at=timezone.now(),
    )
    result = await wire.perform("power-update", power_w=7000, connector_id=1)
    assert result["status"] == "Accepted"
    profile = wire.sent[-1][1]["csChargingProfiles"]
    assert profile["chargingProfilePurpose"] == "TxDefaultProfile"
