"""Our own events, written again after they were deleted or changed: nothing is lost; what blocks there blocks here."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from slotlink.domain.event import wire_time
from slotlink.services.deps import Deps
from slotlink.services.sync import sync_profile
from slotlink.store import due_calendars, mirrors
from tests.api.connected import ConnectedPerson
from tests.api.faulty import FaultyRadicale, FaultyWorld
from tests.api.looking import times
from tests.api.test_connected_faults import FAULTS, LOST
from tests.center import DAY, HOUR, START, Center

NINE, TEN, ELEVEN = (START + DAY + hour * HOUR for hour in range(3))
ICAL = {"Content-Type": "text/calendar"}


def delete(ann: ConnectedPerson) -> None:
    path = f"/v1/calendars/{ann.calendar_id}/events"
    assert ann.center.http.request("DELETE", path, json={"event_id": "interview-1"}, headers=ann.key).status_code == 202


def worked(ann: ConnectedPerson) -> list[str]:
    """Every attempt that is made in the next half hour."""
    outcomes: list[str] = []
    for _ in range(4):
        outcomes += ann.work()
        ann.center.clock.now += 400
    return outcomes


@pytest.mark.parametrize("fault", LOST)
def test_an_event_that_is_written_again_while_its_deletion_is_unknown(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson, fault: str
) -> None:
    """Whether the deletion arrived nobody knows; no person has to do with it."""
    faulty_ann.event("interview-1", NINE, TEN)
    faulty_ann.work()
    delete(faulty_ann)
    FAULTS[fault](faulty.service.faults, faulty.deletes_ours)
    faulty_ann.work()
    faulty.comes_back()
    faulty_ann.event("interview-1", TEN, ELEVEN)
    worked(faulty_ann)
    assert faulty.meetings() == [(TEN, ELEVEN)]
    faulty_ann.sync()
    assert times(faulty_ann) == [TEN]


def test_an_event_that_is_written_again_while_its_deletion_is_under_way(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty_ann.event("interview-1", NINE, TEN)
    faulty_ann.work()
    delete(faulty_ann)
    deletes = faulty.connector.delete

    async def and_then_again(connector: object, *arguments: object) -> None:
        await deletes(connector, *arguments)  # type: ignore[arg-type] - whatever a connector takes
        await asyncio.to_thread(faulty_ann.event, "interview-1", TEN, ELEVEN)

    with monkeypatch.context() as patched:
        patched.setattr(faulty.connector, "delete", and_then_again)
        faulty_ann.work()
    worked(faulty_ann)
    assert faulty.meetings() == [(TEN, ELEVEN)]
    faulty_ann.sync()
    assert times(faulty_ann) == [TEN]


@pytest.mark.parametrize("updated", [False, True], ids=["as we wrote it", "updated before it is read"])
def test_what_a_person_made_busy_blocks(faulty_radicale: FaultyRadicale, tmp_path: Path, updated: bool) -> None:
    """Our event blocked nothing; our update keeps what they made of it, and so must our copy."""
    with Center(tmp_path, **faulty_radicale.variables) as center:
        ann = ConnectedPerson(center, faulty_radicale)
        ann.event("interview-1", NINE, TEN, transparency="transparent")
        ann.work()
        center.clock.now += 60
        ann.sync()
        assert center.create_link(ann).page().slots[0] == wire_time(NINE)
        name = faulty_radicale.name_at(NINE)
        text = faulty_radicale.ask("GET", name).decode()
        assert "TRANSP:TRANSPARENT" in text
        faulty_radicale.ask("PUT", name, text.replace("TRANSP:TRANSPARENT", "TRANSP:OPAQUE").encode(), ICAL)
        center.clock.now += 60
        if updated:
            ann.event("interview-1", NINE, TEN, transparency="transparent", description="new words")
            assert ann.work() == ["written"]
        center.clock.now += 60
        ann.sync()
        link = center.create_link(ann)
        assert link.page().slots[0] == wire_time(TEN)
        assert link.choose(wire_time(NINE), link.page()).code == 409


def test_a_notice_while_it_is_read_sets_no_two_readers_against_each_other(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second has claimed it, so the first gives way; it must not have the second give way in turn."""
    changes, reads = faulty.connector.changes, [0]
    faulty_center.clock.now += 60

    async def read_twice(deps: Deps) -> list[str]:
        application_id, profile_id = faulty_center.client_id, faulty_ann.connected.profile_id
        now = int(faulty_center.clock())

        async def hasten() -> None:
            async with deps.database.transaction() as connection:
                await mirrors.hasten(connection, application_id, [faulty_ann.calendar_id], now)

        async def with_another_inside(connector: object, *arguments: object) -> object:
            reads[0] += 1
            if reads[0] == 1:
                await hasten()
                second.append(asyncio.create_task(sync_profile(deps, application_id, profile_id, now)))
                while reads[0] == 1:
                    await asyncio.sleep(0.01)
            elif reads[0] == 2:
                await first_is_done.wait()
            return await changes(connector, *arguments)  # type: ignore[arg-type] - whatever a connector takes

        second: list[asyncio.Task[bool]] = []
        first_is_done = asyncio.Event()
        monkeypatch.setattr(faulty.connector, "changes", with_another_inside)
        await hasten()
        await sync_profile(deps, application_id, profile_id, now)
        async with deps.database.reading() as connection:
            due = await due_calendars.due_of(connection, application_id, {profile_id}, now)
        first_is_done.set()
        await second[0]
        return due

    assert faulty_center.run(read_twice) == [], "the second reads it, and nobody else is asked to"
    assert reads[0] == 2
