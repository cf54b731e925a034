"""Events read back: which occurrences, in which order, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.event import BusyKind
from slotlink.store.events import same_event
from slotlink.store.tables import busy_periods, calendars, events


@dataclass(frozen=True, slots=True)
class EventRow:
    """One occurrence as it is read back."""

    calendar_id: str
    event_uid: str
    event_id: str | None
    details: dict[str, Any]
    start: int
    end: int
    start_date: str | None
    end_date: str | None
    occurrence: int
    kind: BusyKind
    recurring: bool
    created_at: int
    updated_at: int
    deleted: bool

    @property
    def key(self) -> tuple[int, str, str, int]:
        """Where the row stands in a listing."""
        return (self.start, self.calendar_id, self.event_uid, self.occurrence)


@dataclass(frozen=True, slots=True)
class Listing:
    """Which occurrences to read. `start`/`end` in seconds; None is unbounded. `calendar_ids` None is all of `sub`'s."""

    sub: str
    calendar_ids: tuple[str, ...] | None = None
    start: int | None = None
    end: int | None = None
    managed_outside_window: bool = False
    include_managed: bool = False
    only_managed: bool = False
    include_deleted: bool = False
    include_free: bool = True
    modified_since: int | None = None


async def read_page(
    connection: AsyncConnection,
    application_id: str,
    listing: Listing,
    after: tuple[int, str, str, int] | None,
    size: int,
) -> list[EventRow]:
    """The next `size` occurrences behind the key `after`, by start."""
    order = (
        busy_periods.c.start_at,
        busy_periods.c.calendar_id,
        busy_periods.c.event_uid,
        busy_periods.c.occurrence,
    )
    statement = (
        select(
            events,
            busy_periods.c.start_at,
            busy_periods.c.end_at,
            busy_periods.c.start_date,
            busy_periods.c.end_date,
            busy_periods.c.occurrence,
            busy_periods.c.kind,
            busy_periods.c.details.label("own_details"),
        )
        .select_from(busy_periods.join(events, same_event()))
        .where(_listed(application_id, listing))
        .order_by(*order)
        .limit(size)
    )
    if after is not None:
        statement = statement.where(tuple_(*order) > tuple_(*after))
    rows = await connection.execute(statement)
    return [
        EventRow(
            calendar_id=row.calendar_id,
            event_uid=row.event_uid,
            event_id=row.event_id,
            details={**msgspec.json.decode(row.details), **msgspec.json.decode(row.own_details or "{}")},
            start=row.start_at,
            end=row.end_at,
            start_date=row.start_date,
            end_date=row.end_date,
            occurrence=row.occurrence,
            kind=row.kind,
            recurring=row.recurring,
            created_at=row.created_at,
            updated_at=row.updated_at,
            deleted=row.deleted_at is not None,
        )
        for row in rows
    ]


async def count(connection: AsyncConnection, application_id: str, listing: Listing) -> int:
    statement = select(func.count()).select_from(busy_periods.join(events, same_event()))
    return (await connection.execute(statement.where(_listed(application_id, listing)))).scalar_one()


def _listed(application_id: str, listing: Listing) -> ColumnElement[bool]:
    of_sub = select(calendars.c.calendar_id).where(
        calendars.c.application_id == application_id,
        calendars.c.sub == listing.sub,
        calendars.c.deleted.is_(False),
    )
    if listing.calendar_ids is not None:
        of_sub = of_sub.where(calendars.c.calendar_id.in_(listing.calendar_ids))
    conditions = [busy_periods.c.application_id == application_id, busy_periods.c.calendar_id.in_(of_sub)]
    window: list[ColumnElement[bool]] = []
    if listing.start is not None:
        window.append(busy_periods.c.end_at >= listing.start)
    if listing.end is not None:
        window.append(busy_periods.c.start_at < listing.end)
    if window and listing.managed_outside_window:
        conditions.append(or_(and_(*window), events.c.event_id.is_not(None)))
    else:
        conditions += window
    if listing.only_managed:
        conditions.append(events.c.event_id.is_not(None))
    elif not listing.include_managed:
        conditions.append(events.c.event_id.is_(None))
    if not listing.include_deleted:
        conditions.append(events.c.deleted_at.is_(None))
    if not listing.include_free:
        # A deleted event is free; whoever asks for deleted ones is told all the same.
        conditions.append(or_(busy_periods.c.kind != "free", events.c.deleted_at.is_not(None)))
    if listing.modified_since is not None:
        conditions.append(events.c.updated_at >= listing.modified_since)
    return and_(*conditions)
