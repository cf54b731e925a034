"""Application calendars, tokens, and who an account is."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from slotlink.domain.account import ACCESS_TOKEN_LIFE_S, APPLICATION_CALENDAR_SCOPE, Account, Profile
from slotlink.errors import InvalidRequest, MalformedRequest, NotAuthenticated, TokenRefused
from slotlink.services.accounts import (
    Grant,
    authenticate_client,
    open_application_calendar,
    revoke_grant,
)
from slotlink.services.authorization import exchange_code, refresh
from slotlink.store import accounts
from slotlink.store.calendars import list_calendars
from slotlink.store.profiles import list_profiles
from slotlink.web import render
from slotlink.web.account_request import ApplicationCalendarRequest, RevokeRequest, TokenRequest
from slotlink.web.api_profiles import NEVER_KEPT, relink_of
from slotlink.web.auth import Caller, account_caller, admit
from slotlink.web.body import Model, check, read_object
from slotlink.web.idempotency import once
from slotlink.web.state import state_of


async def application_calendar(request: Request) -> Response:
    web = state_of(request)
    members = await read_object(request, web.context.limits.body_bytes)
    application_id = None
    if isinstance(members.get("client_id"), str) and isinstance(members.get("client_secret"), str):
        application_id = await authenticate_client(web.deps, members["client_id"], members["client_secret"])
    if application_id is None:
        raise NotAuthenticated("client_id and client_secret must be those of an application")
    await admit(request, application_id)

    async def open_it() -> Response:
        wanted = check(ApplicationCalendarRequest, members, web.context)
        grant = await open_application_calendar(web.deps, application_id, wanted.application_calendar_id, web.now())
        return _granted(grant, wanted.application_calendar_id)

    return await once(request, Caller(application_id, None), members, open_it)


def _granted(grant: Grant, application_calendar_id: str) -> Response:
    return render.json_response(
        {
            "token_type": "bearer",
            "access_token": grant.access_token,
            "expires_in": ACCESS_TOKEN_LIFE_S,
            "refresh_token": grant.refresh_token,
            "scope": APPLICATION_CALENDAR_SCOPE,
            "application_calendar_id": application_calendar_id,
            "sub": grant.account.sub,
            "linking_profile": _linking_profile(grant.profile),
        },
        headers=NEVER_KEPT,
    )


async def token(request: Request) -> Response:
    """RFC 6749 sections 4.1.3 and 6; errors in that RFC's form."""
    web = state_of(request)
    application_id, wanted = await _token_request(request, TokenRequest)
    match wanted.grant_type:
        case "authorization_code" if wanted.code is not None:
            granted = await exchange_code(
                web.deps, application_id, wanted.code, wanted.redirect_uri, wanted.code_verifier, web.now()
            )
            more = {
                "account_id": granted.account.sub,
                "sub": granted.account.sub,
                "linking_profile": _linking_profile(granted.profile),
            }
            return _tokens(granted.access_token, granted.refresh_token, granted.scope, more)
        case "refresh_token" if wanted.refresh_token is not None:
            refreshed = await refresh(web.deps, application_id, wanted.refresh_token, web.now())
            return _tokens(refreshed[0], wanted.refresh_token, refreshed[1], {})
        case "authorization_code" | "refresh_token":
            raise TokenRefused("invalid_request")
        case _:
            raise TokenRefused("unsupported_grant_type")


def _tokens(access_token: str, refresh_token: str, scope: str, more: render.Json) -> Response:
    return render.json_response(
        {
            "token_type": "bearer",
            "access_token": access_token,
            "expires_in": ACCESS_TOKEN_LIFE_S,
            "refresh_token": refresh_token,
            "scope": scope,
            **more,
        },
        headers=NEVER_KEPT,
    )


async def revoke(request: Request) -> Response:
    """RFC 7009, with errors in the form of RFC 6749."""
    web = state_of(request)
    application_id, wanted = await _token_request(request, RevokeRequest)
    await revoke_grant(
        web.deps, application_id, token=wanted.token or wanted.refresh_token, sub=wanted.sub, now=web.now()
    )
    return Response()


async def _token_request(request: Request, model: type[Model]) -> tuple[str, Model]:
    """The client of a token endpoint, and what it asks. Raises TokenRefused for whatever is wrong."""
    web = state_of(request)
    try:
        members = await read_object(request, web.context.limits.body_bytes)
    except MalformedRequest as error:
        raise TokenRefused("invalid_request") from error
    application_id = await _client(request, members)
    try:
        return application_id, check(model, members, web.context)
    except InvalidRequest as error:
        raise TokenRefused("invalid_request") from error


async def _client(request: Request, members: dict[str, Any]) -> str:
    client_id, client_secret = members.get("client_id"), members.get("client_secret")
    if isinstance(client_id, str) and isinstance(client_secret, str):
        application_id = await authenticate_client(state_of(request).deps, client_id, client_secret)
        if application_id is not None:
            await admit(request, application_id)
            return application_id
    raise TokenRefused("invalid_client")


async def account(request: Request) -> Response:
    web = state_of(request)
    caller = await account_caller(request)
    async with web.deps.database.reading() as connection:
        found = await accounts.get(connection, caller.application_id, caller.sub)
    described: render.Json = {
        "account_id": found.sub,
        "name": found.display_name or found.application_calendar_id,
        "scope": caller.scope,
        "default_tzid": found.tzid,
        **({"email": found.email} if found.email else {}),
    }
    return render.json_response({"account": described, "sub": found.sub})


async def userinfo(request: Request) -> Response:
    web = state_of(request)
    caller = await account_caller(request)
    async with web.deps.database.reading() as connection:
        found = await accounts.get(connection, caller.application_id, caller.sub)
        profiles = await list_profiles(connection, caller.application_id, caller.sub)
        calendars = await list_calendars(connection, caller.application_id, [caller.sub])
    return render.json_response(
        {
            "sub": found.sub,
            "zoneinfo": found.tzid,
            **_owner(found),
            "cronofy.data": {
                "authorization": {"scope": caller.scope, "status": "active"},
                "profiles": [
                    {
                        **render.profile(profile, relink_of(web, caller, profile)),
                        "profile_calendars": [
                            render.calendar_of_profile(calendar)
                            for calendar in calendars
                            if calendar.profile_id == profile.profile_id
                        ],
                    }
                    for profile in profiles
                ],
                "conferencing_profiles": [],
            },
            "slotlink": {"data_center": web.deps.settings.data_center},
        }
    )


def _owner(account: Account) -> render.Json:
    """Who it is: the application knows its own calendar by its id, a person by what the provider says."""
    if account.application_calendar_id is not None:
        return {"application_calendar_id": account.application_calendar_id, "cronofy.type": "application_calendar"}
    return {
        "cronofy.type": "account",
        **({"email": account.email} if account.email else {}),
        **({"name": account.display_name} if account.display_name else {}),
    }


def _linking_profile(profile: Profile) -> render.Json:
    return {
        "provider_name": profile.provider_name,
        "profile_id": profile.profile_id,
        "profile_name": profile.profile_name,
    }
