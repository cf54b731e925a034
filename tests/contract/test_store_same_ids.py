"""Two applications whose rows bear the same ids, three links each: a call concerns the rows it names, and no others.

Ids are drawn at random, so that nothing else would notice a statement that names a link but no application.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from slotlink.domain.booking import EventWrite
from slotlink.domain.hours import CountedEvent
from slotlink.domain.link import Link, LinkStatus
from slotlink.errors import LinkNotOpen
from slotlink.store import accounts, bookings, ids, links, tables
from slotlink.store.bookings import BookingRow, Hold
from tests.contract.store import HOUR, NOW, Owner, Store, booking, terms

TEN, ELEVEN, NOON = NOW + HOUR, NOW + 2 * HOUR, NOW + 3 * HOUR
TAGS = {"private": [{"value": "interview"}]}


@dataclass(frozen=True)
class World:
    """Maya and Jonas are booked by `first` from ten, its event is Maya's; Jonas by `second` from eleven, a hold."""

    maya: Owner
    jonas: Owner
    first: Link
    second: Link
    open: Link

    @property
    def both(self) -> list[str]:
        return [self.maya.sub, self.jonas.sub]

    @classmethod
    async def begin(cls, store: Store, connection: Any, application_id: str, patch: pytest.MonkeyPatch) -> World:
        numbers = itertools.count()
        patch.setattr(ids, "new_id", lambda prefix: f"{prefix}_{next(numbers)}")
        maya = await store.person(connection, "maya", application_id)
        jonas = await store.person(connection, "jonas", application_id)
        made = [
            await links.create(
                connection,
                store.vault,
                application_id,
                {"event_id": event_id, "summary": event_id, "tzid": "Europe/London", "tags": tags},
                terms(maya.sub),
                NOW,
            )
            for event_id, tags in (("one", TAGS), ("two", {}), ("three", {}))
        ]
        world = cls(maya, jonas, *made)
        first = booking(
            world.first, (maya.sub, jonas.sub), TEN, ELEVEN, writes=(EventWrite(maya.sub, maya.calendar_id, {}),)
        )
        second = booking(
            world.second,
            (jonas.sub,),
            ELEVEN,
            NOON,
            held_until=NOW + 600,
            writes=(EventWrite(jonas.sub, jonas.calendar_id, {}),),
        )
        for event_id, each, attempt_id in (("one", first, "att_first"), ("two", second, None)):
            await bookings.insert_booking(connection, application_id, event_id, each, NOW, attempt_id)
            await links.close(connection, application_id, each.link_id, LinkStatus.COMPLETED, NOW)
        patch.undo()
        return world


async def begin(store: Store, connection: Any, patch: pytest.MonkeyPatch) -> World:
    """The world of the store's own application; the other application has one of the same ids."""
    foreign = await World.begin(store, connection, store.foreign_id, patch)
    world = await World.begin(store, connection, store.application_id, patch)
    assert (world.both, world.first.link_id) == (foreign.both, foreign.first.link_id)
    return world


Call = Callable[[Any, str, World], Awaitable[Any]]
Touched = Callable[[World], set[tuple[str, ...]]]
# What each call changes, by table and key.
WRITES: dict[str, tuple[Call, Touched]] = {
    "close": (
        lambda c, a, w: links.close(c, a, w.open.link_id, LinkStatus.DISABLED, NOW),
        lambda w: {("links", w.open.link_id), ("link_history", w.open.link_id, "2")},
    ),
    "set_display_message": (
        lambda c, a, w: links.set_display_message(c, a, w.open.link_id, "gone"),
        lambda w: {("links", w.open.link_id)},
    ),
    "claim_no_times_displayed": (
        lambda c, a, w: links.claim_no_times_displayed(c, a, w.open.link_id, NOW),
        lambda w: {("links", w.open.link_id)},
    ),
    "claim_no_times_suitable": (
        lambda c, a, w: links.claim_no_times_suitable(c, a, w.open.link_id, "", NOW),
        lambda w: {("links", w.open.link_id)},
    ),
    "add_history": (
        lambda c, a, w: links.add_history(c, a, w.open.link_id, NOW, "seen", {}),
        lambda w: {("link_history", w.open.link_id, "2")},
    ),
    "follow_event": (
        lambda c, a, w: links.follow_event(c, a, w.maya.calendar_id, "one", {"summary": "moved"}, TEN, NOON),
        lambda w: {("links", w.first.link_id), ("accounts", w.maya.sub), ("accounts", w.jonas.sub)},
    ),
    "follow_event in a calendar that does not have it": (
        lambda c, a, w: links.follow_event(c, a, w.jonas.calendar_id, "one", {"summary": "moved"}, TEN, NOON),
        lambda w: set(),
    ),
    "release_event": (
        lambda c, a, w: bookings.release_event(c, a, w.maya.calendar_id, "one"),
        lambda w: {
            ("booking_participants", w.first.link_id, w.maya.sub),
            ("booking_participants", w.first.link_id, w.jonas.sub),
            ("accounts", w.maya.sub),
            ("accounts", w.jonas.sub),
        },
    ),
    "release_event in a calendar that does not have it": (
        lambda c, a, w: bookings.release_event(c, a, w.jonas.calendar_id, "one"),
        lambda w: set(),
    ),
    "release_excluded": (
        lambda c, a, w: bookings.release_excluded(c, a, [w.jonas.sub], ["one"]),
        lambda w: {("booking_participants", w.first.link_id, w.jonas.sub), ("accounts", w.jonas.sub)},
    ),
    "release_ended_holds": (
        lambda c, a, w: bookings.release_ended_holds(c, a, w.both, NOW + 600),
        lambda w: {("booking_participants", w.second.link_id, w.jonas.sub), ("accounts", w.jonas.sub)},
    ),
    "insert_booking": (
        lambda c, a, w: bookings.insert_booking(c, a, "three", booking(w.open, (w.maya.sub,), NOON, NOON + HOUR), NOW),
        lambda w: {
            ("bookings", w.open.link_id),
            ("booking_participants", w.open.link_id, w.maya.sub),
            ("accounts", w.maya.sub),
        },
    ),
}


@pytest.mark.parametrize("name", WRITES)
async def test_a_change_concerns_what_it_names_alone(store: Store, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    call, touched = WRITES[name]
    async with store.transaction() as connection:
        world = await begin(store, connection, monkeypatch)
        before = await store.rows(connection)
        others = await store.rows(connection, store.foreign_id)
        await call(connection, store.application_id, world)
        assert changed(before, await store.rows(connection)) == touched(world)
        assert await store.rows(connection, store.foreign_id) == others


def changed(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> set[tuple[str, ...]]:
    """The tables and keys, less the application, of the rows that differ."""
    names: set[tuple[str, ...]] = set()
    for table in tables.metadata.sorted_tables:
        keys = [i for i, column in enumerate(table.c) if column.primary_key and column.name != "application_id"]
        rows = set(before.get(table.name, [])) ^ set(after.get(table.name, []))
        names |= {(table.name, *(str(row[i]) for i in keys)) for row in rows}
    return names


async def test_what_is_read_is_of_whom_it_is_asked_for_alone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async with store.transaction() as connection:
        world = await begin(store, connection, monkeypatch)
        asked = (connection, store.application_id)
        first, second, still_open = (link.link_id for link in (world.first, world.second, world.open))
        assert [await bookings.find(*asked, link_id) for link_id in (first, second, still_open)] == [
            BookingRow(TEN, ELEVEN, "Europe/Paris"),
            BookingRow(ELEVEN, NOON, "Europe/Paris"),
            None,
        ]
        attempts = [await bookings.find_attempt(*asked, link_id) for link_id in (first, second, still_open)]
        assert attempts == ["att_first", None, None]
        window = (TEN, NOON, NOW)
        assert sorted(await bookings.holds_between(*asked, world.both, *window), key=str) == sorted(
            [
                Hold(world.maya.sub, TEN, ELEVEN, "one", None),
                Hold(world.jonas.sub, TEN, ELEVEN, "one", None),
                Hold(world.jonas.sub, ELEVEN, NOON, "two", NOW + 600),
            ],
            key=str,
        )
        one = CountedEvent("one", TEN, ELEVEN, frozenset({("private", "interview")}))
        two = CountedEvent("two", ELEVEN, NOON, frozenset())
        booked = await bookings.booked_between(*asked, world.both, *window)
        assert sorted(booked, key=str) == sorted(
            [(world.maya.sub, one), (world.jonas.sub, one), (world.jonas.sub, two)], key=str
        )
        assert await bookings.booked_between(*asked, [world.maya.sub], *window) == [(world.maya.sub, one)]
        for link in (world.first, world.second, world.open):
            assert (await links.get(connection, store.vault, store.application_id, link.link_id)).token == link.token
        assert [what for _, what, _ in await links.history(*asked, first)] == ["created", "completed"]
        assert await links.history(*asked, still_open) == [(NOW, "created", {})]


async def test_of_a_link_closed_already_its_own_state_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async with store.transaction() as connection:
        world = await begin(store, connection, monkeypatch)
        await links.close(connection, store.application_id, world.open.link_id, LinkStatus.DISABLED, NOW)
        for link, status in ((world.first, "completed"), (world.open, "disabled")):
            with pytest.raises(LinkNotOpen) as refused:
                await links.close(connection, store.application_id, link.link_id, LinkStatus.COMPLETED, NOW)
            assert refused.value.status == status


async def test_whoever_an_event_holds_is_locked_too_from_the_start(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event's owner is locked first; once it is seen whom the event holds, all are, in one go."""
    lock = accounts.lock
    locked: list[set[str]] = []

    async def noted(connection: Any, application_id: str, subs: set[str]) -> None:
        assert application_id == store.application_id
        locked.append(set(subs))
        await lock(connection, application_id, subs)

    async with store.transaction() as connection:
        world = await begin(store, connection, monkeypatch)
        monkeypatch.setattr(accounts, "lock", noted)
        maya, jonas = world.maya, world.jonas
        asked = (connection, store.application_id)
        for owner, event_id, holds, rounds in (
            (maya, "one", True, [{maya.sub}, {maya.sub, jonas.sub}]),
            (maya, None, True, [{maya.sub}, {maya.sub, jonas.sub}]),
            (maya, "two", False, [{maya.sub}]),
            (jonas, "two", True, [{jonas.sub}]),
            (jonas, "one", False, [{jonas.sub}]),
        ):
            locked.clear()
            assert await bookings.lock_for_release(*asked, [owner.sub], [owner.calendar_id], event_id) is holds
            assert locked == rounds, (owner.sub, event_id)
        await bookings.release_event(*asked, maya.calendar_id, "one")
        locked.clear()
        assert await bookings.lock_for_release(*asked, [maya.sub], [maya.calendar_id], "one"), "links follow it still"
        assert locked == [{maya.sub}], "nobody is held by it any more"


async def test_a_lock_holds_the_link_that_it_names_alone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async with store.transaction() as connection:
        world = await begin(store, connection, monkeypatch)
    named = (store.application_id, world.first.link_id)
    everything = {
        (application_id, link.link_id)
        for application_id in (store.application_id, store.foreign_id)
        for link in (world.first, world.second, world.open)
    }
    if store.database.dialect == "sqlite":
        return  # one writer: whoever writes holds everything
    unlocked = (
        select(tables.links.c.application_id, tables.links.c.link_id)
        .where(tables.links.c.application_id.in_([store.application_id, store.foreign_id]))
        .with_for_update(skip_locked=True)
    )
    async with store.transaction() as connection:
        await links.lock(connection, *named)
        async with store.transaction() as other:
            assert {tuple(row) for row in await other.execute(unlocked)} == everything - {named}
    async with store.transaction() as other:
        assert {tuple(row) for row in await other.execute(unlocked)} == everything
