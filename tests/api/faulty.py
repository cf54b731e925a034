"""Providers that can be made to misbehave: the doubles of Google and Microsoft, and a real Radicale behind a front that
spoils its answers. One vocabulary for all three."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

from starlette.responses import Response
from starlette.routing import BaseRoute

from slotlink.connectors.base import Connector
from slotlink.connectors.caldav import CalDavConnector
from slotlink.connectors.google import GoogleConnector
from slotlink.connectors.graph import GraphConnector
from slotlink.connectors.oauth import Identity
from slotlink.services.deps import Deps
from slotlink.services.providers import PROVIDERS
from slotlink.services.sign_in import sign_in
from tests.api.connected import CalDavWorld, GoogleWorld, GraphWorld, World
from tests.contract.test_connector_caldav import CalDavServer
from tests.doubles import google_world
from tests.doubles.google import CLIENT_ID, SCOPE, GoogleDouble
from tests.doubles.graph import GraphDouble
from tests.doubles.service import Asked, Call, Service

WEBDAV = ("GET", "PUT", "DELETE", "PROPFIND", "REPORT", "MKCALENDAR", "OPTIONS", "HEAD")
When = Mapping[str, Any]  # which calls, as tests/doubles/faults.py takes them


class FaultyWorld(World, Protocol):
    """What a connector asks, as `when` of a fault: for changes, for the last look, for a new event, for a change of
    one, for all calendars."""

    service: Service
    connector: type[Connector]
    changes: When
    live: When
    creates: When
    updates: When
    deletes_ours: When
    lists: When

    def makes_calendar(self, name: str) -> str:
        """Another calendar of the same person's; its name for the next two."""
        ...

    def removes_calendar(self, calendar: str) -> None: ...

    def adds_to(self, calendar: str, start: int, end: int) -> None: ...

    def forgets_cursors(self) -> None:
        """The provider knows no cursor any more that it has given."""
        ...


class Front(Service):
    """Passes everything on to a server. Its faults come before and after that, as for any double."""

    def __init__(self, server: CalDavServer) -> None:
        super().__init__()
        self._behind = server.url

    def routes(self) -> Sequence[BaseRoute]:
        return [self.route("/{path:path}", self._pass_on, *WEBDAV)]

    def _pass_on(self, asked: Asked) -> Response:
        call = asked.call
        left_out = ("host", "content-length", "accept-encoding", "connection")
        headers = {name: value for name, value in call.headers.items() if name not in left_out}
        request = urllib.request.Request(self._behind + call.path, call.body or None, headers, method=call.method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return _answer(answer)
        except urllib.error.HTTPError as error:
            return _answer(error)


def _answer(answer: Any) -> Response:
    kept = {name: answer.headers[name] for name in ("Content-Type", "ETag", "DAV", "Location") if answer.headers[name]}
    return Response(answer.read(), answer.status, kept)


class FaultyRadicale(CalDavWorld):
    connector = CalDavConnector

    def __init__(self, server: CalDavServer, calendar: str, front: Front) -> None:
        super().__init__(server, calendar)
        self.service = front
        self.variables = {"SLOTLINK_CALENDAR_ALLOW": front.url.partition("://")[2]}
        path = f"{self._path}"
        self.changes = {"method": "REPORT", "path": path}
        self.live = {"method": "REPORT", "path": path}
        self.creates = self.updates = {"method": "PUT", "path": path}
        self.deletes_ours = {"method": "DELETE", "path": path}
        self.lists = {"method": "PROPFIND", "path": f"^{server.home}$"}
        self._others: list[str] = []

    async def sign_in(self, deps: Deps, now: int) -> Any:
        credentials = {"address": self.service.url, "user": "alice", "password": "pw1"}
        return await sign_in(deps, PROVIDERS["caldav"], credentials)

    def goes_away(self) -> None:
        self.service.faults.answer(503, b"", {}, times=1000)

    def comes_back(self) -> None:
        self.service.faults.clear()

    def makes_calendar(self, name: str) -> str:
        path = f"{self._server.home}{name}/"
        self.ask("MKCALENDAR", path, b'<mkcalendar xmlns="urn:ietf:params:xml:ns:caldav"/>')
        self._others.append(path)
        return path

    def removes_calendar(self, calendar: str) -> None:
        self._others.remove(calendar)
        self.ask("DELETE", calendar)

    def adds_to(self, calendar: str, start: int, end: int) -> None:
        self._path, own = calendar, self._path
        try:
            self.adds(start, end)
        finally:
            self._path = own

    def stores(self, name: str, text: str) -> None:
        """An object of the calendar, as it is."""
        self.ask("PUT", f"{self._path}{name}", text.encode(), {"Content-Type": "text/calendar"})

    def ours(self) -> str:
        """The name of the one event whose UID is of ours."""
        listing = self.ask("PROPFIND", self._path, b"", {"Depth": "1"}).decode()
        names = [part.partition("</")[0] for part in listing.split("href>") if part.startswith(self._path)]
        [name] = [name for name in names if name.endswith(".ics") and b"@slotlink" in self.ask("GET", name)]
        return name

    def forgets_cursors(self) -> None:
        """RFC 6578 section 3.2: a token that is not known is refused."""
        refused = b'<error xmlns="DAV:"><valid-sync-token/></error>'
        self.service.faults.answer(403, refused, {"Content-Type": "application/xml"}, **self.changes)

    def close(self) -> None:
        for calendar in list(self._others):
            self.removes_calendar(calendar)
        super().close()


class FaultyGoogle(GoogleWorld):
    """`email`: whose account; the second person of a test has another."""

    connector = GoogleConnector
    creates: When = MappingProxyType({"method": "POST", "path": "/events$"})
    updates: When = MappingProxyType({"method": "PATCH", "path": "/events/"})
    deletes_ours: When = MappingProxyType({"method": "DELETE", "path": "/events/"})
    lists: When = MappingProxyType({"method": "GET", "path": "calendarList$"})

    def __init__(self, google: GoogleDouble, email: str = google_world.ANN) -> None:
        super().__init__(google)
        self.google = self.service = google
        self.email = email
        self.changes = self.live = {"method": "GET", "path": f"{email}/events$"}
        self._ann = google.person(email)

    async def sign_in(self, deps: Deps, now: int) -> Any:
        granted = self.google.oauth.tokens_for(self.email, [SCOPE + "calendar"], CLIENT_ID)
        return await sign_in(deps, PROVIDERS["google"], stored(granted), Identity(self.email, self.email, "Ann"))

    def makes_calendar(self, name: str) -> str:
        return self._ann.makes_calendar(f"{name}@group.calendar.test")

    def removes_calendar(self, calendar: str) -> None:
        self._ann.shares(calendar, self.email, None)

    def adds_to(self, calendar: str, start: int, end: int) -> None:
        self._ann.creates(start, end, calendar)

    def forgets_cursors(self) -> None:
        self.google.tokens.forget(list_id=self.email)


class FaultyGraph(GraphWorld):
    connector = GraphConnector
    changes: When = MappingProxyType({"method": "GET", "path": "delta$"})
    live: When = MappingProxyType({"method": "GET", "path": "calendarView$"})
    creates: When = MappingProxyType({"method": "POST", "path": "/events$"})
    updates: When = MappingProxyType({"method": "PATCH", "path": "/events/"})
    deletes_ours: When = MappingProxyType({"method": "DELETE", "path": "/events/"})
    lists: When = MappingProxyType({"method": "GET", "path": "me/calendars$"})

    def __init__(self, graph: GraphDouble) -> None:
        super().__init__(graph)
        self.graph = self.service = graph

    def makes_calendar(self, name: str) -> str:
        return self._ann.makes_calendar(name)

    def removes_calendar(self, calendar: str) -> None:
        with self.graph.lock:
            del self.graph.store.calendars[calendar]

    def adds_to(self, calendar: str, start: int, end: int) -> None:
        self._ann.creates(start, end, calendar)

    def forgets_cursors(self) -> None:
        self.graph.fail("SyncStateNotFound", **self.changes)


def stored(granted: dict[str, Any]) -> dict[str, Any]:
    """Tokens as they are kept; the access token ends for us when the double says so."""
    kept = {name: granted[name] for name in ("access_token", "refresh_token")}
    return {**kept, "expires_at": 4_000_000_000, "scopes": []}


def asked(world: FaultyWorld, when: When) -> list[Call]:
    """The calls so far that a fault for `when` would have met."""
    calls = list(world.service.calls)
    return [call for call in calls if call.method == when["method"] and re.search(when["path"], call.path)]
