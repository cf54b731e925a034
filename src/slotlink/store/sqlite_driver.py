"""aiosqlite, with one trip to the connection's thread for each statement instead of three or four.

aiosqlite opens a cursor, runs it, fetches from it and closes it in a trip each, and a trip costs more than most
statements do. Here the thread does all of it in one; rows are fetched whole, as SQLAlchemy asks for them anyway.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import aiosqlite


class Cursor:
    """What SQLAlchemy uses of an asynchronous cursor (its `AsyncIODBAPICursor`), for one statement at a time."""

    def __init__(self, connection: Connection) -> None:
        self.arraysize = 1
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self._connection = connection
        self._rows: list[Any] = []

    async def __aenter__(self) -> Cursor:
        return self

    async def execute(self, operation: str, parameters: Sequence[Any] = ()) -> Cursor:
        self._take(await self._connection.in_thread(sqlite3.Cursor.execute, operation, parameters))
        return self

    async def executemany(self, operation: str, parameters: Iterable[Sequence[Any]]) -> Cursor:
        self._take(await self._connection.in_thread(sqlite3.Cursor.executemany, operation, parameters))
        return self

    def _take(self, result: tuple[list[Any], Any, int, int | None]) -> None:
        self._rows, self.description, self.rowcount, self.lastrowid = result

    async def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """Closed already, where it ran."""


class Connection(aiosqlite.Connection):
    """One connection, and the thread that alone touches it."""

    def __init__(self, path: str) -> None:
        super().__init__(partial(sqlite3.connect, path), iter_chunk_size=64)
        self._thread.daemon = True  # a process that ends does not wait for it, as in SQLAlchemy's own

    # aiosqlite's own is awaited to open a cursor; this one opens none until it runs.
    def cursor(self) -> Cursor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return Cursor(self)

    async def in_thread(self, run: Any, operation: str, parameters: Any) -> tuple[list[Any], Any, int, int | None]:
        # aiosqlite gives `_execute` no types.
        return await self._execute(_whole, self._conn, run, operation, parameters)  # pyright: ignore[reportUnknownMemberType]


def _whole(
    plain: sqlite3.Connection, run: Any, operation: str, parameters: Any
) -> tuple[list[Any], Any, int, int | None]:
    """Of one statement: rows, description, rowcount, lastrowid.

    The thread remembers what it did last, so this holds on to nothing of ours: an abandoned connection is collected."""
    cursor = plain.cursor()
    try:
        run(cursor, operation, parameters)
        rows = cursor.fetchall()
        return rows, cursor.description, cursor.rowcount, cursor.lastrowid
    finally:
        cursor.close()
