"""Events of one calendar as whole objects, read one by one where a list does not tell everything."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import TypeVar
from urllib.parse import quote

from slotlink.connectors.base import RemoteObject
from slotlink.connectors.bounds import MANY, beside
from slotlink.connectors.graph_client import Forbidden, GraphClient, answered, is_gone
from slotlink.connectors.graph_ical import needs_owner, series_object, single_object
from slotlink.connectors.graph_json import KEY_ID, OWN_ID, Calendar, Event
from slotlink.connectors.graph_own import ours
from slotlink.connectors.graph_rounds import is_whole
from slotlink.domain.event import wire_time
from slotlink.engine import Period
from slotlink.errors import CalendarGone

T = TypeVar("T")

INSTANCES = 500  # of a series in one answer: a daily one in the window of delta is one request

_EXPAND = "$expand=" + quote(f"singleValueExtendedProperties($filter=id eq '{OWN_ID}')", safe="()")
_INSTANCE = (
    "id,type,seriesMasterId,originalStart,start,end,isAllDay,isCancelled,showAs,sensitivity,subject,location"
    ",responseStatus,lastModifiedDateTime"
)


class GraphReader:
    """Remembers who owns a calendar, which never changes, and nothing else."""

    def __init__(self, client: GraphClient) -> None:
        self._client = client
        self._owners: dict[str, str] = {}
        self._asking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def calendar(self, remote_id: str) -> Calendar:
        """Raises CalendarGone where it is there no longer."""
        return await self._client.get(calendar_path(remote_id), Calendar)

    async def find(self, remote_id: str, key: str) -> Event | None:
        """The event of ours with this key, and never a copy of it. Not by calendarView, where the filter fails."""
        value = key.replace("'", "''")
        wanted = f"singleValueExtendedProperties/any(ep:ep/id eq '{KEY_ID}' and ep/value eq '{value}')"
        path = f"{calendar_path(remote_id)}/events?$filter={quote(wanted, safe='()/:')}&{_EXPAND}"
        found, _ = await self._client.pages(path, Event)
        return ours(found, key)

    async def event(self, remote_id: str, event_id: str) -> Event | None:
        """Single event or series, None when it is gone."""
        answer = await self._client.ask("GET", f"{event_path(remote_id, event_id)}?{_EXPAND}")
        if is_gone(answer):
            return None
        return await answered(answer, Event)

    async def objects(
        self, remote_id: str, rows: Mapping[str, Event], windows: Sequence[Period]
    ) -> dict[str, RemoteObject | None]:
        """The object of each row, None for what is gone by now or has nothing in the windows any more."""
        whole = [row for row in rows.values() if is_whole(row)]
        owner = await self._owner(remote_id) if any(map(needs_owner, whole)) else ""
        found: dict[str, RemoteObject | None] = {**await beside(len(whole) > MANY, _singles, whole, owner)}
        others = [key for key in rows if key not in found]
        read = await _together(self._read(remote_id, key, windows) for key in others)
        found |= zip(others, read, strict=True)
        if None in read:
            await self.calendar(remote_id)  # or are they gone with their calendar?
        return {key: found[key] for key in rows}

    async def object(self, remote_id: str, event: Event, windows: Sequence[Period] = ()) -> RemoteObject | None:
        """`windows` are for series alone."""
        owner = await self._owner(remote_id) if needs_owner(event) else ""
        if event.type != "seriesMaster":
            return _single(event, owner)
        instances: list[Event] = []
        for window in windows:
            instances += await self._instances(remote_id, event, window)
        if not instances:
            return None
        owner = owner or (await self._owner(remote_id) if any(map(needs_owner, instances)) else "")
        text = await beside(len(instances) > MANY, series_object, event, instances, owner)
        return RemoteObject(event.id, version_of_series(event.etag, text), text)

    async def _read(self, remote_id: str, key: str, windows: Sequence[Period]) -> RemoteObject | None:
        event = await self.event(remote_id, key)
        return await self.object(remote_id, event, windows) if event else None

    async def _instances(self, remote_id: str, master: Event, window: Period) -> list[Event]:
        path = f"{event_path(remote_id, master.id)}/instances?{span(window)}&$select={_INSTANCE}&$top={INSTANCES}"
        try:
            found, _ = await self._client.pages(path, Event)
        except Forbidden:
            raise
        except CalendarGone:
            return []  # deleted just now, alone or with its calendar
        return found

    async def _owner(self, remote_id: str) -> str:
        async with self._asking[remote_id]:  # whoever comes meanwhile waits for the one answer
            if remote_id not in self._owners:
                owner = (await self.calendar(remote_id)).owner
                self._owners[remote_id] = (owner and owner.address) or ""
        return self._owners[remote_id]


def _single(event: Event, owner: str) -> RemoteObject:
    return RemoteObject(event.id, event.etag, single_object(event, owner))


def _singles(events: Sequence[Event], owner: str) -> dict[str, RemoteObject]:
    return {each.id: _single(each, owner) for each in events}


def version_of_series(etag: str | None, text: str) -> str:
    """Whether an exception changes its series' etag is nowhere said; and another window has other occurrences."""
    return f"{etag or ''} {sha256(text.encode()).hexdigest()[:16]}"


def is_version(expected: str, event: Event) -> bool:
    """Whether a caller's version is the one that stands there; of a series as far as its etag tells."""
    return event.etag is not None and expected.partition(" ")[0] == event.etag


def calendar_path(remote_id: str) -> str:
    return f"/me/calendars/{quote(remote_id, safe='')}"


def event_path(remote_id: str, event_id: str) -> str:
    return f"{calendar_path(remote_id)}/events/{quote(event_id, safe='')}"


def span(window: Period) -> str:
    return f"startDateTime={quote(wire_time(window.start))}&endDateTime={quote(wire_time(window.end))}"


async def _together(calls: Iterable[Awaitable[T]]) -> list[T]:
    """All of them; when one fails the others are ended, and its error is the answer."""

    async def run(call: Awaitable[T]) -> T:
        return await call

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run(call)) for call in calls]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
    return [task.result() for task in tasks]
