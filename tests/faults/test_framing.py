"""Requests that are no HTTP, or that two readers would take for different ones: one answer at most, never a 5xx, and
the connection is over. What is odd but right is answered once, and the next request on the connection is understood."""

from __future__ import annotations

import contextlib

import pytest

from slotlink.web.connection import HEADERS, PIPELINED, URL_BYTES
from slotlink.web.front import HEAD_BYTES
from tests.center import Json
from tests.faults.commands import Folder
from tests.faults.live import LiveCenter
from tests.faults.raw import HOST, Raw, asked
from tests.serving import LiveServer

GET = b"GET /healthz HTTP/1.1\r\n"
POST = b"POST /v1/availability HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
# Here the body is read before anything else is looked at.
READ = b"POST /oauth/token HTTP/1.1\r\n" + HOST
HIDDEN = b"GET /readyz HTTP/1.1\r\n" + HOST + b"\r\n"

MALFORMED = {
    "no version": b"GET /healthz\r\n\r\n",
    "version 2.0": b"GET /healthz HTTP/2.0\r\n" + HOST + b"\r\n",
    "version 1.2": b"GET /healthz HTTP/1.2\r\n" + HOST + b"\r\n",
    "preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": bytes.fromhex("16030100a5010000a1030300"),
    "unknown method": b"FETCH /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "lower-case method": b"get /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "space in the URL": b"GET /heal thz HTTP/1.1\r\n" + HOST + b"\r\n",
    "NUL in the URL": b"GET /heal\x00thz HTTP/1.1\r\n" + HOST + b"\r\n",
    "bytes above ASCII in the URL": b"GET /\xc3\xa9 HTTP/1.1\r\n" + HOST + b"\r\n",
    "no path": b"GET ?x HTTP/1.1\r\n" + HOST + b"\r\n",
    "authority form": b"GET evil.test:80 HTTP/1.1\r\n" + HOST + b"\r\n",
    "CONNECT": b"CONNECT evil.test:80 HTTP/1.1\r\nHost: evil.test:80\r\n\r\n",
    "absolute form without a path": b"GET http://evil.test HTTP/1.1\r\n" + HOST + b"\r\n",
    "no Host": GET + b"\r\n",
    "two Hosts": GET + HOST + b"Host: evil.test\r\n\r\n",
    "two Hosts alike": GET + HOST + HOST + b"\r\n",
    "a Host that is none": GET + b"Host: slotlink.test/x y\r\n\r\n",
    "bare LF": b"GET /healthz HTTP/1.1\nHost: slotlink.test\n\n",
    "one bare LF": GET + b"Host: slotlink.test\nA: b\r\n\r\n",
    "bare CR": GET + b"Host: slotlink.test\rA: b\r\n\r\n",
    "NUL in a value": GET + HOST + b"A: b\x00c\r\n\r\n",
    "control character in a value": GET + HOST + b"A: b\x01c\r\n\r\n",
    "NUL in a name": GET + HOST + b"A\x00: b\r\n\r\n",
    "space before the colon": GET + HOST + b"A : b\r\n\r\n",
    "tab before the colon": GET + HOST + b"Content-Length\t: 0\r\n\r\n",
    "folded header": GET + HOST + b"A: b\r\n c\r\n\r\n",
    "space before the first header": GET + b" Host: slotlink.test\r\n\r\n",
    "no colon": GET + HOST + b"A\r\n\r\n",
    "no name": GET + HOST + b": b\r\n\r\n",
    "length with a sign": POST + b"Content-Length: +5\r\n\r\nabcde",
    "negative length": POST + b"Content-Length: -5\r\n\r\nabcde",
    "hexadecimal length": POST + b"Content-Length: 0x5\r\n\r\nabcde",
    "length of no digits": POST + b"Content-Length: \r\n\r\n",
    "length beyond 64 bits": POST + b"Content-Length: 99999999999999999999999\r\n\r\nabcde",
    "chunk size of no digits": CHUNKED + b"zz\r\nabc\r\n0\r\n\r\n",
    "negative chunk size": CHUNKED + b"-1\r\nabc\r\n0\r\n\r\n",
    "chunk size with 0x": CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n",
    "chunk size beyond 64 bits": CHUNKED + b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "chunk longer than its size": CHUNKED + b"3\r\nabcdef\r\n0\r\n\r\n",
    "chunk size ended by LF": CHUNKED + b"3\nabc\n0\n\n",
    "chunk extension ended by LF": CHUNKED + b"3;a\nabc\r\n0\r\n\r\n",
    "coding unknown": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "coding behind another": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "URL too long": b"GET /" + b"a" * URL_BYTES + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "query too long": b"GET /?" + b"a&" * (URL_BYTES // 2) + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "header too long": GET + HOST + b"A: " + b"a" * HEAD_BYTES + b"\r\n\r\n",
    "header without end": GET + HOST + b"A: " + b"a" * HEAD_BYTES * 2,
    "too many headers": GET + HOST + b"A: b\r\n" * HEADERS + b"\r\n",
    "line ends without end": b"\r\n" * HEAD_BYTES,
    "trailer without end": READ + b"Transfer-Encoding: chunked\r\n\r\n0\r\nA: " + b"a" * 2_000_000,
    "chunk extension without end": READ + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"a" * 2_000_000,
}
OTHER_CODES = {
    **dict.fromkeys(("URL too long", "query too long"), 414),
    **dict.fromkeys(("header too long", "header without end", "too many headers", "line ends without end"), 431),
    **dict.fromkeys(("trailer without end", "chunk extension without end"), 413),
}

# The first answer must be the only one: what follows belongs to a request that cannot be told from its body.
SMUGGLED = {
    "length and coding": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "coding and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + HIDDEN,
    "two lengths": POST + b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
    "two lengths alike": POST + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n" + HIDDEN,
    "a list of lengths": POST + b"Content-Length: 0, %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
    "identity": POST + b"Transfer-Encoding: identity\r\n\r\n" + HIDDEN,
    "chunked, identity": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + HIDDEN,
    "two codings": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + HIDDEN,
    "vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "space before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a length in the trailer": CHUNKED + b"0\r\nContent-Length: 5\r\n\r\n" + HIDDEN,
    "coding in HTTP/1.0": POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a body not read": POST + b"Content-Length: 9999\r\n\r\n" + HIDDEN,
}

# Odd, but HTTP: one answer, and the connection goes on where the request ended.
ODD = {
    "absolute form": (b"GET http://evil.test/healthz HTTP/1.1\r\n" + HOST + b"\r\n", 200),
    "empty Host": (GET + b"Host:\r\n\r\n", 200),
    "line ends first": (b"\r\n\r\n" + GET + HOST + b"\r\n", 200),
    "OPTIONS *": (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "two slashes": (b"GET //evil.test/healthz HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "GET with a body": (asked("GET", "/healthz", f"Content-Length: {len(HIDDEN)}", body=HIDDEN), 200),
    "chunks with extensions": (READ + b"Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0;c\r\n\r\n", 400),
    "a chunk like a request": (
        READ + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN),
        400,
    ),
    "another protocol": (GET + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 200),
    "another protocol, and a body": (
        READ + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: %d\r\n\r\n%b" % (len(HIDDEN), HIDDEN),
        400,
    ),
    "another protocol, and chunks": (
        READ + b"Connection: Upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"%x\r\n%b\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN),
        400,
    ),
}


@pytest.fixture
def url(served: tuple[Folder, LiveServer]) -> str:
    return served[1].url


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_http_is_refused_and_ends_the_connection(
    url: str, raw: bytes, request: pytest.FixtureRequest
) -> None:
    with Raw(url) as raw_connection:
        raw_connection.send(raw)
        code = OTHER_CODES.get(request.node.callspec.id, 400)
        assert raw_connection.answers_until_closed() == [code]


@pytest.mark.parametrize("raw", SMUGGLED.values(), ids=SMUGGLED)
def test_a_request_hidden_in_another_is_never_answered(url: str, raw: bytes) -> None:
    for at_once in (True, False):
        with Raw(url) as connection:
            if at_once:
                connection.send(raw)
            else:
                head, end, body = raw.partition(b"\r\n\r\n")
                connection.send(head + end)
                with contextlib.suppress(ConnectionError):  # refused by its head
                    connection.send(body)
            codes = connection.answers_until_closed()
            assert len(codes) == 1 and 400 <= codes[0] < 500


@pytest.mark.parametrize(("raw", "code"), ODD.values(), ids=ODD)
def test_what_is_odd_but_right_is_one_request(url: str, raw: bytes, code: int) -> None:
    with Raw(url) as connection:
        connection.send(raw)
        assert connection.answer().code == code
        connection.send(asked("GET", "/healthz", "Connection: close"))
        assert connection.answers_until_closed() == [200]
    # In the middle of a body only where it is waited for: an answer before that is the connection's last.
    for cut in (20, len(raw) // 2, len(raw) - 10) if raw.startswith(READ) else (20,):
        with Raw(url) as connection:
            connection.send(raw[:cut])
            connection.send(raw[cut:] + asked("GET", "/robots.txt", "Connection: close"))
            assert connection.answers_until_closed() == [code, 200]


def test_pipelined_requests_are_answered_in_their_order(url: str) -> None:
    paths = ["/healthz", "/nowhere", "/robots.txt", "/docs", "/nowhere", "/readyz"]
    with Raw(url) as connection:
        connection.send(b"".join(asked("GET", path) for path in paths))
        assert [connection.answer().code for _ in paths] == [200, 404, 200, 200, 404, 200]


def test_a_crowd_of_pipelined_requests_is_answered_in_part(url: str) -> None:
    """A few hundred bytes each, some thousand times as many: they would be held in memory until their turn."""
    with Raw(url) as connection:
        connection.send(asked("GET", "/healthz") * 1000)
        codes = connection.answers_until_closed()
        assert set(codes) == {200} and PIPELINED <= len(codes) <= PIPELINED + 2


@pytest.mark.parametrize("bad", [b"A b\r\n\r\n", CHUNKED + b"zz\r\n", POST + b"Content-Length: -1\r\n\r\n"])
def test_pipelined_requests_before_one_that_is_none_are_answered_and_nothing_after(url: str, bad: bytes) -> None:
    with Raw(url) as connection:
        connection.send(asked("GET", "/healthz") + asked("GET", "/nowhere") + asked("GET", "/docs") + bad + HIDDEN)
        assert [connection.answer().code for _ in range(3)] == [200, 404, 200]
        assert connection.rest() == b""


def test_an_answer_that_is_being_given_is_not_cut_by_what_follows(url: str) -> None:
    with Raw(url) as connection:
        connection.send(asked("GET", "/static/page.css"))
        whole = connection.answer().text
    with Raw(url) as connection:
        connection.send(asked("GET", "/static/page.css") + b"\x00\x00\x00\r\n\r\n")
        assert connection.answer().text == whole
        assert connection.rest() == b""


def test_a_body_that_goes_wrong_after_the_answer_is_not_answered_again(url: str) -> None:
    """No credential: answered before the body is there."""
    for rest in (b"zz\r\n\r\n", HIDDEN, b"5\r\nabcde\r\n0\r\n\r\n" + HIDDEN):
        with Raw(url) as connection:
            connection.send(CHUNKED)
            assert connection.answer().code == 401
            with contextlib.suppress(ConnectionError):
                connection.send(rest)
            assert connection.rest() == b""


def test_a_body_that_goes_wrong_while_it_is_awaited_is_one_400(url: str) -> None:
    wanted = b"POST /v1/application_calendars HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    with Raw(url) as connection:
        connection.send(wanted + b"3\r\nabc\r\n")
        connection.send(asked("GET", "/healthz"))
        assert connection.answers_until_closed() == [400]


def test_too_large_a_body_is_413_and_the_client_can_read_that(url: str) -> None:
    """It goes on sending while it is refused, and reads only then. A reset may take the answer with it."""
    for announced in (True, False):
        with Raw(url) as connection:
            framing = b"Content-Length: 3000000\r\n" if announced else b"Transfer-Encoding: chunked\r\n"
            connection.send(b"POST /v1/application_calendars HTTP/1.1\r\n" + HOST + framing + b"\r\n")
            for _ in range(3):
                connection.send(b" " * 1_000_000 if announced else b"f4240\r\n" + b" " * 1_000_000 + b"\r\n")
            assert connection.answers_until_closed() == [413] and not connection.was_reset


def test_trailers_are_no_headers(served: tuple[Folder, LiveServer]) -> None:
    """A proxy vouches for headers that it has seen; what comes after the body could claim anything."""
    folder, server = served
    with LiveCenter.at(server, folder.environ) as center:
        body: Json = b'{"profile_id": 1}'  # type: ignore[assignment]
        key = f"Authorization: Bearer {center.client_secret}"
        chunks = b"%x\r\n%b\r\n0\r\n" % (len(body), body)
        for trailer, header, code in ((b"", key, 422), (key.encode() + b"\r\n", "X: y", 401)):
            with Raw(server.url) as connection:
                connection.send(
                    asked("POST", "/v1/availability", "Transfer-Encoding: chunked", header, "Connection: close")
                    + chunks
                    + trailer
                    + b"\r\n"
                )
                assert connection.answers_until_closed() == [code]


def test_what_was_sent_does_not_reach_the_log_as_it_is(served: tuple[Folder, LiveServer]) -> None:
    folder, server = served
    with Raw(server.url) as connection:
        connection.send(b'GET /x HTTP/1.1\r\nHost: \r\n{"event": "forged"}\r\n\r\n')
        assert connection.answers_until_closed() == [400]
    log = (folder.path / "server.log").read_text()
    assert "connection.refused" in log and "forged" not in log
    assert "Exception in ASGI" not in log, "no handler answered where the connection had spoken already"
