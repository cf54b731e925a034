"""What the store keeps of calendars elsewhere, on both engines: whose turn it is, who may write, what is known."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from slotlink.errors import NotFound
from slotlink.store import (
    accounts,
    due_calendars,
    event_writes,
    mirrored_events,
    mirrors,
    profiles,
    provider_credentials,
    tables,
)
from slotlink.store.event_writes import stream
from slotlink.store.mirrors import Mirror
from tests.contract.mirrored_calls import DESCRIBED, Elsewhere, an_event, connect_somebody
from tests.contract.store import DAY, HOUR, NOW, Store

LEASE_S = 400


@pytest.fixture
async def maya(store: Store) -> Elsewhere:
    async with store.transaction() as connection:
        return await connect_somebody(store, connection)


async def row(store: Store, mirror: Mirror) -> dict[str, object]:
    where = tables.calendars.c.calendar_id == mirror.calendar_id
    async with store.reading() as connection:
        return dict((await connection.execute(select(tables.calendars).where(where))).mappings().one())


async def claimed(store: Store, mirror: Mirror, now: int) -> list[Mirror]:
    async with store.transaction() as connection:
        return await mirrors.claim(connection, [mirror], now, LEASE_S)


async def test_what_is_due_is_claimed_once_until_the_lease_ends(store: Store, maya: Elsewhere) -> None:
    [first] = await claimed(store, maya.mirror, NOW)
    assert (first.fence, first.claimed_until) == (maya.mirror.fence + 1, NOW + LEASE_S)
    assert await claimed(store, maya.mirror, NOW) == [], "it was seen before the other claimed it"
    assert await claimed(store, first, NOW + LEASE_S - 1) == []
    [second] = await claimed(store, first, NOW + LEASE_S)
    assert second.fence == first.fence + 1


async def test_whose_turn_it_is(store: Store, maya: Elsewhere) -> None:
    own = (maya.mirror.application_id, maya.profile.profile_id)

    async def due(now: int) -> tuple[bool, bool]:
        async with store.reading() as connection:
            found = await due_calendars.due_profiles(connection, now, 1000)
            named = await due_calendars.due_of(connection, own[0], [own[1], "pro_other"], now)
        mine = [each for each in found if each[:2] == own]
        assert all(each[2] == "caldav" for each in mine)
        return bool(mine), named == [own[1]]

    assert await due(NOW) == (True, True)
    assert await due(NOW - 1) == (False, False)
    async with store.transaction() as connection:
        await profiles.note_failure(connection, *own, 1, NOW + 60)
    assert await due(NOW + 59) == (False, False), "its provider is left alone"
    assert await due(NOW + 60) == (True, True)
    async with store.reading() as connection:
        soonest = await due_calendars.next_due_at(connection, NOW + 60)
    assert soonest is not None and soonest <= NOW
    async with store.transaction() as connection:
        await profiles.disconnect(connection, own[0], maya.profile, "refused")
    assert await due(NOW + DAY) == (False, False)


async def test_what_is_settled_counts_until_it_is_due(store: Store, maya: Elsewhere) -> None:
    [mirror] = await claimed(store, maya.mirror, NOW)
    async with store.transaction() as connection:
        await mirrors.settle(connection, mirror, changed=False, due_at=NOW + 300, fresh_at=NOW, fresh_until=NOW + 900)
        account = await accounts.get(connection, store.application_id, maya.sub)
    assert (await row(store, mirror))["sync_due_at"] == NOW + 300
    assert account.fresh_until == NOW + 900
    assert account.fresh(NOW + 899) and not account.fresh(NOW + 900)


@pytest.mark.parametrize("told_at", [NOW + 1, NOW + 10])
async def test_a_change_that_is_told_while_it_is_read_is_not_lost(store: Store, maya: Elsewhere, told_at: int) -> None:
    [mirror] = await claimed(store, maya.mirror, NOW)
    async with store.transaction() as connection:
        await mirrors.hasten(connection, store.application_id, [mirror.calendar_id], told_at)
        await mirrors.settle(connection, mirror, changed=False, due_at=NOW + 300)
    assert (await row(store, mirror))["sync_due_at"] == told_at


async def test_to_hasten_delays_nothing(store: Store, maya: Elsewhere) -> None:
    async with store.transaction() as connection:
        await mirrors.hasten(connection, store.application_id, [maya.mirror.calendar_id], NOW + DAY)
    assert (await row(store, maya.mirror))["sync_due_at"] == NOW


async def test_the_account_is_as_fresh_as_its_stalest_calendar(store: Store, maya: Elsewhere) -> None:
    own = (store.application_id, maya.sub)

    async def fresh_until() -> int | None:
        async with store.reading() as connection:
            return (await accounts.get(connection, *own)).fresh_until

    async with store.transaction() as connection:
        await mirrors.settle(connection, maya.mirror, changed=False, due_at=NOW, fresh_until=NOW + 900)
    assert await fresh_until() == NOW + 900
    async with store.transaction() as connection:
        second = await mirrors.create_mirror(connection, *own, maya.profile.profile_id, "/second/", DESCRIBED, NOW)
    assert await fresh_until() == 0, "one that was never read"
    async with store.transaction() as connection:
        found = await mirrors.get_mirror(connection, store.application_id, second)
        await mirrors.settle(connection, found, changed=True, due_at=NOW, fresh_until=NOW + 100)
    assert await fresh_until() == NOW + 100
    async with store.transaction() as connection:
        await mirrors.remove_mirror(connection, found)
    assert await fresh_until() == NOW + 900, "one that is gone is asked for no more"


@pytest.mark.parametrize("changes", [{"tzid": "Asia/Tokyo"}, {"owner_addresses": ["m@example.com"]}], ids=str)
async def test_another_zone_or_owner_means_reading_all_of_it_again(
    store: Store, maya: Elsewhere, changes: dict[str, object]
) -> None:
    calendar_id = maya.mirror.calendar_id
    async with store.transaction() as connection:
        settled = {"fresh_until": NOW + 900, "zone_version": "2026a"}
        await mirrors.settle(connection, maya.mirror, changed=False, due_at=NOW + 300, **settled)
        await mirrors.describe_mirror(
            connection, store.application_id, maya.sub, calendar_id, {**DESCRIBED, "name": "N"}
        )
    kept = await row(store, maya.mirror)
    assert (kept["name"], kept["sync_due_at"], kept["fresh_until"], kept["zone_version"]) == (
        "N",
        NOW + 300,
        NOW + 900,
        "2026a",
    ), "a name changes nothing"
    async with store.transaction() as connection:
        described = {**DESCRIBED, **changes}
        await mirrors.describe_mirror(connection, store.application_id, maya.sub, calendar_id, described)
        account = await accounts.get(connection, store.application_id, maya.sub)
    kept = await row(store, maya.mirror)
    assert (kept["sync_due_at"], kept["fresh_until"], kept["zone_version"]) == (0, 0, None)
    assert account.fresh_until == 0, "until then nobody knows when its owner is busy"


async def test_a_span_is_only_ever_narrowed(store: Store, maya: Elsewhere) -> None:
    async def span(known_from: int, known_until: int) -> tuple[object, object]:
        async with store.transaction() as connection:
            mirror = await mirrors.lock_mirror(connection, maya.mirror)
            assert mirror is not None
            await mirrors.narrow(connection, mirror, known_from, known_until)
        found = await row(store, maya.mirror)
        return found["known_from"], found["known_until"]

    wide = (NOW - 60 * DAY, NOW + 220 * DAY)
    assert await span(NOW - 99 * DAY, NOW + 999 * DAY) == wide
    assert await span(NOW - 99 * DAY, NOW + 100 * DAY) == (wide[0], NOW + 100 * DAY)
    assert await span(NOW - 10 * DAY, NOW + 999 * DAY) == (NOW - 10 * DAY, NOW + 100 * DAY)


async def test_a_removed_calendar_leaves_nothing_that_blocks(store: Store, maya: Elsewhere) -> None:
    async with store.transaction() as connection:
        await mirrors.remove_mirror(connection, maya.mirror)
        with pytest.raises(NotFound):
            await mirrors.get_mirror(connection, store.application_id, maya.mirror.calendar_id)
        assert await mirrors.lock_mirror(connection, maya.mirror) is None
        rows = await store.rows(connection)
    assert not rows["busy_periods"] and not rows["events"] and not rows["event_writes"]
    kept = await row(store, maya.mirror)
    assert kept["deleted"] and kept["sync_due_at"] is None
    async with store.transaction() as connection:
        known = await mirrors.remote_ids(connection, store.application_id, maya.profile.profile_id)
        assert known == {"/work/": maya.mirror.calendar_id}, "when it comes back it is the same"
        await mirrors.describe_mirror(connection, store.application_id, maya.sub, known["/work/"], DESCRIBED)
        again = await mirrors.get_mirror(connection, store.application_id, maya.mirror.calendar_id)
    assert (again.cursor, again.known_from, again.known_until) == (None, 0, 0), "and is read from the beginning"


async def test_events_are_written_over_each_other_and_forgotten(store: Store, maya: Elsewhere) -> None:
    async def busy() -> list[tuple[int, str]]:
        where = tables.busy_periods.c.event_uid != maya.write.event_uid
        async with store.reading() as connection:
            of = tables.busy_periods.c.calendar_id == maya.mirror.calendar_id
            rows = await connection.execute(select(tables.busy_periods).where(of, where))
            return sorted((each.start_at, each.kind) for each in rows)

    async with store.transaction() as connection:
        known = await mirrored_events.known_events(connection, maya.mirror)
        moved, many = an_event("theirs", NOW + HOUR, version="v2"), an_event("b", NOW, NOW + DAY, recurring=True)
        await mirrored_events.write_mirrored(connection, maya.mirror, known, [moved, many], NOW)
        assert await mirrored_events.known_events(connection, maya.mirror) == known
    assert (known["theirs"].version, known["theirs"].event_uid) == ("v2", maya.event_uid)
    assert known["b"].recurring
    assert await busy() == [(NOW, "busy"), (NOW + HOUR, "busy"), (NOW + DAY, "busy")]
    async with store.transaction() as connection:
        gone = await mirrored_events.forget_mirrored(connection, maya.mirror, known, ["b", "never known"], NOW)
        assert gone == 1 and (await mirrored_events.known_events(connection, maya.mirror)).keys() == {"theirs"}
    assert [kind for _, kind in await busy()] == ["free", "busy", "free"]


async def test_one_name_of_the_providers_is_one_event(store: Store, maya: Elsewhere) -> None:
    async with store.transaction() as connection:
        with pytest.raises(IntegrityError):
            async with connection.begin_nested():
                await mirrored_events.write_mirrored(connection, maya.mirror, {}, [an_event("theirs")], NOW)


async def test_everything_that_was_sent_is_remembered_and_not_more(store: Store, maya: Elsewhere) -> None:
    write, sent = maya.write, [f"BEGIN:VCALENDAR\r\nX:{number}\r\nEND:VCALENDAR\r\n" for number in range(9)]
    assert write.sent == []
    for number in range(1, 10):
        write = replace(write, written_ical=stream([*write.sent, sent[number - 1]]))
        assert write.sent[0] == sent[0] and write.sent[-1] == sent[number - 1]
    assert write.sent == [sent[0], *sent[-3:]], "what the provider took last, and the newest"


async def test_ours_are_found_by_the_providers_key_and_by_our_uid(store: Store, maya: Elsewhere) -> None:
    where, write = (store.application_id, maya.mirror.calendar_id), maya.write
    async with store.transaction() as connection:
        assert await event_writes.find_by_keys(connection, *where, [write.write_key, "x"]) == {write.write_key: write}
        assert await event_writes.find_by_uids(connection, *where, [write.event_uid]) == {write.event_uid: write}
        assert await event_writes.list_there(connection, *where) == [write]
        await event_writes.change(connection, *where, write.event_uid, ical=None)
        assert await event_writes.list_there(connection, *where) == [replace(write, ical=None)], "not deleted yet"
        await event_writes.change(connection, *where, write.event_uid, written_revision=write.revision)
        assert await event_writes.list_there(connection, *where) == []
        newer = replace(write, generation=2, write_key=event_writes.write_key(*where, write.event_uid, 2))
        await event_writes.replace_whole(connection, newer)
        assert await event_writes.find(connection, *where, write.event_uid) == newer
        assert await event_writes.find_by_keys(connection, *where, [write.write_key]) == {}
    assert len(write.write_key) == len(newer.write_key) == event_writes.KEY_LENGTH


async def test_one_refresh_at_a_time_and_what_comes_of_another_is_not_kept(store: Store, maya: Elsewhere) -> None:
    own = (store.application_id, maya.profile.profile_id)

    async def leased(now: int) -> bool:
        async with store.transaction() as connection:
            return await provider_credentials.lease_refresh(connection, *own, now, 30)

    async def kept(text: str, until: int) -> tuple[bool, str | None]:
        async with store.transaction() as connection:
            done = await provider_credentials.keep_renewed(connection, store.vault, *own, text, until)
            return done, await provider_credentials.read_credentials(connection, store.vault, *own)

    assert await leased(NOW) and not await leased(NOW + 29)
    assert await leased(NOW + 30), "whoever had it died"
    assert await kept("late", NOW + 30) == (False, "secret")
    async with store.transaction() as connection:
        await provider_credentials.end_refresh(connection, *own, NOW + 30)
    assert not await leased(NOW + 31), "one that is over ends nobody else's"
    assert await kept("new", NOW + 60) == (True, "new")
    assert await leased(NOW + 31)
    async with store.transaction() as connection:
        await profiles.connect(connection, store.vault, store.application_id, maya.profile, "signed in anew")
    assert await kept("old", NOW + 61) == (False, "signed in anew")
    assert await leased(NOW + 31)
    async with store.transaction() as connection:
        await profiles.disconnect(connection, store.application_id, maya.profile, "refused")
    assert await kept("old", NOW + 61) == (False, None)


async def test_who_signed_in_before_is_found_until_the_profile_is_removed(store: Store, maya: Elsewhere) -> None:
    application_id = store.application_id
    async with store.transaction() as connection:
        found = await profiles.find_profile(connection, application_id, "caldav", "maya@host")
        assert found == maya.profile and found.connected
        await profiles.remove(connection, application_id, maya.profile)
        assert await profiles.find_profile(connection, application_id, "caldav", "maya@host") is None
        assert await profiles.list_profiles(connection, application_id, maya.sub) == []
        assert (
            await provider_credentials.read_credentials(
                connection, store.vault, application_id, maya.profile.profile_id
            )
            is None
        )
        rows = await store.rows(connection)
    assert not rows["events"] and not rows["busy_periods"]
