"""A seed is the whole run: played again, here or in another process, the same things happen at the same times."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation import run
from tests.simulation.run import play

SEEDS = [(f"one-{number}", 1) for number in range(8)] + [(f"many-{number}", 2) for number in range(8)]
SCRIPT = f"""
from tests.simulation.run import play
print(*(play(seed, nodes).digest for seed, nodes in {SEEDS}))
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
    assert played.stdout.splitlines()[-1].split() == [play(*seed).digest for seed in SEEDS], played.stderr


def test_what_is_remembered_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    remembered = [play(*seed).digest for seed in SEEDS]
    monkeypatch.setattr(run, "remembering", contextlib.nullcontext)
    assert [play(*seed).digest for seed in SEEDS] == remembered
