"""Two who connect at once, on both engines: one profile, one account, one use of a link token."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from slotlink.connectors.base import RemoteCalendar
from slotlink.domain.account import Profile
from slotlink.errors import NotFound
from slotlink.services.authorization import revoke_profile
from slotlink.services.connecting import connect, refresh_calendars
from slotlink.services.deps import Deps
from slotlink.services.sign_in import ConnectRefused, SignedIn
from slotlink.settings import Settings
from slotlink.store import authorizations
from slotlink.store.tables import accounts, calendars, profiles
from tests.contract.store import NOW, Store

CALENDAR = RemoteCalendar("work", "Work", "Europe/Berlin", writable=True, primary=True, owner_addresses=())


def deps_of(store: Store) -> Deps:
    return Deps(store.database, store.vault, Settings(secret_keys=(b"k" * 32,)))


async def test_the_worker_is_told_once_it_is_kept(store: Store) -> None:
    """It reads what is new; whoever is refused gives it nothing to do."""
    told: list[int] = []
    deps = replace(deps_of(store), wake_worker=lambda: told.append(1))
    profile = await connect(deps, store.application_id, signed("ana"), now=NOW)
    assert len(told) == 1
    assert await refresh_calendars(deps, store.application_id, profile, [CALENDAR], NOW) and len(told) == 2
    assert not await refresh_calendars(deps, store.application_id, profile, [], NOW)
    with pytest.raises(ConnectRefused):
        await connect(deps, store.application_id, signed("ana"), now=NOW, link_token="unknown")
    assert len(told) == 2
    await revoke_profile(deps, store.application_id, profile.sub, profile.profile_id)
    assert len(told) == 3


def signed(user: str, password: str = "pw") -> SignedIn:
    credentials = {"address": "h.test", "user": user, "password": password}
    return SignedIn("caldav", credentials, f"{user}@h.test", user, None, None, (CALENDAR,))


async def rows(store: Store, table: Any) -> list[Any]:
    async with store.reading() as connection:
        return list(await connection.execute(select(table).where(table.c.application_id == store.application_id)))


async def test_one_person_twice_at_once_is_one_profile(store: Store) -> None:
    deps = deps_of(store)
    found = await asyncio.gather(*(connect(deps, store.application_id, signed("ana"), now=NOW) for _ in range(5)))
    assert len({profile.profile_id for profile in found}) == 1 and all(profile.connected for profile in found)
    assert [len(await rows(store, table)) for table in (accounts, profiles, calendars)] == [1, 1, 1]
    [account] = await rows(store, accounts)
    assert account.tzid == "Europe/Berlin"


async def test_one_link_token_at_once_links_one(store: Store) -> None:
    deps = deps_of(store)
    first = await connect(deps, store.application_id, signed("ana"), now=NOW)
    async with store.transaction() as connection:
        token = await authorizations.issue_link_token(connection, store.application_id, first.sub, NOW)

    async def link(user: str) -> Profile | str:
        try:
            return await connect(deps, store.application_id, signed(user), now=NOW, link_token=token)
        except ConnectRefused as refused:
            return refused.reason

    found = await asyncio.gather(*(link(user) for user in ("ben", "cem", "dag")))
    linked = [each for each in found if isinstance(each, Profile)]
    assert [each.sub for each in linked] == [first.sub] and found.count("link_token") == 2
    assert len(await rows(store, profiles)) == 2


@pytest.mark.parametrize("attempt", range(3))
async def test_a_profile_that_is_dropped_while_it_is_connected_anew(store: Store, attempt: int) -> None:
    """Whichever comes first: what is connected is listed, and what was dropped holds no password."""
    deps = deps_of(store)
    first = await connect(deps, store.application_id, signed("ana"), now=NOW)

    async def drop() -> None:
        try:
            await revoke_profile(deps, store.application_id, first.sub, first.profile_id)
        except NotFound:
            return

    await asyncio.gather(connect(deps, store.application_id, signed("ana", "new"), now=NOW), drop())
    for row in await rows(store, profiles):
        assert row.connected == (row.remote_user is not None) == (row.sealed_credentials is not None)


async def test_nothing_is_kept_of_what_is_refused(store: Store) -> None:
    deps = deps_of(store)
    ana = await connect(deps, store.application_id, signed("ana"), now=NOW)
    before = [await rows(store, table) for table in (accounts, profiles, calendars)]
    with pytest.raises(ConnectRefused) as refused:
        await connect(deps, store.application_id, signed("ben"), now=NOW, profile_id=ana.profile_id)
    assert refused.value.reason == "other_person"
    with pytest.raises(ConnectRefused) as refused:
        await connect(deps, store.application_id, signed("ben"), now=NOW, link_token="unknown")
    assert refused.value.reason == "link_token"
    assert [await rows(store, table) for table in (accounts, profiles, calendars)] == before
