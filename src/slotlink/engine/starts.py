"""One member's possible starts in two forms, bits on a grid and edges in seconds, and what is remembered of them.

Bits answer slots: `&` and adders over whole numbers look at thousands of starts at once. Edges answer periods, which
begin at any second. Both are read off `fit_windows`, block by block, so that a search may stop early and a later one
finds the blocks there.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from itertools import chain

from slotlink.engine.buffers import Need, fit_windows
from slotlink.engine.periods import Gaps, Instant, Period, intersect
from slotlink.engine.slots import StartGrid

BLOCK_STARTS = 2048
"""Starts on a grid in one block of bits; block *b* begins at start number b * BLOCK_STARTS."""
BLOCK_SECONDS = 1 << 20
"""Seconds in one block of edges, some twelve days: an edge within it fits 32 bits, and with a place beside it 30."""
REMEMBERED_BYTES = 64 * 1024 * 1024
_ENTRY_BYTES = 400  # what holds a member's blocks together, roughly
_BIT = tuple(1 << bit for bit in range(8))


class StartCache:
    """What earlier searches found out, for later ones: the least used is forgotten first.

    Keyed by the very Gaps objects, which never change: a calendar that changes gets new Gaps, and nothing kept for the
    old ones can be found again. For one thread.
    """

    def __init__(self, most_bytes: int = REMEMBERED_BYTES) -> None:
        self.size = 0  # bytes held, roughly
        self._most_bytes = most_bytes
        self._kept: OrderedDict[tuple[Gaps, Gaps | None, Need], MemberStarts] = OrderedDict()

    def starts(self, free: Gaps, available: Gaps | None, need: Need) -> "MemberStarts":
        """Return where `need` fits a member; `available` None is any time."""
        key = (free, available, need)
        found = self._kept.get(key)
        if found is None:
            # Everybody with the same working hours shares what is known of those.
            hours = None if available is None else self.starts(available, None, Need(need.duration))
            found = self._kept[key] = MemberStarts(free, need, hours, self)
        else:
            self._kept.move_to_end(key)
        return found

    def trim(self) -> None:
        """Forget the least used until the rest fits. Called after a search, when its own are at the young end."""
        while self.size > self._most_bytes and self._kept:
            self.size -= self._kept.popitem(last=False)[1].size


class MemberStarts:
    """Where one need fits into some gaps and, without its buffers, into some hours. Remembers the blocks it was asked
    for, on the account of `cache`."""

    __slots__ = ("_bits", "_cache", "_edges", "_gaps", "_hours", "_need", "size")

    def __init__(self, gaps: Gaps, need: Need, hours: "MemberStarts | None", cache: StartCache) -> None:
        self._gaps = gaps
        self._need = need
        self._hours = hours
        self._cache = cache
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

    def edges(self, block: int) -> "array[int]":
        """Return where fitting begins and ends by turns, in seconds of the block; all closed at its end."""
        found = self._edges.get(block)
        if found is None:
            begin = block * BLOCK_SECONDS
            windows = [
                (first - begin, end - begin)
                for first, end in fit_windows(self._gaps, self._need, Period(begin, begin + BLOCK_SECONDS))
            ]
            if self._hours is not None:
                hours = self._hours.edges(block)
                windows = intersect(windows, list(zip(hours[::2], hours[1::2], strict=True)))
            found = self._edges[block] = array("i", chain.from_iterable(windows))
            self._grow(4 * len(found) + 250)
        return found

    def fits(self, start: Instant) -> bool:
        """Whether the meeting fits at `start`, read off the gaps themselves."""
        if not fit_windows(self._gaps, self._need, Period(start, start + 1)):
            return False
        return self._hours is None or self._hours.fits(start)

    def _grow(self, bytes_more: int) -> None:
        self.size += bytes_more
        self._cache.size += bytes_more


def edges_within(edges: "array[int]", begin: int, end: int) -> tuple[bool, "array[int]"]:
    """Return whether fitting has begun at `begin`, and the edges between `begin` and `end`, both exclusive."""
    first = bisect_right(edges, begin)
    return bool(first & 1), edges[first : bisect_left(edges, end, first)]


def _bits_of(gaps: Gaps, need: Need, grid: StartGrid, first: int, count: int) -> int:
    """One bit for each of `count` starts from number `first` on. The arithmetic of `fit_windows`, in starts."""
    begin, interval = grid.instant(first), grid.interval
    opens, closes = bytearray((count >> 3) + 1), bytearray((count >> 3) + 1)
    for window_first, window_end in fit_windows(gaps, need, Period(begin, begin + count * interval)):
        low = (window_first - begin + interval - 1) // interval
        high = (window_end - begin + interval - 1) // interval
        if low < high:
            opens[low >> 3] ^= _BIT[low & 7]
            closes[high >> 3] ^= _BIT[high & 7]
    # For one window 2^high - 2^low is a run of ones, low to high - 1. Windows are disjoint: their sum has no carry.
    return int.from_bytes(closes, "little") - int.from_bytes(opens, "little")
