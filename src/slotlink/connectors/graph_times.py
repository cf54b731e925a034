"""Times as Graph has them, made instants and days: a wall clock with seven digits of fractions beside the name of its
zone (learn.microsoft.com/graph/api/resources/datetimetimezone). Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, tzinfo

from slotlink.connectors.graph_json import Zoned
from slotlink.ical.moments import instant_of
from slotlink.ical.zones import Zones, iana_name

_FRACTION = re.compile(r"\.\d+")
_UTC_NAMES = ("UTC", "tzone://Microsoft/Utc", "Etc/GMT", "Coordinated Universal Time")


def instant(value: Zoned) -> int:
    """UTC seconds. Raises ValueError for no time, or a zone that nobody knows: it is never taken for UTC."""
    parsed = datetime.fromisoformat(_FRACTION.sub("", value.date_time.strip()))
    at = int(parsed.timestamp()) if parsed.tzinfo else instant_of(parsed, zone(value.time_zone or "UTC"))
    datetime.fromtimestamp(at, UTC)  # a time zone can lead out of the years that there are
    return at


def day(value: Zoned) -> date:
    """The day of an all-day event's start or end, which is midnight in whatever zone was asked for."""
    return date.fromisoformat(value.date_time.strip()[:10])


def stamp(text: str) -> int:
    """UTC seconds of what is not a pair: createdDateTime, originalStart, expirationDateTime."""
    return instant(Zoned(text, "UTC"))


def zone(name: str) -> tzinfo:
    return UTC if name in _UTC_NAMES else Zones({}).find(name)[0]


def tzid(name: str | None) -> str | None:
    """The IANA name of a zone that a mailbox names; None for one of its owner's making (tzone://Microsoft/Custom)."""
    return "UTC" if name in _UTC_NAMES else iana_name(name or "")


def wall(at: int) -> dict[str, str]:
    """As a start or end is written."""
    return {"dateTime": datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S"), "timeZone": "UTC"}


def midnight(of: date) -> dict[str, str]:
    return {"dateTime": f"{of.isoformat()}T00:00:00", "timeZone": "UTC"}
