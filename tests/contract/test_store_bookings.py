"""Bookings: the database itself refuses two that overlap, and what ends a hold."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from slotlink.domain.booking import EventWrite
from slotlink.domain.link import LinkStatus
from slotlink.errors import SlotTaken
from slotlink.store import bookings, links
from slotlink.store.tables import booking_participants
from tests.contract.store import HOUR, NOW, Store, booking

TEN, ELEVEN = NOW + HOUR, NOW + 2 * HOUR
OVERLAPS = {
    "the same": (TEN, ELEVEN),
    "inside": (TEN + 60, ELEVEN - 60),
    "around": (TEN - 60, ELEVEN + 60),
    "into its start": (TEN - HOUR, TEN + 1),
    "out of its end": (ELEVEN - 1, ELEVEN + HOUR),
}
APART = {
    "touching its start": (TEN - HOUR, TEN),
    "touching its end": (ELEVEN, ELEVEN + HOUR),
    "later": (ELEVEN + 60, ELEVEN + HOUR),
}


@pytest.mark.parametrize("times", OVERLAPS.values(), ids=OVERLAPS.keys())
async def test_an_overlap_of_one_participant_is_refused(store: Store, times: tuple[int, int]) -> None:
    async with store.transaction() as connection:
        await store.book(connection, "apc_1", TEN, ELEVEN)
    with pytest.raises(SlotTaken):
        async with store.transaction() as connection:
            await store.book(connection, "apc_1", *times)


@pytest.mark.parametrize("times", OVERLAPS.values(), ids=OVERLAPS.keys())
async def test_an_overlap_is_refused_past_our_code_too(store: Store, times: tuple[int, int]) -> None:
    """Inserted directly, made blocking afterwards, or moved there: the database says no."""
    async with store.transaction() as connection:
        await store.book(connection, "apc_1", TEN, ELEVEN)
        not_blocking = await store.book(connection, "apc_1", *times, blocks=False)
        elsewhere = await store.book(connection, "apc_1", ELEVEN + 10 * HOUR, ELEVEN + 11 * HOUR)
        other = await store.book(connection, "apc_2", *times)
    row = booking_participants.c
    changes: list[tuple[str, dict[str, Any]]] = [
        (not_blocking.link_id, {"blocks": True}),
        (elsewhere.link_id, {"start_at": times[0], "end_at": times[1]}),
        (other.link_id, {"sub": "apc_1"}),
    ]
    for link_id, values in changes:
        with pytest.raises(IntegrityError, match=r"booking.overlap"):
            async with store.transaction() as connection:
                await connection.execute(update(booking_participants).where(row.link_id == link_id).values(**values))
    with pytest.raises(IntegrityError, match=r"booking.overlap"):
        async with store.transaction() as connection:
            link = await store.book(connection, "apc_9", *times)
            await connection.execute(
                booking_participants.insert().values(
                    application_id=store.application_id,
                    link_id=link.link_id,
                    sub="apc_1",
                    event_id="e",
                    start_at=times[0],
                    end_at=times[1],
                    blocks=True,
                )
            )


@pytest.mark.parametrize("times", APART.values(), ids=APART.keys())
async def test_bookings_that_only_touch_stand_side_by_side(store: Store, times: tuple[int, int]) -> None:
    async with store.transaction() as connection:
        await store.book(connection, "apc_1", TEN, ELEVEN)
        await store.book(connection, "apc_1", *times)


async def test_another_person_and_another_application_are_not_in_the_way(store: Store) -> None:
    async with store.transaction() as connection:
        await store.book(connection, "apc_1", TEN, ELEVEN)
        await store.book(connection, "apc_2", TEN, ELEVEN)
        await store.book(connection, "apc_1", TEN, ELEVEN, application_id=store.foreign_id)


async def test_a_booking_that_does_not_block_neither_refuses_nor_is_refused(store: Store) -> None:
    async with store.transaction() as connection:
        await store.book(connection, "apc_1", TEN, ELEVEN, blocks=False)
        await store.book(connection, "apc_1", TEN, ELEVEN)
        await store.book(connection, "apc_1", TEN, ELEVEN, blocks=False)
        assert len(await _holds(store, connection, TEN, ELEVEN)) == 1


async def test_a_link_is_booked_once(store: Store) -> None:
    async with store.transaction() as connection:
        link = await store.book(connection, "apc_1", TEN, ELEVEN)
    with pytest.raises(IntegrityError):
        async with store.transaction() as connection:
            again = booking(link, ("apc_2",), ELEVEN, ELEVEN + HOUR)
            await bookings.insert_booking(connection, store.application_id, "e", again, NOW)
    async with store.reading() as connection:
        found = await bookings.find(connection, store.application_id, link.link_id)
    assert found == bookings.BookingRow(TEN, ELEVEN, "Europe/Paris")


async def test_a_refused_booking_leaves_its_link_open(store: Store) -> None:
    async with store.transaction() as connection:
        await store.book(connection, "apc_2", TEN, ELEVEN)
        link = await store.link(connection)
        before = await store.rows(connection)
    with pytest.raises(SlotTaken):
        async with store.transaction() as connection:
            await links.close(connection, store.application_id, link.link_id, LinkStatus.COMPLETED, NOW)
            await bookings.insert_booking(
                connection, store.application_id, "e", booking(link, ("apc_1", "apc_2"), TEN, ELEVEN), NOW
            )
    async with store.reading() as connection:
        assert await store.rows(connection) == before


async def test_of_bookings_made_at_once_the_database_keeps_one(store: Store) -> None:
    """Without the account locks that our own code takes: this is the guard beneath them."""

    async def book() -> None:
        async with store.transaction() as connection:
            await store.book(connection, "apc_1", TEN, ELEVEN)

    outcomes = await asyncio.gather(*(book() for _ in range(8)), return_exceptions=True)
    assert outcomes.count(None) == 1
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [SlotTaken] * 7


async def test_holds_are_those_that_block_in_the_window_and_have_not_run_out(store: Store) -> None:
    async with store.transaction() as connection:
        await store.book(connection, "apc_1", TEN, ELEVEN, event_id="stands")
        await store.book(connection, "apc_1", ELEVEN, ELEVEN + HOUR, held_until=NOW + 600, event_id="held")
        await store.book(connection, "apc_1", TEN, ELEVEN, blocks=False, event_id="not blocking")
        await store.book(connection, "apc_2", TEN, ELEVEN, event_id="another's")
        assert await _holds(store, connection, TEN, ELEVEN) == ["stands"]
        assert await _holds(store, connection, ELEVEN, ELEVEN + 1) == ["held"]
        assert await _holds(store, connection, ELEVEN - 1, ELEVEN + 1) == ["held", "stands"]
        assert await _holds(store, connection, ELEVEN - 1, ELEVEN + 1, now=NOW + 599) == ["held", "stands"]
        assert await _holds(store, connection, ELEVEN - 1, ELEVEN + 1, now=NOW + 600) == ["stands"]
        assert await _holds(store, connection, TEN - HOUR, TEN) == []


async def test_a_hold_that_ran_out_can_be_booked_over_once_released(store: Store) -> None:
    async with store.transaction() as connection:
        await store.book(connection, "apc_1", TEN, ELEVEN, held_until=NOW + 600)
        await bookings.release_ended_holds(connection, store.application_id, ["apc_1"], NOW + 599)
        assert await _holds(store, connection, TEN, ELEVEN) != []
        await bookings.release_ended_holds(connection, store.application_id, ["apc_2"], NOW + 600)
        assert await _holds(store, connection, TEN, ELEVEN) != []
        await bookings.release_ended_holds(connection, store.application_id, ["apc_1"], NOW + 600)
        await store.book(connection, "apc_1", TEN, ELEVEN)


async def test_excluded_events_are_released_for_the_people_asked_for(store: Store) -> None:
    async with store.transaction() as connection:
        await store.book(connection, "apc_1", TEN, ELEVEN, event_id="old")
        await bookings.release_excluded(connection, store.application_id, ["apc_2"], ["old"])
        await bookings.release_excluded(connection, store.application_id, ["apc_1"], ["another"])
        assert await _holds(store, connection, TEN, ELEVEN) == ["old"]
        await bookings.release_excluded(connection, store.application_id, ["apc_1"], ["old"])
        await store.book(connection, "apc_1", TEN, ELEVEN)


async def test_a_moved_event_releases_its_owner_and_those_only_named_in_it(store: Store) -> None:
    writes = (EventWrite("apc_1", "cal_1", {}), EventWrite("apc_2", "cal_2", {}))
    async with store.transaction() as connection:
        link = await store.link(connection)
        await bookings.insert_booking(
            connection,
            store.application_id,
            "e",
            booking(link, ("apc_1", "apc_2", "apc_3"), TEN, ELEVEN, writes=writes),
            NOW,
        )
        await bookings.release_event(connection, store.application_id, "cal_1", "another")
        assert await _holders(store, connection) == {"apc_1", "apc_2", "apc_3"}
        await bookings.release_event(connection, store.application_id, "cal_1", "e")
        assert await _holders(store, connection) == {"apc_2"}, "whoever has an event of their own is held by that"


async def _holds(store: Store, connection: Any, start: int, end: int, now: int = NOW) -> list[str]:
    held = await bookings.holds_between(connection, store.application_id, ["apc_1"], start, end, now)
    return sorted(hold.event_id for hold in held)


async def _holders(store: Store, connection: Any) -> set[str]:
    everybody = ["apc_1", "apc_2", "apc_3"]
    held = await bookings.holds_between(connection, store.application_id, everybody, TEN, ELEVEN, NOW)
    return {hold.sub for hold in held}
