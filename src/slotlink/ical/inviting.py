"""What guests of an event are told by mail: iTIP's REQUEST and CANCEL (RFC 5546 section 3.2), as text. Pure.

Made from the event as it is in its organiser's calendar; of that only goes out what a guest is to see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from icalendar import Timezone

from slotlink.domain.event import mail_address
from slotlink.ical.events import Event, read_events
from slotlink.ical.lines import HEAD, Component, InvalidCalendar, blaming, fold, split_calendar
from slotlink.ical.writing import Attendee, attendee_line, escaped, mailto, utc
from slotlink.ical.zones import Zones, iana_name

_WHEN = ("DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID")
_REPEATS = ("RRULE", "RDATE", "RECURRENCE-ID")
_SAID = ("SUMMARY", "DESCRIPTION", "LOCATION", "URL", "TRANSP", "CLASS")


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
    invited = [attendee_line(each) for each in guests]
    return _message(text, "REQUEST", uid, organizer, invited, tzid, room, stamp, sequence)


def cancellation(message: str, *, guest: str, stamp: int, sequence: int) -> str:
    """Takes back what `message`, a request, said to one guest. Raises InvalidCalendar."""
    events = split_calendar(message.encode("utf-8", "replace"))[2]
    own = [attendee_line(Attendee(guest))]
    return _message(message, "CANCEL", events[0].text("UID"), _organizer(events[0]), own, "UTC", "", stamp, sequence)


def same_to_guests(message: str, other: str) -> bool:
    """Whether both tell a guest the same, whoever else is invited."""
    return _shown_lines(message) == _shown_lines(other)


def is_cancelled(message: str) -> bool:
    return "METHOD:CANCEL" in message.splitlines()


def uid_of(message: str) -> str:
    return split_calendar(message.encode("utf-8", "replace"))[2][0].text("UID")


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
        organizer=_organizer(components[0]),
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


def _message(
    text: str,
    method: str,
    uid: str,
    organizer: str,
    invited: Sequence[str],
    tzid: str,
    room: str,
    stamp: int,
    sequence: int,
) -> str:
    head, blocks, components = split_calendar(text.encode("utf-8", "replace"))
    if not components:
        raise InvalidCalendar("there is no event to invite anybody to")
    tzid = _zone_named(head) or tzid
    repeats = len(components) > 1 or any(components[0].all(name) for name in _REPEATS)
    with blaming("the event"):
        zones = Zones(blocks, Zones(blocks).find(tzid)[0])
        first = read_events(components, zones)[0]
    lines = [*HEAD, f"X-WR-TIMEZONE:{tzid}", f"METHOD:{method}"]
    if repeats:
        used = dict.fromkeys(each for component in components for each in component.tzids())
        lines += [line for name in used for line in blocks.get(name) or _zone_of(name)]
    for component in components:
        # Exact everywhere, also where somebody's calendar has a zone of its own or none.
        when = [line for name in _WHEN for line in _named(component, name)] if repeats else _exactly(first)
        said = [line for name in _SAID for line in _named(component, name)]
        if method == "CANCEL":
            said.append("STATUS:CANCELLED")
        else:
            said += _named(component, "STATUS")
            said += [f"LOCATION:{escaped(room)}"] if room and not component.text("LOCATION") else []
        lines += ["BEGIN:VEVENT", f"UID:{escaped(uid)}", f"DTSTAMP:{utc(stamp)}", f"SEQUENCE:{sequence}", *when, *said]
        lines += [f"ORGANIZER:{mailto(organizer)}", *invited, "END:VEVENT"]
    return fold([*lines, "END:VCALENDAR"])


def _organizer(component: Component) -> str:
    return mail_address(_named(component, "ORGANIZER")[0].partition(":")[2])


def _exactly(event: Event) -> list[str]:
    one = event.occurrence(event.start.local, None, event.length, "UTC")
    if one.start_date and one.end_date:
        return [f"DTSTART;VALUE=DATE:{one.start_date:%Y%m%d}", f"DTEND;VALUE=DATE:{one.end_date:%Y%m%d}"]
    return [f"DTSTART:{utc(one.start)}", f"DTEND:{utc(one.end)}"]


def _zone_of(name: str) -> list[str]:
    """The VTIMEZONE that a calendar has left out, because everybody knows the name."""
    tzid = iana_name(name)
    if tzid is None:
        return []
    zone = Timezone.from_tzid(tzid)
    zone["TZID"] = name
    return zone.to_ical().decode().replace("\r\n ", "").splitlines()


def _zone_named(head: Sequence[str]) -> str:
    return next((line.partition(":")[2].strip() for line in head if line.upper().startswith("X-WR-TIMEZONE")), "")


def _shown_lines(message: str) -> list[list[str]]:
    events = split_calendar(message.encode("utf-8", "replace"))[2]
    return [[line for name in ("UID", *_WHEN, *_SAID, "STATUS") for line in _named(each, name)] for each in events]


def _named(event: Component, name: str) -> list[str]:
    """Its own lines of that name; those of its alarms are nobody else's business."""
    found: list[str] = []
    depth = 0
    for line in event.lines:
        depth += _name(line) == "BEGIN"
        if depth == 1 and _name(line) == name:
            found.append(line)
        depth -= _name(line) == "END"
    return found


def _name(line: str) -> str:
    return line.partition(":")[0].partition(";")[0].strip().upper()
