"""Fixtures for the tests of Microsoft's double."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.doubles.graph import GraphDouble
from tests.doubles.graph_caller import Caller
from tests.doubles.graph_person import GraphPerson
from tests.doubles.graph_world import ANN, caller, register
from tests.doubles.service import Clock


@pytest.fixture
def graph(clock: Clock) -> Generator[GraphDouble]:
    with GraphDouble(clock) as graph:
        register(graph)
        yield graph


@pytest.fixture
def ann(graph: GraphDouble) -> GraphPerson:
    return graph.person(ANN, zone="Europe/Berlin")


@pytest.fixture
def api(graph: GraphDouble, ann: GraphPerson) -> Caller:
    """The application, signed in for Ann."""
    return caller(graph, ann.email)
