"""A server as a process of this run: on a port of the loopback, under an account of its own, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

ASKED = os.environ.get("SLOTLINK_SERVERS") == "1"
START_S, END_S = 30, 10


def only_when_asked_for() -> None:
    """Skips the module that calls it: these servers take a while, and root has to install them."""
    if not ASKED:
        pytest.skip("SKIPPED LOUDLY: real servers are asked by `make calendars` alone", allow_module_level=True)


def needed(server: str, *paths: str) -> None:
    """Skips where `server` is not installed, or nobody here may start it under its account."""
    absent = [path for path in paths if not Path(path).exists()]
    if absent:
        pytest.skip(f"SKIPPED LOUDLY: {server} is not installed: no {', '.join(absent)} (tests/servers/set_up.sh)")
    if os.geteuid() != 0:
        pytest.skip(f"SKIPPED LOUDLY: only root starts {server} under an account of its own")


@contextmanager
def open_folder(name: str, account: str) -> Generator[Path]:
    """An empty one that `account` owns. Not in pytest's own folder, which is closed to everybody else."""
    with tempfile.TemporaryDirectory(prefix=f"slotlink-{name}-") as path:
        give(Path(path), account)
        yield Path(path)


def give(path: Path, account: str) -> None:
    shutil.chown(path, account, pwd.getpwnam(account).pw_gid)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Process:
    """`log` is all that it has said."""

    def __init__(
        self, command: Sequence[str], folder: Path, account: str | None = None, more: Mapping[str, str] | None = None
    ) -> None:
        self.name = Path(command[0]).name
        self._log = folder / f"{self.name}.log"
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(folder), "LANG": "C.UTF-8", **(more or {})}
        as_account = [] if account is None else ["setpriv", f"--reuid={account}", "--regid", _group(account), _GROUPS]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*as_account, *command],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that its workers end with it
            )

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def wait_until(self, ready: Callable[[], object]) -> None:
        """Asks `ready` until it raises no OSError. Raises RuntimeError where that takes too long."""
        end = time.monotonic() + START_S
        while self._process.poll() is None and time.monotonic() < end:
            with suppress(OSError):
                ready()
                return
            time.sleep(0.05)
        self.end()
        raise RuntimeError(f"{self.name} did not start: {self.log[-5000:]}")

    def end(self) -> None:
        """Asked to end, and made to where it lingers, with all that it has started."""
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(END_S)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def answers(port: int) -> Callable[[], object]:
    return lambda: socket.create_connection(("127.0.0.1", port), 1).close()


_GROUPS = "--init-groups"


def _group(account: str) -> str:
    return str(pwd.getpwnam(account).pw_gid)
