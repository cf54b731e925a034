"""How many attempts run at once, and at whom: receivers that keep us waiting must not keep others from being asked.

An attempt that hangs costs a socket and little else, so there is plenty of room for those; but they never fill the room
that is kept for hosts that answer. What is known of a host is what its last attempt showed, remembered by this worker
alone: after a restart it is found out again, at the price of one place for a second each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

SLOW_S = 1.0  # a host whose attempt takes as long, ended or not, is slow until one is quicker
QUICK_PLACES = 32  # for hosts that are not slow
SLOW_PLACES = 64  # for slow ones
PER_HOST = 4  # of a host that accepted the last attempt; any other has one
REMEMBERED = 1000  # hosts; of the others nothing is known


@dataclass(slots=True, eq=False)
class Place:
    """One attempt under way, until its outcome is stored."""

    host: str
    began: float
    heard: bool = False


class Room:
    """The places that are free at one moment, counted down as `admits` gives them away."""

    def __init__(self, running: Counter[str], slow: set[str], accepting: set[str]) -> None:
        self._running = running
        self._slow = slow
        self._accepting = accepting
        in_slow = sum(count for host, count in running.items() if host in slow)
        self._left = {True: max(0, SLOW_PLACES - in_slow), False: max(0, QUICK_PLACES - running.total() + in_slow)}

    @property
    def free(self) -> int:
        return sum(self._left.values())

    @property
    def full_hosts(self) -> list[str]:
        """Hosts that get no place now: they need not be looked at."""
        full = {host for host in self._running if self._of(host) == 0}
        return sorted(full if self._left[True] else full | self._slow)

    def admits(self, host: str) -> bool:
        slow = host in self._slow
        if self._left[slow] == 0 or self._of(host) == 0:
            return False
        self._left[slow] -= 1
        self._running[host] += 1
        return True

    def _of(self, host: str) -> int:
        return max(0, (PER_HOST if host in self._accepting else 1) - self._running[host])


class Places:
    """The attempts under way, and what the last one at each host showed. `clock` gives seconds that only go forward."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._under_way: set[Place] = set()
        self._last: dict[str, tuple[bool, bool]] = {}  # was it slow, did it accept; the longest unheard of first

    def look(self) -> Room:
        now = self._clock()
        slow = {host for host, (slow, _) in self._last.items() if slow}
        slow |= {place.host for place in self._under_way if not place.heard and now - place.began >= SLOW_S}
        accepting = {host for host, (_, accepts) in self._last.items() if accepts}
        return Room(Counter(place.host for place in self._under_way), slow, accepting)

    def take(self, host: str) -> Place:
        place = Place(host, self._clock())
        self._under_way.add(place)
        return place

    def heard(self, place: Place, *, accepted: bool) -> None:
        """The receiver has answered, or will not."""
        place.heard = True
        self._last.pop(place.host, None)
        self._last[place.host] = (self._clock() - place.began >= SLOW_S, accepted)
        if len(self._last) > REMEMBERED:
            del self._last[next(iter(self._last))]

    def leave(self, place: Place) -> None:
        self._under_way.discard(place)
