"""Calendar files, split into the objects that are stored, one for each UID, and these expanded to occurrences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from slotlink.ical.events import Event, Occurrence, read_events
from slotlink.ical.lines import HEAD, InvalidCalendar, TooManyOccurrences, blaming, by_uid, fold, split_calendar
from slotlink.ical.recurrence import occurrences
from slotlink.ical.zones import Zones

MOST_BYTES = 5_000_000  # of a file
MOST_TIMES_LARGER = 10
"""How many times its own size a file may become when it is split, for every object brings its zones along."""
MOST_OCCURRENCES = 10_000  # of one object in a window


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
        objects.append(CalendarObject(uid, fold([*lines, "END:VCALENDAR"]), _recurring(events)))
    own = next((line.partition(":")[2].strip() for line in head if line.upper().startswith("X-WR-TIMEZONE")), "")
    with blaming("X-WR-TIMEZONE"):
        return objects, zones.find(own)[1] if own else None


@dataclass(frozen=True, slots=True)
class ReadObject:
    """A CalendarObject, read once, to be expanded over any window.

    uid        the first there is; empty where there is no event
    recurring  it repeats by a rule or by dates of its own
    """

    uid: str
    recurring: bool
    _tzid: str
    _groups: Mapping[str, Sequence[Event]]

    def expand(self, start: int, end: int, *, max_occurrences: int = MOST_OCCURRENCES) -> list[Occurrence]:
        """Return the occurrences that overlap [start, end) in UTC seconds, sorted by start.

        Transparent occurrences are included, cancelled ones are not. One without length is included when its time is in
        the window. Raises InvalidCalendar, TooManyOccurrences."""
        found: list[Occurrence] = []
        for uid, events in self._groups.items():
            with blaming(f"UID {uid!r}"):
                for occurrence in occurrences(events, self._tzid, start, end):
                    inside = occurrence.start < end and (occurrence.end > start or occurrence.start >= start)
                    if inside and occurrence.status != "cancelled":
                        found.append(occurrence)
                    if len(found) > max_occurrences:
                        raise TooManyOccurrences(
                            f"UID {uid!r} has more than {max_occurrences} occurrences in the window"
                        )
        return sorted(found, key=lambda o: (o.start, o.end, o.uid, o.recurrence_id or 0))


def read_object(text: str, tzid: str, *, max_size: int = MOST_TIMES_LARGER * MOST_BYTES) -> ReadObject:
    """Read a CalendarObject of at most `max_size` characters. Floating and all-day times are read in `tzid`.

    Raises InvalidCalendar."""
    if len(text) > max_size:
        raise InvalidCalendar(f"the object is larger than the {max_size} characters allowed")
    default, _ = Zones({}).find(tzid)
    _, blocks, components = split_calendar(text.encode("utf-8", "replace"))
    zones = Zones(blocks, default)
    groups: dict[str, list[Event]] = {}
    for uid, group in by_uid(components).items():
        with blaming(f"UID {uid!r}"):
            groups[uid] = read_events(group, zones)
    recurring = any(_recurring(events) for events in groups.values())
    return ReadObject(next(iter(groups), ""), recurring, tzid, groups)


def expand(text: str, tzid: str, start: int, end: int, *, max_occurrences: int = MOST_OCCURRENCES) -> list[Occurrence]:
    """The occurrences of a CalendarObject, as `ReadObject.expand` returns them. Raises InvalidCalendar,
    TooManyOccurrences."""
    return read_object(text, tzid).expand(start, end, max_occurrences=max_occurrences)


def _recurring(events: Sequence[Event]) -> bool:
    return any(event.rules or event.extra for event in events if event.recurrence is None)
