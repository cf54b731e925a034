"""Sequenced availability: when several meetings can be held one after another, and in which order."""

from __future__ import annotations

from typing import Any

from tests.api.asking import at, change, dump, period, seconds, wire
from tests.api.test_availability import group
from tests.api.test_availability_rules import write
from tests.center import Center, Json, Person

PATH = "/v1/sequenced_availability"
HOUR_M = {"minutes": 60}
HALF_M = {"minutes": 30}


def step(sequence_id: Any, *people: Person, minutes: int = 60, **members: Any) -> Json:
    """One meeting of everybody, of an hour on the hour unless told otherwise."""
    made = {
        "sequence_id": sequence_id,
        "participants": [group(*people)],
        "required_duration": {"minutes": minutes},
        "start_interval": HOUR_M,
        **members,
    }
    return {name: value for name, value in made.items() if value is not None}


def gap(before: Json | None = None, after: Json | None = None) -> Json:
    """The member `buffer` of a step, with minimum and maximum in minutes."""
    edges = {"before": before, "after": after}
    return {
        "buffer": {
            name: {bound: {"minutes": minutes} for bound, minutes in edge.items()}
            for name, edge in edges.items()
            if edge is not None
        }
    }


def post(center: Center, *steps: Json, start: float = 0, end: float = 3, key: Json | None = None, **query: Any) -> Any:
    body = {"sequence": list(steps), "query_periods": [period(start, end)], **query}
    members = {name: value for name, value in body.items() if value is not None}
    return center.http.post(PATH, json=members, headers=key or center.key)


def ask(center: Center, *steps: Json, **query: Any) -> list[Json]:
    answer = post(center, *steps, **query)
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == ["sequences"]
    return answer.json()["sequences"]


def found(center: Center, *steps: Json, **query: Any) -> list[str]:
    """Each sequence as `A0 B1.5`: the steps in the order of the answer, with their starts in hours."""
    return [
        " ".join(f"{each['sequence_id']}{(seconds(each['start']) - at(0)) / 3600:g}" for each in way["sequence"])
        for way in ask(center, *steps, **query)
    ]


# Order


def test_an_answer_holds_every_step_in_the_order_of_time(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    steps = (step("456", jonas, ordinal=2), step("123", maya, jonas, ordinal=1))
    assert ask(center, *steps, end=2) == [
        {
            "sequence": [
                {
                    "sequence_id": "123",
                    "start": wire(0),
                    "end": wire(1),
                    "participants": [{"sub": maya.sub}, {"sub": jonas.sub}],
                },
                {"sequence_id": "456", "start": wire(1), "end": wire(2), "participants": [{"sub": jonas.sub}]},
            ]
        }
    ]


def test_steps_follow_their_ordinals_and_none_begins_before_the_last_has_ended(center: Center) -> None:
    maya = center.person("maya")
    steps = (step("C", maya, ordinal=30), step("A", maya, ordinal=1), step("B", maya, ordinal=7))
    assert found(center, *steps) == ["A0 B1 C2"]
    assert found(center, *steps, end=4) == ["A0 B1 C2", "A0 B1 C3", "A0 B2 C3", "A1 B2 C3"]
    assert found(center, *steps, end=2) == []


def test_steps_without_ordinals_or_with_equal_ones_come_in_any_order(center: Center) -> None:
    maya = center.person("maya")
    assert set(found(center, step("A", maya), step("B", maya), end=2)) == {"A0 B1", "B0 A1"}
    same = (step("C", maya, ordinal=2), step("A", maya, ordinal=1), step("B", maya, ordinal=2))
    assert set(found(center, *same)) == {"A0 B1 C2", "A0 C1 B2"}
    anywhere = (step("X", maya), step("A", maya, ordinal=1), step("B", maya, ordinal=2))
    assert set(found(center, *anywhere)) == {"X0 A1 B2", "A0 X1 B2", "A0 B1 X2"}
    assert len(found(center, step("A", maya), step("B", maya), step("C", maya))) == 6


def test_busy_people_leave_only_the_orders_that_suit_them(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    steps = (step("A", maya), step("B", jonas))
    maya.event("busy", at(0), at(1))
    jonas.event("busy", at(1), at(2))
    assert found(center, *steps, end=2) == ["B0 A1"]
    assert found(center, *steps) == ["B0 A1", "B0 A2", "A1 B2"]
    jonas.event("more", at(0), at(1))
    assert found(center, *steps, end=2) == []


# Gaps


def test_a_minimum_is_the_least_gap_to_either_neighbour_and_the_larger_counts(center: Center) -> None:
    maya = center.person("maya")
    for a, b, expected in (
        ({}, {}, ["A0 B1", "A0 B2", "A0 B3", "A1 B2", "A1 B3", "A2 B3"]),
        (gap(after={"minimum": 60}), {}, ["A0 B2", "A0 B3", "A1 B3"]),
        ({}, gap({"minimum": 60}), ["A0 B2", "A0 B3", "A1 B3"]),
        (gap(after={"minimum": 30}), gap({"minimum": 120}), ["A0 B3"]),
        (gap(after={"minimum": 61}), gap({"minimum": 15}), ["A0 B3"]),
        (gap({"minimum": 120}), gap(after={"minimum": 120}), ["A0 B1", "A0 B2", "A0 B3", "A1 B2", "A1 B3", "A2 B3"]),
    ):
        steps = (step("A", maya, ordinal=1, **a), step("B", maya, ordinal=2, **b))
        assert found(center, *steps, end=4) == expected, (a, b)


def test_a_maximum_is_the_longest_gap_to_either_neighbour_and_the_smaller_counts(center: Center) -> None:
    maya = center.person("maya")
    none = ["A0 B1", "A1 B2", "A2 B3"]
    for a, b, expected in (
        (gap(after={"maximum": 0}), {}, none),
        ({}, gap({"maximum": 59}), none),
        (gap(after={"maximum": 60}), {}, ["A0 B1", "A0 B2", "A1 B2", "A1 B3", "A2 B3"]),
        (gap(after={"maximum": 120}), gap({"maximum": 0}), none),
        (gap(after={"minimum": 60, "maximum": 60}), {}, ["A0 B2", "A1 B3"]),
        (gap(after={"minimum": 60}), gap({"maximum": 30}), []),
        (gap({"maximum": 0}), gap(after={"maximum": 0}), ["A0 B1", "A0 B2", "A0 B3", "A1 B2", "A1 B3", "A2 B3"]),
    ):
        steps = (step("A", maya, ordinal=1, **a), step("B", maya, ordinal=2, **b))
        assert found(center, *steps, end=4) == expected, (a, b)


def test_in_a_free_order_gaps_hold_between_whoever_become_neighbours(center: Center) -> None:
    maya = center.person("maya")
    steps = (step("A", maya, **gap(after={"minimum": 60})), step("B", maya))
    assert found(center, *steps) == ["B0 A1", "A0 B2", "B0 A2", "B1 A2"]


def test_the_minimum_must_be_free_of_busy_time_and_the_rest_of_the_gap_need_not(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    maya.event("between", at(1.25), at(1.75))
    jonas.event("before", at(-0.5), at(0))
    steps = [step("A", maya, ordinal=1), step("B", jonas, ordinal=2)]
    assert found(center, *steps) == ["A0 B1", "A0 B2"]
    steps[0] |= gap(after={"minimum": 15})
    assert found(center, *steps) == ["A0 B2"]
    steps[0] |= gap(after={"minimum": 16})
    assert found(center, *steps, end=5) == ["A2 B4"]
    steps[0] |= gap(after={"maximum": 60})
    assert found(center, *steps) == ["A0 B1", "A0 B2"], "a maximum is no time to be free in"
    # The first step's minimum before it has no neighbour, and is still free time.
    first = [step("B", jonas, ordinal=1, **gap({"minimum": 15})), step("A", maya, ordinal=2)]
    assert found(center, *first, end=4) == ["B1 A2", "B1 A3", "B2 A3"]


def test_a_members_own_buffer_replaces_the_free_time_but_not_the_gap(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    maya.event("right after", at(1), at(2))
    participants = [{"members": [{"sub": maya.sub, "buffer": {"after": {"minutes": 0}}}]}]
    steps = (
        step("A", maya, ordinal=1, participants=participants, **gap(after={"minimum": 30})),
        step("B", jonas, ordinal=2),
    )
    assert found(center, *steps) == ["A0 B2"]


# Periods and starts


def test_a_step_may_have_periods_of_its_own(center: Center) -> None:
    maya = center.person("maya")
    for name in ("query_periods", "available_periods"):
        for own, expected in (
            ([period(1, 3)], ["A0 B1", "A0 B2", "A1 B2"]),
            ([period(2, 9)], ["A0 B2", "A0 B3", "A1 B2", "A1 B3", "A2 B3"]),
            ([period(-5, 0.5), period(1, 2), period(3, 4)], ["A0 B1", "A0 B3", "A1 B3", "A2 B3"]),
            ([period(1, 1.5), period(1.5, 2)], ["A0 B1"]),
            ([period(5, 6)], []),
            ([period(4, 5)], []),
            ([], ["A0 B1", "A0 B2", "A0 B3", "A1 B2", "A1 B3", "A2 B3"]),
            (None, ["A0 B1", "A0 B2", "A0 B3", "A1 B2", "A1 B3", "A2 B3"]),
        ):
            steps = (step("A", maya, ordinal=1), step("B", maya, ordinal=2, **{name: own}))
            assert found(center, *steps, end=4) == expected, own


def test_each_step_starts_on_its_own_interval(center: Center) -> None:
    maya = center.person("maya")
    steps = [step("A", maya, ordinal=1), step("B", maya, minutes=30, ordinal=2, start_interval=HALF_M)]
    assert found(center, *steps, end=2.5) == ["A0 B1", "A0 B1.5", "A0 B2", "A1 B2"]
    steps[1] |= {"start_interval": None}
    assert found(center, *steps, end=1.75) == ["A0 B1", "A0 B1.25"], "a quarter of an hour, unless told"
    steps[1] |= {"required_duration": {"minutes": 10}, "start_interval": None}
    assert found(center, *steps, end=1.5) == ["A0 B1", "A0 B1.16667", "A0 B1.33333"], "or its own length if shorter"


def test_touching_periods_of_the_sequence_join_and_holes_stay(center: Center) -> None:
    maya = center.person("maya")
    steps = (step("A", maya, ordinal=1), step("B", maya, ordinal=2))
    joined = [period(0.5, 1.5), period(1.5, 3)]
    assert found(center, *steps, query_periods=joined) == ["A1 B2"]
    assert found(center, *steps, query_periods=[period(0, 1), period(5, 6)]) == ["A0 B5"]
    assert found(center, *steps, query_periods=None, available_periods=joined) == ["A1 B2"]


# Who


def test_a_step_may_have_several_groups_and_needs_only_some_of_a_group(center: Center) -> None:
    maya, jonas, ada = (center.person(name) for name in ("maya", "jonas", "ada"))
    jonas.event("first hour", at(0), at(1))
    ada.event("second hour", at(1), at(2))
    steps = (
        step("A", ordinal=1, participants=[group(maya), group(jonas, ada, required=1)]),
        step("B", ordinal=2, participants=[group(ada, jonas, maya, required=2)]),
    )
    (way,) = ask(center, *steps, end=2)
    listed = [[person["sub"] for person in each["participants"]] for each in way["sequence"]]
    assert listed == [[maya.sub, ada.sub], [jonas.sub, maya.sub]]


def test_members_are_bound_by_stored_hours_and_quotas_in_each_step_alone(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    weekly = [{"day": "friday", "start_time": "10:00", "end_time": "11:00"}]
    assert write(maya, tzid="Etc/UTC", weekly_periods=weekly).status_code == 200
    managed = [{"members": [{"sub": maya.sub, "managed_availability": True}]}]
    steps = [step("A", participants=managed), step("B", maya), step("C", jonas)]
    assert set(found(center, *steps)) == {"B0 A1 C2", "C0 A1 B2"}
    jonas.event("a", at(12), at(13))
    limited = {"sub": jonas.sub, "availability_constraints": [{"period": "day", "limit": 1}]}
    steps[2] |= {"participants": [{"members": [limited]}]}
    assert found(center, *steps) == []


def test_whoever_cannot_be_read_is_in_no_sequence(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    change(center, "UPDATE profiles SET connected = 0 WHERE sub = ?", jonas.sub)
    assert found(center, step("A", maya), step("B", jonas)) == []
    either = [group(jonas, maya, required=1)]
    assert found(center, step("A", participants=either), end=2) == ["A0", "A1"]


# Answers


def test_an_api_key_and_an_access_token_get_the_same_answer_and_nothing_is_written(center: Center) -> None:
    maya = center.person("maya")
    steps = (step("A", maya, event={"event_id": "a", "summary": "A"}), step("B", maya))
    before = dump(center)
    by_key, by_token = post(center, *steps), post(center, *steps, key=maya.key)
    assert by_key.status_code == 200 and by_key.json()["sequences"]
    assert by_key.content == by_token.content
    assert by_key.headers["content-type"] == "application/json; charset=utf-8"
    assert post(center, *steps, key={"Authorization": "Bearer nobody"}).status_code == 401
    assert dump(center) == before


def test_a_sequence_id_comes_back_as_it_was_sent(center: Center) -> None:
    maya = center.person("maya")
    for sequence_id in ("123", 123, 0, -7, 2**53 - 1, 'é "quoted" \\', "x" * 64):
        (way,) = ask(center, step(sequence_id, maya), end=1)
        echoed = way["sequence"][0]["sequence_id"]
        assert (echoed, type(echoed)) == (sequence_id, type(sequence_id))
    both = {each["sequence_id"] for each in ask(center, step("1", maya), step(1, maya), end=2)[0]["sequence"]}
    assert both == {"1", 1}, "a text and a number are not the same id"


def test_no_more_are_answered_than_asked_for_and_the_earliest_come_first(center: Center) -> None:
    maya = center.person("maya")
    steps = (step("A", maya), step("B", maya), step("C", maya))
    everything = found(center, *steps, end=6)
    assert len(everything) == 120
    assert [[float(each[1:]) for each in way.split()] for way in everything] == sorted(
        [float(each[1:]) for each in way.split()] for way in everything
    )
    for most in (1, 7, 512):
        assert found(center, *steps, end=6, max_results=most) == everything[:most]
    assert len(found(center, *steps, end=24)) == 512
