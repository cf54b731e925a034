"""kill -9 while eight visitors book: what anybody was told is there, what nobody was told is whole or not at all.

`SLOTLINK_FAULTS=long` kills 200 times on each engine, two processes on PostgreSQL; `make test` a few times.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.campaign import LONG, SEED
from tests.faults.live import Answer, at_once
from tests.faults.mortal import Mortal
from tests.faults.world import World, world_of
from tests.postgresql import Cluster

CYCLES = 200 if LONG else 4
OF_A_WORLD = 20  # cycles over one database
VISITORS = 8  # two of them at one link


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_what_was_acknowledged_survives_kill_9(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    cluster: Cluster | None = request.getfixturevalue("cluster") if engine == "postgresql" else None
    luck = random.Random(f"{SEED} {engine}")
    told, cut_off = 0, 0
    for begun in range(0, CYCLES, OF_A_WORLD):
        folder = tmp_path / str(begun)
        folder.mkdir()
        url = cluster.migrated_database() if cluster else None
        with world_of(folder, url) as world:
            if cluster:
                world.another()
            takes_s = _takes(world)
            for number in range(begun, min(begun + OF_A_WORLD, CYCLES)):
                answers = _cycle(world, luck, takes_s, f"cycle {number}, SLOTLINK_SEED={SEED}")
                told += answers.count(303)
                cut_off += answers.count(None)
                # The machine is as busy as it is: whoever killed too late kills sooner next time, and the reverse.
                takes_s *= 0.5 if None not in answers else 1.5 if 303 not in answers else 1
            world.check_callbacks()
    assert told and cut_off, "killed too early or too late every time"
    print(f"{engine}: {CYCLES} kills, {told} visitors told, {cut_off} cut off")


def _takes(world: World) -> float:
    """How long the visitors of one cycle take when nobody is killed."""
    posts = _posts(world)
    begun = time.monotonic()
    answers = at_once(posts)
    assert [answer.code for answer in answers].count(303) == VISITORS - 1
    return time.monotonic() - begun


def _posts(world: World) -> list[Callable[[Callable[[], object]], Answer | None]]:
    links = [world.link() for _ in range(VISITORS - 1)]
    forms = [world.form(link) for link in [*links, links[0]]]

    def at(number: int) -> Callable[[Callable[[], object]], Answer | None]:
        def post(ready: Callable[[], object]) -> Answer | None:
            ready()
            return forms[number](world.servers[number % len(world.servers)])

        return post

    return [at(number) for number in range(VISITORS)]


def _cycle(world: World, luck: random.Random, takes_s: float, name: str) -> list[int | None]:
    """The codes that visitors got; None for those cut off."""
    posts = _posts(world)
    before = set(world.acknowledged)
    victims: list[Mortal] = luck.choice([world.servers, world.servers[:1], world.servers[-1:]])
    delay = luck.uniform(0, 1.2 * takes_s)

    def kill(ready: Callable[[], object]) -> None:
        ready()
        time.sleep(delay)
        for victim in victims:
            victim.kill()

    *answers, _ = at_once([*posts, kill])
    for victim in victims:
        victim.start()
    try:
        truth = world.truth()
        world.finish(world.made[-(VISITORS - 1) :])
    except AssertionError as error:
        raise AssertionError(f"{name}: {error}") from error
    assert truth.completed >= before, "what was completed once stays so"
    return [answer and answer.code for answer in answers]
