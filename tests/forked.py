"""`slotlink …` as a process of its own, forked in a moment from one that has imported it already. It ends as any other.

Run as a program, this file is that parent. It reads one job a line and prints one answer a line; nobody outlives it.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
COMMAND_S = 120


class Forked:
    """One process, with as much of `subprocess.Popen` as tests use. What it prints goes to files.

    `before`: what it does first, as Python."""

    def __init__(
        self, arguments: Sequence[str], environ: Mapping[str, str], out: Path, err: Path, before: str = ""
    ) -> None:
        job = {"arguments": arguments, "environ": dict(environ), "out": str(out), "err": str(err), "before": before}
        self._parent = _parent(environ.get("PYTHONPATH", ""))
        self.pid: int = self._parent.ask(job)
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code of one that has ended, such as 1, or -9 for killed."""
        if self.returncode is None:
            self.returncode = self._parent.ask({"ended": self.pid})
        return self.returncode

    def wait(self, timeout: float) -> int:
        end = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
            time.sleep(0.005)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@dataclass(frozen=True)
class Done:
    """What came of a command. An exit code below 0 is the signal that ended it."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON document and nothing else."""
        assert self.code == 0, self.err
        return json.loads(self.out)


def run_command(environ: Mapping[str, str], *arguments: str, before: str = "") -> Done:
    """Run a command to its end. Whatever goes on for ever, such as a start that was not refused, ends by an alarm."""
    with tempfile.TemporaryDirectory(prefix="slotlink-command-") as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        code = Forked(arguments, environ, out, err, f"import signal; signal.alarm({COMMAND_S})\n{before}").wait(300)
        return Done(code, out.read_text(), err.read_text())


class _Parent:
    def __init__(self, path: str) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.forked"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(self._close)

    def ask(self, job: dict[str, Any]) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(job) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the parent of the servers has ended")
        return json.loads(answer)

    def _close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)


@cache
def _parent(path: str) -> _Parent:
    """One for each place that the sources come from."""
    return _Parent(path)


def _become(job: dict[str, Any]) -> None:
    """In a child: what the job says, and nothing of the parent's."""
    _end_with_the_parent()
    os.environ.clear()
    os.environ.update(job["environ"])
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(job[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = ["slotlink", *job["arguments"]]


def _end_with_the_parent() -> None:
    """Linux, prctl(2): PR_SET_PDEATHSIG."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _next_job() -> dict[str, Any] | None:
    """In a child, its job. In the parent, None once standard input has ended."""
    for line in sys.stdin:
        job = json.loads(line)
        if "ended" in job:
            pid, status = os.waitpid(job["ended"], os.WNOHANG)
            print(json.dumps(os.waitstatus_to_exitcode(status) if pid else None), flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            return job
        print(pid, flush=True)
    return None


if __name__ == "__main__":
    import slotlink.app  # what serving imports, before the first fork
    import slotlink.demo.play
    import slotlink.diagnosis
    from slotlink import cli

    assert slotlink.app and slotlink.demo.play and slotlink.diagnosis  # used, whatever a linter thinks
    job = _next_job()
    if job is not None:
        _become(job)
        exec(job["before"], {})
        cli.main()  # and the interpreter ends as it does for everybody
