"""The outbox: promises kept in the same transaction as the fact they follow from, claimed under a lease, settled once.

A claim raises the item's `fence`; only the holder of the latest fence can settle it. A worker that dies leaves a lease
that ends by itself, after which anybody may claim the item again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Literal

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.store import ids
from slotlink.store.tables import outbox, outbox_attempts
from slotlink.vault import Vault, row_name

CLOCKS_DIFFER_S = 60  # between nodes, at most, without one taking the other's times for wrong
_SEEN_PER_PLACE = 8  # items looked at for each that is taken: whoever may have no more does not hide the others


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """A claimed promise. `attempts` counts the ended ones, `replayed_after` those before the last replay; `fence`
    proves the claim when it is settled.

    `sealed_body` opens with the item's `row` (it holds a link's URL, and so its token)."""

    application_id: str
    item_id: str
    link_id: str | None
    url: str
    host: str
    sealed_body: bytes
    attempts: int
    fence: int
    replayed_after: int = 0
    kind: str = "callback"  # | event_write | guest_message
    channel_id: str | None = None

    @property
    def row(self) -> str:
        return _row(self.application_id, self.item_id)


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one attempt went. `status_code` is None when no answer came; `outcome` says what happened, in words.

    retry_after  seconds that the receiver asked to be left alone for; heeded, not stored
    ends         the promise is kept (`delivered`) or never can be (`dead`), whatever the status code; not stored
    """

    at: int
    took_ms: int
    status_code: int | None
    outcome: str
    retry_after: int | None = None
    ends: Literal["delivered", "dead"] | None = None


async def add(
    connection: AsyncConnection,
    vault: Vault,
    application_id: str,
    link_id: str | None,
    url: str,
    host: str,
    body: bytes,
    now: int,
    *,
    kind: str = "callback",
    channel_id: str | None = None,
) -> str:
    item_id = ids.new_id("msg")
    await connection.execute(
        insert(outbox).values(
            application_id=application_id,
            item_id=item_id,
            kind=kind,
            link_id=link_id,
            channel_id=channel_id,
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
    connection: AsyncConnection,
    owner: str,
    now: int,
    *,
    lease_s: int,
    limit: int,
    furthest_s: int | None = None,
    busy_hosts: Sequence[str] = (),
    admits: Callable[[str], bool] = lambda _host: True,
) -> list[OutboxItem]:
    """Take up to `limit` due items for `lease_s` seconds, oldest first.

    furthest_s  no schedule reaches further ahead (see `_is_due`); None: whatever is later is later
    busy_hosts  take none for these
    admits      asked for each item in turn, with its host: whether it is taken, now that those before it were

    Both engines take an item once: SQLite has one writer, PostgreSQL skips rows that another claim has locked."""
    due = (
        select(outbox.c.application_id, outbox.c.item_id, outbox.c.host)
        .where(_is_due(furthest_s is None), outbox.c.host.not_in(busy_hosts))
        .order_by(outbox.c.due_at, outbox.c.created_at)
        .limit(limit * _SEEN_PER_PLACE)
        .with_for_update(skip_locked=True)
    )
    taken: list[OutboxItem] = []
    for row in (await connection.execute(due, _moments(now, lease_s, furthest_s))).all():
        if len(taken) == limit:
            break
        if not admits(row.host):
            continue
        claimed = await connection.execute(
            update(outbox)
            .where(outbox.c.application_id == row.application_id, outbox.c.item_id == row.item_id)
            .values(lease_owner=owner, lease_until=now + lease_s, fence=outbox.c.fence + 1)
            .returning(*(outbox.c[field.name] for field in fields(OutboxItem)))
        )
        taken.append(OutboxItem(*claimed.one()))
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


async def next_due_at(
    connection: AsyncConnection, now: int = 0, *, lease_s: int = 0, furthest_s: int | None = None
) -> int | None:
    """When there is something to do next: read without a write lock, so that an idle worker costs nothing. What `claim`
    would take now is due at `now` or before."""
    statement = _next_due_at(connection.dialect.name, furthest_s is None)
    return (await connection.execute(statement, _moments(now, lease_s, furthest_s))).scalar_one_or_none()


@cache  # asked at every turn of a worker; to make it takes longer than to run it
def _next_due_at(dialect: str, is_unbounded: bool) -> Select[int]:
    latest = func.greatest if dialect == "postgresql" else func.max
    due_at = latest(outbox.c.due_at, func.coalesce(outbox.c.lease_until, 0))
    if not is_unbounded:
        due_at = case((_is_due(is_unbounded), bindparam("now", type_=BigInteger)), else_=due_at)
    return select(due_at.label("at")).where(outbox.c.state == "waiting").order_by("at").limit(1)


async def replay(connection: AsyncConnection, application_id: str, item_id: str, now: int) -> bool:
    """Try a promise that was given up again, by the whole schedule, under its id and with its bytes.

    False when it was not given up: delivered, still waiting, or unknown. The caller wakes a worker, or lets it look."""
    put_back = await connection.execute(
        update(outbox)
        .where(outbox.c.application_id == application_id, outbox.c.item_id == item_id, outbox.c.state == "dead")
        .values(
            state="waiting",
            due_at=now,
            fence=outbox.c.fence + 1,
            replayed_after=outbox.c.attempts,
            lease_owner=None,
            lease_until=None,
        )
    )
    return put_back.rowcount == 1


async def forget_ended(connection: AsyncConnection, before: int) -> int:
    """Delete what was delivered or given up and was put in before then, with its attempts. How many there were."""
    ended = (outbox.c.state.in_(["delivered", "dead"]), outbox.c.created_at < before)
    of_them = select(outbox.c.application_id, outbox.c.item_id).where(*ended)
    await connection.execute(
        delete(outbox_attempts).where(tuple_(outbox_attempts.c.application_id, outbox_attempts.c.item_id).in_(of_them))
    )
    return (await connection.execute(delete(outbox).where(*ended))).rowcount


async def release_all(connection: AsyncConnection) -> None:
    """Give back what any worker holds: for the one process that owns a SQLite file, when it starts."""
    await connection.execute(
        update(outbox)
        .where(outbox.c.lease_owner.is_not(None), outbox.c.state == "waiting")
        .values(lease_owner=None, lease_until=None, fence=outbox.c.fence + 1)
    )


def _is_due(is_unbounded: bool) -> ColumnElement[bool]:
    """Waiting, due, and in nobody's hands, at `_moments`.

    A time further ahead than any schedule or lease reaches was written by a clock that has been set back since. It is
    not waited for: a clock that was a day ahead would hold callbacks back for that day."""
    due = [outbox.c.due_at <= bindparam("now")]
    free = [outbox.c.lease_until.is_(None), outbox.c.lease_until <= bindparam("now")]
    if not is_unbounded:
        due.append(outbox.c.due_at > bindparam("furthest"))
        due.append(outbox.c.attempts == outbox.c.replayed_after)  # never tried, so due since it was put in
        free.append(outbox.c.lease_until > bindparam("furthest_lease"))
    return and_(outbox.c.state == "waiting", or_(*due), or_(*free))


def _moments(now: int, lease_s: int, furthest_s: int | None) -> dict[str, int]:
    if furthest_s is None:
        return {"now": now}
    return {
        "now": now,
        "furthest": now + furthest_s + CLOCKS_DIFFER_S,
        "furthest_lease": now + lease_s + CLOCKS_DIFFER_S,
    }


def _row(application_id: str, item_id: str) -> str:
    return row_name(outbox.name, application_id, item_id)
