"""Writing an event into a calendar elsewhere while the provider misbehaves: whatever goes wrong, in the end there is
one event, at the time that was wanted last, and nobody has to guess why it took so long."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from slotlink.services import write_back
from slotlink.services.deps import Deps
from slotlink.store import outbox
from tests.api.connected import ConnectedPerson
from tests.api.faulty import FaultyWorld, When, asked
from tests.api.looking import HTML, delete, history, kept, times, worked
from tests.center import DAY, HOUR, START, Center
from tests.doubles.faults import Faults

TOMORROW = START + DAY
NINE, TEN, ELEVEN = (TOMORROW + hour * HOUR for hour in range(3))
DONE = ("written", "as wanted already", "deleted")

FAULTS: dict[str, Callable[[Faults, When], object]] = {
    "hangs up before it is done": lambda faults, when: faults.close_before(**when),
    "hangs up once it is done": lambda faults, when: faults.close_after(**when),
    "cuts its answer off": lambda faults, when: faults.cut(**when),
    "answers 500": lambda faults, when: faults.answer(500, b"", **when),
    "answers 502 once it is done": lambda faults, when: faults.answer(502, b"", done=True, **when),
    "answers 503": lambda faults, when: faults.answer(503, b"", **when),
    "answers 429": lambda faults, when: faults.answer(429, b"", {"Retry-After": "120"}, **when),
    "answers with something else": lambda faults, when: faults.answer(
        200, HTML, {"Content-Type": "text/html"}, done=True, **when
    ),
    "answers nothing in time": lambda faults, when: faults.hold(**when),
}


LOST = ("hangs up before it is done", "hangs up once it is done", "answers nothing in time")


@pytest.mark.parametrize("fault", FAULTS)
def test_an_event_is_created_once(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson, fault: str
) -> None:
    faulty_ann.event("interview-1", NINE, TEN)
    FAULTS[fault](faulty.service.faults, faulty.creates)
    outcomes = faulty_ann.work()
    faulty.comes_back()
    faulty_ann.sync()
    assert len(faulty_ann.events()) == 1, "also where our event is there and we do not know it"
    outcomes += worked(faulty_center, faulty_ann)
    assert outcomes[-1] in DONE and faulty.meetings() == [(NINE, TEN)]
    assert kept(faulty_center, faulty_ann).done
    faulty_ann.sync()
    assert [event["event_id"] for event in faulty_ann.events()] == ["interview-1"]


@pytest.mark.parametrize("fault", LOST)
def test_an_event_that_is_moved_before_the_next_attempt_is_there_once_where_it_was_moved_to(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson, fault: str
) -> None:
    """What arrived without our hearing of it is ours, and no person's doing."""
    faulty_ann.event("interview-1", NINE, TEN)
    FAULTS[fault](faulty.service.faults, faulty.creates)
    faulty_ann.work()
    faulty.comes_back()
    faulty_ann.event("interview-1", TEN, ELEVEN)
    worked(faulty_center, faulty_ann)
    assert faulty.meetings() == [(TEN, ELEVEN)]
    faulty_ann.sync()
    assert times(faulty_ann) == [TEN]


@pytest.mark.parametrize("fault", LOST)
def test_a_change_is_made_once_and_another_wins_over_it(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson, fault: str
) -> None:
    faulty_ann.event("interview-1", NINE, TEN)
    faulty_ann.work()
    faulty_ann.event("interview-1", TEN, ELEVEN)
    FAULTS[fault](faulty.service.faults, faulty.updates)
    faulty_ann.work()
    faulty.comes_back()
    faulty_center.clock.now += 60
    faulty_ann.sync()
    assert times(faulty_ann) == [TEN], "what is wanted is not taken for a person's doing"
    faulty_ann.event("interview-1", ELEVEN, ELEVEN + HOUR)
    worked(faulty_center, faulty_ann)
    assert faulty.meetings() == [(ELEVEN, ELEVEN + HOUR)]
    faulty_ann.sync()
    assert times(faulty_ann) == [ELEVEN]


@pytest.mark.parametrize("fault", LOST)
def test_a_deletion_is_done_once(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson, fault: str
) -> None:
    faulty_ann.event("interview-1", NINE, TEN)
    faulty_ann.work()
    delete(faulty_ann)
    FAULTS[fault](faulty.service.faults, faulty.deletes_ours)
    faulty_ann.work()
    faulty.comes_back()
    worked(faulty_center, faulty_ann)
    assert faulty.meetings() == [] and kept(faulty_center, faulty_ann).done


@pytest.mark.parametrize("status", [400, 403])
def test_what_is_refused_for_good_is_told_and_not_tried_again(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson, status: int
) -> None:
    """403 by right, in the provider's own words; the calendar itself can be read as before."""
    link = faulty_center.create_link(faulty_ann)
    assert link.choose(link.page().slots[0]).code == 303
    if status == 403 and faulty.provider_name == "google":
        body: Any = {"error": {"code": 403, "errors": [{"domain": "calendar", "reason": "requiredAccessLevel"}]}}
    else:
        body = {"error": {"code": "ErrorAccessDenied" if status == 403 else "ErrorInvalidRequest", "message": ""}}
    faulty.service.faults.answer(status, body, **faulty.creates)
    [outcome] = faulty_ann.work()
    assert outcome not in DONE
    assert history(faulty_center, link.link_id) == ["created", "completed", "problem"]
    assert kept(faulty_center, faulty_ann).problem == outcome, "the operator sees why"
    faulty_center.clock.now += DAY
    assert faulty_ann.work() == [] and faulty.meetings() == []


def test_a_provider_that_says_when_is_not_asked_before(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson
) -> None:
    faulty_ann.event("interview-1", NINE, TEN)
    faulty.service.faults.answer(429, b"", {"Retry-After": "1000"}, **faulty.creates)
    faulty_ann.work()
    faulty_center.clock.now += 999
    assert faulty_ann.work() == []
    faulty_center.clock.now += 600  # and some, by chance
    assert faulty_ann.work() == ["written"]


def test_the_version_was_another_and_nobody_had_changed_anything(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson
) -> None:
    """412, and what stands there is what we wrote: it is written all the same."""
    faulty_ann.event("interview-1", NINE, TEN)
    faulty_ann.work()
    faulty_ann.event("interview-1", TEN, ELEVEN)
    faulty.service.faults.answer(412, b"", **faulty.updates)
    faulty_ann.work()
    worked(faulty_center, faulty_ann)
    assert faulty.meetings() == [(TEN, ELEVEN)]


@pytest.mark.parametrize("happens", ["moved", "deleted"])
def test_what_a_person_does_at_the_very_moment_of_our_write_stays(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson, happens: str
) -> None:
    faulty_ann.event("interview-1", NINE, TEN)
    faulty_ann.work()
    faulty_ann.event("interview-1", TEN, ELEVEN)
    held = faulty.service.faults.hold(**faulty.updates)
    before = len(asked(faulty, faulty.updates))

    def at_that_moment() -> None:
        while len(asked(faulty, faulty.updates)) == before:
            time.sleep(0.01)
        if happens == "moved":
            faulty.moves(faulty.name_at(NINE), ELEVEN, ELEVEN + HOUR)
        else:
            faulty.deletes(faulty.name_at(NINE))
        held.set()

    person = threading.Thread(target=at_that_moment)
    person.start()
    outcomes = faulty_ann.work()
    person.join()
    outcomes += worked(faulty_center, faulty_ann)
    assert "person" in outcomes[0] + outcomes[-1]
    there = [(ELEVEN, ELEVEN + HOUR)] if happens == "moved" else []
    assert faulty.meetings() == there
    faulty_center.clock.now += 60
    faulty_ann.sync()
    assert times(faulty_ann) == [start for start, _ in there]
    assert faulty_ann.work() == [] and faulty.meetings() == there


def test_a_crash_between_put_and_settle_leaves_one_event(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty_ann.event("interview-1", NINE, TEN)

    async def dies(*_: object, **__: object) -> None:
        raise SystemError("killed")

    with monkeypatch.context() as crash:
        crash.setattr(write_back, "_settle", dies)
        with pytest.raises(SystemError):
            faulty_ann.work()
    assert faulty.meetings() == [(NINE, TEN)]
    faulty_center.clock.now += 10
    faulty_ann.sync()
    assert len(faulty_ann.events()) == 1
    assert faulty_ann.work() == [], "leased to whoever died"
    faulty_center.clock.now += HOUR
    assert faulty_ann.work() == ["written"] and faulty.meetings() == [(NINE, TEN)]


@pytest.mark.parametrize("order", [(0, 1, 0, 1), (1, 0), (1, 1, 0, 0)], ids=["doubled", "late", "both"])
def test_promises_in_any_order_and_number_leave_the_newest(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson, order: tuple[int, ...]
) -> None:
    faulty_ann.event("interview-1", NINE, TEN)
    faulty_ann.event("interview-1", TEN, ELEVEN)

    async def attempt(deps: Deps) -> None:
        async with deps.database.transaction() as connection:
            items = await outbox.claim(connection, "w_test", int(faulty_center.clock()), lease_s=60, limit=20)
        writes = [item for item in items if item.kind == "event_write"]
        for number in order:
            await write_back.carry_out(deps, writes[number], int(faulty_center.clock()))

    faulty_center.run(attempt)
    assert faulty.meetings() == [(TEN, ELEVEN)] and kept(faulty_center, faulty_ann).done


def test_two_attempts_at_once_of_which_the_older_is_slow_leave_the_newer(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker was held up after it had read what was wanted; meanwhile another moved and wrote it."""
    link = faulty_center.create_link(faulty_ann)
    assert link.choose(link.page().slots[0]).code == 303
    put = faulty.connector.put
    late = iter([True])

    async def held_up(connector: Any, *arguments: Any) -> Any:
        if next(late, False):
            await asyncio.to_thread(faulty_ann.event, "interview-1", TEN, ELEVEN)
            await asyncio.to_thread(faulty_ann.work)
            assert faulty.meetings() == [(TEN, ELEVEN)]
        return await put(connector, *arguments)

    monkeypatch.setattr(faulty.connector, "put", held_up)
    faulty_ann.work()
    worked(faulty_center, faulty_ann)
    assert faulty.meetings() == [(TEN, ELEVEN)] and kept(faulty_center, faulty_ann).done
    faulty_center.clock.now += 60
    faulty_ann.sync()
    assert times(faulty_ann) == [TEN]
    assert history(faulty_center, link.link_id) == ["created", "completed"], "nobody is told of what no person did"


def test_an_event_that_cannot_be_deleted_blocks_as_any_other(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson
) -> None:
    faulty_ann.event("interview-1", NINE, TEN)
    faulty_ann.work()
    delete(faulty_ann)
    faulty.service.faults.answer(400, {"error": {"code": 400}}, **faulty.deletes_ours, times=1000)
    assert faulty_ann.work() not in ([], ["deleted"])
    faulty.comes_back()
    day = TOMORROW + DAY
    faulty.moves(faulty.name_at(NINE), day, day + HOUR)  # or a read of everything, the next day
    faulty_center.clock.now += 600
    faulty_ann.sync()
    assert times(faulty_ann) == [day]


@pytest.mark.parametrize("why", ["away", "revoked"])
def test_given_up_it_is_in_the_links_history(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson, why: str
) -> None:
    link = faulty_center.create_link(faulty_ann)
    assert link.choose(link.page().slots[0]).code == 303
    if why == "away":
        faulty.goes_away()
    else:
        faulty.revokes()
    try:
        for _ in range(40):
            faulty_ann.work()
            faulty_center.clock.now += DAY
    finally:
        faulty.comes_back()
    assert history(faulty_center, link.link_id) == ["created", "completed", "problem"]
    assert kept(faulty_center, faulty_ann).problem
