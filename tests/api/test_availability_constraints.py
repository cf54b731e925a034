"""Quotas: in a day or week that is full of the application's own events a member has no availability."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.asking import at, change, faults, import_ics, other_application, period, wire
from tests.api.test_availability_calendars import asked, free, second_calendar, single
from tests.api.test_booking import event
from tests.center import Center, Json, Person

PATH = "/v1/availability"
DAY_H = 24
DAILY = {"period": "day", "limit": 1}
WEEKLY = {"period": "week", "limit": 1}
TODAY = (-9, 15)  # Friday 5 March 2027, UTC, in hours from its 9:00
# From Friday's 9:00 to the Tuesday after: three days of two weeks, which begin on Monday.
DAYS = [period(0, 8), period(DAY_H, DAY_H + 8), period(3 * DAY_H, 3 * DAY_H + 8)]
FRIDAY, SATURDAY, MONDAY = (0, 8), (24, 32), (72, 80)


def limited(center: Center, person: Person, *constraints: Json, **query: Any) -> list[tuple[float, float]]:
    """When the person is free under these quotas, within `DAYS` unless the query says otherwise."""
    member = {"availability_constraints": list(constraints)}
    return free(center, asked(center, person, {"query_periods": DAYS, **query}, **member))


def tagged(*values: str, kind: str = "private") -> Json:
    return {kind: [{"value": value} for value in values]}


# How many events in which day or week


def test_a_full_day_has_no_availability_and_the_next_one_has(center: Center) -> None:
    maya = center.person("maya")
    for constraints in ((), (DAILY,)):
        assert limited(center, maya, *constraints) == [FRIDAY, SATURDAY, MONDAY]
    maya.event("a", at(-3), at(-2))
    assert limited(center, maya) == [FRIDAY, SATURDAY, MONDAY]
    assert limited(center, maya, DAILY) == [SATURDAY, MONDAY]
    assert limited(center, maya, {"period": "day", "limit": 2}) == [FRIDAY, SATURDAY, MONDAY]
    maya.event("b", at(10), at(11))
    assert limited(center, maya, {"period": "day", "limit": 2}) == [SATURDAY, MONDAY]


def test_a_full_week_has_no_availability_and_the_next_one_has(center: Center) -> None:
    maya = center.person("maya")
    maya.event("on monday", at(-4 * DAY_H), at(-4 * DAY_H + 1))
    assert limited(center, maya, WEEKLY) == [MONDAY]
    assert limited(center, maya, {"period": "week", "limit": 2}) == [FRIDAY, SATURDAY, MONDAY]
    maya.event("on sunday", at(2 * DAY_H), at(2 * DAY_H + 1))
    assert limited(center, maya, {"period": "week", "limit": 2}) == [MONDAY]
    maya.event("on monday", at(4 * DAY_H), at(4 * DAY_H + 1))
    assert limited(center, maya, WEEKLY) == []
    assert limited(center, maya, {"period": "week", "limit": 2}) == [FRIDAY, SATURDAY, MONDAY]


def test_a_meeting_that_reaches_into_a_full_day_is_not_offered(center: Center) -> None:
    maya = center.person("maya")
    maya.event("saturday", at(20), at(21))
    query = {"query_periods": [period(12, 44)]}
    assert limited(center, maya, DAILY, **query) == [(12, 15), (39, 44)], "Saturday lasts from hour 15 to 39"
    maya.event("over midnight", at(14.5), at(15.5))
    assert limited(center, maya, DAILY, **query) == [(39, 44)], "it counts in both days"


def test_days_are_the_accounts_own_unless_the_constraint_names_a_zone(center: Center) -> None:
    maya = center.person("maya")
    maya.event("a", at(0), at(1))
    everything = {"query_periods": [period(-48, 48)]}

    def shut(**constraint: Any) -> list[tuple[float, float]]:
        return limited(center, maya, {**DAILY, **constraint}, **everything)

    in_utc = [(-48, TODAY[0]), (TODAY[1], 48)]
    in_tokyo = [(-48, -18), (6, 48)]
    assert shut() == shut(tzid=None) == in_utc
    assert shut(tzid="Asia/Tokyo") == in_tokyo
    assert shut(tzid="America/Chicago") == [(-48, -3), (21, 48)]
    change(center, "UPDATE accounts SET tzid = 'Asia/Tokyo' WHERE sub = ?", maya.sub)
    assert shut() == in_tokyo
    assert shut(tzid="Etc/UTC") == in_utc


def test_a_day_of_a_clock_change_has_its_own_length(center: Center) -> None:
    maya = center.person("maya")
    noon = 9 * DAY_H + 3  # of Sunday 14 March, when New York goes to summer time
    maya.event("a", at(noon), at(noon + 1))
    midnight = noon - 7
    query = {"query_periods": [period(midnight - 24, midnight + 48)]}
    shut = limited(center, maya, {**DAILY, "tzid": "America/New_York"}, **query)
    assert shut == [(midnight - 24, midnight), (midnight + 23, midnight + 48)]


def test_all_constraints_must_be_kept_and_each_only_by_its_member(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    maya.event("a", at(0), at(1), tags=tagged("interview"))
    weekly = {**WEEKLY, "tags": tagged("interview")}
    two_a_day = {"period": "day", "limit": 2}
    assert limited(center, maya, two_a_day) == [(1, 8), SATURDAY, MONDAY]
    assert limited(center, maya, two_a_day, weekly) == [MONDAY]
    maya.event("b", at(3 * DAY_H), at(3 * DAY_H + 1))
    maya.event("c", at(3 * DAY_H + 1), at(3 * DAY_H + 2))
    assert limited(center, maya, weekly, two_a_day) == []
    members = [{"sub": maya.sub, "availability_constraints": [weekly, two_a_day]}, {"sub": jonas.sub}]
    one_of = center.query(participants=[{"members": members, "required": 1}], query_periods=DAYS)
    found = center.http.post(PATH, json=one_of, headers=center.key).json()["available_periods"]
    assert [each["participants"] for each in found] == [[{"sub": jonas.sub}]] * 3


def test_quotas_narrow_what_periods_and_managed_availability_leave(center: Center) -> None:
    maya = center.person("maya")
    rule = {"availability_rule_id": "default", "tzid": "Etc/UTC"}
    weekly = [{"day": day, "start_time": "10:00", "end_time": "12:00"} for day in ("friday", "saturday", "monday")]
    body = {**rule, "weekly_periods": weekly}
    assert center.http.post("/v1/availability_rules", json=body, headers=maya.key).status_code == 200
    maya.event("a", at(20), at(21))
    member = {"managed_availability": True, "availability_constraints": [DAILY], "available_periods": [period(-9, 60)]}
    assert free(center, asked(center, maya, {"query_periods": DAYS}, **member)) == [(1, 3)]


# Which events count


def test_only_events_that_carry_every_tag_count(center: Center) -> None:
    maya = center.person("maya")
    maya.event("friday", at(0), at(1), tags=tagged("interview", "senior"))
    maya.event("saturday", at(DAY_H), at(DAY_H + 1), tags=tagged("interview"))
    left = {"friday": (1, 8), "saturday": (DAY_H + 1, DAY_H + 8), "monday": MONDAY}
    for tags, open_days in (
        (None, ["monday"]),
        ({}, ["monday"]),
        (tagged(), ["monday"]),
        (tagged("interview"), ["monday"]),
        (tagged("senior"), ["saturday", "monday"]),
        (tagged("senior", "interview", "senior"), ["saturday", "monday"]),
        (tagged("Interview"), ["friday", "saturday", "monday"]),
        (tagged("interview", kind="public"), ["friday", "saturday", "monday"]),
        (tagged("interview") | tagged("x", kind="public"), ["friday", "saturday", "monday"]),
    ):
        assert limited(center, maya, {**DAILY, "tags": tags}) == [left[day] for day in open_days], tags


def test_only_living_events_of_this_application_count_opaque_or_not(center: Center) -> None:
    maya = center.person("maya")
    import_ics(center, maya, single(-3, -2), single(10, 11))
    assert limited(center, maya, DAILY) == [FRIDAY, SATURDAY, MONDAY], "imported events are not the application's"
    maya.event("free", at(-2), at(-1), transparency="transparent")
    assert limited(center, maya, DAILY) == [SATURDAY, MONDAY]
    body = {"event_id": "free"}
    path = f"/v1/calendars/{maya.calendar_id}/events"
    assert center.http.request("DELETE", path, json=body, headers=maya.key).status_code == 202
    assert limited(center, maya, DAILY) == [FRIDAY, SATURDAY, MONDAY]
    credentials, _ = other_application(center)
    namesake = center.person("maya", credentials=credentials)
    namesake.event("elsewhere", at(0), at(1))
    assert limited(center, maya, DAILY) == [FRIDAY, SATURDAY, MONDAY]


def test_excluded_events_do_not_count(center: Center) -> None:
    maya = center.person("maya")
    maya.event("old", at(1), at(2))
    uid = maya.events()[0]["event_uid"]
    for excluded, expected in (
        ([], [SATURDAY, MONDAY]),
        ([{"event_id": "other"}], [SATURDAY, MONDAY]),
        ([{"event_id": "old"}], [FRIDAY, SATURDAY, MONDAY]),
        ([{"event_uid": uid}], [FRIDAY, SATURDAY, MONDAY]),
    ):
        assert limited(center, maya, DAILY, excluded_events=excluded) == expected, excluded
    for excluded in ({"event_id": "old"}, {"event_uid": uid}):
        outside = {"query_periods": [period(3, 8)], "excluded_events": [excluded]}
        assert limited(center, maya, DAILY, **outside) == [(3, 8)]
        query = asked(center, maya, {**outside, "query_periods": DAYS}, availability_constraints=[DAILY])
        link = center.create_link(maya, availability=query, event=event("new"), target_calendars=[])
        assert link.choose(wire(3)).code == 303
        center.clock.now += 600
    maya.event("old", at(1), at(2), transparency="transparent")
    assert limited(center, maya, DAILY, excluded_events=[{"event_uid": uid}]) == [FRIDAY, SATURDAY, MONDAY]


def test_an_event_in_two_calendars_is_one_and_every_calendar_counts(center: Center) -> None:
    maya = center.person("maya")
    second = second_calendar(center, maya)
    path = f"/v1/calendars/{second}/events"
    twice = {"event_id": "a", "summary": "A", "start": wire(-3), "end": wire(-2)}
    maya.event("a", at(-3), at(-2))
    assert center.http.post(path, json=twice, headers=maya.key).status_code == 202
    two = {"period": "day", "limit": 2}
    assert limited(center, maya, two) == [FRIDAY, SATURDAY, MONDAY]
    other = {**twice, "event_id": "b"}
    assert center.http.post(path, json=other, headers=maya.key).status_code == 202
    assert limited(center, maya, two) == [SATURDAY, MONDAY]
    query = asked(
        center, maya, {"query_periods": DAYS}, availability_constraints=[two], calendar_ids=[maya.calendar_id]
    )
    assert free(center, query) == [SATURDAY, MONDAY], "which calendars are busy does not matter to a quota"


# Bookings count


@pytest.mark.parametrize("written", [True, False])
def test_a_second_booking_is_refused_on_a_full_day_and_offered_the_next(center: Center, written: bool) -> None:
    maya = center.person("maya")
    query = asked(center, maya, {"query_periods": DAYS}, availability_constraints=[DAILY])
    changes: Json = {"availability": query} if written else {"availability": query, "target_calendars": []}
    first = center.create_link(maya, **changes, event=event("first"))
    second = center.create_link(maya, **changes, event=event("second"))
    page = second.page()
    assert wire(5) in page.slots
    assert first.choose(wire(1)).code == 303
    refused = second.choose(wire(5), page)
    assert (refused.code, refused.error) == (409, "taken")
    assert second.status()["status"] == "open"
    assert refused.slots and all(wire(DAY_H) <= slot < wire(DAY_H + 9) for slot in refused.slots)
    assert second.choose(refused.slots[0], refused).code == 303
    assert limited(center, maya, DAILY) == [MONDAY]


def test_a_booking_that_nothing_is_written_for_counts_while_it_is_held(center: Center) -> None:
    maya = center.person("maya")
    link = center.create_link(maya, target_calendars=[], event=event("a", tags=tagged("interview")))
    assert link.choose(wire(1)).code == 303
    interviews, dinners = ({**DAILY, "tags": tagged(tag)} for tag in ("interview", "dinner"))
    assert limited(center, maya, DAILY) == limited(center, maya, interviews) == [SATURDAY, MONDAY]
    assert limited(center, maya, dinners) == [(0, 1), (2, 8), SATURDAY, MONDAY]
    center.clock.now += 599
    assert limited(center, maya, interviews) == [SATURDAY, MONDAY]
    center.clock.now += 1
    assert limited(center, maya, DAILY) == [FRIDAY, SATURDAY, MONDAY]


def test_a_booking_and_the_event_written_for_it_are_one(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    link = center.create_link(maya, jonas, event=event("a"))
    assert link.choose(wire(1)).code == 303
    two = {"period": "day", "limit": 2}
    for person in (maya, jonas):
        assert limited(center, person, two) == [(0, 1), (2, 8), SATURDAY, MONDAY]
        assert limited(center, person, DAILY) == [SATURDAY, MONDAY]
    maya.event("a", at(DAY_H), at(DAY_H + 1))
    assert limited(center, maya, DAILY) == [FRIDAY, MONDAY], "the event was moved"
    assert limited(center, jonas, DAILY) == [SATURDAY, MONDAY]


# Bad input


def test_every_wrong_member_of_every_constraint_is_in_one_answer(center: Center) -> None:
    maya = center.person("maya")
    constraints: list[Any] = [
        {"period": "year", "limit": 0},
        {"period": "Day", "limit": True},
        {"period": "day", "limit": 10**30},
        {"period": "week", "limit": "3", "tzid": "Mars/Olympus", "tags": ["private"]},
        {"tags": {"private": "x", "other": [{"value": 7}, {}, "x", {"value": ""}]}},
        "day",
    ]
    place = "participants[0].members[0].availability_constraints"
    zero = "errors.must_be_integer_greater_than_zero"
    expected = {
        "[0].period": "errors.not_recognized",
        "[0].limit": zero,
        "[1].period": "errors.not_recognized",
        "[1].limit": "errors.invalid_format",
        "[2].limit": "errors.invalid_format",
        "[3].limit": "errors.invalid_format",
        "[3].tzid": "errors.tzid_unrecognized",
        "[3].tags": "errors.invalid_format",
        "[4].period": "errors.required",
        "[4].limit": "errors.required",
        "[4].tags.private": "errors.invalid_format",
        "[4].tags.other[0].value": "errors.invalid_format",
        "[4].tags.other[1].value": "errors.required",
        "[4].tags.other[2]": "errors.invalid_format",
        "[4].tags.other[3].value": "errors.required",
        "[5]": "errors.invalid_format",
    }
    query = asked(center, maya, availability_constraints=constraints)
    refused = {f"{place}{path}": [key] for path, key in expected.items()}
    assert faults(center.http.post(PATH, json=query, headers=center.key)) == refused
    body = center.link_request(maya, availability=query)
    answer = center.http.post("/v1/real_time_scheduling", json=body, headers=center.key)
    assert faults(answer) == {f"availability.{path}": keys for path, keys in refused.items()}


def test_a_member_has_at_most_ten_constraints(center: Center) -> None:
    maya = center.person("maya")
    assert limited(center, maya, *[DAILY] * 10) == [FRIDAY, SATURDAY, MONDAY]
    query = asked(center, maya, availability_constraints=[DAILY] * 11)
    path = "participants[0].members[0].availability_constraints"
    assert faults(center.http.post(PATH, json=query, headers=center.key)) == {path: ["errors.too_many"]}
    for none in (None, []):
        assert free(center, asked(center, maya, availability_constraints=none)) == [FRIDAY]
