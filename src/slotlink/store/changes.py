"""That something was committed on which offers depend, told to other processes; on PostgreSQL, where there are any."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine

from sqlalchemy import text

from slotlink.errors import StoreUnavailable
from slotlink.store.database import Database

CHANGES_CHANNEL = "slotlink_changes"
PAUSE_S = 0.1  # between two notices: whoever hears one looks for everything that has changed


class ChangeNotices:
    """Called for each change, tells the first at once and those of the next moment together. For one loop.

    notify  tells the others, best effort: they look by themselves, too. Never inside the transaction that changed
            something: one that has a notice to give keeps all others like it from committing meanwhile."""

    def __init__(self, notify: Callable[[], Coroutine[object, object, None]]) -> None:
        self._notify = notify
        self._again = False
        self.telling: asyncio.Task[None] | None = None

    def __call__(self) -> None:
        self._again = True
        if self.telling is None or self.telling.done():
            self.telling = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        while self._again:
            self._again = False
            await self._notify()
            await asyncio.sleep(PAUSE_S)


async def notify(database: Database, channel: str) -> None:
    """Tell whoever listens on `channel`, by a connection of the pool: for a process that serves nothing."""
    with contextlib.suppress(StoreUnavailable):
        async with database.reading() as connection:
            await connection.execute(text("SELECT pg_notify(:channel, '')"), {"channel": channel})
