"""Time zones, by IANA name, Windows name or the VTIMEZONE of the file.

They never pass through icalendar's own registry, which is one for the whole process: a private TZID of one calendar
would decide the times of another.
"""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from slotlink.ical.lines import InvalidCalendar, properties
from slotlink.ical.moments import EPOCH, Moment, instant_of, parse_stamp
from slotlink.ical.rules import parse_rule

_HALF = re.compile(r"(?im)^[ \t]*BEGIN[ \t]*:[ \t]*(?:STANDARD|DAYLIGHT)[ \t]*$")
_LOW, _HIGH = datetime(1970, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001 - wall clocks


@dataclass(frozen=True, slots=True)
class Zones:
    """The zones of one file: its VTIMEZONEs by TZID, and the one in which days and floating times are read."""

    blocks: Mapping[str, list[str]]
    default: tzinfo = UTC
    _found: dict[str, tuple[tzinfo, str | None]] = field(
        default_factory=dict[str, tuple[tzinfo, str | None]], init=False, repr=False, compare=False
    )

    def find(self, name: str) -> tuple[tzinfo, str | None]:
        """Return the zone called `name` and its IANA name. Raises InvalidCalendar if nobody knows it: never UTC."""
        if name not in self._found:
            self._found[name] = self._look_up(name)
        return self._found[name]

    def _look_up(self, name: str) -> tuple[tzinfo, str | None]:
        for candidate in (name, WINDOWS_TO_OLSON.get(name, "")):
            if zone := _iana(candidate):
                return zone, candidate
        if name in self.blocks:
            return _file_zone("\n".join(self.blocks[name])), None
        parts = name.strip("/").split("/") if name.startswith("/") else []  # "/vendor/Europe/Berlin"
        for tail in ("/".join(parts[at:]) for at in range(len(parts))):
            if zone := _iana(tail):
                return zone, tail
        raise InvalidCalendar(f"the time zone {name!r} is unknown and the file has no VTIMEZONE for it")

    def moment(self, value: str, params: Mapping[str, str], floating: tzinfo | None = None) -> Moment:
        """Read one value. A day is one in the default zone, and so is a floating time unless `floating` is given."""
        local, kind = parse_stamp(value)
        if kind == "wall" and params.get("TZID"):
            return Moment(local, *self.find(params["TZID"]))
        zone = UTC if kind == "utc" else floating or self.default if kind == "wall" else self.default
        return Moment(local, zone, is_date=kind == "date")


def iana_name(name: str, blocks: Mapping[str, list[str]] | None = None) -> str | None:
    """The IANA name of a zone, as calendars and mailboxes name theirs; None where nobody knows it, or where only one of
    the VTIMEZONEs explains it. One that is wrong in some way explains nothing."""
    try:
        return Zones(blocks or {}).find(name)[1]
    except (ValueError, ArithmeticError, TypeError, LookupError):
        return None


def _iana(name: str) -> ZoneInfo | None:
    # "localtime" is the server's zone, and a calendar's times are never the server's.
    if name in ("", "localtime", "posixrules"):
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


class _FileZone(tzinfo):
    """A zone read from a VTIMEZONE (RFC 5545 3.6.5): the onsets between 1970 and 2100, (instant, offset) sorted."""

    def __init__(self, before: int, onsets: Sequence[tuple[int, int]]) -> None:
        self.offsets = [before, *(offset for _, offset in onsets)]
        self.instants = [instant for instant, _ in onsets]
        # On the wall the new offset counts where the time is neither missing nor doubled any more.
        self.walls = [at + max(pair) for at, pair in zip(self.instants, pairwise(self.offsets), strict=True)]

    def utcoffset(self, dt: datetime | None) -> timedelta:
        wall = (dt.replace(tzinfo=None) - EPOCH).total_seconds() if dt else 0
        return timedelta(seconds=self.offsets[bisect_right(self.walls, wall)])

    def fromutc(self, dt: datetime) -> datetime:
        utc = (dt.replace(tzinfo=None) - EPOCH).total_seconds()
        return dt + timedelta(seconds=self.offsets[bisect_right(self.instants, utc)])


@lru_cache(maxsize=256)
def _file_zone(block: str) -> tzinfo:
    onsets: list[tuple[int, int, int]] = []
    for part in _HALF.split(block)[1:]:
        values = properties(part.split("\n"))
        before, after = (_offset(values[name][0].value) for name in ("TZOFFSETFROM", "TZOFFSETTO"))
        # On the wall clock before the change, on which an UNTIL in UTC is compared too.
        begin = Moment(parse_stamp(values["DTSTART"][0].value)[0], timezone(timedelta(seconds=before)))
        starts = {begin.local, *(parse_stamp(each)[0] for p in values.get("RDATE", []) for each in p.values())}
        for rule in (parse_rule(p.value, begin) for p in values.get("RRULE", [])):
            if rule.frequency != "YEARLY":
                raise InvalidCalendar(f"a VTIMEZONE has the rule {rule.text!r}; only yearly ones are supported")
            starts.update(rule.starts(_LOW, _HIGH))
        onsets += [(instant_of(local, begin.zone), after, before) for local in starts]
    onsets.sort()
    if not onsets:
        raise InvalidCalendar("a VTIMEZONE has neither STANDARD nor DAYLIGHT")
    return _FileZone(onsets[0][2], [(instant, after) for instant, after, _ in onsets])


def _offset(text: str) -> int:
    """Seconds east of UTC."""
    match = re.fullmatch(r"([+-]?)(\d\d)(\d\d)(\d\d)?", text.strip())
    if not match or int(match[2]) > 23:
        raise InvalidCalendar(f"a VTIMEZONE has the offset {text!r}")
    return (-1 if match[1] == "-" else 1) * (int(match[2]) * 3600 + int(match[3]) * 60 + int(match[4] or 0))
