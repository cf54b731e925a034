"""The Google connector and answers that fail, lie or mean harm: one of our errors, in time, and no token astray."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from tests.hostile import Floods, Talk, asked, says, talking
from tests.unit.connectors.calls import WRITE, answer, ends_with
from tests.unit.connectors.silence import SilenceContract, silences

from slotlink.connectors import google_client
from slotlink.connectors.base import Changes, Watch
from slotlink.connectors.google import GoogleConnector
from slotlink.engine import Period
from slotlink.errors import AccessRevoked, CalendarGone, ConnectorError, NotAccepted, ProviderUnavailable

UNAVAILABLE, OURS, GONE, REVOKED = ProviderUnavailable, NotAccepted, CalendarGone, AccessRevoked
READING = ("changes", "changes since", "read_live")
HTML = b"<!DOCTYPE html><html><body><form>Sign in</form></body></html>"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Tokens:
    """Another one whenever one is refused."""

    def __init__(self) -> None:
        self.given: list[str] = []

    async def access_token(self, refused: str | None = None) -> str:
        self.given.append(f"s3cret-{len(self.given)}")
        return self.given[-1]


async def _read_live(connector: GoogleConnector) -> object:
    found = (await connector.read_live(["cal"], Period(0, 60)))["cal"]
    if isinstance(found, ConnectorError):
        raise found
    return found


Call = Callable[[GoogleConnector], Awaitable[object]]
CALLS: dict[str, Call] = {
    "list": lambda connector: connector.list_calendars(),
    "changes": lambda connector: connector.changes("cal", None),
    "changes since": lambda connector: connector.changes("cal", "token"),
    "read_live": _read_live,
    "put": lambda connector: connector.put("cal", WRITE),
    "put over": lambda connector: connector.put("cal", WRITE, '"1"'),
    "delete": lambda connector: connector.delete("cal", "key"),
    "watch": lambda connector: connector.watch("cal", "w", "https://x.test/", "s3cret-x"),
    "unwatch": lambda connector: connector.unwatch("cal", Watch("w", "r", 0)),
}


async def outcome(call: Call, talk: Talk, deadline: float = 10) -> ConnectorError | object:
    with talking(talk, buffers=None) as host:
        tokens = Tokens()
        connector = GoogleConnector(
            aiohttp.ClientSession(), tokens, api_url=f"http://{host}", deadline=deadline, sync_deadline=deadline
        )
        try:
            return await call(connector)
        except ConnectorError as error:
            assert "s3cret" not in str(error)
            return error
        finally:
            assert len(tokens.given) <= 8
            await connector.close()


def refused(status: str, reason: str | None, *headers: str, **more: Any) -> bytes:
    entries = [] if reason is None else [{"domain": "x", "reason": reason, "message": "m"}]
    body = json.dumps({"error": {"errors": entries, "code": 7, "message": "m", **more}})
    return answer(status, "Content-Type: application/json", *headers, body=body.encode())


def told(value: Any) -> bytes:
    return answer("200 OK", "Content-Type: application/json", body=json.dumps(value).encode())


DETAILS = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]
# What is answered to everything; the error of whoever reads, of whoever writes, and of a listing.
ANSWERS: dict[str, tuple[bytes, type[ConnectorError], type[ConnectorError], type[ConnectorError]]] = {
    "400": (refused("400 Bad Request", "invalid"), OURS, OURS, OURS),
    "401": (refused("401 Unauthorized", "authError"), REVOKED, REVOKED, REVOKED),
    "401 and nothing": (answer("401 Unauthorized"), REVOKED, REVOKED, REVOKED),
    "403 by right": (refused("403 Forbidden", "requiredAccessLevel"), GONE, OURS, OURS),
    "403 by a policy": (refused("403 Forbidden", "domainPolicy"), GONE, OURS, OURS),
    "403 by scope": (refused("403 Forbidden", "insufficientPermissions"), REVOKED, OURS, REVOKED),
    "403 by scope, in details": (refused("403 Forbidden", None, details=DETAILS), REVOKED, OURS, REVOKED),
    "403 not enabled": (refused("403 Forbidden", "accessNotConfigured"), OURS, OURS, OURS),
    "403 too fast": (
        refused("403 Forbidden", "rateLimitExceeded", "Retry-After: 120"),
        UNAVAILABLE,
        UNAVAILABLE,
        UNAVAILABLE,
    ),
    "403 by the quota": (refused("403 Forbidden", "quotaExceeded"), UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    "403 and a page": (answer("403 Forbidden", body=HTML), UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    "404": (refused("404 Not Found", "notFound"), GONE, GONE, OURS),
    "404 and a page": (answer("404 Not Found", body=HTML), UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    "412": (refused("412 Precondition Failed", "conditionNotMet"), OURS, OURS, OURS),
    "413": (answer("413 Content Too Large"), OURS, OURS, OURS),
    "422": (answer("422 Unprocessable Content"), OURS, OURS, OURS),
    "429": (answer("429 Too Many Requests", "Retry-After: 120"), UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    "500": (refused("500 Internal Server Error", "backendError"), UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    "503": (answer("503 Service Unavailable", "Retry-After: 120"), UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    "a redirect": (answer("302 Found", "Location: http://127.0.0.1:1/"), OURS, OURS, OURS),
    "204": (answer("204 No Content"), UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    "200 and a page": (answer("200 OK", body=HTML), UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    "200 and nothing": (answer("200 OK"), UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    "an empty object": (told({}), UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    "no object": (told([1]), UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    "of another kind": (told({"kind": "drive#files", "items": []}), UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    "deep": (answer("200 OK", body=b"[" * 200_000), UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    "cut off": (answer("200 OK", body=b'{"kind": "calendar#events"', length=99), UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    "compressed": (answer("200 OK", "Content-Encoding: gzip", body=b"x"), UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    "no HTTP": (b"220 mail.test ESMTP\r\n", UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
}
# What is no error for whom: gone already, and an answer of which nothing is wanted.
DONE = {
    *(("delete", "404"), ("unwatch", "404"), ("unwatch", "404 and a page")),
    *(("unwatch", name) for name in ("200 and a page", "200 and nothing", "204", "an empty object", "no object")),
    *(("unwatch", name) for name in ("of another kind", "deep")),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_answers(name: str) -> None:
    said, reading, writing, listing = ANSWERS[name]
    found = await asyncio.gather(*(outcome(call, ends_with(said)) for call in CALLS.values()))
    for call, error in zip(CALLS, found, strict=True):
        if (call, name) in DONE:
            assert error is None
            continue
        # Before something is written over or deleted it is read.
        meant = listing if call == "list" else writing if call == "put" else reading
        assert type(error) in (meant, google_client.RefusedList if meant is OURS else meant), (call, error)
        if isinstance(error, ProviderUnavailable):
            assert error.retry_after == (120 if name in ("403 too fast", "429", "503") else None)


EVENT = {
    "id": "e",
    "iCalUID": "u",
    "etag": '"1"',
    "start": {"dateTime": "2027-03-04T09:00:00Z"},
    "end": {"dateTime": "2027-03-04T10:00:00Z"},
}


@pytest.mark.parametrize(
    ("said", "is_gone"),
    [
        (answer("404 Not Found", body=HTML), False),
        (answer("410 Gone", body=HTML), False),
        (refused("404 Not Found", "notFound"), True),
        (refused("410 Gone", "deleted"), True),
    ],
    ids=["a proxy's 404", "a proxy's 410", "Google's 404", "Google's 410"],
)
async def test_gone_is_what_google_itself_says_is(said: bytes, is_gone: bool) -> None:
    """Of an event that is looked up, and of one that is deleted."""
    stub = {"kind": "calendar#events", "items": [{"id": "e", "status": "cancelled"}], "nextSyncToken": "t"}

    def talk(connection: socket.socket) -> None:
        line = asked(connection).split(b"\r\n")[0]
        listed = told(stub) if b"syncToken" in line else told(EVENT)
        is_last = line.startswith(b"DELETE") or b"/events/e" in line
        connection.sendall(said if is_last else listed)
        connection.shutdown(socket.SHUT_WR)

    changes, deleted = await outcome(CALLS["changes since"], talk), await outcome(CALLS["delete"], talk)
    if is_gone:
        assert isinstance(changes, Changes) and changes.removed == ("e",) and deleted is None
    else:
        assert isinstance(changes, ProviderUnavailable) and isinstance(deleted, ProviderUnavailable)


TALKS = silences(b"200 OK")


class TestSilence(SilenceContract):
    calls = CALLS
    ask = outcome
    client = google_client
    talks = TALKS


async def test_a_token_that_never_comes() -> None:
    class Slow:
        async def access_token(self, refused: str | None = None) -> str:
            await asyncio.sleep(3600)
            return ""

    connector = GoogleConnector(aiohttp.ClientSession(), Slow(), api_url="http://127.0.0.1:1", deadline=0.1)
    assert isinstance((await connector.read_live(["cal"], Period(0, 60)))["cal"], ProviderUnavailable)
    await connector.close()


async def test_a_huge_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google_client, "MOST_BYTES", 1_000_000)
    floods = Floods(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 65536)
    found = await outcome(CALLS["read_live"], floods, deadline=60)
    assert isinstance(found, NotAccepted) and "1000000 bytes" in str(found)
    assert google_client.MOST_BYTES <= floods.taken < 12 * google_client.MOST_BYTES


EVENTS = {"kind": "calendar#events"}
LISTS: dict[str, Any] = {
    "items that are no list": {**EVENTS, "items": {}, "nextSyncToken": "t"},
    "items that are no objects": {**EVENTS, "items": [7], "nextSyncToken": "t"},
    "an event without id": {**EVENTS, "items": [{"status": "confirmed"}], "nextSyncToken": "t"},
    "an event without times": {**EVENTS, "items": [{"id": "x"}], "nextSyncToken": "t"},
    "a page token that is none": {**EVENTS, "items": [], "nextPageToken": 7},
    "pages without end": {**EVENTS, "items": [], "nextPageToken": "again"},
}


@pytest.mark.parametrize("name", LISTS)
async def test_lists_that_are_none(name: str) -> None:
    """Never read as a time that is free."""
    for call in READING:
        assert isinstance(await outcome(CALLS[call], says(told(LISTS[name]))), ProviderUnavailable), call


async def test_a_list_without_a_sync_token_at_its_end() -> None:
    empty = says(told({**EVENTS, "items": []}))
    assert isinstance(await outcome(CALLS["changes"], empty), ProviderUnavailable)
    assert await outcome(CALLS["read_live"], empty) == [], "and a live read needs none"


async def test_what_is_no_watch() -> None:
    for value in ({"kind": "api#channel"}, {"resourceId": 7}, {"resourceId": ""}):
        assert isinstance(await outcome(CALLS["watch"], says(told(value))), ProviderUnavailable)
    for expiration in (None, "soon", "9" * 40):
        found = await outcome(CALLS["watch"], says(told({"resourceId": "r", "expiration": expiration})))
        assert isinstance(found, Watch) and found.expires_at < time.time() + 2 * 3600
