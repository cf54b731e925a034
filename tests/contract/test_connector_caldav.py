"""The CalDAV connector against two real servers, Radicale and Xandikos, each a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.contract.caldav_contract import CalDavContract

START_S = 20


class CalDavServer:
    """A process on a free port. `home` is where alice's calendars lie."""

    home = "/alice/"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._log = (folder / "server.log").open("wb")
        self.process = subprocess.Popen(self.command(port), stdout=self._log, stderr=subprocess.STDOUT)
        end = time.monotonic() + START_S
        while self.process.poll() is None and time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"{type(self).__name__} did not start: {(folder / 'server.log').read_text()}")

    def command(self, port: int) -> list[str]:
        raise NotImplementedError

    def let_in(self, password: str) -> None:
        """Alice's password is another from now on."""

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self._log.close()


class Radicale(CalDavServer):
    def command(self, port: int) -> list[str]:
        self.let_in("pw1")
        own = ["--hosts", f"127.0.0.1:{port}", "--storage-filesystem-folder", str(self.folder / "data")]
        users = ["--auth-type", "htpasswd", "--auth-htpasswd-filename", str(self.folder / "users")]
        plain = ["--auth-htpasswd-encryption", "plain", "--auth-delay", "0"]
        return [sys.executable, "-m", "radicale", *own, *users, *plain]

    def let_in(self, password: str) -> None:
        (self.folder / "users").write_text(f"alice:{password}\n")


class Xandikos(CalDavServer):
    """Has no sign-in."""

    home = "/alice/calendars/"

    def command(self, port: int) -> list[str]:
        where = ["-d", str(self.folder / "data"), "-l", "127.0.0.1", "-p", str(port)]
        return [sys.executable, "-m", "xandikos", "serve", *where, *_XANDIKOS]


_XANDIKOS = ["--current-user-principal", "/alice/", "--autocreate", "--defaults"]


@contextmanager
def running(kind: type[CalDavServer], folder: Path) -> Generator[CalDavServer]:
    server = kind(folder)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def radicale(tmp_path_factory: pytest.TempPathFactory) -> Generator[CalDavServer]:
    with running(Radicale, tmp_path_factory.mktemp("radicale")) as server:
        yield server


@pytest.fixture(scope="module")
def xandikos(tmp_path_factory: pytest.TempPathFactory) -> Generator[CalDavServer]:
    with running(Xandikos, tmp_path_factory.mktemp("xandikos")) as server:
        yield server


class TestRadicale(CalDavContract):
    @pytest.fixture
    def server(self, radicale: CalDavServer) -> CalDavServer:
        return radicale


class TestXandikos(CalDavContract):
    test_revoked_access = None  # type: ignore[assignment] - nobody signs in there

    @pytest.fixture
    def server(self, xandikos: CalDavServer) -> CalDavServer:
        return xandikos
