"""SLOTLINK_RATE_LIMIT over several nodes on one PostgreSQL: together they let through what one would, and none lets
anybody through whom it cannot count."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import text as sql

from slotlink.store.hot_postgresql import PostgresqlHotReader
from tests.center import Center, finished
from tests.faults.live import LiveCenter
from tests.forked import run_command
from tests.postgresql import Cluster
from tests.serving import environ_for, serving

MOST = 40
HOUR = 3600
TERMINATE = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid()"
)


def test_two_nodes_together_admit_no_more_than_the_limit(tmp_path: Path, cluster: Cluster) -> None:
    """By the fast path and the general one, with an API key and an access token: it is one application."""
    variables = {"SLOTLINK_DATABASE_URL": cluster.migrated_database(), "SLOTLINK_RATE_LIMIT": f"1000/s,{MOST}/h"}
    environ = environ_for(tmp_path, **variables)
    with serving(tmp_path, **variables) as one, serving(tmp_path, **variables) as other:
        began = time.time()
        with LiveCenter.at(one, environ) as center:
            maya = center.person("maya")  # two requests
            link = center.create_link(maya)  # and one
            asked = [
                (url, path, key)
                for _ in range(MOST // 4)
                for url in (one.url, other.url)
                for path, key in (
                    (f"/v1/real_time_scheduling/{link.link_id}", center.key),
                    (f"/v1/real_time_scheduling?token={link.token}", center.key),
                    ("/v1/calendars", maya.key),
                )
            ]

            def ask(each: tuple[str, str, dict[str, str]]) -> Any:
                url, path, key = each
                return httpx2.get(url + path, headers=key, timeout=30)

            with ThreadPoolExecutor(8) as threads:
                answers = list(threads.map(ask, asked))
        windows = int(time.time() // HOUR) - int(began // HOUR) + 1
        codes = [answer.status_code for answer in answers]
        assert set(codes) == {200, 429}
        admitted = codes.count(200) + 3
        assert admitted <= MOST * windows
        assert windows > 1 or admitted == MOST
        waits = {int(answer.headers["retry-after"]) for answer in answers if answer.status_code == 429}
        left = HOUR - time.time() % HOUR
        assert windows > 1 or all(left - 5 < wait < left + 60 for wait in waits), (waits, left)
        _, other_secret = made(environ)
        stranger = httpx2.get(
            other.url + "/v1/real_time_scheduling/x", headers={"Authorization": "Bearer " + other_secret}
        )
        assert stranger.status_code == 404, "another application has a limit of its own"
    said = (tmp_path / "server.log").read_text()
    assert len(re.findall(r'"event": "limit.reached"', said)) == windows, "told once, by whichever node it was"


def made(environ: dict[str, str]) -> tuple[str, str]:
    created = run_command(environ, "applications", "create", "Initech", "--json").json
    return created["client_id"], created["client_secret"]


@pytest.fixture
def center(tmp_path: Path, cluster: Cluster) -> Center:
    variables = {"SLOTLINK_DATABASE_URL": cluster.migrated_database(), "SLOTLINK_RATE_LIMIT": "1000/m"}
    return Center(tmp_path, **variables)


def test_who_cannot_be_counted_is_not_let_through(center: Center) -> None:
    with center:
        maya = center.person("maya")
        link = center.create_link(maya)
        ways: list[Callable[[], Any]] = [
            lambda: center.http.get(f"/v1/real_time_scheduling/{link.link_id}", headers=center.key),
            lambda: center.http.get(f"/v1/real_time_scheduling?token={link.token}", headers=center.key),
            lambda: center.http.get("/v1/calendars", headers=maya.key),
            lambda: center.http.post("/v1/availability", json=center.query(maya), headers=center.key),
        ]
        assert [way().status_code for way in ways] == [200] * 4
        statement(center, "ALTER TABLE request_counts RENAME TO elsewhere")
        refused = [way() for way in ways]
        assert [answer.status_code for answer in refused] == [503] * 4
        assert all(answer.headers["retry-after"] for answer in refused)
        assert link.page().code == 200, "a page is counted against nobody"
        statement(center, "ALTER TABLE elsewhere RENAME TO request_counts")
        assert [way().status_code for way in ways] == [200] * 4


def test_a_count_outlives_connections_that_broke(center: Center) -> None:
    reader = PostgresqlHotReader(center.settings.url_of_database)

    async def count() -> None:
        await asyncio.gather(*(reader.count_request(center.client_id, [60]) for _ in range(4)))
        assert len(reader._idle) > 2
        await asyncio.to_thread(statement, center, TERMINATE)
        ((requests, left),) = await reader.count_request(center.client_id, [60])
        assert (requests == 5 and left <= 60) or time.time() % 60 < 5
        await reader.close()

    finished(count())


def test_windows_end_and_a_late_request_counts_in_the_newer_one(center: Center) -> None:
    """What the clock cannot be made to do in a test, the row can: it is moved instead."""
    with center:
        maya = center.person("maya")
        center.http.get("/v1/calendars", headers=maya.key)
        for moved, expected in ((-1, 1), (-100, 1), (0, 8), (1, 8), (2, 1)):
            statement(
                center,
                "UPDATE request_counts SET requests = 7, "
                f"window_number = floor(extract(epoch FROM clock_timestamp()) / 60) + {moved}",
            )
            assert center.http.get("/v1/calendars", headers=maya.key).status_code == 200
            counted = statement(center, "SELECT requests FROM request_counts")
            assert counted == [(expected,)] or time.time() % 60 < 3, (moved, counted)


def statement(center: Center, text: str) -> list[Any]:
    async def run(deps: Any) -> list[Any]:
        async with deps.database.transaction() as connection:
            done = await connection.execute(sql(text))
            return [tuple(row) for row in done] if done.returns_rows else []

    return center.run(run)
