"""An asyncio event loop without time, threads or sockets: time jumps to the next timer, luck decides who goes first.

asyncio calls what is ready in the order in which it became ready. Nothing may rely on that between tasks, so here the
order is drawn. What asyncio does promise stays: whatever becomes ready later runs in a later round than all that is
ready now, timers fire in their order and never early, and a task has one step at a time.
"""

from __future__ import annotations

import asyncio
import heapq
from contextvars import Context, ContextVar
from random import Random
from typing import Any


class Machine:
    """Something that code runs on. What runs on a frozen one waits until it thaws; its clock goes on."""

    def __init__(self) -> None:
        self.frozen = False
        self.parked: list[asyncio.Handle] = []
        self.tasks: list[asyncio.Task[Any]] = []


# Whose code is running: inherited by every task and callback that it starts. None is the world outside.
ON: ContextVar[Machine | None] = ContextVar("ON", default=None)


class Stuck(Exception):
    """Nothing is ready and nothing will be: whoever waits, waits for ever."""


class VirtualLoop(asyncio.BaseEventLoop):
    def __init__(self, luck: Random) -> None:
        super().__init__()
        self._luck = luck
        self._now = 0.0
        self.rounds = 0
        self.set_task_factory(_factory)
        self.set_exception_handler(_raise_later)
        self.broken: list[str] = []

    def time(self) -> float:
        return self._now

    def call_soon_threadsafe(self, *_arguments: Any, **_options: Any) -> Any:
        raise AssertionError("a simulation has one thread")

    def run_in_executor(self, *_arguments: Any, **_options: Any) -> Any:
        raise AssertionError("a simulation has one thread")

    def thaw(self, machine: Machine) -> None:
        machine.frozen = False
        self._ready.extend(machine.parked)
        machine.parked.clear()

    def _run_once(self) -> None:
        timers, ready = self._scheduled, self._ready
        while timers and timers[0]._cancelled:
            heapq.heappop(timers)._scheduled = False
        if not ready and not self._stopping:
            if not timers:
                raise Stuck
            self._now = max(self._now, timers[0]._when)
        while timers and timers[0]._when <= self._now:
            handle = heapq.heappop(timers)
            handle._scheduled = False
            ready.append(handle)
        round_ = list(ready)
        ready.clear()
        if len(round_) > 1:
            self._luck.shuffle(round_)
        self.rounds += 1
        for handle in round_:
            if handle._cancelled:
                continue
            machine = handle._context.get(ON)
            if machine is not None and machine.frozen:
                machine.parked.append(handle)
            else:
                handle._run()

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Cancelled timers leave the heap when their time has come."""


def _factory(loop: Any, coroutine: Any, context: Context | None = None) -> asyncio.Task[Any]:
    task = asyncio.Task(coroutine, loop=loop, context=context)
    machine = ON.get() if context is None else context.get(ON)
    if machine is not None:
        machine.tasks.append(task)
    return task


def _raise_later(loop: Any, context: dict[str, Any]) -> None:
    """What nobody handled is a fault of the run."""
    loop.broken.append(f"{context['message']}: {context.get('exception')!r}")
