"""A PostgreSQL cluster for the tests: made in an empty folder, on a free port of the loopback, gone afterwards."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.center import skippable


def find_postgres() -> Path:
    """The folder of PostgreSQL's programs. Skips loudly when there is none and the caller allowed that."""
    folders = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    on_path = shutil.which("initdb")
    if on_path:
        folders.append(Path(on_path).parent)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    if skippable("PostgreSQL"):
        pytest.skip("SKIPPED LOUDLY: PostgreSQL is not installed (ALLOW_SKIP=1)")
    pytest.fail("PostgreSQL is not installed; run make test as root, or install the package postgresql")


class Cluster:
    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries = binaries
        self._folder = folder
        self._data = folder / "data"
        self.port = _free_port()

    def __enter__(self) -> Cluster:
        # PostgreSQL refuses to run as root.
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            for parent in [self._folder, *self._folder.parents]:
                if parent == Path("/tmp") or parent == Path("/"):
                    break
                parent.chmod(0o755)
            os.chown(self._folder, account.pw_uid, account.pw_gid)
        self._run(
            "initdb", "--pgdata", str(self._data), "--auth=trust", "--username=slotlink", "--no-sync", "-E", "UTF8"
        )
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=200"
        self._run("pg_ctl", "start", "-w", "-D", str(self._data), "-l", str(self._folder / "log"), "-o", options)
        return self

    def __exit__(self, *_: object) -> None:
        self._run("pg_ctl", "stop", "-m", "immediate", "-D", str(self._data))

    def restart(self) -> None:
        self._run("pg_ctl", "restart", "-w", "-m", "immediate", "-D", str(self._data), "-l", str(self._folder / "log"))

    def new_database(self) -> str:
        name = f"t_{secrets.token_hex(6)}"
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "slotlink", name)
        return f"postgresql://slotlink@127.0.0.1:{self.port}/{name}"

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), *arguments]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command]
        done = subprocess.run(
            command, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {done.stdout.decode()}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
