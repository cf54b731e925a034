"""A data center under test: the whole application in this process, with a clock that tests move.

`Center` speaks HTTP to it (no sockets), and knows how to make the things that most tests begin with.
"""

from __future__ import annotations

import asyncio
import atexit
import html.parser
import os
import shutil
import tempfile
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from slotlink.app import make_app, open_deps, prepare
from slotlink.domain.event import EventTime, wire_time
from slotlink.settings import Settings
from slotlink.store import applications, events
from slotlink.store.calendars import touch_calendar
from slotlink.vault import new_key

START = 1_804_150_800  # Thursday 4 March 2027, 09:00 UTC
HOUR = 3600
DAY = 86400
Json = dict[str, Any]


class Clock:
    """The present, as tests wish it."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def finished(work: Coroutine[Any, Any, Any]) -> Any:
    """Run to its end on a loop of its own, also where this thread has one already (Playwright's)."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@cache
def _migrated_file() -> Path:
    """An empty SQLite database of the current schema, migrated once for all tests; each gets a copy."""
    folder = Path(tempfile.mkdtemp(prefix="slotlink-tests-"))
    atexit.register(shutil.rmtree, folder)
    settings = Settings.from_environ({"SLOTLINK_DATA_DIR": str(folder), "SLOTLINK_SECRET_KEYS": new_key()})
    finished(prepare(settings))
    return folder / "slotlink.db"


class Center:
    """One data center, with one application in it."""

    def __init__(self, folder: Path, *, clock: Clock | None = None, **variables: str) -> None:
        self.clock = clock or Clock()
        environ = {
            "SLOTLINK_DATA_DIR": str(folder),
            "SLOTLINK_API_URL": "https://api.test",
            "SLOTLINK_APP_URL": "https://app.test",
            "SLOTLINK_SECRET_KEYS": new_key(),
            **variables,
        }
        self._environ = environ
        self.settings = Settings.from_environ(environ)
        if self.settings.embedded and "SLOTLINK_DATABASE_URL" not in variables:
            shutil.copy(_migrated_file(), folder / "slotlink.db")
        else:
            finished(prepare(self.settings))
        self.client_id, self.client_secret = self.new_application("Globex")
        self.app = make_app(self.settings, background=False, clock=self.clock)
        self.http = TestClient(self.app, base_url="https://app.test", follow_redirects=False)

    def __enter__(self) -> Center:
        self.http.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.http.__exit__(None, None, None)

    def restart(self, **variables: str) -> None:
        """The same data center, started again with other settings."""
        self.http.__exit__(None, None, None)
        self._environ |= variables
        self.settings = Settings.from_environ(self._environ)
        self.app = make_app(self.settings, background=False, clock=self.clock)
        self.http = TestClient(self.app, base_url="https://app.test", follow_redirects=False)
        self.http.__enter__()

    def run(self, action: Any) -> Any:
        """Run `action(deps)` on the store beneath, on connections of its own."""

        async def run() -> Any:
            deps = open_deps(self.settings)
            try:
                return await action(deps)
            finally:
                await deps.database.close()

        return finished(run())

    def new_application(self, name: str) -> tuple[str, str]:
        async def create(deps: Any) -> tuple[str, str]:
            async with deps.database.transaction() as connection:
                return await applications.create(connection, deps.vault, name, int(self.clock()))

        return self.run(create)

    @property
    def key(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.client_secret}"}

    def person(self, name: str, *, credentials: tuple[str, str] | None = None) -> Person:
        client_id, client_secret = credentials or (self.client_id, self.client_secret)
        answer = self.http.post(
            "/v1/application_calendars",
            json={"client_id": client_id, "client_secret": client_secret, "application_calendar_id": name},
        )
        assert answer.status_code == 200, answer.text
        return Person(self, answer.json())

    def query(self, *people: Person, **changes: Any) -> Json:
        """An availability query: everybody, an hour, tomorrow from 9:00 to 17:00 UTC."""
        tomorrow = START + DAY
        asked = {
            "participants": [{"members": [{"sub": person.sub} for person in people], "required": "all"}],
            "required_duration": {"minutes": 60},
            "query_periods": [{"start": wire_time(tomorrow), "end": wire_time(tomorrow + 8 * HOUR)}],
        }
        return {name: value for name, value in {**asked, **changes}.items() if value is not None}

    def link_request(self, *people: Person, **changes: Any) -> Json:
        body = {
            "oauth": {"redirect_uri": "https://application.test/done"},
            "event": {"event_id": "interview-1", "summary": "Interview", "tzid": "Europe/London"},
            "availability": self.query(*people),
            "target_calendars": [{"sub": person.sub, "calendar_id": person.calendar_id} for person in people],
            "selection_mode": "no_confirm",
        }
        return {name: value for name, value in {**body, **changes}.items() if value is not None}

    def create_link(self, *people: Person, **changes: Any) -> CreatedLink:
        answer = self.http.post(
            "/v1/real_time_scheduling", json=self.link_request(*people, **changes), headers=self.key
        )
        assert answer.status_code == 200, answer.text
        return CreatedLink(self, answer.json())


class Person:
    """An embedded account with its primary calendar."""

    def __init__(self, center: Center, granted: Json) -> None:
        self.center = center
        self.sub: str = granted["sub"]
        self.access_token: str = granted["access_token"]
        self.refresh_token: str = granted["refresh_token"]
        self.granted = granted
        calendars = center.http.get("/v1/calendars", headers=self.key).json()["calendars"]
        self.calendar_id: str = calendars[0]["calendar_id"]
        self.profile_id: str = calendars[0]["profile_id"]

    @property
    def key(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}

    def event(self, event_id: str, start: int, end: int, **members: Any) -> None:
        body = {"event_id": event_id, "summary": event_id, "start": wire_time(start), "end": wire_time(end), **members}
        answer = self.center.http.post(f"/v1/calendars/{self.calendar_id}/events", json=body, headers=self.key)
        assert answer.status_code == 202, answer.text

    def events_at_once(self, times: Mapping[str, tuple[int, int]]) -> None:
        """As `event` for each, by its id, in one transaction and without a request each."""

        async def write(deps: Any) -> None:
            owner = (self.center.client_id, self.calendar_id)
            now = int(self.center.clock())
            async with deps.database.transaction() as connection:
                for event_id, (start, end) in times.items():
                    time = EventTime(start, end, "Etc/UTC")
                    details = {"summary": event_id, "tzid": time.tzid}
                    await events.upsert_managed(connection, *owner, event_id, details, time, "busy", now)
                await touch_calendar(connection, *owner, now)

        self.center.run(write)

    def cancel(self, event_id: str) -> None:
        answer = self.center.http.request(
            "DELETE", f"/v1/calendars/{self.calendar_id}/events", json={"event_id": event_id}, headers=self.key
        )
        assert answer.status_code == 202, answer.text

    def events(self, **parameters: Any) -> list[Json]:
        asked = {"tzid": "Etc/UTC", "include_managed": "true", **parameters}
        answer = self.center.http.get("/v1/events", params=asked, headers=self.key)
        assert answer.status_code == 200, answer.text
        return answer.json()["events"]


class CreatedLink:
    """A link, seen by its application and by its visitor."""

    def __init__(self, center: Center, created: Json) -> None:
        self.center = center
        self.created = created
        self.url: str = created["url"]
        self.token = self.url.rpartition("/")[2]
        self.link_id: str = created["real_time_scheduling"]["real_time_scheduling_id"]
        self.path = f"/rts/{self.token}"

    def status(self) -> Json:
        answer = self.center.http.get(f"/v1/real_time_scheduling/{self.link_id}", headers=self.center.key)
        assert answer.status_code == 200, answer.text
        return answer.json()["real_time_scheduling"]

    def page(self, **parameters: Any) -> ReadPage:
        return ReadPage(self.center.http.get(self.path, params=parameters))

    def post(self, page: ReadPage, **fields: str) -> ReadPage:
        return ReadPage(self.center.http.post(self.path, data={**page.hidden, **fields}))

    def choose(self, slot: str, page: ReadPage | None = None) -> ReadPage:
        return self.post(page or self.page(), slot=slot)


class ReadPage(html.parser.HTMLParser):
    """A page as a plain browser reads it: its status, its forms, what it says is wrong."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer
        self.code: int = answer.status_code
        self.headers: Mapping[str, str] = answer.headers
        self.text: str = answer.text
        self.status: str | None = None
        self.error: str | None = None
        self.forms: list[Form] = []
        self.feed(self.text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "main":
            self.status = given.get("data-status")
        self.error = given.get("data-error") or self.error
        if tag == "form":
            self.forms.append(Form(given.get("method") or "get"))
        if tag in ("input", "button", "textarea", "select") and self.forms and given.get("name"):
            self.forms[-1].controls.append((str(given["name"]), given.get("value") or ""))

    @property
    def slot_form(self) -> Form | None:
        """The one form that chooses a slot."""
        forms = [form for form in self.forms if form.method == "post" and form.values("slot")]
        assert len(forms) <= 1, "a page has at most one form that chooses a slot"
        return forms[0] if forms else None

    @property
    def slots(self) -> list[str]:
        return self.slot_form.values("slot") if self.slot_form else []

    @property
    def hidden(self) -> dict[str, str]:
        form = self.slot_form or next((form for form in self.forms if form.method == "post"), None)
        return {name: value for name, value in form.controls if name != "slot"} if form else {}


class Form:
    def __init__(self, method: str) -> None:
        self.method = method
        self.controls: list[tuple[str, str]] = []

    def values(self, name: str) -> list[str]:
        return [value for given, value in self.controls if given == name]


def skippable(what: str) -> bool:
    """Whether a test may be skipped where `what` cannot be had: only when the caller has said so."""
    return os.environ.get("ALLOW_SKIP") == "1"
