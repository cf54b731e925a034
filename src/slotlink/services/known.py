"""What is known of an account for a stretch of time, as of one version of it, and a cache of that.

Whoever looks something up here has read the account's version first, in the same transaction: an entry of another
version is not found. Bookings do not look here at all, they read anew.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from slotlink import engine
from slotlink.domain.account import Account, Calendar
from slotlink.domain.hours import Hours, Stored, allowed_by, hours_of
from slotlink.domain.query import Member

SyncStatus = Literal["active", "pending", "disconnected"]

_Key = tuple[str, str, engine.Period]
_MOST_TIMES = 16  # remembered for one account: more than a link, its page and a few queries ask for
LEAF_S = 28 * 86400
"""Knowledge is kept for whole leaves of time, so that queries for nearly the same time share it."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which events of which calendars make a member busy; `calendar_ids` None is all calendars."""

    calendar_ids: frozenset[str] | None
    ignore_tentative: bool
    only_managed_events: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A member's free and available time, with the restrictions that the latter comes from."""

    member: engine.Member
    restrictions: tuple[engine.Restriction, ...] = ()


@dataclass(frozen=True, slots=True)
class MemberTime:
    """Whether a member's calendars are known for a query, and when they can meet: never, unless they are `active`."""

    status: SyncStatus
    places: tuple[Place, ...]

    @property
    def members(self) -> tuple[engine.Member, ...]:
        return tuple(place.member for place in self.places)


@dataclass(slots=True)
class Known:
    """Everything an answer needs of one account within `within`.

    calendars   the living ones
    busy        free time for each selection of events that was asked for
    stored      rules and available periods; None when nobody asked for managed availability
    holds_end   when the first hold of a booking ends, after which this is out of date; None: none ends by itself
    """

    account: Account
    within: engine.Period
    calendars: tuple[Calendar, ...]
    free: dict[Selection, engine.Gaps]
    stored: Stored | None
    holds_end: int | None
    _times: dict[tuple[Member, engine.Period], MemberTime] = field(
        default_factory=dict[tuple[Member, engine.Period], "MemberTime"]
    )
    _size_of_times: int = 0

    @property
    def size(self) -> int:
        """Bytes held, roughly."""
        stored = 0 if self.stored is None else 1000 * len(self.stored.rules) + 200 * len(self.stored.periods)
        return 4000 + stored + sum(500 + gaps.size for gaps in self.free.values()) + self._size_of_times

    def absorb(self, older: Known, now: int) -> None:
        """Take over what was read before for the same version and time, for other members than this was read for."""
        if older.holds_end is None or now < older.holds_end:
            self.free = {**older.free, **self.free}
            self.stored = self.stored or older.stored

    def find_time(self, member: Member, span: engine.Period, now: int) -> MemberTime | None:
        """The member's time for a query over `span`, which lies in `within`; quotas are not in it. None when something
        has to be read first."""
        if self.holds_end is not None and now >= self.holds_end:
            return None
        found = self._times.get((member, span))
        if found is None:
            found = self._find_time(member, span)
            if found is not None:
                if len(self._times) >= _MOST_TIMES:
                    self._times.clear()
                    self._size_of_times = 0
                self._times[member, span] = found
                gaps = (restriction.allowed for place in found.places for restriction in place.restrictions)
                self._size_of_times += 1000 + 2 * sum(allowed.size for allowed in gaps)
        return found

    def _find_time(self, member: Member, span: engine.Period) -> MemberTime | None:
        if member.managed_availability and self.stored is None:
            return None
        places: list[Place] = []
        for hours in hours_of(member, self.stored or Stored(), self.within):
            selection = selection_of(member, hours)
            status = self._status(selection, span)
            if status != "active":
                return unreadable(member, status)
            if selection not in self.free:
                return None
            places.append(
                Place(
                    engine.Member(
                        member.sub,
                        self.free[selection],
                        allowed_by(hours.restrictions),
                        member.buffer_before,
                        member.buffer_after,
                    ),
                    hours.restrictions,
                )
            )
        return MemberTime("active", tuple(places))

    def _status(self, selection: Selection, span: engine.Period) -> SyncStatus:
        chosen = chosen_calendars(selection, self.calendars)
        sync = [calendar.sync_status() for calendar in chosen or ()]
        if chosen is None or "disconnected" in sync:
            return "disconnected"
        if "pending" in sync or not all(calendar.knows(span.start, span.end) for calendar in chosen):
            return "pending"
        return "active"


def selection_of(member: Member, hours: Hours) -> Selection:
    calendar_ids = None if hours.calendar_ids is None else frozenset(hours.calendar_ids)
    return Selection(calendar_ids, member.ignore_tentative, member.only_managed_events)


def unreadable(member: Member, status: SyncStatus) -> MemberTime:
    """A calendar that cannot be read is never free."""
    return MemberTime(status, (Place(engine.Member(member.sub, engine.NEVER)),))


def chosen_calendars(selection: Selection, calendars: Sequence[Calendar]) -> list[Calendar] | None:
    """The calendars that count; None when one that was asked for is gone, or none is left: nobody is free because
    nothing is known of them."""
    if selection.calendar_ids is None:
        return list(calendars) or None
    chosen = [calendar for calendar in calendars if calendar.calendar_id in selection.calendar_ids]
    return chosen if len(chosen) == len(selection.calendar_ids) else None


def leaves_around(span: engine.Period) -> engine.Period:
    """The whole leaves of time that hold `span`."""
    return engine.Period(span.start // LEAF_S * LEAF_S, -(-span.end // LEAF_S) * LEAF_S)


class KnownCache:
    """What was last read of accounts, by leaves of time; the least used is forgotten first. For one thread."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[_Key, Known] = OrderedDict()
        self._sizes: dict[_Key, int] = {}
        self._size = 0

    def find(self, application_id: str, sub: str, version: int, within: engine.Period) -> Known | None:
        """What is known of this version of the account, which has just been read."""
        key = (application_id, sub, within)
        found = self._kept.get(key)
        if found is None or found.account.version != version:
            return None
        self._kept.move_to_end(key)
        self._measure(key, found)  # it may have grown since
        return found

    def keep(self, known: Known) -> None:
        key = (known.account.application_id, known.account.sub, known.within)
        self._kept[key] = known
        self._kept.move_to_end(key)
        self._measure(key, known)
        while self._size > self._most_bytes and len(self._kept) > 1:
            dropped, _ = self._kept.popitem(last=False)
            self._size -= self._sizes.pop(dropped)

    def _measure(self, key: _Key, known: Known) -> None:
        size = known.size
        self._size += size - self._sizes.get(key, 0)
        self._sizes[key] = size
