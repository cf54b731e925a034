"""From the events of one UID to its occurrences in a window (RFC 5545 3.8.5)."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from operator import itemgetter

from slotlink.ical.events import Event, Occurrence
from slotlink.ical.moments import EPOCH, Length, Moment


def occurrences(events: Sequence[Event], tzid: str, start: int, end: int) -> Iterator[Occurrence]:
    """All occurrences of one UID that may touch [start, end), and some that do not."""
    master = next((event for event in events if event.recurrence is None), None)
    excluded = {_name(moment, master) for moment in master.excluded} if master else set[int | date]()
    overrides = {_name(e.recurrence, master or e): (e.recurrence, e) for e in events if e.recurrence}
    for original, event in overrides.values():
        if excluded.isdisjoint(_names(original)):
            yield event.occurrence(event.start.local, original.instant, event.length, tzid)
    if master is None:
        return
    later = [(original.instant, event) for original, event in overrides.values() if event.and_future]
    later.sort(key=itemgetter(0))
    taken = excluded | overrides.keys()
    repeats = bool(master.rules or master.extra or overrides)
    for instant, (original, length) in _starts(master, [event for _, event in later], start, end).items():
        if taken.isdisjoint((instant, original.local.date())):
            ruling = bisect_left(later, instant, key=itemgetter(0))
            event = later[ruling - 1][1] if ruling else master
            local = event.moved(original) if ruling else original.local
            yield event.occurrence(local, instant if repeats else None, length or event.length, tzid)


def _name(moment: Moment, series: Event) -> int | date:
    """How EXDATE and RECURRENCE-ID name a start: by its instant, or by its day if either is a date."""
    return moment.local.date() if moment.is_date or series.start.is_date else moment.instant


def _names(moment: Moment) -> tuple[int, date]:
    """Both ways in which a start may have been named."""
    return moment.instant, moment.local.date()


def _starts(master: Event, later: Sequence[Event], start: int, end: int) -> dict[int, tuple[Moment, Length | None]]:
    """Return instant → (start, own length) of DTSTART, RDATE and RRULE, at least what may touch the window."""
    longest = max(event.length.longest for event in (master, *later))
    shifts = [abs(event.start.instant - event.recurrence.instant) for event in later if event.recurrence]
    # A wall clock is less than a day from UTC, and so is any moment from its day.
    margin = timedelta(days=3, seconds=max(shifts, default=0))
    low, high = _clock(start - int((longest + margin).total_seconds())), _clock(end) + margin
    walls: list[tuple[datetime, Length | None]] = [(master.start.local, None)]
    walls += [(local, None) for rule in master.rules for local in rule.starts(low, high)]
    for moment, length in master.extra:
        local = moment.seen_from(master.start)
        if moment.is_date and not master.start.is_date:
            local = datetime.combine(local, master.start.local.time())
        walls.append((local, length))
    starts = [(Moment(local, master.start.zone, None, master.start.is_date), length) for local, length in walls]
    return {moment.instant: (moment, length) for moment, length in starts}


def _clock(instant: int) -> datetime:
    """The UTC wall clock, kept inside the years a datetime can hold with room to calculate."""
    return EPOCH + timedelta(seconds=min(max(instant, -62_000_000_000), 250_000_000_000))
