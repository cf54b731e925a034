"""The outbox: an item is claimed by one at a time, settled by whoever holds it, and never forgotten."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import select

from slotlink.store import outbox, outbox_listing
from slotlink.store.database import open_database
from slotlink.store.outbox import Attempt, OutboxItem
from slotlink.store.tables import outbox_attempts
from tests.contract.store import NOW, Store

LEASE_S = 40
FAILED = Attempt(NOW, 12, 500, "answered 500")
ANSWERED = Attempt(NOW + 60, 34, 204, "answered 204")


async def test_an_item_is_claimed_once_until_its_lease_ends(store: Store) -> None:
    async with store.transaction() as connection:
        item_id = await _add(store, connection)
        [item] = await _claim(connection, "w_1", NOW)
        assert (item.item_id, item.attempts, item.fence, _body(store, item)) == (item_id, 0, 1, "body 1")
        assert await _claim(connection, "w_1", NOW) == []
        assert await _claim(connection, "w_2", NOW + LEASE_S - 1) == []
        [again] = await _claim(connection, "w_2", NOW + LEASE_S)
        assert (again.item_id, again.fence, _body(store, again)) == (item_id, 2, "body 1")


async def test_a_stale_claim_settles_nothing(store: Store) -> None:
    """A worker that slept through its lease comes back: the word of the one who holds the item now counts."""
    async with store.transaction() as connection:
        await _add(store, connection)
        [stale] = await _claim(connection, "w_1", NOW)
        [held] = await _claim(connection, "w_2", NOW + LEASE_S)
    async with store.transaction() as connection:
        assert not await outbox.settle(connection, stale, ANSWERED, state="delivered", due_at=None)
        assert await _states(store, connection) == [("waiting", 0)]
        assert await outbox.settle(connection, held, FAILED, state="waiting", due_at=NOW + 60)
        assert not await outbox.settle(connection, stale, ANSWERED, state="dead", due_at=None)
        assert await _states(store, connection) == [("waiting", 1)]
        assert await _attempts(store, connection) == [(1, 500, "answered 500")]


async def test_an_item_is_settled_once(store: Store) -> None:
    async with store.transaction() as connection:
        await _add(store, connection)
        [item] = await _claim(connection, "w_1", NOW)
        assert await outbox.settle(connection, item, ANSWERED, state="delivered", due_at=None)
        assert not await outbox.settle(connection, item, FAILED, state="dead", due_at=None)
        assert await _states(store, connection) == [("delivered", 1)]
        assert await _claim(connection, "w_1", NOW + 10**6) == []


async def test_a_failed_item_waits_until_it_is_due_and_keeps_its_attempts(store: Store) -> None:
    async with store.transaction() as connection:
        await _add(store, connection)
        [first] = await _claim(connection, "w_1", NOW)
        await outbox.settle(connection, first, FAILED, state="waiting", due_at=NOW + 60)
        assert await _claim(connection, "w_1", NOW + 59) == []
        [second] = await _claim(connection, "w_1", NOW + 60)
        assert (second.item_id, second.sealed_body, second.attempts) == (first.item_id, first.sealed_body, 1)
        await outbox.settle(connection, second, ANSWERED, state="delivered", due_at=None)
        assert await _attempts(store, connection) == [(1, 500, "answered 500"), (2, 204, "answered 204")]


async def test_a_dead_item_stays_dead(store: Store) -> None:
    async with store.transaction() as connection:
        await _add(store, connection)
        [item] = await _claim(connection, "w_1", NOW)
        await outbox.settle(connection, item, FAILED, state="dead", due_at=None)
        assert await _claim(connection, "w_1", NOW + 10**6) == []
        assert await outbox.next_due_at(connection) is None
        assert await _states(store, connection) == [("dead", 1)]


async def test_a_released_item_is_free_at_once_and_its_former_holder_has_lost_it(store: Store) -> None:
    async with store.transaction() as connection:
        await _add(store, connection)
        await _add(store, connection)
        [mine] = await _claim(connection, "w_1", NOW, limit=1)
        [theirs] = await _claim(connection, "w_2", NOW, limit=1)
        await outbox.release(connection, "w_1")
        [again] = await _claim(connection, "w_3", NOW)
        assert again.item_id == mine.item_id != theirs.item_id
        assert not await outbox.settle(connection, mine, ANSWERED, state="delivered", due_at=None)
        assert await outbox.settle(connection, theirs, ANSWERED, state="delivered", due_at=None)
        assert await outbox.settle(connection, again, ANSWERED, state="delivered", due_at=None)


async def test_the_oldest_due_items_come_first_and_no_more_than_asked_for(store: Store) -> None:
    async with store.transaction() as connection:
        for number, due in enumerate((NOW - 10, NOW - 30, NOW + 1, NOW - 20)):
            await _add(store, connection, body=b"%d" % number, now=due)
        assert [_body(store, item) for item in await _claim(connection, "w_1", NOW, limit=2)] == ["1", "3"]
        assert [_body(store, item) for item in await _claim(connection, "w_1", NOW, limit=2)] == ["0"]


async def test_busy_hosts_are_passed_over(store: Store) -> None:
    async with store.transaction() as connection:
        await _add(store, connection, host="slow.test:443")
        await _add(store, connection, host="quick.test:443")
        [item] = await _claim(connection, "w_1", NOW, busy_hosts=["slow.test:443"])
        assert item.host == "quick.test:443"
        assert [item.host for item in await _claim(connection, "w_1", NOW)] == ["slow.test:443"]


async def test_the_next_due_second_looks_past_leases(store: Store) -> None:
    async with store.transaction() as connection:
        assert await outbox.next_due_at(connection) is None
        await _add(store, connection, now=NOW + 500)
        assert await outbox.next_due_at(connection) == NOW + 500
        await _add(store, connection, now=NOW)
        assert await outbox.next_due_at(connection) == NOW
        [item] = await _claim(connection, "w_1", NOW)
        assert await outbox.next_due_at(connection) == NOW + LEASE_S
        await outbox.settle(connection, item, FAILED, state="waiting", due_at=NOW + 900)
        assert await outbox.next_due_at(connection) == NOW + 500


async def test_workers_that_claim_at_once_share_nothing(store: Store, migrated_url: str) -> None:
    async with store.transaction() as connection:
        added = {await _add(store, connection) for _ in range(30)}
    databases = [open_database(migrated_url) for _ in range(3)]

    async def claim_all(number: int) -> list[OutboxItem]:
        taken: list[OutboxItem] = []
        for _ in range(40):
            async with databases[number].transaction() as connection:
                claimed = await _claim(connection, f"w_{number}", NOW, limit=2)
                await asyncio.sleep(0.001)
            taken += claimed
            if len(taken) >= 30 or not claimed:
                break
        return taken

    try:
        taken = [item for items in await asyncio.gather(*(claim_all(n) for n in range(3))) for item in items]
    finally:
        for database in databases:
            await database.close()
    assert sorted(item.item_id for item in taken) == sorted(added)
    assert {item.fence for item in taken} == {1}


async def test_a_claim_does_not_wait_for_another_on_postgresql(store: Store) -> None:
    if store.database.dialect == "sqlite":
        return  # one writer: the second claim is made when the first has ended
    async with store.transaction() as connection:
        await _add(store, connection)
        await _add(store, connection)
    async with store.transaction() as one:
        [first] = await _claim(one, "w_1", NOW, limit=1)
        async with asyncio.timeout(5), store.transaction() as other:
            assert [item.item_id for item in await _claim(other, "w_2", NOW)] != [first.item_id]


async def test_what_was_claimed_in_a_transaction_that_failed_is_free(store: Store) -> None:
    async with store.transaction() as connection:
        await _add(store, connection)
    try:
        async with store.transaction() as connection:
            assert len(await _claim(connection, "w_1", NOW)) == 1
            raise RuntimeError("on purpose")
    except RuntimeError:
        pass
    async with store.transaction() as connection:
        [item] = await _claim(connection, "w_2", NOW)
    assert item.fence == 1


async def test_who_is_claimed_is_asked_for_in_turn(store: Store) -> None:
    """A backlog of one host does not hide the others: refused items are passed over, and stay as they were."""
    async with store.transaction() as connection:
        for _ in range(5):
            await _add(store, connection, host="full.test:443", now=NOW - 9)
        await _add(store, connection, host="open.test:443", now=NOW - 1)
        await _add(store, connection, host="open.test:443", now=NOW)
        asked: list[str] = []

        def admits(host: str) -> bool:
            asked.append(host)
            return host == "open.test:443"

        [item] = await _claim(connection, "w_1", NOW, limit=1, admits=admits)
        assert item.host == "open.test:443" and asked == ["full.test:443"] * 5 + ["open.test:443"]
        assert [item.fence for item in await _claim(connection, "w_1", NOW)] == [1] * 6


async def test_times_that_no_schedule_reaches_were_written_by_a_clock_since_set_back(store: Store) -> None:
    day, furthest_s = 86400, 330
    known = {"lease_s": LEASE_S, "furthest_s": furthest_s}
    async with store.transaction() as connection:
        await _add(store, connection, host="a.test", now=NOW + day)
        await _add(store, connection, host="b.test", now=NOW)
        [held] = await _claim(connection, "w_1", NOW + day, busy_hosts=["a.test"], lease_s=LEASE_S)
        assert await outbox.next_due_at(connection, NOW) == NOW + day, "believed, where nobody says how far is far"
        assert await outbox.next_due_at(connection, NOW, **known) == NOW
        again = await _claim(connection, "w_2", NOW, **known)
        assert sorted(item.host for item in again) == ["a.test", "b.test"]
        assert not await outbox.settle(connection, held, ANSWERED, state="delivered", due_at=None)
        assert await outbox.next_due_at(connection, NOW, **known) == NOW + LEASE_S
        for item in again:
            ahead = furthest_s + outbox.CLOCKS_DIFFER_S  # a node whose clock is a minute ahead wrote this: right
            assert await outbox.settle(connection, item, FAILED, state="waiting", due_at=NOW + ahead)
        assert await _claim(connection, "w_2", NOW, **known) == []
        assert await outbox.next_due_at(connection, NOW, **known) == NOW + ahead


async def test_a_lease_is_believed_as_far_as_clocks_differ(store: Store) -> None:
    async with store.transaction() as connection:
        await _add(store, connection, now=NOW - 1)
        ahead = NOW + outbox.CLOCKS_DIFFER_S
        assert len(await _claim(connection, "w_1", ahead)) == 1
        assert await _claim(connection, "w_2", NOW, furthest_s=10**6) == []
        assert len(await _claim(connection, "w_2", NOW - 1, furthest_s=10**6)) == 1


async def test_what_was_given_up_is_replayed_from_the_start_of_the_schedule(store: Store) -> None:
    async with store.transaction() as connection:
        item_id = await _add(store, connection)
        key = (connection, store.application_id, item_id)
        assert not await outbox.replay(*key, NOW), "still waiting"
        [first] = await _claim(connection, "w_1", NOW)
        await outbox.settle(connection, first, FAILED, state="waiting", due_at=NOW)
        [second] = await _claim(connection, "w_1", NOW)
        assert not await outbox.replay(*key, NOW), "under way"
        await outbox.settle(connection, second, FAILED, state="dead", due_at=None)
        assert await outbox.replay(*key, NOW + 500)
        assert not await outbox.replay(*key, NOW + 500), "waiting again"
        assert not await outbox.settle(connection, second, ANSWERED, state="delivered", due_at=None)
        assert await _claim(connection, "w_1", NOW + 499) == []
        [third] = await _claim(connection, "w_1", NOW + 500)
        assert (third.item_id, third.sealed_body) == (first.item_id, first.sealed_body)
        assert (third.attempts, third.replayed_after, third.fence) == (2, 2, 4)
        await outbox.settle(connection, third, ANSWERED, state="delivered", due_at=None)
        assert not await outbox.replay(*key, NOW + 900), "delivered"
        assert [each.status_code for each in await outbox_listing.attempts_of(*key)] == [500, 500, 204]


async def test_what_ended_is_forgotten_after_its_time_and_nothing_else(store: Store) -> None:
    async with store.transaction() as connection:
        old = [await _add(store, connection, now=NOW - 10) for _ in range(3)]
        claimed = {item.item_id: item for item in await _claim(connection, "w_1", NOW)}
        await outbox.settle(connection, claimed[old[0]], ANSWERED, state="delivered", due_at=None)
        await outbox.settle(connection, claimed[old[1]], FAILED, state="dead", due_at=None)
        await outbox.settle(connection, claimed[old[2]], FAILED, state="waiting", due_at=NOW)
        new = await _add(store, connection, now=NOW)
        [item] = [each for each in await _claim(connection, "w_1", NOW) if each.item_id == new]
        await outbox.settle(connection, item, ANSWERED, state="delivered", due_at=None)
        assert await outbox.forget_ended(connection, NOW - 10) == 0, "none was put in before then"
        assert await outbox.forget_ended(connection, NOW) == 2
        left = {each.item_id for each in await outbox_listing.list_items(connection, failed=False, limit=10)}
        assert left == {old[2], new}, "what still waits is kept for ever"
        assert {row.item_id for row in await connection.execute(select(outbox_attempts.c.item_id))} == left


async def test_an_operator_sees_the_newest_items_of_all_and_what_was_given_up(store: Store) -> None:
    async with store.transaction() as connection:
        old = await _add(store, connection, now=NOW - 60)
        new = await _add(store, connection, now=NOW)
        foreign = await outbox.add(
            connection, store.vault, store.foreign_id, "sch_2", "https://x.test/?key=1", "x.test:443", b"{}", NOW - 1
        )
        [item] = await _claim(connection, "w_1", NOW, limit=1)
        await outbox.settle(connection, item, FAILED, state="dead", due_at=None)
        listed = await outbox_listing.list_items(connection, failed=False, limit=10)
        assert [each.item_id for each in listed] == [new, foreign, old]
        assert [each.item_id for each in await outbox_listing.list_items(connection, failed=False, limit=2)] == [
            new,
            foreign,
        ]
        assert [each.item_id for each in await outbox_listing.list_items(connection, failed=True, limit=10)] == [old]
        found = await outbox_listing.find_anywhere(connection, foreign)
        assert found == outbox_listing.StoredItem(
            store.foreign_id, foreign, "sch_2", "x.test:443", "waiting", 0, NOW - 1, NOW - 1
        )
        assert await outbox_listing.find_anywhere(connection, "msg_unknown") is None
        assert await outbox_listing.attempts_of(connection, store.application_id, old) == [FAILED]


async def _add(
    store: Store, connection: Any, *, host: str = "application.test:443", body: bytes = b"body 1", now: int = NOW
) -> str:
    return await outbox.add(connection, store.vault, store.application_id, "sch_1", f"https://{host}/", host, body, now)


def _body(store: Store, item: OutboxItem) -> str:
    return store.vault.open(item.sealed_body, item.row)


async def _claim(connection: Any, owner: str, now: int, **options: Any) -> list[OutboxItem]:
    return await outbox.claim(connection, owner, now, **{"lease_s": LEASE_S, "limit": 10, **options})


async def _states(store: Store, connection: Any) -> list[tuple[str, int]]:
    return [row[1:] for row in await outbox_listing.of_link(connection, store.application_id, "sch_1")]


async def _attempts(store: Store, connection: Any) -> list[tuple[int, int, str]]:
    rows = await connection.execute(
        select(outbox_attempts.c.number, outbox_attempts.c.status_code, outbox_attempts.c.outcome)
        .where(outbox_attempts.c.application_id == store.application_id)
        .order_by(outbox_attempts.c.number)
    )
    return [tuple(row) for row in rows]
