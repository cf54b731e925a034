"""Events for the connector contract, and what a test wants to know of those that come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from slotlink.connectors.base import Changes, EventWrite, RemoteObject
from slotlink.engine import Period
from slotlink.errors import ConnectorError
from slotlink.ical import expand, read_calendar, write_event

START = 1_804_150_800  # Thursday 4 March 2027, 09:00 UTC
HOUR, DAY = 3600, 86_400
MARCH = Period(START - 3 * DAY, START + 20 * DAY)
ZONE = "Europe/Berlin"
KEY = "0f4f2b1c-7a51-5b7e-9d6c-0242ac120002"


def event(uid: str, *, start: int = START, summary: str = "Dentist", extra: Sequence[str] = (), **texts: Any) -> str:
    text = write_event(
        uid=uid, start=start, end=start + HOUR, tzid=ZONE, summary=summary, stamp=START - DAY, **texts
    )  # fmt: skip
    return text.replace("END:VEVENT\r\n", "".join(f"{line}\r\n" for line in extra) + "END:VEVENT\r\n")


def all_day(uid: str) -> str:
    lines = event(uid).split("\r\n")
    kept = [line for line in lines if not line.startswith("DTEND")]
    return "\r\n".join("DTSTART;VALUE=DATE:20270305" if line.startswith("DTSTART") else line for line in kept)


def meaning(ical: str) -> list[Any]:
    """When it happens and how it is called, whatever words the provider keeps it in."""
    found = expand(ical, ZONE, MARCH.start, MARCH.end + 400 * DAY)
    return [(each.uid, each.start, each.end, each.start_date, each.status, each.summary) for each in found]


def uids(objects: Sequence[RemoteObject] | ConnectorError) -> list[str]:
    if isinstance(objects, ConnectorError):
        raise objects
    return sorted(each.uid for found in objects for each in read_calendar(found.ical)[0])


def by_uid(changes: Changes) -> dict[str, RemoteObject]:
    return {read_calendar(each.ical)[0][0].uid: each for each in changes.changed}


def our_event(**options: Any) -> EventWrite:
    return EventWrite(KEY, event(f"{KEY}@slotlink.test", **options))
