"""Calendar files, split into the objects that are stored, one for each UID, and these expanded to occurrences."""

from dataclasses import dataclass

from slotlink.ical.events import Occurrence, read_events
from slotlink.ical.lines import HEAD, InvalidCalendar, TooManyOccurrences, blaming, by_uid, fold, split_calendar
from slotlink.ical.recurrence import occurrences
from slotlink.ical.zones import Zones

MOST_BYTES = 5_000_000  # of a file
MOST_TIMES_LARGER = 10
"""How many times its own size a file may become when it is split, for every object brings its zones along."""


@dataclass(frozen=True, slots=True)
class CalendarObject:
    """Everything a file says of one UID: master, overrides, and the VTIMEZONEs they need. `text` is what is stored."""

    uid: str
    text: str
    recurring: bool


def read_calendar(text: str | bytes, *, max_bytes: int = MOST_BYTES) -> tuple[list[CalendarObject], str | None]:
    """Split a file into its UIDs, in file order, and name the file's own zone (X-WR-TIMEZONE, an IANA name) or None.

    One UID twice with one RECURRENCE-ID: the latest version stays. Every object returned can be expanded as far as its
    values go; a rule may still give TooManyOccurrences.
    Raises InvalidCalendar: no iCalendar, cut off, too large, a time or rule that cannot be read, an unknown zone.
    """
    raw = text.encode("utf-8", "replace") if isinstance(text, str) else text
    if len(raw) > max_bytes:
        raise InvalidCalendar(f"the calendar has more than the {max_bytes} bytes allowed")
    head, blocks, components = split_calendar(raw)
    zones, most, size = Zones(blocks), MOST_TIMES_LARGER * max_bytes, 0
    objects: list[CalendarObject] = []
    for uid, group in by_uid(components).items():
        with blaming(f"UID {uid!r}"):
            events = read_events(group, zones)
        used = dict.fromkeys(tzid for component in group for tzid in component.tzids())
        lines = [*HEAD, *(line for name in used for line in blocks.get(name, []))]
        lines += [line for component in group for line in component.lines]
        size += sum(map(len, lines))
        if size > most:
            raise InvalidCalendar(f"the calendar has more than {most} characters when each event has its zones with it")
        recurring = any(event.rules or event.extra for event in events if event.recurrence is None)
        objects.append(CalendarObject(uid, fold([*lines, "END:VCALENDAR"]), recurring))
    own = next((line.partition(":")[2].strip() for line in head if line.upper().startswith("X-WR-TIMEZONE")), "")
    with blaming("X-WR-TIMEZONE"):
        return objects, zones.find(own)[1] if own else None


def expand(text: str, tzid: str, start: int, end: int, *, max_occurrences: int = 10_000) -> list[Occurrence]:
    """Return the occurrences of a CalendarObject that overlap [start, end) in UTC seconds, sorted by start.

    Floating and all-day times are read in `tzid`. Transparent occurrences are included, cancelled ones are not. One
    without length is included when its time is in the window. Raises InvalidCalendar, TooManyOccurrences.
    """
    if len(text) > MOST_TIMES_LARGER * MOST_BYTES:
        raise InvalidCalendar("the object is larger than any that a calendar is split into")
    default, _ = Zones({}).find(tzid)
    _, blocks, components = split_calendar(text.encode("utf-8", "replace"))
    zones = Zones(blocks, default)
    found: list[Occurrence] = []
    for uid, group in by_uid(components).items():
        with blaming(f"UID {uid!r}"):
            for occurrence in occurrences(read_events(group, zones), tzid, start, end):
                inside = occurrence.start < end and (occurrence.end > start or occurrence.start >= start)
                if inside and occurrence.status != "cancelled":
                    found.append(occurrence)
                if len(found) > max_occurrences:
                    raise TooManyOccurrences(f"UID {uid!r} has more than {max_occurrences} occurrences in the window")
    return sorted(found, key=lambda o: (o.start, o.end, o.uid, o.recurrence_id or 0))
