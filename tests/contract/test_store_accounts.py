"""Accounts, tokens and calendars; applications and their secrets."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy.exc import IntegrityError

from slotlink.domain.account import ACCESS_TOKEN_LIFE_S, REFRESH_TOKEN_LIFE_S
from slotlink.domain.rules import AvailablePeriod, StoredRule
from slotlink.errors import InvalidRequest, NotFound
from slotlink.store import accounts, applications, available_periods, bookings, event_listing, rules
from slotlink.store import tokens as token_rows
from slotlink.store.calendars import get_calendar, list_calendars, set_known, touch_calendar
from slotlink.store.event_listing import Listing
from slotlink.store.profiles import create_application_calendar, list_profiles
from slotlink.vault import digest
from tests.contract.store import HOUR, NOW, Store


async def test_a_new_account_has_one_profile_and_one_primary_calendar(store: Store) -> None:
    async with store.transaction() as connection:
        account = await create_application_calendar(connection, store.application_id, "maya", NOW)
        [profile] = await list_profiles(connection, store.application_id, account.sub)
        [calendar] = await list_calendars(connection, store.application_id, [account.sub])
        found = await accounts.find_application_calendar(connection, store.application_id, "maya")
        assert found == account == await accounts.find_anywhere(connection, account.sub)
    assert account.sub.startswith("apc_") and len(account.sub) == 28 and not account.revoked
    assert calendar.primary and calendar.name == "maya" and calendar.tzid == "Etc/UTC"
    assert calendar.profile_id == profile.profile_id and calendar.knows(0, 10**12)
    assert calendar.sync_status() == "active"


async def test_one_application_calendar_id_is_one_account_in_each_application(store: Store) -> None:
    async with store.transaction() as connection:
        await store.person(connection, "maya")
        await store.person(connection, "maya", store.foreign_id)
    with pytest.raises(IntegrityError):
        async with store.transaction() as connection:
            await store.person(connection, "maya")


async def test_accounts_are_locked_in_one_order(store: Store) -> None:
    """Two who name the same people in opposite order never wait for each other in a circle."""
    async with store.transaction() as connection:
        subs = [(await store.person(connection, f"p{number}")).sub for number in range(6)]
    inside: list[int] = []

    async def hold(number: int) -> None:
        async with store.transaction() as connection:
            order = subs if number % 2 else [*reversed(subs)]
            await accounts.lock(connection, store.application_id, order)
            inside.append(number)
            await asyncio.sleep(0.005)
            assert inside == [number], "nobody else is here while the accounts are held"
            inside.remove(number)

    async with asyncio.timeout(20):
        await asyncio.gather(*(hold(number) for number in range(8)))


async def test_other_peoples_accounts_are_not_locked_on_postgresql(store: Store) -> None:
    if store.database.dialect == "sqlite":
        return  # one writer holds everything
    async with store.transaction() as connection:
        maya, jonas = await store.person(connection, "maya"), await store.person(connection, "jonas")
    async with store.transaction() as one:
        await accounts.lock(one, store.application_id, [maya.sub])
        async with asyncio.timeout(5), store.transaction() as other:
            await accounts.lock(other, store.application_id, [jonas.sub])


async def test_tokens_are_found_while_they_live(store: Store) -> None:
    async with store.transaction() as connection:
        maya = await store.person(connection)
        access = await token_rows.issue_access(connection, store.application_id, maya.sub, NOW)
        refresh = await token_rows.issue_refresh(connection, store.application_id, maya.sub, NOW)

        async def known(token: str, kind: str | None, now: int) -> bool:
            found = await token_rows.find(connection, token, kind=kind, now=now)
            assert found is None or (found.application_id, found.sub) == (store.application_id, maya.sub)
            return found is not None

        assert await known(access, "access", NOW) and await known(access, None, NOW)
        assert not await known(access, "refresh", NOW) and not await known(refresh, "access", NOW)
        assert await known(access, "access", NOW + ACCESS_TOKEN_LIFE_S - 1)
        assert not await known(access, "access", NOW + ACCESS_TOKEN_LIFE_S)
        assert await known(refresh, "refresh", NOW + REFRESH_TOKEN_LIFE_S - 1)
        assert not await known(refresh, "refresh", NOW + REFRESH_TOKEN_LIFE_S)
        await token_rows.prolong(connection, store.application_id, refresh, NOW + HOUR)
        assert await known(refresh, "refresh", NOW + HOUR + REFRESH_TOKEN_LIFE_S - 1)
        assert not await known(access + "x", None, NOW) and not await known("", None, NOW)
        stored = repr(await store.rows(connection))
        assert access not in stored and refresh not in stored and repr(digest(access)) in stored


async def test_after_a_leak_no_token_of_the_application_works(store: Store) -> None:
    async with store.transaction() as connection:
        maya = await store.person(connection)
        ours = [
            await token_rows.issue_access(connection, store.application_id, maya.sub, NOW),
            await token_rows.issue_refresh(connection, store.application_id, maya.sub, NOW),
        ]
        other = (await create_application_calendar(connection, store.foreign_id, "x", NOW)).sub
        theirs = await token_rows.issue_access(connection, store.foreign_id, other, NOW)
        assert await token_rows.revoke_all(connection, store.application_id) == len(ours)
        for token in ours:
            assert await token_rows.find(connection, token, kind=None, now=NOW) is None
        assert await token_rows.find(connection, theirs, kind=None, now=NOW) is not None


async def test_a_revoked_account_is_given_nothing_more(store: Store) -> None:
    async with store.transaction() as connection:
        maya = await store.person(connection)
        assert (await accounts.lock_living(connection, store.application_id, maya.sub)).sub == maya.sub
        await accounts.revoke(connection, store.application_id, maya.sub, NOW)
        with pytest.raises(NotFound):
            await accounts.lock_living(connection, store.application_id, maya.sub)


async def test_expired_tokens_are_forgotten(store: Store) -> None:
    async with store.transaction() as connection:
        maya = await store.person(connection)
        old = await token_rows.issue_access(connection, store.application_id, maya.sub, NOW - HOUR)
        new = await token_rows.issue_access(connection, store.application_id, maya.sub, NOW)
        assert await token_rows.forget_expired(connection, NOW) >= 1
        assert await token_rows.find(connection, old, kind=None, now=NOW - HOUR) is None
        assert await token_rows.find(connection, new, kind=None, now=NOW) is not None


async def test_a_revoked_account_keeps_its_sub_and_nothing_else(store: Store) -> None:
    async with store.transaction() as connection:
        maya, jonas = await store.person(connection, "maya"), await store.person(connection, "jonas")
        tokens = {
            owner.sub: await token_rows.issue_access(connection, store.application_id, owner.sub, NOW)
            for owner in (maya, jonas)
        }
        for owner in (maya, jonas):
            await store.event(connection, owner.calendar_id, "lunch", NOW, NOW + HOUR)
            await store.book(connection, owner.sub, NOW, NOW + HOUR)
            rule = StoredRule.of("default", "Etc/UTC", [], None)
            await rules.upsert(connection, store.application_id, owner.sub, rule, NOW)
            period = AvailablePeriod("once", NOW, NOW + HOUR)
            await available_periods.upsert(connection, store.application_id, owner.sub, period)
        await accounts.revoke(connection, store.application_id, maya.sub, NOW)

        subs = [maya.sub, jonas.sub]
        found = await accounts.find(connection, store.application_id, subs)
        assert (found[maya.sub].revoked, found[jonas.sub].revoked) == (True, False)
        held = await bookings.holds_between(connection, store.application_id, subs, NOW, NOW + HOUR, NOW)
        assert [hold.sub for hold in held] == [jonas.sub]
        assert await token_rows.find(connection, tokens[maya.sub], kind=None, now=NOW) is None
        assert await token_rows.find(connection, tokens[jonas.sub], kind=None, now=NOW) is not None
        calendars = await list_calendars(connection, store.application_id, subs)
        assert {calendar.sub: (calendar.deleted, calendar.sync_status()) for calendar in calendars} == {
            maya.sub: (True, "disconnected"),
            jonas.sub: (False, "active"),
        }
        assert list(await rules.rules_of(connection, store.application_id, subs)) == [jonas.sub]
        windows = await available_periods.available_periods_of(connection, store.application_id, subs, NOW, NOW + 1)
        assert list(windows) == [jonas.sub]
        counts = [
            await event_listing.count(connection, store.application_id, Listing(sub, include_managed=True))
            for sub in subs
        ]
        assert counts == [0, 1]
        again = await create_application_calendar(connection, store.application_id, "maya", NOW)
        assert again.sub != maya.sub, "the id may be used afresh, and is then somebody else"


async def test_a_calendars_version_grows_with_its_busy_time(store: Store) -> None:
    async with store.transaction() as connection:
        maya = await store.person(connection)

        async def version() -> int:
            of = await get_calendar(connection, store.application_id, maya.sub, maya.calendar_id)
            return of.version

        seen = [await version()]
        await touch_calendar(connection, store.application_id, maya.calendar_id, NOW)
        seen.append(await version())
        await set_known(connection, store.application_id, maya.calendar_id, NOW, NOW + HOUR)
        seen.append(await version())
        of = await get_calendar(connection, store.application_id, maya.sub, maya.calendar_id)
    assert seen == sorted(set(seen))
    assert of.knows(NOW, NOW + HOUR) and not of.knows(NOW - 1, NOW + HOUR) and not of.knows(NOW, NOW + HOUR + 1)


async def test_a_calendar_belongs_to_its_account(store: Store) -> None:
    async with store.transaction() as connection:
        maya, jonas = await store.person(connection, "maya"), await store.person(connection, "jonas")
        with pytest.raises(NotFound):
            await get_calendar(connection, store.application_id, jonas.sub, maya.calendar_id)


async def test_two_secrets_are_active_while_rotating(store: Store) -> None:
    """Made in one and the same second: the older is still the older."""
    for _ in range(8):
        async with store.transaction() as connection:
            client_id, old = await applications.create(connection, store.vault, "Globex", NOW)
            new = await applications.rotate_secret(connection, store.vault, client_id, NOW)
            assert await applications.active_secrets(connection, store.vault, client_id) == [new, old]
            with pytest.raises(InvalidRequest, match="two secrets are active"):
                await applications.rotate_secret(connection, store.vault, client_id, NOW)
            for secret in (old, new):
                found = await applications.find_by_secret(connection, secret)
                assert found is not None and found.application_id == client_id
            await applications.revoke_oldest_secret(connection, client_id, NOW)
            assert await applications.active_secrets(connection, store.vault, client_id) == [new]
            assert await applications.find_by_secret(connection, old) is None
            with pytest.raises(InvalidRequest, match="only one secret"):
                await applications.revoke_oldest_secret(connection, client_id, NOW)
            third = await applications.rotate_secret(connection, store.vault, client_id, NOW)
            assert await applications.active_secrets(connection, store.vault, client_id) == [third, new]


async def test_a_secret_is_nowhere_in_the_database(store: Store) -> None:
    async with store.reading() as connection:
        stored = repr(await store.rows(connection))
        found = await applications.find_by_secret(connection, store.client_secret)
    assert store.client_secret not in stored and repr(digest(store.client_secret)) in stored
    assert found is not None and found.application_id == store.application_id and found.name == "Globex"


async def test_unknown_applications_are_not_found(store: Store) -> None:
    async with store.transaction() as connection:
        for action in (
            applications.get(connection, "unknown"),
            applications.rotate_secret(connection, store.vault, "unknown", NOW),
            applications.revoke_oldest_secret(connection, "unknown", NOW),
        ):
            with pytest.raises(NotFound):
                await action


async def test_applications_are_listed_with_their_active_secrets(store: Store) -> None:
    async with store.transaction() as connection:
        await applications.rotate_secret(connection, store.vault, store.foreign_id, NOW)
        await applications.set_shows_participants(connection, store.foreign_id, shows=True)
        rows = {row.application_id: row for row in await applications.all_of_them(connection)}
        shown = [(await applications.get(connection, of)).shows_participants for of in list(rows)[-2:]]
    assert rows[store.application_id].active_secrets == 1 and rows[store.foreign_id].active_secrets == 2
    assert sorted(shown) == [False, True]
