"""One exchange with Google's Calendar API v3: the access token, pages, and errors as ours.

Google's errors are told apart by their `reason`, because one status stands for several things
(developers.google.com/workspace/calendar/api/guides/errors).
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from typing import cast
from urllib.parse import quote, urlencode

import aiohttp

from slotlink.connectors.base import TokenSource
from slotlink.connectors.bounds import LARGE, beside
from slotlink.connectors.json_answers import Answer, Json, read_object, send, signed_in
from slotlink.errors import AccessRevoked, CalendarGone, ConnectorError, NotAccepted, ProviderUnavailable

AT_ONCE = 4  # requests of one account; Google slows down those who send many at a time
MOST_BYTES = 20_000_000  # of one answer
PAGE = 250  # entries asked for at a time
MOST_PAGES = 10_000
REQUEST_S = 30.0  # for one exchange, within the deadline of whoever asks

_TOO_FAST = {
    *("rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded", "RATE_LIMIT_EXCEEDED"),
    *("concurrentLimitExceeded", "servingLimitExceeded", "limitExceeded", "variableTermLimitExceeded"),
}
_NOT_ENABLED = {"accessNotConfigured", "SERVICE_DISABLED"}
_SCOPE_MISSING = {"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}
_LATER = (408, 425, 429)
_REASON = re.compile("[A-Za-z][A-Za-z0-9._]{1,60}")


class GoogleClient:
    """Signs in with every request (RFC 6750). The session belongs to whoever closes it."""

    def __init__(self, session: aiohttp.ClientSession, tokens: TokenSource, api_url: str) -> None:
        self._session = session
        self._tokens = tokens
        self._api = api_url.rstrip("/")
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def close(self) -> None:
        await self._session.close()

    async def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        if_match: str | None = None,
    ) -> Answer:
        """Whatever is answered, errors too. `path` is escaped already. Raises AccessRevoked, NotAccepted,
        ProviderUnavailable."""
        url = self._api + path + (f"?{urlencode(query, errors='replace')}" if query else "")
        data = None if body is None else json.dumps(body).encode()
        headers = {} if body is None else {"Content-Type": "application/json; charset=UTF-8"}
        headers |= {"If-Match": if_match} if if_match else {}

        async def once(token: str) -> Answer:
            signed = {**headers, "Authorization": f"Bearer {token}"}
            async with self._at_once:
                return await send(
                    self._session, method, url, data=data, headers=signed, seconds=REQUEST_S, most_bytes=MOST_BYTES
                )

        return await signed_in(self._tokens, once, "Google", _is_refused)

    async def pages(self, path: str, query: Mapping[str, str], kind: str) -> AsyncIterator[Json]:
        """Every page of a list. The last one alone has no nextPageToken; any may be empty.

        Raises RefusedList where Google does not take the query or its sync token, and otherwise as `refusal`."""
        asked = {"maxResults": str(PAGE), **query}
        for _ in range(MOST_PAGES):
            answer = await self.ask("GET", path, asked)
            if answer.status in (400, 410):
                if "pageToken" in asked and "syncToken" not in asked:
                    raise ProviderUnavailable(f"{_said(answer)} to a page that it has named")
                raise RefusedList(_said(answer))
            if answer.status != 200:
                raise refusal(answer)
            page = await beside(len(answer.body) > LARGE, read_object, answer.body)
            items: object = page.get("items", [])
            # Another kind is some other service's answer, and no empty calendar.
            if page.get("kind") != kind or not isinstance(items, list):
                raise ProviderUnavailable("the answer is no list of what was asked for")
            if not all(isinstance(item, dict) for item in cast("list[object]", items)):
                raise ProviderUnavailable("the answer lists something that is no entry")
            yield page
            following: object = page.get("nextPageToken")
            if following is None:
                return
            if not isinstance(following, str) or not following or following == asked.get("pageToken"):
                break
            asked["pageToken"] = following
        raise ProviderUnavailable("the list never comes to an end")


class RefusedList(NotAccepted):
    """400 or 410: not by this query, or not by this sync token."""


def _is_refused(answer: Answer) -> bool:
    """401 is also what Google says of the address of a watch that it does not accept."""
    return answer.status == 401 and not any(each.startswith("push.") for each in reasons(answer))


def calendar_path(remote_id: str, *below: str) -> str:
    """`below` is what follows /calendars/{id}: "events", an event's id, "watch"."""
    return "/calendars/" + "/".join(quote(part, safe="", errors="replace") for part in (remote_id, *below))


def found(answer: Answer, *, writing: bool = False) -> Json:
    """The object that was asked for. Raises ConnectorError."""
    if answer.status != 200:
        raise refusal(answer, writing=writing)
    return read_object(answer.body)


def is_gone(answer: Answer) -> bool:
    """Whether Google itself says so; without a reason it is somebody else's answer, such as a proxy's."""
    return answer.status in (404, 410) and bool(reasons(answer))


def refusal(answer: Answer, *, writing: bool = False) -> ConnectorError:
    """What an answer means that is not the one hoped for."""
    status, said = answer.status, _said(answer)
    named = reasons(answer)
    if status in _LATER or status >= 500 or (status == 403 and named & _TOO_FAST):
        return ProviderUnavailable(said, answer.retry_after)
    if status in (403, 404, 410) and not named:
        return ProviderUnavailable(f"{said}, which is no answer of the Calendar API", answer.retry_after)
    if named & _NOT_ENABLED:
        return NotAccepted(f"{said}: the Google Calendar API is not enabled for the client's project")
    if status == 403 and named & _SCOPE_MISSING and not writing:
        return AccessRevoked(f"{said}: the owner has not granted every scope that was asked for")
    if status == 403:
        return NotAccepted(said) if writing else CalendarGone(said)
    if status in (404, 410):
        return CalendarGone(said)
    if status // 100 == 2:
        return ProviderUnavailable(f"{said}, with something that is no answer to what was asked")
    return NotAccepted(said)


def reasons(answer: Answer) -> set[str]:
    """Every reason that the error names: in its list (domain `calendar` and others), and in its details."""
    try:
        error: object = read_object(answer.body).get("error")
    except ProviderUnavailable:
        return set()
    if not isinstance(error, dict):
        return set()
    members = cast("Json", error)
    entries = [*_entries(members.get("errors")), *_entries(members.get("details"))]
    return {each for entry in entries if isinstance(each := entry.get("reason"), str) and _REASON.fullmatch(each)}


def _entries(value: object) -> list[Json]:
    several = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("Json", each) for each in several if isinstance(each, dict)]


def _said(answer: Answer) -> str:
    named = sorted(reasons(answer))
    return f"Google answered {answer.status}{': ' if named else ''}{', '.join(named)[:200]}"
