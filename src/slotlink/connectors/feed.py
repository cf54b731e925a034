"""Calendars that are published as iCalendar feeds: an address, read and never written (docs/add-a-connector.md)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import cast
from urllib.parse import urlsplit

import aiohttp

from slotlink.connectors.base import Changes, EventWrite, RemoteCalendar, RemoteObject, Watch, Written
from slotlink.connectors.bounds import LARGE, beside, ending_in
from slotlink.connectors.feed_client import Validators, fetch, places
from slotlink.connectors.feed_objects import Feed, read_feed
from slotlink.engine import Period
from slotlink.errors import CalendarGone, ConnectorError, NotAccepted, ProviderUnavailable

DEADLINE_S = 5.0  # for what somebody waits for
SYNC_DEADLINE_S = 60.0  # for `changes` and `list_calendars`

_CURSOR = "feed-1 "  # how a cursor begins; a number that is not ours means a whole read
_DIGEST = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Which objects there were, and what the server knows that version by. At most about 600 characters."""

    digest: str
    validators: Validators

    def __str__(self) -> str:
        return _CURSOR + json.dumps([self.validators.etag, self.validators.modified, self.digest])


class FeedConnector:
    """One feed, whose `address` is as its reader typed it: https, http or webcal. It is a secret to most providers, so
    the calendar is called by a digest of it, and no error names it.

    The session brings the address guard, for every redirect too, and is closed by `close`. It should keep no cookies;
    its time-outs may be as long as they like, because every method has one deadline for everything it does."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        address: str,
        *,
        deadline: float = DEADLINE_S,
        sync_deadline: float = SYNC_DEADLINE_S,
    ) -> None:
        self._session = session
        self._address = address
        self._remote_id = sha256(address.strip().encode("utf-8", "replace")).hexdigest()[:32]
        self._deadline, self._sync_deadline = deadline, sync_deadline

    async def close(self) -> None:
        await self._session.close()

    async def list_calendars(self) -> list[RemoteCalendar]:
        """The one there is; none where there is no feed any more, or never was: whoever connects looks."""
        host = urlsplit(places(self._address)[0]).hostname or ""
        try:
            feed, _ = await self._whole(self._sync_deadline)
        except CalendarGone:
            return []
        return [RemoteCalendar(self._remote_id, feed.name or host, feed.tzid, False, True, owner_addresses=())]

    async def changes(self, remote_id: str, cursor: str | None) -> Changes:
        """Always `whole`, unless nothing changed."""
        self._check(remote_id)
        known = _parse_cursor(cursor)
        found = await self._read(known.validators if known else Validators(), self._sync_deadline)
        if found is None:
            return Changes((), (), cursor, whole=False)
        feed, validators = found
        now = str(_Cursor(feed.digest, validators))
        if known and known.digest == feed.digest:
            return Changes((), (), now, whole=False)
        return Changes(feed.objects, (), now, whole=True)

    async def read_live(
        self, remote_ids: Sequence[str], within: Period
    ) -> Mapping[str, Sequence[RemoteObject] | ConnectorError]:
        """The whole feed, whatever the period: nothing less can be asked for, and what touches it is not ours to say.

        No validator goes along: some servers take any for the newest."""

        async def read(remote_id: str) -> Sequence[RemoteObject] | ConnectorError:
            try:
                self._check(remote_id)
                return (await self._whole(self._deadline))[0].objects
            except ConnectorError as error:
                return error

        return {remote_id: await read(remote_id) for remote_id in dict.fromkeys(remote_ids)}

    async def put(self, remote_id: str, write: EventWrite, expected: str | None = None) -> Written:
        raise NotAccepted("feeds are read only")

    async def delete(self, remote_id: str, key: str, expected: str | None = None) -> None:
        raise NotAccepted("feeds are read only")

    async def watch(self, remote_id: str, watch_id: str, url: str, secret: str) -> Watch | None:
        return None

    async def unwatch(self, remote_id: str, watch: Watch) -> None:
        raise NotAccepted("feeds tell nobody of changes")

    def _check(self, remote_id: str) -> None:
        if remote_id != self._remote_id:
            raise CalendarGone("the feed's address is another one")

    async def _whole(self, seconds: float) -> tuple[Feed, Validators]:
        found = await self._read(Validators(), seconds)
        if found is None:
            raise ProviderUnavailable("the server compares with a version that it was not told of")
        return found

    async def _read(self, known: Validators, seconds: float) -> tuple[Feed, Validators] | None:
        """None: it is still what has these validators. One deadline for all of it."""
        async with ending_in(seconds):
            fetched = await fetch(self._session, self._address, known)
            if fetched is None:
                return None
            return await beside(len(fetched.body) > LARGE, read_feed, fetched.body), fetched.validators


def _parse_cursor(cursor: str | None) -> _Cursor | None:
    """None for what is no cursor of ours."""
    if cursor is None or not cursor.startswith(_CURSOR):
        return None
    try:
        etag, modified, digest = cast("list[object]", json.loads(cursor.removeprefix(_CURSOR)))
    except (ValueError, TypeError, RecursionError):
        return None
    if not (isinstance(digest, str) and _DIGEST.fullmatch(digest) and _sendable(etag) and _sendable(modified)):
        return None
    return _Cursor(digest, Validators(cast("str | None", etag), cast("str | None", modified)))


def _sendable(validator: object) -> bool:
    return validator is None or (isinstance(validator, str) and validator.isascii() and validator.isprintable())
