"""Lines, properties and components: the text of a file, split but not yet understood. icalendar parses single lines."""

import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from string import ascii_letters
from typing import cast

from icalendar.parser import Contentline
from icalendar.parser.property import unescape_backslash

HEAD = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Slotlink//Slotlink//EN")
"""How every calendar we write begins."""

_TIMES = ("DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "RDATE", "EXDATE", "RRULE")
_TEXTS = ("UID", "STATUS", "TRANSP", "CLASS", "SUMMARY", "DESCRIPTION", "LOCATION", "URL")
BUSY_STATUS = (
    "X-MICROSOFT-CDO-BUSYSTATUS",
    "X-MICROSOFT-MSNCALENDAR-BUSYSTATUS",
    "X-MICROSOFT-CDO-INTENDEDSTATUS",
)
"""What Outlook says of an event, the first that is there ([MS-OXCICAL] 2.1.3.1.1.20.31, .42 and .34)."""
_READ = frozenset((*_TIMES, *_TEXTS, *BUSY_STATUS, "SEQUENCE", "DTSTAMP", "TZID", "TZOFFSETFROM", "TZOFFSETTO"))
_PARAMETER = re.compile(r';([A-Za-z0-9-]+)=((?:"[^"]*"|[^";:])*)')
_PLAIN = re.compile(r'[A-Za-z-]+(?:;(?:TZID=([^"\\^:;,]+)|VALUE=[A-Z-]+))?:([^\\]*)')
_PLAIN_TEXT = re.compile(r"[A-Za-z-]+:(.*)", re.DOTALL)
_NAME_ENDS = re.compile("[;:]")
_NO_MARK = frozenset(ascii_letters) - set("BbEe")
"""A line that begins with one of these is no BEGIN and no END, and not blank."""


MAX_ZONES = 300
"""VTIMEZONEs in a file, each of which takes milliseconds to read; a feed of all our zones would have fewer."""
MAX_ZONE_BYTES = 100_000
"""Of a VTIMEZONE, which goes into the text of every object that needs it; a long history of a zone has 10 kB."""


class InvalidCalendar(ValueError):
    """The text is no iCalendar we can answer for. Says what is wrong and in which UID. Never read it as free."""


class TooManyOccurrences(InvalidCalendar):
    """A rule gives more starts than we are willing to count."""


@dataclass(frozen=True, slots=True)
class Property:
    params: Mapping[str, str]
    value: str

    def values(self) -> list[str]:
        return [part.strip() for part in self.value.split(",") if part.strip()]


@dataclass(frozen=True, slots=True)
class Component:
    """A VEVENT: its unfolded lines, those of its alarms included, and the properties of its own that we read."""

    lines: list[str]
    properties: Mapping[str, list[Property]]

    def all(self, name: str) -> list[Property]:
        return self.properties.get(name, [])

    def text(self, name: str) -> str:
        return next((p.value for p in self.all(name)), "")

    def word(self, *names: str) -> str:
        """The value of the first of these that is there, for properties with values from a list."""
        return next((word for name in names if (word := self.text(name).strip().upper())), "")

    def tzids(self) -> list[str]:
        return [p.params["TZID"] for found in self.properties.values() for p in found if "TZID" in p.params]


def split_calendar(raw: bytes) -> tuple[list[str], dict[str, list[str]], list[Component]]:
    """Return the lines of the VCALENDAR itself, its VTIMEZONEs by TZID, and its VEVENTs. Unfolds (RFC 5545 3.1).

    Bytes are unfolded before they are decoded, because a fold may lie inside a UTF-8 character. VFREEBUSY and
    VAVAILABILITY are passed over beside events; a file that has nothing else says when somebody is busy in a way that
    we do not read, and is refused, since without them that time would be free.
    """
    text = re.sub(rb"\r?\n[ \t]", b"", raw).decode("utf-8-sig", "replace")
    head: list[str] = []
    zones: dict[str, list[str]] = {}
    events: list[Component] = []
    stack: list[str] = []
    block: list[str] = []  # every line of the VEVENT or VTIMEZONE we are in
    own: list[str] = []  # of these, the lines that are not in a component inside it
    unread: list[str] = []
    for number, line in enumerate((line.rstrip("\r") for line in text.split("\n")), 1):
        keyword, name = "", ""
        if line[:1] not in _NO_MARK:  # most lines do: this is where the time goes
            keyword, _, name = (part.strip() for part in line.strip().upper().partition(":"))
            if not keyword:
                continue
        if keyword == "BEGIN":
            stack.append(name)
            if len(stack) == 2:
                block, own = [], []
                if name in ("VFREEBUSY", "VAVAILABILITY"):
                    unread.append(name)
        if not stack or stack[0] != "VCALENDAR":
            raise InvalidCalendar(f"this is no iCalendar: line {number} is {line[:60]!r}, not BEGIN:VCALENDAR")
        (head if len(stack) == 1 else block).append(line)
        if len(stack) == 2:
            own.append(line)
        if keyword == "END":
            if stack.pop() != name:
                raise InvalidCalendar(f"line {number}, {line[:60]!r}, ends a component that is not open")
            if len(stack) == 1 and name == "VEVENT":
                events.append(Component(block, properties(own)))
            elif len(stack) == 1 and name == "VTIMEZONE":
                if len(zones) >= MAX_ZONES or sum(map(len, block)) > MAX_ZONE_BYTES:
                    raise InvalidCalendar(f"a VTIMEZONE is too large, or one too many (line {number})")
                zones[Component(block, properties(own)).text("TZID")] = block
    if stack or not head:
        raise InvalidCalendar(f"the calendar is cut off inside {stack[-1]}" if stack else "the calendar is empty")
    if unread and not events:
        raise InvalidCalendar(f"the calendar has {unread[0]} and no events, which is not supported")
    return head, zones, events


def properties(lines: Sequence[str]) -> dict[str, list[Property]]:
    """Read the lines we have a use for. Others may be as odd as they like."""
    found: dict[str, list[Property]] = {}
    for line in lines:
        name = _NAME_ENDS.split(line, 1)[0].strip().upper()
        if name == "ATTENDEE":
            # One that cannot be read is nobody's answer, and so frees nobody.
            found.setdefault(name, []).extend(_attendee(line))
            continue
        if name not in _READ:
            continue
        if plain := _PLAIN.fullmatch(line):  # most lines; without this a feed takes twice as long to read
            params, value = ({"TZID": plain[1]} if plain[1] else {}), plain[2]
        elif text := _PLAIN_TEXT.fullmatch(line):  # descriptions, which are long
            params, value = {}, unescape_backslash(text[1])
        else:
            try:
                _, raw_params, value = Contentline(line).parts()
            except ValueError as error:
                raise InvalidCalendar(f"the line {line[:80]!r} cannot be read") from error
            params = {str(key).upper(): str(each) for key, each in cast("dict[str, object]", raw_params).items()}
        found.setdefault(name, []).append(Property(params, value))
    return found


def _attendee(line: str) -> list[Property]:
    """Much faster than icalendar, which matters for meetings of hundreds."""
    at, params = len("ATTENDEE"), dict[str, str]()
    while match := _PARAMETER.match(line, at):
        params[match[1].upper()] = match[2].replace('"', "")
        at = match.end()
    return [Property(params, line[at + 1 :])] if line[at : at + 1] == ":" else []


def by_uid(components: Sequence[Component]) -> dict[str, list[Component]]:
    """Group by UID. Of one RECURRENCE-ID the highest SEQUENCE, then the latest DTSTAMP stays (RFC 5545 3.8.7.4)."""
    groups: dict[str, dict[tuple[str, str], Component]] = {}
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


def _version(component: Component) -> tuple[int, str]:
    sequence = component.text("SEQUENCE").strip()
    return int(sequence[:18]) if sequence.isdecimal() else 0, component.text("DTSTAMP")


def fold(lines: Sequence[str]) -> str:
    return "".join(
        (line if len(line.encode()) < 75 else Contentline(line).to_ical().decode()) + "\r\n" for line in lines
    )


@contextmanager
def blaming(what: str) -> Generator[None]:
    """Name the UID beside whatever is wrong with a value, the arithmetic of impossible dates and offsets included."""
    try:
        yield
    except TooManyOccurrences:
        raise
    except (ValueError, ArithmeticError, TypeError, LookupError) as error:
        raise InvalidCalendar(f"{what}: {error}") from error
