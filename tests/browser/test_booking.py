"""A visitor books in a real browser, with script switched off: the page needs none."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from slotlink.domain.event import wire_time
from slotlink.store import accounts, applications
from tests.browser.conftest import ServedCenter
from tests.center import DAY, HOUR, START, CreatedLink, Person

PICTURE = os.environ.get("SLOTLINK_PICTURE")  # make picture: where the README's picture goes


def interview(center: ServedCenter, **changes: Any) -> tuple[CreatedLink, list[Person]]:
    """The link of the README's picture: two people, three weeks, some busy days."""
    people = [center.person("maya"), center.person("jonas")]

    async def introduce(deps: Any) -> None:
        async with deps.database.transaction() as connection:
            await applications.set_shows_participants(connection, center.client_id, shows=True)
            for person, name in zip(people, ["Maya Okafor", "Jonas Weber"], strict=True):
                await accounts.set_display_name(connection, center.client_id, person.sub, name)

    center.run(introduce)
    midnight = START - 9 * HOUR
    days = [day for day in range(4, 27) if (day + 3) % 7 < 5]
    busy: tuple[dict[str, tuple[int, int]], ...] = ({}, {})
    for i, day in enumerate(days):
        for j in range(3):
            start = midnight + day * DAY + (9 + (i * 5 + j * 11) % 8) * HOUR
            busy[(i + j) % 2][f"busy-{day}-{j}"] = (start, start + (2 + i % 3) * HOUR // 2)
    for person, times in zip(people, busy, strict=True):
        person.events_at_once(times)
    periods = [
        {"start": wire_time(midnight + day * DAY + 9 * HOUR), "end": wire_time(midnight + day * DAY + 17 * HOUR)}
        for day in days
    ]
    link = center.create_link(
        *people,
        **{
            "event": {
                "event_id": "interview-1",
                "summary": "Product manager interview",
                "description": "We will talk about your last project and about how our product team works. "
                "Nothing to prepare.",
                "location": {"description": "Video call"},
                "tzid": "Europe/London",
            },
            "oauth": {"redirect_uri": f"{center.settings.app_url}/healthz"},
            "availability": center.query(
                *people,
                required_duration={"minutes": 45},
                start_interval={"minutes": 30},
                query_periods=periods,
            ),
            "selection_mode": "confirm",
            "callback_urls": {"no_times_suitable_url": "https://application.test/none"},
            **changes,
        },
    )
    return link, people


def test_a_visitor_books_a_slot_without_script(served: ServedCenter, browser: Browser) -> None:
    link, people = interview(served)
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, locale="en-GB", java_script_enabled=False, device_scale_factor=2
    )
    page = context.new_page()
    page.goto(link.url)
    expect(page.get_by_role("heading", level=1)).to_have_text("Product manager interview")
    expect(page.get_by_text("Maya Okafor and Jonas Weber")).to_be_visible()
    keep_picture(page)

    page.get_by_role("link", name=re.compile(r"^Wednesday 10 March 2027, \d+ times")).first.click()
    expect(page.get_by_role("heading", name=re.compile("Wednesday 10 March"))).to_be_visible()
    slot = page.locator("section.times button[name=slot]").first
    chosen = slot.get_attribute("value")
    slot.click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Check and confirm")
    assert link.status()["status"] == "open", "looking at the confirm step books nothing"
    page.get_by_role("button", name="Confirm this time").click()
    assert page.url == f"{served.settings.app_url}/healthz?token={link.token}"

    completed = link.status()
    assert completed["status"] == "completed"
    assert completed["event"]["start"]["time"] == chosen
    for person in people:
        assert [e["start"] for e in person.events() if e.get("event_id") == "interview-1"] == [chosen]

    page.goto(link.url)
    expect(page.get_by_role("heading", level=1)).to_have_text("You’re booked")
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("Download for your calendar")).click()
    assert "Product manager interview" in Path(download.value.path()).read_text()
    context.close()


def test_a_zone_is_chosen_with_a_plain_select(served: ServedCenter, browser: Browser) -> None:
    link, _ = interview(served)
    page = browser.new_context(java_script_enabled=False, locale="en-GB").new_page()
    page.goto(link.url)
    before = page.locator("section.times button[name=slot]").first.inner_text()
    page.locator("details.zone summary").click()
    page.get_by_label("Time zone", exact=True).select_option("Asia/Kolkata")
    page.get_by_role("button", name="Show times in this zone").click()
    assert "tzid=Asia%2FKolkata" in page.url or "tzid=Asia/Kolkata" in page.url
    after = page.locator("section.times button[name=slot]").first.inner_text()
    hours, minutes = (int(part) for part in before.split(":"))
    assert after == f"{hours + 5 + (minutes + 30) // 60:02}:{(minutes + 30) % 60:02}"
    page.context.close()


def test_a_visitor_tells_that_nothing_suits(served: ServedCenter, browser: Browser) -> None:
    link, _ = interview(served)
    page = browser.new_context(java_script_enabled=False, locale="en-GB").new_page()
    page.goto(link.url)
    page.get_by_text("None of these suit me").click()
    page.get_by_label("When could you make it?").fill("Any day after 16:00 <b>please</b>")
    page.get_by_role("button", name="Tell Globex").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Globex has been told"))
    expect(page.get_by_text("Any day after 16:00 <b>please</b>")).to_be_visible()
    assert link.status()["status"] == "open"
    page.context.close()


def keep_picture(page: Page) -> None:
    picture = page.screenshot(path=PICTURE, full_page=True)
    assert len(picture) > 20_000, "the page is not blank"
