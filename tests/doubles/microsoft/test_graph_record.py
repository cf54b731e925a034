"""The recorder runs against the double, finds nothing there, and finds what is made different."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from tests.doubles import record_graph
from tests.doubles.graph import GraphDouble
from tests.doubles.graph_scenarios import SCENARIOS
from tests.doubles.service import Clock

DAY = datetime(2027, 6, 1, tzinfo=UTC)


def test_the_double_does_not_differ_from_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As an outsider runs it: all from the environment."""
    with GraphDouble(Clock(time.time())) as graph:
        target = record_graph.target_of(graph)
        for name, value in {
            "GRAPH_URL": graph.url,
            "GRAPH_LOGIN_URL": graph.url,
            "GRAPH_CLIENT_ID": target.client_id,
            "GRAPH_CLIENT_SECRET": target.client_secret,
            "GRAPH_REFRESH_TOKEN": target.refresh_token,
        }.items():
            monkeypatch.setenv(name, value)
        code = record_graph.main()
        first, second = capsys.readouterr().out.splitlines()
        assert (code, first.endswith(" 0 differ.")) == (0, True), first
        assert int(first.partition(" ")[0]) > 80
        assert second.rpartition(" ")[2] in graph.oauth.grants[0].refresh_tokens
        assert [one for one in graph.store.of("recorder@example.com") if one.name.startswith("Slotlink")] == []


def test_what_differs_is_told() -> None:
    ours = record_graph.of_double(DAY)
    assert {name.partition(":")[0] for name in ours} == {scenario.__name__ for scenario in SCENARIOS}
    assert [name for name in ours if name.endswith("broke off")] == []
    with GraphDouble(Clock(time.time())) as graph:
        graph.deltas.masters = False
        graph.events.transaction_memory_s = 0
        theirs = record_graph.record(record_graph.target_of(graph, personal=True), DAY)
    told = {one.partition("\n")[0] for one in record_graph.differences(theirs, ours)}
    assert {
        "changes: types",
        "changes: types of a changed series",
        "repeated_transactions: the same event",
        "online_meetings: link at once",
    } <= told
    assert len(told) < 10


def test_what_is_missing_in_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRAPH_CLIENT_ID", raising=False)
    assert record_graph.main() == 2
    target = record_graph.from_environment(
        {"GRAPH_CLIENT_ID": "a", "GRAPH_CLIENT_SECRET": "b", "GRAPH_REFRESH_TOKEN": "c", "GRAPH_URL": "http://x/"}
    )
    assert (target.url, target.login_url) == ("http://x", "https://login.microsoftonline.com")
