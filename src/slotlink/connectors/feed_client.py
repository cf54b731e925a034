"""One reading of a feed: from an address, over redirects, to its bytes, or to why there are none."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Literal
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from slotlink.connectors.bounds import whole_body
from slotlink.connectors.dav import absolute
from slotlink.connectors.guard import refused_address
from slotlink.domain.retry import seconds_of
from slotlink.errors import AccessRevoked, CalendarGone, ConnectorError, NotAccepted, ProviderUnavailable

MOST_BYTES = 20_000_000
MOST_REDIRECTS = 5

_LONGEST = 500  # characters of a validator; it goes into the cursor
_SETTLED_S = 60  # a Last-Modified counts from this age on: a feed may change twice in a second (RFC 9110 8.8.2.2)
_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]+"')  # never `*`, which stands for whatever there is
_HEADERS = {
    "User-Agent": "Slotlink",
    "Accept": "text/calendar, */*;q=0.5",
    # Bytes on the wire are bytes in memory.
    "Accept-Encoding": "identity",
}


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server knows a version of the feed by, as it said it itself (RFC 9110 8.8). At most one is kept."""

    etag: str | None = None
    modified: str | None = None

    def condition(self) -> dict[str, str]:
        if self.etag:
            return {"If-None-Match": self.etag}
        return {"If-Modified-Since": self.modified} if self.modified else {}


@dataclass(frozen=True, slots=True)
class Fetched:
    body: bytes
    validators: Validators


class NoConnection(ProviderUnavailable):
    """Nobody listens at `url`, or whoever does speaks no TLS."""

    def __init__(self, message: str, url: str) -> None:
        super().__init__(message)
        self.url = url


def places(address: str) -> list[str]:
    """The URLs to try, in order, for what somebody typed. Raises NotAccepted.

    `webcal` says nothing of TLS, so https comes first; without a scheme https is meant."""
    given = address.strip()
    scheme, found, rest = given.partition("://")
    if not found:
        scheme, rest = "https", given
    schemes = {"https": ["https"], "http": ["http"], "webcal": ["https", "http"], "webcals": ["https"]}
    if scheme.lower() not in schemes:
        raise NotAccepted("the address of a feed begins with https, http or webcal")
    urls = [absolute(f"{each}:", f"{each}://{rest}") for each in schemes[scheme.lower()]]
    if "@" in re.split("[/?#]", rest)[0]:
        raise NotAccepted("the address of a feed names no user and no password")
    return urls


async def fetch(session: aiohttp.ClientSession, address: str, known: Validators) -> Fetched | None:
    """The feed; None: it is still the one that has these validators. No deadline of its own. Raises ConnectorError."""
    condition = known.condition()
    *others, last = places(address)
    for url in others:
        try:
            return await _followed(session, url, condition)
        except NoConnection as error:
            if error.url != url:  # of a redirect: this one has answered
                raise
    return await _followed(session, last, condition)


async def _followed(session: aiohttp.ClientSession, url: str, condition: Mapping[str, str]) -> Fetched | None:
    for _ in range(MOST_REDIRECTS + 1):
        answer = await _once(session, url, condition)
        if not isinstance(answer, str):
            return None if answer == 304 else answer
        following = absolute(url, answer)
        if urlsplit(url).scheme == "https" and urlsplit(following).scheme != "https":
            raise NotAccepted("the feed redirects from https to http")
        url = following
    raise NotAccepted(f"the feed redirects more than {MOST_REDIRECTS} times")


async def _once(session: aiohttp.ClientSession, url: str, condition: Mapping[str, str]) -> Fetched | Literal[304] | str:
    """What is there; where it is, as far as a redirect says; or that it is unchanged."""
    try:
        async with session.request(
            "GET",
            URL(url, encoded=True),
            headers={**_HEADERS, **condition},
            allow_redirects=False,
            raise_for_status=False,
        ) as response:
            target = response.headers.get("Location")
            if response.status in (301, 302, 303, 307, 308) and target:
                return target
            if response.status == 304 and condition:
                return 304
            if response.status != 200:
                raise _refusal(response.status, response.headers)
            return Fetched(
                await whole_body(response, MOST_BYTES, NotAccepted, "the feed"), _validators(response.headers)
            )
    except aiohttp.ClientConnectorCertificateError as error:
        raise ProviderUnavailable("the certificate was refused") from error
    except aiohttp.ClientConnectorSSLError as error:
        raise NoConnection("no TLS connection", url) from error
    except aiohttp.ClientConnectorError as error:
        said = f"could not connect: {type(error.os_error).__name__}"
        if isinstance(error.os_error, ConnectionError):
            raise NoConnection(said, url) from error
        raise ProviderUnavailable(said) from error
    except TimeoutError as error:  # one of the session's own
        raise ProviderUnavailable("no answer in time") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        if refused := refused_address(error):
            raise NotAccepted(str(refused)) from error
        raise ProviderUnavailable(f"no answer: {type(error).__name__}") from error


def _validators(headers: Mapping[str, str]) -> Validators:
    etag, modified = headers.get("ETag", ""), headers.get("Last-Modified", "")
    if len(etag) <= _LONGEST and _ETAG.fullmatch(etag):
        return Validators(etag=etag)
    return Validators(modified=modified if _settled(modified, headers.get("Date", "")) else None)


def _settled(modified: str, answered: str) -> bool:
    """By the server's own clock alone; ours may go differently."""
    try:
        age = parsedate_to_datetime(answered).timestamp() - parsedate_to_datetime(modified).timestamp()
    except (ValueError, OverflowError, OSError):
        return False
    return age >= _SETTLED_S and modified.isascii() and modified.isprintable() and len(modified) <= _LONGEST


def _refusal(status: int, headers: Mapping[str, str]) -> ConnectorError:
    said = f"the server answered {status}"
    if status in (401, 403):  # nobody signs in: the address was all there was to let us in
        return AccessRevoked(said)
    if status in (404, 410):
        return CalendarGone(said)
    if status in (408, 423, 425, 429) or status >= 500:
        return ProviderUnavailable(said, seconds_of(headers.get("Retry-After"), time.time()))
    if status == 304 or status // 100 == 2:
        return ProviderUnavailable(f"{said}, which is no answer to what was asked")
    return NotAccepted(said)
