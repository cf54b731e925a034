"""One event that an application manages, and the others that the same booking wrote. The caller holds the accounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.event import EventTime
from slotlink.store import channels
from slotlink.store.events import same_event
from slotlink.store.tables import booking_events, busy_periods, calendars, event_writes, events


@dataclass(frozen=True, slots=True)
class ManagedEvent:
    """A living one. `sub` is its calendar's owner; `written_at`: when it last got another content."""

    calendar_id: str
    sub: str
    event_id: str
    details: dict[str, Any]
    time: EventTime
    written_at: int


async def find(
    connection: AsyncConnection, application_id: str, calendar_id: str, event_id: str
) -> ManagedEvent | None:
    found = await _read(
        connection, application_id, and_(events.c.calendar_id == calendar_id, events.c.event_id == event_id)
    )
    return next(iter(found), None)


async def of_write(
    connection: AsyncConnection, application_id: str, calendar_id: str, event_uid: str, link_id: str | None
) -> list[ManagedEvent]:
    """The event of that name, first, and those that the booking of `link_id` wrote into other calendars."""
    own = and_(events.c.calendar_id == calendar_id, events.c.event_uid == event_uid)
    booked = exists().where(
        booking_events.c.application_id == events.c.application_id,
        booking_events.c.calendar_id == events.c.calendar_id,
        booking_events.c.event_id == events.c.event_id,
        booking_events.c.link_id == link_id,
    )
    found = await _read(connection, application_id, own if link_id is None else or_(own, booked))
    return sorted(found, key=lambda each: each.calendar_id != calendar_id)


async def set_details(
    connection: AsyncConnection, application_id: str, event: ManagedEvent, details: dict[str, Any], now: int
) -> None:
    """Give it another content at the same time, and have the application's channels told."""
    await connection.execute(
        update(events)
        .where(
            events.c.application_id == application_id,
            events.c.calendar_id == event.calendar_id,
            events.c.event_id == event.event_id,
        )
        .values(details=msgspec.json.encode(details).decode(), updated_at=now)
    )
    await channels.note_change(connection, application_id, event.sub, [event.calendar_id], now, managed=True)


async def has_room_elsewhere(
    connection: AsyncConnection, application_id: str, link_id: str | None, calendar_id: str, *, made: bool
) -> bool:
    """Whether another calendar that the booking of `link_id` wrote into has a provider that makes its room (`made`), or
    could make one."""
    if link_id is None:
        return False
    statement = (
        select(booking_events.c.calendar_id)
        .join(
            calendars,
            and_(
                calendars.c.application_id == booking_events.c.application_id,
                calendars.c.calendar_id == booking_events.c.calendar_id,
            ),
        )
        .where(
            booking_events.c.application_id == application_id,
            booking_events.c.link_id == link_id,
            booking_events.c.calendar_id != calendar_id,
        )
    )
    if not made:
        return (await connection.execute(statement.where(calendars.c.conferencing).limit(1))).first() is not None
    events_of_it = and_(
        events.c.application_id == booking_events.c.application_id,
        events.c.calendar_id == booking_events.c.calendar_id,
        events.c.event_id == booking_events.c.event_id,
        events.c.deleted_at.is_(None),
    )
    writes_of_it = and_(
        event_writes.c.application_id == events.c.application_id,
        event_writes.c.calendar_id == events.c.calendar_id,
        event_writes.c.event_uid == events.c.event_uid,
        event_writes.c.conference,
        event_writes.c.ical.is_not(None),
    )
    making = statement.join(events, events_of_it).join(event_writes, writes_of_it).limit(1)
    return (await connection.execute(making)).first() is not None


async def _read(connection: AsyncConnection, application_id: str, condition: ColumnElement[bool]) -> list[ManagedEvent]:
    rows = await connection.execute(
        select(
            events.c.calendar_id,
            calendars.c.sub,
            events.c.event_id,
            events.c.details,
            events.c.updated_at,
            busy_periods.c.start_at,
            busy_periods.c.end_at,
            busy_periods.c.start_date,
            busy_periods.c.end_date,
        )
        .select_from(events)
        .join(busy_periods, same_event())
        .join(
            calendars,
            and_(
                calendars.c.application_id == events.c.application_id, calendars.c.calendar_id == events.c.calendar_id
            ),
        )
        .where(
            events.c.application_id == application_id,
            events.c.event_id.is_not(None),
            events.c.deleted_at.is_(None),
            condition,
        )
        .order_by(busy_periods.c.start_at)
    )
    found: dict[str, ManagedEvent] = {}
    for row in rows:  # one that a person made a series of has several times; the first is its own
        details = msgspec.json.decode(row.details)
        tzid = details.get("tzid", "Etc/UTC")
        time = EventTime(row.start_at, row.end_at, tzid, row.start_date, row.end_date)
        found.setdefault(
            row.calendar_id, ManagedEvent(row.calendar_id, row.sub, row.event_id, details, time, row.updated_at)
        )
    return list(found.values())
