"""What the page of a link costs whose people's calendars live elsewhere, beside the same with embedded ones, and beside
the same when one provider is dead. Nothing is timed before the pages offer the same times."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.calendar_objects import DAY, CalendarObject, plain_object
from bench.figures import Figure, Samples
from bench.load import Load, answer_to, cpu_per_request, request
from bench.mirrored_people import connect_person, fill_mirror
from bench.processes import SLOTLINK_SERVE, Server
from bench.scenarios import Shape, ten_people
from bench.town import availability_query, link_request
from slotlink.app import open_deps, prepare
from slotlink.services.deps import Deps
from slotlink.settings import Settings
from slotlink.store import applications, ids, links, tables
from slotlink.store.calendars import list_calendars, touch_calendar
from slotlink.store.profiles import create_application_calendar
from slotlink.web.body import check
from slotlink.web.link_request import LinkRequest
from slotlink.web.wire import WireContext

SERVER_US = "server CPU µs"
EMBEDDED, MIRRORED, ONE_DEAD = "embedded", "mirrored", "one provider dead"
ALONE = (*SLOTLINK_SERVE, "--no-background")  # nobody looks for these providers, which do not exist
SETTLED_S = 0.02  # after an answer has come, what the server still does for it is done
CONNECTIONS = 4
DEAD_GOAL = 1.5
MIRRORED_GOAL = 1.25
_OFFERED = re.compile(rb'value="(\d{4}-\d\d-\d\dT[^"]+)"')


@dataclass(frozen=True)
class _Group:
    """A link that all but one of its people have to come to: `path` is that of its page."""

    path: str
    subs: list[str]


def page_figures(load: Load, shape: Shape, rounds: int, seconds: float, folder: Path) -> list[Figure]:
    """Hot: the same page over and over. Cold: its first view on a server that has shown another link's page before."""
    groups, warm_up = asyncio.run(_fill(folder, shape))
    samples: dict[str, Samples] = {f"{name} {state}": [] for name in groups for state in ("cold", "hot")}
    for number in range(rounds):
        with Server(folder, ALONE) as server:
            _first_view(server, warm_up)
            names = list(groups) if number % 2 == 0 else list(reversed(groups))
            for name in names:
                samples[f"{name} cold"].append(_first_view(server, groups[name]) * 1e6)
            _agree(server, groups)
            for name in names:
                prepared = [request(groups[name].path)]
                used = cpu_per_request(
                    load, server, prepared, seconds=seconds, warm_up=seconds / 4, connections=CONNECTIONS
                )
                samples[f"{name} hot"].append(used)
    asked = f"page, {shape.members} people, {shape.days} days, {shape.events_each} events each"
    figures: list[Figure] = []
    for state in ("hot", "cold"):
        embedded, mirrored, dead = (samples[f"{name} {state}"] for name in (EMBEDDED, MIRRORED, ONE_DEAD))
        figures += [
            Figure(
                f"{asked}, mirrored: {state}",
                SERVER_US,
                "the same, embedded",
                mirrored,
                embedded,
                at_most=MIRRORED_GOAL,
            ),
            Figure(
                f"{asked}, mirrored, one provider dead: {state}",
                SERVER_US,
                "the same, none dead",
                dead,
                mirrored,
                at_most=DEAD_GOAL,
            ),
        ]
    return figures


def _first_view(server: Server, group: _Group) -> float:
    """Seconds of the server's CPU for one request."""
    time.sleep(SETTLED_S)
    before = server.cpu_s()
    answer = answer_to(server.port, request(group.path))
    time.sleep(SETTLED_S)
    assert answer.status == 200, answer
    return server.cpu_s() - before


def _agree(server: Server, groups: dict[str, _Group]) -> None:
    offered = {name: _OFFERED.findall(answer_to(server.port, request(each.path)).body) for name, each in groups.items()}
    assert offered[EMBEDDED], "nothing is offered"
    assert offered[EMBEDDED] == offered[MIRRORED], "embedded and mirrored people are offered at different times"
    assert offered[ONE_DEAD], "with one provider dead nothing is offered"


async def _fill(folder: Path, shape: Shape) -> tuple[dict[str, _Group], _Group]:
    """Three links, each with as many people of its own, who are busy at the same times; and one with one person."""
    settings = Settings.from_environ({"SLOTLINK_DATA_DIR": str(folder)})
    await prepare(settings)
    deps, now = open_deps(settings, checkpoints=True), int(time.time())
    begins = (now // DAY + 1) * DAY
    scenario = ten_people(shape)
    busy = [
        [
            plain_object(number, start - scenario.begins + begins, end - scenario.begins + begins)
            for number, (start, end) in enumerate(events)
        ]
        for events in scenario.events
    ]
    try:
        async with deps.database.transaction() as connection:
            application_id, _ = await applications.create(connection, deps.vault, "Office", now)
            groups: dict[str, list[str]] = {EMBEDDED: [], MIRRORED: [], ONE_DEAD: []}
            for number, objects in enumerate(busy):
                groups[EMBEDDED].append(await _embedded(connection, application_id, f"person-{number}", objects, now))
                for name in (MIRRORED, ONE_DEAD):
                    user = f"{name.replace(' ', '-')}-{number}"
                    server = "http://127.0.0.1:9"  # nobody is asked
                    person = await connect_person(
                        connection, deps.vault, application_id, user, server, f"{server}/{user}/", now
                    )
                    dead = name == ONE_DEAD and number == 0
                    await fill_mirror(connection, person, objects, now, dead=dead)
                    groups[name].append(person.sub)
            single = await _embedded(connection, application_id, "single", busy[0], now)
        found = {
            name: await _link(deps, application_id, subs, begins, shape.days, now) for name, subs in groups.items()
        }
        return found, await _link(deps, application_id, [single], begins, shape.days, now)
    finally:
        await deps.database.close()


async def _embedded(
    connection: AsyncConnection, application_id: str, name: str, objects: Sequence[CalendarObject], now: int
) -> str:
    """Rows as an import writes them, all at once."""
    account = await create_application_calendar(connection, application_id, name, now)
    (calendar,) = await list_calendars(connection, application_id, [account.sub])
    uids = [(each, ids.new_id("evt_external")) for each in objects]
    whose = {"application_id": application_id, "calendar_id": calendar.calendar_id}
    written = {"details": '{"summary":"Busy"}', "recurring": False, "created_at": now, "updated_at": now}
    await connection.execute(
        insert(tables.events),
        [{**whose, **written, "event_uid": uid, "ical_uid": each.uid, "ical": each.text} for each, uid in uids],
    )
    await connection.execute(
        insert(tables.busy_periods),
        [
            {**whose, "event_uid": uid, "occurrence": 0, "start_at": each.start, "end_at": each.end, "kind": "busy"}
            for each, uid in uids
        ],
    )
    await touch_calendar(connection, application_id, calendar.calendar_id, now)
    return account.sub


async def _link(deps: Deps, application_id: str, subs: list[str], begins: int, days: int, now: int) -> _Group:
    asked = link_request([], [], begins)
    del asked["target_calendars"]
    asked["availability"] |= availability_query(subs, begins, days)
    del asked["availability"]["response_format"]
    asked["availability"]["participants"][0]["required"] = max(1, len(subs) - 1)
    wanted = check(LinkRequest, asked, WireContext(deps.settings.limits, ()))
    async with deps.database.transaction() as connection:
        link = await links.create(connection, deps.vault, application_id, wanted.event_template(), wanted.terms(), now)
    return _Group(f"/rts/{link.token}", subs)
