"""Every state of a link's page, one after the other, as visitors come to them."""

from __future__ import annotations

import re
from collections.abc import Generator
from datetime import datetime
from functools import partial
from typing import Any

from playwright.sync_api import Page, Route, expect

from slotlink.domain.event import wire_time
from tests.api.asking import change
from tests.browser.conftest import ServedCenter
from tests.browser.test_booking import interview
from tests.center import DAY, HOUR, START, CreatedLink, Person
from tests.every_page import PAGES

Walk = Generator[str, None, None]
MESSAGE = "Hello,\n\nMaya is away until 22 March. I will send you a new link then.\n\nBest wishes\nGlobex hiring team"
PROBLEMS = {
    "form refused": {"status": 403, "reference": ""},
    "too many requests": {"status": 429, "reference": ""},
    "our fault": {"status": 500, "reference": "7f3a09c2"},
    "our fault, perhaps booked": {"status": 500, "reference": "7f3a09c2", "may_be_booked": True},
    "away": {"status": 503, "reference": ""},
}


def every_state(center: ServedCenter, page: Page) -> Walk:
    """Lead `page`, which has script and London's time, through all of them; gives each one's name while it is shown."""
    for state in _walk(center, page):
        # The stream has begun, and says so.
        page.wait_for_function("() => !document.querySelector('.live')?.textContent.startsWith('Checked at')")
        yield state


def _walk(center: ServedCenter, page: Page) -> Walk:
    link, (maya, jonas) = interview(center)
    yield from _choosing(page, link, maya)
    yield from _booking(page, link, jonas)
    other, _ = interview(center, event={"event_id": "other", "summary": "Product manager interview"})
    yield from _none_suit(page, other)
    yield from _unread(center, page)
    for person in (maya, jonas):
        person.event("away", START, START + 40 * DAY)
    page.goto(other.url)
    expect(page.get_by_text("There are no times left")).to_be_visible()
    yield "no times"
    yield from _closed(center, page, other)


def _choosing(page: Page, link: CreatedLink, maya: Person) -> Walk:
    page.goto(link.url)
    expect(page.get_by_text("Live: checked a moment ago")).to_be_visible()
    yield "picker"
    page.get_by_text("Change", exact=True).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    yield "zones"
    page.get_by_role("searchbox").fill("sa")
    expect(page.get_by_role("dialog").get_by_role("status")).not_to_be_empty()
    yield "zones found"
    page.keyboard.press("Escape")
    first = page.locator("section.times .slots button").first
    start = _moment(first.get_attribute("value"))
    maya.event("meanwhile", start, start + HOUR // 4)
    expect(page.locator(".slots .taken").first).to_be_visible()
    yield "taken live"
    maya.cancel("meanwhile")
    page.goto(f"{link.url}?date=2027-03-13&tzid=Mars/Base")
    expect(page.locator(".hints li")).to_have_count(2)
    yield "hints"
    page.goto(f"{link.url}?hours=12&tzid=America/New_York&date=2027-03-10")
    expect(page.locator("section.times .slots button").first).to_contain_text("am")
    yield "another zone, 12 hours"
    page.goto(link.url)
    expect(page.get_by_text("Live: checked a moment ago")).to_be_visible()
    page.evaluate("dispatchEvent(new Event('offline'))")
    expect(page.locator(".live")).to_contain_text("You are offline")
    yield "offline"
    page.goto(link.url)
    held: list[Route] = []
    page.route(re.compile("date=2027-03-10"), lambda route: held.append(route))
    page.get_by_role("link", name=re.compile("^Wednesday 10 March")).filter(visible=True).first.click()
    expect(page.locator(".reading")).to_be_visible()
    yield "loading"
    held.pop().continue_()
    expect(page.locator("#chosen")).to_contain_text("Wednesday 10 March")
    page.unroute(re.compile("date=2027-03-10"))


def _booking(page: Page, link: CreatedLink, jonas: Person) -> Walk:
    page.goto(link.url)
    page.locator("section.times .slots button").nth(2).click()
    _heading(page, "Check and confirm")
    yield "confirm"
    start = _moment(page.locator("input[name=slot]").get_attribute("value"))
    jonas.event("meanwhile", start, start + HOUR)
    page.get_by_role("button", name="Confirm this time").click()
    expect(page.get_by_text("That time has just been taken")).to_be_visible()
    yield "just taken"
    page.locator("section.times .slots button").first.click()
    page.route(link.url, _wait_for_ever)
    page.get_by_role("button", name="Confirm this time").click()
    expect(page.get_by_role("button", name="Confirming…")).to_be_visible()
    yield "confirming"
    page.unroute(link.url)
    page.goto(link.url)
    page.locator("section.times .slots button").first.click()
    page.get_by_role("button", name="Confirm this time").click()
    page.wait_for_url("**/healthz?token=*")
    page.goto(link.url)
    _heading(page, "You’re booked")
    yield "completed"


def _none_suit(page: Page, link: CreatedLink) -> Walk:
    page.goto(link.url)
    page.get_by_text("None of these suit me").click()
    note = page.get_by_label("When could you make it?")
    note.fill("Any afternoon after the 22nd is fine. " * 11)
    yield "none suit"
    note.evaluate("note => { note.removeAttribute('maxlength'); note.value += '.'.repeat(100); }")
    page.get_by_role("button", name="Tell Globex").click()
    expect(page.get_by_text("Please shorten your note")).to_be_visible()
    yield "note too long"
    page.get_by_label("When could you make it?").fill("Any afternoon after the 22nd is fine.")
    page.get_by_role("button", name="Tell Globex").click()
    _heading(page, re.compile("has been told"))
    yield "told"


def _unread(center: ServedCenter, page: Page) -> Walk:
    ines = center.person("ines")
    change(center, "UPDATE profiles SET connected = 0 WHERE sub = ?", ines.sub)
    yuki = center.person("yuki")
    period = {"start": wire_time(START + 4 * DAY), "end": wire_time(START + 4 * DAY + 4 * HOUR)}
    for required, said in ((1, "We could not read every calendar"), ("all", "We cannot show times just now")):
        participants = [{"members": [{"sub": ines.sub}, {"sub": yuki.sub}], "required": required}]
        asked = center.query(participants=participants, query_periods=[period], start_interval={"minutes": 30})
        page.goto(center.create_link(yuki, availability=asked).url)
        expect(page.get_by_text(said)).to_be_visible()
        yield "calendars not read" if required == 1 else "calendars not read, nothing to offer"


def _closed(center: ServedCenter, page: Page, link: CreatedLink) -> Walk:
    center.http.post(
        f"/v1/real_time_scheduling/{link.link_id}/disable", json={"display_message": MESSAGE}, headers=center.key
    )
    _heading(page, "This link is no longer in use")  # the page that shows it hears of that and renews itself
    yield "disabled"
    late, _ = interview(center, event={"event_id": "late", "summary": "Product manager interview"})
    before, center.clock.now = center.clock.now, START + 60 * DAY
    page.goto(late.url)
    _heading(page, "This link has expired")
    yield "expired"
    center.clock.now = before
    page.goto(f"{center.settings.app_url}/rts/unknown")
    _heading(page, "We can’t find that link")
    yield "unknown"
    for name, problem in PROBLEMS.items():
        page.route(link.url, partial(_fail, problem))
        page.goto(link.url)
        yield name
        page.unroute(link.url)


def _wait_for_ever(route: Route) -> None:
    """Nothing to go to: the page stays as it is while it waits."""
    route.fulfill(status=204)


def _fail(problem: dict[str, Any], route: Route) -> None:
    """What the server answers, told by its own page."""
    route.fulfill(status=problem["status"], body=PAGES.problem("en-GB", **problem), content_type="text/html")


def _heading(page: Page, name: str | re.Pattern[str]) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def _moment(value: str | None) -> int:
    assert value is not None
    return int(datetime.fromisoformat(value).timestamp())
