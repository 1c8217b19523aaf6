"""Commands to physical 2.x chargers: what they are sent, and what their answer means."""

from typing import Any

import pytest
from django.utils import timezone

from chargers.consumers import COMMANDS
from chargers.csms.commands_common import perform
from chargers.models import Charger, IdTag, Transaction, Variable
from chargers.ocpp.errors import CommandRejected
from chargers.ocpp.schemas import validate_request, validate_response
from chargers.ocpp.versions import Version

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("web_process"),
]


class Link:
    """A charger's link: takes valid requests, gives the answer that is set."""

    def __init__(self, charger: Charger, version: Version = Version.V201) -> None:
        self.charger = charger
        self.version = version
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answer: dict[str, Any] = {"status": "Accepted"}

    async def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        validate_request(self.version, action, payload)
        self.asked.append((action, payload))
        answer = self.answer
        if action == "SetVariables":
            results = [
                {
                    "component": item["component"],
                    "variable": item["variable"],
                    "attributeStatus": answer.get(
                        item["variable"]["name"], answer.get("status")
                    ),
                }
                for item in reversed(payload["setVariableData"])  # in any order
            ]
            if why := answer.get("why"):
                results[0]["attributeStatusInfo"] = {"reasonCode": why}
            answer = {"setVariableResult": results}
        validate_response(self.version, action, answer)
        return answer

    async def perform(self, command: str, **event: Any) -> dict[str, Any]:
        commands = COMMANDS[self.version]
        return await perform(commands, self.call, self.charger, command, event)


@pytest.fixture(params=[Version.V201, Version.V21])
def link(request: pytest.FixtureRequest, physical_charger: Charger) -> Link:
    return Link(physical_charger, request.param)


async def running(charger: Charger, evse_id: int = 1) -> Transaction:
    return await Transaction.objects.acreate(
        charger=charger,
        transaction_id="T-1",
        evse_id=evse_id,
        started_at=timezone.now(),
        seq_no=0,
    )


def test_every_version_has_the_same_commands() -> None:
    assert len({frozenset(commands) for commands in COMMANDS.values()}) == 1


# --- Configuration --------------------------------------------------------------------


async def test_configuration_sets_variables_by_name(link: Link) -> None:
    result = await link.perform(
        "configuration",
        configuration={
            "HeartbeatInterval": "60",  # of 1.6
            "Connector@1.2.Available": "true",
            "OCPPCommCtrlr.MessageAttempts[TransactionEvent]": "5",
        },
    )
    assert result == {
        "status": "Accepted",
        "configured": [
            "HeartbeatInterval",
            "Connector@1.2.Available",
            "OCPPCommCtrlr.MessageAttempts[TransactionEvent]",
        ],
        "msg": "Configuration changed",
    }
    sent = [data for _, payload in link.asked for data in payload["setVariableData"]]
    assert [(data["component"], data["variable"]) for data in sent] == [
        ({"name": "OCPPCommCtrlr"}, {"name": "HeartbeatInterval"}),
        (
            {"name": "Connector", "evse": {"id": 1, "connectorId": 2}},
            {"name": "Available"},
        ),
        (
            {"name": "OCPPCommCtrlr"},
            {"name": "MessageAttempts", "instance": "TransactionEvent"},
        ),
    ]


async def test_configuration_tells_what_was_refused(link: Link) -> None:
    link.answer = {"One": "RebootRequired", "Two": "UnknownVariable"}
    result = await link.perform("configuration", configuration={"A.One": "1"})
    assert (result["status"], result["configured"]) == ("RebootRequired", ["A.One"])
    wanted = {"A.One": "1", "A.Two": "2", "NoSuchThing": "3"}
    result = await link.perform("configuration", configuration=wanted)
    assert (result["status"], result["configured"]) == ("Rejected", ["A.One"])
    assert result["msg"] == (
        "Refused: A.Two: UnknownVariable, NoSuchThing: UnknownVariable"
    )
    link.answer = {"One": "Rejected", "why": "ValueTooLow"}
    result = await link.perform("configuration", configuration={"A.One": "0"})
    assert result["msg"] == "Refused: A.One: Rejected (ValueTooLow)"


async def test_a_variable_is_set_once_whatever_it_is_called(link: Link) -> None:
    wanted = {"HeartbeatInterval": "60", "ocppcommctrlr.heartbeatinterval": "90"}
    result = await link.perform("configuration", configuration=wanted)
    assert result["configured"] == list(wanted)
    [(_, payload)] = link.asked
    [data] = payload["setVariableData"]
    assert data["attributeValue"] == "90"


async def test_a_variable_that_is_alone_needs_no_component(link: Link) -> None:
    for component, name in (("One", "Alone"), ("One", "Both"), ("Two", "Both")):
        await Variable.objects.acreate(
            charger=link.charger,
            component=component,
            name=name,
            updated_at=timezone.now(),
        )
    result = await link.perform(
        "configuration", configuration={"alone": "1", "Both": "2"}
    )
    assert result["configured"] == ["alone"]
    [(_, payload)] = link.asked
    assert payload["setVariableData"][0]["component"] == {"name": "One"}


# --- Lists ----------------------------------------------------------------------------


async def test_the_cache_is_cleared(link: Link) -> None:
    result = await link.perform("cache/reset")
    assert result["cleared_entries"] == 0
    assert link.asked == [("ClearCache", {})]
    link.answer = {"status": "Rejected"}
    with pytest.raises(CommandRejected, match="ClearCache with Rejected"):
        await link.perform("cache/reset")
    for more, why in (({}, "NotEnabled"), ({"additionalInfo": "It is off."}, "It is")):
        info = {"reasonCode": "NotEnabled", **more}
        link.answer = {"status": "Rejected", "statusInfo": info}
        with pytest.raises(CommandRejected, match=f"with Rejected: {why}"):
            await link.perform("cache/reset")


async def test_the_local_list_is_replaced(link: Link) -> None:
    await IdTag.objects.acreate(
        organization=link.charger.organization, id_tag="B", type="eMAID"
    )
    entries = [
        {"id_tag": "A", "expiry_date": "2027-01-01T00:00:00Z", "parent_id_tag": "G"},
        {"id_tag": "B"},
    ]
    result = await link.perform("local-auth-list", list_version=5, entries=entries)
    assert result == {"status": "Accepted", "list_version": 5, "entries_received": 2}
    [(action, payload)] = link.asked
    assert action == "SendLocalList"
    assert payload == {
        "versionNumber": 5,
        "updateType": "Full",
        "localAuthorizationList": [
            {
                "idToken": {"idToken": "A", "type": "ISO14443"},
                "idTokenInfo": {
                    "status": "Accepted",
                    "cacheExpiryDateTime": "2027-01-01T00:00:00Z",
                    "groupIdToken": {"idToken": "G", "type": "Central"},
                },
            },
            {
                "idToken": {"idToken": "B", "type": "eMAID"},
                "idTokenInfo": {"status": "Accepted"},
            },
        ],
    }


async def test_the_local_list_is_emptied(link: Link) -> None:
    await link.perform("clear-local-auth-list")
    assert link.asked == [("SendLocalList", {"versionNumber": 1, "updateType": "Full"})]


# --- Charging -------------------------------------------------------------------------


async def test_a_connector_is_unlocked(link: Link) -> None:
    link.answer = {"status": "Unlocked"}
    result = await link.perform("unlock-connector", connector_id=2)
    assert result == {"status": "Unlocked", "connector_id": 2}
    assert link.asked == [("UnlockConnector", {"evseId": 2, "connectorId": 1})]
    link.answer = {"status": "OngoingAuthorizedTransaction"}
    with pytest.raises(CommandRejected, match="OngoingAuthorizedTransaction"):
        await link.perform("unlock-connector", connector_id=2)


@pytest.mark.parametrize("command", ["start-transaction", "start-session"])
async def test_a_transaction_is_started(link: Link, command: str) -> None:
    result = await link.perform(command, id_tag="A", connector_id=2)
    assert result == {"status": "Accepted", "connector_id": 2, "id_tag": "A"}
    [(action, payload)] = link.asked
    assert action == "RequestStartTransaction"
    assert payload.pop("remoteStartId") > 0
    token = {"idToken": "A", "type": "ISO14443"}
    assert payload == {"evseId": 2, "idToken": token}


async def test_a_transaction_is_stopped(link: Link) -> None:
    for command in ("stop-transaction", "stop-session"):
        with pytest.raises(CommandRejected, match="No transaction is running"):
            await link.perform(command)
    await running(link.charger, evse_id=2)
    for command, event in (
        ("stop-transaction", {}),
        ("stop-transaction", {"transaction_id": "T-1"}),
        ("stop-session", {"connector_id": 2}),
    ):
        result = await link.perform(command, **event)
        assert result == {"status": "Accepted", "transaction_id": "T-1"}
        assert link.asked.pop() == ("RequestStopTransaction", {"transactionId": "T-1"})
    with pytest.raises(CommandRejected, match="No transaction is running"):
        await link.perform("stop-session", connector_id=1)


async def test_power_is_limited_for_the_running_transaction(link: Link) -> None:
    await running(link.charger, evse_id=2)
    result = await link.perform("power-update", power_w=7000, connector_id=2)
    assert result == {"status": "Accepted", "connector_id": 2, "power_w": 7000}
    [(action, payload)] = link.asked
    assert action == "SetChargingProfile"
    assert payload["evseId"] == 2
    profile = payload["chargingProfile"]
    assert profile["chargingProfilePurpose"] == "TxProfile"
    assert profile["transactionId"] == "T-1"
    assert profile["chargingSchedule"] == [
        {
            "id": 2002,
            "chargingRateUnit": "W",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 7000}],
        }
    ]


async def test_power_is_limited_for_transactions_to_come(link: Link) -> None:
    result = await link.perform("power-update", power_w=10**7, connector_id=1)
    assert result["power_w"] == link.charger.max_power_w
    profile = link.asked[0][1]["chargingProfile"]
    assert profile["chargingProfilePurpose"] == "TxDefaultProfile"
    assert "transactionId" not in profile


async def test_power_is_limited_at_the_level_and_in_the_unit_that_it_takes(
    link: Link,
) -> None:
    for name, value in (("ProfileStackLevel", "7"), ("RateUnit", "A")):
        await Variable.objects.acreate(
            charger=link.charger,
            component="SmartChargingCtrlr",
            name=name,
            value=value,
            updated_at=timezone.now(),
        )
    await link.perform("power-update", power_w=7000)
    profile = link.asked[0][1]["chargingProfile"]
    assert profile["stackLevel"] == 7
    [schedule] = profile["chargingSchedule"]
    assert schedule["chargingRateUnit"] == "A"
    period = {"startPeriod": 0, "limit": 10.1, "numberPhases": 3}
    assert schedule["chargingSchedulePeriod"] == [period]


async def test_what_only_a_virtual_charger_can_do_is_refused(link: Link) -> None:
    with pytest.raises(CommandRejected, match="cannot be told plug-connector"):
        await link.perform("plug-connector")
