"""Keep the watches: once a minute those that are due are made and renewed, beside everything else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog

from slotlink.errors import StoreUnavailable
from slotlink.services.deps import Deps
from slotlink.services.watching import keep_watches

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

EVERY_S = 60.0


async def keep_watching(deps: Deps, clock: Callable[[], float] = time.time) -> None:
    """Runs until cancelled. Any number may share a database: claims keep them apart."""
    while True:
        more = False
        try:
            more = await keep_watches(deps, int(clock()))
        except StoreUnavailable as error:
            log.warning("watches.database_unavailable", reason=str(error))
        except Exception:  # a bug must not end it in silence
            log.exception("watches.broke")
        await asyncio.sleep(1.0 if more else EVERY_S)
