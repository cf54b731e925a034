"""pycronofy, unmodified, asks for managed and for sequenced availability of `slotlink serve`."""

from __future__ import annotations

from typing import Any

import pytest
from pycronofy.exceptions import PyCronofyRequestError

from tests.sdk.site import Json, Site, at, moment
from tests.sdk.test_pycronofy import Person, pointed_here, refused

__all__ = ["pointed_here"]  # a fixture that every test here uses

DAY = moment(3).strftime("%A").lower()


def window(first: int = 9, last: int = 13) -> list[Json]:
    """A fresh one for each call: the client writes times into what it is given."""
    return [{"start": moment(3, first), "end": moment(3, last)}]


def keep_rule(person: Person, name: str, start_time: str, end_time: str, **more: Any) -> None:
    weekly = [{"day": DAY, "start_time": start_time, "end_time": end_time}]
    rule = {"availability_rule_id": name, "tzid": "Etc/UTC", "weekly_periods": weekly, **more}
    assert person.client.upsert_availability_rule(rule) == rule


def free(asking: Person, *members: Any, **query: Any) -> list[tuple[str, str]]:
    found = asking.client.availability(
        participants=[{"members": list(members)}], required_duration=60, available_periods=window(), **query
    )
    return [(period["start"], period["end"]) for period in found]


def test_managed_members_are_free_in_their_stored_hours_only(site: Site) -> None:
    maya, jonas = Person(site, "managed-maya"), Person(site, "managed-jonas")
    managed = {"sub": maya.sub, "managed_availability": True}
    assert free(jonas, managed, jonas.sub) == [(at(3, 9), at(3, 13))], "nothing is stored yet"
    keep_rule(maya, "early", "09:00", "11:00")
    keep_rule(maya, "late", "12:00", "24:00", calendar_ids=[maya.calendar_id])
    assert free(jonas, managed, jonas.sub) == [(at(3, 9), at(3, 11)), (at(3, 12), at(3, 13))]
    assert free(jonas, {**managed, "availability_rule_ids": ["late"]}) == [(at(3, 12), at(3, 13))]
    assert free(jonas, {**managed, "available_periods": window(10, 12)}) == [(at(3, 10), at(3, 11))]
    assert free(jonas, maya.sub) == [(at(3, 9), at(3, 13))], "who is only named is not managed"
    maya.client.delete_availability_rule("early")
    assert free(jonas, managed) == [(at(3, 12), at(3, 13))]


def test_quotas_pass_through_the_client(site: Site) -> None:
    maya = Person(site, "quota-maya")
    limited = {"sub": maya.sub, "availability_constraints": [{"period": "day", "limit": 1}]}
    assert free(maya, limited) == [(at(3, 9), at(3, 13))]
    maya.event("one", moment(3, 20), moment(3, 21))
    assert free(maya, limited) == []
    assert free(maya, maya.sub) == [(at(3, 9), at(3, 13))]


def test_an_unknown_rule_is_a_422(site: Site) -> None:
    maya = Person(site, "unknown-rule-maya")
    member = {"sub": maya.sub, "managed_availability": True, "availability_rule_ids": ["none"]}
    with pytest.raises(PyCronofyRequestError) as excinfo:
        free(maya, member)
    errors = refused(excinfo, 422).json()["errors"]
    assert list(errors) == ["participants[0].members[0].availability_rule_ids[0]"]


def test_a_sequence_is_answered_step_by_step(site: Site) -> None:
    maya, jonas = Person(site, "sequence-maya"), Person(site, "sequence-jonas")
    maya.event("busy", moment(3, 9), moment(3, 10))
    steps: list[Json] = [
        {
            "sequence_id": "second",
            "ordinal": 2,
            "participants": {"members": [jonas.sub]},
            "required_duration": 30,
            "start_interval": 30,
            "available_periods": window(9, 12),
        },
        {
            "sequence_id": "first",
            "ordinal": 1,
            "participants": [{"members": [maya.sub, jonas.sub], "required": "all"}],
            "required_duration": {"minutes": 60},
            "start_interval": 60,
            "buffer": {"after": {"minimum": 15, "maximum": {"minutes": 45}}, "before": 0},
            "event": {"event_id": "first", "summary": "First interview"},
        },
    ]
    both = [{"sub": maya.sub}, {"sub": jonas.sub}]
    assert maya.client.sequenced_availability(sequence=steps, available_periods=window()) == [
        {
            "sequence": [
                {"sequence_id": "first", "start": at(3, 10), "end": at(3, 11), "participants": both},
                {"sequence_id": "second", "start": at(3, 11, 30), "end": at(3, 12), "participants": both[1:]},
            ]
        }
    ]
    for step in steps:
        step["available_periods"] = window(14, 15)
    assert maya.client.sequenced_availability(sequence=steps, available_periods=window()) == []


def test_a_sequence_without_ordinals_may_be_held_in_any_order(site: Site) -> None:
    maya = Person(site, "any-order-maya")
    found = maya.client.sequenced_availability(
        sequence=[
            {
                "sequence_id": name,
                "participants": {"members": [maya.sub]},
                "required_duration": 60,
                "start_interval": 60,
            }
            for name in ("a", "b")
        ],
        available_periods=window(9, 11),
    )
    orders = [[step["sequence_id"] for step in way["sequence"]] for way in found]
    assert sorted(orders) == [["a", "b"], ["b", "a"]]


def test_a_wrong_sequence_is_a_422_with_every_path(site: Site) -> None:
    maya = Person(site, "wrong-sequence-maya")
    steps = [
        {"sequence_id": "a", "participants": {"members": ["apc_000000000000000000000000"]}, "required_duration": 0},
        {"sequence_id": "a", "participants": {"members": [maya.sub]}, "required_duration": 60, "ordinal": 0},
    ]
    with pytest.raises(PyCronofyRequestError) as excinfo:
        maya.client.sequenced_availability(sequence=steps, available_periods=window())
    assert set(refused(excinfo, 422).json()["errors"]) == {
        "sequence[0].required_duration",
        "sequence[1].sequence_id",
        "sequence[1].ordinal",
    }
