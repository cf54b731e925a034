"""The plain sweep that the engine is held against: when is nobody busy, and which starts fit. "All of" only."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from bench.town import AVAILABILITY_DAYS, DAY, QUARTER, Busy, Town
from slotlink import engine

HOUR = 3600


def common_starts(everybody: Sequence[Busy], begin: int, end: int, duration: int, interval: int) -> list[int]:
    """Starts on the grid of which the whole meeting suits everybody. Merge all busy time, walk the gaps."""
    starts: list[int] = []
    for gap_begin, gap_end in _gaps(everybody, begin, end):
        start = gap_begin + -gap_begin % interval
        while start + duration <= gap_end:
            starts.append(start)
            start += interval
    return starts


def _gaps(everybody: Sequence[Busy], begin: int, end: int) -> Iterator[tuple[int, int]]:
    free_from = begin
    for busy_begin, busy_end in sorted(period for busy in everybody for period in busy):
        if busy_begin > free_from:
            yield free_from, min(busy_begin, end)
        free_from = max(free_from, busy_end)
        if free_from >= end:
            return
    yield free_from, end


def sweep_us(town: Town) -> float:
    """Thread CPU time of one plain sweep over everybody's events."""
    begin, end = town.begins, town.begins + AVAILABILITY_DAYS * DAY
    return _thread_us(lambda: common_starts(town.busy, begin, end, HOUR, QUARTER))


def engine_us(town: Town) -> float:
    """The same question to the engine, from raw busy time to slots that list everybody."""
    return _thread_us(lambda: engine_slots(town))


def engine_slots(town: Town) -> list[engine.Available]:
    members = tuple(engine.Member(sub, engine.free_gaps(busy)) for sub, busy in zip(town.subs, town.busy, strict=True))
    everybody = engine.ParticipantGroup(tuple(range(len(members))), len(members))
    query = engine.AvailabilityQuery(
        participants=(everybody,),
        members=members,
        required_duration=HOUR,
        query_periods=(engine.Period(town.begins, town.begins + AVAILABILITY_DAYS * DAY),),
        start_interval=QUARTER,
    )
    return engine.available_slots(query, overlapping=True)


def agree(town: Town) -> bool:
    """Whether both give the same starts; else their times compare nothing."""
    plain = common_starts(town.busy, town.begins, town.begins + AVAILABILITY_DAYS * DAY, HOUR, QUARTER)
    return plain == [slot.start for slot in engine_slots(town)]


def _thread_us(run: object, repeats: int = 20) -> float:
    assert callable(run)
    began = time.thread_time()
    for _ in range(repeats):
        run()
    return (time.thread_time() - began) / repeats * 1e6
