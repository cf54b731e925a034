"""Every sample by way of the real servers, as tests/contract/test_samples_caldav.py does it with two others."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractContextManager
from typing import Any

import aiohttp
import pytest

from slotlink.connectors.caldav import CalDavConnector
from slotlink.errors import ConnectorError
from slotlink.ical import InvalidCalendar
from tests.contract.test_samples_caldav import MANY_KINDS, MANY_UIDS, meaning, new_calendar, put
from tests.samples.sample import SAMPLES, Sample, Taken
from tests.servers.cyrus import Cyrus, cyrus
from tests.servers.davical import DAViCal, davical
from tests.servers.process import only_when_asked_for
from tests.servers.sogo import SOGo, sogo

only_when_asked_for()

Server = Cyrus | DAViCal | SOGo
SERVERS: dict[str, Callable[[], AbstractContextManager[Server]]] = {"cyrus": cyrus, "davical": davical, "sogo": sogo}
NO_LENGTH = (403, "DTEND must occur after DTSTART")
REFUSALS: dict[str, dict[str, tuple[int, str]]] = {
    "cyrus": {
        "22-no-length": NO_LENGTH,
        "42-negative-duration": NO_LENGTH,
        "48-all-day-of-no-length": NO_LENGTH,
        "54-feed-of-many": (403, MANY_UIDS),
    },
    "davical": {
        "36-byte-order-mark": (412, "it cannot read one"),
        "37-folded-anywhere": (500, "PostgreSQL takes no half of a character"),
        "43-free-busy-beside-events": (500, MANY_KINDS),
        "44-free-busy-alone": (500, "it keeps no free-busy"),
        "45-availability-beside-events": (500, MANY_KINDS),
    },
    "sogo": {
        "37-folded-anywhere": (404, "it decodes before it unfolds"),
        "44-free-busy-alone": (404, "it keeps no free-busy"),
    },
}
"""What a server does not take, with its status and why."""
CHANGED: dict[str, dict[str, Taken]] = {
    # A VTIMEZONE with an offset that is none is replaced by one that Cyrus knows itself.
    "cyrus": {"40-offset-of-a-day": {"busy": ["2026-03-09T11:00+01:00/2026-03-09T12:00+01:00"], "tentative": []}},
    "davical": {},
    "sogo": {
        # Floating times are put into the zone of the calendar's owner, here UTC, whatever the file says of its zone.
        "05-floating": {
            "busy": [
                "2026-03-27T08:00+01:00/2026-03-27T09:00+01:00",
                "2026-03-28T08:00+01:00/2026-03-28T09:00+01:00",
                "2026-03-29T09:00+02:00/2026-03-29T10:00+02:00",
                "2026-03-30T09:00+02:00/2026-03-30T10:00+02:00",
            ],
            "tentative": [],
        },
        "30-feed-zone": {"busy": ["2026-03-10T10:00+01:00/2026-03-10T11:00+01:00"], "tentative": []},
        # Whatever has no end gets an hour.
        "22-no-length": {
            "busy": [
                "2026-03-10T10:00+01:00/2026-03-10T11:00+01:00",
                "2026-03-12T10:00+01:00/2026-03-12T11:00+01:00",
            ],
            "tentative": [],
        },
    },
}
"""What a server takes and gives back as something else."""
UNSEEN = {("cyrus", "43-free-busy-beside-events"), ("cyrus", "45-availability-beside-events")}
"""What is not found by a time range, since something else than an event comes first; `changes` brings it."""


@pytest.fixture(scope="module", params=SERVERS)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def server(name: str) -> Generator[Server]:
    with SERVERS[name]() as server:
        yield server


@pytest.fixture
async def session() -> AsyncGenerator[aiohttp.ClientSession]:
    signed = {"Authorization": "Basic " + b64encode(b"alice:pw1").decode()}
    async with aiohttp.ClientSession(headers=signed) as session:
        yield session


@pytest.fixture
async def connector(server: Server) -> AsyncGenerator[CalDavConnector]:
    connector = CalDavConnector(aiohttp.ClientSession(), server.address, "alice", "pw1", deadline=60, sync_deadline=60)
    yield connector
    await connector.close()


@pytest.fixture
async def calendar(server: Any, session: aiohttp.ClientSession, sample: Sample) -> AsyncGenerator[str]:
    url = await new_calendar(server, session, sample)
    yield url
    # Two samples have one UID, which Cyrus takes once from each user.
    async with session.delete(url) as gone:
        assert gone.status // 100 == 2, await gone.text()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
async def test_a_sample_means_the_same_by_way_of_a_server(
    sample: Sample, name: str, session: aiohttp.ClientSession, connector: CalDavConnector, calendar: str
) -> None:
    status = await put(session, calendar, sample)
    refused, changed = REFUSALS[name].get(sample.name), CHANGED[name].get(sample.name)
    assert (status if status // 100 != 2 else None) == (refused and refused[0])
    changes = await connector.changes(calendar, None)
    live = (await connector.read_live([calendar], sample.window))[calendar]
    assert not isinstance(live, ConnectorError), live
    if refused:
        assert (changes.changed, list(live)) == ((), [])
    elif sample.error and not changed:
        assert changes.changed
        for found in filter(None, (changes.changed, live)):  # asked for events alone, a server has no free-busy
            with pytest.raises(InvalidCalendar, match=sample.error):
                meaning(sample, found)
    else:
        assert meaning(sample, changes.changed) == (changed or sample.taken)
        if (name, sample.name) in UNSEEN:
            assert list(live) == []
        else:
            assert meaning(sample, live) == (changed or sample.taken)
