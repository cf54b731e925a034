"""Send one callback: sign the bytes that were fixed at commit, post them, report how it went."""

from __future__ import annotations

import asyncio
import os
import time
from types import TracebackType

import aiohttp

from slotlink.connectors.guard import RefusedAddress
from slotlink.domain.addresses import parse_allowed
from slotlink.domain.callback import signature_headers
from slotlink.domain.retry import seconds_of
from slotlink.services.deps import Deps
from slotlink.store import applications
from slotlink.store.outbox import Attempt, OutboxItem
from slotlink.worker.guarded_connection import MOST_BYTES, AnswerTooLong, GuardedConnector

CONNECT_S = 5.0  # for the look-up and the connection, within the deadline of the whole
NO_ANSWER = "no answer in time"
_HEADERS = {"User-Agent": "Slotlink", "Content-Type": "application/json; charset=utf-8"}


class CallbackClient:
    """Posts callbacks, each over a connection of its own and within one deadline; no redirects, cookies or proxies."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._allowed = parse_allowed(deps.settings.callback_allow)

    async def __aenter__(self) -> CallbackClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    async def deliver(self, item: OutboxItem) -> Attempt:
        """One attempt. Whatever the receiver does is an outcome, not an exception."""
        async with self._deps.database.reading() as connection:
            secrets = await applications.active_secrets(connection, self._deps.vault, item.application_id)
        body = self._deps.vault.open(item.sealed_body, item.row).encode()
        at, started = int(time.time()), time.monotonic()
        headers = signature_headers(body, item.item_id, secrets, at)
        status_code, retry_after = None, None
        try:
            async with asyncio.timeout(self._deps.settings.callback_timeout):
                status_code, retry_after = await self._post(item.url, body, headers)
            outcome = f"answered {status_code}"
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            outcome = in_words(error)
        took_ms = round((time.monotonic() - started) * 1000)
        return Attempt(at, took_ms, status_code, outcome[:500], seconds_of(retry_after, time.time()))

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str | None]:
        """Status code and Retry-After, as soon as the head of the answer is there. Its body is nobody's business."""
        connector = GuardedConnector(self._allowed)
        async with aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_S),
            headers=_HEADERS,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        ) as session:
            try:
                response = await session.post(url, data=body, headers=headers, allow_redirects=False)
                response.close()
                return response.status, response.headers.get("Retry-After")
            finally:
                connector.cut()


def in_words(error: Exception) -> str:
    """Why no answer came, for an operator: in our words, without the URL (it may hold a secret) and what was sent."""
    match error:
        case aiohttp.ConnectionTimeoutError():
            return f"could not connect within {CONNECT_S:g} s"
        case TimeoutError():
            return NO_ANSWER
        case AnswerTooLong():
            return f"{MOST_BYTES // 1024} KiB came, but no answer among them"
        case aiohttp.ClientConnectorCertificateError():
            why = getattr(error.certificate_error, "verify_message", "") or type(error.certificate_error).__name__
            return f"the certificate was refused: {why}"
        case aiohttp.ClientConnectorSSLError(os_error=OSError() as reason):
            return f"no TLS connection: {_reason(reason)}"
        case aiohttp.ClientConnectorError(os_error=RefusedAddress() as refused):
            return str(refused)
        case aiohttp.ClientConnectorDNSError():
            return f"the name {error.host} was not found: {error.os_error.strerror or 'no reason given'}"
        case aiohttp.ClientConnectorError():
            return f"could not connect: {_reason(error.os_error)}"
        case aiohttp.ServerDisconnectedError():
            return "the connection was closed without an answer"
        case aiohttp.ClientResponseError():
            return "what came is no HTTP answer"
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return "the URL cannot be called: it is not http(s), or its host is no name and no plain address"
        case OSError():
            return f"the connection broke: {_reason(error)}"
        case _:
            return type(error).__name__


def _reason(error: OSError) -> str:
    """`strerror` may hold addresses of ours or bytes of theirs."""
    tls = getattr(error, "reason", None)  # of an SSLError, such as WRONG_VERSION_NUMBER
    if isinstance(tls, str):
        return tls.replace("_", " ").lower()
    return os.strerror(error.errno) if error.errno else type(error).__name__
