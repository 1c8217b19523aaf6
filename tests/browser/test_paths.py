"""What people do in their first hour with the portal, each in their role."""

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SignIn
from tests.browser.test_commands import FINAL, open_charger, send
from tests.portal import Portal

pytestmark = pytest.mark.browser

PASSWORD = "of a viewer, and long"


def open_location(page: Page, portal: Portal) -> None:
    page.goto(f"{portal.base_url}/admin/")
    page.locator("#places").get_by_role("link", name="Demo Depot").click()


def test_an_operator_charges_changes_power_and_finds_what_failed(
    signed_in: SignIn, portal: Portal
) -> None:
    chosen = ("DEMO-AC-2", "DEMO-AC-3")
    with signed_in("operator") as page:
        # Sessions at some chargers of a location, watched to their end.
        open_location(page, portal)
        for identity in chosen:
            page.check(f"[aria-label='Choose {identity}']")
        expect(page.locator("#chosen-count")).to_have_text("2 chargers")
        page.get_by_role("button", name="Start session").click()
        page.fill("[name=id_tag]", "TAG-RFID-002")
        page.wait_for_load_state()  # with the script that knows the keys
        page.keyboard.press("Control+Enter")
        progress = page.locator("#progress")
        expect(progress.locator(".good")).to_have_text(
            re.compile(r"2\s*done"), timeout=30_000
        )
        expect(progress).to_have_attribute("data-waiting", "0")

        # The power changes where it is said to.
        page.locator("#chargers").get_by_role("link", name=chosen[0]).click()
        open_charger(page, portal, chosen[0])
        charger = page.url
        connector = page.locator(".connector").first
        connector.get_by_role("link", name="Power update").click()
        page.fill("[name=power_w]", "4200")
        expect(page.locator("#as-curl")).to_contain_text('"power_w": 4200')
        page.click("[name=_send]")
        expect(page.locator("#command")).to_have_attribute(
            "data-status", "applied", timeout=20_000
        )
        page.goto(charger)
        expect(connector.locator(".badge")).to_have_text("Charging")
        expect(connector.locator(".power")).to_have_text("4.20 kW", timeout=30_000)

        # A command that cannot be done, and why.
        open_location(page, portal)
        page.check(f"[aria-label='Choose {chosen[0]}']")
        page.get_by_role("button", name="Start session").click()
        page.fill("[name=id_tag]", "TAG-RFID-001")
        page.click("[name=_send]")
        expect(page.locator("#command")).to_have_attribute(
            "data-status", "rejected", timeout=20_000
        )
        page.goto(f"{portal.base_url}/admin/")
        expect(page.locator("#fleet")).to_contain_text("charging")
        expect(page.locator("#running")).to_contain_text("TAG-RFID-002")
        page.locator("#now").get_by_role("link", name="failed, 24 h").click()
        page.locator("#result_list").get_by_role("link", name="rejected").first.click()
        expect(page.locator("p.detail")).to_contain_text("running transaction")

        # A fault is seen where it is looked for, and cleared.
        page.goto(charger)
        expect(page.locator("figure canvas")).to_be_visible(timeout=30_000)
        send(page, "inject-fault", {"fault_type": "OverCurrent"})
        expect(page.locator("#command")).to_have_attribute("data-status", "applied")
        page.goto(f"{portal.base_url}/admin/")
        expect(page.locator("#attention")).to_contain_text("OverCurrent")
        page.locator("#attention").get_by_role("link", name=chosen[0]).first.click()
        expect(connector.locator(".errorcode")).to_contain_text("OverCurrent")
        connector.get_by_role("link", name="Clear fault").click()
        page.click("[name=_send]")
        expect(page.locator("#command")).to_have_attribute("data-status", "applied")

        # The end of the other session.
        open_charger(page, portal, chosen[1])
        page.locator(".connector").get_by_role("link", name="Stop session").click()
        page.click("[name=_send]")
        expect(page.locator("#command")).to_have_attribute("data-status", FINAL)
        open_charger(page, portal, chosen[1])
        badge = page.locator(".connector .badge").first
        expect(badge).to_have_text("Available", timeout=20_000)


def test_the_messages_of_some_days_are_taken_away_as_json_lines(
    signed_in: SignIn, portal: Portal, tmp_path: Path
) -> None:
    with signed_in("operator") as page:
        page.goto(f"{portal.base_url}/admin/chargers/message/")
        page.fill("#searchbar", "DEMO-AC-1")
        page.keyboard.press("Enter")
        page.get_by_text("Time", exact=True).first.click()
        page.get_by_role("link", name="Last 7 days").click()
        expect(page.locator(".filter b")).to_have_text("Last 7 days")
        with page.expect_download() as started:
            page.get_by_role("link", name="Export this list as JSONL").click()
        started.value.save_as(tmp_path / "messages.jsonl")
    lines = (tmp_path / "messages.jsonl").read_text().splitlines()
    messages = [json.loads(line) for line in lines]
    assert {message["charger"] for message in messages} == {"DEMO-AC-1"}
    assert "BootNotification" in {message["action"] for message in messages}


def test_a_token_is_shown_once_works_and_is_revoked(page: Page, portal: Portal) -> None:
    def status() -> int:
        answer = page.request.get(
            f"{portal.base_url}/ocpp/chargers",
            headers={"Authorization": f"Bearer {secret}"},
        )
        return answer.status

    page.goto(f"{portal.base_url}/admin/ocpplab/apitoken/add/")
    page.select_option("[name=organization]", label="Demo Organization")
    page.fill("[name=name]", "dashboard")
    page.click("[name=_continue]")
    secret = page.locator("#new-token").inner_text()
    assert status() == 200
    page.reload()
    assert secret not in page.content()
    page.get_by_role("button", name="Revoke").click()
    expect(page.locator(".field-state .badge")).to_have_text("revoked")
    assert status() == 401


def test_many_chargers_are_shown_before_they_are_made(
    page: Page, portal: Portal
) -> None:
    place = {"name": "Yard", "address": "1 Quai", "city": "Nice", "country": "FR"}
    made = page.request.post(
        f"{portal.base_url}/ocpp/locations",
        headers={"Authorization": f"Bearer {portal.token}"},
        data={**place, "coordinates": {"latitude": 43.7, "longitude": 7.3}},
    )
    assert made.status == 201, made.text()
    page.goto(f"{portal.base_url}/admin/chargers/charger/import/")
    page.select_option("[name=location]", label="Yard")
    page.select_option("[name=model]", index=1)
    page.fill("[name=rows]", "identity,name\nMANY-1,first\nDEMO-AC-1,taken\n")
    page.click("[name=_check]")
    expect(page.locator(".preview tr.faulty")).to_contain_text("DEMO-AC-1")
    expect(page.locator("[name=_make]")).to_have_count(0)
    rows = page.locator("[name=rows]")
    rows.fill(rows.input_value().replace("DEMO-AC-1", "MANY-2"))
    page.click("[name=_check]")
    page.get_by_role("button", name="Make 2 chargers").click()
    expect(page.locator(".messagelist")).to_contain_text("2 chargers are being made")
    open_charger(page, portal, "MANY-2")


def test_a_viewer_is_offered_nothing_that_changes_anything(
    signed_in: SignIn, portal: Portal
) -> None:
    portal.manage(
        "shell",
        "--no-imports",
        "-c",
        "from ocpplab.models import *;"
        f"user = User.objects.create_user('viewer', password={PASSWORD!r},"
        " is_staff=True);"
        "demo = Organization.objects.get(slug='demo');"
        "user.memberships.create(organization=demo, role='viewer')",
    )
    with signed_in("viewer", PASSWORD) as page:
        open_charger(page, portal, "DEMO-AC-1")
        charger = page.url
        page.locator("#commands").get_by_role("link").last.click()
        command = page.url
        open_location(page, portal)
        location = page.url
        lists = [
            f"{portal.base_url}/admin/{name}/"
            for name in (
                "chargers/charger",
                "chargers/location",
                "chargers/idtag",
                "commands/command",
            )
        ]
        for url in (charger, command, location, *lists):
            page.goto(url)
            posts = page.locator("form[method=post]:not(#logout-form)")
            for button in posts.locator("button, [type=submit]").all():
                assert button.get_attribute("name") == "index", url  # of an export
            actions = page.locator("[name=action] option").all_inner_texts()
            assert all("Export" in action or "---" in action for action in actions)
            assert page.locator("a.addlink, a[href*='/send/']").count() == 0, url
        answer = page.request.get(
            f"{portal.base_url}/admin/commands/command/send/unlock_connector/"
            f"?chargers={urlsplit(charger).path.split('/')[-2]}"
        )
        assert answer.status == 403
