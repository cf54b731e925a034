"""Connections to PostgreSQL that break: in the middle of a commit, where nobody knows how it went, and anywhere else.

`SLOTLINK_FAULTS=long` breaks at every statement of a visit and of a delivery; `make test` at some of them.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.campaign import LONG, SEED
from tests.faults.crash_points import name_of
from tests.faults.live import Answer, at_once
from tests.faults.mortal import Mortal
from tests.faults.postgresql_proxy import Fate, Plan, Proxy, Session, pass_all
from tests.faults.world import World, world_of
from tests.postgresql import Cluster

SAMPLE = 4
ELSEWHERE: tuple[Fate, ...] = ("cut", "lose")


@pytest.fixture(scope="module")
def proxy(cluster: Cluster) -> Generator[Proxy]:
    with Proxy(cluster.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def url(cluster: Cluster) -> str:
    return cluster.migrated_database()


@pytest.fixture(scope="module")
def world(url: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[World]:
    with world_of(tmp_path_factory.mktemp("lost"), url) as world:
        yield world


@pytest.fixture(scope="module")
def behind(world: World, proxy: Proxy, url: str) -> Mortal:
    """Where visitors book: behind the proxy. The first server delivers, straight from the database."""
    return world.another(SLOTLINK_DATABASE_URL=proxy.url(url), arguments=("--no-background",))


@contextmanager
def planned(proxy: Proxy, plan: Plan) -> Iterator[None]:
    proxy.plan = plan
    try:
        yield
    finally:
        proxy.plan = pass_all


@pytest.mark.parametrize(
    ("fate", "attempts"), [("lose", 1), ("away", 1), ("late", 1), ("cut", 2)], ids=["lose", "away", "late", "cut"]
)
def test_a_commit_that_nobody_answers_is_looked_up_and_never_guessed(
    world: World, behind: Mortal, proxy: Proxy, fate: Fate, attempts: int
) -> None:
    """Kept: not tried again. Undone: tried again. Either way the visitor is sent on, and called back once."""
    commits: list[str] = []

    def plan(session: Session, statement: str) -> Fate:
        if statement.startswith("COMMIT") and session.writes_a_booking:
            commits.append(statement)
            return fate if len(commits) == 1 else "pass"
        return "pass"

    link = world.link()
    post = world.form(link)
    with planned(proxy, plan):
        answer = post(behind)
    assert answer is not None and answer.code == 303, (answer and answer.text, behind.log())
    assert len(commits) == attempts
    world.check_callbacks()
    assert len(world.calls[link.link_id]) == 1


def test_a_booking_of_somebody_else_is_not_taken_for_the_lost_one(world: World, behind: Mortal, proxy: Proxy) -> None:
    """Ours is undone, and while the database is away from us, another visitor books on the same link."""
    broken = threading.Event()

    def plan(session: Session, statement: str) -> Fate:
        if statement.startswith("COMMIT") and session.writes_a_booking and not broken.is_set():
            broken.set()
            return "gone"
        return "pass"

    link = world.link()
    ours, theirs = world.form(link), world.form(link)

    def book(ready: Callable[[], object]) -> Answer | None:
        ready()
        return ours(behind)

    def book_meanwhile(ready: Callable[[], object]) -> Answer | None:
        ready()
        assert broken.wait(20)
        return theirs(world.server)

    with planned(proxy, plan):
        answers = at_once([book, book_meanwhile])
    assert [answer and answer.code for answer in answers] == [409, 303]
    world.check_callbacks()
    assert len(world.calls[link.link_id]) == 1


def test_a_visit_whose_connection_breaks_anywhere_else_is_whole_or_refused(
    world: World, behind: Mortal, proxy: Proxy
) -> None:
    counting = _Nth(0, "pass")
    with planned(proxy, counting):
        assert world.form(world.link())(behind) is not None
    everywhere = [(number, fate) for number in range(1, counting.passed + 1) for fate in ELSEWHERE]
    refused = 0
    for number, fate in everywhere if LONG else random.Random(SEED).sample(everywhere, SAMPLE):
        link = world.link()
        post = world.form(link)
        with planned(proxy, breaking := _Nth(number, fate)):
            answer = post(behind)
        where = f"statement {number} ({breaking.name}), {fate}, SLOTLINK_SEED={SEED}"
        assert breaking.name, f"{where} was not reached"
        assert answer is not None and answer.code in (303, 503), where
        truth = world.truth()
        if answer.code == 503:
            refused += 1
            assert link.link_id not in truth.completed, where
            again = post(behind)
            assert again is not None and again.code == 303, f"{where}: again {again and again.code}"
    assert refused
    world.check_callbacks()


def test_a_delivery_whose_connection_breaks_anywhere_is_made_in_the_end(
    proxy: Proxy, cluster: Cluster, tmp_path: Path
) -> None:
    """All that goes through the proxy is the worker's: visitors book at another server."""
    url = cluster.migrated_database()
    with world_of(tmp_path, url, arguments=("--no-background",)) as world:
        world.another(SLOTLINK_DATABASE_URL=proxy.url(url))
        counting = _Nth(0, "pass")
        with planned(proxy, counting):
            world.visit(world.link())
            world.check_callbacks()
        everywhere = [(number, fate) for number in range(1, counting.passed + 1) for fate in ELSEWHERE]
        for number, fate in everywhere if LONG else random.Random(SEED).sample(everywhere, 2):
            with planned(proxy, breaking := _Nth(number, fate)):
                answer = world.visit(world.link())
                assert answer is not None and answer.code == 303
                try:
                    world.check_callbacks()
                except AssertionError as error:
                    raise AssertionError(f"statement {number} ({breaking.name}), {fate}: {error}") from error


class _Nth:
    """Breaks at the `number`-th statement that passes, unless it commits a booking."""

    def __init__(self, number: int, fate: Fate) -> None:
        self.passed = 0
        self.name = ""
        self._number = number
        self._fate = fate

    def __call__(self, session: Session, statement: str) -> Fate:
        self.passed += 1
        if self.passed != self._number:
            return "pass"
        self.name = name_of(statement)
        return "pass" if statement.startswith("COMMIT") and session.writes_a_booking else self._fate
