"""Transactions and readings, and how a database that cannot answer says so."""

from __future__ import annotations

import asyncio
import gc
import weakref
from pathlib import Path
from unittest.mock import patch

import asyncpg
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncTransaction

from slotlink.domain.link import LinkStatus
from slotlink.errors import ConfigurationError, OutcomeUnknown, StoreUnavailable
from slotlink.store import accounts, links
from slotlink.store.database import open_database, own_file, ping
from slotlink.store.sqlite_driver import Connection
from slotlink.store.tables import accounts as accounts_table
from slotlink.store.tables import links as links_table
from tests.contract.store import NOW, Store


async def test_a_transaction_rolls_back_whole(store: Store) -> None:
    async with store.reading() as connection:
        before = await store.rows(connection)
    with pytest.raises(RuntimeError, match="on purpose"):
        async with store.transaction() as connection:
            maya = await store.person(connection)
            await store.book(connection, maya.sub, NOW, NOW + 60)
            await store.event(connection, maya.calendar_id, "lunch", NOW, NOW + 60)
            raise RuntimeError("on purpose")
    async with store.reading() as connection:
        assert await store.rows(connection) == before


async def test_on_sqlite_a_statement_is_one_trip_to_its_thread(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'trips.db'}")
    trips: list[object] = []
    execute = Connection._execute

    async def counted(self: Connection, *given: object) -> object:
        trips.append(given[0])
        return await execute(self, *given)

    async with database.transaction() as connection:
        await connection.execute(text("CREATE TABLE numbers (number INTEGER)"))
        with patch.object(Connection, "_execute", counted):
            written = await connection.execute(text("INSERT INTO numbers VALUES (1), (2) RETURNING number"))
            assert written.scalars().all() == [1, 2]
            assert (await connection.execute(text("UPDATE numbers SET number = 3"))).rowcount == 2
            assert (await connection.execute(text("SELECT number FROM numbers"))).scalars().all() == [3, 3]
    assert len(trips) == 3
    await database.close()


async def test_an_sqlite_connection_that_nobody_closed_is_collected(tmp_path: Path) -> None:
    connection = await Connection(str(tmp_path / "left.db"))
    await connection.cursor().execute("CREATE TABLE numbers (number INTEGER)")
    thread, left = connection._thread, weakref.ref(connection)
    with pytest.warns(ResourceWarning, match="deleted before being closed"):
        del connection
        gc.collect()
    await asyncio.to_thread(thread.join, 10)
    assert left() is None and not thread.is_alive()


def test_what_sqlite_would_not_hear_of_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="without anything behind"):
        open_database(f"sqlite:///{tmp_path / 'slotlink.db'}?timeout=1")
    assert not (tmp_path / "slotlink.db").exists()


async def test_a_cancelled_transaction_leaves_nothing_and_blocks_nobody(store: Store) -> None:
    inside = asyncio.Event()

    async def write() -> None:
        async with store.transaction() as connection:
            await store.person(connection)
            inside.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(write())
    await inside.wait()
    task.cancel()
    await asyncio.wait([task])
    async with asyncio.timeout(5), store.transaction() as connection:
        assert await accounts.find_application_calendar(connection, store.application_id, "maya") is None


async def test_transactions_inside_one_are_part_of_it(store: Store) -> None:
    """All are kept or none; what was written is read there; another task has a connection of its own."""
    application_id = store.application_id

    async def known() -> bool:
        async with store.reading() as connection:
            return await accounts.find_application_calendar(connection, application_id, "maya") is not None

    with pytest.raises(RuntimeError, match="on purpose"):
        async with store.database.one_transaction():
            async with store.transaction() as connection:
                await store.person(connection)
            assert await known()
            assert not await asyncio.create_task(known())
            raise RuntimeError("on purpose")
    assert not await known()
    async with store.database.one_transaction():
        async with store.transaction() as connection:
            await store.person(connection)
        with pytest.raises(RuntimeError, match="only this"):
            async with store.transaction() as connection:
                await store.person(connection, "jonas")
                raise RuntimeError("only this")
    assert await known()
    async with store.reading() as connection:
        assert await accounts.find_application_calendar(connection, application_id, "jonas") is None


async def test_a_reading_sees_one_moment(store: Store) -> None:
    count = select(func.count()).where(links_table.c.application_id == store.application_id)
    async with store.reading() as reading:
        before = (await reading.execute(count)).scalar_one()
        async with store.transaction() as writing:
            await store.link(writing)
        assert (await reading.execute(count)).scalar_one() == before
    async with store.reading() as reading:
        assert (await reading.execute(count)).scalar_one() == before + 1


async def test_a_reading_cannot_write_on_sqlite(store: Store) -> None:
    if store.database.dialect != "sqlite":
        # PostgreSQL's readings are repeatable, not read-only: both kinds share one pool of connections.
        return
    with pytest.raises(StoreUnavailable, match="readonly"):
        async with store.reading() as connection:
            await store.link(connection)


async def test_a_connection_that_ends_in_the_same_turn_is_a_database_that_went_away(store: Store) -> None:
    """asyncpg says so by an error of its own when the server hangs up on an idle connection just as it is used."""
    ended = asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress")
    for block in (store.transaction, store.reading):
        with pytest.raises(StoreUnavailable) as raised:
            async with block():
                raise ended
        assert not isinstance(raised.value, OutcomeUnknown)
    with patch.object(AsyncTransaction, "commit", side_effect=ended), pytest.raises(OutcomeUnknown):
        async with store.transaction():
            pass


async def test_writers_wait_for_each_other_on_the_rows_they_share(store: Store) -> None:
    """Twenty writers count one number up, each reading it first under the account's lock: none is lost."""
    async with store.transaction() as connection:
        maya = await store.person(connection)

    async def count_up() -> None:
        async with store.transaction() as connection:
            await accounts.lock(connection, store.application_id, [maya.sub])
            name = (
                await connection.execute(select(accounts_table.c.display_name).where(accounts_table.c.sub == maya.sub))
            ).scalar_one()
            await asyncio.sleep(0)
            await accounts.set_display_name(connection, store.application_id, maya.sub, str(int(name or 0) + 1))

    await asyncio.gather(*(count_up() for _ in range(20)))
    async with store.reading() as connection:
        assert (await accounts.get(connection, store.application_id, maya.sub)).display_name == "20"


async def test_a_refused_write_says_unavailable_when_the_database_takes_none(store: Store, migrated_url: str) -> None:
    """A standby, a full or a locked database: the caller answers 503, not 500."""
    statement = "PRAGMA query_only = ON" if store.database.dialect == "sqlite" else "SET TRANSACTION READ ONLY"
    own = open_database(migrated_url)
    try:
        with pytest.raises(StoreUnavailable):
            async with own.transaction() as connection:
                await connection.execute(text(statement))
                await store.link(connection)
    finally:
        await own.close()


async def test_a_deadlock_says_that_the_same_again_may_work(store: Store) -> None:
    if store.database.dialect == "sqlite":
        return  # one writer: there is nobody to wait for in a circle
    async with store.transaction() as connection:
        one, two = await store.link(connection), await store.link(connection)
    first, second = asyncio.Event(), asyncio.Event()

    async def write(mine: str, theirs: str, done: asyncio.Event, other: asyncio.Event) -> None:
        async with store.transaction() as connection:
            await links.set_display_message(connection, store.application_id, mine, "x")
            done.set()
            await other.wait()
            await links.set_display_message(connection, store.application_id, theirs, "x")

    outcomes = await asyncio.gather(
        write(one.link_id, two.link_id, first, second),
        write(two.link_id, one.link_id, second, first),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "NoneType"]


async def test_a_database_that_is_not_there_is_unavailable() -> None:
    database = open_database("postgresql://slotlink@127.0.0.1:1/none")
    with pytest.raises(StoreUnavailable):
        await ping(database)
    await database.close()


@pytest.mark.parametrize(
    "url", ["mysql://host/name", "nonsense", "sqlite:///{file}/below/slotlink.db", "sqlite:///{file}"]
)
def test_a_database_that_cannot_be_opened_is_a_fault_of_configuration(url: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("this is no database, and no folder either" * 100)
    with pytest.raises(ConfigurationError):
        open_database(url.format(file=tmp_path / "file"))


def test_one_process_owns_a_sqlite_file(tmp_path: Path) -> None:
    path = tmp_path / "not" / "made" / "yet" / "slotlink.db"
    owned = own_file(path)
    with pytest.raises(ConfigurationError, match="already served by another process"):
        own_file(path)
    del owned
    own_file(path)


def test_a_file_that_cannot_be_owned_is_a_fault_of_configuration(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError):
        own_file(tmp_path / "file" / "slotlink.db")


async def test_what_offers_depend_on_is_told_after_its_commit_and_nothing_else(store: Store) -> None:
    told: list[bool] = []
    application_id = store.application_id
    async with store.transaction() as connection:
        maya = await store.person(connection)
        link = await store.link(connection)

    def is_told() -> bool:
        found = bool(told)
        told.clear()
        return found

    committed, commit = asyncio.Event(), AsyncTransaction.commit

    async def committing(transaction: AsyncTransaction) -> None:
        assert not told, "nobody else sees it yet"
        await commit(transaction)
        committed.set()

    with patch.object(store.database, "on_change", lambda: told.append(True)):
        with patch.object(AsyncTransaction, "commit", committing):
            async with store.transaction() as connection:
                await accounts.touch(connection, application_id, [maya.sub])
        assert committed.is_set() and is_told()
        async with store.transaction() as connection:
            await accounts.set_display_name(connection, application_id, maya.sub, "Maya")
        assert not is_told()
        with pytest.raises(RuntimeError, match="on purpose"):
            async with store.transaction() as connection:
                await accounts.touch(connection, application_id, [maya.sub])
                raise RuntimeError("on purpose")
        assert not is_told()
        async with store.database.one_transaction():
            async with store.transaction() as connection:
                await links.close(connection, application_id, link.link_id, LinkStatus.DISABLED, NOW)
            assert not told
        assert is_told()
        async with store.reading() as connection:
            await links.history(connection, application_id, link.link_id)
        assert not is_told()


async def test_a_commit_of_which_nobody_knows_is_told_as_well(store: Store) -> None:
    told: list[bool] = []
    async with store.transaction() as connection:
        maya = await store.person(connection)
    with (
        patch.object(store.database, "on_change", lambda: told.append(True)),
        patch.object(AsyncTransaction, "commit", side_effect=OSError("the line is dead")),
        pytest.raises(OutcomeUnknown),
    ):
        async with store.transaction() as connection:
            await accounts.touch(connection, store.application_id, [maya.sub])
    assert told
