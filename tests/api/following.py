"""A center that listens on a socket, in a thread of this process, and pages that follow its links live."""

from __future__ import annotations

import asyncio
import http.client
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx2

from slotlink import app as composition
from slotlink.vault import new_key
from tests.center import Center, Clock, CreatedLink

DEADLINE_S = 20  # for what comes within two seconds on a machine that does nothing else


class Heard(NamedTuple):
    event: str
    data: str


class Following(Center):
    """All that it asks goes over the socket. `front` is what its server's connections share."""

    def __init__(self, folder: Path, *, clock: Clock | None = None, **variables: str) -> None:
        listener = composition.bind("127.0.0.1", 0)
        self.address = composition.address_of(listener)
        self.secret_keys = new_key()  # for other processes over the same database
        own = {
            "SLOTLINK_API_URL": self.address,
            "SLOTLINK_APP_URL": self.address,
            "SLOTLINK_SECRET_KEYS": self.secret_keys,
            "SLOTLINK_METRICS": "on",
        }
        super().__init__(folder, clock=clock, **{**own, **variables})
        self.http = httpx2.Client(base_url=self.address, timeout=DEADLINE_S)  # type: ignore[assignment]
        ready = threading.Event()
        self.server = composition.make_server(self.settings, background=False, on_ready=ready.set, clock=self.clock)
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self.server.serve(sockets=[listener])), name="server", daemon=True
        )
        self._thread.start()
        assert ready.wait(30), "the server did not start"

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self.server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive(), "the server did not stop"

    def follow(self, link: CreatedLink, **headers: str) -> Stream:
        return Stream(self.address, f"{link.path}/live", **headers)

    def digest(self, link: CreatedLink) -> str:
        """What the link's page says now."""
        return digest_of(link.page().text)


class Stream:
    """One stream of events, read as a browser reads it."""

    def __init__(self, address: str, path: str, method: str = "GET", **headers: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=DEADLINE_S)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, path, headers={"Accept": "text/event-stream", **given})
        self.answer = self._connection.getresponse()
        self.code = self.answer.status
        self.comments = 0
        self.retry_ms: int | None = None

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        self.close()

    def close(self) -> None:
        self.answer.close()
        self._connection.close()

    def next(self) -> Heard | None:
        """The next event; None when the stream ends first, as it should end. Raises TimeoutError."""
        fields: dict[str, str] = {}
        while line := self.answer.readline().decode():
            name, _, value = line.rstrip("\n").partition(":")
            if line.startswith(":"):
                self.comments += 1
            elif name == "retry":
                self.retry_ms = int(value)
            elif line != "\n":
                fields[name] = value.removeprefix(" ")
            elif "event" in fields:
                return Heard(fields["event"], fields["data"])
        assert self.answer.isclosed() or self.answer.length == 0, "the stream broke off"
        return None

    def everything(self) -> Any:
        return self.answer.read()


def digest_of(page: str) -> str:
    found = re.search(r'data-times="(\w+)"', page)
    assert found is not None, page
    return found[1]


def wait_until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < ends, "it never came to be"
        time.sleep(0.02)


def open_streams(served: Following) -> int:
    """As the server counts them (SLOTLINK_METRICS=on)."""
    found = re.search(r"^slotlink_open_streams (\S+)", served.http.get("/metrics").text, re.MULTILINE)
    assert found is not None
    return int(float(found[1]))
