"""One exchange with a service that answers JSON: bounded in time and in bytes, redirects not followed, signed in to."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
from yarl import URL

from slotlink.connectors.base import TokenSource
from slotlink.connectors.bounds import whole_body
from slotlink.domain.retry import seconds_of
from slotlink.errors import AccessRevoked, ConnectorError, NotAccepted, ProviderUnavailable

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came over HTTP, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def retry_after(self) -> int | None:
        """Seconds."""
        return seconds_of(self.headers.get("Retry-After"), time.time())


async def send(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    data: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    seconds: float,
    most_bytes: int,
    too_large: Callable[[str], ConnectorError] = NotAccepted,
) -> Answer:
    """Whatever is answered, errors too. `url` is escaped already. Raises ProviderUnavailable, `too_large`."""
    # Bytes on the wire are bytes in memory: what is compressed would not be bounded.
    sent = {"User-Agent": "Slotlink", "Accept": "application/json", **(headers or {}), "Accept-Encoding": "identity"}
    try:
        async with (
            asyncio.timeout(seconds),
            session.request(
                method,
                URL(url, encoded=True),
                data=data,
                headers=sent,
                allow_redirects=False,
                raise_for_status=False,
            ) as response,
        ):
            body = await whole_body(response, most_bytes, too_large)
            return Answer(response.status, response.headers, body)
    except TimeoutError as error:
        raise ProviderUnavailable("no answer in time") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise ProviderUnavailable(f"no answer: {type(error).__name__}") from error


def _is_401(answer: Answer) -> bool:
    return answer.status == 401


async def signed_in(
    tokens: TokenSource,
    ask: Callable[[str], Awaitable[Answer]],
    provider: str,
    is_refused: Callable[[Answer], bool] = _is_401,
) -> Answer:
    """What is answered to an access token (RFC 6750); to another one, where the first is refused. Raises AccessRevoked
    when that is refused too, and what `ask` and `tokens` raise."""
    refused: str | None = None
    for _ in range(2):
        token = await tokens.access_token(refused)
        answer = await ask(token)
        if not is_refused(answer):
            return answer
        refused = token
    raise AccessRevoked(f"{provider} refuses the access token, and another one too")


def read_object(body: bytes) -> Json:
    """Raises ProviderUnavailable."""
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ProviderUnavailable("the answer is no JSON") from error
    if not isinstance(found, dict):
        raise ProviderUnavailable("the answer is no JSON object")
    return cast("Json", found)
