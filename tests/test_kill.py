"""Any process may be killed at any moment: every command ends, none is done twice."""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from tests.portal import Portal, wait_until

pytestmark = pytest.mark.portal

BURST = 200
FINAL = {"applied", "rejected", "failed", "expired"}


@pytest.fixture(scope="module")
def killable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A portal of this module's own, since it is not treated kindly."""
    portal = Portal(
        tmp_path_factory.mktemp("killed"),
        OCPPLAB_COMMAND_TTL="60",
        OCPPLAB_COMMAND_TIMEOUT="10",
    )
    portal.start().wait_until_ready()
    yield portal
    portal.stop()


def call(portal: Portal, path: str, body: Any = None) -> Any:
    """A REST call; None when the web process is not there to answer it."""
    request = Request(
        portal.base_url + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {portal.token}",
            "Content-Type": "application/json",
        },
    )
    try:
        with urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except HTTPError:
        raise
    except (URLError, OSError):
        return None


def send_burst(portal: Portal, chargers: list[str], mark: str) -> list[str]:
    """Authorize 200 id tags that no one else uses; the ids of the accepted commands."""

    def send(number: int) -> str | None:
        event = {"id_tag": f"{mark}-{number:03}"}
        target = {"charger_id": chargers[number % len(chargers)]}
        body = {"target": target, "event": event}
        answer = call(portal, "/ocpp/commands/authorize-id-tag", body)
        if answer is None or not answer["results"]:
            return None
        command_id: str = answer["results"][0]["command"]["id"]
        return command_id

    with ThreadPoolExecutor(4) as pool:
        return [sent for sent in pool.map(send, range(BURST)) if sent]


def results(portal: Portal) -> dict[str, Any]:
    answer = call(portal, "/ocpp/command-results?limit=1000")
    rows = answer["data"] if answer else []
    return {row["command_id"]: row for row in rows}


def authorized(portal: Portal, chargers: list[str], mark: str) -> Counter[str]:
    """How often each id tag of a burst went out, as the message logs have it."""
    counts: Counter[str] = Counter()
    for charger_id in chargers:
        path = f"/ocpp/chargers/{charger_id}/logs?event=Authorize"
        for entry in call(portal, path)["data"]:
            frame = json.loads(entry["message"])
            if frame[0] != 2:
                continue
            asked = frame[3]  # in the words of 1.6 or of 2.x
            tag = asked["idTag"] if "idTag" in asked else asked["idToken"]["idToken"]
            if tag.startswith(mark):
                counts[tag] += 1
    return counts


def is_online(portal: Portal) -> bool:
    ready = call(portal, "/health/ready") if is_up(portal) else None
    return (
        ready is not None
        and portal.manage(
            "shell",
            "-v0",
            "-c",
            "from chargers.models import Charger;"
            "print(Charger.objects.filter(is_online=False).count())",
        ).strip()
        == "0"
    )


def is_up(portal: Portal) -> bool:
    try:
        return call(portal, "/health/ready") is not None
    except HTTPError:
        return False


@pytest.mark.parametrize("role", ["worker", "fleet", "web", "redis"])
def test_a_burst_survives_the_killing_of_a_role(killable: Portal, role: str) -> None:
    wait_until(lambda: is_online(killable), 60, "all chargers online")
    chargers = [row["id"] for row in call(killable, "/ocpp/chargers")["data"]]
    mark = f"KILL-{role}"

    with ThreadPoolExecutor(1) as pool:
        burst = pool.submit(send_burst, killable, chargers, mark)
        wait_until(
            lambda: sum(authorized(killable, chargers, mark).values()) >= BURST // 10,
            60,
            "the burst is under way",
        )
        killable.kill(role)
        accepted = burst.result()

    assert len(accepted) >= BURST // 10

    def all_final() -> bool:
        found = results(killable) if is_up(killable) else {}
        return all(
            found.get(command_id, {}).get("status") in FINAL for command_id in accepted
        )

    wait_until(all_final, 120, "every accepted command in a final state")
    ends = Counter(results(killable)[command_id]["status"] for command_id in accepted)
    assert ends["applied"] >= len(accepted) // 2, ends
    sent = authorized(killable, chargers, mark)
    assert max(sent.values()) == 1, sent.most_common(3)
