"""Receivers that answer as nobody should: each has its outcome in words within the deadline, and takes nothing along.

All of them at once, as a worker meets them, on the loop that serves.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.faults.deliveries import Deliveries
from tests.faults.live import LiveCenter, form_post, send
from tests.hostile import (
    Floods,
    Talk,
    drips,
    half_a_head,
    half_close,
    hang,
    never_read,
    reset,
    reset_in_the_head,
    says,
    talking,
)
from tests.serving import Receiver, environ_for, serving

DEADLINE_S = 1
SECRET = "s3cret"  # in the URL's query, in the body and in what is answered
HEAD = b"HTTP/1.1 200 OK\r\n"
NO_ANSWER = (None, "no answer in time")
CLOSED = (None, "the connection was closed without an answer")
NO_HTTP = (None, "what came is no HTTP answer")
TOO_LONG = (None, "16 KiB came, but no answer among them")


def answered(code: int) -> tuple[int, str]:
    return code, f"answered {code}"


OK = answered(200)
FLOODS = {
    "a body without end": (
        Floods(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"400\r\n" + b"x" * 1024 + b"\r\n"),
        OK,
    ),
    "ten megabytes": (Floods(HEAD + b"Content-Length: 10000000\r\n\r\n", b"x"), OK),
    "headers without end": (Floods(HEAD, b"X-More: and more\r\n"), NO_HTTP),
    "a header without end": (Floods(HEAD + b"X-More: ", b"x"), NO_HTTP),
    "a status line without end": (Floods(b"HTTP/1.1 200 ", b"x"), NO_HTTP),
    "empty lines without end": (Floods(b"", b"\r\n"), TOO_LONG),
    "100 without end": (Floods(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), TOO_LONG),
    "103 without end": (Floods(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"), TOO_LONG),
    "zeros without end": (Floods(b"", b"\0"), NO_HTTP),
}
SLOW = {
    "hangs": (hang, NO_ANSWER),
    "does not even read": (never_read, NO_ANSWER),
    "drips a status line": (drips(b"HTTP/1.1 200 ", b"O"), NO_ANSWER),
    "drips headers": (drips(HEAD, b"A: b\r\n"), NO_ANSWER),
    "drips 100": (drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), NO_ANSWER),
    "drips a body": (drips(HEAD + b"Content-Length: 1000\r\n\r\n", b"x"), OK),
}
BROKEN: dict[str, tuple[Talk, Any]] = {
    "resets at once": (reset, {CLOSED, (None, "the connection broke: Connection reset by peer")}),
    "resets within the head": (reset_in_the_head, {CLOSED, (None, "the connection broke: Connection reset by peer")}),
    "says nothing and closes its half": (half_close, CLOSED),
    "says half a head and closes its half": (half_a_head, CLOSED),
    "speaks SMTP": (says(f"220 mail.example ESMTP {SECRET}\r\n".encode()), NO_HTTP),
    "speaks HTTP/9": (says(b"HTTP/9.9 200 OK\r\n\r\n"), NO_HTTP),
    "has no status": (says(f"HTTP/1.1 {SECRET}\r\n\r\n".encode()), NO_HTTP),
    "has a header without name": (says(HEAD + f": {SECRET}\r\n\r\n".encode()), NO_HTTP),
    "has two lengths": (says(HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx"), NO_HTTP),
    "has a length below zero": (says(HEAD + b"Content-Length: -1\r\n\r\n"), NO_HTTP),
    "breaks its chunks": (says(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzzz\r\n"), {OK, NO_HTTP}),
    "sends a gzip bomb": (says(HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(bytes(10_000_000))), OK),
    "says more than its length": (says(HEAD + b"Content-Length: 0\r\n\r\n" + HEAD * 3), NO_HTTP),
    "switches protocols": (says(b"HTTP/1.1 101 Yes\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"), answered(101)),
    "sets a cookie": (says(HEAD + b"Set-Cookie: a=b; Domain=127.0.0.1\r\nContent-Length: 0\r\n\r\n"), OK),
    **{
        f"answers {code}": (says(f"HTTP/1.1 {code} {SECRET}\r\nRetry-After: 5\r\n\r\n".encode()), answered(code))
        for code in (204, 400, 401, 404, 429, 500, 503, 599)
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": True}


@dataclass
class Met:
    """What came of an attempt at a receiver."""

    end: tuple[int | None, str]
    took_ms: int


@pytest.fixture(scope="module")
async def met(anyio_backend: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Met]:
    """One worker and one attempt for each of them, and for a sound receiver at the end of the row."""
    talks = {name: talk for name, (talk, _) in (FLOODS | SLOW | BROKEN).items()} | {"is sound": says(HEAD + b"\r\n")}
    variables = {
        "SLOTLINK_CALLBACK_TIMEOUT": f"{DEADLINE_S}s",
        "SLOTLINK_CALLBACK_RETRIES": "1h",
        "SLOTLINK_CALLBACK_ALLOW": "127.0.0.1",
    }
    with contextlib.ExitStack() as stack:
        hosts = {name: stack.enter_context(talking(talk)) for name, talk in talks.items()}
        async with Deliveries.at(tmp_path_factory.mktemp("met"), **variables) as deliveries:
            body = f'{{"url": "{SECRET}"}}'.encode()
            items = {name: await deliveries.put(f"http://{host}/?key={SECRET}", body) for name, host in hosts.items()}
            async with deliveries.worked():
                await deliveries.until(len(items))
            ended = {name: (await deliveries.attempts(item_id))[0] for name, item_id in items.items()}
    return {name: Met((code, outcome), took_ms) for name, (code, outcome, took_ms) in ended.items()}


@pytest.mark.parametrize("name", [*FLOODS, *SLOW, *BROKEN, "is sound"])
async def test_whatever_a_receiver_does_is_an_outcome_in_words(met: dict[str, Met], name: str) -> None:
    expected = OK if name == "is sound" else (FLOODS | SLOW | BROKEN)[name][1]
    assert met[name].end in (expected if isinstance(expected, set) else {expected})
    assert SECRET not in met[name].end[1]


async def test_the_deadline_holds_whatever_comes_in_the_meantime(met: dict[str, Met]) -> None:
    waited = {name: one.took_ms for name, one in met.items() if one.end == NO_ANSWER}
    assert len(waited) == 5
    assert all(DEADLINE_S * 900 < took_ms < DEADLINE_S * 2000 for took_ms in waited.values()), waited
    slowest = max(one.took_ms for name, one in met.items() if name not in waited)
    assert slowest < DEADLINE_S * 1000, "who answers is not waited for, however long the answer goes on"


async def test_hardly_more_than_a_head_is_taken_in(met: dict[str, Met]) -> None:
    """Of all that was sent: what we read, what lay in our buffers and what lay in theirs."""
    assert {name: flood.taken for name, (flood, _) in FLOODS.items() if not 0 < flood.taken < 64 * 1024} == {}


async def test_who_never_reads_keeps_no_connection(tmp_path: Path) -> None:
    """A body beyond what the buffers hold: the end of the attempt is the end of the connection."""
    body = b"x" * 8_000_000
    read: list[int] = []

    def read_late(connection: socket.socket) -> None:
        time.sleep(2)
        total = 0
        with contextlib.suppress(ConnectionResetError):
            while chunk := connection.recv(1 << 20):
                total += len(chunk)
        read.append(total)

    variables = {"SLOTLINK_CALLBACK_TIMEOUT": "1s", "SLOTLINK_CALLBACK_RETRIES": "1h"}
    with talking(read_late) as host:
        async with Deliveries.at(tmp_path, **variables, SLOTLINK_CALLBACK_ALLOW="127.0.0.1") as deliveries:
            item_id = await deliveries.put(f"http://{host}/", body)
            async with deliveries.worked():
                await deliveries.until(1)
                assert [attempt[:2] for attempt in await deliveries.attempts(item_id)] == [NO_ANSWER]
                async with asyncio.timeout(10):
                    while not read:
                        await asyncio.sleep(0.05)
    assert read[0] < len(body), "what was not yet sent stays unsent"


def test_pages_and_sound_receivers_notice_nothing(tmp_path: Path, receiver: Receiver) -> None:
    """One process serves and delivers, while receivers of each kind are at it again and again."""
    bad = [FLOODS["100 without end"][0], FLOODS["a body without end"][0], hang, drips(HEAD, b"A: b\r\n")] * 2
    variables = {
        "SLOTLINK_CALLBACK_TIMEOUT": "2s",
        "SLOTLINK_CALLBACK_RETRIES": ",".join(["1s"] * 9),
        "SLOTLINK_CALLBACK_ALLOW": "127.0.0.1",
    }
    with contextlib.ExitStack() as stack:
        urls = [f"http://{stack.enter_context(talking(talk, buffers=None))}/" for talk in bad]
        server = stack.enter_context(serving(tmp_path, **variables))
        center = stack.enter_context(LiveCenter.at(server, environ_for(tmp_path, **variables)))

        def book(number: int, **callbacks: str) -> float:
            link = center.create_link(center.person(f"person-{number}"), callback_urls=callbacks)
            began = time.monotonic()
            page = link.page()
            assert send(link.url, form_post(link.url, {**page.hidden, "slot": page.slots[0]})).code == 303
            assert link.status()["status"] == "completed"
            return time.monotonic() - began

        quiet = [book(number) for number in range(4)]
        for number, url in enumerate(urls, 100):
            book(number, completed_url=url)
        busy = [book(number) for number in range(200, 204)]
        book(300, completed_url=receiver.url)
        receiver.received.get(timeout=2)
    assert max(busy) < 1 + max(quiet), (quiet, busy)
