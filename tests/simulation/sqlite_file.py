"""The SQLite file of all runs of a process. Each begins with the same rows, over connections that are kept: to open one
and to prepare its statements takes longer than what a run does with it.
"""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path

import sqlalchemy
from sqlalchemy.pool import NullPool

from slotlink.store.database import sqlite_pragmas


class Kept:
    """A connection, and SQLAlchemy's face of it, which runs statements. Transactions are not its business here."""

    def __init__(self, engine: sqlalchemy.Engine, pragmas: tuple[str, ...]) -> None:
        self.sqlalchemy = engine.connect()
        self.sqlite: sqlite3.Connection = self.sqlalchemy.connection.dbapi_connection  # type: ignore[assignment]
        for pragma in pragmas:
            self.sqlite.execute(pragma)
        self.sqlite.execute("PRAGMA busy_timeout = 0")  # the simulation waits, in its own time


class Connections:
    """Those of the program's writer, or of its readers, set up as it sets up its own."""

    def __init__(self, path: Path, begin: str, *, read_only: bool) -> None:
        connect = partial(sqlite3.connect, path, isolation_level=None, cached_statements=256)
        self.engine = sqlalchemy.create_engine("sqlite://", creator=connect, poolclass=NullPool)
        self.begin = begin
        self.written: set[str] = set()  # tables, since they had their first rows
        self._pragmas = sqlite_pragmas(0 if read_only else 1000, read_only=read_only)
        self._free: list[Kept] = []

    def take(self) -> Kept:
        return self._free.pop() if self._free else Kept(self.engine, self._pragmas)

    def give_back(self, kept: Kept) -> None:
        """What was not committed is undone."""
        if kept.sqlite.in_transaction:
            kept.sqlite.execute("ROLLBACK")
        self._free.append(kept)


class SqliteFile:
    def __init__(self, path: Path) -> None:
        self.url = f"sqlite:///{path}"
        self.writers = Connections(path, "BEGIN IMMEDIATE", read_only=False)
        self.readers = Connections(path, "BEGIN", read_only=True)
        self.observer = sqlite3.connect(path, isolation_level=None)
        tables = [name for [name] in self.observer.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        self._first = {table: self.observer.execute(f"SELECT * FROM {table}").fetchall() for table in tables}

    def begin_anew(self) -> None:
        """Every table that was written has its first rows again."""
        self.observer.execute("BEGIN IMMEDIATE")
        for table in self.writers.written:
            self.observer.execute(f"DELETE FROM {table}")
            rows = self._first[table]
            if rows:
                self.observer.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(rows[0]))})", rows)
        self.observer.execute("COMMIT")
        self.writers.written.clear()
