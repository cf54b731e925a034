"""What the tests of the Graph connector work with: the double, somebody who uses Outlook there, and tokens.

What a person does is made Graph's JSON here, by icalendar and by hand, never by the connector's own translation."""

from __future__ import annotations

import copy
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from icalendar import Calendar as ICalendar

from slotlink.connectors.base import EventWrite
from slotlink.connectors.graph import GraphConnector
from slotlink.errors import AccessRevoked
from tests.contract.connector_events import KEY, our_event
from tests.doubles.graph import CLIENT_ID, GraphDouble
from tests.doubles.graph_events import NEVER
from tests.doubles.graph_store import Calendar, Found, Stored
from tests.doubles.graph_times import DAYS, midnight, wall
from tests.doubles.graph_world import ANN, BEN, SCOPES, register
from tests.doubles.service import Clock

UID = f"{KEY}@slotlink.test"
GUESTS = [f"ATTENDEE;CN=Ben;PARTSTAT=NEEDS-ACTION:mailto:{BEN}", "ATTENDEE;ROLE=OPT-PARTICIPANT:MAILTO:Cy@Example.org"]
WRITES = ("POST", "PATCH", "DELETE")
WEEKDAYS = dict(zip(("MO", "TU", "WE", "TH", "FR", "SA", "SU"), DAYS, strict=True))


class Losing:
    """A session that can lose an answer which has arrived. All that the connector needs of one."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self.lose: tuple[str, ...] = ()
        self.at_once = self.most_at_once = 0

    @asynccontextmanager
    async def request(self, method: str, url: Any, **options: Any) -> AsyncGenerator[aiohttp.ClientResponse]:
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            async with self._session.request(method, url, **options) as response:
                if method in self.lose:
                    self.lose = ()
                    await response.read()
                    raise aiohttp.ServerDisconnectedError
                yield response
        finally:
            self.at_once -= 1

    async def close(self) -> None:
        await self._session.close()


class Tokens:
    """Whoever keeps the tokens: a new one when one was refused, and none when the grant is gone."""

    def __init__(self, graph: GraphDouble, email: str) -> None:
        self._graph, self._email = graph, email
        self.refused: list[str] = []
        self.revoked = False
        self._token = self._new()

    async def access_token(self, refused: str | None = None) -> str:
        if refused is not None:
            self.refused.append(refused)
            if self.revoked:
                raise AccessRevoked("invalid_grant")
            self._token = self._new() if self._token == refused else self._token
        return self._token

    def _new(self) -> str:
        return self._graph.oauth.tokens_for(self._email, SCOPES, CLIENT_ID)["access_token"]


class Ann:
    """In Outlook, with one calendar of hers."""

    def __init__(self, graph: GraphDouble, email: str, calendar: str, tokens: Tokens, losing: Losing) -> None:
        self.graph, self.email, self.calendar = graph, email, calendar
        self._tokens, self._losing = tokens, losing

    async def plant(self, ical: str) -> None:
        [component] = ICalendar.from_ical(ical).walk("VEVENT")
        uid, body = str(component["UID"]), _body(component)
        with self.graph.lock:
            found = self.found(uid)
            if found is None:
                stored = self.graph.events.create(self.email, self._there(), body)
                stored.event["iCalUId"] = uid
            else:
                stored = found
                self.graph.events.update(self.email, Found(self._there(), found, None), body)
            excluded = component.get("EXDATE") or []
            for each in excluded if isinstance(excluded, list) else [excluded]:
                stored.cancelled |= {at.dt.date() for at in each.dts}

    async def remove(self, uid: str) -> None:
        with self.graph.lock:
            stored = self.found(uid)
            assert stored is not None
            self.graph.events.delete(self.email, Found(self._there(), stored, None))

    async def delete_calendar(self) -> None:
        with self.graph.lock:
            del self.graph.store.calendars[self.calendar]

    async def break_access(self) -> None:
        self.graph.person(self.email).revokes()
        self._tokens.revoked = True

    def lose_next_answer(self) -> None:
        self._losing.lose = WRITES

    def found(self, uid: str) -> Stored | None:
        """What a person sees under that name: by Graph's own UID, or as our events carry it."""
        for stored in self._there().events.values():
            properties = stored.event.get("singleValueExtendedProperties", [])
            if uid == stored.event["iCalUId"] or any(one["value"].endswith(f" {uid}") for one in properties):
                return stored
        return None

    def the(self, uid: str) -> Stored:
        stored = self.found(uid)
        assert stored is not None, uid
        return stored

    def series(self, uid: str, day: date, pattern: dict[str, Any], zone: str, **more: Any) -> str:
        """From 10 to 11 by the clock of the zone, without end unless `range` is given. The id."""
        span = {"type": "noEnd", "startDate": day.isoformat(), **more.pop("range", {})}
        times = {side: {"dateTime": f"{day}T{at}:00", "timeZone": zone} for side, at in ENDS.items()}
        body = {**times, "subject": "Every week", "recurrence": {"pattern": {"interval": 1, **pattern}, "range": span}}
        with self.graph.lock:
            stored = self.graph.events.create(self.email, self._there(), {**body, **more})
            stored.event["iCalUId"] = uid
            return stored.id(False)

    def sets(self, uid: str, **members: Any) -> None:
        """What no person may write: an answer, a zone's name, a cancellation from outside."""
        with self.graph.lock:
            stored = self.the(uid)
            stored.event.update(copy.deepcopy(members))
            self.graph.store.keep(self._there(), stored)

    def _there(self) -> Calendar:
        return self.graph.store.calendars[self.calendar]


ENDS = {"start": "10:00", "end": "11:00"}
DECLINED = {"response": "declined", "time": NEVER}


def connector_of(losing: Losing, tokens: Tokens, graph: GraphDouble, **options: Any) -> GraphConnector:
    url = f"{graph.url}/v1.0"
    options = {"deadline": 30, "sync_deadline": 60, "now": lambda: graph.clock.now, **options}
    return GraphConnector(losing, tokens, graph_url=url, **options)  # type: ignore[arg-type]


def _body(component: Any) -> dict[str, Any]:
    start = component["DTSTART"].dt
    if not isinstance(start, datetime):
        days = {"isAllDay": True, "start": midnight(start, "UTC"), "end": midnight(start + timedelta(days=1), "UTC")}
        return {**_texts(component), **days}
    times = {"start": wall(start, "UTC"), "end": wall(component["DTEND"].dt, "UTC")}
    rule = component.get("RRULE")
    if rule is None:
        return {**_texts(component), **times}
    assert rule["FREQ"] == ["WEEKLY"] and set(rule) == {"FREQ", "COUNT"}
    first = start.astimezone(UTC).date()
    span = {"type": "numbered", "startDate": first.isoformat(), "numberOfOccurrences": rule["COUNT"][0]}
    pattern = {"type": "weekly", "interval": 1, "daysOfWeek": [DAYS[first.weekday()]]}
    return {**_texts(component), **times, "recurrence": {"pattern": pattern, "range": span}}


def _texts(component: Any) -> dict[str, Any]:
    body = {"contentType": "text", "content": str(component.get("DESCRIPTION", ""))}
    location = {"displayName": str(component.get("LOCATION", ""))}
    return {"subject": str(component.get("SUMMARY", "")), "body": body, "location": location}


def meeting(**options: Any) -> EventWrite:
    write = our_event(extra=GUESTS, **options)
    return EventWrite(write.key, write.ical, invites=True)


def online(**options: Any) -> EventWrite:
    write = our_event(**options)
    return EventWrite(write.key, write.ical, conference=True)


class GraphFixtures:
    @pytest.fixture
    def graph(self) -> Generator[GraphDouble]:
        with GraphDouble(Clock()) as graph:
            register(graph)
            graph.person(ANN, zone="Europe/Berlin")
            yield graph

    @pytest.fixture
    def calendar(self, graph: GraphDouble) -> str:
        return graph.person(ANN).makes_calendar("Büro & <Co>")

    @pytest.fixture
    def missing(self) -> str:
        return "AQMkADmissing+AAA="

    @pytest.fixture
    async def losing(self) -> AsyncGenerator[Losing]:
        yield Losing(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))

    @pytest.fixture
    def tokens(self, graph: GraphDouble) -> Tokens:
        return Tokens(graph, ANN)

    @pytest.fixture
    async def connector(self, losing: Losing, tokens: Tokens, graph: GraphDouble) -> AsyncGenerator[GraphConnector]:
        connector = connector_of(losing, tokens, graph)
        yield connector
        await connector.close()

    @pytest.fixture
    def person(self, graph: GraphDouble, calendar: str, tokens: Tokens, losing: Losing) -> Ann:
        return Ann(graph, ANN, calendar, tokens, losing)
