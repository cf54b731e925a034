"""Load generators: prepared requests, in turn, over keep-alive connections. `wrk` when it is installed, else ours."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.processes import LOAD_CORE, pinned


@dataclass(frozen=True)
class Done:
    requests: int
    errors: int  # lost connections, and answers of 400 and above


class Load(Protocol):
    name: str

    def run(self, port: int, requests: Sequence[bytes], seconds: float, connections: int) -> Done: ...


class Metered(Protocol):
    """What answers on a port, and says how much CPU it has used."""

    @property
    def port(self) -> int: ...

    def cpu_s(self) -> float: ...


def request(
    path: str,
    key: str | None = None,
    *,
    method: str = "GET",
    body: bytes = b"",
    content_type: str = "application/json",
    if_none_match: str | None = None,
) -> bytes:
    """A whole HTTP/1.1 request, as a client library would send it."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: */*"]
    if key is not None:
        lines.append(f"Authorization: Bearer {key}")
    if if_none_match is not None:
        lines.append(f"If-None-Match: {if_none_match}")
    if method != "GET":
        lines += [f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass(frozen=True)
class Answer:
    status: int
    tag: str | None
    body: bytes


def answer_to(port: int, prepared: bytes) -> Answer:
    """One request, one whole answer, on a connection of its own."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(prepared)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return Answer(response.status, response.getheader("ETag"), response.read())


def cpu_per_request(
    load: Load, server: Metered, requests: Sequence[bytes], *, seconds: float, warm_up: float, connections: int = 32
) -> float:
    """Microseconds of the server's CPU for one request."""
    load.run(server.port, requests, warm_up, connections)
    before = server.cpu_s()
    done = load.run(server.port, requests, seconds, connections)
    used = server.cpu_s() - before
    if done.errors or not done.requests:
        raise RuntimeError(f"{done.errors} of {done.requests} requests failed")
    return used / done.requests * 1e6


def best_load() -> Load:
    path = shutil.which("wrk")
    return Wrk(path) if path else OwnClient()


class Wrk:
    """Debian's `wrk`: one thread, a Lua script that cycles through the requests."""

    name = "wrk, one thread"

    def __init__(self, path: str) -> None:
        self._path = path

    def run(self, port: int, requests: Sequence[bytes], seconds: float, connections: int) -> Done:
        whole_seconds = max(1, round(seconds))
        with tempfile.TemporaryDirectory(prefix="slotlink-bench-") as folder:
            prepared = Path(folder) / "requests"
            prepared.write_bytes(b"".join(b"%d\n%b" % (len(item), item) for item in requests))
            command = [self._path, "-t1", f"-c{connections}", f"-d{whole_seconds}s", "--timeout", "10s"]
            command += ["-s", str(Path(__file__).with_name("cycle.lua")), f"http://127.0.0.1:{port}", str(prepared)]
            with pinned(LOAD_CORE):
                printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return Done(**json.loads(printed.rpartition("\nDONE ")[2]))


class OwnClient:
    """A small asyncio client on raw sockets. Slower than `wrk`; the server's CPU is what is measured, not its limit."""

    name = "own asyncio client"

    def run(self, port: int, requests: Sequence[bytes], seconds: float, connections: int) -> Done:
        with pinned(LOAD_CORE):
            return asyncio.run(self._run(port, requests, connections, until=time.monotonic() + seconds, most=10**12))

    def run_count(self, port: int, requests: Sequence[bytes], count: int) -> Done:
        """So many requests, however long they take."""
        with pinned(LOAD_CORE):
            return asyncio.run(self._run(port, requests, 8, until=float("inf"), most=count))

    async def _run(self, port: int, requests: Sequence[bytes], connections: int, *, until: float, most: int) -> Done:
        sent = 0

        async def talk() -> tuple[int, int]:
            nonlocal sent
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            answered = errors = 0
            more = sent < most
            while more:  # at least one each, also when time is up before it began
                writer.write(requests[sent % len(requests)])
                sent += 1
                status = await status_of_answer(reader)
                answered += 1
                errors += status >= 400
                more = sent < most and time.monotonic() < until
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            return answered, errors

        counts = await asyncio.gather(*(talk() for _ in range(connections)))
        return Done(sum(answered for answered, _ in counts), sum(errors for _, errors in counts))


async def status_of_answer(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head.split(b" ", 2)[1])
    length = head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
    if length and status != 304:
        await reader.readexactly(int(length))
    return status
