"""A PostgreSQL cluster for the tests: made in an empty folder, on a free port of the loopback, gone afterwards."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from slotlink.store.database import open_database
from slotlink.store.schema import migrate
from tests.center import finished, skippable


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
    """`options` are the server's own, each as `name=value`; `files` are put into its data folder before it starts."""

    def __init__(
        self, binaries: Path, folder: Path, options: tuple[str, ...] = (), files: Mapping[str, bytes] | None = None
    ) -> None:
        self._binaries = binaries
        self._options = options
        self._files = files or {}
        self._folder = folder
        self._data = folder / "data"
        self.port = _free_port()
        self._running = False
        self._template: str | None = None

    def __enter__(self) -> Cluster:
        # PostgreSQL refuses to run as root.
        account = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        if account is not None:
            for parent in [self._folder, *self._folder.parents]:
                if parent == Path("/tmp") or parent == Path("/"):
                    break
                parent.chmod(0o755)
            os.chown(self._folder, account.pw_uid, account.pw_gid)
        self._make_data()
        for name, content in self._files.items():
            path = self._data / name
            path.write_bytes(content)
            path.chmod(0o600)
            if account is not None:
                os.chown(path, account.pw_uid, account.pw_gid)
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=200"
        options += "".join(f" -c {option}" for option in self._options)
        self._run("pg_ctl", "start", "-w", "-D", str(self._data), "-l", str(self._folder / "log"), "-o", options)
        self._running = True
        return self

    def _make_data(self) -> None:
        self._run(
            "initdb", "--pgdata", str(self._data), "--auth=trust", "--username=slotlink", "--no-sync", "-E", "UTF8"
        )

    def __exit__(self, *_: object) -> None:
        if self._running:
            self.end()

    def end(self) -> None:
        """As if the power went: no last checkpoint, no goodbye."""
        self._running = False
        self._run("pg_ctl", "stop", "-m", "immediate", "-D", str(self._data))

    def sql(self, statement: str, database: str = "postgres") -> str:
        """The answer, in one column."""
        return self._run(
            "psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "slotlink", "-d", database, "-XAtc", statement
        ).strip()

    def restart(self) -> None:
        self._run("pg_ctl", "restart", "-w", "-m", "immediate", "-D", str(self._data), "-l", str(self._folder / "log"))

    def new_database(self, template: str = "template1") -> str:
        name = f"t_{secrets.token_hex(6)}"
        at = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "slotlink")
        self._run("createdb", *at, "--template", template, name)
        return f"postgresql://slotlink@127.0.0.1:{self.port}/{name}"

    def migrated_database(self) -> str:
        """One with the current schema, copied: to migrate each of them anew would take most of a test's time."""
        if self._template is None:
            url = self.new_database()
            finished(_migrate(url))
            self._template = url.rpartition("/")[2]
        return self.new_database(self._template)

    def _run(self, program: str, *arguments: str) -> str:
        command = [str(self._binaries / program), *arguments]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command]
        done = subprocess.run(
            command, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {done.stdout.decode()}")
        return done.stdout.decode()


class Standby(Cluster):
    """A copy of `primary` that follows it by streaming replication, until it is promoted."""

    NAME = "standby"

    def __init__(self, primary: Cluster, folder: Path) -> None:
        super().__init__(primary._binaries, folder)
        self._primary = primary

    def _make_data(self) -> None:
        source = f"host=127.0.0.1 port={self._primary.port} user=slotlink application_name={self.NAME}"
        self._run("pg_basebackup", "-d", source, "-D", str(self._data), "-R", "-X", "stream", "-c", "fast", "--no-sync")

    @property
    def follows(self) -> bool:
        return self.sql("SELECT count(*) FROM pg_stat_wal_receiver") != "0"

    def promote(self) -> None:
        self._run("pg_ctl", "promote", "-w", "-D", str(self._data))

    def cut_off(self) -> None:
        """As if the network between the two broke: it gets nothing more."""
        self.sql("ALTER SYSTEM SET primary_conninfo = ''")
        self.sql("SELECT pg_reload_conf()")


async def _migrate(url: str) -> None:
    database = open_database(url)
    await migrate(database)
    await database.close()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
