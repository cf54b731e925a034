"""A CalDAV server in this process that behaves as badly as real ones were seen to (docs/add-a-connector.md).

It knows just what our connector asks. One user, alice, whose calendars lie under /dav/alice/.
"""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from urllib.parse import quote, unquote

from aiohttp import web

from slotlink.ical import expand, read_calendar

D, C = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}"
MISSING = "HTTP/1.1 404 Not Found"


@dataclass(frozen=True)
class Quirks:
    """overwrites      PUT ignores If-None-Match, DELETE ignores If-Match (SOGo)
    forgets         answers a token that it does not know with everything (DAViCal, SOGo)
    refuses         the status for such a token otherwise
    uids_twice      takes one UID under two names (DAViCal)
    silent_put      no ETag in the answer to PUT (Cyrus, where it sends invitations)
    leaves_out      no row for an object that is gone (DAViCal)
    page            rows in one answer of sync-collection, then 507 (Cyrus)
    sync, ctag      whether there is sync-collection, and a CTag
    hides           names its objects and gives none
    read_only       403 for whoever writes into a calendar
    lists_itself    rows for the collection and for one within it
    outboxes        its calendars are outboxes too, and an inbox lies beside them (SOGo)
    halves          writes what has no place in 16 bits as two halves, and reads no name beyond an entity (SOGo)
    hangs_up        closes a connection when it is used again, without having said so (SOGo)
    """

    overwrites: bool = False
    forgets: bool = False
    refuses: int = 403
    uids_twice: bool = False
    silent_put: bool = False
    leaves_out: bool = False
    page: int = 1_000
    sync: bool = True
    ctag: bool = True
    lists_itself: bool = False
    read_only: bool = False
    hides: bool = False
    outboxes: bool = False
    halves: bool = False
    hangs_up: bool = False


@dataclass
class Calendar:
    properties: str
    objects: dict[str, tuple[int, str]] = field(default_factory=dict[str, tuple[int, str]])
    gone: dict[str, int] = field(default_factory=dict[str, int])


class QuirkyServer:
    """Only requests with alice's `password` are answered. `meanwhile` happens once, just before the next
    write is looked at."""

    home = "/dav/alice/"

    def __init__(self, quirks: Quirks) -> None:
        self.quirks = quirks
        self.password = "pw1"
        self.calendars: dict[str, Calendar] = {}
        self.url = ""
        self.meanwhile: Callable[[], None] | None = None
        self.asked: list[tuple[str, str]] = []  # method and depth
        self._step = 0
        self._used: set[object] = set()

    def let_in(self, password: str) -> None:
        self.password = password

    async def answer(self, request: web.Request) -> web.Response:
        if self.quirks.hangs_up and request.transport in self._used:
            assert request.transport
            request.transport.close()
        self._used.add(request.transport)
        answer = await self._answer(request)
        if self.quirks.halves and answer.text and answer.status == 207:
            answer.text = re.sub("[\U00010000-\U0010ffff]", _halves, answer.text)
        return answer

    async def _answer(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != _basic("alice", self.password):
            return web.Response(status=401)
        path = unquote(request.rel_url.raw_path)
        self.asked.append((request.method, request.headers.get("Depth", "")))
        body = await request.text()
        self._step += 1
        if request.method == "PROPFIND":
            return self._propfind(path, request.headers["Depth"])
        if request.method == "MKCALENDAR":
            properties = "".join(re.findall(r"(?s)<D:prop>(.*)</D:prop>", body))
            self.calendars[path] = Calendar(properties.replace("mkcalendar", ""))
            return web.Response(status=201)
        if request.method == "DELETE" and path in self.calendars:
            del self.calendars[path]
            return web.Response(status=204)
        folder, _, name = path.rpartition("/")
        calendar = self.calendars.get(f"{folder}/")
        if calendar is None:
            return web.Response(status=404)
        if request.method == "REPORT":
            named = re.sub("(<D:href>[^<&]*)&[^<]*", r"\1", body) if self.quirks.halves else body
            return self._report(path, calendar, ET.fromstring(named))
        if self.meanwhile:
            self.meanwhile, happens = None, self.meanwhile
            happens()
        if self.quirks.read_only:
            return web.Response(status=403)
        if request.method == "PUT":
            return self._put(calendar, name, body, request)
        return self._delete(calendar, name, request)

    def store(self, path: str, name: str, ical: str) -> int:
        """As another client does. Returns the version."""
        self._step += 1
        self.calendars[path].objects[name] = (self._step, ical)
        return self._step

    def _propfind(self, path: str, depth: str) -> web.Response:
        if path in ("/", "/.well-known/caldav"):
            rows = [_row(path, "<D:current-user-principal><D:href>/dav/who/</D:href></D:current-user-principal>")]
        elif path == "/dav/who/":
            addresses = "<D:href>mailto:Alice@Example.test</D:href><D:href>/dav/who/</D:href>"
            told = f"<C:calendar-user-address-set>{addresses}</C:calendar-user-address-set>"
            home = f"<C:calendar-home-set><D:href>{self.home}</D:href></C:calendar-home-set>"
            rows = [_row(path, told + home)]
        elif path == self.home:
            outbox = "<C:schedule-outbox/>" if self.quirks.outboxes else ""
            kinds = f"<D:resourcetype><D:collection/><C:calendar/>{outbox}</D:resourcetype>"
            rows = [_row(path, "<D:resourcetype><D:collection/></D:resourcetype>")]
            if self.quirks.outboxes:
                rows.append(
                    _row(f"{path}inbox/", "<D:resourcetype><D:collection/><C:schedule-inbox/></D:resourcetype>")
                )
            rows += [_row(each, kinds + calendar.properties) for each, calendar in self.calendars.items()]
        elif calendar := self.calendars.get(path):
            last = max((step for step, _ in calendar.objects.values()), default=0)
            ctag = f"<S:getctag>{last}-{len(calendar.gone)}</S:getctag>" if self.quirks.ctag else ""
            rows = [_row(path, ctag)]
            rows += [_row(path + name, _etag(step)) for name, (step, _) in calendar.objects.items() if depth == "1"]
        else:
            return web.Response(status=404)
        return _multistatus(rows)

    def _report(self, path: str, calendar: Calendar, asked: ET.Element) -> web.Response:
        if asked.tag == f"{D}sync-collection":
            return self._sync(path, calendar, asked.findtext(f"{D}sync-token") or "")
        if asked.tag == f"{C}calendar-multiget":
            names = [unquote(href.text or "").removeprefix(path) for href in asked.findall(f"{D}href")]
        else:
            uid = (asked.findtext(f".//{C}text-match") or "") if asked.find(f".//{C}prop-filter") is not None else ""
            names = [name for name, (_, ical) in calendar.objects.items() if uid in read_calendar(ical)[0][0].uid]
            if (span := asked.find(f".//{C}time-range")) is not None:
                start, end = (_instant(span.attrib[name]) for name in ("start", "end"))
                names = [name for name in names if expand(calendar.objects[name][1], "UTC", start, end)]
        rows: list[str] = []
        for name in [] if self.quirks.hides else names:
            if found := calendar.objects.get(name):
                rows.append(
                    _row(path + name, f"{_etag(found[0])}<C:calendar-data>{escape(found[1])}</C:calendar-data>")
                )
            elif not self.quirks.leaves_out:
                rows.append(_row(path + name))
        return _multistatus(rows)

    def _sync(self, path: str, calendar: Calendar, token: str) -> web.Response:
        if not self.quirks.sync:
            return web.Response(status=501)
        known = re.fullmatch(r"urn:step:(\d{1,9})", token)
        if token and not known and not self.quirks.forgets:
            return web.Response(status=self.quirks.refuses, text=_INVALID_TOKEN, content_type="application/xml")
        since = int(known[1]) if known else 0
        steps = {name: step for name, (step, _) in calendar.objects.items()} | calendar.gone
        new = sorted((step, name) for name, step in steps.items() if step > since)
        shown, cut = new[: self.quirks.page], len(new) > self.quirks.page
        rows = [
            _row(path + name, _etag(step)) if name in calendar.objects else _row(path + name) for step, name in shown
        ]
        if self.quirks.lists_itself:
            rows += [_row(path, "<D:resourcetype><D:collection/></D:resourcetype>"), _row(path + "attachments/", "")]
        rows += [_row(path, status="HTTP/1.1 507 Insufficient Storage")] if cut else []
        following = shown[-1][0] if cut else self._step
        return _multistatus(rows, f"<D:sync-token>urn:step:{following}</D:sync-token>")

    def _put(self, calendar: Calendar, name: str, ical: str, request: web.Request) -> web.Response:
        wanted, only_new = request.headers.get("If-Match"), request.headers.get("If-None-Match") == "*"
        found = calendar.objects.get(name)
        if (wanted and (not found or wanted != f'"{found[0]}"')) or (only_new and found and not self.quirks.overwrites):
            return web.Response(status=412)
        uid = read_calendar(ical)[0][0].uid
        others = [read_calendar(text)[0][0].uid for each, (_, text) in calendar.objects.items() if each != name]
        if uid in others and not self.quirks.uids_twice:
            return web.Response(status=409, text=_UID_CONFLICT, content_type="application/xml")
        self._step += 1
        calendar.objects[name] = (self._step, ical.replace("PRODID:-//Slotlink//Slotlink//EN", "PRODID:-//Quirky//EN"))
        calendar.gone.pop(name, None)
        headers = {} if self.quirks.silent_put else {"ETag": f'"{self._step}"'}
        return web.Response(status=204 if found else 201, headers=headers)

    def _delete(self, calendar: Calendar, name: str, request: web.Request) -> web.Response:
        found, wanted = calendar.objects.get(name), request.headers.get("If-Match")
        if not found:
            return web.Response(status=404)
        if wanted and wanted != f'"{found[0]}"' and not self.quirks.overwrites:
            return web.Response(status=412)
        del calendar.objects[name]
        calendar.gone[name] = self._step
        return web.Response(status=204)


@asynccontextmanager
async def quirky(quirks: Quirks) -> AsyncGenerator[QuirkyServer]:
    server = QuirkyServer(quirks)
    runner = web.ServerRunner(web.Server(server.answer), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


_NAMESPACES = (
    'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:A="http://apple.com/ns/ical/"'
    ' xmlns:S="http://calendarserver.org/ns/"'
)
_INVALID_TOKEN = '<error xmlns="DAV:"><valid-sync-token/></error>'
_UID_CONFLICT = '<error xmlns="DAV:"><no-uid-conflict xmlns="urn:ietf:params:xml:ns:caldav"/></error>'


def _halves(found: re.Match[str]) -> str:
    high, low = divmod(ord(found[0]) - 0x10000, 0x400)
    return f"&#{0xD800 + high};&#{0xDC00 + low};"


def _row(path: str, properties: str | None = None, status: str = MISSING) -> str:
    href = f"<D:href>{quote(path)}</D:href>"
    if properties is None:
        return f"<D:response>{href}<D:status>{status}</D:status></D:response>"
    told = f"<D:propstat><D:prop>{properties}</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
    return f"<D:response>{href}{told}</D:response>"


def _instant(text: str) -> int:
    return round(datetime.strptime(text, "%Y%m%dT%H%M%S%z").timestamp())


def _etag(step: int) -> str:
    return f'<D:getetag>"{step}"</D:getetag>'


def _multistatus(rows: list[str], more: str = "") -> web.Response:
    text = f"<D:multistatus {_NAMESPACES}>{''.join(rows)}{more}</D:multistatus>"
    return web.Response(status=207, text=text, content_type="application/xml", charset="utf-8")


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
