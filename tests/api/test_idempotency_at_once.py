"""`Idempotency-Key` with many requests at once, with what breaks on the way, and in what is stored."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import uuid
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from starlette.testclient import TestClient

from slotlink.app import make_app
from slotlink.errors import OutcomeUnknown
from slotlink.store import idempotency, links, tables
from slotlink.store.database import Database, open_database
from slotlink.store.idempotency import KeptAnswer
from slotlink.web import api_links
from slotlink.worker.housekeeping import forget
from tests.api.asking import dump, wire
from tests.api.repeating import LINKS, center_on, counted, create, keyed, one_more, same
from tests.center import START, Center, Person


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Center]:
    """One center of each engine for all of these tests: every one has keys of its own."""
    with center_on(request, tmp_path_factory.mktemp("idempotency")) as center:
        yield center


@pytest.fixture
def center(shared: Center) -> Center:
    shared.clock.now = START
    return shared


@pytest.fixture
def maya(center: Center) -> Person:
    return center.person(f"maya-{uuid.uuid4()}")


def test_of_twenty_twins_one_makes_it_and_all_hear_of_that_one(center: Center, maya: Person) -> None:
    headers, body, before = keyed(center.key), center.link_request(maya), counted(center)
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: create(center, body, headers), range(20)))
    assert counted(center) == one_more(before)
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len({answer.content for answer in answers if answer.status_code == 200}) == 1


def test_while_the_first_is_under_way_a_twin_is_told_to_ask_again(
    center: Center, maya: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers, body, before = keyed(center.key), center.link_request(maya), counted(center)
    with slow(monkeypatch) as (entered, let_go), ThreadPoolExecutor(1) as thread:
        first = thread.submit(create, center, body, headers)
        try:
            assert entered.wait(10)
            twin = create(center, body, headers)
            assert (twin.status_code, twin.headers["retry-after"]) == (409, "1")
            assert [fault["key"] for fault in twin.json()["errors"]["Idempotency-Key"]] == ["errors.still_running"]
            if not center.settings.embedded:  # and a twin that another process of the data center got
                other = TestClient(make_app(center.settings, background=False, clock=center.clock))
                with other:
                    assert other.post(LINKS, json=body, headers=headers).status_code == 409
        finally:
            let_go()
    assert same(first.result(), create(center, body, headers))
    assert counted(center) == one_more(before)


def test_a_first_that_breaks_gives_its_key_back(center: Center, maya: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    headers, body, before = keyed(center.key), center.link_request(maya), counted(center)
    with monkeypatch.context() as patch:
        patch.setattr(api_links, "link_url", lambda *_: 1 / 0)  # after the link was made
        with pytest.raises(ZeroDivisionError):
            create(center, body, headers)
    assert counted(center) == before
    assert create(center, body, headers).status_code == 200
    assert counted(center) == one_more(before)


@pytest.mark.parametrize("kept", [True, False])
def test_when_nobody_knows_whether_it_was_kept_the_key_tells(
    center: Center, maya: Person, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    headers, body, before = keyed(center.key), center.link_request(maya), counted(center)
    whole, lost = Database.one_transaction, [OutcomeUnknown("on purpose")]

    @contextlib.asynccontextmanager
    async def losing(self: Database) -> AsyncGenerator[Any]:
        with contextlib.suppress(_Undone):
            async with whole(self) as connection:
                yield connection
                if lost and not kept:
                    raise _Undone
        if lost:
            raise lost.pop()

    monkeypatch.setattr(Database, "one_transaction", losing)
    first = create(center, body, headers)
    assert not lost and first.status_code == 200
    assert counted(center) == one_more(before)
    assert create(center, body, headers).content == first.content


class _Undone(Exception):
    pass


def test_a_connection_that_breaks_before_the_commit_makes_nothing_twice(
    center: Center, maya: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    if center.settings.embedded:
        return  # nothing lies between the server and its file
    headers, body, before = keyed(center.key), center.link_request(maya), counted(center)
    keep, ended = idempotency.keep, list[int]()

    async def keep_and_lose(connection: Any, *rest: Any) -> None:
        await keep(connection, *rest)
        if not ended:
            ended.append((await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one())
            async with open_and_close(center) as database, database.transaction() as other:
                await other.execute(text(f"SELECT pg_terminate_backend({ended[0]})"))

    monkeypatch.setattr(idempotency, "keep", keep_and_lose)
    assert create(center, body, headers).status_code == 200
    assert ended and counted(center) == one_more(before)


def test_many_keys_at_once_do_not_wait_for_each_others_connections(center: Center, maya: Person) -> None:
    """A request holds one connection, not a second one for what it reads: with a pool of ten, fifteen would starve."""
    url = f"/v1/calendars/{maya.calendar_id}/events"

    def write(number: int) -> Any:
        body = {"event_id": f"e-{number}", "summary": "S", "start": wire(0), "end": wire(1)}
        return center.http.post(url, json=body, headers=keyed(maya.key)).status_code

    with ThreadPoolExecutor(15) as threads:
        assert set(threads.map(write, range(15))) == {202}


def test_answers_are_sealed(tmp_path: Path) -> None:
    with Center(tmp_path) as center:
        body = {"client_id": center.client_id, "client_secret": center.client_secret, "application_calendar_id": "x"}
        granted = center.http.post("/v1/application_calendars", json=body, headers=keyed({}, "the-key-itself")).json()
        url = create(center, center.link_request(center.person("maya")), keyed(center.key)).json()["url"]
        written = "\n".join(dump(center))
    assert written.count('INSERT INTO "idempotency_keys"') == 2
    secrets = (granted["access_token"], granted["refresh_token"], url.rpartition("/")[2], "the-key-itself")
    for secret in secrets:
        assert secret not in written and secret.encode().hex().upper() not in written.upper()


def test_a_request_is_counted_once_and_stays_counted_when_it_is_undone(tmp_path: Path) -> None:
    with Center(tmp_path, SLOTLINK_RATE_LIMIT="10/m") as center:
        body = center.link_request(center.person("maya"))
        center.clock.now += 60
        headers = keyed(center.key)
        codes = [create(center, {}, headers).status_code for _ in range(5)]
        codes += [create(center, body, headers).status_code for _ in range(6)]
        assert codes == [422] * 5 + [200] * 5 + [429]


def test_housekeeping_forgets_expired_answers(tmp_path: Path) -> None:
    with Center(tmp_path) as center:

        async def keep_two_and_forget(deps: Any) -> list[int]:
            async with deps.database.transaction() as connection:
                for name, until in ((b"1", 1), (b"2", 3)):
                    answer = KeptAnswer(name * 32, 202, {}, b"")
                    await idempotency.keep(connection, deps.vault, center.client_id, name * 32, answer, until)
            await forget(deps, 2)
            async with deps.database.reading() as connection:
                return list((await connection.execute(select(tables.idempotency_keys.c.expires_at))).scalars())

        assert center.run(keep_two_and_forget) == [3]


@contextlib.contextmanager
def slow(monkeypatch: pytest.MonkeyPatch) -> Generator[tuple[threading.Event, Callable[[], None]]]:
    """Links take until they are let go: made, and not yet committed."""
    entered, left = threading.Event(), threading.Event()
    made = links.create

    async def create_and_wait(*given: Any) -> Any:
        link = await made(*given)
        entered.set()
        await asyncio.to_thread(left.wait, 20)
        return link

    with monkeypatch.context() as patch:
        patch.setattr(links, "create", create_and_wait)
        yield entered, left.set


@contextlib.asynccontextmanager
async def open_and_close(center: Center) -> AsyncGenerator[Database]:
    database = open_database(center.settings.url_of_database)
    try:
        yield database
    finally:
        await database.close()
