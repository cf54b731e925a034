"""Answers kept under a key: found until they expire, sealed, and held by one transaction at a time."""

from __future__ import annotations

import contextlib
from typing import Any

from sqlalchemy import select

from slotlink.store import idempotency
from slotlink.store.idempotency import KeptAnswer
from slotlink.store.tables import idempotency_keys
from tests.contract.store import DAY, NOW, Store

KEY = b"k" * 32
FIRST = KeptAnswer(b"1" * 32, 200, {"content-type": "application/json"}, '{"url":"https://é.test/rts/token"}'.encode())
SECOND = KeptAnswer(b"2" * 32, 202, {}, b"")


async def find(store: Store, now: int, application_id: str | None = None) -> KeptAnswer | None:
    async with store.reading() as connection:
        return await idempotency.find(connection, store.vault, application_id or store.application_id, KEY, now)


async def keep(store: Store, answer: KeptAnswer, until: int, application_id: str | None = None) -> None:
    async with store.transaction() as connection:
        of = application_id or store.application_id
        await idempotency.keep(connection, store.vault, of, KEY, answer, until)


async def test_an_answer_is_found_until_it_expires_and_then_replaced(store: Store) -> None:
    assert await find(store, NOW) is None
    await keep(store, FIRST, NOW + DAY)
    assert await find(store, NOW + DAY - 1) == FIRST
    assert await find(store, NOW + DAY) is None
    await keep(store, SECOND, NOW + 2 * DAY)
    assert await find(store, NOW + DAY) == SECOND


async def test_two_applications_have_keys_of_their_own(store: Store) -> None:
    await keep(store, FIRST, NOW + DAY)
    assert await find(store, NOW, store.foreign_id) is None
    await keep(store, SECOND, NOW + DAY, store.foreign_id)
    assert await find(store, NOW) == FIRST
    assert await find(store, NOW, store.foreign_id) == SECOND


async def test_what_is_stored_does_not_tell_the_answer(store: Store) -> None:
    await keep(store, FIRST, NOW + DAY)
    async with store.reading() as connection:
        [row] = await connection.execute(
            select(idempotency_keys).where(idempotency_keys.c.application_id == store.application_id)
        )
    assert b"token" not in row.sealed_answer and b"json" not in row.sealed_answer


async def test_expired_answers_are_forgotten_and_no_others(store: Store) -> None:
    await keep(store, FIRST, NOW + DAY)
    await keep(store, SECOND, NOW + DAY + 1, store.foreign_id)
    async with store.transaction() as connection:
        await idempotency.forget_expired(connection, NOW + DAY)
        assert await idempotency.forget_expired(connection, NOW + DAY) == 0
    assert await find(store, NOW) is None
    assert await find(store, NOW, store.foreign_id) == SECOND


async def test_a_key_is_held_until_the_transaction_ends_however_it_ends(store: Store) -> None:
    if store.database.dialect == "sqlite":
        return  # whoever writes is alone: tests/api/test_idempotency_at_once.py has twins on both engines

    async def held_elsewhere(*, application_id: str = store.application_id, key: bytes = KEY) -> bool:
        async with store.transaction() as connection:
            return not await idempotency.hold(connection, application_id, key)

    for ending in (None, RuntimeError("on purpose")):
        with contextlib.suppress(RuntimeError):
            async with store.transaction() as connection:
                assert await idempotency.hold(connection, store.application_id, KEY)
                assert await held_elsewhere()
                assert not await held_elsewhere(application_id=store.foreign_id)
                assert not await held_elsewhere(key=b"l" * 32)
                if ending is not None:
                    raise ending
        assert not await held_elsewhere()


async def test_what_one_transaction_holds_is_seen_within_and_kept_or_undone_whole(store: Store) -> None:
    async def work(name: str, *, fails: bool) -> None:
        async with store.database.one_transaction():
            async with store.transaction() as connection:
                await store.person(connection, name)
            async with store.reading() as connection:
                assert len(await _names(store, connection)) == seen + 1, "a reading within sees what was written"
            if fails:
                raise RuntimeError("on purpose")

    for fails in (False, True):
        async with store.reading() as connection:
            seen = len(await _names(store, connection))
        with contextlib.suppress(RuntimeError):
            await work(f"maya-{fails}", fails=fails)
        async with store.reading() as connection:
            assert len(await _names(store, connection)) == seen + (not fails)


async def _names(store: Store, connection: Any) -> list[Any]:
    return (await store.rows(connection))["accounts"]
