"""What the tests of this folder share: a client that sends exactly the bytes it is given, times, and a visitor."""

from __future__ import annotations

import http.client
import json
import queue
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from slotlink.app import open_deps
from slotlink.settings import Settings
from slotlink.store import applications
from tests.center import ReadPage, finished
from tests.serving import LiveServer, Received, Receiver, environ_for

CROWD = 310  # a page holds 300
Json = dict[str, Any]
_TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def moment(days: int, hour: int = 0, minute: int = 0) -> datetime:
    """A time of day in UTC, `days` from today: the served clock is the real one."""
    return _TODAY + timedelta(days=days, hours=hour, minutes=minute)


def at(days: int, hour: int = 0, minute: int = 0) -> str:
    return f"{moment(days, hour, minute):%Y-%m-%dT%H:%M:%SZ}"


def spaced(days: int, hour: int = 0, minute: int = 0) -> str:
    """As the C# client writes it."""
    return at(days, hour, minute).replace("T", " ")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @property
    def content(self) -> Any:
        return json.loads(self.body)

    # As `ReadPage` wants an answer.
    @property
    def status_code(self) -> int:
        return self.status

    @property
    def text(self) -> str:
        return self.body.decode()


def send(url: str, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
    """One request on a connection of its own. `path` and `headers` go out as they are, a `Host` among them too."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    try:
        connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        received = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, received, answer.read())
    finally:
        connection.close()


class Site:
    """The served data center and one application in it."""

    def __init__(self, server: LiveServer, folder: Path) -> None:
        self.url = server.url
        self._settings = Settings.from_environ(environ_for(folder))
        self.client_id, self.client_secret = self.new_application("Globex")

    def new_application(self, name: str) -> tuple[str, str]:
        return self._beside(lambda connection, vault: applications.create(connection, vault, name, int(time.time())))

    def rotate_secret(self, client_id: str) -> str:
        return self._beside(
            lambda connection, vault: applications.rotate_secret(connection, vault, client_id, int(time.time()))
        )

    def _beside(self, action: Callable[[Any, Any], Any]) -> Any:
        """As the command line does it, beside the serving process, without waiting for the command to start."""

        async def run() -> Any:
            deps = open_deps(self._settings)
            try:
                async with deps.database.transaction() as connection:
                    return await action(connection, deps.vault)
            finally:
                await deps.database.close()

        return finished(run())

    @property
    def credentials(self) -> Json:
        return {"client_id": self.client_id, "client_secret": self.client_secret}

    def call(self, method: str, path: str, content: Any = None, bearer: str | None = None, **headers: str) -> Answer:
        """An ordinary JSON call: what the tests need beside the client under test."""
        sent = {"Content-Type": "application/json; charset=utf-8", **headers}
        if bearer is not None:
            sent["Authorization"] = f"Bearer {bearer}"
        return send(self.url, method, path, sent, None if content is None else json.dumps(content).encode())

    def application_calendar(self, name: str, **credentials: str) -> Json:
        """What the call grants, and the `calendar_id` and `profile_id` that belong to it."""
        body = {**self.credentials, **credentials, "application_calendar_id": name}
        granted = self.call("POST", "/v1/application_calendars", body).content
        calendar = self.call("GET", "/v1/calendars", bearer=granted["access_token"]).content["calendars"][0]
        return {**granted, "calendar_id": calendar["calendar_id"], "profile_id": calendar["profile_id"]}

    def status(self, link_id: str) -> Json:
        answer = self.call("GET", f"/v1/real_time_scheduling/{link_id}", bearer=self.client_secret)
        assert answer.status == 200, answer
        return answer.content["real_time_scheduling"]

    def events(self, person: Json, **asked: str) -> list[Json]:
        query = urlencode({"tzid": "Etc/UTC", "include_managed": "true", **asked})
        answer = self.call("GET", f"/v1/events?{query}", bearer=person["access_token"])
        assert answer.status == 200, answer
        return answer.content["events"]


def callback(receiver: Receiver, path: str) -> Received:
    """The next callback to `path`; what an earlier test may have left for other paths is dropped."""
    others: list[str] = []
    while True:
        try:
            received = receiver.received.get(timeout=15)
        except queue.Empty:
            raise AssertionError(f"no callback to {path}, but to {others}") from None
        if received.path == path:
            return received
        others.append(received.path)


class Visitor:
    """Somebody with the link and a browser that does no more than HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.path = urlsplit(url).path

    def open(self) -> ReadPage:
        return ReadPage(send(self.url, "GET", self.path, {"Accept": "text/html"}))

    def post(self, page: ReadPage, slot: str, **fields: str) -> ReadPage:
        """The page's own form with one of its slots."""
        body = urlencode({**page.hidden, "slot": slot, **fields}).encode()
        return ReadPage(send(self.url, "POST", self.path, {"Content-Type": "application/x-www-form-urlencoded"}, body))

    def book(self, number: int = 0) -> str:
        """Choose an offered slot, confirming where the page asks for it. Returns the slot."""
        page = self.open()
        slot = page.slots[number]
        answer = self.post(page, slot)
        if answer.code == 200:
            assert answer.slots == [slot], "the confirmation repeats the slot, and nothing else"
            answer = self.post(answer, slot)
        assert answer.code == 303, answer.text
        return slot
