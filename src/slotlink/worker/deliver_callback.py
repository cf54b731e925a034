"""Send one callback: sign the bytes that were fixed at commit, post them, report how it went."""

from __future__ import annotations

import ipaddress
import socket
import time
from types import TracebackType
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from slotlink.domain.addresses import Address, is_allowed, is_internal, parse_allowed
from slotlink.domain.callback import signature_headers
from slotlink.services.deps import Deps
from slotlink.store import applications
from slotlink.store.outbox import Attempt, OutboxItem

CONNECT_S = 5.0
NO_ANSWER = "no answer in time"


class RefusedAddress(OSError):
    """The receiver lives at an internal address that the operator has not allowed."""


class CallbackClient:
    """Posts callbacks, as an async context manager. One total deadline for each; no redirects; no cookies."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._guard = AddressGuard(deps.settings.callback_allow)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> CallbackClient:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=self._guard,
                socket_factory=self._guard.socket,
                limit=0,
                use_dns_cache=False,
                force_close=True,
            ),
            timeout=aiohttp.ClientTimeout(total=self._deps.settings.callback_timeout, connect=CONNECT_S),
            headers={"User-Agent": "Slotlink", "Content-Type": "application/json; charset=utf-8"},
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def deliver(self, item: OutboxItem) -> Attempt:
        """One attempt. Whatever the receiver does is an outcome, not an exception."""
        assert self._session is not None, "use the client as a context manager"
        async with self._deps.database.reading() as connection:
            secrets = await applications.active_secrets(connection, self._deps.vault, item.application_id)
        body = self._deps.vault.open(item.sealed_body, item.row).encode()
        at, started = int(time.time()), time.monotonic()
        headers = signature_headers(body, item.item_id, secrets, at)
        status_code: int | None = None
        try:
            # The answer's body is nobody's business: leaving the block drops the connection with it.
            async with self._session.post(item.url, data=body, headers=headers, allow_redirects=False) as response:
                status_code = response.status
            outcome = f"answered {status_code}"
        except TimeoutError:
            outcome = NO_ANSWER
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # The connector wraps why it could not connect, such as a refused address, and does not say it.
            reason = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
            outcome = f"{type(reason).__name__}: {reason}"
        return Attempt(at, round((time.monotonic() - started) * 1000), status_code, outcome[:500])


class AddressGuard(AbstractResolver):
    """Refuses internal addresses where the socket is made: after resolution, with the very address that is dialled."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        self._allowed = parse_allowed(allowed)
        self._resolver = aiohttp.ThreadedResolver()
        self._allowed_by_name: set[tuple[Address, int]] = set()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if is_allowed(self._allowed, host, None, port):
            self._allowed_by_name |= {(_address(result["host"]), port) for result in found}
        return found

    async def close(self) -> None:
        await self._resolver.close()

    def socket(self, info: Any) -> socket.socket:
        """aiohttp's socket factory: `info` is one row of getaddrinfo."""
        family, kind, protocol, _, where = info
        address, port = _address(where[0]), int(where[1])
        if (
            is_internal(address)
            and (address, port) not in self._allowed_by_name
            and not is_allowed(self._allowed, str(address), address, port)
        ):
            raise RefusedAddress(f"{address} is an internal address that SLOTLINK_CALLBACK_ALLOW does not list")
        return socket.socket(family, kind, protocol)


def _address(text: str) -> Address:
    return ipaddress.ip_address(text.partition("%")[0])
