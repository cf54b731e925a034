"""Calendars as a person's server has them: an iCalendar object for each event, some of which repeat. Plain text, the
same every time for the same number and the same first day."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

DAY = 86_400
FAR = 2**33  # UTC seconds, long after everything
OWNER = "alice@example.com"
TZID = "Europe/London"
SPREAD_DAYS = 3 * 365  # single events: from two years ago to in a year
# Weekly meetings are most of what repeats; some have ended, some have exceptions.
RULES = (
    "FREQ=WEEKLY",
    "FREQ=WEEKLY;BYDAY=TU,TH",
    "FREQ=WEEKLY;INTERVAL=2",
    "FREQ=WEEKLY;COUNT=12",
    "FREQ=MONTHLY;BYDAY=2WE",
    "FREQ=DAILY;COUNT=30",
    "FREQ=YEARLY",
)
DESCRIPTION = r"Agenda:\n1. What was done\n2. What comes next\nJoin: https://meet.example"
PROGRAM = ("VERSION:2.0", "PRODID:-//Example//A calendar program//EN")
STAMPS = ("DTSTAMP:20261101T080000Z", "CREATED:20261101T080000Z", "LAST-MODIFIED:20261101T080000Z", "SEQUENCE:1")
ALARM = ("BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:Reminder", "TRIGGER:-PT15M", "END:VALARM")
ZONE = f"""BEGIN:VTIMEZONE
TZID:{TZID}
BEGIN:DAYLIGHT
TZOFFSETFROM:+0000
TZOFFSETTO:+0100
TZNAME:BST
DTSTART:19700329T010000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0100
TZOFFSETTO:+0000
TZNAME:GMT
DTSTART:19701025T020000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE""".split("\n")


@dataclass(frozen=True)
class CalendarObject:
    """`repeats`: it has an RRULE. [start, end), UTC seconds: all of it lies within."""

    uid: str
    text: str
    start: int
    end: int
    repeats: bool = False

    def retitled(self) -> CalendarObject:
        """The same event, with another title and a higher number: another version of it."""
        text = self.text.replace("SUMMARY:", "SUMMARY:Again: ").replace("SEQUENCE:1", "SEQUENCE:2")
        return CalendarObject(self.uid, text, self.start, self.end, self.repeats)


def usual_objects(count: int, repeating: int, today: int) -> list[CalendarObject]:
    """`repeating` of them repeat, a third has guests, one in twenty of the others lasts a day. `today`: UTC seconds of
    a midnight."""
    chance = random.Random(2)
    repeats = set(range(0, count, count // repeating)) if repeating else set[int]()
    return [_usual(chance, number, today, repeats=number in repeats) for number in range(count)]


def plain_object(number: int, start: int, end: int) -> CalendarObject:
    """An event in UTC with nothing to it."""
    uid = f"plain-{number}"
    lines = [f"DTSTART:{_wall(start)}Z", f"DTEND:{_wall(end)}Z", "SUMMARY:Busy"]
    return CalendarObject(uid, _text(_event(uid, lines)), start, end)


def _usual(chance: random.Random, number: int, today: int, *, repeats: bool) -> CalendarObject:
    day = today + (chance.randrange(SPREAD_DAYS) - 2 * SPREAD_DAYS // 3) * DAY
    start = day + chance.randrange(8 * 4, 18 * 4) * 900
    end = start + chance.choice((30, 45, 60, 90)) * 60
    uid = f"event-{number}"
    lines = [*_times(start, end), f"SUMMARY:Meeting {number}", "LOCATION:Room 4", f"DESCRIPTION:{DESCRIPTION}"]
    if number % 20 == 1 and not repeats:
        first = datetime.fromtimestamp(day, UTC)
        lines[:2] = [f"DTSTART;VALUE=DATE:{first:%Y%m%d}", f"DTEND;VALUE=DATE:{first + timedelta(days=1):%Y%m%d}"]
    if number % 3 == 0:
        lines += _guests(("ACCEPTED", "NEEDS-ACTION", "TENTATIVE", "ACCEPTED")[number % 4])
    exception: list[str] = []
    if repeats:
        rule = chance.choice(RULES)
        lines.append(f"RRULE:{rule}")
        if rule == "FREQ=WEEKLY":
            lines.append(f"EXDATE;TZID={TZID}:{_wall(start + 14 * DAY)}")
            moved, lasts = start + 21 * DAY + 3600, end - start
            name = f"RECURRENCE-ID;TZID={TZID}:{_wall(start + 21 * DAY)}"
            exception = list(_event(uid, [name, *_times(moved, moved + lasts), f"SUMMARY:Meeting {number}"]))
    text = _text([*ZONE, *_event(uid, [*lines, *ALARM]), *exception])
    return CalendarObject(uid, text, day - DAY, FAR if repeats else day + 3 * DAY, repeats)


def _times(start: int, end: int) -> list[str]:
    return [f"DTSTART;TZID={TZID}:{_wall(start)}", f"DTEND;TZID={TZID}:{_wall(end)}"]


def _guests(answer: str) -> list[str]:
    """Folded where lines have 75 octets (RFC 5545 3.1), as every program writes them."""
    return [
        "ORGANIZER;CN=Bob:mailto:bob@example.com",
        f"ATTENDEE;CN=Alice;PARTSTAT={answer};RSVP=TRUE;ROLE=REQ-PARTICIPANT:mailt\r\n o:{OWNER}",
        "ATTENDEE;CN=Carol;PARTSTAT=ACCEPTED;ROLE=REQ-PARTICIPANT:mailto:carol@exam\r\n ple.com",
    ]


def _event(uid: str, lines: list[str]) -> Iterator[str]:
    yield from ("BEGIN:VEVENT", f"UID:{uid}", *STAMPS, *lines, "END:VEVENT")


def _wall(instant: int) -> str:
    return datetime.fromtimestamp(instant, UTC).strftime("%Y%m%dT%H%M%S")


def _text(lines: list[str] | Iterator[str]) -> str:
    return "\r\n".join(["BEGIN:VCALENDAR", *PROGRAM, *lines, "END:VCALENDAR", ""])
