"""One run: its luck, its two clocks, its nodes, and the record of what was committed, sent and broken."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

from tests.center import DAY, START
from tests.simulation import outbox_rules, scheduling_rules
from tests.simulation.image import image
from tests.simulation.node import Lost, Node
from tests.simulation.receivers import Receivers
from tests.simulation.rows import KEYS, SCHEDULE, Rows
from tests.simulation.virtual_loop import ON, VirtualLoop

RESTART_S = (0.5, 8.0)


class World:
    def __init__(self, seed: str, nodes: int) -> None:
        self.luck = Random(f"faults {seed}")
        self.loop = VirtualLoop(Random(f"order {seed}"))
        image().file.begin_anew()
        self.owns_file = nodes == 1  # one process owns a SQLite file; several share a database
        self.clock_set_by = 0.0
        self.clock_was_set = self.a_day_passed = False
        self.slowness = 0.0  # how often a statement takes its time
        self.request_loss = self.answer_loss = self.duplication = 0.0
        self.trace: list[tuple[object, ...]] = []
        self.wrong: list[str] = []
        self.receivers = Receivers(self.loop, self.luck, self, image().client_secret)
        self.nodes = [Node(self, number) for number in range(nodes)]
        self.calendars = {person.sub: person.calendar_id for person in image().people.values()}
        self.rows: Rows = image().reader.first
        self.schedule_changes = 0  # commits that changed who can meet when
        self._under_way: set[asyncio.Task[None]] = set()  # the loop itself keeps no task alive

    # Clocks

    def wall(self) -> float:
        return START + self.loop.time() + self.clock_set_by

    def wall_here(self) -> float:
        """The wall clock of whoever asks."""
        node = ON.get()
        return node.clock() if isinstance(node, Node) else self.wall()

    # The record

    def note(self, *what: object) -> None:
        self.trace.append((round(self.loop.time(), 6), *what))

    def broken(self, what: str) -> None:
        self.note("BROKEN", what)
        self.wrong.append(what)

    def logged(self, level: str, event: str, members: dict[str, Any]) -> None:
        if level in ("exception", "error", "critical"):
            self.broken(f"logged as an error: {event} {members}")
        elif level == "warning" or members.get("state") == "lease lost":
            self.note(event, members.get("state", level))

    def committed(self, node: Node, tables: set[str]) -> None:
        old, new = self.rows, image().reader.read(self.rows, tables & KEYS.keys())
        self.rows = new
        self.note("commit", node.number, *sorted(tables))
        try:
            for what in scheduling_rules.broken_by(old, new, tables, self.calendars):
                self.broken(what)
            for what in outbox_rules.broken_by(
                old, new, tables, image().vault, self.receivers, node.owner, self.clock_was_set
            ):
                self.broken(what)
        except Exception as error:  # must not reach the program, which would take it for its own
            self.broken(f"the rules cannot read what was committed: {error!r}")
        if tables & SCHEDULE:
            self.schedule_changes += 1

    def arrived(self, item_id: str, body: bytes) -> None:
        """A receiver got a callback: it was promised, by these bytes, for something that is committed."""
        item = self.rows.outbox.get(item_id)
        if item is None:
            self.broken(f"I4: {item_id} was sent, and nothing committed promises it")
        elif outbox_rules.body_of(image().vault, item) != body:
            self.broken(f"I4: {item_id} was sent with other bytes than promised: {body!r}")

    def nobody_holds(self, when: str, node: Node, owner: str | None = None) -> None:
        for item in self.rows.outbox.values():
            if item.lease_owner is not None and owner in (None, item.lease_owner):
                self.broken(f"{item.item_id} is held by {item.lease_owner}, {when} of node {node.number}")

    # Nodes

    def crash(self, node: Node) -> None:
        if node.alive:
            self.note("crash", node.number)
            node.kill()
            self.outside(self.restart(node, self.luck.uniform(*RESTART_S)))

    async def restart_cleanly(self, node: Node) -> None:
        if node.ready:
            self.note("stop", node.number)
            await node.stop()
            await self.restart(node, 0.5)

    def freeze(self, node: Node, seconds: float) -> None:
        self.note("freeze", node.number, seconds)
        node.frozen = True
        self.outside(self._thaw(node, seconds))

    async def _thaw(self, node: Node, after: float) -> None:
        await asyncio.sleep(after)
        self.note("thaw", node.number)
        self.loop.thaw(node)

    async def restart(self, node: Node, after: float) -> None:
        await asyncio.sleep(after)
        if not node.alive:
            node.start()

    def outside(self, work: Any) -> asyncio.Task[None]:
        """Let something happen in the world, on no node."""
        token = ON.set(None)
        try:
            task = self.loop.create_task(work)
        finally:
            ON.reset(token)
        self._under_way.add(task)
        return task

    def set_clock(self, by: float) -> None:
        self.note("the wall clock is set by", by)
        self.clock_set_by += by
        self.clock_was_set = True
        self.a_day_passed |= by >= DAY  # answers are kept under their idempotency keys for a day

    # The network

    async def ask(self, work: Any) -> Any:
        """Ask whichever node answers. Raises what it raises, and Lost. A request may arrive twice."""
        luck = self.luck
        await asyncio.sleep(luck.uniform(0.005, 0.1))
        if luck.random() < self.request_loss:
            raise Lost
        ready = [node for node in self.nodes if node.ready] or self.nodes
        node = luck.choice(ready)
        if luck.random() < self.duplication:
            self.note("duplicated")
            self.outside(self._unheard(luck.choice(ready), work))
        answer = await node.ask(work)
        if luck.random() < self.answer_loss:
            raise Lost
        return answer

    async def _unheard(self, node: Node, work: Any) -> None:
        await asyncio.sleep(self.luck.uniform(0, 0.3))
        try:
            await node.ask(work)
        except Exception as error:
            self.note("unheard", type(error).__name__)

    # The end

    def finish(self) -> None:
        """Stop everything, and look at what ended without anybody noticing."""
        for node in self.nodes:
            node.kill()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0.01))
        for node in self.nodes:
            for task in node.dying:  # what the dead still say is of no interest
                if task.done() and not task.cancelled():
                    task.exception()
        for what in self.loop.broken:
            self.broken(what)
        self.loop.close()
