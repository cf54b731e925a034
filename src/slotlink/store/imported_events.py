"""What was imported into embedded calendars from files."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.store.tables import calendars, events


async def imported_before(connection: AsyncConnection, zone_version: str, limit: int) -> list[tuple[str, str, str]]:
    """(application_id, sub, calendar_id) of embedded calendars, of any application, with imported events that were
    expanded with other zone data."""
    imported = select(events.c.calendar_id).where(
        events.c.application_id == calendars.c.application_id,
        events.c.calendar_id == calendars.c.calendar_id,
        events.c.ical.is_not(None),
    )
    rows = await connection.execute(
        select(calendars.c.application_id, calendars.c.sub, calendars.c.calendar_id)
        .where(
            calendars.c.remote_id.is_(None),
            calendars.c.deleted.is_(False),
            func.coalesce(calendars.c.zone_version, "") != zone_version,
            imported.exists(),
        )
        .order_by(calendars.c.application_id, calendars.c.calendar_id)
        .limit(limit)
    )
    return [(row.application_id, row.sub, row.calendar_id) for row in rows]


async def imported_objects(
    connection: AsyncConnection, application_id: str, calendar_id: str
) -> list[tuple[str, str, bool]]:
    """(event_uid, iCalendar text, whether it repeats) of every living imported event of a calendar."""
    rows = await connection.execute(
        select(events.c.event_uid, events.c.ical, events.c.recurring).where(
            events.c.application_id == application_id,
            events.c.calendar_id == calendar_id,
            events.c.ical.is_not(None),
            events.c.deleted_at.is_(None),
        )
    )
    return [(row.event_uid, row.ical, row.recurring) for row in rows]
