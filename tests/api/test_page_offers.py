"""The page offers what the engine answers: no more, no less, each time once, on its day in the visitor's zone; and
what it offers can be booked.

An ordinary run draws 25 links; `PAGE_OFFERS_EXAMPLES=2000` draws more, others in each run.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Generator, Sequence
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from slotlink.domain.event import wire_time
from slotlink.web import pages
from slotlink.web.zones import zone_options
from tests.api.offering import MINUTE, Case, by_date, cases, instant, zones
from tests.api.walking import DayPage, Walk
from tests.center import DAY, HOUR, Center, Clock, CreatedLink, Json, Person, ReadPage

EXAMPLES = int(os.environ.get("PAGE_OFFERS_EXAMPLES", "0"))
EASTER = datetime.date(2027, 3, 28)
_numbers = count(1)


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Generator[Center]:
    """One for all examples: each has people of its own, and its own present."""
    folder = tmp_path_factory.mktemp("offers")
    variables = {"SLOTLINK_LIMIT_RESULTS": "10000", "SLOTLINK_LIMIT_POSTS": "off"}
    with pytest.MonkeyPatch.context() as patch, Center(folder, clock=Clock(), **variables) as center:
        # To write the list of all zones anew for each date would take most of the time.
        patch.setattr(pages, "zone_options", lambda _date, locale: zone_options(EASTER, locale))  # type: ignore[misc]
        yield center


def people_of(center: Center, case: Case) -> list[Person]:
    people: list[Person] = []
    for busy, all_day in zip(case.busy, case.all_day, strict=True):
        person = center.person(f"person {next(_numbers)}")
        for number, (start, end) in enumerate(busy):
            person.event(f"busy {number}", start, end)
        for number, (first, last) in enumerate(all_day):
            away = {"event_id": f"away {number}", "summary": "Away", "tzid": case.tzid}
            body = {**away, "start": first.isoformat(), "end": last.isoformat()}
            answer = center.http.post(f"/v1/calendars/{person.calendar_id}/events", json=body, headers=person.key)
            assert answer.status_code == 202, answer.text
        people.append(person)
    return people


def query_of(center: Center, case: Case, people: Sequence[Person]) -> Json:
    def minutes(seconds: int | None) -> Json | None:
        return None if seconds is None else {"minutes": seconds // MINUTE}

    return center.query(
        participants=[{"members": [{"sub": person.sub} for person in people], "required": case.required or "all"}],
        required_duration=minutes(case.duration),
        start_interval=minutes(case.interval),
        buffer={"before": minutes(case.before), "after": minutes(case.after)},
        query_periods=[{"start": wire_time(start), "end": wire_time(end)} for start, end in case.periods],
    )


def answered(center: Center, query: Json, response_format: str) -> list[int]:
    body = {**query, "response_format": response_format, "max_results": 10000}
    answer = center.http.post("/v1/availability", json=body, headers=center.key)
    assert answer.status_code == 200, answer.text
    return [instant(slot["start"]) for slot in answer.json()["available_slots"]]


def post(link: CreatedLink, page: ReadPage, start: int) -> DayPage:
    """Press the time, and confirm it where that is asked."""
    http = link.center.http
    answer = DayPage(http.post(link.path, data={**page.hidden, "slot": wire_time(start)}))
    if answer.code == 200:
        assert (answer.error, answer.slots) == (None, [wire_time(start)])
        assert answer.slot_form is not None
        answer = DayPage(http.post(link.path, data=dict(answer.slot_form.controls)))
    return answer


def meetings(people: Sequence[Person]) -> list[str]:
    """The starts of what was booked, as each person's calendar has it."""
    return [event["start"] for person in people for event in person.events() if event["summary"] == "Meeting"]


def open_in_zone(link: CreatedLink, tzid: str) -> str:
    """The address that the page's own form leads to when the visitor picks a zone."""
    first = DayPage(link.center.http.get(link.path))
    fields = {**first.view_form, "tzid": tzid} if first.slots else {"tzid": tzid}
    assert not first.slots or f'<option value="{tzid}"' in first.text, "the page lets every zone be chosen"
    return str(link.center.http.build_request("GET", link.path, params=fields).url)


@given(case=cases(), viewed_in=st.one_of(st.none(), zones), phone=st.booleans(), data=st.data())
@settings(
    max_examples=EXAMPLES or 12,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # shrinking takes minutes: add Phase.shrink by hand when it fails
    suppress_health_check=[HealthCheck.too_slow],
)
def test_the_page_over_all_its_days_is_the_engines_answer_and_what_it_offers_books(
    center: Center, case: Case, viewed_in: str | None, phone: bool, data: st.DataObject
) -> None:
    tzid = viewed_in or case.tzid
    center.clock.now = case.now
    people = people_of(center, case)
    query = query_of(center, case, people)
    event: Json = {"event_id": "meeting", "summary": "Meeting", "tzid": case.tzid}
    link = center.create_link(*people, availability=query, event=event, selection_mode=case.mode)
    starts = case.starts()
    note(f"viewed in {tzid}: {len(starts)} starts")
    offered = answered(center, query, "overlapping_slots")
    assert [start for start in offered if start >= case.now] == starts, "the server's answer is the plain one"
    assert set(answered(center, query, "slots")) <= set(offered)

    days = by_date(starts, ZoneInfo(tzid))
    walk = Walk(link, ZoneInfo(tzid), days, phone)
    address = open_in_zone(link, tzid)
    if not starts:
        assert DayPage(center.http.get(address)).slots == []
        return
    walk.go(address)
    assert walk.shown == days, "every start once, on its day"

    chosen = data.draw(st.sampled_from(starts), "slot")
    _, page = walk.pages[datetime.datetime.fromtimestamp(chosen, ZoneInfo(tzid)).date()]
    aside = data.draw(st.sampled_from([MINUTE, -MINUTE, -(case.interval or HOUR), 400 * DAY, -400 * DAY]), "aside")
    wrong = chosen + aside
    if wrong not in starts:
        refused = post(link, page, wrong)
        code, error = (409, "taken") if wrong in case.starts(ever=True) else (422, "invalid")
        assert (refused.code, refused.error) == (code, error)
        assert (link.status()["status"], meetings(people)) == ("open", [])

    booked = post(link, page, chosen)
    assert (booked.code, booked.error) == (303, None)
    status = link.status()
    assert status["status"] == "completed"
    assert [instant(status["event"][edge]["time"]) for edge in ("start", "end")] == [chosen, chosen + case.duration]
    assert set(meetings(people)) == {wire_time(chosen)}
    assert case.required == 1 or len(meetings(people)) == len(people)


@pytest.mark.parametrize(
    ("tzid", "mode", "days"), [("Australia/Lord_Howe", "confirm", 2), ("Pacific/Kiritimati", "no_confirm", 3)]
)
def test_every_control_of_every_day_books_its_time(center: Center, tzid: str, mode: str, days: int) -> None:
    """Each on a link of its own. The clocks of Lord Howe go back at 15:00 UTC on 3 April 2027, and the
    last time of that day there is 23:30."""
    change = instant("2027-04-03T15:00:00Z")
    case = Case(
        tzid=tzid,
        now=change - 2 * DAY,
        duration=45 * MINUTE,
        interval=30 * MINUTE,
        before=0,
        after=10 * MINUTE,
        periods=[
            (change - 2 * HOUR, change + HOUR + 15 * MINUTE),
            (change + 22 * HOUR, change + 23 * HOUR),
            (change + 30 * DAY, change + 30 * DAY + 90 * MINUTE),
        ],
        busy=[[(change - 10 * MINUTE, change)]],
        all_day=[[]],
        required=None,
        mode=mode,
    )
    center.clock.now = case.now
    people = people_of(center, case)
    query = query_of(center, case, people)
    event = {"event_id": "meeting", "summary": "Meeting", "transparency": "transparent"}

    def link() -> CreatedLink:
        return center.create_link(*people, availability=query, event=event, selection_mode=mode)

    first = link()
    walk = Walk(first, case.zone, by_date(case.starts(), case.zone), phone=False)
    walk.go(open_in_zone(first, tzid))
    controls = [(address, slot) for address, page in walk.pages.values() for slot in page.slots]
    assert sorted(instant(slot) for _, slot in controls) == case.starts()
    assert (len(walk.pages), len(controls)) == (days, 7)
    for address, slot in controls:
        copy = link()
        page = ReadPage(center.http.get(address.replace(first.path, copy.path)))
        assert slot in page.slots
        assert post(copy, page, instant(slot)).code == 303, slot
        assert copy.status()["event"]["start"]["time"] == slot
