"""How the engine's cost grows: with participants, days and events; what a member occupies; rules shared by many."""

from __future__ import annotations

import gc
import math
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

from bench.engine_contest import THREAD_US, Contest, cpu_us
from bench.figures import Figure, Samples, interleaved
from bench.scenarios import BEGINS, DAY, ZONES, Rules, Shape, scenario, weekday_rules
from slotlink import engine

EXPONENT_GOAL = 1.15
EVENTS_GOAL = 1.1
MEMORY_GOAL_KIB = 12
RULES_GOAL = 8
YEAR = Shape("a year", ((20, 1),), 365, 500, max_results=None)
HOURS = (("09:00", "12:30"), ("13:30", "17:30"))
OVERLAPPING = "overlapping_slots"


@dataclass(frozen=True)
class GrowthSizes:
    """One in five must be there. `days` have the density of `events_each` events in `days_fixed` days."""

    participants: tuple[int, ...] = (20, 40, 80, 160, 320)
    days: tuple[int, ...] = (14, 28, 56, 112, 224)
    members: int = 100
    days_fixed: int = 35
    events_each: int = 100
    few_events: int = 50
    many_events: int = 800
    year: Shape = YEAR
    rule_members: int = 100
    rule_days: int = 90

    def shape(self, members: int, days: int, events_each: int) -> Shape:
        return Shape("one in five", ((members, members // 5),), days, events_each, max_results=None)


LEAST_GROWTH = GrowthSizes(
    participants=(5, 10),
    days=(3, 6),
    members=5,
    days_fixed=3,
    events_each=4,
    few_events=2,
    many_events=9,
    year=Shape("a year", ((3, 1),), 20, 9, max_results=None),
    rule_members=7,
    rule_days=8,
)


def growth_figures(sizes: GrowthSizes, least_s: float, rounds: int) -> list[Figure]:
    """Exponents of the cost, and whether more events make a hot search dearer."""
    by_participants = {
        number: Contest(scenario(sizes.shape(number, sizes.days_fixed, sizes.events_each)), None)
        for number in sizes.participants
    }
    by_days = {
        days: Contest(scenario(sizes.shape(sizes.members, days, sizes.events_each * days // sizes.days_fixed)), None)
        for days in sizes.days
    }
    return [
        *_exponents("participants", by_participants, least_s, rounds),
        *_exponents("days", by_days, least_s, rounds),
        _more_events(sizes, least_s, rounds),
    ]


def memory_figure(sizes: GrowthSizes) -> Figure:
    """What gaps and start bits of a member take for a year, everything that holds them included, as allocated."""
    asked = scenario(sizes.year)
    assert asked.allowed  # the windows of the rules are there, and shared

    def remembered() -> object:
        contest = Contest(asked, None)
        contest.hot(OVERLAPPING)
        return contest.gaps, contest.cache

    kept = _allocated(remembered)
    raw = _allocated(lambda: [[(start + 0, end + 0) for start, end in events] for events in asked.events])
    per_member = 1024 * sizes.year.members
    return Figure(
        f"memory of a member for {sizes.year.days} days, {sizes.year.events_each} events, every 15 minutes",
        "KiB",
        "list of the events",
        [kept / per_member],
        [raw / per_member],
        limit=MEMORY_GOAL_KIB,
    )


def rule_figure(sizes: GrowthSizes, least_s: float, rounds: int) -> Figure:
    """Rules of many members in six zones, each with rules of their own that are equal to others', never seen before."""
    everybody = [weekday_rules(ZONES[number % len(ZONES)], HOURS) for number in range(sizes.rule_members)]
    end = BEGINS + sizes.rule_days * DAY
    zone_data = (f"bench-{number}" for number in count())

    def expand(members: Sequence[Rules]) -> None:
        unseen = next(zone_data)  # as if the zone data had just changed: nothing that is remembered may be used
        for rules in members:
            engine.expand_rules(rules, BEGINS, end, zone_data=unseen)

    samples = interleaved(
        rounds,
        {
            "everybody": lambda: cpu_us(lambda: expand(everybody), least_s),
            "one": lambda: cpu_us(lambda: expand(everybody[:1]), least_s),
        },
    )
    return Figure(
        f"rules of {sizes.rule_members} members in {len(ZONES)} zones, {sizes.rule_days} days",
        THREAD_US,
        "rules of one member",
        samples["everybody"],
        samples["one"],
        at_most=RULES_GOAL,
    )


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """The slope of cost over size, both logarithmic, by least squares: 1 is linear."""
    xs = [math.log(size) for size, _ in points]
    ys = [math.log(cost) for _, cost in points]
    middle_x, middle_y = math.fsum(xs) / len(xs), math.fsum(ys) / len(ys)
    spread = math.fsum((x - middle_x) ** 2 for x in xs)
    return math.fsum((x - middle_x) * (y - middle_y) for x, y in zip(xs, ys, strict=True)) / spread


def _exponents(what: str, contests: dict[int, Contest], least_s: float, rounds: int) -> list[Figure]:
    """Of slots warm and hot and of periods warm, each beside the exponent of the sweep."""
    ways: dict[str, tuple[Callable[[Contest, str], object], str]] = {
        "slots, warm": (Contest.warm, OVERLAPPING),
        "slots, hot": (Contest.hot, OVERLAPPING),
        "slots, sweep": (Contest.sweep, OVERLAPPING),
        "periods, warm": (Contest.warm, "periods"),
        "periods, sweep": (Contest.sweep, "periods"),
    }
    for contest in contests.values():
        contest.agree(OVERLAPPING)
        contest.agree("periods")
    probes = {
        f"{name} {size}": _probe(way, contest, response_format, least_s)
        for size, contest in contests.items()
        for name, (way, response_format) in ways.items()
    }
    samples = interleaved(rounds, probes)
    slopes: dict[str, Samples] = {
        name: [exponent([(size, samples[f"{name} {size}"][number]) for size in contests]) for number in range(rounds)]
        for name in ways
    }
    span = f"{min(contests)} to {max(contests)} {what}"
    return [
        Figure(
            f"growth, {span}: {name}",
            "exponent",
            "plain sweep's",
            slopes[name],
            slopes[f"{name.partition(',')[0]}, sweep"],
            limit=EXPONENT_GOAL,
        )
        for name in ("slots, warm", "slots, hot", "periods, warm")
    ]


def _more_events(sizes: GrowthSizes, least_s: float, rounds: int) -> Figure:
    counts = (sizes.few_events, sizes.many_events)
    few, many = (Contest(scenario(sizes.shape(sizes.members, sizes.days_fixed, count)), None) for count in counts)
    for contest in (few, many):
        contest.agree(OVERLAPPING)
    samples = interleaved(
        rounds,
        {
            "few": _probe(Contest.hot, few, OVERLAPPING, least_s),
            "many": _probe(Contest.hot, many, OVERLAPPING, least_s),
        },
    )
    return Figure(
        f"slots hot, {sizes.members} members with {sizes.many_events} events each",
        THREAD_US,
        f"with {sizes.few_events} events each",
        samples["many"],
        samples["few"],
        at_most=EVENTS_GOAL,
    )


def _probe(
    way: Callable[[Contest, str], object], contest: Contest, response_format: str, least_s: float
) -> Callable[[], float]:
    return lambda: cpu_us(lambda: way(contest, response_format), least_s)


def _allocated(make: Callable[[], object]) -> int:
    """Bytes that what `make` returns keeps allocated."""
    make()  # whatever is made only once is made here
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        kept = make()
        gc.collect()
        after = tracemalloc.get_traced_memory()[0]
        del kept
        return after - before
    finally:
        tracemalloc.stop()
