"""How many requests an application may make, when SLOTLINK_RATE_LIMIT says. Counted in this process alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from slotlink.settings import Rate


class RateLimit:
    """Counts in fixed windows of the clock: of a second, of a minute, as the rates say."""

    def __init__(self, rates: Sequence[Rate], clock: Callable[[], float]) -> None:
        self._rates = tuple(rates)
        self._clock = clock
        self._counts: dict[tuple[str, Rate], tuple[int, int]] = {}

    def wait_for(self, application_id: str) -> int:
        """Count one request. 0 when it may go on, else the seconds until the next one may."""
        now = self._clock()
        wait = 0
        for rate in self._rates:
            window = int(now // rate.seconds)
            counted_window, count = self._counts.get((application_id, rate), (window, 0))
            count = count + 1 if counted_window == window else 1
            self._counts[application_id, rate] = (window, count)
            if count > rate.count:
                wait = max(wait, math.ceil((window + 1) * rate.seconds - now), 1)
        return wait
