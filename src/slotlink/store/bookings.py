"""Bookings: who is booked when, and which events a booking wrote.

The rows of `booking_participants` that block are busy time like any event, and the database refuses two that overlap.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import ColumnElement, and_, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.booking import Booking
from slotlink.domain.hours import CountedEvent, tags_of
from slotlink.errors import SlotTaken
from slotlink.store import accounts
from slotlink.store.tables import booking_events, booking_participants, bookings, links


@dataclass(frozen=True, slots=True)
class Hold:
    """Time a participant is booked for. `held_until`: the hold ends then, whatever becomes of the event."""

    sub: str
    start: int
    end: int
    event_id: str
    held_until: int | None


@dataclass(frozen=True, slots=True)
class BookingRow:
    start: int
    end: int
    tzid: str


async def find(connection: AsyncConnection, application_id: str, link_id: str) -> BookingRow | None:
    row = (
        await connection.execute(
            select(bookings.c.start_at, bookings.c.end_at, bookings.c.tzid).where(
                bookings.c.application_id == application_id, bookings.c.link_id == link_id
            )
        )
    ).one_or_none()
    return None if row is None else BookingRow(*row)


async def find_attempt(connection: AsyncConnection, application_id: str, link_id: str) -> str | None:
    """Which attempt booked on the link; None when nobody has."""
    found = await connection.execute(
        select(bookings.c.attempt_id).where(bookings.c.application_id == application_id, bookings.c.link_id == link_id)
    )
    return found.scalar_one_or_none()


async def holds_between(
    connection: AsyncConnection, application_id: str, subs: Sequence[str], start: int, end: int, now: int
) -> list[Hold]:
    """The bookings of these people that block in [start, end)."""
    rows = await connection.execute(
        select(
            booking_participants.c.sub,
            booking_participants.c.start_at,
            booking_participants.c.end_at,
            booking_participants.c.event_id,
            booking_participants.c.held_until,
        ).where(*_held(application_id, subs, start, end, now))
    )
    return [Hold(*row) for row in rows]


async def booked_since(
    connection: AsyncConnection, application_id: str, sub: str, since: int
) -> list[tuple[str, int, int]]:
    """(link_id, start, end) of what this person was booked for at `since` or later, whenever it is."""
    rows = await connection.execute(
        select(booking_participants.c.link_id, booking_participants.c.start_at, booking_participants.c.end_at)
        .join(
            bookings,
            and_(
                bookings.c.application_id == booking_participants.c.application_id,
                bookings.c.link_id == booking_participants.c.link_id,
            ),
        )
        .where(
            booking_participants.c.application_id == application_id,
            booking_participants.c.sub == sub,
            booking_participants.c.blocks,
            bookings.c.booked_at >= since,
        )
    )
    return [(row.link_id, row.start_at, row.end_at) for row in rows]


async def booked_between(
    connection: AsyncConnection, application_id: str, subs: Sequence[str], start: int, end: int, now: int
) -> list[tuple[str, CountedEvent]]:
    """The events of those bookings, by sub, as quotas count them: also those that the application has yet to write."""
    rows = await connection.execute(
        select(
            booking_participants.c.sub,
            booking_participants.c.event_id,
            booking_participants.c.start_at,
            booking_participants.c.end_at,
            links.c.event,
        )
        .join(
            links,
            and_(
                links.c.application_id == booking_participants.c.application_id,
                links.c.link_id == booking_participants.c.link_id,
            ),
        )
        .where(*_held(application_id, subs, start, end, now))
    )
    return [
        (row.sub, CountedEvent(row.event_id, row.start_at, row.end_at, tags_of(msgspec.json.decode(row.event))))
        for row in rows
    ]


def _held(application_id: str, subs: Sequence[str], start: int, end: int, now: int) -> tuple[ColumnElement[bool], ...]:
    return (
        booking_participants.c.application_id == application_id,
        booking_participants.c.sub.in_(subs),
        booking_participants.c.end_at > start,
        booking_participants.c.start_at < end,
        booking_participants.c.blocks,
        or_(booking_participants.c.held_until.is_(None), booking_participants.c.held_until > now),
    )


async def lock_for_release(
    connection: AsyncConnection,
    application_id: str,
    subs: Iterable[str],
    calendar_ids: Sequence[str],
    event_id: str | None,
) -> bool:
    """Lock these accounts, and everybody whom a release of `event_id` in these calendars (of any event when None) may
    free, all in one order. `subs` holds the calendars' owners.

    Returns whether a booking wrote such an event: if none did, there is nobody to release, and no link to follow.

    Whom an event's booking holds is certain only once its owner is locked. Whoever turns up then may come earlier in
    the order, so the locks are given back (that is what leaving a savepoint by rollback does) and taken anew."""
    wanted = set(subs)
    written = (
        select(booking_participants.c.sub)
        .distinct()
        .select_from(booking_events)
        .outerjoin(
            booking_participants,
            and_(
                booking_participants.c.application_id == booking_events.c.application_id,
                booking_participants.c.link_id == booking_events.c.link_id,
                booking_participants.c.blocks,
            ),
        )
        .where(booking_events.c.application_id == application_id, booking_events.c.calendar_id.in_(calendar_ids))
    )
    if event_id is not None:
        written = written.where(booking_events.c.event_id == event_id)
    while True:
        async with connection.begin_nested() as attempt:
            await accounts.lock(connection, application_id, wanted)
            held = set((await connection.execute(written)).scalars())  # None: a booking that holds nobody any more
            missing = held - wanted - {None}
            if not missing:
                return bool(held)
            await attempt.rollback()
        wanted |= missing


async def release_ended_holds(connection: AsyncConnection, application_id: str, subs: Sequence[str], now: int) -> None:
    """Holds whose time is up block no more."""
    await _release(
        connection,
        application_id,
        booking_participants.c.sub.in_(subs),
        booking_participants.c.held_until <= now,
    )


async def release_excluded(
    connection: AsyncConnection, application_id: str, subs: Sequence[str], event_ids: Sequence[str]
) -> None:
    """Bookings of events that a query says to disregard: they are being rescheduled."""
    await _release(
        connection,
        application_id,
        booking_participants.c.sub.in_(subs),
        booking_participants.c.event_id.in_(event_ids),
    )


async def release_event(connection: AsyncConnection, application_id: str, calendar_id: str, event_id: str) -> None:
    """An event of a booking was moved or deleted: its owner is no longer held by the booking, nor is anybody who was
    only named in it. Whoever has an event of their own from the same booking stays held by that.

    The caller has taken its locks with `lock_for_release`."""
    written = select(booking_events.c.link_id).where(
        booking_events.c.application_id == application_id,
        booking_events.c.calendar_id == calendar_id,
        booking_events.c.event_id == event_id,
    )
    elsewhere = select(booking_events.c.sub).where(
        booking_events.c.application_id == application_id,
        booking_events.c.link_id == booking_participants.c.link_id,
        booking_events.c.calendar_id != calendar_id,
    )
    await _release(
        connection,
        application_id,
        booking_participants.c.link_id.in_(written),
        booking_participants.c.sub.not_in(elsewhere),
    )


async def insert_booking(
    connection: AsyncConnection,
    application_id: str,
    event_id: str,
    booking: Booking,
    now: int,
    attempt_id: str | None = None,
) -> None:
    """Raises SlotTaken when the database refuses an overlap that the caller's check let through. The caller holds the
    participants' locks. `attempt_id` tells whoever loses the answer to the commit whether this booking is theirs."""
    await connection.execute(
        insert(bookings).values(
            application_id=application_id,
            link_id=booking.link_id,
            start_at=booking.start,
            end_at=booking.end,
            tzid=booking.visitor_tzid,
            booked_at=now,
            attempt_id=attempt_id,
        )
    )
    try:
        await connection.execute(
            insert(booking_participants),
            [
                {
                    "application_id": application_id,
                    "link_id": booking.link_id,
                    "sub": participant.sub,
                    "event_id": event_id,
                    "start_at": booking.start,
                    "end_at": booking.end,
                    "blocks": participant.blocks,
                    "held_until": participant.held_until,
                }
                for participant in booking.participants
            ],
        )
    except IntegrityError as error:
        if "booking overlap" in str(error.orig) or "booking_overlap" in str(error.orig):
            raise SlotTaken("this time is no longer free") from error
        raise
    await accounts.touch(connection, application_id, booking.subs)
    if booking.writes:
        await connection.execute(
            insert(booking_events),
            [
                {
                    "application_id": application_id,
                    "link_id": booking.link_id,
                    "calendar_id": write.calendar_id,
                    "event_id": event_id,
                    "sub": write.sub,
                }
                for write in booking.writes
            ],
        )


async def _release(connection: AsyncConnection, application_id: str, *conditions: ColumnElement[bool]) -> None:
    freed = await connection.execute(
        update(booking_participants)
        .where(
            and_(booking_participants.c.application_id == application_id, booking_participants.c.blocks, *conditions)
        )
        .values(blocks=False)
        .returning(booking_participants.c.sub)
    )
    if subs := set(freed.scalars()):
        await accounts.touch(connection, application_id, subs)
