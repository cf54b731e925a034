"""Profiles: one sign-in each, and what is needed to sign in again. Nobody signs in to that of an embedded account."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Row, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.account import Account, Profile
from slotlink.errors import NotFound
from slotlink.store import ids
from slotlink.store.accounts import get, touch
from slotlink.store.calendars import create_calendar
from slotlink.store.mirrors import settle_freshness
from slotlink.store.provider_credentials import keep_credentials
from slotlink.store.tables import (
    accounts,
    booking_events,
    booking_participants,
    busy_periods,
    calendars,
    events,
    profiles,
)
from slotlink.vault import Vault

EMBEDDED_PROVIDER = "cronofy"  # the name Cronofy gives the calendars it hosts itself


async def create_application_calendar(
    connection: AsyncConnection, application_id: str, application_calendar_id: str, now: int, tzid: str = "Etc/UTC"
) -> Account:
    """A new embedded account with one profile and one primary calendar, all its time known from the start."""
    sub = ids.new_id("apc")
    profile_id = ids.new_id("pro")
    await connection.execute(
        insert(accounts).values(
            application_id=application_id,
            sub=sub,
            application_calendar_id=application_calendar_id,
            tzid=tzid,
            created_at=now,
        )
    )
    await connection.execute(
        insert(profiles).values(
            application_id=application_id,
            profile_id=profile_id,
            sub=sub,
            provider_name=EMBEDDED_PROVIDER,
            profile_name=profile_id.removeprefix("pro_"),
            connected=True,
            initial_sync_required=False,
            created_at=now,
        )
    )
    await create_calendar(
        connection, application_id, sub, profile_id, application_calendar_id, tzid=tzid, now=now, primary=True
    )
    return await get(connection, application_id, sub)


async def create_account(
    connection: AsyncConnection, application_id: str, email: str | None, name: str | None, tzid: str, now: int
) -> Account:
    """A new account for a person who connects calendars of their own. It has no profile yet."""
    sub = ids.new_id("acc")
    values = {"email": email, "display_name": name, "tzid": tzid, "created_at": now}
    await connection.execute(insert(accounts).values(application_id=application_id, sub=sub, **values))
    return await get(connection, application_id, sub)


async def create_profile(
    connection: AsyncConnection,
    application_id: str,
    sub: str,
    *,
    provider_name: str,
    provider_service: str,
    profile_name: str,
    remote_user: str,
    now: int,
) -> Profile:
    """A profile that is not connected yet: `connect` makes it so."""
    profile_id = ids.new_id("pro")
    await connection.execute(
        insert(profiles).values(
            application_id=application_id,
            profile_id=profile_id,
            sub=sub,
            provider_name=provider_name,
            provider_service=provider_service,
            profile_name=profile_name,
            remote_user=remote_user,
            connected=False,
            initial_sync_required=True,
            created_at=now,
        )
    )
    return await get_profile(connection, application_id, profile_id)


async def connect(
    connection: AsyncConnection, vault: Vault, application_id: str, profile: Profile, credentials: str
) -> None:
    """Keep what was signed in with, and let everything be tried at once. The caller holds the account."""
    await keep_credentials(connection, vault, application_id, profile.profile_id, credentials)
    await _change(
        connection,
        application_id,
        profile.profile_id,
        connected=True,
        disconnected_reason=None,
        failures=0,
        retry_at=None,
    )
    await touch(connection, application_id, [profile.sub])


async def disconnect(connection: AsyncConnection, application_id: str, profile: Profile, reason: str) -> None:
    """Its calendars are unreadable until somebody signs in anew. The caller holds the account."""
    await _change(
        connection,
        application_id,
        profile.profile_id,
        connected=False,
        sealed_credentials=None,
        refresh_lease_until=None,
        disconnected_reason=reason,
    )
    await settle_freshness(connection, application_id, profile.sub)
    await touch(connection, application_id, [profile.sub])


async def remove(connection: AsyncConnection, application_id: str, profile: Profile) -> None:
    """Forget the sign-in and all that was read with it. The caller holds the account."""
    of_profile = (calendars.c.application_id == application_id, calendars.c.profile_id == profile.profile_id)
    owned = select(calendars.c.calendar_id).where(*of_profile)
    for table in (busy_periods, events):
        await connection.execute(
            delete(table).where(table.c.application_id == application_id, table.c.calendar_id.in_(owned))
        )
    await connection.execute(  # what we wrote there holds its owner no more: nobody would hear that it is gone
        update(booking_participants)
        .where(
            booking_participants.c.application_id == application_id,
            booking_participants.c.sub == profile.sub,
            booking_participants.c.blocks,
            booking_participants.c.link_id.in_(
                select(booking_events.c.link_id).where(
                    booking_events.c.application_id == application_id, booking_events.c.calendar_id.in_(owned)
                )
            ),
        )
        .values(blocks=False)
    )
    await connection.execute(
        update(calendars).where(*of_profile).values(deleted=True, sync_due_at=None, cursor=None, remote_id=None)
    )
    await _change(
        connection,
        application_id,
        profile.profile_id,
        connected=False,
        sealed_credentials=None,
        refresh_lease_until=None,
        remote_user=None,
        disconnected_reason="revoked",
    )
    await settle_freshness(connection, application_id, profile.sub)
    await touch(connection, application_id, [profile.sub])


async def list_profiles(connection: AsyncConnection, application_id: str, sub: str) -> list[Profile]:
    """Those that were not removed, in the order they were made."""
    kept = or_(profiles.c.remote_user.is_not(None), profiles.c.provider_name == EMBEDDED_PROVIDER)
    rows = await connection.execute(
        select(profiles)
        .where(profiles.c.application_id == application_id, profiles.c.sub == sub, kept)
        .order_by(profiles.c.created_at, profiles.c.profile_id)
    )
    return [_profile(row) for row in rows]


async def get_profile(connection: AsyncConnection, application_id: str, profile_id: str) -> Profile:
    """Raises NotFound."""
    found = await _find(connection, application_id, profiles.c.profile_id == profile_id)
    if found is None:
        raise NotFound(f"no profile {profile_id}")
    return found


async def find_profile(
    connection: AsyncConnection, application_id: str, provider_name: str, remote_user: str
) -> Profile | None:
    """The profile that this person at this provider has signed in to before."""
    return await _find(
        connection,
        application_id,
        (profiles.c.provider_name == provider_name) & (profiles.c.remote_user == remote_user),
    )


async def note_failure(
    connection: AsyncConnection, application_id: str, profile_id: str, failures: int, retry_at: int | None
) -> None:
    """How often in a row the provider could not be reached, and until when it is left alone."""
    await _change(connection, application_id, profile_id, failures=failures, retry_at=retry_at)


async def finish_initial_sync(connection: AsyncConnection, application_id: str, profile: Profile) -> None:
    """Every calendar has been read once. The caller holds the account."""
    await _change(connection, application_id, profile.profile_id, initial_sync_required=False)
    await touch(connection, application_id, [profile.sub])


async def _find(connection: AsyncConnection, application_id: str, condition: ColumnElement[bool]) -> Profile | None:
    statement = select(profiles).where(profiles.c.application_id == application_id, condition)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else _profile(row)


async def _change(connection: AsyncConnection, application_id: str, profile_id: str, **values: Any) -> None:
    await connection.execute(update(profiles).where(*_one(application_id, profile_id)).values(**values))


def _one(application_id: str, profile_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return profiles.c.application_id == application_id, profiles.c.profile_id == profile_id


def _profile(row: Row[*tuple[Any, ...]]) -> Profile:
    return Profile(
        profile_id=row.profile_id,
        sub=row.sub,
        provider_name=row.provider_name,
        profile_name=row.profile_name,
        connected=row.connected,
        initial_sync_required=row.initial_sync_required,
        provider_service=row.provider_service,
        remote_user=row.remote_user,
        disconnected_reason=row.disconnected_reason,
        failures=row.failures,
        retry_at=row.retry_at,
    )
