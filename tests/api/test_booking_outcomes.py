"""A booking whose transaction is undone is tried again; one whose commit got no answer is looked up, never guessed."""

from __future__ import annotations

import contextlib
import dataclasses
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import LogCapture

from slotlink.domain.booking import Booking
from slotlink.errors import Conflict, LinkNotOpen, OutcomeUnknown, StoreUnavailable
from slotlink.services import booking as service
from slotlink.store import links
from tests.api.asking import at, callbacks, capture_log, rows, wire
from tests.api.test_booking import COMPLETED
from tests.center import HOUR, Center, CreatedLink

KEPT, CONFLICT, LOST_AND_KEPT, LOST_AND_UNDONE, GONE = "kept", "conflict", "lost, kept", "lost, undone", "gone"


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> LogCapture:
    """What the service logs."""
    return capture_log(monkeypatch, service)


class Outcomes:
    """What becomes of each transaction in turn; the last of `script` of all that follow. Time passes by sleeping."""

    def __init__(self, center: Center, script: Sequence[str]) -> None:
        self.center = center
        self.script = list(script)
        self.waited = 0.0
        self.woken = 0

    async def _sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.waited += seconds

    def _wake(self) -> None:
        self.woken += 1

    def book(self, link: CreatedLink, start: int, patch: pytest.MonkeyPatch) -> Booking:
        async def act(deps: Any) -> Booking:
            async with deps.database.reading() as connection:
                found = await links.get(connection, deps.vault, self.center.client_id, link.link_id)
            whole: Callable[[], Any] = deps.database.transaction

            @contextlib.asynccontextmanager
            async def scripted() -> AsyncGenerator[Any]:
                outcome = self.script.pop(0) if len(self.script) > 1 else self.script[0]
                if outcome == GONE:
                    raise StoreUnavailable("the database is gone")
                with contextlib.suppress(_Undone):
                    async with whole() as connection:
                        yield connection
                        if outcome in (CONFLICT, LOST_AND_UNDONE):
                            raise _Undone
                if outcome == CONFLICT:
                    raise Conflict("a deadlock")
                if outcome in (LOST_AND_KEPT, LOST_AND_UNDONE):
                    raise OutcomeUnknown("the connection broke")

            patch.setattr(deps.database, "transaction", scripted)
            patch.setattr(service, "asyncio", SimpleNamespace(sleep=self._sleep))
            patch.setattr(service, "time", SimpleNamespace(monotonic=lambda: self.waited))
            waking = dataclasses.replace(deps, wake_worker=self._wake)
            now = int(self.center.clock())
            return await service.book_slot(waking, found, start, visitor_tzid="Asia/Tokyo", now=now)

        return self.center.run(act)


class _Undone(Exception):
    pass


def count(center: Center, link: CreatedLink) -> tuple[int, int, int]:
    """How many bookings, events and callbacks there are. Completed and booked are one thing."""
    with rows(center) as connection:
        bookings, events, completed = (
            connection.execute(f"SELECT count(*) FROM {what}").fetchone()[0]
            for what in ("bookings", "events", "link_history WHERE what = 'completed'")
        )
    assert completed == bookings == (link.status()["status"] == "completed")
    return bookings, events, len(callbacks(center))


@pytest.mark.parametrize(
    ("script", "looked_up"),
    [
        ([KEPT], []),
        ([CONFLICT, KEPT], []),
        ([CONFLICT, CONFLICT, KEPT], []),
        ([LOST_AND_KEPT, KEPT], [True]),
        ([LOST_AND_UNDONE, KEPT], [False]),
        ([LOST_AND_UNDONE, KEPT, LOST_AND_UNDONE, KEPT, LOST_AND_KEPT, KEPT], [False, False, True]),
        ([CONFLICT, LOST_AND_UNDONE, KEPT, KEPT], [False]),
        ([LOST_AND_KEPT, GONE, GONE, KEPT], [True]),
        ([LOST_AND_UNDONE, GONE, KEPT], [False]),
    ],
    ids=lambda value: "; ".join(str(each) for each in value),
)
def test_whatever_becomes_of_the_first_try_it_is_booked_once(
    center: Center, monkeypatch: pytest.MonkeyPatch, log: LogCapture, script: list[str], looked_up: list[bool]
) -> None:
    maya = center.person("maya")
    link = center.create_link(maya, callback_urls={"completed_url": COMPLETED})
    outcomes = Outcomes(center, script)
    booking = outcomes.book(link, at(1), monkeypatch)
    assert (booking.start, booking.end, booking.subs) == (at(1), at(1) + HOUR, (maya.sub,))
    assert count(center, link) == (1, 1, 1)
    assert outcomes.woken == 1, "the worker has something to deliver"
    assert outcomes.script == [KEPT], "no more transactions than needed"
    asked = [entry for entry in log.entries if entry["event"] == "booking.looked_up"]
    assert asked == [
        {"event": "booking.looked_up", "log_level": "warning", "link": link.link_id, "kept": kept} for kept in looked_up
    ]
    assert log.entries[-1] == {
        "event": "link.completed",
        "log_level": "info",
        "link": link.link_id,
        "start": at(1),
        "participants": 1,
    }


@pytest.mark.parametrize(
    ("script", "error"),
    [([CONFLICT], Conflict), ([LOST_AND_UNDONE, KEPT] * 3, StoreUnavailable)],
    ids=["conflicts", "lost again and again"],
)
def test_a_booking_that_cannot_be_kept_is_given_up_after_three_tries(
    center: Center, monkeypatch: pytest.MonkeyPatch, log: LogCapture, script: list[str], error: type[Exception]
) -> None:
    link = center.create_link(center.person("maya"), callback_urls={"completed_url": COMPLETED})
    outcomes = Outcomes(center, script)
    with pytest.raises(StoreUnavailable) as refused:
        outcomes.book(link, at(1), monkeypatch)
    assert type(refused.value) is error, "that nothing was kept is known"
    assert str(refused.value)
    assert (count(center, link), outcomes.woken) == ((0, 0, 0), 0)
    assert not [entry for entry in log.entries if entry["event"] == "link.completed"]


def test_three_tries_are_made(center: Center, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = Counter[str]()
    decide = service.decide_booking

    def counted(*arguments: Any, **named: Any) -> Booking:
        tries["made"] += 1
        return decide(*arguments, **named)

    monkeypatch.setattr(service, "decide_booking", counted)
    link = center.create_link(center.person("maya"))
    with pytest.raises(Conflict):
        Outcomes(center, [CONFLICT]).book(link, at(1), monkeypatch)
    assert tries["made"] == service.ATTEMPTS


def test_where_the_database_stays_away_nobody_says_whether_it_was_kept(
    center: Center, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = center.create_link(center.person("maya"))
    outcomes = Outcomes(center, [LOST_AND_KEPT, GONE])
    with pytest.raises(OutcomeUnknown, match="has not come back"):
        outcomes.book(link, at(1), monkeypatch)
    assert service.LOOK_UP_FOR_S <= outcomes.waited <= service.LOOK_UP_FOR_S + service.LOOK_UP_PAUSE_S
    assert outcomes.woken == 0
    assert link.status()["status"] == "completed", "it was, as it happens"


def test_another_booking_of_the_link_is_not_taken_for_ours(center: Center, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commit is lost and undone, and before it is looked up another visitor has booked."""
    link = center.create_link(center.person("maya"))
    page = link.page()
    outcomes = Outcomes(center, [LOST_AND_UNDONE, GONE, KEPT])

    async def meanwhile(_seconds: float) -> None:
        monkeypatch.undo()
        assert link.choose(wire(3), page).code == 303

    monkeypatch.setattr(outcomes, "_sleep", meanwhile)
    with pytest.raises(LinkNotOpen, match="completed"):
        outcomes.book(link, at(1), monkeypatch)
    assert link.status()["event"]["start"]["time"] == wire(3)
