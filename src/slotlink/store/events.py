"""Events of embedded calendars and the busy periods they make. The caller holds the account's lock when it writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, and_, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.event import BusyKind, EventTime
from slotlink.domain.hours import CountedEvent, tags_of
from slotlink.store import ids
from slotlink.store.tables import busy_periods, calendars, events


class BusyRow(NamedTuple):
    """One occurrence that may block. `event_id` is set on events that the application manages."""

    calendar_id: str
    start: int
    end: int
    kind: BusyKind
    event_id: str | None
    event_uid: str


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One occurrence of an imported event, to be stored. `details`: members that differ from the event's own."""

    original_start: int
    time: EventTime
    kind: BusyKind
    details: dict[str, Any] | None = None


async def upsert_managed(
    connection: AsyncConnection,
    application_id: str,
    calendar_id: str,
    event_id: str,
    details: dict[str, Any],
    time: EventTime,
    kind: BusyKind,
    now: int,
) -> str:
    """Write the application's event `event_id`: the same id again replaces it. Returns its `event_uid`."""
    row = await _find(connection, application_id, calendar_id, events.c.event_id == event_id)
    values = {"details": _json(details), "recurring": False, "updated_at": now, "deleted_at": None}
    event_uid = await _write(connection, application_id, calendar_id, row, {"event_id": event_id, **values}, now)
    if row is not None:
        await _forget_occurrences(connection, application_id, calendar_id, event_uid)
    await _add_occurrences(connection, application_id, calendar_id, event_uid, [Occurrence(0, time, kind)])
    return event_uid


async def upsert_imported(
    connection: AsyncConnection,
    application_id: str,
    calendar_id: str,
    ical_uid: str,
    ical: str,
    details: dict[str, Any],
    recurring: bool,
    occurrences: Sequence[Occurrence],
    now: int,
) -> str:
    """Write one iCalendar object by its UID, with its occurrences within the calendar's known time."""
    row = await _find(connection, application_id, calendar_id, events.c.ical_uid == ical_uid)
    values = {"ical": ical, "details": _json(details), "recurring": recurring, "updated_at": now, "deleted_at": None}
    event_uid = await _write(connection, application_id, calendar_id, row, {"ical_uid": ical_uid, **values}, now)
    await replace_occurrences(connection, application_id, calendar_id, event_uid, occurrences)
    return event_uid


async def recurring_objects(
    connection: AsyncConnection, application_id: str, calendar_id: str
) -> list[tuple[str, str]]:
    """(event_uid, iCalendar text) of every repeating event of a calendar: what a wider horizon must expand again."""
    rows = await connection.execute(
        select(events.c.event_uid, events.c.ical).where(
            events.c.application_id == application_id,
            events.c.calendar_id == calendar_id,
            events.c.recurring,
            events.c.deleted_at.is_(None),
        )
    )
    return [(row.event_uid, row.ical) for row in rows]


async def delete_managed(
    connection: AsyncConnection, application_id: str, calendar_ids: Sequence[str], event_id: str | None, now: int
) -> None:
    """Delete the application's event `event_id`, or all of its events when None. The unknown are deleted already."""
    chosen = [
        events.c.application_id == application_id,
        events.c.calendar_id.in_(calendar_ids),
        events.c.event_id.is_not(None) if event_id is None else events.c.event_id == event_id,
        events.c.deleted_at.is_(None),
    ]
    deleted = select(events.c.calendar_id, events.c.event_uid).where(*chosen)
    for row in (await connection.execute(deleted)).all():
        await connection.execute(
            update(busy_periods).where(*_of_event(application_id, row.calendar_id, row.event_uid)).values(kind="free")
        )
    await connection.execute(update(events).where(*chosen).values(deleted_at=now, updated_at=now))


async def managed_ids(connection: AsyncConnection, application_id: str, calendar_id: str) -> list[str]:
    """The `event_id` of every living event that the application wrote into a calendar."""
    rows = await connection.execute(
        select(events.c.event_id).where(
            events.c.application_id == application_id,
            events.c.calendar_id == calendar_id,
            events.c.event_id.is_not(None),
            events.c.deleted_at.is_(None),
        )
    )
    return [row.event_id for row in rows]


async def ids_of(
    connection: AsyncConnection, application_id: str, calendar_ids: Sequence[str], event_uids: Iterable[str]
) -> set[str]:
    """The `event_id` of those events in these calendars that the application manages, whenever they are."""
    rows = await connection.execute(
        select(events.c.event_id).where(
            events.c.application_id == application_id,
            events.c.calendar_id.in_(calendar_ids),
            events.c.event_uid.in_(list(event_uids)),
            events.c.event_id.is_not(None),
        )
    )
    return set(rows.scalars())


async def busy_between(
    connection: AsyncConnection, application_id: str, calendar_ids: Sequence[str], start: int, end: int
) -> list[BusyRow]:
    """Everything that may block in [start, end), in one range query, in no order."""
    rows = await connection.execute(
        select(
            busy_periods.c.calendar_id,
            busy_periods.c.start_at,
            busy_periods.c.end_at,
            busy_periods.c.kind,
            events.c.event_id,
            events.c.event_uid,
        )
        .join(events, same_event())
        .where(
            busy_periods.c.application_id == application_id,
            busy_periods.c.calendar_id.in_(calendar_ids),
            busy_periods.c.start_at < end,
            busy_periods.c.end_at > start,
            busy_periods.c.kind != "free",
        )
    )
    return list(map(BusyRow._make, rows))


async def managed_between(
    connection: AsyncConnection, application_id: str, subs: Sequence[str], start: int, end: int
) -> list[tuple[str, CountedEvent]]:
    """The application's living events of these accounts in [start, end), by sub, blocking or not."""
    rows = await connection.execute(
        select(calendars.c.sub, events.c.event_id, busy_periods.c.start_at, busy_periods.c.end_at, events.c.details)
        .select_from(busy_periods)
        .join(events, same_event())
        .join(
            calendars,
            and_(
                calendars.c.application_id == busy_periods.c.application_id,
                calendars.c.calendar_id == busy_periods.c.calendar_id,
            ),
        )
        .where(
            calendars.c.application_id == application_id,
            calendars.c.sub.in_(subs),
            calendars.c.deleted.is_(False),
            events.c.event_id.is_not(None),
            events.c.deleted_at.is_(None),
            busy_periods.c.start_at < end,
            or_(busy_periods.c.end_at > start, busy_periods.c.start_at >= start),
        )
    )
    return [
        (row.sub, CountedEvent(row.event_id, row.start_at, row.end_at, tags_of(msgspec.json.decode(row.details))))
        for row in rows
    ]


async def _find(
    connection: AsyncConnection, application_id: str, calendar_id: str, condition: ColumnElement[bool]
) -> str | None:
    return (
        await connection.execute(
            select(events.c.event_uid).where(
                events.c.application_id == application_id, events.c.calendar_id == calendar_id, condition
            )
        )
    ).scalar_one_or_none()


async def _write(
    connection: AsyncConnection,
    application_id: str,
    calendar_id: str,
    event_uid: str | None,
    values: dict[str, Any],
    now: int,
) -> str:
    if event_uid is not None:
        await connection.execute(
            update(events).where(*_of(events, application_id, calendar_id, event_uid)).values(**values)
        )
        return event_uid
    event_uid = ids.new_id("evt_external")
    await connection.execute(
        insert(events).values(
            application_id=application_id, calendar_id=calendar_id, event_uid=event_uid, created_at=now, **values
        )
    )
    return event_uid


async def replace_occurrences(
    connection: AsyncConnection,
    application_id: str,
    calendar_id: str,
    event_uid: str,
    occurrences: Sequence[Occurrence],
) -> None:
    await _forget_occurrences(connection, application_id, calendar_id, event_uid)
    await _add_occurrences(connection, application_id, calendar_id, event_uid, occurrences)


async def _forget_occurrences(
    connection: AsyncConnection, application_id: str, calendar_id: str, event_uid: str
) -> None:
    await connection.execute(delete(busy_periods).where(*_of_event(application_id, calendar_id, event_uid)))


async def _add_occurrences(
    connection: AsyncConnection,
    application_id: str,
    calendar_id: str,
    event_uid: str,
    occurrences: Sequence[Occurrence],
) -> None:
    if occurrences:
        await connection.execute(
            insert(busy_periods),
            [
                {"application_id": application_id, "calendar_id": calendar_id, "event_uid": event_uid}
                | occurrence_row(occurrence)
                for occurrence in occurrences
            ],
        )


def same_event() -> ColumnElement[bool]:
    return and_(
        events.c.application_id == busy_periods.c.application_id,
        events.c.calendar_id == busy_periods.c.calendar_id,
        events.c.event_uid == busy_periods.c.event_uid,
    )


def _of_event(application_id: str, calendar_id: str, event_uid: str) -> tuple[ColumnElement[bool], ...]:
    return _of(busy_periods, application_id, calendar_id, event_uid)


def _of(table: Any, application_id: str, calendar_id: str, event_uid: str) -> tuple[ColumnElement[bool], ...]:
    return (
        table.c.application_id == application_id,
        table.c.calendar_id == calendar_id,
        table.c.event_uid == event_uid,
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def occurrence_row(occurrence: Occurrence) -> dict[str, Any]:
    """The columns of a busy period that say when it is and what it does."""
    return {
        "occurrence": occurrence.original_start,
        "start_at": occurrence.time.start,
        "end_at": occurrence.time.end,
        "start_date": occurrence.time.start_date,
        "end_date": occurrence.time.end_date,
        "kind": occurrence.kind,
        "details": _json(occurrence.details) if occurrence.details else None,
    }
