"""A local Radicale, whose calendars are put into its folder as files."""

from __future__ import annotations

import hashlib
import json
import pickle
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from radicale.storage import CACHE_VERSION

from bench.calendar_objects import CalendarObject
from bench.processes import LOAD_CORE, cpu_s_of, pinned

START_S = 30
PASSWORD = "any"  # it lets everybody in


class Radicale:
    """A process on a free port, on the core of the load. Every user has one calendar."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._data = folder / "data"
        self._log = folder / "radicale.log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.host = f"127.0.0.1:{self._port}"
        self.url = f"http://{self.host}"
        own = ["--hosts", self.host, "--storage-filesystem-folder", str(self._data), "--auth-type", "none"]
        with self._log.open("wb") as log, pinned(LOAD_CORE):
            self._process = subprocess.Popen(
                [sys.executable, "-m", "radicale", *own, "--logging-level", "error"], stdout=log, stderr=log
            )

    def __enter__(self) -> Radicale:
        end = time.monotonic() + START_S
        while self._process.poll() is None and time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self._port), 1).close()
                return self
            except OSError:
                time.sleep(0.05)
        self.__exit__()
        raise RuntimeError(f"Radicale did not start: {self._log.read_text()}")

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(20)

    def cpu_s(self) -> float:
        return cpu_s_of(self._process.pid)

    def calendar_url(self, user: str) -> str:
        return f"{self.url}/{user}/work/"

    def fill(self, user: str, objects: Iterable[CalendarObject]) -> None:
        """Put objects into the user's calendar, over those of the same uid.

        With them goes what Radicale remembers of each once it has read it, and of its last change: else the first
        request had it parse every object, at 8 ms each, before it answers."""
        folder = self._data / "collection-root" / user / "work"
        items, history = (folder / ".Radicale.cache" / name for name in ("item", "history"))
        for each in (folder, items, history):
            each.mkdir(parents=True, exist_ok=True)
        (folder / ".Radicale.props").write_text(json.dumps({"tag": "VCALENDAR", "D:displayname": "Work"}))
        for each in objects:
            raw, name = each.text.encode(), f"{each.uid}.ics"
            known_by = hashlib.sha256(CACHE_VERSION + raw).hexdigest()
            etag = f'"{known_by}"'
            item = (known_by, each.uid, etag, each.text, "VCALENDAR", "VEVENT", each.start, each.end)
            (folder / name).write_bytes(raw)
            (items / name).write_bytes(pickle.dumps(item))
            (history / name).write_bytes(pickle.dumps([etag, known_by]))
