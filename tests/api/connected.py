"""People whose calendars live elsewhere: at a real Radicale or Xandikos, and at the doubles of Google and Microsoft.

A `World` is a provider with one person's account; what it does there, it does in other words than the connectors.
"""

from __future__ import annotations

import urllib.request
from base64 import b64encode
from datetime import UTC, datetime
from itertools import count
from typing import Any, Protocol

from slotlink.connectors.oauth import Identity
from slotlink.ical import expand, write_event
from slotlink.services.connecting import connect
from slotlink.services.deps import Deps
from slotlink.services.providers import PROVIDERS
from slotlink.services.sign_in import sign_in
from slotlink.services.sync import sync_profile
from slotlink.store import mirrors, outbox, tokens
from slotlink.web.mail_words import mail_words
from slotlink.worker.deliver_message import MessageClient
from slotlink.worker.duties import Duties
from slotlink.worker.loop import Worker
from tests.center import START, Center, Person
from tests.contract.test_connector_caldav import CalDavServer
from tests.doubles import google_world, graph_world
from tests.doubles.google import API, CLIENT_ID, CLIENT_SECRET, SCOPE, GoogleDouble
from tests.doubles.graph import CLIENT_ID as GRAPH_ID
from tests.doubles.graph import CLIENT_SECRET as GRAPH_SECRET
from tests.doubles.graph import GraphDouble
from tests.doubles.graph_store import Calendar as GraphCalendar

_workers = count(1)
Meeting = tuple[int, int]  # start and end


class World(Protocol):
    provider_name: str
    variables: dict[str, str]

    async def sign_in(self, deps: Deps, now: int) -> Any: ...

    def adds(self, start: int, end: int) -> str:
        """The person adds an event. Its name for `moves` and `deletes`."""
        ...

    def moves(self, name: str, start: int, end: int) -> None: ...

    def deletes(self, name: str) -> None: ...

    def meetings(self) -> list[Meeting]:
        """What is in the calendar, in order."""
        ...

    def name_at(self, start: int) -> str:
        """The name of the event that starts then."""
        ...

    def goes_away(self) -> None:
        """The provider answers nothing useful until `comes_back`."""
        ...

    def comes_back(self) -> None: ...

    def revokes(self) -> None: ...


class CalDavWorld:
    """alice's calendar "work" on a real server, by plain HTTP."""

    provider_name = "caldav"

    def __init__(self, server: CalDavServer, calendar: str) -> None:
        self._server = server
        self._path = f"{server.home}{calendar}/"
        self._names: dict[str, str] = {}
        self._password = "pw1"
        self.let_in("pw1")
        host = server.url.partition("://")[2].rstrip("/")
        self.variables = {"SLOTLINK_CALENDAR_ALLOW": host}
        body = b'<mkcalendar xmlns="urn:ietf:params:xml:ns:caldav"/>'
        self.ask("MKCALENDAR", self._path, body, {"Content-Type": "application/xml"})

    def let_in(self, password: str) -> None:
        self._server.let_in(password)
        self._password = password

    def close(self) -> None:
        self.let_in("pw1")
        self.ask("DELETE", self._path)

    async def sign_in(self, deps: Deps, now: int) -> Any:
        credentials = {"address": self._server.url, "user": "alice", "password": "pw1"}
        return await sign_in(deps, PROVIDERS["caldav"], credentials)

    def adds(self, start: int, end: int) -> str:
        name = f"{self._path}theirs-{start}.ics"
        self._put(name, f"theirs-{start}", start, end)
        return name

    def moves(self, name: str, start: int, end: int) -> None:
        found = self.ask("GET", name).decode()
        uid = next(line for line in found.splitlines() if line.startswith("UID:"))[4:]
        self._put(name, uid, start, end)

    def deletes(self, name: str) -> None:
        self.ask("DELETE", name)

    def meetings(self) -> list[Meeting]:
        return sorted(meeting for _, meeting in self._all())

    def name_at(self, start: int) -> str:
        return next(name for name, meeting in self._all() if meeting[0] == start)

    def goes_away(self) -> None:
        self._server.process.send_signal(19)  # SIGSTOP: connected to, and never answered

    def comes_back(self) -> None:
        self._server.process.send_signal(18)

    def revokes(self) -> None:
        self.let_in("another")

    def _all(self) -> list[tuple[str, Meeting]]:
        listing = self.ask("PROPFIND", self._path, b"", {"Depth": "1"}).decode()
        names = [part.partition("</")[0] for part in listing.split("href>") if part.startswith(self._path)]
        found: list[tuple[str, Meeting]] = []
        for name in names:
            if name.endswith(".ics"):
                text = self.ask("GET", name).decode()
                found += [(name, (each.start, each.end)) for each in expand(text, "Etc/UTC", 0, 4_000_000_000)]
        return found

    def _put(self, name: str, uid: str, start: int, end: int) -> None:
        text = write_event(uid=uid, start=start, end=end, tzid="Etc/UTC", summary="Theirs", stamp=START)
        self.ask("PUT", name, text.encode(), {"Content-Type": "text/calendar"})

    def ask(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
        signed = {"Authorization": "Basic " + b64encode(f"alice:{self._password}".encode()).decode()}
        request = urllib.request.Request(
            self._server.url.rstrip("/") + path, body or None, {**signed, **(headers or {})}, method=method
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.read()


class GoogleWorld:
    provider_name = "google"

    def __init__(self, google: GoogleDouble) -> None:
        self._google = google
        google_world.register(google)
        self._ann = google.person(google_world.ANN)
        self.variables = {
            "SLOTLINK_GOOGLE_CLIENT_ID": CLIENT_ID,
            "SLOTLINK_GOOGLE_CLIENT_SECRET": CLIENT_SECRET,
            "SLOTLINK_GOOGLE_API_URL": google.url + API,
            "SLOTLINK_GOOGLE_OAUTH_URL": google.url,
        }

    async def sign_in(self, deps: Deps, now: int) -> Any:
        granted = self._google.oauth.tokens_for(google_world.ANN, [SCOPE + "calendar"], CLIENT_ID)
        return await sign_in(deps, PROVIDERS["google"], _stored(granted), Identity("108", google_world.ANN, "Ann"))

    def adds(self, start: int, end: int) -> str:
        return self._ann.creates(start, end)["id"]

    def moves(self, name: str, start: int, end: int) -> None:
        self._ann.moves(name, start, end)

    def deletes(self, name: str) -> None:
        self._ann.deletes(name)

    def meetings(self) -> list[Meeting]:
        return sorted(meeting for _, meeting in self._all())

    def name_at(self, start: int) -> str:
        return next(name for name, meeting in self._all() if meeting[0] == start)

    def goes_away(self) -> None:
        self._google.faults.answer(500, {}, {}, times=1000)

    def comes_back(self) -> None:
        self._google.faults.clear()

    def revokes(self) -> None:
        self._ann.revokes()

    def _all(self) -> list[tuple[str, Meeting]]:
        calendar = self._google.store.calendar(google_world.ANN, "primary")
        return [
            (key, (_instant(one.event["start"]["dateTime"]), _instant(one.event["end"]["dateTime"])))
            for key, one in calendar.events.items()
            if not one.cancelled
        ]


class GraphWorld:
    provider_name = "office365"

    def __init__(self, graph: GraphDouble) -> None:
        self._graph = graph
        graph_world.register(graph)
        self._ann = graph.person(graph_world.ANN)
        self.variables = {
            "SLOTLINK_MICROSOFT_CLIENT_ID": GRAPH_ID,
            "SLOTLINK_MICROSOFT_CLIENT_SECRET": GRAPH_SECRET,
            "SLOTLINK_MICROSOFT_GRAPH_URL": graph.url + "/v1.0",
            "SLOTLINK_MICROSOFT_LOGIN_URL": graph.url + "/common",
        }

    async def sign_in(self, deps: Deps, now: int) -> Any:
        granted = self._graph.oauth.tokens_for(graph_world.ANN, graph_world.SCOPES, GRAPH_ID)
        return await sign_in(deps, PROVIDERS["office365"], _stored(granted), Identity("42", graph_world.ANN, "Ann"))

    def adds(self, start: int, end: int) -> str:
        return self._ann.creates(start, end)

    def moves(self, name: str, start: int, end: int) -> None:
        self._ann.moves(name, start, end)

    def deletes(self, name: str) -> None:
        self._ann.deletes(name)

    def meetings(self) -> list[Meeting]:
        return sorted(meeting for _, meeting in self._all())

    def name_at(self, start: int) -> str:
        return next(name for name, meeting in self._all() if meeting[0] == start)

    def goes_away(self) -> None:
        self._graph.faults.answer(503, {}, {}, times=1000)

    def comes_back(self) -> None:
        self._graph.faults.clear()

    def revokes(self) -> None:
        self._graph.oauth.revoke_grant(graph_world.ANN)

    def _all(self) -> list[tuple[str, Meeting]]:
        calendar: GraphCalendar = self._graph.store.calendar(graph_world.ANN, None)
        return [
            (each.id(False), (_instant(each.event["start"]["dateTime"]), _instant(each.event["end"]["dateTime"])))
            for each in calendar.events.values()
        ]


def _stored(granted: dict[str, Any]) -> dict[str, Any]:
    return {
        "access_token": granted["access_token"],
        "refresh_token": granted["refresh_token"],
        "expires_at": 4_000_000_000,
        "scopes": [],
    }


def _instant(text: str) -> int:
    found = datetime.fromisoformat(text[:19] + ("+00:00" if text.endswith("Z") or len(text) > 25 else text[19:]))
    return int(found.replace(tzinfo=found.tzinfo or UTC).timestamp())


class ConnectedPerson(Person):
    """Somebody with an account at a `World`, connected, and read once unless `read` is False."""

    def __init__(self, center: Center, world: World, *, read: bool = True) -> None:
        self.world = world
        self.application_id = center.client_id

        async def begin(deps: Deps) -> dict[str, str]:
            now = int(center.clock())
            profile = await connect(deps, center.client_id, await world.sign_in(deps, now), now=now)
            self.connected = profile
            async with deps.database.transaction() as connection:
                access = await tokens.issue_access(connection, center.client_id, profile.sub, now)
                refresh = await tokens.issue_refresh(connection, center.client_id, profile.sub, now)
            return {"sub": profile.sub, "access_token": access, "refresh_token": refresh}

        granted = center.run(begin)
        super().__init__(center, granted)
        self.center = center
        if read:
            self.sync()

    def sync(self) -> None:
        """Read what is due, and what the last look found out at once."""

        async def read(deps: Deps) -> None:
            now = int(self.center.clock())
            async with deps.database.transaction() as connection:
                of_all = await mirrors.list_mirrors(connection, self.application_id, subs=[self.sub])
                await mirrors.hasten(connection, self.application_id, [each.calendar_id for each in of_all], now)
            await sync_profile(deps, self.application_id, self.connected.profile_id, now)

        self.center.run(read)

    def work(self) -> list[str]:
        """Carry out every promise to the provider that is due. What came of each attempt."""
        return self._keep_promises("event_write")

    def mail(self) -> list[str]:
        """Send every mail that is due. What came of each attempt."""
        return self._keep_promises("guest_message")

    def _keep_promises(self, kind: str) -> list[str]:
        outcomes: list[str] = []
        owner = f"w_{next(_workers)}"

        async def carry_out(deps: Deps) -> None:
            messages = MessageClient(deps, mail_words, self.center.clock)
            duties = Duties(deps, _no_callbacks, messages.deliver, self.center.clock)
            worker = Worker(deps, duties.attempt, self.center.clock, duties.give_up)
            async with deps.database.transaction() as connection:
                claimed = await outbox.claim(connection, owner, int(self.center.clock()), lease_s=60, limit=300)
            for item in claimed:
                if item.kind == kind:
                    attempt = await duties.attempt(item)
                    await worker._settle(item, attempt)
                    outcomes.append(attempt.outcome)
            async with deps.database.transaction() as connection:
                await outbox.release(connection, owner)

        self.center.run(carry_out)
        return outcomes


async def _no_callbacks(_item: outbox.OutboxItem) -> outbox.Attempt:
    raise AssertionError("callbacks are not sent here")
