"""The making of chargers: in chunks, resumed, and ended with a reason."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_rq import get_queue
from redis.exceptions import ConnectionError

from chargers import jobs, provisioning, services
from chargers.errors import InvalidCharger
from chargers.leases import new_process_name
from chargers.models import (
    Charger,
    ChargerModel,
    Connector,
    Location,
    Process,
    ProvisioningJob,
)
from ocpplab.models import Organization

TEMPLATE = {
    "brand_slug": "wallbox",
    "model_slug": "wallbox-pulsar-plus",
    "connector_type": "Type2",
    "ws_url": "wss://csms.example/ocpp/",
    "identity_prefix": "SITE_",
    "template_name": "Bay",
}


@pytest.fixture
def fleet(db: None) -> Process:
    return Process.objects.create(
        name=new_process_name("fleet"), role="fleet", renewed_at=timezone.now()
    )


@pytest.fixture
def charger(organization: Organization, fleet: Process) -> Charger:
    """One that the fleet has taken, and that has not reached its CSMS yet."""
    charger = provisioning.create_charger(
        organization=organization,
        identity="CP-1",
        model=ChargerModel.objects.get(slug="wallbox-pulsar-plus"),
        connector_type="Type2",
        ws_url="wss://csms.example",
    )
    provisioning.start_chargers()
    Charger.objects.update(holder=fleet)
    return charger


@pytest.fixture
def job_of(
    organization: Organization, location: Location
) -> Callable[..., ProvisioningJob]:
    def make(*groups: dict[str, Any]) -> ProvisioningJob:
        return provisioning.create_job(
            organization=organization, location=location, groups=groups
        )

    return make


def link(charger: Charger, fleet: Process, is_up: bool, detail: str = "") -> None:
    services.record_links(
        [services.Link(charger.pk, fleet.name, is_up, detail, timezone.now())]
    )
    charger.refresh_from_db()


def overdue() -> None:
    """Let the time for finding a CSMS be over."""
    Charger.objects.update(provisioning_started_at=timezone.now() - timedelta(hours=1))
    jobs.settle_provisioning()


# --- One charger ----------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_new_charger_waits_for_a_worker_that_is_told(
    organization: Organization,
) -> None:
    charger = provisioning.create_charger(organization=organization, identity="CP-1")
    assert charger.provisioning_status == "PENDING"
    assert charger.provisioned_at is None
    [queued] = get_queue().jobs
    assert queued.func_name == "chargers.jobs.start_chargers"
    jobs.start_chargers()
    charger.refresh_from_db()
    assert charger.provisioning_status == "PROVISIONING"
    assert charger.provisioning_started_at


@pytest.mark.django_db(transaction=True)
def test_without_redis_the_periodic_job_takes_it_up(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr("rq.Queue.enqueue", fail)
    charger = provisioning.create_charger(organization=organization, identity="CP-1")
    jobs.settle_provisioning()
    charger.refresh_from_db()
    assert charger.provisioning_status == "PROVISIONING"


def test_a_physical_charger_is_ready_at_once(organization: Organization) -> None:
    charger = provisioning.create_charger(
        organization=organization, identity="CP-1", kind="physical"
    )
    assert charger.provisioning_status == "READY"
    assert charger.provisioned_at


def test_the_fleet_may_run_it_from_its_second_step_on(charger: Charger) -> None:
    charger.refresh_from_db()
    assert charger.provisioning_status == "PROVISIONING"
    jobs.settle_provisioning()
    charger.refresh_from_db()
    assert charger.provisioning_status == "PROVISIONING"


def test_it_is_ready_when_its_boot_is_accepted(
    charger: Charger, fleet: Process
) -> None:
    link(charger, fleet, True)
    assert charger.provisioning_status == "READY"
    assert charger.provisioned_at
    overdue()
    charger.refresh_from_db()
    assert charger.provisioning_status == "READY"


@pytest.mark.parametrize(
    ("detail", "code", "retryable", "at_once"),
    [
        ("connection refused", "csms_unreachable", True, False),
        ("", "csms_unreachable", True, False),
        ("HTTP 401", "csms_unauthorized", False, True),
        ("HTTP 403", "csms_unauthorized", False, True),
        ("HTTP 404", "csms_unknown_identity", False, True),
        ("HTTP 418", "csms_rejected", False, True),
        ("HTTP 503", "csms_unavailable", True, False),
        ("boot rejected", "csms_rejected", False, True),
        ("boot pending", "csms_pending", True, False),
        ("the CSMS does not speak ocpp1.6", "csms_version_not_supported", False, True),
        ("TLS: certificate has expired", "csms_tls_failed", False, False),
    ],
)
def test_it_fails_with_what_its_link_says(
    charger: Charger,
    fleet: Process,
    detail: str,
    code: str,
    retryable: bool,
    at_once: bool,
) -> None:
    link(charger, fleet, False, detail)
    jobs.settle_provisioning()
    charger.refresh_from_db()
    assert (charger.provisioning_status == "FAILED") == at_once
    overdue()
    charger.refresh_from_db()
    assert charger.provisioning_status == "FAILED"
    error = charger.provisioning_error
    assert error is not None
    assert (error["code"], error["retryable"]) == (code, retryable)
    assert detail in error["message"]
    assert error["param"] == ("ws_url" if code.startswith("csms_") else None)
    assert charger.provisioned_at is None


def test_it_fails_where_no_fleet_runs(charger: Charger) -> None:
    Charger.objects.update(holder=None)
    overdue()
    charger.refresh_from_db()
    assert charger.provisioning_error
    assert charger.provisioning_error["code"] == "fleet_unavailable"
    assert "fleet" in charger.provisioning_error["message"]


def test_a_later_success_makes_it_ready(charger: Charger, fleet: Process) -> None:
    link(charger, fleet, False, "connection refused")
    overdue()
    link(charger, fleet, True)
    assert charger.provisioning_status == "READY"
    assert charger.provisioning_error is None
    assert charger.provisioned_at


def test_of_two_that_ask_at_once_one_is_made(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(url: str) -> Charger:
        return provisioning.request_charger(
            organization=organization, identity="CP-1", ws_url=url
        )

    first = ask("ws://a.example")
    # As if the first had not been there yet when the second was checked.
    monkeypatch.setattr("chargers.services.registering._check", lambda charger: None)
    assert ask("ws://a.example") == first
    with pytest.raises(InvalidCharger, match="exists already"):
        ask("ws://b.example")
    assert Charger.objects.count() == 1


# --- Many chargers --------------------------------------------------------------------


def test_a_job_makes_its_chargers_as_the_template_says(
    job_of: Any, location: Location
) -> None:
    job = job_of({"template": TEMPLATE, "charger_ids": ["001"], "chargers_number": 2})
    jobs.make_chargers(str(job.pk))
    first, second = Charger.objects.order_by("created_at", "identity")
    assert {first.identity, second.identity} > {"SITE_001"}
    charger = Charger.objects.get(identity="SITE_001")
    assert charger.name == "Bay 001"
    assert charger.location == location
    assert charger.ws_url == "wss://csms.example/ocpp"
    assert charger.provisioning_status == "PROVISIONING"
    assert charger.workflow_run_id == job.workflow_run_id
    assert list(
        charger.connectors.values_list("evse_id", "connector_id").order_by("evse_id")
    ) == [(0, 0), (1, 1)]


def test_it_is_resumed_where_an_exception_left_it(
    job_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provisioning, "CHUNK", 3)
    job = job_of({"template": TEMPLATE, "charger_ids": [f"{n:02}" for n in range(10)]})
    make = provisioning._Maker.make
    calls = []

    def fail_once(self: Any, items: Any) -> Any:
        calls.append(len(items))
        made = make(self, items)
        if len(calls) == 3:
            raise RuntimeError
        return made

    monkeypatch.setattr(provisioning._Maker, "make", fail_once)
    with pytest.raises(RuntimeError):
        jobs.make_chargers(str(job.pk))
    job.refresh_from_db()
    assert (job.next_index, job.status) == (6, "PROVISIONING")
    assert Charger.objects.count() == 6
    jobs.settle_provisioning()
    job.refresh_from_db()
    assert job.is_made
    assert calls == [3, 3, 3, 3, 1]
    assert Charger.objects.count() == 10
    assert Connector.objects.count() == 20


def test_to_run_it_again_makes_nothing_new(job_of: Any) -> None:
    job = job_of({"template": TEMPLATE, "chargers_number": 3})
    for _ in range(2):
        jobs.make_chargers(str(job.pk))
    assert Charger.objects.count() == 3
    jobs.make_chargers("00000000-0000-0000-0000-000000000000")


def test_a_charger_that_cannot_be_made_holds_up_no_other(
    job_of: Any, virtual_charger: Charger
) -> None:
    job = job_of(
        {"template": TEMPLATE, "charger_ids": ["1", "1", "a/b", "x" * 50]},
        {"template": {**TEMPLATE, "identity_prefix": ""}, "charger_ids": ["ACME-AC-1"]},
        {"template": {**TEMPLATE, "model_slug": "none"}, "charger_ids": ["2"]},
        {"template": {**TEMPLATE, "connector_type": "CCS2"}, "charger_ids": ["3"]},
    )
    jobs.make_chargers(str(job.pk))
    assert job.chargers.get().identity == "SITE_1"
    job.refresh_from_db()
    reasons = [(item["identity"], item["error"]) for item in job.failed]
    expected = [
        ("SITE_1", "exists already"),
        ("SITE_a/b", "only"),
        ("SITE_" + "x" * 50, "at most 48 characters"),
        ("ACME-AC-1", "exists already"),
        ("SITE_2", "catalog"),
        ("SITE_3", "CCS2"),
    ]
    assert [identity for identity, _ in reasons] == [
        identity for identity, _ in expected
    ]
    for (_, reason), (_, words) in zip(reasons, expected, strict=True):
        assert words in reason


def test_it_is_ready_when_each_of_its_chargers_has_ended(
    job_of: Any, fleet: Process
) -> None:
    job = job_of({"template": TEMPLATE, "charger_ids": ["1", "2"]})
    jobs.settle_provisioning()
    Charger.objects.update(holder=fleet)
    first, second = Charger.objects.order_by("identity")
    link(first, fleet, True)
    jobs.settle_provisioning()
    job.refresh_from_db()
    assert job.status == "PROVISIONING"
    link(second, fleet, False, "HTTP 401")
    jobs.settle_provisioning()
    job.refresh_from_db()
    assert job.status == "READY"
    assert job.provisioned_at
    made, failed = provisioning.results_of(job)
    assert made == [first]
    [failure] = failed
    assert failure["identity"] == "SITE_2"
    assert "HTTP 401" in failure["error"]


def test_more_chargers_take_more_queries_by_the_chunk_alone(job_of: Any) -> None:
    def queries(count: int) -> int:
        job = job_of({"template": TEMPLATE, "chargers_number": count})
        with CaptureQueriesContext(connection) as captured:
            jobs.make_chargers(str(job.pk))
        return len(captured)

    few = queries(1)
    # What one chunk inserts is more than SQLite takes in one statement.
    assert queries(100) <= few + 10
