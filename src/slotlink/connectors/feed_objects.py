"""What a feed says: its name, its zone, and its events as the objects of base.py. Pure.

Nothing is understood here but where an event begins and which of two versions counts; what a time or a rule means,
and whether it can be read at all, is found by whoever expands the object, as with every other provider.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from slotlink.connectors.base import RemoteObject
from slotlink.errors import NotAccepted, ProviderUnavailable
from slotlink.ical import InvalidCalendar
from slotlink.ical.lines import HEAD, Component, by_uid, fold, split_calendar
from slotlink.ical.zones import iana_name

MOST_EVENTS = 50_000
MOST_LINES = 1_000_000  # a line takes a hundred bytes of memory, however short it is
MOST_TEXT = 60_000_000
"""Characters of all objects. A zone stands in each object that needs it: a long one, named by many short events, would
become thousands of times what was sent."""

_TOO_MANY = f"the feed has more than {MOST_EVENTS} events or {MOST_LINES} lines"
_LONGEST_KEY, _LONGEST_NAME = 500, 200  # characters
_DIGEST = "sha256:"  # how a key begins that is none of the feed's own UIDs
_HEADER = re.compile(r"\s*([A-Z-]+)(?:;[^:]*)?:(.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Feed:
    """`name` and `tzid` (IANA) are None where the feed has none. `digest` changes whenever an object does."""

    name: str | None
    tzid: str | None
    objects: tuple[RemoteObject, ...]
    digest: str


def read_feed(body: bytes) -> Feed:
    """Raises ProviderUnavailable for what is no calendar or not all of one, NotAccepted for one that we do not read."""
    text = _whole(body)
    try:
        head, zones, components = split_calendar(text)
        if len(components) > MOST_EVENTS:  # in another spelling than the usual one
            raise NotAccepted(_TOO_MANY)
        headers = _headers(head)
        objects = _objects(headers.get("X-WR-TIMEZONE", ""), zones, components)
    except InvalidCalendar as error:
        # What it quotes is what somebody plans, and none of an operator's business.
        said = re.sub(r"'.*'|\".*\"", "…", str(error), flags=re.DOTALL)
        raise NotAccepted(f"the feed cannot be read: {_printable(said)[:300]}") from error
    told = sorted(f"{each.remote_key} {each.version}" for each in objects)
    name = re.sub(r"\\(.)", lambda found: " " if found[1] in "nN" else found[1], headers.get("X-WR-CALNAME", ""))
    return Feed(
        name=_printable(name).strip()[:_LONGEST_NAME] or None,
        tzid=iana_name(headers.get("X-WR-TIMEZONE", ""), zones),
        objects=objects,
        digest=sha256("\n".join(told).encode()).hexdigest(),
    )


def _whole(body: bytes) -> bytes:
    """The calendar from its first to its last line, or why there is none."""
    text = body.replace(b"\0", b"").removeprefix(b"\xef\xbb\xbf").strip()  # PostgreSQL keeps no NUL
    if not text:
        raise ProviderUnavailable("the feed is empty, without even a calendar")
    if text.startswith(b"<"):
        raise ProviderUnavailable("the feed is a page, such as one to sign in, and no calendar")
    if not re.match(rb"(?i)BEGIN:VCALENDAR[ \t]*\r?\n", text):
        raise ProviderUnavailable("the feed is no calendar")
    if not re.search(rb"(?i)\nEND:VCALENDAR$", text[-100:]):
        raise ProviderUnavailable("the feed is cut off")
    if text.count(b"\n") > MOST_LINES or text.upper().count(b"BEGIN:VEVENT") > MOST_EVENTS:
        raise NotAccepted(_TOO_MANY)
    return text


def _headers(head: Sequence[str]) -> dict[str, str]:
    """The calendar's own properties, the first of each name."""
    found: dict[str, str] = {}
    for line in head:
        if match := _HEADER.fullmatch(line):
            found.setdefault(match[1].upper(), match[2].strip())
    return found


def _objects(
    own_zone: str, zones: Mapping[str, list[str]], components: Sequence[Component]
) -> tuple[RemoteObject, ...]:
    objects: list[RemoteObject] = []
    room = MOST_TEXT
    for uid, group in by_uid(components).items():
        used = dict.fromkeys([own_zone, *(tzid for component in group for tzid in component.tzids())])
        parts = [zones[name] for name in used if name in zones] + [component.lines for component in group]
        room -= len(own_zone) + sum(len(line) for lines in parts for line in lines)
        if room < 0:
            raise NotAccepted(f"the feed's events have more than {MOST_TEXT} characters with their zones")
        lines = [
            *HEAD,
            *([f"X-WR-TIMEZONE:{own_zone}"] if own_zone else []),
            *(line for part in parts for line in part),
        ]
        objects.append(RemoteObject(_key(uid), _version(lines), fold([*lines, "END:VCALENDAR"])))
    return tuple(objects)


def _version(lines: Sequence[str]) -> str:
    """Google and Outlook write the moment of the request as DTSTAMP, by which every event would change every time."""
    kept = "\n".join(line for line in lines if line[:7].upper() != "DTSTAMP")
    return sha256(kept.encode()).hexdigest()


def _key(uid: str) -> str:
    if len(uid) <= _LONGEST_KEY and uid.isprintable() and not uid.startswith(_DIGEST):
        return uid
    return _DIGEST + sha256(uid.encode()).hexdigest()


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text)
