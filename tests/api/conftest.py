"""People whose calendars live at providers that misbehave (faulty.py). `faulty` is the real server and one of the two
doubles, another for each test; with SLOTLINK_FAULTS=long it is each of the three."""

from __future__ import annotations

import os
import zlib
from collections.abc import Generator
from itertools import count
from pathlib import Path

import pytest

from tests.api.connected import ConnectedPerson
from tests.api.faulty import FaultyGoogle, FaultyGraph, FaultyRadicale, FaultyWorld, Front
from tests.center import START, Center, Clock
from tests.contract.test_connector_caldav import CalDavServer, Radicale, running
from tests.doubles.google import GoogleDouble
from tests.doubles.graph import GraphDouble

DOUBLES = ("google", "graph")
LONG = os.environ.get("SLOTLINK_FAULTS") == "long"
TIMEOUT = "2"  # seconds that a provider has; a test that waits for it waits so long
_numbers = count(1)


@pytest.fixture(scope="session")
def fronted_radicale(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[CalDavServer, Front]]:
    with running(Radicale, tmp_path_factory.mktemp("fronted")) as server, Front(server) as front:
        yield server, front


@pytest.fixture
def faulty_radicale(fronted_radicale: tuple[CalDavServer, Front]) -> Generator[FaultyRadicale]:
    server, front = fronted_radicale
    front.calls.clear()
    world = FaultyRadicale(server, f"faulty{next(_numbers)}", front)
    yield world
    world.comes_back()
    world.close()


@pytest.fixture
def faulty_google() -> Generator[FaultyGoogle]:
    with GoogleDouble() as google:
        yield FaultyGoogle(google)


@pytest.fixture
def faulty_graph() -> Generator[FaultyGraph]:
    with GraphDouble() as graph:
        yield FaultyGraph(graph)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "faulty" in metafunc.fixturenames:
        one = DOUBLES[zlib.crc32(metafunc.function.__name__.encode()) % len(DOUBLES)]
        metafunc.parametrize("faulty", ["radicale", *(DOUBLES if LONG else [one])], indirect=True)


@pytest.fixture
def faulty(request: pytest.FixtureRequest) -> FaultyWorld:
    return request.getfixturevalue(f"faulty_{request.param}")


@pytest.fixture
def faulty_center(faulty: FaultyWorld, tmp_path: Path) -> Generator[Center]:
    variables = {"SLOTLINK_CALENDAR_TIMEOUT": TIMEOUT, **faulty.variables}
    with Center(tmp_path, clock=Clock(START), **variables) as center:
        yield center


@pytest.fixture
def faulty_ann(faulty_center: Center, faulty: FaultyWorld) -> ConnectedPerson:
    return ConnectedPerson(faulty_center, faulty)
