"""Reading calendars elsewhere while the provider misbehaves: what cannot be read is never free, nothing is lost, and
all goes on by itself once it behaves again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from slotlink.domain.event import wire_time
from slotlink.services.deps import Deps
from slotlink.services.sync import LEASE_S
from slotlink.store import mirrors
from tests.api.connected import ConnectedPerson
from tests.api.faulty import FaultyRadicale, FaultyWorld, When, asked
from tests.api.looking import (
    HTML,
    after,
    busy_starts,
    odd,
    problem,
    profile_of,
    sign_in_anew,
    sync_due,
    times,
)
from tests.center import DAY, HOUR, START, Center
from tests.doubles.faults import Faults

TOMORROW = START + DAY
NINE, TEN, ELEVEN = (TOMORROW + hour * HOUR for hour in range(3))
LONG = {"times": 1000}
ICAL = {"Content-Type": "text/calendar"}
BEYOND: dict[str, Callable[[Faults, When], object]] = {
    "hangs up": lambda faults, when: faults.close_before(**when, **LONG),
    "cuts its answer off": lambda faults, when: faults.cut(**when, **LONG),
    "answers 500": lambda faults, when: faults.answer(500, b"", **when, **LONG),
    "answers 429": lambda faults, when: faults.answer(429, b"", {"Retry-After": "30"}, **when, **LONG),
    "answers with something else": lambda faults, when: faults.answer(
        200, HTML, {"Content-Type": "text/html"}, **when, **LONG
    ),
    "answers nothing in time": lambda faults, when: faults.hold(**when, **LONG),
}


@pytest.mark.parametrize("fault", BEYOND)
def test_a_time_that_cannot_be_looked_at_again_is_not_booked(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson, fault: str
) -> None:
    link = faulty_center.create_link(faulty_ann)
    page = link.page()
    faulty.adds(NINE, TEN)  # so an answer that is taken for "nothing there" would be one meeting over another
    BEYOND[fault](faulty.service.faults, faulty.live)
    refused = link.choose(wire_time(NINE), page)
    assert (refused.code, refused.error) == (409, "unreadable")
    assert link.status()["status"] == "open" and faulty_ann.work() == []
    faulty.comes_back()
    refused = link.choose(wire_time(NINE), page)
    assert (refused.code, refused.error) == (409, "taken")
    assert link.choose(wire_time(TEN), page).code == 303


@pytest.mark.parametrize("fault", [name for name in BEYOND if name != "answers nothing in time"])
def test_the_copy_is_believed_for_its_time_and_then_nothing_until_it_is_read_again(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson, fault: str
) -> None:
    BEYOND[fault](faulty.service.faults, faulty.changes)
    link = faulty_center.create_link(faulty_ann)
    faulty_center.clock.now += 600
    faulty_ann.sync()
    assert problem(faulty_center, faulty_ann), "the operator sees why it is not read"
    assert link.page().slots, "what was read a moment ago counts"
    faulty_center.clock.now += 600
    faulty_ann.sync()
    assert link.page().slots == []
    faulty.comes_back()
    faulty.adds(NINE, TEN)
    faulty_center.clock.now += 1800
    faulty_ann.sync()
    assert link.page().slots[0] == wire_time(TEN) and problem(faulty_center, faulty_ann) is None


def test_a_provider_that_asks_to_be_left_alone_is(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson
) -> None:
    faulty.service.faults.answer(429, b"", {"Retry-After": "5000"}, **faulty.changes, **LONG)
    faulty_center.clock.now += 600
    faulty_ann.sync()
    faulty.comes_back()
    profile = faulty_center.run(lambda deps: profile_of(deps, faulty_center, faulty_ann))
    assert profile.failures == 1 and profile.retry_at == START + 5600
    before = len(asked(faulty, faulty.changes))
    link = faulty_center.create_link(faulty_ann)
    faulty_center.clock.now += 4999
    assert link.page().slots == [] and len(asked(faulty, faulty.changes)) == before, "nobody's look makes it be asked"
    faulty_center.clock.now += 2
    assert link.page().slots and len(asked(faulty, faulty.changes)) > before


def test_a_cursor_that_is_gone_means_everything_once_more(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson
) -> None:
    """410, or what the provider says instead: what is new is found, what is gone is free, what is ours stays ours."""
    faulty.adds(NINE, TEN)
    faulty_ann.event("interview-1", ELEVEN, ELEVEN + HOUR)
    faulty_ann.work()
    faulty_center.clock.now += 60
    faulty_ann.sync()
    faulty.deletes(faulty.name_at(NINE))
    faulty.adds(TEN, ELEVEN)
    faulty.forgets_cursors()
    faulty_center.clock.now += 60
    faulty_ann.sync()
    assert sorted(times(faulty_ann)) == [TEN, ELEVEN]
    [managed] = faulty_ann.events(only_managed="true")
    assert managed["event_id"] == "interview-1"
    assert faulty_center.create_link(faulty_ann).page().slots[0] == wire_time(NINE)


def test_a_change_told_while_it_is_read_is_read_afterwards(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else's event comes in after the answer, and a notice of it while the answer is taken in."""
    faulty_center.clock.now += 60

    async def hasten(deps: Deps) -> None:
        async with deps.database.transaction() as connection:
            now = int(faulty_center.clock())
            await mirrors.hasten(connection, faulty_center.client_id, [faulty_ann.calendar_id], now)

    def told() -> None:
        faulty.adds(NINE, TEN)
        faulty_center.run(hasten)

    after(faulty, monkeypatch, told)
    faulty_ann.sync()
    sync_due(faulty_center, faulty_ann)
    assert faulty_center.create_link(faulty_ann).page().slots[0] == wire_time(TEN)


def test_whoever_died_while_reading_is_followed_by_another(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson
) -> None:
    faulty_center.clock.now += 600
    faulty.adds(NINE, TEN)

    async def claims_and_dies(deps: Deps) -> None:
        now = int(faulty_center.clock())
        async with deps.database.transaction() as connection:
            found = await mirrors.list_mirrors(connection, faulty_center.client_id, subs=[faulty_ann.sub])
            assert await mirrors.claim(connection, found, now, LEASE_S)

    faulty_center.run(claims_and_dies)
    before = len(asked(faulty, faulty.changes))
    faulty_center.clock.now += LEASE_S - 1
    sync_due(faulty_center, faulty_ann)
    assert len(asked(faulty, faulty.changes)) == before, "leased"
    faulty_center.clock.now += 1
    sync_due(faulty_center, faulty_ann)
    assert faulty_center.create_link(faulty_ann).page().slots[0] == wire_time(TEN)


def test_one_that_was_only_slow_says_nothing_any_more(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease ended, another has read what came later; the slow answer must not bring the old state back."""
    name = faulty.adds(NINE, TEN)
    faulty_center.clock.now += DAY + 1

    def another() -> None:
        faulty.deletes(name)
        faulty.adds(TEN, ELEVEN)
        faulty_center.clock.now += LEASE_S + 1
        sync_due(faulty_center, faulty_ann)

    after(faulty, monkeypatch, another)
    sync_due(faulty_center, faulty_ann)
    starts = faulty_center.run(lambda deps: busy_starts(deps, faulty_center, faulty_ann))
    assert starts == [TEN]


def test_access_taken_away_in_the_middle_of_a_read_disconnects_and_what_was_read_counts_no_more(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    after(faulty, monkeypatch, faulty.revokes)
    link = faulty_center.create_link(faulty_ann)
    for _ in range(2):  # what it had in hand was good; the next one is not
        faulty_center.clock.now += 600
        faulty_ann.sync()
    profile = faulty_center.run(lambda deps: profile_of(deps, faulty_center, faulty_ann))
    assert not profile.connected and profile.disconnected_reason
    assert link.page().slots == []


def test_a_password_refused_to_a_slow_request_does_not_end_a_newer_sign_in(
    faulty_radicale: FaultyRadicale, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Center(tmp_path, **faulty_radicale.variables) as center:
        ann = ConnectedPerson(center, faulty_radicale)
        center.clock.now += 600
        faults = faulty_radicale.service.faults
        original = faulty_radicale.connector.changes

        async def refused_late(connector: Any, *arguments: Any) -> Any:
            monkeypatch.setattr(faulty_radicale.connector, "changes", original)
            faults.answer(401, b"", **faulty_radicale.changes)
            try:
                return await original(connector, *arguments)
            finally:
                await asyncio.to_thread(center.run, lambda deps: sign_in_anew(deps, center, faulty_radicale))

        monkeypatch.setattr(faulty_radicale.connector, "changes", refused_late)
        ann.sync()
        faulty_radicale.let_in("pw1")
        profile = center.run(lambda deps: profile_of(deps, center, ann))
        assert profile.connected


def test_an_event_nobody_can_read_makes_its_calendar_unreadable_until_it_is_put_right(
    faulty_radicale: FaultyRadicale, tmp_path: Any
) -> None:
    with Center(tmp_path, **faulty_radicale.variables) as center:
        ann = ConnectedPerson(center, faulty_radicale)
        link = center.create_link(ann)
        page = link.page()
        faulty_radicale.stores("odd.ics", odd("TZID=Custom/Nowhere:20270305T090000"))
        center.clock.now += 60
        ann.sync()
        assert "Custom/Nowhere" in (problem(center, ann) or "")
        assert link.page().slots == []
        assert link.choose(page.slots[0], page).error == "unreadable"
        faulty_radicale.stores("odd.ics", odd("TZID=Europe/Berlin:20270305T100000"))
        center.clock.now += 3600
        ann.sync()
        assert problem(center, ann) is None
        assert link.page().slots[0] == wire_time(TEN)
