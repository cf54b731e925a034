"""The bench still measures everything. Nothing is said about how fast anything is."""

from __future__ import annotations

import asyncio
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bench import cluster, floor, unguarded
from bench.__main__ import GROUPS, measure
from bench.availability_figures import agree
from bench.booking_figures import Booker
from bench.booking_figures import agree as ways_agree
from bench.engine_contest import Contest
from bench.engine_figures import LEAST_ENGINE, scenario_figures
from bench.engine_growth import exponent
from bench.engine_sequences import CASES, LEAST_SEQUENCES, Case, SequenceContest
from bench.figures import Figure
from bench.load import Load, OwnClient, best_load, request
from bench.measures import LEAST
from bench.office import build_office
from bench.processes import Server, children_of, cpu_s_of
from bench.scenarios import FORMATS, Shape, scenario, ten_people
from bench.town import build
from tests.postgresql import find_postgres

ON_POSTGRESQL = ["postgresql", "callbacks"]
OFFICE = Shape("office", ((7, 2),), 20, 12, max_results=30)


def test_every_measurement_runs_once() -> None:
    measure_once([group for group in GROUPS if group not in ON_POSTGRESQL])


def test_every_measurement_on_postgresql_runs_once() -> None:
    find_postgres()  # skips, or fails, where it is not installed
    figures = measure_once(ON_POSTGRESQL)
    assert {"SQLite", "PostgreSQL"} <= {
        word.strip(",") for each in figures["callbacks"] for word in each["name"].split()
    }
    assert len(figures["postgresql"]) >= 9


def measure_once(groups: list[str]) -> dict[str, list[dict[str, Any]]]:
    """The least of each group, and what holds of any figure."""
    shown: list[object] = []
    results = measure(LEAST, OwnClient(), groups, shown.append)
    assert len(shown) == len(groups)
    assert json.loads(json.dumps(results)) == results
    for group in groups:
        for figure in results["figures"][group]:
            if figure["unit"] != "exponent":  # so few and so small that it says nothing
                assert figure["measured"]["minimum"] > 0, figure
                assert figure["referred"]["minimum"] > 0, figure
    return results["figures"]


def test_without_postgresql_its_group_is_left_out_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "find_postgresql", lambda: None)
    shown: list[Any] = []
    results = measure(LEAST, OwnClient(), ["postgresql"], shown.append)
    assert results["figures"] == {"postgresql": []}
    assert "apt-get install postgresql" in shown[0].title


def test_the_ways_of_booking_write_the_same_rows(tmp_path: Path) -> None:
    town = build(tmp_path, LEAST.sizes)
    with asyncio.Runner() as runner:
        booker = Booker(runner, town, {})
        ways_agree(booker, booker)

        async def forget(*_: object, **__: object) -> None: ...

        with pytest.MonkeyPatch.context() as broken, pytest.raises(AssertionError, match="write different rows"):
            broken.setattr(unguarded, "_close_anyway", forget)
            ways_agree(booker, booker)
        booker.close()


def test_what_a_server_uses_is_what_its_processes_use() -> None:
    code = "print('ready', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None and child.stdout.readline() == b"ready\n"  # it has run, so it has used some
        assert child.pid in children_of(os.getpid())
        assert cpu_s_of(child.pid) > 0


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> floor.Library | None:
    return floor.compiled(tmp_path_factory.mktemp("floor"))


@pytest.mark.parametrize("response_format", FORMATS)
@pytest.mark.parametrize("max_results", [7, None])
@pytest.mark.parametrize("members", [1, 3, 64, 65, 130])
def test_engine_sweep_and_floor_give_equal_results(
    members: int, max_results: int | None, response_format: str, library: floor.Library | None
) -> None:
    shape = Shape("few", ((members, -(-members // 4)),), 25, 30, max_results)
    assert Contest(scenario(shape), library).agree(response_format)


@pytest.mark.parametrize("response_format", FORMATS)
def test_they_are_equal_when_a_member_is_in_two_groups(response_format: str, library: floor.Library | None) -> None:
    asked = replace(scenario(Shape("two groups", ((6, 1),), 30, 20)), groups=[((0, 1, 2), 2), ((1, 2, 3, 4, 5), 2)])
    assert Contest(asked, library).agree(response_format)
    asked = replace(ten_people(Shape("all of them", ((6, 6),), 20, 9)), before=7, after=1000, interval=1200)
    assert Contest(asked, library).agree(response_format)


@pytest.mark.parametrize("response_format", FORMATS)
def test_nothing_is_timed_when_results_differ(response_format: str) -> None:
    contest = Contest(scenario(Shape("one", ((1, 1),), 10, 0)), None)
    contest.scenario.events[0].append((contest.scenario.begins, contest.scenario.ends))
    with pytest.raises(AssertionError, match="engine, warm and the plain sweep differ"):
        contest.agree(response_format)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_sequences_are_those_of_a_nested_search(case: Case) -> None:
    found = SequenceContest(case, replace(LEAST_SEQUENCES, days=20, events_each=40)).agree()
    assert (found == 0) == (case.early is not None)


def test_no_sequence_is_timed_when_results_differ() -> None:
    contest = SequenceContest(CASES[-1], LEAST_SEQUENCES)
    del contest.starts[0][0]
    with pytest.raises(AssertionError, match="the engine and the nested search differ"):
        contest.agree()


@pytest.mark.parametrize("asked", [OFFICE, replace(OFFICE, groups=((2, 2), (4, 1)))], ids=("one group", "two groups"))
def test_a_server_answers_what_the_engine_does(tmp_path: Path, asked: Shape) -> None:
    contest = Contest(scenario(asked), None)
    office = build_office(tmp_path, contest.scenario)
    with Server(office.folder) as server:
        for response_format in FORMATS:
            agree(contest, office, server, response_format)


def test_no_request_is_timed_when_answers_differ(tmp_path: Path) -> None:
    contest = Contest(scenario(OFFICE), None)
    office = build_office(tmp_path, contest.scenario)
    other = Contest(scenario(replace(OFFICE, name="another")), None)
    with Server(office.folder) as server, pytest.raises(AssertionError, match="the server and the engine differ"):
        agree(other, office, server, "slots")


def test_without_a_compiler_the_floor_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert floor.compiled(tmp_path) is None
    figures = scenario_figures(LEAST_ENGINE.shapes[0], LEAST_ENGINE, 1, None)
    assert {figure.reference for figure in figures} == {"plain sweep"}


def test_a_goal_is_a_share_of_the_reference_or_a_number() -> None:
    assert Figure("", "", "", [3.0], [12.0], at_most=1 / 4).wanted == "≤ 1/4, is 1/4: reached"
    assert Figure("", "", "", [30.0], [2.0], at_most=12).wanted == "≤ 12×, is 15×: MISSED"
    assert Figure("", "", "", [1.1], [1.0], limit=1.15).wanted == "≤ 1.15: reached"
    assert Figure("", "", "", [13.0], [1.0], limit=12).wanted == "≤ 12: MISSED"


def test_the_exponent_of_a_square_is_two() -> None:
    assert exponent([(size, 3 * size**2) for size in (2, 5, 9)]) == pytest.approx(2)


class Half(http.server.BaseHTTPRequestHandler):
    """Answers 200 to /yes and 404 to anything else."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/yes" else 404)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def port() -> Generator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Half) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def loads() -> list[Load]:
    """The load generators that there are here; ours always."""
    return list({load.name: load for load in (OwnClient(), best_load())}.values())


@pytest.mark.parametrize("load", loads(), ids=lambda load: load.name)
def test_a_load_counts_requests_and_errors(port: int, load: Load) -> None:
    fine = load.run(port, [request("/yes")], 0.2, 2)
    assert fine.requests > 0 and fine.errors == 0
    half = load.run(port, [request("/yes"), request("/no")], 0.2, 1)
    assert abs(half.errors - half.requests / 2) <= 1
