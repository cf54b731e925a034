"""When a person is available at all, as an application has stored it: weekly by rules, once by available periods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from slotlink.engine.rules import AvailabilityRule, WeeklyPeriod


@dataclass(frozen=True, slots=True)
class StoredRule:
    """An availability rule under the application's own id. `calendar_ids`: only these make its owner busy for it; None
    is all of them."""

    availability_rule_id: str
    rule: AvailabilityRule
    calendar_ids: tuple[str, ...] | None

    @classmethod
    def of(
        cls,
        availability_rule_id: str,
        tzid: str,
        weekly_periods: Iterable[Mapping[str, str]],
        calendar_ids: Iterable[str] | None,
    ) -> StoredRule:
        """From the members `day`, `start_time` and `end_time` of each weekly period."""
        rule = AvailabilityRule(tzid, tuple(WeeklyPeriod(**period) for period in weekly_periods))
        return cls(availability_rule_id, rule, None if calendar_ids is None else tuple(calendar_ids))

    def weekly_periods(self) -> list[dict[str, str]]:
        """As they are stored and read back."""
        return [
            {"day": period.day, "start_time": period.start_time, "end_time": period.end_time}
            for period in self.rule.weekly_periods
        ]


@dataclass(frozen=True, slots=True)
class AvailablePeriod:
    """[start, end) in UTC seconds, once, under the application's own id. `tzid` only says how it is read back."""

    available_period_id: str
    start: int
    end: int
    tzid: str = "Etc/UTC"
