"""Who runs which virtual charger."""

from datetime import timedelta

import pytest
from django.utils import timezone

from chargers import leases
from chargers.choices import BootPolicy, ProcessRole
from chargers.models import Charger, Process
from ocpplab.models import Organization
from tests.fixtures import create_charger

FLEET = ProcessRole.FLEET


@pytest.fixture
def chargers(organization: Organization) -> list[Charger]:
    return [
        create_charger(organization=organization, identity=f"CP-{number}")
        for number in range(5)
    ]


def holders() -> list[str | None]:
    return list(Charger.objects.order_by("identity").values_list("holder", flat=True))


def let_expire(name: str) -> None:
    Process.objects.filter(name=name).update(
        renewed_at=timezone.now() - leases.LEASE - timedelta(seconds=1)
    )


def test_each_charger_is_claimed_by_one_process(chargers: list[Charger]) -> None:
    for name in ("a", "b"):
        leases.renew(name, FLEET)
    assert len(leases.claim_chargers("a", 3)) == 3
    assert len(leases.claim_chargers("b", 3)) == 2
    assert sorted(str(name) for name in holders()) == ["a", "a", "a", "b", "b"]


def test_living_processes_share_alike(chargers: list[Charger]) -> None:
    leases.renew("a", FLEET)
    assert leases.fair_share(capacity=100) == 5
    leases.renew("b", FLEET)
    assert leases.fair_share(capacity=100) == 3
    assert leases.fair_share(capacity=2) == 2
    let_expire("b")
    assert leases.fair_share(capacity=100) == 5


def test_the_chargers_of_a_dead_process_are_free(chargers: list[Charger]) -> None:
    leases.renew("a", FLEET)
    leases.claim_chargers("a", 5)
    leases.renew("b", FLEET)
    assert leases.claim_chargers("b", 5) == []
    let_expire("a")
    assert len(leases.claim_chargers("b", 5)) == 5


def test_a_process_that_slept_too_long_has_lost_its_chargers(
    chargers: list[Charger],
) -> None:
    leases.renew("a", FLEET)
    leases.claim_chargers("a", 5)
    let_expire("a")
    leases.renew("a", FLEET)
    assert holders() == [None] * 5
    assert not leases.held_chargers("a").exists()


@pytest.mark.parametrize(
    ("policy", "is_online"), [(BootPolicy.ACCEPTED, True), (BootPolicy.PENDING, False)]
)
def test_a_web_process_that_slept_too_long_still_has_its_chargers(
    physical_charger: Charger, policy: BootPolicy, is_online: bool
) -> None:
    leases.renew("web", ProcessRole.WEB)
    Charger.objects.update(
        holder="web", boot_policy=policy, booted_at=timezone.now(), is_online=False
    )
    let_expire("web")
    leases.renew("web", ProcessRole.WEB)
    physical_charger.refresh_from_db()
    assert physical_charger.holder_id == "web"
    assert physical_charger.is_online is is_online


def test_a_process_that_resigns_leaves_its_chargers_at_once(
    chargers: list[Charger],
) -> None:
    leases.renew("a", FLEET)
    leases.claim_chargers("a", 5)
    leases.resign("a")
    assert holders() == [None] * 5
    assert not Process.objects.exists()


def test_stopped_and_physical_chargers_are_not_claimed(
    chargers: list[Charger], physical_charger: Charger
) -> None:
    Charger.objects.filter(identity="CP-0").update(is_enabled=False)
    leases.renew("a", FLEET)
    leases.claim_chargers("a", 10)
    claimed = leases.held_chargers("a").values_list("identity", flat=True)
    assert set(claimed) == {"CP-1", "CP-2", "CP-3", "CP-4"}
