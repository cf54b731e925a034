"""“All of” and “n of” members: at which starts enough of them can attend the whole meeting, and who they are.

Works on starts, never on instants: who is free for each half of a meeting is not free for the meeting ("fit",
`decisions.md` "Availability"). Asked in two directions: for many starts at once, with one row of bits a place; for one
start, with one bit a place.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from itertools import compress

from slotlink.engine.query import AvailabilityQuery

Row = Callable[[int], int]
"""The starts that suit a place, one bit each."""

_TRUTH = bytes.maketrans(b"01", b"\x00\x01")
_BIT_OF_BYTE = tuple(bytes((byte >> bit) & 1 for byte in range(256)) for bit in range(8))


class Roster:
    """The places of a query's groups in request order. An index named twice is one place; a sub may have several.

    `members` are the indexes into the query's members, place by place. A set of places is an int with one bit each,
    the first place the highest.
    """

    def __init__(self, query: AvailabilityQuery) -> None:
        self.members = tuple(dict.fromkeys(index for group in query.participants for index in group.members))
        self.places = {index: place for place, index in enumerate(self.members)}
        self._subs = [query.members[index].sub for index in self.members]
        self.repeats = len(set(self._subs)) < len(self._subs)
        self._groups = [_Group(group.members, group.required, self) for group in query.participants]
        self.must = tuple(dict.fromkeys(place for group in self._groups for place in group.must))
        """The places without whom nothing can be offered."""
        self.offers: dict[int, int] = {}
        """What `offer` has answered so far."""
        self._listed: dict[bytes, tuple[int, ...]] = {}

    @cached_property
    def bits(self) -> list[int]:
        """The bit of each place."""
        highest = len(self.members) - 1
        return [1 << (highest - place) for place in range(len(self.members))]

    @cached_property
    def _plain(self) -> list[tuple[int, int]]:
        """The groups in which everybody has one place: all of its places, and how many are required."""
        return [(group.mask(self.bits), group.required) for group in self._groups if group.by_sub is None]

    def by_sub(self, places: Iterable[int]) -> list[list[int]]:
        """Some places, those of one sub together."""
        by_sub: dict[str, list[int]] = {}
        for place in places:
            by_sub.setdefault(self._subs[place], []).append(place)
        return list(by_sub.values())

    def enough(self, free: int) -> bool:
        """Whether every group has enough members among the places in `free`."""
        for mask, required in self._plain:
            if (free & mask).bit_count() < required:
                return False
        return all(
            len(group.first_places(free, self.bits)) >= group.required
            for group in self._groups
            if group.by_sub is not None
        )

    def attending(self, free: int) -> tuple[int, ...]:
        """Return who is listed when the places in `free` can attend: each sub by its first place, whichever is free."""
        row = format(self.people(free), f"0{len(self.members)}b").encode().translate(_TRUTH)
        return tuple(compress(self.members, row))

    def people(self, free: int) -> int:
        """Return the first place of each sub that has a place in `free`: the same people, the same number."""
        return self._first_places(free) if self.repeats else free

    def offer(self, free: int) -> int:
        """Return `people` when the places in `free` are enough, else 0. Kept in `offers`."""
        people = self.offers[free] = self.people(free) if self.enough(free) else 0
        return people

    def booked(self, free: int) -> tuple[int, ...]:
        """Return who is booked when the places in `free` can attend: of each group the first `required` of them.

        Raises ValueError when some group has too few.
        """
        if not self.enough(free):
            raise ValueError("not enough members are free to be booked")
        chosen = 0
        for group in self._groups:
            for place in group.first_places(free, self.bits)[: group.required]:
                chosen |= self.bits[place]
        return self.attending(chosen)

    def suiting(self, starts: int, row: Row) -> int:
        """Return those of `starts` that suit every group; `row(place)` gives the starts that suit a place.

        Whoever must come is asked first: where they leave nothing, nobody else is asked.
        """
        for group in self._groups:
            for place in group.must:
                starts &= row(place)
                if not starts:
                    return 0
        for group in self._groups:
            if group.must:
                continue
            starts &= at_least(group.required, group.rows(row))
            if not starts:
                return 0
        return starts

    def attending_at(self, starts: Sequence[int], rows: Sequence[int], count: int) -> list[tuple[int, ...]]:
        """Return who is listed at each of some starts, ascending; `rows` have `count` bits, place by place."""
        if not self.repeats and len(self.must) == len(self.members):
            return [self.members] * len(starts)
        if self.repeats:
            rows = self._first_rows(rows)
        width = (count + 7) // 8
        table = b"".join([row.to_bytes(width, "little") for row in rows])
        listed: list[tuple[int, ...]] = []
        known = self._listed
        byte, column = -1, b""
        for start in starts:
            if start >> 3 != byte:
                byte = start >> 3
                column = table[byte::width]  # the byte that holds this start, of every place
            picked = column.translate(_BIT_OF_BYTE[start & 7])
            participants = known.get(picked)
            if participants is None:
                participants = known[picked] = tuple(compress(self.members, picked))
            listed.append(participants)
        return listed

    def _first_places(self, free: int) -> int:
        first = 0
        for places in self.by_sub(range(len(self.members))):
            if any(free & self.bits[place] for place in places):
                first |= self.bits[places[0]]
        return first

    def _first_rows(self, rows: Sequence[int]) -> list[int]:
        first = [0] * len(rows)
        for places in self.by_sub(range(len(self.members))):
            for place in places:
                first[places[0]] |= rows[place]
        return first


class _Group:
    """One group's places, in its order. `by_sub` are those of each sub together, None when everybody has one; `must`
    are the places when all of them are needed and nobody has two, none otherwise."""

    def __init__(self, members: Sequence[int], required: int, roster: Roster) -> None:
        self.required = required
        self._places = [roster.places[index] for index in dict.fromkeys(members)]
        by_sub = roster.by_sub(self._places) if roster.repeats else None
        self.by_sub = by_sub if by_sub is not None and len(by_sub) < len(self._places) else None
        self.must = self._places if required == len(self._places) and self.by_sub is None else []

    def mask(self, bits: Sequence[int]) -> int:
        return sum(bits[place] for place in self._places)

    def first_places(self, free: int, bits: Sequence[int]) -> list[int]:
        """Return a place in `free` for each sub that has one, in the group's order: its first such place."""
        if self.by_sub is None:
            return [place for place in self._places if free & bits[place]]
        firsts = {next((place for place in places if free & bits[place]), None) for places in self.by_sub}
        return [place for place in self._places if place in firsts]

    def rows(self, row: Row) -> list[int]:
        """Return the starts that suit each sub, at one of its places or another."""
        if self.by_sub is None:
            return [row(place) for place in self._places]
        rows: list[int] = []
        for places in self.by_sub:
            together = row(places[0])
            for place in places[1:]:
                together |= row(place)
            rows.append(together)
        return rows


def at_least(required: int, rows: Sequence[int]) -> int:
    """Return the bits that are set in at least `required` of `rows`.

    Counts all bits at once: carry-save adders turn three rows of one weight into one of it and one of twice the weight,
    until each binary digit of the counts is one row; then the digits are compared with those of `required`.
    """
    if required > len(rows):
        return 0
    if required == len(rows) or required == 1:
        every, some = rows[0], rows[0]
        for row in rows[1:]:
            every &= row
            some |= row
        return some if required == 1 else every
    digits: list[int] = []
    weight = list(rows)
    while weight:
        carried: list[int] = []
        while len(weight) > 2:
            a, b, c = weight.pop(), weight.pop(), weight.pop()
            differ = a ^ b
            weight.append(differ ^ c)
            carried.append((a & b) | (differ & c))
        if len(weight) == 2:
            a, b = weight
            weight = [a ^ b]
            carried.append(a & b)
        digits.append(weight[0])
        weight = carried
    return _not_below(digits, required)


def _not_below(digits: Sequence[int], required: int) -> int:
    """Return the bits whose count is not below `required`; `digits` are the counts' binary digits from the lowest."""
    above, equal = 0, -1
    for place in range(max(len(digits), required.bit_length()) - 1, -1, -1):
        digit = digits[place] if place < len(digits) else 0
        if required >> place & 1:
            equal &= digit
        else:
            above |= equal & digit
            equal &= ~digit
    return above | equal
