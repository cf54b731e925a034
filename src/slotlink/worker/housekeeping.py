"""Small duties on a slow clock: forget what nobody can use any more."""

from __future__ import annotations

import asyncio
import time

import structlog

from slotlink.errors import StoreUnavailable
from slotlink.services.deps import Deps
from slotlink.store import tokens

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

EVERY_S = 3600


async def keep_house(deps: Deps) -> None:
    """Runs until cancelled."""
    while True:
        try:
            async with deps.database.transaction() as connection:
                forgotten = await tokens.forget_expired(connection, int(time.time()))
            log.debug("housekeeping.tokens_forgotten", count=forgotten)
        except StoreUnavailable as error:
            log.warning("housekeeping.database_unavailable", reason=str(error))
        await asyncio.sleep(EVERY_S)
