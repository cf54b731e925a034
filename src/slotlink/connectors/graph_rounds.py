"""What is kept between two rounds of delta, and what a round has named (learn.microsoft.com/graph/delta-query-events).
Pure.

A round is over one window, which its token holds for ever. So the window's ends are in our cursor beside the link, and
whoever needs to know a later time begins anew."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from slotlink.connectors.graph_json import Event
from slotlink.connectors.graph_own import may_be_ours
from slotlink.connectors.graph_times import instant
from slotlink.engine import Period

DAY_S = 86_400
LONGEST_S = 1825 * DAY_S  # of a window; more answers 400
_CURSOR = re.compile(r"graph-1 (-?\d{1,12}) (-?\d{1,12}) (https?://\S+)")


@dataclass(frozen=True, slots=True)
class Cursor:
    within: Period
    link: str

    def __str__(self) -> str:
        return f"graph-1 {self.within.start} {self.within.end} {self.link}"


def read_cursor(text: str | None) -> Cursor | None:
    """None for one that is none of ours."""
    found = _CURSOR.fullmatch(text or "")
    return Cursor(Period(int(found[1]), int(found[2])), found[3]) if found else None


def window(now: int, days_ahead: int) -> Period:
    """From yesterday on, whole days in UTC, so that two reads of one day see the same part of a series."""
    today = now - now % DAY_S
    return Period(today - DAY_S, today + days_ahead * DAY_S)


def around(known: Period, asked: Period) -> list[Period]:
    """Windows with both in them: one, where Graph allows such a long one."""
    both = Period(min(known.start, asked.start), max(known.end, asked.end))
    return [both] if both.end - both.start <= LONGEST_S else [known, asked]


def named(rows: Iterable[Event]) -> tuple[dict[str, Event], list[str]]:
    """Events and series that are there, each with the latest row about it, and ids of what is gone or outside.

    One item may come several times, and what was said last counts. Occurrences stand for their series: delta tells
    too little of them, and nothing of those that were deleted."""
    there: dict[str, Event] = {}
    gone: dict[str, None] = {}
    for row in rows:
        if row.removed is not None:
            there.pop(row.id, None)
            gone[row.id] = None
        else:
            gone.pop(row.key, None)
            there[row.key] = row
    return there, list(gone)


def touching(rows: Iterable[Event], within: Period) -> list[Event]:
    """What may happen in a period. Whole days stay, because whose days they are is not known here; and so does what
    cannot be read, for whoever reads it to say so."""
    return [row for row in rows if row.is_all_day or _touches(row, within)]


def _touches(row: Event, within: Period) -> bool:
    try:
        start, end = (instant(row.start), instant(row.end)) if row.start and row.end else within
    except (ValueError, ArithmeticError):
        return True
    return start < within.end and (end > within.start or start >= within.start)


def is_whole(row: Event) -> bool:
    """Whether the row is all that there is to know: a single event, and not one that may be ours."""
    single = row.type == "singleInstance" and row.series_master_id is None
    return single and not may_be_ours(row) and None not in (row.show_as, row.start, row.end, row.etag)
