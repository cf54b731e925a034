"""Managed availability: a member meets only in the hours that their application stored for them, as they are now."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.asking import at, bearer, change, faults, other_application, period, wire
from tests.api.test_availability import starts
from tests.api.test_availability_calendars import asked, free, second_calendar, statuses
from tests.api.test_availability_rules import remove, write
from tests.api.test_available_periods import remove as remove_period
from tests.api.test_available_periods import write as write_period
from tests.center import Center, Json, Person

PATH = "/v1/availability"
MEMBER = "participants[0].members[0]"
DAY_H = 24


def weekly(day: str, *times: str) -> list[Json]:
    """`("friday", "09:00-12:00", …)`: tomorrow is a Friday, and hour 0 is its 9:00."""
    return [{"day": day, **dict(zip(("start_time", "end_time"), each.split("-"), strict=True))} for each in times]


def rule(person: Person, name: str, *times: str, day: str = "friday", tzid: str = "Etc/UTC", **more: Any) -> None:
    answer = write(person, availability_rule_id=name, tzid=tzid, weekly_periods=weekly(day, *times), **more)
    assert answer.status_code == 200, answer.text


def once(person: Person, name: str, start: float, end: float) -> None:
    assert write_period(person, name, start, end).status_code == 202


def managed(center: Center, person: Person, query: Json | None = None, **member: Any) -> list[tuple[float, float]]:
    """When the person is free by what is stored, in hours from tomorrow 9:00."""
    return free(center, asked(center, person, query, managed_availability=True, **member))


# What is stored


def test_rules_bound_a_member_only_when_the_query_says_so(center: Center) -> None:
    maya = center.person("maya")
    rule(maya, "default", "10:00-12:00", "15:00-16:30")
    assert managed(center, maya) == [(1, 3), (6, 7.5)]
    for member in ({}, {"managed_availability": False}, {"managed_availability": None}):
        assert free(center, asked(center, maya, **member)) == [(0, 8)]


def test_a_member_is_available_in_any_rule_and_in_any_stored_period(center: Center) -> None:
    maya = center.person("maya")
    rule(maya, "early", "10:00-12:00")
    rule(maya, "late", "11:30-13:00")
    assert managed(center, maya) == [(1, 4)]
    once(maya, "a", 4, 5)
    once(maya, "b", 6, 7)
    once(maya, "c", 6.5, 7.5)
    assert managed(center, maya) == [(1, 5), (6, 7.5)]
    for name in ("early", "late"):
        remove(maya, name)
    assert managed(center, maya) == [(4, 5), (6, 7.5)]


def test_busy_time_counts_within_stored_hours_and_a_buffer_reaches_out_of_them(center: Center) -> None:
    maya = center.person("maya")
    rule(maya, "default", "10:00-14:00")
    maya.event("busy", at(2), at(2.5))
    assert managed(center, maya) == [(1, 2), (2.5, 5)]
    maya.event("just after", at(5), at(6))
    assert managed(center, maya, {"buffer": {"after": {"minutes": 30}}}) == [(2.5, 4.5)]


def test_the_querys_own_periods_narrow_the_stored_hours(center: Center) -> None:
    maya = center.person("maya")
    rule(maya, "default", "10:00-14:00")
    once(maya, "a", 6, 8)
    for own, expected in (
        ([period(0, 3), period(7, 9)], [(1, 3), (7, 8)]),
        ([period(5, 6)], []),
        ([], []),
        (None, [(1, 5), (6, 8)]),
    ):
        assert managed(center, maya, available_periods=own) == expected, own


def test_an_account_for_which_nothing_is_stored_is_not_bound(center: Center) -> None:
    maya = center.person("maya")
    for ids in (None, []):
        assert managed(center, maya, availability_rule_ids=ids) == [(0, 8)]
        assert managed(center, maya, availability_rule_ids=ids, available_periods=[period(2, 4)]) == [(2, 4)]


def test_stored_hours_elsewhere_in_time_leave_nothing_here(center: Center) -> None:
    for name, store in (
        ("next year", lambda person: once(person, "far", 300 * DAY_H, 301 * DAY_H)),
        ("another day", lambda person: rule(person, "default", "09:00-17:00", day="tuesday")),
        ("no hours at all", lambda person: rule(person, "default")),
    ):
        person = center.person(name)
        store(person)
        assert managed(center, person) == [], name


def test_only_the_rules_that_are_named_count(center: Center) -> None:
    maya = center.person("maya")
    rule(maya, "early", "09:00-11:00")
    rule(maya, "noon", "12:00-13:00")
    rule(maya, "late", "15:00-17:00")
    for ids, expected in (
        (None, [(0, 2), (3, 4), (6, 8)]),
        (["noon"], [(3, 4)]),
        (["late", "early", "late"], [(0, 2), (6, 8)]),
        ([], []),
    ):
        assert managed(center, maya, availability_rule_ids=ids) == expected, ids
    once(maya, "a", 4, 5)
    assert managed(center, maya, availability_rule_ids=[]) == [(4, 5)]
    assert managed(center, maya, availability_rule_ids=["noon"]) == [(3, 5)]


def test_an_unknown_rule_is_told_by_its_place_unless_rules_do_not_count(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    rule(maya, "mine", "09:00-11:00")
    rule(jonas, "his", "09:00-11:00")
    query = center.query()
    query["participants"] = [
        {"members": [{"sub": jonas.sub}]},
        {
            "members": [
                {"sub": jonas.sub, "managed_availability": True},
                {"sub": maya.sub, "managed_availability": True, "availability_rule_ids": ["mine", "his", "Mine"]},
            ]
        },
    ]
    place = "participants[1].members[1].availability_rule_ids"
    unknown = {f"{place}[{number}]": ["errors.not_recognized"] for number in (1, 2)}
    assert faults(center.http.post(PATH, json=query, headers=center.key)) == unknown
    body = center.link_request(maya, availability=query)
    refused = center.http.post("/v1/real_time_scheduling", json=body, headers=center.key)
    assert faults(refused) == {f"availability.{path}": keys for path, keys in unknown.items()}
    remove(maya, "mine")
    assert len(faults(center.http.post(PATH, json=query, headers=center.key))) == 3, "a deleted rule is unknown"
    query["participants"][1]["members"][1] |= {"managed_availability": False}
    assert free(center, query) == [(0, 2)], "only Jonas is bound"
    assert center.create_link(maya, availability=query).page().slots[-1] == wire(1)


@pytest.mark.parametrize("ids", [7, "default", [7], [""], ["x" * 65], ["ü"], ["x"] * 101])
def test_wrong_rule_ids_are_refused_whether_they_would_count_or_not(center: Center, ids: Any) -> None:
    maya = center.person("maya")
    for flag in (True, False):
        query = asked(center, maya, managed_availability=flag, availability_rule_ids=ids)
        (path,) = faults(center.http.post(PATH, json=query, headers=center.key))
        assert path.startswith(f"{MEMBER}.availability_rule_ids")


def test_what_is_stored_for_others_never_counts(center: Center) -> None:
    (client_id, secret), stranger = other_application(center)
    maya, jonas = center.person("maya"), center.person("jonas")
    namesake = center.person("maya", credentials=(client_id, secret))
    for other in (jonas, stranger, namesake):
        rule(other, "default", "10:00-11:00")
        once(other, "a", 5, 6)
    assert managed(center, maya) == [(0, 8)], "nothing is stored for her"
    rule(maya, "default", "12:00-13:00")
    assert managed(center, maya) == [(3, 4)]
    query = asked(center, namesake, managed_availability=True)
    answer = center.http.post(PATH, json=query, headers=bearer(secret)).json()["available_periods"]
    assert [(found["start"], found["end"]) for found in answer] == [(wire(1), wire(2)), (wire(5), wire(6))]


# Changes count at once


def test_what_changes_between_two_queries_counts_in_the_second(center: Center) -> None:
    maya = center.person("maya")
    for change_it, expected in (
        (lambda: None, [(0, 8)]),
        (lambda: rule(maya, "a", "10:00-12:00"), [(1, 3)]),
        (lambda: rule(maya, "a", "10:00-13:00"), [(1, 4)]),
        (lambda: rule(maya, "b", "15:00-16:00"), [(1, 4), (6, 7)]),
        (lambda: once(maya, "p", 4, 5), [(1, 5), (6, 7)]),
        (lambda: once(maya, "p", 7, 8), [(1, 4), (6, 8)]),
        (lambda: remove(maya, "a"), [(6, 8)]),
        (lambda: remove_period(maya, {"available_period_id": "p"}), [(6, 7)]),
        (lambda: once(maya, "q", 0, 1), [(0, 1), (6, 7)]),
        (lambda: remove_period(maya, {"delete_all": True}), [(6, 7)]),
        (lambda: remove(maya, "b"), [(0, 8)]),
    ):
        change_it()
        for _ in range(2):
            assert managed(center, maya) == expected


def test_a_page_offers_stored_hours_only_and_a_booking_reads_them_anew(center: Center) -> None:
    maya = center.person("maya")
    rule(maya, "default", "10:00-12:00")
    link = center.create_link(maya, availability=asked(center, maya, managed_availability=True))
    page = link.page()
    assert page.slots == [wire(1), wire(1.25), wire(1.5), wire(1.75), wire(2)]
    assert link.choose(wire(5), page).error == "taken", "the link's periods hold it, the stored hours do not"
    rule(maya, "default", "11:00-12:00")
    refused = link.choose(wire(1), page)
    assert (refused.code, refused.error, set(refused.slots)) == (409, "taken", {wire(2)})
    remove(maya, "default")
    assert link.choose(wire(5), page).code == 303, "nothing is stored any more"


# Which calendars make a member busy in which hours


def test_a_rules_calendars_alone_make_its_owner_busy_and_the_querys_come_first(center: Center) -> None:
    maya = center.person("maya")
    second = second_calendar(center, maya)
    maya.event("first", at(1), at(2))
    body = {"event_id": "other", "summary": "Other", "start": wire(5), "end": wire(6)}
    assert center.http.post(f"/v1/calendars/{second}/events", json=body, headers=maya.key).status_code == 202
    rule(maya, "default", "09:00-17:00", calendar_ids=[second])
    assert managed(center, maya) == [(0, 5), (6, 8)]
    assert free(center, asked(center, maya)) == [(0, 1), (2, 5), (6, 8)], "unmanaged, all of them count"
    for ids, expected in (
        ([maya.calendar_id], [(0, 1), (2, 8)]),
        ([second], [(0, 5), (6, 8)]),
        ([second, maya.calendar_id], [(0, 1), (2, 5), (6, 8)]),
    ):
        assert managed(center, maya, calendar_ids=ids) == expected, ids
    rule(maya, "default", "09:00-17:00")
    assert managed(center, maya) == [(0, 1), (2, 5), (6, 8)], "a rule without any counts all"


def test_where_rules_name_different_calendars_a_meeting_across_both_needs_all_free(center: Center) -> None:
    maya = center.person("maya")
    second = second_calendar(center, maya)
    rule(maya, "early", "09:00-13:00", calendar_ids=[maya.calendar_id])
    rule(maya, "late", "13:00-17:00", calendar_ids=[second])
    query = asked(
        center,
        maya,
        {"response_format": "overlapping_slots", "start_interval": {"minutes": 30}},
        managed_availability=True,
    )
    every = [number / 2 for number in range(15)]
    assert starts(center, query) == every
    maya.event("in the late hours", at(4), at(4.5))
    assert starts(center, query) == [start for start in every if start != 3.5]
    maya.event("in the early hours", at(2), at(2.5))
    assert starts(center, query) == [start for start in every if start not in (1.5, 2, 3.5)]
    assert starts(center, query | {"response_format": "slots"}) == [0, 1, 2.5, 4, 5, 6, 7]
    once(maya, "stored", 3, 5)
    assert starts(center, query) == [start for start in every if start not in (1.5, 2, 3.5)]


def test_a_stored_period_counts_all_calendars_beside_a_rule_that_names_some(center: Center) -> None:
    maya = center.person("maya")
    second = second_calendar(center, maya)
    rule(maya, "default", "09:00-11:00", calendar_ids=[second])
    once(maya, "stored", 4, 8)
    maya.event("in both hours", at(0), at(5))
    assert managed(center, maya) == [(0, 2), (5, 8)]


def test_a_member_whose_rule_names_a_deleted_calendar_is_not_available(center: Center) -> None:
    maya = center.person("maya")
    second = second_calendar(center, maya)
    rule(maya, "default", "09:00-13:00", calendar_ids=[second])
    rule(maya, "other", "13:00-17:00")
    query = asked(center, maya, managed_availability=True)
    link = center.create_link(maya, availability=query)
    page = link.page()
    change(center, "UPDATE calendars SET deleted = 1 WHERE calendar_id = ?", second)
    change(center, "UPDATE accounts SET version = version + 1 WHERE sub = ?", maya.sub)
    assert free(center, query) == []
    assert statuses(center, query) == {maya.sub: "disconnected"}
    assert managed(center, maya, availability_rule_ids=["other"]) == [(4, 8)], "who does not use it may meet"
    assert managed(center, maya, calendar_ids=[maya.calendar_id]) == [(0, 8)]
    assert link.page().slots == []
    assert link.choose(wire(1), page).error == "unreadable"
