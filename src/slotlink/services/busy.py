"""Gather everybody's free time for a query: one range query over the store, whatever the number of people.

A calendar that cannot be read, or is not known for the whole time asked about, makes its owner unavailable, never free.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink import engine, ical
from slotlink.domain.account import Account
from slotlink.domain.hours import CountedEvent, Stored, allowed_by, hours_of, quota_of, within_quotas
from slotlink.domain.query import Member, Query
from slotlink.services.deps import Deps
from slotlink.services.known import (
    Known,
    KnownCache,
    MemberTime,
    Place,
    Selection,
    SyncStatus,
    chosen_calendars,
    leaves_around,
    selection_of,
    unreadable,
)
from slotlink.services.occurrences import stored_occurrences
from slotlink.store import accounts, available_periods, bookings, events, rules
from slotlink.store.hot import HotReader

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

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
    known = None if deps.hot is None else _find_free_time(deps.hot, deps.known, application_id, query, now)
    if known is not None:
        return known
    async with deps.database.reading() as connection:
        free_time = await gather_free_time(connection, application_id, query, now, cache=deps.known)
    if not free_time.unreadable:
        return free_time
    await ensure_known(deps, application_id, query)
    async with deps.database.reading() as connection:
        return await gather_free_time(connection, application_id, query, now, cache=deps.known)


def _find_free_time(hot: HotReader, cache: KnownCache, application_id: str, query: Query, now: int) -> FreeTime | None:
    """Free time of every member, when all of it is known: then one point read tells that nothing has changed."""
    members = query.members
    if not query.lasts:
        return None
    span = query.span
    within = leaves_around(span)
    versions = hot.versions(application_id, query.subs)
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


async def ensure_known(deps: Deps, application_id: str, query: Query) -> None:
    """Expand repeating events as far as `query` reaches, where the store does not hold them yet.

    Done before, and outside of, any transaction that decides: expanding takes time."""
    span = query.span
    async with deps.database.reading() as connection:
        wanted = [
            calendar
            for calendar in await accounts.list_calendars(connection, application_id, query.subs)
            if not calendar.deleted and calendar.connected and not calendar.knows(span.start, span.end)
        ]
        objects = {
            calendar.calendar_id: await events.recurring_objects(connection, application_id, calendar.calendar_id)
            for calendar in wanted
        }
    for calendar in wanted:
        known_from = min(span.start, calendar.known_from or span.start)
        known_until = max(span.end + EXPAND_AHEAD_S, calendar.known_until or span.end)
        try:
            expanded = {
                event_uid: await asyncio.to_thread(stored_occurrences, text, calendar.tzid, known_from, known_until)
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
            await accounts.set_known(connection, application_id, calendar.calendar_id, known_from, known_until)


async def gather_free_time(
    connection: AsyncConnection,
    application_id: str,
    query: Query,
    now: int,
    *,
    around: int | None = None,
    cache: KnownCache | None = None,
) -> FreeTime:
    """Free time of every member of `query`, as the open transaction sees it.

    around  only a meeting that starts here is of interest: less is read, but calendars count as known or not as ever
    cache   where to look first, and to keep what is read; None reads everything
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
        kept = {sub: cache.find(application_id, sub, owner.version, within) for sub, owner in living.items()}
        known = {sub: found for sub, found in kept.items() if found is not None}
    unknown = {
        sub: owner
        for sub, owner in living.items()
        if sub not in known or any(known[sub].find_time(member, span, now) is None for member in members[sub])
    }
    excluded_ids: set[str] = set()
    if unknown:
        reading = _Reading(connection, application_id, query, within, now)
        for sub, fresh in (await reading.known(unknown, members)).items():
            if sub in known:
                fresh.absorb(known[sub], now)
            if cache is not None:
                cache.keep(fresh)
            known[sub] = fresh
        excluded_ids = reading.excluded_ids
    counted = await _counted_events(connection, application_id, query, living, relevant, now, excluded_ids)
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


class _Reading:
    """Reads what is to be known of some accounts, all of them at once."""

    def __init__(
        self, connection: AsyncConnection, application_id: str, query: Query, within: engine.Period, now: int
    ) -> None:
        self._connection = connection
        self._application_id = application_id
        self._query = query
        self._within = within
        self._now = now
        self.excluded_ids: set[str] = set()

    async def known(self, owners: Mapping[str, Account], members: Mapping[str, Sequence[Member]]) -> dict[str, Known]:
        subs, within = list(owners), self._within
        calendars = [
            calendar
            for calendar in await accounts.list_calendars(self._connection, self._application_id, subs)
            if not calendar.deleted
        ]
        stored = await self._stored(
            [sub for sub in subs if any(member.managed_availability for member in members[sub])]
        )
        rows = await events.busy_between(
            self._connection,
            self._application_id,
            [calendar.calendar_id for calendar in calendars],
            within.start,
            within.end,
        )
        holds = await bookings.holds_between(
            self._connection, self._application_id, subs, within.start, within.end, self._now
        )
        excluded_uids = {
            excluded.event_uid for excluded in self._query.excluded_events if excluded.event_uid is not None
        }
        self.excluded_ids = {
            excluded.event_id for excluded in self._query.excluded_events if excluded.event_id is not None
        }
        if excluded_uids:
            # Found wherever it is: quotas count it, and bookings hold for it, outside of the time that is read here.
            self.excluded_ids |= await events.ids_of(
                self._connection,
                self._application_id,
                [calendar.calendar_id for calendar in calendars],
                excluded_uids,
            )
        busy: dict[str, list[events.BusyRow]] = {}
        for row in rows:
            if row.event_uid not in excluded_uids and row.event_id not in self.excluded_ids:
                busy.setdefault(row.calendar_id, []).append(row)
        held: dict[str, list[bookings.Hold]] = {}
        for hold in holds:
            if hold.event_id not in self.excluded_ids:
                held.setdefault(hold.sub, []).append(hold)
        known: dict[str, Known] = {}
        for sub, owner in owners.items():
            own = tuple(calendar for calendar in calendars if calendar.sub == sub)
            known[sub] = Known(
                account=owner,
                within=within,
                calendars=own,
                free={},
                stored=stored.get(sub),
                holds_end=min(
                    (hold.held_until for hold in held.get(sub, ()) if hold.held_until is not None), default=None
                ),
            )
            for member in members[sub]:
                for hours in hours_of(member, stored.get(sub) or Stored(), within):
                    selection = selection_of(member, hours)
                    if selection not in known[sub].free:
                        chosen = chosen_calendars(selection, own) or ()
                        chosen_rows = [row for calendar in chosen for row in busy.get(calendar.calendar_id, ())]
                        known[sub].free[selection] = _free(selection, chosen_rows, held.get(sub, ()))
        return known

    async def _stored(self, subs: Sequence[str]) -> dict[str, Stored]:
        """What is stored for these accounts, who are asked for with managed availability."""
        if not subs:
            return {}
        stored_rules = await rules.rules_of(self._connection, self._application_id, subs)
        periods = await available_periods.available_periods_of(
            self._connection, self._application_id, subs, self._within.start, self._within.end
        )
        with_any = await available_periods.subs_with_any(self._connection, self._application_id, subs)
        for sub in subs:
            if sub not in stored_rules and sub not in with_any:
                # An integration that switches the flag on before it stores rules would otherwise offer nothing.
                log.warning("availability.nothing_stored", sub=sub)
        return {
            sub: Stored(tuple(stored_rules.get(sub, ())), tuple(periods.get(sub, ())), sub in with_any) for sub in subs
        }


def _free(selection: Selection, rows: Sequence[events.BusyRow], holds: Sequence[bookings.Hold]) -> engine.Gaps:
    """The time that neither these rows nor a booking block: pure."""
    blocking = [
        (row.start, row.end)
        for row in rows
        if (row.kind == "busy" or not selection.ignore_tentative)
        and (row.event_id is not None or not selection.only_managed_events)
    ]
    return engine.free_gaps(blocking + [(hold.start, hold.end) for hold in holds])


async def _counted_events(
    connection: AsyncConnection,
    application_id: str,
    query: Query,
    living: Mapping[str, Account],
    relevant: engine.Period,
    now: int,
    excluded_ids: set[str],
) -> dict[str, list[CountedEvent]]:
    """The application's events that quotas of the query may count, by sub: those written, and those of bookings."""
    spans = [
        engine.whole_span(quota_of(constraint, living[member.sub].tzid), relevant.start, relevant.end)
        for member in query.members
        if member.sub in living
        for constraint in member.constraints
    ]
    if not spans:
        return {}
    subs = [member.sub for member in query.members if member.constraints and member.sub in living]
    start, end = min(span.start for span in spans), max(span.end for span in spans)
    counted: dict[str, list[CountedEvent]] = {}
    for sub, event in [
        *await events.managed_between(connection, application_id, subs, start, end),
        *await bookings.booked_between(connection, application_id, subs, start, end, now),
    ]:
        if event.event_id not in excluded_ids:
            counted.setdefault(sub, []).append(event)
    return counted
