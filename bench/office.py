"""A scenario of the engine as a deployment holds it: accounts, their events and availability rules, and the requests
that ask the scenario's question over HTTP."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.load import request
from bench.scenarios import MINUTE, Pairs, Rules, Scenario
from slotlink.app import open_deps, prepare
from slotlink.domain.event import wire_time
from slotlink.domain.rules import StoredRule
from slotlink.services.deps import Deps
from slotlink.settings import Settings
from slotlink.store import applications, ids, rules, tables, tokens
from slotlink.store.calendars import list_calendars, touch_calendar
from slotlink.store.profiles import create_application_calendar

Json = dict[str, Any]
Found = tuple[int, int, tuple[int, ...]]
"""As the engine answers: start, end, indexes of the participants."""


@dataclass(frozen=True)
class Office:
    """The people of a scenario as one application's accounts, `subs` in the scenario's order. `change` writes an event
    of the first of them once more, as it is: their calendar has changed, and the answers stay what they are."""

    folder: Path
    scenario: Scenario
    key: str
    subs: list[str]
    change: bytes

    def availability(self, response_format: str) -> bytes:
        """The scenario's question, asked with everybody's stored rules."""
        asked = self.scenario
        body = {
            "participants": [
                {
                    "members": [{"sub": self.subs[index], "managed_availability": True} for index in members],
                    "required": required,
                }
                for members, required in asked.groups
            ],
            "required_duration": _minutes(asked.duration),
            "query_periods": [{"start": wire_time(asked.begins), "end": wire_time(asked.ends)}],
            "buffer": {"before": _minutes(asked.before), "after": _minutes(asked.after)},
            "response_format": response_format,
            "max_results": asked.shape.max_results,
            # Without one, periods begin at any second.
            **({} if response_format == "periods" else {"start_interval": _minutes(asked.interval)}),
        }
        return request("/v1/availability", self.key, method="POST", body=json.dumps(body).encode())

    def found(self, body: bytes) -> list[Found]:
        """What an answer says, in the engine's own terms."""
        index = {sub: number for number, sub in enumerate(self.subs)}
        (listed,) = json.loads(body).values()
        return [
            (_instant(each["start"]), _instant(each["end"]), tuple(index[who["sub"]] for who in each["participants"]))
            for each in listed
        ]


def build_office(folder: Path, scenario: Scenario) -> Office:
    """Fill a new SQLite database in `folder`, all of it in one transaction."""
    settings = Settings.from_environ({"SLOTLINK_DATA_DIR": str(folder)})

    async def run() -> Office:
        await prepare(settings)
        deps = open_deps(settings, checkpoints=True)
        try:
            return await _build(deps, folder, scenario)
        finally:
            await deps.database.close()

    return asyncio.run(run())


async def _build(deps: Deps, folder: Path, scenario: Scenario) -> Office:
    now = int(time.time())
    async with deps.database.transaction() as connection:
        application_id, key = await applications.create(connection, deps.vault, "Office", now)
        subs: list[str] = []
        for number, (events, of_person) in enumerate(zip(scenario.events, scenario.rules, strict=True)):
            account = await create_application_calendar(connection, application_id, f"person-{number}", now)
            subs.append(account.sub)
            await _insert_events(connection, application_id, account.sub, events, now)
            await _insert_rules(connection, application_id, account.sub, of_person, now)
        calendar_id = (await list_calendars(connection, application_id, subs[:1]))[0].calendar_id
        token = await tokens.issue_access(connection, application_id, subs[0], now)
    return Office(folder, scenario, key, subs, _change(calendar_id, token, scenario.events[0]))


async def _insert_events(connection: AsyncConnection, application_id: str, sub: str, periods: Pairs, now: int) -> None:
    """Rows as `events.upsert_managed` writes them, all at once."""
    (calendar,) = await list_calendars(connection, application_id, [sub])
    whose = {"application_id": application_id, "calendar_id": calendar.calendar_id}
    uids = [ids.new_id("evt_external") for _ in periods]
    written = {
        "details": '{"summary":"Busy","tzid":"Etc/UTC"}',
        "recurring": False,
        "created_at": now,
        "updated_at": now,
    }
    await connection.execute(
        insert(tables.events),
        [{**whose, "event_uid": uid, "event_id": f"event-{number}", **written} for number, uid in enumerate(uids)],
    )
    await connection.execute(
        insert(tables.busy_periods),
        [
            {**whose, "event_uid": uid, "occurrence": 0, "start_at": start, "end_at": end, "kind": "busy"}
            for uid, (start, end) in zip(uids, periods, strict=True)
        ],
    )
    await touch_calendar(connection, application_id, calendar.calendar_id, now)


async def _insert_rules(connection: AsyncConnection, application_id: str, sub: str, of_person: Rules, now: int) -> None:
    for number, rule in enumerate(of_person):
        stored = StoredRule(f"rule-{number}" if number else "default", rule, None)
        await rules.upsert(connection, application_id, sub, stored, now)


def _change(calendar_id: str, token: str, periods: Sequence[tuple[int, int]]) -> bytes:
    number = next(number for number, (start, end) in enumerate(periods) if end > start)
    start, end = periods[number]
    body = {
        "event_id": f"event-{number}",
        "summary": "Busy",
        "start": wire_time(start),
        "end": wire_time(end),
        "tzid": "Etc/UTC",
    }
    path = f"/v1/calendars/{calendar_id}/events"
    return request(path, token, method="POST", body=json.dumps(body).encode())


def _minutes(seconds: int) -> Json:
    return {"minutes": seconds // MINUTE}


def _instant(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())
