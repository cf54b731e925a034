"""Clients that dawdle, by the hundred: everybody else is answered meanwhile, and each of them is cut in its time."""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Generator
from pathlib import Path

import httpx2
import pytest

from tests.faults.raw import HOST, Raw, asked
from tests.serving import LiveServer, serving

HEADER_S, BODY_S, IDLE_S = 1, 2, 1
QUIET = 4  # sockets of a server that nobody talks to: the listener, and the loop's own
LATE_S = 6  # a look a second, on a machine that does other things as well
READ = b"POST /oauth/token HTTP/1.1\r\n" + HOST


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[LiveServer]:
    timeouts = {
        "SLOTLINK_HEADER_TIMEOUT": f"{HEADER_S}s",
        "SLOTLINK_BODY_TIMEOUT": f"{BODY_S}s",
        "SLOTLINK_IDLE_TIMEOUT": f"{IDLE_S}s",
    }
    with serving(tmp_path_factory.mktemp("slow"), **timeouts) as server:
        yield server


class Slow:
    """A connection that sends `first`, then a byte now and then, until it is cut."""

    def __init__(self, url: str, kind: str, first: bytes, limit: float, drips: bytes = b"") -> None:
        self.kind, self.limit, self._drips = kind, limit, drips
        self._raw = Raw(url)
        self._raw.send(first)
        if kind == "idle":
            assert self._raw.answer().code == 200
        self._since = time.monotonic()
        self.said = b""
        self.lasted: float | None = None

    def go_on(self) -> None:
        """One more byte, and a look at whether the server has had enough."""
        if self._drips and not self.said:
            try:
                self._raw.send(self._drips[:1])
                self._drips = self._drips[1:]
            except ConnectionError:
                pass
        if select.select([self._raw.socket], [], [], 0)[0]:
            self.said = self._raw.rest()
            self.lasted = time.monotonic() - self._since
            self._raw.socket.close()


def slow_ones(url: str) -> list[Slow]:
    body = READ + b"Content-Length: 500\r\n\r\n"
    chunks = READ + b"Transfer-Encoding: chunked\r\n\r\n"
    return [
        *(Slow(url, "silent", b"", HEADER_S) for _ in range(20)),
        *(Slow(url, "head", b"GET /healthz HTTP/1.1\r\nHo", HEADER_S) for _ in range(10)),
        *(Slow(url, "head", b"GET /", HEADER_S, b"x" * 500) for _ in range(20)),
        *(Slow(url, "head", b"", HEADER_S, b"\r\n" * 500) for _ in range(10)),
        *(Slow(url, "body", body, BODY_S) for _ in range(10)),
        *(Slow(url, "body", body, BODY_S, b"x" * 499) for _ in range(10)),
        *(Slow(url, "body", chunks, BODY_S, b"1\r\nx\r\n" * 100) for _ in range(10)),
        *(Slow(url, "idle", asked("GET", "/healthz"), IDLE_S) for _ in range(10)),
    ]


def test_of_a_hundred_slow_connections_nobody_else_notices_and_each_is_cut(server: LiveServer) -> None:
    slow = slow_ones(server.url)
    assert len(slow) == 100
    ends = time.monotonic() + BODY_S + LATE_S
    answered: list[float] = []
    while any(one.lasted is None for one in slow) and time.monotonic() < ends:
        for one in slow:
            if one.lasted is None:
                one.go_on()
        began = time.monotonic()
        assert httpx2.get(server.url + "/readyz").status_code == 200
        answered.append(time.monotonic() - began)
        time.sleep(0.1)
    assert max(answered) < 2
    for one in slow:
        assert one.lasted is not None, f"{one.kind} was never cut"
        assert one.limit - 0.5 < one.lasted < one.limit + LATE_S, (one.kind, one.lasted)
        code = b"HTTP/1.1 408 " if one.kind in ("head", "body") else b""
        assert one.said.startswith(code) and (code or not one.said), (one.kind, one.said)


def test_who_does_not_read_is_cut_as_well(server: LiveServer) -> None:
    quiet = wait_for_sockets(server, lambda count: count <= QUIET)
    with Raw(server.url) as connection:
        connection.send(asked("GET", "/docs") * 200)
        wait_for_sockets(server, lambda count: count == quiet + 1)
        began = time.monotonic()
        wait_for_sockets(server, lambda count: count == quiet)
        assert time.monotonic() - began > BODY_S / 2


def wait_for_sockets(server: LiveServer, enough: Callable[[int], bool]) -> int:
    """How many sockets the server holds, once it is `enough`."""
    ends = time.monotonic() + BODY_S + LATE_S
    while True:
        count = sum(is_socket(path) for path in Path(f"/proc/{server.process.pid}/fd").iterdir())
        if enough(count):
            return count
        assert time.monotonic() < ends, f"{count} sockets"
        time.sleep(0.05)


def is_socket(path: Path) -> bool:
    try:
        return str(path.readlink()).startswith("socket:")
    except FileNotFoundError:
        return False  # closed meanwhile


def test_a_client_in_its_own_good_time_is_served(server: LiveServer) -> None:
    """Slower than any limit over all of it, within each limit by itself."""
    with Raw(server.url) as connection:
        for _ in range(3):
            head, body = READ + b"Content-Length: 20\r\n\r\n", b" " * 20
            connection.send(head[:20])
            time.sleep(HEADER_S / 4)
            connection.send(head[20:])
            for byte in body[:5]:
                connection.send(bytes([byte]))
                time.sleep(BODY_S / 20)
            connection.send(body[5:])
            assert connection.answer().code == 400
            time.sleep(IDLE_S / 4)


def test_there_is_room_for_so_many_connections_and_then_again_when_some_leave(
    tmp_path: Path,
) -> None:
    with serving(tmp_path, SLOTLINK_LIMIT_CONNECTIONS="20") as server:
        held = [Raw(server.url) for _ in range(20)]
        for connection in held:
            connection.send(asked("GET", "/healthz"))
            assert connection.answer().code == 200
        with Raw(server.url) as one_more:
            assert one_more.rest() == b""
        for connection in held[:5]:
            connection.socket.close()
        answers: list[int] = []
        ends = time.monotonic() + LATE_S
        while answers != [200] and time.monotonic() < ends:
            with Raw(server.url) as another:
                another.send(asked("GET", "/healthz", "Connection: close"))
                answers = another.answers_until_closed()
        assert answers == [200]
        for connection in held[5:]:
            connection.socket.close()
        log = tmp_path / "server.log"
        while "no_room" not in log.read_text() and time.monotonic() < ends:
            time.sleep(0.1)
        assert '"turned_away": ' in log.read_text()
