"""Pages that follow what happens, also when the portal itself goes away for a while."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import SignIn
from tests.browser.test_commands import open_charger
from tests.portal import Portal, wait_until

pytestmark = pytest.mark.browser


def test_a_page_goes_on_after_the_web_process_has_died(
    browser: Browser, signed_in: SignIn, portal: Portal
) -> None:
    def send(slug: str) -> None:
        to = ("--charger-id", "DEMO-AC-1", "--wait", "30")

        def is_sent() -> bool:  # once the charger has connected again
            return "applied" in portal.manage("send", slug, *to, check=False)

        wait_until(is_sent, 60, f"{slug} is applied")

    # One whose console may show that the portal was away.
    with signed_in() as page:
        state = page.context.storage_state()
    context = browser.new_context(storage_state=state)
    page = context.new_page()
    open_charger(page, portal, "DEMO-AC-1")
    live = page.locator("#live-mark")
    expect(live).to_have_text("live", timeout=20_000)
    page.evaluate("window.isSamePage = true")
    portal.kill("web")
    send("plug-connector")
    badge = page.locator(".connector .badge").first
    expect(badge).to_have_text("Preparing", timeout=20_000)
    send("unplug-connector")
    expect(badge).to_have_text("Available", timeout=20_000)
    expect(live).to_have_text("live", timeout=20_000)
    assert page.evaluate("window.isSamePage")
    context.close()


def test_variables_are_found_and_schedules_drawn(page: Page, portal: Portal) -> None:
    open_charger(page, portal, "DEMO-AC-3")
    tabs = page.locator(".tabs")
    tabs.get_by_role("link", name="Configuration").click()
    page.fill("#find-variable", "heartbeatinterval")
    shown = page.locator("#configuration tbody tr:visible")
    expect(shown).to_have_text([re.compile("HeartbeatInterval")])
    tabs.get_by_role("link", name="Charging profiles").click()
    expect(page.locator("figure canvas")).to_be_visible()
    expect(page.locator(".u-legend")).to_contain_text("22.00 kW")
