"""What the engine costs, in thread CPU time: S, M, L and XL against the plain sweep and the C floor.

Nothing is timed before engine, sweep and floor have given equal results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.engine_contest import THREAD_US, Contest, cpu_us
from bench.engine_growth import LEAST_GROWTH, GrowthSizes, growth_figures, memory_figure, rule_figure
from bench.engine_sequences import LEAST_SEQUENCES, SequenceSizes, sequence_figures
from bench.figures import Figure, Samples, interleaved
from bench.floor import Library
from bench.scenarios import FORMATS, TEN_PEOPLE, XL, L, M, S, Shape, scenario, ten_people

SWEEP, FLOOR = "plain sweep", "C floor"
STATES = ("hot", "warm", "cold")
SLOT_FORMATS = ("slots", "overlapping_slots")
# At most so many times the reference, by (format, state, reference) and scenario (`guides/engine.md` section 11).
GOALS: dict[tuple[str, str, str], dict[str, float]] = {
    **{(slots, "hot", FLOOR): {"M": 12, "L": 12, "XL": 12} for slots in SLOT_FORMATS},
    **{(slots, "warm", FLOOR): {"M": 40, "L": 40, "XL": 40} for slots in SLOT_FORMATS},
    **{(slots, "hot", SWEEP): {"M": 1 / 6, "L": 1 / 12, "XL": 1 / 25} for slots in SLOT_FORMATS},
    **{(slots, "warm", SWEEP): {"M": 1 / 2, "L": 1 / 4, "XL": 1 / 4} for slots in SLOT_FORMATS},
    **{(each, "cold", SWEEP): {"S": 1, "M": 1 / 1.8, "L": 1 / 3, "XL": 1 / 3} for each in FORMATS},
    ("periods", "warm", SWEEP): {"S": 1 / 2.5, "M": 1 / 3.5, "L": 1 / 3.5, "XL": 1 / 6},
    ("periods", "hot", FLOOR): {"L": 20, "XL": 20},
    ("periods", "warm", FLOOR): {"L": 20, "XL": 20},
}
PAGE_GOAL = 1 / 4


@dataclass(frozen=True)
class EngineEffort:
    """`least_s`: how long one sample is measured at least, by repeating what takes less."""

    shapes: tuple[Shape, ...]
    people: Shape
    growth: GrowthSizes
    sequences: SequenceSizes
    least_s: float


WHOLE_ENGINE = EngineEffort((S, M, L, XL), TEN_PEOPLE, GrowthSizes(), SequenceSizes(), least_s=0.02)
LEAST_ENGINE = EngineEffort(
    (
        Shape("S", ((1, 1),), 3, 6),
        Shape("M", ((2, 2), (8, 2)), 4, 9),
        Shape("L", ((70, 5),), 4, 9, max_results=40),
        Shape("XL", ((130, 30),), 12, 9, max_results=60),
    ),
    Shape("ten people", ((10, 10),), 5, 2, max_results=None),
    LEAST_GROWTH,
    LEAST_SEQUENCES,
    least_s=0,
)


def engine_figures(effort: EngineEffort, rounds: int, library: Library | None) -> list[Figure]:
    """Every figure of the group; those against the C floor only with its library."""
    figures = [figure for shape in effort.shapes for figure in scenario_figures(shape, effort, rounds, library)]
    figures += page_figures(effort, rounds)
    figures += growth_figures(effort.growth, effort.least_s, rounds)
    figures += [memory_figure(effort.growth), rule_figure(effort.growth, effort.least_s, rounds)]
    figures += sequence_figures(effort.sequences, effort.least_s, rounds)
    return figures


def scenario_figures(shape: Shape, effort: EngineEffort, rounds: int, library: Library | None) -> list[Figure]:
    """Hot, warm and cold in every format, against floor and sweep."""
    contest = Contest(scenario(shape), library)
    results = {each: contest.agree(each) for each in FORMATS}
    probes = {key: probe for each in FORMATS for key, probe in _probes(contest, each, effort.least_s).items()}
    samples = interleaved(rounds, probes)
    figures: list[Figure] = []
    for each, count in results.items():
        references = {SWEEP: dict.fromkeys(STATES, samples[f"{each} sweep"])}
        if contest.floor is not None:
            warm, cold = samples[f"{each} floor"], samples[f"{each} floor, cold"]
            references = {FLOOR: {"hot": warm, "warm": warm, "cold": cold}, **references}
        for reference, referred in references.items():
            figures += [
                Figure(
                    f"{shape.name} {each} ({count}): {state}",
                    THREAD_US,
                    reference,
                    samples[f"{each} {state}"],
                    referred[state],
                    at_most=GOALS.get((each, state, reference), {}).get(shape.name),
                )
                for state in STATES
            ]
    return figures


def page_figures(effort: EngineEffort, rounds: int) -> list[Figure]:
    """Ten people with full calendars and working hours, for whom a page is shown and shown again."""
    contest = Contest(ten_people(effort.people), None)
    count = contest.agree("overlapping_slots")
    ways: Sequence[Callable[[str], object]] = (contest.view, contest.view_after_change, contest.sweep)
    samples: dict[str, Samples] = interleaved(
        rounds, {way.__name__: _probe(way, "overlapping_slots", effort.least_s) for way in ways}
    )
    people = effort.people
    asked = f"{people.members} people, {people.days} days, {people.events_each} events each ({count})"
    return [
        Figure(f"page view, {asked}: {when}", THREAD_US, SWEEP, samples[way], samples["sweep"], at_most=PAGE_GOAL)
        for when, way in (("hot", "view"), ("after one calendar changed", "view_after_change"))
    ]


def _probes(contest: Contest, response_format: str, least_s: float) -> dict[str, Callable[[], float]]:
    ways: dict[str, Callable[[str], object]] = {
        "hot": contest.hot,
        "warm": contest.warm,
        "cold": contest.cold,
        "sweep": contest.sweep,
    }
    floor = contest.floor
    if floor is not None:
        ways["floor"] = lambda asked: floor.answer(asked, cold=False)
        ways["floor, cold"] = lambda asked: floor.answer(asked, cold=True)
    return {f"{response_format} {name}": _probe(way, response_format, least_s) for name, way in ways.items()}


def _probe(way: Callable[[str], object], response_format: str, least_s: float) -> Callable[[], float]:
    return lambda: cpu_us(lambda: way(response_format), least_s)
