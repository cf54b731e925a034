"""Where the CalDAV connector goes with a password, and where not."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography.hazmat.primitives.serialization import Encoding
from tests.faults.test_callbacks_tls import Authority
from tests.hostile import Canary, asked, says, talking
from tests.unit.connectors.calls import CALLS, EMPTY, MULTISTATUS, WRITE, answer, outcome

from slotlink.connectors.caldav import CalDavConnector
from slotlink.connectors.dav_client import SentAway
from slotlink.errors import ConnectorError, NotAccepted


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("call", CALLS)
async def test_a_redirect_to_another_host(call: str) -> None:
    with Canary() as canary:
        for location in (f"http://127.0.0.1:{canary.port}/", f"//localhost:{canary.port}/"):
            found = await outcome(CALLS[call], says(answer("301 Moved Permanently", f"Location: {location}")))
            assert isinstance(found, SentAway) and "password must not go" in str(found), repr(found)
            assert not canary.contacted


@pytest.mark.parametrize("code", ["301", "302", "307", "308"])
async def test_a_redirect_within_the_host_keeps_everything(code: str) -> None:
    heads: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        heads.append(head := asked(connection))
        moved = answer(f"{code} Moved", "Location: /moved%20here/")
        connection.sendall(answer("207 Multi-Status", body=EMPTY) if b" /moved" in head else moved)

    assert await outcome(CALLS["read_live"], talk) == []
    first, second = heads
    assert first.startswith(b"REPORT /cal/ ") and second.startswith(b"REPORT /moved%20here/ ")
    assert b"\r\nAuthorization: Basic " in first and b"\r\nAuthorization: Basic " in second


class Names(AbstractResolver):
    """Every name is this host."""

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=2, proto=0, flags=0)]

    async def close(self) -> None:
        return


async def test_hosts_that_a_proven_server_names(tmp_path: Path) -> None:
    """As iCloud does for every account: the password goes along over https, and never over http."""
    authority = Authority(tmp_path)
    trust = ssl.create_default_context(cadata=authority.certificate.public_bytes(Encoding.PEM).decode())
    heads: list[bytes] = []

    def own_host(connection: socket.socket) -> None:
        heads.append(asked(connection))
        home = MULTISTATUS % b"/cal/"
        connection.sendall(answer("207 Multi-Status", body=home))

    async def listed(principal: str, host: str) -> object:
        named = answer("207 Multi-Status", body=MULTISTATUS % principal.encode())
        with talking(says(named), tls=authority.proving("dav.test")) as first:
            session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Names(), ssl=trust))
            connector = CalDavConnector(session, host.format(first.partition(":")[2]), "alice", "pw")
            try:
                return await connector.list_calendars()
            except ConnectorError as error:
                return error
            finally:
                await connector.close()

    with talking(own_host, tls=authority.proving("p1.dav.test")) as host, Canary() as canary:
        port = host.partition(":")[2]
        assert await listed(f"https://p1.dav.test:{port}/who/", "dav.test:{}") == []
        assert len(heads) == 2 and all(b"\r\nAuthorization: Basic " in head for head in heads)
        refused = await listed(f"http://dav.test:{canary.port}/who/", "dav.test:{}")
        assert isinstance(refused, NotAccepted) and not canary.contacted


async def test_no_answer_leads_from_https_to_http(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    trust = ssl.create_default_context(cadata=authority.certificate.public_bytes(Encoding.PEM).decode())
    with Canary() as canary:
        away = answer("301 Moved Permanently", f"Location: http://dav.test:{canary.port}/")
        with talking(says(away), tls=authority.proving("dav.test")) as host:
            session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Names(), ssl=trust))
            address = f"https://dav.test:{host.partition(':')[2]}"
            connector = CalDavConnector(session, address, "alice", "pw")
            with pytest.raises(NotAccepted):
                await connector.list_calendars()
            with pytest.raises(NotAccepted):
                await connector.put(f"{address}/cal/", WRITE)
            await connector.close()
        assert not canary.contacted
