"""Sequences of interviews: the engine's search for chains of starts, held against a nested search over the same starts.

Nothing is timed before both have found the same chains.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from math import gcd
from statistics import fmean

from bench.engine_contest import THREAD_US, cpu_us
from bench.figures import Figure, interleaved
from bench.scenarios import HOUR, MINUTE, Shape, interviews
from slotlink import engine
from slotlink.engine import sequences

NESTED = "nested search, starts given"
IMPOSSIBLE_GOAL, EASY_GOAL = 1 / 100, 4
SHORT, LONG = 15 * MINUTE, 2 * HOUR
Chains = list[tuple[int, ...]]


@dataclass(frozen=True)
class SequenceSizes:
    """So many events leave an interviewer some 1,700 starts in half a year."""

    steps: int = 5
    days: int = 180
    events_each: int = 1060
    max_results: int = 512


LEAST_SEQUENCES = SequenceSizes(steps=3, days=6, events_each=5, max_results=9)


@dataclass(frozen=True)
class Case:
    """`most_gap`: seconds between two interviews. `early`: the index of an interviewer who is there only before
    everybody else, which leaves no chain at all. `goal`: the cost at most, as a part of the nested search's."""

    name: str
    most_gap: int
    early: int | None = None
    goal: float | None = None


CASES = (
    Case("impossible at the last, gaps of 0-15 min", SHORT, early=-1, goal=IMPOSSIBLE_GOAL),
    Case("impossible at the last, gaps of 0-2 h", LONG, early=-1, goal=IMPOSSIBLE_GOAL),
    # Where the second is impossible already, a nested search learns it as early as anybody.
    Case("impossible at the second, gaps of 0-2 h", LONG, early=1),
    Case("scarce, gaps of 0-15 min", SHORT),
    Case("easy, gaps of 0-2 h", LONG, goal=EASY_GOAL),
)


def sequence_figures(sizes: SequenceSizes, least_s: float, rounds: int) -> list[Figure]:
    """The search for chains alone, and the public call, which also finds the starts of every step."""
    figures: list[Figure] = []
    for case in CASES:
        contest = SequenceContest(case, sizes)
        found = contest.agree()
        ways = {"search alone": contest.search, "with finding the starts": contest.whole, "nested": contest.nested}
        samples = interleaved(rounds, {name: _probe(way, least_s) for name, way in ways.items()})
        starts = round(fmean(map(len, contest.starts)), -2)
        asked = f"sequence of {sizes.steps}, {sizes.days} days, ~{starts:,.0f} starts a step, {case.name} ({found})"
        figures += [
            Figure(f"{asked}: {name}", THREAD_US, NESTED, samples[name], samples["nested"], at_most=goal)
            for name, goal in (("search alone", case.goal), ("with finding the starts", None))
        ]
    return figures


class SequenceContest:
    """One case: the steps with the free time of their interviewers, and the starts of each as lists and as bits."""

    def __init__(self, case: Case, sizes: SequenceSizes) -> None:
        self._limit = sizes.max_results
        self._most_gap = case.most_gap
        asked = interviews(
            Shape("interviews", ((sizes.steps, sizes.steps),), sizes.days, sizes.events_each), case.early
        )
        self._duration = asked.duration
        self._steps = [
            engine.SequenceStep(
                engine.AvailabilityQuery(
                    participants=(engine.ParticipantGroup((0,), 1),),
                    members=(engine.Member(f"interviewer-{number}", engine.free_gaps(events), allowed),),
                    required_duration=asked.duration,
                    query_periods=(engine.Period(asked.begins, asked.ends),),
                    start_interval=asked.interval,
                ),
                ordinal=number,
                most_before=case.most_gap if number else None,
            )
            for number, (events, allowed) in enumerate(zip(asked.events, asked.allowed, strict=True))
        ]
        self._cache = engine.StartCache()
        self.starts = [
            [slot.start for slot in engine.available_slots(step.query, overlapping=True, cache=self._cache)]
            for step in self._steps
        ]
        base = min(min(starts) for starts in self.starts)
        self._base, self._unit = base, gcd(*(start - base for starts in self.starts for start in starts))
        self._places = [[(start - base) // self._unit for start in starts] for starts in self.starts]
        self._rows = [sum(1 << place for place in places) for places in self._places]

    def whole(self) -> list[engine.Sequenced]:
        """The public call: it finds the starts of every step, which its cache knows, and then the chains."""
        return engine.available_sequences(self._steps, self._limit, cache=self._cache)

    def search(self) -> list[tuple[object, tuple[int, ...]]]:
        """The search for chains alone, from the starts as bits and as lists: inside the engine, nothing else is timed
        so closely."""
        order = tuple(range(len(self._steps)))
        return list(islice(sequences._chains(self._steps, order, self._places, self._rows, self._unit), self._limit))

    def nested(self) -> Chains:
        return nested_search(self.starts, self._duration, self._most_gap, self._limit)

    def agree(self) -> int:
        """Every way finds the same chains: how many, or AssertionError."""
        plain = self.nested()
        public = [tuple(slot.start for _, slot in sequenced) for sequenced in self.whole()]
        assert public == plain, "the engine and the nested search differ"
        alone = [tuple(self._base + place * self._unit for place in places) for _, places in self.search()]
        assert alone == plain, "the search for chains and the nested search differ"
        return len(plain)


def nested_search(starts: Sequence[list[int]], duration: int, most_gap: int, limit: int) -> Chains:
    """What one writes first: for each start of a step, the starts of the next that lie close enough behind it, which
    bisection finds in its sorted list."""
    found: Chains = []
    last = len(starts) - 1

    def follow(number: int, chosen: tuple[int, ...], earliest: int, latest: int) -> bool:
        these = starts[number]
        for start in these[bisect_left(these, earliest) : bisect_right(these, latest)]:
            if number < last:
                end = start + duration
                if follow(number + 1, (*chosen, start), end, end + most_gap):
                    return True
            else:
                found.append((*chosen, start))
                if len(found) == limit:
                    return True
        return False

    follow(0, (), starts[0][0], starts[0][-1])
    return found


def _probe(way: Callable[[], object], least_s: float) -> Callable[[], float]:
    return lambda: cpu_us(way, least_s)
