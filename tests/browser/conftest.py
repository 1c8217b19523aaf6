"""A headless Chromium, signed in to the portal."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
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

SignIn = Callable[..., AbstractContextManager[Page]]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def signed_in(browser: Browser, portal: Portal) -> SignIn:
    """Opens a page as somebody, who signs in by the form once and is remembered.

    The page's scripts fail nowhere, and it asks no other host for anything.
    """
    sessions: dict[str, Any] = {}

    @contextmanager
    def open_page(
        username: str = portal.admin_user, password: str = "", **options: Any
    ) -> Iterator[Page]:
        options = {"viewport": {"width": 1280, "height": 800}, **options}
        context = browser.new_context(storage_state=sessions.get(username), **options)
        page = context.new_page()
        faults = faults_of(page, portal)
        page.goto(f"{portal.base_url}/admin/")
        if username not in sessions:
            page.fill("#id_username", username)
            page.fill(
                "#id_password", password or portal.credentials[f"{username}_password"]
            )
            page.click("text=Log in")
            page.wait_for_selector("#user-tools")
            sessions[username] = context.storage_state()
        yield page
        context.close()
        assert faults == []

    return open_page


def faults_of(page: Page, portal: Portal) -> list[str]:
    """What goes wrong on the page from now on."""
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))
    page.on(
        "console",
        lambda said: (
            faults.append(f"{page.url}: {said.text}") if said.type == "error" else None
        ),
    )
    page.on(
        "request",
        lambda request: (
            faults.append(request.url)
            if urlsplit(request.url).netloc != urlsplit(portal.base_url).netloc
            else None
        ),
    )
    return faults


@pytest.fixture
def page(signed_in: SignIn) -> Iterator[Page]:
    """A page signed in as the superuser."""
    with signed_in() as page:
        yield page
