"""What the portal keeps of what chargers report."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from chargers import services
from chargers.choices import ChargerKind
from chargers.errors import InvalidCharger
from chargers.models import Charger, IdTag, Location, MeterValue, Process, Transaction
from chargers.services import transactions
from ocpplab.models import Organization

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def tag(organization: Organization) -> IdTag:
    return IdTag.objects.create(organization=organization, id_tag="Alice")


def start(charger: Charger, **changes: Any) -> tuple[Transaction, str]:
    fields: dict[str, Any] = {
        "evse_id": 1,
        "id_tag": "Alice",
        "meter_start_wh": 100,
        "at": AT,
    }
    [(row, verdict)] = services.start_transactions(
        [services.Start(charger, **(fields | changes))]
    )
    return row, verdict.status


def stop(charger: Charger, row: Transaction, **changes: Any) -> None:
    fields: dict[str, Any] = {
        "transaction_id": row.transaction_id,
        "meter_stop_wh": 5100,
        "at": AT + timedelta(hours=1),
        "reason": "Local",
    }
    services.stop_transactions([services.Stop(charger, **(fields | changes))])


def verdict_on(charger: Charger, id_tag: str) -> str:
    [verdict] = services.authorize_all(
        [services.Presented(charger.organization_id, id_tag)]
    )
    return verdict.status


def measure(
    charger: Charger, *values: dict[str, Any], transaction_id: str = ""
) -> None:
    readings = services.parse_meter_values(values)
    services.record_meter_values(
        [services.MeterReport(charger, 1, readings, transaction_id)]
    )


def report(charger: Charger, evse_id: int, status: str, error_code: str = "") -> None:
    services.record_statuses(
        [services.StatusReport(charger, evse_id, 1, status, AT, error_code)]
    )


# --- Id tags -----------------------------------------------------------------------------


def test_an_id_tag_is_accepted_whatever_its_case(
    physical_charger: Charger, tag: IdTag
) -> None:
    assert verdict_on(physical_charger, "aLICE") == "Accepted"


def test_an_unknown_id_tag_is_invalid(physical_charger: Charger) -> None:
    assert verdict_on(physical_charger, "Mallory") == "Invalid"


def test_an_id_tag_of_another_organization_is_invalid(
    physical_charger: Charger, other_organization: Organization
) -> None:
    IdTag.objects.create(organization=other_organization, id_tag="Rival")
    assert verdict_on(physical_charger, "Rival") == "Invalid"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"is_blocked": True}, "Blocked"),
        ({"expires_at": AT - timedelta(days=365)}, "Expired"),
    ],
)
def test_blocked_and_expired_id_tags_are_told_apart(
    physical_charger: Charger, tag: IdTag, fields: dict[str, Any], status: str
) -> None:
    IdTag.objects.update(**fields)
    assert verdict_on(physical_charger, "Alice") == status


def test_a_second_transaction_of_an_id_tag_is_concurrent(
    physical_charger: Charger, virtual_charger: Charger, tag: IdTag
) -> None:
    assert start(physical_charger)[1] == "Accepted"
    assert start(virtual_charger, id_tag="ALICE")[1] == "ConcurrentTx"


def test_an_id_tag_may_be_allowed_several_transactions(
    physical_charger: Charger, virtual_charger: Charger, tag: IdTag
) -> None:
    IdTag.objects.update(allows_concurrent=True)
    assert start(physical_charger)[1] == "Accepted"
    assert start(virtual_charger)[1] == "Accepted"


def test_an_ended_transaction_leaves_the_id_tag_free(
    physical_charger: Charger, virtual_charger: Charger, tag: IdTag
) -> None:
    stop(physical_charger, start(physical_charger)[0])
    assert start(virtual_charger)[1] == "Accepted"


# --- Transactions ------------------------------------------------------------------------


def test_a_refused_id_tag_still_gets_a_transaction(physical_charger: Charger) -> None:
    row, status = start(physical_charger, id_tag="Mallory")
    assert status == "Invalid"
    assert row.transaction_id == str(row.pk)


def test_a_repeated_start_is_the_same_transaction(
    physical_charger: Charger, tag: IdTag
) -> None:
    first, repeated = start(physical_charger), start(physical_charger)
    assert first[0].pk == repeated[0].pk
    assert repeated[1] == "Accepted"
    assert Transaction.objects.count() == 1


def test_a_repeated_stop_changes_nothing(physical_charger: Charger, tag: IdTag) -> None:
    row, _ = start(physical_charger)
    stop(physical_charger, row)
    stop(physical_charger, row, meter_stop_wh=9999)
    row.refresh_from_db()
    assert row.energy_wh == 5000


def test_a_transaction_of_another_charger_cannot_be_stopped(
    physical_charger: Charger, virtual_charger: Charger, tag: IdTag
) -> None:
    row, _ = start(physical_charger)
    stop(virtual_charger, row)
    row.refresh_from_db()
    assert row.is_open


def test_a_connector_that_begins_anew_has_ended_what_it_forgot(
    physical_charger: Charger, tag: IdTag
) -> None:
    forgotten, _ = start(physical_charger)
    measure(
        physical_charger,
        {"timestamp": "2026-05-01T12:30:00Z", "sampledValue": [{"value": "2100.0"}]},
        transaction_id=forgotten.transaction_id,
    )
    start(physical_charger, at=AT + timedelta(hours=2))
    forgotten.refresh_from_db()
    assert forgotten.energy_wh == 2000
    assert Transaction.objects.filter(stopped_at=None).count() == 1


def test_transaction_data_is_kept_as_meter_values(
    physical_charger: Charger, tag: IdTag
) -> None:
    row, _ = start(physical_charger)
    sampled = [{"value": "5100", "context": "Transaction.End"}]
    data = [{"timestamp": "2026-05-01T13:00:00Z", "sampledValue": sampled}]
    stop(physical_charger, row, meter_values=services.parse_meter_values(data))
    assert row.meter_values.get().sampled_values == sampled


def test_meter_values_know_their_units(physical_charger: Charger) -> None:
    measure(
        physical_charger,
        {
            "timestamp": "2026-05-01T12:00:00.5+02:00",
            "sampledValue": [
                {"value": "1.5", "unit": "kWh"},
                {"value": "3000", "measurand": "Power.Active.Import", "phase": "L1"},
                {"value": "9", "measurand": "Power.Active.Import", "unit": "kW"},
            ],
        },
    )
    value = MeterValue.objects.get()
    assert value.timestamp == datetime(2026, 5, 1, 10, 0, 0, 500_000, UTC)
    assert (value.energy_wh, value.power_w, value.offered_w) == (1500, 9000, None)


# --- What many chargers report at once ----------------------------------------------------


def test_two_chargers_that_begin_at_once_with_one_id_tag_are_told_apart(
    physical_charger: Charger, virtual_charger: Charger, tag: IdTag
) -> None:
    begun = services.start_transactions(
        [
            services.Start(physical_charger, 1, "Alice", 0, AT),
            services.Start(virtual_charger, 1, "ALICE", 0, AT),
        ]
    )
    assert [verdict.status for _, verdict in begun] == ["Accepted", "ConcurrentTx"]
    assert len({row.transaction_id for row, _ in begun}) == 2


def test_a_start_that_comes_twice_at_once_is_one_transaction(
    physical_charger: Charger, tag: IdTag
) -> None:
    twice = [services.Start(physical_charger, 1, "Alice", 0, AT)] * 2
    begun = services.start_transactions(twice)
    assert [verdict.status for _, verdict in begun] == ["Accepted", "Accepted"]
    assert Transaction.objects.count() == 1


def test_an_id_tag_is_free_for_who_begins_anew_on_its_connector(
    physical_charger: Charger, tag: IdTag
) -> None:
    start(physical_charger)
    assert start(physical_charger, at=AT + timedelta(hours=1))[1] == "Accepted"


def test_many_begin_and_end_in_as_many_statements_as_one(
    organization: Organization, tag: IdTag, django_assert_max_num_queries: Any
) -> None:
    IdTag.objects.update(allows_concurrent=True)
    chargers = [
        services.register_charger(organization=organization, identity=f"CP-{n}")
        for n in range(30)
    ]
    with django_assert_max_num_queries(8):
        begun = services.start_transactions(
            [services.Start(charger, 1, "Alice", 0, AT) for charger in chargers]
        )
    values = services.parse_meter_values(
        [{"timestamp": "2026-05-01T12:30:00Z", "sampledValue": [{"value": "50"}]}]
    )
    with django_assert_max_num_queries(5):
        services.stop_transactions(
            [
                services.Stop(
                    row.charger, row.transaction_id, 100, AT, "Local", "Alice", values
                )
                for row, _ in begun
            ]
        )
    assert Transaction.objects.filter(meter_stop_wh=100).count() == 30
    assert MeterValue.objects.filter(transaction__isnull=False).count() == 30


def test_the_last_of_two_statuses_at_once_counts(physical_charger: Charger) -> None:
    services.record_statuses(
        [
            services.StatusReport(physical_charger, 1, 1, status, AT)
            for status in ("Preparing", "Charging")
        ]
    )
    assert physical_charger.connectors.get(evse_id=1).status == "Charging"


# --- Status and links --------------------------------------------------------------------


def test_a_status_replaces_the_one_before(physical_charger: Charger) -> None:
    for status in ("Available", "Faulted"):
        report(physical_charger, 1, status, "GroundFailure")
    connector = physical_charger.connectors.get(evse_id=1)
    assert (connector.status, connector.error_code) == ("Faulted", "GroundFailure")


def test_a_connector_nobody_told_of_is_added(physical_charger: Charger) -> None:
    report(physical_charger, 7, "Available")
    assert physical_charger.connectors.filter(evse_id=7).exists()


def test_a_closing_connection_does_not_end_its_successor(
    physical_charger: Charger,
) -> None:
    process = Process.objects.create(
        name="web-1", role="web", renewed_at=timezone.now()
    )
    services.record_boots([services.Boot(physical_charger, {"model": "M"}, AT)])
    physical_charger.refresh_from_db()
    for connection in ("first", "second"):
        services.mark_connected(
            [services.Opened(physical_charger, connection, process.name, "OCPP1.6", AT)]
        )
    services.mark_disconnected([services.Closed(physical_charger.pk, "first", "")])
    physical_charger.refresh_from_db()
    assert physical_charger.is_online
    services.mark_disconnected([services.Closed(physical_charger.pk, "second", "bye")])
    physical_charger.refresh_from_db()
    assert not physical_charger.is_online
    assert physical_charger.link_detail == "bye"


def test_chargers_of_a_process_that_is_gone_are_offline(
    physical_charger: Charger,
) -> None:
    long_ago = timezone.now() - timedelta(minutes=1)
    process = Process.objects.create(name="web-1", role="web", renewed_at=long_ago)
    Charger.objects.update(holder=process, is_online=True)
    services.mark_lost_chargers(renewed_after=timezone.now() - timedelta(seconds=10))
    physical_charger.refresh_from_db()
    assert not physical_charger.is_online


# --- Registering -------------------------------------------------------------------------


def test_a_registered_charger_has_its_connectors(organization: Organization) -> None:
    charger = services.register_charger(
        organization=organization, identity="CP-1", connector_count=2
    )
    assert list(charger.connectors.values_list("evse_id", "connector_id")) == [
        (0, 0),
        (1, 1),
        (2, 1),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"identity": "ACME-CP-1"},
        {"identity": "a/b"},
        {"identity": ""},
        {"identity": "x" * 49},
        {"identity": "CP\n"},
        {"ws_url": "http://csms.example"},
        {"kind": ChargerKind.PHYSICAL, "ws_url": "ws://csms.example"},
        {"ocpp_version": "OCPP9"},
    ],
)
def test_what_cannot_be_a_charger_is_refused(
    physical_charger: Charger, organization: Organization, fields: dict[str, Any]
) -> None:
    with pytest.raises(InvalidCharger):
        services.register_charger(
            organization=organization, **({"identity": "CP-2"} | fields)
        )
    assert Charger.objects.count() == 1


def test_a_location_of_another_organization_is_refused(
    other_organization: Organization, location: Location
) -> None:
    with pytest.raises(InvalidCharger):
        services.register_charger(
            organization=other_organization, identity="CP-1", location=location
        )


def test_identities_are_unique_within_an_organization_only(
    physical_charger: Charger, other_organization: Organization
) -> None:
    services.register_charger(
        organization=other_organization, identity=physical_charger.identity
    )


def test_passwords_are_not_kept_in_the_clear(organization: Organization) -> None:
    charger = services.register_charger(
        organization=organization, identity="CP-1", password="s3cret-s3cret-s3"
    )
    kept = str(Charger.objects.filter(pk=charger.pk).values().get())
    assert "s3cret" not in kept
    assert services.password_matches(charger, b"s3cret-s3cret-s3")
    assert not services.password_matches(charger, b"wrong")


# --- Links ----------------------------------------------------------------------------


def test_of_two_connections_noted_at_once_the_later_counts(
    physical_charger: Charger,
) -> None:
    process = Process.objects.create(name="web-1", role="web", renewed_at=AT)
    opened = [
        services.Opened(physical_charger, connection, process.name, version, AT)
        for connection, version in (("older", "OCPP1.6"), ("newer", "OCPP2.0.1"))
    ]
    services.mark_connected(opened)
    services.mark_disconnected([services.Closed(physical_charger.pk, "older", "")])
    physical_charger.refresh_from_db()
    assert physical_charger.connection_id == "newer"
    assert physical_charger.ocpp_version == "OCPP2.0.1"


# --- Ends that never came -------------------------------------------------------------


def test_an_end_that_comes_while_the_abandoned_are_looked_through_stays(
    physical_charger: Charger, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, _ = start(physical_charger)
    booted_at = AT + timedelta(hours=3)
    Charger.objects.filter(pk=physical_charger.pk).update(booted_at=booted_at)
    presume_stopped = transactions.presume_stopped

    def presume_late(abandoned: Transaction, at: datetime) -> None:
        stop(physical_charger, abandoned)
        presume_stopped(abandoned, at)

    monkeypatch.setattr(transactions, "presume_stopped", presume_late)
    transactions.close_abandoned_transactions(after=timedelta(hours=1))
    row.refresh_from_db()
    assert (row.stopped_at, row.energy_wh) == (AT + timedelta(hours=1), 5000)
