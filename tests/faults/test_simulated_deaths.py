"""Death at every boundary again, in this process and among others: several visitors, a disable and deliveries at once.

Who goes first at each point is drawn by a seed, and so is how many pass the fatal one. What dies takes no other step; a
new life over the same database goes on. `SLOTLINK_FAULTS=long` plays 25 seeds at every point.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import random
import time
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event as engine_event

from slotlink.app import open_deps
from slotlink.domain.link import CallbackUrls, Link, TargetCalendar, Terms
from slotlink.domain.query import Group, Member, Query
from slotlink.errors import LinkNotOpen, SlotTaken
from slotlink.services.booking import find_offer
from slotlink.services.deps import Deps
from slotlink.services.links import create_link
from slotlink.settings import Settings
from slotlink.store import applications, outbox
from slotlink.store.calendars import list_calendars
from slotlink.store.profiles import create_application_calendar
from slotlink.web import api_links, page
from slotlink.worker.deliver_callback import CallbackClient
from slotlink.worker.loop import Worker
from tests.center import DAY, HOUR
from tests.faults.campaign import LONG, SEED, chosen
from tests.faults.crash_points import known_points, watched
from tests.faults.invariants import Truth
from tests.faults.world import drained
from tests.forked import run_command
from tests.serving import Received, Receiver, environ_for

SEEDS = 25 if LONG else 1
SAMPLE = 5  # points, in `make test`
PLAY_S = 60  # at most; a second is usual
PAIRS = ((0, 1), (1, 2), (2, 0), (0, 1), (0, 1))  # of three people: who is asked for by each link
REFUSED = (LinkNotOpen, SlotTaken)


class SimulatedDeath(BaseException):
    """Nobody may catch it: what it meets was killed."""


class Fate:
    """One life: it ends when `point` is reached for the `left`-th time."""

    def __init__(self, point: str, seed: str) -> None:
        self.luck = random.Random(f"{point} {seed}")
        self.point = point
        self.left = self.luck.randint(1, 2 if point.startswith("booking") else 1)
        self.dead = asyncio.Event()

    async def reached(self, name: str) -> None:
        if name == self.point:
            self.left -= 1
            if self.left == 0:
                self.dead.set()
        if not self.dead.is_set() and self.luck.random() < 0.3:
            await asyncio.sleep(self.luck.random() * 0.005)
        if self.dead.is_set():
            raise SimulatedDeath


class Ground:
    """A database, life after life, an application with three people, and its receiver."""

    def __init__(self, environ: dict[str, str], receiver: Receiver) -> None:
        self.settings = Settings.from_environ(environ).at("https://app.test")
        self.receiver = receiver
        self.fate: Fate | None = None
        self._connections: list[Any] = []
        self.deps = self._open()
        self._ahead = 0  # of the clock: a new life need not wait for the leases of the last one

    async def reached(self, name: str) -> None:
        if self.fate is not None:
            await self.fate.reached(name)

    async def begin(self) -> None:
        """An application and people that nothing has happened to."""
        self.acknowledged: dict[str, int] = {}
        self.disabled: set[str] = set()
        self.calls: dict[str, set[tuple[str, bytes]]] = {}
        self._days = itertools.count(1)
        async with self.deps.database.transaction() as connection:
            self.application_id, _ = await applications.create(connection, self.deps.vault, "Globex", self.now)
            people = [
                await create_application_calendar(connection, self.application_id, name, self.now)
                for name in ("maya", "jonas", "ines")
            ]
            subs = [person.sub for person in people]
            calendars = await list_calendars(connection, self.application_id, subs)
        self.people = [TargetCalendar(calendar.sub, calendar.calendar_id) for calendar in calendars]

    @property
    def now(self) -> int:
        return int(time.time()) + self._ahead

    async def links(self) -> list[Link]:
        """Five links that compete for two hours of a day."""
        start = (self.now // DAY + next(self._days)) * DAY + 9 * HOUR
        links: list[Link] = []
        for number, pair in enumerate(PAIRS):
            targets = tuple(self.people[each] for each in pair)
            query = Query(
                groups=(Group(tuple(Member(target.sub) for target in targets)),),
                required_duration=HOUR,
                query_periods=((start, start + 2 * HOUR),),
            )
            urls = CallbackUrls(completed_url=f"{self.receiver.url}/completed")
            terms = Terms(query, "Europe/London", "https://application.test/done", targets=targets, callback_urls=urls)
            event = {"event_id": f"interview-{start}-{number}", "summary": "Interview", "tzid": "Europe/London"}
            links.append(await create_link(self.deps, self.application_id, event, terms, self.now))
        return links

    async def visit(self, link: Link) -> None:
        """Choose a start and say so; choose another where it was taken meanwhile."""
        luck = self.fate.luck if self.fate is not None else random.Random()
        while starts := (await find_offer(self.deps, link, self.now)).starts:
            start = luck.choice(starts)
            try:
                await page.book_slot(self.deps, link, start, visitor_tzid="Europe/Paris", now=self.now)
            except SlotTaken:
                continue
            except LinkNotOpen:
                return
            self.acknowledged[link.link_id] = start
            return

    async def disable(self, link: Link) -> None:
        with contextlib.suppress(api_links.InvalidRequest):  # somebody has chosen already
            await api_links.disable_link(self.deps, self.application_id, link.link_id, "no more", self.now)
            self.disabled.add(link.link_id)

    async def live(self, *deeds: Coroutine[Any, Any, None]) -> None:
        """Do all of it at once, and deliver what follows; or die of it."""
        async with CallbackClient(self.deps) as client:
            worker = Worker(self.deps, client.deliver, lambda: float(self.now))
            self.deps = dataclasses.replace(self.deps, wake_worker=worker.wake)
            doing = [asyncio.create_task(deed) for deed in deeds]
            dying = asyncio.create_task(self.fate.dead.wait() if self.fate else asyncio.sleep(3600))
            tasks: list[asyncio.Task[Any]] = [*doing, dying, asyncio.create_task(worker.run())]
            try:
                done = asyncio.gather(*doing, return_exceptions=True)
                await asyncio.wait({done, dying}, return_when=asyncio.FIRST_COMPLETED)
                tasks.append(delivered := asyncio.create_task(self._delivered()))
                await asyncio.wait({delivered, dying}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                tasks += worker._running
                for task in tasks:
                    task.cancel()
                ended = await asyncio.gather(*tasks, return_exceptions=True)
        faults = [end for end in ended if isinstance(end, Exception)]
        assert not faults, faults

    async def die(self) -> None:
        """What was open is thrown away; the next life begins, after every lease has ended."""
        await self.deps.database.close()
        await self._drop_connections()
        self.fate = None
        self._ahead += 100
        self.deps = self._open()

    def _open(self) -> Deps:
        deps = open_deps(self.settings, checkpoints=True)
        for engine in (deps.database._writer, deps.database._reader):
            engine_event.listen(engine.sync_engine, "connect", lambda opened, _record: self._connections.append(opened))
        return deps

    async def _drop_connections(self) -> None:
        """Those of tasks that were cut off, too: a process that dies takes its locks with it."""
        for opened in self._connections:
            with contextlib.suppress(Exception):  # closed already, or its thread has ended and answers nobody
                async with asyncio.timeout(1):
                    await opened.driver_connection.close()
        self._connections.clear()

    async def check(self, links: list[Link]) -> None:
        truth = await Truth.read(self.deps, self.application_id)
        truth.check(self.acknowledged)
        for call in drained(self.receiver.received):
            self.calls.setdefault(_link_of(call), set()).add((call.headers["webhook-id"], call.body))
        promised = {promise.link_id: {(promise.item_id, promise.body)} for promise in truth.outbox}
        assert self.calls == promised, "called back as it was promised, under one id and with one body"
        assert not truth.waiting and not truth.completed & self.disabled
        assert {link.link_id for link in links} & (truth.completed | self.disabled), "nobody got anywhere"

    async def _delivered(self) -> None:
        while True:
            async with self.deps.database.reading() as connection:
                if await outbox.next_due_at(connection) is None:
                    return
            await asyncio.sleep(0.02)


def _link_of(call: Received) -> str:
    return call.content["real_time_scheduling"]["real_time_scheduling_id"]


@asynccontextmanager
async def ground_of(environ: dict[str, str], receiver: Receiver) -> AsyncGenerator[Ground]:
    ground = Ground(environ, receiver)
    with watched(ground.reached):
        try:
            yield ground
        finally:
            await ground.deps.database.close()


async def test_nothing_is_lost_whoever_is_under_way_when_it_dies(
    database_url: str,
    tmp_path: Path,
    receiver: Receiver,
) -> None:
    variables = {"SLOTLINK_DATABASE_URL": database_url, "SLOTLINK_CALLBACK_ALLOW": receiver.host}
    environ = environ_for(tmp_path, **variables)
    assert run_command(environ, "migrate").code == 0
    known = known_points(database_url.partition(":")[0])
    points = chosen([point for point in known if not point.startswith("create")], SAMPLE)
    died: dict[str, int] = dict.fromkeys(points, 0)
    async with ground_of(environ, receiver) as ground:
        for point, number in itertools.product(points, range(SEEDS)):
            if number == 0:
                await ground.begin()
            try:
                async with asyncio.timeout(PLAY_S):
                    died[point] += await play(ground, point, f"{SEED} {number}")
            except (AssertionError, TimeoutError) as error:
                raise AssertionError(f"died at {point!r}, seed {number} of SLOTLINK_SEED={SEED}: {error}") from error
    assert not LONG or all(died.values()), f"never died there: {[point for point in points if not died[point]]}"


async def play(ground: Ground, point: str, seed: str) -> bool:
    """One life at `point`, and another that ends well. Whether the first one ended there."""
    links = await ground.links()
    ground.fate = fate = Fate(point, seed)
    try:
        visits = [ground.visit(link) for link in [*links[:4], links[0]]]
        # Of the last, twice, as by an application that had no answer: the second finds it done.
        disables = [ground.disable(link) for link in (links[3], links[4], links[4])]
        await ground.live(*visits, *disables)
        await ground.die()
        await ground.live(*(ground.visit(link) for link in links))
        await ground.check(links)
    finally:
        ground.fate = None
    return fate.dead.is_set()
