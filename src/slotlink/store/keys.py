"""Which keys have sealed what, and new values in the place of old ones.

Sealed columns are found by their name, `sealed_…`, so that none can be forgotten. Rows are read and written in batches:
tables may be long, and a server works beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, and_, bindparam, delete, func, insert, or_, select, text, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.store.tables import keys_in_use, metadata
from slotlink.vault import ID_BYTES, row_name

SealedColumn = Column[Any]
PrimaryKey = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class KeyInUse:
    """A key that may have sealed something: written down before it does. `check_value` tells whether it still opens."""

    key_id: str
    check_value: bytes
    first_used_at: int


@dataclass(frozen=True, slots=True)
class SealedValue:
    """A sealed value where it lies: the primary key of its row, and the name it is sealed to."""

    key: PrimaryKey
    row: str
    value: bytes


def sealed_columns() -> list[SealedColumn]:
    return [column for table in metadata.sorted_tables for column in table.c if column.name.startswith("sealed_")]


async def read_batch(
    connection: AsyncConnection,
    column: SealedColumn,
    after: PrimaryKey | None,
    limit: int,
    *,
    only_key_ids: bool = False,
) -> list[SealedValue]:
    """The first `limit` values beyond the row `after`; with `only_key_ids` no more of them than who sealed them."""
    key = list(column.table.primary_key.columns)
    value = func.substr(column, 1, ID_BYTES) if only_key_ids else column
    batch = select(*key, value).where(column.is_not(None)).order_by(*key).limit(limit)
    if after is not None:
        batch = batch.where(tuple_(*key) > tuple_(*after))
    rows = [tuple(row) for row in await connection.execute(batch)]
    return [SealedValue(row[:-1], row_name(column.table.name, *row[:-1]), row[-1]) for row in rows]


async def replace_values(
    connection: AsyncConnection,
    column: SealedColumn,
    changes: Sequence[tuple[SealedValue, bytes]],
    *,
    waits: bool,
) -> set[PrimaryKey]:
    """Put each new value where its old one still stands. Returns the rows where that was done.

    Unless it `waits`, rows that somebody else has locked are left alone: who holds some rows and waits for others may
    be waited for by their holder. A few statements for all of them: the lock of a SQLite file is held meanwhile."""
    key = list(column.table.primary_key.columns)
    new_values = {old.key: new for old, new in changes}
    rows = select(*key, column).where(_one_of(key, list(new_values)))
    # Rows that refer to these can still be written.
    held = await connection.execute(rows.with_for_update(key_share=True, skip_locked=not waits))
    free = {tuple(row[:-1]) for row in held}
    values = [
        {**{f"key_{i}": part for i, part in enumerate(old.key)}, "old": old.value, "new": new}
        for old, new in changes
        if old.key in free
    ]
    if not values:
        return set()
    same_row = [part == bindparam(f"key_{i}") for i, part in enumerate(key)]
    replacing = update(column.table).where(*same_row, column == bindparam("old")).values({column: bindparam("new")})
    await connection.execute(replacing, values)
    found = {tuple(row[:-1]): row[-1] for row in await connection.execute(rows)}
    return {row for row, new in new_values.items() if found.get(row) == new}


def _one_of(key: Sequence[SealedColumn], rows: Sequence[PrimaryKey]) -> ColumnElement[bool]:
    """A list for each beginning of a key: SQLite finds no list and no range of whole keys by the index alone."""
    last_parts: dict[PrimaryKey, list[Any]] = {}
    for row in rows:
        last_parts.setdefault(row[:-1], []).append(row[-1])
    return or_(
        *(
            and_(*(part == value for part, value in zip(key, first, strict=False)), key[-1].in_(last))
            for first, last in last_parts.items()
        )
    )


async def in_use(connection: AsyncConnection) -> list[KeyInUse]:
    """Oldest first."""
    rows = await connection.execute(select(keys_in_use).order_by(keys_in_use.c.first_used_at, keys_in_use.c.key_id))
    return [KeyInUse(row.key_id, row.check_value, row.first_used_at) for row in rows]


async def remember(connection: AsyncConnection, key: KeyInUse) -> None:
    """Write down that this key is used. Nothing happens when another process was first."""
    try:
        async with connection.begin_nested():
            await connection.execute(
                insert(keys_in_use).values(
                    key_id=key.key_id, check_value=key.check_value, first_used_at=key.first_used_at
                )
            )
    except IntegrityError:
        return


async def forget(connection: AsyncConnection, key_id: str) -> None:
    await connection.execute(delete(keys_in_use).where(keys_in_use.c.key_id == key_id))


async def others_are_connected(connection: AsyncConnection) -> bool:
    """PostgreSQL only: whether other processes of ours use this database."""
    others = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
        "AND application_name = current_setting('application_name')"
    )
    return (await connection.execute(others)).scalar_one() > 0
