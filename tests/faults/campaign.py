"""How long the fault suites look: `make test` at some places, the same each time; `SLOTLINK_FAULTS=long` everywhere.

A failure says how to repeat it: by `SLOTLINK_SEED`, or `SLOTLINK_POINT`, a part of a crash point's name.
"""

from __future__ import annotations

import os
import random

LONG = os.environ.get("SLOTLINK_FAULTS") == "long"
SEED = int(os.environ.get("SLOTLINK_SEED") or (random.randrange(10**6) if LONG else 1))
POINT = os.environ.get("SLOTLINK_POINT", "")


def chosen(points: list[str], sample: int) -> list[str]:
    """The crash points to die at in this run."""
    wanted = [point for point in points if POINT in point]
    assert wanted, f"no crash point has {POINT!r} in its name"
    return wanted if LONG or POINT else random.Random(SEED).sample(wanted, sample)
