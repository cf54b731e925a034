"""The profiles of an account: list them, drop one, let another be connected to the same account."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from slotlink.domain.account import Profile
from slotlink.services.authorization import issue_link_token, revoke_profile
from slotlink.store.profiles import list_profiles
from slotlink.web import render
from slotlink.web.auth import AccountCaller, account_caller
from slotlink.web.connect_visit import relink_url
from slotlink.web.state import WebState, state_of

NEVER_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}


async def profiles(request: Request) -> Response:
    web = state_of(request)
    caller = await account_caller(request)
    async with web.deps.database.reading() as connection:
        found = await list_profiles(connection, caller.application_id, caller.sub)
    return render.json_response({"profiles": [render.profile(each, relink_of(web, caller, each)) for each in found]})


async def revoke(request: Request) -> Response:
    """A body, if there is one, is ignored: clients send what they like (calendars.md section 1.2)."""
    web = state_of(request)
    caller = await account_caller(request)
    await revoke_profile(web.deps, caller.application_id, caller.sub, request.path_params["profile_id"])
    return Response(status_code=202)


async def link_token(request: Request) -> Response:
    web = state_of(request)
    caller = await account_caller(request)
    token = await issue_link_token(web.deps, caller.application_id, caller.sub, web.now())
    return render.json_response({"link_token": token}, headers=NEVER_KEPT)


def relink_of(web: WebState, caller: AccountCaller, profile: Profile) -> str | None:
    """Where its owner connects a disconnected profile anew."""
    if profile.connected or profile.remote_user is None:
        return None
    return relink_url(web, caller.application_id, profile)
