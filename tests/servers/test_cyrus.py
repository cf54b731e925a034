"""The CalDAV connector against Cyrus."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from slotlink.connectors.base import Connector
from tests.servers.contract import ServerContract
from tests.servers.cyrus import Cyrus, cyrus
from tests.servers.inviting import who_is_invited
from tests.servers.process import only_when_asked_for

only_when_asked_for()


@pytest.fixture(scope="module")
def running() -> Generator[Cyrus]:
    with cyrus() as server:
        yield server


class TestCyrus(ServerContract):
    NAME = "mein-buero-"

    @pytest.fixture
    def server(self, running: Cyrus) -> Cyrus:
        return running

    async def test_who_is_invited(self, connector: Connector, calendar: str, server: Cyrus) -> None:
        assert await who_is_invited(connector, calendar, server) == (True, False)
