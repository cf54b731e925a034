"""When to try a callback again, or to give it up."""

from __future__ import annotations

from collections.abc import Sequence

JITTER = 0.1  # of the pause, added: receivers that failed together are not asked again together


def next_attempt_at(attempts: int, pauses: Sequence[int], now: int, luck: float) -> int | None:
    """The second of the next attempt after `attempts` failed ones, or None: give up.

    `pauses` in seconds; `luck` in [0, 1) spreads the attempts."""
    if attempts > len(pauses):
        return None
    pause = pauses[attempts - 1]
    return now + pause + round(pause * JITTER * luck)
