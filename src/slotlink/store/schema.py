"""Bring a database to the current schema, and say which one it has (Alembic, forward only)."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Generator
from functools import cache

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError

from slotlink.errors import ConfigurationError
from slotlink.store.database import Database

_NO_RIGHT_OR_EXTENSION = ("42501", "0A000", "58P01")  # PostgreSQL's codes, its appendix A

_MIGRATION_LOCK = 0x510711  # any number that nobody else in the database uses


async def migrate(database: Database) -> tuple[str | None, str]:
    """Apply what is missing; nothing when nothing is. Returns the revisions before and after.

    Raises ConfigurationError when the database has a schema newer than this program, or refuses."""
    with _refusals():
        async with database.transaction() as connection:
            return await connection.run_sync(_upgrade)


async def check(database: Database) -> None:
    """Raises ConfigurationError unless the database has the schema that this program knows."""
    revision = await _revision_of(database)
    _refuse_newer(revision)
    if revision != _head():
        raise ConfigurationError("the database schema is not current; run: slotlink migrate")


async def is_current(database: Database) -> bool:
    return await _revision_of(database) == _head()


async def is_behind(database: Database) -> bool:
    """Whether a migration is missing. A newer schema is not behind: migrations only add to what the version before uses
    (docs/decisions/0012), so a server that runs already goes on while others are upgraded."""
    revision = await _revision_of(database)
    return revision is None or (revision != _head() and revision in _revisions())


def _upgrade(connection: Connection) -> tuple[str | None, str]:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        # One migration at a time, whoever starts it: the second finds nothing left to do.
        connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
    before = _revision(connection)
    head = _head()
    _refuse_newer(before)
    if before != head:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return before, head


@contextlib.contextmanager
def _refusals() -> Generator[None]:
    """What PostgreSQL will not do, and what its driver cannot: a right, an extension or a parameter of the URL."""
    try:
        yield
    except (DBAPIError, UnicodeError) as error:  # no name of a host can be made of some texts
        refused = error.orig if isinstance(error, DBAPIError) else error
        reason = re.sub(r"^<class '[^']*'>: ", "", str(refused))
        hint = "check SLOTLINK_DATABASE_URL"
        if getattr(refused, "sqlstate", None) in _NO_RIGHT_OR_EXTENSION:
            hint = (
                "its user must own the database, or may create in it and in its schema public; btree_gist comes with "
                "PostgreSQL's contrib package"
            )
        raise ConfigurationError(f"the database refuses: {reason}; {hint}") from error


async def _revision_of(database: Database) -> str | None:
    with _refusals():
        async with database.reading() as connection:
            return await connection.run_sync(_revision)


def _refuse_newer(revision: str | None) -> None:
    if revision is not None and revision not in _revisions():
        raise ConfigurationError(
            f"the database has schema {revision!r}, which this version of Slotlink does not know. It was migrated by a "
            "newer version: run that one, or restore a backup made before."
        )


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "slotlink:store/migrations")
    return config


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


@cache
def _head() -> str:
    head = _scripts().get_current_head()
    assert head is not None
    return head


@cache
def _revisions() -> frozenset[str]:
    return frozenset(script.revision for script in _scripts().walk_revisions())
