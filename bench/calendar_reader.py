"""A process of its own that reads a calendar from a CalDAV server, whenever a line comes in, and says what that cost:

    python -m bench.calendar_reader WAY FOLDER SERVER USER CALENDAR

`slotlink` reads it into the mirror of a new SQLite database in FOLDER. `plain` has the same client fetch the same
bodies, and `icalendar` parse each, which is then dropped.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import aiohttp
import icalendar
import msgspec
import structlog
import uvloop

from bench.mirrored_people import connect_person
from bench.processes import REPOSITORY, SERVER_CORE, pinned
from bench.radicale import PASSWORD, Radicale
from slotlink.app import open_deps, prepare
from slotlink.connectors import dav_client
from slotlink.connectors.base import Changes
from slotlink.connectors.caldav import CalDavConnector
from slotlink.services.mirror import Poll, read_mirror
from slotlink.settings import Settings
from slotlink.store import applications, mirrors

POLL = Poll(every_s=300, stale_s=3600)
PATIENCE_S = 1800.0  # where others keep the machine busy: CPU time is measured, and no answer would measure nothing
Read = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Cost:
    """Of one read. `peak_mib`: by how much the process's memory grew meanwhile, at most."""

    objects: int
    cpu_s: float
    peak_mib: float


class Reader:
    """The process, seen from the one that measures. Started on the server's core."""

    def __init__(self, way: str, folder: Path, radicale: Radicale, user: str) -> None:
        arguments = [way, str(folder), radicale.url, user, radicale.calendar_url(user)]
        with pinned(SERVER_CORE):
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.calendar_reader", *arguments],
                cwd=REPOSITORY,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )

    def read(self) -> Cost:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(b"read\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the reader has ended; what it said stands above")
        return msgspec.json.decode(line, type=Cost)

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


class _Counting(CalDavConnector):
    """Knows how many objects came last."""

    objects = 0

    async def changes(self, remote_id: str, cursor: str | None) -> Changes:
        found = await super().changes(remote_id, cursor)
        self.objects = len(found.changed)
        return found


async def _slotlink(connector: _Counting, folder: Path, server: str, user: str, calendar: str) -> Read:
    settings = Settings.from_environ({"SLOTLINK_DATA_DIR": str(folder)})
    await prepare(settings)
    deps, now = open_deps(settings, checkpoints=True), int(time.time())
    async with deps.database.transaction() as connection:
        application_id, _ = await applications.create(connection, deps.vault, "Office", now)
        person = await connect_person(connection, deps.vault, application_id, user, server, calendar, now)

    async def read() -> None:
        async with deps.database.reading() as connection:
            (mirror,) = await mirrors.list_mirrors(connection, application_id, subs=[person.sub])
        await read_mirror(deps, connector, mirror, POLL, int(time.time()))

    return read


async def _plain(connector: _Counting, calendar: str) -> Read:
    cursor: str | None = None

    async def read() -> None:
        nonlocal cursor
        found = await connector.changes(calendar, cursor)
        cursor = found.cursor
        for each in found.changed:
            icalendar.Calendar.from_ical(each.ical)

    return read


async def _main(way: str, folder: str, server: str, user: str, calendar: str) -> None:
    async with aiohttp.ClientSession() as session:
        dav_client.REQUEST_S = PATIENCE_S
        connector = _Counting(session, server, user, PASSWORD, sync_deadline=PATIENCE_S)
        ours = way == "slotlink"
        read = await (
            _slotlink(connector, Path(folder), server, user, calendar) if ours else _plain(connector, calendar)
        )
        while await asyncio.to_thread(sys.stdin.readline):
            # Of this moment on: proc(5), clear_refs.
            Path("/proc/self/clear_refs").write_text("5")
            resident, cpu_s = _own_kib("VmRSS"), time.process_time()
            await read()
            cost = Cost(
                connector.objects,
                time.process_time() - cpu_s,
                (_own_kib("VmHWM") - resident) / 1024,
            )
            sys.stdout.write(msgspec.json.encode(asdict(cost)).decode() + "\n")
            sys.stdout.flush()


def _own_kib(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))  # warnings
    uvloop.run(_main(*sys.argv[1:]))
