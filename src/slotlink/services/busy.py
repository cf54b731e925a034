"""Gather everybody's free time for a query: one range query over the store, whatever the number of people.

A calendar that cannot be read, or is not known for the whole time asked about, makes its owner unavailable, never free.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink import engine, ical
from slotlink.domain.account import Account, Calendar
from slotlink.domain.hours import allowed_by, within_quotas
from slotlink.domain.query import Member, Query
from slotlink.services.deps import Deps
from slotlink.services.known import (
    Known,
    KnownCache,
    MemberTime,
    Place,
    SyncStatus,
    leaves_around,
    unreadable,
)
from slotlink.services.occurrences import stored_occurrences
from slotlink.services.reading import Reading, counted_events
from slotlink.services.sync import refresh_stale
from slotlink.store import accounts, events
from slotlink.store.calendars import list_calendars, set_known
from slotlink.store.hot import HotReader

WAIT_FOR_PROVIDERS_S = 2.0  # at most, before a page says that not all calendars could be read
EXPAND_AHEAD_S = 90 * 86400  # beyond what was asked for, so that the next visitor's month is there already


@dataclass(frozen=True, slots=True)
class FreeTime:
    """Who can meet when, for one query. Whoever is not `active` for it is in `unreadable`, by sub."""

    times: Mapping[Member, MemberTime]
    accounts: Mapping[str, Account]
    known: Mapping[str, Known]
    unreadable: frozenset[str]
    excluded_event_ids: frozenset[str]  # those that the query says to disregard, also where it named them by uid

    def of(self, member: Member) -> tuple[engine.Member, ...]:
        return self.times[member].members

    @property
    def statuses(self) -> dict[str, SyncStatus]:
        """By sub; of several members of one sub, the first that is not `active` counts."""
        statuses: dict[str, SyncStatus] = {}
        for member, time in self.times.items():
            if statuses.get(member.sub, "active") == "active":
                statuses[member.sub] = time.status
        return statuses


async def read_free_time(deps: Deps, application_id: str, query: Query, now: int) -> FreeTime:
    """Free time of every member of `query`, with calendars expanded first as far as it reaches.

    Answered from what is known already, as far as its accounts have not changed since."""
    known = None if deps.hot is None else await _find_free_time(deps.hot, deps.known, application_id, query, now)
    if known is not None:
        return known
    async with deps.database.reading() as connection:
        free_time = await gather_free_time(connection, application_id, query, now, cache=deps.known)
    if not free_time.unreadable:
        return free_time
    refreshed = await refresh_stale(deps, application_id, sorted(free_time.unreadable), now, WAIT_FOR_PROVIDERS_S)
    expanded = await ensure_known(deps, application_id, query)
    if not refreshed and not expanded:
        return free_time
    async with deps.database.reading() as connection:
        return await gather_free_time(connection, application_id, query, now, cache=deps.known)


async def _find_free_time(
    hot: HotReader, cache: KnownCache, application_id: str, query: Query, now: int
) -> FreeTime | None:
    """Free time of every member, when all of it is known: then one point read tells that nothing has changed."""
    members = query.members
    if not query.lasts:
        return None
    span = query.span
    within = leaves_around(span)
    versions = await hot.versions(application_id, query.subs, now)
    known: dict[str, Known] = {}
    times: dict[Member, MemberTime] = {}
    for member in members:
        sub = member.sub
        found = known.get(sub)
        if found is None:
            found = cache.find(application_id, sub, versions[sub], within) if sub in versions else None
            if found is None:
                return None
            known[sub] = found
        time = found.find_time(member, span, now)
        if time is None or time.status != "active":
            return None
        times[member] = time
    return FreeTime(times, {sub: each.account for sub, each in known.items()}, known, frozenset(), frozenset())


async def ensure_known(deps: Deps, application_id: str, query: Query) -> bool:
    """Expand repeating events as far as `query` reaches, where the store does not hold them yet. Whether there was any
    such calendar.

    Done before, and outside of, any transaction that decides: expanding takes time."""
    span = query.span
    async with deps.database.reading() as connection:
        wanted = [
            calendar
            for calendar in await list_calendars(connection, application_id, query.subs)
            if not calendar.deleted and calendar.sync_status() == "active" and _can_know_more(calendar, span)
        ]
        objects = {
            calendar.calendar_id: await events.recurring_objects(connection, application_id, calendar.calendar_id)
            for calendar in wanted
        }
    for calendar in wanted:
        known_from = min(span.start, calendar.known_from or span.start)
        known_until = max(span.end + EXPAND_AHEAD_S, calendar.known_until or span.end)
        if calendar.told_until is not None:
            known_until = min(known_until, calendar.told_until)  # its provider says nothing beyond
        try:
            expanded = {
                event_uid: await asyncio.to_thread(
                    stored_occurrences,
                    text,
                    calendar.tzid,
                    known_from,
                    known_until,
                    owner_addresses=calendar.owner_addresses,
                )
                for event_uid, text in objects[calendar.calendar_id]
            }
        except ical.InvalidCalendar:
            continue  # stays unknown out there, and therefore unreadable
        async with deps.database.transaction() as connection:
            await accounts.lock(connection, application_id, [calendar.sub])
            now_stored = await events.recurring_objects(connection, application_id, calendar.calendar_id)
            if now_stored != objects[calendar.calendar_id]:
                continue  # imported again meanwhile; that import has set its own horizon
            for event_uid, occurrences in expanded.items():
                await events.replace_occurrences(
                    connection, application_id, calendar.calendar_id, event_uid, occurrences
                )
            await set_known(connection, application_id, calendar.calendar_id, known_from, known_until)
    return bool(wanted)


def _can_know_more(calendar: Calendar, span: engine.Period) -> bool:
    """Whether to expand further would tell more of this time: some providers say nothing beyond a certain one."""
    end = span.end if calendar.told_until is None else min(span.end, calendar.told_until)
    return end > span.start and not calendar.knows(span.start, end)


async def gather_free_time(
    connection: AsyncConnection,
    application_id: str,
    query: Query,
    now: int,
    *,
    around: int | None = None,
    cache: KnownCache | None = None,
    looked_at: Mapping[str, bool] | None = None,
) -> FreeTime:
    """Free time of every member of `query`, as the open transaction sees it.

    around  only a meeting that starts here is of interest: less is read, but calendars count as known or not as ever
    cache   where to look first, and to keep what is read; None reads everything
    looked_at  mirrored calendars that were just asked about that time, and whether they answered
    """
    if query.excluded_events:
        cache = None  # what it leaves is for this query alone
    span = query.span
    relevant = span if around is None else query.around(around)
    within = relevant if cache is None else leaves_around(relevant)
    members: dict[str, list[Member]] = {}
    for member in query.members:
        members.setdefault(member.sub, []).append(member)
    owners = await accounts.find(connection, application_id, query.subs)
    living = {sub: owner for sub, owner in owners.items() if not owner.revoked}
    known: dict[str, Known] = {}
    if cache is not None:
        kept = {
            sub: cache.find(application_id, sub, owner.version, within) if owner.fresh(now) else None
            for sub, owner in living.items()
        }
        known = {sub: found for sub, found in kept.items() if found is not None}
    unknown = {
        sub: owner
        for sub, owner in living.items()
        if sub not in known or any(known[sub].find_time(member, span, now) is None for member in members[sub])
    }
    excluded_ids: set[str] = set()
    if unknown:
        reading = Reading(connection, application_id, query, within, now, looked_at or {})
        for sub, fresh in (await reading.known(unknown, members)).items():
            if sub in known:
                fresh.absorb(known[sub], now)
            if cache is not None and living[sub].fresh(now):
                cache.keep(fresh)
            known[sub] = fresh
        excluded_ids = reading.excluded_ids
    counted = await counted_events(connection, application_id, query, living, relevant, now, excluded_ids)
    times: dict[Member, MemberTime] = {}
    for member in query.members:
        owner = living.get(member.sub)
        time = None if owner is None else known[member.sub].find_time(member, span, now)
        if owner is None or time is None:
            times[member] = unreadable(member, "disconnected")
        elif member.constraints and time.status == "active":
            full = within_quotas(member.constraints, counted.get(member.sub, ()), owner.tzid, relevant)
            times[member] = MemberTime("active", tuple(_restricted(place, full) for place in time.places))
        else:
            times[member] = time
    unread = frozenset(member.sub for member, time in times.items() if time.status != "active")
    return FreeTime(times, owners, known, unread, frozenset(excluded_ids))


def _restricted(place: Place, restrictions: Sequence[engine.Restriction]) -> Place:
    member = place.member
    available = allowed_by(restrictions, member.available)
    restricted = engine.Member(member.sub, member.free, available, member.buffer_before, member.buffer_after)
    return Place(restricted, (*place.restrictions, *restrictions))
