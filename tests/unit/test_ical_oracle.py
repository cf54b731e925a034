"""Where recurring-ical-events and icalendar answer otherwise than we do (docs/decisions/0003-reading-calendars.md).

A failure here is good news: a release has changed its answer, and the decision wants to be read again.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events

from slotlink import ical

START = datetime(2026, 3, 1, tzinfo=UTC)
END = START + timedelta(days=300)


def calendar(*lines: str, zone: str = "") -> str:
    begin = ["BEGIN:VCALENDAR", *zone.split()]
    return "\r\n".join([*begin, "BEGIN:VEVENT", "UID:x", *lines, "END:VEVENT", "END:VCALENDAR", ""])


def ours(text: str) -> list[tuple[datetime, float]]:
    found = ical.expand(text, "UTC", int(START.timestamp()), int(END.timestamp()))
    return [(datetime.fromtimestamp(o.start, UTC), (o.end - o.start) / 3600) for o in found]


def theirs(text: str) -> list[tuple[datetime, float]]:
    found = recurring_ical_events.of(icalendar.Calendar.from_ical(text)).between(START, END)
    return [
        (e.start.astimezone(UTC), (e.end.astimezone(UTC) - e.start.astimezone(UTC)) / timedelta(hours=1)) for e in found
    ]


@pytest.mark.parametrize(
    ("start", "duration", "hours", "wrong"),
    [("20260328T220000", "PT8H", 8, 7), ("20261024T220000", "PT8H", 8, 9), ("20260329T023000", "PT30M", 0.5, -0.5)],
)
def test_hours_over_a_clock_change(start: str, duration: str, hours: float, wrong: float):
    text = calendar(f"DTSTART;TZID=Europe/Berlin:{start}", f"DURATION:{duration}")
    assert ([each for _, each in ours(text)], [each for _, each in theirs(text)]) == ([hours], [wrong])


@pytest.mark.parametrize(("zone", "hour", "last"), [("Europe/Berlin", "09", 3), ("America/New_York", "22", 2)])
def test_a_bare_until(zone: str, hour: str, last: int):
    rule = "RRULE:FREQ=DAILY;UNTIL=20260304"
    text = calendar(f"DTSTART;TZID={zone}:20260302T{hour}0000", "DURATION:PT1H", rule)
    days = [found[-1][0].astimezone(ZoneInfo(zone)).day for found in (ours(text), theirs(text))]
    assert days == [4, last]


def test_the_first_private_zone_of_the_process_decides():
    def read(offset: str) -> list[float]:
        zone = f"BEGIN:VTIMEZONE TZID:Oracle BEGIN:STANDARD DTSTART:19700101T000000 TZOFFSETFROM:{offset} "
        zone += f"TZOFFSETTO:{offset} END:STANDARD END:VTIMEZONE"
        text = calendar("DTSTART;TZID=Oracle:20260303T090000", "DURATION:PT1H", zone=zone)
        return [found[0][0].hour for found in (ours(text), theirs(text))]

    assert [read("+0100"), read("+0300")] == [[8, 8], [6, 8]]
