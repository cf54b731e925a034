"""Keep the profile of somebody who has signed in: account, profile and calendars in one transaction, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.connectors.base import RemoteCalendar
from slotlink.domain.account import Account, Profile
from slotlink.errors import NotFound
from slotlink.services.deps import Deps
from slotlink.services.providers import PROVIDERS, to_store
from slotlink.services.sign_in import ConnectRefused, SignedIn
from slotlink.store import accounts, applications, authorizations, mirrors, profiles

_SERVICES = {"apple": "icloud"}  # Cronofy's names, where they differ from the provider's

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


async def connect(
    deps: Deps,
    application_id: str,
    signed: SignedIn,
    *,
    now: int,
    link_token: str | None = None,
    profile_id: str | None = None,
) -> Profile:
    """Keep the sign-in: of somebody known the profile there is, else a new one, of the account that `link_token` names
    or a new one. `profile_id`: only that profile may be meant. Raises ConnectRefused."""
    async with deps.database.transaction() as connection:
        # Two that sign in at once are one profile: the second waits here, then finds what the first has made.
        await applications.lock(connection, application_id)
        linked = await _linked(connection, application_id, link_token, now)
        found = await _known(connection, application_id, signed)
        if profile_id is not None and (found is None or found.profile_id != profile_id):
            raise ConnectRefused("other_person", "somebody else signed in than the profile belongs to")
        if found is not None and linked is not None and linked.sub != found.sub:
            raise ConnectRefused("other_account", f"the profile belongs to account {found.sub}")
        profile = found or await _create(connection, application_id, signed, linked, now)
        await profiles.connect(connection, deps.vault, application_id, profile, to_store(signed.credentials))
        account = await accounts.get(connection, application_id, profile.sub)
        await _write_calendars(connection, account, profile, signed.listed, now)
        known = await mirrors.remote_ids(connection, application_id, profile.profile_id)
        await mirrors.hasten(connection, application_id, list(known.values()), now)
        profile = await profiles.get_profile(connection, application_id, profile.profile_id)
    deps.wake_worker()
    log.info(
        "profile.connected",
        application=application_id,
        sub=profile.sub,
        profile=profile.profile_id,
        provider=profile.provider_name,
        calendars=len(signed.listed),
        known=found is not None,
    )
    return profile


async def refresh_calendars(
    deps: Deps, application_id: str, profile: Profile, listed: Sequence[RemoteCalendar], now: int
) -> bool:
    """Bring the calendars of a connected profile in line with what its provider lists. Whether that was done.

    An empty listing is not believed: without any calendar its owner would look free at all times."""
    if not listed:
        log.warning("profile.listing_empty", profile=profile.profile_id, provider=profile.provider_name)
        return False
    async with deps.database.transaction() as connection:
        try:
            account = await accounts.lock_living(connection, application_id, profile.sub)
            current = await profiles.get_profile(connection, application_id, profile.profile_id)
        except NotFound:
            return False
        if not current.connected:  # revoked while the provider was being asked
            return False
        await _write_calendars(connection, account, current, listed, now)
        there = {each.remote_id for each in listed}
        for mirror in await mirrors.list_mirrors(connection, application_id, profile_id=profile.profile_id):
            if mirror.remote_id not in there:
                await mirrors.remove_mirror(connection, mirror)
    deps.wake_worker()
    return True


async def _linked(connection: AsyncConnection, application_id: str, link_token: str | None, now: int) -> Account | None:
    if link_token is None:
        return None
    sub = await authorizations.use_link_token(connection, application_id, link_token, now)
    try:
        if sub is not None:
            return await accounts.lock_living(connection, application_id, sub)
    except NotFound:
        pass
    raise ConnectRefused("link_token", "the link token is unknown, used, over, or of a revoked account")


async def _known(connection: AsyncConnection, application_id: str, signed: SignedIn) -> Profile | None:
    """The profile of a living account, locked. That of a revoked account is given up: its owner begins anew."""
    found = await profiles.find_profile(connection, application_id, signed.provider_name, signed.remote_user)
    if found is None:
        return None
    await accounts.lock(connection, application_id, [found.sub])
    # Held now; somebody may have dropped the profile while we waited.
    found = await profiles.find_profile(connection, application_id, signed.provider_name, signed.remote_user)
    if found is None:
        return None
    if (await accounts.get(connection, application_id, found.sub)).revoked:
        await profiles.remove(connection, application_id, found)
        return None
    return found


async def _create(
    connection: AsyncConnection, application_id: str, signed: SignedIn, linked: Account | None, now: int
) -> Profile:
    account = linked or await profiles.create_account(
        connection, application_id, signed.email, signed.name, signed.primary.tzid or "Etc/UTC", now
    )
    return await profiles.create_profile(
        connection,
        application_id,
        account.sub,
        provider_name=signed.provider_name,
        provider_service=service_of(signed.provider_name),
        profile_name=signed.profile_name,
        remote_user=signed.remote_user,
        now=now,
    )


def service_of(provider_name: str) -> str:
    return _SERVICES.get(provider_name, provider_name)


async def _write_calendars(
    connection: AsyncConnection, account: Account, profile: Profile, listed: Sequence[RemoteCalendar], now: int
) -> None:
    """Those that are listed; what is no longer among them is taken away by the next reading. The caller holds the
    account."""
    application_id, profile_id = account.application_id, profile.profile_id
    known = await mirrors.remote_ids(connection, application_id, profile_id)
    for each in listed:
        described = _described(each, account, profile)
        if each.remote_id in known:
            await mirrors.describe_mirror(connection, application_id, account.sub, known[each.remote_id], described)
        else:
            await mirrors.create_mirror(
                connection, application_id, account.sub, profile_id, each.remote_id, described, now
            )


def _described(calendar: RemoteCalendar, account: Account, profile: Profile) -> dict[str, Any]:
    own = (profile.profile_name or "").lower()
    return {
        "name": calendar.name,
        "color": calendar.color,
        "tzid": calendar.tzid or account.tzid,
        "readonly": not (calendar.writable and PROVIDERS[profile.provider_name].writes),
        "primary": calendar.primary,
        "owner_addresses": list(calendar.owner_addresses) or ([own] if "@" in own else []),
        "conferencing": calendar.conferencing,
    }
