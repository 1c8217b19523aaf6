"""Every message of OCPP at the endpoint, with all it can hold and with the least."""

import asyncio
from typing import Any

import pytest

from chargers.consumers import HANDLERS
from chargers.management.commands.ocppsupport import ROOT, support_page
from chargers.models import Charger
from chargers.ocpp.messages import SENT_BY_CHARGERS, UNANSWERED
from chargers.ocpp.versions import Version
from chargers.requests import request_actions
from chargers.tests.negative_cases import minimal_payload, valid_payload
from chargers.tests.station import Station, ask, connected, connected_v2

VERSIONS = list(Version)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("web_process"),
]


def dial(charger: Charger, version: Version) -> Any:
    return connected(charger) if version.is_v16 else connected_v2(charger, version)


@pytest.mark.parametrize("version", VERSIONS)
async def test_every_message_of_a_station_is_answered(
    physical_charger: Charger, version: Version
) -> None:
    async with dial(physical_charger, version) as station:
        for action in sorted(SENT_BY_CHARGERS[version]):
            for make in (valid_payload, minimal_payload):
                answer = await station.call(action, make(version, action))
                assert answer[0] == 3, (action, answer)
        for action in UNANSWERED[version]:
            await station.send(action, valid_payload(version, action, "send"))
        await station.ok("Heartbeat", {})


async def obey(station: Station, version: Version, payload: Any, answer: Any) -> None:
    message_id, _, asked = await station.next_request()
    assert asked == payload
    await station.reply(message_id, answer)


@pytest.mark.parametrize("version", VERSIONS)
async def test_every_request_reaches_the_station(
    physical_charger: Charger, version: Version
) -> None:
    async with dial(physical_charger, version) as station:
        await physical_charger.arefresh_from_db()
        for action in request_actions(version):
            for make in (valid_payload, minimal_payload):
                payload = make(version, action)
                answer = make(version, action, "response")
                _, told = await asyncio.gather(
                    obey(station, version, payload, answer),
                    ask(physical_charger, action, payload),
                )
                assert told == answer, action


def test_the_page_of_supported_messages_is_current() -> None:
    """If not: ``manage.py ocppsupport > docs/ocpp-support.md``."""
    assert (ROOT / "docs/ocpp-support.md").read_text() == support_page()


def test_the_endpoint_supports_all() -> None:
    for version in VERSIONS:
        taken = SENT_BY_CHARGERS[version] | UNANSWERED[version]
        assert HANDLERS[version].keys() == taken
        for action, handler in HANDLERS[version].items():
            assert handler.__doc__, f"{action}: what is it for?"
