"""Calendars, embedded and mirrored ones alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, case, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.account import Calendar
from slotlink.errors import NotFound
from slotlink.store import ids
from slotlink.store.accounts import touch
from slotlink.store.tables import accounts, calendars, profiles


async def create_calendar(
    connection: AsyncConnection,
    application_id: str,
    sub: str,
    profile_id: str,
    name: str,
    *,
    tzid: str,
    now: int,
    color: str | None = None,
    primary: bool = False,
) -> str:
    calendar_id = f"cal_{profile_id.removeprefix('pro_')}_{ids.new_id('c')[2:]}"
    await connection.execute(
        insert(calendars).values(
            application_id=application_id,
            calendar_id=calendar_id,
            profile_id=profile_id,
            sub=sub,
            name=name,
            color=color,
            tzid=tzid,
            readonly=False,
            deleted=False,
            primary=primary,
            version=1,
            fresh_at=now,
            created_at=now,
        )
    )
    await touch(connection, application_id, [sub])
    return calendar_id


_CALENDARS = select(
    calendars,
    profiles.c.provider_name,
    profiles.c.profile_name,
    profiles.c.connected,
    profiles.c.initial_sync_required,
).join(
    profiles,
    (profiles.c.application_id == calendars.c.application_id) & (profiles.c.profile_id == calendars.c.profile_id),
)


async def list_calendars(connection: AsyncConnection, application_id: str, subs: Sequence[str]) -> list[Calendar]:
    """Every calendar of these accounts, deleted ones too, primary ones first, in the order they were made."""
    rows = await connection.execute(
        _CALENDARS.where(calendars.c.application_id == application_id, calendars.c.sub.in_(subs)).order_by(
            calendars.c.primary.desc(), calendars.c.created_at, calendars.c.calendar_id
        )
    )
    return [_calendar(row) for row in rows]


async def get_calendar(connection: AsyncConnection, application_id: str, sub: str, calendar_id: str) -> Calendar:
    row = (
        await connection.execute(
            _CALENDARS.where(
                calendars.c.application_id == application_id,
                calendars.c.sub == sub,
                calendars.c.calendar_id == calendar_id,
            )
        )
    ).one_or_none()
    if row is None:
        raise NotFound(f"no calendar {calendar_id}")
    return _calendar(row)


async def touch_calendar(connection: AsyncConnection, application_id: str, calendar_id: str, now: int) -> None:
    """Note that the calendar's busy time has changed. Of a mirrored one, only its provider tells all there is."""
    fresh_at = case((calendars.c.remote_id.is_(None), now), else_=calendars.c.fresh_at)
    await _change_calendar(connection, application_id, calendar_id, version=calendars.c.version + 1, fresh_at=fresh_at)


async def set_known(
    connection: AsyncConnection, application_id: str, calendar_id: str, known_from: int | None, known_until: int | None
) -> None:
    await _change_calendar(
        connection,
        application_id,
        calendar_id,
        known_from=known_from,
        known_until=known_until,
        version=calendars.c.version + 1,
    )


async def set_zone_version(
    connection: AsyncConnection, application_id: str, calendar_id: str, zone_version: str
) -> None:
    """Note which zone data its events are expanded with from now on."""
    await _change_calendar(
        connection, application_id, calendar_id, zone_version=zone_version, version=calendars.c.version + 1
    )


async def set_tzid(connection: AsyncConnection, application_id: str, sub: str, calendar_id: str, tzid: str) -> None:
    await _change_calendar(connection, application_id, calendar_id, tzid=tzid)
    await connection.execute(
        update(accounts).where(accounts.c.application_id == application_id, accounts.c.sub == sub).values(tzid=tzid)
    )


async def _change_calendar(connection: AsyncConnection, application_id: str, calendar_id: str, **values: Any) -> None:
    """Every change of a calendar's row may change when its owner is free."""
    owners = await connection.execute(
        update(calendars)
        .where(calendars.c.application_id == application_id, calendars.c.calendar_id == calendar_id)
        .values(**values)
        .returning(calendars.c.sub)
    )
    await touch(connection, application_id, owners.scalars())


def _calendar(row: Row[*tuple[Any, ...]]) -> Calendar:
    return Calendar(
        calendar_id=row.calendar_id,
        profile_id=row.profile_id,
        sub=row.sub,
        name=row.name,
        color=row.color,
        tzid=row.tzid,
        readonly=row.readonly,
        deleted=row.deleted,
        primary=row.primary,
        version=row.version,
        known_from=row.known_from,
        known_until=row.known_until,
        provider_name=row.provider_name,
        profile_name=row.profile_name,
        connected=row.connected,
        initial_sync_required=row.initial_sync_required,
        mirrored=row.remote_id is not None,
        conferencing=row.conferencing,
        owner_addresses=tuple(msgspec.json.decode(row.owner_addresses)) if row.owner_addresses else (),
        fresh_until=row.fresh_until,
        told_until=row.told_until,
    )
