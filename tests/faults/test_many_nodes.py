"""Several processes over one PostgreSQL database: whichever dies is replaced, and they wake each other."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Generator
from pathlib import Path
from unittest.mock import patch

import httpx2
import pytest

from slotlink.app import OUTBOX_CHANNEL, open_deps, working
from slotlink.store.hot_postgresql import PostgresqlHotReader
from slotlink.store.postgresql import listen
from slotlink.worker import loop
from tests.center import Center, finished
from tests.faults.live import LiveCenter
from tests.forked import run_command
from tests.postgresql import Cluster
from tests.serving import LiveServer, Receiver, environ_for, serving

PROCESSES = 3


@pytest.fixture
def url(cluster: Cluster) -> str:
    return cluster.migrated_database()


@pytest.fixture
def many(tmp_path: Path, url: str) -> Generator[LiveServer]:
    variables = {"SLOTLINK_DATABASE_URL": url}
    with serving(tmp_path, arguments=("--workers", str(PROCESSES)), **variables) as server:
        yield server


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_process_that_dies_is_replaced_and_a_signal_stops_all(many: LiveServer) -> None:
    first = children_of(many.process.pid)
    assert len(first) == PROCESSES
    with LiveCenter.at(many, many._environ) as center:
        link = center.create_link(center.person("maya"))
        os.kill(first[0], signal.SIGKILL)
        deadline = time.monotonic() + 20
        while first[0] in (now := children_of(many.process.pid)) or len(now) < PROCESSES:
            assert time.monotonic() < deadline, "nobody replaced the process that died"
            # On a connection of its own: those to the process that died are gone with it.
            answer = httpx2.get(f"{many.url}/v1/real_time_scheduling/{link.link_id}", headers=center.key)
            assert answer.status_code == 200, "the others go on meanwhile"
        assert set(first[1:]) < set(now)
    assert many.stop(signal.SIGTERM) == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in now)
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(many.url + "/healthz")


def test_processes_that_cannot_start_say_so_once(tmp_path: Path, cluster: Cluster) -> None:
    """The schema is not there: refused before anything is forked."""
    environ = environ_for(tmp_path, SLOTLINK_DATABASE_URL=cluster.new_database())
    done = run_command(environ, "serve", "--port", "0", "--workers", "3")
    assert done.code != 0 and done.out == ""
    assert done.err.count("run: slotlink migrate") == 1


def test_a_listener_hears_and_connects_anew(cluster: Cluster, url: str) -> None:
    async def run() -> int:
        heard: asyncio.Queue[None] = asyncio.Queue()
        reader = PostgresqlHotReader(url)
        listening = asyncio.create_task(listen(url, OUTBOX_CHANNEL, lambda: heard.put_nowait(None)))
        async with asyncio.timeout(60):
            await heard.get()  # connected
            await reader.notify(OUTBOX_CHANNEL)
            await heard.get()
            await asyncio.to_thread(cluster.restart)
            await heard.get()  # connected again
            while heard.empty():  # the reader's own connection broke as well: the first try finds that out
                await reader.notify(OUTBOX_CHANNEL)
                await asyncio.sleep(0.1)
        listening.cancel()
        await reader.close()
        return heard.qsize()

    assert finished(run()) >= 1


def test_a_worker_elsewhere_is_woken(tmp_path: Path, url: str) -> None:
    """It would look by itself in an hour only."""
    receiver = Receiver()
    variables = {"SLOTLINK_DATABASE_URL": url, "SLOTLINK_CALLBACK_ALLOW": receiver.host}
    with patch.object(loop, "IDLE_POLL_S", 3600.0), Center(tmp_path, clock=None, **variables) as center:

        async def book_and_wait() -> None:
            deps = open_deps(center.settings)
            async with working(deps, center.clock):
                await asyncio.sleep(1)  # it has looked once, found nothing, and sleeps
                link = await asyncio.to_thread(
                    lambda: center.create_link(
                        center.person("maya"), callback_urls={"completed_url": f"{receiver.url}/done"}
                    )
                )
                page = await asyncio.to_thread(link.page)
                assert (await asyncio.to_thread(link.choose, page.slots[0], page)).code == 303
                received = await asyncio.to_thread(receiver.received.get, True, 20)
                assert received.path == "/done"
            await deps.database.close()

        finished(book_and_wait())
    receiver.close()
