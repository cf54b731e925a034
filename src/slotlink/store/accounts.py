"""Accounts, their tokens, profiles and calendars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.account import Account, Calendar, Profile
from slotlink.errors import NotFound
from slotlink.store import ids
from slotlink.store.tables import (
    accounts,
    availability_rules,
    available_periods,
    booking_participants,
    busy_periods,
    calendars,
    events,
    profiles,
    tokens,
)

EMBEDDED_PROVIDER = "cronofy"  # the name Cronofy gives the calendars it hosts itself


async def lock(connection: AsyncConnection, application_id: str, subs: Iterable[str]) -> None:
    """Hold these accounts, in one order, until the transaction ends: nobody else books or writes for them meanwhile.

    SQLite's BEGIN IMMEDIATE has locked everything already, and it knows no FOR UPDATE (SQLAlchemy leaves it out)."""
    await connection.execute(
        select(accounts.c.sub)
        .where(accounts.c.application_id == application_id, accounts.c.sub.in_(sorted(set(subs))))
        .order_by(accounts.c.sub)
        .with_for_update()
    )


async def lock_living(connection: AsyncConnection, application_id: str, sub: str) -> Account:
    """Lock one account. Raises NotFound for one that was revoked, maybe while the request was on its way."""
    await lock(connection, application_id, [sub])
    account = await get(connection, application_id, sub)
    if account.revoked:
        raise NotFound(f"account {sub} is revoked")
    return account


async def touch(connection: AsyncConnection, application_id: str, subs: Iterable[str]) -> None:
    """Note that answers about these people's availability may differ from now on. The caller holds their locks.

    Time that merely passes (a hold that runs out, a horizon that comes nearer) is no change, and is not noted."""
    await connection.execute(
        update(accounts)
        .where(accounts.c.application_id == application_id, accounts.c.sub.in_(sorted(set(subs))))
        .values(version=accounts.c.version + 1)
    )


async def find(connection: AsyncConnection, application_id: str, subs: Sequence[str]) -> dict[str, Account]:
    """The accounts of this application among `subs`. Revoked ones are found too."""
    rows = await connection.execute(
        select(accounts).where(accounts.c.application_id == application_id, accounts.c.sub.in_(subs))
    )
    return {row.sub: _account(row) for row in rows}


async def get(connection: AsyncConnection, application_id: str, sub: str) -> Account:
    found = await find(connection, application_id, [sub])
    if sub not in found:
        raise NotFound(f"no account {sub}")
    return found[sub]


async def find_anywhere(connection: AsyncConnection, sub: str) -> Account | None:
    """For the operator's command line, which speaks for every application."""
    row = (await connection.execute(select(accounts).where(accounts.c.sub == sub))).one_or_none()
    return None if row is None else _account(row)


async def find_application_calendar(
    connection: AsyncConnection, application_id: str, application_calendar_id: str
) -> Account | None:
    row = (
        await connection.execute(
            select(accounts).where(
                accounts.c.application_id == application_id,
                accounts.c.application_calendar_id == application_calendar_id,
            )
        )
    ).one_or_none()
    return None if row is None else _account(row)


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


async def list_profiles(connection: AsyncConnection, application_id: str, sub: str) -> list[Profile]:
    rows = await connection.execute(
        select(profiles)
        .where(profiles.c.application_id == application_id, profiles.c.sub == sub)
        .order_by(profiles.c.created_at, profiles.c.profile_id)
    )
    return [
        Profile(row.profile_id, row.sub, row.provider_name, row.profile_name, row.connected, row.initial_sync_required)
        for row in rows
    ]


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
    """Note that the calendar's busy time has changed."""
    await _change_calendar(connection, application_id, calendar_id, version=calendars.c.version + 1, fresh_at=now)


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


async def set_tzid(connection: AsyncConnection, application_id: str, sub: str, calendar_id: str, tzid: str) -> None:
    await _change_calendar(connection, application_id, calendar_id, tzid=tzid)
    await connection.execute(
        update(accounts).where(accounts.c.application_id == application_id, accounts.c.sub == sub).values(tzid=tzid)
    )


async def set_display_name(connection: AsyncConnection, application_id: str, sub: str, display_name: str) -> None:
    await connection.execute(
        update(accounts)
        .where(accounts.c.application_id == application_id, accounts.c.sub == sub)
        .values(display_name=display_name)
    )


async def revoke(connection: AsyncConnection, application_id: str, sub: str, now: int) -> None:
    """End the whole grant. For an embedded account that deletes what it held; its `sub` stays known, unreadable."""
    await lock(connection, application_id, [sub])
    await connection.execute(delete(tokens).where(tokens.c.application_id == application_id, tokens.c.sub == sub))
    await connection.execute(
        update(accounts)
        .where(accounts.c.application_id == application_id, accounts.c.sub == sub)
        .values(revoked_at=now, application_calendar_id=None)
    )
    await connection.execute(
        update(profiles)
        .where(profiles.c.application_id == application_id, profiles.c.sub == sub)
        .values(connected=False, sealed_credentials=None)
    )
    owned = select(calendars.c.calendar_id).where(calendars.c.application_id == application_id, calendars.c.sub == sub)
    for table in (busy_periods, events):
        await connection.execute(
            delete(table).where(table.c.application_id == application_id, table.c.calendar_id.in_(owned))
        )
    for table in (availability_rules, available_periods):
        await connection.execute(delete(table).where(table.c.application_id == application_id, table.c.sub == sub))
    await connection.execute(
        update(calendars)
        .where(calendars.c.application_id == application_id, calendars.c.sub == sub)
        .values(deleted=True, version=calendars.c.version + 1)
    )
    await connection.execute(
        update(booking_participants)
        .where(booking_participants.c.application_id == application_id, booking_participants.c.sub == sub)
        .values(blocks=False)
    )
    await touch(connection, application_id, [sub])


async def _change_calendar(connection: AsyncConnection, application_id: str, calendar_id: str, **values: Any) -> None:
    """Every change of a calendar's row may change when its owner is free."""
    owners = await connection.execute(
        update(calendars)
        .where(calendars.c.application_id == application_id, calendars.c.calendar_id == calendar_id)
        .values(**values)
        .returning(calendars.c.sub)
    )
    await touch(connection, application_id, owners.scalars())


def _account(row: Row[*tuple[Any, ...]]) -> Account:
    return Account(
        application_id=row.application_id,
        sub=row.sub,
        application_calendar_id=row.application_calendar_id,
        display_name=row.display_name,
        tzid=row.tzid,
        revoked=row.revoked_at is not None,
        version=row.version,
    )


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
    )
