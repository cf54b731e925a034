"""`python -m bench`: measure, print the tables, write bench/results.json."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import cluster, floor
from bench.availability_figures import availability_figures
from bench.calendar_figures import calendar_figures
from bench.callback_figures import callback_figures
from bench.chromium import find_chromium
from bench.engine_figures import engine_figures
from bench.figures import Figure, table
from bench.load import Load, best_load
from bench.measures import WHOLE, Effort, journey_figures, process_figures, serving, status_figures
from bench.page_figures import NO_CHROMIUM, page_figures
from bench.postgresql_figures import postgresql_figures
from bench.processes import LOAD_CORE, SERVER_CORE, can_pin
from bench.town import Town, build

RESULTS = Path(__file__).with_name("results.json")
GROUPS = ("status", "journeys", "page", "availability", "process", "engine", "calendars", "postgresql", "callbacks")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=WHOLE.rounds, help=f"interleaved rounds ({WHOLE.rounds})")
    parser.add_argument("--only", choices=GROUPS, action="append", help="measure only this group; may be repeated")
    given = parser.parse_args()
    effort = replace(WHOLE, rounds=given.rounds)
    load = best_load()
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(_conditions(load, effort))
    results = measure(effort, load, given.only or list(GROUPS), console.print)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    console.print(f"written to {RESULTS.relative_to(Path.cwd()) if RESULTS.is_relative_to(Path.cwd()) else RESULTS}")


def measure(effort: Effort, load: Load, groups: list[str], show: Callable[[Any], None]) -> dict[str, Any]:
    """Measure the groups, show each table as soon as it is there; everything as one JSON object."""
    began = time.time()
    measured: dict[str, list[Figure]] = {}
    with tempfile.TemporaryDirectory(prefix="slotlink-bench-") as name:
        for group, title, figures in _measured(effort, load, groups, Path(name)):
            measured[group] = figures
            show(table(title, figures))
    return {
        "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began)),
        "took_s": round(time.time() - began),
        "conditions": _conditions(load, effort),
        "versions": {
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
            "postgresql": cluster.installed_version(),
            **{library: version(library) for library in ("uvicorn", "uvloop", "httptools", "starlette")},
        },
        "figures": {group: [figure.as_json() for figure in figures] for group, figures in measured.items()},
    }


def _measured(
    effort: Effort, load: Load, groups: list[str], folder: Path
) -> Generator[tuple[str, str, list[Figure]], None, None]:
    """Give each group as soon as it is measured: its name, the title of its table, its figures."""
    if not {"status", "journeys", "page", "process"}.isdisjoint(groups):
        town: Town = build(folder / "town", effort.sizes)
    if not {"status", "journeys", "page"}.isdisjoint(groups):
        with serving(town, folder) as servers:
            if "status" in groups:
                yield "status", "status", status_figures(town, servers, load, effort)
            if "journeys" in groups:
                yield "journeys", "journeys", journey_figures(town, servers, load, effort, folder)
            if "page" in groups:
                title = "page in a browser" if find_chromium() else f"page in a browser; {NO_CHROMIUM}"
                yield "page", title, page_figures(town, servers.slotlink, servers.constant, load, effort)
    if "availability" in groups:
        yield "availability", "availability", availability_figures(load, effort, folder)
    if "process" in groups:
        yield "process", "process", process_figures(town, effort)
    if "engine" in groups:
        library = floor.compiled(folder)
        title = "engine" if library else f"engine; {floor.NO_COMPILER}"
        yield "engine", title, engine_figures(effort.engine, effort.rounds, library)
    if "calendars" in groups:
        yield "calendars", "calendars elsewhere", calendar_figures(load, effort.calendars, effort.rounds, folder)
    if not {"postgresql", "callbacks"}.isdisjoint(groups):
        with cluster.running_if_installed() as found:
            missing = "" if found else f"; {cluster.NO_POSTGRESQL}"
            if "postgresql" in groups:
                title = f"postgresql{missing}"
                yield "postgresql", title, postgresql_figures(load, effort, folder, found) if found else []
            if "callbacks" in groups:
                title = f"callbacks{missing}"
                yield "callbacks", title, callback_figures(effort.callbacks, effort.rounds, folder, found)


def _conditions(load: Load, effort: Effort) -> str:
    cores = (
        f"server on core {SERVER_CORE}, load on core {LOAD_CORE}"
        if can_pin()
        else f"not pinned, {os.cpu_count()} cores"
    )
    return (
        f"load by {load.name}; {cores}; {effort.rounds} rounds of {effort.seconds:g} s each, order reversed every "
        f"round; {effort.sizes.links:,} links of {effort.sizes.applications} applications, "
        f"{effort.sizes.requests:,} prepared requests. Engine: at least {effort.engine.least_s:g} s a sample, "
        "garbage collection off. Median (minimum–maximum); ratio = reference / measured."
    )


if __name__ == "__main__":
    main()
