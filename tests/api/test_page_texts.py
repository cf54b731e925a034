"""A page's texts and headers: nothing of a link is ever HTML, nothing private is shown, nothing is kept."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from icalendar import Calendar

from slotlink.store import accounts, applications
from tests.api.asking import at, change, dump, seconds, wire
from tests.center import Center, CreatedLink, ReadPage

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7*7 }}{% raw %}&amp;\u202e"


def states(center: Center, **changes: Any) -> dict[str, ReadPage]:
    """A page of every state, of links with the same texts."""
    maya = center.person("maya")
    links: dict[str, CreatedLink] = {
        name: center.create_link(maya, **changes) for name in ("open", "completed", "disabled", "expired")
    }
    confirming = links["open"].choose(links["open"].page().slots[0])
    links["completed"].post(links["completed"].page(), slot=wire(3), confirmed="yes")
    url = f"/v1/real_time_scheduling/{links['disabled'].link_id}/disable"
    center.http.post(url, json={"display_message": HOSTILE}, headers=center.key)
    pages = {name: link.page() for name, link in links.items() if name != "expired"} | {"confirm": confirming}
    busy = center.create_link(maya, **changes)
    maya.event("all", at(-1), at(9))
    pages["no times"] = busy.page()
    pages["taken"] = busy.post(pages["open"], slot=wire(0), form_token=busy.page().hidden.get("form_token", ""))
    told = busy.post(busy.page(), action="none_suitable", note=HOSTILE)
    pages["told"] = told
    center.clock.now = at(8)
    pages["expired"] = links["expired"].page()
    pages["unknown"] = ReadPage(center.http.get("/rts/" + "x" * 22))
    return pages


def texts(page: ReadPage) -> str:
    """What is left when the markup is taken away."""
    return html.unescape(re.sub(r"<[^>]*>", " ", page.text))


WITH_TEXTS = {
    "event": {
        "event_id": "e",
        "summary": f"S {HOSTILE}",
        "description": f"D {HOSTILE}",
        "location": {"description": f"L {HOSTILE}"},
        "url": "https://example.test/<script>alert(1)</script>",
    },
    "callback_urls": {"no_times_suitable_url": "https://application.test/none"},
    "selection_mode": "confirm",
}


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", " JavaScript:alert(1)", "java\tscript:x", "\x01data:text/html,x", "VBSCRIPT:x"]
)
def test_an_events_address_runs_no_code(center: Center, url: str) -> None:
    maya = center.person("maya")
    event = {"event_id": "e", "summary": "S", "url": url}
    written = center.http.post(
        f"/v1/calendars/{maya.calendar_id}/events", json={**event, "start": wire(0), "end": wire(1)}, headers=maya.key
    )
    created = center.http.post(
        "/v1/real_time_scheduling",
        json=center.link_request(maya, event={**event, "tzid": "Etc/UTC"}),
        headers=center.key,
    )
    assert written.status_code == created.status_code == 422
    assert "url" in written.json()["errors"] and "event.url" in created.json()["errors"]


def test_a_title_is_not_turned_around(center: Center) -> None:
    event = {"event_id": "e", "summary": "A\u202eB\u2067C\u200fD", "tzid": "Etc/UTC"}
    page = center.create_link(center.person("maya"), event=event).page()
    title = re.search(r"<title>(.*)</title>", page.text)
    assert title is not None and "ABCD" in title[1]
    assert not re.search("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]", title[1])


def scripts(page: ReadPage) -> list[str]:
    """Those that are not the page's own: its file, and the words for it."""
    found = re.findall("<script[^>]*>", page.text)
    return [
        each
        for each in found
        if not re.match(r'<script (src="/static/page\.js\?v=|type="application/json" id="words")', each)
    ]


def test_nothing_of_a_link_is_ever_html(center: Center) -> None:
    change(center, "UPDATE applications SET name = ?, shows_participants = 1", f"A {HOSTILE}")
    person = center.person("maya")
    change(center, "UPDATE accounts SET display_name = ? WHERE sub = ?", f"N {HOSTILE}", person.sub)
    pages = states(center, **WITH_TEXTS)
    for name, page in pages.items():
        assert scripts(page) == [], name
        assert "<img" not in page.text, name
        assert "javascript:" not in page.text, name
        assert " 49" not in page.text, name
    for name in ("open", "confirm", "completed", "no times"):
        assert f"S {HOSTILE}" in texts(pages[name]), name
        assert f"A {HOSTILE}" in texts(pages[name]), name
    assert f"D {HOSTILE}" in texts(pages["open"])
    assert f"L {HOSTILE}" in texts(pages["open"])
    assert f"N {HOSTILE}" in texts(pages["open"])
    assert HOSTILE in texts(pages["disabled"])
    assert HOSTILE in texts(pages["told"])


def test_every_page_has_the_headers_that_keep_it_to_itself(center: Center) -> None:
    pages = states(center, **WITH_TEXTS)
    pages["refused"] = ReadPage(center.http.post("/rts/" + "x" * 22, data={"slot": "x"}))
    pages["redirect"] = pages["completed"]
    for name, page in pages.items():
        headers = page.headers
        assert headers["cache-control"] == "no-store", name
        assert headers["referrer-policy"] == "same-origin", name
        assert headers["x-robots-tag"].startswith("noindex"), name
        assert headers["x-content-type-options"] == "nosniff", name
        assert headers["content-type"] == "text/html; charset=utf-8", name
        policy = dict(part.split(maxsplit=1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'", name
        assert policy["base-uri"] == "'none'", name
        assert policy["frame-ancestors"] == "'none'", name
        assert "script-src" not in policy or "unsafe" not in policy["script-src"], name
        assert "unsafe-inline" not in headers["content-security-policy"], name
        forms = policy["form-action"].split()
        assert forms in (["'self'"], ["'self'", "https://application.test"]), name
        assert '<meta name="robots" content="noindex' in page.text, name


def test_forms_may_lead_to_the_one_origin_of_the_redirect(center: Center) -> None:
    maya = center.person("maya")
    for changes, origin in (
        ({}, "https://application.test"),
        ({"oauth": {"redirect_uri": "http://localhost:3000/a?b"}}, "http://localhost:3000"),
        ({"redirect_urls": {"completed_url": "https://O.test:444/x;y"}}, "https://O.test:444"),
        ({"oauth": {"redirect_uri": "http://[::1]:3000/"}}, "http://[::1]:3000"),
    ):
        link = center.create_link(maya, **changes)
        page = link.page()
        for headers in (page.headers, link.choose(page.slots[0], page).headers):
            assert f"form-action 'self' {origin}" == headers["content-security-policy"].split("; ")[-1]


def test_a_redirect_target_cannot_add_to_the_policy(center: Center) -> None:
    """Its host goes into a header: whatever is no host is refused, or it shows nowhere."""
    maya = center.person("maya")
    for host in (
        "a.test;script-src",
        "a.test,b.test",
        "a'b.test",
        "例え.test",
        "é.test",
        "a.test%0d%0aX:y",
        "a..test*",
    ):
        for changes in (
            {"oauth": {"redirect_uri": f"https://{host}/"}},
            {"redirect_urls": {"completed_url": f"https://{host}/"}},
        ):
            body = center.link_request(maya, **changes)
            answer = center.http.post("/v1/real_time_scheduling", json=body, headers=center.key)
            assert answer.status_code == 422, host


def test_a_private_event_shows_neither_description_nor_place_nor_people(center: Center) -> None:
    change(center, "UPDATE applications SET shows_participants = 1")
    person = center.person("maya")
    change(center, "UPDATE accounts SET display_name = 'Maya Okafor' WHERE sub = ?", person.sub)
    event = {
        "event_id": "e",
        "summary": "Interview",
        "description": "Bring a pen",
        "location": {"description": "Room 1"},
        "event_private": True,
    }
    for private in (True, False):
        pages = states(center, event={**event, "event_private": private}, selection_mode="confirm")
        for name in ("open", "confirm", "completed", "no times"):
            assert "Interview" in pages[name].text, name
            for hidden in ("Bring a pen", "Room 1", "Maya Okafor"):
                if private:
                    assert hidden not in pages[name].text, (name, hidden)
        if not private:
            assert all(shown in pages["open"].text for shown in ("Bring a pen", "Room 1", "Maya Okafor"))
        center.clock.now = at(-24)
        center.http.request("DELETE", "/v1/events", json={"delete_all": True}, headers=person.key)


def test_people_are_named_only_when_the_application_says_so_and_never_by_address_or_calendar(center: Center) -> None:
    maya = center.person("maya-the-account-id")

    async def name(deps: Any) -> None:
        async with deps.database.transaction() as connection:
            await accounts.set_display_name(connection, center.client_id, maya.sub, "Maya Okafor")

    async def show(deps: Any) -> None:
        async with deps.database.transaction() as connection:
            await applications.set_shows_participants(connection, center.client_id, shows=True)

    center.run(name)
    link = center.create_link(maya)
    for shown in (False, True):
        if shown:
            center.run(show)
        text = link.page().text
        assert ("Maya Okafor" in text) is shown
        for never in (maya.sub, maya.calendar_id, maya.profile_id, "maya-the-account-id", center.client_id):
            assert never not in text


def test_the_chosen_time_is_shown_in_the_visitors_zone(center: Center) -> None:
    link = center.create_link(center.person("maya"))
    link.choose(wire(3))
    for tzid, hours, shown in (
        ("Asia/Tokyo", "24", "21:00"),
        ("America/New_York", "24", "07:00"),
        ("America/New_York", "12", "7:00"),
    ):
        page = link.page(tzid=tzid, hours=hours)
        assert shown in texts(page), tzid
        assert f'datetime="{wire(3)}"' in page.text


# What a visitor may ask to see


HOSTILE_WISHES = [
    HOSTILE,
    "",
    "../../etc/passwd",
    "\x00",
    "x" * 3000,
    "%s%n{0}",
    "Europe/London\n",
    "0000-00-00",
    "9999-12-31",
    "1900-01",
    "2999-12",
    "-1",
    "en_GB@x",
    "Etc/Nowhere",
    "٢٤",
]


def test_hostile_wishes_are_as_if_they_were_not_there(center: Center) -> None:
    link = center.create_link(center.person("maya"))
    plain = link.page()
    before = dump(center)
    wishes = ("tzid", "locale", "hours", "date", "month")
    for n, value in enumerate(HOSTILE_WISHES):
        for asked in (dict.fromkeys(wishes, value), {wishes[n % len(wishes)]: value}):
            page = link.page(**asked)
            assert (page.code, page.status) == (200, "open"), asked
            assert page.slots == plain.slots, asked
            assert scripts(page) == []
    query = "&".join(f"{name}=1&{name}[]=2&{name}=<b>" for name in wishes)
    assert ReadPage(center.http.get(f"{link.path}?{query}&%ff=%fe")).slots == plain.slots
    assert dump(center) == before


def test_unusual_zones_show_the_same_slots(center: Center) -> None:
    link = center.create_link(center.person("maya"))
    for tzid in ("Pacific/Kiritimati", "Etc/GMT+12", "Asia/Kathmandu", "Factory", "EST5EDT", "UTC", "Africa/Monrovia"):
        seen: list[str] = []
        for date in ("2027-03-04", "2027-03-06"):
            seen += link.page(tzid=tzid, date=date).slots
        assert set(seen) >= {wire(0), wire(7)}, tzid


# The event for the visitor's own calendar


def test_the_booked_event_can_be_downloaded(center: Center) -> None:
    maya = center.person("maya")
    event = {
        "event_id": "e",
        "summary": "Inter;view, one\\two",
        "description": "First line\nBEGIN:VEVENT\r\nsecond; line " + "é" * 100,
        "location": {"description": "Room, 1"},
        "tzid": "America/New_York",
    }
    link = center.create_link(maya, event=event)
    assert center.http.get(f"{link.path}/event.ics").status_code == 404, "there is none before the booking"
    link.choose(wire(3))
    answer = center.http.get(f"{link.path}/event.ics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/calendar")
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["cache-control"] == "no-store"
    assert all(len(line) <= 75 for line in answer.content.split(b"\r\n"))
    calendar = Calendar.from_ical(answer.content)
    (found,) = calendar.walk("VEVENT")
    assert (found.start.timestamp(), found.end.timestamp()) == (at(3), at(4))
    assert str(found["SUMMARY"]) == event["summary"]
    assert str(found["DESCRIPTION"]).replace("\r", "") == event["description"].replace("\r", "")
    assert str(found["LOCATION"]) == "Room, 1"
    assert str(found["UID"])
    assert not calendar.walk("VALARM")
    for gone in (f"/rts/{'x' * 22}/event.ics", f"{link.path}x/event.ics"):
        assert center.http.get(gone).status_code == 404


def test_a_private_event_is_private_in_the_download_too(center: Center) -> None:
    event = {"event_id": "e", "summary": "S", "description": "Bring a pen", "event_private": True}
    link = center.create_link(center.person("maya"), event=event)
    link.choose(wire(3))
    assert "Bring a pen" not in center.http.get(f"{link.path}/event.ics").text


def test_the_links_to_web_calendars_hold_the_booked_time(center: Center) -> None:
    link = center.create_link(center.person("maya"))
    link.choose(wire(3))
    text = html.unescape(link.page().text)
    google = parse_qs(urlsplit(re.search(r'https://calendar\.google\.com/[^"]*', text)[0]).query)  # type: ignore[index]
    assert google["dates"] == ["20270305T120000Z/20270305T130000Z"]
    outlook = parse_qs(urlsplit(re.search(r'https://outlook\.live\.com/[^"]*', text)[0]).query)  # type: ignore[index]
    assert [seconds(outlook[name][0]) for name in ("startdt", "enddt")] == [at(3), at(4)]
