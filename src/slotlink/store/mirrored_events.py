"""Events of mirrored calendars, many at a time, and ours among them. The caller holds the account."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.store import ids
from slotlink.store.events import Occurrence, occurrence_row
from slotlink.store.mirrors import Mirror
from slotlink.store.tables import busy_periods, events

_AT_ONCE = 500  # values in one statement: SQLite takes 32,766 (SQLITE_MAX_VARIABLE_NUMBER)


@dataclass(frozen=True, slots=True)
class Known:
    """A mirrored event as it was last read."""

    event_uid: str
    version: str | None
    recurring: bool


@dataclass(frozen=True, slots=True)
class MirroredEvent:
    """One object of the provider's, and what it comes to in the calendar's known time."""

    remote_key: str
    version: str | None
    ical: str
    details: dict[str, Any]
    recurring: bool
    occurrences: Sequence[Occurrence]


async def known_events(
    connection: AsyncConnection, mirror: Mirror, remote_keys: Sequence[str] | None = None
) -> dict[str, Known]:
    """By remote key, what the mirror holds: all of it, or of these."""
    statement = select(events.c.remote_key, events.c.event_uid, events.c.remote_version, events.c.recurring).where(
        events.c.application_id == mirror.application_id,
        events.c.calendar_id == mirror.calendar_id,
        events.c.remote_key.is_not(None),
    )
    if remote_keys is None or len(remote_keys) > _AT_ONCE:
        found = (await connection.execute(statement)).all()
    else:
        found = (await connection.execute(statement.where(events.c.remote_key.in_(remote_keys)))).all()
    return {row.remote_key: Known(row.event_uid, row.remote_version, row.recurring) for row in found}


async def write_mirrored(
    connection: AsyncConnection,
    mirror: Mirror,
    known: dict[str, Known],
    changed: Sequence[MirroredEvent],
    now: int,
) -> None:
    """Write these objects over what was known of them. `known` is brought up to date."""
    old = [(known[each.remote_key].event_uid, each) for each in changed if each.remote_key in known]
    new = [(ids.new_id("evt_external"), each) for each in changed if each.remote_key not in known]
    if old:
        await connection.execute(
            update(events)
            .where(
                events.c.application_id == bindparam("app"),
                events.c.calendar_id == bindparam("cal"),
                events.c.event_uid == bindparam("uid"),
            )
            .values({column: bindparam(f"new_{column}") for column in _columns(old[0][1], now)}),
            [
                {"app": mirror.application_id, "cal": mirror.calendar_id, "uid": uid}
                | {f"new_{column}": value for column, value in _columns(each, now).items()}
                for uid, each in old
            ],
        )
        await _forget_occurrences(connection, mirror, [uid for uid, _ in old])
    where = {"application_id": mirror.application_id, "calendar_id": mirror.calendar_id}
    if new:
        rows = [where | {"event_uid": uid, "created_at": now} | _columns(each, now) for uid, each in new]
        await connection.execute(insert(events), rows)
    busy = [
        where | {"event_uid": uid} | occurrence_row(occurrence)
        for uid, each in [*old, *new]
        for occurrence in each.occurrences
    ]
    if busy:
        await connection.execute(insert(busy_periods), busy)
    known |= {each.remote_key: Known(uid, each.version, each.recurring) for uid, each in [*old, *new]}


async def forget_mirrored(
    connection: AsyncConnection, mirror: Mirror, known: dict[str, Known], remote_keys: Collection[str], now: int
) -> int:
    """These are there no longer: they block nothing, and read as deleted. How many were known at all."""
    gone = [known.pop(key).event_uid for key in list(remote_keys) if key in known]
    for first in range(0, len(gone), _AT_ONCE):
        uids = gone[first : first + _AT_ONCE]
        for table, values in (
            (busy_periods, {"kind": "free"}),
            (events, {"deleted_at": now, "updated_at": now, "remote_key": None, "remote_version": None, "ical": None}),
        ):
            await connection.execute(
                update(table)
                .where(
                    table.c.application_id == mirror.application_id,
                    table.c.calendar_id == mirror.calendar_id,
                    table.c.event_uid.in_(uids),
                )
                .values(**values)
            )
    return len(gone)


async def note_remote(
    connection: AsyncConnection, mirror: Mirror, event_uid: str, remote_key: str | None, version: str | None
) -> None:
    """How the provider calls an event of ours, and which version of it our row is."""
    await connection.execute(
        update(events)
        .where(
            events.c.application_id == mirror.application_id,
            events.c.calendar_id == mirror.calendar_id,
            events.c.event_uid == event_uid,
        )
        .values(remote_key=remote_key, remote_version=version)
    )


async def note_updated(connection: AsyncConnection, mirror: Mirror, event_uid: str, now: int) -> None:
    """An event of ours is another than before: whoever asks for what has changed since finds it."""
    await connection.execute(
        update(events)
        .where(
            events.c.application_id == mirror.application_id,
            events.c.calendar_id == mirror.calendar_id,
            events.c.event_uid == event_uid,
        )
        .values(updated_at=now)
    )


async def note_series(connection: AsyncConnection, mirror: Mirror, event_uid: str, ical: str | None) -> None:
    """An event of ours that a person has made repeat is expanded further from `ical`, as any other that repeats."""
    await connection.execute(
        update(events)
        .where(
            events.c.application_id == mirror.application_id,
            events.c.calendar_id == mirror.calendar_id,
            events.c.event_uid == event_uid,
        )
        .values(ical=ical, recurring=ical is not None)
    )


async def _forget_occurrences(connection: AsyncConnection, mirror: Mirror, uids: Sequence[str]) -> None:
    for first in range(0, len(uids), _AT_ONCE):
        await connection.execute(
            delete(busy_periods).where(
                busy_periods.c.application_id == mirror.application_id,
                busy_periods.c.calendar_id == mirror.calendar_id,
                busy_periods.c.event_uid.in_(uids[first : first + _AT_ONCE]),
            )
        )


def _columns(event: MirroredEvent, now: int) -> dict[str, Any]:
    return {
        "remote_key": event.remote_key,
        "remote_version": event.version,
        "ical": event.ical,
        "details": msgspec.json.encode(event.details).decode(),
        "recurring": event.recurring,
        "updated_at": now,
        "deleted_at": None,
    }
