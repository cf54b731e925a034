"""WebDAV and CalDAV as text: the XML we ask with, and plain values from what comes back (RFC 4918, 4791, 6578). Pure.

Whatever an answer says that is none raises ProviderUnavailable, so that it is never taken for an empty calendar.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from ipaddress import IPv6Address
from typing import Any, cast
from urllib.parse import quote, unquote, unquote_to_bytes, urljoin, urlsplit, urlunsplit

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from slotlink.errors import NotAccepted, ProviderUnavailable

DAV = "{DAV:}"
CALDAV = "{urn:ietf:params:xml:ns:caldav}"
APPLE = "{http://apple.com/ns/ical/}"
CALENDARSERVER = "{http://calendarserver.org/ns/}"

ETAG, DATA, CTAG = f"{DAV}getetag", f"{CALDAV}calendar-data", f"{CALENDARSERVER}getctag"
KINDS = f"{DAV}resourcetype"

MOST_MARKS = 1_000_000  # of `<`, and of quotes, in one answer: they bound the memory that elements and attributes take

_PLAIN = "!$()*+,;=:@-._~"
"""What a segment of a path may hold as it is (RFC 3986 3.3), without what XML has to escape: SOGo reads a name no
further than that."""
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f.:]+")
_PAIR = re.compile(rb"&#(5[5-6]\d{3});&#(5[6-7]\d{3});")
_STATUS = re.compile(r"\s*HTTP/\d+(?:\.\d+)?\s+(\d{3})\b")


# What is asked


def propfind(names: Iterable[str]) -> bytes:
    return _document("D:propfind", f"<D:prop>{''.join(map(_empty, names))}</D:prop>")


def sync_collection(token: str) -> bytes:
    """Names and versions of what changed since `token`; of everything for an empty one (RFC 6578 3.2).

    Never with DAV:limit: Xandikos cuts the answer and does not say so."""
    told = f"<D:sync-token>{_text(token)}</D:sync-token><D:sync-level>1</D:sync-level>"
    return _document("D:sync-collection", f"{told}<D:prop>{_empty(ETAG)}</D:prop>")


def multiget(keys: Iterable[str]) -> bytes:
    """These objects whole (RFC 4791 7.9)."""
    hrefs = "".join(f"<D:href>{_text(key)}</D:href>" for key in keys)
    return _document("C:calendar-multiget", f"{_WHOLE}{hrefs}")


def events_within(start: int, end: int) -> bytes:
    """Whole objects with an event that touches [start, end), UTC seconds (RFC 4791 7.8, 9.9)."""
    return _query(f'<C:time-range start="{_utc(start)}" end="{_utc(end)}"/>')


def events_named(uid: str) -> bytes:
    """Objects whose UID has `uid` in it: a text-match is one of substrings (RFC 4791 9.7.5)."""
    match = f'<C:text-match collation="i;octet">{_text(uid)}</C:text-match>'
    return _query(f'<C:prop-filter name="UID">{match}</C:prop-filter>')


def _query(condition: str) -> bytes:
    event = f'<C:comp-filter name="VEVENT">{condition}</C:comp-filter>'
    return _document(
        "C:calendar-query", f'{_WHOLE}<C:filter><C:comp-filter name="VCALENDAR">{event}</C:comp-filter></C:filter>'
    )


_NAMESPACES = {"D": DAV, "C": CALDAV, "A": APPLE, "S": CALENDARSERVER}


def _document(root: str, inside: str) -> bytes:
    known = " ".join(f'xmlns:{prefix}="{name[1:-1]}"' for prefix, name in _NAMESPACES.items())
    text = f'<?xml version="1.0" encoding="utf-8"?>\n<{root} {known}>{inside}</{root}>'
    return text.encode()


def _empty(name: str) -> str:
    space, _, local = name.rpartition("}")
    prefix = next(prefix for prefix, known in _NAMESPACES.items() if known == space + "}")
    return f"<{prefix}:{local}/>"


def _text(text: str) -> str:
    """What XML cannot hold in any spelling becomes a question mark: no server knows it then, and none stumbles."""
    return escape(re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", text))


def _utc(instant: int) -> str:
    return datetime.fromtimestamp(instant, UTC).strftime("%Y%m%dT%H%M%SZ")


_WHOLE = f"<D:prop>{_empty(ETAG)}{_empty(DATA)}</D:prop>"


# What is answered


@dataclass(frozen=True, slots=True)
class Row:
    """What an answer says of one resource. `status` is the resource's own, 200 where only its properties have one.

    A property that the server does not have, or refuses, is absent."""

    href: str
    status: int
    properties: Mapping[str, ET.Element]

    def text(self, name: str) -> str | None:
        """None where the property is absent or blank."""
        element = self.properties.get(name)
        text = "" if element is None else "".join(element.itertext())
        return text if text.strip() else None

    def hrefs(self, name: str) -> list[str]:
        element = self.properties.get(name)
        found = [] if element is None else element.findall(f"{DAV}href")
        return [each.text.strip() for each in found if each.text and each.text.strip()]

    def kinds(self, name: str) -> list[str]:
        """The names of the elements inside."""
        element = self.properties.get(name)
        return [] if element is None else [each.tag for each in element]

    def under(self, name: str, tag: str) -> list[ET.Element]:
        element = self.properties.get(name)
        return [] if element is None else list(element.iter(tag))


@dataclass(frozen=True, slots=True)
class Multistatus:
    """`up_to`: the sync-token that the answer reaches to (RFC 6578 6.2)."""

    rows: list[Row]
    up_to: str | None


def read_multistatus(body: bytes) -> Multistatus:
    """Raises ProviderUnavailable for whatever is no whole multistatus (RFC 4918 13)."""
    root = _parse(body)
    if root.tag != f"{DAV}multistatus":
        raise ProviderUnavailable("the answer is no multistatus")
    rows = [row for response in root.findall(f"{DAV}response") for row in _rows(response)]
    token = (root.findtext(f"{DAV}sync-token") or "").strip()
    return Multistatus(rows, token or None)


def refused_by(body: bytes) -> list[str]:
    """The rules that an error says were broken (RFC 4918 16); none where the body is something else."""
    try:
        root = _parse(body)
    except ProviderUnavailable:
        return []
    # Beside them stand what sabre/dav calls its exception, and its message.
    return [each.tag for each in root if each.tag.startswith((DAV, CALDAV))] if root.tag == f"{DAV}error" else []


def _parse(body: bytes) -> ET.Element:
    if body.count(b"<") > MOST_MARKS or body.count(b'"') + body.count(b"'") > MOST_MARKS:
        raise ProviderUnavailable("the answer has more elements than we read")
    # UTF-8 whatever the text declares: in other encodings the marks could not be counted. And all of it at once:
    # a token that comes in many pieces costs this expat quadratic time.
    body = _PAIR.sub(_character, body)
    parser = cast("Any", DefusedXMLParser(target=ET.TreeBuilder(), encoding="utf-8", forbid_dtd=True))
    try:
        parser.feed(body)
        return cast("ET.Element", parser.close())
    except (ET.ParseError, DefusedXmlException, ValueError, AssertionError) as error:
        raise ProviderUnavailable(f"the answer is no XML that we read: {type(error).__name__}") from error


def _character(pair: re.Match[bytes]) -> bytes:
    """What SOGo writes as the two halves that UTF-16 has for it, of which XML knows neither (XML 1.0 2.2)."""
    high, low = int(pair[1]), int(pair[2])
    if not (0xD800 <= high < 0xDC00 <= low < 0xE000):
        return pair[0]
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)).encode()


def _rows(response: ET.Element) -> Iterable[Row]:
    hrefs = [(each.text or "").strip() for each in response.findall(f"{DAV}href")]
    parts = response.findall(f"{DAV}propstat")
    own = response.find(f"{DAV}status")
    if not hrefs or not all(hrefs) or (own is None and not parts):
        raise ProviderUnavailable("the answer has a response without an address or a status")
    status = 200 if own is None else _status(own)
    properties: dict[str, ET.Element] = {}
    for part in parts:
        if _status(part.find(f"{DAV}status")) // 100 == 2:
            properties |= {each.tag: each for prop in part.findall(f"{DAV}prop") for each in prop}
    return [Row(href, status, properties) for href in hrefs]


def _status(element: ET.Element | None) -> int:
    match = _STATUS.match("" if element is None else element.text or "")
    if not match:
        raise ProviderUnavailable("the answer has a status that is none")
    return int(match[1])


@dataclass(frozen=True, slots=True)
class Members:
    """What an answer says of the objects in a collection, by their keys. `cut_off`: there are more."""

    rows: dict[str, Row]
    cut_off: bool
    ctag: str


def members(collection: str, at: str, found: Multistatus) -> Members:
    """`collection` is the address that was asked, `at` the one that answered."""
    own = {key_of(each).rstrip("/") for each in (collection, at)}
    keys = [(key_of(absolute(at, row.href)), row) for row in found.rows]
    about = [row for key, row in keys if key.rstrip("/") in own]
    # What ends in a slash is a collection within this one, and none of its objects.
    rows = {key: row for key, row in keys if key.rstrip("/") not in own and not key.endswith("/")}
    ctag = next((text for row in about if (text := row.text(CTAG))), "")
    return Members(rows, any(row.status // 100 != 2 for row in about), ctag.strip())


# Addresses


def absolute(base: str, href: str) -> str:
    """`href` as it is meant at `base`, without user, password and fragment. Raises NotAccepted.

    Escapes of the server stay as they are; what nobody may send raw (spaces, letters of other scripts) is escaped."""
    try:
        found = urlsplit(urljoin(base, quote(href.strip(), safe="/?#[]%&'" + _PLAIN)))
        # Escaped with the rest: names in other scripts are written in another way (RFC 3490).
        host, port = unquote(found.hostname or "").encode("idna").decode(), found.port
        if ":" in host:  # in another script a colon may have become one on the way
            IPv6Address(host)
    except ValueError as error:
        raise NotAccepted("the server names an address that is none") from error
    if found.scheme not in ("http", "https") or not _HOST.fullmatch(host):
        raise NotAccepted("the server names an address that is none of http or https")
    name = f"[{host}]" if ":" in host else host
    own_port = port in (None, 443 if found.scheme == "https" else 80)
    return urlunsplit((found.scheme, name if own_port else f"{name}:{port}", found.path or "/", found.query, ""))


def key_of(href: str) -> str:
    """The path of an address, spelt in one way: servers write one name now as `%40` and now as `@`."""
    return "/".join(quote(unquote_to_bytes(part), safe=_PLAIN) for part in urlsplit(href).path.split("/"))


def own_key(collection: str, key: str) -> str:
    """Under which name we put what is ours."""
    return f"{key_of(collection).rstrip('/')}/{quote(key, safe=_PLAIN)}.ics"


def version_of(etag: str | None) -> str | None:
    """An ETag as it is compared and sent back. A proxy that compresses makes strong ones weak; their server does not
    know them then."""
    return (etag or "").strip().removeprefix("W/") or None


def may_follow(at: str, to: str, *, named: bool = False) -> bool:
    """Whether credentials for `at` may be sent to `to`, both absolute: the same host, and never from https to http.

    `named`: a server that has proven its name may name another for a principal or a home, as iCloud does."""
    here, there = urlsplit(at), urlsplit(to)
    if there.scheme == "http":
        return here.scheme == "http" and here.netloc == there.netloc
    same = here.netloc == there.netloc or (here.scheme == "http" and here.hostname == there.hostname)
    return same or (named and here.scheme == "https")
