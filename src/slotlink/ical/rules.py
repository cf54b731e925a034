"""Recurrence rules (RFC 5545 3.3.10): read with care, walked by dateutil, never further than a bound.

Rules are walked on the naive wall clock of the event and only then made instants: that keeps hours right over clock
changes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import cast

from dateutil.rrule import rrule, rrulestr

from slotlink.ical.lines import InvalidCalendar, TooManyOccurrences
from slotlink.ical.moments import Moment, local_of, parse_stamp

MAX_RULE_STEPS = 30_000
"""Starts one rule may be walked through, those before the window included: about a third of a second."""

_CYCLE = timedelta(days=146_097)  # 400 years: weekdays and leap days repeat
_EVEN_STEPS = {"SECONDLY": 1, "MINUTELY": 60, "HOURLY": 3_600, "DAILY": 86_400, "WEEKLY": 604_800}  # in seconds
_PART = re.compile(
    "(FREQ|INTERVAL|COUNT|UNTIL|WKST|BY(SECOND|MINUTE|HOUR|DAY|MONTHDAY|YEARDAY|WEEKNO|MONTH|SETPOS))=[A-Z0-9,+-]*"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """An RRULE and where it starts. `step` is the time between two intervals if that is always the same."""

    text: str
    frequency: str
    rrule: rrule
    first: datetime
    until: datetime | None
    step: timedelta | None

    def starts(self, low: datetime, high: datetime) -> Iterator[datetime]:
        """Return the starts in [low, high], on the wall clock. Raises TooManyOccurrences."""
        first, last = self.first, min(high, self.until or high)
        if first > last:
            return
        if self.step:  # jump to shortly before the window; months and years are few enough to walk
            first += max((low - first) // self.step - 1, 0) * self.step
        # dateutil gives up on a rule that never comes true (30 February) only in the year 9999. So the search is moved
        # by whole 400-year cycles of the calendar, which change no weekday, to where that is near.
        moved = max((9990 - last.year) // 400, 0) * _CYCLE
        for count, local in enumerate(cast("Iterator[datetime]", self.rrule.replace(dtstart=first + moved))):
            if count >= MAX_RULE_STEPS:
                raise TooManyOccurrences(f"the rule {self.text!r} gives more than {MAX_RULE_STEPS} starts")
            if local > last + moved:
                return
            if local >= low + moved:
                yield local - moved


def parse_rule(value: str, start: Moment) -> Rule:
    """Read an RRULE. Raises InvalidCalendar for what we cannot answer for in bounded time."""
    text = value.upper().replace(" ", "").strip(";")
    if not all(_PART.fullmatch(part) for part in text.split(";")):
        raise InvalidCalendar(f"the rule {value[:200]!r} cannot be read")
    parts = dict(part.split("=") for part in text.split(";"))
    interval = int(parts.get("INTERVAL", "1"))
    if "FREQ" not in parts or interval < 1:
        raise InvalidCalendar(f"the rule {value[:200]!r} cannot be read")
    if parts["FREQ"] in ("SECONDLY", "MINUTELY") and any(name.startswith("BY") for name in parts):
        raise InvalidCalendar(f"the rule {value[:200]!r} is too fine to be searched")
    if int(parts.get("COUNT", "1")) < 1:  # COUNT=-1 is written for "without end"
        del parts["COUNT"]
    # UNTIL is ours: dateutil wants it of the same kind as the start and ends a bare date at its first second.
    until = _last(parts.pop("UNTIL"), start) if "UNTIL" in parts else None
    walked = rrulestr(";".join("=".join(part) for part in parts.items()), dtstart=start.local)
    even = None if "COUNT" in parts else _EVEN_STEPS.get(parts["FREQ"])
    step = timedelta(seconds=even * interval) if even else None
    return Rule(text[:200], parts["FREQ"], cast("rrule", walked), start.local, until, step)


def _last(until: str, start: Moment) -> datetime:
    """The last wall clock UNTIL allows, itself included. A bare date is that whole local day."""
    local, kind = parse_stamp(until)
    seen = local_of(Moment(local, UTC).instant, start.zone) if kind == "utc" else local
    if start.is_date or kind == "date":
        # For all-day events some write the day in UTC and some the instant of its midnight: the later reading counts.
        return datetime.combine(max(local, seen), time.max)
    return seen
