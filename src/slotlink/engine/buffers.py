"""Where a meeting with its buffers fits: free gaps turned into windows of starts.

A buffer only shrinks a free gap, so busy time is merged once and never again. It is measured against busy time alone:
it may lie outside query periods and available periods, and two buffers never add up, because the other meeting is plain
busy time to us (`decisions.md` "Availability").
"""

from bisect import bisect_left
from typing import NamedTuple

from slotlink.engine.periods import Gaps, Period, Ranges


class Need(NamedTuple):
    """What one meeting needs of one member, in seconds: its length, and free time before and after it."""

    duration: int
    before: int = 0
    after: int = 0


def fit_windows(gaps: Gaps, need: Need, starts: Period) -> Ranges:
    """Return the starts inside `starts` for which one gap holds the meeting and both buffers; they never touch.

    A gap that fits exactly has one such start, a shorter one none.
    """
    before, tail = need.before, need.duration + need.after
    # The last start is the gap's end less the tail, and is itself allowed.
    gap_starts, gap_ends = gaps.between(starts.start - before, starts.end + tail)
    reached = bisect_left(gap_ends, starts.start + tail)
    beyond = bisect_left(gap_starts, starts.end - before, reached)
    if beyond - reached < 2:  # nothing, or one gap: the most common answer to a short question
        if reached == beyond:
            return []
        first = max(gap_starts[reached] + before, starts.start)
        end = min(gap_ends[reached] - tail + 1, starts.end)
        return [(first, end)] if first < end else []
    firsts = [start + before for start in gap_starts[reached:beyond]]
    ends = [end - tail + 1 for end in gap_ends[reached:beyond]]
    # Only the outermost can reach over the edge.
    firsts[0] = max(firsts[0], starts.start)
    ends[-1] = min(ends[-1], starts.end)
    return [(first, end) for first, end in zip(firsts, ends, strict=True) if first < end]
