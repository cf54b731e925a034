"""The server's clock is set, by an hour, by a day, to and fro: statuses and holds follow it, nothing that ended begins
again, and no callback waits for a time that a wrong clock wrote."""

from __future__ import annotations

import asyncio
import datetime
import time
from pathlib import Path
from typing import Any

import pytest

from slotlink.app import working
from slotlink.domain.account import ACCESS_TOKEN_LIFE_S
from slotlink.domain.event import wire_time
from slotlink.services.deps import Deps
from slotlink.store import outbox
from slotlink.store.outbox import Attempt
from tests.center import DAY, HOUR, START, Center, Clock, CreatedLink
from tests.faults.invariants import Truth
from tests.faults.world import drained
from tests.forked import run_command
from tests.serving import Receiver, environ_for

FASTER = 60  # the clock's seconds in one of ours
LEASE_S = 40
STEPS = [HOUR, -HOUR, DAY, -DAY]
# Whoever keeps a computer's clock in local time sets it twice a year: here in London.
CHANGES = [int(datetime.datetime(2027, *day, 1, tzinfo=datetime.UTC).timestamp()) for day in ((3, 28), (10, 31))]


class SteppedClock(Clock):
    """Runs, and can be set."""

    def __init__(self, now: float) -> None:
        super().__init__(now)
        self._begun = time.monotonic()

    def __call__(self) -> float:
        return self.now + (time.monotonic() - self._begun) * FASTER


class Stage:
    """A data center whose clock is set, with two people in it."""

    def __init__(self, center: Center, receiver: Receiver) -> None:
        self.center = center
        self.receiver = receiver
        self.maya, self.jonas = center.person("maya"), center.person("jonas")
        self.day = (int(center.clock()) // DAY + 1) * DAY + 9 * HOUR

    def link(self, name: str, start: int, end: int, **changes: Any) -> CreatedLink:
        return self.center.create_link(
            self.maya,
            self.jonas,
            event={"event_id": name, "summary": "Interview", "tzid": "Europe/London"},
            availability=self.center.query(
                self.maya, self.jonas, query_periods=[{"start": wire_time(start), "end": wire_time(end)}]
            ),
            callback_urls={"completed_url": f"{self.receiver.url}/completed"},
            **changes,
        )

    def booked(self, hour: int, **changes: Any) -> tuple[str, int]:
        """A link and the start of its booking."""
        start = self.day + hour * HOUR
        link = self.link(f"booked-{hour}", start, start + HOUR, **changes)
        assert link.choose(wire_time(start)).code == 303
        return link.link_id, start

    def set_clock(self, step: int) -> None:
        self.center.clock.now += step

    def delivers(self, booked: dict[str, int]) -> None:
        """A worker begins, and every callback arrives as it was promised."""

        async def work(deps: Deps) -> Truth:
            async with working(deps, self.center.clock), asyncio.timeout(20):
                while (truth := await Truth.read(deps)).waiting:
                    await asyncio.sleep(0.1)
            return truth

        truth = self.center.run(work)
        truth.check(booked)
        calls = {(call.headers["webhook-id"], call.body) for call in drained(self.receiver.received)}
        assert calls == {(promise.item_id, promise.body) for promise in truth.outbox}


def stage_at(start: float, folder: Path, receiver: Receiver, **variables: str) -> Center:
    return Center(folder, clock=SteppedClock(start), SLOTLINK_CALLBACK_ALLOW=receiver.host, **variables)


@pytest.mark.parametrize(
    ("start", "step"),
    [*((START, step) for step in STEPS), (CHANGES[0] - 60, HOUR), (CHANGES[1] - 60, -HOUR)],
    ids=["hour on", "hour back", "day on", "day back", "spring", "autumn"],
)
def test_no_callback_waits_for_a_time_that_a_wrong_clock_wrote(
    start: int,
    step: int,
    database_url: str,
    tmp_path: Path,
    receiver: Receiver,
) -> None:
    """One was never tried, one is in the hands of a worker that is gone, one has failed: all three arrive soon."""
    variables = {"SLOTLINK_CALLBACK_RETRIES": "10s,1m", "SLOTLINK_DATABASE_URL": database_url}
    assert run_command(environ_for(tmp_path, **variables), "migrate").code == 0
    with stage_at(start, tmp_path, receiver, **variables) as center:
        stage = Stage(center, receiver)
        booked = dict(stage.booked(hour) for hour in range(3))

        async def before(deps: Deps) -> None:
            now = int(center.clock())
            async with deps.database.transaction() as connection:
                [failing] = await outbox.claim(connection, "w_failing", now, lease_s=LEASE_S, limit=1)
                failed = Attempt(now, 9, 500, "answered 500")
                assert await outbox.settle(connection, failing, failed, state="waiting", due_at=now + 10)
                assert len(await outbox.claim(connection, "w_gone", now, lease_s=LEASE_S, limit=1)) == 1

        center.run(before)
        stage.set_clock(step)
        stage.delivers(booked)


def test_what_was_never_tried_is_due_although_the_clock_was_set_back(
    database_url: str,
    tmp_path: Path,
    receiver: Receiver,
) -> None:
    """By an hour, and so within the ten that the schedule may pause."""
    variables = {"SLOTLINK_DATABASE_URL": database_url}
    assert run_command(environ_for(tmp_path, **variables), "migrate").code == 0
    with stage_at(START, tmp_path, receiver, **variables) as center:
        stage = Stage(center, receiver)
        booked = dict([stage.booked(0)])
        stage.set_clock(-HOUR)
        stage.delivers(booked)


@pytest.mark.parametrize("step", STEPS, ids=["hour on", "hour back", "day on", "day back"])
def test_what_depends_on_the_clock_follows_it_and_what_is_done_stays_done(
    step: int, tmp_path: Path, receiver: Receiver
) -> None:
    with stage_at(START, tmp_path, receiver) as center:
        stage = Stage(center, receiver)
        early, start = stage.booked(-2)  # a day on, its time has passed
        booked = {early: start}
        other = stage.link("other", start, start + 10 * HOUR)
        disabled, ends = (stage.link(name, START - HOUR, START + HOUR // 2) for name in ("disabled", "ends"))
        path = f"/v1/real_time_scheduling/{disabled.link_id}/disable"
        assert center.http.post(path, json={"display_message": "no longer"}, headers=center.key).status_code == 200
        for moved in (step, -step):
            stage.set_clock(moved)
            over = center.clock() > START + HOUR // 2
            expected = ["disabled", "expired" if over else "open"]
            assert [link.status()["status"] for link in (disabled, ends)] == expected
            assert [link.page().status for link in (disabled, ends)] == expected
            kept = center.http.get(f"/v1/real_time_scheduling/{early}", headers=center.key).json()
            assert kept["real_time_scheduling"]["status"] == "completed"
            expired = center.clock() >= START + ACCESS_TOKEN_LIFE_S
            known = center.http.get("/v1/userinfo", headers=stage.maya.key).status_code
            assert known == (401 if expired else 200)
            page = other.page()
            assert wire_time(start) not in page.slots, "it is booked"
            assert other.choose(wire_time(start), page).error == "taken"
            booked |= [stage.booked(1 if moved == step else 2)]
            truth = center.run(Truth.read)
            truth.check(booked)


@pytest.mark.parametrize("step", STEPS, ids=["hour on", "hour back", "day on", "day back"])
def test_a_hold_lasts_as_long_as_the_clock_says(step: int, tmp_path: Path, receiver: Receiver) -> None:
    """Somebody booked without a target calendar. A clock that is set on ends the hold too early; nothing else can
    be told from the clock alone, and what has an event of its own stays blocked (the test above)."""
    with stage_at(START, tmp_path, receiver) as center:
        stage = Stage(center, receiver)
        _, start = stage.booked(2, target_calendars=[])
        other = stage.link("other", start, start + HOUR, target_calendars=[])
        stage.set_clock(step)
        page = other.page()
        assert page.slots == ([wire_time(start)] if step > 0 else [])
        stage.set_clock(-step)
        # What was read under the later clock may be remembered; a booking reads anew.
        assert other.page().slots == [] or other.choose(wire_time(start), page).error == "taken"
