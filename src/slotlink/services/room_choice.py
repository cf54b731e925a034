"""Which calendar's provider makes the meeting room of an event: the first that can, once for a booking."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.account import Calendar
from slotlink.domain.event import awaits_room, wants_room
from slotlink.domain.link import Json
from slotlink.store import managed_events
from slotlink.store.event_writes import EventWrite


async def makes_room(
    connection: AsyncConnection,
    application_id: str,
    calendar: Calendar,
    event_id: str,
    details: Json,
    before: EventWrite | None,
    link_id: str | None,
    now: int,
) -> bool:
    """Whether the provider of this calendar is to make the room of the event, which has just been stored.

    Where nobody can make the room of a booking, its event is not kept waiting for one: it asks for none any more."""
    if not wants_room(details):
        return False
    if before is not None and before.ical is not None and before.conference:
        return True
    if not awaits_room(details):
        return False  # another calendar's provider has made it
    elsewhere = (connection, application_id, link_id, calendar.calendar_id)
    if await managed_events.has_room_elsewhere(*elsewhere, made=True):
        return False
    if not calendar.conferencing and not await managed_events.has_room_elsewhere(*elsewhere, made=False):
        event = await managed_events.find(connection, application_id, calendar.calendar_id, event_id)
        if event is not None:
            without = {name: value for name, value in event.details.items() if name != "conferencing"}
            await managed_events.set_details(connection, application_id, event, without, now)
    return calendar.conferencing
