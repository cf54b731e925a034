"""The plain sweep that the engine is held against: what one writes on a good day without thinking of speed first.

Each member's busy time is merged and taken out of the working hours; what is left says when a meeting may start. All
the changes are sorted and swept with a counter per group, and the grid is walked where every group has enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from operator import ge

from bench.scenarios import Pairs, Scenario

Answer = tuple[int, int, tuple[int, ...]]
"""Start, end, indexes of the members that are free."""


def answers(scenario: Scenario, response_format: str) -> list[Answer]:
    """What the scenario asks for, from event lists sorted by start and the windows of the rules."""
    if response_format == "periods":
        found = _periods(scenario)
    else:
        found = _slots(scenario, overlapping=response_format == "overlapping_slots")
    return list(islice(found, scenario.shape.max_results))


def _periods(scenario: Scenario) -> Iterator[Answer]:
    for first, end, free in _runs(scenario):
        yield first, end - 1 + scenario.duration, tuple(sorted(free))


def _slots(scenario: Scenario, *, overlapping: bool) -> Iterator[Answer]:
    interval, duration = scenario.interval, scenario.duration
    earliest = scenario.begins
    for first, end, free in _runs(scenario):
        start = max(first, earliest)
        start += -start % interval
        if start >= end:
            continue
        participants = tuple(sorted(free))
        while start < end:
            yield start, start + duration, participants
            start += interval if overlapping else -(-duration // interval) * interval
        if not overlapping:
            earliest = start


def _runs(scenario: Scenario) -> Iterator[tuple[int, int, set[int]]]:
    """Neighbouring starts [first, end) that the same members can attend, enough of every group."""
    changes: list[tuple[int, int, int]] = []
    for member, (events, windows) in enumerate(zip(scenario.events, scenario.windows, strict=True)):
        for first, end in _fitting(scenario, _blocked(scenario, events), windows):
            changes.append((first, member, 1))
            changes.append((end, member, -1))
    changes.sort()
    groups_of: list[list[int]] = [[] for _ in scenario.events]
    for number, (members, _) in enumerate(scenario.groups):
        for member in members:
            groups_of[member].append(number)
    required = [required for _, required in scenario.groups]
    counts = [0] * len(required)
    free: set[int] = set()
    since = 0
    for instant, member, step in changes:
        if instant > since:
            if all(map(ge, counts, required)):
                yield since, instant, free
            since = instant
        if step > 0:
            free.add(member)
        else:
            free.remove(member)
        for group in groups_of[member]:
            counts[group] += step


def _blocked(scenario: Scenario, events: Pairs) -> Pairs:
    """Busy time and the buffers around it, merged."""
    blocked: Pairs = []
    for start, end in events:
        if end <= start:
            continue
        start -= scenario.after
        end += scenario.before
        if blocked and start <= blocked[-1][1]:
            if end > blocked[-1][1]:
                blocked[-1] = (blocked[-1][0], end)
        else:
            blocked.append((start, end))
    return blocked


def _fitting(scenario: Scenario, blocked: Pairs, windows: Pairs) -> Iterator[tuple[int, int]]:
    """The starts [first, end) for which the whole meeting lies in a window and in nothing that is blocked."""
    duration = scenario.duration
    passed = 0
    for begin, end in windows:
        begin, end = max(begin, scenario.begins), min(end, scenario.ends)
        while passed < len(blocked) and blocked[passed][1] <= begin:
            passed += 1
        following = passed
        while following < len(blocked):
            busy_begin, busy_end = blocked[following]
            if busy_begin >= end:
                break
            if busy_begin - begin >= duration:
                yield begin, busy_begin - duration + 1
            begin = max(begin, busy_end)
            following += 1
        if end - begin >= duration:
            yield begin, end - duration + 1
