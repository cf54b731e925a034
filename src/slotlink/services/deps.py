"""What every service needs of the world, handed over once by `app.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from slotlink.settings import Settings
from slotlink.store.database import Database
from slotlink.vault import Vault


def _nobody_waits() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Deps:
    database: Database
    vault: Vault
    settings: Settings
    wake_worker: Callable[[], None] = _nobody_waits  # called after a commit that left something in the outbox
