"""Callbacks under fault: signed, repeated by the schedule, and none in the way of another."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from slotlink.store import applications
from slotlink.worker.places import PER_HOST
from tests.faults.deliveries import (
    BODY,
    Deliveries,
    conversing,
    hang,
    received,
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


async def test_a_receiver_that_asks_for_a_pause_gets_it(tmp_path: Path, receiver: Receiver) -> None:
    async def later(_reader: object, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 600\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with conversing(later) as host:
        variables = {"SLOTLINK_CALLBACK_RETRIES": "1s,1h", "SLOTLINK_CALLBACK_ALLOW": host}
        async with Deliveries.at(tmp_path, **variables) as deliveries:
            began = time.time()
            assert await deliveries.outcomes(f"http://{host}/") == [(429, "answered 429")]
            [due_at] = await deliveries.due()
    assert began + 599 <= due_at < began + 700


async def test_410_ends_a_callback(tmp_path: Path, receiver: Receiver) -> None:
    receiver.answers = [410]
    async with _allowing(tmp_path, receiver, SLOTLINK_CALLBACK_RETRIES="1s,1s") as deliveries:
        await deliveries.put(receiver.url)
        async with deliveries.worked():
            await deliveries.until(1)
            await asyncio.sleep(1.5)
        assert await deliveries.states() == [("dead", 1)]
    assert receiver.received.qsize() == 1


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
            for _ in range(3 * PER_HOST):
                await deliveries.put(f"http://{host}/")
            await deliveries.put(receiver.url)
            async with deliveries.worked():
                await received(receiver, within=3)
                owners = await deliveries.lease_owners()
                assert 1 <= len(owners) - owners.count(None) <= 2, (
                    "a place for each host, as none has accepted anything yet"
                )
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


def _allowing(folder: Path, receiver: Receiver, **variables: str) -> AbstractAsyncContextManager[Deliveries]:
    return Deliveries.at(folder, SLOTLINK_CALLBACK_ALLOW=receiver.host, **variables)
