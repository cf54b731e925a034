"""Which promise of the outbox is kept by whom."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.services import guest_messages, write_back
from slotlink.services.channels import close_after_failure
from slotlink.services.deps import Deps
from slotlink.services.wanted_events import KIND
from slotlink.store.outbox import Attempt, OutboxItem

Deliver = Callable[[OutboxItem], Awaitable[Attempt]]


class Duties:
    def __init__(
        self, deps: Deps, deliver_callback: Deliver, deliver_message: Deliver, clock: Callable[[], float]
    ) -> None:
        self._deps = deps
        self._clock = clock
        self._deliver_callback = deliver_callback
        self._deliver_message = deliver_message

    async def attempt(self, item: OutboxItem) -> Attempt:
        if item.kind == KIND:
            return await write_back.carry_out(self._deps, item, int(self._clock()))
        if item.kind == guest_messages.KIND:
            return await self._deliver_message(item)
        return await self._deliver_callback(item)

    async def give_up(self, connection: AsyncConnection, item: OutboxItem, outcome: str, now: int) -> None:
        if item.kind == KIND:
            await write_back.give_up(self._deps, connection, item, outcome, now)
        elif item.kind == guest_messages.KIND:
            await guest_messages.give_up(self._deps, connection, item, outcome, now)
        elif item.channel_id is not None:
            await close_after_failure(connection, item.application_id, item.channel_id, now)
