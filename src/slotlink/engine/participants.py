"""“All of” and “n of” members: at which starts enough of them can attend the whole meeting.

Works on starts, never on instants: who is free for each half of a meeting is not free for the meeting
(`guides/engine.md` section 2, "fit").
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from slotlink.engine.periods import Instant, Ranges
from slotlink.engine.query import AvailabilityQuery


class Run(NamedTuple):
    """Neighbouring starts, `first` up to not including `end`, that exactly the same participants can attend."""

    first: Instant
    end: Instant
    participants: tuple[int, ...]


class Roster:
    """The places of a query's groups in request order; a set of them is an int with one bit a place.

    `members` are the indexes into the query's members, place by place. An index named twice is one place.
    """

    def __init__(self, query: AvailabilityQuery) -> None:
        subs = [member.sub for member in query.members]
        self.members = tuple(dict.fromkeys(index for group in query.participants for index in group.members))
        bits = {index: 1 << place for place, index in enumerate(self.members)}
        self._places = _Places(self.members, bits, subs)
        self._groups = [
            (group.required, _Places(tuple(dict.fromkeys(group.members)), bits, subs)) for group in query.participants
        ]

    def attending(self, free: int) -> tuple[int, ...] | None:
        """Return who is listed when the places in `free` can attend, or None when some group has too few."""
        for required, places in self._groups:
            if places.count(free) < required:
                return None
        return self._places.choose(free)

    def booked(self, free: int) -> tuple[int, ...]:
        """Return who is booked when the places in `free` can attend: of each group the first `required` of them.

        Raises ValueError when some group has too few.
        """
        if self.attending(free) is None:
            raise ValueError("not enough members are free to be booked")
        booked = {index for required, places in self._groups for index in places.choose(free)[:required]}
        return self._places.choose(sum(1 << place for place, index in enumerate(self.members) if index in booked))

    def runs(self, windows: Sequence[Ranges]) -> Iterator[Run]:
        """Sweep the starts in ascending order; `windows` are the starts each place can attend, place by place."""
        changes: dict[Instant, int] = {}
        for place, ranges in enumerate(windows):
            bit = 1 << place
            for first, end in ranges:
                changes[first] = changes.get(first, 0) ^ bit
                changes[end] = changes.get(end, 0) ^ bit
        free = 0
        since = 0
        participants: tuple[int, ...] | None = None
        # After the last change nobody is free, so the last run always ends inside the loop.
        for instant in sorted(changes):
            free ^= changes[instant]
            attending = self.attending(free)
            if attending == participants:
                continue
            if participants is not None:
                yield Run(since, instant, participants)
            since, participants = instant, attending


class _Places:
    """Some places in order, with the places of one sub known as such."""

    def __init__(self, members: Sequence[int], bits: dict[int, int], subs: Sequence[str]) -> None:
        by_sub: dict[str, int] = {}
        self._rows: list[tuple[int, int, int]] = []
        for index in members:
            earlier = by_sub.get(subs[index], 0)
            self._rows.append((index, bits[index], earlier))
            by_sub[subs[index]] = earlier | bits[index]
        self._repeated = [mask for mask in by_sub.values() if mask.bit_count() > 1]
        self._single = sum(mask for mask in by_sub.values() if mask.bit_count() == 1)

    def count(self, free: int) -> int:
        """Return how many distinct subs have a place in `free`."""
        return (free & self._single).bit_count() + sum(1 for mask in self._repeated if free & mask)

    def choose(self, free: int) -> tuple[int, ...]:
        """Return the members that have a place in `free`, each sub by its first such place."""
        return tuple([index for index, bit, earlier in self._rows if free & bit and not free & earlier])
