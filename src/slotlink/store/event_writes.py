"""Events of ours in calendars that live elsewhere: how the provider is to have them, and what it has.

What is wanted has a revision that grows with every change. Whoever writes brings the provider to the newest one, in
whatever order the promises to do so were put into the outbox. The caller holds the account.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.store.tables import event_writes

KEY_LENGTH = 36  # characters of a key
MOST_SENT = 4  # objects whose fate is not known are remembered, so many of them
_NAMESPACE = uuid.UUID("7b0d7f0e-4d3c-5a53-9a43-51071a4b0c0d")  # any that nobody else makes names in


@dataclass(frozen=True, slots=True)
class EventWrite:
    """`ical` None: it is to be deleted. `written_revision` 0: the provider has nothing of this generation yet.

    `invites`: the provider invites guests, `mailed`: we do by mail; neither: nobody does."""

    application_id: str
    calendar_id: str
    event_uid: str
    write_key: str
    generation: int
    revision: int
    ical: str | None
    invites: bool
    mailed: bool
    conference: bool
    link_id: str | None
    written_revision: int
    written_ical: str | None
    written_version: str | None
    problem: str | None
    updated_at: int

    @property
    def done(self) -> bool:
        return self.written_revision == self.revision

    @property
    def sent(self) -> list[str]:
        """Every object that the provider may have of us, the oldest first: what it took last, and what was sent since
        without an answer. What it shows is one of them, or a person has changed it."""
        return [text for text in re.split("(?m)^(?=BEGIN:VCALENDAR)", self.written_ical or "") if text]


def stream(sent: Sequence[str]) -> str:
    """As `written_ical` keeps it (RFC 5545 section 3.4: a stream of iCalendar objects)."""
    return "".join(sent if len(sent) <= MOST_SENT else [sent[0], *sent[-MOST_SENT + 1 :]])


def write_key(application_id: str, calendar_id: str, event_uid: str, generation: int) -> str:
    """The same for the same event in the same calendar, another for every generation: a UID is never used again."""
    return str(uuid.uuid5(_NAMESPACE, f"{application_id}/{calendar_id}/{event_uid}/{generation}"))


async def find(connection: AsyncConnection, application_id: str, calendar_id: str, event_uid: str) -> EventWrite | None:
    row = await connection.execute(select(event_writes).where(*_one(application_id, calendar_id, event_uid)))
    found = row.one_or_none()
    return None if found is None else _write(found)


async def find_by_keys(
    connection: AsyncConnection, application_id: str, calendar_id: str, keys: Collection[str]
) -> dict[str, EventWrite]:
    """Those of a calendar that the provider knows by one of these keys."""
    found = await _find(connection, application_id, calendar_id, event_writes.c.write_key.in_(keys))
    return {each.write_key: each for each in found}


async def find_by_uids(
    connection: AsyncConnection, application_id: str, calendar_id: str, event_uids: Collection[str]
) -> dict[str, EventWrite]:
    """Those of a calendar that are these events of ours."""
    found = await _find(connection, application_id, calendar_id, event_writes.c.event_uid.in_(event_uids))
    return {each.event_uid: each for each in found}


async def _find(
    connection: AsyncConnection, application_id: str, calendar_id: str, condition: ColumnElement[bool]
) -> list[EventWrite]:
    of_calendar = (event_writes.c.application_id == application_id, event_writes.c.calendar_id == calendar_id)
    return [_write(row) for row in await connection.execute(select(event_writes).where(*of_calendar, condition))]


async def list_there(connection: AsyncConnection, application_id: str, calendar_id: str) -> list[EventWrite]:
    """Those of a calendar that are to be there, or that have not been deleted there yet."""
    unfinished = event_writes.c.written_revision != event_writes.c.revision
    return await _find(connection, application_id, calendar_id, event_writes.c.ical.is_not(None) | unfinished)


async def insert_new(connection: AsyncConnection, write: EventWrite) -> None:
    await connection.execute(insert(event_writes).values(**{name: getattr(write, name) for name in _NAMES}))


async def replace_whole(connection: AsyncConnection, write: EventWrite) -> None:
    """A new generation in the place of the one before."""
    key = ("application_id", "calendar_id", "event_uid")
    values = {name: getattr(write, name) for name in _NAMES if name not in key}
    await change(connection, write.application_id, write.calendar_id, write.event_uid, **values)


async def change(
    connection: AsyncConnection, application_id: str, calendar_id: str, event_uid: str, **values: Any
) -> None:
    await connection.execute(update(event_writes).where(*_one(application_id, calendar_id, event_uid)).values(**values))


_NAMES = tuple(EventWrite.__dataclass_fields__)


def _one(application_id: str, calendar_id: str, event_uid: str) -> tuple[ColumnElement[bool], ...]:
    return (
        event_writes.c.application_id == application_id,
        event_writes.c.calendar_id == calendar_id,
        event_writes.c.event_uid == event_uid,
    )


def _write(row: Row[*tuple[Any, ...]]) -> EventWrite:
    return EventWrite(**{name: getattr(row, name) for name in _NAMES})
