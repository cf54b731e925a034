"""The CalDAV connector against SOGo."""

from __future__ import annotations

from collections.abc import Generator
from urllib.parse import quote, urljoin
from uuid import uuid4

import aiohttp
import pytest

from slotlink.connectors.base import Changes, Connector
from slotlink.connectors.caldav import CalDavConnector
from slotlink.errors import ConnectorError, ProviderUnavailable
from tests.contract.caldav_contract import _MADE, Alice
from tests.contract.connector_contract import Person
from tests.contract.connector_events import DAY, MARCH, START, by_uid, event, meaning, uids
from tests.servers.contract import ServerContract
from tests.servers.inviting import who_is_invited
from tests.servers.process import only_when_asked_for
from tests.servers.sogo import SOGo, sogo

only_when_asked_for()


@pytest.fixture(scope="module")
def running() -> Generator[SOGo]:
    with sogo() as server:
        yield server


class TestSOGo(ServerContract):
    @pytest.fixture
    def server(self, running: SOGo) -> SOGo:
        return running

    async def test_who_is_invited(self, connector: Connector, calendar: str, server: SOGo) -> None:
        """It mails whoever is named. So nobody is, where somebody else invites."""
        assert await who_is_invited(connector, calendar, server) == (True, True)

    @pytest.fixture
    def says_whole(self) -> bool:
        """It answers a sync token that it does not know with everything, and does not say so."""
        return False

    async def test_changes_since_a_cursor(self, connector: Connector, calendar: str, person: Person) -> None:
        """Its token is a second of its clock: what changed in that one may be told again, in the version known."""
        for uid in ("stays", "moves", "goes"):
            await person.plant(event(uid))
        first = await connector.changes(calendar, None)
        again = await connector.changes(calendar, first.cursor)
        self.nothing_new(again, first)

        await person.plant(event("moves", start=START + DAY))
        await person.plant(event("comes"))
        await person.remove("goes")
        changes = await connector.changes(calendar, again.cursor)
        now, before = by_uid(changes), by_uid(first)
        assert {"moves", "comes"} <= now.keys() <= {"stays", "moves", "comes"} and not changes.whole
        assert set(changes.removed) == {before["goes"].remote_key}
        assert now["moves"].remote_key == before["moves"].remote_key
        assert now["moves"].version != before["moves"].version
        assert meaning(now["moves"].ical) == meaning(event("moves", start=START + DAY))

    async def test_a_cursor_that_is_none(
        self, connector: Connector, calendar: str, person: Person, says_whole: bool
    ) -> None:
        """As above, what is told again is known."""
        await person.plant(event("one"))
        cursor = (await connector.changes(calendar, None)).cursor
        assert cursor is not None
        for wrong in self.strange_cursors(cursor):
            changes = await connector.changes(calendar, wrong)
            assert list(by_uid(changes)) == ["one"], wrong
            self.nothing_new(await connector.changes(calendar, changes.cursor), changes)

    def nothing_new(self, later: Changes, earlier: Changes) -> None:
        assert not later.removed and not later.whole
        assert set(later.changed) <= set(earlier.changed)

    async def test_what_is_said_of_a_calendar(self, connector: Connector, calendar: str) -> None:
        """The zone is its owner's, whatever the calendar is made with."""
        [found] = [each for each in await connector.list_calendars() if each.remote_id == calendar]
        said = (found.name, found.tzid, found.writable, found.color)
        assert said == ("Büro & <Co>", "Etc/UTC", True, "#ff0000")

    async def test_collections_for_other_things_are_left_out(self, connector: Connector, person: Alice) -> None:
        """It knows no calendar for tasks alone: what is made as one takes events too. The inbox is none."""
        tasks = _MADE.replace(b'name="VEVENT"', b'name="VTODO"')
        url = urljoin(person.calendar, f"../tasks-{uuid4()}/")
        await person.ask("MKCALENDAR", url, tasks, {"Content-Type": "application/xml"})
        listed = [each.remote_id for each in await connector.list_calendars()]
        await person.ask("DELETE", url)
        assert person.calendar in listed and url in listed
        assert urljoin(person.calendar, "../inbox/") not in listed

    async def test_the_first_calendar_is_the_primary_one(self, connector: Connector, server: SOGo) -> None:
        """It calls that one an outbox as well."""
        [primary] = [each for each in await connector.list_calendars() if each.primary]
        assert primary.remote_id == f"{server.url}{server.home}personal/"
        assert primary.owner_addresses == ("alice@slotlink.test",)

    async def test_names_with_spaces_and_escapes(self, connector: Connector, calendar: str, person: Alice) -> None:
        """It names objects without any escapes, so one with an escape in its name cannot be told from another; no
        client was seen to make one."""
        names = ["a b.ics", "100%.ics", "a@b+c&d.ics", "ä🦷.ics", "x-2.ics"]
        for number, name in enumerate(names):
            await person.plant(event(f"e{number}"), quote(name, safe="@" if number % 2 else ""))
        changes = await connector.changes(calendar, None)
        assert uids(changes.changed) == [f"e{number}" for number in range(len(names))]
        live = (await connector.read_live([calendar], MARCH))[calendar]
        assert not isinstance(live, ConnectorError)
        assert set(live) == set(changes.changed)
        for number in range(len(names)):
            await person.remove(f"e{number}")
        after = await connector.changes(calendar, changes.cursor)
        assert after.changed == () and set(after.removed) == {each.remote_key for each in changes.changed}

    async def test_every_kind_of_address(self, server: SOGo, calendar: str) -> None:
        """Alone, it answers at every other address with a page; the redirect from /.well-known/caldav is made by the
        web server in front (its package's apache.conf)."""
        for path in ("/SOGo/dav", "/SOGo/dav/", "/SOGo/dav/alice/", "/SOGo/dav/alice/Calendar/"):
            connector = CalDavConnector(aiohttp.ClientSession(), server.url + path, "alice", "pw1", sync_deadline=60)
            try:
                assert calendar in [each.remote_id for each in await connector.list_calendars()], path
            finally:
                await connector.close()
        connector = CalDavConnector(aiohttp.ClientSession(), server.url, "alice", "pw1", sync_deadline=60)
        try:
            with pytest.raises(ProviderUnavailable):
                await connector.list_calendars()
        finally:
            await connector.close()
