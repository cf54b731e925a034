"""A published iCalendar feed on a port of its own: what servers of feeds do with conditions, redirects and stamps.

From RFC 9110 (8.8, 13.1, 13.2.2), RFC 7986 and RFC 5545; where it says so, from what was reported of real ones.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from email.utils import formatdate, parsedate_to_datetime
from hashlib import sha256

from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from tests.doubles.service import Asked, Service

PATH = "/private-5ec7e7/basic.ics"  # as long as nobody else knows it
OLD = "/old/basic.ics"  # where it was before
_AGE_S = 100_000  # of the feed when it is first asked for; uvicorn writes the real time as Date


class FeedDouble(Service):
    """etag, modified  which validators it sends, and knows again
    stamps          DTSTAMP is the moment of the request (reported of Google and Outlook: nextcloud/server#58193)
    any_is_newest   304 for every If-Modified-Since (reported: jsenecal/netbox-notices#67)
    status          answered to everything, instead
    name, zone      X-WR-CALNAME and X-WR-TIMEZONE, left out where they are empty
    """

    def __init__(self, *, etag: bool = False, modified: bool = False, stamps: bool = False) -> None:
        super().__init__()
        self.etag, self.modified, self.stamps = etag, modified, stamps
        self.any_is_newest = False
        self.status: int | None = None
        self.name, self.zone = "Büro\\, Nord", "Europe/Berlin"
        self.events: dict[str, str] = {}  # by UID, the text of its VEVENTs
        self.changed_at = int(time.time()) - _AGE_S
        self._requests = 0

    @property
    def address(self) -> str:
        return self.url + PATH

    def routes(self) -> Sequence[BaseRoute]:
        return [self.route(PATH, self._feed, "GET"), self.route(OLD, self._moved, "GET")]

    def change(self, uid: str, events: str | None) -> None:
        """None: there is no such event any more."""
        with self.lock:
            self.changed_at += 1
            self.events.pop(uid, None)
            if events is not None:
                self.events[uid] = events

    def text(self) -> str:
        head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Feed//EN", "CALSCALE:GREGORIAN"]
        head += [f"X-WR-CALNAME:{self.name}"] if self.name else []
        head += [f"X-WR-TIMEZONE:{self.zone}"] if self.zone else []
        events = "".join(self.events.values())
        if self.stamps:
            events = re.sub(r"(?m)^DTSTAMP:.*?(?=\r?$)", f"DTSTAMP:20270101T{self._requests:06}Z", events)
        return "\r\n".join([*head, events + "END:VCALENDAR", ""])

    def _moved(self, asked: Asked) -> Response:
        return RedirectResponse(PATH, status_code=301)

    def _feed(self, asked: Asked) -> Response:
        if self.status is not None:
            return Response(status_code=self.status)
        self._requests += 1
        body = self.text().encode()
        told: dict[str, str] = {}
        if self.etag:
            told["ETag"] = f'"{sha256(body).hexdigest()[:16]}"'
        if self.modified:
            told["Last-Modified"] = formatdate(self.changed_at, usegmt=True)
        if self._unchanged(asked.call.headers, told):
            return Response(status_code=304, headers=told)
        return Response(body, headers=told, media_type="text/calendar")

    def _unchanged(self, headers: dict[str, str], told: dict[str, str]) -> bool:
        """If-None-Match goes before If-Modified-Since (RFC 9110 13.2.2)."""
        if (known := headers.get("if-none-match")) is not None:
            return known == told.get("ETag")
        if (since := headers.get("if-modified-since")) is None:
            return False
        return self.any_is_newest or (self.modified and self.changed_at <= parsedate_to_datetime(since).timestamp())


class FeedPerson:
    """Whose calendar the feed shows; `Person` of the connector contract."""

    def __init__(self, feed: FeedDouble) -> None:
        self._feed = feed

    async def plant(self, ical: str) -> None:
        events = re.findall(r"(?s)BEGIN:VEVENT\r\n.*?END:VEVENT\r\n", ical)
        uid = re.search(r"(?m)^UID:(.*?)\r?$", re.sub(r"\r\n[ \t]", "", ical))
        assert events and uid
        self._feed.change(uid[1], "".join(events))

    async def remove(self, uid: str) -> None:
        assert uid in self._feed.events
        self._feed.change(uid, None)

    async def delete_calendar(self) -> None:
        self._feed.status = 410

    async def break_access(self) -> None:
        self._feed.status = 403

    def lose_next_answer(self) -> None:
        raise AssertionError("nothing is written to a feed")
