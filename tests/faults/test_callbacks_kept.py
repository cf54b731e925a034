"""Callbacks that outlive their process, and workers that share them: kept, delivered once at a time, given back."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from pathlib import Path

from slotlink.app import working
from slotlink.services.deps import Deps
from slotlink.store.outbox import Attempt, OutboxItem
from slotlink.worker.loop import Worker
from tests.center import HOUR, Center
from tests.faults.deliveries import (
    Deliveries,
    conversing,
    hang,
    received,
    verified,
)
from tests.faults.live import LiveCenter, form_post, send
from tests.postgresql import Cluster
from tests.serving import LiveServer, Received, Receiver, environ_for


def test_the_body_is_fixed_when_the_booking_commits(tmp_path: Path, receiver: Receiver) -> None:
    """The event moves and the link with it; what was promised is delivered as it was promised."""
    with Center(tmp_path, SLOTLINK_CALLBACK_ALLOW=receiver.host) as center:
        maya = center.person("maya")
        link = center.create_link(maya, callback_urls={"completed_url": receiver.url})
        assert link.choose(link.page().slots[0]).code == 303
        promised = link.status()
        start = center.clock.now + 3 * 24 * HOUR
        maya.event("interview-1", int(start), int(start) + HOUR)
        assert link.status() != promised

        async def deliver(deps: Deps) -> Received:
            async with working(deps, center.clock):
                return await received(receiver)

        callback = center.run(deliver)
        assert callback.content["real_time_scheduling"] == promised
        assert callback.content["event"] == promised["event"]
        assert verified(callback, center.client_secret)


async def test_workers_of_one_database_never_deliver_an_attempt_at_once(
    cluster: Cluster,
    tmp_path: Path,
) -> None:
    variables = {"SLOTLINK_DATABASE_URL": cluster.migrated_database(), "SLOTLINK_CALLBACK_RETRIES": "1s,1s"}
    async with Deliveries.at(tmp_path, **variables) as one, Deliveries.at(tmp_path, **variables) as two:
        under_way: set[str] = set()
        delivered: list[tuple[str, int]] = []

        async def deliver(item: OutboxItem) -> Attempt:
            assert item.item_id not in under_way, "two workers at one item"
            under_way.add(item.item_id)
            await asyncio.sleep(0.02)
            under_way.remove(item.item_id)
            delivered.append((item.item_id, item.attempts))
            return Attempt(int(time.time()), 20, 200 if item.attempts else 500, "as planned")

        added = [await one.put(f"http://host-{number % 7}.test/") for number in range(40)]
        workers = [Worker(deliveries.deps, deliver) for deliveries in (one, two)]
        running = [asyncio.create_task(worker.run()) for worker in workers]
        await one.until(80, within=30)
        for worker in workers:
            worker.stop()
        await asyncio.gather(*running)
        assert sorted(delivered) == sorted((item_id, attempt) for item_id in added for attempt in (0, 1))
        assert set(await one.states()) == {("delivered", 2)}


def test_a_callback_survives_the_death_of_the_server(tmp_path: Path) -> None:
    with socket.socket() as reserved:  # bound and not listening: the receiver is down, and nobody takes its port
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        variables = {
            "SLOTLINK_CALLBACK_ALLOW": f"127.0.0.1:{port}",
            "SLOTLINK_CALLBACK_RETRIES": ",".join(["1s"] * 60),
        }
        server = LiveServer(tmp_path, **variables)
        with LiveCenter.at(server, environ_for(tmp_path, **variables)) as center:
            maya = center.person("maya")
            links = [
                center.create_link(maya, callback_urls={"completed_url": f"http://127.0.0.1:{port}/{number}"})
                for number in range(3)
            ]
            for number, link in enumerate(links):
                page = link.page()
                raw = form_post(link.url, {**page.hidden, "slot": page.slots[number * 4]})
                assert send(link.url, raw).code == 303
        server.process.send_signal(signal.SIGKILL)
        assert server.stop() == -signal.SIGKILL
    receiver = Receiver(port)
    again = LiveServer(tmp_path, **variables)
    try:
        callbacks = [receiver.received.get(timeout=20) for _ in links]
        assert {callback.path for callback in callbacks} == {"/0", "/1", "/2"}
        assert len({callback.headers["webhook-id"] for callback in callbacks}) == 3
        assert all(verified(callback, center.client_secret) for callback in callbacks)
        assert {callback.content["real_time_scheduling"]["status"] for callback in callbacks} == {"completed"}
    finally:
        assert again.stop() == 0
        receiver.close()


async def test_a_clean_stop_ends_in_time_and_gives_leases_back(tmp_path: Path) -> None:
    """In the middle of an attempt that hangs longer than a stop may take."""
    reached = asyncio.Event()

    async def reach(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()
        await hang(reader, writer)

    async with conversing(reach) as host:
        variables = {"SLOTLINK_CALLBACK_ALLOW": host, "SLOTLINK_CALLBACK_TIMEOUT": "60s"}
        environ = environ_for(tmp_path, **variables)
        server = await asyncio.to_thread(LiveServer, tmp_path, **variables)

        def book() -> None:
            with LiveCenter.at(server, environ) as center:
                link = center.create_link(center.person("maya"), callback_urls={"completed_url": f"http://{host}/"})
                page = link.page()
                assert send(link.url, form_post(link.url, {**page.hidden, "slot": page.slots[0]})).code == 303

        await asyncio.to_thread(book)
        await asyncio.wait_for(reached.wait(), 10)
        async with Deliveries.at(tmp_path, **variables) as deliveries:
            assert [owner is None for owner in await deliveries.lease_owners()] == [False]
            began = time.monotonic()
            assert await asyncio.to_thread(server.stop) == 0
            assert time.monotonic() - began < 10
            assert await deliveries.lease_owners() == [None]
