"""A headless Chromium, signed in to the portal."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.portal import Portal

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, portal: Portal) -> Iterator[Page]:
    """A page signed in as the superuser; its scripts fail nowhere, and it asks no
    other host for anything."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "console",
        lambda said: faults.append(said.text) if said.type == "error" else None,
    )
    page.on(
        "request",
        lambda request: (
            faults.append(request.url)
            if urlsplit(request.url).netloc != urlsplit(portal.base_url).netloc
            else None
        ),
    )
    page.goto(f"{portal.base_url}/admin/")
    page.fill("#id_username", portal.admin_user)
    page.fill("#id_password", portal.admin_password)
    page.click("text=Log in")
    yield page
    context.close()
    assert faults == []
