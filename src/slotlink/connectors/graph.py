"""Microsoft Graph: the promises of base.py kept over its calendar API v1.0. What it does and what we do about it:
docs/add-a-connector.md.

Delta tells which events have changed, and too little of series; so these are read again whole. Nothing is known beyond
the window that delta is asked for: `days_ahead` from today.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote

import aiohttp

from slotlink.connectors.base import Changes, EventWrite, RemoteCalendar, RemoteObject, TokenSource, Watch, Written
from slotlink.connectors.bounds import ending_in
from slotlink.connectors.graph_calendars import list_calendars
from slotlink.connectors.graph_client import Forbidden, GraphClient, SentAway, answered, is_gone, refusal
from slotlink.connectors.graph_json import Event, Json, Subscription
from slotlink.connectors.graph_own import marked
from slotlink.connectors.graph_reading import GraphReader, calendar_path, event_path, is_version, span
from slotlink.connectors.graph_rounds import DAY_S, Cursor, around, named, read_cursor, touching, window
from slotlink.connectors.graph_times import stamp
from slotlink.connectors.graph_writing import Sent, as_sent, changing, creation, finishing, sent
from slotlink.connectors.json_answers import Answer
from slotlink.domain.event import wire_time
from slotlink.engine import Period
from slotlink.errors import CalendarGone, ChangedElsewhere, ConnectorError, NotAccepted, ProviderUnavailable

GRAPH_URL = "https://graph.microsoft.com/v1.0"
DEADLINE_S = 5.0  # for what somebody waits for
SYNC_DEADLINE_S = 300.0  # for `changes`, `list_calendars`, and watches, whose address Microsoft tries for 10 s
DAYS_AHEAD = 400  # of the window of delta
SPARE_DAYS = 30  # of these; after so many days everything is read anew, over a new window
WATCH_MINUTES = 4_200  # documented: 4,230 at most
MARGIN_S = 26 * 3_600
"""Asked for on both sides of a period: Graph reads all-day events in the mailbox's zone, whoever owns the calendar."""

_ROUNDS = 3  # of looking and writing, before somebody who changes the event all the time wins
_SYNC_GONE = ("SyncStateNotFound", "SyncStateInvalid", "resyncRequired", "ResyncRequired")


class GraphConnector:
    """One connected account. `graph_url`, a host that the operator has named, may be that of a national cloud.

    The session is closed by `close`; every method has one deadline for everything it does.
    `now` is the clock, in UTC seconds: `changes` knows what happens until `days_ahead` less SPARE_DAYS from then.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        tokens: TokenSource,
        *,
        graph_url: str = GRAPH_URL,
        deadline: float = DEADLINE_S,
        sync_deadline: float = SYNC_DEADLINE_S,
        days_ahead: int = DAYS_AHEAD,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._client = GraphClient(session, tokens, graph_url)
        self._reader = GraphReader(self._client)
        self._deadline, self._sync_deadline = deadline, sync_deadline
        self._days_ahead, self._now = days_ahead, now

    async def close(self) -> None:
        await self._client.close()

    async def list_calendars(self) -> list[RemoteCalendar]:
        async with ending_in(self._sync_deadline):
            return await list_calendars(self._client)

    async def changes(self, remote_id: str, cursor: str | None) -> Changes:
        """By delta over calendarView. Single events come with it, all else is read by itself."""
        fresh = self._window()
        since = read_cursor(cursor)
        if since and since.within.end < fresh.end - SPARE_DAYS * DAY_S:
            since = None
        async with ending_in(self._sync_deadline):
            found = await self._round(since.link, resumed=True) if since else None
            if since is None or found is None:
                since = None
                path = f"{calendar_path(remote_id)}/calendarView/delta?{span(fresh)}"
                found = await self._round(path, resumed=False)
            if found is None:
                raise ProviderUnavailable("Microsoft forgets the round of delta that it has just begun")
            rows, link = found
            known = since.within if since else fresh
            there, gone = named(rows)
            objects = await self._reader.objects(remote_id, there, [known])
        changed = tuple(each for each in objects.values() if each)
        gone += [key for key, each in objects.items() if each is None]
        return Changes(changed, tuple(gone), str(Cursor(known, link)), whole=since is None, until=known.end)

    async def read_live(
        self, remote_ids: Sequence[str], within: Period
    ) -> Mapping[str, Sequence[RemoteObject] | ConnectorError]:
        """Series come with everything in the window of `changes` as well; all-day events may lie beside the period."""
        asked = Period(within.start - MARGIN_S, within.end + MARGIN_S)
        windows = around(self._window(), asked)

        async def read(remote_id: str) -> Sequence[RemoteObject] | ConnectorError:
            try:
                async with ending_in(self._deadline):
                    path = f"{calendar_path(remote_id)}/calendarView?{span(asked)}&$top=100"
                    rows, _ = await self._client.pages(path, Event)
                    there, _ = named(touching(rows, within))
                    objects = await self._reader.objects(remote_id, there, windows)
                    found = [each for each in objects.values() if each]
                    if len(found) < len(objects):  # it may not be in the mirror yet: left out, it would be free
                        raise ProviderUnavailable("an event that was just listed cannot be read")
                    return found
            except ConnectorError as error:
                return error

        answers = await asyncio.gather(*map(read, remote_ids))
        return dict(zip(remote_ids, answers, strict=True))

    async def put(self, remote_id: str, write: EventWrite, expected: str | None = None) -> Written:
        wanted = sent(write)
        async with ending_in(self._deadline):
            found = await self._reader.find(remote_id, write.key)
            for _ in range(_ROUNDS):
                if found is None and expected is not None:
                    raise ChangedElsewhere("the event was deleted")
                found = found or await self._created(remote_id, wanted)
                body = await self._next(remote_id, found, wanted, expected)
                if not body:
                    return _written(found)
                answer = await self._write("PATCH", event_path(remote_id, found.id), body, found)
                if answer.status == 200:
                    return _written(await answered(answer, Event))
                if answer.status not in (404, 412):
                    raise await self._write_refused(remote_id, answer)
                found = await self._reader.find(remote_id, write.key)
            raise ProviderUnavailable("the event changes faster than it can be written")

    async def delete(self, remote_id: str, key: str, expected: str | None = None) -> None:
        async with ending_in(self._deadline):
            for _ in range(_ROUNDS):
                try:
                    found = await self._reader.find(remote_id, key)
                except Forbidden:
                    raise
                except CalendarGone:
                    return  # and everything in it
                if found is None:
                    return
                if expected is not None and not is_version(expected, found):
                    raise await self._changed(remote_id, found)
                answer = await self._write("DELETE", event_path(remote_id, found.id), None, found)
                if answer.status // 100 == 2 or answer.status == 410 or is_gone(answer):
                    return
                if answer.status != 412:
                    raise await self._write_refused(remote_id, answer)
            raise ProviderUnavailable("the event changes faster than it can be deleted")

    async def watch(self, remote_id: str, watch_id: str, url: str, secret: str) -> Watch | None:
        """None for a calendar that somebody shares: Microsoft tells of the own mailbox alone. `url` has to answer
        Microsoft's validationToken while we wait here, and hears of the subscription's own life too."""
        body: Json = {
            "changeType": "created,updated,deleted",
            "notificationUrl": url,
            "lifecycleNotificationUrl": url,
            "resource": f"me/calendars/{remote_id}/events",
            "expirationDateTime": wire_time(int(self._now()) + WATCH_MINUTES * 60),
            "clientState": secret,
        }
        async with ending_in(self._sync_deadline):
            answer = await self._client.ask("POST", "/subscriptions", body)
            if answer.status in (403, 404):
                await self._reader.calendar(remote_id)  # or is it gone?
                return None
            made = await answered(answer, Subscription, status=201)
        try:
            return Watch(watch_id, made.id, stamp(made.expiration_date_time))
        except (ValueError, ArithmeticError) as error:
            raise ProviderUnavailable("Microsoft does not say until when it will tell us") from error

    async def unwatch(self, remote_id: str, watch: Watch) -> None:
        async with ending_in(self._deadline):
            answer = await self._client.ask("DELETE", f"/subscriptions/{quote(watch.remote_id, safe='')}")
        if answer.status // 100 != 2 and answer.status not in (404, 410):
            raise refusal(answer)

    def _window(self) -> Period:
        return window(int(self._now()), self._days_ahead)

    async def _round(self, path: str, *, resumed: bool) -> tuple[list[Event], str] | None:
        """All that a round names, and the link of the next. None: its token is not known (any more), or it leads to
        another host, as when an operator changes `graph_url`."""
        try:
            rows, link = await self._client.pages(path, Event)
        except (CalendarGone, NotAccepted, SentAway) as error:
            if resumed or any(code in str(error) for code in _SYNC_GONE):
                return None
            raise
        if link is None:
            raise ProviderUnavailable("Microsoft's round of delta has no end that the next could follow")
        return rows, link

    async def _created(self, remote_id: str, wanted: Sent) -> Event:
        """A new event, or what an attempt before has made of the same transactionId."""
        answer = await self._client.ask("POST", f"{calendar_path(remote_id)}/events", creation(wanted))
        if answer.status != 201:
            raise await self._write_refused(remote_id, answer)
        made = await answered(answer, Event, status=201)
        found = await self._reader.event(remote_id, made.id)
        if found is None:
            raise ChangedElsewhere("the event was moved to another calendar or deleted")
        return found

    async def _next(self, remote_id: str, found: Event, wanted: Sent, expected: str | None) -> Json:
        """What is to be written over `found`; empty when it stands there. Raises ChangedElsewhere."""
        if not marked(found) and as_sent(found, wanted, members=("plain", "text")):
            return finishing(found, wanted)
        if expected is not None and is_version(expected, found):
            return changing(found, wanted)
        if marked(found) and as_sent(found, wanted):
            return {}  # an earlier attempt arrived
        raise await self._changed(remote_id, found)

    async def _changed(self, remote_id: str, found: Event) -> ChangedElsewhere:
        there = await self._reader.object(remote_id, found, [self._window()])
        if there is None:
            return ChangedElsewhere("the event was made a series that has ended")
        return ChangedElsewhere("the event was changed", there.version, there.ical)

    async def _write(self, method: str, path: str, body: Json | None, over: Event) -> Answer:
        return await self._client.ask(method, path, body, {"If-Match": over.etag} if over.etag else {})

    async def _write_refused(self, remote_id: str, answer: Answer) -> ConnectorError:
        error = refusal(answer)
        if isinstance(error, Forbidden):
            await self._reader.calendar(remote_id)  # or gone altogether
            return NotAccepted("the calendar may be read and no longer written")
        return error


def _written(event: Event) -> Written:
    meeting = event.online_meeting
    return Written(event.id, event.etag, meeting.join_url if meeting else None)
