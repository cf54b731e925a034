"""One client's connection: uvicorn's with httptools, and what it takes beside clients that mean harm or dawdle.

llhttp beneath refuses malformed framing already. Added here (docs/decisions/0013): time limits, caps of connections,
limits of a request's head, one answer for one request whatever follows it, trailers that are no headers, and an end of
the connection that lets the client read what was said last.
"""

from __future__ import annotations

import asyncio
import enum
import re
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any, cast

import httptools
import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from slotlink.web.answer_headers import ALWAYS, NOT_KEPT
from slotlink.web.clients import client_of
from slotlink.web.front import HEAD_BYTES, Front

URL_BYTES = 8 * 1024
HEADERS = 100
PIPELINED = 50  # requests that wait for the answers before theirs: each takes much more memory than bytes on the wire
LINGER_S = 2
_HOST = re.compile(rb"[\w.~!$&'()*+,;=:%\[\]-]*", re.ASCII)  # RFC 3986 section 3.2.2, and a port

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class _Stage(enum.Enum):
    """What is being read."""

    HEAD = "head"
    BODY = "body"
    WHOLE = "whole"  # nothing: the request is here, and not answered yet
    IDLE = "idle"  # nothing: it is answered


class _Refused(Exception):
    def __init__(self, status: int) -> None:
        self.status = status


class Connection(HttpToolsProtocol):
    def __init__(self, front: Front, **given: Any) -> None:
        super().__init__(**given)
        self.url = b""
        self._front = front
        self._since = self.loop.time()  # when what is being waited for began
        self._stage = _Stage.HEAD
        self._received = 0  # bytes of the message that is being read
        self._head = 0  # bytes of its headers
        self._hosts = 0
        self._answering: RequestResponseCycle | None = None
        self._stuck_since: float | None = None  # the client does not read what we write
        self._deaf = False  # whatever else arrives is dropped
        self._ended = False

    # The transport's calls

    # uvicorn narrows asyncio's BaseTransport in the same way.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._for_answers = SimpleNamespace(write=transport.write, is_closing=transport.is_closing, close=self._end)
        if not self._front.admits(self, self._host):
            self._deaf = True
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._front.leaves(self, self._host)
        if self._answering is not None:
            self._answering.disconnected = True
            self._answering.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        if self._stage is _Stage.IDLE:
            self._enter(_Stage.HEAD)
        self._received += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserError as error:
            ours = error.__context__
            self._refuse(ours.status if isinstance(ours, _Refused) else 400)
            return
        if self._received > HEAD_BYTES:
            if self._stage is _Stage.HEAD:
                self._refuse(431)
            elif self._received > self._front.message_bytes:
                self._refuse(413)

    def pause_writing(self) -> None:
        self._stuck_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._stuck_since = None
        super().resume_writing()

    # The parser's calls

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._enter(_Stage.HEAD)
        self._head = self._hosts = 0

    def on_url(self, url: bytes) -> None:
        self.url += url
        if len(self.url) > URL_BYTES:
            raise _Refused(414)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._stage is not _Stage.HEAD:
            return  # a trailer: among the headers it could pass for what a proxy has vouched for (RFC 9110 section 6.5)
        name = name.lower()
        if name == b"host":
            self._hosts += 1
            if not _HOST.fullmatch(value):
                raise _Refused(400)
        elif name == b"transfer-encoding" and value.lower() != b"chunked":
            raise _Refused(400)  # another coding would be handed on as if it were the body
        elif name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self._head += len(name) + len(value)
        if self._head > HEAD_BYTES or len(self.headers) >= HEADERS:
            raise _Refused(431)
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        assert self.parser is not None
        version = self.parser.get_http_version()
        if version not in ("1.1", "1.0") or self._hosts > 1 or (self._hosts == 0 and version == "1.1"):
            raise _Refused(400)  # RFC 9112 section 3.2; HTTP/0.9 and what llhttp would take for HTTP/2.0
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                raise _Refused(400)
            return  # `_feed` has it read again
        if len(self.pipeline) >= PIPELINED:
            raise _Refused(400)
        super().on_headers_complete()
        self.cycle.transport = cast("asyncio.Transport", self._for_answers)
        self._enter(_Stage.BODY)

    def on_message_complete(self) -> None:
        assert self.parser is not None
        if self.parser.should_upgrade():
            return
        super().on_message_complete()
        self._stage = _Stage.WHOLE
        self._received = 0

    # The answers' calls

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle

        async def answer(scope: Any, receive: Any, send: Any) -> None:
            try:
                await app(scope, receive, send)
            except Exception:
                # Starlette raises anew what its handlers have logged and answered already.
                if not cycle.response_complete:
                    raise

        super()._start_asgi_task(cycle, answer)

    def on_response_complete(self) -> None:
        # As uvicorn's, without a timer of its own for every request.
        self.server_state.total_requests += 1
        if self._answering is not None and self._answering.more_body:
            self._end()  # answered before it was read to its end: what follows on the wire is still its body
        if self._ended or self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._stage is _Stage.WHOLE:
            self._enter(_Stage.IDLE)

    # Ours

    @property
    def _host(self) -> str:
        return self.client[0] if self.client else ""

    def _enter(self, stage: _Stage) -> None:
        self._stage = stage
        self._since = self.loop.time()

    def _feed(self, data: bytes | memoryview) -> None:
        while True:
            try:
                assert self.parser is not None
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                data = memoryview(data)[upgrade.args[0] :]
                self._read_again_without_upgrade()

    def _read_again_without_upgrade(self) -> None:
        """We speak no other protocol. llhttp leaves the body of such a request unread, to pass for the next one."""
        assert self.parser is not None
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        lines = [method + b" " + self.url + b" HTTP/" + version]
        lines += [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it
        self.parser.feed_data(b"\r\n".join([*lines, b"", b""]))

    def cut_if_late(self) -> None:
        now = self.loop.time()
        waited = now - self._since
        if self._ended or self.transport.is_closing():
            if waited > (self._front.body_s if self.transport.get_write_buffer_size() else LINGER_S):
                self.transport.abort()
        elif self._stuck_since is not None and now - self._stuck_since > self._front.body_s:
            self.transport.abort()
        elif self._deaf:
            pass
        elif self._stage is _Stage.HEAD and waited > self._front.header_s:
            if self._received:
                self._refuse(408)
            else:
                self.transport.close()  # nobody has asked anything
        elif self._stage is _Stage.BODY and waited > self._front.body_s:
            self._refuse(408)
        elif self._stage is _Stage.IDLE and waited > self._front.idle_s:
            self.transport.close()

    def _refuse(self, status: int) -> None:
        """Answer a request that cannot be read, in its turn, and read no further."""
        log.info("connection.refused", status=status, client=client_of(self._host))
        self._deaf = True
        answering, last = self._answering, self.cycle
        if answering is None or answering.response_complete:
            self._say(status)
        elif answering is last and answering.more_body:
            # It is this request's own body. Its handler hears that the client went away, and answers nobody.
            if not answering.response_started:
                self._say(status)
            answering.disconnected = True
            answering.message_event.set()
            self._end()
        else:
            # Earlier ones are being answered: that comes first, and is the last that is said.
            if self.pipeline and last.more_body:
                self.pipeline.popleft()
            (self.pipeline[0][0] if self.pipeline else answering).keep_alive = False

    def _say(self, status: int) -> None:
        if self.transport.is_closing():
            return
        headers = [*self.server_state.default_headers, *ALWAYS, NOT_KEPT]
        lines = [b"HTTP/1.1 %d %s" % (status, HTTPStatus(status).phrase.encode())]
        lines += [name + b": " + value for name, value in headers]
        lines += [b"content-length: 0", b"connection: close", b"", b""]
        self.transport.write(b"\r\n".join(lines))
        self._end()

    def _end(self) -> None:
        """Say no more. Closing over unread bytes would reset the connection and could take our last words with it."""
        if self._ended or self.transport.is_closing():
            return
        self._ended = self._deaf = True
        self._since = self.loop.time()
        if self._stage in (_Stage.WHOLE, _Stage.IDLE):
            self.transport.close()
        else:
            self.flow.resume_reading()
            self.transport.write_eof()
