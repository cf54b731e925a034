"""`slotlink serve` as a process of its own, as operators run it, and a receiver of its callbacks."""

from __future__ import annotations

import http.server
import itertools
import json
import os
import queue
import signal
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from slotlink.vault import new_key
from tests.forked import Forked, run_command

START_S = 30


class LiveServer:
    """One serving process. `variables` are settings; the database is SQLite in `folder` unless they say otherwise."""

    def __init__(self, folder: Path, *, port: int = 0, arguments: tuple[str, ...] = (), **variables: str) -> None:
        self._environ = environ_for(folder, **variables)
        log, out = folder / "server.log", folder / f"server.{next(_COUNT)}.out"
        out.touch()
        command = ("serve", "--port", str(port), *arguments)
        self.process = Forked(command, self._environ, out, log)
        end = time.monotonic() + START_S
        while not (line := out.read_text()).endswith("\n") and self.process.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        if not line.startswith("listening on "):
            self.process.kill()
            self.process.wait(20)
            raise RuntimeError(f"slotlink serve did not start: {log.read_text()}")
        self.url = line.partition("\n")[0].removeprefix("listening on ").strip()

    def cli(self, *arguments: str) -> Any:
        """Run `slotlink …` over the same database; returns its JSON."""
        done = run_command(self._environ, *arguments)
        assert done.code == 0, done.err
        return done.json if "--json" in arguments else done.out

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(20)


def environ_for(folder: Path, **variables: str) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("SLOTLINK_")}
    return {**plain, "SLOTLINK_DATA_DIR": str(folder), "SLOTLINK_SECRET_KEYS": _KEY, **variables}


_KEY = new_key()
_COUNT = itertools.count()


@contextmanager
def serving(folder: Path, **options: Any) -> Generator[LiveServer]:
    server = LiveServer(folder, **options)
    try:
        yield server
    finally:
        server.stop(signal.SIGKILL if server.process.poll() is None and options.get("kill") else signal.SIGTERM)


class Receiver:
    """An application's callback endpoint. `answers` says what to reply, in order; then 200."""

    def __init__(self, port: int = 0) -> None:
        self.received: queue.Queue[Received] = queue.Queue()
        self.answers: list[int] = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                code = receiver.answers.pop(0) if receiver.answers else 200
                receiver.received.put(Received(self.path, dict(self.headers), body, code))
                self.send_response(code)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http://{self.host}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Received:
    def __init__(self, path: str, headers: dict[str, str], body: bytes, answered: int) -> None:
        self.path = path
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.body = body
        self.answered = answered

    @property
    def content(self) -> dict[str, Any]:
        return json.loads(self.body)
