"""One exchange with a WebDAV server: redirects by hand, a bound on what is taken in, statuses as errors of ours."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from slotlink.connectors.bounds import LARGE, beside, whole_body
from slotlink.connectors.dav import Multistatus, absolute, may_follow, read_multistatus, refused_by
from slotlink.connectors.guard import refused_address
from slotlink.domain.retry import seconds_of
from slotlink.errors import (
    AccessRevoked,
    CalendarGone,
    ConnectorError,
    NotAccepted,
    ProviderUnavailable,
)

MOST_BYTES = 20_000_000  # of one answer
MOST_REDIRECTS = 5
REQUEST_S = 240.0  # for one exchange, within the deadline of whoever asks: a first listing of 10,000 takes minutes

_READS = ("PROPFIND", "REPORT")
_BROKEN = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)
_OURS = (400, 403, 405, 409, 413, 414, 415, 422, 501)


class TooLarge(NotAccepted):
    """More than MOST_BYTES. Asking for less may help."""


class SentAway(NotAccepted):
    """To an address where the password must not go."""


class ConnectionBroken(ProviderUnavailable):
    """It stood, and ended before anything was answered."""


class Forbidden(CalendarGone):
    """There, but not for us."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`url` is where it came from, after redirects."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


class DavClient:
    """Signs in with every request (RFC 7617). The session belongs to whoever closes it."""

    def __init__(self, session: aiohttp.ClientSession, user: str, password: str) -> None:
        self._session = session
        self._headers = {
            "Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode(),
            "User-Agent": "Slotlink",
            # Bytes on the wire are bytes in memory, and ETags are as the server made them: proxies that compress
            # change those.
            "Accept-Encoding": "identity",
        }

    async def close(self) -> None:
        await self._session.close()

    async def ask(
        self, method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Whatever is answered, errors too. Raises ProviderUnavailable, NotAccepted."""
        for _ in range(MOST_REDIRECTS + 1):
            answer = await self._answered(method, url, body, headers or {})
            target = answer.headers.get("Location")
            if answer.status not in (301, 302, 307, 308) or not target:
                return answer
            following = absolute(url, target)
            if not may_follow(url, following):
                raise SentAway(
                    f"the server sends us on to {urlsplit(following).hostname}, where its password must not go"
                )
            url = following
        raise NotAccepted(f"the server redirects more than {MOST_REDIRECTS} times")

    async def ask_xml(self, method: str, url: str, body: bytes, depth: int) -> Answer:
        headers = {"Content-Type": "application/xml; charset=utf-8", "Depth": str(depth)}
        return await self.ask(method, url, body, headers)

    async def multistatus(self, method: str, url: str, body: bytes, depth: int) -> tuple[Multistatus, str]:
        """The rows, and the address that they are relative to. Raises ConnectorError."""
        answer = await self.ask_xml(method, url, body, depth)
        return await read(answer), answer.url

    async def _answered(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        try:
            return await self._once(method, url, body, headers)
        except ConnectionBroken:
            # Kept open by us and closed by the server, which SOGo never says that it does. The session itself asks
            # again where HTTP has no doubt that this is safe; of what WebDAV adds, it does not know.
            if method not in _READS:
                raise
            return await self._once(method, url, body, headers)

    async def _once(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        try:
            async with (
                asyncio.timeout(REQUEST_S),
                self._session.request(
                    method,
                    URL(url, encoded=True),
                    data=body,
                    headers={**self._headers, **headers},
                    allow_redirects=False,
                    raise_for_status=False,
                ) as response,
            ):
                return Answer(response.status, response.headers, await whole_body(response, MOST_BYTES, TooLarge), url)
        except TimeoutError as error:
            raise ProviderUnavailable("no answer in time") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if refused := refused_address(error):
                raise NotAccepted(str(refused)) from error
            if isinstance(error, _BROKEN) and not isinstance(error, aiohttp.ClientConnectorError):
                raise ConnectionBroken(f"no answer: {type(error).__name__}") from error
            raise ProviderUnavailable(f"no answer: {type(error).__name__}") from error


async def read(answer: Answer) -> Multistatus:
    """Raises ConnectorError where the answer is any other than 207."""
    if answer.status != 207:
        raise refusal(answer)
    return await beside(len(answer.body) > LARGE, read_multistatus, answer.body)


def refusal(answer: Answer) -> ConnectorError:
    """What an answer means that is not the one hoped for."""
    status, said = answer.status, f"the server answered {answer.status}"
    rules = [name.rpartition("}")[2] for name in refused_by(answer.body)]
    if status == 401:
        return AccessRevoked("the server refuses the user name or the password")
    if status in (404, 410):
        return CalendarGone(said)
    if status == 403 and not set(rules) - {"need-privileges"}:  # other rules are about what was sent
        return Forbidden(said)
    if status in _OURS:
        return NotAccepted(f"{said}: {', '.join(rules)[:200]}" if rules else said)
    if status // 100 == 2:
        return ProviderUnavailable(f"{said}, with something that is no answer to what was asked")
    if status in (408, 423, 425, 429) or status >= 500:
        return ProviderUnavailable(said, seconds_of(answer.headers.get("Retry-After"), time.time()))
    return NotAccepted(said)
