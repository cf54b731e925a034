"""Gather everybody's free time for a query: one range query over the store, whatever the number of people.

A calendar that cannot be read, or is not known for the whole time asked about, makes its owner unavailable, never free.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink import engine, ical
from slotlink.domain.account import Account, Calendar
from slotlink.domain.query import Member, Query
from slotlink.services.deps import Deps
from slotlink.services.occurrences import stored_occurrences
from slotlink.store import accounts, bookings, events

SyncStatus = Literal["active", "pending", "disconnected"]

EXPAND_AHEAD_S = 90 * 86400  # beyond what was asked for, so that the next visitor's month is there already


@dataclass(frozen=True, slots=True)
class FreeTime:
    """Who is free when, for one query. `statuses` by sub; whoever is not `active` for this query is in `unreadable`."""

    gaps: Mapping[Member, engine.Gaps]
    statuses: Mapping[str, SyncStatus]
    unreadable: frozenset[str]
    excluded_event_ids: frozenset[str]  # those that the query says to disregard, also where it named them by uid

    def of(self, member: Member) -> engine.Gaps:
        return self.gaps[member]


async def read_free_time(deps: Deps, application_id: str, query: Query, now: int) -> FreeTime:
    """Free time of every member of `query`, with calendars expanded first as far as it reaches."""
    async with deps.database.reading() as connection:
        free_time = await gather_free_time(connection, application_id, query, now)
    if not free_time.unreadable:
        return free_time
    await ensure_known(deps, application_id, query)
    async with deps.database.reading() as connection:
        return await gather_free_time(connection, application_id, query, now)


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


async def gather_free_time(connection: AsyncConnection, application_id: str, query: Query, now: int) -> FreeTime:
    """Free time of every member of `query`, as the open transaction sees it."""
    subs = query.subs
    span = query.span
    owners = await accounts.find(connection, application_id, subs)
    calendars = await accounts.list_calendars(connection, application_id, subs)
    rows = await events.busy_between(
        connection,
        application_id,
        [calendar.calendar_id for calendar in calendars if not calendar.deleted],
        span.start,
        span.end,
    )
    holds = await bookings.holds_between(connection, application_id, subs, span.start, span.end, now)
    return weigh(query, owners, calendars, rows, holds)


def weigh(
    query: Query,
    owners: Mapping[str, Account],
    calendars: Sequence[Calendar],
    rows: Sequence[events.BusyRow],
    holds: Sequence[bookings.Hold],
) -> FreeTime:
    """What the rows mean for each member: pure."""
    excluded_ids = {excluded.event_id for excluded in query.excluded_events if excluded.event_id is not None}
    excluded_uids = {excluded.event_uid for excluded in query.excluded_events if excluded.event_uid is not None}
    excluded_ids |= {row.event_id for row in rows if row.event_uid in excluded_uids and row.event_id is not None}
    counted = [
        row
        for row in rows
        if row.event_uid not in excluded_uids and (row.event_id is None or row.event_id not in excluded_ids)
    ]
    by_calendar: dict[str, list[events.BusyRow]] = {}
    for row in counted:
        by_calendar.setdefault(row.calendar_id, []).append(row)
    held: dict[str, list[tuple[int, int]]] = {}
    for hold in holds:
        if hold.event_id not in excluded_ids:
            held.setdefault(hold.sub, []).append((hold.start, hold.end))
    of_sub: dict[str, list[Calendar]] = {}
    for calendar in calendars:
        of_sub.setdefault(calendar.sub, []).append(calendar)

    gaps: dict[Member, engine.Gaps] = {}
    statuses: dict[str, SyncStatus] = {}
    unreadable: set[str] = set()
    for member in (member for group in query.groups for member in group.members):
        owner = owners.get(member.sub)
        chosen = _chosen(member, of_sub.get(member.sub, []))
        status: SyncStatus = "active"
        sync = [calendar.sync_status() for calendar in chosen or ()]
        if owner is None or owner.revoked or chosen is None or "disconnected" in sync:
            status = "disconnected"
        elif "pending" in sync or not all(calendar.knows(query.span.start, query.span.end) for calendar in chosen):
            status = "pending"
        if statuses.get(member.sub, "active") == "active":
            statuses[member.sub] = status
        if status != "active" or chosen is None:
            unreadable.add(member.sub)
            gaps[member] = engine.NEVER
            continue
        blocking = [
            (row.start, row.end)
            for calendar in chosen
            for row in by_calendar.get(calendar.calendar_id, ())
            if (row.kind == "busy" or not member.ignore_tentative)
            and (row.event_id is not None or not member.only_managed_events)
        ]
        gaps[member] = engine.free_gaps(blocking + held.get(member.sub, []))
    return FreeTime(gaps, statuses, frozenset(unreadable), frozenset(excluded_ids))


def _chosen(member: Member, calendars: Sequence[Calendar]) -> list[Calendar] | None:
    """The calendars that count for this member; None when one that was asked for is gone."""
    living = [calendar for calendar in calendars if not calendar.deleted]
    if member.calendar_ids is None:
        return living
    chosen = [calendar for calendar in living if calendar.calendar_id in member.calendar_ids]
    return chosen if len(chosen) == len(set(member.calendar_ids)) else None
