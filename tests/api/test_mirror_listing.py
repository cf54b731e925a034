"""What an operator sees of calendars elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slotlink.services.deps import Deps
from slotlink.store import mirror_listing
from tests.api.connected import ConnectedPerson, GoogleWorld
from tests.center import DAY, HOUR, START, Center, Clock
from tests.doubles.google import GoogleDouble


def test_what_needs_somebodys_eye(tmp_path: Path) -> None:
    with GoogleDouble() as google:
        world = GoogleWorld(google)
        with Center(tmp_path, clock=Clock(START), **world.variables) as center:
            ann = ConnectedPerson(center, world, read=False)
            assert listed(center) == [(ann.calendar_id, "not read yet", 0)]
            ann.sync()
            assert listed(center) == [(ann.calendar_id, None, 0)]
            assert listed(center, only_problems=True) == []
            ann.event("interview", START + DAY, START + DAY + HOUR)
            assert listed(center, only_problems=True) == [(ann.calendar_id, None, 1)], "our event is not there yet"
            ann.work()
            assert listed(center, only_problems=True) == []
            center.clock.now += DAY
            assert listed(center) == [(ann.calendar_id, "not read for too long", 0)]
            world.revokes()
            ann.sync()
            [(_, problem, _)] = listed(center, only_problems=True)
            assert problem is not None and problem.startswith("disconnected: ")


def listed(center: Center, *, only_problems: bool = False) -> list[tuple[str, str | None, int]]:
    async def read(deps: Deps) -> Any:
        async with deps.database.reading() as connection:
            return await mirror_listing.list_mirrors(
                connection, int(center.clock()), only_problems=only_problems, limit=10
            )

    return [(each.calendar_id, each.problem, each.unwritten) for each in center.run(read)]
