"""Stands between Slotlink and PostgreSQL and breaks connections where a test says: before a statement, or after it,
when its answer is on the way. It reads the protocol (PostgreSQL's documentation, chapter "Frontend/Backend Protocol").
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

_STARTUP, _CANCEL = 196608, 80877102
_ENCRYPTION = (80877103, 80877104)  # asks for TLS, for GSSAPI: answered by a single byte

# cut           the statement is not passed on
# lose          it is passed on and carried out, and the connection ends instead of its answer
# away          so, and every other connection ends as well, and none can be had for AWAY_S
# gone          it is not passed on, and nothing can be had for AWAY_S
# late          the connection ends at once, and the statement arrives LATE_S later
Fate = Literal["pass", "cut", "lose", "away", "gone", "late"]
AWAY_S = 2.0
LATE_S = 1.0


class _Cut(Exception):
    """The connection ends here."""


@dataclass(eq=False)
class Session:
    """One connection. `statements` are those of its transaction so far, without BEGIN."""

    statements: list[str] = field(default_factory=list)
    prepared: dict[bytes, str] = field(default_factory=dict)
    silent: bool = False  # what the server answers is kept from the client
    carried_out: asyncio.Event = field(default_factory=asyncio.Event)
    ends: list[asyncio.StreamWriter] = field(default_factory=list)

    @property
    def writes_a_booking(self) -> bool:
        return any("INTO bookings" in statement for statement in self.statements)

    def note(self, statement: str) -> None:
        if statement.startswith(("BEGIN", "COMMIT", "ROLLBACK;")):
            self.statements.clear()
        else:
            self.statements.append(statement)


Plan = Callable[[Session, str], Fate]


def pass_all(_session: Session, _statement: str) -> Fate:
    return "pass"


class Proxy:
    """Listens on a port of its own; `plan` is asked before each statement."""

    def __init__(self, port: int) -> None:
        self.plan: Plan = pass_all
        self._port = port
        self._refuses_until = 0.0
        self._sessions: set[Session] = set()

    def __enter__(self) -> Proxy:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(10)

    async def _run(self) -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopped.wait()
        server.close()

    def url(self, database_url: str) -> str:
        return re.sub(r":\d+/", f":{self.port}/", database_url)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if time.monotonic() < self._refuses_until:
            writer.transport.abort()
            return
        answers, to_server = await asyncio.open_connection("127.0.0.1", self._port)
        session = Session(ends=[writer, to_server])
        self._sessions.add(session)
        try:
            await _start(reader, writer, answers, to_server)
            back = asyncio.create_task(_pass_back(session, answers, writer))
            try:
                while True:
                    await self._pass_on(session, reader, to_server)
            finally:
                back.cancel()
        except (_Cut, OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._sessions.discard(session)
            for end in session.ends:
                end.transport.abort()

    async def _pass_on(self, session: Session, reader: asyncio.StreamReader, to_server: asyncio.StreamWriter) -> None:
        """One message of the client."""
        kind, message = await _message(reader)
        content = message[5:]
        statement = None
        if kind == b"P":
            name, query, _ = content.split(b"\0", 2)
            session.prepared[name] = query.decode()
        elif kind == b"B":  # what is about to be executed
            statement = session.prepared[content.split(b"\0", 2)[1]]
        elif kind == b"Q":
            statement = content.rstrip(b"\0").decode()
        fate = "pass" if statement is None else self.plan(session, statement)
        if fate == "gone":
            self._go_away(session)
        if fate in ("cut", "gone"):
            raise _Cut
        if fate == "late":
            session.ends[0].transport.abort()
            await asyncio.sleep(LATE_S)
        if fate != "pass":
            session.silent = True
        if statement is not None:
            session.note(statement)
        to_server.write(message)
        await to_server.drain()
        if fate == "pass":
            return
        if kind == b"B":
            while kind != b"S":  # the rest of what executes it
                kind, message = await _message(reader)
                to_server.write(message)
        await session.carried_out.wait()
        if fate == "away":
            self._go_away(session)
        raise _Cut

    def _go_away(self, session: Session) -> None:
        self._refuses_until = time.monotonic() + AWAY_S
        for other in self._sessions - {session}:
            for end in other.ends:
                end.transport.abort()


async def _start(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    answers: asyncio.StreamReader,
    to_server: asyncio.StreamWriter,
) -> None:
    """The messages without a type, until the one that names the database."""
    code = 0
    while code != _STARTUP:
        head = await reader.readexactly(8)
        code = int.from_bytes(head[4:])
        to_server.write(head + await reader.readexactly(int.from_bytes(head[:4]) - 8))
        if code in _ENCRYPTION:
            answer = await answers.readexactly(1)
            assert answer == b"N", "the test's own PostgreSQL has no TLS"
            writer.write(answer)
        if code == _CANCEL:
            raise _Cut


async def _pass_back(session: Session, answers: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        while True:
            kind, message = await _message(answers)
            if not session.silent:
                writer.write(message)
                await writer.drain()
            elif kind == b"Z":  # ready for the next: this one has been carried out
                session.carried_out.set()
    session.carried_out.set()
    writer.transport.abort()


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readexactly(5)
    return head[:1], head + await reader.readexactly(int.from_bytes(head[1:]) - 4)
