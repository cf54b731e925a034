"""Our own events come back to us: as an echo, from before we changed them, or as a person has put them since."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from slotlink.domain.event import wire_time
from tests.api.connected import ConnectedPerson
from tests.api.faulty import FaultyRadicale, FaultyWorld
from tests.api.looking import after, new_access, times
from tests.center import DAY, HOUR, START, Center

TOMORROW = START + DAY
NINE, TEN, ELEVEN = (TOMORROW + hour * HOUR for hour in range(3))
ICAL = {"Content-Type": "text/calendar"}


def test_an_event_written_while_it_is_read_is_neither_lost_nor_doubled(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is from before our write and is taken in after it: whole, it has no such event in it."""
    faulty_center.clock.now += DAY + 1  # so that all is read
    faulty_ann.access_token = faulty_center.run(lambda deps: new_access(deps, faulty_center, faulty_ann))

    def write() -> None:
        faulty_ann.event("interview-1", NINE, TEN)
        assert faulty_ann.work() == ["written"]

    after(faulty, monkeypatch, write)
    faulty_ann.sync()
    assert times(faulty_ann) == [NINE]
    faulty_center.clock.now += 2
    faulty_ann.sync()
    assert times(faulty_ann) == [NINE] and faulty.meetings() == [(NINE, TEN)]


def test_an_event_moved_by_us_while_it_is_read_is_where_we_put_it(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the answer has of it is its place before: that is no person's doing."""
    faulty_ann.event("interview-1", NINE, TEN)
    faulty_ann.work()
    faulty_center.clock.now += 60

    def write() -> None:
        faulty_ann.event("interview-1", TEN, ELEVEN)
        assert faulty_ann.work() == ["written"]

    after(faulty, monkeypatch, write)
    faulty_ann.sync()
    assert times(faulty_ann) == [TEN]
    faulty_center.clock.now += 2
    faulty_ann.sync()
    assert times(faulty_ann) == [TEN] and faulty.meetings() == [(TEN, ELEVEN)]


def test_an_event_of_ours_that_a_person_deletes_and_brings_back_blocks(
    faulty_radicale: FaultyRadicale, tmp_path: Path
) -> None:
    """It is theirs by now."""
    with Center(tmp_path, **faulty_radicale.variables) as center:
        ann = ConnectedPerson(center, faulty_radicale)
        ann.event("interview-1", NINE, TEN)
        ann.work()
        name = faulty_radicale.name_at(NINE)
        text = faulty_radicale.ask("GET", name)
        deletes, restores = (
            partial(faulty_radicale.deletes, name),
            partial(faulty_radicale.ask, "PUT", name, text, ICAL),
        )
        for acts, expected in ((deletes, []), (restores, [NINE])):
            acts()
            center.clock.now += 60
            ann.sync()
            assert times(ann) == expected
        assert center.create_link(ann).page().slots[0] == wire_time(TEN) and ann.work() == []


def test_a_last_look_in_the_second_of_our_own_write_believes_nothing_that_it_cannot_tell(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson
) -> None:
    """A person has moved our event just after: whether that is newer than our write, the next second tells."""
    faulty_ann.event("interview-1", NINE, TEN)
    faulty_ann.work()
    link = faulty_center.create_link(faulty_ann, event={"event_id": "next", "summary": "Next"})
    page = link.page()
    assert page.slots[0] == wire_time(TEN)
    faulty.moves(faulty.name_at(NINE), TEN, ELEVEN)
    assert link.choose(page.slots[0], page).error == "unreadable"
    faulty_center.clock.now += 1
    assert link.choose(page.slots[0], page).error == "taken"
