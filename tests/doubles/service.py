"""What every double shares: a Starlette app on a port of its own, a clock that tests move, faults, and a log of calls.

A double is a subclass that gives routes. Its handlers are plain functions of a request whose body is read already
(`Asked`) and run one at a time under `lock`; what tests do to the double from their own thread takes the same lock.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self
from urllib.parse import parse_qsl

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Message, Receive, Scope, Send

from tests.doubles.faults import Fault, Faults

START = 1_804_150_800  # Thursday 4 March 2027, 09:00 UTC, as in tests/center.py
START_S = 20


class Now(Protocol):
    """UTC seconds. A test's own clock does, so that a double and a data center can share one."""

    now: float


class Clock:
    """The present, as tests wish it."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Call:
    """One request as it came, and what became of it. `status` is None where no answer was sent."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]  # names in lower case
    body: bytes
    status: int | None = None
    fault: Fault | None = None

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass
class Asked:
    """What a handler gets: the call, what the path names, and the query with repeated names."""

    call: Call
    names: dict[str, str]
    pairs: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    @property
    def query(self) -> dict[str, str]:
        return self.call.query

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.pairs if key == name]

    @property
    def bearer(self) -> str | None:
        kind, _, token = self.call.headers.get("authorization", "").partition(" ")
        return token if kind.lower() == "bearer" else None


Handler = Callable[[Asked], Response]


class Service:
    """Serves from `with` to its end. `url` has no slash at its end."""

    def __init__(self, clock: Now | None = None) -> None:
        self.clock: Now = clock or Clock()
        self.lock = threading.RLock()
        self.calls: list[Call] = []
        self.faults = Faults()
        self.url = ""

    def routes(self) -> Sequence[BaseRoute]:
        raise NotImplementedError

    def route(self, path: str, handler: Handler, *methods: str) -> Route:
        async def run(request: Request) -> Response:
            asked = Asked(request.scope["double.call"], dict(request.path_params), request.query_params.multi_items())
            with self.lock:
                return handler(asked)

        return Route(path, run, methods=list(methods))

    def called(self, method: str | None = None, path: str = "") -> list[Call]:
        """The calls so far whose path has `path` in it."""
        return [call for call in list(self.calls) if method in (None, call.method) and path in call.path]

    def __enter__(self) -> Self:
        app = _Front(self, Starlette(routes=list(self.routes())))
        self._server = _Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        if not self._server.running.wait(START_S):
            raise RuntimeError("the double did not start")
        host, port = self._server.servers[0].sockets[0].getsockname()
        self.url = f"http://{host}:{port}"
        return self

    def __exit__(self, *_: object) -> None:
        self.faults.clear()
        self._server.stop()
        self._thread.join(START_S)


class _Server(uvicorn.Server):
    """uvicorn that starts and stops at once: its own loop looks every 0.1 s whether it should end, and waits again."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.running = threading.Event()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        self.running.set()
        await self._end.wait()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()


class _Front:
    """Reads the whole request, notes it, lets the service answer, and spoils the answer where a fault says so."""

    def __init__(self, service: Service, app: Starlette) -> None:
        self._service = service
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = Call(
            method=scope["method"],
            path=scope["path"],
            query=dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True)),
            headers={name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]},
            body=await _whole_body(receive),
        )
        with self._service.lock:
            self._service.calls.append(call)
            call.fault = self._service.faults.take(call.method, call.path)
        await self._answer(call, scope, send)

    async def _answer(self, call: Call, scope: Scope, send: Send) -> None:
        fault = call.fault or Fault()
        # uvicorn has no way to leave a request unanswered but through its transport.
        transport: asyncio.Transport = send.__self__.transport  # type: ignore[attr-defined]
        if fault.held is not None:
            await asyncio.to_thread(fault.held.wait)
        await asyncio.sleep(fault.wait_s)
        messages = [] if fault.before_effect else await self._effect(call, scope)
        if fault.closes:
            transport.abort()
            return
        if fault.status is not None:
            messages = fault.messages()
        call.status = messages[0]["status"]
        if fault.cuts:
            await _send_half(messages, send, transport)
            return
        for message in messages:
            await send(message)

    async def _effect(self, call: Call, scope: Scope) -> list[Message]:
        messages: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": call.body, "more_body": False}

        async def send(message: Message) -> None:
            messages.append(message)

        await self._app({**scope, "double.call": call}, receive, send)
        return messages


async def _whole_body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return body


async def _send_half(messages: list[Message], send: Send, transport: asyncio.Transport) -> None:
    """Announce the whole length, send half of it, and hang up."""
    body = b"".join(message.get("body", b"") for message in messages)
    await send(messages[0])
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    transport.close()
