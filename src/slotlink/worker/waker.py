"""Whoever leaves something to do says so here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from slotlink.worker.loop import Worker


class Waker:
    """Passes the wake-up on to the worker of this process, once there is one, and to those of other processes."""

    def __init__(self, channel: str, notify: Callable[[str], Coroutine[object, object, None]] | None) -> None:
        self.worker: Worker | None = None
        self._channel = channel
        self._notify = notify
        self._under_way: set[asyncio.Task[None]] = set()  # the loop itself keeps no task alive

    def __call__(self) -> None:
        if self.worker is not None:
            self.worker.wake()
        if self._notify is not None:
            task = asyncio.create_task(self._notify(self._channel))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
