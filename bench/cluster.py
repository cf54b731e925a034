"""A PostgreSQL cluster of the bench's own: made in a new folder, on a free port of the loopback, gone afterwards.

As PostgreSQL comes, so that what is measured is what operators get: every commit reaches the disk. It shares the core
of the load, and leaves the server's alone.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Generator
from pathlib import Path

from bench.processes import LOAD_CORE, children_of, cpu_s_of, pinned

NO_POSTGRESQL = "PostgreSQL is not installed (Debian, Ubuntu: apt-get install postgresql): left out"
SUPERUSER = "slotlink"


def find_postgresql() -> Path | None:
    """The folder of PostgreSQL's programs, of the newest version that there is."""
    packaged = Path("/usr/lib/postgresql").glob("*/bin")
    folders = sorted(packaged, key=lambda folder: (len(folder.parent.name), folder.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


def installed_version() -> str:
    """Such as 15.8; empty when there is none."""
    programs = find_postgresql()
    if programs is None:
        return ""
    return subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True).stdout.split()[2]


class Cluster:
    """A running cluster; nobody else knows of it, so everybody who can reach it may come in."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._data = folder / "data"
        self._used: dict[int, float] = {}
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self._port = listener.getsockname()[1]

    def start(self) -> None:
        self._run("initdb", "-D", str(self._data), "--auth=trust", f"--username={SUPERUSER}", "--no-sync", "-E", "UTF8")
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=250"
        with pinned(LOAD_CORE):
            self._run("pg_ctl", "start", "-w", "-D", str(self._data), "-l", str(self._folder / "log"), "-o", options)

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "-m", "immediate", "-D", str(self._data))

    def new_database(self, template: str = "template1") -> str:
        """The URL of an empty one."""
        name = f"bench_{secrets.token_hex(6)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self._url(name)

    def copy_of(self, url: str) -> str:
        """The URL of a copy of a database that nobody is connected to."""
        return self.new_database(url.rpartition("/")[2])

    def sql(self, statement: str, database: str = "postgres") -> None:
        self._run("psql", "-d", self._url(database), "-XAtqc", statement)

    def cpu_s(self) -> float:
        """User and system time of all its processes, also of those that ended since they were last looked at."""
        pid = int((self._data / "postmaster.pid").read_text().split()[0])
        for each in (pid, *children_of(pid)):
            with contextlib.suppress(OSError):  # it has ended since it was listed
                self._used[each] = cpu_s_of(each)
        return sum(self._used.values())

    def _url(self, database: str) -> str:
        return f"postgresql://{SUPERUSER}@127.0.0.1:{self._port}/{database}"

    def _run(self, program: str, *arguments: str) -> str:
        command = [str(self._programs / program), *arguments]
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command]
        done = subprocess.run(
            command, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {done.stdout.decode()}")
        return done.stdout.decode()


@contextlib.contextmanager
def running_if_installed() -> Generator[Cluster | None]:
    """A new cluster; None where PostgreSQL is not installed."""
    programs = find_postgresql()
    if programs is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="slotlink-bench-postgresql-") as name:
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(name, account.pw_uid, account.pw_gid)
        cluster = Cluster(programs, Path(name))
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
