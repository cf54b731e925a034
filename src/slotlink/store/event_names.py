"""An event's names: the application's (`event_id`), ours (`event_uid`), the provider's (`remote_key`)."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.store.tables import events


async def id_of(connection: AsyncConnection, application_id: str, calendar_id: str, event_uid: str) -> str | None:
    """The application's id; None for an event that it does not manage."""
    statement = select(events.c.event_id).where(*_by_uid(application_id, calendar_id, event_uid))
    return (await connection.execute(statement)).scalar_one_or_none()


async def find_uid(connection: AsyncConnection, application_id: str, calendar_id: str, event_id: str) -> str | None:
    """Ours, of the application's event; None when there is none. Deleted ones are found too."""
    statement = select(events.c.event_uid).where(
        events.c.application_id == application_id, events.c.calendar_id == calendar_id, events.c.event_id == event_id
    )
    return (await connection.execute(statement)).scalar_one_or_none()


async def remote_key_of(
    connection: AsyncConnection, application_id: str, calendar_id: str, event_uid: str
) -> str | None:
    """The provider's, once it is known."""
    statement = select(events.c.remote_key).where(*_by_uid(application_id, calendar_id, event_uid))
    return (await connection.execute(statement)).scalar_one_or_none()


async def details_of(
    connection: AsyncConnection, application_id: str, calendar_id: str, event_uid: str
) -> dict[str, Any]:
    """What the event says, without its times; nothing when there is none."""
    statement = select(events.c.details).where(*_by_uid(application_id, calendar_id, event_uid))
    return msgspec.json.decode((await connection.execute(statement)).scalar_one_or_none() or "{}")


async def forget_remote(connection: AsyncConnection, application_id: str, calendar_id: str, event_uid: str) -> None:
    """What the provider called it is another event from now on: ours is written there under a new key."""
    await connection.execute(
        update(events)
        .where(*_by_uid(application_id, calendar_id, event_uid))
        .values(remote_key=None, remote_version=None)
    )


def _by_uid(application_id: str, calendar_id: str, event_uid: str) -> tuple[ColumnElement[bool], ...]:
    return (
        events.c.application_id == application_id,
        events.c.calendar_id == calendar_id,
        events.c.event_uid == event_uid,
    )
