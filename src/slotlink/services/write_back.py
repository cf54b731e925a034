"""Our events in calendars elsewhere are brought to what is wanted of them (wanted_events).

Whoever carries it out brings the provider to the newest revision; to do so twice, late or in another order leaves one
event. What a person has changed or deleted there meanwhile wins.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink import ical
from slotlink.connectors.base import Connector, RemoteObject, Written
from slotlink.connectors.base import EventWrite as RemoteWrite
from slotlink.engine import Period
from slotlink.errors import AccessRevoked, ChangedElsewhere, ConnectorError, NotAccepted, NotFound, ProviderUnavailable
from slotlink.services import rooms
from slotlink.services.deps import Deps
from slotlink.services.guest_messages import tell_guests
from slotlink.services.mirrored import UnreadableObject, read_objects
from slotlink.services.own_events import Overtaken, let_go, same_as_sent
from slotlink.services.own_events import hear as hear_own
from slotlink.services.problems import tell_link
from slotlink.services.provider_access import access_to
from slotlink.store import accounts, event_names, event_writes, mirrors, profiles
from slotlink.store.event_writes import EventWrite, stream
from slotlink.store.mirrored_events import note_remote
from slotlink.store.mirrors import Mirror
from slotlink.store.outbox import Attempt, OutboxItem

ROUNDS = 3  # of writing over what a server or an answer to an invitation has changed meanwhile

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Place:
    """What is to be written, and where."""

    write: EventWrite
    mirror: Mirror
    former_key: str | None  # of an earlier generation, which was to be deleted: that is what is left of this promise


async def carry_out(deps: Deps, item: OutboxItem, now: int) -> Attempt:
    """One attempt to bring the provider to what is wanted. Whatever it does is an outcome, not an exception."""
    at, began = now, time.monotonic()

    def ended(outcome: str, **more: object) -> Attempt:
        took_ms = round((time.monotonic() - began) * 1000)
        return replace(Attempt(at, took_ms, None, outcome[:500]), **more)  # type: ignore[arg-type] - members of Attempt

    found = await _find(deps, item)
    if isinstance(found, str):
        return ended(found, ends="delivered")
    write, mirror = found.write, found.mirror
    async with deps.database.reading() as connection:
        profile = await profiles.get_profile(connection, item.application_id, mirror.profile_id)
    try:
        async with access_to(deps, item.application_id, profile) as connector:
            if found.former_key is not None:
                await connector.delete(mirror.remote_id, found.former_key)
                outcome = "deleted; it was made again under another key"
            else:
                outcome = await _bring(deps, connector, mirror, write, at)
    except Overtaken:
        return ended(
            "overtaken by what was wanted or done meanwhile", ends="delivered" if await _newer(deps, write) else None
        )
    except AccessRevoked as error:
        return await _fail(deps, found, ended(f"the calendar is connected no longer: {error}"))
    except ProviderUnavailable as error:
        return ended(str(error), retry_after=error.retry_after)
    except ConnectorError as error:
        return await _fail(deps, found, ended(str(error), ends="dead"))
    return ended(outcome, ends="delivered")


async def give_up(deps: Deps, connection: AsyncConnection, item: OutboxItem, outcome: str, now: int) -> None:
    """No further attempt is made: whoever booked it hears of it. In the transaction that settles the item."""
    body = _body(deps, item)
    try:
        mirror = await mirrors.get_mirror(connection, item.application_id, body["calendar_id"])
    except NotFound:
        return
    await accounts.lock(connection, item.application_id, [mirror.sub])
    write = await event_writes.find(connection, item.application_id, mirror.calendar_id, body["event_uid"])
    if write is None or write.done or write.write_key != body["write_key"]:
        return  # an event of ours under a former key reads as one of its owner's from now on
    await event_writes.change(*_of(connection, write), problem=outcome[:500])
    log.warning("event.not_written", calendar=write.calendar_id, event_uid=write.event_uid, reason=outcome)
    if write.ical is None:
        # It stays there, so it blocks: from the next read of everything on, as any event that is not ours.
        await event_writes.change(*_of(connection, write), written_revision=write.revision, written_version=None)
        await note_remote(connection, mirror, write.event_uid, None, None)
        await tell_guests(deps, connection, mirror, write, None, now)  # the application says so, whatever stands there
    elif write.written_revision and write.sent:
        # What was taken before stands there, and nothing better will: that is what guests are to know.
        await tell_guests(deps, connection, mirror, write, write.sent[0], now)
    if write.link_id is not None:
        reason = f"the event could not be written: {outcome}"
        await tell_link(deps, connection, item.application_id, write.link_id, mirror, reason, now)


def _body(deps: Deps, item: OutboxItem) -> dict[str, str]:
    return msgspec.json.decode(deps.vault.open(item.sealed_body, item.row), type=dict[str, str])


async def _find(deps: Deps, item: OutboxItem) -> _Place | str:
    """What is left to do, or why nothing is."""
    body = _body(deps, item)
    async with deps.database.reading() as connection:
        write = await event_writes.find(connection, item.application_id, body["calendar_id"], body["event_uid"])
        former = None if write is None or body["write_key"] == write.write_key else body["write_key"]
        if write is None or (write.done and former is None):
            return "as wanted already"
        try:
            mirror = await mirrors.get_mirror(connection, item.application_id, write.calendar_id)
        except NotFound:
            return "the calendar is gone, and the event with it"
    return _Place(write, mirror, former)


async def _newer(deps: Deps, write: EventWrite) -> bool:
    """Whether something newer is wanted, which has a promise of its own, or nothing is left to do."""
    async with deps.database.reading() as connection:
        there = await event_writes.find(connection, write.application_id, write.calendar_id, write.event_uid)
    if there is not None and there.generation != write.generation:
        return False  # what has just been written is to be deleted again
    return there is None or there.done or there.revision > write.revision


async def _bring(deps: Deps, connector: Connector, mirror: Mirror, write: EventWrite, now: int) -> str:
    """Raises ConnectorError, Overtaken."""
    if write.ical is None:
        await connector.delete(mirror.remote_id, write.write_key)
        await _settle(deps, mirror, write, None, now)
        return "deleted"
    write = await _note_sent(deps, mirror, write)
    wanted = RemoteWrite(write.write_key, write.ical or "", write.invites, write.conference)
    expected = write.written_version if write.written_revision else None
    for _ in range(ROUNDS):
        try:
            written = await connector.put(mirror.remote_id, wanted, expected)
        except ChangedElsewhere as changed:
            if changed.ical is None:
                await let_go(deps, mirror, write, "the event was deleted in the calendar", now)
                return "a person deleted it there, so it stays deleted"
            before = await _hear(deps, mirror, write, changed.version, changed.ical, now)
            if before is None:
                return "a person moved it there, so it stays where they put it"
            wanted = replace(wanted, ical=_merged(changed.ical, before, write.ical or ""))
            expected = changed.version
        else:
            await _settle(deps, mirror, write, written, now, stands=wanted.ical)
            return "written"
    raise ProviderUnavailable("the event changes faster than it can be written")


async def _note_sent(deps: Deps, mirror: Mirror, write: EventWrite) -> EventWrite:
    """What is sent now may arrive without our hearing of it: what stands there then is ours, and no person's. Raises
    Overtaken."""
    async with deps.database.transaction() as connection:
        await accounts.lock(connection, mirror.application_id, [mirror.sub])
        there = await event_writes.find(connection, write.application_id, write.calendar_id, write.event_uid)
        if there is None or (there.generation, there.revision, there.done) != (write.generation, write.revision, False):
            raise Overtaken
        if there.ical is not None and there.ical not in there.sent:
            there = replace(there, written_ical=stream([*there.sent, there.ical]))
            await event_writes.change(*_of(connection, write), written_ical=there.written_ical)
        return there


def _merged(theirs: str, before: str, wanted: str) -> str:
    try:
        return ical.merge(theirs, before, wanted)
    except ical.InvalidCalendar as error:
        raise NotAccepted(f"what stands there cannot be read: {error}") from error


async def _hear(deps: Deps, mirror: Mirror, write: EventWrite, version: str | None, text: str, now: int) -> str | None:
    """Which object of ours stands there in other words; None: a person has moved it, which is followed."""
    within = Period(mirror.known_from or 0, mirror.known_until or 0)
    try:
        [read] = read_objects([RemoteObject("", version, text)], mirror, within)
        before = same_as_sent(write, read.event, mirror, within)
        if before is not None:
            return before
        where = (mirror.application_id, mirror.calendar_id, write.event_uid)
        async with deps.database.reading() as connection:
            known = await event_names.remote_key_of(connection, *where)
        read = replace(read, event=replace(read.event, remote_key=known or write.write_key))
        await hear_own(deps, mirror, replace(write, updated_at=0), read, within, now, now)
    except UnreadableObject as error:
        raise NotAccepted(f"what stands there cannot be read: {error}") from error
    return None


async def _settle(
    deps: Deps, mirror: Mirror, write: EventWrite, written: Written | None, now: int, *, stands: str | None = None
) -> None:
    """Note what `stands` at the provider now. A newer wish stays open; the mirror is read soon, for whoever slipped in.

    Where that is not what was wanted, a person's changes are in it, which the mirror has yet to read: they may block
    where ours did not."""
    if written is not None:
        await rooms.hear(deps, mirror, write, written, now)
    async with deps.database.transaction() as connection:
        await accounts.lock(connection, mirror.application_id, [mirror.sub])
        there = await event_writes.find(connection, write.application_id, write.calendar_id, write.event_uid)
        if there is None or there.written_revision > write.revision:
            return  # another attempt has gone further
        if there.generation != write.generation:
            raise Overtaken
        since = there.sent[there.sent.index(write.ical) :] if write.ical in there.sent else [write.ical or ""]
        remote = (written.remote_key, written.version) if written else (None, None)
        await event_writes.change(
            *_of(connection, write),
            written_revision=write.revision,
            written_ical=stream(since) or None,
            written_version=remote[1],
            problem=None,
            updated_at=now,
        )
        await note_remote(connection, mirror, write.event_uid, remote[0], remote[1] if stands == write.ical else None)
        if there.ical == write.ical:  # else guests hear of what is newer, once that stands there
            await tell_guests(deps, connection, mirror, write, stands, now, may_wait=write.conference)
        await mirrors.hasten(connection, mirror.application_id, [mirror.calendar_id], now + 1)


async def _fail(deps: Deps, place: _Place, attempt: Attempt) -> Attempt:
    async with deps.database.transaction() as connection:
        await accounts.lock(connection, place.write.application_id, [place.mirror.sub])
        await event_writes.change(*_of(connection, place.write), problem=attempt.outcome)
    return attempt


def _of(connection: AsyncConnection, write: EventWrite) -> tuple[AsyncConnection, str, str, str]:
    return connection, write.application_id, write.calendar_id, write.event_uid
