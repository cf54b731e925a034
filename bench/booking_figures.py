"""What the guards of a booking cost on PostgreSQL: the booking itself, in this process, on a pool of the server's kind.

Three ways, in turn: as it is; without guards (`bench.unguarded`); the same rows alone, decided beforehand. Nothing is
timed before each has left as many rows in every table as the others.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import uvloop
from sqlalchemy import func, select
from structlog.testing import capture_logs

from bench.cluster import Cluster
from bench.diary import ZONE, Diary, Opening
from bench.figures import Figure, interleaved
from bench.processes import SERVER_CORE, pinned
from bench.town import Town
from bench.unguarded import DROP_CONSTRAINT, Decided, unguarded, unseen
from slotlink.app import open_deps
from slotlink.domain.booking import decide_booking
from slotlink.services.booking import book_slot
from slotlink.services.busy import gather_free_time
from slotlink.services.deps import Deps
from slotlink.settings import Settings
from slotlink.store.tables import metadata

GUARDED_FLOOR, GUARDED_GOAL = 0.60, 0.85
AT_ONCE = (1, 8)
SLICES = 4  # of a round: a neighbour's load comes and goes in seconds, and should meet all the ways alike
UNGUARDED = "unguarded: looks, then writes; no locks, no constraint"
ROWS_ALONE = "the same rows, decided beforehand"
Result = TypeVar("Result")


def guard_figures(
    cluster: Cluster, town: Town, url: str, variables: dict[str, str], rounds: int, bookings: int
) -> list[Figure]:
    """Wall time of a booking, from the call to the answer of the commit. `url`: a database that may be copied."""
    slices = min(SLICES, bookings)
    count = bookings // slices
    without = cluster.copy_of(url)
    cluster.sql(DROP_CONSTRAINT, without.rpartition("/")[2])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, pinned(SERVER_CORE):
        guarded = Booker(runner, town, variables | {"SLOTLINK_DATABASE_URL": cluster.copy_of(url)})
        bare = Booker(runner, town, variables | {"SLOTLINK_DATABASE_URL": without})
        try:
            agree(guarded, bare)
            probes: dict[str, Callable[[], float]] = {}
            for at_once in AT_ONCE:
                probes[f"guarded {at_once}"] = lambda at_once=at_once: guarded.ms(count, at_once)
                probes[f"unguarded {at_once}"] = lambda at_once=at_once: bare.ms(count, at_once, unguarded)
            probes["alone"] = lambda: bare.ms(count, 1, unseen)
            samples = interleaved(rounds * slices, probes)
        finally:
            guarded.close()
            bare.close()
    name = "guarded booking, two people"
    one, eight = (f"{name}, {at_once} at a time" for at_once in AT_ONCE)
    figures = [
        Figure(one, "wall ms", UNGUARDED, samples["guarded 1"], samples["unguarded 1"]),
        Figure(eight, "wall ms", UNGUARDED, samples["guarded 8"], samples["unguarded 8"]),
    ]
    for figure in figures:
        figure.floor, figure.goal = GUARDED_FLOOR, GUARDED_GOAL
    return [*figures, Figure(one, "wall ms", ROWS_ALONE, samples["guarded 1"], samples["alone"])]


class Booker:
    """Books the openings of one database's diary, one way or another."""

    def __init__(self, runner: asyncio.Runner, town: Town, variables: dict[str, str]) -> None:
        self._runner = runner
        self._deps = open_deps(Settings.from_environ({"SLOTLINK_DATA_DIR": str(town.folder), **variables}))
        self._diary = Diary(town, "http://127.0.0.1:9/booked")

    def ms(self, count: int, at_once: int, way: Callable[..., AbstractContextManager[None]] = nullcontext) -> float:
        """Milliseconds for each of `count` bookings, `at_once` of them under way at any time."""
        openings = self._run(self._diary.open(self._deps, count))
        given = [self._run(self._decided(openings))] if way is unseen else []
        with way(*given), capture_logs():
            return self._run(_book_all(self._deps, openings, at_once)) / count * 1000

    def rows(self) -> Counter[str]:
        """How many rows each table holds."""

        async def count() -> Counter[str]:
            async with self._deps.database.reading() as connection:
                counts = {
                    name: (await connection.execute(select(func.count()).select_from(table))).scalar_one()
                    for name, table in metadata.tables.items()
                }
            return Counter(counts)

        return self._run(count())

    def close(self) -> None:
        self._run(self._deps.database.close())

    async def _decided(self, openings: Sequence[Opening]) -> dict[str, Decided]:
        """What each booking would be, as the transaction would find out."""
        decided: dict[str, Decided] = {}
        now, hold_s = int(time.time()), round(self._deps.settings.hold)
        async with self._deps.database.reading() as connection:
            for opening in openings:
                link, start = opening.link, opening.start
                free = await gather_free_time(connection, link.application_id, link.terms.query, now, around=start)
                booking = decide_booking(
                    link, free.of, free.unreadable, start, visitor_tzid=ZONE, now=now, hold_s=hold_s
                )
                decided[link.link_id] = Decided(link, booking)
        return decided

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self._runner.run(work)


async def _book_all(deps: Deps, openings: Sequence[Opening], at_once: int) -> float:
    """Seconds for all of them."""
    left = iter(openings)
    now = int(time.time())

    async def book() -> None:
        for opening in left:
            await book_slot(deps, opening.link, opening.start, visitor_tzid=ZONE, now=now)

    began = time.perf_counter()
    await asyncio.gather(*(book() for _ in range(at_once)))
    return time.perf_counter() - began


def agree(guarded: Booker, bare: Booker) -> None:
    """Every way writes the same: as many rows into each table."""
    left: list[Counter[str]] = []
    for booker, way in ((guarded, nullcontext), (bare, unguarded), (bare, unseen)):
        before = booker.rows()
        booker.ms(1, 1, way)
        left.append(booker.rows() - before)
    assert left[0] == left[1] == left[2], f"the ways of booking write different rows: {left}"
    assert {"bookings", "events", "outbox"} <= left[0].keys()
