"""Runs: neighbouring starts, to the second, that exactly the same participants can attend.

Starts are cut where the set of those who can attend changes, and only there (`decisions.md` "Availability", "fit").
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate

from slotlink.engine.participants import Roster
from slotlink.engine.periods import Instant, Period, Ranges, intersect
from slotlink.engine.starts import BLOCK_SECONDS, MemberStarts, edges_within

FIRST_STRETCH = 86_400


Run = tuple[Instant, Instant, tuple[int, ...]]
"""Starts from the first up to, not including, the second, that exactly these participants can attend."""

_Cut = tuple[Instant, tuple[int, ...] | None]
"""Who can attend up to when; None where too few can."""


def runs(roster: Roster, places: Sequence[MemberStarts], starts: Period) -> Iterator[Run]:
    """Give the runs inside some starts, ascending; `places` are the roster's, in its order.

    Lazily, in stretches that grow: who needs only the first few runs pays for little more.
    """
    sweep = _Sweep(roster, places)
    since = at = starts.start
    participants: tuple[int, ...] | None = None
    for cuts in sweep.stretches(starts):
        for until, attending in cuts:
            if attending is not participants and attending != participants:
                if participants is not None:
                    yield since, at, participants
                since, participants = at, attending
            at = until
    if participants is not None:
        yield since, at, participants


class _Sweep:
    """Everybody's edges in one order, each a small number: its second in the block above the place it belongs to.

    Sorting them is sorting small numbers, and who can attend after each is a running exclusive or.
    """

    def __init__(self, roster: Roster, places: Sequence[MemberStarts]) -> None:
        self._roster = roster
        # Those who must come are one place between them, where all of them can.
        self._must = [starts for place, starts in enumerate(places) if roster.must & roster.bit(place)]
        self._others = [(place, starts) for place, starts in enumerate(places) if not roster.must & roster.bit(place)]
        self._bits = [roster.bit(place) for place in range(len(places))] + [roster.must]
        self._width = len(places).bit_length()

    def stretches(self, starts: Period) -> Iterator[list[_Cut]]:
        """Give who can attend, stretch by stretch, from the start of `starts` to its end without a hole."""
        begin, length = starts.start, FIRST_STRETCH
        while begin < starts.end:
            block = begin // BLOCK_SECONDS
            end = min(starts.end, begin + length, (block + 1) * BLOCK_SECONDS)
            length = min(2 * length, BLOCK_SECONDS)
            yield self._cuts(block, begin - block * BLOCK_SECONDS, end - block * BLOCK_SECONDS)
            begin = end

    def _cuts(self, block: int, begin: int, end: int) -> list[_Cut]:
        base, width, bits = block * BLOCK_SECONDS, self._width, self._bits
        common = self._common(block, begin, end)
        if not common:
            return [(base + end, None)]
        free = 0
        codes: list[int] = []
        if self._must:
            codes = [second << width | len(bits) - 1 for first_and_end in common for second in first_and_end]
        for place, starts in self._others:
            opened, edges = edges_within(starts.edges(block), begin, end)
            if opened:
                free |= bits[place]
            codes += [second << width | place for second in edges]
        codes.sort()
        low = (1 << width) - 1
        changes = [bits[code & low] for code in codes]
        known, offer, at = self._roster.known, self._roster.offer, begin
        cuts: list[_Cut] = []
        # What an edge leaves counts up to the next one; of several at one second only the last leaves anything.
        for second, now in zip(
            [*[code >> width for code in codes], end], accumulate(changes, int.__xor__, initial=free), strict=True
        ):
            if second > at:
                cuts.append((base + second, known[now] if now in known else offer(now)))
                at = second
        return cuts

    def _common(self, block: int, begin: int, end: int) -> Ranges:
        """The starts between two seconds of a block that suit everyone who must come."""
        common: Ranges = [(begin, end)]
        for starts in self._must:
            opened, edges = edges_within(starts.edges(block), begin, end)
            bounds = [begin, *edges] if opened else list(edges)
            if len(bounds) & 1:
                bounds.append(end)
            common = intersect(common, list(zip(bounds[::2], bounds[1::2], strict=True)))
            if not common:
                break
        return common
