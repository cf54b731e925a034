"""A person connects a published feed through the page: its address is all there is, and nobody is told it."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from slotlink.services import connecting, sign_in
from slotlink.web import connect_page
from tests.api.asking import capture_log, dump
from tests.api.connecting import Browser, allow, authorize_url, read, tokens_for
from tests.center import Center
from tests.doubles.feed import PATH, FeedDouble


@pytest.fixture
def feed() -> Generator[FeedDouble]:
    with FeedDouble() as feed:
        yield feed


@pytest.fixture
def center(tmp_path: Path, feed: FeedDouble) -> Generator[Center]:
    with Center(tmp_path, SLOTLINK_CALENDAR_ALLOW=feed.url.removeprefix("http://")) as center:
        allow(center)
        yield center


def attempt(center: Center, address: str) -> Browser:
    browser = Browser(center).open(authorize_url(center, provider_name="ics"))
    return browser.post(provider_name="ics", address=address)


def test_a_feed_is_a_profile_with_one_calendar(
    center: Center, feed: FeedDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = capture_log(monkeypatch, connect_page, connecting, sign_in)
    granted = tokens_for(center, attempt(center, feed.address).brought["code"])
    assert granted["linking_profile"]["profile_name"] == "Büro, Nord"
    [calendar] = read(center, "/v1/calendars", granted)["calendars"]
    assert calendar["calendar_name"] == "Büro, Nord" and calendar["calendar_readonly"] and calendar["calendar_primary"]
    assert read(center, "/v1/account", granted)["account"]["default_tzid"] == "Europe/Berlin"
    again = tokens_for(center, attempt(center, f" {feed.address} ").brought["code"])
    assert again["sub"] == granted["sub"]
    assert PATH not in "\n".join(dump(center)) and PATH not in str(log.entries)
    assert PATH not in str(read(center, "/v1/userinfo", granted))


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (404, 422, "no_calendars"),
        (410, 422, "no_calendars"),
        (401, 422, "refused"),
        (403, 422, "refused"),
        (500, 503, "no_answer"),
        (418, 422, "wrong_address"),
    ],
)
def test_what_a_feed_may_answer(
    center: Center, feed: FeedDouble, status: int, code: int, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = capture_log(monkeypatch, connect_page, sign_in)
    before = dump(center)
    feed.status = status
    browser = attempt(center, feed.address)
    assert (browser.answer.status_code, browser.page.error) == (code, reason)
    assert dump(center) == before and PATH not in str(log.entries)


def test_an_address_that_is_none(center: Center, feed: FeedDouble) -> None:
    for address in ("ftp://example.com/x.ics", "javascript:alert(1)", "https://u:p@example.com/x.ics", "x y"):
        page = attempt(center, address).page
        assert page.code == 422 and page.error in ("wrong_address", "no_host"), address
