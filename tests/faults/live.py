"""An application that uses a live server over real HTTP, at the real time of day."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2

from slotlink.domain.event import wire_time
from tests.center import DAY, HOUR, Center, CreatedLink, Json, Person
from tests.forked import run_command
from tests.serving import LiveServer


class LiveCenter(Center):
    """The helper of the other suites, over sockets: `person`, `create_link` and what they return work alike."""

    def __init__(self, server: LiveServer, client_id: str, client_secret: str) -> None:
        self.server = server
        self.client_id, self.client_secret = client_id, client_secret
        self.http = httpx2.Client(base_url=server.url, timeout=30)  # type: ignore[assignment]
        self.tomorrow = (int(time.time()) // DAY + 1) * DAY + 9 * HOUR

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def __enter__(self) -> LiveCenter:
        return self

    @classmethod
    def at(cls, server: LiveServer, environ: dict[str, str]) -> LiveCenter:
        made = run_command(environ, "applications", "create", "Globex", "--json").json
        return cls(server, made["client_id"], made["client_secret"])

    def query(self, *people: Person, **changes: Any) -> Json:
        period = {"start": wire_time(self.tomorrow), "end": wire_time(self.tomorrow + 8 * HOUR)}
        return super().query(*people, **{"query_periods": [period], **changes})

    def disable(self, link: CreatedLink) -> Any:
        path = f"/v1/real_time_scheduling/{link.link_id}/disable"
        return self.http.post(path, json={"display_message": "no longer needed"}, headers=self.key)


class Answer:
    """One HTTP answer, read off a socket."""

    def __init__(self, raw: bytes) -> None:
        head, _, body = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.code = int(lines[0].split(" ")[1])
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        self.text = body.decode()

    @property
    def error(self) -> str | None:
        found = re.search(r'data-error="(\w+)"', self.text)
        return found[1] if found else None


def request(method: str, url: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """A request as bytes, with exactly these headers: Host may lie."""
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    given = {"Host": parts.netloc, "Content-Length": str(len(body)), "Connection": "close", **headers}
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items()), "", ""]
    return "\r\n".join(lines).encode() + body


def form_post(url: str, fields: dict[str, str]) -> bytes:
    return request("POST", url, {"Content-Type": "application/x-www-form-urlencoded"}, urlencode(fields).encode())


def send(url: str, raw: bytes, before: Callable[[], object] = lambda: None) -> Answer:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=60) as connection:
        before()
        connection.sendall(raw)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return Answer(received)


def at_once(actions: Sequence[Callable[[Callable[[], object]], Any]]) -> list[Any]:
    """Run every action in a thread of its own; each calls what it is given when it is ready, and goes on with all."""
    barrier = threading.Barrier(len(actions))
    outcomes: list[Any] = [None] * len(actions)

    def run(number: int) -> None:
        try:
            outcomes[number] = actions[number](barrier.wait)
        except BaseException as error:
            barrier.abort()
            outcomes[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return outcomes
