"""A sequenced availability query as clients send it, and what it means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, cast

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema

from slotlink import engine
from slotlink.domain.query import Query
from slotlink.domain.sequence import Gap, SequenceId, Step
from slotlink.web.availability_request import RequiredDuration, StartInterval, WireGroups, checked_results, groups_of
from slotlink.web.participants_request import BufferEdge, BufferMember
from slotlink.web.period_request import PeriodMember, WirePeriods, at_most
from slotlink.web.wire import Fault, Wire, WireContext, exactly_one, fault

MAX_ID = 64


def _sequence_id(value: Any) -> SequenceId:
    if isinstance(value, str) and 0 < len(value) <= MAX_ID and "\x00" not in value and not _has_surrogate(value):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
        return value
    raise fault("errors.invalid_format", f"must be a text of 1 to {MAX_ID} characters or a whole number")


def _has_surrogate(value: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in value)


StepId = Annotated[
    SequenceId,
    BeforeValidator(_sequence_id),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1, "maxLength": MAX_ID},
                {"type": "integer", "minimum": -(2**53) + 1, "maximum": 2**53 - 1},
            ]
        }
    ),
]
StepPeriods = Annotated[list[PeriodMember], at_most("query_periods")]


class StepMember(Wire):
    """One meeting of the sequence."""

    sequence_id: StepId
    """Yours; comes back with the step."""
    ordinal: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    """Steps follow each other by it; equal ones in any order, a step without one anywhere."""
    participants: WireGroups
    required_duration: RequiredDuration
    start_interval: StartInterval | None = None
    """Spacing of starts; 15 minutes, or the duration if that is shorter, when absent."""
    buffer: BufferMember = BufferMember()
    """The minimum is free time around the step and the least gap to its neighbours, the maximum the longest gap."""
    query_periods: StepPeriods | None = None
    """Where this step may lie, within the periods of the sequence. An empty list is as good as none."""
    available_periods: Annotated[StepPeriods | None, Field(json_schema_extra={"deprecated": True})] = None
    """The same as `query_periods`."""

    @classmethod
    def cross_check(cls, raw: Mapping[str, Any], context: WireContext) -> Iterable[Fault]:
        if raw.get("query_periods") and raw.get("available_periods"):
            yield (("available_periods",), "errors.mutually_exclusive", "cannot be combined with query_periods")

    def step(self, periods: tuple[tuple[int, int], ...]) -> Step:
        """`periods` are the sequence's."""
        before, after = self.buffer.before or BufferEdge(), self.buffer.after or BufferEdge()
        own = [(period.start, period.end) for period in self.query_periods or self.available_periods or ()]
        shared = (
            engine.periods_of(engine.intersect_gaps(engine.gaps_of(periods), engine.gaps_of(own))) if own else periods
        )
        whole = self._query(periods, before, after)
        return Step(
            sequence_id=self.sequence_id,
            whole=whole,
            query=self._query(tuple((start, end) for start, end in shared), before, after) if shared else None,
            ordinal=self.ordinal,
            before=Gap(before.minimum, before.maximum),
            after=Gap(after.minimum, after.maximum),
        )

    def _query(self, periods: tuple[tuple[int, int], ...], before: BufferEdge, after: BufferEdge) -> Query:
        return Query(
            groups=groups_of(self.participants),
            required_duration=self.required_duration,
            query_periods=periods,
            start_interval=self.start_interval,
            buffer_before=before.minimum,
            buffer_after=after.minimum,
        )


class SequenceRequest(Wire):
    """When can all of these meetings be held, one after another?"""

    model_config = ConfigDict(json_schema_extra=exactly_one("query_periods", "available_periods"))
    sequence: Annotated[list[StepMember], Field(min_length=1), at_most("sequence_steps")]
    query_periods: WirePeriods | None = None
    """Where to search."""
    available_periods: Annotated[WirePeriods | None, Field(json_schema_extra={"deprecated": True})] = None
    """The same as `query_periods`."""
    max_results: Annotated[
        int, AfterValidator(checked_results), Field(json_schema_extra={"minimum": 1, "x-limit": "results"})
    ] = 512

    @classmethod
    def cross_check(cls, raw: Mapping[str, Any], context: WireContext) -> Iterable[Fault]:
        given = [name for name in ("query_periods", "available_periods") if name in raw]
        if not given:
            yield (("query_periods",), "errors.required", "query_periods must be specified")
        for name in given[1:]:
            yield ((name,), "errors.mutually_exclusive", f"cannot be combined with {given[0]}; send one of them")
        seen: set[Any] = set()
        for number, step in enumerate(_objects(raw.get("sequence"))):
            sequence_id = step.get("sequence_id")
            if isinstance(sequence_id, str | int):
                if sequence_id in seen:
                    yield (
                        ("sequence", number, "sequence_id"),
                        "errors.invalid_format",
                        "each step needs an id of its own",
                    )
                seen.add(sequence_id)

    def steps(self) -> list[Step]:
        periods = tuple((period.start, period.end) for period in self.query_periods or self.available_periods or [])
        return [step.step(periods) for step in self.sequence]


def _objects(value: Any) -> list[dict[str, Any]]:
    items = cast("list[Any]", value) if isinstance(value, list) else []
    return [cast("dict[str, Any]", item) if isinstance(item, dict) else {} for item in items]
