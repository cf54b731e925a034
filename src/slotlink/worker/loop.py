"""The background worker: claim what is due, do it, settle it. Knows no provider and no receiver by name."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import time
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.retry import furthest, next_attempt_at
from slotlink.errors import StoreUnavailable
from slotlink.services.channels import tell_due
from slotlink.services.deps import Deps
from slotlink.store import channels, outbox
from slotlink.store.outbox import Attempt, OutboxItem
from slotlink.worker.places import Place, Places

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

GONE = 410  # the receiver wants no more of this: the delivery ends
CLAIMED_AT_ONCE = 8  # items in one transaction: nobody waits long for the write lock
IDLE_POLL_S = 5.0  # beneath the wake-ups, for what another process put in
WRITE_ROUNDS = 3  # exchanges with a calendar's provider that one attempt to write an event makes, each timed
LEASE_MARGIN_S = 30  # beyond the attempt's own deadline
WIND_DOWN_S = 5.0  # for running attempts when told to stop; whoever has not answered then is asked again later

Deliver = Callable[[OutboxItem], Awaitable[Attempt]]
GiveUp = Callable[[AsyncConnection, OutboxItem, str, int], Awaitable[None]]
"""What else follows when no further attempt is made: in the transaction that says so, with the last outcome and now."""


async def _nothing_else(_connection: AsyncConnection, _item: OutboxItem, _outcome: str, _now: int) -> None:
    return


class Worker:
    """Runs until `stop`. Any number of workers may share a database: leases keep them apart."""

    def __init__(
        self,
        deps: Deps,
        deliver: Deliver,
        clock: Callable[[], float] = time.time,
        give_up: GiveUp = _nothing_else,
    ) -> None:
        self._deps = deps
        self._deliver = deliver
        self._give_up = give_up
        self._clock = clock
        self._owner = f"w_{secrets.token_hex(8)}"
        self._wake = asyncio.Event()
        self._others: list[Callable[[], None]] = []
        self._stopping = False
        self._running: dict[asyncio.Task[None], Place] = {}
        self._places = Places(time.monotonic)
        settings = deps.settings
        of_mail = settings.smtp_timeout if settings.mails else 0
        longest = max(settings.callback_timeout, WRITE_ROUNDS * settings.calendar_timeout, of_mail)
        self._lease_s = round(longest) + LEASE_MARGIN_S
        self._furthest_s = furthest(deps.settings.callback_retries)

    def also_wakes(self, other: Callable[[], None]) -> None:
        """Whoever is told that there is something to do passes it on to `other`."""
        self._others.append(other)

    def wake(self) -> None:
        self._wake.set()
        for other in self._others:
            other()

    async def run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                pause = await self._look()
            except StoreUnavailable as error:
                log.warning("worker.database_unavailable", reason=str(error))
                pause = IDLE_POLL_S
            except Exception:  # a bug must not end the worker in silence
                log.exception("worker.broke")
                pause = IDLE_POLL_S
            if pause > 0 and not self._stopping:
                await self._sleep(pause)
        await self._wind_down()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()

    async def _look(self) -> float:
        """Claim what there is, and say how long there is nothing to do: to the next due second, or the idle poll."""
        now = int(self._clock())
        async with self._deps.database.reading() as connection:
            due_at = await outbox.next_due_at(connection, now, lease_s=self._lease_s, furthest_s=self._furthest_s)
            tell_at = await channels.next_due_at(connection, now)
        if tell_at is not None and tell_at <= now and await tell_due(self._deps, now):
            return 0.0
        if due_at is None or (tell_at is not None and due_at > now and tell_at < due_at):
            return IDLE_POLL_S if tell_at is None else min(IDLE_POLL_S, max(1.0, tell_at - self._clock()))
        if due_at <= now and await self._claim(now):
            return 0.0
        # Something due that could not be claimed waits for a place, which wakes us, or for another worker's claim.
        return min(IDLE_POLL_S, max(1.0, due_at - self._clock()))

    async def _claim(self, now: int) -> bool:
        room = self._places.look()
        if room.free == 0:
            return False
        async with self._deps.database.transaction() as connection:
            items = await outbox.claim(
                connection,
                self._owner,
                now,
                lease_s=self._lease_s,
                furthest_s=self._furthest_s,
                limit=min(room.free, CLAIMED_AT_ONCE),
                busy_hosts=room.full_hosts,
                admits=room.admits,
            )
        for item in items:
            place = self._places.take(item.host)
            task = asyncio.create_task(self._work(item, place))
            self._running[task] = place
            task.add_done_callback(self._ended)
        return bool(items)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._places.leave(self._running.pop(task))
        self._wake.set()

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):  # not wait_for, which may swallow a cancellation before Python 3.12
                await self._wake.wait()

    async def _work(self, item: OutboxItem, place: Place) -> None:
        started = self._clock()
        try:
            attempt = await self._deliver(item)
        except Exception as error:  # the one home of this clause: whatever went wrong is an attempt that failed
            log.exception("worker.attempt_broke", item=item.item_id)
            attempt = Attempt(int(started), 0, None, f"our fault: {type(error).__name__}")
        self._places.heard(place, accepted=_accepted(attempt))
        try:
            await self._settle(item, attempt)
        except StoreUnavailable as error:
            # The lease ends by itself and the item is tried again: a second delivery, never a lost one.
            log.warning("worker.settle_failed", item=item.item_id, reason=str(error))

    async def _settle(self, item: OutboxItem, attempt: Attempt) -> None:
        now = int(self._clock())
        state, due_at = "waiting", None
        if _accepted(attempt):
            state = "delivered"
        elif attempt.status_code == GONE or attempt.ends == "dead":
            state = "dead"
        else:
            due_at = next_attempt_at(
                item.attempts + 1 - item.replayed_after,
                self._deps.settings.callback_retries,
                now,
                random.random(),  # noqa: S311 - jitter
                attempt.retry_after,
            )
            state = "waiting" if due_at is not None else "dead"
        async with self._deps.database.transaction() as connection:
            settled = await outbox.settle(connection, item, attempt, state=state, due_at=due_at)
            if settled and state == "dead":
                await self._give_up(connection, item, attempt.outcome, now)
        log.info(
            f"{item.kind}.attempt",
            item=item.item_id,
            link=item.link_id,
            channel=item.channel_id,
            number=item.attempts + 1,
            status_code=attempt.status_code,
            outcome=attempt.outcome,
            state=state if settled else "lease lost",
        )

    async def _wind_down(self) -> None:
        """A clean stop: running attempts have a moment to end, then every lease is given back."""
        if self._running:
            await asyncio.wait(self._running, timeout=WIND_DOWN_S)
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        try:
            async with self._deps.database.transaction() as connection:
                await outbox.release(connection, self._owner)
        except StoreUnavailable as error:
            log.warning("worker.release_failed", reason=str(error))


def _accepted(attempt: Attempt) -> bool:
    if attempt.ends is not None:
        return attempt.ends == "delivered"
    return attempt.status_code is not None and 200 <= attempt.status_code < 300
