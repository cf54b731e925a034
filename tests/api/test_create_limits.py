"""The limits of a query: settings, each tried at its edge and one beyond."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.api.asking import faults, period, wire
from tests.center import Center, Json, Person

PATH = "/v1/real_time_scheduling"
SMALL = {
    "SLOTLINK_LIMIT_GROUPS": "2",
    "SLOTLINK_LIMIT_MEMBERS": "3",
    "SLOTLINK_LIMIT_QUERY_PERIODS": "4",
    "SLOTLINK_LIMIT_QUERY_SLOTS": "5",
    "SLOTLINK_LIMIT_SPAN_DAYS": "6",
    "SLOTLINK_LIMIT_RESULTS": "7",
    "SLOTLINK_LIMIT_DURATION_MINUTES": "80",
    "SLOTLINK_LIMIT_BUFFER_MINUTES": "90",
    "SLOTLINK_LIMIT_NOTICE_DAYS": "1",
    "SLOTLINK_LIMIT_BODY_BYTES": "20000",
}


@pytest.fixture
def small(tmp_path: Path) -> Generator[Center]:
    """A center with small limits."""
    with Center(tmp_path, **SMALL) as center:
        yield center


def asked(center: Center, maya: Person, **changes: Any) -> Any:
    body = center.link_request(maya, availability=center.query(maya, **changes))
    return center.http.post(PATH, json=body, headers=center.key)


def groups(maya: Person, number: int, members: int = 1) -> list[Json]:
    return [{"members": [{"sub": maya.sub}] * members}] * number


QUERY_LIMITS = {
    "groups": ("participants", lambda maya, n: {"participants": groups(maya, n)}, 2, 10, "errors.too_many"),
    "members": (
        "participants[0].members",
        lambda maya, n: {"participants": groups(maya, 1, n)},
        3,
        100,
        "errors.too_many",
    ),
    "query periods": (
        "query_periods",
        lambda maya, n: {"query_periods": [period(i, i + 1) for i in range(n)]},
        4,
        50,
        "errors.too_many",
    ),
    "query slots": (
        "query_slots",
        lambda maya, n: {"query_periods": None, "query_slots": [{"start": wire(i)} for i in range(n)]},
        5,
        100,
        "errors.too_many",
    ),
    "span": (
        "query_periods",
        lambda maya, n: {"query_periods": [period(0, 1), period(n * 24 - 1, n * 24)]},
        6,
        201,
        "errors.too_many",
    ),
    "span of slots": (
        "query_slots",
        lambda maya, n: {"query_periods": None, "query_slots": [{"start": wire(n * 24)}, {"start": wire(0)}]},
        6,
        201,
        "errors.too_many",
    ),
    "duration": (
        "required_duration",
        lambda maya, n: {"required_duration": {"minutes": n}},
        80,
        1440,
        "errors.invalid_format",
    ),
    "buffer before": (
        "buffer.before",
        lambda maya, n: {"buffer": {"before": {"minutes": n}}},
        90,
        1440,
        "errors.invalid_format",
    ),
    "buffer after": (
        "buffer.after",
        lambda maya, n: {"buffer": {"after": {"minimum": {"minutes": n}}}},
        90,
        1440,
        "errors.invalid_format",
    ),
    "a member's buffer": (
        "participants[0].members[0].buffer.before",
        lambda maya, n: {"participants": [{"members": [{"sub": maya.sub, "buffer": {"before": n}}]}]},
        90,
        1440,
        "errors.invalid_format",
    ),
}


def test_each_limit_of_a_query_is_a_setting(small: Center) -> None:
    maya = small.person("maya")
    for name, (path, changes, limit, _default, key) in QUERY_LIMITS.items():
        assert asked(small, maya, **changes(maya, limit)).status_code == 200, name
        assert faults(asked(small, maya, **changes(maya, limit + 1))) == {f"availability.{path}": [key]}, name


def test_each_limit_of_a_query_has_its_default(center: Center) -> None:
    maya = center.person("maya")
    for name, (path, changes, _limit, default, key) in QUERY_LIMITS.items():
        assert asked(center, maya, **changes(maya, default)).status_code == 200, name
        assert faults(asked(center, maya, **changes(maya, default + 1))) == {f"availability.{path}": [key]}, name


def test_availability_has_the_same_limits(small: Center) -> None:
    maya = small.person("maya")
    for name, (path, changes, limit, _default, key) in QUERY_LIMITS.items():
        for number, expected in ((limit, None), (limit + 1, {path: [key]})):
            query = small.query(maya, **changes(maya, number))
            answer = small.http.post("/v1/availability", json=query, headers=small.key)
            assert (answer.status_code == 200) if expected is None else (faults(answer) == expected), (name, number)


def test_a_duration_of_a_minute_is_the_least(center: Center) -> None:
    maya = center.person("maya")
    for duration in ({"minutes": 1}, 1, 1.0, {"hours": 24}, {"hours": 23, "minutes": 59}):
        assert asked(center, maya, required_duration=duration).status_code == 200, duration
    wrong: list[Any] = [0, -1, {"minutes": 0}, {"minutes": -30}, {"hours": 1, "minutes": 60}, {"hours": -1}]
    wrong += [{"hours": 1, "minutes": -1}, {}, "30", {"minutes": "30"}, {"minutes": 1.5}, {"minutes": True}, True]
    wrong += [{"seconds": 60}, [30], 10**18, 0.5]
    for duration in wrong:
        refused = faults(asked(center, maya, required_duration=duration))
        assert refused == {"availability.required_duration": ["errors.invalid_format"]}, duration


def test_a_start_interval_is_steps_of_five_minutes_or_whole_hours(center: Center) -> None:
    maya = center.person("maya")
    for minutes in (5, 10, 55, 60, 120, 1440):
        assert asked(center, maya, start_interval={"minutes": minutes}).status_code == 200, minutes
    for minutes in (0, -5, 1, 4, 61, 65, 90, 1441, 1500):
        refused = faults(asked(center, maya, start_interval={"minutes": minutes}))
        assert refused == {"availability.start_interval": ["errors.invalid_format"]}, minutes


def test_required_is_all_or_a_number_of_the_members(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    members = [{"sub": maya.sub}, {"sub": jonas.sub}]
    for required in ("all", 1, 2, None):
        participants = [{"members": members, "required": required}]
        assert asked(center, maya, participants=participants).status_code == 200, required
    for required in (0, -1, 3, "1", "any", "", 1.5, True, [], {}, 10**12):
        participants = [{"members": members, "required": required}]
        ((path, keys),) = faults(asked(center, maya, participants=participants)).items()
        assert (path, set(keys)) == ("availability.participants[0].required", {"errors.invalid_format"}), required


def test_results_are_limited_by_the_setting_also_when_nobody_asks_for_a_number(small: Center) -> None:
    maya = small.person("maya")

    def ask(**changes: Any) -> Any:
        query = small.query(maya, response_format="overlapping_slots", **changes)
        return small.http.post("/v1/availability", json=query, headers=small.key)

    assert len(ask(max_results=7).json()["available_slots"]) == 7
    assert len(ask().json()["available_slots"]) == 7
    for number in (8, 0, -1, 512, "7", True, 6.5):
        assert list(faults(ask(max_results=number))) == ["max_results"], number


def test_notice_is_limited_in_days(small: Center) -> None:
    maya = small.person("maya")
    for minutes, code in ((0, 200), (1440, 200), (1441, 422)):
        body = small.link_request(maya, minimum_notice={"minutes": minutes})
        assert small.http.post(PATH, json=body, headers=small.key).status_code == code, minutes


def test_texts_have_lengths(center: Center) -> None:
    maya = center.person("maya")
    for name, most in (("event_id", 255), ("summary", 1024), ("description", 4096)):
        event = {"event_id": "e", "summary": "S"}
        body = center.link_request(maya, event={**event, name: "é" * most})
        assert center.http.post(PATH, json=body, headers=center.key).status_code == 200, name
        body = center.link_request(maya, event={**event, name: "é" * (most + 1)})
        refused = faults(center.http.post(PATH, json=body, headers=center.key))
        assert refused == {f"event.{name}": ["errors.too_long"]}


def test_the_body_is_limited_in_bytes(small: Center) -> None:
    maya = small.person("maya")
    body = small.link_request(maya, padding="x" * 20_000)
    assert small.http.post(PATH, json=body, headers=small.key).status_code == 413
    assert small.http.post(PATH, json=body | {"padding": "x" * 15_000}, headers=small.key).status_code == 200
