"""What guests of an event are told by mail: iTIP's REQUEST and CANCEL (RFC 5546 section 3.2), as text. Pure.

Made from the event as it is in its organiser's calendar; of that only goes out what a guest is to see.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache

from slotlink.domain.event import mail_address
from slotlink.ical.calendars import read_object
from slotlink.ical.events import Event, read_events
from slotlink.ical.lines import HEAD, Component, InvalidCalendar, TooManyOccurrences, blaming, fold, split_calendar
from slotlink.ical.vtimezones import write_zone
from slotlink.ical.writing import Attendee, attendee_line, escaped, mailto, utc
from slotlink.ical.zones import Zones, iana_name

FURTHEST_S = 800 * 86_400  # ahead, a series that has no occurrence is over

_WHEN = ("DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID")
_REPEATS = ("RRULE", "RDATE", "RECURRENCE-ID")
_SAID = ("SUMMARY", "DESCRIPTION", "LOCATION", "URL", "TRANSP", "CLASS")
_PLAIN = ("TRANSP:OPAQUE", "CLASS:PUBLIC", "STATUS:CONFIRMED")
_FLOATING = re.compile(
    r"(DTSTART|DTEND|RDATE|EXDATE|RECURRENCE-ID)((?:;(?!TZID=)[^:;]*)*):(?=\d{8}T\d{6}(?:[,/]|$))", re.I
)
_KEPT = 16  # messages whose reading is remembered: the many guests of an event are told the same


@dataclass(frozen=True, slots=True)
class Shown:
    """What a message says of its event, or of the first happening of one that repeats. UTC seconds, half-open; dates
    only for whole days, end exclusive. `tzid`: the zone to tell the times in."""

    cancels: bool
    organizer: str
    summary: str
    description: str
    location: str
    url: str
    start: int
    end: int
    start_date: date | None
    end_date: date | None
    repeats: bool
    tzid: str


def request(
    text: str,
    *,
    uid: str,
    organizer: str,
    guests: Sequence[Attendee],
    tzid: str,
    room: str = "",
    stamp: int,
    sequence: int,
) -> str:
    """The invitation to the event of `text`, or what is new about it.

    tzid  of the calendar, for what names no zone of its own
    room  where to meet, if nothing else says so

    Raises InvalidCalendar."""
    with blaming("the event"):
        return _request(text, uid, organizer, guests, tzid, room, stamp, sequence)


def _request(
    text: str, uid: str, organizer: str, guests: Sequence[Attendee], tzid: str, room: str, stamp: int, sequence: int
) -> str:
    people = [f"ORGANIZER:{mailto(organizer)}", *map(attendee_line, guests)]

    def about(component: Component) -> list[str]:
        place = [f"LOCATION:{escaped(room)}"] if room and not component.text("LOCATION") else []
        return [*_named(component, "STATUS"), *place, *people]

    head, zones, events = _parts(text, tzid)
    lines = [*HEAD, f"X-WR-TIMEZONE:{head}", "METHOD:REQUEST", *zones]
    for component, when in events:
        said = [line for name in _SAID for line in _named(component, name)]
        lines += [*_begin(uid, stamp, sequence), *when, *said, *about(component), "END:VEVENT"]
    return fold([*lines, "END:VCALENDAR"])


def cancellation(message: str, *, guest: str, whole: bool, stamp: int, sequence: int) -> str:
    """Takes back what `message`, a request, said to one guest: the `whole` event is off, or the guest is not expected.

    Raises InvalidCalendar."""
    with blaming("the message"):
        head, zones, events = _parts(message, "UTC")
    people = [f"ORGANIZER:{mailto(organizer_of(message))}", attendee_line(Attendee(guest), asked=False)]
    about = [*(["STATUS:CANCELLED"] if whole else []), *people]
    lines = [*HEAD, f"X-WR-TIMEZONE:{head}", "METHOD:CANCEL", *zones]
    for component, when in events:
        said = [line for name in _SAID for line in _named(component, name)]
        lines += [*_begin(uid_of(message), stamp, sequence), *when, *said, *about, "END:VEVENT"]
    return fold([*lines, "END:VCALENDAR"])


def same_to_guests(message: str, other: str) -> bool:
    """Whether both tell a guest the same, whoever else is invited."""
    return is_cancelled(message) == is_cancelled(other) and _shown_lines(message) == _shown_lines(other)


def is_cancelled(message: str) -> bool:
    return "\r\nMETHOD:CANCEL\r\n" in message


@lru_cache(_KEPT)
def is_over(message: str, now: int) -> bool:
    """Whether nothing of its event is still to come, within FURTHEST_S."""
    shown = read_message(message)
    if not shown.repeats:
        return shown.end <= now
    try:
        return not read_object(message, shown.tzid).expand(now, now + FURTHEST_S)
    except TooManyOccurrences:
        return False


def uid_of(message: str) -> str:
    return _first(message).text("UID")


def stamp_of(message: str) -> int:
    """When it was made."""
    return int(datetime.strptime(_first(message).text("DTSTAMP"), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp())


def organizer_of(message: str) -> str:
    return mail_address(_named(_first(message), "ORGANIZER")[0].partition(":")[2])


@lru_cache(_KEPT)
def read_message(message: str) -> Shown:
    """Raises InvalidCalendar."""
    head, blocks, components = split_calendar(message.encode("utf-8", "replace"))
    with blaming("the message"):
        zone, tzid = Zones(blocks).find(_zone_named(head) or "UTC")
        events = read_events(components, Zones(blocks, zone))
        first: Event = events[0]
        one = first.occurrence(first.start.local, None, first.length, tzid or "UTC")
    return Shown(
        cancels=is_cancelled(message),
        organizer=organizer_of(message),
        summary=one.summary,
        description=one.description,
        location=one.location,
        url=one.url,
        start=one.start,
        end=one.end,
        start_date=one.start_date,
        end_date=one.end_date,
        repeats=bool(first.rules or first.extra or len(events) > 1),
        tzid=tzid or "UTC",
    )


def _parts(text: str, tzid: str) -> tuple[str, list[str], list[tuple[Component, list[str]]]]:
    """The zone to tell the times in, the VTIMEZONEs that are needed, and each VEVENT with the lines that say when."""
    head, blocks, components = split_calendar(text.encode("utf-8", "replace"))
    if not components:
        raise InvalidCalendar("there is no event to invite anybody to")
    shown_in = iana_name(_zone_named(head)) or tzid
    first = read_events(components, Zones(blocks, Zones({}).find(tzid)[0]))[0]
    if len(components) == 1 and not any(components[0].all(name) for name in _REPEATS):
        # Exact everywhere, also where somebody's calendar has a zone of its own or none.
        return shown_in, [], [(components[0], _exactly(first))]
    when = [[_FLOATING.sub(rf"\1\2;TZID={tzid}:", line) for line in _when(each)] for each in components]
    used = dict.fromkeys(each for lines in when for line in lines for each in re.findall(r";TZID=\"?([^\":;]+)", line))
    zones = [line for name in used for line in map(_cleaned, blocks.get(name) or write_zone(name))]
    return shown_in, zones, list(zip(components, when, strict=True))


def _begin(uid: str, stamp: int, sequence: int) -> list[str]:
    return ["BEGIN:VEVENT", f"UID:{escaped(uid)}", f"DTSTAMP:{utc(stamp)}", f"SEQUENCE:{sequence}"]


def _exactly(event: Event) -> list[str]:
    one = event.occurrence(event.start.local, None, event.length, "UTC")
    if one.start_date and one.end_date:
        return [f"DTSTART;VALUE=DATE:{one.start_date:%Y%m%d}", f"DTEND;VALUE=DATE:{one.end_date:%Y%m%d}"]
    return [f"DTSTART:{utc(one.start)}", f"DTEND:{utc(one.end)}"]


def _when(component: Component) -> list[str]:
    return [line for name in _WHEN for line in _named(component, name)]


def _zone_named(head: Sequence[str]) -> str:
    return next((line.partition(":")[2].strip() for line in head if line.upper().startswith("X-WR-TIMEZONE")), "")


@lru_cache(_KEPT)
def _first(message: str) -> Component:
    return split_calendar(message.encode("utf-8", "replace"))[2][0]


@lru_cache(_KEPT)
def _shown_lines(message: str) -> list[list[str]]:
    """What goes without saying is left out, as some say it and others do not."""
    events = split_calendar(message.encode("utf-8", "replace"))[2]
    names = ("RECURRENCE-ID", "UID", *_WHEN, *_SAID, "STATUS")
    return sorted([line for name in names for line in _named(each, name) if line not in _PLAIN] for each in events)


def _named(event: Component, name: str) -> list[str]:
    """Its own lines of that name; those of its alarms are nobody else's business."""
    found: list[str] = []
    depth = 0
    for line in event.lines:
        named = _name(line)
        depth += named == "BEGIN"
        if depth == 1 and named == name:
            found.append(_cleaned(line))
        depth -= named == "END"
    return found


def _cleaned(line: str) -> str:
    """What another program has written, without what a mail would make a line of its own."""
    return re.sub("[\x00-\x08\x0a-\x1f\x7f]", "", line)


def _name(line: str) -> str:
    return line.partition(":")[0].partition(";")[0].strip().upper()
