"""Every message of every version has schemas that compile."""

import pytest

from chargers.ocpp.errors import OCPPError
from chargers.ocpp.messages import SENT_BY_CHARGERS
from chargers.ocpp.schemas import actions, validate_request, validate_response
from chargers.ocpp.versions import Version, choose_subprotocol

ALL = [(version, action) for version in Version for action in sorted(actions(version))]


@pytest.mark.parametrize(("version", "action"), ALL)
def test_both_schemas_of_an_action_judge(version: Version, action: str) -> None:
    for validate in (validate_request, validate_response):
        with pytest.raises(OCPPError):
            validate(version, action, {"surely not a field": 1})


@pytest.mark.parametrize(
    ("version", "count"), [(Version.V16, 39), (Version.V201, 64), (Version.V21, 90)]
)
def test_all_actions_are_known(version: Version, count: int) -> None:
    assert len(actions(version)) == count


@pytest.mark.parametrize("version", Version)
def test_what_chargers_send_exists(version: Version) -> None:
    assert SENT_BY_CHARGERS[version] <= actions(version)


@pytest.mark.parametrize(("limit", "valid"), [(21.4, True), (16, True), (4.11, False)])
def test_limits_are_multiples_of_a_tenth(limit: float, valid: bool) -> None:
    profile = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
        },
    }
    payload = {"connectorId": 1, "csChargingProfiles": profile}
    try:
        validate_request(Version.V16, "SetChargingProfile", payload)
    except OCPPError:
        assert not valid
    else:
        assert valid


def test_the_peers_preference_decides_the_subprotocol() -> None:
    spoken = (Version.V16, Version.V201)
    assert (
        choose_subprotocol(["ocpp2.1", "ocpp2.0.1", "ocpp1.6"], spoken) == "ocpp2.0.1"
    )
    assert choose_subprotocol(["ocpp1.6", "ocpp2.0.1"], spoken) == "ocpp1.6"
    assert choose_subprotocol(["soap"], spoken) is None
    assert choose_subprotocol([], spoken) is None
