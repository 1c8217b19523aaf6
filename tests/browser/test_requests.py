"""The page that sends a charger any OCPP request."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_commands import open_charger
from tests.portal import Portal

pytestmark = pytest.mark.browser


def open_form(page: Page) -> None:
    page.get_by_role("link", name="Send an OCPP request").click()
    expect(page.locator("#request-fields div").first).to_be_attached()


def test_a_request_is_made_from_fields_and_answered(page: Page, portal: Portal) -> None:
    open_charger(page, portal, "DEMO-AC-2")
    open_form(page)
    page.select_option("[name=action]", "SetChargingProfile")
    page.wait_for_url("**action=SetChargingProfile")
    for name, value in {
        "connectorId": "1",
        "chargingProfileId": "7",
        "stackLevel": "0",
        "validFrom": "2026-01-01T00:00:00",
        "startPeriod": "0",
        "limit": "7000.5",
    }.items():
        page.fill(f"[data-name={name}]", value)
    for name, value in {
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingRateUnit": "W",
    }.items():
        page.select_option(f"[data-name={name}]", value)
    page.click("text=Add to chargingSchedulePeriod")
    page.locator("[data-name=startPeriod]").last.fill("60")
    page.locator("[data-name=limit]").last.fill("5000")
    payload = json.loads(page.input_value("[name=payload]"))
    schedule = payload["csChargingProfiles"]["chargingSchedule"]
    assert schedule["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "limit": 7000.5},
        {"startPeriod": 60, "limit": 5000},
    ]
    assert payload["csChargingProfiles"]["validFrom"].endswith("Z")
    page.click("[name=_send]")
    expect(page.locator("#answer")).to_contain_text("Accepted", timeout=20_000)
    # What was sent is shown again, in fields and as JSON.
    assert page.input_value("[data-name=chargingProfileId]") == "7"


def test_a_request_is_written_as_json_too(page: Page, portal: Portal) -> None:
    open_charger(page, portal, "DEMO-AC-2")
    open_form(page)
    page.click("text=As JSON")
    page.fill("[name=payload]", '{"key": ["HeartbeatInterval", "Nonsense"]}')
    assert page.locator("[data-name^='key ']").count() == 2
    page.click("[name=_send]")
    expect(page.locator("#answer")).to_contain_text("unknownKey", timeout=20_000)
    expect(page.locator("#sent")).to_contain_text("GetConfiguration")
