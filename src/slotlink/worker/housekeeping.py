"""Small duties on a slow clock: forget what nobody can use any more, follow new zone data."""

from __future__ import annotations

import asyncio
import time

import structlog

from slotlink.errors import StoreUnavailable
from slotlink.services.deps import Deps
from slotlink.services.rezoning import expand_anew
from slotlink.store import authorizations, channels, idempotency, outbox, tokens

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

EVERY_S = 3600


async def forget(deps: Deps, now: int) -> None:
    """Everything whose time is up, each kind in a transaction of its own."""
    async with deps.database.transaction() as connection:
        await authorizations.forget_expired(connection, now)
    async with deps.database.transaction() as connection:
        forgotten = await tokens.forget_expired(connection, now)
    async with deps.database.transaction() as connection:
        answers = await idempotency.forget_expired(connection, now)
    async with deps.database.transaction() as connection:
        callbacks = await outbox.forget_ended(connection, now - round(deps.settings.keep_callbacks))
    async with deps.database.transaction() as connection:
        await channels.forget_closed(connection, now - round(deps.settings.keep_callbacks))
    log.debug("housekeeping.forgotten", tokens=forgotten, answers=answers, callbacks=callbacks)


async def keep_house(deps: Deps) -> None:
    """Runs until cancelled."""
    while True:
        try:
            await forget(deps, int(time.time()))
            await expand_anew(deps)
        except StoreUnavailable as error:
            log.warning("housekeeping.database_unavailable", reason=str(error))
        except Exception:  # a bug must not end it in silence
            log.exception("housekeeping.broke")
        await asyncio.sleep(EVERY_S)
