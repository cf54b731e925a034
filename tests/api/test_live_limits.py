"""How many pages may be followed at once, who is cut off, and what is counted."""

from __future__ import annotations

import contextlib
import http.client
import socket
from collections.abc import Generator
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest

from slotlink.errors import StoreUnavailable
from slotlink.store.database import Database
from slotlink.web import live
from tests.api.following import Following, Heard, Stream, open_streams, wait_until
from tests.center import CreatedLink

MOST, MOST_OF_ONE = 4, 2
STUCK_S = 1


@pytest.fixture
def served(tmp_path: Path) -> Generator[Following]:
    """Behind a proxy on this machine that says whose each request is."""
    variables = {
        "SLOTLINK_LIMIT_STREAMS": str(MOST),
        "SLOTLINK_LIMIT_STREAMS_PER_ADDRESS": str(MOST_OF_ONE),
        "SLOTLINK_TRUSTED_PROXIES": "127.0.0.1/32",
        "SLOTLINK_BODY_TIMEOUT": f"{STUCK_S}s",
        "SLOTLINK_HEADER_TIMEOUT": f"{STUCK_S}s",
        "SLOTLINK_IDLE_TIMEOUT": f"{STUCK_S}s",
    }
    with Following(tmp_path, **variables) as served:
        yield served


@pytest.fixture
def link(served: Following) -> CreatedLink:
    return served.create_link(served.person("maya"))


def test_beyond_its_number_a_client_is_told_to_ask_now_and_then(served: Following, link: CreatedLink) -> None:
    with contextlib.ExitStack() as stack:

        def follow(address: str) -> Stream:
            return stack.enter_context(served.follow(link, X_Forwarded_For=address))

        held = [follow("192.0.2.1") for _ in range(MOST_OF_ONE)]
        refused = follow("192.0.2.1")
        assert (refused.code, refused.answer.headers["Retry-After"], refused.everything()) == (503, "30", b"")
        others = [follow(f"192.0.2.{number}") for number in range(2, 2 + MOST - MOST_OF_ONE)]
        assert [stream.code for stream in (*held, *others)] == [200] * MOST
        assert open_streams(served) == MOST
        assert follow("192.0.2.99").code == 503, "the process has no more"
        assert link.page().code == 200, "pages are served all the same"
        held[0].close()
        wait_until(lambda: open_streams(served) == MOST - 1)
        again = follow("192.0.2.1")
        assert again.code == 200 and again.next() == held[1].next()
    wait_until(lambda: open_streams(served) == 0)


def test_asking_for_headers_alone_takes_no_place(served: Following, link: CreatedLink) -> None:
    for _ in range(MOST + 1):
        with Stream(served.address, f"{link.path}/live", "HEAD") as head:
            assert head.code == 200
    assert open_streams(served) == 0


def test_a_stream_lasts_longer_than_any_time_limit_of_a_connection(served: Following, link: CreatedLink) -> None:
    with patch.object(live, "COMMENT_S", 0.5), served.follow(link) as stream:
        digest = served.digest(link)
        assert stream.next() == Heard("times", digest)
        # The server speaks up every half second: six times is three times any of its limits.
        while stream.comments < 6 * STUCK_S:
            assert stream.answer.readline() in (b":\n", b"\n")
            stream.comments += 1
        assert open_streams(served) == 1


def test_who_does_not_read_is_cut(served: Following, link: CreatedLink) -> None:
    written = b": " + b"x" * 8192 + b"\n\n"
    with (
        patch.object(live, "COMMENT_S", 0.001),
        patch.object(live, "COMMENT", written),
        small_socket(served.address) as deaf,
    ):
        deaf.sendall(f"GET {link.path}/live HTTP/1.1\r\nHost: slotlink.test\r\n\r\n".encode())
        wait_until(lambda: open_streams(served) == 1)
        wait_until(lambda: open_streams(served) == 0)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while chunk := deaf.recv(65536):
                received += chunk
        assert received and not received.endswith(b"\r\n0\r\n\r\n"), "broken off, not ended"


def small_socket(address: str) -> socket.socket:
    """One that takes in little before it is read."""
    parts = urlsplit(address)
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.settimeout(20)
    made.connect((parts.hostname, parts.port))
    return made


def test_after_a_stream_its_connection_takes_another_request(served: Following, link: CreatedLink) -> None:
    connection = http.client.HTTPConnection(urlsplit(served.address).netloc, timeout=20)
    with patch.object(live, "STREAM_S", 0.2), contextlib.closing(connection):
        for _ in range(2):
            connection.request("GET", f"{link.path}/live")
            answer = connection.getresponse()
            assert answer.status == 200 and b"event: times" in answer.read()
        connection.request("GET", link.path)
        assert connection.getresponse().status == 200


def test_whoever_guesses_tokens_is_kept_waiting(tmp_path: Path) -> None:
    with Following(tmp_path, SLOTLINK_LIMIT_UNKNOWN="3/m") as served:
        answers = [served.http.get(f"/rts/AAAAAAAAAAAAAAAAAAAAA{number}/live") for number in range(4)]
        assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
        assert int(answers[-1].headers["Retry-After"]) > 0
        with served.follow(served.create_link(served.person("maya"))) as stream:
            assert stream.code == 200, "what is known is served all the same"


def test_a_database_that_is_away_starts_no_stream(served: Following, link: CreatedLink) -> None:
    def away(_database: Database) -> None:
        raise StoreUnavailable("it is away")

    with patch.object(Database, "reading", away), served.follow(link) as stream:
        assert (stream.code, stream.answer.headers["Retry-After"], stream.everything()) == (503, "30", b"")
