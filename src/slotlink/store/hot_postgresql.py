"""The hot reads on PostgreSQL: prepared statements on a few connections that do nothing else, so that a status never
waits for a connection of a booking."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from sqlalchemy import String, any_, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect

from slotlink.errors import StoreUnavailable
from slotlink.store.hot import APPLICATION, StatusRow, compiled, fresh_versions, status_by, versions_of
from slotlink.store.postgresql import BROKEN, connect
from slotlink.store.request_counts import COUNT_REQUEST
from slotlink.store.tables import accounts

CONNECTIONS = 4
ATTEMPTS = 2  # to count a request: the first may meet a connection that broke while it lay idle
_DIALECT = asyncpg_dialect.dialect()
_VERSIONS = versions_of(accounts.c.sub == any_(bindparam("subs", type_=ARRAY(String))))


class PostgresqlHotReader:
    """Reads on connections that are opened when they are needed and kept; a broken one is dropped."""

    def __init__(self, url: str, connections: int = CONNECTIONS) -> None:
        self._url = url
        self._places = asyncio.Semaphore(connections)
        self._idle: list[Any] = []
        self._by_id = compiled(status_by("link_id"), _DIALECT, "secret", "key")
        self._by_token = compiled(status_by("token_sha256"), _DIALECT, "secret", "key")
        self._application = compiled(APPLICATION, _DIALECT, "secret")
        self._versions = compiled(_VERSIONS, _DIALECT, "application", "subs")

    async def by_id(self, secret_sha256: bytes, link_id: str) -> StatusRow | None:
        rows = await self._read(self._by_id, secret_sha256, link_id)
        return rows[0] if rows else None

    async def by_token(self, secret_sha256: bytes, token_sha256: bytes) -> StatusRow | None:
        rows = await self._read(self._by_token, secret_sha256, token_sha256)
        return rows[0] if rows else None

    async def application(self, secret_sha256: bytes) -> str | None:
        rows = await self._read(self._application, secret_sha256)
        return rows[0][0] if rows else None

    async def versions(self, application_id: str, subs: Sequence[str], now: int) -> dict[str, int]:
        return fresh_versions(await self._read(self._versions, application_id, list(subs)), now)

    async def count_request(self, application_id: str, windows: Sequence[int]) -> Sequence[tuple[int, int]]:
        """For each length of window: requests in it, this one too, and the seconds until it ends. Raises
        StoreUnavailable."""
        for _ in range(ATTEMPTS):
            rows = await self._read(COUNT_REQUEST, application_id, windows)
            if rows:
                counted = {seconds: (requests, remaining) for seconds, requests, remaining in rows}
                return [counted[seconds] for seconds in windows]
        raise StoreUnavailable("requests cannot be counted")

    async def notify(self, channel: str) -> None:
        """Wake whoever listens on `channel`. Best effort: they look by themselves, too."""
        await self._read("SELECT pg_notify($1, '')", channel)

    async def close(self) -> None:
        for connection in self._idle:
            await connection.close()
        self._idle.clear()

    async def _read(self, statement: str, *values: object) -> Sequence[Any]:
        async with self._places:
            try:
                connection = self._idle.pop() if self._idle else await connect(self._url)
                try:
                    rows = await connection.fetch(statement, *values)
                except BaseException:  # a cancelled read too leaves the connection in the middle of an answer
                    connection.terminate()
                    raise
            except (*BROKEN, ValueError):
                # After a restart or a failover the others are broken as well: the next one to ask opens its own.
                while self._idle:
                    self._idle.pop().terminate()
                return ()
            self._idle.append(connection)
            return rows
