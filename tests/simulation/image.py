"""The database that every run begins with: migrated once a process, with four people in it and links to choose from."""

from __future__ import annotations

import asyncio
import atexit
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from random import Random
from typing import Any, Literal

from slotlink.app import open_deps, prepare
from slotlink.domain.link import CallbackUrls, Link, TargetCalendar, Terms
from slotlink.domain.query import ExcludedEvent, Group, Member, Query
from slotlink.services.links import create_link
from slotlink.settings import Settings
from slotlink.store import applications
from slotlink.store.calendars import list_calendars
from slotlink.store.profiles import create_application_calendar
from slotlink.vault import Vault
from tests.center import DAY, HOUR, START
from tests.simulation.predictable import predictable_secrets
from tests.simulation.rows import Reader
from tests.simulation.sqlite_file import SqliteFile

TIMEOUT = "6s"  # longer than a worker that stops waits for its attempts
WINDOW = (START + DAY, START + DAY + 3 * HOUR)
PAUSES = (1, 1, 2, 2, 30)  # the last is longer than receivers are unwell: whoever is well again gets everything
HOSTS = ("one.test", "two.test", "three.test")


@dataclass(frozen=True)
class Person:
    sub: str
    calendar_id: str


@dataclass(frozen=True)
class Image:
    folder: Path
    settings: Settings
    vault: Vault
    application_id: str
    client_secret: str
    people: dict[str, Person]
    links: list[Link]

    @cached_property
    def file(self) -> SqliteFile:
        return SqliteFile(self.folder / "slotlink.db")

    @cached_property
    def reader(self) -> Reader:
        return Reader(self.file.observer)


@cache
def image() -> Image:
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="slotlink-simulation-", dir=memory if memory.is_dir() else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    settings = Settings.from_environ(
        {
            "SLOTLINK_DATA_DIR": str(folder),
            "SLOTLINK_API_URL": "https://api.test",
            "SLOTLINK_APP_URL": "https://app.test",
            "SLOTLINK_SECRET_KEYS": "c2ltdWxhdGlvbiBrZXkgb2YgMzIgYnl0ZXMgbG9uZyE=",
            "SLOTLINK_CALLBACK_TIMEOUT": TIMEOUT,
            "SLOTLINK_CALLBACK_RETRIES": ",".join(f"{pause}s" for pause in PAUSES),
        }
    )
    with predictable_secrets(Random("image")), ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, _make(folder, settings)).result()


async def _make(folder: Path, settings: Settings) -> Image:
    await prepare(settings)
    deps = open_deps(settings, checkpoints=True)
    people: dict[str, Person] = {}
    async with deps.database.transaction() as connection:
        application_id, client_secret = await applications.create(connection, deps.vault, "Globex", START)
        for name in ("ana", "ben", "cy", "dee"):
            account = await create_application_calendar(connection, application_id, name, START)
            [calendar] = await list_calendars(connection, application_id, [account.sub])
            people[name] = Person(account.sub, calendar.calendar_id)
    links = [await create_link(deps, application_id, event, terms, START) for event, terms in link_requests(people)]
    await deps.database.close()
    return Image(folder, settings, deps.vault, application_id, client_secret, people, links)


def link_requests(people: dict[str, Person]) -> list[tuple[dict[str, Any], Terms]]:
    """Links that share people, differ in what they write, and two that move the event of another."""

    def request(
        event_id: str,
        *names: str,
        written: str = "",
        required: int | None = None,
        host: str | None = HOSTS[0],
        buffer: int = 0,
        moves: bool = False,
        creation: Literal["default", "single"] = "default",
    ) -> tuple[dict[str, Any], Terms]:
        query = Query(
            groups=(Group(tuple(Member(people[name].sub) for name in names), required),),
            required_duration=HOUR,
            query_periods=(WINDOW,),
            start_interval=HOUR // 2,
            buffer_after=buffer,
            excluded_events=(ExcludedEvent(event_id),) if moves else (),
        )
        written_people = [people[name] for name in written.split()]
        callback = None if host is None else f"https://{host}/{event_id}?of={len(names)}"
        terms = Terms(
            query=query,
            tzid="Europe/London",
            redirect_uri="https://application.test/done",
            event_creation=creation,
            targets=tuple(
                TargetCalendar(person.sub, person.calendar_id, attendee={"email": "a@b.test"})
                for person in written_people
            ),
            callback_urls=CallbackUrls(completed_url=callback, no_times_suitable_url=callback),
        )
        return {"event_id": event_id, "summary": "Interview", "tzid": "Europe/London"}, terms

    one, two, three = HOSTS
    return [
        request("alone", "ana", written="ana"),
        request("both", "ana", "ben", written="ana ben", host=two),
        request("either", "ben", "cy", required=1, written="ben cy", host=three),
        request("held", "ana", "cy", host=two),
        request("half-held", "ben", "dee", written="dee", host=one),
        request("alone", "ana", "dee", written="ana", moves=True, host=three),
        request("both", "ben", "ana", written="ben", moves=True, host=one),
        request("buffered", "cy", "ana", written="cy ana", buffer=HOUR // 4, host=two),
        request("quiet", "cy", "ben", written="cy", host=None),
        request("single", "ben", "ana", written="ben ana", creation="single", host=three),
    ]
