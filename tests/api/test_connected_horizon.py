"""How far repeating events are known: as far as the calendar says and never further, whatever happens in between."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from slotlink import engine
from slotlink.domain.event import wire_time
from slotlink.domain.query import Group, Member, Query
from slotlink.services import busy
from slotlink.services import mirror as mirroring
from slotlink.services.deps import Deps
from slotlink.services.mirrored import KNOWN_AHEAD_S
from slotlink.store import tables
from tests.api.connected import ConnectedPerson
from tests.api.faulty import FaultyRadicale
from tests.api.looking import after, new_access, sync_due
from tests.center import DAY, HOUR, START, Center

FAR = START + 300 * DAY  # nine o'clock, well beyond what is read ahead


class Series:
    """Ann, with an hour at nine every day, and another at ten."""

    def __init__(self, center: Center, world: FaultyRadicale) -> None:
        self.center, self.world = center, world
        self.repeats("nine", "090000")
        self.repeats("ten", "100000")
        self.ann = ConnectedPerson(center, world)

    def repeats(self, name: str, time: str) -> None:
        event = [f"UID:{name}", "DTSTAMP:20270101T000000Z", f"DTSTART:20270304T{time}Z", "DURATION:PT1H"]
        event += ["RRULE:FREQ=DAILY", f"SUMMARY:{name}"]
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", "BEGIN:VEVENT", *event, "END:VEVENT"]
        self.world.stores(f"{name}.ics", "\r\n".join([*lines, "END:VCALENDAR", ""]))

    def starts(self, day: int) -> list[int] | None:
        """When Ann could meet for an hour on the morning of a day; None: nobody knows."""

        async def ask(deps: Deps) -> list[int] | None:
            member = Member(self.ann.sub)
            query = Query((Group((member,)),), HOUR, ((day, day + 3 * HOUR),))
            found = await busy.read_free_time(deps, self.center.client_id, query, int(self.center.clock()))
            if found.unreadable:
                return None
            free = [period for each in found.of(member) for period in engine.periods_of(each.free)]
            hours = range(day, day + 3 * HOUR, HOUR)
            return [start for start in hours if any(each.start <= start and start + HOUR <= each.end for each in free)]

        return self.center.run(ask)

    def known_until(self) -> int:
        async def read(deps: Deps) -> int:
            column = tables.calendars.c
            async with deps.database.reading() as connection:
                rows = await connection.execute(
                    select(column.known_until).where(column.calendar_id == self.ann.calendar_id)
                )
                return rows.scalar_one()

        return self.center.run(read)

    def a_day_later(self) -> None:
        self.center.clock.now += DAY + 1
        self.ann.access_token = self.center.run(lambda deps: new_access(deps, self.center, self.ann))


@pytest.fixture
def series(faulty_radicale: FaultyRadicale, tmp_path: Path) -> Generator[Series]:
    with Center(tmp_path, **faulty_radicale.variables) as center:
        yield Series(center, faulty_radicale)


def test_the_horizon_rolls_on_with_every_day(series: Series) -> None:
    assert series.known_until() == START + KNOWN_AHEAD_S
    series.a_day_later()
    series.ann.sync()
    assert series.known_until() == START + DAY + 1 + KNOWN_AHEAD_S

    async def last(deps: Deps) -> int:
        async with deps.database.reading() as connection:
            return (await connection.execute(select(func.max(tables.busy_periods.c.start_at)))).scalar_one()

    assert series.center.run(last) == START + DAY + KNOWN_AHEAD_S


def test_a_query_beyond_the_horizon_is_answered_from_what_repeats(series: Series) -> None:
    assert series.starts(FAR) == [FAR + 2 * HOUR]
    assert series.known_until() > FAR


def test_a_daily_read_that_dies_in_the_middle_leaves_no_time_free_that_is_not(
    series: Series, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It expands what repeats less far than a query before it had."""
    assert series.starts(FAR) == [FAR + 2 * HOUR]
    series.a_day_later()
    write, calls = mirroring.write_mirrored, iter([True])

    async def dies(*arguments: Any) -> None:
        if not next(calls, False):
            raise SystemError("killed")
        await write(*arguments)

    monkeypatch.setattr(mirroring, "BATCH", 1)
    with monkeypatch.context() as crash:
        crash.setattr(mirroring, "write_mirrored", dies)
        with pytest.raises(SystemError):
            series.ann.sync()
    assert series.known_until() <= START + DAY + 1 + KNOWN_AHEAD_S
    assert series.starts(FAR) in (None, [FAR + 2 * HOUR])
    series.center.clock.now += 1000
    sync_due(series.center, series.ann)
    assert series.starts(FAR) == [FAR + 2 * HOUR]


def test_a_query_beyond_the_horizon_while_a_change_is_read_loses_nothing(
    series: Series, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read was to be expanded less far than the calendar is known by then: it is read once more."""
    series.center.clock.now += 60
    series.repeats("nine", "110000")
    looked: list[list[int] | None] = []
    after(series.world, monkeypatch, lambda: looked.append(series.starts(FAR)))
    series.ann.sync()
    assert looked == [[FAR + 2 * HOUR]]
    assert series.starts(FAR) in ([FAR], [FAR + 2 * HOUR])
    sync_due(series.center, series.ann)
    assert series.starts(FAR) == [FAR], "it is at eleven by now, out there too"
    assert series.starts(START + DAY) == [START + DAY]


def test_a_look_at_a_slot_keeps_what_repeats_as_far_as_it_is_known(series: Series) -> None:
    link = series.center.create_link(series.ann)
    page = link.page()
    assert series.starts(FAR) == [FAR + 2 * HOUR]
    series.repeats("nine", "110000")
    day = START + DAY
    assert link.choose(wire_time(day + 2 * HOUR), page).error == "taken"
    assert series.starts(FAR) == [FAR]


def test_new_zone_data_expands_everything_anew(series: Series, monkeypatch: pytest.MonkeyPatch) -> None:
    day = START + DAY

    async def spoil(deps: Deps) -> None:
        """As if the zone's rules had been others when it was read."""
        busy_periods = tables.busy_periods
        async with deps.database.transaction() as connection:
            await connection.execute(update(busy_periods).values(kind="free"))
            await connection.execute(update(tables.accounts).values(version=tables.accounts.c.version + 1))

    series.world.adds(day + 2 * HOUR, day + 3 * HOUR)  # a single one: whole days of it are of a zone too
    series.center.clock.now += 60
    series.ann.sync()
    assert series.starts(day) == []
    series.center.run(spoil)
    series.center.clock.now += 60
    series.ann.sync()
    assert series.starts(day) == [day, day + HOUR, day + 2 * HOUR], "the versions are the same: not read again"
    monkeypatch.setattr(mirroring, "ZONE_VERSION", "2099z")
    series.center.clock.now += 60
    series.ann.sync()
    assert series.starts(day) == []


def test_our_event_that_a_person_has_made_repeat_blocks_every_time(series: Series) -> None:
    day, ann = START + DAY, series.ann
    ann.event("interview-1", day + 2 * HOUR, day + 3 * HOUR)
    ann.work()
    name = series.world.ours()
    text = series.world.ask("GET", name).decode()
    repeating = text.replace("SUMMARY", "RRULE:FREQ=DAILY\r\nSUMMARY", 1)
    series.world.ask("PUT", name, repeating.encode(), {"Content-Type": "text/calendar"})
    series.center.clock.now += 60
    ann.sync()
    assert series.starts(day + DAY) == [] and series.starts(FAR) == []
    series.a_day_later()
    ann.sync()
    assert series.starts(day + DAY) == [] and series.starts(FAR) == []
    assert ann.work() == []
