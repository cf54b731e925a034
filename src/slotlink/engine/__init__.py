"""Availability arithmetic: when can these people meet? Pure, standard library only, usable without the server.

Whole UTC seconds in, whole UTC seconds out, half-open everywhere; no clock, no I/O and no time zone below this line.
"""

from slotlink.engine.availability import available_periods, available_slots, booked_members, offered_slot
from slotlink.engine.explanation import (
    Explanation,
    GroupExplanation,
    MemberExplanation,
    Restriction,
    Taken,
    explain,
)
from slotlink.engine.periods import (
    ALWAYS,
    MAX_INSTANT,
    MIN_INSTANT,
    NEVER,
    Gaps,
    Instant,
    Period,
    free_gaps,
    gaps_of,
    intersect_gaps,
    join_periods,
    periods_of,
    subtract,
)
from slotlink.engine.query import AvailabilityQuery, Available, Member, ParticipantGroup
from slotlink.engine.quotas import Quota, full_periods, whole_span
from slotlink.engine.rules import AvailabilityRule, WeeklyPeriod, expand_rules
from slotlink.engine.sequences import Sequenced, SequenceStep, available_sequences, count_orders
from slotlink.engine.slots import DAY, default_interval
from slotlink.engine.starts import StartCache

__all__ = [
    "ALWAYS",
    "DAY",
    "MAX_INSTANT",
    "MIN_INSTANT",
    "NEVER",
    "AvailabilityQuery",
    "AvailabilityRule",
    "Available",
    "Explanation",
    "Gaps",
    "GroupExplanation",
    "Instant",
    "Member",
    "MemberExplanation",
    "ParticipantGroup",
    "Period",
    "Quota",
    "Restriction",
    "SequenceStep",
    "Sequenced",
    "StartCache",
    "Taken",
    "WeeklyPeriod",
    "available_periods",
    "available_sequences",
    "available_slots",
    "booked_members",
    "count_orders",
    "default_interval",
    "expand_rules",
    "explain",
    "free_gaps",
    "full_periods",
    "gaps_of",
    "intersect_gaps",
    "join_periods",
    "offered_slot",
    "periods_of",
    "subtract",
    "whole_span",
]
