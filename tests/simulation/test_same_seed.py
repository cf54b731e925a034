"""A seed is the whole run: played again, here or in another process, the same things happen at the same times."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.simulation.run import play

SCRIPT = """
from tests.simulation.run import play
print(play("one-1", 1).digest, play("many-3", 2).digest)
"""


def test_the_same_seed_is_the_same_run_and_another_is_another() -> None:
    once = [play(f"many-{seed}", 2).digest for seed in range(4)]
    assert [play(f"many-{seed}", 2).digest for seed in range(4)] == once
    assert len(set(once)) == 4


def test_a_seed_is_the_same_run_in_any_process() -> None:
    """Whatever the order of its sets."""
    environ = os.environ | {"PYTHONHASHSEED": "1"}
    root = Path(__file__).parents[2]
    played = subprocess.run([sys.executable, "-c", SCRIPT], cwd=root, env=environ, capture_output=True, text=True)
    assert played.stdout.splitlines()[-1].split() == [play("one-1", 1).digest, play("many-3", 2).digest], played.stderr
