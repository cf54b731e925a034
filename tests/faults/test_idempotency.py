"""Repetitions of a request with an `Idempotency-Key`: after a process died with it, and many at once over real HTTP."""

from __future__ import annotations

import functools
import json
import multiprocessing
import time
import uuid
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from sqlalchemy import func, select

from slotlink.store.tables import links
from slotlink.vault import new_key
from tests.center import Center, Clock, Json
from tests.faults.commands import Folder
from tests.faults.dying import CODE, answer_and_die
from tests.faults.live import LiveCenter, at_once, request, send
from tests.postgresql import Cluster
from tests.serving import LiveServer, serving

LINKS = "/v1/real_time_scheduling"
TWINS = 20
GIVES_BACK_S = 10.0  # PostgreSQL notices at once that a process is gone; a busy machine takes its time
# Forked in a moment from one that has imported everything already.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.faults.dying"])
Ready = Callable[[], object]


@dataclass(frozen=True)
class Told:
    code: int
    replayed: str | None
    text: str


Twin = Callable[[Ready, Json, dict[str, str]], Told]


@pytest.fixture(params=["sqlite", "postgresql"])
def center(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Center]:
    on_sqlite = request.param == "sqlite"
    with Center(tmp_path) if on_sqlite else _on_postgresql(request.getfixturevalue("cluster"), tmp_path) as center:
        yield center


def _on_postgresql(cluster: Cluster, folder: Path, **more: Any) -> Center:
    return Center(folder, SLOTLINK_DATABASE_URL=cluster.migrated_database(), **more)


def test_a_process_that_dies_leaves_no_key_behind_and_no_half(center: Center) -> None:
    body, headers = center.link_request(center.person("maya")), {**center.key, "Idempotency-Key": "once"}

    def die(when: Literal["before", "after"]) -> None:
        # While PostgreSQL has yet to notice that the last one is gone, this one is refused and lives.
        end = time.monotonic() + GIVES_BACK_S
        while True:
            process = PROCESSES.Process(
                target=answer_and_die, args=(when, center.settings, center.clock.now, body, headers)
            )
            process.start()
            process.join(60)
            if process.exitcode == CODE:
                return
            assert process.exitcode == 0 and time.monotonic() < end, "the key is still held for somebody who is gone"

    die("before")
    assert _links(center) == 0
    die("after")
    assert _links(center) == 1
    answer, again = (center.http.post(LINKS, json=body, headers=headers) for _ in range(2))
    assert (answer.status_code, answer.headers["idempotent-replayed"]) == (200, "true")
    assert answer.content == again.content
    assert answer.json()["real_time_scheduling"]["status"] == "open"
    assert _links(center) == 1


def test_of_twenty_twins_at_one_process_one_makes_the_link(served: tuple[Folder, LiveServer]) -> None:
    folder, server = served
    with LiveCenter.at(server, folder.environ) as live:
        _one_of_twins_makes_it(live.link_request(live.person("maya")), live.key, [_over_http(server)])


def test_of_twenty_twins_at_two_processes_one_makes_the_link(cluster: Cluster, tmp_path: Path) -> None:
    """One is this process, the other one is asked over real HTTP. Several times: they must meet in the middle."""
    own = {"SLOTLINK_SECRET_KEYS": new_key(), "SLOTLINK_APP_URL": "https://app.test"}
    with _on_postgresql(cluster, tmp_path, clock=Clock(int(time.time())), **own) as center:
        variables = {"SLOTLINK_DATABASE_URL": center.settings.url_of_database, **own}

        def here(ready: Ready, body: Json, headers: dict[str, str]) -> Told:
            ready()
            answer = center.http.post(LINKS, json=body, headers=headers)
            return Told(answer.status_code, answer.headers.get("idempotent-replayed"), answer.text)

        with serving(tmp_path, **variables) as server:
            body = center.link_request(center.person("maya"))
            for made in range(1, 7):
                _one_of_twins_makes_it(body, center.key, [here, _over_http(server)])
                assert _links(center) == made


def _over_http(server: LiveServer) -> Twin:
    def there(ready: Ready, body: Json, headers: dict[str, str]) -> Told:
        raw = request("POST", server.url + LINKS, headers, json.dumps(body).encode())
        answer = send(server.url, raw, ready)
        return Told(answer.code, answer.headers.get("idempotent-replayed"), answer.text)

    return there


def _one_of_twins_makes_it(body: Json, key: dict[str, str], twins: Sequence[Twin]) -> None:
    """All at once, by turns at each of the processes; then once more at each, when all is over."""
    headers = {**key, "Idempotency-Key": str(uuid.uuid4())}
    told = at_once([functools.partial(_ask, twins[number % len(twins)], body, headers) for number in range(TWINS)])
    assert {answer.code for answer in told} <= {200, 409}
    whole = [answer for answer in told if answer.code == 200]
    assert [answer.replayed for answer in whole].count(None) == 1
    last = [twin(lambda: None, body, headers) for twin in twins]
    assert {answer.replayed for answer in last} == {"true"}
    assert len({answer.text for answer in [*whole, *last]}) == 1


def _ask(twin: Twin, body: Json, headers: dict[str, str], ready: Ready) -> Told:
    return twin(ready, body, headers)


def _links(center: Center) -> int:
    async def count(deps: Any) -> int:
        async with deps.database.reading() as connection:
            return (await connection.execute(select(func.count()).select_from(links))).scalar_one()

    return center.run(count)
