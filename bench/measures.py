"""What is measured, against what."""

from __future__ import annotations

import asyncio
import http.client
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Figure, interleaved
from bench.load import Load, OwnClient, cpu_per_request
from bench.processes import SERVER_CORE, Server, pinned, rss_mib
from bench.sweep import agree, engine_us, sweep_us
from bench.town import Sizes, Town
from slotlink.app import prepare
from slotlink.settings import Settings

STATUS_FLOOR, STATUS_GOAL = 0.33, 0.45
SERVE_CONSTANT = ("-m", "bench.serve", "constant")
SERVE_GENERAL = ("-m", "bench.serve", "general")
CONSTANT = "raw ASGI constant"


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


WHOLE = Effort(Sizes(50_000, 200, 1_000, 120), rounds=7, seconds=2, warm_up=1, starts=5, reads_before_rss=2_000, inserts=200)
LEAST = Effort(Sizes(40, 4, 10, 5), rounds=1, seconds=0.05, warm_up=0.02, starts=1, reads_before_rss=20, inserts=5)


def status_figures(town: Town, load: Load, effort: Effort, folder: Path) -> list[Figure]:
    """Status by id and by token, hot and general, whole and 304."""
    copy = folder / "general"
    shutil.copytree(town.folder, copy)  # one process owns a SQLite file
    size = len(_answer(town, 0)[1])
    with (
        Server(town.folder) as slotlink,
        Server(copy, SERVE_GENERAL) as general,
        Server(folder / "constant", (*SERVE_CONSTANT, str(size))) as constant,
    ):
        tags = _tags(slotlink, town.status_by_id())
        asked = {
            "constant": (constant, town.status_by_id(), 200),
            "status by id": (slotlink, town.status_by_id(), 200),
            "status by token": (slotlink, town.status_by_token(), 200),
            "status by id, 304": (slotlink, town.status_by_id(tags), 304),
            "status by token, 304": (slotlink, town.status_by_token(tags), 304),
            "status by id, general path": (general, town.status_by_id(), 200),
            "status by token, general path": (general, town.status_by_token(), 200),
        }
        for server, requests, expected in asked.values():
            _expect(server, requests[0], expected)
