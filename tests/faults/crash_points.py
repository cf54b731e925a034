"""Every boundary of a flow at which a process can die, found from outside: nothing in the production code knows of it.

While a flow runs (`FLOWS`), a point stands before each statement and on both sides of each commit and network step.
What is after a statement is before the next. A point names itself by its flow, its place there and what is about to
happen, such as `booking 15 before UPDATE links`. The names are kept in `crash_points.ENGINE.txt`, so that a change of a
flow is seen by whoever reviews it.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Awaitable, Callable, Generator
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import aiohttp
from sqlalchemy import Engine, event
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import await_only

from slotlink.web import api_links, page
from slotlink.worker.deliver_callback import CallbackClient
from slotlink.worker.loop import Worker

# What is watched, by its name here and where it is called from.
FLOWS: tuple[tuple[str, Any, str], ...] = (
    ("create", api_links, "once"),
    ("disable", api_links, "disable_link"),
    ("booking", page, "book_slot"),
    ("claim", Worker, "_claim"),
    ("deliver", CallbackClient, "deliver"),
    ("settle", Worker, "_settle"),
)
_STEPS = {
    "on_connection_create_start": "before connect",
    "on_connection_create_end": "after connect",
    "on_request_headers_sent": "after sending the head",
    "on_request_chunk_sent": "after sending the body",
    "on_request_end": "after the answer",
}
_TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE)\s+(\w+)")

Reached = Callable[[str], Awaitable[None]]


@dataclass
class _Flow:
    name: str
    points: int = 0


_FLOW: ContextVar[_Flow | None] = ContextVar("_FLOW", default=None)


@contextlib.contextmanager
def watched(reached: Reached) -> Generator[None]:
    """Await `reached(name)` at every point, in this process, while the block runs. What it raises happens there."""

    async def at(what: str) -> None:
        flow = _FLOW.get()
        if flow is not None:
            flow.points += 1
            await reached(f"{flow.name} {flow.points:02} {what}")

    def at_now(what: str) -> None:
        if _FLOW.get() is not None:
            await_only(at(what))

    with contextlib.ExitStack() as stack:
        for name, owner, attribute in FLOWS:
            stack.enter_context(patch.object(owner, attribute, _in_flow(name, getattr(owner, attribute), at)))
        stack.enter_context(patch.object(DefaultDialect, "do_commit", _around_commit(at_now)))
        stack.enter_context(patch.object(aiohttp.ClientSession, "__init__", _traced(at)))

        def begin(connection: Any) -> None:
            if connection.dialect.name == "postgresql":  # on SQLite it is a statement
                at_now("before BEGIN")

        def before(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            at_now(f"before {name_of(statement)}")

        def rollback(_connection: Any) -> None:
            at_now("before ROLLBACK")

        listeners = {"begin": begin, "before_cursor_execute": before, "rollback": rollback}
        for moment, listener in listeners.items():
            event.listen(Engine, moment, listener)
            stack.callback(event.remove, Engine, moment, listener)
        yield


def name_of(statement: str) -> str:
    """A statement by its verb and its table."""
    table = _TABLE.search(statement)
    if table is None:
        plain = re.match(r"[A-Za-z_ ]+", re.sub(r"\s+sa_savepoint_\d+", "", statement))
        return plain[0].strip() if plain else statement[:20]
    locked = " FOR UPDATE" if statement.rstrip().endswith(("FOR UPDATE", "SKIP LOCKED")) else ""
    return f"{statement.split(None, 1)[0].upper()} {table[1]}{locked}"


def list_of(engine: str) -> Path:
    return Path(__file__).with_name(f"crash_points.{engine}.txt")


def known_points(engine: str) -> list[str]:
    return list_of(engine).read_text().splitlines()


def _in_flow(name: str, work: Any, at: Reached) -> Any:
    @functools.wraps(work)
    async def flow(*arguments: Any, **named: Any) -> Any:
        before = _FLOW.set(_Flow(name))
        try:
            result = await work(*arguments, **named)
            await at("returns")
            return result
        finally:
            _FLOW.reset(before)

    return flow


def _around_commit(at_now: Callable[[str], None]) -> Any:
    commit = DefaultDialect.do_commit

    def do_commit(dialect: Any, connection: Any) -> None:
        at_now("before COMMIT")
        commit(dialect, connection)
        at_now("after COMMIT")

    return do_commit


def _traced(at: Reached) -> Any:
    make = aiohttp.ClientSession.__init__

    def init(session: aiohttp.ClientSession, *arguments: Any, **named: Any) -> None:
        trace = aiohttp.TraceConfig()
        for signal, what in _STEPS.items():

            async def step(_session: Any, _context: Any, _given: Any, what: str = what) -> None:
                await at(what)

            getattr(trace, signal).append(step)
        make(session, *arguments, **named, trace_configs=[trace])

    return init
