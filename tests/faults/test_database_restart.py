"""PostgreSQL ends in the middle of traffic and starts again: nothing that was said is lost, and everybody goes on."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from tests.center import CreatedLink
from tests.faults.live import request, send
from tests.faults.mortal import wait_for
from tests.faults.world import World, world_of
from tests.postgresql import Cluster

VISITORS, LINKS = 4, 8  # of each
THINKS_S = 0.2  # before the next link
BACK_S = 20.0
HEARD_S = 10.0  # far less than a worker waits that is not told
BEFORE = 0.7  # seconds of traffic before the end, and after all have come back


def test_everybody_goes_on_when_the_database_is_back(cluster: Cluster, tmp_path: Path) -> None:
    url = cluster.migrated_database()
    with world_of(tmp_path, url, arguments=("--no-background",)) as world:
        world.another(worker={"LEASE_MARGIN_S": 1.0, "IDLE_POLL_S": 3600.0})  # delivers when it is told
        traffic = Traffic(world)
        with traffic:
            time.sleep(BEFORE)
            assert set(traffic.codes) <= {200, 303}, "all was well before"
            cluster.restart()
            traffic.codes.clear()
            wait_for(lambda: {200, 303} <= set(traffic.codes), BACK_S, lambda: f"still away: {traffic.codes[-20:]}")
            time.sleep(BEFORE)
        traffic.check()
        world.check_callbacks()
        for _ in range(3):  # no poll brings these: the notifications are heard again
            answer = world.visit(world.link())
            assert answer is not None and answer.code == 303
            world.check_callbacks(HEARD_S)


class Traffic:
    """Visitors who book one link after the other, each until it is, and an application that asks for a status."""

    def __init__(self, world: World) -> None:
        self.codes: list[int | None] = []  # of the answers; None where none came
        self._world = world
        self._faults: list[str] = []
        self._ended = threading.Event()
        # Pages are opened before: they could not be while the database is away.
        ready = [[(link := world.link(), world.form(link)) for _ in range(LINKS)] for _ in range(VISITORS)]
        self._threads = [threading.Thread(target=self._visit, args=(forms,)) for forms in ready]
        self._threads.append(threading.Thread(target=self._ask, args=(ready[0][0][0],)))

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def check(self) -> None:
        assert not self._faults, self._faults
        assert len(self._world.acknowledged) > VISITORS
        self._world.truth()

    def _visit(self, forms: list[tuple[CreatedLink, object]]) -> None:
        for _, post in forms:
            while not self._ended.is_set():
                answer = post(self._world.server)  # type: ignore[operator]
                self._note("a visit", answer and answer.code, {303, 503})
                if answer is not None and answer.code == 303:
                    time.sleep(THINKS_S)
                    break

    def _ask(self, link: CreatedLink) -> None:
        url = f"{self._world.server.url}/v1/real_time_scheduling/{link.link_id}"
        while not self._ended.is_set():
            self._note("a status", send(url, request("GET", url, self._world.center.key)).code, {200, 503})
            time.sleep(0.02)

    def _note(self, what: str, code: int | None, expected: set[int]) -> None:
        self.codes.append(code)
        if code not in expected:
            self._faults.append(f"{what} was answered with {code}")
