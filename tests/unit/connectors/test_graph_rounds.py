"""Cursors and windows of delta, and what a round has named."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from slotlink.connectors.graph_json import Event
from slotlink.connectors.graph_rounds import LONGEST_S, Cursor, around, is_whole, named, read_cursor, touching, window
from slotlink.engine import Period

DAY = 86_400
NOON = 1_804_161_600  # Thursday 4 March 2027, 12:00 UTC
TIME = {"dateTime": "2027-03-04T09:00:00.0000000", "timeZone": "UTC"}


def row(event_id: str, **members: Any) -> Event:
    return msgspec.convert({"id": event_id, "type": "singleInstance", **members}, Event)


def gone(event_id: str) -> Event:
    return row(event_id, **{"@removed": {"reason": "deleted"}})


def test_a_cursor_comes_back() -> None:
    cursor = Cursor(Period(-5, 10), "https://graph.test/v1.0/delta?$deltatoken=a%20b")
    assert read_cursor(str(cursor)) == cursor


@pytest.mark.parametrize(
    "text",
    [None, "", "graph-1", "graph-2 0 1 https://x", "graph-1 0 1 file:///x", "graph-1 0 1 https://x y", "token-1 x"],
)
def test_what_is_no_cursor_of_ours(text: str | None) -> None:
    assert read_cursor(text) is None


def test_the_window_is_the_same_all_day() -> None:
    today = NOON - 12 * 3600
    assert window(NOON, 400) == window(NOON + 3600, 400) == Period(today - DAY, today + 400 * DAY)
    assert window(today - 1, 400) != window(today, 400)


def test_a_window_around_two() -> None:
    assert around(Period(10, 20), Period(5, 12)) == [Period(5, 20)]
    assert around(Period(10, 20), Period(12, 15)) == [Period(10, 20)]
    far = Period(LONGEST_S + 10, LONGEST_S + 11)
    assert around(Period(10, 20), far) == [Period(10, 20), far], "Graph refuses a longer one"
    assert around(Period(11, 20), far) == [Period(11, far.end)]


@pytest.mark.parametrize(
    ("rows", "there", "away"),
    [
        ([row("a"), row("b")], {"a": "singleInstance", "b": "singleInstance"}, []),
        ([row("a"), gone("a")], {}, ["a"]),
        ([gone("a"), row("a")], {"a": "singleInstance"}, []),
        ([gone("a"), gone("a")], {}, ["a"]),
        ([row("a", type="x"), row("a", type="y")], {"a": "y"}, []),
        (
            [row("s", type="seriesMaster"), row("o", type="occurrence", seriesMasterId="s"), gone("e")],
            {"s": "occurrence"},
            ["e"],
        ),
        ([gone("s"), row("o", type="occurrence", seriesMasterId="s")], {"s": "occurrence"}, []),
    ],
    ids=["new", "removed last", "back again", "removed twice", "twice", "a series", "a series that is back"],
)
def test_what_was_said_last_counts(rows: list[Event], there: dict[str, str], away: list[str]) -> None:
    found, removed = named(rows)
    assert ({key: each.type for key, each in found.items()}, removed) == (there, away)


@pytest.mark.parametrize(
    ("start", "end", "touches"),
    [
        ("09:00", "10:00", True),
        ("08:00", "09:00", False),
        ("10:00", "11:00", False),
        ("08:00", "09:01", True),
        ("09:59", "11:00", True),
        ("09:00", "09:00", True),
        ("10:00", "10:00", False),
        ("soon", "later", True),
    ],
)
def test_what_touches_a_period(start: str, end: str, touches: bool) -> None:
    """Without length at its start, too; what cannot be read is for whoever reads it."""
    nine = NOON - 3 * 3600
    times = {side: {"dateTime": f"2027-03-04T{at}:00"} for side, at in (("start", start), ("end", end))}
    assert bool(touching([row("a", **times)], Period(nine, nine + 3600))) is touches
    assert touching([row("a", isAllDay=True, **times)], Period(0, 1))
    assert touching([row("a")], Period(0, 1))


@pytest.mark.parametrize(
    "lacks",
    [
        {},
        {"type": "seriesMaster"},
        {"type": None},
        {"seriesMasterId": "s"},
        {"showAs": None},
        {"start": None},
        {"end": None},
        {"@odata.etag": None},
        {"transactionId": "slotlink-key"},
    ],
    ids=str,
)
def test_rows_that_tell_everything(lacks: dict[str, Any]) -> None:
    told = {"showAs": "busy", "start": TIME, "end": TIME, "@odata.etag": "1", "transactionId": "localevent:1"}
    assert is_whole(row("a", **{**told, **lacks})) is (lacks == {})
