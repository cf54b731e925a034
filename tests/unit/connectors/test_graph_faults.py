"""The Graph connector and servers that fail, lie or mean harm: one of our errors, in time, and no token astray."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hostile import Canary, Floods, says, talking
from tests.unit.connectors.calls import answer, ends_with
from tests.unit.connectors.graph_calls import CALLS, connector_for, outcome
from tests.unit.connectors.silence import SilenceContract, silences

from slotlink.connectors import graph_client
from slotlink.connectors.graph_json import Calendar, Event, Page, code_of, read
from slotlink.engine import Period
from slotlink.errors import AccessRevoked, CalendarGone, ConnectorError, NotAccepted, ProviderUnavailable


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


UNAVAILABLE, OURS, GONE = ProviderUnavailable, NotAccepted, CalendarGone
HTML = b"<!DOCTYPE html><html><body><form>Sign in</form></body></html>"


def error(code: str) -> bytes:
    return json.dumps({"error": {"code": code, "message": "s3cret-token: what was sent", "innerError": {}}}).encode()


# What is answered to everything, and the error for it.
ANSWERS: dict[str, tuple[bytes, type[ConnectorError]]] = {
    "400": (answer("400 Bad Request", body=error("ErrorInvalidRequest")), OURS),
    "401": (answer("401 Unauthorized", body=error("InvalidAuthenticationToken")), AccessRevoked),
    "403": (answer("403 Forbidden", body=error("ErrorAccessDenied")), GONE),
    "403 in haste": (answer("403 Forbidden", body=error("ApplicationThrottled")), UNAVAILABLE),
    "404": (answer("404 Not Found", body=error("ErrorItemNotFound")), GONE),
    "a proxy's 404": (answer("404 Not Found", body=HTML), UNAVAILABLE),
    "409": (answer("409 Conflict"), UNAVAILABLE),
    "410": (answer("410 Gone"), GONE),
    "410 of a sync state": (answer("410 Gone", body=error("SyncStateNotFound")), UNAVAILABLE),
    "412": (answer("412 Precondition Failed"), OURS),
    "413": (answer("413 Content Too Large"), OURS),
    "422": (answer("422 Unprocessable Content"), OURS),
    "423": (answer("423 Locked"), UNAVAILABLE),
    "429": (answer("429 Too Many Requests", "Retry-After: 120", body=error("ApplicationThrottled")), UNAVAILABLE),
    "500": (answer("500 Internal Server Error", body=HTML), UNAVAILABLE),
    "503": (answer("503 Service Unavailable", "Retry-After: 120"), UNAVAILABLE),
    "504": (answer("504 Gateway Timeout", body=error("UnknownError")), UNAVAILABLE),
    "507": (answer("507 Insufficient Storage"), UNAVAILABLE),
    "200 and a page": (answer("200 OK", "Content-Type: text/html", body=HTML), UNAVAILABLE),
    "200 and nothing": (answer("200 OK"), UNAVAILABLE),
    "200 and null": (answer("200 OK", body=b"null"), UNAVAILABLE),
    "200 and another shape": (answer("200 OK", body=b'{"value": [{"id": 7}]}'), UNAVAILABLE),
    "200 and depth": (answer("200 OK", body=b"[" * 90_000), UNAVAILABLE),
    "204": (answer("204 No Content"), UNAVAILABLE),
    "cut off": (answer("200 OK", body=b'{"value": [', length=99), UNAVAILABLE),
    "compressed": (answer("200 OK", "Content-Encoding: deflate", body=b"x" * 99), UNAVAILABLE),
    "no HTTP": (b"220 mail.test ESMTP\r\n", UNAVAILABLE),
    "304": (answer("304 Not Modified"), OURS),
    "a redirect": (answer("302 Found", "Location: https://login.example/"), OURS),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_answers(name: str) -> None:
    said, meant = ANSWERS[name]
    found = await asyncio.gather(*(outcome(call, ends_with(said)) for call in CALLS.values()))
    for call, seen in zip(CALLS, found, strict=True):
        done = name.startswith(("404", "410")) and call in ("delete", "unwatch")
        if done or (call == "unwatch" and name.startswith(("20", "a proxy"))):
            assert seen is None, "gone already, or whatever else a success says"
            continue
        wanted = meant
        if meant is GONE and call == "list":
            wanted = OURS  # for a listing there is no calendar yet that could be gone
        if name == "410 of a sync state" and not call.startswith("changes"):
            wanted = OURS if call == "list" else GONE
        assert isinstance(seen, wanted), (call, seen)
        assert "what was sent" not in str(seen)
        if isinstance(seen, ProviderUnavailable):
            assert seen.retry_after == (120 if name in ("429", "503") else None)


TALKS = silences(b"200 OK")


class TestSilence(SilenceContract):
    calls = CALLS
    ask = outcome
    client = graph_client
    talks = TALKS


async def test_a_huge_answer() -> None:
    floods = Floods(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 65536)
    found = await outcome(CALLS["read_live"], floods, deadline=60)
    assert isinstance(found, NotAccepted) and "20000000 bytes" in str(found)
    assert graph_client.MOST_BYTES <= floods.taken < 2 * graph_client.MOST_BYTES


@pytest.mark.parametrize("call", ["list", "changes", "changes since", "read_live", "put"])
@pytest.mark.parametrize("form", ["http://127.0.0.1:{}/v1.0/me", "//127.0.0.1:{}/v1.0/me", "http://[/", "file:///x"])
async def test_a_next_page_on_another_host(call: str, form: str) -> None:
    with Canary() as canary:
        page = {"value": [], "@odata.nextLink": form.format(canary.port)}
        found = await outcome(CALLS[call], says(answer("200 OK", body=json.dumps(page).encode())))
        assert isinstance(found, ConnectorError) and not canary.contacted


@pytest.mark.parametrize("call", ["list", "changes", "changes since", "read_live", "put", "delete"])
async def test_a_list_that_never_ends(call: str) -> None:
    page = {"value": [], "@odata.nextLink": "/v1.0/me/more"}
    asked: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        asked.append(connection.recv(4096))
        connection.sendall(answer("200 OK", body=json.dumps(page).encode()))

    found = await outcome(CALLS[call], talk)
    assert isinstance(found, ProviderUnavailable) and "end" in str(found) and len(asked) == 2


async def test_a_round_without_an_end() -> None:
    """Without a link for the next round, changes would be lost in silence."""
    found = await outcome(CALLS["changes"], says(answer("200 OK", body=b'{"value": []}')))
    assert isinstance(found, ProviderUnavailable)


TIMES: dict[str, Any] = {
    "no start": {"start": None},
    "no time": {"start": {"dateTime": "soon"}},
    "an unknown zone": {"start": {"dateTime": "2027-03-04T09:00:00", "timeZone": "Middle-Earth Standard Time"}},
    "the end of time": {"start": {"dateTime": "9999-12-31T23:59:59-14:00"}},
    "an impossible day": {"start": {"dateTime": "2027-02-30T00:00:00"}, "isAllDay": True},
}


@pytest.mark.parametrize("name", TIMES)
async def test_an_event_whose_time_cannot_be_read(name: str) -> None:
    """Never read as a time that is free, nor as one in UTC."""
    at = {"dateTime": "2027-03-04T10:00:00.0000000", "timeZone": "UTC"}
    event = {"id": "e", "@odata.etag": "1", "type": "singleInstance", "showAs": "busy", "start": at, "end": at}
    page = json.dumps({"value": [{**event, **TIMES[name]}], "@odata.deltaLink": "/v1.0/x"}).encode()
    for call in ("changes", "read_live"):
        assert isinstance(await outcome(CALLS[call], says(answer("200 OK", body=page))), ConnectorError)


async def test_one_silent_calendar_delays_no_other() -> None:
    def talk(connection: Any) -> None:
        head = connection.recv(4096)
        if b"/silent/" in head:
            time.sleep(20)
        connection.sendall(answer("200 OK", body=b'{"value": []}'))

    with talking(talk, buffers=None) as host:
        connector = connector_for(f"http://{host}", deadline=1)
        started = time.monotonic()
        found = await connector.read_live(["silent", "good"], Period(0, 60))
        assert time.monotonic() - started < 15
        await connector.close()
    assert found["good"] == [] and isinstance(found["silent"], ProviderUnavailable)


def test_half_a_character_in_a_preview() -> None:
    """Graph cuts previews by UTF-16 units; such an event has to be read all the same."""
    page = read(b'{"value": [{"id": "e", "bodyPreview": "x\\ud83d", "subject": "y\\ud83d"}]}', Page[Event])
    assert page.value[0].id == "e"


NAMES = ["value", "id", "start", "dateTime", "timeZone", "@odata.nextLink", "@removed", "error", "code", "attendees"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=20,
)


@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=200, deadline=None)
def test_bytes_of_every_kind(body: bytes) -> None:
    for kind in (Page[Event], Calendar):
        try:
            read(body, kind)
        except ProviderUnavailable:
            continue
    assert all(letter.isalnum() or letter in "._-" for letter in code_of(body))
