"""The CalDAV connector and servers that fail, lie or mean harm: one of our errors, in time, and no password astray."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest
from tests.hostile import Floods, hang, says, talking
from tests.unit.connectors.calls import CALLS, EMPTY, MULTISTATUS, answer, ends_with, outcome
from tests.unit.connectors.silence import SilenceContract, silences

from slotlink.connectors import dav_client
from slotlink.connectors.caldav import CalDavConnector
from slotlink.engine import Period
from slotlink.errors import AccessRevoked, CalendarGone, ConnectorError, NotAccepted, ProviderUnavailable


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


HTML = b"<!DOCTYPE html><html><body><form>Sign in</form></body></html>"
NO_RIGHT = b'<error xmlns="DAV:"><need-privileges/></error>'
RULE = b'<error xmlns="DAV:"><valid-calendar-data xmlns="urn:ietf:params:xml:ns:caldav"/></error>'
UNAVAILABLE, OURS, GONE = ProviderUnavailable, NotAccepted, CalendarGone

# What is answered to everything, and the error for it.
ANSWERS: dict[str, tuple[bytes, type[ConnectorError]]] = {
    "400": (answer("400 Bad Request"), OURS),
    "401": (answer("401 Unauthorized", 'WWW-Authenticate: Basic realm="x"'), AccessRevoked),
    "403": (answer("403 Forbidden"), GONE),
    "403 by right": (answer("403 Forbidden", body=NO_RIGHT), GONE),
    "403 by rule": (answer("403 Forbidden", body=RULE), OURS),
    "404": (answer("404 Not Found"), GONE),
    "410": (answer("410 Gone"), GONE),
    "412": (answer("412 Precondition Failed"), OURS),
    "422": (answer("422 Unprocessable Content"), OURS),
    "423": (answer("423 Locked"), UNAVAILABLE),
    "429": (answer("429 Too Many Requests", "Retry-After: 120"), UNAVAILABLE),
    "500": (answer("500 Internal Server Error", body=HTML), UNAVAILABLE),
    "503": (answer("503 Service Unavailable", "Retry-After: 120"), UNAVAILABLE),
    "507": (answer("507 Insufficient Storage"), UNAVAILABLE),
    "200 and a page": (answer("200 OK", "Content-Type: text/html", body=HTML), UNAVAILABLE),
    "207 and a page": (answer("207 Multi-Status", body=HTML), UNAVAILABLE),
    "207 and nothing": (answer("207 Multi-Status"), UNAVAILABLE),
    "cut off": (answer("207 Multi-Status", body=MULTISTATUS[:200], length=len(MULTISTATUS)), UNAVAILABLE),
    "compressed": (answer("207 Multi-Status", "Content-Encoding: deflate", body=b"x" * 99), UNAVAILABLE),
    "no HTTP": (b"220 mail.test ESMTP\r\n", UNAVAILABLE),
    "304": (answer("304 Not Modified"), OURS),
    "a redirect to nowhere": (answer("302 Found"), OURS),
    "a redirect in a circle": (answer("307 Temporary Redirect", "Location: /.well-known/caldav"), OURS),
    "a redirect to no address": (answer("301 Moved Permanently", "Location: http://[/"), OURS),
    "a redirect to a file": (answer("301 Moved Permanently", "Location: file:///etc/passwd"), OURS),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_answers(name: str) -> None:
    said, meant = ANSWERS[name]
    found = await asyncio.gather(*(outcome(call, ends_with(said)) for call in CALLS.values()))
    for call, error in zip(CALLS, found, strict=True):
        if call == "delete" and name in ("404", "410"):
            assert error is None, "gone already"
            continue
        # For a listing there is no calendar yet that could be gone.
        assert isinstance(error, NotAccepted if call == "list" and meant is GONE else meant), (call, error)
        if isinstance(error, ProviderUnavailable):
            assert error.retry_after == (120 if name in ("429", "503") else None)


TALKS = silences(b"207 Multi-Status")


class TestSilence(SilenceContract):
    calls = CALLS
    ask = outcome
    client = dav_client
    talks = TALKS


async def test_one_silent_calendar_delays_no_other() -> None:
    with talking(hang) as silent, talking(says(answer("207 Multi-Status", body=EMPTY))) as good:
        calendars = [f"http://{silent}/cal/", f"http://{good}/cal/", "http://127.0.0.1:1/cal/"]
        connector = CalDavConnector(aiohttp.ClientSession(), silent, "alice", "pw", deadline=1)
        started = time.monotonic()
        found = await connector.read_live(calendars, Period(0, 60))
        assert time.monotonic() - started < 20
        await connector.close()
    assert found[calendars[1]] == []
    assert [type(found[each]) for each in (calendars[0], calendars[2])] == [ProviderUnavailable] * 2


async def test_a_huge_answer() -> None:
    floods = Floods(b"HTTP/1.1 207 Multi-Status\r\n\r\n", b" " * 65536)
    found = await outcome(CALLS["read_live"], floods, deadline=60)
    assert isinstance(found, NotAccepted) and "20000000 bytes" in str(found)
    assert dav_client.MOST_BYTES <= floods.taken < 2 * dav_client.MOST_BYTES


def told(rows: str) -> bytes:
    return answer("207 Multi-Status", body=f'<multistatus xmlns="DAV:">{rows}</multistatus>'.encode())


OBJECT = "<response><href>/cal/one.ics</href>{}</response>"
WITHOUT_TEXT = "<propstat><prop><getetag>1</getetag></prop><status>HTTP/1.1 200 OK</status></propstat>"


@pytest.mark.parametrize(
    "rows",
    [
        OBJECT.format(WITHOUT_TEXT),
        OBJECT.format("<status>HTTP/1.1 404 Not Found</status>"),
        OBJECT.format("<status>HTTP/1.1 403 Forbidden</status>"),
        "<response><href>/cal/</href><status>HTTP/1.1 507 Insufficient Storage</status></response>",
        "<response><href>http://[/</href><status>HTTP/1.1 200 OK</status></response>",
    ],
    ids=["without text", "gone", "forbidden", "cut off", "no address"],
)
async def test_an_object_that_is_named_and_not_given(rows: str) -> None:
    """Never read as a time that is free."""
    assert isinstance(await outcome(CALLS["read_live"], says(told(rows))), ConnectorError)


async def test_a_sync_that_never_ends() -> None:
    cut = "<response><href>/cal/</href><status>HTTP/1.1 507 Insufficient Storage</status></response>"
    found = await outcome(CALLS["changes"], says(told(f"{cut}<sync-token>urn:1</sync-token>")))
    assert isinstance(found, ProviderUnavailable) and "end" in str(found)


async def test_a_listing_that_leaves_something_open() -> None:
    """A calendar that cannot be told of just now is not one that is gone."""
    rows = OBJECT.format("<status>HTTP/1.1 503 Service Unavailable</status>").encode()
    body = (MULTISTATUS % b"/cal/").replace(b"</multistatus>", rows + b"</multistatus>")
    found = await outcome(CALLS["list"], says(answer("207 Multi-Status", body=body)))
    assert isinstance(found, ProviderUnavailable)
