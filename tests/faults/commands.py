"""A data folder, and the command `slotlink` over it, run many times."""

from __future__ import annotations

from pathlib import Path

from tests.forked import Done, run_command
from tests.serving import environ_for


class Folder:
    def __init__(self, path: Path, **variables: str) -> None:
        self.path = path
        self.environ = environ_for(path, **variables)

    def __call__(self, *arguments: str, before: str = "", **variables: str) -> Done:
        """`before`: what the process does first, as Python."""
        return run_command(self.environ | variables, *arguments, before=before)
