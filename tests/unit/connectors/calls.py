"""Every call of a connector, made to a server that talks as a test wishes."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable

import aiohttp
from tests.hostile import Talk, asked, talking

from slotlink.connectors.base import EventWrite
from slotlink.connectors.caldav import CalDavConnector
from slotlink.engine import Period
from slotlink.errors import ConnectorError
from slotlink.ical import write_event

MULTISTATUS = b"""<multistatus xmlns="DAV:"><response><href>/cal/</href><propstat><prop>
<current-user-principal><href>%s</href></current-user-principal>
<C:calendar-home-set xmlns:C="urn:ietf:params:xml:ns:caldav"><href>/cal/</href></C:calendar-home-set>
</prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>"""
WRITE = EventWrite("key", write_event(uid="key@x", start=0, end=60, tzid="UTC", summary="x", stamp=0))


Call = Callable[[CalDavConnector, str], Awaitable[object]]


async def _read_live(connector: CalDavConnector, calendar: str) -> object:
    found = (await connector.read_live([calendar], Period(0, 60)))[calendar]
    if isinstance(found, ConnectorError):
        raise found
    return found


CALLS: dict[str, Call] = {
    "list": lambda connector, _: connector.list_calendars(),
    "changes": lambda connector, calendar: connector.changes(calendar, None),
    "changes since": lambda connector, calendar: connector.changes(calendar, "token-1 urn:step:1"),
    "changes by etags": lambda connector, calendar: connector.changes(calendar, "etags-1 beef 7"),
    "read_live": _read_live,
    "put": lambda connector, calendar: connector.put(calendar, WRITE),
    "put over": lambda connector, calendar: connector.put(calendar, WRITE, '"1"'),
    "delete": lambda connector, calendar: connector.delete(calendar, "key"),
}


def answer(status: str, *headers: str, body: bytes = b"", length: int | None = None) -> bytes:
    length = len(body) if length is None else length
    head = [f"HTTP/1.1 {status}", "Connection: close", f"Content-Length: {length}", *headers]
    return "\r\n".join([*head, "", ""]).encode() + body


async def outcome(call: Call, talk: Talk, deadline: float = 10) -> ConnectorError | object:
    with talking(talk, buffers=None) as host:
        connector = CalDavConnector(
            aiohttp.ClientSession(), f"http://{host}", "alice", "s3cret", deadline=deadline, sync_deadline=deadline
        )
        try:
            return await call(connector, f"http://{host}/cal/")
        except ConnectorError as error:
            assert "s3cret" not in str(error)
            return error
        finally:
            await connector.close()


def ends_with(said: bytes) -> Talk:
    """Answer so, and say no more."""

    def talk(connection: socket.socket) -> None:
        asked(connection)
        connection.sendall(said)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass

    return talk


EMPTY = b'<multistatus xmlns="DAV:"><sync-token>urn:1</sync-token></multistatus>'
