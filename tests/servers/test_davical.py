"""The CalDAV connector against DAViCal."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from slotlink.connectors.base import Connector
from tests.servers.contract import ServerContract
from tests.servers.davical import DAViCal, davical
from tests.servers.process import only_when_asked_for

only_when_asked_for()


@pytest.fixture(scope="module")
def running() -> Generator[DAViCal]:
    with davical() as server:
        yield server


class TestDAViCal(ServerContract):
    @pytest.fixture
    def server(self, running: DAViCal) -> DAViCal:
        return running

    @pytest.fixture
    def says_whole(self) -> bool:
        """It answers a sync token that it does not know with everything, and does not say so."""
        return False

    async def test_what_is_said_of_a_calendar(self, connector: Connector, calendar: str) -> None:
        """It does not keep the zone that a calendar is made with, and escapes what is special in HTML in its name."""
        [found] = [each for each in await connector.list_calendars() if each.remote_id == calendar]
        said = (found.name, found.tzid, found.writable, found.color)
        assert said == ("Büro &amp; &lt;Co&gt;", None, True, "#ff0000")
