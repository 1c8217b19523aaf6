"""Transactions of 2.x stations: in order, out of it, twice, offline."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from chargers.models import Charger, IdTag, Transaction
from chargers.ocpp.values import format_time
from chargers.services import Reading
from chargers.services.transaction_events import (
    TransactionEvent,
    record_transaction_events,
)
from chargers.tests.station import Station, connected_v2
from ocpplab.models import Organization

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("web_process"),
]

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
TAG = {"idToken": "A", "type": "ISO14443"}


def at(hours: float) -> str:
    return format_time(BEGIN + timedelta(hours=hours))


def metered(hours: float, wh: float, context: str = "Sample.Periodic") -> Any:
    sampled = {"value": wh, "context": context}
    return [{"timestamp": at(hours), "sampledValue": [sampled]}]


def event(kind: str, seq_no: int, hours: float, **more: Any) -> dict[str, Any]:
    """A TransactionEvent of transaction T-1; ``info`` is more of its transactionInfo."""
    info = {"transactionId": "T-1", **more.pop("info", {})}
    return {
        "eventType": kind,
        "triggerReason": more.pop("trigger", "MeterValuePeriodic"),
        "seqNo": seq_no,
        "timestamp": at(hours),
        "transactionInfo": info,
        **more,
    }


SESSION = [
    event(
        *("Started", 0, 0),
        trigger="CablePluggedIn",
        evse={"id": 2, "connectorId": 1},
        meterValue=metered(0, 1000, "Transaction.Begin"),
        info={"chargingState": "EVConnected", "remoteStartId": 77},
        reservationId=5,
    ),
    event("Updated", 1, 0.1, trigger="Authorized", idToken=TAG),
    event(
        *("Updated", 2, 0.2),
        trigger="ChargingStateChanged",
        info={"chargingState": "Charging"},
        numberOfPhasesUsed=3,
    ),
    event("Updated", 3, 1, meterValue=metered(1, 3000)),
    event("Updated", 4, 2, meterValue=metered(2, 5000)),
    event(
        *("Ended", 5, 3),
        trigger="StopAuthorized",
        idToken=TAG,
        meterValue=metered(3, 7000, "Transaction.End"),
        info={"stoppedReason": "Remote", "timeSpentCharging": 10_000},
    ),
]


@pytest.fixture
async def tag(organization: Organization) -> IdTag:
    return await IdTag.objects.acreate(organization=organization, id_tag="A")


@pytest.fixture
async def station(physical_charger: Charger, tag: IdTag) -> AsyncIterator[Station]:
    async with connected_v2(physical_charger) as station:
        yield station


async def tell(station: Station, *events: dict[str, Any]) -> list[Any]:
    return [await station.ok("TransactionEvent", one) for one in events]


async def row_of(transaction_id: str = "T-1") -> Transaction:
    return await Transaction.objects.aget(transaction_id=transaction_id)


async def check_session() -> None:
    """That the whole session is kept, as it was."""
    row = await row_of()
    assert (row.evse_id, row.connector_id) == (2, 1)
    assert (row.started_at, row.stopped_at) == (BEGIN, BEGIN + timedelta(hours=3))
    assert (row.meter_start_wh, row.meter_stop_wh, row.energy_wh) == (1000, 7000, 6000)
    assert (row.id_tag, row.authorization, row.stop_id_tag) == ("A", "Accepted", "A")
    assert row.stop_reason == "Remote"
    assert (row.remote_start_id, row.reservation_id) == (77, 5)
    assert (row.seq_no, row.missing_seq_nos) == (5, [])
    assert row.details == {"numberOfPhasesUsed": 3, "timeSpentCharging": 10_000}
    assert [v.energy_wh async for v in row.meter_values.order_by("timestamp")] == [
        1000,
        3000,
        5000,
        7000,
    ]


async def test_a_session_in_order(station: Station) -> None:
    answers = await tell(station, *SESSION)
    accepted = {"idTokenInfo": {"status": "Accepted"}}
    assert answers == [{}, accepted, {}, {}, {}, accepted]
    await check_session()
    assert (await row_of()).charging_state == "Charging"


@pytest.mark.parametrize("order", ["543210", "024135", "510342", "352014", "105432"])
async def test_the_order_does_not_matter(station: Station, order: str) -> None:
    await tell(station, *(SESSION[int(index)] for index in order))
    await check_session()


async def test_every_event_may_come_twice(station: Station) -> None:
    for one in SESSION:
        first, again = await tell(station, one, one)
        assert first == again
    await tell(station, *SESSION)
    await check_session()


async def test_a_station_that_does_not_count_is_understood(station: Station) -> None:
    uncounted = [{**one, "seqNo": 0} for one in SESSION]
    for one in uncounted:
        await tell(station, one, one)
    await tell(station, *uncounted)
    row = await row_of()
    assert (row.seq_no, row.missing_seq_nos) == (0, [])
    row.seq_no = 5
    await row.asave()
    await check_session()


async def test_what_is_missing_is_known(station: Station) -> None:
    await tell(station, SESSION[0], SESSION[3], SESSION[5])
    row = await row_of()
    assert row.missing_seq_nos == [[1, 2], [4, 4]]
    assert row.energy_wh == 6000
    await tell(station, SESSION[2])
    assert (await row_of()).missing_seq_nos == [[1, 1], [4, 4]]
    await tell(station, SESSION[1], SESSION[4])
    await check_session()


async def test_the_state_is_that_of_the_newest_event(station: Station) -> None:
    states = ["EVConnected", "Charging", "SuspendedEV"]
    events = [
        event(
            "Started" if number == 0 else "Updated",
            number,
            number,
            info={"chargingState": state},
        )
        for number, state in enumerate(states)
    ]
    await tell(station, events[0], events[2], events[1])
    row = await row_of()
    assert row.charging_state == "SuspendedEV"
    assert row.is_open


async def test_offline_events_keep_their_time(station: Station) -> None:
    await tell(station, *({**one, "offline": True} for one in SESSION))
    await check_session()


async def test_an_end_without_a_beginning_is_kept(station: Station) -> None:
    end = event("Ended", 9, 3, meterValue=metered(3, 7000))
    assert await tell(station, end) == [{}]
    row = await row_of()
    assert (row.evse_id, row.energy_wh, row.stop_reason) == (0, 0, "Local")
    assert row.missing_seq_nos == [[0, 8]]


async def test_energy_is_read_from_what_was_measured(station: Station) -> None:
    """The first reading comes with an update, the last does not come with the end."""
    await tell(
        station,
        event("Started", 0, 0, evse={"id": 1}),
        event("Updated", 1, 1, meterValue=metered(1, 2000)),
        event("Updated", 2, 2, meterValue=metered(2, 2500)),
        event("Ended", 3, 3),
    )
    row = await row_of()
    assert (row.meter_start_wh, row.energy_wh) == (2000, 500)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"seqNo": -1}, "PropertyConstraintViolation"),
        ({"evse": {"id": 256}}, "PropertyConstraintViolation"),
        ({"transactionInfo": {"transactionId": ""}}, "PropertyConstraintViolation"),
        ({"reservationId": 2**63}, "PropertyConstraintViolation"),
        ({"timestamp": "0000-01-01T00:00:00Z"}, "PropertyConstraintViolation"),
        ({"meterValue": metered(0, 1e300)}, "PropertyConstraintViolation"),
    ],
)
async def test_what_cannot_be_kept_is_refused(
    station: Station, wrong: dict[str, Any], code: str
) -> None:
    answer = await station.call("TransactionEvent", {**SESSION[0], **wrong})
    assert answer[:2] == [4, code]
    assert not await Transaction.objects.aexists()


# --- Other transactions ---------------------------------------------------------------


def other(kind: str, seq_no: int, hours: float, **more: Any) -> dict[str, Any]:
    info = {"transactionId": "T-2", **more.pop("info", {})}
    return event(kind, seq_no, hours, info=info, **more)


async def test_a_token_in_use_elsewhere_is_concurrent(station: Station) -> None:
    first = event("Started", 0, 0, evse={"id": 1}, idToken=TAG)
    second = other("Started", 0, 0, evse={"id": 2}, idToken=TAG)
    answers = await tell(station, first, first, second, second)
    statuses = [answer["idTokenInfo"]["status"] for answer in answers]
    assert statuses == ["Accepted", "Accepted", "ConcurrentTx", "ConcurrentTx"]
    assert (await row_of("T-2")).authorization == "ConcurrentTx"


async def test_a_token_that_may_is_used_twice(station: Station, tag: IdTag) -> None:
    tag.allows_concurrent = True
    await tag.asave()
    first = event("Started", 0, 0, evse={"id": 1}, idToken=TAG)
    second = other("Started", 0, 0, evse={"id": 2}, idToken=TAG)
    answers = await tell(station, first, second)
    assert [a["idTokenInfo"]["status"] for a in answers] == ["Accepted", "Accepted"]


async def test_a_start_button_needs_no_token(station: Station) -> None:
    pressed = {"idToken": "", "type": "NoAuthorization"}
    start = event("Started", 0, 0, evse={"id": 1}, idToken=pressed)
    assert await tell(station, start) == [{"idTokenInfo": {"status": "Accepted"}}]


async def test_an_evse_has_one_transaction(station: Station) -> None:
    """One that the station forgot ends with the next; if it was not, its end counts."""
    await tell(station, *SESSION[:4], other("Started", 0, 2.5, evse={"id": 2}))
    row = await row_of()
    assert (row.is_open, row.stop_reason, row.energy_wh) == (False, "", 2000)
    assert row.stopped_at == BEGIN + timedelta(hours=2.5)
    await tell(station, *SESSION[4:])
    await check_session()


async def test_an_older_transaction_ends_no_newer_one(station: Station) -> None:
    await tell(station, other("Started", 0, 5, evse={"id": 2}), SESSION[0])
    assert (await row_of("T-2")).is_open
    assert (await row_of("T-1")).is_open


async def test_two_stations_may_use_the_same_transaction_id(
    station: Station, virtual_charger: Charger
) -> None:
    async with connected_v2(virtual_charger) as elsewhere:
        await tell(station, *SESSION)
        await tell(elsewhere, event("Started", 0, 0, evse={"id": 1}))
    assert await Transaction.objects.filter(transaction_id="T-1").acount() == 2
    row = await virtual_charger.transactions.aget()
    assert row.is_open


async def test_a_running_transaction_costs_few_queries(
    station: Station, physical_charger: Charger, django_assert_max_num_queries: Any
) -> None:
    await tell(station, *SESSION[:3])

    def record() -> None:
        events = [
            TransactionEvent(
                physical_charger,
                transaction_id="T-1",
                kind="Updated",
                trigger="MeterValuePeriodic",
                seq_no=number,
                at=BEGIN + timedelta(minutes=number),
                meter_values=[
                    Reading(
                        BEGIN + timedelta(minutes=number), [{"value": 1000 + number}]
                    )
                ],
            )
            for number in range(3, 60)
        ]
        with django_assert_max_num_queries(8):
            record_transaction_events(events)

    await sync_to_async(record)()
    row = await row_of()
    assert row.seq_no == 59
    assert await row.meter_values.acount() == 58
