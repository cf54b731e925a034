"""Keys at rest over a real database of each engine: what is checked at a start, and what a rotation does and leaves."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import LargeBinary, delete, func, insert, select, update

from slotlink.app import open_deps
from slotlink.errors import ConfigurationError
from slotlink.services import keys
from slotlink.services.deps import Deps
from slotlink.settings import Settings
from slotlink.store import applications, idempotency, links, outbox
from slotlink.store import keys as stored_keys
from slotlink.store.idempotency import KeptAnswer
from slotlink.store.keys import KeyInUse, read_batch, replace_values, sealed_columns
from slotlink.store.tables import calendars, client_secrets, keys_in_use, metadata, profiles, sign_ins
from slotlink.store.tables import links as links_table
from slotlink.vault import Vault, new_key, parse_key, row_name, sealed_by
from tests.contract.store import NOW, Store

OLD, NEW, OTHER = new_key(), new_key(), new_key()
OLD_ID, NEW_ID, OTHER_ID = (Vault([parse_key(key)]).key_ids[0] for key in (OLD, NEW, OTHER))
SECRET = "CRN_sealed"
KEY_SHA256 = bytes(range(32))
Ring = Callable[..., Any]


@pytest.fixture
async def ring(migrated_url: str, tmp_path: Path) -> AsyncGenerator[Ring]:
    """`ring(NEW, OLD)` is a process that was started with these keys; the database is empty at first."""
    opened: list[Deps] = []

    async def start(*ring_keys: str) -> Deps:
        values = {
            "SLOTLINK_DATA_DIR": str(tmp_path),
            "SLOTLINK_DATABASE_URL": migrated_url,
            "SLOTLINK_SECRET_KEYS": ",".join(ring_keys),
        }
        opened.append(open_deps(Settings.from_environ(values)))
        return opened[-1]

    deps = await start(OLD)
    async with deps.database.transaction() as connection:
        for table in reversed(metadata.sorted_tables):
            await connection.execute(delete(table))
    yield start
    for deps in opened:
        await deps.database.close()


@asynccontextmanager
async def filled(deps: Deps) -> AsyncGenerator[tuple[Store, Any]]:
    """A transaction in a store whose every sealed column has a value; who adds such a column adds one here."""
    async with deps.database.transaction() as connection:
        application_id, secret = await applications.create(connection, deps.vault, "Globex", NOW)
        store = Store(deps.database, application_id, secret, "nobody", deps.vault)
        link = await store.link(connection)
        await outbox.add(
            connection, deps.vault, application_id, link.link_id, "https://x.test/", "x.test:443", SECRET.encode(), NOW
        )
        answer = KeptAnswer(b"r" * 32, 200, {}, SECRET.encode())
        await idempotency.keep(connection, deps.vault, application_id, KEY_SHA256, answer, NOW + 60)
        owner = await store.person(connection)
        await _seal_credentials(deps, connection, store, owner.profile_id, SECRET)
        watch = deps.vault.seal(SECRET, row_name("calendars", application_id, owner.calendar_id))
        await connection.execute(
            update(calendars).where(calendars.c.calendar_id == owner.calendar_id).values(sealed_watch_secret=watch)
        )
        request = deps.vault.seal(SECRET, row_name("sign_ins", application_id, "sgn_1"))
        values = {
            "state_sha256": secrets.token_bytes(32),
            "sealed_request": request,
            "expires_at": NOW + 60,
        }
        await connection.execute(insert(sign_ins).values(application_id=application_id, sign_in_id="sgn_1", **values))
        yield store, connection


async def used(deps: Deps) -> dict[str, int]:
    """How many sealed values each key has, over all columns."""
    return {key.key_id: sum(key.rows.values()) for key in await keys.list_keys(deps) if key.rows}


def test_what_is_sealed_is_named_so() -> None:
    """Rotation finds columns by their name. A second one in a table would need a row name that says which."""
    binary = {
        column
        for table in metadata.sorted_tables
        for column in table.c
        if isinstance(column.type, LargeBinary) and not column.name.endswith("_sha256")
    }
    assert binary - {keys_in_use.c.check_value} == set(sealed_columns())
    tables = [column.table.name for column in sealed_columns()]
    assert len(tables) == len(set(tables))


async def test_whatever_an_old_key_sealed_is_sealed_again(ring: Ring) -> None:
    old = await ring(OLD)
    async with filled(old) as (store, connection):
        link = await store.link(connection)
    everything = {column.table.name: 1 for column in sealed_columns()} | {"links": 2}
    assert {key.key_id: key.rows for key in await keys.list_keys(old)} == {OLD_ID: everything}

    both = await ring(NEW, OLD)
    done = await keys.rotate(both)
    assert done.resealed == everything and done.removable == [OLD_ID] and done.faults == []
    assert (await keys.rotate(both)).resealed == dict.fromkeys(everything, 0)

    alone = await ring(NEW)
    async with alone.database.transaction() as connection:
        found = await links.get(connection, alone.vault, store.application_id, link.link_id)
        assert found.token == link.token
        assert await applications.active_secrets(connection, alone.vault, store.application_id) == [store.client_secret]
        [item] = await outbox.claim(connection, "w", NOW, lease_s=9, limit=9)
        assert alone.vault.open(item.sealed_body, item.row) == SECRET
        kept = await idempotency.find(connection, alone.vault, store.application_id, KEY_SHA256, NOW)
        assert kept is not None and kept.body == SECRET.encode()
        for column in sealed_columns():
            for row in await connection.execute(select(*column.table.primary_key.columns, column)):
                assert alone.vault.open(row[-1], row_name(column.table.name, *row[:-1]))


async def test_more_rows_than_a_batch_are_all_sealed_again(ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several applications, so that a batch begins and ends anywhere in a key of two parts."""
    monkeypatch.setattr(keys, "RESEALED_AT_ONCE", 3)
    monkeypatch.setattr(keys, "COUNTED_AT_ONCE", 4)
    old = await ring(OLD)
    for count in (5, 1, 7):
        async with filled(old) as (store, connection):
            for _ in range(count - 1):
                await store.link(connection)
    before = await used(old)
    assert before == {OLD_ID: 13 + 3 * (len(sealed_columns()) - 1)}
    both = await ring(NEW, OLD)
    assert (await keys.rotate(both)).resealed["links"] == 13
    assert await used(both) == {NEW_ID: before[OLD_ID]}


async def test_what_changed_meanwhile_is_not_overwritten(ring: Ring) -> None:
    """Between the reading and the writing of a batch: one account was disconnected, another's credentials renewed."""
    old, both = await ring(OLD), await ring(NEW, OLD)
    async with filled(old) as (store, connection):
        gone, renewed, kept = [
            (await store.person(connection, name)).profile_id for name in ("gone", "renewed", "kept")
        ]
        for profile_id in (gone, renewed, kept):
            await _seal_credentials(old, connection, store, profile_id, "first")
    column = profiles.c.sealed_credentials
    async with both.database.reading() as connection:
        batch = await read_batch(connection, column, None, 100)
    async with both.database.transaction() as connection:
        await connection.execute(update(profiles).where(profiles.c.profile_id == gone).values(sealed_credentials=None))
        await _seal_credentials(both, connection, store, renewed, "second")
    changes = [(value, both.vault.seal(both.vault.open(value.value, value.row), value.row)) for value in batch]
    async with both.database.transaction() as connection:
        replaced = await replace_values(connection, column, changes, waits=True)
        rows = await connection.execute(select(profiles.c.profile_id, column))
        values = {row.profile_id: row.sealed_credentials for row in rows}
    assert {profile_id for _, profile_id in replaced} == values.keys() - {gone, renewed}
    assert values[gone] is None
    for profile_id, credentials in ((renewed, "second"), (kept, "first")):
        assert sealed_by(values[profile_id]) == NEW_ID
        name = row_name("profiles", store.application_id, profile_id)
        assert both.vault.open(values[profile_id], name) == credentials


async def test_who_works_on_the_same_rows_is_never_waited_for_in_a_circle(ring: Ring) -> None:
    """Somebody holds one row and then wants all of them. Neither he nor the rotation is turned away."""
    old, both = await ring(OLD), await ring(NEW, OLD)
    async with filled(old) as (store, connection):
        for _ in range(9):
            await store.link(connection)
    if both.database.dialect == "sqlite":
        return  # one writer: nobody holds a row while somebody else writes
    held = asyncio.Event()

    async def work() -> None:
        async with old.database.transaction() as connection:
            last = select(func.max(links_table.c.link_id)).scalar_subquery()
            await connection.execute(
                update(links_table).where(links_table.c.link_id == last).values(display_message="x")
            )
            held.set()
            async with asyncio.timeout(15):
                while (await used(both)).get(NEW_ID, 0) < 10:  # a secret, and links up to the one that is held
                    await asyncio.sleep(0.02)
            await connection.execute(update(links_table).values(display_message="y"))

    working = asyncio.create_task(work())
    await held.wait()
    done = await keys.rotate(both)
    await working
    assert done.resealed["links"] == 10 and done.removable == [OLD_ID]


async def test_values_in_the_wrong_row_are_refused_and_named(ring: Ring) -> None:
    """Swapped by somebody who can write to the database. What is whole is sealed again all the same."""
    old = await ring(OLD)
    async with filled(old) as (store, connection):
        one, two = await store.link(connection), await store.link(connection)
        sealed = {
            row.link_id: row.sealed_token
            for row in await connection.execute(select(links_table.c.link_id, links_table.c.sealed_token))
        }
        for mine, theirs in ((one, two), (two, one)):
            values = {"sealed_token": sealed[theirs.link_id]}
            await connection.execute(update(links_table).where(links_table.c.link_id == mine.link_id).values(values))
    async with old.database.reading() as connection:
        for link in (one, two):
            with pytest.raises(ConfigurationError, match="belongs to another row"):
                await links.get(connection, old.vault, store.application_id, link.link_id)
    both = await ring(NEW, OLD)
    done = await keys.rotate(both)
    named = {row_name("links", store.application_id, link.link_id) for link in (one, two)}
    assert len(done.refused) == 2 and all(any(name in text for text in done.refused) for name in named)
    assert done.removable == [] and "still seals 2 rows of links" in done.faults[-1]
    assert done.resealed["links"] == 1 and (await used(both))[OLD_ID] == 2


async def test_a_secret_of_another_row_signs_nothing(ring: Ring) -> None:
    deps = await ring(OLD)
    async with deps.database.transaction() as connection:
        ids = [(await applications.create(connection, deps.vault, name, NOW))[0] for name in ("Globex", "Initech")]
        rows = await connection.execute(select(client_secrets.c.application_id, client_secrets.c.sealed_secret))
        sealed = {row.application_id: row.sealed_secret for row in rows}
        for mine, theirs in (ids, reversed(ids)):
            values = {"sealed_secret": sealed[theirs]}
            await connection.execute(
                update(client_secrets).where(client_secrets.c.application_id == mine).values(values)
            )
    async with deps.database.reading() as connection:
        for application_id in ids:
            with pytest.raises(ConfigurationError, match="belongs to another row"):
                await applications.active_secrets(connection, deps.vault, application_id)


async def test_a_key_is_written_down_before_it_seals(ring: Ring) -> None:
    old, both = await ring(OLD), await ring(NEW, OLD)
    for _ in range(2):
        await keys.check_keys(old, NOW, serving=True)
        await keys.check_keys(both, NOW + 60, serving=True)
    async with both.database.reading() as connection:
        known = await stored_keys.in_use(connection)
    assert [(key.key_id, key.first_used_at) for key in known] == [(OLD_ID, NOW), (NEW_ID, NOW + 60)]
    assert all(both.vault.opens_check_value(key.key_id, key.check_value) for key in known)


async def test_processes_that_start_at_once_write_a_key_down_once(ring: Ring) -> None:
    starting = [await ring(OLD) for _ in range(5)]
    await asyncio.gather(*(keys.check_keys(deps, NOW, serving=True) for deps in starting))
    async with starting[0].database.reading() as connection:
        assert [key.key_id for key in await stored_keys.in_use(connection)] == [OLD_ID]


async def test_a_key_that_is_needed_must_be_at_hand(ring: Ring) -> None:
    old = await ring(OLD)
    await keys.check_keys(old, NOW, serving=True)
    async with filled(old) as (store, connection):
        await store.link(connection)
    for deps in (await ring(NEW), await ring(OTHER, NEW)):
        for serving in (True, False):
            with pytest.raises(ConfigurationError) as caught:
                await keys.check_keys(deps, NOW, serving=serving)
            said = str(caught.value)
            assert f"does not hold key {OLD_ID}" in said and "put it back at the end of the list" in said
            assert "1 row of client_secrets" in said and "2 rows of links" in said
            for key in (OLD, NEW, OTHER):
                raw = parse_key(key)
                assert not any(form in said for form in (key, raw.hex(), repr(raw)[2:-1], str(list(raw))[1:-1]))
        assert await keys.find_faults(deps) == [said]
    await keys.check_keys(await ring(NEW, OLD), NOW + 1, serving=True)


async def test_a_database_from_before_keys_were_written_down_is_read_whole(ring: Ring) -> None:
    async with filled(await ring(OLD)):
        pass
    async with filled(await ring(OTHER)):
        pass
    with pytest.raises(ConfigurationError, match=f"does not hold key {OTHER_ID}"):
        await keys.check_keys(await ring(NEW, OLD), NOW, serving=True)
    deps = await ring(NEW, OLD, OTHER)
    await keys.check_keys(deps, NOW, serving=True)
    async with deps.database.reading() as connection:
        assert {key.key_id for key in await stored_keys.in_use(connection)} == {NEW_ID, OLD_ID, OTHER_ID}


async def test_a_key_that_seals_nothing_any_more_may_go(ring: Ring) -> None:
    """After a rotation. But a key that another process was given already is kept in mind though nothing is sealed."""
    old, both, new = await ring(OLD), await ring(NEW, OLD), await ring(NEW)
    await keys.check_keys(old, NOW, serving=True)
    async with filled(old):
        pass
    await keys.check_keys(both, NOW + 60, serving=True)
    await keys.check_keys(old, NOW + 61, serving=True)
    async with filled(both):
        pass
    with pytest.raises(ConfigurationError, match=f"does not hold key {NEW_ID}"):
        await keys.check_keys(old, NOW + 62, serving=True)
    with pytest.raises(ConfigurationError, match=f"does not hold key {OLD_ID}"):
        await keys.check_keys(new, NOW + 62, serving=True)
    assert (await keys.rotate(both)).removable == [OLD_ID]
    await keys.check_keys(new, NOW + 63, serving=True)
    async with new.database.reading() as connection:
        assert [key.key_id for key in await stored_keys.in_use(connection)] == [NEW_ID]


async def test_a_process_with_an_older_list_is_found_out(ring: Ring) -> None:
    """One that went on with the old key alone: its key is not said to be free, and taking it away is refused."""
    old, both, new = await ring(OLD), await ring(NEW, OLD), await ring(NEW)
    for deps in (old, both):
        await keys.check_keys(deps, NOW, serving=True)
    await keys.rotate(both)
    async with filled(old):
        pass
    with pytest.raises(ConfigurationError, match=f"does not hold key {OLD_ID}"):
        await keys.check_keys(new, NOW + 60, serving=True)
    assert (await keys.rotate(both)).removable == [OLD_ID]
    await keys.check_keys(new, NOW + 60, serving=True)


async def test_a_key_that_does_not_open_what_it_should_is_said(ring: Ring) -> None:
    deps = await ring(OLD)
    async with deps.database.transaction() as connection:
        value = bytearray(deps.vault.check_value(OLD_ID))
        value[-1] ^= 1
        await stored_keys.remember(connection, KeyInUse(OLD_ID, bytes(value), NOW))
    with pytest.raises(ConfigurationError, match=f"key {OLD_ID} does not open .* from a backup"):
        await keys.check_keys(deps, NOW, serving=True)


async def _seal_credentials(deps: Deps, connection: Any, store: Store, profile_id: str, credentials: str) -> None:
    sealed = deps.vault.seal(credentials, row_name("profiles", store.application_id, profile_id))
    await connection.execute(
        update(profiles).where(profiles.c.profile_id == profile_id).values(sealed_credentials=sealed)
    )
