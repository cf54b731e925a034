"""The outbox as operators see it: what waits, what was given up, and how each attempt went."""

from __future__ import annotations

from dataclasses import dataclass, fields

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.store.outbox import Attempt
from slotlink.store.tables import outbox, outbox_attempts


@dataclass(frozen=True, slots=True)
class StoredItem:
    """A promise as an operator sees it. Without its URL, which may hold a secret."""

    application_id: str
    item_id: str
    link_id: str | None
    host: str
    state: str
    attempts: int
    due_at: int
    created_at: int


_STORED = [outbox.c[field.name] for field in fields(StoredItem)]


async def count_by_state(connection: AsyncConnection) -> dict[str, int]:
    """How many items wait and how many were given up, over all applications. Delivered ones are not counted."""
    rows = await connection.execute(
        select(outbox.c.state, func.count().label("items"))
        .where(outbox.c.state.in_(["waiting", "dead"]))
        .group_by(outbox.c.state)
    )
    return {row.state: row.items for row in rows}


async def of_link(connection: AsyncConnection, application_id: str, link_id: str) -> list[tuple[str, str, int]]:
    """(item_id, state, attempts) of a link's callbacks, oldest first."""
    rows = await connection.execute(
        select(outbox.c.item_id, outbox.c.state, outbox.c.attempts)
        .where(outbox.c.application_id == application_id, outbox.c.link_id == link_id)
        .order_by(outbox.c.created_at)
    )
    return [(row.item_id, row.state, row.attempts) for row in rows]


async def list_items(connection: AsyncConnection, *, failed: bool, limit: int) -> list[StoredItem]:
    """The newest promises of all applications; with `failed`, only those that were given up."""
    statement = select(*_STORED).order_by(outbox.c.created_at.desc(), outbox.c.item_id).limit(limit)
    if failed:
        statement = statement.where(outbox.c.state == "dead")
    return [StoredItem(*row) for row in await connection.execute(statement)]


async def find_anywhere(connection: AsyncConnection, item_id: str) -> StoredItem | None:
    """For the operator's command line, which speaks for every application."""
    row = (await connection.execute(select(*_STORED).where(outbox.c.item_id == item_id))).one_or_none()
    return None if row is None else StoredItem(*row)


async def attempts_of(connection: AsyncConnection, application_id: str, item_id: str) -> list[Attempt]:
    """The ended attempts, in order: the first is number 1."""
    rows = await connection.execute(
        select(
            outbox_attempts.c.at, outbox_attempts.c.took_ms, outbox_attempts.c.status_code, outbox_attempts.c.outcome
        )
        .where(outbox_attempts.c.application_id == application_id, outbox_attempts.c.item_id == item_id)
        .order_by(outbox_attempts.c.number)
    )
    return [Attempt(*row) for row in rows]
