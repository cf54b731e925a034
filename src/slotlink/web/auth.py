"""Credentials to callers. An API key (a client secret) speaks for an application, an access token for one account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from slotlink.domain.account import APPLICATION_CALENDAR_SCOPE
from slotlink.errors import NotAllowed, NotAuthenticated, TooManyRequests
from slotlink.services.accounts import authenticate_client
from slotlink.store import applications
from slotlink.store.authorizations import find_access
from slotlink.vault import digest
from slotlink.web.scopes import check_scope
from slotlink.web.state import WebState, state_of


@dataclass(frozen=True, slots=True)
class Caller:
    """`sub` is set when the credential was an account's access token."""

    application_id: str
    sub: str | None
    scope: str = APPLICATION_CALENDAR_SCOPE  # of an access token


@dataclass(frozen=True, slots=True)
class AccountCaller:
    application_id: str
    sub: str
    scope: str = APPLICATION_CALENDAR_SCOPE


async def any_caller(request: Request) -> Caller:
    """An API key or an access token. Raises NotAuthenticated."""
    credential = bearer(request.headers.get("authorization"))
    if credential is None:
        raise NotAuthenticated("no bearer credential")
    caller = await _find(state_of(request), credential)
    if caller is None:
        raise NotAuthenticated("unknown credential")
    await admit(request, caller.application_id)
    return caller


async def _find(web: WebState, credential: str) -> Caller | None:
    # Most callers bring a known API key; anything else is for the general path to tell apart.
    application_id = None if web.deps.hot is None else await web.deps.hot.application(digest(credential))
    if application_id is not None:
        return Caller(application_id, None)
    async with web.deps.database.reading() as connection:
        application = await applications.find_by_secret(connection, credential)
        if application is not None:
            return Caller(application.application_id, None)
        token = await find_access(connection, credential, web.now())
        return Caller(token.application_id, token.sub, token.scope) if token is not None else None


async def application_caller(request: Request) -> str:
    """The application of an API key. Raises NotAuthenticated; NotAllowed for an access token."""
    caller = await any_caller(request)
    if caller.sub is not None:
        raise NotAllowed("this call needs the application's API key")
    return caller.application_id


async def account_caller(request: Request) -> AccountCaller:
    """The account of an access token. Raises NotAuthenticated; NotAllowed for an API key, and without the scope."""
    caller = await any_caller(request)
    if caller.sub is None:
        raise NotAllowed("this call needs an account's access token")
    check_scope(request, caller.scope)
    return AccountCaller(caller.application_id, caller.sub, caller.scope)


async def application_of_body(request: Request, members: Mapping[str, Any]) -> str:
    """Body credentials win over any header, whatever it holds; one of them alone counts for nothing."""
    client_id, client_secret = members.get("client_id"), members.get("client_secret")
    if client_id is None or client_secret is None:
        return await application_caller(request)
    if not isinstance(client_id, str) or not isinstance(client_secret, str):
        raise NotAuthenticated("client_id and client_secret must be texts")
    application_id = await authenticate_client(state_of(request).deps, client_id, client_secret)
    if application_id is None:
        raise NotAuthenticated("unknown client_id or client_secret")
    await admit(request, application_id)
    return application_id


async def admit(request: Request, application_id: str) -> None:
    """Count a request of a known application. Raises TooManyRequests, StoreUnavailable when it cannot be counted."""
    wait = await state_of(request).rate_limit.wait_for(application_id)
    if wait:
        raise TooManyRequests(wait)


def bearer(header: str | None) -> str | None:
    """The credential of an Authorization header; the scheme's case does not matter (RFC 9110 section 11.1)."""
    scheme, _, credential = (header or "").strip().partition(" ")
    credential = credential.strip()
    return credential if scheme.lower() == "bearer" and credential else None
