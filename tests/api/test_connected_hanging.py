"""One provider that hangs delays nobody else: no clock is read here, what hangs is let go only after the others were
served."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from slotlink.domain.event import wire_time
from slotlink.services import busy
from slotlink.services.deps import Deps
from slotlink.store import profiles
from tests.api.connected import ConnectedPerson
from tests.api.faulty import FaultyGoogle, asked
from tests.center import DAY, HOUR, START, Center, CreatedLink

TOMORROW = START + DAY
NINE, TEN = TOMORROW, TOMORROW + HOUR
CALENDAR_TIMEOUT = "2"


class Ten:
    """Nine people whose calendars answer, and a tenth whose does not. Any two of them are enough."""

    def __init__(self, center: Center, first: FaultyGoogle) -> None:
        self.center = center
        self.worlds = [FaultyGoogle(first.google, f"p{number}@example.com") for number in range(10)]
        self.people = [ConnectedPerson(center, world) for world in self.worlds]
        self.last, self.hangs = self.people[-1], self.worlds[-1]

    def link(self, required: Any, **changes: Any) -> CreatedLink:
        members = [{"sub": person.sub} for person in self.people]
        query = self.center.query(*self.people, participants=[{"members": members, "required": required}])
        target = {"sub": self.people[0].sub, "calendar_id": self.people[0].calendar_id}
        return self.center.create_link(*self.people, availability=query, target_calendars=[target], **changes)


@pytest.fixture
def ten(faulty_google: FaultyGoogle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Ten]:
    monkeypatch.setattr(busy, "WAIT_FOR_PROVIDERS_S", 1.0)
    variables = {"SLOTLINK_CALENDAR_TIMEOUT": CALENDAR_TIMEOUT, **faulty_google.variables}
    with Center(tmp_path, **variables) as center:
        yield Ten(center, faulty_google)
        faulty_google.comes_back()


def test_a_page_that_needs_two_of_ten_is_there_while_one_hangs(ten: Ten) -> None:
    """On the first look after a restart, say, when every copy is too old."""
    link = ten.link(2)
    ten.center.clock.now += 1200
    for world in ten.worlds[:8]:
        world.adds(NINE, TEN)
    held = ten.hangs.service.faults.hold(**ten.hangs.changes, times=100)
    page = link.page()
    while not page.slots:  # whoever was not read in time is there for the next look; the tenth never is
        page = link.page()
    assert page.slots[0] == wire_time(TEN), "at nine the ninth alone is known to be free"
    assert not held.is_set() and asked(ten.hangs, ten.hangs.changes)
    before = len(ten.hangs.service.calls)
    assert link.page().slots == page.slots
    assert len(ten.hangs.service.calls) == before, "it is being asked already: nobody waits for it once more"
    held.set()


def test_a_booking_of_others_is_made_while_one_hangs(ten: Ten) -> None:
    link = ten.link(2)
    page = link.page()
    held = ten.hangs.service.faults.hold(**ten.hangs.live, times=100)
    assert link.choose(page.slots[0], page).code == 303
    assert not held.is_set()


def test_nobody_is_booked_who_needs_the_one_that_hangs(ten: Ten) -> None:
    link = ten.link("all")
    page = link.page()
    held = ten.hangs.service.faults.hold(**ten.hangs.live, times=100)
    refused = link.choose(page.slots[0], page)
    assert (refused.code, refused.error) == (409, "unreadable") and not held.is_set()


def test_a_provider_that_has_failed_is_not_asked_by_whoever_looks(ten: Ten) -> None:
    link = ten.link(2)

    async def failed(deps: Deps) -> None:
        async with deps.database.transaction() as connection:
            of = (ten.center.client_id, ten.last.connected.profile_id)
            await profiles.note_failure(connection, *of, 3, START + DAY)

    ten.center.run(failed)
    ten.center.clock.now += 1200
    before = len(asked(ten.hangs, ten.hangs.changes))
    page = link.page()
    while not page.slots:
        page = link.page()
    assert page.slots[0] == wire_time(NINE)
    assert len(asked(ten.hangs, ten.hangs.changes)) == before
