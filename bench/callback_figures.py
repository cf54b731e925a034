"""Callbacks: how fast one worker delivers them, and how long a healthy receiver waits beside dead ones.

The worker is the one of `slotlink work`, in this process, over SQLite and over PostgreSQL.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import uvloop
from sqlalchemy import delete
from structlog.testing import capture_logs

from bench.cluster import Cluster
from bench.figures import Figure, interleaved
from bench.processes import SERVER_CORE, pinned
from bench.receiver import Receiver, dead_receivers, receiving
from slotlink.app import open_deps, working
from slotlink.services.deps import Deps
from slotlink.settings import Settings
from slotlink.store import applications, outbox
from slotlink.store.schema import migrate
from slotlink.store.tables import outbox as items
from slotlink.store.tables import outbox_attempts
from slotlink.vault import new_key

DELIVERY_MS = 10  # a hundred a second
DELAY_S = 2
DEAD = 20
TO_EACH_DEAD = 10  # callbacks
PAUSE_S = 0.25  # between callbacks to the healthy one
AT_ONCE = 4  # the worker asks one receiver as many times at once
BODY = b'{"notification":{"type":"real_time_scheduling"},"padding":"%b"}' % (b"x" * 600)


@dataclass(frozen=True)
class CallbackEffort:
    """`deliveries` a sample; for `dead_s` seconds callbacks go to a healthy receiver beside dead ones, in `dead_rounds`
    rounds; `timeout` of an attempt."""

    deliveries: int
    dead_rounds: int
    dead_s: float
    timeout: str


WHOLE_CALLBACKS = CallbackEffort(deliveries=200, dead_rounds=2, dead_s=12, timeout="10s")
LEAST_CALLBACKS = CallbackEffort(deliveries=8, dead_rounds=1, dead_s=0.3, timeout="0.5s")


def callback_figures(effort: CallbackEffort, rounds: int, folder: Path, cluster: Cluster | None) -> list[Figure]:
    """On SQLite, and on PostgreSQL where there is a cluster."""
    urls = {"SQLite": None, "PostgreSQL": cluster.new_database() if cluster else None}
    figures: list[Figure] = []
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, receiving(folder) as receiver:
        for name, url in urls.items():
            if name == "SQLite" or url:
                with _office(runner, receiver, effort, folder / f"callbacks on {name}", url) as office:
                    figures += _figures(office, name, effort, rounds)
    return figures


def _figures(office: _Office, engine: str, effort: CallbackEffort, rounds: int) -> list[Figure]:
    drained = interleaved(
        rounds,
        {"worker": lambda: office.ms_each(effort.deliveries), "posts": lambda: office.bare_ms_each(effort.deliveries)},
    )
    delays = interleaved(
        effort.dead_rounds,
        {"beside": lambda: office.longest_delay_s(effort.dead_s, DEAD), "alone": lambda: office.longest_delay_s(1, 0)},
    )
    return [
        Figure(
            f"a delivery, one worker on {engine}, one receiver",
            "wall ms",
            f"its POST alone, {AT_ONCE} at a time",
            drained["worker"],
            drained["posts"],
            limit=DELIVERY_MS,
        ),
        Figure(
            f"longest delay of a healthy receiver beside {DEAD} dead ones, {engine}",
            "wall s",
            "the same without them",
            delays["beside"],
            delays["alone"],
            limit=DELAY_S,
        ),
    ]


class _Office:
    """An outbox of one application, a worker for as long as it is needed, a receiver that answers."""

    def __init__(self, runner: asyncio.Runner, deps: Deps, application_id: str, receiver: Receiver) -> None:
        self._runner = runner
        self._deps = deps
        self._application_id = application_id
        self._receiver = receiver
        self._samples = 0

    def ms_each(self, count: int) -> float:
        """Milliseconds for each of `count` callbacks: from the start of a worker until the last is received."""

        async def drain() -> float:
            prefix = self._prefix()
            await self._put(*(self._receiver.url(f"{prefix}{number}") for number in range(count)))
            began = time.monotonic()
            async with working(self._deps):
                received = await self._receiver.has(prefix, count)
            return (max(received.values()) - began) / count * 1000

        return self._run(drain())

    def bare_ms_each(self, count: int) -> float:
        """The same for the POSTs alone, by the same library, a client for each."""

        async def post_all() -> float:
            prefix = self._prefix()
            left = iter(range(count))

            async def post() -> None:
                for number in left:
                    async with aiohttp.ClientSession() as session:
                        response = await session.post(self._receiver.url(f"{prefix}{number}"), data=BODY)
                        response.close()

            began = time.monotonic()
            await asyncio.gather(*(post() for _ in range(AT_ONCE)))
            return (time.monotonic() - began) / count * 1000

        return self._run(post_all())

    def longest_delay_s(self, seconds: float, dead: int) -> float:
        """The longest of the delays, promised to received, of callbacks to the receiver that answers. First, everything
        for the dead ones is promised; they keep every attempt waiting until its time is up."""

        async def watch() -> float:
            prefix = self._prefix()
            promised: dict[str, float] = {}
            with dead_receivers(dead) as hosts:
                await self._put(*(f"http://{host}/{number}" for number in range(TO_EACH_DEAD) for host in hosts))
                ends = time.monotonic() + seconds
                async with working(self._deps) as worker:
                    while not promised or time.monotonic() < ends:
                        path = f"{prefix}{len(promised)}"
                        promised[path] = time.monotonic()
                        await self._put(self._receiver.url(path))
                        worker.wake()
                        await asyncio.sleep(PAUSE_S)
                    received = await self._receiver.has(prefix, len(promised))
            await self._forget()
            return max(received[path] - at for path, at in promised.items())

        return self._run(watch())

    async def _put(self, *urls: str) -> None:
        async with self._deps.database.transaction() as connection:
            for url in urls:
                host = url.split("/")[2]
                await outbox.add(
                    connection,
                    self._deps.vault,
                    self._application_id,
                    "sch_bench",
                    url,
                    host,
                    BODY,
                    int(time.time()),
                )

    async def _forget(self) -> None:
        async with self._deps.database.transaction() as connection:
            await connection.execute(delete(outbox_attempts))
            await connection.execute(delete(items))

    def _prefix(self) -> str:
        self._samples += 1
        return f"{id(self)}-{self._samples}-"

    def _run(self, work: Coroutine[Any, Any, float]) -> float:
        with capture_logs():
            return self._runner.run(work)


@contextlib.contextmanager
def _office(
    runner: asyncio.Runner, receiver: Receiver, effort: CallbackEffort, folder: Path, url: str | None
) -> Generator[_Office]:
    variables = {
        "SLOTLINK_DATA_DIR": str(folder),
        "SLOTLINK_SECRET_KEYS": new_key(),
        "SLOTLINK_CALLBACK_ALLOW": "127.0.0.1",
        "SLOTLINK_CALLBACK_TIMEOUT": effort.timeout,
        **({"SLOTLINK_DATABASE_URL": url} if url else {}),
    }
    deps = open_deps(Settings.from_environ(variables), checkpoints=True)

    async def prepare() -> str:
        await migrate(deps.database)
        async with deps.database.transaction() as connection:
            application_id, _ = await applications.create(connection, deps.vault, "Office", int(time.time()))
        return application_id

    with pinned(SERVER_CORE):
        try:
            yield _Office(runner, deps, runner.run(prepare()), receiver)
        finally:
            runner.run(deps.database.close())
