"""Microsoft's double: windows, zones, pages, series, batches, limits."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.doubles.graph import GraphDouble
from tests.doubles.graph_caller import Caller, code, window
from tests.doubles.graph_person import GraphPerson
from tests.doubles.graph_times import days
from tests.doubles.graph_world import ANN, BEN, DAY, WEEK, at, caller
from tests.doubles.service import Clock

BERLIN = ZoneInfo("Europe/Berlin")
TEN = datetime(2027, 3, 5, 10, tzinfo=UTC)
ELEVEN = datetime(2027, 3, 5, 11, tzinfo=UTC)
FRIDAYS = {"type": "weekly", "daysOfWeek": ["friday"]}
MARCH = ("2027-03-01T00:00:00Z", "2027-04-01T00:00:00Z")


@pytest.fixture
def fridays(ann: GraphPerson) -> str:
    """Every Friday at 10 in Berlin, from 5 March 2027 on."""
    return ann.repeats(datetime(2027, 3, 5, 10, tzinfo=BERLIN), datetime(2027, 3, 5, 11, tzinfo=BERLIN), FRIDAYS)


def starts(events: list[dict[str, Any]]) -> list[str]:
    return [event["start"]["dateTime"][5:16] for event in events]


def test_a_window_is_required_and_bounded(api: Caller) -> None:
    assert code(api("GET", "/me/calendarView")) == (400, "ErrorInvalidParameter")  # fact: view.window-required
    years = window("2027-01-01T00:00:00Z", "2032-01-01T00:00:00Z")
    assert code(api("GET", f"/me/calendarView?{years}")) == (400, "ErrorInvalidRequest")  # fact: view.longest
    plus = "startDateTime=2027-03-05T00:00:00+01:00&endDateTime=2027-03-06T00:00:00+01:00"
    assert code(api("GET", f"/me/calendarView?{plus}"))[0] == 400  # fact: view.plus-encoded


def test_a_window_has_what_overlaps_it(api: Caller, ann: GraphPerson) -> None:
    ann.creates(TEN, ELEVEN)
    ann.creates(TEN, TEN, subject="Nothing")
    assert len(api.view("2027-03-05T10:30:00Z", "2027-03-05T10:31:00Z")) == 1
    assert len(api.view("2027-03-05T11:00:00Z", "2027-03-05T12:00:00Z")) == 0  # fact: view.overlap
    assert len(api.view("2027-03-05T09:00:00Z", "2027-03-05T10:00:00Z")) == 0
    assert len(api.view("2027-03-05T10:00:00Z", "2027-03-05T10:01:00Z")) == 2
    prefer = {"Prefer": 'outlook.timezone="Tokyo Standard Time"'}
    assert len(api.view("2027-03-05T10:30:00", "2027-03-05T10:31:00", headers=prefer)) == 1  # fact: view.offsets
    assert len(api.view("2027-03-05T19:30:00+09:00", "2027-03-05T19:31:00+09:00")) == 1


def test_times_come_in_the_zone_that_was_asked_for(api: Caller, ann: GraphPerson) -> None:
    event_id = ann.creates(TEN, ELEVEN)
    for zone, expected in (("W. Europe Standard Time", "11:00"), ("Asia/Tokyo", "19:00"), ("UTC", "10:00")):
        answer = api("GET", f"/me/events/{event_id}", headers={"Prefer": f'outlook.timezone="{zone}"'})
        event = answer.json()  # fact: times.prefer  fact: times.zone-names
        assert event["start"] == {"dateTime": f"2027-03-05T{expected}:00.0000000", "timeZone": zone}
        assert answer.headers["Preference-Applied"] == f'outlook.timezone="{zone}"'
    wrong = api("GET", f"/me/events/{event_id}", headers={"Prefer": 'outlook.timezone="AEST"'})
    assert code(wrong) == (400, "TimeZoneNotSupportedException")


def test_views_are_paged(api: Caller, ann: GraphPerson) -> None:
    for hour in range(12):
        ann.creates(TEN.replace(hour=hour), TEN.replace(hour=hour, minute=30))
    page = api("GET", f"/me/calendarView?{DAY}").json()
    assert (len(page["value"]), "$skip=10" in page["@odata.nextLink"]) == (10, True)  # fact: view.page-of-ten
    rest = api("GET", page["@odata.nextLink"]).json()
    assert (len(rest["value"]), "@odata.nextLink" in rest) == (2, False)
    found = starts(page["value"] + rest["value"])
    assert found == sorted(found)  # fact: view.order
    assert len(api("GET", f"/me/calendarView?{DAY}&$top=12").json()["value"]) == 12
    for wrong in ("0", "1001", "x"):
        assert api("GET", f"/me/calendarView?{DAY}&$top={wrong}").status_code == 400  # fact: view.top
    assert len(api.view(*WEEK, headers={"Prefer": "odata.maxpagesize=5"})) == 12


def test_select_leaves_what_it_names(api: Caller, ann: GraphPerson) -> None:
    ann.creates(TEN, ELEVEN)
    [event] = api("GET", f"/me/calendarView?{DAY}&$select=subject,start").json()["value"]
    assert event.keys() == {"@odata.etag", "id", "subject", "start"}  # fact: query.select


def test_a_series_is_expanded_in_views_and_whole_in_lists(api: Caller, fridays: str) -> None:
    seen = api.view(*MARCH)
    # Summer time begins on 28 March.
    assert starts(seen) == ["03-05T09:00", "03-12T09:00", "03-19T09:00", "03-26T09:00"]
    assert {event["type"] for event in seen} == {"occurrence"}  # fact: view.expanded
    assert starts(api.view("2027-04-01T00:00:00Z", "2027-04-03T00:00:00Z")) == ["04-02T08:00"]
    assert {event["seriesMasterId"] for event in seen} == {fridays}
    [master] = api("GET", "/me/events").json()["value"]  # fact: events.masters
    assert (master["id"], master["type"], master["seriesMasterId"]) == (fridays, "seriesMaster", None)
    assert master["recurrence"]["pattern"]["type"] == "weekly"
    assert seen[0]["recurrence"] is None
    assert len({event["iCalUId"] for event in (*seen, master)}) == 5  # fact: event.ical-uid
    assert starts(api("GET", f"/me/events/{fridays}/instances?{window(*MARCH)}").json()["value"]) == starts(seen)


def test_occurrences_are_moved_changed_and_deleted_alone(api: Caller, ann: GraphPerson, fridays: str) -> None:
    first, second, third, _ = api.view(*MARCH)
    ann.moves(second["id"], datetime(2027, 3, 11, 15, tzinfo=BERLIN), datetime(2027, 3, 11, 16, tzinfo=BERLIN))
    changed = api("PATCH", f"/me/events/{third['id']}", {"showAs": "free"}).json()
    assert (changed["type"], changed["id"]) == ("exception", third["id"])  # fact: series.id-of-exception
    assert api("DELETE", f"/me/events/{first['id']}").status_code == 204
    seen = api.view(*MARCH)
    assert starts(seen) == ["03-11T14:00", "03-19T09:00", "03-26T09:00"]
    kinds = [(event["type"], event["showAs"]) for event in seen]
    assert kinds == [("exception", "busy"), ("exception", "free"), ("occurrence", "busy")]  # fact: series.types
    assert seen[0]["originalStart"].startswith("2027-03-12T09:00")
    assert seen[0]["seriesMasterId"] == fridays
    assert code(api("GET", f"/me/events/{first['id']}"))[0] == 404
    api("PATCH", f"/me/events/{fridays}", at("2027-03-05T12:00:00", "2027-03-05T13:00:00", "UTC"))
    assert starts(api.view(*MARCH))[:2] == ["03-05T12:00", "03-12T12:00"]  # fact: series.exceptions-reset


def test_an_occurrence_may_not_pass_its_neighbour(ann: GraphPerson, api: Caller, fridays: str) -> None:
    second = ann.occurrence(fridays, date(2027, 3, 12))
    for day in (5, 19, 20):
        moved = at(f"2027-03-{day:02}T15:00:00", f"2027-03-{day:02}T16:00:00")
        answer = api("PATCH", f"/me/events/{second}", moved)
        assert code(answer) == (400, "ErrorOccurrenceCrossingBoundary")  # fact: series.boundary


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"type": "daily", "interval": 3}, ["02-27", "03-02", "03-05"]),
        ({"type": "weekly", "interval": 2, "daysOfWeek": ["Monday", "tuesday"]}, ["03-08", "03-09", "03-22"]),
        ({"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 31}, ["02-28", "03-31", "04-30"]),
        (
            {"type": "relativeMonthly", "interval": 1, "daysOfWeek": ["thursday", "friday"], "index": "first"},
            ["03-04", "04-01", "05-06"],
        ),
        ({"type": "absoluteYearly", "interval": 1, "dayOfMonth": 15, "month": 4}, ["04-15", "04-15", "04-15"]),
        (
            {"type": "relativeYearly", "interval": 1, "daysOfWeek": ["wednesday"], "index": "last", "month": 11},
            ["11-24", "11-29", "11-28"],
        ),
    ],
    ids=["daily", "weekly", "monthly", "nth of a month", "yearly", "nth of a year"],
)
def test_every_pattern_is_expanded(pattern: dict[str, Any], expected: list[str]) -> None:
    # fact: series.pattern  fact: series.short-months
    first = {"type": "numbered", "startDate": "2027-02-27", "numberOfOccurrences": 3}
    assert [f"{day:%m-%d}" for day in days({"pattern": pattern, "range": first})] == expected
    if pattern["type"] == "daily":
        until = {"type": "endDate", "startDate": "2027-02-27", "endDate": "2027-03-02"}
        assert len(list(days({"pattern": pattern, "range": until}))) == 2


def test_a_series_begins_on_its_start_and_keeps_its_length(api: Caller, ann: GraphPerson) -> None:
    pattern = {"type": "daily", "interval": 1}
    wrong = {"pattern": pattern, "range": {"type": "noEnd", "startDate": "2027-03-06"}}
    assert api("POST", "/me/events", at("10:00", "11:00", recurrence=wrong)).status_code == 400
    # fact: series.start-date
    night = datetime(2027, 3, 27, 22, tzinfo=BERLIN), datetime(2027, 3, 28, 6, tzinfo=BERLIN)
    ann.repeats(night[0], night[1], pattern, {"type": "numbered", "numberOfOccurrences": 2})
    [short, usual] = api.view("2027-03-27T12:00:00Z", "2027-03-30T00:00:00Z")
    assert short["end"]["dateTime"][8:16] == "28T04:00"
    assert usual["end"]["dateTime"][8:16] == "29T03:00"  # fact: series.exact-length


def part(number: int, url: str, method: str = "GET", **more: Any) -> dict[str, Any]:
    return {"id": str(number), "method": method, "url": url, **more}


def test_a_batch_has_a_status_for_every_part(graph: GraphDouble, api: Caller, ann: GraphPerson) -> None:
    event_id = ann.creates(TEN, ELEVEN)
    typed = {"headers": {"Content-Type": "application/json"}}
    graph.fail("ErrorAccessDenied", path="/calendars$")
    parts = [
        part(1, f"/me/calendarView?{DAY}", headers={"Prefer": 'outlook.timezone="Tokyo Standard Time"'}),
        part(2, "me/events/AAMkADnotThere0000000000000AAA="),
        part(3, "/me/calendars"),
        part(4, "/me/events", "POST", body=at("12:00", "13:00"), **typed),
        part(5, "/me/events", "POST", body=at("12:00", "13:00")),
        part(6, f"/me/events/{event_id}", "DELETE"),
    ]
    answer = api("POST", "/$batch", {"requests": parts})
    found = {one["id"]: one for one in answer.json()["responses"]}
    assert answer.status_code == 200  # fact: batch.statuses  fact: batch.content-type
    assert {key: one["status"] for key, one in found.items()} == dict(
        zip("123456", [200, 400, 403, 201, 400, 204], strict=True)
    )
    assert found["1"]["body"]["value"][0]["start"]["dateTime"][11:16] == "19:00"
    graph.batches.reversed = True  # fact: batch.any-order
    answers = api("POST", "/$batch", {"requests": [part(1, "/me"), part(2, "/me")]}).json()["responses"]
    assert [one["id"] for one in answers] == ["2", "1"]


def test_a_batch_has_at_most_twenty_parts_with_ids_of_their_own(graph: GraphDouble, api: Caller) -> None:
    many = [part(number, "/me") for number in range(21)]
    assert api("POST", "/$batch", {"requests": many}).status_code == 400  # fact: batch.twenty
    assert api("POST", "/$batch", {"requests": many[:20]}).status_code == 200
    assert api("POST", "/$batch", {"requests": [part(1, "/me"), part(1, "/me")]}).status_code == 400  # fact: batch.ids
    chain = [part(1, "/me/x"), part(2, "/me", dependsOn=["1"]), part(3, "/me", dependsOn=["2"]), part(4, "/me")]
    statuses = [one["status"] for one in api("POST", "/$batch", {"requests": chain}).json()["responses"]]
    assert statuses == [400, 424, 424, 200]  # fact: batch.depends-on
    graph.batches.parallel_limit = 4
    answers = api("POST", "/$batch", {"requests": many[:6]}).json()["responses"]
    assert [one["status"] for one in answers] == [200] * 4 + [429] * 2  # fact: batch.overload
    assert answers[5]["headers"]["Retry-After"] == "1"


def test_a_throttled_mailbox_says_when_to_come_back(graph: GraphDouble, api: Caller, clock: Clock) -> None:
    graph.person(BEN)
    graph.limits.throttle(ANN, 30)
    clock.advance(10)
    answer = api("GET", "/me")
    assert (code(answer), answer.headers["Retry-After"]) == ((429, "ApplicationThrottled"), "20")  # fact: throttle.429
    assert "MailboxConcurrency" in answer.json()["error"]["message"]  # fact: throttle.code
    assert caller(graph, BEN)("GET", "/me").status_code == 200  # fact: throttle.per-mailbox
    clock.advance(20)
    assert api("GET", "/me").status_code == 200


def test_ten_thousand_calls_in_ten_minutes(graph: GraphDouble, api: Caller, clock: Clock) -> None:
    assert graph.limits.in_ten_minutes == 10_000  # fact: throttle.ten-thousand
    graph.limits.in_ten_minutes = 3
    parts = {"requests": [part(number, "/me") for number in range(4)]}
    answers = api("POST", "/$batch", parts).json()["responses"]
    assert [one["status"] for one in answers] == [200, 200, 200, 429]  # fact: batch.limits
    assert int(answers[3]["headers"]["Retry-After"]) == 600
    clock.advance(600)
    assert api("GET", "/me").status_code == 200


@pytest.mark.parametrize("per_application", [False, True], ids=["mailbox", "application"])
def test_four_calls_at_once(graph: GraphDouble, api: Caller, per_application: bool) -> None:
    """The fifth is refused while four are not answered."""  # fact: throttle.four-at-once
    graph.limits.per_application = per_application
    graph.person(BEN)
    held = [graph.faults.hold(path="/me/calendars$") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(caller(graph), "GET", "/me/calendars") for _ in range(4)]
        while len(graph.called("GET", "/me/calendars")) < 4:
            time.sleep(0.005)
        assert code(api("GET", "/me")) == (429, "ApplicationThrottled")
        assert caller(graph, BEN)("GET", "/me").status_code == (429 if per_application else 200)
        for one in held:
            one.set()
        assert [one.result().status_code for one in waiting] == [200] * 4
    assert api("GET", "/me").status_code == 200


def test_unknown_paths_and_methods_are_refused_in_graphs_words(api: Caller) -> None:
    assert code(api("GET", "/me/nothing")) == (400, "BadRequest")
    assert code(api("PUT", "/me/events", {}))[0] == 405
    assert code(api("POST", "/me/events")) == (400, "BadRequest")
