"""Stands in for SQLAlchemy's asynchronous engines, over the same SQLite file: statements run inline, without threads,
greenlets and pools. What a statement means, SQLAlchemy and SQLite decide, as ever.

Before each statement there is a moment in which anybody else may run. What waits for the write lock waits in virtual
time, as long as SQLite's busy timeout. `Disk` decides how long moments take and what breaks.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import sqlalchemy
from sqlalchemy.exc import OperationalError

from slotlink.store.database import BUSY_TIMEOUT_MS
from tests.simulation.remembered import execute
from tests.simulation.sqlite_file import Connections, Kept

BUSY_POLL_S = 0.25


class Disk(Protocol):
    """What the statements of a node meet."""

    async def moment(self, what: str, *, writes: bool = False) -> None:
        """Before `what`: BEGIN, COMMIT, another step of a transaction, or a statement, by its table if it writes. May
        take time; raises what a broken disk or driver would."""

    async def committed(self, tables: set[str]) -> None:
        """After a commit that changed these tables. Raises where its answer is lost."""


class InlineEngine:
    """As much of an `AsyncEngine` as `Database` asks for."""

    def __init__(self, disk: Disk, connections: Connections) -> None:
        self.disk = disk
        self.connections = connections
        self.dead = False
        self.open: dict[InlineConnection, None] = {}  # in their order

    def connect(self) -> InlineConnection:
        return InlineConnection(self)

    def begin(self) -> _Begun:
        return _Begun(InlineConnection(self))

    def stop(self) -> None:
        """Drop all connections, as the death of their process would: what is not committed is undone."""
        self.dead = True
        for connection in list(self.open):
            connection.stop()


class InlineConnection(AbstractAsyncContextManager["InlineConnection"]):
    """As much of an `AsyncConnection` as the store asks for."""

    def __init__(self, engine: InlineEngine) -> None:
        self._engine = engine
        self._kept: Kept | None = None
        self._tables: set[str] = set()
        self._savepoints = 0
        self.info: dict[Any, Any] = {}
        self.dialect = engine.connections.engine.dialect

    async def __aenter__(self) -> InlineConnection:
        if self._engine.dead:  # `asyncio.wait_for` may miss a cancellation; no process outlives its death by that
            await asyncio.get_running_loop().create_future()
        self._kept = self._engine.connections.take()
        self._engine.open[self] = None
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.stop()

    def stop(self) -> None:
        if self._kept is not None:
            self._engine.connections.give_back(self._kept)
            del self._engine.open[self]
            self._kept = None

    async def execute(self, statement: Any, parameters: Any = None) -> sqlalchemy.CursorResult[Any]:
        if statement.is_dml:
            await self._moment(statement.table.name, writes=True)
            self._tables.add(statement.table.name)
        else:
            await self._moment("SELECT")
        assert self._kept is not None
        return execute(self._kept.sqlalchemy, self._kept.sqlite, statement, parameters)

    def begin(self) -> _Transaction:
        return _Transaction(self)

    def begin_nested(self) -> _Savepoint:
        self._savepoints += 1
        return _Savepoint(self, f"savepoint_{self._savepoints}")

    async def begin_when_free(self) -> None:
        await self._moment("BEGIN")
        loop = asyncio.get_running_loop()
        ends = loop.time() + BUSY_TIMEOUT_MS / 1000
        while True:
            try:
                self._run(self._engine.connections.begin)
            except OperationalError as error:
                if "locked" not in str(error.orig) or loop.time() >= ends:
                    raise
                await asyncio.sleep(BUSY_POLL_S)
            else:
                return

    async def commit(self) -> None:
        tables = self._tables
        if tables:
            await self._moment("COMMIT")
        self._run("COMMIT")
        if tables:
            self._engine.connections.written |= tables
            await self._engine.disk.committed(tables)

    def rollback(self) -> None:
        if self._kept is not None and self._kept.sqlite.in_transaction:
            self._run("ROLLBACK")

    async def step(self, sql: str) -> None:
        """Of a transaction within the transaction."""
        await self._moment(sql)
        self._run(sql)

    def _run(self, sql: str) -> None:
        assert self._kept is not None
        try:
            self._kept.sqlite.execute(sql)
        except sqlite3.Error as error:
            raise _as_of_the_driver(error) from error

    async def _moment(self, what: str, *, writes: bool = False) -> None:
        try:
            await self._engine.disk.moment(what, writes=writes)
        except sqlite3.Error as error:
            raise _as_of_the_driver(error) from error


class _Transaction(AbstractAsyncContextManager["_Transaction"]):
    """Kept when its block ends, undone when that raises."""

    def __init__(self, connection: InlineConnection) -> None:
        self._connection = connection
        self._is_active = True

    async def __aenter__(self) -> _Transaction:
        await self._connection.begin_when_free()
        return self

    async def __aexit__(self, kind: object, *_error: object) -> None:
        if self._is_active and kind is None:
            await self.commit()
        else:
            self._connection.rollback()

    async def commit(self) -> None:
        self._is_active = False
        await self._connection.commit()


class _Begun(AbstractAsyncContextManager[InlineConnection]):
    """A connection and its transaction at once."""

    def __init__(self, connection: InlineConnection) -> None:
        self._connection = connection

    async def __aenter__(self) -> InlineConnection:
        await self._connection.__aenter__()
        try:
            await self._connection.begin_when_free()
        except BaseException:
            self._connection.stop()
            raise
        return self._connection

    async def __aexit__(self, kind: object, *_error: object) -> None:
        try:
            if kind is None:
                await self._connection.commit()
        finally:
            self._connection.stop()


class _Savepoint(AbstractAsyncContextManager["_Savepoint"]):
    def __init__(self, connection: InlineConnection, name: str) -> None:
        self._connection = connection
        self._name = name
        self._is_active = True

    async def __aenter__(self) -> _Savepoint:
        await self._connection.step(f"SAVEPOINT {self._name}")
        return self

    async def __aexit__(self, kind: object, *_error: object) -> None:
        if not self._is_active:
            return
        if kind is None:
            await self._connection.step(f"RELEASE {self._name}")
        else:
            await self.rollback()

    async def rollback(self) -> None:
        self._is_active = False
        await self._connection.step(f"ROLLBACK TO {self._name}")


def _as_of_the_driver(error: sqlite3.Error) -> OperationalError:
    """As SQLAlchemy raises it."""
    return OperationalError(None, None, error)
