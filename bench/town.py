"""The data that is measured on: many links of many applications, and ten people with full calendars."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from bench.load import request
from slotlink.app import open_deps
from slotlink.domain.event import EventTime, wire_time
from slotlink.domain.link import Terms
from slotlink.services.accounts import open_application_calendar
from slotlink.services.deps import Deps
from slotlink.settings import Settings
from slotlink.store import applications, events, ids, links
from slotlink.store.calendars import list_calendars
from slotlink.store.schema import migrate
from slotlink.store.tables import links as links_table
from slotlink.vault import digest
from slotlink.web.body import check
from slotlink.web.link_request import LinkRequest
from slotlink.web.wire import WireContext

DAY = 86400
QUARTER = 900
PEOPLE = 10
AVAILABILITY_DAYS = 35
PAGE_DAYS = 28
ROWS_AT_ONCE = 1000
Json = dict[str, Any]
Busy = list[tuple[int, int]]


@dataclass(frozen=True)
class Sizes:
    links: int
    applications: int
    requests: int
    events_each: int


@dataclass
class Town:
    """`sample`: (key, link id, token) of links to ask for. `busy`: each person's events as (start, end)."""

    folder: Path
    begins: int
    application_id: str
    key: str
    subs: list[str]
    calendar_ids: list[str]
    busy: list[Busy]
    sample: list[tuple[str, str, str]]
    page_token: str

    def status_by_id(self, tags: list[str] | None = None) -> list[bytes]:
        return [
            request(f"/v1/real_time_scheduling/{link_id}", key, if_none_match=tags[i] if tags else None)
            for i, (key, link_id, _) in enumerate(self.sample)
        ]

    def status_by_token(self, tags: list[str] | None = None) -> list[bytes]:
        return [
            request(f"/v1/real_time_scheduling?token={token}", key, if_none_match=tags[i] if tags else None)
            for i, (key, _, token) in enumerate(self.sample)
        ]

    def create_link(self) -> bytes:
        return request("/v1/real_time_scheduling", self.key, method="POST", body=_body(self._link_request()))

    def page(self) -> bytes:
        return request(f"/rts/{self.page_token}")

    def availability(self) -> bytes:
        asked = availability_query(self.subs, self.begins, AVAILABILITY_DAYS)
        return request("/v1/availability", self.key, method="POST", body=_body(asked))

    def _link_request(self) -> Json:
        return link_request(self.subs[:2], self.calendar_ids[:2], self.begins)


def availability_query(subs: list[str], begins: int, days: int) -> Json:
    return {
        "participants": [{"members": [{"sub": sub} for sub in subs], "required": "all"}],
        "required_duration": {"minutes": 60},
        "query_periods": [{"start": wire_time(begins), "end": wire_time(begins + days * DAY)}],
        "response_format": "overlapping_slots",
    }


def link_request(subs: list[str], calendar_ids: list[str], begins: int) -> Json:
    query = availability_query(subs, begins, PAGE_DAYS)
    del query["response_format"]
    return {
        "oauth": {"redirect_uri": "https://application.test/done"},
        "event": {
            "event_id": "interview",
            "summary": "Product manager interview",
            "description": "We will talk about your last project and about how our product team works.",
            "location": {"description": "Video call"},
            "tzid": "Europe/London",
        },
        "availability": query,
        "target_calendars": [
            {"sub": sub, "calendar_id": calendar_id} for sub, calendar_id in zip(subs, calendar_ids, strict=True)
        ],
    }


def build(folder: Path, sizes: Sizes, variables: Mapping[str, str] | None = None) -> Town:
    """Fill a new SQLite database in `folder`, or the empty one that the settings in `variables` name.

    The same every time but for ids, secrets and today's date."""
    settings = Settings.from_environ({"SLOTLINK_DATA_DIR": str(folder), **(variables or {})})

    async def run() -> Town:
        deps = open_deps(settings, checkpoints=True)
        try:
            await migrate(deps.database)
            return await _build(deps, folder, sizes)
        finally:
            await deps.database.close()

    return asyncio.run(run())


async def _build(deps: Deps, folder: Path, sizes: Sizes) -> Town:
    chance = random.Random(1)
    now = int(time.time())
    begins = (now // DAY + 1) * DAY
    async with deps.database.transaction() as connection:
        keys = [
            await applications.create(connection, deps.vault, f"Application {number}", now)
            for number in range(sizes.applications)
        ]
    application_id, key = keys[0]
    busy = [random_busy(chance, begins, sizes.events_each) for _ in range(PEOPLE)]
    grants = [
        await open_application_calendar(deps, application_id, f"person-{number}", now) for number in range(PEOPLE)
    ]
    subs = [grant.account.sub for grant in grants]
    async with deps.database.transaction() as connection:
        calendars = await list_calendars(connection, application_id, subs)
        calendar_ids = [next(c.calendar_id for c in calendars if c.sub == sub) for sub in subs]
        for calendar_id, periods in zip(calendar_ids, busy, strict=True):
            for number, (start, end) in enumerate(periods):
                await events.upsert_managed(
                    connection,
                    application_id,
                    calendar_id,
                    f"event-{number}",
                    {"summary": "Busy", "tzid": "Etc/UTC"},
                    EventTime(start, end, "Etc/UTC"),
                    "busy",
                    now,
                )
    context = WireContext(deps.settings.limits, ())
    wanted = check(LinkRequest, link_request(subs[:2], calendar_ids[:2], begins), context)
    async with deps.database.transaction() as connection:
        shown = await links.create(connection, deps.vault, application_id, wanted.event_template(), wanted.terms(), now)
    known = await _many_links(deps, keys, wanted.event_template(), wanted.terms(), sizes.links, now)
    sample = chance.sample(known, min(sizes.requests, len(known)))
    return Town(folder, begins, application_id, key, subs, calendar_ids, busy, sample, shown.token)


async def _many_links(
    deps: Deps, keys: list[tuple[str, str]], event: Json, terms: Terms, count: int, now: int
) -> list[tuple[str, str, str]]:
    """Rows as `links.create` writes them, many at once. Returns (key, link id, token) of each."""
    async with deps.database.transaction() as connection:
        application_id = keys[0][0]
        model = await links.create(connection, deps.vault, application_id, event, terms, now)
        row = (await connection.execute(select(links_table).where(links_table.c.link_id == model.link_id))).one()
    common = {**row._mapping}
    known: list[tuple[str, str, str]] = []
    for first in range(0, count, ROWS_AT_ONCE):
        rows: list[Json] = []
        for number in range(first, min(first + ROWS_AT_ONCE, count)):
            application_id, key = keys[number % len(keys)]
            link_id, token, event_id = ids.new_id("sch"), ids.new_link_token(), f"interview-{number}"
            rows.append(
                {
                    **common,
                    "application_id": application_id,
                    "link_id": link_id,
                    "token_sha256": digest(token),
                    "sealed_token": deps.vault.seal(token, f"links/{application_id}/{link_id}"),
                    "event_id": event_id,
                    "event": links.event_text({**event, "event_id": event_id}),
                }
            )
            known.append((key, link_id, token))
        async with deps.database.transaction() as connection:
            await connection.execute(insert(links_table), rows)
    return known


def random_busy(chance: random.Random, begins: int, count: int) -> Busy:
    """Half-hour to hour-long events over the days of the availability query, at any time of the day, some at once."""
    quarters = AVAILABILITY_DAYS * DAY // QUARTER
    starts = (begins + chance.randrange(quarters) * QUARTER for _ in range(count))
    return [(start, start + chance.choice((2, 3, 4)) * QUARTER) for start in starts]


def _body(content: Json) -> bytes:
    return json.dumps(content).encode()
