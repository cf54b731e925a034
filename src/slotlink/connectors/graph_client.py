"""One exchange with Microsoft Graph: the access token, at most four requests at once, a bound on what is taken in,
statuses as errors of ours (learn.microsoft.com/graph/errors, throttling-limits)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import urlsplit

import aiohttp

from slotlink.connectors.base import TokenSource
from slotlink.connectors.bounds import LARGE, beside
from slotlink.connectors.graph_json import Json, code_of, page_of, read
from slotlink.connectors.json_answers import Answer, send, signed_in
from slotlink.errors import AccessRevoked, CalendarGone, ConnectorError, NotAccepted, ProviderUnavailable

AT_ONCE = 4  # requests into one mailbox; a fifth answers 429
MOST_BYTES = 20_000_000  # of one answer
MOST_PAGES = 1_000
REQUEST_S = 30.0  # for one exchange, within the deadline of whoever asks
PAGE = 100  # items that a list is asked for at once
_PREFER = 'IdType="ImmutableId", outlook.timezone="UTC"'
_OURS = (400, 405, 406, 411, 412, 413, 414, 415, 422, 501)
_THROTTLED = {"ApplicationThrottled", "TooManyRequests", "activityLimitReached", "ErrorExceededConnectionCount"}

T = TypeVar("T")


class Forbidden(CalendarGone):
    """There, but not for us."""


class SentAway(ProviderUnavailable):
    """To a host where the token must not go."""


class GraphClient:
    """`url` is Graph's with its version. The session belongs to whoever closes it."""

    def __init__(self, session: aiohttp.ClientSession, tokens: TokenSource, url: str) -> None:
        self._session, self._tokens = session, tokens
        self._url = url.rstrip("/")
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def close(self) -> None:
        await self._session.close()

    async def ask(
        self, method: str, path: str, body: Json | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Whatever is answered, errors too. `path` below the base, or a link that an answer had.

        Raises AccessRevoked when a second token is refused as the first was, ProviderUnavailable, NotAccepted."""
        url = self._absolute(path)
        data = None if body is None else json.dumps(body).encode()
        own = {"Prefer": _PREFER, **({} if data is None else {"Content-Type": "application/json"}), **(headers or {})}

        async def once(token: str) -> Answer:
            signed = {**own, "Authorization": f"Bearer {token}"}
            async with self._at_once:
                return await send(
                    self._session, method, url, data=data, headers=signed, seconds=REQUEST_S, most_bytes=MOST_BYTES
                )

        return await signed_in(self._tokens, once, "Microsoft")

    async def get(self, path: str, kind: type[T]) -> T:
        """Raises ConnectorError where the answer is any other than 200 with something of this kind."""
        return await answered(await self.ask("GET", path), kind)

    async def pages(self, path: str, kind: type[T]) -> tuple[list[T], str | None]:
        """All items of a list, and the deltaLink on its last page."""
        items: list[T] = []
        seen: set[str] = set()
        for _ in range(MOST_PAGES):
            seen.add(path)
            answer = await self.ask("GET", path, headers={"Prefer": f"{_PREFER}, odata.maxpagesize={PAGE}"})
            page = await answered(answer, page_of(kind))
            items += page.value
            if page.next_link is None:
                return items, page.delta_link
            path = page.next_link
            if path in seen:
                break
        raise ProviderUnavailable("Microsoft's list never comes to an end")

    def _absolute(self, path: str) -> str:
        """Links lead to where we were told that Graph is: the token goes nowhere else."""
        if path.startswith("/"):
            return self._url + path
        try:
            ours, theirs = urlsplit(self._url), urlsplit(path)
            same = (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc)
        except ValueError:
            same = False
        if not same:
            raise SentAway("Microsoft sends us on to another host, where its token must not go")
        return path


async def answered(answer: Answer, kind: type[T], *, status: int = 200) -> T:
    """What the answer holds. Raises ConnectorError where it has another status."""
    if answer.status != status:
        raise refusal(answer)
    return await beside(len(answer.body) > LARGE, read, answer.body, kind)


def is_gone(answer: Answer) -> bool:
    """Whether Graph itself says so: a 404 without a code is somebody else's, such as a proxy's."""
    return answer.status == 404 and bool(code_of(answer.body))


def refusal(answer: Answer) -> ConnectorError:
    """What an answer means that is not the one hoped for."""
    status, code = answer.status, code_of(answer.body)
    said = f"Microsoft answered {status}" + (f" {code}" if code else "")
    if status == 401:
        return AccessRevoked(said)
    if code in _THROTTLED or status in (408, 409, 423, 425, 429):
        return ProviderUnavailable(said, answer.retry_after)
    if status == 404 and not code:
        return ProviderUnavailable(f"{said}, which is no answer of Graph", answer.retry_after)
    if status in (404, 410):
        return CalendarGone(said)
    if status == 403:
        return Forbidden(said)
    if status in _OURS:
        return NotAccepted(said)
    if status // 100 == 2:
        return ProviderUnavailable(f"{said}, with something that is no answer to what was asked")
    return ProviderUnavailable(said, answer.retry_after) if status >= 500 else NotAccepted(said)
