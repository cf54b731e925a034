"""Zone data changes a few times a year. What was imported before is expanded anew then: its texts say local times."""

from __future__ import annotations

import asyncio

import structlog

from slotlink import ical
from slotlink.services.deps import Deps
from slotlink.services.mirrored import WHOLE_TIME, ZONE_VERSION
from slotlink.services.occurrences import stored_occurrences
from slotlink.store import accounts, events
from slotlink.store.calendars import set_zone_version
from slotlink.store.imported_events import imported_before, imported_objects

AT_ONCE = 100  # calendars of one look

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


async def expand_anew(deps: Deps) -> int:
    """Bring embedded calendars with imported events to the zone data of this program. How many were; mirrored ones are
    brought by their next read."""
    done = 0
    while True:
        async with deps.database.reading() as connection:
            found = await imported_before(connection, ZONE_VERSION, AT_ONCE)
        for application_id, sub, calendar_id in found:
            await _expand(deps, application_id, sub, calendar_id)
            done += 1
        if len(found) < AT_ONCE:
            return done


async def _expand(deps: Deps, application_id: str, sub: str, calendar_id: str) -> None:
    async with deps.database.transaction() as connection:
        await accounts.lock(connection, application_id, [sub])
        calendar = await set_zone_version(connection, application_id, sub, calendar_id, ZONE_VERSION)
        known = (calendar.known_from or WHOLE_TIME[0], calendar.known_until or WHOLE_TIME[1])
        for event_uid, text, recurring in await imported_objects(connection, application_id, calendar_id):
            span = known if recurring else WHOLE_TIME
            try:
                occurrences = await asyncio.to_thread(stored_occurrences, text, calendar.tzid, *span)
            except ical.InvalidCalendar as error:  # a zone that the new data knows no more: what was known stays
                log.warning("calendar.not_expanded", calendar=calendar_id, event_uid=event_uid, reason=str(error))
                continue
            await events.replace_occurrences(connection, application_id, calendar_id, event_uid, occurrences)
    log.info("calendar.expanded_anew", calendar=calendar_id, zone_data=ZONE_VERSION)
