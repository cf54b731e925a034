"""When, as clients send it: periods, slots, and lists of them within the deployment's limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, GetJsonSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, PydanticCustomError

from slotlink.web.wire import Fault, Time, Wire, WireContext, context_of, fault, parse_time

DAY_S = 86400


class PeriodMember(Wire):
    """Half open: `end` itself is not in it."""

    start: Time
    end: Time

    @classmethod
    def cross_check(cls, raw: Mapping[str, Any], context: WireContext) -> Iterable[Fault]:
        try:
            ordered = parse_time(raw.get("end")) > parse_time(raw.get("start"))
        except PydanticCustomError:
            return  # reported where it is
        if not ordered:
            yield (("end",), "errors.invalid_time_pair", "end must be after start")


class SlotMember(Wire):
    start: Time


class _Limited(AfterValidator):
    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(core_schema), "x-limit": self.func.__name__}


def at_most(limit: str) -> AfterValidator:
    """A list no longer than the limit of this name in the settings."""

    def check(value: Any, info: ValidationInfo) -> Any:
        context = context_of(info)
        most = getattr(context.limits, limit)
        if len(value) > most:
            raise fault("errors.too_many", f"may have {most} entries")
        return value

    check.__name__ = limit
    return _Limited(check)


def _within_span(first: int, last: int, context: WireContext) -> None:
    if last - first > context.limits.span_days * DAY_S:
        raise fault("errors.too_many", f"may span {context.limits.span_days} days from the first start to the last end")


def _period_span(periods: list[PeriodMember], info: ValidationInfo) -> list[PeriodMember]:
    _within_span(min(p.start for p in periods), max(p.end for p in periods), context_of(info))
    return periods


def _slot_span(slots: list[SlotMember], info: ValidationInfo) -> list[SlotMember]:
    _within_span(min(s.start for s in slots), max(s.start for s in slots), context_of(info))
    return slots


WirePeriods = Annotated[list[PeriodMember], Field(min_length=1), at_most("query_periods"), AfterValidator(_period_span)]
WireSlots = Annotated[list[SlotMember], Field(min_length=1), at_most("query_slots"), AfterValidator(_slot_span)]
