"""`"explain": true`: when nothing is offered, what takes away how many starts, and what would be offered without it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.asking import at, change, faults, period, wire
from tests.api.test_availability import PATH, group
from tests.api.test_availability_calendars import second_calendar
from tests.api.test_availability_rules import write
from tests.center import Center, Json, Person
from tests.contract.test_openapi import fits, schema_of

HOURLY: Json = {"start_interval": {"minutes": 60}}  # 8 starts of an hour each in `Center.query`: hours 0 to 7
FORMATS = ("periods", "slots", "overlapping_slots")


def explained(center: Center, query: Json) -> Json:
    """The explanation of a query to which there is no answer: the same in every format, and as documented."""
    schema = schema_of(center.http.get("/openapi.json").json(), "POST", PATH)
    found: list[Json] = []
    for form in FORMATS:
        body = {**query, "explain": True, "response_format": form}
        answer = center.http.post(PATH, json=body, headers=center.key).json()
        assert fits(schema, answer) == []
        key = "available_periods" if form == "periods" else "available_slots"
        assert list(answer) == [key, "explanation"] and answer[key] == []
        found.append(answer["explanation"])
    assert found[0] == found[1] == found[2]
    return found[0]


def taken(explanation: Json) -> list[list[tuple[Any, ...]]]:
    """(reason, starts taken, starts offered without it) of each member in turn."""
    return [
        [(each["reason"], each["starts"], each["offered_without"]) for each in member["taken_by"]]
        for found in explanation["participants"]
        for member in found["members"]
    ]


def asked(center: Center, *people: Person, query: Json | None = None, **member: Any) -> Json:
    return center.query(participants=[group(*people, **member)], **HOURLY, **(query or {}))


def test_nothing_is_explained_where_something_is_offered(center: Center) -> None:
    maya = center.person("maya")
    for form in FORMATS:
        query = center.query(maya, response_format=form)
        plain = center.http.post(PATH, json=query, headers=center.key)
        for flag in (True, False, None, "true"):
            answer = center.http.post(PATH, json={**query, "explain": flag}, headers=center.key)
            assert answer.content == plain.content, (form, flag)


def test_nothing_is_explained_unless_asked_for(center: Center) -> None:
    maya = center.person("maya")
    maya.event("all", at(0), at(8))
    for form in FORMATS:
        query = center.query(maya, response_format=form)
        for more in ({}, {"explain": False}, {"explain": None}):
            answer = center.http.post(PATH, json=query | more, headers=center.key)
            key = "available_periods" if form == "periods" else "available_slots"
            assert answer.content == b'{"%b":[]}' % key.encode()


@pytest.mark.parametrize("flag", [1, 0, "yes", [], {}])
def test_explain_is_a_boolean(center: Center, flag: Any) -> None:
    query = center.query(center.person("maya"), explain=flag)
    assert faults(center.http.post(PATH, json=query, headers=center.key)) == {"explain": ["errors.must_be_boolean"]}


def test_statuses_and_explanation_stand_side_by_side(center: Center) -> None:
    maya = center.person("maya")
    maya.event("all", at(0), at(8))
    query = center.query(maya, explain=True, include_member_statuses=True)
    answer = center.http.post(PATH, json=query, headers=center.key).json()
    assert list(answer) == ["available_periods", "member_statuses", "explanation"]


def test_busy_time_is_told_whole(center: Center) -> None:
    maya = center.person("maya")
    maya.event("all", at(-1), at(9))
    assert explained(center, asked(center, maya)) == {
        "starts": 8,
        "offered": 0,
        "query_periods": [{**period(0, 8), "starts": 8}],
        "participants": [
            {
                "required": 1,
                "starts": 0,
                "members": [
                    {
                        "sub": maya.sub,
                        "sync_status": "active",
                        "starts": 0,
                        "taken_by": [{"reason": "busy", "starts": 8, "offered_without": 8}],
                    }
                ],
            }
        ],
    }


def test_a_buffer_takes_what_busy_time_alone_would_leave(center: Center) -> None:
    maya = center.person("maya")
    maya.event("morning", at(0), at(3))
    maya.event("afternoon", at(5), at(8))
    hour = {"minutes": 60}
    explanation = explained(center, asked(center, maya, query={"buffer": {"before": hour, "after": hour}}))
    # Hours 3 and 4 are free but touch an event.
    assert taken(explanation) == [[("busy", 6, 8), ("buffer", 2, 2)]]


def test_own_periods_are_told_by_name(center: Center) -> None:
    maya = center.person("maya")
    maya.event("morning", at(0), at(2))
    explanation = explained(center, asked(center, maya, available_periods=[period(0, 2.5)]))
    assert taken(explanation) == [[("busy", 2, 2), ("available_periods", 6, 6)]]
    explanation = explained(center, asked(center, maya, available_periods=[]))
    assert taken(explanation) == [[("busy", 2, 0), ("available_periods", 8, 6)]]


def test_managed_availability_names_what_each_rule_does_not_allow(center: Center) -> None:
    maya = center.person("maya")
    for name, start_time, end_time in (("early", "10:00", "12:00"), ("late", "14:00", "15:00")):
        weekly = [{"day": "friday", "start_time": start_time, "end_time": end_time}]
        assert write(maya, availability_rule_id=name, tzid="Etc/UTC", weekly_periods=weekly).status_code == 200
    maya.event("all of them", at(1), at(6))
    explanation = explained(center, asked(center, maya, managed_availability=True))
    # The rules allow hours 1, 2 and 5; the event leaves 0, 6 and 7.
    assert taken(explanation) == [[("busy", 5, 3), ("managed_availability", 5, 3)]]
    (member,) = explanation["participants"][0]["members"]
    assert member["taken_by"][1]["availability_rules"] == [
        {"availability_rule_id": "early", "starts": 6},
        {"availability_rule_id": "late", "starts": 7},
    ]
    explanation = explained(center, asked(center, maya, managed_availability=True, availability_rule_ids=["late"]))
    assert taken(explanation) == [[("busy", 5, 1), ("managed_availability", 7, 3)]]
    nothing = explained(center, asked(center, maya, managed_availability=True, availability_rule_ids=[]))
    assert taken(nothing) == [[("busy", 5, 0), ("managed_availability", 8, 3)]]
    assert all("availability_rules" not in each for each in nothing["participants"][0]["members"][0]["taken_by"])


def test_a_member_with_rules_of_different_calendars_is_told_once_for_each_choice(center: Center) -> None:
    maya = center.person("maya")
    second = second_calendar(center, maya)
    for name, calendar_id in (("own", maya.calendar_id), ("second", second)):
        weekly = [{"day": "friday", "start_time": "10:00", "end_time": "12:00"}]
        write(maya, availability_rule_id=name, tzid="Etc/UTC", weekly_periods=weekly, calendar_ids=[calendar_id])
    maya.event("all", at(0), at(8))
    body = {"event_id": "other", "summary": "Other", "start": wire(1), "end": wire(4)}
    assert center.http.post(f"/v1/calendars/{second}/events", json=body, headers=maya.key).status_code == 202
    explanation = explained(center, asked(center, maya, managed_availability=True))
    assert explanation["participants"][0]["required"] == 1
    assert [member["sub"] for member in explanation["participants"][0]["members"]] == [maya.sub] * 3
    assert taken(explanation) == [
        [("busy", 8, 2), ("managed_availability", 6, 0)],
        [("busy", 3, 2), ("managed_availability", 6, 5)],
        [("busy", 8, 2), ("managed_availability", 6, 0)],
    ]


def test_each_quota_is_told_by_its_place(center: Center) -> None:
    maya = center.person("maya")
    maya.event("a", at(0), at(1), tags={"private": [{"value": "interview"}]})
    constraints: list[Json] = [
        {"period": "day", "limit": 2},
        {"period": "week", "limit": 1, "tags": {"private": [{"value": "interview"}]}},
        {"period": "day", "limit": 1, "tzid": "America/Chicago"},
    ]
    explanation = explained(center, asked(center, maya, availability_constraints=constraints))
    assert taken(explanation) == [
        [("busy", 1, 0), ("availability_constraints[1]", 8, 0), ("availability_constraints[2]", 8, 0)]
    ]
    explanation = explained(center, asked(center, maya, availability_constraints=constraints[:2]))
    assert taken(explanation) == [[("busy", 1, 0), ("availability_constraints[1]", 8, 7)]]


def test_calendars_that_cannot_be_read_are_told_and_are_not_called_busy(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    change(center, "UPDATE profiles SET connected = 0 WHERE sub = ?", maya.sub)
    change(center, "UPDATE profiles SET initial_sync_required = 1 WHERE sub = ?", jonas.sub)
    jonas.event("busy", at(0), at(3))
    explanation = explained(center, asked(center, maya, jonas))
    members = explanation["participants"][0]["members"]
    assert [member["sync_status"] for member in members] == ["disconnected", "pending"]
    assert taken(explanation) == [[("unreadable", 8, 0)], [("unreadable", 8, 0)]]
    assert taken(explained(center, asked(center, maya))) == [[("unreadable", 8, 8)]]


def test_groups_are_counted_one_by_one(center: Center) -> None:
    maya, jonas, ada = (center.person(name) for name in ("maya", "jonas", "ada"))
    maya.event("morning", at(0), at(5))
    jonas.event("afternoon", at(4), at(8))
    ada.event("all", at(0), at(8))
    participants = [group(maya), group(jonas, ada, required=1)]
    explanation = explained(center, center.query(participants=participants, **HOURLY))
    assert [(found["required"], found["starts"]) for found in explanation["participants"]] == [(1, 3), (1, 4)]
    assert [member["starts"] for found in explanation["participants"] for member in found["members"]] == [3, 4, 0]
    assert taken(explanation) == [[("busy", 5, 4)], [("busy", 4, 3)], [("busy", 8, 3)]]
    two_of_three = explained(center, center.query(participants=[group(maya, jonas, ada, required=3)], **HOURLY))
    assert two_of_three["participants"][0]["required"] == 3
    assert taken(two_of_three) == [[("busy", 5, 0)], [("busy", 4, 0)], [("busy", 8, 0)]], "no one is the only reason"


def test_starts_are_told_of_each_joined_period(center: Center) -> None:
    maya = center.person("maya")
    maya.event("all", at(0), at(8))
    query = {"query_periods": [period(5, 8), period(0, 1), period(1, 2.5)]}
    explanation = explained(center, asked(center, maya, query=query))
    assert explanation["starts"] == 5
    assert explanation["query_periods"] == [{**period(0, 2.5), "starts": 2}, {**period(5, 8), "starts": 3}]
    quarters = {"start_interval": None, **query}
    assert explained(center, center.query(participants=[group(maya)], **quarters))["starts"] == 7 + 9


def test_a_period_shorter_than_the_meeting_has_no_starts(center: Center) -> None:
    maya = center.person("maya")
    explanation = explained(center, asked(center, maya, query={"query_periods": [period(0, 0.75)]}))
    assert (explanation["starts"], explanation["offered"]) == (0, 0)
    assert explanation["query_periods"] == [{**period(0, 0.75), "starts": 0}]
    assert taken(explanation) == [[]]


def test_slots_that_were_asked_about_are_counted_once_each(center: Center) -> None:
    maya = center.person("maya")
    maya.event("busy", at(0), at(3))
    slots = [{"start": wire(hour)} for hour in (2.5, 0.1, 1, 2.5)]
    query = center.query(participants=[group(maya)], query_periods=None, query_slots=slots)
    explanation = explained(center, query)
    assert (explanation["starts"], explanation["query_periods"]) == (3, [])
    assert taken(explanation) == [[("busy", 3, 3)]]
