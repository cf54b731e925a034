"""Where the feed connector goes, and where not."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Generator
from pathlib import Path

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography.hazmat.primitives.serialization import Encoding
from tests.faults.test_callbacks_tls import Authority
from tests.hostile import LOCAL, Canary, NameServer, asked, says, talking
from tests.unit.connectors.calls import answer
from tests.unit.connectors.feed_calls import CALLS, FEED, SECRET, at, outcome

from slotlink.connectors import feed_client
from slotlink.connectors.base import Changes
from slotlink.domain.addresses import parse_allowed
from slotlink.errors import ConnectorError, NotAccepted, ProviderUnavailable
from slotlink.worker.guarded_connection import GuardedConnector


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def guarded(*allowed: str) -> aiohttp.ClientSession:
    """As for callbacks: inner addresses are refused but for those `allowed`."""
    return aiohttp.ClientSession(
        connector=GuardedConnector(parse_allowed(allowed)),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
    )


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> Generator[list[tuple[str, int]]]:
    """Every address that a connection is begun to."""
    found: list[tuple[str, int]] = []
    loop = asyncio.SelectorEventLoop
    real = loop.sock_connect

    async def connect(self: asyncio.SelectorEventLoop, sock: socket.socket, address: tuple[str, int]) -> None:
        found.append(address[:2])
        await real(self, sock, address)

    monkeypatch.setattr(loop, "sock_connect", connect)
    yield found


INNER = ["http://169.254.169.254/latest/meta-data/", "https://10.0.0.1/", "http://[fd00::1]/", "//192.168.0.1/x.ics"]


@pytest.mark.parametrize("location", INNER)
async def test_a_redirect_to_an_inner_address(location: str, dialled: list[tuple[str, int]]) -> None:
    with talking(says(answer("302 Found", f"Location: {location}"))) as host:
        error = await at(f"http://{host}/x.ics", CALLS["changes"], session=guarded(host))
    assert isinstance(error, ProviderUnavailable) and "RefusedAddress" in str(error)
    name, _, port = host.partition(":")
    assert dialled == [(name, int(port))]


@pytest.mark.parametrize("location", LOCAL)
async def test_a_redirect_to_this_host(location: str) -> None:
    with Canary() as canary:
        with talking(says(answer("302 Found", f"Location: {location.format(port=canary.port)}"))) as host:
            for call in ("list", "changes", "read_live"):
                error = await at(f"http://{host}/x.ics", CALLS[call], session=guarded(host))
                assert isinstance(error, ConnectorError), (call, error)
        assert not canary.contacted


async def test_a_name_that_leads_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    with Canary() as canary, NameServer() as names:
        names.answers["feed.test"] = [["127.0.0.1"]]
        monkeypatch.setattr(socket, "getaddrinfo", names)
        for scheme in ("http", "https", "webcal"):
            error = await at(f"{scheme}://feed.test:{canary.port}/x.ics", CALLS["changes"], session=guarded())
            assert isinstance(error, ProviderUnavailable)
        assert names.asked["feed.test"] and not canary.contacted


@pytest.mark.parametrize("code", ["301", "302", "303", "307", "308"])
async def test_a_redirect_keeps_the_condition(code: str) -> None:
    heads: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        heads.append(head := asked(connection))
        moved = answer(f"{code} Moved", "Location: /moved%20here/ä?a=%41")
        connection.sendall(answer("200 OK", body=FEED) if b" /moved" in head else moved)

    assert isinstance(await outcome(CALLS["changes since"], talk), Changes)
    first, second = heads
    assert first.startswith(b"GET /5ec7e7.ics ") and second.startswith(b"GET /moved%20here/%C3%A4?a=%41 ")
    assert b'\r\nIf-None-Match: "1"\r\n' in first and b'\r\nIf-None-Match: "1"\r\n' in second


@pytest.mark.parametrize(("hops", "reached"), [(5, True), (6, False)])
async def test_how_many_redirects_are_followed(hops: int, reached: bool) -> None:
    asked_for: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        asked_for.append(asked(connection))
        left = hops - len(asked_for) + 1
        connection.sendall(answer("302 Found", f"Location: /{left}") if left else answer("200 OK", body=FEED))

    found = await outcome(CALLS["changes"], talk)
    assert isinstance(found, Changes if reached else NotAccepted) and len(asked_for) == 6
    assert feed_client.MOST_REDIRECTS == 5


@pytest.mark.parametrize("call", CALLS)
async def test_a_redirect_in_a_circle(call: str) -> None:
    found = await outcome(CALLS[call], says(answer("302 Found", f"Location: /{SECRET}.ics")))
    assert isinstance(found, NotAccepted) and "5 times" in str(found)


@pytest.mark.parametrize(
    "location", ["ftp://a.test/", "file:///etc/passwd", "webcal://a.test/", "javascript:x", "http://[/", "data:,BEGIN"]
)
async def test_a_redirect_to_something_else(location: str) -> None:
    found = await outcome(CALLS["changes"], says(answer("301 Moved Permanently", f"Location: {location}")))
    assert type(found) is NotAccepted


class Names(AbstractResolver):
    """Every name is this host."""

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=2, proto=0, flags=0)]

    async def close(self) -> None:
        return


def trusting(authority: Authority) -> aiohttp.ClientSession:
    trust = ssl.create_default_context(cadata=authority.certificate.public_bytes(Encoding.PEM).decode())
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Names(), ssl=trust))


async def test_from_http_to_https_and_never_back(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with talking(says(answer("200 OK", body=FEED)), tls=authority.proving("feed.test")) as safe, Canary() as canary:
        port = safe.partition(":")[2]
        with talking(says(answer("301 Moved", f"Location: https://feed.test:{port}/"))) as plain:
            found = await at(f"http://{plain}/x.ics", CALLS["changes"], session=trusting(authority))
            assert isinstance(found, Changes) and found.changed
        for location in (f"http://feed.test:{canary.port}/", f"http://127.0.0.1:{canary.port}/"):
            away = says(answer("301 Moved", f"Location: {location}"))
            with talking(away, tls=authority.proving("feed.test")) as host:
                for scheme in ("https", "webcal"):
                    address = f"{scheme}://feed.test:{host.partition(':')[2]}/x.ics"
                    error = await at(address, CALLS["changes"], session=trusting(authority))
                    assert type(error) is NotAccepted and "https to http" in str(error)
        assert not canary.contacted


async def test_webcal_is_https_where_that_is_spoken(tmp_path: Path) -> None:
    """And stays so: neither a wrong certificate nor anything that is answered leads to http."""
    authority = Authority(tmp_path)
    seen: list[bytes] = []

    async def found(said: bytes, name: str) -> object:
        def talk(connection: socket.socket) -> None:
            seen.append(asked(connection))
            connection.sendall(said)

        with talking(talk, tls=authority.proving(name)) as host:
            address = f"webcal://feed.test:{host.partition(':')[2]}/x.ics"
            return await at(address, CALLS["changes"], session=trusting(authority))

    assert isinstance(await found(answer("200 OK", body=FEED), "feed.test"), Changes)
    assert isinstance(await found(answer("500 Internal Server Error"), "feed.test"), ProviderUnavailable)
    assert len(seen) == 2
    wrong = await found(answer("200 OK", body=FEED), "other.test")
    assert isinstance(wrong, ProviderUnavailable) and "certificate" in str(wrong) and len(seen) == 2


async def test_a_redirect_that_leads_nowhere_does_not_bring_webcal_to_http(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    dead = says(answer("302 Found", "Location: https://feed.test:1/"))
    with talking(dead, tls=authority.proving("feed.test")) as host:
        address = f"webcal://feed.test:{host.partition(':')[2]}/x.ics"
        error = await at(address, CALLS["changes"], session=trusting(authority))
    assert isinstance(error, feed_client.NoConnection) and error.url == "https://feed.test:1/"
