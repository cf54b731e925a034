"""Receivers of callbacks: one that answers 200 at once and notes when (`python -m bench.receiver`), and dead ones."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import cast

import uvloop

from bench.load import answer_to, request
from bench.processes import LOAD_CORE, Server

RECEIVER = ("-m", "bench.receiver")
POLL_S = 0.05
BACKLOG = 128


class Receiver:
    """A receiver in a process of its own, on the core of the load."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.host = f"127.0.0.1:{server.port}"

    def url(self, path: str) -> str:
        return f"http://{self.host}/{path}"

    def received(self, prefix: str) -> dict[str, float]:
        """When (`time.monotonic`) each path with this prefix was posted to for the first time."""
        answer = answer_to(self._server.port, request("/received"))
        return {path: at for path, at in json.loads(answer.body).items() if path.startswith(prefix)}

    async def has(self, prefix: str, count: int, within: float = 120) -> dict[str, float]:
        """The same, once there are so many."""
        async with asyncio.timeout(within):
            while len(received := await asyncio.to_thread(self.received, prefix)) < count:
                await asyncio.sleep(POLL_S)
        return received


@contextlib.contextmanager
def receiving(folder: Path) -> Generator[Receiver]:
    with Server(folder / "receiver", RECEIVER, core=LOAD_CORE) as server:
        yield Receiver(server)


@contextlib.contextmanager
def dead_receivers(count: int) -> Generator[list[str]]:
    """As many `host:port` that take connections and never say a word."""
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)) for _ in range(count)]
        yield ["{}:{}".format(*listener.getsockname()) for listener in listeners]


class _Answering(asyncio.Protocol):
    """Answers a POST with 200 as soon as its body is there, and any GET with what was posted when."""

    def __init__(self, posted: dict[str, float]) -> None:
        self._posted = posted
        self._came = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._came += data
        head, found, body = self._came.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0] or 0)
        if not found or len(body) < length:
            return
        method, path, _ = head.decode("latin-1").split(" ", 2)
        answer = b""
        if method == "POST":
            self._posted.setdefault(path.removeprefix("/"), time.monotonic())
        else:
            answer = json.dumps(self._posted).encode()
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer))
        self._came = b""


async def _serve() -> None:
    posted: dict[str, float] = {}
    answering: Callable[[], _Answering] = lambda: _Answering(posted)  # noqa: E731
    server = await asyncio.get_running_loop().create_server(answering, "127.0.0.1", 0)
    print("listening on http://{}:{}".format(*server.sockets[0].getsockname()), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
