"""Events: what blocks, how times look on the wire, and the event that a booking writes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

Json = dict[str, Any]
BusyKind = Literal["busy", "tentative", "free"]

JOIN_URL_VARIABLE = re.compile(r"\{\{\s*cronofy\.conferencing\.(?:join_url|invite_block)\s*\}\}")
JOIN_URL_PENDING = "Conferencing details to follow"


@dataclass(frozen=True, slots=True)
class EventTime:
    """When an event is. All-day events carry their dates (end exclusive) beside the instants they cover."""

    start: int
    end: int
    tzid: str
    start_date: str | None = None
    end_date: str | None = None


def busy_kind(*, transparency: str | None, status: str | None) -> BusyKind:
    """The one place that decides whether an event blocks. Transparent and cancelled events never do.

    No stated transparency means opaque (RFC 5545 section 3.8.2.7), for all-day events too."""
    if transparency == "transparent" or status == "cancelled":
        return "free"
    return "tentative" if status == "tentative" else "busy"


def wire_time(instant: int) -> str:
    """`YYYY-MM-DDTHH:MM:SSZ`, the only form that every official client reads."""
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def local_wire_time(instant: int, tzid: str) -> str:
    """The same instant with the offset of `tzid`, as `localized_times` wants it; `Z` where the offset is none."""
    local = datetime.fromtimestamp(instant, ZoneInfo(tzid)).replace(microsecond=0)
    return local.isoformat().replace("+00:00", "Z")


def midnight(day: date, tzid: str) -> int:
    """The first instant of `day` in `tzid`. Where clocks skip midnight that is the change itself (PEP 495, fold 0)."""
    return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(tzid)).timestamp())


def object_time(instant: int, tzid: str) -> Json:
    return {"time": wire_time(instant), "tzid": tzid}


def with_times(event: Json, start: int, end: int, tzid: str) -> Json:
    """The event of a completed link: the template and its chosen times."""
    return {**event, "start": object_time(start, tzid), "end": object_time(end, tzid)}


def fill_in(event: Json) -> Json:
    """Replace the conferencing variables of the texts with what is known (Cronofy's "conference detail templates")."""
    conferencing: Json = event.get("conferencing") or {}
    join_url = str(conferencing.get("join_url") or JOIN_URL_PENDING)

    def filled(text: str) -> str:
        return JOIN_URL_VARIABLE.sub(lambda _: join_url, text)

    changed = dict(event)
    if isinstance(event.get("description"), str):
        changed["description"] = filled(event["description"])
    location: Json | None = event.get("location")
    if location and isinstance(location.get("description"), str):
        changed["location"] = {**location, "description": filled(location["description"])}
    return changed
