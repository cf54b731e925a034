"""Watches: which calendars need one, who may make it, and what is known of it then."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from slotlink.store import mirrors, profiles, watches
from slotlink.store.tables import calendars
from slotlink.store.tables import profiles as profile_rows
from slotlink.store.watches import NewWatch
from tests.contract.store import HOUR, NOW, Store

PROVIDERS = ("google", "office365")
LEASE_S = 600
DESCRIBED: dict[str, Any] = {
    "name": "Work",
    "color": None,
    "tzid": "Etc/UTC",
    "readonly": False,
    "primary": False,
    "owner_addresses": [],
    "conferencing": False,
}


async def connected(store: Store, connection: Any, names: tuple[str, ...] = ("work",), provider: str = "google") -> Any:
    """A person with calendars elsewhere that have been read. Their profile, and the calendars' ids."""
    account = await profiles.create_account(connection, store.application_id, None, "Ann", "Etc/UTC", NOW)
    profile = await profiles.create_profile(
        connection,
        store.application_id,
        account.sub,
        provider_name=provider,
        provider_service=provider,
        profile_name="ann@example.com",
        remote_user=account.sub,
        now=NOW,
    )
    await profiles.connect(connection, store.vault, store.application_id, profile, "{}")
    made = [
        await mirrors.create_mirror(
            connection, store.application_id, account.sub, profile.profile_id, name, DESCRIBED, NOW
        )
        for name in names
    ]
    await connection.execute(update(calendars).where(calendars.c.calendar_id.in_(made)).values(fresh_at=NOW))
    return profile, made


async def change(connection: Any, calendar_id: str, **values: Any) -> None:
    await connection.execute(update(calendars).where(calendars.c.calendar_id == calendar_id).values(**values))


async def change_profile(connection: Any, profile: Any, **values: Any) -> None:
    statement = update(profile_rows).where(profile_rows.c.profile_id == profile.profile_id)
    await connection.execute(statement.values(**values))


async def row_of(connection: Any, calendar_id: str) -> Any:
    return (await connection.execute(select(calendars).where(calendars.c.calendar_id == calendar_id))).one()


async def due(store: Store, connection: Any, now: int = NOW, limit: int = 1000) -> list[str]:
    found = await watches.due_watches(connection, PROVIDERS, now, limit)
    return [each.calendar_id for each in found if each.application_id == store.application_id]


async def watched(store: Store, connection: Any, calendar_id: str, until: int = NOW + HOUR, name: str = "1") -> str:
    """Give it a watch. Its id."""
    watch_id = f"wat_{name}_{calendar_id[-24:]}"
    own = (connection, store.application_id, calendar_id)
    await change(connection, calendar_id, watch_until=None)
    row = await row_of(connection, calendar_id)
    assert await watches.claim(*own, row.watch_id, NOW, LEASE_S)
    new = NewWatch(watch_id, f"remote {name}", f"{watch_id}.secret", until)
    assert await watches.set_watch(connection, store.vault, *own[1:], NOW + LEASE_S, new)
    return watch_id


async def test_what_is_due(store: Store) -> None:
    async with store.transaction() as connection:
        profile, [work] = await connected(store, connection)
        assert await due(store, connection) == [work]
        [state] = [
            each
            for each in await watches.due_watches(connection, PROVIDERS, NOW, 1000)
            if each.application_id == store.application_id
        ]
        assert (state.profile_id, state.remote_id, state.watch_id, state.watch_remote_id, state.connected) == (
            profile.profile_id,
            "work",
            None,
            None,
            True,
        )
        watch_id = await watched(store, connection, work)
        assert await due(store, connection, NOW + HOUR - 1) == []
        assert await due(store, connection, NOW + HOUR) == [work]
        [again] = [
            each
            for each in await watches.due_watches(connection, PROVIDERS, NOW + HOUR, 1000)
            if each.application_id == store.application_id
        ]
        assert (again.watch_id, again.watch_remote_id) == (watch_id, "remote 1")


@pytest.mark.parametrize(
    ("of_calendar", "of_profile"),
    [
        ({"deleted": True}, {}),
        ({"remote_id": None}, {}),
        ({"fresh_at": None}, {}),
        ({}, {"connected": False}),
        ({}, {"retry_at": NOW + 1}),
        ({}, {"provider_name": "caldav"}),
    ],
    ids=["gone", "removed", "never read", "disconnected", "provider away", "provider without push"],
)
async def test_what_is_not_due(store: Store, of_calendar: dict[str, Any], of_profile: dict[str, Any]) -> None:
    async with store.transaction() as connection:
        profile, [work] = await connected(store, connection)
        if of_calendar:
            await change(connection, work, **of_calendar)
        if of_profile:
            await change_profile(connection, profile, **of_profile)
        assert await due(store, connection) == []
        assert await due(store, connection, NOW + 1) == ([work] if "retry_at" in of_profile else [])


async def test_the_longest_due_come_first(store: Store) -> None:
    async with store.transaction() as connection:
        _, [late, never, early] = await connected(store, connection, ("a", "b", "c"))
        await change(connection, late, watch_until=NOW - 1)
        await change(connection, early, watch_until=NOW - 9)
        assert await due(store, connection) == [never, early, late]
        assert len(await watches.due_watches(connection, PROVIDERS, NOW, 1)) == 1


async def test_one_claim_at_a_time(store: Store) -> None:
    async with store.transaction() as connection:
        _, [work] = await connected(store, connection)
        own = (connection, store.application_id, work)
        assert not await watches.claim(*own, "wat_other", NOW, LEASE_S), "it is not as the claimer saw it"
        assert await watches.claim(*own, None, NOW, LEASE_S)
        assert not await watches.claim(*own, None, NOW + LEASE_S - 1, LEASE_S)
        assert await due(store, connection, NOW + LEASE_S - 1) == []
        assert await watches.claim(*own, None, NOW + LEASE_S, LEASE_S), "whoever held it is too late"
        new = NewWatch("wat_late", "r", "s", NOW + HOUR)
        assert not await watches.set_watch(connection, store.vault, *own[1:], NOW + LEASE_S, new)
        assert not await watches.put_off(*own, NOW + LEASE_S, NOW + HOUR, drops=True)
        row = await row_of(connection, work)
        assert (row.watch_id, row.watch_until) == (None, NOW + 2 * LEASE_S)
        watch_id = await watched(store, connection, work, NOW)
        assert not await watches.claim(*own, None, NOW, LEASE_S)
        assert await watches.claim(*own, watch_id, NOW, LEASE_S)


@pytest.mark.parametrize("drops", [False, True], ids=["keeps", "drops"])
async def test_put_off(store: Store, drops: bool) -> None:
    async with store.transaction() as connection:
        _, [work] = await connected(store, connection)
        watch_id = await watched(store, connection, work, NOW)
        own = (connection, store.application_id, work)
        await watches.claim(*own, watch_id, NOW, LEASE_S)
        assert await watches.put_off(*own, NOW + LEASE_S, NOW + HOUR, drops=drops)
        row = await row_of(connection, work)
        assert (row.watch_id, row.watch_until) == (None if drops else watch_id, NOW + HOUR)
        assert (row.sealed_watch_secret is None, row.watch_remote_id is None) == (drops, drops)


async def test_watches_are_found_by_their_id_alone_and_none_other(store: Store) -> None:
    async with store.transaction() as connection:
        _, [work, home, bare] = await connected(store, connection, ("work", "home", "bare"))
        ids = [await watched(store, connection, each) for each in (work, home)]
        found = await watches.find_watches(connection, store.vault, [*ids, "wat_unknown", ""])
        assert {(each.watch_id, each.application_id, each.calendar_id, each.secret) for each in found} == {
            (watch_id, store.application_id, calendar_id, f"{watch_id}.secret")
            for watch_id, calendar_id in zip(ids, (work, home), strict=True)
        }
        assert await watches.find_watches(connection, store.vault, []) == []
        sealed = (await row_of(connection, work)).sealed_watch_secret
        assert b"secret" not in sealed
        new = await watched(store, connection, work, name="2")
        found = await watches.find_watches(connection, store.vault, [ids[0], new])
        assert [each.watch_id for each in found] == [new], "the one before is nobody's now"
        assert (await row_of(connection, bare)).watch_id is None


async def test_a_watch_that_ends_early_is_due_at_once(store: Store) -> None:
    async with store.transaction() as connection:
        _, [work, home] = await connected(store, connection, ("work", "home"))
        watch_id, other = [await watched(store, connection, each) for each in (work, home)]
        own = (connection, store.application_id, work)
        assert not await watches.expire_watch(*own, other, NOW)
        assert await watches.expire_watch(*own, watch_id, NOW)
        assert await due(store, connection) == [work]
        assert not await watches.expire_watch(*own, watch_id, NOW + 1), "it stays as long due as it is"


async def test_a_watch_is_dropped_by_its_own_id(store: Store) -> None:
    async with store.transaction() as connection:
        _, [work] = await connected(store, connection)
        watch_id = await watched(store, connection, work)
        own = (connection, store.application_id, work)
        assert not await watches.drop_watch(*own, "wat_other")
        assert await watches.drop_watch(*own, watch_id)
        row = await row_of(connection, work)
        assert (row.watch_id, row.watch_remote_id, row.sealed_watch_secret, row.watch_until) == (None,) * 4


async def test_what_stands_and_what_is_needless(store: Store) -> None:
    async with store.transaction() as connection:
        profile, [work, gone, _bare] = await connected(store, connection, ("work", "gone", "bare"))
        revoked, [left] = await connected(store, connection, provider="office365")
        for each in (work, gone, left):
            await watched(store, connection, each)
        await change(connection, gone, deleted=True)
        await change_profile(connection, revoked, connected=False)
        everything = await _standing(store, connection, needless=False)
        assert everything == {(work, True), (gone, True), (left, False)}
        assert await _standing(store, connection, needless=True) == {(gone, True), (left, False)}
        of_profile = await watches.watches_of(connection, store.application_id, profile.profile_id)
        assert {each.calendar_id for each in of_profile} == {work, gone}
        assert len(await watches.standing_watches(connection, 1, needless=False)) == 1


async def _standing(store: Store, connection: Any, *, needless: bool) -> set[tuple[str, bool]]:
    found = await watches.standing_watches(connection, 1000, needless=needless)
    return {(each.calendar_id, each.connected) for each in found if each.application_id == store.application_id}
