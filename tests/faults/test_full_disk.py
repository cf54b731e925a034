"""A disk that is full, or takes no writes: they are refused with 503 and undone, reads go on, and all is well again as
soon as there is room, without a restart.

`SLOTLINK_FAULTS=long` fills the disk at 50 points, page by page, and PostgreSQL's too; `make test` at some of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import random
import resource
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path

import asyncpg
import pytest

from tests.center import skippable
from tests.faults.campaign import LONG, SEED
from tests.faults.mortal import Mortal, wait_for
from tests.faults.world import World, world_of
from tests.postgresql import Cluster, find_postgres

PAGE = 4096
FREE = 24 * 1024 * 1024  # of the disk, when nothing fills it
POINTS = 50
SAMPLE = 4
RETRIES_S = 1.5  # a callback that failed is tried again by then


class Disk:
    """A small disk of its own, in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self, pages: int = 0) -> None:
        """Leave so many pages free."""
        with self._ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(PAGE))
        with self._ballast.open("ab") as file:
            file.truncate(self._ballast.stat().st_size // PAGE * PAGE - pages * PAGE)

    def empty(self) -> None:
        self._ballast.unlink()


@pytest.fixture
def disk() -> Generator[Disk]:
    folder = Path(tempfile.mkdtemp(prefix="slotlink-disk-"))
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={FREE}", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        if skippable("a disk to fill"):
            pytest.skip("SKIPPED LOUDLY: only root can mount a small disk (ALLOW_SKIP=1)")
        pytest.fail(f"no small disk to fill, run as root: {mounted.stderr.decode()}")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


def test_a_full_disk_refuses_writes_and_nothing_else(disk: Disk, tmp_path: Path) -> None:
    points = range(POINTS) if LONG else [0, *random.Random(SEED).sample(range(POINTS), SAMPLE - 1)]
    refused = 0
    with world_of(tmp_path / "world", None, SLOTLINK_DATA_DIR=str(disk.folder)) as world:
        for pages in points:
            world.server.restart()  # and with it, the log of what is to be written begins anew, and must grow
            where = f"{pages} pages left, SLOTLINK_SEED={SEED}"
            refused += _refuses_while(world, lambda pages=pages: disk.fill(pages), disk.empty, where)
            assert _integrity(disk.folder / "slotlink.db") == "ok", where
        world.check_callbacks()
    assert refused


def test_a_disk_that_takes_no_writes_refuses_them_and_nothing_else(tmp_path: Path) -> None:
    """As one that was mounted anew read-only does, for a file that is open already. Not even logs are written."""
    with world_of(tmp_path / "world", None) as world:
        # A callback comes due meanwhile, and cannot be claimed.
        world.receiver.answers.append(500)
        assert world.visit(world.link())
        wait_for(lambda: world.receiver.received.qsize(), 10, lambda: "nobody was called back")

        def refuse() -> None:
            _limit(world.server, 0)
            time.sleep(RETRIES_S)

        for _ in range(2):
            assert _refuses_while(world, refuse, lambda: _limit(world.server, None), "no writes")
        assert _integrity(world.folder / "slotlink.db") == "ok"
        world.check_callbacks()


def _refuses_while(
    world: World, fill: Callable[[], object], empty: Callable[[], object], where: str, visits: int = 1
) -> int:
    """How many bookings were refused on a full disk. What was refused is booked when there is room again."""
    links, other = [world.link() for _ in range(visits)], world.link()
    posts = [world.form(link) for link in links]
    fill()
    try:
        answers = [post(world.server) for post in posts]
        made = world.center.http.post("/v1/real_time_scheduling", json=world.request(), headers=world.center.key)
        read = [link.status()["status"] for link in links]
        assert (other.status()["status"], other.page().code) == ("open", 200)
    finally:
        empty()
    codes = [answer and answer.code for answer in answers]
    assert set(codes) <= {303, 503}, (where, codes)
    assert read == ["completed" if code == 303 else "open" for code in codes], where
    assert made.status_code == 200 or (made.status_code == 503 and made.headers["retry-after"]), (where, made.text)
    try:
        truth = world.truth()
        assert [link.link_id in truth.completed for link in links] == [code == 303 for code in codes]
        world.finish([*links, other])
    except AssertionError as error:
        raise AssertionError(f"{where}: {error}") from error
    return codes.count(503)


def _integrity(path: Path) -> str:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return connection.execute("PRAGMA integrity_check").fetchone()[0]
    finally:
        connection.close()


def _limit(server: Mortal, size: int | None) -> None:
    """Let the process write no file beyond `size` bytes."""
    most = resource.RLIM_INFINITY
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (most if size is None else size, most))


@pytest.mark.skipif(not LONG, reason="takes a cluster of its own: SLOTLINK_FAULTS=long")
def test_a_full_disk_of_postgresql_refuses_writes_and_nothing_else(disk: Disk, tmp_path: Path) -> None:
    """The disk of its tables. Where its own log cannot grow, PostgreSQL ends: that is `test_database_restart.py`."""
    with (
        tempfile.TemporaryDirectory(prefix="slotlink-postgresql-") as folder,
        Cluster(find_postgres(), Path(folder)) as cluster,
        world_of(tmp_path / "world", _on(disk, cluster)) as world,
    ):
        for pages in range(0, 20, 4):
            # A table grows by a page at a time, which not every booking needs.
            where = f"{pages} pages left"
            assert _refuses_while(world, lambda pages=pages: disk.fill(pages), disk.empty, where, visits=12)
        world.check_callbacks()


def _on(disk: Disk, cluster: Cluster) -> str:
    """A database whose tables are on the disk."""
    tables = disk.folder / "tables"
    tables.mkdir()
    disk.folder.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(tables, pwd.getpwnam("postgres").pw_uid, -1)
    server, _, elsewhere = cluster.migrated_database().rpartition("/")

    async def make() -> None:
        connection = await asyncpg.connect(f"{server}/postgres")
        await connection.execute(f"CREATE TABLESPACE small LOCATION '{tables}'")
        await connection.execute(f"CREATE DATABASE small TEMPLATE {elsewhere} TABLESPACE small")
        await connection.close()

    asyncio.run(make())
    return f"{server}/small"
