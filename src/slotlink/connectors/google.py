"""Google Calendar: the promises of base.py kept over the Calendar API v3. What Google does, and what was only read of
it: tests/doubles/google_facts.toml.

The id of an event of ours is made of its key, so Google itself refuses a second one. It is never free again: what a
person has deleted stays deleted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

import aiohttp

from slotlink.connectors.base import Changes, EventWrite, RemoteCalendar, RemoteObject, TokenSource, Watch, Written
from slotlink.connectors.bounds import ending_in
from slotlink.connectors.google_calendars import KIND, calendars_of
from slotlink.connectors.google_client import GoogleClient, calendar_path, found, is_gone, reasons, refusal
from slotlink.connectors.google_ical import event_id, join_url, version_of
from slotlink.connectors.google_own import INVITES, own_id, private_property
from slotlink.connectors.google_reading import GoogleReader
from slotlink.connectors.google_writing import change_of, event_of, stands
from slotlink.connectors.json_answers import Json
from slotlink.engine import Period
from slotlink.errors import CalendarGone, ChangedElsewhere, ConnectorError, NotAccepted, ProviderUnavailable

API_URL = "https://www.googleapis.com/calendar/v3"
DEADLINE_S = 5.0  # for what somebody waits for
SYNC_DEADLINE_S = 300.0  # for `changes` and `list_calendars`
WATCH_S = 3600
"""How long a watch is taken to live whose end Google does not tell."""

_ROUNDS = 3  # of looking and writing, before somebody who changes the event all the time wins


class GoogleConnector:
    """One Google account, asked at `api_url`, a host that the operator has named. The session is closed by `close`; it
    should keep no cookies."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        tokens: TokenSource,
        *,
        api_url: str = API_URL,
        deadline: float = DEADLINE_S,
        sync_deadline: float = SYNC_DEADLINE_S,
    ) -> None:
        self._client = GoogleClient(session, tokens, api_url)
        self._reader = GoogleReader(self._client)
        self._deadline, self._sync_deadline = deadline, sync_deadline

    async def close(self) -> None:
        await self._client.close()

    async def list_calendars(self) -> list[RemoteCalendar]:
        """Those in the account's list that are not hidden there."""
        entries: list[Json] = []
        async with ending_in(self._sync_deadline):
            try:
                async for page in self._client.pages("/users/me/calendarList", {}, KIND):
                    entries += page.get("items", [])
            except CalendarGone as error:  # the list itself: nobody has deleted it
                raise NotAccepted(str(error)) from error
        return calendars_of(entries)

    async def changes(self, remote_id: str, cursor: str | None) -> Changes:
        """By sync token. One that Google has forgotten means a whole read, and so do more changes than single requests
        are good for."""
        async with ending_in(self._sync_deadline):
            changes = await self._reader.since(remote_id, cursor) if cursor else None
            return changes or await self._reader.everything(remote_id)

    async def read_live(
        self, remote_ids: Sequence[str], within: Period
    ) -> Mapping[str, Sequence[RemoteObject] | ConnectorError]:
        async def read(remote_id: str) -> Sequence[RemoteObject] | ConnectorError:
            try:
                async with ending_in(self._deadline):
                    return await self._reader.within(remote_id, within)
            except ConnectorError as error:
                return error

        answers = await asyncio.gather(*map(read, remote_ids))
        return dict(zip(remote_ids, answers, strict=True))

    async def put(self, remote_id: str, write: EventWrite, expected: str | None = None) -> Written:
        """Meeting rooms are made later: `join_url` is None until one is, and putting the same again tells."""
        body = event_of(write)
        query = {"sendUpdates": "all" if write.invites else "none"}
        query |= {"conferenceDataVersion": "1"} if write.conference else {}
        async with ending_in(self._deadline):
            if expected is None:
                answer = await self._client.ask("POST", calendar_path(remote_id, "events"), query, body)
                if answer.status != 409:
                    return _written(found(answer, writing=True))
            for _ in range(_ROUNDS):
                there, stored = await self._there(remote_id, body["id"])
                if stands(there, body):
                    return _written(there, stored)  # an earlier attempt arrived
                if expected != stored.version:
                    raise ChangedElsewhere("the event was changed", stored.version, stored.ical)
                path, change = calendar_path(remote_id, "events", body["id"]), change_of(body, there)
                answer = await self._client.ask("PATCH", path, query, change, _etag(there))
                if answer.status not in (404, 409, 410, 412):
                    return _written(found(answer, writing=True))
            raise ProviderUnavailable("the event changes faster than it can be written")

    async def delete(self, remote_id: str, key: str, expected: str | None = None) -> None:
        """Whoever was invited by Google is told by Google."""
        path = calendar_path(remote_id, "events", own_id(key))
        async with ending_in(self._deadline):
            for _ in range(_ROUNDS):
                stored = await self._reader.stored(remote_id, own_id(key))
                if stored is None:
                    return
                event, found_object = stored
                if expected not in (None, found_object.version):
                    raise ChangedElsewhere("the event was changed", found_object.version, found_object.ical)
                told = "all" if private_property(event, INVITES) == "1" else "none"
                answer = await self._client.ask("DELETE", path, {"sendUpdates": told}, if_match=_etag(event))
                if answer.status // 100 == 2 or is_gone(answer):
                    return
                if answer.status != 412:
                    raise refusal(answer, writing=True)
            raise ProviderUnavailable("the event changes faster than it can be deleted")

    async def watch(self, remote_id: str, watch_id: str, url: str, secret: str) -> Watch | None:
        """None for calendars that Google tells nobody of, such as those of holidays."""
        body: Json = {"id": watch_id, "type": "web_hook", "address": url, "token": secret}
        async with ending_in(self._deadline):
            answer = await self._client.ask("POST", calendar_path(remote_id, "events", "watch"), body=body)
        if "pushNotSupportedForRequestedResource" in reasons(answer):
            return None
        return _watch(watch_id, found(answer))

    async def unwatch(self, remote_id: str, watch: Watch) -> None:
        body: Json = {"id": watch.watch_id, "resourceId": watch.remote_id}
        async with ending_in(self._deadline):
            answer = await self._client.ask("POST", "/channels/stop", body=body)
        if answer.status // 100 != 2 and answer.status not in (404, 410):
            raise refusal(answer)

    async def _there(self, remote_id: str, key: str) -> tuple[Json, RemoteObject]:
        """What stands under our id. Raises ChangedElsewhere, or CalendarGone: the two look alike at first."""
        stored = await self._reader.stored(remote_id, key)
        if stored is None:
            found(await self._client.ask("GET", calendar_path(remote_id, "events"), {"maxResults": "1"}))
            raise ChangedElsewhere("the event was deleted")
        return stored


def _written(event: Json, stored: RemoteObject | None = None) -> Written:
    version = stored.version if stored else version_of(event)
    if not version:
        raise ProviderUnavailable("the answer has an event without ETag")
    return Written(event_id(event), version, join_url(event))


def _etag(event: Json) -> str | None:
    return version_of(event) or None


def _watch(watch_id: str, answer: Json) -> Watch:
    resource, ends = answer.get("resourceId"), str(answer.get("expiration"))
    if not isinstance(resource, str) or not resource:
        raise ProviderUnavailable("the answer has no watch")
    known = ends.isascii() and ends.isdecimal() and len(ends) < 16
    return Watch(watch_id, resource, int(ends) // 1000 if known else int(time.time()) + WATCH_S)
