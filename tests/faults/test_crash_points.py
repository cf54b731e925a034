"""Death at every boundary: the process ends at a crash point, another takes over, and nothing is lost, double or half.

`SLOTLINK_FAULTS=long` dies at every point there is.
"""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Callable, Generator

import httpx2
import pytest

from tests.faults.campaign import SEED, chosen
from tests.faults.crash_points import FLOWS, known_points, list_of
from tests.faults.world import World, world_of
from tests.postgresql import Cluster

SAMPLE = 8
ENGINES = ("sqlite", "postgresql")


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def world(
    engine: str,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Generator[World]:
    cluster: Cluster | None = request.getfixturevalue("cluster") if engine == "postgresql" else None
    url = cluster.migrated_database() if cluster else None
    with world_of(tmp_path_factory.mktemp("deaths"), url) as world:
        yield world


def create(world: World, point: str = "") -> None:
    """Asked for again under its key, after a death, a link is made once."""
    body, headers = world.request(), {**world.center.key, "Idempotency-Key": f"key-{random.random()}"}
    answers: list[httpx2.Response] = []

    def ask_twice() -> None:
        for _ in range(2):
            answers.append(world.center.http.post("/v1/real_time_scheduling", json=body, headers=headers))

    _until_death(world, point, ask_twice)
    ask_twice()
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    made = [link for link in world.truth().rows["links"] if link.event_id == body["event"]["event_id"]]
    assert len(made) == 1


def disable(world: World, point: str = "") -> None:
    link = world.link()
    told: list[int] = []

    def disable_twice() -> None:
        for _ in range(2):
            told.append(world.center.disable(link).status_code)

    _until_death(world, point, disable_twice)
    status = link.status()["status"]
    assert status == "disabled" if told else status in ("open", "disabled")
    disable_twice()
    assert set(told) == {200}
    assert link.status()["status"] == "disabled"


def book(world: World, point: str = "") -> None:
    link = world.link()
    _until_death(world, point, lambda: world.visit(link))
    world.finish([link])
    assert link.status()["status"] == "completed"


SCENES: dict[str, Callable[[World, str], None]] = {"create": create, "disable": disable}


def test_every_point_is_known(world: World, engine: str) -> None:
    """A new statement, commit or network step makes a new point, which shows up in the list, and so in a review."""
    for scene in (create, disable, book):
        scene(world)
    world.check_callbacks()
    flows = [name for name, *_ in FLOWS]
    found = sorted(set(world.server.passed()), key=lambda point: (flows.index(point.split()[0]), point.split()[1:]))
    if os.environ.get("SLOTLINK_RENEW"):
        list_of(engine).write_text("\n".join(found) + "\n")
    assert found == known_points(engine), (
        "a flow has other boundaries than before; look whether it should, and renew the list with: "
        "SLOTLINK_RENEW=1 .venv/bin/pytest tests/faults/test_crash_points.py -k known"
    )


def test_nothing_is_lost_whichever_point_a_process_dies_at(world: World, engine: str) -> None:
    for point in chosen(known_points(engine), SAMPLE):
        try:
            SCENES.get(point.split()[0], book)(world, point)
            world.truth()
        except (AssertionError, httpx2.HTTPError) as error:
            raise AssertionError(f"died at {point!r}, SLOTLINK_SEED={SEED}: {error}") from error
    world.check_callbacks()


def _until_death(world: World, point: str, act: Callable[[], object]) -> None:
    """Do it and, where a point is given, let the server die of it, and start it again."""
    world.server.arm(point)
    with contextlib.suppress(httpx2.TransportError):
        act()
    if point:
        assert world.server.await_death() == 137
        world.server.start()
