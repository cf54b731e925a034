"""When a member may be booked at all: what an application stored for them, what a query says, and quotas. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import tzdata

from slotlink import engine
from slotlink.domain.query import Constraint, Member
from slotlink.domain.rules import AvailablePeriod, StoredRule

ZONE_DATA = tzdata.IANA_VERSION


@dataclass(frozen=True, slots=True)
class Stored:
    """What an application stored for an account: all of its rules, and the available periods of the time looked at.

    `has_periods` says whether there is any available period at all, whenever it is: what a member's hours consist of
    must not depend on how much of the time somebody happens to look at."""

    rules: tuple[StoredRule, ...] = ()
    periods: tuple[AvailablePeriod, ...] = ()
    has_periods: bool = False


@dataclass(frozen=True, slots=True)
class Hours:
    """Some of a member's available time, with the calendars that make them busy in it (None: all of them)."""

    calendar_ids: tuple[str, ...] | None
    restrictions: tuple[engine.Restriction, ...]


def allowed_by(restrictions: Iterable[engine.Restriction], available: engine.Gaps | None = None) -> engine.Gaps | None:
    """The part of `available` that every restriction allows; None is any time."""
    for restriction in restrictions:
        allowed = restriction.allowed
        available = allowed if available is None else engine.intersect_gaps(available, allowed)
    return available


def hours_of(member: Member, stored: Stored, within: engine.Period, *, in_parts: bool = False) -> list[Hours]:
    """The member's available time in `within`: one Hours for each choice of calendars that counts for some of it.

    An account for which nothing is stored is not bound by managed availability, unless rules are named that are gone.
    Rules that name different calendars make an Hours each, and one for all of them together, so that a meeting may also
    lie across two rules' hours, where the calendars of all count. `in_parts` tells rule by rule what stored hours are
    made of; only explanations ask for it."""
    own = (
        ()
        if member.available_periods is None
        else (engine.Restriction("available_periods", engine.gaps_of(member.available_periods)),)
    )
    wanted = member.availability_rule_ids
    bound = stored.rules or stored.has_periods or wanted
    if not member.managed_availability or not bound:
        return [Hours(member.calendar_ids, own)]
    rules = [rule for rule in stored.rules if wanted is None or rule.availability_rule_id in wanted]
    # Calendars named in the query take precedence over a rule's.
    asked = member.calendar_ids
    by_calendars: dict[tuple[str, ...] | None, list[StoredRule]] = {}
    if asked is not None:
        by_calendars[asked] = rules
    else:
        if stored.has_periods or not rules:
            by_calendars[None] = []
        for rule in rules:
            calendar_ids = None if rule.calendar_ids is None else tuple(sorted(set(rule.calendar_ids)))
            by_calendars.setdefault(calendar_ids, []).append(rule)

    def managed(chosen: Sequence[StoredRule], periods: Sequence[AvailablePeriod]) -> engine.Restriction:
        allowed = _expanded(chosen, within)
        if periods:
            once = [(period.start, period.end) for period in periods]
            allowed = engine.gaps_of([*engine.periods_of(allowed), *once])
        parts = [
            engine.Restriction(rule.availability_rule_id, _expanded([rule], within)) for rule in chosen if in_parts
        ]
        return engine.Restriction("managed_availability", allowed, tuple(parts))

    hours = [
        Hours(calendar_ids, (managed(chosen, stored.periods if calendar_ids == asked else ()), *own))
        for calendar_ids, chosen in by_calendars.items()
    ]
    if len(hours) > 1:
        named = [calendar_ids for calendar_ids in by_calendars if calendar_ids is not None]
        together = None if None in by_calendars else tuple(sorted({each for ids in named for each in ids}))
        hours.append(Hours(together, (managed(rules, stored.periods), *own)))
    return hours


def _expanded(rules: Sequence[StoredRule], within: engine.Period) -> engine.Gaps:
    return engine.expand_rules([rule.rule for rule in rules], within.start, within.end, ZONE_DATA)


@dataclass(frozen=True, slots=True)
class CountedEvent:
    """An event of the application in some calendar of an account, with its tags as (kind, value)."""

    event_id: str
    start: int
    end: int
    tags: frozenset[tuple[str, str]]


def tags_of(details: dict[str, Any]) -> frozenset[tuple[str, str]]:
    """The tags among an event's members: `{"private": [{"value": "interview"}]}`."""
    tags: dict[str, list[dict[str, str]]] = details.get("tags") or {}
    return frozenset((kind, tag["value"]) for kind, values in tags.items() for tag in values)


def quota_of(constraint: Constraint, account_tzid: str) -> engine.Quota:
    return engine.Quota(constraint.period, constraint.limit, constraint.tzid or account_tzid)


def within_quotas(
    constraints: Sequence[Constraint], events: Iterable[CountedEvent], account_tzid: str, within: engine.Period
) -> list[engine.Restriction]:
    """One restriction a constraint: the time outside of full days and weeks, each by its path in the member."""
    # An event in several calendars, or of a booking whose event is written already, is one.
    distinct = list({(event.event_id, event.start): event for event in events}.values())
    restrictions: list[engine.Restriction] = []
    for number, constraint in enumerate(constraints):
        counted = [(event.start, event.end) for event in distinct if event.tags.issuperset(constraint.tags)]
        full = engine.full_periods(quota_of(constraint, account_tzid), counted, within.start, within.end)
        restrictions.append(engine.Restriction(f"availability_constraints[{number}]", engine.free_gaps(full)))
    return restrictions
