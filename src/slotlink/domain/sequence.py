"""A sequence as an application asks it: meetings one after another, each with its own people and length."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from slotlink import engine
from slotlink.domain.query import Member, Query, with_free

SequenceId = str | int


@dataclass(frozen=True, slots=True)
class Gap:
    """Seconds to a neighbouring step; `most` None is without bound."""

    least: int = 0
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One meeting. `whole` asks in the sequence's periods, `query` in what they share with the step's own; None when
    that is nothing."""

    sequence_id: SequenceId
    whole: Query
    query: Query | None
    ordinal: int | None = None
    before: Gap = Gap()
    after: Gap = Gap()


def whole_query(steps: Sequence[Step]) -> Query:
    """Everybody of every step, over all the time: what has to be read before steps are put in a row."""
    queries = [step.whole for step in steps]
    return Query(
        groups=tuple(group for query in queries for group in query.groups),
        required_duration=max(query.required_duration for query in queries),
        query_periods=queries[0].query_periods,
        buffer_before=max(query.buffer_before for query in queries),
        buffer_after=max(query.buffer_after for query in queries),
    )


def work_of(steps: Sequence[Step]) -> int:
    """What finding sequences costs, in the unit of `Query.work`: the starts of each step, once member by member and
    once in each order, and in each order a row for each step.

    A row has a place for whatever time all grids have in common, which for odd ones may be a second, from the first
    step's earliest start to the last one's latest."""
    queries = [step.query for step in steps if step.query is not None]
    if len(queries) < len(steps):
        return 0
    grids = [
        part
        for query in queries
        for part in (query.interval, *(start for start, _ in query.query_periods if engine.DAY % query.interval))
    ]
    reach = max(query.latest_end for query in queries) - min(query.first_start for query in queries)
    rows = len(steps) * (reach // math.gcd(*grids)) // ROW_PLACES_A_LOOK
    orders = engine.count_orders([step.ordinal for step in steps])
    made = len(steps) * LOOKS_TO_ORDER_A_STEP
    return sum(query.work for query in queries) + orders * (sum(query.starts for query in queries) + rows + made)


LOOKS_TO_ORDER_A_STEP = 100
"""What trying an order costs for each of its steps, whatever comes of it."""
ROW_PLACES_A_LOOK = 32
"""Places of a row that are looked at in the time of one look of the search."""


def sequence_steps(
    steps: Sequence[Step], places: Callable[[Member], Sequence[engine.Member]]
) -> list[engine.SequenceStep] | None:
    """The engine's question; None when some step can lie nowhere."""
    asked: list[engine.SequenceStep] = []
    for step in steps:
        if step.query is None:
            return None
        asked.append(
            engine.SequenceStep(
                query=with_free(step.query, places),
                ordinal=step.ordinal,
                least_before=step.before.least,
                most_before=step.before.most,
                least_after=step.after.least,
                most_after=step.after.most,
            )
        )
    return asked
