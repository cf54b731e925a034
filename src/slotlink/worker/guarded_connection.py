"""A connection for one exchange with a receiver that may be hostile, or stand in for somebody else.

The name is looked up once, every address found must be allowed, and one of these very addresses is dialled, with the
name in Host and SNI. No more than MOST_BYTES are taken in, and `cut` ends everything at once.
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, cast

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler

from slotlink.domain.addresses import Address, Allowed, is_allowed, is_internal

MOST_BYTES = 16 * 1024  # of an answer; only its head is of use, and no real one is longer


class RefusedAddress(OSError):
    """The receiver is at an internal address that the operator has not allowed."""


class AnswerTooLong(aiohttp.ClientError):
    """MOST_BYTES came and the answer had not begun."""


class GuardedConnector(aiohttp.TCPConnector):
    """Made anew for each exchange: nothing is reused, and what is allowed for one name is so for no other."""

    def __init__(self, allowed: Sequence[Allowed]) -> None:
        guard = _Guard(allowed)
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


class _Guard(AbstractResolver):
    def __init__(self, allowed: Sequence[Allowed]) -> None:
        self._allowed = allowed
        self._passed: set[Address] = set()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = await look_up(host)
        if not is_allowed(self._allowed, host, None, port):
            for address in addresses:
                self._check(host, address, port)
        self._passed.update(addresses)
        return [_result(host, address, port) for address in addresses]

    async def close(self) -> None:
        return

    def socket(self, info: Any) -> socket.socket:
        """aiohttp's socket factory: `info` is one row of getaddrinfo. A literal address comes here without look-up."""
        family, kind, protocol, _, where = info
        address = ipaddress.ip_address(where[0])
        if address not in self._passed:
            self._check(where[0], address, int(where[1]))
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MOST_BYTES)  # the kernel takes in no more either
        return made

    def _check(self, host: str, address: Address, port: int) -> None:
        if is_internal(address) and not is_allowed(self._allowed, host, address, port):
            subject = f"{address} is" if host == str(address) else f"{host} has the address {address},"
            raise RefusedAddress(f"{subject} an internal address that SLOTLINK_CALLBACK_ALLOW does not list")


def _result(host: str, address: Address, port: int) -> ResolveResult:
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    return ResolveResult(
        hostname=host, host=str(address), port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST
    )


async def look_up(host: str) -> list[Address]:
    """Every address of a name. Raises OSError.

    Each in a thread of its own that nobody waits for: a name server that is silent for half a minute delays neither
    other names, as it would in a pool of threads, nor the end of the process."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[Address]] = loop.create_future()

    def settle(answer: list[Address] | OSError) -> None:
        if found.done():
            return  # the attempt has ended without us
        if isinstance(answer, OSError):
            found.set_exception(answer)
        else:
            found.set_result(answer)

    def run() -> None:
        answer: list[Address] | OSError
        try:
            rows = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
            answer = list(dict.fromkeys(ipaddress.ip_address(row[4][0]) for row in rows))
        except OSError as error:
            answer = error
        except ValueError:  # an empty label, or one of more than 63 letters
            answer = socket.gaierror(socket.EAI_NONAME, "not a possible name")
        with suppress(RuntimeError):  # the loop has been closed
            loop.call_soon_threadsafe(settle, answer)

    threading.Thread(target=run, daemon=True).start()
    return await found
