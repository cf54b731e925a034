"""Servers that die and come back: `slotlink serve` as a process of its own, with a crash point armed or not."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from slotlink.worker import loop
from tests.faults.crash_points import watched
from tests.forked import Forked
from tests.serving import environ_for

START_S = 60
# Nobody waits here for the lease of a dead worker, or until a living one looks by itself again, as long as outside.
IMPATIENT = {"LEASE_MARGIN_S": 1.0, "IDLE_POLL_S": 1.0}

_UNTIL_THE_END = ExitStack()


class Mortal:
    """One server on one port, over one database, life after life. `variables` are settings; SQLite in `folder`, if they
    do not say otherwise. The schema of a PostgreSQL database is there already.

    `worker` replaces what is set in `slotlink.worker.loop`."""

    def __init__(
        self,
        folder: Path,
        *,
        arguments: tuple[str, ...] = (),
        worker: dict[str, float] = IMPATIENT,
        **variables: str,
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.environ = environ_for(folder, **variables)
        self.url = ""
        self._arguments = arguments
        self._worker = worker
        self._port = 0
        self._process: Forked | None = None
        self.start()

    def start(self) -> None:
        self.arm("")
        out = self.folder / "out"
        out.write_bytes(b"")
        arguments = ("serve", "--port", str(self._port), *self._arguments)
        before = f"from tests.faults import mortal; mortal.be_mortal({str(self.folder)!r}, {self._worker!r})"
        self._process = Forked(arguments, self.environ, out, self.folder / "err", before)
        wait_for(lambda: out.read_text().endswith("\n") or self._ended(), START_S, self.log)
        line = out.read_text()
        if not line.startswith("listening on "):
            raise RuntimeError(f"slotlink serve did not start: {self.log()}")
        self.url = line.removeprefix("listening on ").strip()
        self._port = int(self.url.rpartition(":")[2])

    def arm(self, point: str) -> None:
        """Let the process end itself as soon as it reaches this crash point."""
        beside = self.folder / "armed.new"
        beside.write_text(point)
        beside.rename(self.folder / "armed")

    def passed(self) -> list[str]:
        """Every crash point that was reached, in this life and the earlier ones."""
        return (self.folder / "passed").read_text().splitlines()

    def await_death(self, within: float = 30) -> int:
        """The exit code, once the process has ended by itself."""
        assert self._process is not None
        try:
            code = self._process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the process lives on; it passed {self.passed()[-5:]}") from None
        self._process = None
        return code

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self.await_death()

    def restart(self) -> None:
        """A clean stop, and another start."""
        self.kill(signal.SIGTERM)
        self.start()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def _ended(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            self._process = None
        return self._process is None

    def log(self) -> str:
        return (self.folder / "err").read_text()[-3000:]


def wait_for(done: Callable[[], Any], within: float, why: Callable[[], str]) -> None:
    end = time.monotonic() + within
    while not done():
        assert time.monotonic() < end, why()
        time.sleep(0.01)


def be_mortal(folder: str, worker: dict[str, float]) -> None:
    """In the process itself, before it serves."""
    passed = os.open(Path(folder) / "passed", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def reached(point: str) -> None:
        os.write(passed, point.encode() + b"\n")
        if (Path(folder) / "armed").read_text() == point:
            os._exit(137)

    for name, value in worker.items():
        setattr(loop, name, value)
    _UNTIL_THE_END.enter_context(watched(reached))
