"""What `make mutants` mutates and runs is there. That it counts right is seen by running it (docs/mutation.md)."""

from __future__ import annotations

from pathlib import Path

from mutation.modules import FIRST, MODULES, SECOND

ROOT = Path(__file__).parents[2]


def test_every_file_that_is_mutated_or_run_is_there() -> None:
    missing = [name for name in (*MODULES, *FIRST, *SECOND) if not (ROOT / name).is_file()]
    assert missing == []
    assert len(set(FIRST)) == len(FIRST) and len(set(SECOND)) == len(SECOND)
