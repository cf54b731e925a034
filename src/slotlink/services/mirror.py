"""Read what has changed in a calendar elsewhere into its mirror.

A page is answered from the mirror, so a provider that is away for a while costs no visitor anything, until the copy is
too old to be believed. Then the calendar is unreadable, never free.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.connectors.base import Changes, Connector, RemoteObject
from slotlink.engine import Period
from slotlink.errors import ConnectorError, NotAccepted
from slotlink.services.deps import Deps
from slotlink.services.mirrored import ZONE_VERSION, Read, UnreadableObject, horizon, read_objects
from slotlink.services.own_events import Heard, Overtaken, hear, let_go
from slotlink.services.problems import tell_link
from slotlink.store import accounts, bookings, channels, event_writes, mirrors
from slotlink.store.event_writes import KEY_LENGTH, EventWrite
from slotlink.store.mirrored_events import Known, MirroredEvent, forget_mirrored, known_events, write_mirrored
from slotlink.store.mirrors import Mirror

BATCH = 200  # objects in one transaction: nobody waits long for the account
RECONCILE_S = 86_400  # pushes and deltas get lost; once a day all of it is read
REFUSED_S = 3600  # what a provider refuses for good is asked for again only now and then
VIEWED_S = 600  # since somebody looked, a calendar is read more often
VIEWED_POLL_S = 60
WATCHED_POLL_S = 600

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Poll:
    """How often a calendar is read when nobody looks at it, and for how long what was read is believed."""

    every_s: int
    stale_s: int

    def due_at(self, mirror: Mirror, now: int) -> int:
        if mirror.watched_until is not None and mirror.watched_until > now:  # a notice may be lost, so not for ever
            return now + max(self.every_s, min(WATCHED_POLL_S, self.stale_s - self.every_s))
        viewed = mirror.viewed_at is not None and now - mirror.viewed_at < VIEWED_S
        return now + (min(VIEWED_POLL_S, self.every_s) if viewed else self.every_s)


@dataclass(frozen=True, slots=True)
class Applied:
    """What a read came to. `again`: an event of ours was being written meanwhile, so it has to be read once more."""

    changed: bool
    again: bool


class Outdated(Exception):
    """Somebody else has claimed the calendar meanwhile: their word counts."""


async def read_mirror(deps: Deps, connector: Connector, mirror: Mirror, poll: Poll, now: int) -> bool:
    """Bring a claimed mirror up to date. Whether anything in it is another than before.

    Raises ConnectorError; CalendarGone when the provider does not show the calendar, whose mirror is as it was."""
    reconciled_at, within = mirror.reconciled_at, Period(mirror.known_from or 0, mirror.known_until or 0)
    whole = mirror.cursor is None or reconciled_at is None or now >= reconciled_at + RECONCILE_S
    anew = whole or mirror.zone_version != ZONE_VERSION  # every object is read again, changed or not
    if anew:
        within = horizon(now)
    try:
        changes = await connector.changes(mirror.remote_id, None if anew else mirror.cursor)
        applied = await _apply(deps, mirror, changes, within, now, anew=anew)
    except Outdated:
        log.info("mirror.outdated", calendar=mirror.calendar_id)
        async with deps.database.transaction() as connection:
            if await _lock_claimed(connection, mirror):  # or whoever has claimed it since reads it now
                await mirrors.hasten(connection, mirror.application_id, [mirror.calendar_id], now)
        return False
    except UnreadableObject as error:
        await _note_unreadable(deps, mirror, f"an event cannot be read: {error}", now + REFUSED_S)
        return True
    except NotAccepted as error:
        # What was read before is believed for as long as it would have been anyway.
        log.warning("mirror.refused", calendar=mirror.calendar_id, problem=str(error))
        await put_off(deps, mirror, error, now + REFUSED_S)
        return False
    whole_at = {"reconciled_at": now, "known_from": within.start, "known_until": within.end} if anew else {}
    async with deps.database.transaction() as connection:
        if not await _lock_claimed(connection, mirror):
            return applied.changed
        await mirrors.settle(
            connection,
            mirror,
            changed=anew,
            due_at=now + 1 if applied.again else poll.due_at(mirror, now),
            cursor=mirror.cursor if applied.again else changes.cursor,
            fresh_at=now,
            fresh_until=now + poll.stale_s,
            told_until=changes.until,
            problem=None,
            zone_version=ZONE_VERSION,
            **whole_at,
        )
    log.info("mirror.read", calendar=mirror.calendar_id, objects=len(changes.changed), whole=changes.whole)
    return applied.changed


async def put_off(deps: Deps, mirror: Mirror, error: ConnectorError, due_at: int) -> None:
    """A claimed mirror could not be read now; what is in it counts for as long as it would have anyway."""
    async with deps.database.transaction() as connection:
        if await _lock_claimed(connection, mirror):
            await mirrors.settle(connection, mirror, changed=False, due_at=due_at, problem=str(error)[:500])


async def apply_live(deps: Deps, mirror: Mirror, objects: Sequence[RemoteObject], now: int) -> bool:
    """Take in what was just read of one period; nothing is concluded from what was not in it. Whether all of it was:
    False where an event of ours was being written meanwhile, so that nobody can say where it is.

    Raises UnreadableObject, Outdated."""
    within = Period(mirror.known_from or 0, mirror.known_until or 0)
    changes = Changes(tuple(objects), (), mirror.cursor, whole=False)
    return not (await _apply(deps, mirror, changes, within, now, anew=False, claimed=False)).again


async def _apply(
    deps: Deps, mirror: Mirror, changes: Changes, within: Period, now: int, *, anew: bool, claimed: bool = True
) -> Applied:
    """Raises UnreadableObject before anything is written, Outdated between two batches."""
    named = None if changes.whole else [*(each.remote_key for each in changes.changed), *changes.removed]
    async with deps.database.reading() as connection:
        known = await known_events(connection, mirror, named)
    zones_changed = mirror.zone_version != ZONE_VERSION
    wanted = [each for each in changes.changed if _is_wanted(each, known.get(each.remote_key), anew, zones_changed)]
    read = await asyncio.to_thread(read_objects, wanted, mirror, within)
    there = {each.remote_key for each in changes.changed}
    gone = {key for key in changes.removed if key in known and key not in there}
    if changes.whole:
        gone |= known.keys() - there
    async with deps.database.reading() as connection:
        own = await _own_among(connection, mirror, read, [known[key].event_uid for key in gone], now)
    others = [each.event for each in read if own.of(each) is None]
    holding = _Holding(mirror, within if anew else None, claimed)
    for first in range(0, len(others), BATCH):
        batch = others[first : first + BATCH]
        new = [each for each in batch if each.remote_key not in known]
        async with deps.database.transaction() as connection:
            await holding.begin(connection)
            await _tell_conflicts(deps, connection, mirror, new, now)
            if any(_is_another(each.version, known.get(each.remote_key)) for each in batch):
                await _note_change(connection, mirror, now)
            await write_mirrored(connection, mirror, known, batch, now)
            await accounts.touch(connection, mirror.application_id, [mirror.sub])
    heard: set[Heard] = set()
    for each in read:
        if (write := own.of(each)) is not None:
            heard.add(await _heard(hear(deps, mirror, write, each, within, now, now)))
    for key in list(gone):
        if (write := own.by_uid.get(known[key].event_uid)) is not None:
            gone.discard(key)
            if write.updated_at >= now and changes.whole:
                heard.add("too late")
            else:
                heard.add(await _heard(_deleted(deps, mirror, write, now)))
    if gone:
        async with deps.database.transaction() as connection:
            await holding.begin(connection)
            await forget_mirrored(connection, mirror, known, gone, now)
            await _note_change(connection, mirror, now)
            await accounts.touch(connection, mirror.application_id, [mirror.sub])
    return Applied(bool(others or gone or {"moved", "deleted"} & heard), "too late" in heard)


async def _note_change(connection: AsyncConnection, mirror: Mirror, now: int) -> None:
    """Tell the application's channels; what a first read finds is not news."""
    if mirror.fresh_at is not None:
        where = (mirror.application_id, mirror.sub, [mirror.calendar_id])
        await channels.note_change(connection, *where, now, managed=False)


async def _deleted(deps: Deps, mirror: Mirror, write: EventWrite, now: int) -> Heard:
    await let_go(deps, mirror, write, "the event was deleted in the calendar", now)
    return "deleted"


async def _heard(hearing: Coroutine[None, None, Heard]) -> Heard:
    try:
        return await hearing
    except Overtaken:
        return "too late"


async def _tell_conflicts(
    deps: Deps, connection: AsyncConnection, mirror: Mirror, new: Sequence[MirroredEvent], now: int
) -> None:
    """No provider has a "create if free": between our last look and our event's arrival somebody else may have written.

    Such an event is new to the first read after the booking, and at its time. A later one is its owner's wish."""
    if mirror.fresh_at is None or not new:
        return
    booked = await bookings.booked_since(connection, mirror.application_id, mirror.sub, mirror.fresh_at)
    busy = [each for event in new for each in event.occurrences if each.kind == "busy"]
    for link_id, start, end in booked:
        if any(each.time.start < end and start < each.time.end for each in busy):
            log.warning("link.conflict", link=link_id, calendar=mirror.calendar_id)
            reason = "somebody else's event was put at the same time while this was being booked"
            await tell_link(deps, connection, mirror.application_id, link_id, mirror, reason, now, what="conflict")


def _is_wanted(found: RemoteObject, known: Known | None, anew: bool, zones_changed: bool) -> bool:
    """Whether it has to be read: it is another than before, or comes to something else by now."""
    return _is_another(found.version, known) or zones_changed or (anew and known is not None and known.recurring)


def _is_another(version: str | None, known: Known | None) -> bool:
    return known is None or known.version is None or known.version != version


@dataclass(frozen=True, slots=True)
class _Own:
    """Our own events among those that were read, by the key that the provider has them under and by our uid."""

    by_key: dict[str, EventWrite]
    by_uid: dict[str, EventWrite]

    def of(self, read: Read) -> EventWrite | None:
        return self.by_key.get(_key_in(read.uid))


def _key_in(uid: str) -> str:
    return uid.partition("@")[0]


async def _own_among(
    connection: AsyncConnection, mirror: Mirror, read: Sequence[Read], gone_uids: Sequence[str], now: int
) -> _Own:
    """Without those that were deleted: one that a person has brought back is theirs, and blocks as any other."""
    keys = {_key_in(each.uid) for each in read if len(_key_in(each.uid)) == KEY_LENGTH}
    where = (connection, mirror.application_id, mirror.calendar_id)
    by_key: dict[str, EventWrite] = {}
    for some in batched(sorted(keys), 500):
        found = await event_writes.find_by_keys(*where, some)
        by_key |= {key: each for key, each in found.items() if each.ical or not each.done or each.updated_at >= now}
    by_uid: dict[str, EventWrite] = {}
    for some in batched(gone_uids, 500):
        by_uid |= await event_writes.find_by_uids(*where, some)
    return _Own(by_key, by_uid)


def batched(values: Sequence[str], size: int) -> list[Sequence[str]]:
    return [values[first : first + size] for first in range(0, len(values), size)]


@dataclass(frozen=True, slots=True)
class _Holding:
    """`anew`: what repeats is being expanded over this span; None: over the span that the mirror had."""

    mirror: Mirror
    anew: Period | None
    claimed: bool

    async def begin(self, connection: AsyncConnection) -> None:
        """Hold account and mirror for one batch. Raises Outdated where it is another than the one that was read for."""
        mirror = self.mirror
        await accounts.lock(connection, mirror.application_id, [mirror.sub])
        there = await mirrors.lock_mirror(connection, mirror)
        if there is None or (self.claimed and there.fence != mirror.fence):
            raise Outdated
        if self.anew is not None:
            await mirrors.narrow(connection, there, self.anew.start, self.anew.end)
        elif (there.known_from, there.known_until) != (mirror.known_from, mirror.known_until):
            raise Outdated  # somebody looked further ahead meanwhile, and repeating events were expanded as far


async def _lock_claimed(connection: AsyncConnection, mirror: Mirror) -> bool:
    await accounts.lock(connection, mirror.application_id, [mirror.sub])
    there = await mirrors.lock_mirror(connection, mirror)
    return there is not None and there.fence == mirror.fence


async def _note_unreadable(deps: Deps, mirror: Mirror, problem: str, due_at: int) -> None:
    log.warning("mirror.unreadable", calendar=mirror.calendar_id, problem=problem)
    async with deps.database.transaction() as connection:
        if await _lock_claimed(connection, mirror):
            await mirrors.settle(
                connection, mirror, changed=True, due_at=due_at, fresh_until=0, cursor=None, problem=problem[:500]
            )
