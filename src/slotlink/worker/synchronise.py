"""Keep mirrors fresh: whose calendars are due is read, many profiles at once, and no provider takes all the places."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog

from slotlink.errors import StoreUnavailable
from slotlink.services.deps import Deps
from slotlink.services.sync import sync_profile
from slotlink.store import due_calendars
from slotlink.worker.places import Place, Places

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

LOOKED_AT = 200  # profiles that are due, of which those get a place whose providers have one free
IDLE_POLL_S = 5.0  # beneath the wake-ups, for what another process put in


class Synchroniser:
    """Runs until cancelled. Any number may share a database: claims keep them apart."""

    def __init__(self, deps: Deps, clock: Callable[[], float] = time.time) -> None:
        self._deps = deps
        self._clock = clock
        self._wake = asyncio.Event()
        self._places = Places(time.monotonic)
        self._reading: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._left_alone: dict[tuple[str, str], float] = {}  # until when, by time.monotonic; after a fault of ours

    def wake(self) -> None:
        self._wake.set()

    async def run(self) -> None:
        try:
            while True:
                self._wake.clear()
                try:
                    pause = await self._look()
                except StoreUnavailable as error:
                    log.warning("synchroniser.database_unavailable", reason=str(error))
                    pause = IDLE_POLL_S
                except Exception:  # a bug must not end it in silence
                    log.exception("synchroniser.broke")
                    pause = IDLE_POLL_S
                await self._sleep(pause)
        finally:
            for task in self._reading.values():
                task.cancel()
            await asyncio.gather(*self._reading.values(), return_exceptions=True)

    async def _look(self) -> float:
        """Give the free places away, and say how long there is nothing to do."""
        now = int(self._clock())
        async with self._deps.database.reading() as connection:
            due_at = await due_calendars.next_due_at(connection, now)
            due = (
                await due_calendars.due_profiles(connection, now, LOOKED_AT)
                if due_at is not None and due_at <= now
                else []
            )
        room = self._places.look()
        self._left_alone = {key: until for key, until in self._left_alone.items() if time.monotonic() < until}
        for application_id, profile_id, service in due:
            key = (application_id, profile_id)
            if key not in self._reading and key not in self._left_alone and room.admits(service):
                task = asyncio.create_task(self._read(application_id, profile_id, self._places.take(service)))
                self._reading[key] = task
        if due_at is None:
            return IDLE_POLL_S
        return min(IDLE_POLL_S, max(1.0, due_at - self._clock()))

    async def _read(self, application_id: str, profile_id: str, place: Place) -> None:
        read, key = False, (application_id, profile_id)
        # What is due stays due where it cannot even be claimed, as on a full disk: without a pause this would spin.
        self._left_alone[key] = time.monotonic() + IDLE_POLL_S
        try:
            read = await sync_profile(self._deps, application_id, profile_id, int(self._clock()))
            del self._left_alone[key]
        except StoreUnavailable as error:
            log.warning("synchroniser.database_unavailable", reason=str(error))
        except Exception:  # a bug in one profile must not end the others
            log.exception("synchroniser.broke", profile=profile_id)
        finally:
            self._places.heard(place, accepted=read)
            self._places.leave(place)
            del self._reading[key]
            self._wake.set()

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):  # not wait_for, which may swallow a cancellation before Python 3.12
                await self._wake.wait()
        except TimeoutError:
            return
