"""How many streams are open in this process, and whose."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

import structlog

from slotlink.settings import Settings
from slotlink.web.clients import client_of, speaks_for_many

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Streams:
    """Each stream is a connection for as long as a page is open, so that they never take more than half of them."""

    def __init__(self, settings: Settings) -> None:
        self._most = min(settings.limit_streams, max(1, settings.limit_connections // 2))
        self._most_of_one = settings.limit_streams_per_address
        self._proxies = settings.trusted_proxies
        self._of: dict[str, int] = {}  # by client
        self._said = False
        self.open = 0

    @contextlib.contextmanager
    def place(self, host: str) -> Generator[bool]:
        """Whether there is room for one more from this address; it has its place until the block ends."""
        client = client_of(host)
        most_of_one = self._most if speaks_for_many(host, self._proxies) else self._most_of_one
        if self.open >= self._most or self._of.get(client, 0) >= most_of_one:
            if not self._said:
                log.warning("streams.no_room", open=self.open, client=client)
            self._said = True  # until somebody leaves
            yield False
            return
        self.open += 1
        self._of[client] = self._of.get(client, 0) + 1
        try:
            yield True
        finally:
            self._said = False
            self.open -= 1
            self._of[client] -= 1
            if not self._of[client]:
                del self._of[client]
