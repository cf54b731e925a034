"""The outbox: promises kept in the same transaction as the fact they follow from, claimed under a lease, settled once.

A claim raises the item's `fence`; only the holder of the latest fence can settle it. A worker that dies leaves a lease
that ends by itself, after which anybody may claim the item again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.store import ids
from slotlink.store.tables import outbox, outbox_attempts
from slotlink.vault import Vault


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """A claimed promise. `attempts` counts the ended ones; `fence` proves the claim when it is settled.

    `sealed_body` opens with the item's `row` (it holds a link's URL, and so its token)."""

    application_id: str
    item_id: str
    link_id: str | None
    url: str
    host: str
    sealed_body: bytes
    attempts: int
    fence: int

    @property
    def row(self) -> str:
        return _row(self.application_id, self.item_id)


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one attempt went. `status_code` is None when no answer came; `outcome` says what happened, in words."""

    at: int
    took_ms: int
    status_code: int | None
    outcome: str


async def add(
    connection: AsyncConnection,
    vault: Vault,
    application_id: str,
    link_id: str,
    url: str,
    host: str,
    body: bytes,
    now: int,
) -> str:
    item_id = ids.new_id("msg")
    await connection.execute(
        insert(outbox).values(
            application_id=application_id,
            item_id=item_id,
            kind="callback",
            link_id=link_id,
            url=url,
            host=host,
            sealed_body=vault.seal(body.decode(), _row(application_id, item_id)),
            state="waiting",
            attempts=0,
            due_at=now,
            fence=0,
            created_at=now,
        )
    )
    return item_id


async def claim(
    connection: AsyncConnection, owner: str, now: int, *, lease_s: int, limit: int, busy_hosts: Sequence[str] = ()
) -> list[OutboxItem]:
    """Take up to `limit` due items for `lease_s` seconds, oldest first, none for `busy_hosts`.

    Both engines take an item once: SQLite has one writer, PostgreSQL skips rows that another claim has locked."""
    due = (
        select(outbox.c.application_id, outbox.c.item_id)
        .where(
            outbox.c.state == "waiting",
            outbox.c.due_at <= now,
            or_(outbox.c.lease_until.is_(None), outbox.c.lease_until <= now),
            outbox.c.host.not_in(busy_hosts),
        )
        .order_by(outbox.c.due_at, outbox.c.created_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken: list[OutboxItem] = []
    for row in (await connection.execute(due)).all():
        claimed = await connection.execute(
            update(outbox)
            .where(outbox.c.application_id == row.application_id, outbox.c.item_id == row.item_id)
            .values(lease_owner=owner, lease_until=now + lease_s, fence=outbox.c.fence + 1)
            .returning(outbox)
        )
        item = claimed.one()
        taken.append(
            OutboxItem(
                item.application_id,
                item.item_id,
                item.link_id,
                item.url,
                item.host,
                item.sealed_body,
                item.attempts,
                item.fence,
            )
        )
    return taken


async def settle(
    connection: AsyncConnection, item: OutboxItem, attempt: Attempt, *, state: str, due_at: int | None
) -> bool:
    """Record the attempt and what follows: `delivered`, `dead`, or `waiting` until `due_at`.

    False when the lease was lost and somebody else has the item now: their word counts."""
    values: dict[str, object] = {
        "state": state,
        "attempts": item.attempts + 1,
        "lease_owner": None,
        "lease_until": None,
    }
    if due_at is not None:
        values["due_at"] = due_at
    settled = await connection.execute(
        update(outbox)
        .where(
            outbox.c.application_id == item.application_id,
            outbox.c.item_id == item.item_id,
            outbox.c.fence == item.fence,
            outbox.c.state == "waiting",
        )
        .values(**values)
    )
    if settled.rowcount != 1:
        return False
    await connection.execute(
        insert(outbox_attempts).values(
            application_id=item.application_id,
            item_id=item.item_id,
            number=item.attempts + 1,
            at=attempt.at,
            took_ms=attempt.took_ms,
            status_code=attempt.status_code,
            outcome=attempt.outcome,
        )
    )
    return True


async def release(connection: AsyncConnection, owner: str) -> None:
    """Give back what `owner` holds: a clean stop leaves no lease to wait for."""
    await connection.execute(
        update(outbox)
        .where(outbox.c.lease_owner == owner, outbox.c.state == "waiting")
        .values(lease_owner=None, lease_until=None, fence=outbox.c.fence + 1)
    )


async def next_due_at(connection: AsyncConnection) -> int | None:
    """When there is something to do next: read without a write lock, so that an idle worker costs nothing."""
    due_at = func.max(outbox.c.due_at, func.coalesce(outbox.c.lease_until, 0))
    if connection.dialect.name == "postgresql":
        due_at = func.greatest(outbox.c.due_at, func.coalesce(outbox.c.lease_until, 0))
    return (
        await connection.execute(select(due_at.label("at")).where(outbox.c.state == "waiting").order_by("at").limit(1))
    ).scalar_one_or_none()


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


async def release_all(connection: AsyncConnection) -> None:
    """Give back what any worker holds: for the one process that owns a SQLite file, when it starts."""
    await connection.execute(
        update(outbox)
        .where(outbox.c.lease_owner.is_not(None), outbox.c.state == "waiting")
        .values(lease_owner=None, lease_until=None, fence=outbox.c.fence + 1)
    )


def _row(application_id: str, item_id: str) -> str:
    return f"outbox/{application_id}/{item_id}"
