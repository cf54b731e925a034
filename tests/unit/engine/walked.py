"""An oracle for civil time: walk through the instants one by one, look at the wall clock, remember the highest time.

That highest time, a hand of the clock that never goes back, is the whole rule: an instant lies in a period of the wall
exactly when the hand stands in it.
"""

import zoneinfo
from bisect import bisect_left
from datetime import UTC, date, datetime
from functools import cache
from zoneinfo import ZoneInfo

# The zone data of the application (app.py), not the machine's.
zoneinfo.reset_tzpath(to=())

MINUTE, HOUR, DAY = 60, 3600, 86_400

EPOCH = date(1970, 1, 1)

CLOCK_CHANGES = (
    ("Europe/London", date(2025, 3, 30)),
    ("Europe/London", date(2025, 10, 26)),
    ("America/New_York", date(2027, 3, 14)),
    ("America/New_York", date(2027, 11, 7)),
    ("Australia/Lord_Howe", date(2027, 4, 4)),  # by half an hour
    ("Australia/Lord_Howe", date(2027, 10, 3)),
    ("Africa/Cairo", date(2027, 4, 30)),  # from 00:00 to 01:00
    ("Africa/Cairo", date(2027, 10, 29)),  # from 24:00 to 23:00
    ("America/Santiago", date(2027, 4, 4)),  # from 24:00 to 23:00
    ("America/Santiago", date(2027, 9, 5)),  # from 00:00 to 01:00
    ("America/St_Johns", date(2010, 11, 7)),  # from 00:01 to 23:01
    ("Antarctica/Troll", date(2027, 3, 28)),  # by two hours
    ("Asia/Kathmandu", date(1986, 1, 1)),  # from +05:30 to +05:45
    ("Asia/Tehran", date(2021, 3, 22)),  # on a Monday
    ("Pacific/Apia", date(2011, 12, 30)),  # a day left out
    ("Pacific/Kwajalein", date(1993, 8, 21)),  # a day left out
    ("Pacific/Kwajalein", date(1969, 9, 30)),  # 23 hours twice
)


def utc(text: str) -> int:
    """Return the instant of, for example, `2025-03-30T01:00`."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def shown(zone: ZoneInfo, instant: int) -> int:
    """Return the wall second that the clocks of `zone` show."""
    wall = datetime.fromtimestamp(instant, zone)
    return (wall.toordinal() - EPOCH.toordinal()) * DAY + wall.hour * HOUR + wall.minute * MINUTE + wall.second


class Walk:
    """The instants from `start` to `end`, `step` apart, and how far the hand has come at each of them."""

    def __init__(self, zone: ZoneInfo, start: int, end: int, step: int = MINUTE) -> None:
        self.instants = range(start, end, step)
        self.hand: list[int] = []
        highest = shown(zone, start)
        for instant in self.instants:
            highest = max(highest, shown(zone, instant))
            self.hand.append(highest)

    def first_instant(self, wall: int) -> int:
        """Return the first instant at which the hand has reached the wall second `wall`."""
        return self.instants[bisect_left(self.hand, wall)]


@cache
def around(tzid: str, day: date, days: int = 12) -> Walk:
    """Walk, minute by minute, from `days` before to `days` after the UTC midnight that begins `day`."""
    middle = (day.toordinal() - EPOCH.toordinal()) * DAY
    return Walk(ZoneInfo(tzid), middle - days * DAY, middle + days * DAY)
