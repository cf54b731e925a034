"""Embedded accounts: make, refresh, revoke, add a calendar."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.account import Account, Calendar, Profile
from slotlink.errors import InvalidRequest, NotFound
from slotlink.services.deps import Deps
from slotlink.services.watching import stop_watching
from slotlink.store import accounts, applications, channels, tokens
from slotlink.store import calendars as stored_calendars
from slotlink.store.calendars import get_calendar, list_calendars
from slotlink.store.profiles import create_application_calendar, list_profiles

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Grant:
    """An account and the tokens that reach it."""

    account: Account
    profile: Profile
    access_token: str
    refresh_token: str


async def open_application_calendar(deps: Deps, application_id: str, application_calendar_id: str, now: int) -> Grant:
    """The embedded account of this id, made on first use, with new tokens on every use. Earlier tokens live on."""
    async with deps.database.transaction() as connection:
        account = await _living_application_calendar(connection, application_id, application_calendar_id)
        if account is None:
            # Two first uses at once are one account: the second waits here, then finds what the first has made.
            await applications.lock(connection, application_id)
            account = await _living_application_calendar(
                connection, application_id, application_calendar_id
            ) or await create_application_calendar(connection, application_id, application_calendar_id, now)
        profiles = await list_profiles(connection, application_id, account.sub)
        grant = Grant(
            account,
            profiles[0],
            await tokens.issue_access(connection, application_id, account.sub, now),
            await tokens.issue_refresh(connection, application_id, account.sub, now),
        )
    log.info("grant.opened", application=application_id, sub=account.sub)
    return grant


async def _living_application_calendar(
    connection: AsyncConnection, application_id: str, application_calendar_id: str
) -> Account | None:
    """The account of this id, locked: a revoke waits, and ends the tokens given out meanwhile, or came first."""
    found = await accounts.find_application_calendar(connection, application_id, application_calendar_id)
    if found is None:
        return None
    try:
        return await accounts.lock_living(connection, application_id, found.sub)
    except NotFound:
        return None


async def authenticate_client(deps: Deps, client_id: str, client_secret: str) -> str | None:
    """The application whose id and active secret these are, or None."""
    async with deps.database.reading() as connection:
        application = await applications.find_by_secret(connection, client_secret)
    return application.application_id if application and application.application_id == client_id else None


async def revoke_grant(deps: Deps, application_id: str, *, token: str | None, sub: str | None, now: int) -> None:
    """Revoke by token (which wins) or by sub. The unknown is revoked already (RFC 7009 section 2.2)."""
    async with deps.database.reading() as connection:
        if token is not None:
            found = await tokens.find(connection, token, kind=None, now=now, application_id=application_id)
            sub = found.sub if found is not None else None
        if sub is None or sub not in await accounts.find(connection, application_id, [sub]):
            return
        own = await list_profiles(connection, application_id, sub)
    for profile in own:
        await stop_watching(deps, application_id, profile.profile_id)
    async with deps.database.transaction() as connection:
        await accounts.revoke(connection, application_id, sub, now)
        await channels.close_all(connection, application_id, sub, now)
    log.info("grant.revoked", application=application_id, sub=sub)


async def create_calendar(
    deps: Deps, application_id: str, sub: str, profile_id: str, name: str, color: str | None, now: int
) -> Calendar:
    """Add a calendar to an embedded account. Raises InvalidRequest for an unknown profile and a name that is taken."""
    async with deps.database.transaction() as connection:
        account = await accounts.lock_living(connection, application_id, sub)
        profiles = await list_profiles(connection, application_id, sub)
        if profile_id not in {profile.profile_id for profile in profiles}:
            raise InvalidRequest.of(
                "profile_id", "errors.not_recognized", "not a profile of this account; GET /v1/profiles lists them"
            )
        living = [
            calendar
            for calendar in await list_calendars(connection, application_id, [sub])
            if not calendar.deleted and calendar.profile_id == profile_id
        ]
        if name in {calendar.name for calendar in living}:
            raise InvalidRequest.of(
                "name", "errors.duplicate_calendar_name", "another calendar of this profile has this name; use another"
            )
        calendar_id = await stored_calendars.create_calendar(
            connection, application_id, sub, profile_id, name, tzid=account.tzid, now=now, color=color
        )
        return await get_calendar(connection, application_id, sub, calendar_id)


async def known_account(deps: Deps, sub: str) -> Account:
    """The account of this `sub`, whoever owns it: for the operator's command line only. Raises NotFound."""
    async with deps.database.reading() as connection:
        found = await accounts.find_anywhere(connection, sub)
    if found is None:
        raise NotFound(f"no account {sub}; it begins with acc_ or apc_")
    return found
