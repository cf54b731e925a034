"""How often an application, a client or a link may ask. Counted in fixed windows of a clock: a second, a minute."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

import structlog

from slotlink.setting_kinds import Rate

# (who, lengths of windows in seconds) → for each window: requests in it, this one too, and the seconds until it ends
Count = Callable[[str, Sequence[int]], Awaitable[Sequence[tuple[int, int]]]]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class RateLimit:
    """The rates of one setting, for each name by itself. No rates: no limit."""

    def __init__(self, setting: str, rates: Sequence[Rate], count: Count) -> None:
        self._setting = setting
        self._most: dict[int, int] = {}
        for rate in rates:
            self._most[rate.seconds] = min(rate.count, self._most.get(rate.seconds, rate.count))
        self._count = count

    async def wait_for(self, name: str) -> int:
        """Count one request. 0 when it may go on, else the seconds until the next one may.

        Fails closed: raises StoreUnavailable where it is counted in a store that cannot be asked."""
        if not self._most:
            return 0
        wait = 0
        counted = await self._count(name, tuple(self._most))
        for (seconds, most), (requests, left) in zip(self._most.items(), counted, strict=True):
            if requests > most:
                wait = max(wait, left)
            if requests == most + 1:
                log.warning("limit.reached", setting=self._setting, name=name, most=most, seconds=seconds)
        return wait


class Tally:
    """Counts in the memory of this process, for so many names. Beyond, whoever was quiet for longest is forgotten."""

    def __init__(self, clock: Callable[[], float], names: int = 20_000) -> None:
        self._clock = clock
        self._names = names
        self._counts: OrderedDict[tuple[str, int], tuple[int, int]] = OrderedDict()

    async def count(self, name: str, windows: Sequence[int]) -> Sequence[tuple[int, int]]:
        return [self._add(name, seconds) for seconds in windows]

    def _add(self, name: str, seconds: int) -> tuple[int, int]:
        now = self._clock()
        window = int(now // seconds)
        counted_window, count = self._counts.get((name, seconds), (window, 0))
        count = count + 1 if counted_window == window else 1
        self._counts[name, seconds] = (window, count)
        self._counts.move_to_end((name, seconds))
        if len(self._counts) > self._names:
            self._counts.popitem(last=False)
        return count, max(math.ceil((window + 1) * seconds - now), 1)
