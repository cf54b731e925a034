"""What Graph lists and then cannot show: gone only where Graph itself says so, and never free. Who owns a calendar is
asked once."""

from __future__ import annotations

import json
import socket
from typing import Any, cast

import pytest
from tests.hostile import asked
from tests.unit.connectors.calls import answer
from tests.unit.connectors.graph_calls import CALLS, outcome

from slotlink.connectors.base import Changes
from slotlink.connectors.graph_own import finished_property
from slotlink.errors import ProviderUnavailable


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


EVENT: dict[str, Any] = {
    "id": "e",
    "@odata.etag": "1",
    "showAs": "busy",
    "start": {"dateTime": "2027-03-04T09:00:00.0000000"},
    "end": {"dateTime": "2027-03-04T10:00:00.0000000"},
}
SINGLE = {**EVENT, "type": "singleInstance"}
MASTER = {**EVENT, "id": "m", "type": "seriesMaster"}
OCCURRENCE = {**EVENT, "type": "occurrence", "seriesMasterId": "m"}
PAGE = b"<!DOCTYPE html><html><body>no such page</body></html>"
NONE = answer("404 Not Found", body=json.dumps({"error": {"code": "ErrorItemNotFound", "message": "m"}}).encode())
PROXY = answer("404 Not Found", "Content-Type: text/html", body=PAGE)


def told(*rows: dict[str, Any]) -> bytes:
    return answer("200 OK", body=json.dumps({"value": rows, "@odata.deltaLink": "/v1.0/next"}).encode())


def one(thing: dict[str, Any]) -> bytes:
    return answer("200 OK", body=json.dumps(thing).encode())


class Graph:
    """Answers by what the request's line has in it; the first that fits counts. `lines` are the requests so far."""

    def __init__(self, answers: dict[str, bytes]) -> None:
        self._answers = answers
        self.lines: list[str] = []

    def __call__(self, connection: socket.socket) -> None:
        line = asked(connection).split(b"\r\n")[0].decode()
        self.lines.append(line)
        connection.sendall(next((said for part, said in self._answers.items() if part in line), NONE))
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass


LIST = {"calendarView": told(OCCURRENCE), "/calendars/cal ": one({"id": "cal"})}
SECOND_LOOKS = {
    "the series is not there": {"/events/m": NONE},
    "it has no instances": {"/instances": told(), "/events/m": one(MASTER)},
    "its instances are not there": {"/instances": NONE, "/events/m": one(MASTER)},
}


@pytest.mark.parametrize("name", SECOND_LOOKS)
async def test_a_live_read_that_cannot_show_what_it_lists_is_not_free(name: str) -> None:
    """The event may not be in the mirror yet: nobody else knows of it."""
    found = await outcome(CALLS["read_live"], Graph({**SECOND_LOOKS[name], **LIST}))
    assert isinstance(found, ProviderUnavailable) and "just listed" in str(found)


@pytest.mark.parametrize("name", SECOND_LOOKS)
async def test_changes_tell_that_it_is_gone(name: str) -> None:
    found = await outcome(CALLS["changes"], Graph({**SECOND_LOOKS[name], **LIST}))
    assert isinstance(found, Changes) and (found.changed, found.removed) == ((), ("m",))


PROXIES: dict[str, dict[str, bytes]] = {
    "the series": {"/events/m": PROXY, **LIST},
    "its instances": {"/instances": PROXY, "/events/m": one(MASTER), **LIST},
    "the list": {"calendarView": PROXY},
    "the calendar": {"/events/m": NONE, **LIST, "/calendars/cal ": PROXY},
}


@pytest.mark.parametrize("name", PROXIES)
@pytest.mark.parametrize("call", ["changes", "read_live"])
async def test_404_without_a_code_is_no_answer_of_graph(call: str, name: str) -> None:
    found = await outcome(CALLS[call], Graph(PROXIES[name]))
    assert isinstance(found, ProviderUnavailable) and "404" in str(found)


OURS = {**SINGLE, "singleValueExtendedProperties": [finished_property("e", "key@x")]}


@pytest.mark.parametrize(("said", "is_done"), [(PROXY, False), (NONE, True)], ids=["a proxy's", "Graph's own"])
async def test_deleted_is_what_graph_itself_no_longer_has(said: bytes, is_done: bool) -> None:
    graph = Graph({"DELETE ": said, "GET ": told(OURS)})
    found = await outcome(CALLS["delete"], graph)
    assert [line.split()[0] for line in graph.lines] == ["GET", "DELETE"]
    assert found is None if is_done else isinstance(found, ProviderUnavailable)


@pytest.mark.parametrize("call", ["changes", "read_live"])
async def test_the_owner_of_a_calendar_is_asked_for_once(call: str) -> None:
    guests = [{"emailAddress": {"address": "ben@example.com"}}]
    meetings = [{**SINGLE, "id": f"e{number}", "attendees": guests} for number in range(50)]
    calendar = one({"id": "cal", "owner": {"address": "ann@example.com"}})
    graph = Graph({"calendarView": told(*meetings), "/calendars/cal ": calendar})
    found = await outcome(CALLS[call], graph)
    objects = found.changed if isinstance(found, Changes) else cast("list[object]", found)
    assert len(objects) == 50 and len(graph.lines) == 2
