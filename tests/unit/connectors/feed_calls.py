"""Every call that reads a feed, made to a server that talks as a test wishes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import aiohttp
from tests.hostile import Talk, talking

from slotlink.connectors.feed import FeedConnector
from slotlink.engine import Period
from slotlink.errors import ConnectorError

Call = Callable[[FeedConnector, str], Awaitable[object]]
CURSOR = f'feed-1 ["\\"1\\"", null, "{"0" * 64}"]'
SECRET = "5ec7e7"


async def _read_live(connector: FeedConnector, calendar: str) -> object:
    found = (await connector.read_live([calendar], Period(0, 60)))[calendar]
    if isinstance(found, ConnectorError):
        raise found
    return found


CALLS: dict[str, Call] = {
    "list": lambda connector, _: connector.list_calendars(),
    "changes": lambda connector, calendar: connector.changes(calendar, None),
    "changes since": lambda connector, calendar: connector.changes(calendar, CURSOR),
    "read_live": _read_live,
}

CALENDAR = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n%sEND:VCALENDAR\r\n"
EVENT = b"BEGIN:VEVENT\r\nUID:%s\r\nDTSTART:20270304T090000Z\r\nDURATION:PT1H\r\nEND:VEVENT\r\n"
FEED = CALENDAR % (EVENT % b"one")


async def at(
    address: str, call: Call, *, deadline: float = 20, session: aiohttp.ClientSession | None = None
) -> ConnectorError | object:
    connector = FeedConnector(session or aiohttp.ClientSession(), address, deadline=deadline, sync_deadline=deadline)
    try:
        return await call(connector, connector._remote_id)  # pyright: ignore[reportPrivateUsage]
    except ConnectorError as error:
        assert SECRET not in str(error)
        return error
    finally:
        await connector.close()


async def outcome(call: Call, talk: Talk, deadline: float = 20) -> ConnectorError | object:
    with talking(talk, buffers=None) as host:
        return await at(f"http://{host}/{SECRET}.ics", call, deadline=deadline)
