"""iCalendar text in, occurrences out, and one event back to text (RFC 5545). Pure: no clock, no network, no files.

icalendar reads and folds content lines; dateutil, which icalendar and recurring-ical-events also build on, walks rules.
Rules are walked on the naive wall clock of the event and only then made instants: that is what keeps hours right over
clock changes. Time zones never pass through icalendar's own registry, which is one for the whole process: a private
TZID of one calendar would decide the times of another.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from hashlib import sha256
from itertools import pairwise
from operator import itemgetter
from typing import Literal, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil.rrule import rrule, rrulestr
from icalendar.parser import Contentline
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

MAX_RULE_STEPS = 30_000
"""Starts one rule may be walked through, those before the window included: about a third of a second."""

MAX_RULES = 4
"""RRULEs in one event; RFC 5545 3.8.5.3 advises against a second."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - wall clocks are naive here
_DAY = timedelta(days=1)
_CYCLE = timedelta(days=146_097)  # 400 years: weekdays and leap days repeat
_FREQUENCIES = {"SECONDLY": 1, "MINUTELY": 60, "HOURLY": 3_600, "DAILY": 86_400, "WEEKLY": 604_800}
_RULE_PART = re.compile(
    "FREQ|INTERVAL|COUNT|UNTIL|WKST|BY(SECOND|MINUTE|HOUR|DAY|MONTHDAY|YEARDAY|WEEKNO|MONTH|SETPOS)"
)
_TIMES = ("DTSTART", "DTEND", "RECURRENCE-ID", "RDATE", "EXDATE")
_TEXTS = ("UID", "STATUS", "TRANSP", "CLASS", "SUMMARY", "DESCRIPTION", "LOCATION", "URL", "X-MICROSOFT-CDO-BUSYSTATUS")
_READ = frozenset((*_TIMES, *_TEXTS, "SEQUENCE", "DTSTAMP", "RRULE", "DURATION", "TZID", "TZOFFSETFROM", "TZOFFSETTO"))
_PLAIN = re.compile(r'[A-Za-z-]+(?:;TZID=([^"\\^:;,]+))?:([^\\]*)')
_DURATION = re.compile(r"([+-]?)P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.IGNORECASE)
_STAMP = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?", re.IGNORECASE)


class InvalidCalendar(ValueError):
    """The text is no iCalendar we can answer for. Says what is wrong and in which UID. Never read it as free."""


class TooManyOccurrences(InvalidCalendar):
    """A rule gives more starts than we are willing to count."""


@dataclass(frozen=True, slots=True)
class CalendarObject:
    """Everything a file says of one UID: master, overrides, and the VTIMEZONEs they need. `text` is what is stored."""

    uid: str
    text: str
    recurring: bool


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One happening of an event. `start` and `end` are UTC seconds, half-open; `start == end` takes no time.

    start_date, end_date  only for all-day events, end exclusive; start and end are midnights in the calendar's zone
    recurrence_id         UTC seconds of the original start, None for a single event
    tzid                  IANA name of the zone of the event's own start, else of the calendar's
    """

    uid: str
    start: int
    end: int
    start_date: date | None
    end_date: date | None
    recurrence_id: int | None
    status: Literal["confirmed", "tentative", "cancelled"]
    transparency: Literal["opaque", "transparent"]
    summary: str
    description: str
    location: str
    url: str
    private: bool
    tzid: str


def read_calendar(text: str | bytes, *, max_bytes: int = 5_000_000) -> tuple[list[CalendarObject], str | None]:
    """Split a file into its UIDs, in file order, and name the file's own zone (X-WR-TIMEZONE, an IANA name) or None.

    One UID twice with one RECURRENCE-ID: the highest SEQUENCE, then the latest DTSTAMP stays (RFC 5545 3.8.7.4).
    Every object returned can be expanded as far as its values go; a rule may still give TooManyOccurrences.
    Raises InvalidCalendar: no iCalendar, cut off, too large, a time or rule that cannot be read, an unknown zone.
    """
    raw = text.encode("utf-8", "replace") if isinstance(text, str) else text
    if len(raw) > max_bytes:
        raise InvalidCalendar(f"the calendar has {len(raw)} bytes, more than the {max_bytes} allowed")
    head, zones, components = _components(raw)
    objects: list[CalendarObject] = []
    for uid, group in _by_uid(components).items():
        with _blaming(f"UID {uid!r}"):
            events = _events(group, zones, UTC)
        used = dict.fromkeys(p.params["TZID"] for c in group for n in _TIMES for p in c.all(n) if "TZID" in p.params)
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Slotlink//Slotlink//EN"]
        lines += [line for name in used for line in zones.get(name, ())]
        lines += [line for component in group for line in component.lines]
        recurring = any(event.rules or event.extra for event in events if event.recurrence is None)
        objects.append(CalendarObject(uid, _folded([*lines, "END:VCALENDAR"]), recurring))
    own = next((line.partition(":")[2].strip() for line in head if line.upper().startswith("X-WR-TIMEZONE")), "")
    with _blaming("X-WR-TIMEZONE"):
        return objects, _zone(own, zones)[1] if own else None


def expand(text: str, tzid: str, start: int, end: int, *, max_occurrences: int = 10_000) -> list[Occurrence]:
    """Return the occurrences of a CalendarObject that overlap [start, end) in UTC seconds, sorted by start.

    Floating and all-day times are read in `tzid`. Transparent occurrences are included, cancelled ones are not. One
    without length is included when its time is in the window. Raises InvalidCalendar, TooManyOccurrences.
    """
    default = _zone(tzid, {})[0]
    _, zones, components = _components(text.encode("utf-8", "replace"))
    found: list[Occurrence] = []
    for uid, group in _by_uid(components).items():
        with _blaming(f"UID {uid!r}"):
            for occurrence in _occurrences(_events(group, zones, default), tzid, start, end):
                inside = occurrence.start < end and (occurrence.end > start or occurrence.start >= start)
                if inside and occurrence.status != "cancelled":
                    found.append(occurrence)
                if len(found) > max_occurrences:
                    raise TooManyOccurrences(f"UID {uid!r} has more than {max_occurrences} occurrences in the window")
    return sorted(found, key=lambda o: (o.start, o.end, o.uid, o.recurrence_id or 0))


def write_event(
    *, uid: str, start: int, end: int, tzid: str, summary: str, description: str = "", location: str = "",
    url: str = "", stamp: int, sequence: int = 0,
) -> str:  # fmt: skip
    """Return a VCALENDAR without METHOD holding one VEVENT, for a visitor to keep. All times are UTC seconds.

    Times are written in UTC, exact in every client and in the doubled hour too; `tzid` goes along as X-WR-TIMEZONE.
    Line breaks in texts become escaped ones, other control characters are dropped, so no value can start a line.
    """
    _zone(tzid, {})
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Slotlink//Slotlink//EN", f"X-WR-TIMEZONE:{tzid}"]
    lines += ["BEGIN:VEVENT", f"UID:{_escaped(uid)}", f"DTSTAMP:{_utc(stamp)}", f"SEQUENCE:{sequence}"]
    lines += [f"DTSTART:{_utc(start)}", f"DTEND:{_utc(end)}", "STATUS:CONFIRMED", f"SUMMARY:{_escaped(summary)}"]
    lines += [f"DESCRIPTION:{_escaped(description)}"] if description else []
    lines += [f"LOCATION:{_escaped(location)}"] if location else []
    lines += [f"URL:{_printable(url).replace(chr(10), '').strip()}"] if url else []
    return _folded([*lines, "END:VEVENT", "END:VCALENDAR"])


# Lines and components


@dataclass(frozen=True, slots=True)
class _Property:
    params: Mapping[str, str]
    value: str


@dataclass(frozen=True, slots=True)
class _Component:
    """A VEVENT: its unfolded lines, those of its alarms included, and the properties of its own that we read."""

    lines: list[str]
    properties: dict[str, list[_Property]]

    def all(self, name: str) -> list[_Property]:
        return self.properties.get(name, [])

    def text(self, name: str) -> str:
        return next((p.value for p in self.all(name)), "")


def _components(raw: bytes) -> tuple[list[str], dict[str, list[str]], list[_Component]]:
    """Return the lines of the VCALENDAR itself, its VTIMEZONEs by TZID, and its VEVENTs. Unfolds (RFC 5545 3.1).

    Bytes are unfolded before they are decoded, because a fold may lie inside a UTF-8 character.
    """
    text = re.sub(rb"\r?\n[ \t]", b"", raw).decode("utf-8-sig", "replace")
    head: list[str] = []
    zones: dict[str, list[str]] = {}
    events: list[_Component] = []
    stack: list[str] = []
    block: list[str] = []
    own: list[str] = []
    for number, line in enumerate((line.rstrip("\r") for line in text.split("\n")), 1):
        keyword, _, name = line.strip().upper().partition(":")
        if not keyword:
            continue
        if keyword == "BEGIN":
            stack.append(name)
            if len(stack) == 2:
                block, own = [], []
            if len(stack) == 2 and name in ("VFREEBUSY", "VAVAILABILITY"):
                # They say when somebody is busy; skipping them would make that time free.
                raise InvalidCalendar(f"{name} in a calendar file is not supported (line {number})")
        if not stack or stack[0] != "VCALENDAR":
            raise InvalidCalendar(f"this is no iCalendar: line {number} is {line[:60]!r}, not BEGIN:VCALENDAR")
        (head if len(stack) == 1 else block).append(line)
        if len(stack) == 2:
            own.append(line)
        if keyword == "END":
            if stack.pop() != name:
                raise InvalidCalendar(f"line {number}, {line[:60]!r}, ends a component that is not open")
            if len(stack) == 1 and name == "VEVENT":
                events.append(_Component(block, _properties(own)))
            elif len(stack) == 1 and name == "VTIMEZONE":
                zones[next((p.value for p in _properties(own).get("TZID", [])), "")] = block
    if stack or not head:
        raise InvalidCalendar(f"the calendar is cut off inside {stack[-1]}" if stack else "the calendar is empty")
    return head, zones, events


def _properties(lines: Sequence[str]) -> dict[str, list[_Property]]:
    found: dict[str, list[_Property]] = {}
    for line in lines:
        name = re.split("[;:]", line, maxsplit=1)[0].strip().upper()
        if name not in _READ:
            continue
        params: dict[str, str] = {}
        if plain := _PLAIN.fullmatch(line):  # most lines; icalendar takes ten times as long for them
            params, value = ({"TZID": plain[1]} if plain[1] else {}), plain[2]
        else:
            try:
                _, raw_params, value = Contentline(line).parts()
            except ValueError as error:
                raise InvalidCalendar(f"the line {line[:80]!r} cannot be read") from error
            params = {str(key).upper(): str(each) for key, each in cast("dict[str, object]", raw_params).items()}
        found.setdefault(name, []).append(_Property(params, value))
    return found


def _by_uid(components: Sequence[_Component]) -> dict[str, list[_Component]]:
    """Group by UID, keeping of each RECURRENCE-ID the latest version."""
    groups: dict[str, dict[tuple[str, str], _Component]] = {}
    for component in components:
        uid = component.text("UID")
        if not uid:  # required, and yet left out by some feeds: the content is then the identity
            uid = sha256("\n".join(component.lines).encode()).hexdigest()
            component.lines.insert(1, f"UID:{uid}")
        recurrence = next(((p.value, p.params.get("TZID", "")) for p in component.all("RECURRENCE-ID")), ("", ""))
        versions = groups.setdefault(uid, {})
        if recurrence not in versions or _version(component) >= _version(versions[recurrence]):
            versions[recurrence] = component
    return {uid: list(versions.values()) for uid, versions in groups.items()}


def _version(component: _Component) -> tuple[int, str]:
    sequence = component.text("SEQUENCE").strip()
    return int(sequence[:18]) if sequence.isdecimal() else 0, component.text("DTSTAMP")


def _folded(lines: Sequence[str]) -> str:
    return "".join(
        (line if len(line.encode()) < 75 else Contentline(line).to_ical().decode()) + "\r\n" for line in lines
    )


def _printable(text: str) -> str:
    """Only line feeds and tabs stay of the control characters; what some readers take for a line end becomes one."""
    return re.sub("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", "", re.sub("\r\n|[\r\x85\u2028\u2029]", "\n", text))


def _escaped(text: str) -> str:
    # By hand: icalendar's own escaping turns a backslash before a capital N into a line break.
    return re.sub(r"([\\;,])", r"\\\1", _printable(text)).replace("\n", r"\n")


def _utc(instant: int) -> str:
    return datetime.fromtimestamp(instant, UTC).strftime("%Y%m%dT%H%M%SZ")


@contextmanager
def _blaming(what: str) -> Generator[None]:
    """Name the UID beside whatever is wrong with a value, the arithmetic of impossible dates and offsets included."""
    try:
        yield
    except TooManyOccurrences:
        raise
    except (ValueError, ArithmeticError, TypeError, LookupError) as error:
        raise InvalidCalendar(f"{what}: {error}") from error


# Zones and moments


def _zone(name: str, zones: Mapping[str, list[str]]) -> tuple[tzinfo, str | None]:
    """Return the zone called `name` and its IANA name. Raises InvalidCalendar if nobody knows it: never UTC.

    In order: IANA, Windows, the VTIMEZONE of the file, the IANA tail of a global name ("/vendor/Europe/Berlin").
    """
    parts = name.strip("/").split("/") if name.startswith("/") else []
    tails = ["/".join(parts[at:]) for at in range(len(parts))]
    for candidate in (name, WINDOWS_TO_OLSON.get(name, ""), None, *tails):
        if candidate is None and name in zones:
            return _file_zone("\n".join(zones[name])), None
        # "localtime" is the server's zone, and a calendar's times are never the server's.
        if candidate and candidate not in ("localtime", "posixrules"):
            try:
                return ZoneInfo(candidate), candidate
            except (ZoneInfoNotFoundError, ValueError, OSError):
                continue
    raise InvalidCalendar(f"the time zone {name!r} is unknown and the file has no VTIMEZONE for it")


class _FileZone(tzinfo):
    """A zone read from a VTIMEZONE (RFC 5545 3.6.5): the onsets between 1970 and 2100, (instant, offset) sorted."""

    def __init__(self, before: int, onsets: Sequence[tuple[int, int]]) -> None:
        self.offsets = [before, *(offset for _, offset in onsets)]
        self.instants = [instant for instant, _ in onsets]
        # On the wall the new offset counts where the time is neither missing nor doubled any more.
        self.walls = [at + max(pair) for at, pair in zip(self.instants, pairwise(self.offsets), strict=True)]

    def utcoffset(self, dt: datetime | None) -> timedelta:
        wall = (dt.replace(tzinfo=None) - _EPOCH).total_seconds() if dt else 0
        return timedelta(seconds=self.offsets[bisect_right(self.walls, wall)])

    def fromutc(self, dt: datetime) -> datetime:
        utc = (dt.replace(tzinfo=None) - _EPOCH).total_seconds()
        return dt + timedelta(seconds=self.offsets[bisect_right(self.instants, utc)])


@lru_cache(maxsize=256)
def _file_zone(block: str) -> tzinfo:
    low, high = datetime(1970, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001 - wall clocks
    onsets: list[tuple[int, int, int]] = []
    for part in re.split("(?im)^BEGIN:(?:STANDARD|DAYLIGHT)$", block)[1:]:
        values = _properties(part.split("\n"))
        before, after = (_seconds(values[name][0].value) for name in ("TZOFFSETFROM", "TZOFFSETTO"))
        begin = replace(  # an UNTIL in UTC is compared on the wall clock before the change
            _moment(values["DTSTART"][0].value, {}, {}, UTC), zone=timezone(timedelta(seconds=before)), is_date=False
        )
        starts = [
            begin.local,
            *(_moment(v, {}, {}, UTC).local for p in values.get("RDATE", []) for v in _split(p.value)),
        ]
        for rule in values.get("RRULE", []):
            parts = _rule_parts(rule.value)
            if parts["FREQ"] != "YEARLY":
                raise InvalidCalendar(f"a VTIMEZONE has the rule {rule.value!r}; only yearly ones are supported")
            starts += _rule_starts(parts, begin, low, high)
        onsets += [(int((local - _EPOCH).total_seconds()) - before, after, before) for local in set(starts)]
    onsets.sort()
    if not onsets:
        raise InvalidCalendar("a VTIMEZONE has neither STANDARD nor DAYLIGHT")
    return _FileZone(onsets[0][2], [(instant, after) for instant, after, _ in onsets])


def _seconds(offset: str) -> int:
    match = re.fullmatch(r"([+-]?)(\d\d)(\d\d)(\d\d)?", offset.strip())
    if not match or int(match[2]) > 23:
        raise InvalidCalendar(f"a VTIMEZONE has the offset {offset!r}")
    return (-1 if match[1] == "-" else 1) * (int(match[2]) * 3600 + int(match[3]) * 60 + int(match[4] or 0))


def _instant(local: datetime, zone: tzinfo) -> int:
    """UTC seconds of a naive wall clock. Doubled: the first. Missing: the offset before the gap (RFC 5545 3.3.5)."""
    return int((local - _EPOCH - (local.replace(tzinfo=zone).utcoffset() or timedelta())).total_seconds())


def _local(instant: int, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(instant, zone).replace(tzinfo=None, fold=0)


@dataclass(frozen=True, slots=True)
class _Moment:
    """A DATE or DATE-TIME: the wall clock as written (a date is its midnight), its zone, and the zone's IANA name."""

    local: datetime
    zone: tzinfo
    tzid: str | None
    is_date: bool

    @property
    def instant(self) -> int:
        return _instant(self.local, self.zone)

    def seen_from(self, other: "_Moment") -> datetime:
        """This moment on the wall clock of `other`; a date, or a moment for one, stays on its written day."""
        if self.is_date or other.is_date or self.zone is other.zone:
            return datetime.combine(self.local, time()) if other.is_date else self.local
        return _local(self.instant, other.zone)


def _moment(
    value: str,
    params: Mapping[str, str],
    zones: Mapping[str, list[str]],
    default: tzinfo,
    floating: tzinfo | None = None,
) -> _Moment:
    """Read one value. A date is a day in the zone `default`, and so is a floating time unless `floating` is given."""
    match = _STAMP.fullmatch(value.strip())
    if not match:
        raise InvalidCalendar(f"{value[:80]!r} is neither a date nor a time")
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    local = datetime(year, month, day, hour, minute, min(second, 59))  # noqa: DTZ001 - a wall clock; 60 is a leap second
    if match[4] is None:
        return _Moment(local, default, None, is_date=True)
    if match[7]:
        return _Moment(local, UTC, None, is_date=False)
    zone, tzid = _zone(params["TZID"], zones) if params.get("TZID") else (floating or default, None)
    return _Moment(local, zone, tzid, is_date=False)


# Events

_Length = tuple[tuple[timedelta, int], ...]
"""How long an event is: pairs of nominal days and exact seconds, the latest end of which counts."""


@dataclass(frozen=True, slots=True)
class _Event:
    """A VEVENT with its values read. `extra` are the RDATEs, each with its own length if it was a PERIOD."""

    component: _Component
    start: _Moment
    length: _Length
    recurrence: _Moment | None
    and_future: bool
    rules: list[dict[str, str]]
    extra: list[tuple[_Moment, _Length | None]]
    excluded: list[_Moment]

    @staticmethod
    def read(
        component: _Component, zones: Mapping[str, list[str]], default: tzinfo, series: tzinfo | None = None
    ) -> "_Event":
        """`series` is the zone of the master, in which a floating RECURRENCE-ID is read."""
        begin = next((_moment(p.value, p.params, zones, default) for p in component.all("DTSTART")), None)
        if begin is None:
            raise InvalidCalendar("the event has no DTSTART")
        # Floating times beside a DTSTART with a zone are sloppy writing for the same zone.
        values = {
            name: [_moment(v, p.params, zones, default, zone) for p in component.all(name) for v in _split(p.value)]
            for name, zone in (("DTEND", begin.zone), ("EXDATE", begin.zone), ("RECURRENCE-ID", series or begin.zone))
        }
        extra: list[tuple[_Moment, _Length | None]] = []
        for p in component.all("RDATE"):
            for first, _, last in (value.partition("/") for value in _split(p.value)):
                at = _moment(first, p.params, zones, default, begin.zone)
                close = _moment(last, p.params, zones, default, begin.zone) if last[:1].isdigit() else None
                extra.append((at, _length(at, close, last) if last else None))
        rules = [_rule_parts(p.value) for p in component.all("RRULE")]
        if len(rules) > MAX_RULES:
            raise InvalidCalendar(f"the event has {len(rules)} rules, more than the {MAX_RULES} we search")
        for rule in rules:
            _rule(rule, begin.local)
        return _Event(
            component=component,
            start=begin,
            length=_length(begin, next(iter(values["DTEND"]), None), component.text("DURATION")),
            recurrence=next(iter(values["RECURRENCE-ID"]), None),
            and_future=any(p.params.get("RANGE") == "THISANDFUTURE" for p in component.all("RECURRENCE-ID")),
            rules=rules,
            extra=extra,
            excluded=values["EXDATE"],
        )

    def moved(self, original: _Moment) -> datetime:
        """Where THISANDFUTURE puts a later start: as far away as this event is from its own RECURRENCE-ID."""
        by = self.start.local - self.recurrence.seen_from(self.start) if self.recurrence else timedelta()
        return original.seen_from(self.start) + by

    def occurrence(self, local: datetime, start: int, key: int | None, length: _Length, tzid: str) -> Occurrence:
        zone, is_date, text = self.start.zone, self.start.is_date, self.component.text
        end = max(_instant(local + days, zone) + seconds for days, seconds in length)
        start, end = min(start, end), max(start, end)  # an end before the start blocks the time between
        status, busy = text("STATUS").upper(), text("X-MICROSOFT-CDO-BUSYSTATUS").upper()
        transparent = text("TRANSP").upper() == "TRANSPARENT" or busy == "FREE"
        tentative = status == "TENTATIVE" or busy == "TENTATIVE"
        return Occurrence(
            uid=self.component.text("UID"),
            start=start,
            end=end,
            start_date=local.date() if is_date else None,
            end_date=(local + length[0][0]).date() if is_date else None,
            recurrence_id=key,
            status="cancelled" if status == "CANCELLED" else "tentative" if tentative else "confirmed",
            transparency="transparent" if transparent else "opaque",
            summary=text("SUMMARY"),
            description=text("DESCRIPTION"),
            location=text("LOCATION"),
            url=text("URL"),
            private=text("CLASS").upper() in ("PRIVATE", "CONFIDENTIAL"),
            tzid=self.start.tzid or tzid,
        )


def _events(group: Sequence[_Component], zones: Mapping[str, list[str]], default: tzinfo) -> list[_Event]:
    """Read what belongs to one UID; the master, if there is one, comes first."""
    ordered = sorted(group, key=lambda component: bool(component.all("RECURRENCE-ID")))
    first = _Event.read(ordered[0], zones, default)
    series = None if first.recurrence or first.start.is_date else first.start.zone
    return [first, *(_Event.read(component, zones, default, series) for component in ordered[1:])]


def _split(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _length(start: _Moment, end: _Moment | None, duration: str) -> _Length:
    """Read DTEND, DURATION or neither (RFC 5545 3.6.1). Days are nominal and hours exact, 3.3.6."""
    if end is not None and start.is_date:
        # At least a day: an all-day event that ends where it starts is meant to fill that day.
        return ((max((end.local - start.local + timedelta(hours=24, microseconds=-1)) // _DAY, 1) * _DAY, 0),)
    if end is not None:
        # Repeated over a clock change, 3.8.5.3 keeps the exact length, and the calendars we know keep the time on the
        # wall. Both stand here and the later end counts: an hour too much twice a year is no double booking.
        return (timedelta(), end.instant - start.instant), (end.seen_from(start) - start.local, 0)
    match = _DURATION.fullmatch(duration.strip())
    if duration and not match:
        raise InvalidCalendar(f"the DURATION {duration!r} cannot be read")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[1:]) if match else (0,) * 5
    days, exact = weeks * 7 + days, hours * 3600 + minutes * 60 + seconds
    if start.is_date:
        return ((max(days + -(-exact // 86_400), 1) * _DAY, 0),)
    sign = -1 if match and match[1] == "-" else 1
    return ((sign * days * _DAY, sign * exact),)


def _rule_parts(value: str) -> dict[str, str]:
    """Read an RRULE (RFC 5545 3.3.10). Raises InvalidCalendar for what we cannot answer for in bounded time."""
    pairs = [part.partition("=") for part in value.upper().replace(" ", "").strip(";").split(";")]
    parts = {name: setting for name, _, setting in pairs}
    plain = re.fullmatch(r"[A-Z0-9=;,+\- ]+", value.upper()) and all(_RULE_PART.fullmatch(name) for name in parts)
    if not plain or "FREQ" not in parts or int(parts.get("INTERVAL", "1")) < 1:
        raise InvalidCalendar(f"the rule {value[:200]!r} cannot be read")
    if parts["FREQ"] in ("SECONDLY", "MINUTELY") and any(name.startswith("BY") for name in parts):
        raise InvalidCalendar(f"the rule {value[:200]!r} is too fine to be searched")
    if int(parts.get("COUNT", "1")) < 1:  # COUNT=-1 is written for "without end"
        del parts["COUNT"]
    return parts


def _rule(parts: Mapping[str, str], first: datetime) -> rrule:
    # UNTIL is ours: dateutil wants it of the same kind as the start and ends a bare date at its first second.
    text = ";".join(f"{name}={setting}" for name, setting in parts.items() if name != "UNTIL")
    return cast("rrule", rrulestr(text, dtstart=first))


# Recurrence


def _occurrences(events: Sequence[_Event], tzid: str, start: int, end: int) -> Iterator[Occurrence]:
    """All occurrences of one UID that may touch [start, end), and some that do not (RFC 5545 3.8.5)."""
    master = next((event for event in events if event.recurrence is None), None)
    overrides: dict[int | date, _Event] = {}
    gone: set[int | date] = {_key(moment, master) for moment in master.excluded} if master else set()
    for event in events:
        if event.recurrence is not None:
            overrides[_key(event.recurrence, master or event)] = event
    for event in overrides.values():
        original = event.recurrence or event.start
        if gone.isdisjoint((original.instant, original.local.date())):
            yield event.occurrence(event.start.local, event.start.instant, original.instant, event.length, tzid)
    if master is None:
        return
    ids = [(event.recurrence.instant, event) for event in overrides.values() if event.recurrence and event.and_future]
    ids.sort(key=itemgetter(0))
    since, later = [instant for instant, _ in ids], [event for _, event in ids]
    repeats = bool(master.rules or master.extra or overrides)
    for instant, (local, own) in _starts(master, later, start, end).items():
        if not gone.isdisjoint((instant, local.date())) or not overrides.keys().isdisjoint((instant, local.date())):
            continue
        ruling = bisect_left(since, instant)
        event = later[ruling - 1] if ruling else master
        moved = event.moved(_Moment(local, master.start.zone, None, master.start.is_date)) if ruling else local
        at = _instant(moved, event.start.zone) if ruling else instant
        yield event.occurrence(moved, at, instant if repeats else None, own or event.length, tzid)


def _key(moment: _Moment, series: _Event) -> int | date:
    """How EXDATE and RECURRENCE-ID name a start: by its instant, or by its day if either is a date."""
    return moment.local.date() if moment.is_date or series.start.is_date else moment.instant


def _starts(
    master: _Event, later: Sequence[_Event], start: int, end: int
) -> dict[int, tuple[datetime, _Length | None]]:
    """Return instant → (wall clock, own length) of DTSTART, RDATE and RRULE, at least what may touch the window."""
    zone = master.start.zone
    spans = [abs(days) + timedelta(seconds=abs(exact)) for e in (master, *later) for days, exact in e.length]
    shifts = [abs(e.start.instant - e.recurrence.instant) for e in later if e.recurrence]
    # A wall clock is less than a day from UTC, and so is any moment from its day.
    margin = timedelta(days=3, seconds=max(shifts, default=0))
    low, high = _clock(start - int((max(spans) + margin).total_seconds())), _clock(end) + margin
    found: dict[int, tuple[datetime, _Length | None]] = {master.start.instant: (master.start.local, None)}
    for rule in master.rules:
        for local in _rule_starts(rule, master.start, low, high):
            found[_instant(local, zone)] = local, None
    for moment, length in master.extra:
        local = moment.seen_from(master.start)
        if moment.is_date and not master.start.is_date:
            local = datetime.combine(local, master.start.local.time())
        found[_instant(local, zone)] = local, length
    return found


def _rule_starts(parts: Mapping[str, str], start: _Moment, low: datetime, high: datetime) -> Iterator[datetime]:
    """Return the starts a rule gives in [low, high], on the wall clock. Raises TooManyOccurrences."""
    first, last = start.local, min(high, _until(parts["UNTIL"], start)) if "UNTIL" in parts else high
    if first > last:
        return
    if "COUNT" not in parts and parts["FREQ"] in _FREQUENCIES:
        # Jump, whole intervals at a time, to shortly before the window; months and years are few enough to walk.
        interval = timedelta(seconds=_FREQUENCIES[parts["FREQ"]] * int(parts.get("INTERVAL", "1")))
        first += max((low - first) // interval - 1, 0) * interval
    # dateutil gives up on a rule that never comes true (30 February) only in the year 9999. So the search is moved by
    # whole 400-year cycles of the calendar, which change no weekday, to where that is near.
    moved = max((9990 - last.year) // 400, 0) * _CYCLE
    for step, local in enumerate(_rule(parts, first + moved)):
        if step >= MAX_RULE_STEPS:
            raise TooManyOccurrences(f"a rule gives more than {MAX_RULE_STEPS} starts: {dict(parts)}")
        if local > last + moved:
            return
        if local >= low + moved:
            yield local - moved


def _until(value: str, start: _Moment) -> datetime:
    """The last wall clock UNTIL allows, itself included. A bare date is that whole local day."""
    moment = _moment(value, {}, {}, start.zone)
    if not moment.is_date and not start.is_date:
        return moment.seen_from(start)
    # For all-day events some write the day in UTC and some the instant of its midnight: the later reading counts.
    days = [moment.local] if moment.is_date else [moment.local, _local(moment.instant, start.zone)]
    return datetime.combine(max(days), time.max)


def _clock(instant: int) -> datetime:
    """The UTC wall clock, kept inside the years a datetime can hold with room to calculate."""
    return _EPOCH + timedelta(seconds=min(max(instant, -62_000_000_000), 250_000_000_000))
