"""What several suites of the API ask of a center: its rows, its faults by path, and calendars filled from files."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
import structlog
from structlog.testing import LogCapture

from slotlink.domain.event import wire_time
from slotlink.services.accounts import known_account
from slotlink.services.events import import_calendar
from slotlink.vault import Vault
from tests.center import DAY, HOUR, START, Center, Json, Person

TOMORROW = START + DAY  # 9:00 UTC: where `Center.query` begins


def at(hours: float) -> int:
    """So many hours after tomorrow 9:00."""
    return TOMORROW + round(hours * HOUR)


def wire(hours: float) -> str:
    return wire_time(at(hours))


def period(start: float, end: float) -> Json:
    """A period of the wire, in hours from tomorrow 9:00."""
    return {"start": wire(start), "end": wire(end)}


def seconds(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp())


def bearer(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}


def faults(answer: Any) -> dict[str, list[str]]:
    """The keys of a refusal, by path. Every fault has a key and a sentence."""
    assert answer.status_code == 422, f"{answer.status_code} {answer.text}"
    errors = answer.json()["errors"]
    assert all(fault["key"] and fault["description"] for listed in errors.values() for fault in listed)
    return {path: [fault["key"] for fault in listed] for path, listed in errors.items()}


@contextmanager
def rows(center: Center) -> Generator[sqlite3.Connection]:
    """The database itself, beneath the server."""
    path = center.settings.sqlite_path
    assert path is not None
    connection = sqlite3.connect(path, isolation_level=None)
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        yield connection
    finally:
        connection.close()


def dump(center: Center) -> list[str]:
    """Everything that the database holds."""
    with rows(center) as connection:
        return list(connection.iterdump())


def change(center: Center, statement: str, *values: Any) -> None:
    """Alter a row in a way that no call of this issue can, such as a calendar that becomes read-only."""
    with rows(center) as connection:
        assert connection.execute(statement, values).rowcount > 0, "nothing was changed"


def callbacks(center: Center, url: str | None = None) -> list[Json]:
    """The bodies promised to applications, oldest first."""
    with rows(center) as connection:
        found = connection.execute("SELECT * FROM outbox ORDER BY created_at, rowid").fetchall()
    vault = Vault(center.settings.secret_keys)
    return [
        json.loads(vault.open(row["sealed_body"], f"outbox/{row['application_id']}/{row['item_id']}"))
        for row in found
        if url is None or row["url"] == url
    ]


def import_ics(center: Center, person: Person, *events: str, calendar_id: str | None = None) -> None:
    """Put events (the inner lines of VEVENTs) into a person's calendar, as `slotlink calendars import` does."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//test//EN"]
    for number, event in enumerate(events):
        lines += ["BEGIN:VEVENT", f"UID:event-{number}@test", "DTSTAMP:20270101T000000Z", *event.split("\n")]
        lines += ["END:VEVENT"]
    text = "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()

    async def put(deps: Any) -> None:
        await import_calendar(deps, await known_account(deps, person.sub), calendar_id, text, int(center.clock()))

    center.run(put)


def ics_time(instant: int) -> str:
    return datetime.fromtimestamp(instant, UTC).strftime("%Y%m%dT%H%M%SZ")


def other_application(center: Center) -> tuple[tuple[str, str], Person]:
    """A second application with a person of its own."""
    credentials = center.new_application("Initech")
    return credentials, center.person("stranger", credentials=credentials)


def capture_log(patch: pytest.MonkeyPatch, *modules: ModuleType) -> LogCapture:
    """What these modules log from now on, in its `entries`."""
    capture = LogCapture()
    for module in modules:
        logger = structlog.wrap_logger(structlog.ReturnLogger(), [capture], structlog.make_filtering_bound_logger(0))
        patch.setattr(module, "log", logger)
    return capture
