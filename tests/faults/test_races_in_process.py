"""Visitors at once, in one process: nothing lies between them but the event loop and the database, on both engines.

A few rounds in `make test`; `make faults`: 1,000 races of 50 visitors, 500 rounds of ten links.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from pathlib import Path
from typing import Any

import pytest

from slotlink.app import open_deps
from slotlink.domain.booking import Booking
from slotlink.domain.event import wire_time
from slotlink.domain.link import Link
from slotlink.errors import LinkNotOpen, SlotTaken
from slotlink.services.booking import book_slot
from slotlink.services.deps import Deps
from slotlink.store import links
from tests.api.asking import at
from tests.center import HOUR, Center, CreatedLink, Person
from tests.faults.campaign import LONG, SEED
from tests.postgresql import Cluster

VISITORS = 50
RACES = 1000 if LONG else 2
LINKS = 10
ROUNDS = 500 if LONG else 2
QUARTER = HOUR // 4

Outcome = Booking | BaseException


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def center(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Center]:
    folder: Path = tmp_path_factory.mktemp("races")
    variables: dict[str, str] = {}
    if request.param == "postgresql":
        cluster: Cluster = request.getfixturevalue("cluster")
        variables["SLOTLINK_DATABASE_URL"] = cluster.migrated_database()
    with Center(folder, **variables) as center:
        yield center


@pytest.fixture(scope="module")
def at_once(center: Center) -> Generator[Callable[[Sequence[tuple[CreatedLink, int]]], list[Outcome]]]:
    """Book all of them at once: (link, start) each. What each came to, a booking or why there is none."""
    with asyncio.Runner() as runner:
        deps = open_deps(center.settings)

        async def book(wishes: Sequence[tuple[CreatedLink, int]]) -> list[Outcome]:
            found = {created.link_id: await _link(deps, center, created) for created, _ in wishes}
            ready = asyncio.Barrier(len(wishes))

            async def one(created: CreatedLink, start: int) -> Booking:
                await ready.wait()
                now = int(center.clock())
                return await book_slot(deps, found[created.link_id], start, visitor_tzid="Etc/UTC", now=now)

            outcomes: Awaitable[list[Outcome]] = asyncio.gather(
                *(one(created, start) for created, start in wishes), return_exceptions=True
            )
            return await outcomes

        yield lambda wishes: runner.run(book(wishes))
        runner.run(_closed(deps))


def test_of_fifty_visitors_at_one_slot_one_books_every_time(
    center: Center, at_once: Callable[[Sequence[tuple[CreatedLink, int]]], list[Outcome]]
) -> None:
    for number in range(RACES):
        maya, jonas = center.person(f"maya-{number}"), center.person(f"jonas-{number}")
        link = _create(center, f"fifty-{number}", maya, jonas)
        outcomes = at_once([(link, at(2))] * VISITORS)
        assert Counter(type(outcome) for outcome in outcomes).pop(Booking, 0) == 1, number
        assert {type(outcome) for outcome in outcomes} <= {Booking, LinkNotOpen, SlotTaken}, outcomes
        status = link.status()
        assert status["status"] == "completed" and status["event"]["start"]["time"] == wire_time(at(2))
        for person in (maya, jonas):
            assert [event["event_id"] for event in person.events()] == [f"fifty-{number}"]


def test_ten_links_of_people_in_opposite_orders_never_overlap(
    center: Center, at_once: Callable[[Sequence[tuple[CreatedLink, int]]], list[Outcome]]
) -> None:
    """A ring of five people, each pair twice and in both orders, at one time or some quarters apart: who is named
    first differs from link to link, and nobody sees a deadlock."""
    dice = random.Random(SEED)
    for number in range(ROUNDS):
        people = [center.person(f"ring-{number}-{index}") for index in range(LINKS // 2)]
        pairs = [(people[index], people[(index + 1) % len(people)]) for index in range(len(people))]
        pairs += [(second, first) for first, second in pairs]
        created = [_create(center, f"ring-{number}-{index}", *pair) for index, pair in enumerate(pairs)]
        starts = [at(2) + dice.randrange(3) * QUARTER if number % 2 else at(2) for _ in pairs]
        outcomes = at_once(list(zip(created, starts, strict=True)))
        assert {type(outcome) for outcome in outcomes} <= {Booking, SlotTaken}, outcomes
        booked = [isinstance(outcome, Booking) for outcome in outcomes]
        assert any(booked)
        for person in people:
            times = sorted((event["start"], event["end"]) for event in person.events())
            assert len(times) == sum(won for won, pair in zip(booked, pairs, strict=True) if person in pair)
            assert all(earlier[1] <= later[0] for earlier, later in itertools.pairwise(times))
        for won, pair in zip(booked, pairs, strict=True):
            assert won or any(person.events() for person in pair), "nobody is refused for nothing"
        assert [link.status()["status"] == "completed" for link in created] == booked


def _create(center: Center, event_id: str, *people: Person) -> CreatedLink:
    event = {"event_id": event_id, "summary": "Interview", "tzid": "Etc/UTC"}
    return center.create_link(*people, event=event)


async def _link(deps: Deps, center: Center, created: CreatedLink) -> Link:
    async with deps.database.reading() as connection:
        return await links.get(connection, deps.vault, center.client_id, created.link_id)


def _closed(deps: Deps) -> Coroutine[Any, Any, None]:
    return deps.database.close()
