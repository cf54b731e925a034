"""A person connects a calendar in a real browser, by keyboard alone and with script switched off."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.api.connecting import allow, authorize_url, make_calendar, read, tokens_for
from tests.browser.conftest import ServedCenter
from tests.center import Center
from tests.contract.test_connector_caldav import CalDavServer, Radicale, running
from tests.doubles.google import API, CLIENT_ID, CLIENT_SECRET, GoogleDouble
from tests.doubles.google_world import ANN
from tests.doubles.service import Clock

VARIABLES: dict[str, str] = {}


class _Configured(Center):
    """Comes after `ServedCenter` in the order of classes, which knows its address and nothing else."""

    def __init__(self, folder: Path, **variables: str) -> None:
        super().__init__(folder, **variables, **VARIABLES)


class ConnectCenter(ServedCenter, _Configured):
    """A served center with an application that wants people back at `back`, a page of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.back = f"{self.settings.app_url}/healthz"
        allow(self, self.back)

    def url(self, **asked: str) -> str:
        return self.settings.app_url + authorize_url(self, redirect_uri=self.back, **asked)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[CalDavServer]:
    folder = tmp_path_factory.mktemp("radicale")
    with running(Radicale, folder) as server:
        make_calendar(server, "Work")
        yield server


@pytest.fixture(scope="module")
def google() -> Generator[GoogleDouble]:
    with GoogleDouble(Clock()) as google:
        google.person(ANN)
        google.oauth.signed_in = ANN
        yield google


@pytest.fixture
def center(tmp_path: Path, server: CalDavServer, google: GoogleDouble) -> Generator[ConnectCenter]:
    VARIABLES.update(
        SLOTLINK_CALENDAR_ALLOW=server.url.removeprefix("http://"),
        SLOTLINK_GOOGLE_CLIENT_ID=CLIENT_ID,
        SLOTLINK_GOOGLE_CLIENT_SECRET=CLIENT_SECRET,
        SLOTLINK_GOOGLE_API_URL=google.url + API,
        SLOTLINK_GOOGLE_OAUTH_URL=google.url,
    )
    with ConnectCenter(tmp_path) as center:
        google.oauth.register(CLIENT_ID, CLIENT_SECRET, f"{center.settings.app_url}/oauth/callback")
        yield center


@pytest.fixture
def page(browser: Browser) -> Generator[Page]:
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    yield context.new_page()
    context.close()


def brought(center: ConnectCenter, page: Page) -> str:
    """The code with which the browser came back to the application."""
    page.wait_for_url(f"{center.back}?code=*")
    assert "state=st+te" in page.url
    return page.url.partition("code=")[2].partition("&")[0]


def test_a_caldav_account_by_keyboard_alone(center: ConnectCenter, server: CalDavServer, page: Page) -> None:
    page.goto(center.url())
    expect(page.get_by_role("heading", level=1)).to_have_text("Connect your calendar")
    expect(page.get_by_text("Globex may then:")).to_be_visible()
    tab_to(page, "Another calendar server (CalDAV)")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Another calendar server (CalDAV)")
    for label, text in (("Address of the server", server.url), ("User name", "alice"), ("App password", "wrong")):
        tab_to(page, label)
        page.keyboard.type(text)
    page.keyboard.press("Enter")

    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The user name or the password is wrong")
    expect(alert).to_be_focused()
    expect(page).to_have_title("The user name or the password is wrong")
    expect(page.get_by_label("Address of the server")).to_have_value(server.url)
    expect(page.get_by_label("App password")).to_have_value("")
    tab_to(page, "App password")
    page.keyboard.type("pw1")
    tab_to(page, "Connect")
    page.keyboard.press("Enter")
    granted = tokens_for(center, brought(center, page), redirect_uri=center.back)
    assert [each["calendar_name"] for each in read(center, "/v1/calendars", granted)["calendars"]] == ["Work"]


def test_back_without_connecting(center: ConnectCenter, page: Page) -> None:
    page.goto(center.url(provider_name="apple"))
    page.get_by_role("button", name="Back without connecting").click()
    assert page.url.startswith(f"{center.back}?error=access_denied&"), page.url


def test_out_to_google_and_back(center: ConnectCenter, google: GoogleDouble, page: Page) -> None:
    """Chromium lets the form lead through the provider and to the application: the policy names both."""
    page.goto(center.url())
    page.get_by_role("button", name="Google Calendar").click()
    granted = tokens_for(center, brought(center, page), redirect_uri=center.back)
    assert granted["linking_profile"]["profile_name"] == ANN

    google.oauth.consents = False
    page.goto(center.url(provider_name="google"))
    page.get_by_role("button", name="Sign in: Google Calendar").click()
    expect(page.get_by_role("alert")).to_contain_text("You did not allow access")
    google.oauth.consents = True
    page.get_by_role("button", name="Sign in: Google Calendar").click()
    assert brought(center, page)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (320, "dark")])
def test_every_page_is_accessible_and_fits(
    center: ConnectCenter, google: GoogleDouble, browser: Browser, width: int, scheme: Any
) -> None:
    """axe needs script to run; the pages themselves ship none."""
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, locale="en-GB", bypass_csp=True
    )
    page = context.new_page()

    def look(where: str) -> None:
        results = Axe().run(page)
        assert results.violations_count == 0, f"{where}: {results.generate_report()}"
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"{where} scrolls sideways by {overflow} px"

    page.goto(center.url())
    look("choice")
    for provider in ("caldav", "apple", "ics", "google"):
        page.goto(center.url(provider_name=provider))
        look(provider)
    page.goto(center.url(provider_name="ics"))
    page.get_by_label("Address of the calendar").fill("http://127.0.0.1:1/x.ics")
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("cannot be connected from here")
    look("refused")
    page.goto(center.url(provider_name="caldav"))
    page.get_by_label("User name").fill(" ")
    page.get_by_label("App password").fill("x")
    page.get_by_label("Address of the server").fill("cloud.example.com")
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_text("Please fill this in, in one line.")).to_be_visible()
    look("missing")
    page.goto(center.url().replace("healthz", "elsewhere"))
    expect(page.get_by_role("heading", level=1)).to_have_text("This address leads nowhere")
    look("unknown")
    context.close()


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what has this name has the focus. Only the keyboard is asked for it."""
    for _ in range(20):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if focused.count() and name in (
            focused.inner_text().strip(),
            page.locator(f"label[for={focused.get_attribute('id') or 'none'}]").all_inner_texts()[0]
            if focused.get_attribute("id")
            else "",
        ):
            return
    raise AssertionError(f"{name} is not reached by Tab")
