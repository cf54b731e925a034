"""The CalDAV connector against what servers do that are not installed everywhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from slotlink.connectors.caldav import CalDavConnector
from slotlink.connectors.dav import read_multistatus
from slotlink.errors import ChangedElsewhere, NotAccepted, ProviderUnavailable
from tests.contract.caldav_contract import CalDavContract
from tests.contract.connector_events import DAY, KEY, MARCH, START, event, our_event, uids
from tests.doubles.caldav import Calendar, Quirks, QuirkyServer, quirky

# What three more servers were seen to do, and two older ones do not do. `docs/add-a-connector.md` lists it.
LIKE = {
    "cyrus": Quirks(silent_put=True, page=2, lists_itself=True),
    "davical": Quirks(forgets=True, uids_twice=True, leaves_out=True),
    "sogo": Quirks(forgets=True, overwrites=True, outboxes=True, halves=True),
    "without-sync": Quirks(sync=False),
    "without-ctag": Quirks(sync=False, ctag=False, refuses=412),
}


@pytest.mark.parametrize("like", LIKE)
class TestQuirks(CalDavContract):
    @pytest.fixture
    async def server(self, like: str) -> AsyncGenerator[QuirkyServer]:
        async with quirky(LIKE[like]) as server:
            yield server

    @pytest.fixture
    def says_whole(self, like: str) -> bool:
        return not LIKE[like].forgets


WORK = "/dav/alice/work/"


@asynccontextmanager
async def working(quirks: Quirks | None = None) -> AsyncGenerator[tuple[QuirkyServer, CalDavConnector, str]]:
    """A server, an account on it, and its one calendar."""
    async with quirky(quirks or Quirks()) as server:
        server.calendars[WORK] = Calendar("")
        connector = CalDavConnector(aiohttp.ClientSession(), server.url, "alice", "pw1")
        yield server, connector, server.url + WORK
        await connector.close()


async def test_a_calendar_that_may_only_be_read() -> None:
    """It is not gone: what stands in it still counts."""
    async with working() as (server, connector, calendar):
        written = await connector.put(calendar, our_event())
        server.quirks = Quirks(read_only=True)
        moving = connector.put(calendar, our_event(start=START + DAY), written.version)
        for writing in (moving, connector.delete(calendar, KEY)):
            with pytest.raises(NotAccepted):
                await writing
        assert uids((await connector.read_live([calendar], MARCH))[calendar]) == [f"{KEY}@slotlink.test"]


async def test_an_earlier_attempt_that_arrives_between_looking_and_writing() -> None:
    async with working() as (server, connector, calendar):
        server.meanwhile = lambda: versions.append(server.store(WORK, f"{KEY}.ics", our_event().ical))
        versions: list[int] = []
        written = await connector.put(calendar, our_event())
        assert written.version == f'"{versions[0]}"', "nothing is written over it"


@pytest.mark.parametrize("deletes", [True, False], ids=["delete", "put"])
async def test_a_person_who_is_faster_than_our_write(deletes: bool) -> None:
    async with working() as (server, connector, calendar):
        written = await connector.put(calendar, our_event())
        theirs = our_event(start=START + DAY).ical
        server.meanwhile = lambda: server.store(WORK, f"{KEY}.ics", theirs) and None
        with pytest.raises(ChangedElsewhere):
            if deletes:
                await connector.delete(calendar, KEY, written.version)
            else:
                await connector.put(calendar, our_event(start=START + 2 * DAY), written.version)
        [(_, kept)] = server.calendars[WORK].objects.values()
        assert kept == theirs


async def test_a_uid_that_the_server_has_where_we_cannot_see_it() -> None:
    """Cyrus refuses one UID in two calendars of a user, Radicale and Xandikos one UID under two names."""
    async with working(Quirks(hides=True)) as (server, connector, calendar):
        server.store(WORK, "hidden.ics", our_event().ical)
        with pytest.raises(NotAccepted):
            await connector.put(calendar, our_event())


async def test_an_object_that_is_named_and_left_out() -> None:
    """It may be there, and so it must not count as deleted."""
    for quirks in (Quirks(hides=True), Quirks(hides=True, sync=False)):
        async with working(quirks) as (server, connector, calendar):
            server.store(WORK, "one.ics", our_event().ical)
            with pytest.raises(ProviderUnavailable):
                await connector.changes(calendar, None)


async def test_a_connection_that_the_server_has_given_up() -> None:
    """It is no answer to what is asked on it: nobody has read that, and it can be asked again."""
    async with working(Quirks(hangs_up=True)) as (_, connector, calendar):
        written = await connector.put(calendar, our_event())
        for _ in range(2):
            [found] = (await connector.changes(calendar, None)).changed
            assert found.version == written.version
            assert uids((await connector.read_live([calendar], MARCH))[calendar]) == [f"{KEY}@slotlink.test"]
        await connector.delete(calendar, KEY, written.version)
        assert (await connector.changes(calendar, None)).changed == ()


async def test_a_server_that_never_answers_is_asked_twice() -> None:
    """And no more."""
    connections = 0

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as listening:
        host, port = listening.sockets[0].getsockname()
        connector = CalDavConnector(aiohttp.ClientSession(), f"http://{host}:{port}", "alice", "pw1")
        with pytest.raises(ProviderUnavailable):
            await connector.changes(f"http://{host}:{port}/work/", None)
        await connector.close()
    assert connections == 2


async def test_names_that_xml_has_to_escape() -> None:
    """SOGo finds none of them as they are."""
    async with working(Quirks(halves=True)) as (server, connector, calendar):
        for number, name in enumerate(("it's.ics", "a&b.ics")):
            server.store(WORK, name, event(f"e{number}"))
        assert uids((await connector.changes(calendar, None)).changed) == ["e0", "e1"]


async def test_half_a_character_is_no_xml() -> None:
    """Only two halves make one."""
    for text in (
        "&#55358;",
        "&#56759;&#55358;",
        "&#55358;x&#56759;",
        "&#55358;&#56000;",
        "&#56400;&#56759;",
        "&#55000;&#56759;",
    ):
        with pytest.raises(ProviderUnavailable):
            read_multistatus(f'<multistatus xmlns="DAV:">{text}</multistatus>'.encode())


async def test_a_token_that_is_refused_is_replaced() -> None:
    async with working() as (_, connector, calendar):
        changes = await connector.changes(calendar, "token-1 urn:unknown")
        assert changes.whole and str(changes.cursor).startswith("token-1 urn:step:")


async def test_a_look_that_finds_nothing_new_is_one_small_request() -> None:
    for quirks, asked in ((Quirks(), ("REPORT", "0")), (Quirks(sync=False), ("PROPFIND", "0"))):
        async with working(quirks) as (server, connector, calendar):
            server.store(WORK, "one.ics", our_event().ical)
            first = await connector.changes(calendar, None)
            server.asked.clear()
            await connector.changes(calendar, first.cursor)
            assert server.asked == [asked]
