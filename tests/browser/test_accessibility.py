"""Every page of the portal, light and dark, before axe-core: no serious findings."""

import re
from collections import deque
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.urls import get_resolver, resolve
from playwright.sync_api import Browser, Page

from tests.browser.conftest import SignIn
from tests.portal import Portal

pytestmark = pytest.mark.browser

GRAVE = ("serious", "critical")
# What depends on colours alone is looked at again in the dark.
COLOURS = ["color-contrast", "link-in-text-block"]
# What every page has is looked at on one; of long tables the first rows are.
REPEATED = [
    ["#header"],
    ["#nav-sidebar"],
    ["tbody tr:nth-child(n+4)"],
    [".exchanges li:nth-child(n+4)"],
    ["[id^=operations-tag] ~ * > :nth-child(n+4)"],
]
AUDIT = (
    "([context, options]) => axe.run(context, options).then((run) => run.violations)"
)

# Addresses that are no pages: files, streams, what is only posted to.
NO_PAGE = re.compile(
    r"_export$|_live$|_chart$|_day$|_tiles$|_revoke$|autocomplete|jsi18n|view_on_site"
    r"|login|logout|schema|ready|_json$"
)
PROGRESS = "/admin/commands/command/progress/1-1/"  # where a submission leads to


def findings(page: Page, *, whole: bool = False) -> list[str]:
    """What axe-core finds grave on the page as it is shown, in light and in dark."""
    found: list[str] = []
    context = {"exclude": [] if whole else REPEATED}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        options: dict[str, object] = {"resultTypes": ["violations"], "preload": False}
        if scheme == "dark":
            options["runOnly"] = COLOURS
        for violation in page.evaluate(AUDIT, [context, options]):
            if violation["impact"] not in GRAVE:
                continue
            found += [
                f"{urlsplit(page.url).path} {scheme} {violation['id']} {node['html']}"
                for node in violation["nodes"]
            ]
    return found


def kind_of(path: str) -> str:
    """Pages of one kind differ in the object they show; one of each is looked at."""
    match = resolve(path)
    name = match.view_name or path
    for ending in ("_history", "_delete"):  # one template for all models
        if name.endswith(ending):
            return ending
    return "django_rq_jobs" if re.search("django_rq_.*jobs", name) else name


def links(page: Page) -> list[str]:
    hrefs = page.eval_on_selector_all("a[href]", "links => links.map(a => a.href)")
    host = urlsplit(page.url).netloc
    return [
        f"{parts.path}?{parts.query}" if parts.query else parts.path
        for parts in map(urlsplit, hrefs)
        if parts.netloc == host
    ]


def kinds_of_pages() -> set[str]:
    """All that the admin has addresses for, but for what all models have alike."""
    names = get_resolver().namespace_dict["admin"][1].reverse_dict
    kinds = {f"admin:{name}" for name in names if isinstance(name, str)}
    alike = re.compile(r"_history$|_delete$|_add$|django_rq")
    return {kind for kind in kinds if not (NO_PAGE.search(kind) or alike.search(kind))}


@pytest.fixture
def page(browser: Browser, signed_in: SignIn) -> Iterator[Page]:
    """Where axe-core may do what the pages' own scripts may not."""
    with signed_in() as page:
        session = page.context.storage_state()
    context = browser.new_context(
        storage_state=session, bypass_csp=True, reduced_motion="reduce"
    )
    context.add_init_script(AXE_SCRIPT)
    yield context.new_page()
    context.close()


def test_no_page_has_a_serious_finding(page: Page, portal: Portal) -> None:
    made = "from tests.records import create_one_of_each as make; make('axe')"
    portal.manage("shell", "--no-imports", "-c", made)
    waiting = deque(["/", "/docs", "/admin/", PROGRESS, "/admin/password_change/done/"])
    seen: set[str] = set()
    found: list[str] = []
    while waiting:
        address = waiting.popleft()
        kind = kind_of(urlsplit(address).path)
        if kind in seen or NO_PAGE.search(kind):
            continue
        seen.add(kind)
        page.goto(portal.base_url + address)
        if address == "/docs":
            page.wait_for_selector(".opblock")
        found += findings(page, whole=address == "/admin/")
        waiting += links(page)
    page.context.clear_cookies()
    for address in ("/admin/login/", "/nowhere"):
        page.goto(portal.base_url + address)
        found += findings(page, whole=True)
    assert found == []
    assert kinds_of_pages() - seen == set(), "pages that no link leads to"
