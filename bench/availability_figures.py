"""What an availability request costs the server as a whole, beside what its engine costs for the same question.

Nothing is timed before the answers of both are equal: starts, ends and participants.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from bench.engine_contest import Contest, cpu_us
from bench.figures import Figure, interleaved
from bench.load import Load, answer_to
from bench.measures import SERVER_US, Effort, probe
from bench.office import Office, build_office
from bench.processes import Server
from bench.scenarios import FORMATS, scenario

HTTP_GOAL = 5
CONNECTIONS = 4
SETTLED_S = 0.005  # after an answer has come, what the server still does for it is done
OVERLAPPING = "overlapping_slots"


def availability_figures(load: Load, effort: Effort, folder: Path) -> list[Figure]:
    """Requests whose calendars are known; after one of them has changed; and the first of a fresh server."""
    shape = effort.availability
    contest = Contest(scenario(shape), None)
    counts = {each: contest.agree(each) for each in FORMATS}
    office = build_office(folder / "office", contest.scenario)
    least_s = effort.engine.least_s
    probes: dict[str, Callable[[], float]] = {}
    with Server(office.folder) as server:
        for each in FORMATS:
            asked = office.availability(each)
            agree(contest, office, server, each)
            probes[each] = probe(load, effort, server, [asked], connections=CONNECTIONS)
            probes[f"{each}, engine"] = _engine(contest.hot, each, least_s)
        probes["changed"] = lambda: after_change_us(server, office, effort.changes)
        probes["changed, engine"] = _engine(contest.view_after_change, OVERLAPPING, least_s)
        samples = interleaved(effort.rounds, probes)
        agree(contest, office, server, OVERLAPPING)
    # One process owns a SQLite file: fresh servers start when this one is gone.
    samples |= interleaved(
        effort.rounds,
        {
            "cold": lambda: first_request_us(contest, office),
            "cold, engine": _engine(contest.cold, OVERLAPPING, least_s),
        },
    )
    name = f"{shape.name} over HTTP"
    figures = [
        Figure(
            f"{name}, {each} ({count}): hot",
            SERVER_US,
            "engine alone, hot",
            samples[each],
            samples[f"{each}, engine"],
            at_most=HTTP_GOAL,
        )
        for each, count in counts.items()
    ]
    for when, key, reference in (
        ("after one calendar changed", "changed", "engine alone, the same"),
        ("first of a fresh server", "cold", "engine alone, cold"),
    ):
        measured, referred = samples[key], samples[f"{key}, engine"]
        figures.append(Figure(f"{name}, {OVERLAPPING}: {when}", SERVER_US, reference, measured, referred))
    return figures


def after_change_us(server: Server, office: Office, changes: int) -> float:
    """Server CPU of an availability request that follows a change of one calendar; the change itself is not counted."""
    asked = office.availability(OVERLAPPING)
    used = 0.0
    for _ in range(changes):
        status = answer_to(server.port, office.change).status
        assert status == 202, status
        used += _cpu_of(server, asked)
    return used / changes * 1e6


def first_request_us(contest: Contest, office: Office) -> float:
    """Server CPU of the first request that a server is asked, which has read nothing yet."""
    with Server(office.folder) as server:
        used = _cpu_of(server, office.availability(OVERLAPPING))
        agree(contest, office, server, OVERLAPPING)
        return used * 1e6


def _cpu_of(server: Server, asked: bytes) -> float:
    time.sleep(SETTLED_S)
    before = server.cpu_s()
    status = answer_to(server.port, asked).status
    time.sleep(SETTLED_S)
    assert status == 200, status
    return server.cpu_s() - before


def agree(contest: Contest, office: Office, server: Server, response_format: str) -> None:
    answer = answer_to(server.port, office.availability(response_format))
    assert answer.status == 200, answer
    found = office.found(answer.body)
    expected = [tuple(available) for available in contest.hot(response_format)]
    assert found == expected, f"{response_format}: the server and the engine differ"


def _engine(way: Callable[[str], object], response_format: str, least_s: float) -> Callable[[], float]:
    return lambda: cpu_us(lambda: way(response_format), least_s)
