"""An operator's day: every command clicked, and its end watched."""

import re

import pytest
from playwright.sync_api import Page, expect

from commands.registry import COMMANDS
from tests.portal import Portal

pytestmark = pytest.mark.browser

FINAL = re.compile("applied|rejected|failed|expired")

# In an order in which each can be done: command, what is typed, what its page shows.
DAY: list[tuple[str, dict[str, str], str]] = [
    ("configuration", {"configuration": "HeartbeatInterval=120"}, "HeartbeatInterval"),
    ("cache/reset", {}, "cleared_entries"),
    (
        "local-auth-list",
        {"list_version": "7", "entries": "TAG-RFID-001, 2035-01-01T00:00:00Z"},
        "Accepted",
    ),
    ("clear-local-auth-list", {}, "entries_deleted"),
    ("proxy-message", {"action": "heartbeat"}, "Heartbeat"),
    ("authorize-id-tag", {"id_tag": "TAG-BLOCKED"}, "Authorize"),
    ("plug-connector", {"connector_id": "1"}, "Preparing"),
    ("start-transaction", {"id_tag": "TAG-RFID-001"}, "StartTransaction"),
    ("power-update", {"power_w": "5000"}, "5000"),
    ("ev-stops-energy", {}, "SuspendedEV"),
    ("ev-requests-energy", {}, "Charging"),
    ("stop-transaction", {}, "StopTransaction"),
    ("unplug-connector", {}, "Available"),
    (
        "start-session",
        {"id_tag": "TAG-RFID-002", "duration_seconds": "600"},
        "StartTransaction",
    ),
    ("stop-session", {}, "StopTransaction"),
    ("inject-fault", {"fault_type": "OverCurrent"}, "OverCurrent"),
    ("clear-fault", {}, "Available"),
    ("unlock-connector", {}, "unlock_connector"),
]


def open_charger(page: Page, portal: Portal, identity: str) -> None:
    page.goto(f"{portal.base_url}/admin/chargers/charger/?q={identity}")
    page.click(f"#result_list >> text={identity}")
    expect(page.locator("#identity .badge")).to_have_text("online", timeout=30_000)


def send(page: Page, slug: str, typed: dict[str, str]) -> None:
    """Click a command's button, fill its form, and send it."""
    panel = page.locator("#panel")
    panel.get_by_role("link", name=COMMANDS[slug].label, exact=True).click()
    for name, value in typed.items():
        field = page.locator(f"[name={name}]")
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    page.click("[name=_send]")


def test_the_day_has_every_command() -> None:
    assert sorted(slug for slug, _, _ in DAY) == sorted(COMMANDS)


def test_every_command_is_applied_and_its_page_shows_it_without_a_reload(
    page: Page, portal: Portal
) -> None:
    open_charger(page, portal, "DEMO-AC-1")
    charger = page.url
    for slug, typed, shown in DAY:
        page.goto(charger)
        send(page, slug, typed)
        command = page.locator("#command")
        expect(command).to_have_attribute("data-status", FINAL, timeout=20_000)
        text = command.inner_text()
        assert command.get_attribute("data-status") == "applied", f"{slug}: {text}"
        if shown != "unlock_connector":
            expect(command).to_contain_text(shown, timeout=10_000)


def test_a_command_goes_to_a_whole_location(page: Page, portal: Portal) -> None:
    page.goto(f"{portal.base_url}/admin/chargers/location/")
    page.check("#result_list .action-select")
    page.select_option("[name=action]", "send_authorize_id_tag")
    page.click("button[name=index]")
    page.fill("[name=id_tag]", "TAG-RFID-002")
    page.click("[name=_send]")
    expect(page.locator("#progress .figures .good")).to_have_text(
        re.compile(r"4\s*done"), timeout=30_000
    )


def test_a_refusal_is_told_at_the_field(page: Page, portal: Portal) -> None:
    open_charger(page, portal, "DEMO-AC-3")
    send(page, "power-update", {"power_w": "-5"})
    field = page.locator("[name=power_w]")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".field-power_w .errorlist")).to_contain_text(
        "greater than or equal to 0"
    )
