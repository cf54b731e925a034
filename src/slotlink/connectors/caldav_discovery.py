"""From an address to the calendars behind it (RFC 6764, 5397, 4791 6.2, 6638 9.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from slotlink.connectors.base import RemoteCalendar
from slotlink.connectors.dav import APPLE, CALDAV, DAV, KINDS, Row, absolute, key_of, may_follow, propfind
from slotlink.connectors.dav_client import DavClient, SentAway
from slotlink.errors import AccessRevoked, CalendarGone, ConnectorError, NotAccepted, ProviderUnavailable
from slotlink.ical import InvalidCalendar
from slotlink.ical.lines import split_calendar
from slotlink.ical.zones import iana_name

_PRINCIPAL, _HOMES = f"{DAV}current-user-principal", f"{CALDAV}calendar-home-set"
_ADDRESSES, _DEFAULT = f"{CALDAV}calendar-user-address-set", f"{CALDAV}schedule-default-calendar-URL"
_COMPONENTS = f"{CALDAV}supported-calendar-component-set"
_PRIVILEGES = f"{DAV}current-user-privilege-set"
_ZONE, _ZONE_NAME = f"{CALDAV}calendar-timezone", f"{CALDAV}calendar-timezone-id"
_NAME, _COLOR = f"{DAV}displayname", f"{APPLE}calendar-color"

_WHO = propfind([_PRINCIPAL, _HOMES, _ADDRESSES, KINDS])
_WHAT = propfind([KINDS, _NAME, _COMPONENTS, _PRIVILEGES, _ZONE, _ZONE_NAME, _COLOR, _DEFAULT])
_CALENDAR = f"{CALDAV}calendar"
_WRITING = {f"{DAV}{name}" for name in ("all", "write", "write-content", "bind")}


@dataclass(frozen=True, slots=True)
class Account:
    """Where somebody's calendars are, and how invitations call them."""

    homes: list[str]
    addresses: tuple[str, ...]


async def discover(client: DavClient, address: str) -> list[RemoteCalendar]:
    """Every calendar for events of whoever signs in, in the server's order. Raises ConnectorError."""
    account = await find_account(client, address)
    rows: dict[str, Row] = {}
    try:
        for home in account.homes:
            found, at = await client.multistatus("PROPFIND", home, _WHAT, depth=1)
            rows |= {absolute(at, key_of(absolute(at, row.href))): row for row in found.rows}
    except CalendarGone as error:
        raise NotAccepted(f"the server names a place of calendars that it does not show: {error}") from error
    if any(row.status >= 500 or row.status in (423, 429) for row in rows.values()):
        raise ProviderUnavailable("the server cannot tell of all calendars just now")  # and none hides meanwhile
    return calendars(rows, account.addresses)


async def find_account(client: DavClient, address: str) -> Account:
    """Try the address as given, then where RFC 6764 says, then the host. Raises the most telling ConnectorError."""
    failure: ConnectorError = NotAccepted("no CalDAV server answers at this address")
    for url in places(address):
        try:
            if account := await _account_at(client, url):
                return account
        except AccessRevoked:
            raise
        except ConnectorError as error:
            if isinstance(error, SentAway | ProviderUnavailable) and not isinstance(failure, SentAway):
                failure = error
    raise failure


async def _account_at(client: DavClient, url: str) -> Account | None:
    who, at = await _who(client, url)
    if principal := who.hrefs(_PRINCIPAL):
        who, at = await _who(client, named(at, principal[0]))
    homes = [named(at, href) for href in who.hrefs(_HOMES)]
    if not homes and _CALENDAR in who.kinds(KINDS):  # the address of one calendar, on a server that names nobody
        homes = [at]
    addresses = tuple(dict.fromkeys(_mail_addresses(who.hrefs(_ADDRESSES))))
    return Account(homes, addresses) if homes else None


async def _who(client: DavClient, url: str) -> tuple[Row, str]:
    found, at = await client.multistatus("PROPFIND", url, _WHO, depth=0)
    if not found.rows:
        raise ProviderUnavailable("the answer has no response")
    return found.rows[0], at


def places(address: str) -> list[str]:
    """URLs to try. Without a scheme the address means https. Raises NotAccepted."""
    given = address.strip()
    url = absolute("https:", given if "://" in given else f"https://{given}")
    return list(dict.fromkeys([url, absolute(url, "/.well-known/caldav"), absolute(url, "/")]))


def named(at: str, href: str) -> str:
    """The address of a principal or a home that the server names at `at`. Raises NotAccepted."""
    url = absolute(at, href)
    if not may_follow(at, url, named=True):
        raise SentAway(f"the server names {urlsplit(url).hostname} for its calendars, where the password must not go")
    return url


def calendars(rows: dict[str, Row], addresses: tuple[str, ...]) -> list[RemoteCalendar]:
    """Those of the resources, by their URLs, that are calendars for events."""
    default = {key_of(absolute(url, href)) for url, row in rows.items() for href in row.hrefs(_DEFAULT)}
    found = {url: row for url, row in rows.items() if row.status // 100 == 2 and _holds_events(row)}
    primary = next((url for url in found if key_of(url) in default), next(iter(found), None))
    return [
        RemoteCalendar(
            remote_id=url,
            name=(row.text(_NAME) or unquote(url.rstrip("/").rpartition("/")[2])).strip(),
            tzid=_zone(row),
            writable=_PRIVILEGES not in row.properties
            or not _WRITING.isdisjoint(each.tag for held in row.under(_PRIVILEGES, f"{DAV}privilege") for each in held),
            primary=url == primary,
            owner_addresses=addresses,
            color=_color(row.text(_COLOR) or ""),
        )
        for url, row in found.items()
    ]


def _holds_events(row: Row) -> bool:
    kinds = row.kinds(KINDS)
    # Nextcloud lists what was deleted, and its bin, beside what is there. An inbox is no calendar of anybody's; an
    # outbox that is one holds events as well: SOGo's first calendar is both.
    hidden = any(word in kind for kind in kinds for word in ("deleted", "trash", "schedule-inbox"))
    components = row.under(_COMPONENTS, f"{CALDAV}comp")
    event = not components or any(each.get("name", "").upper() == "VEVENT" for each in components)
    return _CALENDAR in kinds and event and not hidden


def _zone(row: Row) -> str | None:
    """The IANA name of the calendar's zone, if it has one. A zone that only its VTIMEZONE explains has none."""
    try:
        names = [row.text(_ZONE_NAME) or "", *split_calendar((row.text(_ZONE) or "").strip().encode())[1]]
    except InvalidCalendar:
        names = [row.text(_ZONE_NAME) or ""]
    return next((found for each in names if (found := iana_name(each.strip()))), None)


def _color(text: str) -> str | None:
    match = re.match(r"\s*(#[0-9a-fA-F]{6})", text)
    return match[1].lower() if match else None


def _mail_addresses(hrefs: Iterable[str]) -> Iterable[str]:
    for href in hrefs:
        scheme, _, address = href.partition(":")
        if scheme.lower() == "mailto" and "@" in address:
            yield unquote(address.partition("?")[0]).strip().lower()
