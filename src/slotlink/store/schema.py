"""Bring a database to the current schema, and say which one it has (Alembic, forward only)."""

from __future__ import annotations

from functools import cache

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select

from slotlink.errors import ConfigurationError
from slotlink.store.database import Database

_MIGRATION_LOCK = 0x510711  # any number that nobody else in the database uses


async def migrate(database: Database) -> tuple[str | None, str]:
    """Apply what is missing; nothing when nothing is. Returns the revisions before and after.

    Raises ConfigurationError when the database has a schema newer than this program."""
    async with database.transaction() as connection:
        return await connection.run_sync(_upgrade)


async def is_current(database: Database) -> bool:
    async with database.reading() as connection:
        return await connection.run_sync(_revision) == _head()


async def is_behind(database: Database) -> bool:
    """Whether a migration is missing. A newer schema is not behind: migrations only add to what the version before uses
    (docs/decisions/0012), so a server that runs already goes on while others are upgraded."""
    async with database.reading() as connection:
        revision = await connection.run_sync(_revision)
    return revision is None or (revision != _head() and revision in _revisions())


def _upgrade(connection: Connection) -> tuple[str | None, str]:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        # One migration at a time, whoever starts it: the second finds nothing left to do.
        connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
    before = _revision(connection)
    head = _head()
    if before is not None and before not in _revisions():
        raise ConfigurationError(
            f"the database has schema {before!r}, which this version of Slotlink does not know. It was migrated by a "
            "newer version: run that one, or restore a backup made before."
        )
    if before != head:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return before, head


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
