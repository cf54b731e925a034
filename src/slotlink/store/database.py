"""Open a database; begin a transaction. SQLite and PostgreSQL behind one small face, `Database`.

Every function of this package takes the open connection (`AsyncConnection`) it runs its statements on, so the caller
decides what is one transaction. Only this file, `hot.py` and the migrations know which engine is beneath.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import functools
import sqlite3
from collections.abc import AsyncGenerator, Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import event, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from slotlink.errors import ConfigurationError, Conflict, OutcomeUnknown, StoreUnavailable
from slotlink.store.postgresql import BROKEN, connect
from slotlink.store.sqlite_driver import Connection

BUSY_TIMEOUT_MS = 10_000
READERS = 4
POSTGRESQL_CONNECTIONS = 10
POOL_TIMEOUT_S = 10
# PostgreSQL's codes for "not now" (its appendix A): connection, rollback (deadlock), resources (disk full), operator,
# system, a standby's refusal to write, a lock not had.
_CONFLICTS = ("40001", "40P01")
_NOT_NOW = ("08", "40", "53", "57", "58", "25006", "55P03")
_CHANGES = "slotlink_changes"  # of a connection: what its transaction has noted


_AROUND: ContextVar[tuple[Database, asyncio.Task[Any] | None, AsyncConnection] | None] = ContextVar(
    "_AROUND", default=None
)


def _nobody_asks() -> None:
    return None


def note_change(connection: AsyncConnection) -> None:
    """What some link offers may differ, or whether it is open, once this transaction is committed."""
    noted: list[bool] = connection.info.get(_CHANGES, [])
    noted[:] = [True]


class Database:
    """One database. `transaction()` writes, `reading()` sees one consistent moment and writes nothing.

    on_change  called after each commit of a transaction that has noted a change (`note_change`)"""

    def __init__(self, dialect: str, url: str, writer: AsyncEngine, reader: AsyncEngine) -> None:
        self.dialect = dialect
        self.url = url
        self.on_change: Callable[[], None] = _nobody_asks
        self._writer = writer
        self._reader = reader
        # SQLite has one writer. Waiting here, in order, is fairer and cheaper than waiting on the file's lock.
        self._turn = asyncio.Lock() if dialect == "sqlite" else contextlib.nullcontext()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncConnection]:
        """Commit when the block ends, roll back when it raises. Raises StoreUnavailable when it cannot be kept: as
        Conflict where the same again may work, as OutcomeUnknown where it may have been kept all the same."""
        around = self._around()
        if around is not None:
            async with around.begin_nested():
                yield around
            return
        with _store_faults():
            async with self._turn, self._writer.connect() as connection, connection.begin() as transaction:
                noted: list[bool] = []
                connection.info[_CHANGES] = noted
                yield connection
                try:
                    with _commit_faults():
                        await transaction.commit()
                finally:  # where the answer is lost, it may have been kept all the same
                    if noted:
                        self.on_change()

    @contextlib.asynccontextmanager
    async def one_transaction(self) -> AsyncGenerator[AsyncConnection]:
        """Every `transaction()` and `reading()` that the block's own task enters is part of this one: all is kept, or
        nothing."""
        async with self.transaction() as connection:
            before = _AROUND.set((self, asyncio.current_task(), connection))
            try:
                yield connection
            finally:
                _AROUND.reset(before)

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncGenerator[AsyncConnection]:
        """Statements in the block see one moment. Raises StoreUnavailable when the database does not answer."""
        around = self._around()
        if around is not None:
            yield around  # sees what is written there, and takes no second connection while holding one
            return
        with _store_faults():
            async with self._reader.begin() as connection:
                yield connection

    def _around(self) -> AsyncConnection | None:
        """The connection of `one_transaction`, for the task that entered it: those it starts have their own."""
        database, task, connection = _AROUND.get() or (None, None, None)
        return connection if database is self and task is asyncio.current_task() else None

    async def close(self) -> None:
        await self._reader.dispose()
        await self._writer.dispose()

    @property
    def sqlite_path(self) -> Path | None:
        """The file, when the engine is SQLite."""
        return Path(make_url(self.url).database or "") if self.dialect == "sqlite" else None


def open_database(url: str, *, checkpoints: bool = True) -> Database:
    """Open `sqlite:///path` or `postgresql://…`. `checkpoints` is false for everything but the one serving process."""
    match url.partition("://")[0]:
        case "sqlite":
            try:
                return _open_sqlite(url, checkpoints)
            except (OSError, sqlite3.Error) as error:
                raise ConfigurationError(
                    f"cannot open the database file {make_url(url).database}: {error}; see SLOTLINK_DATABASE_URL and "
                    "SLOTLINK_DATA_DIR"
                ) from error
        case "postgresql":
            engine = create_async_engine(
                "postgresql+asyncpg://",
                async_creator=functools.partial(connect, url),
                pool_size=POSTGRESQL_CONNECTIONS,
                max_overflow=0,
                pool_pre_ping=True,
                pool_timeout=POOL_TIMEOUT_S,
                hide_parameters=True,  # errors are logged; what people wrote is not
            )
            # Several statements of one reading see one moment, as they do on SQLite.
            return Database("postgresql", url, engine, engine.execution_options(isolation_level="REPEATABLE READ"))
        case other:
            raise ConfigurationError(
                f"SLOTLINK_DATABASE_URL begins with {other[:20]!r}; use sqlite:///FILE or postgresql://…"
            )


def _open_sqlite(url: str, checkpoints: bool) -> Database:
    asked = make_url(url)
    if asked.query:
        raise ConfigurationError("SLOTLINK_DATABASE_URL for SQLite is sqlite:///FILE, without anything behind a ?")
    path = Path(asked.database or "").absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)  # calendars are nobody else's business
    with _closing_sqlite(path) as plain:
        # WAL is a property of the file: set once, before the pools, without a transaction.
        plain.execute("PRAGMA journal_mode = WAL")
    aio_url = asked.set(drivername="sqlite+aiosqlite")
    creator = functools.partial(Connection, str(path))
    writer, reader = (
        create_async_engine(aio_url, async_creator=creator, pool_size=size, max_overflow=0, hide_parameters=True)
        for size in (1, READERS)
    )
    _configure_sqlite(writer, begin="BEGIN IMMEDIATE", checkpoint_pages=1000 if checkpoints else 0)
    _configure_sqlite(reader, begin="BEGIN", checkpoint_pages=0, read_only=True)
    return Database("sqlite", url, writer, reader)


def _configure_sqlite(engine: AsyncEngine, *, begin: str, checkpoint_pages: int, read_only: bool = False) -> None:
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own
        cursor = connection.cursor()
        for pragma in sqlite_pragmas(checkpoint_pages, read_only=read_only):
            cursor.execute(pragma)
        cursor.close()

    def on_begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine.sync_engine, "connect", on_connect)
    event.listen(engine.sync_engine, "begin", on_begin)


def sqlite_pragmas(checkpoint_pages: int, *, read_only: bool) -> tuple[str, ...]:
    """How every connection to the file is set up. One connection alone checkpoints: two at once can corrupt the file
    in SQLite 3.7.0 to 3.51.2 (sqlite.org/wal.html, "WAL-reset bug"), and Debian 12 has 3.40.1."""
    return (
        f"PRAGMA wal_autocheckpoint = {checkpoint_pages}",
        "PRAGMA synchronous = FULL",  # an acknowledged booking survives a power cut
        "PRAGMA foreign_keys = ON",
        f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
        f"PRAGMA query_only = {'ON' if read_only else 'OFF'}",
    )


@contextlib.contextmanager
def _closing_sqlite(path: Path):
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        for pragma in sqlite_pragmas(0, read_only=False):
            connection.execute(pragma)
        yield connection
    finally:
        connection.close()


class _store_faults(contextlib.AbstractContextManager[None]):
    """Turns the drivers' ways of saying "not now" into StoreUnavailable. Constraint violations pass through."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, DBAPIError):
            code = _code(error)
            if code in _CONFLICTS:
                raise Conflict(str(error.orig)) from error
            if isinstance(error, OperationalError) or error.connection_invalidated or code.startswith(_NOT_NOW):
                raise StoreUnavailable(str(error.orig)) from error
        # Unwrapped, these come from connecting: no such host, refused, too many connections, no such database.
        if isinstance(error, (*BROKEN, PoolTimeout)):
            raise StoreUnavailable(str(error)) from error


class _commit_faults(contextlib.AbstractContextManager[None]):
    """Tells a commit that PostgreSQL refused, and so undid, from one whose answer never came. SQLite always knows."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, DBAPIError) and not isinstance(error.orig, sqlite3.Error):
            code = _code(error)
            # Administrators may end a session that is committing, too (57P01 to 57P03).
            if error.connection_invalidated or not code or code.startswith(("08", "57")):
                raise OutcomeUnknown("the connection to the database broke while committing") from error
        elif isinstance(error, OSError | asyncpg.InterfaceError | asyncpg.InternalClientError):
            raise OutcomeUnknown("the connection to the database broke while committing") from error


def _code(error: DBAPIError) -> str:
    """PostgreSQL's code for what went wrong; none when it had no chance to say."""
    return str(getattr(error.orig, "sqlstate", None) or "")


def own_file(path: Path) -> object:
    """Claim the SQLite file for this process, until the returned object is dropped.

    Raises ConfigurationError when another process serves it: one process owns the file (docs/decisions/0004)."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(path.name + ".lock").open("w")
    except OSError as error:
        raise ConfigurationError(
            f"cannot keep a database in {path.parent}: {error.strerror}. Set SLOTLINK_DATA_DIR to a writable folder."
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        if error.errno not in (errno.EACCES, errno.EAGAIN):
            raise
        raise ConfigurationError(
            f"{path} is already served by another process. One process owns a SQLite file: stop the other one, or "
            "use PostgreSQL (SLOTLINK_DATABASE_URL=postgresql://…) for several processes."
        ) from error
    return lock


async def ping(database: Database) -> None:
    """One round trip. Raises StoreUnavailable."""
    async with database.reading() as connection:
        await connection.execute(text("SELECT 1"))
