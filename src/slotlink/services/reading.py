"""Read what is to be known of some accounts, all of them at once: a statement for each kind of thing, whatever their
number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink import engine
from slotlink.domain.account import Account, Calendar
from slotlink.domain.hours import CountedEvent, Stored, hours_of, quota_of
from slotlink.domain.query import Member, Query
from slotlink.services.known import Known, Selection, chosen_calendars, selection_of
from slotlink.store import available_periods, bookings, events, rules
from slotlink.store.calendars import list_calendars

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Reading:
    """Reads what is to be known of some accounts, all of them at once."""

    def __init__(
        self,
        connection: AsyncConnection,
        application_id: str,
        query: Query,
        within: engine.Period,
        now: int,
        looked_at: Mapping[str, bool],
    ) -> None:
        self._connection = connection
        self._application_id = application_id
        self._query = query
        self._within = within
        self._now = now
        self._looked_at = looked_at
        self.excluded_ids: set[str] = set()

    async def known(self, owners: Mapping[str, Account], members: Mapping[str, Sequence[Member]]) -> dict[str, Known]:
        subs, within = list(owners), self._within
        calendars = [
            self._as_it_is(calendar)
            for calendar in await list_calendars(self._connection, self._application_id, subs)
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

    def _as_it_is(self, calendar: Calendar) -> Calendar:
        """A copy that is out of date counts for nothing, unless the provider has just been asked."""
        read = self._looked_at.get(calendar.calendar_id, calendar.fresh(self._now))
        return calendar if read else replace(calendar, unread=True)

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


async def counted_events(
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
