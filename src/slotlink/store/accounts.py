"""Accounts: their locks, their versions, their end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.account import Account
from slotlink.errors import NotFound
from slotlink.store.database import note_change
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
    note_change(connection)


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
        .values(revoked_at=now, application_calendar_id=None, email=None, fresh_until=None)
    )
    await connection.execute(
        update(profiles)
        .where(profiles.c.application_id == application_id, profiles.c.sub == sub)
        .values(connected=False, sealed_credentials=None)
    )
    await connection.execute(  # who it was at a provider is nobody's business any more
        update(profiles)
        .where(profiles.c.application_id == application_id, profiles.c.sub == sub, profiles.c.remote_user.is_not(None))
        .values(remote_user=None, profile_name=None)
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


def _account(row: Row[*tuple[Any, ...]]) -> Account:
    return Account(
        application_id=row.application_id,
        sub=row.sub,
        application_calendar_id=row.application_calendar_id,
        display_name=row.display_name,
        tzid=row.tzid,
        revoked=row.revoked_at is not None,
        version=row.version,
        email=row.email,
        fresh_until=row.fresh_until,
    )
