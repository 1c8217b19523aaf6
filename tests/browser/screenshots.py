"""``make screenshots``: the pictures of README and docs, taken of a portal that runs.

Takes a few minutes: sessions have to run until there are curves to see.
"""

import io
import json
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.portal import ROOT, Portal, wait_until

FOLDER = ROOT / "docs" / "screenshots"
CURVE_SECONDS = 150
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
HARBOUR = {
    "name": "Harbour",
    "address": "Quai des Belges",
    "city": "Marseille",
    "country": "FR",
    "coordinates": {"latitude": 43.2951, "longitude": 5.3742},
}
# Brand, model, connector type, the beginning of their identities, how many.
MODELS = [
    ("wallbox", "wallbox-pulsar-plus", "Type2", "HBR-AC-", 8),
    ("abb", "terra-184", "CCS2", "HBR-DC-", 4),
]
# A portal just made has no curve of its day yet: as if it had run since yesterday.
YESTERDAY = """
import math
from datetime import timedelta
from django.utils import timezone
from chargers.models import Location, PowerSample
now = timezone.now().replace(second=0, microsecond=0)
PowerSample.objects.all().delete()
for place in Location.objects.all():
    most = 330e3 if place.name == "Harbour" else 150e3
    samples = []
    for minutes in range(1, 24 * 60):
        at = now - timedelta(minutes=minutes)
        ago = minutes / 60
        part = 0.08 + 0.6 * math.exp(-(((ago - 11) / 2.5) ** 2))
        part += 0.92 * math.exp(-((ago / 2.2) ** 2))
        part *= 1 + 0.12 * math.sin(minutes / 11) + 0.08 * math.sin(minutes / 3.7)
        samples.append(PowerSample(
            organization=place.organization, location=place, at=at,
            power_w=most * part, sessions=3,
        ))
    PowerSample.objects.bulk_create(samples)
"""


class Api:
    """The portal's REST API, as a client of it."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal

    def call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"{self.portal.base_url}/ocpp/{path}",
            json.dumps(body).encode() if body is not None else None,
            {
                "Authorization": f"Bearer {self.portal.token}",
                "Content-Type": "application/json",
            },
            method=method,
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def send(self, slug: str, target: dict[str, Any], **event: Any) -> None:
        self.call("POST", f"commands/{slug}", {"target": target, "event": event})


def furnish(api: Api) -> dict[str, str]:
    """A second location beside the demo, with sessions and a fault; ids by identity."""
    place = api.call("POST", "locations", HARBOUR)["id"]
    groups = [
        {
            "template": {
                "brand_slug": brand,
                "model_slug": model,
                "connector_type": kind,
                "ws_url": f"{api.portal.ws_url}/demo",
                "identity_prefix": prefix,
            },
            "charger_ids": [f"{number:02}" for number in range(1, count + 1)],
            "chargers_number": count,
        }
        for brand, model, kind, prefix, count in MODELS
    ]
    api.call("POST", f"locations/{place}/chargers", groups)

    def booted() -> list[dict[str, Any]]:
        rows = api.call("GET", "chargers?limit=100")["data"]
        boots = "logs?event=BootNotification&limit=1"
        return [
            r for r in rows if api.call("GET", f"chargers/{r['id']}/{boots}")["total"]
        ]

    wait_until(lambda: len(booted()) == 16, 120, "all chargers have booted")
    return {row["identity"]: row["id"] for row in booted()}


def charge(api: Api, ids: dict[str, str]) -> None:
    """Most of them charge, with a change of power on the way; one has a fault."""
    for identity in sorted(ids)[:13]:
        target = {"charger_id": ids[identity]}
        api.send("start-session", target, id_tag="TAG-RFID-002", connector_id=1)
    time.sleep(CURVE_SECONDS / 3)
    dc = {"charger_id": ids["DEMO-DC-1"]}
    api.send("power-update", dc, power_w=40000)
    time.sleep(CURVE_SECONDS / 3)
    api.send("power-update", dc, power_w=90000)
    fault = {"charger_id": ids[max(ids)]}
    api.send("inject-fault", fault, fault_type="OverCurrent", connector_id=1)
    time.sleep(CURVE_SECONDS / 3)
    api.portal.manage("shell", "--no-imports", "-c", YESTERDAY)


def pages(page: Page, portal: Portal, ids: dict[str, str]) -> Iterator[str]:
    """Opens each page in turn, and names it."""
    admin = f"{portal.base_url}/admin"
    charger = f"{admin}/chargers/charger/{ids['DEMO-DC-1']}/"
    page.goto(f"{admin}/")
    yield "home"
    page.locator("#places").get_by_role("link", name="Harbour").click()
    yield "location"
    page.goto(charger)
    page.wait_for_selector("figure canvas")
    yield "charger"
    page.goto(f"{charger}messages/")
    page.locator(".exchanges summary").first.click()
    yield "messages"
    page.goto(
        f"{admin}/commands/command/send/power_update/?chargers={ids['DEMO-DC-1']}"
    )
    yield "command"
    progress = f"{admin}/commands/command/send/authorize_id_tag/"
    page.goto(f"{progress}?chargers={','.join(ids.values())}")
    page.fill("[name=id_tag]", "TAG-RFID-001")
    page.click("[name=_send]")
    page.wait_for_selector("#progress[data-waiting='0']", timeout=60_000)
    yield "progress"


def shoot(page: Page, name: str) -> None:
    page.mouse.move(0, 0)
    page.wait_for_timeout(700)  # for what is drawn once the page is there
    picture = Image.open(io.BytesIO(page.screenshot()))
    # Few colours make small files; all hues are kept, rare ones too.
    few = picture.convert("RGB").quantize(
        256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
    )
    few.save(FOLDER / f"{name}.png", optimize=True)
    print(name)


def sign_in(browser: Browser, portal: Portal, **options: Any) -> Page:
    page = browser.new_context(**options).new_page()
    page.goto(f"{portal.base_url}/admin/")
    page.fill("#id_username", "operator")
    page.fill("#id_password", portal.credentials["operator_password"])
    page.click("text=Log in")
    page.wait_for_selector("#user-tools")
    return page


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        portal = Portal(Path(directory)).start()
        try:
            portal.wait_until_ready()
            api = Api(portal)
            ids = furnish(api)
            charge(api, ids)
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=ARGUMENTS
            )
            for scheme in ("light", "dark"):
                page = sign_in(browser, portal, viewport=DESKTOP, color_scheme=scheme)
                for name in pages(page, portal, ids):
                    shoot(page, f"{name}-{scheme}")
            page = sign_in(browser, portal, viewport=PHONE, color_scheme="light")
            page.locator("#places").get_by_role("link", name="Harbour").click()
            shoot(page, "phone")
            browser.close()
        finally:
            portal.stop()


if __name__ == "__main__":
    main()
