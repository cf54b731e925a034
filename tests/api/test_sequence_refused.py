"""Sequences as each client words them, those that are refused with every fault at once, and those too large to run."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.asking import dump, faults, other_application, period
from tests.api.test_sequenced_availability import HALF_M, HOUR_M, found, gap, post, step
from tests.center import Center, Json, Person
from tests.contract.test_openapi import fits, schema_of

PATH = "/v1/sequenced_availability"


@pytest.fixture
def maya(center: Center) -> Person:
    return center.person("maya")


# As clients word them


def test_the_python_clients_body_is_understood(center: Center, maya: Person) -> None:
    item: Json = {
        "participants": [{"members": [{"sub": maya.sub}], "required": "all"}],
        "required_duration": HOUR_M,
        "start_interval": None,
        "buffer": {},
    }
    body = {
        "sequence": [
            {**item, "sequence_id": "A", "ordinal": 1, "event": {"summary": "First"}},
            {**item, "sequence_id": "B", "ordinal": 2, "available_periods": [period(1, 2)], "start_interval": HOUR_M},
        ],
        "available_periods": [period(0, 2)],
    }
    answer = center.http.post(PATH, json=body, headers=maya.key)
    assert [[each["sequence_id"] for each in way["sequence"]] for way in answer.json()["sequences"]] == [["A", "B"]]


def test_the_c_sharp_clients_body_is_understood(center: Center, maya: Person) -> None:
    edge = {"minimum": {"minutes": 0}}
    item: Json = {
        "participants": [{"members": [{"sub": maya.sub, "managed_availability": False, "availability_rule_ids": []}]}],
        "required_duration": HOUR_M,
        "start_interval": HOUR_M,
        "buffer": {"before": edge, "after": edge},
        "available_periods": [],
    }
    body = {
        "sequence": [{**item, "sequence_id": "A", "ordinal": 1}, {**item, "sequence_id": "B", "ordinal": 2}],
        "available_periods": [{"start": "2027-03-05 09:00:00Z", "end": "2027-03-05 11:00:00Z"}],
    }
    answer = center.http.post(PATH, json=body, headers=maya.key)
    assert [[each["sequence_id"] for each in way["sequence"]] for way in answer.json()["sequences"]] == [["A", "B"]]


def test_the_ruby_clients_body_is_understood(center: Center, maya: Person) -> None:
    item: Json = {"participants": [{"members": [{"sub": maya.sub}], "required": "all"}], "required_duration": HOUR_M}
    buffer = {"before": {"minimum": HALF_M, "maximum": {"minutes": 45}}, "after": {"minimum": {"minutes": 45}}}
    body = {
        "sequence": [
            {**item, "sequence_id": 1234, "ordinal": 1, "start_interval": HALF_M, "buffer": buffer},
            {**item, "sequence_id": 1235, "ordinal": 2},
        ],
        "query_periods": [period(0, 3)],
    }
    answer = center.http.post(PATH, json=body, headers=center.key)
    ways = [[each["sequence_id"] for each in way["sequence"]] for way in answer.json()["sequences"]]
    assert ways and all(way == [1234, 1235] for way in ways)


def test_answers_fit_the_document(center: Center, maya: Person) -> None:
    schema = schema_of(center.http.get("/openapi.json").json(), "POST", PATH)
    for steps in ((step("A", maya), step(2, maya)), (step("A", maya, query_periods=[period(9, 10)]),)):
        answer = post(center, *steps)
        assert answer.status_code == 200
        assert fits(schema, answer.json()) == []


# Refused


def test_what_is_missing_is_said_at_once(center: Center) -> None:
    for body in ({}, {"sequence": None, "query_periods": None}):
        refused = faults(center.http.post(PATH, json=body, headers=center.key))
        assert refused == {"sequence": ["errors.required"], "query_periods": ["errors.required"]}
    for sequence, path in (([], "sequence"), ({}, "sequence"), ("x", "sequence"), ([7], "sequence[0]")):
        refused = faults(center.http.post(PATH, json={"sequence": sequence}, headers=center.key))
        assert set(refused) == {path, "query_periods"}, sequence
    assert faults(post(center, {})) == {
        f"sequence[0].{name}": ["errors.required"] for name in ("sequence_id", "participants", "required_duration")
    }


def test_every_wrong_member_is_in_one_answer(center: Center, maya: Person) -> None:
    before = dump(center)
    wrong = [
        step("A", maya, ordinal=0, minutes=0, start_interval={"minutes": 7}, buffer={"before": {"minimum": -1}}),
        step("A", ordinal=True, participants=[], **gap(after={"minimum": 30, "maximum": 29})),
        step(1.5, maya, ordinal="1", query_periods=[period(2, 1)], buffer={"after": {"minutes": 1441}}),
        step("x" * 65, maya, ordinal=2**31, query_periods=[period(0, 1)], available_periods=[period(0, 1)]),
        step("", participants=[{"members": [{}, {"sub": 7}], "required": 3}], minutes=1441),
        step(True, maya, participants=[{"members": [{"sub": maya.sub, "buffer": 5, "calendar_ids": []}]}]),
    ]
    answer = post(center, *wrong, query_periods=[period(0, 0)], available_periods=[period(0, 1)], max_results=513)
    invalid, zero = ["errors.invalid_format"], ["errors.must_be_integer_greater_than_zero"]
    assert faults(answer) == {
        "sequence[0].ordinal": zero,
        "sequence[0].required_duration": invalid,
        "sequence[0].start_interval": invalid,
        "sequence[0].buffer.before": invalid,
        "sequence[1].sequence_id": invalid,
        "sequence[1].ordinal": invalid,
        "sequence[1].participants": ["errors.required"],
        "sequence[1].buffer.after": invalid,
        "sequence[2].sequence_id": invalid,
        "sequence[2].ordinal": invalid,
        "sequence[2].query_periods[0].end": ["errors.invalid_time_pair"],
        "sequence[2].buffer.after": invalid,
        "sequence[3].sequence_id": invalid,
        "sequence[3].ordinal": invalid,
        "sequence[3].available_periods": ["errors.mutually_exclusive"],
        "sequence[4].sequence_id": invalid,
        "sequence[4].required_duration": invalid,
        "sequence[4].participants[0].members[0].sub": ["errors.required"],
        "sequence[4].participants[0].members[1].sub": invalid,
        "sequence[4].participants[0].required": invalid,
        "sequence[5].sequence_id": invalid,
        "sequence[5].participants[0].members[0].buffer": invalid,
        "sequence[5].participants[0].members[0].calendar_ids": ["errors.required"],
        "query_periods[0].end": ["errors.invalid_time_pair"],
        "available_periods": ["errors.mutually_exclusive"],
        "max_results": invalid,
    }
    assert dump(center) == before


def test_the_unknown_is_told_by_its_step(center: Center, maya: Person) -> None:
    _, stranger = other_application(center)
    wrong = {"sub": maya.sub, "calendar_ids": [stranger.calendar_id]}
    ruled = {"sub": maya.sub, "managed_availability": True, "availability_rule_ids": ["none"]}
    steps = (
        step("A", maya),
        step("B", participants=[{"members": [{"sub": maya.sub}]}, {"members": [{"sub": stranger.sub}, wrong]}]),
        step("C", participants=[{"members": [ruled]}]),
    )
    for key in (center.key, maya.key):
        assert faults(post(center, *steps, key=key)) == {
            "sequence[1].participants[1].members[0].sub": ["errors.not_recognized"],
            "sequence[1].participants[1].members[1].calendar_ids[0]": ["errors.not_recognized"],
            "sequence[2].participants[0].members[0].availability_rule_ids[0]": ["errors.not_recognized"],
        }
    nowhere = [period(9, 10)]
    refused = faults(post(center, step("A", stranger, query_periods=nowhere)))
    assert list(refused) == ["sequence[0].participants[0].members[0].sub"], "also of a step that can lie nowhere"


def test_an_id_is_given_once(center: Center, maya: Person) -> None:
    steps = [step(each, maya) for each in ("A", 1, "B", "A", 1, "1")]
    assert faults(post(center, *steps, end=9)) == {
        f"sequence[{number}].sequence_id": ["errors.invalid_format"] for number in (3, 4)
    }


# Too large


def test_a_sequence_has_no_more_steps_than_the_setting_allows(tmp_path: Any) -> None:
    with Center(tmp_path, SLOTLINK_LIMIT_SEQUENCE_STEPS="3") as center:
        maya = center.person("maya")
        steps = [step(number, maya, ordinal=number) for number in range(1, 5)]
        assert found(center, *steps[:3], end=3) == ["10 21 32"]
        assert faults(post(center, *steps, end=4)) == {"sequence": ["errors.too_many"]}
        schema = center.http.get("/openapi.json").json()["components"]["schemas"]["SequenceRequest"]
        assert schema["properties"]["sequence"]["maxItems"] == 3


def test_work_is_limited_by_the_orders_of_steps_and_refused_before_anything_is_read(tmp_path: Any) -> None:
    with Center(tmp_path, SLOTLINK_LIMIT_WORK="2000") as center:
        maya = center.person("maya")
        ordered = [step(number, maya, ordinal=number) for number in range(1, 6)]
        free = [{name: value for name, value in each.items() if name != "ordinal"} for each in ordered]
        assert found(center, *ordered, end=5) == ["10 21 32 43 54"]
        assert len(found(center, *free[:3], end=5)) == 60
        assert faults(post(center, *free, end=5)) == {"sequence": ["errors.too_many"]}
        reason = post(center, *free, end=5).json()["errors"]["sequence"][0]["description"]
        assert "2,000" in reason and "orders" in reason
        assert faults(post(center, *ordered, end=500)) == {"sequence": ["errors.too_many"]}
        unknown = [{**each, "participants": [{"members": [{"sub": "acc_unknown"}]}]} for each in free]
        assert faults(post(center, *unknown, end=5)) == {"sequence": ["errors.too_many"]}, "nobody was looked up"


@pytest.mark.parametrize("narrow", [0, 4])
def test_what_one_step_leaves_out_is_work_for_the_others_and_so_is_the_time_between_periods(
    center: Center, maya: Person, narrow: int
) -> None:
    """Steps of 7 minutes at odd seconds, half a year apart: a place for every second, in each of 120 orders."""
    odd: Json = {"start": "2027-03-05T09:00:01Z", "end": "2027-03-05T09:30:00Z"}
    far: Json = {"start": "2027-09-05T09:00:02Z", "end": "2027-09-05T09:30:00Z"}
    steps = [step(number, maya, minutes=7, start_interval=None) for number in range(5)]
    whole = [{"start": odd["start"], "end": far["end"]}]
    steps[narrow] |= {"query_periods": [odd]}
    for periods in ([odd, far], whole):
        assert faults(post(center, *steps, query_periods=periods)) == {"sequence": ["errors.too_many"]}
