"""Runs: neighbouring starts, to the second, that exactly the same participants can attend.

Starts are cut where the set of those who can attend changes, and only there (`decisions.md` "Availability", "fit").
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate

from slotlink.engine.participants import Roster
from slotlink.engine.periods import Instant, Period, Ranges, intersect
from slotlink.engine.starts import BLOCK_SECONDS, MemberStarts, edges_within

FIRST_STRETCH = 86_400


Run = tuple[Instant, Instant, int]
"""Starts from the first up to, not including, the second, that exactly these people can attend (`Roster.people`)."""

_Cut = tuple[Instant, int]
"""Who can attend up to when; 0 where too few can."""


def runs(roster: Roster, places: Sequence[MemberStarts], starts: Period) -> Iterator[Run]:
    """Give the runs inside some starts, ascending; `places` are the roster's, in its order.

    Lazily, in stretches that grow: who needs only the first few runs pays for little more.
    """
    sweep = _Sweep(roster, places)
    since = at = starts.start
    people = 0
    for cuts in sweep.stretches(starts):
        for until, attending in cuts:
            if attending != people:
                if people:
                    yield since, at, people
                since, people = at, attending
            at = until
    if people:
        yield since, at, people


class _Sweep:
    """Who can attend, stretch by stretch. Where somebody must come, the others are only asked when all of those can."""

    def __init__(self, roster: Roster, places: Sequence[MemberStarts]) -> None:
        self._roster = roster
        must = set(roster.must)
        self._must = [places[place] for place in roster.must]
        self._others = [(place, starts) for place, starts in enumerate(places) if place not in must]
        self._must_bits = sum(roster.bits[place] for place in must)
        self._alone = roster.offer(self._must_bits)
        self._width = len(places).bit_length()

    def stretches(self, starts: Period) -> Iterator[Iterator[_Cut]]:
        """Give who can attend, from the start of `starts` to its end without a hole."""
        begin, length = starts.start, BLOCK_SECONDS if self._must else FIRST_STRETCH
        while begin < starts.end:
            block = begin // BLOCK_SECONDS
            end = min(starts.end, begin + length, (block + 1) * BLOCK_SECONDS)
            length = min(2 * length, BLOCK_SECONDS)
            yield self._common(begin, end) if self._must else self._everybody(block, begin, end)
            begin = end

    def _common(self, begin: Instant, end: Instant) -> Iterator[_Cut]:
        """The cuts where somebody must come: their windows first, narrowed one by one."""
        common: Ranges = [(begin, end)]
        for starts in self._must:
            if not common:
                break
            common = intersect(common, starts.windows(Period(common[0][0], common[-1][1])))
        for first, last in [*common, (end, end)]:
            if first > begin:
                yield first, 0
            if last > first and self._others:
                yield from self._among_others(first, last)
            elif last > first:
                yield last, self._alone
            begin = last

    def _among_others(self, begin: Instant, end: Instant) -> Iterator[_Cut]:
        """The cuts between two instants at which everybody who must come can."""
        bits, width = self._roster.bits, self._width
        free, codes = self._must_bits, list[int]()
        for place, starts in self._others:
            for first, last in starts.windows(Period(begin, end)):
                if first == begin:
                    free |= bits[place]
                else:
                    codes.append(first - begin << width | place)
                if last != end:
                    codes.append(last - begin << width | place)
        return self._cuts(begin, end, free, codes)

    def _everybody(self, block: int, begin: Instant, end: Instant) -> Iterator[_Cut]:
        """The cuts where nobody must come, from everybody's edges."""
        bits, width, base = self._roster.bits, self._width, block * BLOCK_SECONDS
        free, codes = 0, list[int]()
        for place, starts in self._others:
            opened, edges = edges_within(starts.edges(block), begin - base, end - base)
            if opened:
                free |= bits[place]
            codes += [second << width | place for second in edges]
        return self._cuts(base, end, free, codes, begin)

    def _cuts(
        self, base: Instant, end: Instant, free: int, codes: list[int], begin: Instant | None = None
    ) -> Iterator[_Cut]:
        """Who can attend from `begin` to `end`, when `free` can at first and then each edge changes one of them.

        Every edge is one small number, its seconds from `base` above its place: sorting edges is sorting small numbers,
        and who can attend after each is a running exclusive or.
        """
        bits, width, offers, offer = self._roster.bits, self._width, self._roster.offers, self._roster.offer
        codes.sort()
        low = (1 << width) - 1
        sets = accumulate([bits[code & low] for code in codes], int.__xor__, initial=free)
        codes.append((end - base) << width)
        at = 0 if begin is None else begin - base
        # What an edge leaves counts up to the next one; of several at one second only the last leaves anything.
        for code, now in zip(codes, sets, strict=True):
            second = code >> width
            if second > at:
                yield base + second, offers[now] if now in offers else offer(now)
                at = second
