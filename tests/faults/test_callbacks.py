"""Callbacks under fault: signed, repeated by the schedule, cut off in time, kept over every kind of end."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import Generator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from slotlink.app import working
from slotlink.services.deps import Deps
from slotlink.store import applications
from slotlink.store.outbox import Attempt, OutboxItem
from slotlink.worker.loop import CONCURRENT_PER_HOST, Worker
from tests.center import HOUR, Center
from tests.faults.commands import Commands
from tests.faults.deliveries import (
    BODY,
    Conversation,
    Deliveries,
    babble,
    conversing,
    drip_head,
    endless_body,
    hang,
    received,
    reset,
    verified,
)
from tests.faults.live import LiveCenter, form_post, send
from tests.postgresql import Cluster
from tests.serving import LiveServer, Received, Receiver, environ_for

QUICK = {"SLOTLINK_CALLBACK_TIMEOUT": "1s", "SLOTLINK_CALLBACK_RETRIES": "1h"}


async def test_a_callback_is_repeated_by_the_schedule_with_one_id_and_one_body(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.answers = [500, 404, 200]
    async with _allowing(tmp_path, receiver, SLOTLINK_CALLBACK_RETRIES="1s,1s,1s") as deliveries:
        item_id = await deliveries.put(f"{receiver.url}/hook?a=b")
        async with deliveries.worked():
            await deliveries.until(3)
            attempts = [receiver.received.get_nowait() for _ in range(3)]
        assert await deliveries.states() == [("delivered", 3)]
        assert [code for code, *_ in await deliveries.attempts(item_id)] == [500, 404, 200]
        assert all(verified(attempt, deliveries.secret) for attempt in attempts)
    assert {attempt.body for attempt in attempts} == {BODY}
    assert {attempt.path for attempt in attempts} == {"/hook?a=b"}
    assert {attempt.headers["webhook-id"] for attempt in attempts} == {item_id}
    assert {attempt.headers["content-type"] for attempt in attempts} == {"application/json; charset=utf-8"}
    stamps = [int(attempt.headers["webhook-timestamp"]) for attempt in attempts]
    assert stamps == sorted(set(stamps)), "stamped anew each time, at least a second apart"


async def test_a_callback_is_dead_after_the_last_pause(tmp_path: Path, receiver: Receiver) -> None:
    receiver.answers = [500] * 9
    async with _allowing(tmp_path, receiver, SLOTLINK_CALLBACK_RETRIES="1s") as deliveries:
        await deliveries.put(receiver.url)
        async with deliveries.worked():
            await deliveries.until(2)
            await asyncio.sleep(1.5)
        assert await deliveries.states() == [("dead", 2)]
    assert receiver.received.qsize() == 2


async def test_410_ends_a_callback(tmp_path: Path, receiver: Receiver) -> None:
    receiver.answers = [410]
    async with _allowing(tmp_path, receiver, SLOTLINK_CALLBACK_RETRIES="1s,1s") as deliveries:
        await deliveries.put(receiver.url)
        async with deliveries.worked():
            await deliveries.until(1)
            await asyncio.sleep(1.5)
        assert await deliveries.states() == [("dead", 1)]
    assert receiver.received.qsize() == 1


async def test_a_redirect_is_a_failure_and_not_followed(tmp_path: Path, receiver: Receiver) -> None:
    for code in (301, 302, 303, 307, 308):

        async def redirect(_reader: object, writer: asyncio.StreamWriter, code: int = code) -> None:
            head = f"HTTP/1.1 {code} Elsewhere\r\nLocation: {receiver.url}/elsewhere\r\nContent-Length: 0\r\n\r\n"
            writer.write(head.encode())
            await writer.drain()

        async with conversing(redirect) as host:
            variables = QUICK | {"SLOTLINK_CALLBACK_ALLOW": f"{host},{receiver.host}"}
            async with Deliveries.at(tmp_path / str(code), **variables) as deliveries:
                item_id = await deliveries.put(f"http://{host}/")
                async with deliveries.worked():
                    await deliveries.until(1)
                assert await deliveries.states() == [("waiting", 1)]
                assert [attempt[:2] for attempt in await deliveries.attempts(item_id)] == [(code, f"answered {code}")]
    assert receiver.received.empty()


@pytest.mark.parametrize("conversation", [hang, drip_head])
async def test_one_deadline_holds_for_the_whole_exchange(tmp_path: Path, conversation: Conversation) -> None:
    async with (
        conversing(conversation) as host,
        Deliveries.at(tmp_path, **QUICK, SLOTLINK_CALLBACK_ALLOW=host) as deliveries,
    ):
        item_id = await deliveries.put(f"http://{host}/")
        async with deliveries.worked():
            await deliveries.until(1, within=8)
        [(code, outcome, took_ms)] = await deliveries.attempts(item_id)
        assert (code, outcome) == (None, "no answer in time") and 900 <= took_ms < 3000
        assert await deliveries.states() == [("waiting", 1)]


async def test_an_answer_counts_as_soon_as_its_head_is_there(tmp_path: Path) -> None:
    """Nobody reads the body: an endless one keeps neither the worker nor memory."""
    async with (
        conversing(endless_body) as host,
        Deliveries.at(tmp_path, **QUICK, SLOTLINK_CALLBACK_ALLOW=host) as deliveries,
    ):
        item_id = await deliveries.put(f"http://{host}/")
        async with deliveries.worked():
            await deliveries.until(1, within=8)
        [(code, _, took_ms)] = await deliveries.attempts(item_id)
        assert code == 200 and took_ms < 1500
        assert await deliveries.states() == [("delivered", 1)]


@pytest.mark.parametrize("conversation", [reset, babble])
async def test_whatever_a_receiver_says_is_an_outcome(tmp_path: Path, conversation: Conversation) -> None:
    async with (
        conversing(conversation) as host,
        Deliveries.at(tmp_path, **QUICK, SLOTLINK_CALLBACK_ALLOW=host) as deliveries,
    ):
        item_id = await deliveries.put(f"http://{host}/")
        async with deliveries.worked():
            await deliveries.until(1)
        [(code, outcome, _)] = await deliveries.attempts(item_id)
        assert code is None and "our fault" not in outcome
        assert await deliveries.states() == [("waiting", 1)]


async def test_an_attempt_that_could_not_connect_says_why(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        host = "{}:{}".format(*closed.getsockname())
        async with Deliveries.at(tmp_path, **QUICK, SLOTLINK_CALLBACK_ALLOW=host) as deliveries:
            item_id = await deliveries.put(f"http://{host}/")
            async with deliveries.worked():
                await deliveries.until(1)
            [(_, outcome, _)] = await deliveries.attempts(item_id)
    assert "refused" in outcome.lower()


async def test_a_receiver_that_hangs_does_not_delay_another(tmp_path: Path, receiver: Receiver) -> None:
    async with conversing(hang) as host:
        variables = {"SLOTLINK_CALLBACK_TIMEOUT": "20s", "SLOTLINK_CALLBACK_ALLOW": f"{host},{receiver.host}"}
        async with Deliveries.at(tmp_path, **variables) as deliveries:
            for _ in range(3 * CONCURRENT_PER_HOST):
                await deliveries.put(f"http://{host}/")
            await deliveries.put(receiver.url)
            async with deliveries.worked():
                await received(receiver, within=3)
                owners = await deliveries.lease_owners()
                assert 1 <= len(owners) - owners.count(None) <= CONCURRENT_PER_HOST + 1
            assert await deliveries.lease_owners() == [None] * len(owners), "given back at the end"


async def test_two_active_secrets_sign_both(tmp_path: Path, receiver: Receiver) -> None:
    async with _allowing(tmp_path, receiver) as deliveries:
        old, now = deliveries.secret, int(time.time())
        async with deliveries.deps.database.transaction() as connection:
            new = await applications.rotate_secret(connection, deliveries.deps.vault, deliveries.application_id, now)
        async with deliveries.worked():
            await deliveries.put(receiver.url)
            both = await received(receiver)
            async with deliveries.deps.database.transaction() as connection:
                await applications.revoke_oldest_secret(connection, deliveries.application_id, now)
            await deliveries.put(receiver.url)
            one = await received(receiver)
    digests = both.headers["cronofy-hmac-sha256"]
    assert digests.count(",") == 1 and " " not in digests
    assert both.headers["webhook-signature"].count(" ") == 1
    assert verified(both, old) and verified(both, new)
    assert verified(one, new) and not verified(one, old) and "," not in one.headers["cronofy-hmac-sha256"]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "127.1", "0.0.0.0", "inside.test"]
)
async def test_an_internal_address_is_refused_where_the_socket_is_made(
    tmp_path: Path, receiver: Receiver, host: str, names: None
) -> None:
    """Past the check at creation: whatever the outbox holds and whatever a name resolves to. With a canary behind."""
    port = receiver.host.partition(":")[2]
    async with Deliveries.at(tmp_path, **QUICK, SLOTLINK_CALLBACK_ALLOW=f"127.0.0.2:{port},127.0.0.1:1") as deliveries:
        item_id = await deliveries.put(f"http://{host}:{port}/")
        async with deliveries.worked():
            await deliveries.until(1)
        [(code, outcome, _)] = await deliveries.attempts(item_id)
    assert code is None and ("internal address" in outcome or "not a canonical IPv4 address" in outcome), outcome
    assert receiver.received.empty()


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1", "127.0.0.1:{port}"),
        ("127.0.0.1", "127.0.0.0/8"),
        ("inside.test", "inside.test:{port}"),
        ("inside.test", "127.0.0.1"),
    ],
)
async def test_what_the_operator_allows_is_reached(
    tmp_path: Path, receiver: Receiver, host: str, allowed: str, names: None
) -> None:
    port = receiver.host.partition(":")[2]
    variables = QUICK | {"SLOTLINK_CALLBACK_ALLOW": allowed.format(port=port)}
    async with Deliveries.at(tmp_path, **variables) as deliveries:
        await deliveries.put(f"http://{host}:{port}/")
        async with deliveries.worked():
            await received(receiver, within=5)


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
    cluster: Cluster, tmp_path: Path, commands: Commands
) -> None:
    variables = {"SLOTLINK_DATABASE_URL": cluster.new_database(), "SLOTLINK_CALLBACK_RETRIES": "1s,1s"}
    assert commands(environ_for(tmp_path, **variables), "migrate").code == 0
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


def test_a_callback_survives_the_death_of_the_server(tmp_path: Path, commands: Commands) -> None:
    with socket.socket() as reserved:  # bound and not listening: the receiver is down, and nobody takes its port
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        variables = {
            "SLOTLINK_CALLBACK_ALLOW": f"127.0.0.1:{port}",
            "SLOTLINK_CALLBACK_RETRIES": ",".join(["1s"] * 60),
        }
        server = LiveServer(tmp_path, **variables)
        with LiveCenter.at(server, commands, environ_for(tmp_path, **variables)) as center:
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


async def test_a_clean_stop_ends_in_time_and_gives_leases_back(tmp_path: Path, commands: Commands) -> None:
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
            with LiveCenter.at(server, commands, environ) as center:
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


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """`inside.test` resolves to the loopback, as a hostile name server would have it."""
    real = socket.getaddrinfo

    def getaddrinfo(host: str, *arguments: object, **options: object) -> object:
        return real("127.0.0.1" if host == "inside.test" else host, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.fixture
def receiver() -> Generator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def _allowing(folder: Path, receiver: Receiver, **variables: str) -> AbstractAsyncContextManager[Deliveries]:
    return Deliveries.at(folder, SLOTLINK_CALLBACK_ALLOW=receiver.host, **variables)
