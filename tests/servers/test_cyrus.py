"""The CalDAV connector against Cyrus."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.servers.contract import ServerContract
from tests.servers.cyrus import Cyrus, cyrus
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
