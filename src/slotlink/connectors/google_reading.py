"""What is in a calendar at Google, in whole objects: everything, what has changed, what is in a period.

An answer may name one instance of a series; then the series is fetched, because an object has everything that belongs
to it. All events of a series share their iCalUID, by which they can be asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import TypeVar

from slotlink.connectors.base import Changes, RemoteObject
from slotlink.connectors.bounds import MANY, beside
from slotlink.connectors.google_client import GoogleClient, RefusedList, calendar_path, found, is_gone
from slotlink.connectors.google_ical import event_id, is_cancelled, is_single, objects_of, series_of, text
from slotlink.connectors.json_answers import Json
from slotlink.domain.event import wire_time
from slotlink.engine import Period
from slotlink.errors import ProviderUnavailable

KIND = "calendar#events"
_Found = TypeVar("_Found")
MOST_LOOKUPS = 100
"""Objects that are fetched one by one; with more, a whole read takes fewer requests and stays below the quota."""


class GoogleReader:
    """Reads with one account. Deadlines are the caller's."""

    def __init__(self, client: GoogleClient) -> None:
        self._client = client

    async def everything(self, calendar_id: str) -> Changes:
        """Without a window: a sync token does not keep to the one that it was made with."""
        events, cursor = await self._listed(calendar_id, {})
        objects = await _objects([each for each in events if _is_told(each)], calendar_id)
        return Changes(tuple(each for each in objects.values() if each), (), _token(cursor), whole=True)

    async def since(self, calendar_id: str, cursor: str) -> Changes | None:
        """None where the token is no longer good (410), never was (400), or tells of too many objects."""
        try:
            events, following = await self._listed(calendar_id, {"syncToken": cursor})
        except RefusedList:
            return None
        token = _token(following)
        singles = [each for each in events if is_single(each) and not is_cancelled(each)]
        others = [each for each in events if not is_single(each) or is_cancelled(each)]
        objects = await _objects(singles, calendar_id)
        known = {series_of(each): uid for each in others if _is_told(each) and (uid := text(each, "iCalUID"))}
        # Of what is deleted we may get nothing but an id, and that may be the id of an instance.
        bare = {series_of(each): each for each in others if series_of(each) not in known}
        if len(bare) > MOST_LOOKUPS:
            return None
        for key, uid in await _all(self._series_of_bare(calendar_id, each) for each in bare.values()):
            if uid is None:
                objects.setdefault(key, None)
            else:
                known.setdefault(key, uid)
        if len(known) > MOST_LOOKUPS:
            return None
        objects |= await self._fetched(calendar_id, known)
        if any(objects[series_of(each)] is None for each in others if not is_cancelled(each)):
            raise ProviderUnavailable("the list names an event of a series that cannot be found")
        changed = tuple(each for each in objects.values() if each)
        return Changes(changed, tuple(key for key, each in objects.items() if not each), token, whole=False)

    async def within(self, calendar_id: str, period: Period) -> list[RemoteObject]:
        """Google says which instances touch the period; their series come whole."""
        window = {
            "timeMin": wire_time(max(0, period.start)),
            "timeMax": wire_time(max(0, period.end)),
            "singleEvents": "true",
        }
        events, _ = await self._listed(calendar_id, window)
        living = [each for each in events if not is_cancelled(each)]
        objects = await _objects([each for each in living if is_single(each)], calendar_id)
        instances = [each for each in living if not is_single(each)]
        fetched = await self._fetched(calendar_id, {series_of(each): text(each, "iCalUID") for each in instances})
        # A series that is gone by now, or that cannot be found: its instances in the period stand for it.
        alone = await _objects(instances, calendar_id)
        objects |= {key: whole or alone[key] for key, whole in fetched.items()}
        return [each for each in objects.values() if each]

    async def stored(self, calendar_id: str, key: str) -> tuple[Json, RemoteObject] | None:
        """The event under an id, and its object; None when it is deleted or was never there."""
        event = await self._event(calendar_id, key)
        if event is None or is_cancelled(event):
            return None
        if is_single(event):
            objects = objects_of([event], calendar_id)
        else:
            objects = await self._fetched(calendar_id, {series_of(event): text(event, "iCalUID")})
        living = objects.get(series_of(event))
        if living is None:
            raise ProviderUnavailable("the event is there, and its series cannot be found")
        return event, living

    async def _fetched(self, calendar_id: str, series: Mapping[str, str]) -> dict[str, RemoteObject | None]:
        """Whole series, by their keys and iCalUIDs; None for those of which nothing is left."""

        async def fetch(key: str, uid: str) -> tuple[str, RemoteObject | None]:
            events, _ = await self._listed(calendar_id, {"iCalUID": uid})
            return key, (await _objects(events, calendar_id)).get(key)

        if not all(series.values()):
            raise ProviderUnavailable("the answer has an event without iCalUID")
        return dict(await _all(fetch(key, uid) for key, uid in series.items()))

    async def _series_of_bare(self, calendar_id: str, stub: Json) -> tuple[str, str | None]:
        """The key of what a stub is of, and its iCalUID; None where the stub was all of it, or nothing is known."""
        event = await self._event(calendar_id, event_id(stub)) or stub
        if series_of(event) == event_id(event):
            return event_id(event), None if is_cancelled(event) else text(event, "iCalUID")
        if not text(event, "iCalUID"):  # the instance is gone altogether; its series may be there
            event = await self._event(calendar_id, series_of(event)) or event
        return series_of(event), text(event, "iCalUID") or None

    async def _event(self, calendar_id: str, key: str) -> Json | None:
        answer = await self._client.ask("GET", calendar_path(calendar_id, "events", key))
        return None if is_gone(answer) else found(answer)

    async def _listed(self, calendar_id: str, query: Mapping[str, str]) -> tuple[list[Json], object]:
        """All events of a list, and the sync token of its last page."""
        events: dict[str, Json] = {}
        last: Json = {}
        async for last in self._client.pages(calendar_path(calendar_id, "events"), query, KIND):
            events |= {event_id(each): each for each in last.get("items", [])}
        return list(events.values()), last.get("nextSyncToken")


async def _objects(events: Sequence[Json], calendar_id: str) -> dict[str, RemoteObject | None]:
    return await beside(len(events) > MANY, objects_of, events, calendar_id)


def _is_told(event: Json) -> bool:
    """Not what is deleted altogether, of which nothing more is known."""
    return not is_cancelled(event) or bool(event.get("recurringEventId"))


async def _all(asked: Iterable[Awaitable[_Found]]) -> list[_Found]:
    """Side by side. The first error is raised when all have ended, so that nothing goes on behind the caller's back."""
    results = await asyncio.gather(*asked, return_exceptions=True)
    for each in results:
        if isinstance(each, BaseException):
            raise each
    return [each for each in results if not isinstance(each, BaseException)]


def _token(cursor: object) -> str:
    if not isinstance(cursor, str) or not cursor:
        raise ProviderUnavailable("the list has no sync token at its end")
    return cursor
