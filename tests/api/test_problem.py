"""A booking that cannot be kept whole is told, never silent."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from slotlink.services import booking as service
from slotlink.store import links
from slotlink.store.tables import calendars
from tests.api.asking import callbacks, capture_log, change, wire
from tests.api.test_booking import targets
from tests.center import Center, CreatedLink, Person

COMPLETED, PROBLEM = "https://application.test/completed", "https://application.test/problem"
URLS = {"completed_url": COMPLETED, "problem_url": PROBLEM}


def make_read_only(center: Center, calendar_id: str) -> None:
    async def act(deps: Any) -> None:
        async with deps.database.transaction() as connection:
            await connection.execute(
                update(calendars).where(calendars.c.calendar_id == calendar_id).values(readonly=True)
            )

    center.run(act)


def history(center: Center, link: CreatedLink) -> list[tuple[int, str, Any]]:
    async def read(deps: Any) -> list[tuple[int, str, Any]]:
        async with deps.database.reading() as connection:
            return await links.history(connection, center.client_id, link.link_id)

    return center.run(read)


def test_an_event_whose_calendar_became_read_only_is_told_as_a_problem(
    center: Center, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = capture_log(monkeypatch, service)
    maya, jonas = center.person("maya"), center.person("jonas")
    link = center.create_link(maya, jonas, callback_urls=URLS)
    make_read_only(center, jonas.calendar_id)
    assert link.choose(link.page().slots[0]).code == 303

    [problem] = callbacks(center, PROBLEM)
    [completed] = callbacks(center, COMPLETED)
    reason = "the event could not be written: the calendar is gone or read-only"
    told = {"reason": reason, "calendar_id": jonas.calendar_id, "sub": jonas.sub}
    assert problem == {
        "notification": {"type": "real_time_scheduling_problem", "triggered_at": "2027-03-04T09:00:00Z"},
        "problem": told,
        "real_time_scheduling": link.status(),
    }
    assert [p["sub"] for p in completed["participants"]] == [maya.sub, jonas.sub]
    assert len(maya.events()) == 1 and jonas.events() == []
    now = int(center.clock())
    assert history(center, link) == [(now, "created", {}), (now, "completed", {}), (now, "problem", told)]
    assert log.entries[0] == {
        "event": "link.event_not_written",
        "log_level": "warning",
        "link": link.link_id,
        "calendar": jonas.calendar_id,
    }


def test_a_problem_is_kept_where_no_callback_is_asked_for(center: Center) -> None:
    maya = center.person("maya")
    link = center.create_link(maya)
    make_read_only(center, maya.calendar_id)
    assert link.choose(wire(1)).code == 303
    assert callbacks(center) == []
    assert [what for _, what, _ in history(center, link)] == ["created", "completed", "problem"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE calendars SET deleted = 1 WHERE calendar_id = ?",
        "UPDATE calendars SET readonly = 1 WHERE calendar_id = ?",
        "UPDATE profiles SET connected = 0 WHERE profile_id = (SELECT profile_id FROM calendars WHERE calendar_id = ?)",
    ],
    ids=["deleted", "read-only", "disconnected"],
)
def test_a_target_outside_the_query_that_is_gone_is_told_too(center: Center, statement: str) -> None:
    maya, room, hall = (center.person(name) for name in ("maya", "room", "hall"))
    link = center.create_link(maya, target_calendars=targets(maya, room, hall), callback_urls=URLS)
    change(center, statement, room.calendar_id)
    assert link.choose(wire(1)).code == 303
    assert [told["problem"]["calendar_id"] for told in callbacks(center, PROBLEM)] == [room.calendar_id]
    assert [len(person.events()) for person in (maya, hall)] == [1, 1]


def test_whoever_lost_the_event_is_held_for_a_while(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    link, other = center.create_link(maya, jonas), center.create_link(jonas)
    make_read_only(center, jonas.calendar_id)
    slot = link.page().slots[0]
    link.choose(slot)
    assert slot not in other.page().slots
    center.clock.now += 599
    assert slot not in other.page().slots
    center.clock.now += 1
    assert slot in other.page().slots, "his calendar has no event, and only calendars speak from here on"


def test_no_problem_is_told_of_a_person_whose_calendars_are_as_they_were(center: Center) -> None:
    maya: Person = center.person("maya")
    link = center.create_link(maya, callback_urls=URLS)
    assert link.choose(wire(1)).code == 303
    assert len(callbacks(center, COMPLETED)) == 1 and callbacks(center, PROBLEM) == []
