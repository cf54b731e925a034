"""Server processes on a core of their own, and what the kernel says of them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from pathlib import Path

SERVER_CORE, LOAD_CORE = 0, 1
REPOSITORY = Path(__file__).parent.parent
SLOTLINK_SERVE = ("-m", "slotlink", "serve", "--port", "0")


def can_pin() -> bool:
    return hasattr(os, "sched_setaffinity") and {SERVER_CORE, LOAD_CORE} <= os.sched_getaffinity(0)


@contextlib.contextmanager
def pinned(core: int) -> Generator[None]:
    """This thread, and every process it starts inside the block, stay on one core, where the system allows it."""
    if not can_pin():
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Server:
    """A Python program that serves and says `listening on URL`: `slotlink serve`, or one of `bench.serve`.

    It is started when made, and waited for when entered: several can start at once. `variables` are settings; the
    database is SQLite in `folder` unless they say otherwise."""

    def __init__(
        self,
        folder: Path,
        arguments: tuple[str, ...] = SLOTLINK_SERVE,
        variables: Mapping[str, str] | None = None,
        core: int = SERVER_CORE,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        plain = {name: value for name, value in os.environ.items() if not name.startswith("SLOTLINK_")}
        plain.pop("PYTHONDONTWRITEBYTECODE", None)  # as in operation, where the second start finds everything compiled
        self._log = folder / "server.log"
        with self._log.open("ab") as errors, pinned(core):
            self._began = time.perf_counter()
            self._process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=REPOSITORY,
                env={**plain, "SLOTLINK_DATA_DIR": str(folder), **(variables or {})},
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                process_group=0,  # with `--workers`, it is several processes
            )

    def __enter__(self) -> Server:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        self.started_in_s = time.perf_counter() - self._began
        if not line.startswith("listening on "):
            self.stop()
            raise RuntimeError(f"the server did not start: {self._log.read_text()}")
        self.url = line.removeprefix("listening on ").strip()
        self._pids = (self._process.pid, *children_of(self._process.pid))
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def cpu_s(self) -> float:
        """User and system time of all its processes."""
        return sum(map(cpu_s_of, self._pids))

    def rss_mib(self) -> float:
        """All that is resident, also pages of the database file: those are the system's cache, mapped."""
        return _kib(self._process.pid, "VmRSS") / 1024

    def own_mib(self) -> float:
        """What is resident and the process's alone: heaps and stacks, no files."""
        return _kib(self._process.pid, "RssAnon") / 1024

    def stop(self) -> None:
        """Stop at once: nothing that is measured here has anything to finish."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(20)
        assert self._process.stdout is not None
        self._process.stdout.close()


def cpu_s_of(pid: int) -> float:
    """User and system time of all threads of a process, also of those that ended: its CPU clock, to the nanosecond.

    The number of that clock is what clock_getcpuclockid(3) would give."""
    return time.clock_gettime_ns((~pid << 3) | 2) / 1e9


def children_of(pid: int) -> list[int]:
    """The processes whose parent is `pid`, now."""
    children: list[int] = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended since it was listed
            # After the name, which is in brackets and may hold anything: state, parent.
            if int(status.read_text().rpartition(")")[2].split()[1]) == pid:
                children.append(int(status.parent.name))
    return children


def _kib(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise RuntimeError(f"no {name} of process {pid}")
