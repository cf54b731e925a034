"""Status has two ways in, the hot path and the general one. Nobody can tell which of them answered."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from starlette.testclient import TestClient

from slotlink import app as composition
from slotlink.app import make_app
from slotlink.store import applications
from slotlink.store.hot_sqlite import SqliteHotReader
from slotlink.vault import digest
from slotlink.web.hot_status import HotStatus
from tests.center import DAY, START, Center, CreatedLink, finished

PATH = "/v1/real_time_scheduling"
Headers = Mapping[str, str] | list[tuple[str, str]]


class NotReached(Exception):
    """The hot path has handed over to the general one."""


class BothWays:
    """The same database behind the whole application, behind the general path alone and behind the hot path alone."""

    def __init__(self, center: Center) -> None:
        self.center = center
        self.whole = center.http
        with patch.object(composition, "HotStatus", lambda app, *_: app):
            general = make_app(center.settings, background=False, clock=center.clock)
        self.general = TestClient(general, base_url="https://app.test", follow_redirects=False)
        assert isinstance(center.app, HotStatus)
        self._hot = center.app

    def get(self, address: str, headers: Headers) -> Any:
        """The answer, after both ways gave the same one."""
        answers = [http.get(address, headers=headers) for http in (self.whole, self.general)]
        codes, bodies, kept = zip(
            *((a.status_code, a.content, sorted(a.headers.items())) for a in answers), strict=True
        )
        assert codes[0] == codes[1], f"{address}: hot {codes[0]}, general {codes[1]}"
        assert bodies[0] == bodies[1]
        assert kept[0] == kept[1]
        return answers[0]

    def is_hot(self, address: str, headers: Headers) -> bool:
        async def refuse(*_: Any) -> None:
            raise NotReached

        with patch.object(self._hot, "_app", refuse):
            try:
                TestClient(self._hot, base_url="https://app.test").get(address, headers=headers)
            except NotReached:
                return False
        return True


@pytest.fixture
def both(center: Center) -> Generator[BothWays]:
    both = BothWays(center)
    with both.general:
        yield both


def link_in(state: str, center: Center) -> CreatedLink:
    """A link that awkward texts have been through, in this state."""
    maya = center.person("maya")
    event = {
        "event_id": "interview-1",
        "summary": 'Müller & "Söhne" </script> \\ 日本 🎉',
        "description": "one\ntwo\ttab",
        "location": {"description": "", "lat": "51.5", "long": "-0.1"},
        "tzid": "Europe/London",
    }
    link = center.create_link(maya, event=event)
    if state == "completed":
        page = link.page()
        assert link.choose(page.slots[0], page).code == 303
    elif state == "disabled":
        answer = center.http.post(f"{PATH}/{link.link_id}/disable", json={"display_message": "No"}, headers=center.key)
        assert answer.status_code == 200
    elif state == "expired":
        center.clock.now = START + 30 * DAY
    return link


@pytest.mark.parametrize("state", ["open", "completed", "disabled", "expired"])
def test_all_ways_to_the_status_of_a_link_answer_the_same_bytes(both: BothWays, state: str) -> None:
    link = link_in(state, both.center)
    answers = []
    for address in (f"{PATH}/{link.link_id}", f"{PATH}?token={link.token}"):
        assert both.is_hot(address, both.center.key)
        answer = both.get(address, both.center.key)
        assert answer.status_code == 200
        assert answer.json()["real_time_scheduling"]["status"] == state
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        assert answer.headers["cache-control"] == "private, no-cache"
        answers.append(answer)
        for condition in (answer.headers["etag"], f'"other", W/{answer.headers["etag"]}', "*"):
            headers = {**both.center.key, "If-None-Match": condition}
            assert both.is_hot(address, headers)
            unchanged = both.get(address, headers)
            assert (unchanged.status_code, unchanged.content) == (304, b"")
            assert unchanged.headers["etag"] == answer.headers["etag"]
        for condition in ('"other"', "", answer.headers["etag"].strip('"')):
            assert both.get(address, {**both.center.key, "If-None-Match": condition}).status_code == 200
    assert answers[0].content == answers[1].content
    assert answers[0].headers["etag"] == answers[1].headers["etag"]


def test_the_tag_changes_with_the_status(both: BothWays) -> None:
    link = link_in("open", both.center)
    address = f"{PATH}/{link.link_id}"
    before = both.get(address, both.center.key).headers["etag"]
    both.center.clock.now = START + 30 * DAY
    answer = both.get(address, {**both.center.key, "If-None-Match": before})
    assert answer.status_code == 200
    assert answer.headers["etag"] != before


def test_odd_addresses_get_the_same_answer_both_ways(both: BothWays) -> None:
    link = link_in("open", both.center)
    other = link_in("open", both.center)
    found, token = f"{PATH}/{link.link_id}", link.token
    percent = "".join(f"%{ord(letter):02X}" for letter in token)
    expected = {
        f"{PATH}/{link.link_id.replace('s', '%73')}": 200,
        f"{found}?token=ignored": 200,
        f"{found}/": 404,
        f"{found}%2F": 404,
        f"{found}%20": 404,
        f"{found}%00": 404,
        f"{found}%FF": 404,
        f"{found}/disable": 405,
        f"{PATH}/": 404,
        f"{PATH}/?token={token}": 404,
        f"{PATH}/{link.link_id.upper()}": 404,
        f"{PATH}/sch_unknown": 404,
        f"{PATH}/{'x' * 5000}": 404,
        f"{PATH}s?token={token}": 404,
        f"{PATH}?token={percent}": 200,
        f"{PATH}?token={token}&": 200,
        f"{PATH}?&token={token}": 200,
        f"{PATH}?other=1&token={token}": 200,
        f"{PATH}?token=unknown&token={token}": 200,
        f"{PATH}?token={token}&token=unknown": 404,
        f"{PATH}?token={token}&token=": 422,
        f"{PATH}?token={other.token}&token={token}": 200,
        f"{PATH}?token=+{token}": 404,
        f"{PATH}?token={token}%00": 404,
        f"{PATH}?token={token};x=1": 404,
        f"{PATH}?token=%FF": 404,
        f"{PATH}?token={'x' * 5000}": 404,
        f"{PATH}?Token={token}": 422,
        f"{PATH}?token=": 422,
        f"{PATH}?token": 422,
        PATH: 422,
    }
    answered = {address: both.get(address, both.center.key).status_code for address in expected}
    assert answered == expected


def test_odd_credentials_get_the_same_answer_both_ways(both: BothWays) -> None:
    center = both.center
    link = link_in("open", center)
    secret = center.client_secret
    foreign = center.new_application("Initech")[1]
    access = center.person("jonas").access_token
    authorization = "Authorization"
    expected: list[tuple[list[tuple[str, str]], int]] = [
        ([(authorization, f"Bearer {secret}")], 200),
        ([(authorization, f"bearer {secret}")], 200),
        ([(authorization, f"BEARER   {secret}")], 200),
        ([(authorization, f"Bearer {foreign}")], 404),
        ([(authorization, f"Bearer {access}")], 403),
        ([(authorization, "Bearer unknown")], 401),
        ([(authorization, f"Bearer {secret.lower()}")], 401),
        ([(authorization, f"Bearer {secret} more")], 401),
        ([(authorization, "Bearer")], 401),
        ([(authorization, "Bearer ")], 401),
        ([(authorization, "Bearer \xe9")], 401),
        ([(authorization, f"Basic {secret}")], 401),
        ([(authorization, secret)], 401),
        ([(authorization, "")], 401),
        ([], 401),
        # The first of two counts.
        ([(authorization, f"Bearer {secret}"), (authorization, "Bearer unknown")], 200),
        ([(authorization, "Bearer unknown"), (authorization, f"Bearer {secret}")], 401),
        ([(authorization, "Basic unknown"), (authorization, f"Bearer {secret}")], 401),
    ]
    for address in (f"{PATH}/{link.link_id}", f"{PATH}?token={link.token}"):
        for headers, code in expected:
            latin = [(name.encode(), value.encode("latin-1")) for name, value in headers]
            assert both.get(address, latin).status_code == code, headers  # type: ignore[arg-type]


def test_only_reading_is_hot(both: BothWays) -> None:
    link = link_in("open", both.center)
    for method in ("HEAD", "POST", "DELETE"):
        codes = [
            http.request(method, f"{PATH}/{link.link_id}", headers=both.center.key).status_code
            for http in (both.whole, both.general)
        ]
        assert codes[0] == codes[1]


def test_a_revoked_key_stops_working_at_once(both: BothWays) -> None:
    center = both.center
    link = link_in("open", center)

    async def rotate(deps: Any) -> str:
        async with deps.database.transaction() as connection:
            return await applications.rotate_secret(connection, deps.vault, center.client_id, int(center.clock()) + 1)

    async def revoke(deps: Any) -> None:
        async with deps.database.transaction() as connection:
            await applications.revoke_oldest_secret(connection, center.client_id, int(center.clock()) + 2)

    addresses = (f"{PATH}/{link.link_id}", f"{PATH}?token={link.token}")
    fresh = {"Authorization": f"Bearer {center.run(rotate)}"}
    for address in addresses:
        assert both.get(address, center.key).status_code == both.get(address, fresh).status_code == 200
    center.run(revoke)
    for address in addresses:
        assert both.get(address, center.key).status_code == 401
        assert both.get(address, fresh).status_code == 200


def test_a_transaction_ends_with_the_loops_turn(center: Center) -> None:
    """Else the next read would see an old moment, and the log of writes could never be emptied."""
    link = link_in("open", center)
    path = center.settings.sqlite_path
    assert path is not None

    async def read() -> None:
        reader = SqliteHotReader(path)
        writer = sqlite3.connect(path, isolation_level=None)
        secret = digest(center.client_secret)
        assert await reader.by_id(secret, link.link_id) is not None
        assert await reader.by_token(secret, digest(link.token)) is not None
        await asyncio.sleep(0)
        assert checkpointed(path)
        row = await reader.by_id(secret, link.link_id)
        assert row is not None and row[3] == "open"
        writer.execute("UPDATE links SET state = 'disabled' WHERE link_id = ?", (link.link_id,))
        await asyncio.sleep(0)
        row = await reader.by_id(secret, link.link_id)
        assert row is not None and row[3] == "disabled", "what was committed before this turn is seen in it"
        await asyncio.sleep(0)
        writer.close()
        await reader.close()

    finished(read())


def test_a_store_that_cannot_be_read_is_the_general_paths_to_explain(both: BothWays) -> None:
    link = link_in("open", both.center)
    finished(both._hot._reader.close())
    assert not both.is_hot(f"{PATH}/{link.link_id}", both.center.key)
    assert both.get(f"{PATH}/{link.link_id}", both.center.key).status_code == 200


def checkpointed(path: Path) -> bool:
    """Whether the whole write-ahead log could be emptied, which no reader may be in the way of."""
    connection = sqlite3.connect(path, isolation_level=None)
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    connection.close()
    return busy == 0
