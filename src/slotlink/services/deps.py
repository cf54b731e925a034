"""What every service needs of the world, handed over once by `app.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from slotlink import engine
from slotlink.domain.query import Query
from slotlink.services.known import KnownCache
from slotlink.services.viewing import Viewing
from slotlink.settings import Settings
from slotlink.store.database import Database
from slotlink.store.hot import HotReader
from slotlink.vault import Vault

HALF_A_CACHE = 64 * 1024 * 1024  # bytes for calendars that were read, and as many for the starts found in them


def _nobody_waits() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Deps:
    database: Database
    vault: Vault
    settings: Settings
    wake_worker: Callable[[], None] = _nobody_waits  # called after a commit that left something in the outbox
    hot: HotReader | None = None  # only in a process that serves
    known: KnownCache = field(default_factory=lambda: KnownCache(HALF_A_CACHE))
    viewing: Viewing = field(default_factory=Viewing)
    found_starts: engine.StartCache = field(default_factory=lambda: engine.StartCache(HALF_A_CACHE))

    def cache_for(self, query: Query) -> engine.StartCache | None:
        """Where the engine remembers what it finds out for a query; None when nobody would ask again."""
        return self.found_starts if query.lasts else None
