"""Every call of the Graph connector, made to a server that talks as a test wishes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import aiohttp
from tests.hostile import Talk, talking

from slotlink.connectors.base import EventWrite, Watch
from slotlink.connectors.graph import GraphConnector
from slotlink.engine import Period
from slotlink.errors import ConnectorError
from slotlink.ical import write_event

TOKEN = "s3cret-token"
WRITE = EventWrite("key", write_event(uid="key@x", start=0, end=60, tzid="UTC", summary="x", stamp=0))
NOW = 1_804_150_800

Call = Callable[[GraphConnector, str], Awaitable[object]]


class OneToken:
    async def access_token(self, refused: str | None = None) -> str:
        return TOKEN


async def _read_live(connector: GraphConnector, _: str) -> object:
    found = (await connector.read_live(["cal"], Period(NOW, NOW + 60)))["cal"]
    if isinstance(found, ConnectorError):
        raise found
    return found


CALLS: dict[str, Call] = {
    "list": lambda connector, _: connector.list_calendars(),
    "changes": lambda connector, _: connector.changes("cal", None),
    "changes since": lambda connector, url: connector.changes("cal", f"graph-1 0 {NOW + 10**8} {url}/v1.0/delta?x=1"),
    "read_live": _read_live,
    "put": lambda connector, _: connector.put("cal", WRITE),
    "put over": lambda connector, _: connector.put("cal", WRITE, 'W/"1"'),
    "delete": lambda connector, _: connector.delete("cal", "key"),
    "watch": lambda connector, _: connector.watch("cal", "w", "https://slotlink.test/", "secret"),
    "unwatch": lambda connector, _: connector.unwatch("cal", Watch("w", "id", 0)),
}


async def outcome(call: Call, talk: Talk, deadline: float = 10) -> ConnectorError | object:
    with talking(talk, buffers=None) as host:
        connector = connector_for(f"http://{host}", deadline)
        try:
            return await call(connector, f"http://{host}")
        except ConnectorError as error:
            assert TOKEN not in str(error)
            return error
        finally:
            await connector.close()


def connector_for(url: str, deadline: float = 10) -> GraphConnector:
    return GraphConnector(
        aiohttp.ClientSession(),
        OneToken(),
        graph_url=f"{url}/v1.0",
        deadline=deadline,
        sync_deadline=deadline,
        now=lambda: NOW,
    )
