"""What is measured, against what. Every function answers a group of figures, sampled in interleaved rounds."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.calendar_figures import LEAST_CALENDARS, WHOLE_CALENDARS, CalendarEffort
from bench.callback_figures import LEAST_CALLBACKS, WHOLE_CALLBACKS, CallbackEffort
from bench.diary import LEAST_BOOKINGS, WHOLE_BOOKINGS, BookingEffort
from bench.engine_figures import LEAST_ENGINE, WHOLE_ENGINE, EngineEffort
from bench.figures import Figure, Samples, interleaved
from bench.load import Load, Metered, OwnClient, answer_to, cpu_per_request
from bench.processes import SERVER_CORE, Server, pinned
from bench.scenarios import L, Shape
from bench.sweep import agree, engine_us, sweep_us
from bench.town import Sizes, Town
from slotlink.app import prepare
from slotlink.settings import Settings
from slotlink.store.database import sqlite_pragmas

STATUS_FLOOR, STATUS_GOAL = 0.33, 0.45
SERVE_CONSTANT = ("-m", "bench.serve", "constant")
SERVE_GENERAL = ("-m", "bench.serve", "general")
CONSTANT = "raw ASGI constant"
SERVER_US = "server CPU µs"


@dataclass(frozen=True)
class Effort:
    """How much of everything: `make bench` does the whole, the test of the bench the least."""

    sizes: Sizes
    rounds: int
    seconds: float
    warm_up: float
    starts: int
    reads_before_rss: int
    inserts: int
    engine: EngineEffort
    availability: Shape
    changes: int
    bookings: BookingEffort
    callbacks: CallbackEffort
    calendars: CalendarEffort
    devices: tuple[str, ...]  # that the page is looked at with


WHOLE = Effort(
    Sizes(links=50_000, applications=200, requests=1_000, events_each=120),
    rounds=5,
    seconds=2,
    warm_up=1,
    starts=5,
    reads_before_rss=2_000,
    inserts=100,
    engine=WHOLE_ENGINE,
    availability=L,
    changes=20,
    bookings=WHOLE_BOOKINGS,
    callbacks=WHOLE_CALLBACKS,
    calendars=WHOLE_CALENDARS,
    devices=("phone", "desktop"),
)
LEAST = Effort(
    Sizes(links=40, applications=4, requests=10, events_each=5),
    rounds=1,
    seconds=0.05,
    warm_up=0.01,
    starts=1,
    reads_before_rss=20,
    inserts=5,
    engine=LEAST_ENGINE,
    availability=Shape("L", ((9, 3),), 4, 9, max_results=40),
    changes=1,
    bookings=LEAST_BOOKINGS,
    callbacks=LEAST_CALLBACKS,
    calendars=LEAST_CALENDARS,
    devices=("phone",),
)


def process_figures(town: Town, effort: Effort) -> list[Figure]:
    """Start time, and memory when idle, of `slotlink serve`."""
    idle: Samples = []
    busy: Samples = []
    own_idle: Samples = []
    own_busy: Samples = []
    cpu: Samples = []

    def start() -> float:
        with Server(town.folder) as server:
            cpu.append(server.cpu_s())
            idle.append(server.rss_mib())
            own_idle.append(server.own_mib())
            OwnClient().run_count(server.port, town.status_by_id() + town.status_by_token(), effort.reads_before_rss)
            busy.append(server.rss_mib())
            own_busy.append(server.own_mib())
            return server.started_in_s

    imports: list[Footprint] = []
    bare: list[Footprint] = []

    def do_imports() -> float:
        imports.append(footprint("import slotlink.app"))
        return imports[-1].wall_s

    def do_nothing() -> float:
        bare.append(footprint("pass"))
        return bare[-1].wall_s

    walls = interleaved(effort.starts, {"serve": start, "imports": do_imports, "python": do_nothing})
    reads = f"{effort.reads_before_rss:,} reads"
    all_imports, python = "import of the same libraries", "bare Python"
    megabytes = [process.rss_mib for process in imports]
    return [
        Figure("start of slotlink serve", "wall s", all_imports, walls["serve"], walls["imports"]),
        Figure("start of slotlink serve", "wall s", python, walls["serve"], walls["python"]),
        Figure("start of slotlink serve", "CPU s", all_imports, cpu, [process.cpu_s for process in imports]),
        Figure("memory after start", "RSS MiB", all_imports, idle, megabytes),
        Figure(f"memory after {reads}, mapped file too", "RSS MiB", all_imports, busy, megabytes),
        Figure(f"memory after {reads}, without files", "own MiB", "the same after start", own_busy, own_idle),
        Figure("memory after start", "RSS MiB", python, idle, [process.rss_mib for process in bare]),
    ]


@dataclass(frozen=True)
class Footprint:
    wall_s: float
    cpu_s: float
    rss_mib: float


def footprint(code: str) -> Footprint:
    """What a Python process that runs `code` and says so costs, start included."""
    measured = (
        "import resource as r, time; u = r.getrusage(r.RUSAGE_SELF); m = open('/proc/self/statm').read().split()[1]"
    )
    told = "print(time.process_time(), int(m) * r.getpagesize() / 2**20, flush=True)"
    with pinned(SERVER_CORE):
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-c", f"{code}; {measured}; {told}"], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        cpu_s, rss = process.stdout.readline().split()
        wall_s = time.perf_counter() - began
    process.communicate()
    return Footprint(wall_s, float(cpu_s), float(rss))


@dataclass(frozen=True)
class Servers:
    slotlink: Server
    general: Server  # the same without the hot path, on a copy of the database
    constant: Server
    constant_size: int


@contextlib.contextmanager
def serving(town: Town, folder: Path) -> Generator[Servers]:
    copy = folder / "general"
    shutil.copytree(town.folder, copy)  # one process owns a SQLite file
    slotlink, general = Server(town.folder), Server(copy, SERVE_GENERAL)
    with slotlink, general:
        bodies = [answer_to(slotlink.port, prepared).body for prepared in town.status_by_id()]
        size = round(sum(map(len, bodies)) / len(bodies))
        with Server(folder / "constant", (*SERVE_CONSTANT, str(size))) as constant:
            yield Servers(slotlink, general, constant, size)


def status_figures(town: Town, servers: Servers, load: Load, effort: Effort) -> list[Figure]:
    """Status by id and by token, whole and 304, on the hot path and on the general one."""
    slotlink, general, constant, size = servers.slotlink, servers.general, servers.constant, servers.constant_size
    tags = [answer_to(slotlink.port, prepared).tag or "" for prepared in town.status_by_id()]
    probes = {
        "constant": probe(load, effort, constant, town.status_by_id()),
        "status by id": probe(load, effort, slotlink, town.status_by_id()),
        "status by token": probe(load, effort, slotlink, town.status_by_token()),
        "status by id, 304": probe(load, effort, slotlink, town.status_by_id(tags), expected=304),
        "status by token, 304": probe(load, effort, slotlink, town.status_by_token(tags), expected=304),
        "status by id, general path": probe(load, effort, general, town.status_by_id()),
        "status by token, general path": probe(load, effort, general, town.status_by_token()),
    }
    samples = interleaved(effort.rounds, probes)
    figures = [
        Figure(name, SERVER_US, f"{CONSTANT}, {size} bytes", measured, samples["constant"])
        for name, measured in samples.items()
        if name != "constant"
    ]
    for figure in figures[:2]:
        figure.floor, figure.goal = STATUS_FLOOR, STATUS_GOAL
    return figures


def journey_figures(town: Town, servers: Servers, load: Load, effort: Effort, folder: Path) -> list[Figure]:
    """Create, page and availability over HTTP; the engine alone."""
    assert agree(town), "the engine and the plain sweep differ"
    slotlink = servers.slotlink
    insert = UnguardedInsert(town, folder / "inserts", effort.inserts)
    probes = {
        "constant": probe(load, effort, servers.constant, [town.page()]),
        "create": probe(load, effort, slotlink, [town.create_link()], connections=4),
        "insert": insert.cpu_us,
        "page": probe(load, effort, slotlink, [town.page()], connections=4),
        "availability": probe(load, effort, slotlink, [town.availability()], connections=4),
        "engine": lambda: engine_us(town),
        "sweep": lambda: sweep_us(town),
    }
    samples = interleaved(effort.rounds, probes)
    insert.close()
    ten = "availability, ten people, 35 days"
    each = f"{effort.sizes.events_each} events each"
    return [
        Figure("create link", SERVER_US, "unguarded insert of its row", samples["create"], samples["insert"]),
        Figure("create link", SERVER_US, CONSTANT, samples["create"], samples["constant"]),
        Figure("page, two people, 28 days", SERVER_US, CONSTANT, samples["page"], samples["constant"]),
        Figure(ten, SERVER_US, f"plain sweep, {each}", samples["availability"], samples["sweep"]),
        Figure(ten, SERVER_US, CONSTANT, samples["availability"], samples["constant"]),
        Figure(f"{ten}: engine alone", "thread CPU µs", f"plain sweep, {each}", samples["engine"], samples["sweep"]),
    ]


def probe(
    load: Load,
    effort: Effort,
    server: Metered,
    requests: Sequence[bytes],
    *,
    connections: int = 32,
    expected: int = 200,
) -> Callable[[], float]:
    status = answer_to(server.port, requests[0]).status
    if status != expected:
        raise RuntimeError(f"{expected} expected, {status} answered to {requests[0]!r}")
    return lambda: cpu_per_request(
        load, server, requests, seconds=effort.seconds, warm_up=effort.warm_up, connections=connections
    )


class UnguardedInsert:
    """The least that creating a link could cost: its row, as it is, committed as durably, on the plain driver."""

    def __init__(self, town: Town, folder: Path, count: int) -> None:
        settings = Settings.from_environ({"SLOTLINK_DATA_DIR": str(folder)})
        asyncio.run(prepare(settings))
        assert settings.sqlite_path is not None
        source = sqlite3.connect(town.folder / settings.sqlite_path.name)
        self._row = list(source.execute("SELECT * FROM links LIMIT 1").fetchone())
        self._link_id = [column[1] for column in source.execute("PRAGMA table_info(links)")].index("link_id")
        source.close()
        self._connection = sqlite3.connect(settings.sqlite_path, isolation_level=None)
        for pragma in sqlite_pragmas(1000, read_only=False):
            self._connection.execute(pragma)
        self._connection.execute("PRAGMA foreign_keys = OFF")  # the application's row is not there
        self._count = count
        self._made = 0

    def cpu_us(self) -> float:
        statement = f"INSERT INTO links VALUES ({', '.join('?' * len(self._row))})"
        began = time.thread_time()
        for _ in range(self._count):
            self._made += 1
            self._row[self._link_id] = f"sch_{self._made:024}"
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(statement, self._row)
            self._connection.execute("COMMIT")
        return (time.thread_time() - began) / self._count * 1e6

    def close(self) -> None:
        self._connection.close()
