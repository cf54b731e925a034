"""The primary dies while visitors book, and its standby takes over. Two real clusters, real processes, real HTTP.

The standby is cut off a moment before, so that the last bookings exist on the primary alone: with a synchronous standby
they were not acknowledged yet, with an asynchronous one they were, and are lost. The test sees both.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from tests.center import CreatedLink
from tests.faults.campaign import LONG
from tests.faults.live import LiveCenter
from tests.forked import run_command
from tests.postgresql import Cluster, Standby, find_postgres
from tests.serving import LiveServer, environ_for, serving

LINKS = 60
VISITORS = 3
PAUSE_S = 0.15  # of a visitor between two bookings: the links must last beyond the failover
BEFORE = 6  # bookings until the standby gets nothing more
UNSEEN = 3  # bookings that only the primary has, where it acknowledges any
UNSEEN_S = 5.0  # for those
DETECT_S = 1.0  # until somebody notices and promotes the standby
GIVE_UP_S = 60.0


@dataclass
class Load:
    """What visitors and a reader saw; times are of this process's monotonic clock."""

    acknowledged: dict[str, float] = field(default_factory=dict)
    good_reads: list[float] = field(default_factory=list)
    refused: int = 0
    over: threading.Event = field(default_factory=threading.Event)


@pytest.mark.parametrize(
    "synchronous",
    [True, pytest.param(False, marks=pytest.mark.skipif(not LONG, reason="make faults shows this one too"))],
)
def test_a_failover_loses_what_was_not_acknowledged_and_nothing_else(
    synchronous: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        clusters(synchronous) as (primary, standby),
        server_over(primary, standby, tmp_path) as server,
        LiveCenter.at(server, environ_for(tmp_path, **_variables(primary, standby))) as center,
    ):
        links = [center.create_link(center.person(f"p{number}")) for number in range(LINKS)]
        load = Load()
        threads = [threading.Thread(target=visit, args=(links[n::VISITORS], load)) for n in range(VISITORS)]
        threads.append(threading.Thread(target=read, args=(server.url, center.key, links[-1], load)))
        for thread in threads:
            thread.start()
        _wait_until(lambda: len(load.acknowledged) >= BEFORE)
        standby.cut_off()
        _wait_until(lambda: not standby.follows)
        both_have = len(load.acknowledged)
        _wait_until(lambda: len(load.acknowledged) >= both_have + UNSEEN, UNSEEN_S)
        seen_before = dict(load.acknowledged)
        primary.end()
        died = time.monotonic()
        time.sleep(DETECT_S)
        standby.promote()
        promoted = time.monotonic()
        _wait_until(lambda: any(at > promoted for at in load.acknowledged.values()))
        time.sleep(1)
        load.over.set()
        for thread in threads:
            thread.join()
        kept = {link.link_id for link in links if link.status()["status"] == "completed"}
    lost = load.acknowledged.keys() - kept
    gap = max(later - earlier for earlier, later in zip(load.good_reads, load.good_reads[1:], strict=False))
    writes_back = min(at for at in load.acknowledged.values() if at > promoted) - promoted
    with capsys.disabled():
        print(
            f"\n  {'synchronous' if synchronous else 'asynchronous'} standby: {len(load.acknowledged)} bookings "
            f"acknowledged, {len(seen_before)} before the end, {len(lost)} lost; reads away for {gap:.1f} s, of which "
            f"{promoted - died:.1f} s until the promotion was done; writes back {writes_back:.1f} s after it"
        )
    assert len(seen_before) >= BEFORE and load.acknowledged.keys() - seen_before.keys()
    if synchronous:
        assert not lost
    else:
        assert lost, "what the standby never saw must be missed, or this test sees nothing"


@contextmanager
def clusters(synchronous: bool) -> Generator[tuple[Cluster, Standby]]:
    options = ("wal_level=replica", f"synchronous_standby_names={Standby.NAME if synchronous else ''}")
    with (
        tempfile.TemporaryDirectory(prefix="slotlink-primary-") as one,
        tempfile.TemporaryDirectory(prefix="slotlink-standby-") as other,
        # Until the standby is there, a synchronous primary would wait for it.
        Cluster(find_postgres(), Path(one), (*options[:1],)) as primary,
        Standby(primary, Path(other)) as standby,
    ):
        primary.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{Standby.NAME if synchronous else ''}'")
        primary.sql("SELECT pg_reload_conf()")
        _wait_until(lambda: primary.sql("SELECT sync_state FROM pg_stat_replication") in _STATES[synchronous])
        yield primary, standby


_STATES = {True: ("sync", "quorum"), False: ("async",)}


def _variables(primary: Cluster, standby: Standby) -> dict[str, str]:
    hosts = f"127.0.0.1:{primary.port},127.0.0.1:{standby.port}"
    return {"SLOTLINK_DATABASE_URL": f"postgresql://slotlink@{hosts}/postgres?target_session_attrs=read-write"}


@contextmanager
def server_over(primary: Cluster, standby: Standby, folder: Path) -> Generator[LiveServer]:
    variables = _variables(primary, standby)
    migrated = run_command(environ_for(folder, **variables), "migrate")
    assert migrated.code == 0, migrated.err
    with serving(folder, arguments=("--workers", "2"), **variables) as server:
        yield server


def visit(links: list[CreatedLink], load: Load) -> None:
    """A visitor who books link after link, and tries again as long as the server cannot take it."""
    for link in links:
        page = None
        while not load.over.is_set():
            try:
                page = page or link.page()
                if not page.slots:
                    page = None
                    continue
                if link.choose(page.slots[0], page).code == 303:
                    load.acknowledged[link.link_id] = time.monotonic()
                    time.sleep(PAUSE_S)
                    break
            except httpx2.HTTPError:
                pass
            load.refused += 1
            time.sleep(0.1)


def read(url: str, key: dict[str, str], link: CreatedLink, load: Load) -> None:
    """Somebody who reads a status again and again."""
    with httpx2.Client(base_url=url, timeout=5, headers=key) as http:
        while not load.over.is_set():
            try:
                if http.get(f"/v1/real_time_scheduling/{link.link_id}").status_code == 200:
                    load.good_reads.append(time.monotonic())
            except httpx2.HTTPError:
                pass
            time.sleep(0.01)


def _wait_until(true: Callable[[], bool], at_most: float | None = None) -> None:
    """For ever is a minute. With `at_most` it may also stay untrue."""
    ends = time.monotonic() + (at_most or GIVE_UP_S)
    while not true() and time.monotonic() < ends:
        time.sleep(0.05)
    assert at_most or true(), "waited in vain"
