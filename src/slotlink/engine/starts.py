"""One member's possible starts in two forms, bits on a grid and edges in seconds, and what is remembered of them.

Bits answer slots: `&` and adders over whole numbers look at thousands of starts at once. Edges answer periods, which
begin at any second. Both are read off `fit_windows`, block by block, so that a search may stop early and a later one
finds the blocks there.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict

from slotlink.engine.buffers import Need, fit_windows
from slotlink.engine.periods import Gaps, Instant, Period, Ranges, intersect
from slotlink.engine.slots import StartGrid

BLOCK_STARTS = 4096
"""Starts on a grid in one block of bits; block *b* begins at start number b * BLOCK_STARTS."""
BLOCK_SECONDS = 1 << 20
"""Seconds in one block of edges, some twelve days: an edge within it fits 32 bits, and with a place beside it 30."""
REMEMBERED_BYTES = 64 * 1024 * 1024
_ENTRY_BYTES = 400  # what holds a member's blocks together, roughly


class StartCache:
    """What earlier searches found out, for later ones: the least used is forgotten first.

    Keyed by the very Gaps objects, which never change: a calendar that changes gets new Gaps, and nothing kept for the
    old ones can be found again. For one thread.
    """

    def __init__(self, most_bytes: int = REMEMBERED_BYTES) -> None:
        self._most_bytes = most_bytes
        self._held = _Held()
        self._kept: OrderedDict[tuple[Gaps, Gaps | None, Need], MemberStarts] = OrderedDict()

    def starts(self, free: Gaps, available: Gaps | None, need: Need) -> "MemberStarts":
        """Return where `need` fits a member; `available` None is any time."""
        key = (free, available, need)
        found = self._kept.get(key)
        if found is None:
            # Everybody with the same working hours shares what is known of those.
            hours = None if available is None else self.starts(available, None, Need(need.duration))
            found = self._kept[key] = MemberStarts(free, need, hours, self._held)
        else:
            self._kept.move_to_end(key)
        if available is not None:
            # Forgotten after everybody who uses them: else they would grow, and count, where nothing can forget them.
            self._kept.move_to_end((available, None, Need(need.duration)))
        return found

    def trim(self) -> None:
        """Forget the least used until the rest fits. Called after a search, when its own are at the young end."""
        while self._held.bytes > self._most_bytes and self._kept:
            self._held.bytes -= self._kept.popitem(last=False)[1].size

    @property
    def size(self) -> int:
        """Bytes held, roughly."""
        return self._held.bytes


class _Held:
    """A count of bytes that a cache and what it keeps share; they need not know each other."""

    __slots__ = ("bytes",)

    def __init__(self) -> None:
        self.bytes = 0


class MemberStarts:
    """Where one need fits into some gaps and, without its buffers, into some hours. Remembers the blocks it was asked
    for, and counts them in `held` too."""

    __slots__ = ("_bits", "_edges", "_gaps", "_held", "_hours", "_need", "size")

    def __init__(self, gaps: Gaps, need: Need, hours: "MemberStarts | None", held: _Held) -> None:
        self._gaps = gaps
        self._need = need
        self._hours = hours
        self._held = held
        self._bits: dict[StartGrid, dict[int, int]] = {}
        self._edges: dict[int, array[int]] = {}
        self.size = 0
        self._grow(_ENTRY_BYTES)

    def bits(self, grid: StartGrid, block: int) -> int:
        """Return one bit for each start of a block, the first the lowest: 1 where the meeting fits."""
        blocks = self._bits.get(grid)
        if blocks is None:
            blocks = self._bits[grid] = {}
        found = blocks.get(block)
        if found is None:
            found = _bits_of(self._gaps, self._need, grid, block * BLOCK_STARTS, BLOCK_STARTS)
            if self._hours is not None:
                found &= self._hours.bits(grid, block)
            blocks[block] = found
            self._grow(BLOCK_STARTS // 8 + 150)
        return found

    def bits_from(self, grid: StartGrid, first: int, count: int) -> int:
        """Return one bit for each of `count` starts from number `first` on, computed anew."""
        found = _bits_of(self._gaps, self._need, grid, first, count)
        return found if self._hours is None else found & self._hours.bits_from(grid, first, count)

    def windows(self, starts: Period) -> Ranges:
        """Return the starts inside `starts` at which the meeting fits, to the second; computed anew."""
        windows = fit_windows(self._gaps, self._need, starts)
        if self._hours is None or not windows:
            return windows
        hours = self._hours.windows(starts)
        return windows if hours == [starts] else intersect(windows, hours)

    def edges(self, block: int) -> "array[int]":
        """Return where fitting begins and ends by turns, in seconds of the block; all closed at its end."""
        found = self._edges.get(block)
        if found is None:
            begin = block * BLOCK_SECONDS
            windows = fit_windows(self._gaps, self._need, Period(begin, begin + BLOCK_SECONDS))
            edges = [edge - begin for window in windows for edge in window]
            if self._hours is not None:
                hours = self._hours.edges(block)
                both = intersect(
                    list(zip(edges[::2], edges[1::2], strict=True)), list(zip(hours[::2], hours[1::2], strict=True))
                )
                edges = [edge for window in both for edge in window]
            found = self._edges[block] = array("i", edges)
            self._grow(4 * len(found) + 250)
        return found

    def fits(self, start: Instant) -> bool:
        """Whether the meeting fits at `start`, read off the gaps themselves."""
        return bool(self.windows(Period(start, start + 1)))

    def _grow(self, bytes_more: int) -> None:
        self.size += bytes_more
        self._held.bytes += bytes_more


def edges_within(edges: "array[int]", begin: int, end: int) -> tuple[bool, "array[int]"]:
    """Return whether fitting has begun at `begin`, and the edges between `begin` and `end`, both exclusive."""
    first = bisect_right(edges, begin)
    return bool(first & 1), edges[first : bisect_left(edges, end, first)]


def _bits_of(gaps: Gaps, need: Need, grid: StartGrid, first: int, count: int) -> int:
    """One bit for each of `count` starts from number `first` on: `fit_windows` in numbers of starts."""
    begin, interval = grid.instant(first), grid.interval
    before, tail = need.before, need.duration + need.after
    after_all = begin + count * interval
    gap_starts, gap_ends = gaps.between(begin - before, after_all + tail)
    reached = bisect_left(gap_ends, begin + tail)
    beyond = bisect_left(gap_starts, after_all - before, reached)
    if reached == beyond:
        return 0
    up = before - begin + interval - 1  # to the first start that is not before the window's first
    lows = [(start + up) // interval for start in gap_starts[reached:beyond]]
    over = interval - tail - begin  # to the first start that is after the window's last
    highs = [(end + over) // interval for end in gap_ends[reached:beyond]]
    lows[0] = max(lows[0], 0)
    highs[-1] = min(highs[-1], count)
    # Each window is a run of ones. Windows never meet, so adding them up carries nothing.
    return sum([((1 << high - low) - 1) << low for low, high in zip(lows, highs, strict=True) if low < high])
