"""Which mirrored calendars are to be read now: of profiles that are connected, and whose providers may be asked."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.store.mirrors import IS_LIVING, SAME_PROFILE
from slotlink.store.tables import calendars, profiles


async def due_profiles(connection: AsyncConnection, now: int, limit: int) -> list[tuple[str, str, str]]:
    """(application_id, profile_id, provider_service) of those with a calendar that is due, the most overdue first."""
    rows = await connection.execute(
        select(profiles.c.application_id, profiles.c.profile_id, profiles.c.provider_service)
        .join(calendars, SAME_PROFILE)
        .where(IS_LIVING, _may_be_asked(now), calendars.c.sync_due_at <= now)
        .group_by(profiles.c.application_id, profiles.c.profile_id, profiles.c.provider_service)
        .order_by(func.min(calendars.c.sync_due_at))
        .limit(limit)
    )
    return [(row.application_id, row.profile_id, row.provider_service or "") for row in rows]


async def due_of(connection: AsyncConnection, application_id: str, profile_ids: Collection[str], now: int) -> list[str]:
    """Those of these profiles that may be asked now and have a calendar that is due."""
    rows = await connection.execute(
        select(calendars.c.profile_id)
        .distinct()
        .join(profiles, SAME_PROFILE)
        .where(
            IS_LIVING,
            _may_be_asked(now),
            calendars.c.application_id == application_id,
            calendars.c.profile_id.in_(profile_ids),
            calendars.c.sync_due_at <= now,
        )
    )
    return list(rows.scalars())


async def next_due_at(connection: AsyncConnection, now: int) -> int | None:
    """When a calendar is to be read next: `now` or before, when one is."""
    row = await connection.execute(
        select(func.min(calendars.c.sync_due_at)).join(profiles, SAME_PROFILE).where(IS_LIVING, _may_be_asked(now))
    )
    return row.scalar_one_or_none()


def _may_be_asked(now: int) -> ColumnElement[bool]:
    return or_(profiles.c.retry_at.is_(None), profiles.c.retry_at <= now)
