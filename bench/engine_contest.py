"""Engine, plain sweep and C floor before the same scenario: ask each, see that they agree, and take their time."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence

from bench import engine_sweep
from bench.floor import Floor, Library
from bench.scenarios import FORMATS, Scenario
from slotlink import engine

THREAD_US = "thread µs"


class Contest:
    """A scenario with the free time of its members; `floor` is None without a compiler.

    cold  from event lists sorted by start: gaps of every member, then the question
    warm  the gaps are there, nothing is remembered of them
    hot   the same question about the same gaps was answered before
    """

    def __init__(self, scenario: Scenario, library: Library | None) -> None:
        self.scenario = scenario
        self.gaps = [engine.free_gaps(events) for events in scenario.events]
        self.queries = {asked: self._query(self.gaps, asked) for asked in FORMATS}
        self.cache = engine.StartCache()
        self.floor = None if library is None else Floor(library, scenario, self.gaps)

    def cold(self, response_format: str) -> list[engine.Available]:
        query = self._query([engine.free_gaps(events) for events in self.scenario.events], response_format)
        return _answer(query, response_format, engine.StartCache())

    def warm(self, response_format: str) -> list[engine.Available]:
        return _answer(self.queries[response_format], response_format, engine.StartCache())

    def hot(self, response_format: str) -> list[engine.Available]:
        return _answer(self.queries[response_format], response_format, self.cache)

    def sweep(self, response_format: str) -> list[engine_sweep.Answer]:
        return engine_sweep.answers(self.scenario, response_format)

    def view(self, response_format: str) -> list[engine.Available]:
        """As a server asks: hot, but the question is put together anew."""
        return _answer(self._query(self.gaps, response_format), response_format, self.cache)

    def view_after_change(self, response_format: str) -> list[engine.Available]:
        """The same after one calendar has changed: the free time of its owner is made anew and known to no cache."""
        self.gaps[0] = engine.free_gaps(self.scenario.events[0])
        return self.view(response_format)

    def agree(self, response_format: str) -> int:
        """Every way to the answer gives the same: starts, ends and members. The number of results, or AssertionError.

        Afterwards the cache is filled, and everything was run once."""
        plain = self.sweep(response_format)
        # Twice hot: the first fills the cache, the second reads it.
        for way in (self.cold, self.warm, self.hot, self.hot, self.view, self.view_after_change):
            found = [tuple(available) for available in way(response_format)]
            assert found == plain, self._difference(response_format, f"engine, {way.__name__}", found, plain)
        for cold in (False, True) if self.floor is not None else ():
            found = self.floor.answers(response_format, cold=cold)
            assert found == plain, self._difference(response_format, "C floor", found, plain)
        return len(plain)

    def _query(self, gaps: Sequence[engine.Gaps], response_format: str) -> engine.AvailabilityQuery:
        asked = self.scenario
        return engine.AvailabilityQuery(
            participants=tuple(engine.ParticipantGroup(members, required) for members, required in asked.groups),
            members=tuple(
                engine.Member(f"person-{number}", free, allowed)
                for number, (free, allowed) in enumerate(zip(gaps, asked.allowed, strict=True))
            ),
            required_duration=asked.duration,
            query_periods=(engine.Period(asked.begins, asked.ends),),
            # Without one, periods begin at any second.
            start_interval=None if response_format == "periods" else asked.interval,
            buffer_before=asked.before,
            buffer_after=asked.after,
            max_results=asked.shape.max_results,
        )

    def _difference(self, response_format: str, who: str, found: Sequence[object], plain: Sequence[object]) -> str:
        number = next((i for i, (one, other) in enumerate(zip(found, plain, strict=False)) if one != other), None)
        where = "one has more" if number is None else f"first at {number}: {found[number]}, {plain[number]}"
        return f"{self.scenario.shape.name} {response_format}: {who} and the plain sweep differ ({where})"


def cpu_us(run: Callable[[], object], least_s: float) -> float:
    """Thread CPU time of one run in microseconds, over as many as last `least_s` together; no garbage collection."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        runs, batch, used = 0, 1, 0.0
        while True:
            began = time.thread_time()
            for _ in range(batch):
                run()
            used += time.thread_time() - began
            runs += batch
            if used >= least_s:
                return used / runs * 1e6
            batch = runs
    finally:
        gc.collect(0)  # only what these runs have left behind
        if collecting:
            gc.enable()


def _answer(query: engine.AvailabilityQuery, response_format: str, cache: engine.StartCache) -> list[engine.Available]:
    if response_format == "periods":
        return engine.available_periods(query, cache=cache)
    return engine.available_slots(query, overlapping=response_format == "overlapping_slots", cache=cache)
