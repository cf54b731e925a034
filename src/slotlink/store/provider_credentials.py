"""What a profile signs in with at its provider, and whose turn it is to have it renewed."""

from __future__ import annotations

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.store.tables import profiles
from slotlink.vault import Vault, row_name


async def read_credentials(
    connection: AsyncConnection, vault: Vault, application_id: str, profile_id: str
) -> str | None:
    """What `connect` kept; None when it is connected no longer."""
    sealed = (
        await connection.execute(select(profiles.c.sealed_credentials).where(*_one(application_id, profile_id)))
    ).scalar_one_or_none()
    return None if sealed is None else vault.open(sealed, row_name("profiles", application_id, profile_id))


async def keep_credentials(
    connection: AsyncConnection, vault: Vault, application_id: str, profile_id: str, credentials: str
) -> None:
    """Also ends any lease: what somebody else gets for what was there before is not kept."""
    sealed = vault.seal(credentials, row_name("profiles", application_id, profile_id))
    await connection.execute(
        update(profiles)
        .where(*_one(application_id, profile_id))
        .values(sealed_credentials=sealed, refresh_lease_until=None)
    )


async def keep_renewed(
    connection: AsyncConnection, vault: Vault, application_id: str, profile_id: str, credentials: str, leased: int
) -> bool:
    """End the lease until `leased` with what came of it. False, and nothing is kept, where it is over: somebody has
    signed in anew meanwhile, or taken their access away."""
    sealed = vault.seal(credentials, row_name("profiles", application_id, profile_id))
    kept = await connection.execute(
        update(profiles)
        .where(
            *_one(application_id, profile_id),
            profiles.c.refresh_lease_until == leased,
            profiles.c.sealed_credentials.is_not(None),
        )
        .values(sealed_credentials=sealed, refresh_lease_until=None)
    )
    return kept.rowcount == 1


async def lease_refresh(
    connection: AsyncConnection, application_id: str, profile_id: str, now: int, lease_s: int
) -> bool:
    """Whether the caller, and nobody else for `lease_s` seconds, may get a new access token."""
    leased = await connection.execute(
        update(profiles)
        .where(
            *_one(application_id, profile_id),
            or_(profiles.c.refresh_lease_until.is_(None), profiles.c.refresh_lease_until <= now),
        )
        .values(refresh_lease_until=now + lease_s)
    )
    return leased.rowcount == 1


async def end_refresh(connection: AsyncConnection, application_id: str, profile_id: str, leased: int) -> None:
    """Nothing came of the lease until `leased`. One that somebody else has by now stays."""
    await connection.execute(
        update(profiles)
        .where(*_one(application_id, profile_id), profiles.c.refresh_lease_until == leased)
        .values(refresh_lease_until=None)
    )


def _one(application_id: str, profile_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return profiles.c.application_id == application_id, profiles.c.profile_id == profile_id
