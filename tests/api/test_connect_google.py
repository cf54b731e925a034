"""A person connects a Google account through the page: out to the provider, back with a code, against the double."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from slotlink.connectors.google_oauth import SCOPES
from slotlink.services import connecting, consent, sign_in
from slotlink.web import connect_page
from tests.api.asking import capture_log, dump
from tests.api.connecting import SCOPE, Browser, allow, at_provider, authorize_url, read, tokens_for
from tests.center import Center, Clock, ReadPage
from tests.doubles.google import API, CLIENT_ID, CLIENT_SECRET, GoogleDouble
from tests.doubles.google_world import ANN, BEN

CALLBACK = "https://app.test/oauth/callback"


@pytest.fixture
def google() -> Generator[GoogleDouble]:
    with GoogleDouble(Clock()) as google:
        google.oauth.register(CLIENT_ID, CLIENT_SECRET, CALLBACK)
        google.person(ANN, zone="Europe/Berlin")
        google.person(BEN)
        google.oauth.signed_in = ANN
        yield google


@pytest.fixture
def center(tmp_path: Path, google: GoogleDouble) -> Generator[Center]:
    clock: Any = google.clock
    settings = {
        "SLOTLINK_GOOGLE_CLIENT_ID": CLIENT_ID,
        "SLOTLINK_GOOGLE_CLIENT_SECRET": CLIENT_SECRET,
        "SLOTLINK_GOOGLE_API_URL": google.url + API,
        "SLOTLINK_GOOGLE_OAUTH_URL": google.url,
    }
    with Center(tmp_path, clock=clock, **settings) as center:
        allow(center)
        yield center


def _nothing(*_: Any) -> None:
    return None


def leave(center: Center, **asked: str) -> Browser:
    """As far as the provider's address."""
    browser = Browser(center).open(authorize_url(center, **asked))
    return browser.post(provider_name="google")


def connect(center: Center, **asked: str) -> Browser:
    browser = leave(center, **asked)
    return browser.open(at_provider(browser))


def test_the_journey_over_google(center: Center, google: GoogleDouble) -> None:
    browser = leave(center)
    parts = urlsplit(browser.target)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert f"{parts.scheme}://{parts.netloc}" == google.url
    assert query["redirect_uri"] == CALLBACK and query["code_challenge_method"] == "S256"
    assert len(query["state"]) >= 43 and query["state"] != "st te/+&=é" and query["nonce"]
    assert set(query["scope"].split()) == set(SCOPES)
    cookie = browser.answer.headers["set-cookie"]
    for wanted in ("HttpOnly", "SameSite=lax", "Secure", "Path=/oauth/", "Max-Age=900"):
        assert wanted in cookie, cookie
    browser.open(at_provider(browser))
    granted = tokens_for(center, browser.brought["code"])
    assert browser.brought["state"] == "st te/+&=é"
    assert granted["linking_profile"]["provider_name"] == "google"
    assert granted["linking_profile"]["profile_name"] == ANN
    account = read(center, "/v1/account", granted)["account"]
    assert (account["email"], account["scope"], account["default_tzid"]) == (ANN, SCOPE, "Europe/Berlin")
    calendars = read(center, "/v1/calendars", granted)["calendars"]
    assert calendars[0]["calendar_primary"] and calendars[0]["calendar_integrated_conferencing_available"]
    again = tokens_for(center, connect(center).brought["code"])
    assert (again["sub"], again["linking_profile"]) == (granted["sub"], granted["linking_profile"])
    google.oauth.signed_in = BEN
    assert tokens_for(center, connect(center).brought["code"])["sub"] != granted["sub"]


def test_the_page_of_a_preferred_provider_leads_there(center: Center, google: GoogleDouble) -> None:
    page = ReadPage(center.http.get(authorize_url(center, provider_name="google")))
    assert "Sign in: Google Calendar" in page.text
    policy = page.headers["content-security-policy"]
    assert policy.endswith(f"form-action 'self' https://application.test {google.url}")


def refused(browser: Browser, reason: str, code: int = 422) -> None:
    """The page says so, and the application is told when the person gives up."""
    assert (browser.answer.status_code, browser.page.error) == (code, reason), browser.answer.text
    browser.url = authorize_url(browser.center)
    browser.post(action="cancel", tried=browser.page.forms[-1].values("tried")[0])
    assert browser.brought["error"] == "access_denied" and "before that" in browser.brought["error_description"]


def test_whoever_says_no_at_provider(center: Center, google: GoogleDouble) -> None:
    google.oauth.consents = False
    refused(connect(center), "denied")


@pytest.mark.parametrize("left_out", [SCOPES[2:3], SCOPES[3:4], SCOPES[2:4]], ids=["list", "events", "both"])
def test_whoever_unticks_the_calendar_at_provider(
    center: Center, google: GoogleDouble, left_out: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = capture_log(monkeypatch, connect_page, connecting, sign_in)
    before = dump(center)
    google.oauth.unticked = frozenset(left_out)
    refused(connect(center), "missing_scopes")
    assert dump(center) == before
    [told] = [entry for entry in log.entries if entry["event"] == "connect.refused"]
    assert all(scope.rpartition("/")[2] in told["detail"] for scope in left_out)


def test_a_registration_that_is_wrong_is_the_operators(
    tmp_path: Path, center: Center, google: GoogleDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = capture_log(monkeypatch, connect_page, connecting, sign_in)
    back = at_provider(browser := leave(center))
    google.oauth.clients[CLIENT_ID].secret = "another"
    refused(browser.open(back), "misconfigured", 503)
    [told] = [entry for entry in log.entries if entry["event"] == "connect.refused"]
    assert told["log_level"] == "warning" and "client secret" in told["detail"]
    assert CLIENT_SECRET not in str(log.entries)


def test_a_google_that_is_away(center: Center, google: GoogleDouble) -> None:
    back = at_provider(browser := leave(center))
    google.faults.answer(503, path="/token")
    refused(browser.open(back), "no_answer", 503)
    back = at_provider(browser := leave(center))
    google.fail("backendError", path="calendarList", times=10)
    refused(browser.open(back), "no_answer", 503)


def test_a_return_is_good_once_from_the_same_browser_and_soon(center: Center, google: GoogleDouble) -> None:
    over = "This sign-in is over"
    before = dump(center)
    browser = leave(center)
    back = at_provider(browser)
    assert center.http.head(back).status_code == 405
    center.http.cookies.clear()
    assert over in center.http.get(back).text, "no cookie"
    assert over in center.http.get(back, headers={"Cookie": f"{connect_page.COOKIE}={'x' * 43}"}).text
    with_cookie = {"Cookie": browser.answer.headers["set-cookie"].partition(";")[0]}
    answer = center.http.get(back, headers=with_cookie)
    assert answer.status_code == 303, "others did not end it"
    connected = dump(center)
    answer = center.http.get(back, headers=with_cookie)
    assert (answer.status_code, over in answer.text) == (400, True), "once"
    assert dump(center) == connected != before
    browser = leave(center)
    back = at_provider(browser)
    center.clock.now += 900
    assert over in browser.open(back).answer.text
    assert over in center.http.get(back.replace("state=", "state=x")).text


def test_two_tabs_at_once(center: Center, google: GoogleDouble) -> None:
    first, second = leave(center), leave(center, state="second")
    google.oauth.signed_in = BEN
    for browser in (second, first):
        browser.open(at_provider(browser))
        assert browser.brought["code"]
    assert second.brought["state"] == "second"


def test_what_is_kept_meanwhile_is_sealed(center: Center, google: GoogleDouble) -> None:
    browser = leave(center)
    state = parse_qs(urlsplit(browser.target).query)["state"][0]
    cookie = browser.answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
    held = "\n".join(dump(center))
    assert state not in held and cookie not in held and "verifier" not in held
    granted = tokens_for(center, browser.open(at_provider(browser)).brought["code"])
    held = "\n".join(dump(center))
    assert "ya29." not in held and "1//" not in held and granted["access_token"] not in held


@pytest.mark.parametrize(
    ("error", "reason", "code"),
    [
        ("access_denied", "denied", 422),
        ("consent_required", "denied", 422),
        ("server_error", "no_answer", 503),
        ("unauthorized_client", "misconfigured", 503),
        ("<b>\n", "misconfigured", 503),
        ("", "misconfigured", 503),
    ],
)
def test_what_a_provider_may_say_instead_of_a_code(
    center: Center, error: str, reason: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = capture_log(monkeypatch, connect_page)
    browser = leave(center)
    state = parse_qs(urlsplit(browser.target).query)["state"][0]
    answer = center.http.get("/oauth/callback", params={"state": state, "error": error})
    assert (answer.status_code, ReadPage(answer).error) == (code, reason)
    assert "<b>" not in answer.text and "<b>" not in str(log.entries)


def test_without_a_refresh_token_nothing_is_connected(
    center: Center, google: GoogleDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(google.oauth, "gives_refresh_token", _nothing)
    refused(connect(center), "misconfigured", 503)


def test_a_provider_that_is_no_longer_offered(center: Center, monkeypatch: pytest.MonkeyPatch) -> None:
    back = at_provider(browser := leave(center))
    monkeypatch.setattr(consent, "sign_in_of", _nothing)
    assert (browser.open(back).answer.status_code, browser.page.error) == (503, "misconfigured")
