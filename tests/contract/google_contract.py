"""What the contract needs of Google's double: an owner at work in Google's own pages, and the tokens of a connector.

Events are made from iCalendar here by other means than the connector's, so that a fault of its translation shows.
"""

from __future__ import annotations

from base64 import b32hexencode
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from icalendar import Calendar as Parsed

from slotlink.connectors import oauth
from slotlink.connectors.google import GoogleConnector
from slotlink.connectors.google_oauth import google_provider
from slotlink.ical import expand
from tests.contract.connector_events import DAY, KEY, MARCH, ZONE
from tests.doubles import google_world
from tests.doubles.google import API, CLIENT_ID, CLIENT_SECRET, SCOPE, GoogleDouble
from tests.doubles.google_person import GooglePerson, when
from tests.doubles.google_world import ANN, BEN

CALENDAR = "büro #team+1@group.calendar.test"
OWN_ID = b32hexencode(KEY.encode()).decode().rstrip("=").lower()
TIMES = ("RRULE", "RDATE", "EXDATE")


class Losing:
    """A session that can lose the answer to a write which has arrived. All that the connector needs of one."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self.lose_next = False
        self.at_once = self.most_at_once = 0

    @asynccontextmanager
    async def request(self, method: str, url: Any, **options: Any) -> AsyncGenerator[aiohttp.ClientResponse]:
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            async with self._session.request(method, url, **options) as response:
                if self.lose_next and method in ("POST", "PATCH", "PUT", "DELETE"):
                    self.lose_next = False
                    await response.read()
                    raise aiohttp.ServerDisconnectedError
                yield response
        finally:
            self.at_once -= 1

    async def close(self) -> None:
        await self._session.close()


class Source:
    """Access tokens for one account, refreshed as the service that keeps them does."""

    def __init__(self, google: GoogleDouble, email: str, *scopes: str) -> None:
        granted = [SCOPE + name for name in scopes or ("calendar",)]
        found = google.oauth.tokens_for(email, granted, CLIENT_ID)
        self._access, self._refresh = found["access_token"], found["refresh_token"]
        self._provider = google_provider(CLIENT_ID, CLIENT_SECRET, accounts_url=google.url, oauth_url=google.url)
        self.asked: list[str | None] = []

    async def access_token(self, refused: str | None = None) -> str:
        self.asked.append(refused)
        if refused == self._access:
            async with aiohttp.ClientSession() as session:
                self._access = (await oauth.refresh(session, self._provider, self._refresh)).access_token
        return self._access


def connector_of(
    google: GoogleDouble, session: Any, source: Source, *, deadline: float = 30, sync_deadline: float = 60
) -> GoogleConnector:
    return GoogleConnector(session, source, api_url=google.url + API, deadline=deadline, sync_deadline=sync_deadline)


class Owner:
    """Ann, with a calendar of her own beside her primary one."""

    def __init__(self, google: GoogleDouble, person: GooglePerson, losing: Losing, calendar: str) -> None:
        self._google = google
        self._losing = losing
        self.person = person
        self.calendar = calendar

    async def plant(self, ical: str) -> None:
        parsed: Any = Parsed.from_ical(ical)
        [event] = parsed.walk("VEVENT")
        uid, body = str(event["UID"]), body_of(event)
        known = self.id_of(uid)
        if known is None:
            self.insert(iCalUID=uid, **body)
        else:
            nothing = {"date": None, "dateTime": None}
            self.person.changes(
                known, self.calendar, **{**body, **{side: {**nothing, **body[side]} for side in ("start", "end")}}
            )

    def insert(self, **body: Any) -> dict[str, Any]:
        """An event as it is, with Google's own names."""
        with self._google.lock:
            calendar = self._google.store.calendars[self.calendar]
            return self._google.events.insert(self.person.email, calendar, body, {}).event

    async def remove(self, uid: str) -> None:
        found = self.id_of(uid)
        assert found is not None
        self.person.deletes(found, self.calendar)

    async def delete_calendar(self) -> None:
        self.person.shares(self.calendar, self.person.email, None)

    async def break_access(self) -> None:
        self.person.revokes()

    def lose_next_answer(self) -> None:
        self._losing.lose_next = True

    def id_of(self, uid: str) -> str | None:
        """Among what is there, deleted events included."""
        wanted = OWN_ID if uid == f"{KEY}@slotlink.test" else None
        for event_id, stored in self._google.store.calendars[self.calendar].events.items():
            if event_id == wanted or stored.event["iCalUID"] == uid:
                return event_id
        return None


def body_of(event: Any) -> dict[str, Any]:
    """A VEVENT in Google's words."""
    start = event["DTSTART"].dt
    end = event["DTEND"].dt if "DTEND" in event else start + timedelta(days=1)
    texts = {name.lower(): str(event[name]) for name in ("SUMMARY", "DESCRIPTION", "LOCATION") if name in event}
    lines = [line for line in event.to_ical().decode().splitlines() if line.startswith(TIMES)]
    return {"start": _end(start), "end": _end(end), **texts, **({"recurrence": lines} if lines else {})}


def _end(value: datetime | date) -> dict[str, Any]:
    return {**when(value), **({"timeZone": "UTC"} if isinstance(value, datetime) else {})}


class GoogleAccount:
    """The fixtures: an account with a primary calendar and one more, and a second person."""

    @pytest.fixture
    def google(self) -> Generator[GoogleDouble]:
        with GoogleDouble() as google:
            google_world.register(google)
            google.person(ANN, zone=ZONE).makes_calendar(CALENDAR, "Büro", ZONE)
            google.person(BEN, zone=ZONE)
            yield google

    @pytest.fixture
    def source(self, google: GoogleDouble) -> Source:
        return Source(google, ANN)

    @pytest.fixture
    async def losing(self) -> AsyncGenerator[Losing]:
        yield Losing(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))

    @pytest.fixture
    async def connector(self, google: GoogleDouble, losing: Losing, source: Source) -> AsyncGenerator[GoogleConnector]:
        connector = connector_of(google, losing, source)
        yield connector
        await connector.close()

    @pytest.fixture
    def calendar(self, google: GoogleDouble) -> str:
        return CALENDAR

    @pytest.fixture
    def missing(self) -> str:
        return "nobody@example.com"

    @pytest.fixture
    def person(self, google: GoogleDouble, losing: Losing) -> Owner:
        return Owner(google, google.person(ANN), losing, CALENDAR)


def starts(ical: str) -> list[int]:
    """When it happens, in the weeks around March 2027."""
    return [each.start for each in expand(ical, ZONE, MARCH.start, MARCH.end + 60 * DAY)]
