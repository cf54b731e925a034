"""When to try again what failed at somebody else's server, or to give it up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime

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


def seconds_of(retry_after: str | None, now: float) -> int | None:
    """The pause from `now` that the header asks for: seconds or a date (RFC 9110 10.2.3). None for anything else."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return int(text)
    try:
        moment = parsedate_to_datetime(text)
        return max(0, round(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - now))
    except (ValueError, OverflowError):
        return None
