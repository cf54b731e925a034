"""The connector contract for CalDAV, whatever the server is: what the fixtures need, and cases of CalDAV alone."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol
from urllib.parse import quote, urljoin
from uuid import uuid4

import aiohttp
import pytest

from slotlink.connectors.base import Connector
from slotlink.connectors.caldav import CalDavConnector
from slotlink.engine import Period
from slotlink.errors import ConnectorError, NotAccepted
from slotlink.ical import read_calendar
from tests.contract.connector_contract import ConnectorContract
from tests.contract.connector_events import DAY, HOUR, KEY, MARCH, START, by_uid, event, our_event, uids


class Server(Protocol):
    """`home` is the path where alice's calendars lie."""

    url: str
    home: str

    def let_in(self, password: str) -> None:
        """Alice's password is this one from now on."""
        ...


class Losing:
    """A session that can lose an answer which has arrived. All that the connector needs of one."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self.lose_next = False
        self.at_once = self.most_at_once = 0

    @asynccontextmanager
    async def request(self, method: str, url: Any, **options: Any) -> AsyncGenerator[aiohttp.ClientResponse]:
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            async with self._once(method, url, options) as response:
                yield response
        finally:
            self.at_once -= 1

    @asynccontextmanager
    async def _once(self, method: str, url: Any, options: Any) -> AsyncGenerator[aiohttp.ClientResponse]:
        async with self._session.request(method, url, **options) as response:
            if self.lose_next and method in ("PUT", "DELETE"):
                self.lose_next = False
                await response.read()
                raise aiohttp.ServerDisconnectedError
            yield response

    async def close(self) -> None:
        await self._session.close()


class Alice:
    """In her other client, which speaks HTTP and nothing more."""

    def __init__(self, server: Server, session: aiohttp.ClientSession, losing: Losing, calendar: str) -> None:
        self._server, self._session, self._losing = server, session, losing
        self.calendar = calendar
        self._names: dict[str, str] = {}

    async def plant(self, ical: str, name: str | None = None) -> None:
        uid = read_calendar(ical)[0][0].uid
        name = name or self._names.get(uid) or (f"{KEY}.ics" if uid == f"{KEY}@slotlink.test" else f"{uuid4()}.ics")
        self._names[uid] = name
        await self.ask("PUT", urljoin(self.calendar, name), ical.encode(), {"Content-Type": "text/calendar"})

    async def remove(self, uid: str) -> None:
        await self.ask("DELETE", urljoin(self.calendar, self._names.get(uid, f"{KEY}.ics")))

    async def delete_calendar(self) -> None:
        await self.ask("DELETE", self.calendar)

    async def break_access(self) -> None:
        self._server.let_in("another")

    def lose_next_answer(self) -> None:
        self._losing.lose_next = True

    async def ask(self, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
        signed = {"Authorization": "Basic " + base64.b64encode(b"alice:pw1").decode(), **(headers or {})}
        address = aiohttp.client.URL(url, encoded=True)
        async with self._session.request(method, address, data=body, headers=signed) as response:
            text = await response.read()
            assert response.status // 100 == 2, (method, url, response.status, text)
            return text


class CalDavContract(ConnectorContract):
    @pytest.fixture
    async def losing(self) -> AsyncGenerator[Losing]:
        yield Losing(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))

    @pytest.fixture
    async def connector(self, server: Server, losing: Losing) -> AsyncGenerator[CalDavConnector]:
        connector = CalDavConnector(losing, server.url, "alice", "pw1", deadline=30, sync_deadline=60)  # type: ignore
        yield connector
        await connector.close()

    @pytest.fixture
    async def person(self, server: Server, losing: Losing) -> AsyncGenerator[Alice]:
        """Her new calendar has a name that has to be escaped."""
        async with aiohttp.ClientSession() as session:
            alice = Alice(server, session, losing, f"{server.url}{server.home}{quote(f'mein büro {uuid4()}')}/")
            await alice.ask("MKCALENDAR", alice.calendar, _MADE, {"Content-Type": "application/xml"})
            yield alice
            server.let_in("pw1")
            with suppress(AssertionError):  # some tests delete it themselves
                await alice.delete_calendar()

    @pytest.fixture
    def calendar(self, person: Alice) -> str:
        return person.calendar

    @pytest.fixture
    def missing(self, server: Server) -> str:
        return f"{server.url}{server.home}missing/"

    def strange_cursors(self, cursor: str) -> list[str]:
        wrong = ["nonsense", "", "token-9 urn:step:1", "token-1 ", "etags-1 beef ", "etags-1 beef 77", "etags-1"]
        return [*wrong, f"token-1 http://radicale.org/ns/sync/{'0' * 64}", "token-1 <&\x01\ud800>"]

    async def test_what_is_said_of_a_calendar(self, connector: Connector, calendar: str) -> None:
        [found] = [each for each in await connector.list_calendars() if each.remote_id == calendar]
        assert (found.name, found.tzid, found.writable, found.color) == (
            "Büro & <Co>",
            "Europe/Berlin",
            True,
            "#ff0000",
        )

    async def test_collections_for_other_things_are_left_out(self, connector: Connector, person: Alice) -> None:
        tasks = _MADE.replace(b'name="VEVENT"', b'name="VTODO"')
        url = urljoin(person.calendar, f"../tasks-{uuid4()}/")
        await person.ask("MKCALENDAR", url, tasks, {"Content-Type": "application/xml"})
        listed = {each.remote_id for each in await connector.list_calendars()}
        assert person.calendar in listed and url not in listed

    async def test_names_with_spaces_and_escapes(self, connector: Connector, calendar: str, person: Alice) -> None:
        names = ["a b.ics", "100%.ics", "a@b+c&d.ics", "ä🦷.ics", "x-2.ics", "%2e%2e.ics"]
        for number, name in enumerate(names):
            await person.plant(event(f"e{number}"), quote(name, safe="@" if number % 2 else ""))
        changes = await connector.changes(calendar, None)
        assert uids(changes.changed) == [f"e{number}" for number in range(len(names))]
        live = (await connector.read_live([calendar], MARCH))[calendar]
        assert not isinstance(live, ConnectorError)
        assert {each.remote_key: each.version for each in live} == {
            each.remote_key: each.version for each in changes.changed
        }
        for number in range(len(names)):
            await person.remove(f"e{number}")
        after = await connector.changes(calendar, changes.cursor)
        assert after.changed == ()
        assert after.whole or set(after.removed) >= {each.remote_key for each in changes.changed}

    async def test_our_event_under_another_name(self, connector: Connector, calendar: str, person: Alice) -> None:
        """As a server stores it that chooses names itself, or a client that copies."""
        await person.plant(our_event().ical, "their-name.ics")
        written = await connector.put(calendar, our_event())
        assert written.remote_key.endswith("/their-name.ics")
        moved = await connector.put(calendar, our_event(start=START + DAY), written.version)
        assert moved.remote_key == written.remote_key
        assert list(by_uid(await connector.changes(calendar, None))) == [f"{KEY}@slotlink.test"]
        await connector.delete(calendar, KEY)
        assert (await connector.changes(calendar, None)).changed == ()

    async def test_more_objects_than_one_request_asks_for(
        self, connector: Connector, calendar: str, person: Alice, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("slotlink.connectors.caldav.BATCH", 2)
        for number in range(5):
            await person.plant(event(f"e{number}", start=START + number * 100 * DAY))
        assert uids((await connector.changes(calendar, None)).changed) == [f"e{number}" for number in range(5)]
        live = await connector.read_live([calendar], Period(START + 200 * DAY, START + 200 * DAY + HOUR))
        assert uids(live[calendar]) == ["e2"], "and no more than touches it"

    async def test_answers_that_are_too_long_are_asked_for_in_parts(
        self, connector: Connector, calendar: str, person: Alice, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(4):
            await person.plant(event(f"e{number}", description="x" * 3000))
        monkeypatch.setattr("slotlink.connectors.dav_client.MOST_BYTES", 8000)
        changes = await connector.changes(calendar, None)
        assert uids(changes.changed) == [f"e{number}" for number in range(4)] and not changes.removed
        monkeypatch.setattr("slotlink.connectors.dav_client.MOST_BYTES", 3000)
        with pytest.raises(NotAccepted):
            await connector.changes(calendar, None)
        assert isinstance((await connector.read_live([calendar], MARCH))[calendar], NotAccepted)

    async def test_many_calendars_are_read_at_once(
        self, connector: Connector, calendar: str, missing: str, losing: Losing
    ) -> None:
        names = [calendar, *(f"{missing}{number}/" for number in range(8))]
        found = await connector.read_live(names, MARCH)
        assert list(found) == names and losing.most_at_once == 4

    async def test_every_kind_of_address(self, server: Server, calendar: str) -> None:
        for address in (server.url, f"{server.url}/", f"{server.url}/alice/", f"{server.url}/nowhere/at/all"):
            connector = CalDavConnector(aiohttp.ClientSession(), address, "alice", "pw1")
            try:
                assert calendar in [each.remote_id for each in await connector.list_calendars()], address
            finally:
                await connector.close()


_ZONE = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Client//EN
BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0100
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
END:VCALENDAR
"""
_MADE = f"""<?xml version="1.0" encoding="utf-8"?>
<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:A="http://apple.com/ns/ical/">
<D:set><D:prop><D:displayname>Büro &amp; &lt;Co&gt;</D:displayname><A:calendar-color>#FF0000FF</A:calendar-color>
<C:supported-calendar-component-set><C:comp name="VEVENT"/></C:supported-calendar-component-set>
<C:calendar-timezone>{_ZONE}</C:calendar-timezone></D:prop></D:set></C:mkcalendar>""".encode()
