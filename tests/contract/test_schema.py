"""The migrated schema is the one that the code names, on both engines, and a newer one is left alone."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Table, inspect, text

from slotlink.errors import ConfigurationError
from slotlink.store import tables
from slotlink.store.database import Database, open_database
from slotlink.store.schema import is_current, migrate
from slotlink.store.tables import metadata

NOT_OF_AN_APPLICATION = {"keys_in_use", "alembic_version"}


@pytest.fixture
async def empty(database_url: str) -> AsyncGenerator[Database]:
    database = open_database(database_url)
    yield database
    await database.close()


async def test_the_migrated_schema_is_the_one_the_code_names(migrated: Database) -> None:
    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": _named_by_code})
        return compare_metadata(context, metadata)

    assert await _look(migrated, differences) == []


async def test_migrating_twice_is_nothing(empty: Database) -> None:
    assert not await is_current(empty)
    before, head = await migrate(empty)
    assert before is None and await is_current(empty)
    first = await _look(empty, _everything)
    assert await migrate(empty) == (head, head)
    assert await _look(empty, _everything) == first


async def test_a_database_of_the_first_schema_keeps_its_rows(empty: Database) -> None:
    key = {"application_id": "a"}
    calendar = {"sub": "apc_1", "name": "Maya", "tzid": "Etc/UTC", "readonly": False, "deleted": False}
    times = {"created_at": 1, "updated_at": 1}
    rows: list[tuple[Table, Any]] = [
        (tables.applications, {"name": "Globex", "created_at": 1}),
        (tables.accounts, {"sub": "apc_1", "application_calendar_id": "maya", "tzid": "Etc/UTC", "created_at": 1}),
        (
            tables.profiles,
            {
                "profile_id": "pro_1",
                "sub": "apc_1",
                "provider_name": "cronofy",
                "connected": True,
                "initial_sync_required": False,
                "created_at": 1,
            },
        ),
        (
            tables.calendars,
            {"calendar_id": "cal_1", "profile_id": "pro_1", "primary": True, "version": 7, "created_at": 1, **calendar},
        ),
        (tables.events, {"calendar_id": "cal_1", "event_uid": "e", "details": "{}", "recurring": False, **times}),
        (
            tables.busy_periods,
            {
                "calendar_id": "cal_1",
                "event_uid": "e",
                "occurrence": 0,
                "start_at": 10,
                "end_at": 20,
                "kind": "busy",
            },
        ),
    ]

    def written(connection: Connection) -> dict[str, list[Any]]:
        return {
            table.name: [row._asdict() for row in connection.execute(text(f"SELECT * FROM {table.name}"))]
            for table, _ in rows
        }

    async with empty.transaction() as connection:
        await connection.run_sync(_upgrade, "0001")
        for table, values in rows:
            await connection.execute(table.insert().values(**key, **values))
    before = await _look(empty, written)
    assert all(before.values()) and "version" not in before["accounts"][0]
    first, head = await migrate(empty)
    assert first == "0001" and first != head and await is_current(empty)
    after = await _look(empty, written)
    for table, [row] in before.items():
        [kept] = after[table]
        added = {name: kept.pop(name) for name in list(kept) if name not in row}
        assert kept == row
        assert not any(added.values()), "what is new is empty"


async def test_a_newer_schema_is_refused_and_the_message_says_what_to_do(empty: Database) -> None:
    await migrate(empty)
    async with empty.transaction() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    before = await _look(empty, _everything)
    with pytest.raises(ConfigurationError) as refused:
        await migrate(empty)
    assert "'9999'" in str(refused.value) and "newer version" in str(refused.value) and "backup" in str(refused.value)
    assert not await is_current(empty)
    assert await _look(empty, _everything) == before


async def test_a_migration_that_fails_leaves_the_database_as_it_was(empty: Database) -> None:
    async with empty.transaction() as connection:
        await connection.execute(text("CREATE TABLE booking_events (mine INTEGER)"))  # in the way of ours, late on
    before = await _look(empty, _everything)
    with pytest.raises(Exception, match="booking_events"):
        await migrate(empty)
    assert await _look(empty, _everything) == before


async def test_every_key_leads_with_the_application(migrated: Database) -> None:
    def keys(connection: Connection) -> dict[str, list[str]]:
        inspector = inspect(connection)
        return {
            table: inspector.get_pk_constraint(table)["constrained_columns"] for table in inspector.get_table_names()
        }

    found = await _look(migrated, keys)
    assert found.keys() == metadata.tables.keys() | NOT_OF_AN_APPLICATION
    assert {table for table, columns in found.items() if columns[0] != "application_id"} == NOT_OF_AN_APPLICATION


async def test_the_database_itself_guards_against_overlaps(migrated: Database) -> None:
    statement = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'booking_participants'",
        "postgresql": "SELECT conname FROM pg_constraint"
        " WHERE contype = 'x' AND conrelid = 'booking_participants'::regclass",
    }[migrated.dialect]
    async with migrated.reading() as connection:
        guards = {row[0] for row in await connection.execute(text(statement))}
    assert (
        guards
        == {
            "sqlite": {"booking_overlap_insert", "booking_overlap_update"},
            "postgresql": {"booking_overlap"},
        }[migrated.dialect]
    )


async def test_sqlite_is_set_up_to_survive_a_power_cut(migrated: Database) -> None:
    if migrated.dialect != "sqlite":
        return
    async with migrated.transaction() as writer, migrated.reading() as reader:
        found = [
            [(await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one() for connection in (writer, reader)]
            for name in ("journal_mode", "synchronous", "foreign_keys", "wal_autocheckpoint", "query_only")
        ]
    assert found == [["wal", "wal"], [2, 2], [1, 1], [1000, 0], [0, 1]]


async def test_a_command_beside_the_server_never_checkpoints(migrated: Database) -> None:
    if migrated.dialect != "sqlite":
        return
    beside = open_database(migrated.url, checkpoints=False)
    async with beside.transaction() as connection:
        assert (await connection.exec_driver_sql("PRAGMA wal_autocheckpoint")).scalar_one() == 0
    await beside.close()


def _upgrade(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", "slotlink:store/migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _named_by_code(_object: Any, name: str | None, kind: str, reflected: bool, _compare_to: Any) -> bool:
    """The exclusion constraint, which SQLAlchemy's tables cannot name, brings an index of the same name."""
    return not (reflected and kind == "index" and name == "booking_overlap")


def _everything(connection: Connection) -> dict[str, Any]:
    inspector = inspect(connection)
    return {
        table: (
            repr(inspector.get_columns(table)),
            inspector.get_indexes(table),
            inspector.get_pk_constraint(table),
        )
        for table in sorted(inspector.get_table_names())
    }


async def _look(database: Database, look: Any) -> Any:
    async with database.reading() as connection:
        return await connection.run_sync(look)
