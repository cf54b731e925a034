"""Events of embedded calendars: written by id, read in pages, weighed as busy time."""

from __future__ import annotations

from typing import Any

import pytest

from slotlink.domain.event import EventTime
from slotlink.store import event_listing, events
from slotlink.store.calendars import create_calendar
from slotlink.store.event_listing import Listing
from slotlink.store.events import Occurrence
from tests.contract.store import DAY, HOUR, NOW, Owner, Store

TEN, ELEVEN = NOW + HOUR, NOW + 2 * HOUR


async def test_the_same_id_again_replaces_the_event(store: Store) -> None:
    async with store.transaction() as connection:
        maya = await store.person(connection)
        first = await store.event(connection, maya.calendar_id, "lunch", TEN, ELEVEN, location="here")
        again = await store.event(connection, maya.calendar_id, "lunch", ELEVEN, ELEVEN + 60, "tentative")
        [row] = await _page(store, connection, maya)
        other = await store.event(connection, maya.calendar_id, "supper", TEN, ELEVEN)
    assert first == again != other
    assert (row.start, row.end, row.kind, row.details) == (ELEVEN, ELEVEN + 60, "tentative", {"summary": "lunch"})
    assert row.event_id == "lunch" and row.event_uid == first and row.created_at == NOW


async def test_the_same_id_in_two_calendars_is_two_events(store: Store) -> None:
    async with store.transaction() as connection:
        maya, jonas = await store.person(connection, "maya"), await store.person(connection, "jonas")
        uids = {await store.event(connection, owner.calendar_id, "lunch", TEN, ELEVEN) for owner in (maya, jonas)}
    assert len(uids) == 2


async def test_an_imported_object_is_updated_by_its_uid(store: Store) -> None:
    async with store.transaction() as connection:
        maya = await store.person(connection)
        first = await _imported(store, connection, maya, "u@x", [TEN, TEN + DAY], {"summary": "standup"})
        again = await _imported(store, connection, maya, "u@x", [ELEVEN], {"summary": "later"})
        rows = await _page(store, connection, maya)
        assert await events.recurring_objects(connection, store.application_id, maya.calendar_id) == [(first, "u@x")]
    assert first == again
    assert [(row.start, row.details["summary"], row.event_id, row.recurring) for row in rows] == [
        (ELEVEN, "later", None, True)
    ]


async def test_an_occurrence_may_differ_from_its_event(store: Store) -> None:
    time = EventTime(TEN, ELEVEN, "Etc/UTC")
    moved = EventTime(ELEVEN, ELEVEN + 60, "Etc/UTC")
    occurrences = [Occurrence(TEN, time, "busy"), Occurrence(TEN + DAY, moved, "free", {"summary": "off"})]
    async with store.transaction() as connection:
        maya = await store.person(connection)
        await events.upsert_imported(
            connection, store.application_id, maya.calendar_id, "u", "ical", {"summary": "a"}, True, occurrences, NOW
        )
        rows = await _page(store, connection, maya)
    assert [(row.occurrence, row.details, row.kind) for row in rows] == [
        (TEN, {"summary": "a"}, "busy"),
        (TEN + DAY, {"summary": "off"}, "free"),
    ]


async def test_a_deleted_event_is_free_and_listed_only_when_asked_for(store: Store) -> None:
    async with store.transaction() as connection:
        maya = await store.person(connection)
        calendar = [maya.calendar_id]
        uid = await store.event(connection, maya.calendar_id, "lunch", TEN, ELEVEN)
        await _imported(store, connection, maya, "u", [TEN], {})
        for _ in range(2):
            await events.delete_managed(connection, store.application_id, calendar, "lunch", NOW + 5)
        assert [row.event_id for row in await _page(store, connection, maya)] == [None]
        assert [(row.event_uid, row.deleted) for row in await _page(store, connection, maya, include_deleted=True)][
            -2:
        ].count((uid, True)) == 1
        assert [row.event_id for row in await _busy(store, connection, maya, TEN, ELEVEN)] == [None]
        assert await events.managed_ids(connection, store.application_id, maya.calendar_id) == []
        assert await store.event(connection, maya.calendar_id, "lunch", TEN, ELEVEN) == uid
        assert len(await _busy(store, connection, maya, TEN, ELEVEN)) == 2


async def test_deleting_without_an_id_deletes_what_the_application_wrote(store: Store) -> None:
    async with store.transaction() as connection:
        maya = await store.person(connection)
        for event_id in ("a", "b"):
            await store.event(connection, maya.calendar_id, event_id, TEN, ELEVEN)
        await _imported(store, connection, maya, "u", [TEN], {})
        assert sorted(await events.managed_ids(connection, store.application_id, maya.calendar_id)) == ["a", "b"]
        await events.delete_managed(connection, store.application_id, [maya.calendar_id], None, NOW)
        assert [row.event_id for row in await _page(store, connection, maya)] == [None]


async def test_busy_time_is_half_open(store: Store) -> None:
    async with store.transaction() as connection:
        maya = await store.person(connection)
        for event_id, start, end, kind in (
            ("late", TEN + 1800, ELEVEN + 1800, "busy"),
            ("early", TEN - 1800, TEN + 60, "tentative"),
            ("before", TEN - HOUR, TEN, "busy"),
            ("after", ELEVEN, ELEVEN + HOUR, "busy"),
            ("free", TEN, ELEVEN, "free"),
            ("long", NOW - 30 * DAY, NOW + 30 * DAY, "busy"),
        ):
            await store.event(connection, maya.calendar_id, event_id, start, end, kind)  # type: ignore[arg-type]
        rows = await _busy(store, connection, maya, TEN, ELEVEN)
    found = sorted((str(row.event_id), row.kind) for row in rows)  # in no order of its own
    assert found == [("early", "tentative"), ("late", "busy"), ("long", "busy")]


async def test_busy_time_is_read_for_the_calendars_asked_for(store: Store) -> None:
    async with store.transaction() as connection:
        maya, jonas = await store.person(connection, "maya"), await store.person(connection, "jonas")
        for owner in (maya, jonas):
            await store.event(connection, owner.calendar_id, "lunch", TEN, ELEVEN)
        both = [maya.calendar_id, jonas.calendar_id]
        rows = await events.busy_between(connection, store.application_id, both, TEN, ELEVEN)
        assert {row.calendar_id for row in rows} == set(both)
        assert [row.calendar_id for row in await _busy(store, connection, maya, TEN, ELEVEN)] == [maya.calendar_id]
        assert await events.busy_between(connection, store.application_id, [], TEN, ELEVEN) == []


@pytest.mark.parametrize("size", [1, 2, 3, 50])
async def test_pages_hold_every_occurrence_once_and_in_order(store: Store, size: int) -> None:
    """Many at one instant, in two calendars: the key goes on where the page ended."""
    async with store.transaction() as connection:
        maya = await store.person(connection)
        second = await create_calendar(
            connection, store.application_id, maya.sub, maya.profile_id, "2", tzid="Etc/UTC", now=NOW
        )
        for number in range(4):
            await store.event(connection, maya.calendar_id, f"a{number}", TEN, ELEVEN)
            await store.event(connection, second, f"b{number}", TEN, TEN + number)
        await _imported(store, connection, maya, "u", [TEN, ELEVEN, TEN + DAY], {})
        listing = Listing(maya.sub, include_managed=True)
        keys: list[tuple[int, str, str, int]] = []
        for _ in range(20):
            after = keys[-1] if keys else None
            page = await event_listing.read_page(connection, store.application_id, listing, after, size)
            assert len(page) <= size
            keys += [row.key for row in page]
        assert await event_listing.count(connection, store.application_id, listing) == 11
    assert keys == sorted(set(keys)) and len(keys) == 11


async def test_a_listing_tells_apart_managed_free_deleted_and_changed(store: Store) -> None:
    async with store.transaction() as connection:
        maya = await store.person(connection)
        await store.event(connection, maya.calendar_id, "managed", TEN, ELEVEN)
        await store.event(connection, maya.calendar_id, "free", TEN, ELEVEN, "free")
        await store.event(connection, maya.calendar_id, "gone", TEN, ELEVEN)
        await store.event(connection, maya.calendar_id, "far", NOW + 90 * DAY, NOW + 91 * DAY)
        await _imported(store, connection, maya, "u", [TEN], {})
        await events.delete_managed(connection, store.application_id, [maya.calendar_id], "gone", NOW + 60)

        async def listed(**asked: Any) -> set[str | None]:
            listing = Listing(maya.sub, **asked)
            rows = await event_listing.read_page(connection, store.application_id, listing, None, 50)
            assert await event_listing.count(connection, store.application_id, listing) == len(rows)
            return {row.event_id for row in rows}

        day = {"start": NOW, "end": NOW + DAY}
        assert await listed(**day) == {None}
        assert await listed(**day, include_managed=True) == {None, "managed", "free"}
        assert await listed(**day, include_managed=True, include_free=False) == {None, "managed"}
        assert await listed(**day, only_managed=True) == {"managed", "free"}
        assert await listed(**day, only_managed=True, include_deleted=True) == {"managed", "free", "gone"}
        assert await listed(**day, include_managed=True, managed_outside_window=True) == {
            None,
            "managed",
            "free",
            "far",
        }
        assert await listed(include_managed=True, include_deleted=True, modified_since=NOW + 60) == {"gone"}
        assert await listed(include_managed=True, calendar_ids=("cal_other",)) == set()
        assert await listed(include_managed=True, start=ELEVEN + 1, end=NOW + DAY) == set()


async def test_an_event_ends_no_earlier_than_it_starts(store: Store) -> None:
    with pytest.raises(Exception, match=r"ck_busy_periods_order|CHECK constraint"):
        async with store.transaction() as connection:
            maya = await store.person(connection)
            await store.event(connection, maya.calendar_id, "backwards", ELEVEN, TEN)


async def _imported(
    store: Store, connection: Any, owner: Owner, uid: str, starts: list[int], details: dict[str, Any]
) -> str:
    occurrences = [Occurrence(start, EventTime(start, start + 900, "Etc/UTC"), "busy") for start in starts]
    return await events.upsert_imported(
        connection, store.application_id, owner.calendar_id, uid, uid, details, True, occurrences, NOW
    )


async def _page(store: Store, connection: Any, owner: Owner, **asked: Any) -> list[event_listing.EventRow]:
    listing = Listing(owner.sub, include_managed=True, **asked)
    return await event_listing.read_page(connection, store.application_id, listing, None, 50)


async def _busy(store: Store, connection: Any, owner: Owner, start: int, end: int) -> list[events.BusyRow]:
    return await events.busy_between(connection, store.application_id, [owner.calendar_id], start, end)
