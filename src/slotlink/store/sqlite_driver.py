"""aiosqlite, with one trip to the connection's thread for each statement instead of four.

aiosqlite opens a cursor, runs it, fetches and closes it in a trip each, and a trip costs more than most statements do.
Here the thread does all of it in one; rows are fetched whole, as SQLAlchemy asks for them anyway.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar

import aiosqlite

Result = TypeVar("Result")


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
        await self._connection.in_thread(lambda plain: self._run(plain.execute, operation, parameters))
        return self

    async def executemany(self, operation: str, parameters: Iterable[Sequence[Any]]) -> Cursor:
        await self._connection.in_thread(lambda plain: self._run(plain.executemany, operation, parameters))
        return self

    def _run(self, run: Callable[[str, Any], sqlite3.Cursor], operation: str, parameters: Any) -> None:
        cursor = run(operation, parameters)
        try:
            self._rows = cursor.fetchall()
            self.description, self.rowcount, self.lastrowid = cursor.description, cursor.rowcount, cursor.lastrowid
        finally:
            cursor.close()

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

    def cursor(self) -> Cursor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return Cursor(self)

    async def in_thread(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        return await self._execute(lambda: work(self._conn))  # pyright: ignore[reportUnknownMemberType]
