"""A worker in this process, with a real client and a real database, and receivers that behave badly."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import select

from slotlink.app import open_deps, prepare, working
from slotlink.services.deps import Deps
from slotlink.settings import Settings
from slotlink.store import applications, outbox, outbox_listing
from slotlink.store.tables import outbox as items
from slotlink.store.tables import outbox_attempts as attempts
from tests.serving import Received, Receiver, environ_for

BODY = '{"event":{"summary":"Ünterview"}}'.encode()
Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Deliveries:
    """An outbox of one application. `put` promises; `worked` delivers while its block runs."""

    def __init__(self, deps: Deps, application_id: str, secret: str) -> None:
        self.deps = deps
        self.application_id = application_id
        self.secret = secret

    @classmethod
    @asynccontextmanager
    async def at(cls, folder: Path, **variables: str) -> AsyncGenerator[Deliveries]:
        settings = Settings.from_environ(environ_for(folder, **variables))
        await prepare(settings)
        deps = open_deps(settings)
        try:
            async with deps.database.transaction() as connection:
                made = await applications.create(connection, deps.vault, "Globex", int(time.time()))
            yield cls(deps, *made)
        finally:
            await deps.database.close()

    async def put(self, url: str, body: bytes = BODY) -> str:
        host = re.sub(r"^\w+://|[/?#].*", "", url)
        async with self.deps.database.transaction() as connection:
            return await outbox.add(
                connection, self.deps.vault, self.application_id, "sch_1", url, host, body, int(time.time())
            )

    @asynccontextmanager
    async def worked(self) -> AsyncGenerator[None]:
        async with working(self.deps):
            yield

    async def states(self) -> list[tuple[str, int]]:
        async with self.deps.database.reading() as connection:
            return [row[1:] for row in await outbox_listing.of_link(connection, self.application_id, "sch_1")]

    async def attempts(self, item_id: str) -> list[tuple[int | None, str, int]]:
        """(status code, outcome, milliseconds) of each ended attempt."""
        async with self.deps.database.reading() as connection:
            rows = await connection.execute(
                select(attempts.c.status_code, attempts.c.outcome, attempts.c.took_ms)
                .where(attempts.c.item_id == item_id)
                .order_by(attempts.c.number)
            )
            return [tuple(row) for row in rows]

    async def until(self, count: int, *, within: float = 15) -> None:
        """Wait until `count` attempts have ended, over all items."""
        async with asyncio.timeout(within):
            while sum(number for _, number in await self.states()) < count:
                await asyncio.sleep(0.05)

    async def outcomes(self, *urls: str, within: float = 15) -> list[tuple[int | None, str]]:
        """The (status code, outcome) of the first attempt at each URL."""
        added = [await self.put(url) for url in urls]
        ended = sum(number for _, number in await self.states())
        async with self.worked():
            await self.until(ended + len(added), within=within)
        return [(await self.attempts(item_id))[0][:2] for item_id in added]

    async def due(self) -> list[int]:
        async with self.deps.database.reading() as connection:
            return [row[0] for row in await connection.execute(select(items.c.due_at))]

    async def lease_owners(self) -> list[str | None]:
        async with self.deps.database.reading() as connection:
            return [row[0] for row in await connection.execute(select(items.c.lease_owner))]


async def received(receiver: Receiver, within: float = 15) -> Received:
    return await asyncio.to_thread(receiver.received.get, True, within)


def verified(callback: Received, secret: str) -> bool:
    """Both signatures, computed here."""

    def digest(content: bytes) -> str:
        return base64.b64encode(hmac.new(secret.encode(), content, hashlib.sha256).digest()).decode()

    item_id, at = callback.headers["webhook-id"], callback.headers["webhook-timestamp"]
    return digest(callback.body) in callback.headers["cronofy-hmac-sha256"].split(",") and (
        "v1," + digest(f"{item_id}.{at}.".encode() + callback.body)
    ) in callback.headers["webhook-signature"].split(" ")


@asynccontextmanager
async def conversing(conversation: Conversation) -> AsyncGenerator[str]:
    """A receiver that answers as `conversation` does. Yields its `host:port`."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await conversation(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    try:
        yield "{}:{}".format(*server.sockets[0].getsockname())
    finally:
        server.close()


async def hang(_reader: Any, _writer: Any) -> None:
    await asyncio.sleep(60)
