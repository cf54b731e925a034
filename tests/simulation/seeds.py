"""Which seeds are played: as many as the environment says, in parts, so that a fault shows early and by its part.

SLOTLINK_SIMULATION_RUNS=20000 pytest tests/simulation        a long look
SLOTLINK_SIMULATION_SEED=many-58 pytest -s tests/simulation   one run again, with everything that happened in it
"""

from __future__ import annotations

import os
from collections import Counter

from tests.simulation.run import play

RUNS = int(os.environ.get("SLOTLINK_SIMULATION_RUNS") or 2000)
ONE_SEED = os.environ.get("SLOTLINK_SIMULATION_SEED") or None
PARTS = 10
ENOUGH = 200  # runs after which each kind of thing has happened


class Flavour:
    """Half of all runs: those with so many nodes."""

    def __init__(self, name: str, nodes: int) -> None:
        self._name = name
        self._nodes = nodes
        self._played = 0
        self._happened: Counter[str] = Counter()

    def play_part(self, part: int) -> None:
        if ONE_SEED is not None:
            if part == 0 and ONE_SEED.startswith(f"{self._name}-"):
                play(ONE_SEED, self._nodes, show=True)
            return
        for seed in range(part, RUNS // 2, PARTS):
            self._happened += play(f"{self._name}-{seed}", self._nodes).happened
            self._played += 1

    def saw(self, *kinds: str) -> None:
        """Whether all of this happened in the runs of this process: luck that spares everybody proves nothing."""
        if self._played >= ENOUGH:
            missing = set(kinds) - self._happened.keys()
            assert not missing, f"never happened in {self._played} runs: {missing}"
            assert self._happened["booked"] >= self._played * 0.7, self._happened["booked"]
            assert self._happened["delivered"] >= self._played * 0.5, self._happened["delivered"]
