"""Stands in for `aiosqlite.connect`: the same face over the same SQLite, but statements run inline, without a thread.

Before each statement there is a moment in which anybody else may run. What waits for the write lock waits in virtual
time, as long as SQLite's busy timeout. `Disk` decides how long moments take and what breaks.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Protocol

WRITTEN_TABLE = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM) \"?(\w+)")
BUSY_POLL_S = 0.25


class Disk(Protocol):
    """Where connections lead, and what their statements meet."""

    path: str
    alive: bool

    async def moment(self, what: str) -> None:
        """Before `what`, a statement or COMMIT. May take time; raises what a broken disk or driver would."""

    async def committed(self, tables: set[str]) -> None:
        """After a commit that changed these tables. Raises where its answer is lost."""


class InlineConnection:
    """What SQLAlchemy's dialect asks of an `aiosqlite.Connection`."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._connection: sqlite3.Connection | None = None
        self._thread = SimpleNamespace()
        self._tx = SimpleNamespace(put_nowait=_run_now)
        self._busy_timeout_s = 0.0
        self.tables: set[str] = set()

    def __await__(self) -> Any:
        return self._open().__await__()

    async def _open(self) -> InlineConnection:
        self._connection = sqlite3.connect(self._disk.path, isolation_level=None, timeout=0, cached_statements=256)
        return self

    @property
    def _conn(self) -> sqlite3.Connection:
        if self._connection is None:
            raise ValueError("no active connection")
        return self._connection

    async def create_function(self, *arguments: Any, **options: Any) -> None:
        self._conn.create_function(*arguments, **options)

    def cursor(self) -> InlineCursor:
        return InlineCursor(self)

    async def run(self, sql: str, work: Callable[[], Any]) -> Any:
        if sql.startswith("PRAGMA"):
            if "busy_timeout" in sql:
                self._busy_timeout_s = int(sql.rpartition("=")[2]) / 1000
                return self._conn.execute("PRAGMA busy_timeout = 0")
            return work()
        await self._disk.moment(sql)
        if sql == "BEGIN IMMEDIATE":
            return await self._begin_when_free(work)
        written = WRITTEN_TABLE.match(sql)
        if written:
            self.tables.add(written[1])
        return work()

    async def _begin_when_free(self, work: Callable[[], Any]) -> Any:
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._busy_timeout_s
        self.tables.clear()
        while True:
            try:
                return work()
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or loop.time() >= ends:
                    raise
            await asyncio.sleep(BUSY_POLL_S)

    async def commit(self) -> None:
        if not self._conn.in_transaction:
            return
        tables, self.tables = self.tables, set()
        if not tables:
            self._conn.commit()
            return
        await self._disk.moment("COMMIT")
        self._conn.commit()
        await self._disk.committed(tables)

    async def rollback(self) -> None:
        self.tables.clear()
        if self._connection is not None:
            self._connection.rollback()

    async def close(self) -> None:
        self.stop()

    def stop(self) -> None:
        """Drop the connection, as the death of its process would: what is not committed is undone."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class InlineCursor:
    def __init__(self, connection: InlineConnection) -> None:
        self._connection = connection
        self._cursor = connection._conn.cursor()

    async def __aenter__(self) -> InlineCursor:
        return self

    @property
    def description(self) -> Any:
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount

    @property
    def lastrowid(self) -> int | None:
        return self._cursor.lastrowid

    async def execute(self, sql: str, parameters: Any = ()) -> None:
        await self._connection.run(sql, lambda: self._cursor.execute(sql, parameters))

    async def executemany(self, sql: str, parameters: Any) -> None:
        await self._connection.run(sql, lambda: self._cursor.executemany(sql, parameters))

    async def fetchall(self) -> list[Any]:
        return self._cursor.fetchall()

    async def close(self) -> None:
        self._cursor.close()


def _run_now(job: tuple[asyncio.Future[Any], Callable[[], Any]]) -> None:
    future, work = job
    future.set_result(work())
