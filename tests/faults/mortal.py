"""Servers that die and come back: `slotlink serve` as a process of its own, forked in a moment from one that has
imported it already, with a crash point armed or not.

Run as a program, this file is that parent. It reads one job a line and prints one answer a line.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.serving import environ_for

ROOT = Path(__file__).parents[2]
START_S = 60
# Nobody waits here for the lease of a dead worker, or until a living one looks by itself again, as long as outside.
IMPATIENT = {"LEASE_MARGIN_S": 1.0, "IDLE_POLL_S": 1.0}


class Mortals:
    """The parent of all of them."""

    def __enter__(self) -> Mortals:
        self._lock = threading.Lock()
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.mortal"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._parent.stdin is not None and self._parent.stdout is not None
        self._parent.stdin.close()
        self._parent.wait(20)
        self._parent.stdout.close()

    def fork(self, folder: Path, arguments: tuple[str, ...], environ: dict[str, str], worker: dict[str, float]) -> int:
        return self._ask({"folder": str(folder), "arguments": arguments, "environ": environ, "worker": worker})

    def code(self, pid: int) -> int | None:
        """The exit code of one that has ended, such as 137, or -9 for killed."""
        return self._ask({"ended": pid})

    def _ask(self, job: dict[str, Any]) -> Any:
        assert self._parent.stdin is not None and self._parent.stdout is not None
        with self._lock:
            self._parent.stdin.write(json.dumps(job) + "\n")
            self._parent.stdin.flush()
            return json.loads(self._parent.stdout.readline())


class Mortal:
    """One server on one port, over one database, life after life. `variables` are settings; SQLite in `folder`, if they
    do not say otherwise. The schema of a PostgreSQL database is there already.

    `worker` replaces what is set in `slotlink.worker.loop`."""

    def __init__(
        self,
        mortals: Mortals,
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
        self._mortals = mortals
        self._arguments = arguments
        self._worker = worker
        self._port = 0
        self._pid: int | None = None
        self.start()

    def start(self) -> None:
        self.arm("")
        out = self.folder / "out"
        out.write_bytes(b"")
        arguments = ("serve", "--port", str(self._port), *self._arguments)
        self._pid = self._mortals.fork(self.folder, arguments, self.environ, self._worker)
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
        codes: list[int] = []

        def ended() -> bool:
            code = None if self._pid is None else self._mortals.code(self._pid)
            return code is not None and not codes.append(code)

        wait_for(ended, within, lambda: f"the process lives on; it passed {self.passed()[-5:]}")
        self._pid = None
        return codes[0]

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self._pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, number)
            self.await_death()

    def restart(self) -> None:
        """A clean stop, and another start."""
        self.kill(signal.SIGTERM)
        self.start()

    @property
    def pid(self) -> int:
        assert self._pid is not None
        return self._pid

    def _ended(self) -> bool:
        if self._pid is not None and self._mortals.code(self._pid) is not None:
            self._pid = None
        return self._pid is None

    def log(self) -> str:
        return (self.folder / "err").read_text()[-3000:]


def wait_for(done: Callable[[], Any], within: float, why: Callable[[], str]) -> None:
    end = time.monotonic() + within
    while not done():
        assert time.monotonic() < end, why()
        time.sleep(0.01)


def _run(job: dict[str, Any]) -> None:
    """In a child: the command, until it ends or dies."""
    folder = Path(job["folder"])
    os.environ.clear()
    os.environ.update(job["environ"])
    for number, name in ((1, "out"), (2, "err"), (_PASSED, "passed")):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

    async def reached(point: str) -> None:
        os.write(_PASSED, point.encode() + b"\n")
        if (folder / "armed").read_text() == point:
            os._exit(137)

    for name, value in job["worker"].items():
        setattr(loop, name, value)
    sys.argv = ["slotlink", *job["arguments"]]
    with watched(reached):
        cli.main()


def _parent() -> None:
    """Until standard input ends; nobody outlives that."""
    living: set[int] = set()
    for line in sys.stdin:
        job = json.loads(line)
        if "ended" in job:
            pid, status = os.waitpid(job["ended"], os.WNOHANG)
            living.discard(pid)
            print(json.dumps(os.waitstatus_to_exitcode(status) if pid else None), flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                _run(job)
                code = 0
            except SystemExit as end:
                code = int(end.code or 0)
            finally:
                os._exit(code)
        living.add(pid)
        print(pid, flush=True)
    for pid in living:
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    from slotlink import cli
    from slotlink.worker import loop
    from tests.faults.crash_points import watched

    _PASSED = 30  # a file descriptor that nobody else has
    _parent()
