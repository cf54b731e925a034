"""Callbacks under fault: signed, repeated by the schedule, cut off in time, kept over every kind of end."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from slotlink.store import applications
from slotlink.worker.loop import CONCURRENT_PER_HOST
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
from tests.serving import Receiver

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
        await deliveries.put(receiver.url)
        async with deliveries.worked():
            both = await received(receiver)
        async with deliveries.deps.database.transaction() as connection:
            await applications.revoke_oldest_secret(connection, deliveries.application_id, now)
        await deliveries.put(receiver.url)
        async with deliveries.worked():
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


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """`inside.test` resolves to the loopback, as a hostile name server would have it."""
    real = socket.getaddrinfo

    def getaddrinfo(host: str, *arguments: object, **options: object) -> object:
        return real("127.0.0.1" if host == "inside.test" else host, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def _allowing(folder: Path, receiver: Receiver, **variables: str) -> AbstractAsyncContextManager[Deliveries]:
    return Deliveries.at(folder, SLOTLINK_CALLBACK_ALLOW=receiver.host, **variables)
