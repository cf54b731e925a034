"""A process that serves: the services and a worker over the run's database. It crashes, freezes, stops and starts.

A crash is a process killed: nothing that runs on it takes another step, what it had not committed is undone, whoever
waited for an answer gets none. What it committed, and what it sent, stays.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import copy_context
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

from slotlink.errors import StoreUnavailable
from slotlink.services.deps import Deps
from slotlink.store import outbox
from slotlink.store.database import Database
from slotlink.worker.loop import Worker
from tests.simulation.image import image
from tests.simulation.inline_sqlite import InlineEngine
from tests.simulation.receivers import SimulatedClient
from tests.simulation.virtual_loop import ON, Machine

if TYPE_CHECKING:
    from tests.simulation.world import World

Result = TypeVar("Result")


class Lost(Exception):
    """No answer came: what was asked for was done, or was not."""


class Node(Machine):
    def __init__(self, world: World, number: int) -> None:
        super().__init__()
        self.world = world
        self.number = number
        self.settings = image().settings
        self.clock_ahead = 0.0
        self.alive = False
        self.ready = False
        self.worker: Worker | None = None
        self.disk_full = False
        self.loses_commits = 0.0
        self.fuse: int | None = None  # statements until it crashes, or freezes for `freezes_for` seconds
        self.freezes_for = 0.0
        self.dying: list[asyncio.Task[Any]] = []
        self._writer = InlineEngine(self, image().file.writers)
        self._reader = InlineEngine(self, image().file.readers)
        self._asked: dict[asyncio.Future[Any], None] = {}  # in their order

    def clock(self) -> float:
        return self.world.wall() + self.clock_ahead

    # Living and dying

    def start(self) -> None:
        self._writer = InlineEngine(self, image().file.writers)
        self._reader = InlineEngine(self, image().file.readers)
        database = Database("sqlite", image().file.url, self._writer, self._reader)  # type: ignore[arg-type]
        self.deps = Deps(database, image().vault, self.settings, wake_worker=self._wake)
        self.web = SimpleNamespace(deps=self.deps, now=lambda: int(self.clock()), running_keys=set())
        self.alive = True
        self.world.note("start", self.number)
        self._running = self.spawn(self._boot())

    async def _boot(self) -> None:
        if self.world.owns_file:
            try:
                async with self.deps.database.transaction() as connection:
                    await outbox.release_all(connection)
            except StoreUnavailable:
                self.world.crash(self)  # as `make_app` would: it does not start
                return
            self.world.nobody_holds("after the start", self)
        client = SimulatedClient(self.deps, self.world.receivers)
        self.worker = Worker(self.deps, client.deliver, self.clock)
        self.ready = True
        await self.worker.run()

    def _wake(self) -> None:
        if self.worker is not None:
            self.worker.wake()

    @property
    def owner(self) -> str | None:
        return None if self.worker is None else self.worker._owner

    def kill(self) -> None:
        self.alive = self.ready = False
        self.fuse = None
        self._writer.stop()
        self._reader.stop()
        self.world.loop.thaw(self)
        for task in self.tasks:
            if not task.done():
                task.cancel()
            elif not task.cancelled() and task.exception() is not None:
                self.world.broken(f"node {self.number}: {task.exception()!r}")
        self.dying += self.tasks
        self.tasks.clear()
        for asked in self._asked:
            if not asked.done():
                asked.set_exception(Lost())
        self._asked.clear()

    async def stop(self) -> None:
        """A clean stop. What is asked of it meanwhile gets no answer."""
        self.ready = False
        if self.worker is not None:
            self.worker.stop()
        owner, noted = self.owner, len(self.world.trace)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(self._running)
        if self.alive:
            if all(line[1] != "worker.release_failed" for line in self.world.trace[noted:]):
                self.world.nobody_holds("after its clean stop", self, owner)
            self.kill()

    def spawn(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        context = copy_context()
        context.run(ON.set, self)
        return self.world.loop.create_task(work, context=context)

    # Being asked

    async def ask(self, work: Callable[[Node], Awaitable[Result]], patience: float = 20.0) -> Result:
        """Raises what `work` raises, and Lost."""
        if not self.ready:
            raise Lost
        answer: asyncio.Future[Result] = self.world.loop.create_future()
        self._asked[answer] = None
        self.spawn(self._serve(work, answer))
        try:
            async with asyncio.timeout(patience):
                return await answer
        except TimeoutError:
            raise Lost from None
        finally:
            self._asked.pop(answer, None)

    async def _serve(self, work: Callable[[Node], Awaitable[Result]], answer: asyncio.Future[Result]) -> None:
        try:
            result = await work(self)
        except Exception as error:
            if not answer.done():
                answer.set_exception(error)
        else:
            if not answer.done():
                answer.set_result(result)

    # Being the disk beneath its connections

    async def moment(self, what: str, *, writes: bool = False) -> None:
        luck = self.world.luck
        if luck.random() < self.world.slowness:
            await asyncio.sleep(luck.uniform(0.001, 0.2))
        if self.fuse is not None or not self.alive:
            await self._burn()
        if self.disk_full and (writes or what == "COMMIT"):
            raise sqlite3.OperationalError("database or disk is full")
        if what == "COMMIT" and luck.random() < self.loses_commits:
            self.world.note("commit undone, answer lost", self.number)
            raise ConnectionResetError

    async def committed(self, tables: set[str]) -> None:
        self.world.committed(self, tables)
        await self._burn()
        if self.world.luck.random() < self.loses_commits:
            self.world.note("commit kept, answer lost", self.number)
            raise ConnectionResetError

    async def _burn(self) -> None:
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse == 0:
                self.fuse = None
                if self.freezes_for:
                    self.world.freeze(self, self.freezes_for)
                    await asyncio.sleep(0)
                else:
                    self.world.crash(self)
        if not self.alive:
            await self.world.loop.create_future()  # the dead take no further step; `kill` has cancelled them
