"""The contract of CalDAV as real servers are asked to keep it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Protocol
from urllib.parse import quote
from uuid import uuid4

import aiohttp
import pytest

from slotlink.connectors.caldav import CalDavConnector
from tests.contract.caldav_contract import _MADE, Alice, CalDavContract, Losing
from tests.contract.caldav_contract import Server as AnyServer


class Server(AnyServer, Protocol):
    """`address` is what alice types to connect."""

    address: str


class ServerContract(CalDavContract):
    NAME = "mein büro "
    """How alice's new calendars are called in their addresses."""

    @pytest.fixture
    async def connector(self, server: Server, losing: Losing) -> AsyncGenerator[CalDavConnector]:
        connector = CalDavConnector(losing, server.address, "alice", "pw1", deadline=60, sync_deadline=120)  # type: ignore
        yield connector
        await connector.close()

    @pytest.fixture
    async def person(self, server: Server, losing: Losing) -> AsyncGenerator[Alice]:
        async with aiohttp.ClientSession() as session:
            alice = Alice(server, session, losing, f"{server.url}{server.home}{quote(f'{self.NAME}{uuid4()}')}/")
            await alice.ask("MKCALENDAR", alice.calendar, _MADE, {"Content-Type": "application/xml"})
            yield alice
            server.let_in("pw1")
            with suppress(AssertionError):  # some tests delete it themselves
                await alice.delete_calendar()
