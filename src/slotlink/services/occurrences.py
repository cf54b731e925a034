"""From iCalendar objects to the rows the store keeps: pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from slotlink import ical
from slotlink.domain.event import BusyKind, EventTime, busy_kind, own_answers
from slotlink.store.events import Occurrence


def stored_occurrences(
    text: str,
    tzid: str,
    start: int,
    end: int,
    *,
    owner_addresses: Collection[str] = (),
    working_elsewhere: BusyKind = "free",
) -> list[Occurrence]:
    """The occurrences of one object in [start, end), as busy rows. Raises ical.InvalidCalendar.

    owner_addresses    whose answers to invitations count; none: the owner is never asked
    working_elsewhere  what Outlook's "working elsewhere" is to the owner
    """
    return [
        stored(occurrence, owner_addresses=owner_addresses, working_elsewhere=working_elsewhere)
        for occurrence in ical.expand(text, tzid, start, end)
    ]


def details_of(occurrence: ical.Occurrence) -> dict[str, Any]:
    """The members under which an imported event is read back."""
    details: dict[str, Any] = {
        "summary": occurrence.summary,
        "description": occurrence.description,
        "tzid": occurrence.tzid,
        "transparency": occurrence.transparency,
        "status": occurrence.status,
        "event_private": occurrence.private,
    }
    if occurrence.location:
        details["location"] = {"description": occurrence.location}
    if occurrence.url:
        details["url"] = occurrence.url
    return details


def stored(
    occurrence: ical.Occurrence, *, owner_addresses: Collection[str] = (), working_elsewhere: BusyKind = "free"
) -> Occurrence:
    return Occurrence(
        original_start=occurrence.recurrence_id if occurrence.recurrence_id is not None else 0,
        time=EventTime(
            occurrence.start,
            occurrence.end,
            occurrence.tzid,
            occurrence.start_date.isoformat() if occurrence.start_date else None,
            occurrence.end_date.isoformat() if occurrence.end_date else None,
        ),
        kind=busy_kind(
            transparency=occurrence.transparency,
            status=occurrence.status,
            busy_status=occurrence.busy_status,
            answers=own_answers(occurrence.answers, owner_addresses),
            takes_time=occurrence.start != occurrence.end,
            working_elsewhere=working_elsewhere,
        ),
        details=details_of(occurrence) if occurrence.recurrence_id is not None else None,
    )
