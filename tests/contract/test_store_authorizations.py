"""Redirect URIs, sign-ins, codes and link tokens, on both engines."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import select

from slotlink.store import authorizations, tokens
from slotlink.store.tables import authorization_codes, link_tokens, sign_ins
from slotlink.vault import digest
from tests.contract.store import HOUR, NOW, Owner, Store

BACK = "https://application.test/back"


async def a_code(store: Store, connection: Any, maya: Owner) -> str:
    return await authorizations.issue_code(
        connection,
        store.application_id,
        maya.sub,
        maya.profile_id,
        redirect_uri=BACK,
        scope="read_events",
        code_challenge="c" * 43,
        now=NOW,
    )


async def test_redirect_uris_are_compared_whole(store: Store) -> None:
    async with store.transaction() as connection:
        own = (connection, store.application_id)
        assert await authorizations.add_redirect_uri(*own, BACK, NOW)
        assert not await authorizations.add_redirect_uri(*own, BACK, NOW + 1)
        assert await authorizations.add_redirect_uri(*own, BACK + "?a=1", NOW + 1)
        assert await authorizations.list_redirect_uris(*own) == [BACK, BACK + "?a=1"]
        assert await authorizations.has_redirect_uri(*own, BACK)
        for other in (BACK + "/", BACK.upper(), BACK + "?", BACK[:-1], ""):
            assert not await authorizations.has_redirect_uri(*own, other)
        assert await authorizations.remove_redirect_uri(*own, BACK)
        assert not await authorizations.remove_redirect_uri(*own, BACK)
        assert not await authorizations.has_redirect_uri(*own, BACK)


async def test_a_sign_in_is_found_by_its_state_and_ends_once(store: Store) -> None:
    state = f"state of {store.application_id}"
    async with store.transaction() as connection:
        kept = await authorizations.keep_sign_in(
            connection, store.vault, store.application_id, state, "what was asked", NOW
        )
        found = await authorizations.find_sign_in(connection, store.vault, state, NOW + 899)
        assert found == authorizations.SignIn(store.application_id, kept, "what was asked")
        assert await authorizations.find_sign_in(connection, store.vault, state, NOW + 900) is None
        assert await authorizations.find_sign_in(connection, store.vault, state + "x", NOW) is None
        row = (await connection.execute(select(sign_ins).where(sign_ins.c.sign_in_id == kept))).one()
        assert state.encode() not in bytes(row.state_sha256) and b"asked" not in bytes(row.sealed_request)
        assert await authorizations.end_sign_in(connection, store.application_id, kept)
        assert not await authorizations.end_sign_in(connection, store.application_id, kept)
        assert await authorizations.find_sign_in(connection, store.vault, state, NOW) is None


async def test_a_code_remembers_what_was_asked_and_when_it_was_used(store: Store) -> None:
    async with store.transaction() as connection:
        maya = await store.person(connection)
        code = await a_code(store, connection, maya)
        own = (connection, store.application_id)
        expected = authorizations.Code(
            maya.sub, maya.profile_id, BACK, "read_events", "c" * 43, expires_at=NOW + 600, used_at=None
        )
        assert await authorizations.find_code(*own, code) == expected
        assert await authorizations.find_code(*own, code + "x") is None
        rows = await connection.execute(select(authorization_codes.c.code_sha256))
        assert digest(code) in {bytes(value) for value in rows.scalars()}
        await authorizations.note_code_used(*own, code, NOW + 7)
        found = await authorizations.find_code(*own, code)
        assert found is not None and found.used_at == NOW + 7


async def test_of_two_uses_at_once_one_is_the_second(store: Store) -> None:
    async with store.transaction() as connection:
        maya = await store.person(connection)
        code = await a_code(store, connection, maya)

    async def use() -> bool:
        async with store.transaction() as connection:
            found = await authorizations.find_code(connection, store.application_id, code)
            assert found is not None
            await asyncio.sleep(0.05)
            if found.used_at is None:
                await authorizations.note_code_used(connection, store.application_id, code, NOW)
            return found.used_at is None

    assert sorted(await asyncio.gather(*(use() for _ in range(4)))) == [False, False, False, True]


async def test_a_link_token_is_used_once_and_soon(store: Store) -> None:
    async with store.transaction() as connection:
        maya = await store.person(connection)
        token = await authorizations.issue_link_token(connection, store.application_id, maya.sub, NOW)
    own = store.application_id
    async with store.transaction() as connection:
        assert await authorizations.find_link_token(connection, own, token, NOW + 299) == maya.sub
        assert await authorizations.find_link_token(connection, own, token, NOW + 300) is None
        assert await authorizations.use_link_token(connection, own, token, NOW + 300) is None
        assert await authorizations.find_link_token(connection, own, token, NOW) == maya.sub

    async def use() -> str | None:
        async with store.transaction() as connection:
            return await authorizations.use_link_token(connection, own, token, NOW)

    used = await asyncio.gather(*(use() for _ in range(4)))
    assert sorted(map(str, used)) == ["None", "None", "None", maya.sub]
    async with store.reading() as connection:
        assert await authorizations.find_link_token(connection, own, token, NOW) is None


async def test_tokens_hold_their_scope_and_their_kind(store: Store) -> None:
    async with store.transaction() as connection:
        maya = await store.person(connection)
        own = store.application_id
        access, refresh = await authorizations.issue_tokens(connection, own, maya.sub, "read_events", NOW)
        assert await authorizations.find_access(connection, access, NOW + HOUR - 1) == (own, maya.sub, "read_events")
        assert await authorizations.find_access(connection, access, NOW + HOUR) is None
        assert await authorizations.find_access(connection, refresh, NOW) is None
        assert await authorizations.find_refresh(connection, own, refresh, NOW + HOUR) == (maya.sub, "read_events")
        assert await authorizations.find_refresh(connection, own, access, NOW) is None
        assert await authorizations.find_refresh(connection, own, refresh, NOW + 401 * 24 * HOUR) is None
        embedded = await tokens.issue_access(connection, own, maya.sub, NOW)
        assert await authorizations.find_access(connection, embedded, NOW) == (own, maya.sub, "read_write")


async def test_what_a_code_gave_ends_and_nothing_else(store: Store) -> None:
    async with store.transaction() as connection:
        maya, jonas = await store.person(connection), await store.person(connection, "jonas")
        own = store.application_id
        before = await authorizations.issue_tokens(connection, own, maya.sub, "x", NOW - 1)
        first = await authorizations.issue_tokens(connection, own, maya.sub, "x", NOW)
        renewed = await authorizations.issue_access(connection, own, maya.sub, "x", NOW + 9)
        later = await authorizations.issue_tokens(connection, own, maya.sub, "x", NOW + 10)
        other = await authorizations.issue_tokens(connection, own, jonas.sub, "x", NOW)
        code = authorizations.Code(maya.sub, maya.profile_id, BACK, "x", None, NOW + 600, used_at=NOW)
        assert await authorizations.end_tokens_of_code(connection, own, code) == 4
        for token in (first[0], renewed, later[0]):
            assert await authorizations.find_access(connection, token, NOW) is None
        assert await authorizations.find_refresh(connection, own, first[1], NOW) is None
        for access in (before[0], other[0]):
            assert await authorizations.find_access(connection, access, NOW) is not None
        for refresh in (before[1], later[1], other[1]):
            assert await authorizations.find_refresh(connection, own, refresh, NOW) is not None


async def test_what_is_over_is_forgotten(store: Store) -> None:
    state = f"over {store.application_id}"
    async with store.transaction() as connection:
        maya = await store.person(connection)
        await authorizations.forget_expired(connection, NOW + 10 * HOUR)
        code = await a_code(store, connection, maya)
        link_token = await authorizations.issue_link_token(connection, store.application_id, maya.sub, NOW)
        await authorizations.keep_sign_in(connection, store.vault, store.application_id, state, "x", NOW)
        assert await authorizations.forget_expired(connection, NOW + 299) == 0
        assert await authorizations.forget_expired(connection, NOW + 300) == 1
        assert await authorizations.find_link_token(connection, store.application_id, link_token, NOW) is None
        assert await authorizations.find_code(connection, store.application_id, code) is not None
        assert await authorizations.forget_expired(connection, NOW + 900) == 2
        for table in (sign_ins, authorization_codes, link_tokens):
            own = select(table).where(table.c.application_id == store.application_id)
            assert (await connection.execute(own)).all() == []
