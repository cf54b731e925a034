"""The last look before a booking: people's calendars elsewhere asked about one hour, all at once, by this process of a
local Radicale, beside one bare request for each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path

import aiohttp
import uvloop
from structlog.testing import capture_logs

from bench.calendar_objects import DAY, CalendarObject, plain_object
from bench.figures import Figure, interleaved
from bench.mirrored_people import connect_person, fill_mirror
from bench.processes import SERVER_CORE, pinned
from bench.radicale import PASSWORD, Radicale
from slotlink.app import open_deps, prepare
from slotlink.connectors.caldav import MARGIN_S
from slotlink.connectors.dav import events_within
from slotlink.engine import Period
from slotlink.services.live import look_again
from slotlink.services.sync import sync_profile
from slotlink.settings import Settings
from slotlink.store import applications
from slotlink.store.mirrors import Mirror

HOUR = 3600
CPU_MS = "CPU ms a calendar"


def look_figures(
    radicale: Radicale, people: int, events_each: int, most: int, rounds: int, folder: Path
) -> list[Figure]:
    """Of `people` with as many events each; of one of them alone; and of one whose mirror holds `most`."""
    today = int(time.time()) // DAY * DAY
    users = [f"looked-at-{number}" for number in range(people + 1)]
    for user in users:
        radicale.fill(user, _six_weeks(events_each, today))
    with _Looks(radicale, folder, today) as looks:
        subs = [looks.connect(user) for user in users]
        looks.add(subs[-1], [plain_object(number + 10**6, today, today + HOUR) for number in range(most)])
        ten, one, large = subs[:-1], subs[:1], subs[-1:]
        samples = interleaved(
            rounds,
            {
                "ten": lambda: looks.ms_each(ten),
                "one": lambda: looks.ms_each(one),
                "large": lambda: looks.ms_each(large),
                "requests": lambda: looks.bare_ms_each(users[:-1]),
            },
        )
    name, bare = "a look before booking", "one bare request for each"
    return [
        Figure(
            f"{name}, {people} people, {events_each} events each", CPU_MS, bare, samples["ten"], samples["requests"]
        ),
        Figure(f"{name}, one person", CPU_MS, f"the same, {people} at once", samples["one"], samples["ten"]),
        Figure(
            f"{name}, one person, {most:,} events in the mirror",
            CPU_MS,
            f"the same, {events_each}",
            samples["large"],
            samples["one"],
        ),
    ]


class _Looks:
    """An application whose people have calendars at one Radicale."""

    def __init__(self, radicale: Radicale, folder: Path, today: int) -> None:
        variables = {
            "SLOTLINK_DATA_DIR": str(folder),
            "SLOTLINK_CALENDAR_ALLOW": radicale.host,
            "SLOTLINK_CALENDAR_TIMEOUT": "30s",  # where others keep the machine busy: CPU time is measured
        }
        settings = Settings.from_environ(variables)
        self._radicale = radicale
        self._within = Period(today + 10 * HOUR, today + 11 * HOUR)
        self._now = int(time.time())
        self._mirrors: dict[str, Mirror] = {}
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self._runner.run(prepare(settings))
        self._deps = open_deps(settings, checkpoints=True)
        self._application_id = self._runner.run(self._create())

    def __enter__(self) -> _Looks:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._deps.database.close())
        self._runner.close()

    def connect(self, user: str) -> str:
        """Connect a person, whose calendar is read at once. Their sub."""

        async def run() -> Mirror:
            async with self._deps.database.transaction() as connection:
                mirror = await connect_person(
                    connection,
                    self._deps.vault,
                    self._application_id,
                    user,
                    self._radicale.url,
                    self._radicale.calendar_url(user),
                    self._now,
                )
            with capture_logs() as logged:
                assert await sync_profile(self._deps, self._application_id, mirror.profile_id, self._now), logged
            return mirror

        mirror = self._runner.run(run())
        self._mirrors[mirror.sub] = mirror
        return mirror.sub

    def add(self, sub: str, objects: Sequence[CalendarObject]) -> None:
        """Into their mirror, beside what was read."""

        async def run() -> None:
            async with self._deps.database.transaction() as connection:
                await fill_mirror(connection, self._mirrors[sub], objects, self._now)

        self._runner.run(run())

    def ms_each(self, subs: Sequence[str]) -> float:
        """Milliseconds of this process for each of them."""

        async def look() -> None:
            answered = await look_again(self._deps, self._application_id, subs, self._within, self._now)
            assert len(answered) == len(subs) and all(answered.values()), answered

        with capture_logs():
            return self._cpu_s(look) / len(subs) * 1000

    def bare_ms_each(self, users: Sequence[str]) -> float:
        """The same for what is asked alone: a client for each, the bytes of the answer."""
        body = events_within(self._within.start - MARGIN_S, self._within.end + MARGIN_S)

        async def ask(user: str) -> None:
            signed = aiohttp.BasicAuth(user, PASSWORD)
            async with aiohttp.ClientSession(auth=signed) as session:
                url = self._radicale.calendar_url(user)
                async with session.request("REPORT", url, data=body, headers={"Depth": "1"}) as response:
                    assert response.status == 207 and b"BEGIN:VEVENT" in await response.read()

        async def ask_all() -> None:
            await asyncio.gather(*map(ask, users))

        return self._cpu_s(ask_all) / len(users) * 1000

    def _cpu_s(self, work: Callable[[], Coroutine[object, object, None]]) -> float:
        with pinned(SERVER_CORE):
            began = time.process_time()
            self._runner.run(work())
            return time.process_time() - began

    async def _create(self) -> str:
        async with self._deps.database.transaction() as connection:
            application_id, _ = await applications.create(connection, self._deps.vault, "Office", self._now)
        return application_id


def _six_weeks(count: int, today: int) -> list[CalendarObject]:
    """Evenly, from three weeks ago to in three weeks."""
    starts = [today - 21 * DAY + number * 42 * DAY // count for number in range(count)]
    return [plain_object(number, start, start + HOUR // 2) for number, start in enumerate(starts)]
