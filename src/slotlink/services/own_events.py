"""Events of ours in calendars elsewhere, as the provider has them now: an echo of what we wrote, or what a person made
of it since. What a person did outside wins: ours follows, and whoever booked it is told."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Literal

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.connectors.base import RemoteObject
from slotlink.engine import Period
from slotlink.services.deps import Deps
from slotlink.services.guest_messages import tell_guests
from slotlink.services.guests import note_answers
from slotlink.services.mirrored import Read, read_objects
from slotlink.services.problems import tell_link
from slotlink.services.rooms import hear_read
from slotlink.store import accounts, bookings, channels, event_names, event_writes, events, links
from slotlink.store.event_writes import EventWrite
from slotlink.store.events import Occurrence
from slotlink.store.mirrored_events import MirroredEvent, note_remote, note_series, note_updated
from slotlink.store.mirrors import Mirror

Heard = Literal["echo", "moved", "deleted", "too late"]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Overtaken(Exception):
    """What is wanted of the event, or what the provider is known to have, is another by now: nothing was done."""


def same_as_sent(write: EventWrite, found: MirroredEvent, mirror: Mirror, within: Period) -> str | None:
    """Which of the objects that we have sent is at the times of what was found; None: a person has moved it.

    Raises UnreadableObject."""
    times = _times(found)
    return next((text for text in write.sent if _times(_as_read(text, mirror, within)) == times), None)


async def hear(
    deps: Deps, mirror: Mirror, write: EventWrite, read: Read, within: Period, began: int, now: int
) -> Heard:
    """Our event came along in what a read that began at `began` found, with what repeats expanded over `within`.

    "too late": it was written while that read was under way, so nobody can say which of both is newer. Read again.
    Raises UnreadableObject, Overtaken."""
    found = read.event
    room_is_new = await hear_read(deps, mirror, write, found.ical, now)
    ours = found.version is not None and found.version == write.written_version
    if not ours and write.updated_at >= began:
        return "too late"
    if not ours and write.ical is None:
        return "echo"  # it is about to be deleted
    same = same_as_sent(write, found, mirror, within)
    if not ours and same is None:
        if not found.occurrences and not found.recurring:
            await let_go(deps, mirror, write, "the event was deleted in the calendar", now)
            return "deleted"
        await _follow(deps, mirror, write, read, now)
        return "moved"
    async with deps.database.transaction() as connection:
        await accounts.lock(connection, mirror.application_id, [mirror.sub])
        await _unchanged(connection, write)
        await note_remote(connection, mirror, write.event_uid, found.remote_key, found.version)
        blocks_more = same is not None and "busy" in _kinds(found) - _kinds(_as_read(same, mirror, within))
        if write.done and (found.recurring or blocks_more):
            await _take_times(connection, mirror, write, found)
        if not ours:
            # Somebody answered the invitation, or the server put it into words of its own.
            await event_writes.change(*_of(mirror, write, connection), written_version=found.version)
            await note_answers(connection, mirror, write.event_uid, found.details, now)
        arrived_unheard = write.problem is not None and not write.done
        if room_is_new or arrived_unheard:
            await tell_guests(deps, connection, mirror, write, found.ical, now)
    return "echo"


async def let_go(deps: Deps, mirror: Mirror, write: EventWrite, reason: str, now: int) -> None:
    """A person deleted our event: it blocks nobody any more, and is not made again. Raises Overtaken."""
    async with deps.database.transaction() as connection:
        event_id = await _lock(connection, mirror, write)
        await _unchanged(connection, write)
        if write.ical is not None:
            await _tell(deps, connection, mirror, write, reason, now)
        if event_id is not None:
            await events.delete_managed(connection, mirror.application_id, [mirror.calendar_id], event_id, now)
            await bookings.release_event(connection, mirror.application_id, mirror.calendar_id, event_id)
        await note_remote(connection, mirror, write.event_uid, None, None)
        await _note_change(connection, mirror, now)
        await event_writes.change(
            *_of(mirror, write, connection),
            ical=None,
            revision=write.revision + 1,
            written_revision=write.revision + 1,
            written_version=None,
            updated_at=now,
        )
        await tell_guests(deps, connection, mirror, replace(write, revision=write.revision + 1), None, now)
        await accounts.touch(connection, mirror.application_id, [mirror.sub])
    log.info("event.deleted_elsewhere", calendar=mirror.calendar_id, event_uid=write.event_uid)


async def let_all_go(deps: Deps, mirror: Mirror, now: int) -> None:
    """The calendar is gone, and every event of ours with it."""
    async with deps.database.reading() as connection:
        there = await event_writes.list_there(connection, mirror.application_id, mirror.calendar_id)
    for write in there:
        with suppress(Overtaken):  # whoever wrote it meanwhile finds that the calendar is gone
            await let_go(deps, mirror, write, "the calendar that the event was in is gone", now)


async def _follow(deps: Deps, mirror: Mirror, write: EventWrite, read: Read, now: int) -> None:
    """A person moved our event: from now on it is where they put it."""
    found = read.event
    async with deps.database.transaction() as connection:
        event_id = await _lock(connection, mirror, write)
        await _unchanged(connection, write)
        await note_remote(connection, mirror, write.event_uid, found.remote_key, found.version)
        await _take_times(connection, mirror, write, found)
        await note_updated(connection, mirror, write.event_uid, now)
        await _note_change(connection, mirror, now)
        if event_id is not None:
            await bookings.release_event(connection, mirror.application_id, mirror.calendar_id, event_id)
        details = await event_names.details_of(connection, mirror.application_id, mirror.calendar_id, write.event_uid)
        if event_id is not None and found.occurrences:
            first = found.occurrences[0].time
            await links.follow_event(
                connection, mirror.application_id, mirror.calendar_id, event_id, details, first.start, first.end
            )
        await event_writes.change(
            *_of(mirror, write, connection),
            ical=found.ical,
            written_ical=found.ical,
            written_version=found.version,
            revision=write.revision + 1,
            written_revision=write.revision + 1,
        )
        moved = replace(write, revision=write.revision + 1)
        await tell_guests(deps, connection, mirror, moved, found.ical, now)
        await _tell(deps, connection, mirror, write, "the event was moved in the calendar", now)
        await accounts.touch(connection, mirror.application_id, [mirror.sub])
    log.info("event.moved_elsewhere", calendar=mirror.calendar_id, event_uid=write.event_uid)


async def _take_times(connection: AsyncConnection, mirror: Mirror, write: EventWrite, found: MirroredEvent) -> None:
    """It blocks as the provider has it, also where a person has made it repeat."""
    rows = [Occurrence(each.original_start, each.time, each.kind) for each in found.occurrences]
    await events.replace_occurrences(connection, mirror.application_id, mirror.calendar_id, write.event_uid, rows)
    await note_series(connection, mirror, write.event_uid, found.ical if found.recurring else None)
    await accounts.touch(connection, mirror.application_id, [mirror.sub])


async def _note_change(connection: AsyncConnection, mirror: Mirror, now: int) -> None:
    """Tell the application's channels."""
    where = (mirror.application_id, mirror.sub, [mirror.calendar_id])
    await channels.note_change(connection, *where, now, managed=True)


def _times(event: MirroredEvent) -> list[tuple[int, int]]:
    return [(each.time.start, each.time.end) for each in event.occurrences]


def _kinds(event: MirroredEvent) -> set[str]:
    return {each.kind for each in event.occurrences}


def _as_read(text: str, mirror: Mirror, within: Period) -> MirroredEvent:
    [read] = read_objects([RemoteObject("", None, text)], mirror, within)
    return read.event


async def _unchanged(connection: AsyncConnection, write: EventWrite) -> None:
    """Raises Overtaken. The caller holds the account."""
    there = await event_writes.find(connection, write.application_id, write.calendar_id, write.event_uid)
    seen = (write.generation, write.revision, write.written_revision)
    if there is None or (there.generation, there.revision, there.written_revision) != seen:
        raise Overtaken


async def _lock(connection: AsyncConnection, mirror: Mirror, write: EventWrite) -> str | None:
    """The application's id of the event, with everybody locked whom it may hold."""
    event_id = await event_names.id_of(connection, mirror.application_id, mirror.calendar_id, write.event_uid)
    if event_id is None:
        await accounts.lock(connection, mirror.application_id, [mirror.sub])
    else:
        await bookings.lock_for_release(connection, mirror.application_id, [mirror.sub], [mirror.calendar_id], event_id)
    return event_id


async def _tell(
    deps: Deps, connection: AsyncConnection, mirror: Mirror, write: EventWrite, reason: str, now: int
) -> None:
    """Never in silence: it stands in the history of the link that booked it, and in a callback."""
    if write.link_id is not None:
        await tell_link(deps, connection, mirror.application_id, write.link_id, mirror, reason, now)


def _of(mirror: Mirror, write: EventWrite, connection: AsyncConnection) -> tuple[AsyncConnection, str, str, str]:
    return connection, mirror.application_id, mirror.calendar_id, write.event_uid
