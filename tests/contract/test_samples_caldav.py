"""Every sample by way of two real CalDAV servers: written there as a stranger's client would, read by the connector.

Servers write in their own words what they were given, and some refuse it; both are part of what is tested.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncGenerator, Generator, Iterable

import aiohttp
import pytest

from slotlink.connectors.base import RemoteObject
from slotlink.connectors.caldav import CalDavConnector
from slotlink.errors import ConnectorError
from slotlink.ical import InvalidCalendar, read_calendar
from slotlink.services.occurrences import stored_occurrences
from tests.contract.test_connector_caldav import CalDavServer, Radicale, Xandikos, running
from tests.samples.sample import SAMPLES, Sample, Taken, taken_in

MANY_UIDS = "one UID in an object (RFC 4791 4.1)"
MANY_KINDS = "one kind of component in an object (RFC 4791 4.1)"
REFUSALS: dict[type[CalDavServer], dict[str, tuple[int, str]]] = {
    Radicale: {
        "28-rdate-period": (400, "its vobject cannot write a PERIOD"),
        "31-uid-twice": (400, "a UID has one main event"),
        "36-byte-order-mark": (400, "its vobject cannot read one"),
        "40-offset-of-a-day": (400, "Python has no such offset"),
        "43-free-busy-beside-events": (400, MANY_KINDS),
        "44-free-busy-alone": (400, "its vobject cannot read it"),
        "45-availability-beside-events": (400, MANY_KINDS),
        "54-feed-of-many": (400, MANY_UIDS),
    },
    Xandikos: {
        "36-byte-order-mark": (412, "its icalendar cannot read one"),
        "37-folded-anywhere": (412, "it decodes before it unfolds"),
        "40-offset-of-a-day": (412, "Python has no such offset"),
    },
}
"""What a server does not take, with its status and why."""
CHANGED: dict[type[CalDavServer], dict[str, Taken]] = {
    # PT24H is stored as P1D, which is an hour less over the clock change.
    kind: {"41-signed-duration": {"busy": ["2026-03-28T12:00+01:00/2026-03-29T12:00+02:00"], "tentative": []}}
    for kind in (Radicale, Xandikos)
}
"""What a server takes and gives back as something else."""
CALENDAR = b"""<?xml version="1.0" encoding="utf-8"?>
<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">
<D:set><D:prop><D:displayname>Samples</D:displayname></D:prop></D:set></C:mkcalendar>"""


@pytest.fixture(scope="module", params=[Radicale, Xandikos], ids=lambda kind: kind.__name__)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[CalDavServer]:
    with running(request.param, tmp_path_factory.mktemp("samples")) as server:
        yield server


@pytest.fixture
async def session() -> AsyncGenerator[aiohttp.ClientSession]:
    signed = {"Authorization": "Basic " + b64encode(b"alice:pw1").decode()}
    async with aiohttp.ClientSession(headers=signed) as session:
        yield session


@pytest.fixture
async def connector(server: CalDavServer) -> AsyncGenerator[CalDavConnector]:
    connector = CalDavConnector(aiohttp.ClientSession(), server.url, "alice", "pw1", deadline=30, sync_deadline=60)
    yield connector
    await connector.close()


async def new_calendar(server: CalDavServer, session: aiohttp.ClientSession, sample: Sample) -> str:
    calendar = f"{server.url}{server.home}{sample.name}/"
    async with session.request(
        "MKCALENDAR", calendar, data=CALENDAR, headers={"Content-Type": "application/xml"}
    ) as made:
        assert made.status == 201, await made.text()
    return calendar


async def put(session: aiohttp.ClientSession, calendar: str, sample: Sample) -> int:
    """Bare: the bytes of the file, without a condition."""
    headers = {"Content-Type": "text/calendar; charset=utf-8"}
    async with session.put(f"{calendar}{sample.name}.ics", data=sample.raw, headers=headers) as answer:
        await answer.read()
        return answer.status


def meaning(sample: Sample, found: Iterable[RemoteObject]) -> Taken:
    rows = [
        row
        for remote in found
        for objects, feed_zone in [read_calendar(remote.ical)]
        for each in objects
        for row in stored_occurrences(
            each.text,
            feed_zone or sample.zone,
            sample.window.start,
            sample.window.end,
            owner_addresses=sample.owner,
        )
    ]
    return taken_in(sample.window, [(row.kind, row.time.start, row.time.end) for row in rows])


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
async def test_a_sample_means_the_same_by_way_of_a_server(
    sample: Sample, server: CalDavServer, session: aiohttp.ClientSession, connector: CalDavConnector
) -> None:
    calendar = await new_calendar(server, session, sample)
    status = await put(session, calendar, sample)
    refused = REFUSALS[type(server)].get(sample.name)
    assert (status if status // 100 != 2 else None) == (refused and refused[0])
    changes = await connector.changes(calendar, None)
    live = (await connector.read_live([calendar], sample.window))[calendar]
    assert not isinstance(live, ConnectorError), live
    if refused:
        assert (changes.changed, list(live)) == ((), [])
    elif sample.error:
        assert changes.changed
        for found in filter(None, (changes.changed, live)):  # asked for events alone, a server has no free-busy
            with pytest.raises(InvalidCalendar, match=sample.error):
                meaning(sample, found)
    else:
        taken = CHANGED[type(server)].get(sample.name, sample.taken)
        assert meaning(sample, changes.changed) == taken
        assert meaning(sample, live) == taken
