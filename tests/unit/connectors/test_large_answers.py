"""What is read and translated for long keeps nobody else waiting: it is done beside the event loop."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from tests.hostile import says
from tests.unit.connectors import graph_calls, test_google_faults
from tests.unit.connectors.calls import answer
from tests.unit.connectors.test_graph_gone import MASTER, OCCURRENCE, SINGLE, Graph, one, told

from slotlink.connectors import google_client, google_reading, graph_client, graph_reading
from slotlink.connectors.bounds import LARGE, MANY
from slotlink.connectors.graph_times import wall


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def _spied(name: str, work: Callable[..., Any], seen: dict[str, set[bool]]) -> Callable[..., Any]:
    def spied(*given: Any) -> Any:
        if given[0]:  # none at all is quickly done
            seen.setdefault(name, set()).add(threading.current_thread() is threading.main_thread())
        return work(*given)

    return spied


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[bool]]:
    """By the name of what was done: whether it was done in the thread of the loop."""
    seen: dict[str, set[bool]] = {}
    watched = [(google_client, "read_object"), (google_reading, "objects_of"), (graph_client, "read")]
    for module, name in [*watched, (graph_reading, "single_object"), (graph_reading, "series_object")]:
        monkeypatch.setattr(module, name, _spied(name, getattr(module, name), seen))
    return seen


@pytest.mark.parametrize("call", ["changes", "read_live"])
async def test_many_events_of_google(call: str, threads: dict[str, set[bool]]) -> None:
    items = [{**test_google_faults.EVENT, "id": f"{number}", "description": "x" * 2000} for number in range(MANY + 1)]
    page = json.dumps({"kind": "calendar#events", "items": items, "nextSyncToken": "t"}).encode()
    assert len(page) > LARGE
    await test_google_faults.outcome(test_google_faults.CALLS[call], says(answer("200 OK", body=page)))
    assert threads == {"read_object": {False}, "objects_of": {False}}


@pytest.mark.parametrize("call", ["changes", "read_live"])
async def test_many_events_of_graph(call: str, threads: dict[str, set[bool]]) -> None:
    events = [{**SINGLE, "id": f"e{number}", "bodyPreview": "x" * 2000} for number in range(MANY + 1)]
    await graph_calls.outcome(graph_calls.CALLS[call], Graph({"calendarView": told(*events)}))
    assert threads == {"read": {False}, "single_object": {False}}


@pytest.mark.parametrize("call", ["changes", "read_live"])
async def test_a_long_series_of_graph(call: str, threads: dict[str, set[bool]]) -> None:
    days = [
        {**OCCURRENCE, "id": f"o{day}", "start": wall(at), "end": wall(at + 60)}
        for day, at in enumerate(range(graph_calls.NOW, graph_calls.NOW + 86_400 * (MANY + 1), 86_400))
    ]
    graph = Graph({"/instances": told(*days), "/events/m": one(MASTER), "calendarView": told(OCCURRENCE)})
    await graph_calls.outcome(graph_calls.CALLS[call], graph)
    assert threads["series_object"] == {False}
