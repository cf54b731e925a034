"""Sign in at a provider and look at the calendars, before anything is stored. What can go wrong, and for whom."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

import structlog

from slotlink.connectors.base import RemoteCalendar
from slotlink.connectors.guard import Guard, RefusedAddress
from slotlink.connectors.oauth import Identity
from slotlink.domain.addresses import Allowed, is_allowed, literal_address, parse_allowed
from slotlink.errors import AccessRevoked, ConnectorError, ProviderUnavailable
from slotlink.services.deps import Deps
from slotlink.services.providers import Credentials, Provider, open_connector

SIGN_IN_S = 20.0  # somebody waits for it
AT_ONE_HOST = 3  # sign-ins at a time that one provider's host gets from this process
ALLOW_SETTING = "SLOTLINK_CALENDAR_ALLOW"

Reason = Literal[
    "wrong_password",  # the server refuses user and password
    "wrong_address",  # nothing there that we can read
    "no_host",  # no server of this name
    "unprotected",  # the password would go there for everybody to read
    "internal_address",  # the operator does not allow it
    "no_answer",  # the provider is away, or too slow
    "too_busy",  # others are signing in to this host
    "no_calendars",  # signed in, and nothing there
    "refused",  # the provider ended its consent at once
    "denied",  # the person said no at the provider
    "missing_scopes",  # the person unticked the calendar
    "expired",  # the way to the provider and back took too long, or was gone twice
    "misconfigured",  # the operator's registration with the provider is wrong
    "other_person",  # relinking: somebody else signed in
    "other_account",  # linking: the profile belongs to another account of the application
    "link_token",  # used, over, or of an account that is gone
]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class ConnectRefused(Exception):
    """Nothing was connected and nothing was changed. `detail` is for the operator, without secrets."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason: Reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody at a provider, with the calendars that were seen. `remote_user`: the same again is the same profile."""

    provider_name: str
    credentials: Credentials
    remote_user: str
    profile_name: str
    email: str | None
    name: str | None
    listed: tuple[RemoteCalendar, ...]

    @property
    def primary(self) -> RemoteCalendar:
        return next((each for each in self.listed if each.primary), self.listed[0])


class _Given:
    """The access token that the provider has just given. A `TokenSource`."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def access_token(self, refused: str | None = None) -> str:
        if refused is not None:
            raise AccessRevoked("the provider refuses the access token that it has just given")
        return self._token


async def sign_in(
    deps: Deps, provider: Provider, credentials: Credentials, identity: Identity | None = None
) -> SignedIn:
    """Look at the calendars with these credentials; nothing is stored. `identity`: who signed in elsewhere.

    Raises ConnectRefused."""
    host = host_of(credentials["address"]) if "address" in credentials else provider.provider_name
    allowed = parse_allowed(deps.settings.calendar_allow)
    if provider.asks == "password" and not _is_protected(allowed, credentials["address"]):
        raise ConnectRefused("unprotected", f"the address begins with http, and {ALLOW_SETTING} does not list its host")
    with _one_of_few(host):
        listed = await _list(deps, provider, credentials)
    if not listed:
        raise ConnectRefused("no_calendars", "the listing is empty")
    if identity is not None:
        email, name = identity.email or None, identity.name or None
        return SignedIn(
            provider.provider_name, credentials, identity.subject, email or identity.subject, email, name, tuple(listed)
        )
    if provider.asks == "address":
        feed = listed[0]
        return SignedIn(provider.provider_name, credentials, feed.remote_id, feed.name, None, None, tuple(listed))
    user: str = credentials["user"]
    email = user.lower() if "@" in user else next((each for row in listed for each in row.owner_addresses), None)
    return SignedIn(
        provider.provider_name, credentials, _remote_user(user, host, listed), user, email, None, tuple(listed)
    )


def host_of(address: str) -> str:
    """The host that an address as people type it leads to, with its port where that is not the usual one."""
    host, port, _ = _parts(address)
    host = f"[{host}]" if ":" in host else host
    return host if port in (80, 443) or not host else f"{host}:{port}"


def _parts(address: str) -> tuple[str, int, str]:
    """Host, port and scheme; an empty host where there is none. Without a scheme https is meant."""
    try:
        parts = urlsplit(address.strip() if "://" in address else f"https://{address.strip()}")
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return "", 443, ""
    with suppress(UnicodeError):  # no possible name: found out soon enough
        host = host if ":" in host else host.encode("idna").decode()
    return host, port or (80 if parts.scheme == "http" else 443), parts.scheme


def _remote_user(user: str, host: str, listed: Sequence[RemoteCalendar]) -> str:
    """With the path where the calendars lie: two servers may share a host, and have a user of the same name each."""
    primary = next((each for each in listed if each.primary), listed[0])
    home = urlsplit(primary.remote_id).path.rstrip("/").rpartition("/")[0]
    return remote_user_of(user, host, home)


def remote_user_of(user: str, host: str, home: str = "") -> str:
    """Mail addresses are the same in any case; other user names may not be."""
    user = user.strip()
    return f"{user.lower() if '@' in user else user}@{host}{home}"


async def _list(deps: Deps, provider: Provider, credentials: Credentials) -> list[RemoteCalendar]:
    address: str = credentials.get("address", "")
    connector = open_connector(
        deps.settings, provider.provider_name, credentials, lambda: _Given(credentials["access_token"])
    )
    try:
        async with asyncio.timeout(SIGN_IN_S):
            return await connector.list_calendars()
    except TimeoutError as error:
        raise ConnectRefused("no_answer", f"no listing within {SIGN_IN_S:.0f} s") from error
    except ConnectorError as error:
        raise ConnectRefused(await _reason(deps, provider, address, error), str(error)) from error
    finally:
        await connector.close()


async def _reason(deps: Deps, provider: Provider, address: str, error: ConnectorError) -> Reason:
    if isinstance(error, AccessRevoked):
        return "wrong_password" if provider.asks == "password" else "refused"
    if provider.asks == "elsewhere":
        return "no_answer" if isinstance(error, ProviderUnavailable) else "misconfigured"
    try:
        await Guard(parse_allowed(deps.settings.calendar_allow), ALLOW_SETTING).resolve(*_parts(address)[:2])
    except RefusedAddress as refused:
        log.warning("connect.internal_address", reason=str(refused), setting=ALLOW_SETTING)
        return "internal_address"
    except socket.gaierror:
        return "no_host"
    except OSError:
        return "no_answer"
    return "no_answer" if isinstance(error, ProviderUnavailable) else "wrong_address"


def _is_protected(allowed: Sequence[Allowed], address: str) -> bool:
    """Whether a password may go there: over TLS, or to a host that the operator has named."""
    host, port, scheme = _parts(address)
    return scheme != "http" or is_allowed(allowed, host, literal_address(host), port)


_under_way: Counter[str] = Counter()


@contextmanager
def _one_of_few(host: str) -> Generator[None]:
    """Nobody makes us try passwords, or knock, many times at once."""
    if _under_way[host] >= AT_ONE_HOST:
        raise ConnectRefused("too_busy", f"{AT_ONE_HOST} sign-ins at {host} are under way")
    _under_way[host] += 1
    try:
        yield
    finally:
        _under_way[host] -= 1
        if not _under_way[host]:
            del _under_way[host]
