"""What tests of people whose calendars live elsewhere look at, and how they let time go by."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from slotlink.domain.account import Profile
from slotlink.services.connecting import connect
from slotlink.services.deps import Deps
from slotlink.services.providers import PROVIDERS
from slotlink.services.sign_in import sign_in
from slotlink.services.sync import sync_profile
from slotlink.store import event_writes, links, profiles, tables, tokens
from tests.api.connected import ConnectedPerson
from tests.api.faulty import FaultyRadicale, FaultyWorld
from tests.center import HOUR, Center

HTML = b"<html><body>Sign in to the hotel's network</body></html>"


def worked(center: Center, person: ConnectedPerson) -> list[str]:
    """All attempts that follow, until nothing is left."""
    outcomes: list[str] = []
    for _ in range(6):
        center.clock.now += HOUR
        outcomes += person.work()
    person.access_token = center.run(lambda deps: new_access(deps, center, person))
    return outcomes


async def new_access(deps: Deps, center: Center, person: ConnectedPerson) -> str:
    """For our own API: the one from before is over by now."""
    async with deps.database.transaction() as connection:
        return await tokens.issue_access(connection, center.client_id, person.sub, int(center.clock()))


def times(person: ConnectedPerson) -> list[int]:
    return [int(datetime.fromisoformat(event["start"]).timestamp()) for event in person.events()]


def delete(person: ConnectedPerson) -> None:
    path = f"/v1/calendars/{person.calendar_id}/events"
    answer = person.center.http.request("DELETE", path, json={"event_id": "interview-1"}, headers=person.key)
    assert answer.status_code == 202


def kept(center: Center, person: ConnectedPerson) -> event_writes.EventWrite:
    """What is known of the one event that was wanted of the provider."""

    async def read(deps: Deps) -> event_writes.EventWrite:
        async with deps.database.reading() as connection:
            uid = (await connection.execute(select(tables.event_writes.c.event_uid))).scalar_one()
            found = await event_writes.find(connection, center.client_id, person.calendar_id, uid)
        assert found is not None
        return found

    return center.run(read)


def history(center: Center, link_id: str) -> list[str]:
    async def read(deps: Deps) -> list[str]:
        async with deps.database.reading() as connection:
            return [entry[1] for entry in await links.history(connection, center.client_id, link_id)]

    return center.run(read)


def after(world: FaultyWorld, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """The next answer to "what has changed" is on its way while `happens` does."""
    original = world.connector.changes

    async def read(connector: Any, *arguments: Any) -> Any:
        monkeypatch.setattr(world.connector, "changes", original)
        answer = await original(connector, *arguments)
        await asyncio.to_thread(happens)
        return answer

    monkeypatch.setattr(world.connector, "changes", read)


def sync_due(center: Center, person: ConnectedPerson) -> None:
    """As the worker does, and no sooner."""

    async def read(deps: Deps) -> None:
        await sync_profile(deps, center.client_id, person.connected.profile_id, int(center.clock()))

    center.run(read)


async def profile_of(deps: Deps, center: Center, person: ConnectedPerson) -> Profile:
    async with deps.database.reading() as connection:
        return await profiles.get_profile(connection, center.client_id, person.connected.profile_id)


async def sign_in_anew(deps: Deps, center: Center, world: FaultyRadicale) -> None:
    world.let_in("pw2")
    credentials = {"address": world.service.url, "user": "alice", "password": "pw2"}
    signed = await sign_in(deps, PROVIDERS["caldav"], credentials)
    await connect(deps, center.client_id, signed, now=int(center.clock()))


async def busy_starts(deps: Deps, center: Center, person: ConnectedPerson) -> list[int]:
    busy = tables.busy_periods.c
    async with deps.database.reading() as connection:
        rows = await connection.execute(
            select(busy.start_at).where(busy.calendar_id == person.calendar_id, busy.kind == "busy")
        )
        return sorted(rows.scalars())


def problem(center: Center, person: ConnectedPerson) -> str | None:
    """Why the calendar cannot be read, as the operator finds it."""

    async def read(deps: Deps) -> str | None:
        column = tables.calendars.c
        async with deps.database.reading() as connection:
            rows = await connection.execute(select(column.problem).where(column.calendar_id == person.calendar_id))
            return rows.scalar_one()

    return center.run(read)


def odd(start: str) -> str:
    event = ["UID:odd", "DTSTAMP:20270101T000000Z", f"DTSTART;{start}", "DURATION:PT1H", "SUMMARY:Odd"]
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", "BEGIN:VEVENT", *event, "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""])
