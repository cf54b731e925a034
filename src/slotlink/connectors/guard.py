"""Which addresses may be dialled: checked where the socket is made, so that no second look-up can say otherwise."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from slotlink.domain.addresses import Address, Allowed, is_allowed, is_internal

CONNECT_S = 5.0


class RefusedAddress(OSError):
    """The host is at an internal address that the operator has not allowed."""


def refused_address(error: BaseException) -> RefusedAddress | None:
    """The refusal that aiohttp has wrapped, where that is what went wrong."""
    found = getattr(error, "os_error", error)
    return found if isinstance(found, RefusedAddress) else None


def guarded_session(allowed: Sequence[Allowed], setting: str) -> aiohttp.ClientSession:
    """For one account at hosts that its owner has named. No cookies, no proxies, nothing decompressed."""
    guard = Guard(allowed, setting)
    connector = aiohttp.TCPConnector(  # pyright: ignore[reportUnknownMemberType] - a bare tuple in its annotation
        resolver=guard, socket_factory=guard.socket, use_dns_cache=False
    )
    return _session(connector)


def plain_session() -> aiohttp.ClientSession:
    """For hosts that the operator has named in the settings."""
    return _session(aiohttp.TCPConnector())


def _session(connector: aiohttp.BaseConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_S),
        headers={"User-Agent": "Slotlink"},
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
    )


class Guard(AbstractResolver):
    """Looks names up once, lets pass only addresses that are not internal or that `allowed` lists, and makes sockets
    for those alone. `setting` is where an operator lists them; `receives`: bytes that the kernel takes in ahead, None
    for its own choice."""

    def __init__(self, allowed: Sequence[Allowed], setting: str, receives: int | None = None) -> None:
        self._allowed = allowed
        self._setting = setting
        self._receives = receives
        self._passed: set[tuple[Address, int]] = set()  # with the port: another one of the same host is another matter

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = await look_up(host)
        if not is_allowed(self._allowed, host, None, port):
            for address in addresses:
                self._check(host, address, port)
        self._passed.update((address, port) for address in addresses)
        return [_result(host, address, port) for address in addresses]

    async def close(self) -> None:
        return

    def socket(self, info: Any) -> socket.socket:
        """aiohttp's socket factory: `info` is one row of getaddrinfo. A literal address comes here without look-up."""
        family, kind, protocol, _, where = info
        address = ipaddress.ip_address(where[0])
        if (address, int(where[1])) not in self._passed:
            self._check(where[0], address, int(where[1]))
        made = socket.socket(family, kind, protocol)
        if self._receives is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receives)
        return made

    def _check(self, host: str, address: Address, port: int) -> None:
        if is_internal(address) and not is_allowed(self._allowed, host, address, port):
            subject = f"{address} is" if host == str(address) else f"{host} has the address {address},"
            raise RefusedAddress(f"{subject} an internal address that {self._setting} does not list")


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
