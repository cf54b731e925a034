"""CalDAV: the promises of base.py kept over HTTP (RFC 4791, 6578). Where servers differ: docs/add-a-connector.md.

Free-busy reports are never asked for: of five servers none was right on all samples. Objects are read whole and
expanded by us.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from hashlib import sha256

import aiohttp

from slotlink.connectors.base import Changes, EventWrite, RemoteCalendar, RemoteObject, Watch, Written
from slotlink.connectors.bounds import ending_in
from slotlink.connectors.caldav_discovery import discover
from slotlink.connectors.dav import (
    CTAG,
    DATA,
    ETAG,
    Row,
    absolute,
    events_named,
    events_within,
    key_of,
    members,
    multiget,
    own_key,
    propfind,
    refused_by,
    sync_collection,
    version_of,
)
from slotlink.connectors.dav_client import Answer, DavClient, Forbidden, TooLarge, read, refusal
from slotlink.connectors.landed import has_uid, landed
from slotlink.engine import Period
from slotlink.errors import CalendarGone, ChangedElsewhere, ConnectorError, NotAccepted, ProviderUnavailable

DEADLINE_S = 5.0  # for what somebody waits for
SYNC_DEADLINE_S = 300.0  # for `changes`: Radicale needs 8 ms for an object on a slow machine; and `list_calendars`
AT_ONCE = 4  # requests of one account
BATCH = 100  # objects in one request
MARGIN_S = 2 * 86_400
"""Asked for on both sides of a period: servers read all-day and floating times in UTC, and some zones too."""

_BY_TOKEN, _BY_ETAGS = "token-1", "etags-1"  # how a cursor begins; a number that is not ours means a whole read
_ROUNDS = 3  # of looking and writing, before somebody who changes the object all the time wins
_PAGES = 1_000
_NO_SYNC = (400, 403, 405, 409, 410, 412, 415, 422, 501, 507)
"""Not by this token, or not at all: some servers say it in ways of their own. Reading everything tells which."""


class CalDavConnector:
    """One account on one server. `address` is what its owner typed: a host, or a URL.

    The session brings the address guard and is closed by `close`. It should keep no cookies; its time-outs may be as
    long as they like, because every method has one deadline for everything it does."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        address: str,
        user: str,
        password: str,
        *,
        deadline: float = DEADLINE_S,
        sync_deadline: float = SYNC_DEADLINE_S,
    ) -> None:
        self._client = DavClient(session, user, password)
        self._address = address
        self._deadline, self._sync_deadline = deadline, sync_deadline

    async def close(self) -> None:
        await self._client.close()

    async def list_calendars(self) -> list[RemoteCalendar]:
        async with ending_in(self._sync_deadline):
            return await discover(self._client, self._address)

    async def changes(self, remote_id: str, cursor: str | None) -> Changes:
        """By sync-collection; on servers without it by CTag and ETags, and then always `whole` unless nothing changed.

        Some servers answer a token that they do not know with everything there is, and do not say so: `whole` is
        False then, so a caller that keeps a mirror compares versions, and reads all of it anew now and then."""
        kind, _, state = (cursor or "").partition(" ")
        async with ending_in(self._sync_deadline):
            if kind != _BY_ETAGS:
                for token in dict.fromkeys([state if kind == _BY_TOKEN else "", ""]):
                    if (found := await self._synced(remote_id, token)) is not None:
                        there, following = found
                        return await self._fetched(remote_id, there, f"{_BY_TOKEN} {following}", whole=not token)
            known, _, ctag = state.partition(" ") if kind == _BY_ETAGS else ("", "", "")
            if ctag and ctag == await self._ctag(remote_id):
                return Changes((), (), cursor, whole=False)
            there, now, ctag = await self._listed(remote_id)
            if known and known == now:
                return Changes((), (), f"{_BY_ETAGS} {now} {ctag}", whole=False)
            return await self._fetched(remote_id, there, f"{_BY_ETAGS} {now} {ctag}", whole=True)

    async def read_live(
        self, remote_ids: Sequence[str], within: Period
    ) -> Mapping[str, Sequence[RemoteObject] | ConnectorError]:
        """What the server thinks touches the period. It may think wrongly of an event moved by THISANDFUTURE, which no
        server was seen to read right: what `changes` has brought counts too."""
        at_once = asyncio.Semaphore(AT_ONCE)
        body = events_within(max(0, within.start - MARGIN_S), within.end + MARGIN_S)

        async def read(remote_id: str) -> Sequence[RemoteObject] | ConnectorError:
            try:
                async with ending_in(self._deadline), at_once:
                    return await self._objects(remote_id, body)
            except ConnectorError as error:
                return error

        answers = await asyncio.gather(*map(read, remote_ids))
        return dict(zip(remote_ids, answers, strict=True))

    async def put(self, remote_id: str, write: EventWrite, expected: str | None = None) -> Written:
        answer = None
        async with ending_in(self._deadline):
            for _ in range(_ROUNDS):
                # Looked for first: SOGo overwrites in spite of If-None-Match, DAViCal keeps one UID under two names.
                found = await self._found(remote_id, write.key)
                if found is None and expected is not None:
                    raise ChangedElsewhere("the event was deleted")
                if found and expected != found.version and landed(found.ical, write.ical):
                    return Written(found.remote_key, found.version)  # an earlier attempt arrived
                if found and expected != found.version:
                    raise ChangedElsewhere("the event was changed", found.version, found.ical)
                url = absolute(remote_id, found.remote_key if found else own_key(remote_id, write.key))
                headers = {"Content-Type": "text/calendar; charset=utf-8", **_only_over(found)}
                answer = await self._client.ask("PUT", url, write.ical.encode(), headers)
                if answer.status // 100 == 2:
                    return await self._stored(remote_id, write, key_of(url), version_of(answer.headers.get("ETag")))
                if answer.status not in (409, 412):
                    raise await self._write_refused(remote_id, answer)
            raise _too_often(answer)

    async def delete(self, remote_id: str, key: str, expected: str | None = None) -> None:
        answer = None
        async with ending_in(self._deadline):
            for _ in range(_ROUNDS):
                try:
                    found = await self._found(remote_id, key)
                except Forbidden:
                    raise
                except CalendarGone:
                    return  # and everything in it
                if found is None:
                    return
                # Compared here as well: SOGo deletes in spite of If-Match.
                if expected not in (None, found.version):
                    raise ChangedElsewhere("the event was changed", found.version, found.ical)
                url = absolute(remote_id, found.remote_key)
                answer = await self._client.ask("DELETE", url, headers=_only_over(found))
                if answer.status // 100 == 2 or answer.status in (404, 410):
                    return
                if answer.status != 412:
                    raise await self._write_refused(remote_id, answer)
            raise _too_often(answer)

    async def watch(self, remote_id: str, watch_id: str, url: str, secret: str) -> Watch | None:
        return None  # what Nextcloud and Apple push is not for us

    async def unwatch(self, remote_id: str, watch: Watch) -> None:
        raise NotAccepted("CalDAV servers tell nobody of changes")

    async def _found(self, remote_id: str, key: str) -> RemoteObject | None:
        """What was put under `key`: by its name, else by its UID, for a server that has renamed it."""
        own = own_key(remote_id, key)
        named = (await self._batch(remote_id, [own], strict=False))[own]
        if named is not None:
            return named
        objects = await self._objects(remote_id, events_named(key))
        return next((each for each in objects if has_uid(each.ical, key)), None)

    async def _stored(self, remote_id: str, write: EventWrite, remote_key: str, version: str | None) -> Written:
        if version is None:  # Cyrus, when it sends invitations
            found = await self._found(remote_id, write.key)
            if found is None:
                raise ProviderUnavailable("the server took the event and does not show it")
            return Written(found.remote_key, found.version)
        return Written(remote_key, version)

    async def _write_refused(self, remote_id: str, answer: Answer) -> ConnectorError:
        error = refusal(answer)
        if isinstance(error, Forbidden):
            await self._client.multistatus("PROPFIND", remote_id, propfind([ETAG]), depth=0)  # or gone altogether
            return NotAccepted("the calendar may be read and no longer written")
        return error

    async def _objects(self, remote_id: str, body: bytes) -> list[RemoteObject]:
        found, at = await self._client.multistatus("REPORT", remote_id, body, depth=1)
        inside = members(remote_id, at, found)
        if inside.cut_off:
            raise ProviderUnavailable("the server has cut its answer off")
        return [_object(key, row) for key, row in inside.rows.items()]

    async def _batch(
        self, remote_id: str, keys: Sequence[str], *, strict: bool = True
    ) -> dict[str, RemoteObject | None]:
        """These objects, None for those that are gone. `strict`: one that the answer leaves out is no answer."""
        try:
            found, at = await self._client.multistatus("REPORT", remote_id, multiget(keys), depth=1)
        except TooLarge:
            if len(keys) == 1:
                raise
            middle = len(keys) // 2
            return await self._batch(remote_id, keys[:middle]) | await self._batch(remote_id, keys[middle:])
        rows = members(remote_id, at, found).rows
        if strict and not rows.keys() >= set(keys):
            raise ProviderUnavailable("the server leaves out objects that it has named")
        there = {key: row for key, row in rows.items() if row.status not in (404, 410)}
        return {key: _object(key, there[key]) if key in there else None for key in keys}

    async def _fetched(self, remote_id: str, there: Mapping[str, bool], cursor: str, *, whole: bool) -> Changes:
        wanted = [key for key, still in there.items() if still]
        objects: dict[str, RemoteObject | None] = {key: None for key, still in there.items() if not still}
        for first in range(0, len(wanted), BATCH):
            found = await self._batch(remote_id, wanted[first : first + BATCH])
            if None in found.values():
                # Deleted this moment, which the next round tells; or one that cannot be had by its name (SOGo, names
                # with an escape), and that must not count as gone.
                raise ProviderUnavailable("the server has named an object that it does not give")
            objects |= found
        changed = tuple(found for found in objects.values() if found)
        return Changes(changed, tuple(key for key, found in objects.items() if not found), cursor, whole)

    async def _synced(self, remote_id: str, since: str) -> tuple[dict[str, bool], str] | None:
        """Which objects changed, whether each is still there, and the next token. None: not since this one."""
        there: dict[str, bool] = {}
        for _ in range(_PAGES):
            answer = await self._client.ask_xml("REPORT", remote_id, sync_collection(since), depth=0)
            if answer.status in _NO_SYNC:
                return None
            found = await read(answer)
            inside = members(remote_id, answer.url, found)
            there |= {key: row.status not in (404, 410) for key, row in inside.rows.items()}
            if not found.up_to:
                return None
            if not inside.cut_off:
                return there, found.up_to
            if found.up_to == since:
                break
            since = found.up_to
        raise ProviderUnavailable("the server cuts its answer off and never comes to an end")

    async def _ctag(self, remote_id: str) -> str:
        """Changes with whatever is in the calendar; empty where the server has none."""
        found, at = await self._client.multistatus("PROPFIND", remote_id, propfind([CTAG]), depth=0)
        return members(remote_id, at, found).ctag

    async def _listed(self, remote_id: str) -> tuple[dict[str, bool], str, str]:
        """All objects, a digest of their ETags, and the CTag; both empty where they tell nothing."""
        found, at = await self._client.multistatus("PROPFIND", remote_id, propfind([ETAG, CTAG]), depth=1)
        inside = members(remote_id, at, found)
        if inside.cut_off:
            raise ProviderUnavailable("the server has cut its answer off")
        versions = [f"{key} {row.text(ETAG)}" for key, row in sorted(inside.rows.items())]
        known = all(row.text(ETAG) for row in inside.rows.values())
        digest = sha256("\n".join(versions).encode()).hexdigest() if known else ""
        return dict.fromkeys(inside.rows, True), digest, inside.ctag


def _object(key: str, row: Row) -> RemoteObject:
    ical = row.text(DATA)
    if row.status // 100 != 2 or ical is None:
        raise ProviderUnavailable("the server names an object and does not give it")
    return RemoteObject(key, version_of(row.text(ETAG)), ical)


def _only_over(found: RemoteObject | None) -> dict[str, str]:
    """The condition under which something may be written where `found` is."""
    if found is None:
        return {"If-None-Match": "*"}
    return {"If-Match": found.version} if found.version else {}


def _too_often(answer: Answer | None) -> ConnectorError:
    """It was changed between looking and writing, again and again; or its UID is taken where we cannot see it."""
    if answer and (answer.status == 409 or any(rule.endswith("}no-uid-conflict") for rule in refused_by(answer.body))):
        return NotAccepted("the server has the UID in another place")
    return ProviderUnavailable("the event changes faster than it can be written")
