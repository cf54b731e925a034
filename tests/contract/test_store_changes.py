"""Notices of changes to other processes: few, and none that is the last is left out."""

from __future__ import annotations

import asyncio

import pytest

from slotlink.store import changes
from slotlink.store.changes import CHANGES_CHANNEL, ChangeNotices, notify
from slotlink.store.database import open_database
from slotlink.store.postgresql import listen
from tests.contract.store import Store
from tests.postgresql import Cluster

DEADLINE_S = 20


async def test_the_first_is_told_at_once_and_those_of_the_next_moment_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told, go_on = asyncio.Queue[int](), asyncio.Event()

    async def pause(_seconds: float) -> None:
        await go_on.wait()

    async def tell() -> None:
        told.put_nowait(1)

    async def next_one() -> None:
        async with asyncio.timeout(DEADLINE_S):
            await told.get()

    notices = ChangeNotices(tell)
    monkeypatch.setattr(changes.asyncio, "sleep", pause)
    notices()
    await next_one()
    for _ in range(5):
        notices()
    assert told.empty()
    go_on.set()
    await next_one()
    async with asyncio.timeout(DEADLINE_S):
        assert notices.telling is not None
        await notices.telling
    assert told.empty()
    notices()
    await next_one()


async def test_who_listens_hears_of_it_once_it_is_there_to_be_read(cluster: Cluster) -> None:
    url = cluster.migrated_database()
    database, heard = open_database(url), asyncio.Queue[None]()
    listening = asyncio.create_task(listen(url, CHANGES_CHANNEL, lambda: heard.put_nowait(None)))
    try:
        async with asyncio.timeout(DEADLINE_S):
            await heard.get()  # connected
            database.on_change = ChangeNotices(lambda: notify(database, CHANGES_CHANNEL))
            store = await Store.begin(database)
            async with store.transaction() as connection:
                await store.person(connection)
            await heard.get()
    finally:
        listening.cancel()
        await asyncio.wait([listening])
        await database.close()
    await notify(open_database("postgresql://slotlink@127.0.0.1:1/none"), CHANGES_CHANNEL)  # best effort
