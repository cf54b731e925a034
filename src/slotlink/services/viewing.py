"""Whose time somebody has looked at lately: calendars elsewhere are read more often for a while then."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

NOTED_EVERY_S = 300  # for each account: less than the time for which a look counts
REMEMBERED = 10_000


class Viewing:
    """When each account was last noted to be looked at, as far as this process knows. For one thread."""

    def __init__(self) -> None:
        self._noted: OrderedDict[tuple[str, str], int] = OrderedDict()

    def due(self, application_id: str, subs: Sequence[str], now: int) -> list[str]:
        """Those of them that are to be noted again; they count as noted from here on."""
        due: list[str] = []
        for sub in subs:
            key = (application_id, sub)
            if abs(now - self._noted.get(key, -NOTED_EVERY_S)) >= NOTED_EVERY_S:
                self._noted[key] = now
                self._noted.move_to_end(key)
                due.append(sub)
        while len(self._noted) > REMEMBERED:
            self._noted.popitem(last=False)
        return due
