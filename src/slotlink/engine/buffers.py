"""Buffers: the time kept free of busy time before and after a meeting.

A buffer only shrinks a free gap, so busy time is merged once and never again. It is measured against busy time
alone: it may lie outside query periods and available periods, and two buffers never add up, because the other
meeting is plain busy time to us (`guides/engine.md` sections 1 and 9, `decisions.md` "Availability").
"""

from bisect import bisect_left

from slotlink.engine.periods import Gaps, Period, Ranges


def fit_windows(time: Gaps, duration: int, starts: Period, *, before: int = 0, after: int = 0) -> Ranges:
    """Return the starts for which one gap of `time` holds the meeting and both buffers.

    `duration`, `before` and `after` are seconds; only starts inside `starts` are given. A gap that fits exactly has
    one such start, a shorter one none.
    """
    windows: Ranges = []
    tail = duration + after
    reached = bisect_left(time.ends, starts.start + tail)
    too_late = bisect_left(time.starts, starts.end - before)
    for i in range(reached, too_late):
        first = max(time.starts[i] + before, starts.start)
        # The last start is the gap's end less the tail, and is itself allowed.
        end = min(time.ends[i] - tail + 1, starts.end)
        if first < end:
            windows.append((first, end))
    return windows
