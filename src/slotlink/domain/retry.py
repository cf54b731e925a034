"""When to try a callback again, or to give it up."""

from __future__ import annotations

from collections.abc import Sequence

JITTER = 0.1  # of the pause, added: receivers that failed together are not asked again together


def next_attempt_at(
    attempts: int, pauses: Sequence[int], now: int, luck: float, retry_after: int | None = None
) -> int | None:
    """The second of the next attempt after `attempts` failed ones, or None: give up.

    `pauses` in seconds; `luck` in [0, 1) spreads the attempts. A receiver that asked to be left alone for
    `retry_after` seconds is, but for no longer than the longest pause."""
    if attempts > len(pauses):
        return None
    pause = max(pauses[attempts - 1], min(retry_after or 0, max(pauses)))
    return now + pause + round(pause * JITTER * luck)


def furthest(pauses: Sequence[int]) -> int:
    """How many seconds ahead `next_attempt_at` can reach."""
    longest = max(pauses, default=0)
    return longest + round(longest * JITTER)
