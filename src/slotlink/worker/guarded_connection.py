"""A connection for one exchange with a receiver that may be hostile, or stand in for somebody else.

The name is looked up once, every address found must be allowed, and one of these very addresses is dialled, with the
name in Host and SNI. No more than MOST_BYTES are taken in, and `cut` ends everything at once.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Sequence
from typing import cast

import aiohttp
from aiohttp.client_proto import ResponseHandler

from slotlink.connectors.guard import Guard
from slotlink.domain.addresses import Allowed

MOST_BYTES = 16 * 1024  # of an answer; only its head is of use, and no real one is longer


class AnswerTooLong(aiohttp.ClientError):
    """MOST_BYTES came and the answer had not begun."""


class GuardedConnector(aiohttp.TCPConnector):
    """Made anew for each exchange: nothing is reused, and what is allowed for one name is so for no other."""

    def __init__(self, allowed: Sequence[Allowed]) -> None:
        guard = Guard(allowed, "SLOTLINK_CALLBACK_ALLOW", receives=MOST_BYTES)
        super().__init__(  # pyright: ignore[reportUnknownMemberType] - a bare tuple in aiohttp's own annotation
            resolver=guard, socket_factory=guard.socket, use_dns_cache=False, force_close=True
        )
        self._made: list[_BoundedAnswer] = []
        # aiohttp bounds lines and their number, but not how many 1xx answers come before the one that counts.
        self._factory = functools.partial(_BoundedAnswer, self._loop, self._made)

    def cut(self) -> None:
        """Drop the connection as it is: whoever does not read keeps no socket of ours open."""
        for answer in self._made:
            answer.cut()


class _BoundedAnswer(ResponseHandler):
    def __init__(self, loop: asyncio.AbstractEventLoop, made: list[_BoundedAnswer]) -> None:
        super().__init__(loop)
        self._room = MOST_BYTES
        self._wire: asyncio.Transport | None = None
        made.append(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._wire = cast("asyncio.Transport", transport)  # uvloop's is none by its class

    def data_received(self, data: bytes) -> None:
        taken = data[: max(0, self._room)]
        self._room -= len(data)
        super().data_received(taken)
        if self._room <= 0:
            self.set_exception(AnswerTooLong())  # for whoever still waits; an answer that has begun is one
            self.cut()

    def cut(self) -> None:
        if self._wire is not None:
            self._wire.abort()
