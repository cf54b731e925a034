"""The meeting room that a provider makes for an event of ours: where it is, once that is known, and whom it is told to.

Rooms may be made later than the event that asks for one, and no provider tells when. Writing the same again does.
"""

from __future__ import annotations

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.connectors.base import CONFERENCE, Written
from slotlink.domain.event import JOIN_URL_VARIABLE, awaits_room, with_room
from slotlink.domain.link import Json
from slotlink.errors import NotFound
from slotlink.services.deps import Deps
from slotlink.services.problems import tell_link
from slotlink.services.wanted_events import ask_again, want_event
from slotlink.store import bookings, event_writes, links, managed_events
from slotlink.store.calendars import get_calendar
from slotlink.store.event_writes import EventWrite
from slotlink.store.managed_events import ManagedEvent
from slotlink.store.mirrors import Mirror

WAIT_S = 3600  # for a room; by then it will not be made any more
SOONEST_S, LATEST_S = 2, 600  # until we ask again: as long as it has taken so far
_MADE_BY = {"google": "Google Meet", "office365": "Microsoft Teams", "live_connect": "Microsoft Teams"}

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


async def hear(deps: Deps, mirror: Mirror, write: EventWrite, written: Written, now: int) -> None:
    """What a write that asked for a room has told of it. Before the write is settled: whoever dies in between writes
    again, and is told again. The worker is awake."""
    if not write.conference:
        return
    application_id = mirror.application_id
    async with deps.database.reading() as connection:
        found = await managed_events.of_write(
            connection, application_id, mirror.calendar_id, write.event_uid, write.link_id
        )
    if not found:
        return
    async with deps.database.transaction() as connection:
        await bookings.lock_for_release(
            connection,
            application_id,
            {mirror.sub, *(each.sub for each in found)},
            [each.calendar_id for each in found],
            found[0].event_id,
        )
        there = await event_writes.find(connection, application_id, mirror.calendar_id, write.event_uid)
        found = await managed_events.of_write(
            connection, application_id, mirror.calendar_id, write.event_uid, write.link_id
        )
        waiting = [each for each in found if awaits_room(each.details)]
        if there is None or there.ical is None or there.generation != write.generation or not waiting:
            return
        if written.join_url is not None:
            await _tell(deps, connection, mirror, write, waiting, written.join_url, now)
        elif now - waiting[0].written_at < WAIT_S:
            if there.revision == write.revision:  # else whoever wants something newer asks as well
                pause = min(max(now - waiting[0].written_at, SOONEST_S), LATEST_S)
                await ask_again(deps, connection, there, now + pause)
        else:
            await _give_up(deps, connection, mirror, write, waiting, now)


async def hear_read(deps: Deps, mirror: Mirror, write: EventWrite, text: str, now: int) -> bool:
    """Our event came along in a read, which may know the room that nobody asks for any more, because a person has moved
    the event. Whether it did."""
    if not write.conference or not write.done:
        return False
    lines = text.replace("\r\n ", "").splitlines()
    url = next((line.partition(":")[2] for line in lines if line.startswith(f"{CONFERENCE}:")), None)
    if url is None:
        return False
    async with deps.database.reading() as connection:
        found = await managed_events.of_write(
            connection, mirror.application_id, mirror.calendar_id, write.event_uid, write.link_id
        )
    if not any(awaits_room(each.details) for each in found):
        return False
    await hear(deps, mirror, write, Written("", None, url), now)
    return True


async def _tell(
    deps: Deps,
    connection: AsyncConnection,
    mirror: Mirror,
    write: EventWrite,
    waiting: list[ManagedEvent],
    join_url: str,
    now: int,
) -> None:
    """Into every event of the booking, into its link, and into the texts that name the room."""
    application_id = mirror.application_id
    maker = await get_calendar(connection, application_id, mirror.sub, mirror.calendar_id)
    made_by = _MADE_BY.get(maker.provider_name, maker.provider_name)
    for event in waiting:
        details = with_room(event.details, join_url, made_by)
        await managed_events.set_details(connection, application_id, event, details, now)
        is_makers = event.calendar_id == mirror.calendar_id
        if not is_makers or _names_room(details):
            calendar = await get_calendar(connection, application_id, event.sub, event.calendar_id)
            await want_event(deps, connection, application_id, calendar, event.event_id, details, event.time, now)
    if write.link_id is not None:
        conferencing = with_room(waiting[0].details, join_url, made_by)["conferencing"]
        await _tell_link(deps, connection, mirror, write.link_id, waiting[0], conferencing)


async def _tell_link(
    deps: Deps, connection: AsyncConnection, mirror: Mirror, link_id: str, event: ManagedEvent, conferencing: Json
) -> None:
    """Its event stays as its application reads it, and gets the room."""
    try:
        link = await links.get(connection, deps.vault, mirror.application_id, link_id)
    except NotFound:
        return
    members = {name: value for name, value in link.event.items() if name not in ("event_id", "start", "end")}
    await links.follow_event(
        connection,
        mirror.application_id,
        event.calendar_id,
        event.event_id,
        {**members, "conferencing": conferencing},
        event.time.start,
        event.time.end,
    )


async def _give_up(
    deps: Deps, connection: AsyncConnection, mirror: Mirror, write: EventWrite, waiting: list[ManagedEvent], now: int
) -> None:
    """The event stands, without a room; whoever booked it hears of it."""
    for event in waiting:
        without = {name: value for name, value in event.details.items() if name != "conferencing"}
        await managed_events.set_details(connection, mirror.application_id, event, without, now)
    log.warning("event.no_room", calendar=mirror.calendar_id, event_uid=write.event_uid)
    if write.link_id is not None:
        reason = "the provider of the calendar has made no meeting room"
        await tell_link(deps, connection, mirror.application_id, write.link_id, mirror, reason, now)


def _names_room(details: Json) -> bool:
    location: Json = details.get("location") or {}
    texts = (details.get("description"), location.get("description"))
    return any(text and JOIN_URL_VARIABLE.search(text) for text in texts)
