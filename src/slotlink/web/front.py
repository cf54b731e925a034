"""What the connections of one server share: their time limits, how many there are, and whose."""

from __future__ import annotations

import resource
from collections.abc import Callable
from typing import Protocol

import structlog

from slotlink.settings import Settings
from slotlink.web.clients import client_of, speaks_for_many

HEAD_BYTES = 32 * 1024
OTHER_FILES = 200

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Timed(Protocol):
    """A connection, as far as it is looked at here."""

    def cut_if_late(self) -> None: ...


class Front:
    def __init__(self, settings: Settings) -> None:
        self.header_s = settings.header_timeout
        self.body_s = settings.body_timeout
        self.idle_s = settings.idle_timeout
        # Beside the body come chunk sizes and trailers: as much again, for the smallest chunks that anybody sends.
        self.message_bytes = 2 * settings.limit_body_bytes + HEAD_BYTES
        self._most = settings.limit_connections
        self._most_of_one = settings.limit_connections_per_address
        self._proxies = settings.trusted_proxies
        self._open: set[Timed] = set()
        self._of: dict[str, int] = {}  # by client
        self._turned_away = 0
        self.on_stop: Callable[[], None] | None = None  # ends what would last for as long as its client likes

    def stop(self) -> None:
        """The server is told to stop, and is about to wait for the answers under way."""
        if self.on_stop is not None:
            self.on_stop()

    def take_files(self) -> None:
        """Each connection is an open file, and many systems begin with 1,024 of them for a process."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = self._most + OTHER_FILES
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(
                resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
            )

    def admits(self, connection: Timed, host: str) -> bool:
        """Whether there is room for one more; it is counted until it `leaves`."""
        client = client_of(host)
        most_of_one = self._most if speaks_for_many(host, self._proxies) else self._most_of_one
        if len(self._open) >= self._most or self._of.get(client, 0) >= most_of_one:
            self._turned_away += 1
            return False
        self._open.add(connection)
        self._of[client] = self._of.get(client, 0) + 1
        return True

    def leaves(self, connection: Timed, host: str) -> None:
        if connection in self._open:
            self._open.remove(connection)
            client = client_of(host)
            self._of[client] -= 1
            if not self._of[client]:
                del self._of[client]

    async def sweep(self) -> None:
        """Cut whoever is too slow. A look at all of them every second is cheaper than timers for every request."""
        for connection in list(self._open):
            connection.cut_if_late()
        if self._turned_away:
            log.warning("connections.no_room", turned_away=self._turned_away, open=len(self._open))
            self._turned_away = 0
