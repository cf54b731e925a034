"""A booking that cannot be kept whole is told, never silent."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from slotlink.store import links
from slotlink.store.tables import calendars
from tests.api.asking import callbacks
from tests.center import Center


def test_an_event_whose_calendar_became_read_only_is_told_as_a_problem(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    link = center.create_link(
        maya,
        jonas,
        callback_urls={
            "completed_url": "https://application.test/completed",
            "problem_url": "https://application.test/problem",
        },
    )

    async def make_read_only(deps: Any) -> None:
        async with deps.database.transaction() as connection:
            await connection.execute(
                update(calendars).where(calendars.c.calendar_id == jonas.calendar_id).values(readonly=True)
            )

    center.run(make_read_only)
    assert link.choose(link.page().slots[0]).code == 303

    [problem] = callbacks(center, "https://application.test/problem")
    [completed] = callbacks(center, "https://application.test/completed")
    assert problem["notification"]["type"] == "real_time_scheduling_problem"
    assert problem["problem"]["calendar_id"] == jonas.calendar_id and problem["problem"]["sub"] == jonas.sub
    assert problem["real_time_scheduling"] == link.status()
    assert [p["sub"] for p in completed["participants"]] == [maya.sub, jonas.sub]
    assert len(maya.events()) == 1 and jonas.events() == []

    async def history(deps: Any) -> list[str]:
        async with deps.database.reading() as connection:
            return [what for _, what, _ in await links.history(connection, center.client_id, link.link_id)]

    assert center.run(history) == ["created", "completed", "problem"]


def test_whoever_lost_the_event_is_held_for_a_while(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    link, other = center.create_link(maya, jonas), center.create_link(jonas)

    async def make_read_only(deps: Any) -> None:
        async with deps.database.transaction() as connection:
            await connection.execute(
                update(calendars).where(calendars.c.calendar_id == jonas.calendar_id).values(readonly=True)
            )

    center.run(make_read_only)
    slot = link.page().slots[0]
    link.choose(slot)
    assert slot not in other.page().slots
    center.clock.now += 601
    assert slot in other.page().slots, "his calendar has no event, and only calendars speak from here on"
