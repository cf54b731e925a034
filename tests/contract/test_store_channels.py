"""Notification channels in the store: a change is noted by those it concerns, told once, and never lost between two."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from slotlink.domain.channel import Channel, Filters
from slotlink.store import channels, outbox
from slotlink.store.outbox import Attempt, OutboxItem
from slotlink.store.tables import channels as table
from slotlink.store.tables import outbox as items
from tests.contract.store import NOW, Owner, Store

URL, HOST = "https://application.test/changes", "application.test:443"
EVERYTHING = Filters()
MANAGED = Filters(only_managed=True)
SOON = NOW + channels.TELL_AFTER_S
LONG_AGO = NOW - 10**6


@pytest.fixture
async def maya(store: Store) -> Owner:
    """With no channels of earlier tests: what is due is looked for across tenants."""
    async with store.transaction() as connection:
        await connection.execute(update(table).values(closed_at=LONG_AGO, changed_since=None, tell_at=None))
        return await store.person(connection)


async def _open(store: Store, connection: Any, maya: Owner, filters: Filters = EVERYTHING, url: str = URL) -> Channel:
    return await channels.create(connection, store.application_id, maya.sub, url, filters, NOW)


async def _change(
    store: Store, connection: Any, maya: Owner, now: int = NOW, *calendar_ids: str, managed: bool = False
) -> None:
    changed = calendar_ids or (maya.calendar_id,)
    await channels.note_change(connection, store.application_id, maya.sub, changed, now, managed=managed)


async def _due(connection: Any, now: int = SOON, limit: int = 10) -> list[Channel]:
    return [each.channel for each in await channels.due(connection, now, limit)]


async def _promise(store: Store, connection: Any, channel: Channel, now: int = NOW) -> str:
    return await channels.promise(connection, store.vault, channel, HOST, b'{"a":"b"}', now)


async def _claim(connection: Any, now: int = NOW) -> list[OutboxItem]:
    return await outbox.claim(connection, "w_1", now, lease_s=40, limit=10)


async def _states(store: Store, connection: Any) -> dict[str, str]:
    rows = await connection.execute(select(items).where(items.c.application_id == store.application_id))
    return {row.item_id: row.state for row in rows}


async def test_a_channel_is_found_and_listed_until_it_is_closed(store: Store, maya: Owner) -> None:
    filters = Filters.of([maya.calendar_id, "cal_b", "cal_a", "cal_b"], only_managed=True)
    async with store.transaction() as connection:
        first = await _open(store, connection, maya, filters)
        later = await channels.create(connection, store.application_id, maya.sub, URL, EVERYTHING, NOW + 1)
        earlier = await channels.create(connection, store.application_id, maya.sub, URL, MANAGED, NOW - 1)
        jonas = await store.person(connection, "jonas")
        assert first.channel_id.startswith("chn_") and len(first.channel_id) == 28
        assert first.filters.calendar_ids == tuple(sorted(["cal_a", "cal_b", maya.calendar_id]))
        key = (connection, store.application_id, maya.sub)
        assert await channels.find(*key, first.channel_id) == first
        assert await channels.list_channels(*key) == [earlier, first, later]
        assert await channels.find(connection, store.application_id, jonas.sub, first.channel_id) is None
        assert await channels.list_channels(connection, store.application_id, jonas.sub) == []
        assert await channels.close(connection, store.application_id, first.channel_id, NOW)
        assert not await channels.close(connection, store.application_id, first.channel_id, NOW + 1), "closed already"
        assert await channels.find(*key, first.channel_id) is None
        assert await channels.list_channels(*key) == [earlier, later]


@pytest.mark.parametrize(
    ("url", "filters", "same"),
    [
        pytest.param(URL, Filters.of(["cal_b", "cal_a"], only_managed=True), True, id="the same"),
        pytest.param(URL, Filters.of(["cal_a", "cal_b", "cal_a"], only_managed=True), True, id="in another order"),
        pytest.param(f"{URL}/", Filters.of(["cal_a", "cal_b"], only_managed=True), False, id="another URL"),
        pytest.param(URL, Filters.of(["cal_a", "cal_b"], only_managed=False), False, id="of all events"),
        pytest.param(URL, Filters.of(["cal_a"], only_managed=True), False, id="fewer calendars"),
        pytest.param(URL, MANAGED, False, id="all calendars"),
    ],
)
async def test_the_same_channel_is_one_with_equal_url_and_filters(
    store: Store, maya: Owner, url: str, filters: Filters, same: bool
) -> None:
    async with store.transaction() as connection:
        channel = await _open(store, connection, maya, Filters.of(["cal_a", "cal_b"], only_managed=True))
        found = await channels.find_same(connection, store.application_id, maya.sub, url, filters)
        assert found == (channel if same else None)
        await channels.close(connection, store.application_id, channel.channel_id, NOW)
        assert await channels.find_same(connection, store.application_id, maya.sub, url, filters) is None


@pytest.mark.parametrize(
    ("named", "only_managed", "changed", "managed", "marked"),
    [
        pytest.param(None, False, ["own"], False, True, id="everything"),
        pytest.param(["own"], False, ["own"], False, True, id="its calendar"),
        pytest.param(["own"], False, ["other"], False, False, id="another calendar"),
        pytest.param(["other", "own"], False, ["third", "own"], False, True, id="one of its calendars of several"),
        pytest.param(["other"], False, [], True, False, id="no calendar at all"),
        pytest.param(["cal_ab"], False, ["cal_a"], False, False, id="an id that begins as another does"),
        pytest.param(["cal_ab"], False, ["al_ab"], False, False, id="an id that ends as another does"),
        pytest.param(["calXab"], False, ["cal_ab"], False, False, id="an underscore is no wildcard"),
        pytest.param(None, True, ["own"], False, False, id="only managed, of people"),
        pytest.param(None, True, ["own"], True, True, id="only managed, of the application"),
        pytest.param(None, False, ["own"], True, True, id="everything, of the application"),
        pytest.param(["own"], True, ["own"], True, True, id="both filters met"),
        pytest.param(["own"], True, ["own"], False, False, id="one filter met"),
        pytest.param(["own"], True, ["other"], True, False, id="the other filter met"),
    ],
)
async def test_a_change_is_noted_where_the_filters_match(
    store: Store,
    maya: Owner,
    named: list[str] | None,
    only_managed: bool,
    changed: list[str],
    managed: bool,
    marked: bool,
) -> None:
    ids = {"own": maya.calendar_id, "other": "cal_other", "third": "cal_third"}
    filters = Filters.of(None if named is None else [ids.get(each, each) for each in named], only_managed=only_managed)
    async with store.transaction() as connection:
        channel = await _open(store, connection, maya, filters)
        calendar_ids = [ids.get(each, each) for each in changed]
        await channels.note_change(connection, store.application_id, maya.sub, calendar_ids, NOW, managed=managed)
        found = await channels.find(connection, store.application_id, maya.sub, channel.channel_id)
        assert found is not None
        assert found.changed_since == (NOW if marked else None)
        assert await channels.next_due_at(connection, NOW) == (SOON if marked else None)


async def test_a_change_is_of_one_account_and_of_living_channels(store: Store, maya: Owner) -> None:
    async with store.transaction() as connection:
        jonas = await store.person(connection, "jonas")
        foreign = await store.person(connection, "maya", store.foreign_id)
        await _open(store, connection, jonas)
        await channels.create(connection, store.foreign_id, foreign.sub, URL, EVERYTHING, NOW)
        closed = await _open(store, connection, maya)
        await channels.close(connection, store.application_id, closed.channel_id, NOW)
        await _change(store, connection, maya)
        assert await _due(connection) == [] and await channels.next_due_at(connection, NOW) is None


async def test_changes_that_come_together_are_told_together_since_the_earliest(store: Store, maya: Owner) -> None:
    async with store.transaction() as connection:
        channel = await _open(store, connection, maya)
        await _change(store, connection, maya, NOW)
        await _change(store, connection, maya, NOW + 1)
        await _change(store, connection, maya, NOW - 3)  # of a transaction that began earlier, or of a slower clock
        assert await _due(connection, NOW - 3) == []
        [due] = await _due(connection, NOW)
        assert (due.channel_id, due.changed_since) == (channel.channel_id, NOW - 3)
        await channels.told(connection, due)
        assert await _due(connection, NOW + 100) == [] and await channels.next_due_at(connection, NOW) is None
        await _change(store, connection, maya, NOW + 101)
        [due] = await _due(connection, NOW + 103)
        assert due.changed_since == NOW + 101, "what was told is not told again"


async def test_a_change_is_due_when_its_time_has_come(store: Store, maya: Owner) -> None:
    async with store.transaction() as connection:
        await _open(store, connection, maya)
        await _change(store, connection, maya)
        assert await _due(connection, SOON - 1) == []
        assert await channels.next_due_at(connection, SOON - 1) == SOON
        assert len(await _due(connection, SOON)) == 1
        assert (await channels.next_due_at(connection, SOON + 9) or 0) <= SOON + 9


async def test_what_a_clock_that_was_ahead_wrote_is_due_at_once(store: Store, maya: Owner) -> None:
    async with store.transaction() as connection:
        await _open(store, connection, maya)
        await _change(store, connection, maya, NOW + 86_400)
        assert await channels.next_due_at(connection, NOW) == NOW
        assert len(await _due(connection, NOW)) == 1


async def test_the_most_overdue_come_first_and_only_as_many_as_asked_for(store: Store, maya: Owner) -> None:
    async with store.transaction() as connection:
        opened = [await _open(store, connection, maya, Filters((f"cal_{number}",))) for number in range(3)]
        for number, at in ((1, NOW), (2, NOW + 1), (0, NOW + 2)):
            await _change(store, connection, maya, at, f"cal_{number}")
        found = await _due(connection, NOW + 60, limit=2)
        assert [each.channel_id for each in found] == [opened[1].channel_id, opened[2].channel_id]
        assert await channels.next_due_at(connection, NOW) == SOON


async def test_what_is_put_off_is_due_later_or_with_the_next_change(store: Store, maya: Owner) -> None:
    async with store.transaction() as connection:
        await _open(store, connection, maya)
        await _change(store, connection, maya)
        [due] = await _due(connection)
        await channels.put_off(connection, due, NOW + 100)
        assert await _due(connection, NOW + 99) == [] and await channels.next_due_at(connection, NOW) == NOW + 100
        [again] = await _due(connection, NOW + 100)
        assert again.changed_since == NOW


async def test_a_due_channel_knows_since_when_its_receiver_fails(store: Store, maya: Owner) -> None:
    async def failing_since() -> int | None:
        [due] = await channels.due(connection, SOON, 10)
        return due.failing_since

    async with store.transaction() as connection:
        channel = await _open(store, connection, maya)
        other = await _open(store, connection, maya, url=f"{URL}/other")
        await channels.close(connection, store.application_id, other.channel_id, NOW)
        await _change(store, connection, maya)
        assert await failing_since() is None
        await _promise(store, connection, channel, NOW - 9)
        await _promise(store, connection, other, NOW)
        assert await failing_since() is None, "it was not tried yet"
        for item in await _claim(connection):
            await outbox.settle(connection, item, Attempt(NOW, 1, 500, "no"), state="waiting", due_at=NOW + 60)
        assert await failing_since() == NOW - 9
        for item in await _claim(connection, NOW + 60):
            await outbox.settle(connection, item, Attempt(NOW, 1, 200, "yes"), state="delivered", due_at=None)
        assert await failing_since() is None


async def test_a_notification_is_a_callback_of_no_link_with_its_bytes_sealed(store: Store, maya: Owner) -> None:
    async with store.transaction() as connection:
        channel = await _open(store, connection, maya)
        item_id = await _promise(store, connection, channel)
        [item] = await _claim(connection)
        assert (item.item_id, item.link_id, item.url, item.host) == (item_id, None, URL, HOST)
        assert store.vault.open(item.sealed_body, item.row) == '{"a":"b"}'
        row = (await connection.execute(select(items).where(items.c.item_id == item_id))).one()
        assert (row.kind, row.channel_id, row.created_at) == ("callback", channel.channel_id, NOW)


async def test_closing_ends_what_waits_for_the_channel_and_nothing_else(store: Store, maya: Owner) -> None:
    async with store.transaction() as connection:
        channel, other = await _open(store, connection, maya), await _open(store, connection, maya, MANAGED)
        link = await store.link(connection)
        delivered = await _promise(store, connection, channel)
        [item] = await _claim(connection)
        await outbox.settle(connection, item, Attempt(NOW, 1, 200, "yes"), state="delivered", due_at=None)
        under_way = await _promise(store, connection, channel)
        [held] = await _claim(connection)
        waiting, others = await _promise(store, connection, channel), await _promise(store, connection, other)
        of_link = await outbox.add(connection, store.vault, store.application_id, link.link_id, URL, HOST, b"b", NOW)
        await channels.close(connection, store.application_id, channel.channel_id, NOW)
        assert await _states(store, connection) == {
            delivered: "delivered",
            under_way: "dead",
            waiting: "dead",
            others: "waiting",
            of_link: "waiting",
        }
        assert not await outbox.settle(connection, held, Attempt(NOW, 1, 500, "no"), state="waiting", due_at=NOW)


async def test_a_closed_channel_has_nothing_to_tell(store: Store, maya: Owner) -> None:
    async with store.transaction() as connection:
        channel = await _open(store, connection, maya)
        await _change(store, connection, maya)
        await channels.close(connection, store.application_id, channel.channel_id, NOW)
        assert await _due(connection) == [] and await channels.next_due_at(connection, NOW) is None


async def test_all_channels_of_an_account_are_closed_together(store: Store, maya: Owner) -> None:
    async with store.transaction() as connection:
        jonas = await store.person(connection, "jonas")
        kept = await _open(store, connection, jonas)
        items_of = {
            await _promise(store, connection, await _open(store, connection, maya, each))
            for each in (EVERYTHING, MANAGED)
        }
        kept_item = await _promise(store, connection, kept)
        assert await channels.close_all(connection, store.application_id, maya.sub, NOW) == 2
        assert await channels.close_all(connection, store.application_id, maya.sub, NOW) == 0
        assert await channels.list_channels(connection, store.application_id, maya.sub) == []
        assert await channels.list_channels(connection, store.application_id, jonas.sub) == [kept]
        states = await _states(store, connection)
        assert {states[item] for item in items_of} == {"dead"} and states[kept_item] == "waiting"


async def test_a_closed_channel_is_forgotten_after_its_notifications(store: Store, maya: Owner) -> None:
    async def known() -> set[str]:
        rows = await connection.execute(select(table).where(table.c.sub == maya.sub))
        return {row.channel_id for row in rows}

    async with store.transaction() as connection:
        living, early, late, named = [
            (await _open(store, connection, maya, Filters((f"cal_{number}",)))) for number in range(4)
        ]
        await _promise(store, connection, named)
        for channel, at in ((early, NOW - 1), (late, NOW), (named, NOW - 1)):
            await channels.close(connection, store.application_id, channel.channel_id, at)
        assert await channels.forget_closed(connection, NOW) >= 1
        assert await known() == {living.channel_id, late.channel_id, named.channel_id}
        await outbox.forget_ended(connection, NOW + 1)
        await channels.forget_closed(connection, NOW)
        assert await known() == {living.channel_id, late.channel_id}


async def test_a_change_noted_while_another_is_told_is_not_lost(store: Store, maya: Owner) -> None:
    """The second writer waits for the first: SQLite has one at a time, PostgreSQL locks what `due` returns."""
    async with store.transaction() as connection:
        await _open(store, connection, maya)
        await _change(store, connection, maya, NOW)
    telling, noted = asyncio.Event(), asyncio.Event()

    async def tell() -> None:
        async with store.transaction() as connection:
            [due] = await _due(connection, NOW + 60)
            telling.set()
            await asyncio.sleep(0.2)  # the other one is at its statement now, and must not get through
            assert not noted.is_set()
            await channels.told(connection, due)

    async def note() -> None:
        await telling.wait()
        async with store.transaction() as connection:
            await _change(store, connection, maya, NOW + 61)
            noted.set()

    await asyncio.gather(tell(), note())
    async with store.transaction() as connection:
        [due] = await _due(connection, NOW + 63)
        assert due.changed_since == NOW + 61


async def test_two_workers_do_not_tell_the_same(store: Store, maya: Owner) -> None:
    async with store.transaction() as connection:
        await _open(store, connection, maya)
        await _change(store, connection, maya)

    async def tell() -> int:
        async with store.transaction() as connection:
            found = await _due(connection)
            await asyncio.sleep(0.1)
            for each in found:
                await channels.told(connection, each)
            return len(found)

    assert sorted(await asyncio.gather(tell(), tell())) == [0, 1]


async def test_a_channel_is_closed_while_one_of_its_items_is_being_settled(store: Store, maya: Owner) -> None:
    """A settle that gives up closes the channel too: were each to wait for the other, the database would undo one."""
    async with store.transaction() as connection:
        if connection.dialect.name == "sqlite":
            return  # one writer at a time: nobody holds anything meanwhile
        channel = await _open(store, connection, maya)
        await _promise(store, connection, channel)
        [item] = await _claim(connection)
    settled, closed = asyncio.Event(), asyncio.Event()

    async def settle() -> None:
        async with store.transaction() as connection:
            await outbox.settle(connection, item, Attempt(NOW, 1, 410, "gone"), state="dead", due_at=None)
            settled.set()
            await closed.wait()
            await channels.close(connection, store.application_id, channel.channel_id, NOW)

    async def close() -> None:
        await settled.wait()
        async with store.transaction() as connection:
            assert await channels.close(connection, store.application_id, channel.channel_id, NOW)
            closed.set()

    async with asyncio.timeout(10):
        await asyncio.gather(settle(), close())


async def test_ids_of_two_applications_may_be_the_same(store: Store, maya: Owner) -> None:
    """Ids are drawn at random: nothing else would notice a statement that names a channel but no application."""
    async with store.transaction() as connection:
        channel = await _open(store, connection, maya)
        foreign = await store.person(connection, "maya", store.foreign_id)
        row = (await connection.execute(select(table).where(table.c.channel_id == channel.channel_id))).one()
        await connection.execute(
            insert(table).values(**{**row._mapping, "application_id": store.foreign_id, "sub": foreign.sub})
        )
        twin = await channels.find(connection, store.foreign_id, foreign.sub, channel.channel_id)
        assert twin is not None
        await channels.note_change(connection, store.foreign_id, foreign.sub, [foreign.calendar_id], NOW, managed=False)
        await _change(store, connection, maya, NOW + 1)
        items_of = [await _promise(store, connection, each) for each in (channel, twin)]
        assert {each.application_id: each.changed_since for each in await _due(connection, NOW + 9)} == {
            store.application_id: NOW + 1,
            store.foreign_id: NOW,
        }
        await channels.put_off(connection, channel, NOW + 50)
        assert await _due(connection, NOW + 9) == [twin_at(twin, NOW)]
        await channels.told(connection, channel)
        assert await _due(connection, NOW + 60) == [twin_at(twin, NOW)]
        await channels.close(connection, store.application_id, channel.channel_id, NOW)
        assert await channels.find(connection, store.foreign_id, foreign.sub, channel.channel_id) is not None
        rows = await connection.execute(select(items.c.item_id, items.c.state))
        assert {row.item_id: row.state for row in rows} == {items_of[0]: "dead", items_of[1]: "waiting"}


def twin_at(twin: Channel, changed_since: int) -> Channel:
    return Channel(twin.application_id, twin.channel_id, twin.sub, twin.callback_url, twin.filters, changed_since)
