"""Who is free: formats, groups, periods and slots, asked of the API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.asking import at, faults, other_application, period, seconds, wire
from tests.center import START, Center, Json, Person

PATH = "/v1/availability"


def ask(center: Center, query: Json) -> Json:
    answer = center.http.post(PATH, json=query, headers=center.key)
    assert answer.status_code == 200, answer.text
    return answer.json()


def starts(center: Center, query: Json) -> list[float]:
    """The starts of an answer, in hours from tomorrow 9:00."""
    (listed,) = ask(center, query).values()
    return [(seconds(each["start"]) - at(0)) / 3600 for each in listed]


def periods(center: Center, query: Json) -> list[tuple[float, float, list[str]]]:
    return [
        (
            (seconds(each["start"]) - at(0)) / 3600,
            (seconds(each["end"]) - at(0)) / 3600,
            [participant["sub"] for participant in each["participants"]],
        )
        for each in ask(center, query)["available_periods"]
    ]


def group(*people: Person, required: Any = "all", **members: Any) -> Json:
    return {"members": [{"sub": person.sub, **members} for person in people], "required": required}


def test_each_format_answers_under_its_own_key_also_when_nobody_is_free(center: Center) -> None:
    maya = center.person("maya")
    for busy in (False, True):
        if busy:
            maya.event("all", at(-1), at(9))
        for kind, key in (
            (None, "available_periods"),
            ("periods", "available_periods"),
            ("slots", "available_slots"),
            ("overlapping_slots", "available_slots"),
        ):
            answer = ask(center, center.query(maya, response_format=kind))
            assert list(answer) == [key]
            assert bool(answer[key]) is not busy


def test_an_answer_is_in_utc_without_fractions_and_names_the_people(center: Center) -> None:
    maya = center.person("maya")
    query = center.query(maya, query_periods=[period(0, 2)])
    assert ask(center, query) == {
        "available_periods": [{"start": wire(0), "end": wire(2), "participants": [{"sub": maya.sub}]}]
    }
    query |= {"response_format": "slots"}
    participants = [{"sub": maya.sub}]
    assert ask(center, query) == {
        "available_slots": [
            {"start": wire(0), "end": wire(1), "participants": participants},
            {"start": wire(1), "end": wire(2), "participants": participants},
        ]
    }


def test_slots_do_not_overlap_and_overlapping_slots_do(center: Center) -> None:
    maya = center.person("maya")
    maya.event("busy", at(2), at(2.5))
    query = center.query(maya, query_periods=[period(0, 5)])
    assert starts(center, query | {"response_format": "slots"}) == [0, 1, 2.5, 3.5]
    overlapping = starts(center, query | {"response_format": "overlapping_slots"})
    assert overlapping == [0, 0.25, 0.5, 0.75, 1, 2.5, 2.75, 3, 3.25, 3.5, 3.75, 4]


def test_periods_are_what_is_left_between_events(center: Center) -> None:
    maya = center.person("maya")
    maya.event("a", at(1), at(2))
    maya.event("short gap", at(2.5), at(3))
    maya.event("b", at(5), at(6))
    assert periods(center, center.query(maya)) == [
        (0, 1, [maya.sub]),
        (3, 5, [maya.sub]),
        (6, 8, [maya.sub]),
    ]


def test_all_members_of_all_groups_must_be_free(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    maya.event("a", at(0), at(2))
    jonas.event("b", at(6), at(8))
    for participants in ([group(maya, jonas)], [group(maya), group(jonas)], [group(maya, jonas, required=2)]):
        assert periods(center, center.query(participants=participants)) == [(2, 6, [maya.sub, jonas.sub])]


def test_n_of_a_group_are_enough_and_everybody_free_is_listed(center: Center) -> None:
    rooms = [center.person(f"room {n}") for n in range(3)]
    for n, room in enumerate(rooms):
        room.event("busy", at(2 * n), at(2 * n + 2))
    subs = [room.sub for room in rooms]
    one = center.query(participants=[group(*rooms, required=1)], query_periods=[period(0, 6)])
    # Starts are cut wherever the set of people who can attend the whole meeting changes; here between two seconds.
    second = 1 / 3600
    found = periods(center, one)
    assert [listed for _, _, listed in found] == [
        [subs[1], subs[2]],
        [subs[2]],
        [subs[0], subs[2]],
        [subs[0]],
        [subs[0], subs[1]],
    ]
    cut = [(0, 2), (1 + second, 3 - second), (2, 4), (3 + second, 5 - second), (4, 6)]
    assert [(start, end) for start, end, _ in found] == [pytest.approx(pair) for pair in cut]
    slots = ask(center, one | {"response_format": "slots"})["available_slots"]
    assert [[person["sub"] for person in slot["participants"]] for slot in slots] == [
        [subs[1], subs[2]],
        [subs[1], subs[2]],
        [subs[0], subs[2]],
        [subs[0], subs[2]],
        [subs[0], subs[1]],
        [subs[0], subs[1]],
    ]
    two = center.query(participants=[group(*rooms, required=2)], query_periods=[period(0, 6)], response_format="slots")
    assert starts(center, two) == [0, 1, 2, 3, 4, 5]
    three = center.query(participants=[group(*rooms, required=3)], query_periods=[period(0, 6)])
    assert periods(center, three) == []


def test_groups_are_joined_and_each_person_is_listed_once(center: Center) -> None:
    maya, jonas, room = (center.person(name) for name in ("maya", "jonas", "room"))
    participants = [group(room, maya, required=1), group(maya, jonas)]
    ((_, _, listed),) = periods(center, center.query(participants=participants))
    assert listed == [room.sub, maya.sub, jonas.sub]


def test_a_buffer_is_free_time_around_the_meeting(center: Center) -> None:
    maya = center.person("maya")
    maya.event("busy", at(3), at(4))
    for buffer, expected in (
        ({}, [(0, 3), (4, 8)]),
        ({"before": {"minutes": 30}}, [(0, 3), (4.5, 8)]),
        ({"after": {"minutes": 30}}, [(0, 2.5), (4, 8)]),
        ({"before": {"minimum": {"minutes": 60}}, "after": {"hours": 1}}, [(0, 2), (5, 8)]),
        ({"before": {}, "after": {}}, [(0, 3), (4, 8)]),
        ({"before": {"minutes": 0}}, [(0, 3), (4, 8)]),
    ):
        found = periods(center, center.query(maya, buffer=buffer))
        assert [each[:2] for each in found] == expected, buffer


def test_a_buffer_reaches_out_of_the_query_but_needs_only_calendars_to_be_free_there(center: Center) -> None:
    maya = center.person("maya")
    query = center.query(maya, buffer={"before": {"minutes": 30}, "after": {"minutes": 30}})
    assert [each[:2] for each in periods(center, query)] == [(0, 8)]
    maya.event("just before", at(-1), at(-0.25))
    maya.event("just after", at(8.25), at(9))
    assert [each[:2] for each in periods(center, query)] == [(0.25, 7.75)]


def test_a_members_buffer_replaces_the_querys(center: Center) -> None:
    maya = center.person("maya")
    maya.event("busy", at(3), at(4))
    hour = {"minutes": 60}
    for own, expected in (
        ({"before": {"minutes": 30}, "after": {"minutes": 15}}, [(0, 2.75), (4.5, 8)]),
        ({"before": {"minutes": 30}}, [(0, 3), (4.5, 8)]),
        ({}, [(0, 3), (4, 8)]),
        (None, [(0, 2), (5, 8)]),
    ):
        query = center.query(participants=[group(maya, buffer=own)], buffer={"before": hour, "after": hour})
        assert [each[:2] for each in periods(center, query)] == expected, own


def test_a_members_own_periods_narrow_the_query(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    for own, expected in (
        ([period(1, 3), period(5, 6)], [(1, 3), (5, 6)]),
        ([period(-5, 2)], [(0, 2)]),
        ([period(20, 30)], []),
        ([], []),
    ):
        query = center.query(participants=[group(jonas), group(maya, available_periods=own)])
        assert [each[:2] for each in periods(center, query)] == expected, own


def test_touching_periods_join_and_a_meeting_may_span_the_joint(center: Center) -> None:
    maya = center.person("maya")
    query = center.query(maya, query_periods=[period(1, 1.5), period(0.5, 1), period(4, 5), period(4.5, 6)])
    assert [each[:2] for each in periods(center, query)] == [(0.5, 1.5), (4, 6)]


def test_query_slots_are_answered_one_by_one(center: Center) -> None:
    maya = center.person("maya")
    maya.event("busy", at(2), at(3))
    asked = [{"start": wire(hour)} for hour in (5.01, 0, 1.5, 1, 3, 0.5)]
    query = center.query(maya, query_periods=None, query_slots=asked)
    for kind in ("slots", "overlapping_slots"):
        assert sorted(starts(center, query | {"response_format": kind})) == [0, 0.5, 1, 3, 5.01]


def test_starts_lie_on_the_interval(center: Center) -> None:
    maya = center.person("maya")
    odd = [{"start": "2027-03-05T09:07:00Z", "end": "2027-03-05T11:00:00Z"}]
    for minutes, expected in ((15, [0.25, 0.5, 0.75, 1]), (30, [0.5, 1]), (60, [1])):
        query = center.query(
            maya, query_periods=odd, start_interval={"minutes": minutes}, response_format="overlapping_slots"
        )
        assert starts(center, query) == expected, minutes
    query = center.query(maya, query_periods=odd, start_interval={"minutes": 30})
    assert [each[:2] for each in periods(center, query)] == [(0.5, 2)]


def test_no_more_than_asked_for_are_answered(center: Center) -> None:
    maya = center.person("maya")
    maya.event("busy", at(3), at(4))
    for kind in ("periods", "slots", "overlapping_slots"):
        query = center.query(maya, response_format=kind)
        everything = starts(center, query)
        for most in (1, 2, 512):
            assert starts(center, query | {"max_results": most}) == everything[:most]


def test_the_past_may_be_asked_about(center: Center) -> None:
    maya = center.person("maya")
    maya.event("was", at(-100), at(-99))
    found = periods(center, center.query(maya, query_periods=[period(-101, -98)]))
    assert [each[:2] for each in found] == [(-101, -100), (-99, -98)]


def test_an_api_key_and_an_access_token_get_the_same_answer(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    query = center.query(maya, jonas)
    by_key = center.http.post(PATH, json=query, headers=center.key)
    by_token = center.http.post(PATH, json=query, headers=maya.key)
    assert by_key.status_code == 200
    assert by_key.content == by_token.content


def test_foreign_people_and_calendars_are_not_recognized_whoever_asks(center: Center) -> None:
    maya = center.person("maya")
    (_, secret), stranger = other_application(center)
    query = center.query(maya)
    query["participants"] = [{"members": [{"sub": stranger.sub}, {"sub": maya.sub, "calendar_ids": ["cal_x"]}]}]
    for key in (center.key, maya.key):
        assert faults(center.http.post(PATH, json=query, headers=key)) == {
            "participants[0].members[0].sub": ["errors.not_recognized"],
            "participants[0].members[1].calendar_ids[0]": ["errors.not_recognized"],
        }
    for key in ({"Authorization": f"Bearer {secret}"}, stranger.key):
        refused = faults(center.http.post(PATH, json=center.query(maya), headers=key))
        assert refused == {"participants[0].members[0].sub": ["errors.not_recognized"]}


def test_wrong_members_are_named_without_a_prefix(center: Center) -> None:
    maya = center.person("maya")
    body = center.query(maya, query_slots=[{"start": "x"}], response_format="weekly", include_member_statuses=1)
    body |= {"participants": [], "max_results": 0}
    assert faults(center.http.post(PATH, json=body, headers=center.key)) == {
        "participants": ["errors.required"],
        "query_slots": ["errors.mutually_exclusive"],
        "query_slots[0].start": ["errors.invalid_format"],
        "response_format": ["errors.not_recognized"],
        "max_results": ["errors.invalid_format"],
        "include_member_statuses": ["errors.must_be_boolean"],
    }


def test_asking_changes_no_answer_and_books_nothing(center: Center) -> None:
    maya = center.person("maya")
    query = center.query(maya)
    assert ask(center, query) == ask(center, query)
    assert maya.events() == []
    assert center.clock.now == START
