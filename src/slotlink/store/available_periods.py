"""Available periods of accounts, by the application's own ids. The caller holds the account's lock when it writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.rules import AvailablePeriod
from slotlink.store import accounts
from slotlink.store.tables import available_periods

Place = tuple[int, str]  # start and id: the order of a listing


@dataclass(frozen=True, slots=True)
class Window:
    """Periods that start before `end` and end on or after `start`, in seconds; None is unbounded."""

    start: int | None = None
    end: int | None = None


async def upsert(connection: AsyncConnection, application_id: str, sub: str, period: AvailablePeriod) -> None:
    """Write the period: the same id again replaces it."""
    values = {"start_at": period.start, "end_at": period.end, "tzid": period.tzid}
    of_period = _of_period(application_id, sub, period.available_period_id)
    replaced = await connection.execute(update(available_periods).where(*of_period).values(**values))
    if replaced.rowcount == 0:
        key = {"application_id": application_id, "sub": sub, "available_period_id": period.available_period_id}
        await connection.execute(insert(available_periods).values(**key, **values))
    await accounts.touch(connection, application_id, [sub])


async def has(connection: AsyncConnection, application_id: str, sub: str, available_period_id: str) -> bool:
    found = await connection.execute(
        select(available_periods.c.sub).where(*_of_period(application_id, sub, available_period_id))
    )
    return found.one_or_none() is not None


async def read_page(
    connection: AsyncConnection, application_id: str, sub: str, window: Window, after: Place | None, size: int
) -> list[AvailablePeriod]:
    """The next `size` periods behind the place `after`, by start."""
    order = (available_periods.c.start_at, available_periods.c.available_period_id)
    statement = select(available_periods).where(*_within(application_id, sub, window)).order_by(*order).limit(size)
    if after is not None:
        statement = statement.where(tuple_(*order) > tuple_(*after))
    return [_period(row) for row in await connection.execute(statement)]


async def count(connection: AsyncConnection, application_id: str, sub: str, window: Window) -> int:
    statement = select(func.count()).select_from(available_periods).where(*_within(application_id, sub, window))
    return (await connection.execute(statement)).scalar_one()


async def subs_with_any(connection: AsyncConnection, application_id: str, subs: Sequence[str]) -> set[str]:
    """Those of `subs` for whom any available period is stored, whenever it is."""
    rows = await connection.execute(
        select(available_periods.c.sub)
        .distinct()
        .where(available_periods.c.application_id == application_id, available_periods.c.sub.in_(subs))
    )
    return set(rows.scalars())


async def available_periods_of(
    connection: AsyncConnection, application_id: str, subs: Sequence[str], start: int, end: int
) -> dict[str, list[AvailablePeriod]]:
    """The periods of these accounts that overlap [start, end), by sub and start. Whoever has none is not in it."""
    rows = await connection.execute(
        select(available_periods)
        .where(
            available_periods.c.application_id == application_id,
            available_periods.c.sub.in_(subs),
            available_periods.c.start_at < end,
            available_periods.c.end_at > start,
        )
        .order_by(available_periods.c.start_at, available_periods.c.available_period_id)
    )
    found: dict[str, list[AvailablePeriod]] = {}
    for row in rows:
        found.setdefault(row.sub, []).append(_period(row))
    return found


async def remove(connection: AsyncConnection, application_id: str, sub: str, available_period_id: str) -> None:
    """The unknown are deleted already."""
    await _delete(connection, application_id, sub, *_of_period(application_id, sub, available_period_id))


async def remove_all(connection: AsyncConnection, application_id: str, sub: str) -> None:
    await _delete(connection, application_id, sub, *_of_account(application_id, sub))


async def _delete(connection: AsyncConnection, application_id: str, sub: str, *chosen: ColumnElement[bool]) -> None:
    gone = await connection.execute(delete(available_periods).where(*chosen))
    if gone.rowcount:
        await accounts.touch(connection, application_id, [sub])


def _of_account(application_id: str, sub: str) -> tuple[ColumnElement[bool], ...]:
    return (available_periods.c.application_id == application_id, available_periods.c.sub == sub)


def _of_period(application_id: str, sub: str, available_period_id: str) -> tuple[ColumnElement[bool], ...]:
    return (*_of_account(application_id, sub), available_periods.c.available_period_id == available_period_id)


def _within(application_id: str, sub: str, window: Window) -> list[ColumnElement[bool]]:
    conditions = [*_of_account(application_id, sub)]
    if window.start is not None:
        conditions.append(available_periods.c.end_at >= window.start)
    if window.end is not None:
        conditions.append(available_periods.c.start_at < window.end)
    return conditions


def _period(row: Row[*tuple[Any, ...]]) -> AvailablePeriod:
    return AvailablePeriod(row.available_period_id, row.start_at, row.end_at, row.tzid)
