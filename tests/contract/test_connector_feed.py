"""The feed connector against a double of a server of feeds, with each kind of validator, and what only feeds do."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Generator

import aiohttp
import pytest

from slotlink.connectors.base import RemoteCalendar, RemoteObject, Watch
from slotlink.connectors.feed import FeedConnector
from slotlink.errors import AccessRevoked, CalendarGone, ConnectorError, NotAccepted, ProviderUnavailable
from tests.contract.connector_contract import ReadingContract
from tests.contract.connector_events import MARCH, by_uid, event, our_event, uids
from tests.doubles.feed import OLD, FeedDouble, FeedPerson


@pytest.fixture
def feed() -> Generator[FeedDouble]:
    with FeedDouble(etag=True) as feed:
        yield feed


@pytest.fixture
def person(feed: FeedDouble) -> FeedPerson:
    return FeedPerson(feed)


@pytest.fixture
async def session() -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture
async def connector(feed: FeedDouble, session: aiohttp.ClientSession) -> FeedConnector:
    return FeedConnector(session, feed.address, deadline=30)


@pytest.fixture
async def calendar(connector: FeedConnector) -> str:
    [calendar] = await connector.list_calendars()
    return calendar.remote_id


class FeedContract(ReadingContract):
    @pytest.fixture
    def missing(self) -> str:
        return "another"

    def strange_cursors(self, cursor: str) -> list[str]:
        etag, modified, digest = json.loads(cursor.removeprefix("feed-1 "))
        wrong: list[object] = [
            None,
            17,
            {},
            [],
            "abc",
            [etag, modified],
            [etag, modified, None],
            [etag, modified, 7],
            [etag, modified, digest[:-1]],
            [etag, modified, digest, digest],
            [etag, modified, digest + "\n"],
            [7, modified, digest],
            [etag, ["a"], digest],
            ["a\r\nHost: b", modified, digest],
            ["ä", modified, digest],
            [None, "a\nb", digest],
            [None, None, "0" * 64],
        ]
        texts = [f"feed-1 {json.dumps(each)}" for each in wrong]
        huge = f"feed-1 {'[' * 100_000}"
        return [*super().strange_cursors(cursor), cursor.replace("feed-1", "feed-2"), "feed-1 ", huge, *texts]


class TestWithETags(FeedContract):
    pass


class TestWithLastModified(FeedContract):
    @pytest.fixture
    def feed(self) -> Generator[FeedDouble]:
        with FeedDouble(modified=True) as feed:
            yield feed


class TestWithoutValidators(FeedContract):
    """And with a DTSTAMP that is new every time."""

    @pytest.fixture
    def feed(self) -> Generator[FeedDouble]:
        with FeedDouble(stamps=True) as feed:
            yield feed


@pytest.mark.parametrize(
    ("etag", "modified", "status"),
    [(True, False, 304), (False, True, 304), (True, True, 304), (False, False, 200)],
    ids=["etag", "last-modified", "both", "neither"],
)
async def test_what_is_sent_when_nothing_changed(
    feed: FeedDouble,
    connector: FeedConnector,
    calendar: str,
    person: FeedPerson,
    etag: bool,
    modified: bool,
    status: int,
) -> None:
    feed.etag, feed.modified = etag, modified
    await person.plant(event("one"))
    first = await connector.changes(calendar, None)
    again = await connector.changes(calendar, first.cursor)
    assert feed.calls[-1].status == status
    assert (again.changed, again.removed, again.cursor, again.whole) == ((), (), first.cursor, False)
    await person.plant(event("two"))
    changed = await connector.changes(calendar, again.cursor)
    assert changed.whole and sorted(by_uid(changed)) == ["one", "two"]


async def test_a_validator_that_is_new_while_nothing_changed(
    feed: FeedDouble, connector: FeedConnector, calendar: str, person: FeedPerson
) -> None:
    await person.plant(event("one"))
    first = await connector.changes(calendar, None)
    feed.name = "Another name"
    again = await connector.changes(calendar, first.cursor)
    assert (again.changed, again.whole) == ((), False) and again.cursor != first.cursor
    await connector.changes(calendar, again.cursor)
    assert [call.status for call in feed.calls[-2:]] == [200, 304]


async def test_stamps_of_the_moment_are_no_change(
    feed: FeedDouble, connector: FeedConnector, calendar: str, person: FeedPerson
) -> None:
    feed.etag, feed.stamps = False, True
    await person.plant(event("one"))
    first, second = await connector.changes(calendar, None), await connector.changes(calendar, None)
    [before], [after] = first.changed, second.changed
    assert before.ical != after.ical and before.version == after.version and first.cursor == second.cursor


async def test_a_feed_changed_within_the_second(
    feed: FeedDouble, connector: FeedConnector, calendar: str, person: FeedPerson
) -> None:
    feed.etag, feed.modified = False, True
    feed.changed_at += 100_000
    await person.plant(event("one"))
    first = await connector.changes(calendar, None)
    feed.changed_at -= 1  # so that the change which follows has the same second
    await person.plant(event("two"))
    assert sorted(by_uid(await connector.changes(calendar, first.cursor))) == ["one", "two"]


async def test_a_live_read_sends_no_condition(
    feed: FeedDouble, connector: FeedConnector, calendar: str, person: FeedPerson
) -> None:
    feed.etag, feed.modified, feed.any_is_newest = False, True, True
    await person.plant(event("one"))
    cursor = (await connector.changes(calendar, None)).cursor
    await person.plant(event("two"))
    assert not (await connector.changes(calendar, cursor)).changed, "the double lies"
    assert uids((await connector.read_live([calendar], MARCH))[calendar]) == ["one", "two"]
    assert sorted(by_uid(await connector.changes(calendar, None))) == ["one", "two"]


async def test_what_is_said_of_the_calendar(feed: FeedDouble, connector: FeedConnector, calendar: str) -> None:
    assert await connector.list_calendars() == [
        RemoteCalendar(calendar, "Büro, Nord", "Europe/Berlin", False, True, ())
    ]
    feed.name = feed.zone = ""
    assert await connector.list_calendars() == [RemoteCalendar(calendar, "127.0.0.1", None, False, True, ())]
    feed.name, feed.zone = " \\n ", "W. Europe Standard Time"
    assert await connector.list_calendars() == [RemoteCalendar(calendar, "127.0.0.1", "Europe/Berlin", False, True, ())]
    feed.name, feed.zone = "x" * 999, "Nowhere/City"
    assert await connector.list_calendars() == [RemoteCalendar(calendar, "x" * 200, None, False, True, ())]


async def test_nothing_is_written(feed: FeedDouble, connector: FeedConnector, calendar: str) -> None:
    asked = len(feed.calls)
    for refused in (connector.put(calendar, our_event()), connector.delete(calendar, our_event().key, "1")):
        with pytest.raises(NotAccepted, match="read only"):
            await refused
    assert await connector.watch(calendar, "w", "https://slotlink.test/w", "s") is None
    with pytest.raises(NotAccepted):
        await connector.unwatch(calendar, Watch("w", "r", 0))
    assert len(feed.calls) == asked


async def test_a_feed_that_has_moved(feed: FeedDouble, session: aiohttp.ClientSession, person: FeedPerson) -> None:
    connector = FeedConnector(session, feed.url + OLD)
    await person.plant(event("one"))
    [calendar] = await connector.list_calendars()
    first = await connector.changes(calendar.remote_id, None)
    assert list(by_uid(first)) == ["one"]
    assert not (await connector.changes(calendar.remote_id, first.cursor)).whole
    assert [call.status for call in feed.calls[-2:]] == [301, 304]


@pytest.mark.parametrize("spelling", ["webcal{}", "WebCal{}", " http{}  ", "HTTP{}", "http{}#part"])
async def test_ways_to_write_an_address(
    feed: FeedDouble, session: aiohttp.ClientSession, person: FeedPerson, spelling: str
) -> None:
    """The double speaks no TLS, so that `webcal` comes to http in the end."""
    head, _, tail = spelling.partition("{}")
    connector = FeedConnector(session, head + feed.address.removeprefix("http") + tail)
    await person.plant(event("one"))
    [calendar] = await connector.list_calendars()
    assert list(by_uid(await connector.changes(calendar.remote_id, None))) == ["one"]


@pytest.mark.parametrize("scheme", ["https", "webcals"])
async def test_addresses_that_mean_tls(feed: FeedDouble, session: aiohttp.ClientSession, scheme: str) -> None:
    connector = FeedConnector(session, scheme + feed.address.removeprefix("http"))
    with pytest.raises(ProviderUnavailable, match="TLS"):
        await connector.list_calendars()
    assert not feed.calls


async def test_nothing_that_is_kept_or_told_names_the_address(
    feed: FeedDouble, connector: FeedConnector, calendar: str, person: FeedPerson
) -> None:
    await person.plant(event("one"))
    changes = await connector.changes(calendar, None)
    told = [calendar, changes.cursor, repr(changes), repr(await connector.list_calendars())]
    for status in (400, 401, 403, 404, 410, 500):
        feed.status = status
        told.append(repr((await connector.read_live([calendar], MARCH))[calendar]))
    assert not [text for text in told if text is None or "5ec7e7" in text]


async def test_a_calendar_of_another_address(feed: FeedDouble, session: aiohttp.ClientSession, calendar: str) -> None:
    other = FeedConnector(session, feed.url + OLD)
    asked = len(feed.calls)
    with pytest.raises(CalendarGone):
        await other.changes(calendar, None)
    assert isinstance((await other.read_live([calendar], MARCH))[calendar], CalendarGone)
    assert len(feed.calls) == asked


@pytest.mark.parametrize(("status", "error"), [(401, AccessRevoked), (403, AccessRevoked), (404, CalendarGone)])
async def test_an_address_that_is_none_any_more(
    feed: FeedDouble, connector: FeedConnector, calendar: str, status: int, error: type[ConnectorError]
) -> None:
    feed.status = status
    with pytest.raises(error):
        await connector.changes(calendar, None)


async def test_each_object_is_whole(
    feed: FeedDouble, connector: FeedConnector, calendar: str, person: FeedPerson
) -> None:
    weekly = event("weekly", extra=["RRULE:FREQ=WEEKLY;COUNT=3"])
    moved = event("weekly", start=MARCH.start, extra=["RECURRENCE-ID:20270311T090000Z"])
    body = moved[moved.index("BEGIN:VEVENT") : moved.index("END:VCALENDAR")]
    await person.plant(weekly.replace("END:VCALENDAR", body + "END:VCALENDAR"))
    await person.plant(event("single"))
    found: dict[str, RemoteObject] = by_uid(await connector.changes(calendar, None))
    assert found["weekly"].ical.count("BEGIN:VEVENT") == 2 and found["single"].ical.count("BEGIN:VEVENT") == 1
    assert all("X-WR-TIMEZONE:Europe/Berlin\r\n" in each.ical for each in found.values())
