"""Slotlink on PostgreSQL: the status of links and bookings over HTTP, with one process and with several; bookings while
callbacks drain; and the price of a booking's guards (`bench.booking_figures`)."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from bench.booking_figures import guard_figures
from bench.cluster import Cluster
from bench.diary import Diary, Posted, post_all
from bench.figures import Figure, Samples, interleaved
from bench.load import Load, answer_to
from bench.measures import CONSTANT, SERVE_CONSTANT, SERVER_US, Effort, probe
from bench.processes import SLOTLINK_SERVE, Server
from bench.receiver import receiving
from bench.town import Town, build
from slotlink.app import OUTBOX_CHANNEL, open_deps
from slotlink.services.deps import Deps
from slotlink.settings import Settings
from slotlink.store import outbox
from slotlink.vault import new_key

STATUS_FLOOR, STATUS_GOAL = 0.15, 0.20
DRAINING_AT_MOST = 2
VISITORS = 8
PERCENTILE = 0.99


def postgresql_figures(load: Load, effort: Effort, folder: Path, cluster: Cluster) -> list[Figure]:
    folder /= "postgresql"
    variables = {"SLOTLINK_SECRET_KEYS": new_key(), "SLOTLINK_CALLBACK_ALLOW": "127.0.0.1"}
    url = cluster.new_database()
    town = build(folder / "town", effort.sizes, variables | {"SLOTLINK_DATABASE_URL": url})
    bookings = effort.bookings
    figures = guard_figures(cluster, town, url, variables, effort.rounds, bookings.bookings)
    draining = Place(town, variables | {"SLOTLINK_DATABASE_URL": cluster.copy_of(url)})
    figures += _draining_figures(draining, effort, folder)
    return _served_figures(Place(town, variables | {"SLOTLINK_DATABASE_URL": url}), load, effort, cluster) + figures


@dataclass(frozen=True)
class Place:
    """One database of the cluster with the town in it. `variables`: the settings that lead there."""

    town: Town
    variables: dict[str, str]

    def serving(self, name: str, *options: str) -> Server:
        return Server(self.town.folder / name, (*SLOTLINK_SERVE, *options), self.variables)

    def forms(self, diary: Diary, count: int) -> list[bytes]:
        """Requests that book so many openings."""

        async def make(deps: Deps) -> list[bytes]:
            return [opening.form(deps) for opening in await diary.open(deps, count)]

        return self._run(make)

    def promise(self, urls: Sequence[str]) -> None:
        """Put a callback to each into the outbox and wake the workers, as another process would."""

        async def put(deps: Deps) -> list[bytes]:
            async with deps.database.transaction() as connection:
                for url in urls:
                    item = (self.town.application_id, "sch_bench", url, url.split("/")[2], b"{}", int(time.time()))
                    await outbox.add(connection, deps.vault, *item)
                await connection.execute(select(func.pg_notify(OUTBOX_CHANNEL, "")))
            return []

        self._run(put)

    def _run(self, work: Callable[[Deps], Coroutine[object, object, list[bytes]]]) -> list[bytes]:
        settings = Settings.from_environ({"SLOTLINK_DATA_DIR": str(self.town.folder), **self.variables})

        async def run() -> list[bytes]:
            deps = open_deps(settings)
            try:
                return await work(deps)
            finally:
                await deps.database.close()

        return asyncio.run(run())


def _served_figures(place: Place, load: Load, effort: Effort, cluster: Cluster) -> list[Figure]:
    """Status and bookings over HTTP. Several processes share one core here: they cost what they cost, faster they are
    not. Callbacks stay in the outbox."""
    town, diary, count = place.town, Diary(place.town, "http://127.0.0.1:9/booked"), effort.bookings.bookings
    by_id, by_token = town.status_by_id(), town.status_by_token()
    own: Samples = []

    def booking_us(server: Server) -> float:
        forms = place.forms(diary, count)
        before, before_own = server.cpu_s(), cluster.cpu_s()
        post_all(server.port, forms, min(VISITORS, count))
        used = server.cpu_s() - before
        if server is servers[1]:
            own.append((cluster.cpu_s() - before_own) / count * 1e6)
        return used / count * 1e6

    with contextlib.ExitStack() as stack:
        started = {
            number: place.serving(f"{number} serving", "--no-background", "--workers", str(number))
            for number in effort.bookings.processes
        }
        servers = {number: stack.enter_context(server) for number, server in started.items()}
        size = round(sum(len(answer_to(servers[1].port, each).body) for each in by_id) / len(by_id))
        constant = stack.enter_context(Server(town.folder / "constant", (*SERVE_CONSTANT, str(size))))
        probes: dict[str, Callable[[], float]] = {
            "constant": probe(load, effort, constant, by_id),
            "own": probe(load, effort, Beneath(servers[1].port, cluster), by_id),
        }
        for number, server in servers.items():
            probes[f"id {number}"] = probe(load, effort, server, by_id)
            probes[f"token {number}"] = probe(load, effort, server, by_token)
            probes[f"booking {number}"] = lambda server=server: booking_us(server)
        samples = interleaved(effort.rounds, probes)
    raw = f"{CONSTANT}, {size} bytes"
    figures: list[Figure] = []
    for number in servers:
        for key in ("id", "token"):
            name = f"status by {key}, {_processes(number)}"
            figure = Figure(name, SERVER_US, raw, samples[f"{key} {number}"], samples["constant"])
            if number == 1:
                figure.floor, figure.goal = STATUS_FLOOR, STATUS_GOAL
            figures.append(figure)
    beneath = "CPU µs of PostgreSQL"
    figures.append(Figure("status by id", beneath, "of the server, 1 process", samples["own"], samples["id 1"]))
    for number in servers:
        reference, referred = (raw, "constant") if number == 1 else ("the same, 1 process", "booking 1")
        name = f"booking over HTTP, {_processes(number)}"
        figures.append(Figure(name, SERVER_US, reference, samples[f"booking {number}"], samples[referred]))
    return [*figures, Figure("booking", beneath, "of the server, 1 process", own, samples["booking 1"])]


@dataclass(frozen=True)
class Beneath:
    """What the database costs that answers on a server's behalf."""

    port: int
    cluster: Cluster

    def cpu_s(self) -> float:
        return self.cluster.cpu_s()


def _draining_figures(place: Place, effort: Effort, folder: Path) -> list[Figure]:
    """One visitor after another, at a server whose worker delivers callbacks meanwhile, and at the same one quiet."""
    bookings = effort.bookings
    with receiving(folder) as receiver, place.serving("draining") as server:
        diary = Diary(place.town, receiver.url("booked"))
        drains = 0

        def quiet_ms() -> float:
            return _p99_ms(post_all(server.port, place.forms(diary, bookings.draining), 1))

        def draining_ms() -> float:
            nonlocal drains
            drains += 1
            forms = place.forms(diary, bookings.draining)
            names = [f"drain-{drains}-{number}" for number in range(bookings.callbacks)]
            place.promise([receiver.url(name) for name in names])
            posted = post_all(server.port, forms, 1)
            received = asyncio.run(receiver.has(f"drain-{drains}-", len(names)))
            ended = max(received.values())
            return _p99_ms([each for each in posted if each.began < ended] or posted[:1])

        samples = interleaved(effort.rounds, {"quiet": quiet_ms, "draining": draining_ms})
    return [
        Figure(
            f"booking while {bookings.callbacks} callbacks drain, p99",
            "wall ms",
            "quiet, p99",
            samples["draining"],
            samples["quiet"],
            at_most=DRAINING_AT_MOST,
        )
    ]


def _p99_ms(posted: Sequence[Posted]) -> float:
    took = sorted(each.took for each in posted)
    return took[math.ceil(PERCENTILE * len(took)) - 1] * 1000


def _processes(number: int) -> str:
    return "1 process" if number == 1 else f"{number} processes"
