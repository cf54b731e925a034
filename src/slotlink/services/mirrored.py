"""From a provider's objects to what the store keeps of them: pure, but for the work that it counts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import tzdata

from slotlink import ical
from slotlink.connectors.base import RemoteObject
from slotlink.engine import Period
from slotlink.services.occurrences import WHOLE_TIME, details_of, distinct, stored
from slotlink.store.mirrored_events import MirroredEvent
from slotlink.store.mirrors import Mirror

KNOWN_BEFORE_S = 60 * 86_400
KNOWN_AHEAD_S = 220 * 86_400  # beyond the longest query, and then for as long as it takes to roll the horizon on
MOST_WORK_S = 120  # some hundred times what ten thousand usual events take
ZONE_VERSION = tzdata.IANA_VERSION


class UnreadableObject(Exception):
    """One object cannot be understood, so nobody knows when its owner is busy."""


@dataclass(frozen=True, slots=True)
class Read:
    """`uid` is the event's, empty where the object holds none."""

    uid: str
    event: MirroredEvent


def horizon(now: int) -> Period:
    """What repeating events are expanded over, when they are read."""
    return Period(now - KNOWN_BEFORE_S, now + KNOWN_AHEAD_S)


def read_objects(
    objects: Iterable[RemoteObject], mirror: Mirror, within: Period, worked: Callable[[], float] = time.thread_time
) -> list[Read]:
    """Every object with its busy time. Raises UnreadableObject with the provider's name for it.

    worked  seconds of work so far: each object is bounded, and so are all of them together"""
    ends = worked() + MOST_WORK_S
    read: list[Read] = []
    for each in objects:
        read.append(_read(each, mirror, within))
        if worked() > ends:
            raise UnreadableObject(f"{each.remote_key}: to read the calendar so far took over {MOST_WORK_S} seconds")
    return read


def _read(found: RemoteObject, mirror: Mirror, within: Period) -> Read:
    try:
        parsed = ical.read_object(found.ical, mirror.tzid, max_size=ical.MOST_BYTES)
        span = (within.start, within.end) if parsed.recurring else WHOLE_TIME
        occurrences = parsed.expand(*span)
    except ical.InvalidCalendar as error:
        raise UnreadableObject(f"{found.remote_key}: {error}") from error
    rows = [stored(each, owner_addresses=mirror.owner_addresses) for each in occurrences]
    details = details_of(occurrences[0]) if occurrences else {"summary": ""}
    event = MirroredEvent(found.remote_key, found.version, found.ical, details, parsed.recurring, distinct(rows))
    return Read(parsed.uid, event)
