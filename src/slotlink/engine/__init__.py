"""Availability arithmetic: when can these people meet? Pure, standard library only, usable without the server.

Whole UTC seconds in, whole UTC seconds out, half-open everywhere; no clock, no I/O and no time zone below this line.
"""

from slotlink.engine.availability import available_periods, available_slots, booked_members, offered_slot
from slotlink.engine.periods import (
    ALWAYS,
    MAX_INSTANT,
    MIN_INSTANT,
    NEVER,
    Gaps,
    Instant,
    Period,
    free_gaps,
    join_periods,
)
from slotlink.engine.query import AvailabilityQuery, Available, Member, ParticipantGroup

__all__ = [
    "ALWAYS",
    "MAX_INSTANT",
    "MIN_INSTANT",
    "NEVER",
    "AvailabilityQuery",
    "Available",
    "Gaps",
    "Instant",
    "Member",
    "ParticipantGroup",
    "Period",
    "available_periods",
    "available_slots",
    "booked_members",
    "free_gaps",
    "join_periods",
    "offered_slot",
]
