"""What script adds to a link's page, in a real browser: keys in the month, no reloads, times as they are now."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from slotlink.domain.event import wire_time
from slotlink.store import profiles
from tests.browser.conftest import ServedCenter
from tests.browser.test_booking import interview
from tests.center import DAY, HOUR, START, Person

LONDON: dict[str, Any] = {"timezone_id": "Europe/London", "locale": "en-GB", "viewport": {"width": 1280, "height": 860}}


@contextmanager
def opened(browser: Browser, url: str, excuse: str = "409 (Conflict)", **context: Any) -> Generator[Page]:
    """A page of its own, which must log nothing but the `excuse`, and fail in nothing."""
    with_context = browser.new_context(**{**LONDON, **context})
    page = with_context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.goto(url)
    yield page
    assert [fault for fault in faults if excuse not in fault] == []
    with_context.close()


def moment(value: str | None) -> int:
    assert value is not None
    return int(datetime.fromisoformat(value).timestamp())


def focused(page: Page) -> str:
    """The accessible name, or the text, of what has the focus."""
    return page.evaluate(
        "() => (document.activeElement.getAttribute('aria-label') || document.activeElement.innerText).trim()"
    )


def is_the_same_document(page: Page) -> bool:
    """Whether what `mark` left is still there: no page was loaded since."""
    return page.evaluate("() => window.marked === true")


def mark(page: Page) -> None:
    page.evaluate("() => { window.marked = true; }")


def slots(page: Page) -> list[str]:
    buttons = page.locator("section.times .slots button:not(.taken)").all()
    return [value for button in buttons if (value := button.get_attribute("value"))]


def test_from_opening_to_booked_by_keyboard_alone(served: ServedCenter, browser: Browser) -> None:
    link, _ = interview(served)
    with opened(browser, link.url) as page:
        mark(page)
        for _ in range(12):
            page.keyboard.press("Tab")
            if "March 2027" in focused(page) and "times" in focused(page):
                break
        assert focused(page) == "Monday 8 March 2027, 7 times, chosen", "the grid is one stop, on the chosen day"
        page.keyboard.press("ArrowDown")
        assert focused(page).startswith("Monday 15 March 2027")
        page.keyboard.press("End")
        assert focused(page) == "Sunday 21 March 2027, no times", "days without times are reached, and named"
        page.keyboard.press("Home")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowUp")
        assert focused(page).startswith("Tuesday 9 March 2027")
        page.keyboard.press("Space")
        expect(page.locator("#chosen")).to_be_focused()
        expect(page.locator("#chosen")).to_contain_text("Tuesday 9 March")
        page.keyboard.press("Escape")
        assert focused(page).endswith("chosen")
        page.keyboard.press("Enter")
        expect(page.locator("#chosen")).to_be_focused()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1, name="Check and confirm")).to_be_focused()
        assert is_the_same_document(page)
        for _ in range(6):
            page.keyboard.press("Tab")
            if focused(page) == "Confirm this time":
                break
        page.keyboard.press("Enter")
        page.wait_for_url("**/healthz?token=*")
    assert link.status()["status"] == "completed"


def test_the_grid_leads_over_into_other_months_and_stops_at_the_links_own(
    served: ServedCenter, browser: Browser
) -> None:
    maya = served.person("maya")
    periods = [
        {"start": f"2027-{month:02}-{day:02}T09:00:00Z", "end": f"2027-{month:02}-{day:02}T11:00:00Z"}
        for month, day in ((3, 10), (3, 31), (4, 1), (5, 4))
    ]
    link = served.create_link(maya, availability=served.query(maya, query_periods=periods))
    with opened(browser, link.url) as page:
        page.get_by_role("gridcell").get_by_role("link", name=re.compile("^Wednesday 31 March 2027")).focus()
        page.keyboard.press("ArrowRight")
        expect(page.locator("#month")).to_have_text("April 2027")
        expect(page.get_by_role("link", name=re.compile("^Thursday 1 April 2027"))).to_be_focused()
        page.keyboard.press("ArrowLeft")
        expect(page.locator("#month")).to_have_text("March 2027")
        expect(page.get_by_role("link", name=re.compile("^Wednesday 31 March 2027"))).to_be_focused()
        page.keyboard.press("PageDown")
        expect(page.locator("#month")).to_have_text("April 2027")
        expect(page.locator("td[aria-label^='Friday 30 April 2027']")).to_be_focused()
        page.keyboard.press("Shift+PageDown")
        expect(page.locator("#month")).to_have_text("May 2027")
        page.keyboard.press("PageDown")
        page.keyboard.press("Shift+PageUp")
        expect(page.locator("#month")).to_have_text("March 2027")


def test_days_months_formats_and_back_need_no_reload(served: ServedCenter, browser: Browser) -> None:
    link, _ = interview(served)
    with opened(browser, link.url) as page:
        mark(page)
        page.get_by_role("link", name=re.compile("^Wednesday 10 March 2027")).click()
        expect(page.locator("#chosen")).to_contain_text("Wednesday 10 March")
        assert "date=2027-03-10" in page.url
        in_german = page.locator(".languages a[lang=de]")
        expect(in_german).to_have_attribute("href", re.compile("date=2027-03-10.*locale=de"))
        page.locator(".hours label", has_text="12 h").click()
        expect(page.locator("section.times .slots button").first).to_contain_text("pm")
        assert "hours=12" in page.url and "date=2027-03-10" in page.url
        page.go_back()
        expect(page.locator("section.times .slots button").first).not_to_contain_text("pm")
        page.go_back()
        expect(page.locator("#chosen")).to_contain_text("Monday 8 March")
        assert is_the_same_document(page)


def test_the_first_stop_skips_to_the_times(served: ServedCenter, browser: Browser) -> None:
    link, _ = interview(served)
    with opened(browser, link.url) as page:
        mark(page)
        page.keyboard.press("Tab")
        assert focused(page) == "Skip to the times"
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert focused(page) == page.locator(".times .slots button").first.get_attribute("aria-label")
        assert is_the_same_document(page)


def test_a_second_press_sends_nothing(served: ServedCenter, browser: Browser) -> None:
    link, _ = interview(served)
    with opened(browser, link.url) as page:
        page.locator(".times .slots button").first.click()
        confirm = page.locator("form.confirm button.main")
        expect(confirm).to_be_visible()
        sent: list[str] = []

        def take(route: Route) -> None:
            sent.append(route.request.method)
            route.fulfill(status=204)  # no answer to go to: the page stays as it is while it waits

        page.route("**/rts/*", take)
        confirm.click()
        expect(confirm).to_have_text("Confirming…")
        expect(confirm).to_have_attribute("aria-disabled", "true")
        confirm.click(force=True)
        confirm.press("Enter")
        assert sent == ["POST"]
    assert link.status()["status"] == "open"


def test_the_devices_zone_is_shown_at_once_and_what_was_asked_for_is_kept(
    served: ServedCenter, browser: Browser
) -> None:
    link, _ = interview(served)
    with opened(browser, link.url, timezone_id="America/New_York") as page:
        page.wait_for_url("**tzid=America*")
        expect(page.locator(".view summary b")).to_have_text("New York time")
        page.goto(f"{link.url}?tzid=Asia/Tokyo")
        expect(page.locator(".view summary b")).to_have_text("Tokyo time")
        assert page.context.cookies() == []


def test_a_zone_is_found_by_what_people_type(served: ServedCenter, browser: Browser) -> None:
    link, _ = interview(served)
    with opened(browser, link.url) as page:
        page.get_by_text("Change", exact=True).click()
        search = page.get_by_role("searchbox", name="City, country or zone")
        expect(search).to_be_focused()
        for typed, city in (
            ("sao pau", "São Paulo"),
            ("brazil", "Araguaína"),
            ("Asia/Kat", "Kathmandu"),
            ("+5:45", "Kathmandu"),
        ):
            search.fill(typed)
            expect(page.locator("dialog .rows b").first).to_have_text(
                re.compile(city.replace("ã", "[aã]").replace("í", "[ií]"))
            )
        search.fill("atlantis")
        expect(page.get_by_text("No zone fits.")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("details.zone > summary")).to_be_focused()
        page.keyboard.press("Enter")
        search.fill("berlin")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(page.locator(".view summary b")).to_have_text("Berlin time")
        expect(page.locator("details.zone > summary")).to_be_focused()
        expect(page.get_by_role("status").filter(has_text="Times now in Berlin.")).to_have_count(1)
        page.get_by_text("Change", exact=True).click()
        expect(page.get_by_role("heading", name="Recently chosen")).to_be_visible()
        page.get_by_text("Change", exact=True).click()
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_time_vanishes_while_the_page_is_open_and_comes_back(served: ServedCenter, browser: Browser) -> None:
    link, (maya, _) = interview(served)
    with opened(browser, link.url) as page:
        mark(page)
        expect(page.get_by_text("Live: checked a moment ago")).to_be_visible()
        start = moment(slots(page)[1])
        before = len(slots(page))
        maya.event("meanwhile", start, start + HOUR // 4)
        taken = page.locator("section.times .slots button.taken").first
        expect(taken).to_contain_text("Taken")
        expect(taken).to_have_attribute("aria-disabled", "true")
        expect(page.locator(".live")).to_contain_text("taken.")
        expect(page.locator("#chosen small")).to_have_text(f"{len(slots(page))} times")
        expect(page.get_by_role("status").filter(has_text="just taken")).to_have_count(1)
        taken.click(force=True)
        assert is_the_same_document(page) and page.locator("h1").inner_text() == "Product manager interview"
        maya.cancel("meanwhile")
        expect(page.locator("section.times .slots button.taken")).to_have_count(0)
        assert len(slots(page)) == before


def test_a_day_that_loses_its_last_time_says_so(served: ServedCenter, browser: Browser) -> None:
    link, (maya, _) = interview(served)
    with opened(browser, f"{link.url}?tzid=Europe/London&date=2027-03-10") as page:
        expect(page.get_by_text("Live: checked a moment ago")).to_be_visible()
        maya.event("all-day", moment("2027-03-10T00:00:00Z"), moment("2027-03-11T00:00:00Z"))
        expect(page.locator(".live")).to_contain_text("None is left on this day.")
        assert slots(page) == []
        expect(page.locator("#chosen")).to_have_text("Wednesday 10 March")


def test_times_that_could_not_be_fetched_anew_are_asked_for_again(served: ServedCenter, browser: Browser) -> None:
    """The stream says each thing once."""
    link, (maya, _) = interview(served)
    with opened(browser, f"{link.url}?tzid=Europe/London", excuse="net::ERR_FAILED") as page:
        expect(page.get_by_text("Live: checked a moment ago")).to_be_visible()
        refused: list[str] = []

        def refuse_once(route: Route) -> None:
            refused.append(route.request.url)
            if len(refused) == 1:
                route.abort()
            else:
                route.continue_()

        page.route("**/rts/*?*", refuse_once)
        start = moment(slots(page)[0])
        maya.event("meanwhile", start, start + HOUR // 4)
        expect(page.locator(".slots .taken").first).to_be_visible(timeout=15_000)
        assert len(refused) > 1


def test_a_booking_goes_where_it_leads_although_the_stream_says_closed_first(
    served: ServedCenter, browser: Browser
) -> None:
    link, _ = interview(served, selection_mode="no_confirm")
    with opened(browser, f"{link.url}?tzid=Europe/London") as page:
        expect(page.get_by_text("Live: checked a moment ago")).to_be_visible()

        def hold_back(route: Route) -> None:
            if route.request.method != "POST":
                return route.continue_()
            answer = route.fetch(max_redirects=0)  # it is booked, and every open page is told
            page.wait_for_timeout(1500)
            return route.fulfill(response=answer)

        page.route("**/rts/*", hold_back)
        page.locator(".times .slots button").first.click()
        page.wait_for_url("**/healthz?token=*")
    assert link.status()["status"] == "completed"


def test_new_times_are_offered_and_do_not_push_in(served: ServedCenter, browser: Browser) -> None:
    link, (maya, _) = interview(served)
    start = moment("2027-03-08T11:00:00Z")
    maya.event("morning", START, start)
    with opened(browser, f"{link.url}?tzid=Europe/London&date=2027-03-08") as page:
        expect(page.get_by_text("Live: checked a moment ago")).to_be_visible()
        before = slots(page)
        maya.cancel("morning")
        more = page.get_by_role("button", name=re.compile(r"^Show \d new times?$"))
        expect(more).to_be_visible()
        assert slots(page) == before, "nothing moves under the pointer"
        more.click()
        expect(page.locator("#chosen")).to_be_focused()
        assert len(slots(page)) > len(before)


def test_of_two_windows_at_one_time_one_is_told_and_keeps_its_place(served: ServedCenter, browser: Browser) -> None:
    link, _ = interview(served, oauth={"redirect_uri": f"{served.settings.app_url}/healthz"})
    other, _ = interview(served, event={"event_id": "other", "summary": "The other interview", "tzid": "Europe/London"})
    address = "?tzid=Europe/London&date=2027-03-11"
    with opened(browser, link.url + address) as first, opened(browser, other.url + address) as second:
        value = slots(first)[0]
        for page in (first, second):
            page.locator(f".slots button[value='{value}']").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Check and confirm")
        first.get_by_role("button", name="Confirm this time").click()
        first.wait_for_url("**/healthz?token=*")
        second.get_by_role("button", name="Confirm this time").click()
        notice = second.locator(".notice[data-error=taken]")
        expect(notice).to_contain_text("That time has just been taken")
        expect(notice).to_be_focused()
        expect(second.locator("#chosen")).to_contain_text("Thursday 11 March")
        assert value not in slots(second)
    assert other.status()["status"] == "open"


def test_a_link_that_is_closed_meanwhile_says_so(served: ServedCenter, browser: Browser) -> None:
    link, _ = interview(served)
    with opened(browser, link.url) as page:
        expect(page.get_by_text("Live: checked a moment ago")).to_be_visible()
        served.http.post(
            f"/v1/real_time_scheduling/{link.link_id}/disable", json={"display_message": "Away."}, headers=served.key
        )
        expect(page.get_by_role("heading", level=1)).to_have_text("This link is no longer in use")


async def lose(center: ServedCenter, person: Person, deps: Any) -> None:
    async with deps.database.transaction() as connection:
        profile = await profiles.get_profile(connection, center.client_id, person.profile_id)
        await profiles.disconnect(connection, center.client_id, profile, "the password was refused")


def test_a_calendar_that_can_no_longer_be_read_is_told_of(served: ServedCenter, browser: Browser) -> None:
    """Its owner's times are not taken, and nothing is said to be live."""
    ines, yuki = served.person("ines"), served.person("yuki")
    participants = [{"members": [{"sub": ines.sub}, {"sub": yuki.sub}], "required": 1}]
    link = served.create_link(yuki, availability=served.query(participants=participants))
    with opened(browser, link.url) as page:
        expect(page.get_by_text("Live: checked a moment ago")).to_be_visible()
        served.run(partial(lose, served, ines))
        yuki.event("meanwhile", start := moment(slots(page)[0]), start + HOUR)
        expect(page.get_by_text("We could not read every calendar")).to_be_visible()
        expect(page.locator(".live")).to_be_empty()


def test_who_is_offline_is_told(served: ServedCenter, browser: Browser) -> None:
    link, _ = interview(served)
    with opened(browser, link.url) as page:
        expect(page.get_by_text("Live: checked a moment ago")).to_be_visible()
        page.evaluate("() => dispatchEvent(new Event('offline'))")
        expect(page.locator(".live")).to_have_text("You are offline. The times may be out of date.")


def test_a_note_says_how_much_room_is_left(served: ServedCenter, browser: Browser) -> None:
    link, _ = interview(served)
    with opened(browser, link.url) as page:
        page.get_by_text("None of these suit me").click()
        note = page.get_by_label("When could you make it?")
        note.fill("x" * 399)
        expect(page.locator("#note-left")).to_have_text("")
        note.fill("x" * 450)
        expect(page.locator("#note-left")).to_have_text("50 characters left")
        note.fill("x" * 501)
        expect(page.locator("#note-left")).to_have_text("Please shorten your note by 1 character.")


def test_what_script_adds_is_accessible_and_fits_in_forced_colours(served: ServedCenter, browser: Browser) -> None:
    link, (maya, _) = interview(served)
    address = f"{link.url}?date=2027-03-13&tzid=Mars/Base"
    with opened(browser, address, bypass_csp=True, forced_colors="active") as page:

        def look(state: str) -> None:
            results = Axe().run(page)
            assert results.violations_count == 0, f"{state}: {results.generate_report()}"
            over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert over <= 0, f"{state} scrolls sideways by {over} px"

        expect(page.locator(".hints li")).to_have_count(2)
        look("hints")
        expect(page.get_by_text("Live: checked a moment ago")).to_be_visible()
        maya.event("meanwhile", start := moment(slots(page)[0]), start + HOUR // 4)
        expect(page.locator(".slots .taken").first).to_be_visible()
        look("taken live")
        page.get_by_text("Change", exact=True).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        look("zones")
        page.get_by_role("searchbox").fill("sa")
        look("zones found")


def test_text_of_twice_the_size_fits(served: ServedCenter, browser: Browser) -> None:
    """At 1280 px as WCAG 1.4.4 asks, and at 640, which is 320 px zoomed out."""
    link, _ = interview(served)
    for width in (1280, 640):
        with opened(browser, link.url, viewport={"width": width, "height": 900}) as page:
            page.evaluate("() => { document.documentElement.style.fontSize = '200%'; }")
            for heading in ("Product manager interview", "Check and confirm"):
                expect(page.get_by_role("heading", level=1)).to_have_text(heading)
                over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                assert over <= 0, f"{heading} at {width} px scrolls sideways by {over} px"
                if heading.startswith("Product"):
                    page.locator(".times .slots button").first.click()


@pytest.mark.parametrize(
    ("tzid", "day", "marks"),
    [
        ("Europe/London", "2027-03-28", {"GMT", "BST"}),
        ("America/New_York", "2027-03-14", {"EST", "EDT"}),
        ("Australia/Lord_Howe", "2027-04-04", {"UTC+11", "UTC+10:30"}),
    ],
)
def test_each_time_names_its_offset_on_the_day_of_a_clock_change(
    served: ServedCenter, browser: Browser, tzid: str, day: str, marks: set[str]
) -> None:
    maya = served.person("maya")
    midnight = moment(f"{day}T00:00:00Z")
    period = {"start": wire_time(midnight - DAY), "end": wire_time(midnight + 2 * DAY)}
    link = served.create_link(maya, availability=served.query(maya, query_periods=[period]))
    with opened(browser, f"{link.url}?date={day}", timezone_id=tzid) as page:
        expect(page.locator(".change").first).to_contain_text("The clocks go")
        assert set(page.locator(".slots button small").all_inner_texts()) == marks
