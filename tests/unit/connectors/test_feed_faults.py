"""The feed connector and servers that fail, lie or mean harm: one of our errors, in time, never an empty calendar."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import threading
import time

import pytest
from tests.hostile import Floods, Talk, asked, drips, half_a_head, says
from tests.unit.connectors.calls import answer, ends_with
from tests.unit.connectors.feed_calls import CALENDAR, CALLS, FEED, at, outcome
from tests.unit.connectors.silence import SilenceContract, silences

from slotlink.connectors import feed_client
from slotlink.connectors.base import Changes
from slotlink.errors import AccessRevoked, CalendarGone, ConnectorError, NotAccepted, ProviderUnavailable


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


HTML = b"<!DOCTYPE html><html><body><form>Sign in</form></body></html>"
UNAVAILABLE, OURS, GONE, REVOKED = ProviderUnavailable, NotAccepted, CalendarGone, AccessRevoked
ICS = "Content-Type: text/calendar"


def ok(body: bytes, *headers: str, length: int | None = None) -> bytes:
    return answer("200 OK", ICS, *headers, body=body, length=length)


# What is answered to everything, and the error for it.
ANSWERS: dict[str, tuple[bytes, type[ConnectorError]]] = {
    "201": (answer("201 Created", body=FEED), UNAVAILABLE),
    "204": (answer("204 No Content"), UNAVAILABLE),
    "206": (answer("206 Partial Content", body=FEED), UNAVAILABLE),
    "300": (answer("300 Multiple Choices"), OURS),
    "302 to nowhere": (answer("302 Found"), OURS),
    "400": (answer("400 Bad Request"), OURS),
    "401": (answer("401 Unauthorized", 'WWW-Authenticate: Basic realm="x"'), REVOKED),
    "403": (answer("403 Forbidden", body=HTML), REVOKED),
    "404": (answer("404 Not Found", body=HTML), GONE),
    "405": (answer("405 Method Not Allowed"), OURS),
    "406": (answer("406 Not Acceptable"), OURS),
    "408": (answer("408 Request Timeout"), UNAVAILABLE),
    "410": (answer("410 Gone"), GONE),
    "423": (answer("423 Locked"), UNAVAILABLE),
    "425": (answer("425 Too Early"), UNAVAILABLE),
    "429": (answer("429 Too Many Requests", "Retry-After: 120"), UNAVAILABLE),
    "500": (answer("500 Internal Server Error", body=FEED), UNAVAILABLE),
    "503": (answer("503 Service Unavailable", "Retry-After: 120"), UNAVAILABLE),
    "a page": (answer("200 OK", "Content-Type: text/html", body=HTML), UNAVAILABLE),
    "a page that says it is a calendar": (ok(b"\r\n " + HTML), UNAVAILABLE),
    "nothing": (ok(b""), UNAVAILABLE),
    "blanks": (ok(b"\xef\xbb\xbf \r\n\r\n"), UNAVAILABLE),
    "JSON": (ok(b'{"error": "no such calendar"}'), UNAVAILABLE),
    "another component": (ok(b"BEGIN:VCARD\r\nEND:VCARD\r\n"), UNAVAILABLE),
    "a head alone": (ok(b"BEGIN:VCALENDAR\r\n"), UNAVAILABLE),
    "cut off between events": (ok(FEED[: FEED.index(b"END:VCAL")]), UNAVAILABLE),
    "cut off in the last line": (ok(FEED[:-6]), UNAVAILABLE),
    "cut off and shorter than announced": (ok(FEED[:90], length=len(FEED)), UNAVAILABLE),
    "whole and shorter than announced": (ok(FEED, length=len(FEED) + 100), UNAVAILABLE),
    "a page behind the calendar": (ok(FEED + HTML), UNAVAILABLE),
    "UTF-16": (ok(FEED.decode().encode("utf-16")), UNAVAILABLE),
    "a gzip file": (ok(gzip.compress(FEED)), UNAVAILABLE),
    "compressed": (ok(gzip.compress(FEED), "Content-Encoding: gzip"), UNAVAILABLE),
    "compressed by something": (ok(b"x" * 99, "Content-Encoding: x-odd"), UNAVAILABLE),
    "an event that never ends": (ok(CALENDAR % b"BEGIN:VEVENT\r\nUID:1\r\n"), OURS),
    "free and busy times": (ok(CALENDAR % b"BEGIN:VFREEBUSY\r\nEND:VFREEBUSY\r\n"), OURS),
    "two ends": (ok(FEED + b"END:VCALENDAR\r\n"), OURS),
    "no HTTP": (b"220 mail.test ESMTP\r\n", UNAVAILABLE),
    "HTTP that contradicts itself": (ok(FEED, "Transfer-Encoding: chunked"), UNAVAILABLE),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_answers(name: str) -> None:
    said, meant = ANSWERS[name]
    found = await asyncio.gather(*(outcome(call, ends_with(said)) for call in CALLS.values()))
    for call, error in zip(CALLS, found, strict=True):
        if call == "list" and meant is GONE:
            assert error == []
            continue
        assert type(error) is meant, (call, error)
        if isinstance(error, ProviderUnavailable):
            assert error.retry_after == (120 if name in ("429", "503") else None)


async def test_unchanged_counts_where_it_was_asked_for_alone() -> None:
    found = {name: await outcome(call, ends_with(answer("304 Not Modified"))) for name, call in CALLS.items()}
    changes = found.pop("changes since")
    assert isinstance(changes, Changes) and not changes.whole and not changes.changed
    assert {type(error) for error in found.values()} == {ProviderUnavailable}


async def test_a_feed_without_events_is_an_empty_calendar() -> None:
    assert await outcome(CALLS["read_live"], ends_with(ok(CALENDAR % b""))) == ()


class TestSilence(SilenceContract):
    calls = CALLS
    ask = outcome
    test_no_single_request_uses_up_a_long_deadline = None  # type: ignore[assignment] - a call is one exchange
    talks = silences(b"200 OK")

    @pytest.mark.parametrize(
        "talk",
        [
            drips(b"HTTP/1.1 200 OK\r\n\r\n" + FEED, b" "),
            drips(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
            half_a_head,
        ],
        ids=["a body without end", "empty answers", "half a head"],
    )
    async def test_a_drip_ends_at_the_deadline(self, talk: Talk) -> None:
        await self.ends(talk)


async def test_one_deadline_for_all_redirects() -> None:
    """Each answer alone comes in time."""

    def talk(connection: socket.socket) -> None:
        asked(connection)
        time.sleep(0.3)
        connection.sendall(answer("302 Found", "Location: /again"))

    assert isinstance(await outcome(CALLS["read_live"], talk, deadline=0.8), ProviderUnavailable)


async def test_nobody_listens() -> None:
    for scheme in ("http", "https", "webcal"):
        assert isinstance(await at(f"{scheme}://127.0.0.1:1/x.ics", CALLS["changes"]), ProviderUnavailable)


@pytest.mark.parametrize("call", CALLS)
async def test_a_huge_feed(call: str) -> None:
    floods = Floods(b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\nBEGIN:VCALENDAR\r\n", b"X-A:1\r\n")
    found = await outcome(CALLS[call], floods, deadline=60)
    assert isinstance(found, NotAccepted) and "20000000 bytes" in str(found)
    assert feed_client.MOST_BYTES <= floods.taken < 2 * feed_client.MOST_BYTES


async def test_a_compressed_bomb_is_not_even_taken() -> None:
    floods = Floods(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", gzip.compress(bytes(10_000_000)))
    found = await outcome(CALLS["changes"], floods, deadline=60)
    assert isinstance(found, ProviderUnavailable) and "compressed" in str(found)
    assert floods.taken < 5_000_000, "what the buffers of the system hold"


async def test_what_is_asked() -> None:
    heads: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        heads.append(asked(connection))
        connection.sendall(ok(FEED))

    for call in CALLS.values():
        assert not isinstance(await outcome(call, talk), ConnectorError)
    assert [b"\r\nIf-None-Match: " in head for head in heads] == [name == "changes since" for name in CALLS]
    assert all(head.startswith(b"GET /5ec7e7.ics HTTP/1.1\r\n") for head in heads)
    assert all(b"\r\nAccept-Encoding: identity\r\n" in head for head in heads)
    assert not any(b"If-Modified-Since" in head or b"Cookie" in head for head in heads)


DATE = "Date: Thu, 04 Mar 2027 09:01:00 GMT"
SETTLED = "Last-Modified: Thu, 04 Mar 2027 09:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "kept"),
    [
        (['ETag: "a"'], ['"a"', None]),
        (['ETag: W/"a b"'], [None, None]),
        (['ETag: W/"a"', DATE, SETTLED], ['W/"a"', None]),
        (["ETag: *", DATE, SETTLED], [None, SETTLED[15:]]),
        (['ETag: ""', DATE, SETTLED], [None, SETTLED[15:]]),
        (["ETag: a"], [None, None]),
        (['ETag: "a", "b"'], [None, None]),
        (['ETag: "ä"'], [None, None]),
        ([f'ETag: "{"a" * 498}"'], [f'"{"a" * 498}"', None]),
        ([f'ETag: "{"a" * 499}"'], [None, None]),
        ([DATE, "Last-Modified: Thu, 04 Mar 2027 09:00:01 GMT"], [None, None]),
        ([SETTLED], [None, None]),
        ([DATE, "Last-Modified: Thu, 04 Mar 2027 10:00:00 GMT"], [None, None]),
        ([DATE, "Last-Modified: yesterday"], [None, None]),
        ([DATE, "Last-Modified: Thu, 04 Mar 99999999999999999999 09:00:00 GMT"], [None, None]),
        (["Date: soon", SETTLED], [None, None]),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_validators_that_are_kept(headers: list[str], kept: list[str | None]) -> None:
    changes = await outcome(CALLS["changes"], says(ok(FEED, *headers)))
    assert isinstance(changes, Changes) and changes.cursor is not None and len(changes.cursor) < 700
    assert json.loads(changes.cursor.removeprefix("feed-1 "))[:2] == kept


@pytest.mark.parametrize(
    "address",
    [
        "",
        " ",
        "https://",
        "https://[",
        "https://a.test:port/",
        "ftp://a.test/x.ics",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/calendar,BEGIN:VCALENDAR",
        "webcal://a／b.test/",
        "https://" + "x" * 64 + ".test/",
        "https://ann:pw@a.test/x.ics",
        "ann@a.test/x.ics",
        "https://a：b/",
        "webcal://ann@a：b/",
        "\ud800",
        "http://a.test\r\nHost: b/",
    ],
)
async def test_addresses_that_are_none(address: str) -> None:
    for call in CALLS.values():
        assert type(await at(address, call)) is NotAccepted


async def test_reading_is_over_when_the_deadline_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the calendar takes to be read, beside the loop."""
    over = threading.Event()
    monkeypatch.setattr("slotlink.connectors.feed.LARGE", 10)
    monkeypatch.setattr("slotlink.connectors.feed.read_feed", lambda _: over.wait(30))
    for call in CALLS.values():
        error = await outcome(call, says(ok(FEED)), deadline=0.3)
        assert isinstance(error, ProviderUnavailable) and not over.is_set()
    over.set()
