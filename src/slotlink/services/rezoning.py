"""Zone data changes a few times a year. What was imported before is expanded anew then: its texts say local times."""

from __future__ import annotations

import asyncio

import structlog

from slotlink import ical
from slotlink.services.deps import Deps
from slotlink.services.mirrored import ZONE_VERSION
from slotlink.services.occurrences import WHOLE_TIME, stored_occurrences
from slotlink.store import accounts, events
from slotlink.store.calendars import get_calendar, set_zone_version
from slotlink.store.events import Occurrence
from slotlink.store.imported_events import imported_before, imported_objects

AT_ONCE = 1000  # calendars of one look, an hour before the next

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


async def expand_anew(deps: Deps) -> int:
    """Bring embedded calendars with imported events to the zone data of this program. How many were looked at; mirrored
    ones are brought by their next read."""
    async with deps.database.reading() as connection:
        found = await imported_before(connection, ZONE_VERSION, AT_ONCE)
    for application_id, sub, calendar_id in found:
        await _expand(deps, application_id, sub, calendar_id)
    return len(found)


async def _expand(deps: Deps, application_id: str, sub: str, calendar_id: str) -> None:
    """Expanded before, and outside of, the transaction: it takes time. What was imported meanwhile waits for the next
    look."""
    async with deps.database.reading() as connection:
        calendar = await get_calendar(connection, application_id, sub, calendar_id)
        objects = await imported_objects(connection, application_id, calendar_id)
    known = (calendar.known_from or WHOLE_TIME[0], calendar.known_until or WHOLE_TIME[1])
    expanded: dict[str, list[Occurrence]] = {}
    for event_uid, text, recurring in objects:
        span = known if recurring else WHOLE_TIME
        try:
            expanded[event_uid] = await asyncio.to_thread(stored_occurrences, text, calendar.tzid, *span)
        except ical.InvalidCalendar as error:  # a zone that the new data knows no more: what was known stays
            log.warning("calendar.not_expanded", calendar=calendar_id, event_uid=event_uid, reason=str(error))
    async with deps.database.transaction() as connection:
        await accounts.lock(connection, application_id, [sub])
        there = await get_calendar(connection, application_id, sub, calendar_id)
        same = (there.known_from, there.known_until) == (calendar.known_from, calendar.known_until)
        if not same or await imported_objects(connection, application_id, calendar_id) != objects:
            return
        for event_uid, occurrences in expanded.items():
            await events.replace_occurrences(connection, application_id, calendar_id, event_uid, occurrences)
        await set_zone_version(connection, application_id, calendar_id, ZONE_VERSION)
    log.info("calendar.expanded_anew", calendar=calendar_id, zone_data=ZONE_VERSION)
