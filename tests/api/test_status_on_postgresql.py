"""Status has two ways in on PostgreSQL too, each with connections of its own, and nobody can tell which answered."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, patch

import asyncpg
import pytest

from slotlink.store import postgresql
from slotlink.store.hot_postgresql import PostgresqlHotReader
from slotlink.vault import digest
from tests.center import DAY, Center, CreatedLink, finished
from tests.postgresql import Cluster

PATH = "/v1/real_time_scheduling"


@pytest.fixture
def center(tmp_path: Path, cluster: Cluster) -> Generator[Center]:
    with Center(tmp_path, SLOTLINK_DATABASE_URL=cluster.migrated_database()) as center:
        yield center


@contextlib.contextmanager
def general_only() -> Generator[None]:
    """Every hot read finds nothing, as when its connections break."""

    async def nothing(*_: Any) -> tuple[()]:
        return ()

    with patch.object(PostgresqlHotReader, "_read", nothing):
        yield


def links(center: Center) -> dict[str, CreatedLink]:
    maya = center.person("maya")
    made = {state: center.create_link(maya) for state in ("completed", "disabled", "open")}
    assert made["completed"].choose(made["completed"].page().slots[0]).code == 303
    center.http.post(f"{PATH}/{made['disabled'].link_id}/disable", json={"display_message": "x"}, headers=center.key)
    return made


def asked(link: CreatedLink) -> tuple[str, str]:
    return f"{PATH}/{link.link_id}", f"{PATH}?token={link.token}"


def test_both_ways_answer_alike(center: Center) -> None:
    made = links(center)
    _, foreign = center.new_application("Initech")
    addresses = [address for link in made.values() for address in asked(link)]
    keys = [
        center.key,
        {"Authorization": f"Bearer {foreign}"},
        {},
        {"Authorization": "Bearer x"},
        {"Authorization": f"bearer {center.client_secret}"},
    ]
    for _ in range(2):
        for address in [*addresses, f"{PATH}/sch_none", f"{PATH}?token=none", f"{PATH}?token=", f"{PATH}/a%00b"]:
            for key in keys:
                hot = center.http.get(address, headers=key)
                tag = {"If-None-Match": hot.headers["etag"]} if "etag" in hot.headers else {}
                known = center.http.get(address, headers=key | tag)
                with general_only():
                    general = center.http.get(address, headers=key)
                    known_too = center.http.get(address, headers=key | tag)
                for one, other in ((hot, general), (known, known_too)):
                    assert (one.status_code, one.content) == (other.status_code, other.content), address
                    assert sorted(one.headers.items()) == sorted(other.headers.items()), address
                assert known.status_code == (304 if tag else hot.status_code)
        center.clock.now += 30 * DAY  # the open link has expired
    assert center.http.get(addresses[-1], headers=center.key).json()["real_time_scheduling"]["status"] == "expired"


def test_a_known_link_is_answered_without_the_general_path(center: Center) -> None:
    made = links(center)

    async def refuse(*_: Any) -> None:
        raise AssertionError("the general path was taken")

    with patch.object(center.app, "_app", refuse):
        for state, link in made.items():
            for address in asked(link):
                answer = center.http.get(address, headers=center.key)
                assert answer.json()["real_time_scheduling"]["status"] == state


def test_what_was_committed_is_read(center: Center) -> None:
    """Nothing on these connections stays open between two statements: a later read never sees an earlier moment."""
    link = center.create_link(center.person("maya"))
    for address in asked(link):
        assert center.http.get(address, headers=center.key).json()["real_time_scheduling"]["status"] == "open"
    assert link.choose(link.page().slots[0]).code == 303
    for address in asked(link):
        assert center.http.get(address, headers=center.key).json()["real_time_scheduling"]["status"] == "completed"


def test_broken_connections_are_replaced(center: Center, cluster: Cluster) -> None:
    link = center.create_link(center.person("maya"))

    async def read() -> None:
        reader = PostgresqlHotReader(center.settings.url_of_database)
        secret, token = digest(center.client_secret), digest(link.token)
        assert await reader.by_token(secret, token) is not None
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname <> ''"
        cluster.sql(ended)
        found = [await reader.by_token(secret, token) for _ in range(3)]
        assert found[0] is None, "the general path answers this one"
        assert all(row is not None for row in found[1:])
        assert await reader.application(secret) == center.client_id
        await reader.close()

    finished(read())
    # The server's own connections broke as well; nobody notices.
    for address in asked(link):
        assert center.http.get(address, headers=center.key).status_code == 200


def test_a_connection_that_ends_in_the_same_turn_is_broken_like_any_other(center: Center) -> None:
    """asyncpg says so by an error of its own when the server hangs up on an idle connection just as it is used."""
    link = center.create_link(center.person("maya"))
    ended = asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress")
    with patch.object(asyncpg.Connection, "fetch", side_effect=ended):
        for address in asked(link):
            assert center.http.get(address, headers=center.key).json()["real_time_scheduling"]["status"] == "open"


def test_a_listener_goes_on_after_such_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    ends: list[Exception] = [asyncpg.InternalClientError("cannot switch"), OSError("refused")]
    heard = asyncio.Event()

    async def listen_once(_connection: Any, _channel: str, hear: Callable[[], None]) -> None:
        if ends:
            raise ends.pop(0)
        hear()
        await asyncio.sleep(3600)

    async def listening() -> None:
        task = asyncio.create_task(postgresql.listen("postgresql://unused", "channel", heard.set))
        async with asyncio.timeout(10):
            await heard.wait()
        task.cancel()

    monkeypatch.setattr(postgresql, "_listen_once", listen_once)
    monkeypatch.setattr(postgresql, "connect", AsyncMock())
    monkeypatch.setattr(postgresql, "RECONNECT_S", 0)
    asyncio.run(listening())
