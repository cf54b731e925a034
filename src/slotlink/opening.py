"""How a process opens what it works on: the settings' database, made ready, owned where it is a file."""

from __future__ import annotations

import asyncio
import contextlib
import time
import zoneinfo
from collections.abc import Coroutine, Generator
from typing import TypeVar

import uvloop

from slotlink.services.deps import Deps
from slotlink.services.keys import check_keys
from slotlink.settings import Settings
from slotlink.store.database import open_database, own_file
from slotlink.store.schema import check, migrate
from slotlink.vault import Vault

Result = TypeVar("Result")

# One zone database for the whole server, of a version that the lock file names, whatever the host's own may be.
zoneinfo.reset_tzpath(to=())


def open_deps(settings: Settings, *, checkpoints: bool = False) -> Deps:
    """What services need, for a process that is not the one serving."""
    return Deps(open_database(settings.url_of_database, checkpoints=checkpoints), Vault(settings.secret_keys), settings)


async def prepare(settings: Settings) -> None:
    """Make the database ready to serve from. Raises ConfigurationError."""
    deps = open_deps(settings)
    try:
        await make_ready(deps, serving=True)
    finally:
        await deps.database.close()


async def make_ready(deps: Deps, *, serving: bool) -> None:
    """The schema migrated on SQLite and checked on PostgreSQL, then the keys checked. Raises ConfigurationError."""
    if deps.database.dialect == "sqlite":
        await migrate(deps.database)
    else:
        await check(deps.database)
    await check_keys(deps, int(time.time()), serving=serving)


@contextlib.contextmanager
def owning(settings: Settings) -> Generator[None]:
    """Own the SQLite file for as long as the block runs; nothing to own on PostgreSQL."""
    lock = own_file(settings.sqlite_path) if settings.sqlite_path is not None else None
    try:
        yield
    finally:
        del lock


def run_async(main: Coroutine[object, object, Result]) -> Result:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)
