"""What guests of our events in calendars elsewhere were told by mail: the newest message for each, and what was sent.

Whoever sends brings the guest to the newest one, in whatever order the promises to do so were put into the outbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.store.tables import guest_messages


@dataclass(frozen=True, slots=True)
class GuestMessage:
    """`email` is in lower case. `sent_sequence` 0: the mail server has taken nothing for this guest yet."""

    application_id: str
    calendar_id: str
    event_uid: str
    email: str
    ical: str
    sequence: int
    sent_sequence: int = 0

    @property
    def done(self) -> bool:
        return self.sent_sequence == self.sequence


async def of_event(
    connection: AsyncConnection, application_id: str, calendar_id: str, event_uid: str
) -> dict[str, GuestMessage]:
    """By address, of everybody who was ever invited to it."""
    statement = select(guest_messages).where(*_of_event(application_id, calendar_id, event_uid))
    found = [_message(row) for row in await connection.execute(statement.order_by(guest_messages.c.email))]
    return {each.email: each for each in found}


async def find(
    connection: AsyncConnection, application_id: str, calendar_id: str, event_uid: str, email: str
) -> GuestMessage | None:
    one = (*_of_event(application_id, calendar_id, event_uid), guest_messages.c.email == email)
    row = (await connection.execute(select(guest_messages).where(*one))).one_or_none()
    return None if row is None else _message(row)


async def insert_new(connection: AsyncConnection, message: GuestMessage) -> None:
    await connection.execute(insert(guest_messages).values(**{name: getattr(message, name) for name in _NAMES}))


async def change(connection: AsyncConnection, message: GuestMessage, **values: Any) -> bool:
    """Only while `message` is the newest. False: there is a newer one."""
    changed = await connection.execute(
        update(guest_messages)
        .where(
            *_of_event(message.application_id, message.calendar_id, message.event_uid),
            guest_messages.c.email == message.email,
            guest_messages.c.sequence == message.sequence,
        )
        .values(**values)
    )
    return changed.rowcount == 1


_NAMES = tuple(GuestMessage.__dataclass_fields__)


def _of_event(application_id: str, calendar_id: str, event_uid: str) -> tuple[ColumnElement[bool], ...]:
    return (
        guest_messages.c.application_id == application_id,
        guest_messages.c.calendar_id == calendar_id,
        guest_messages.c.event_uid == event_uid,
    )


def _message(row: Row[*tuple[Any, ...]]) -> GuestMessage:
    return GuestMessage(**{name: getattr(row, name) for name in _NAMES})
