"""From iCalendar objects to the rows the store keeps: pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from slotlink import ical
from slotlink.domain.event import BusyKind, EventTime, busy_kind, own_answers
from slotlink.store.events import Occurrence

MOST_ATTENDEES = 200  # that are read back of an event; some have thousands

_STATUSES = {"ACCEPTED": "accepted", "TENTATIVE": "tentative", "DECLINED": "declined", "DELEGATED": "declined"}
"""By the answer; of several the first in this order, as in `busy_kind`."""

WHOLE_TIME = (-2_208_988_800, 32_503_680_000)  # 1900 to 3000: every single event lies within


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
    return distinct(
        [
            stored(occurrence, owner_addresses=owner_addresses, working_elsewhere=working_elsewhere)
            for occurrence in ical.expand(text, tzid, start, end)
        ]
    )


def details_of(occurrence: ical.Occurrence) -> dict[str, Any]:
    """The members under which an imported event is read back, without what is its owner's own."""
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
    if attendees := _attendees(occurrence):
        details["attendees"] = attendees
    return details


def _attendees(occurrence: ical.Occurrence) -> list[dict[str, Any]]:
    """Whoever has an address, with the answer that counts where there are several."""
    people = [(address, answers) for address, answers in occurrence.answers.items() if "@" in address]
    return [{"email": address, "status": _status(answers)} for address, answers in people[:MOST_ATTENDEES]]


def _status(answers: Collection[str]) -> str:
    return next((status for said, status in _STATUSES.items() if said in answers), "needs_action")


def _own_details(occurrence: ical.Occurrence, owner_addresses: Collection[str]) -> dict[str, Any]:
    """What its event does not say of it: all, of one in a series, but who is invited, which would be kept for each of a
    hundred meetings; and the owner's answer, whose event it may be."""
    own = own_answers(occurrence.answers, owner_addresses)
    details = details_of(occurrence) if occurrence.recurrence_id is not None else {}
    kept = {name: value for name, value in details.items() if name != "attendees"}
    return kept | ({"participation_status": _status(own)} if own else {})


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
        details=_own_details(occurrence, owner_addresses) or None,
    )


def distinct(rows: Sequence[Occurrence]) -> list[Occurrence]:
    """Occurrences are told apart by their original start; where two have the same, the second is known by its own."""
    seen: set[int] = set()
    kept: list[Occurrence] = []
    for row in rows:
        original = row.original_start
        while original in seen:
            original = row.time.start if row.time.start not in seen else original + 1
        seen.add(original)
        kept.append(replace(row, original_start=original))
    return kept
