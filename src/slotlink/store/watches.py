"""Watches: which calendars a provider tells us of, and when each of them is seen to again.

`watch_until` is how long things stand as they are: until then a watch is relied on, and none is asked for where there
is none. To claim a calendar is to move it past the lease; the word of whoever comes back later counts no longer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.store.mirrors import IS_LIVING, SAME_PROFILE
from slotlink.store.tables import calendars, profiles
from slotlink.vault import Vault, row_name


@dataclass(frozen=True, slots=True)
class WatchState:
    """A calendar and its watch. `watch_remote_id` is the provider's name for the watch; None where there is none.

    `remote_id` is None, and `connected` False, where the provider can no longer be asked."""

    application_id: str
    calendar_id: str
    profile_id: str
    remote_id: str | None
    watch_id: str | None
    watch_remote_id: str | None
    connected: bool


@dataclass(frozen=True, slots=True)
class NewWatch:
    """What the provider agreed to. `until`: UTC seconds, when it is to be renewed."""

    watch_id: str
    remote_id: str
    secret: str
    until: int


@dataclass(frozen=True, slots=True)
class KnownWatch:
    """Whose changes a watch tells, and the secret that shows who tells them."""

    watch_id: str
    application_id: str
    calendar_id: str
    secret: str


async def due_watches(
    connection: AsyncConnection, provider_names: Collection[str], now: int, limit: int
) -> list[WatchState]:
    """Calendars of these providers that need a watch, or a new one. Only such as have been read once: before, there is
    nothing that a change could be missed in."""
    rows = await connection.execute(
        _STATES.where(
            IS_LIVING,
            profiles.c.provider_name.in_(provider_names),
            or_(profiles.c.retry_at.is_(None), profiles.c.retry_at <= now),
            calendars.c.fresh_at.is_not(None),
            or_(calendars.c.watch_until.is_(None), calendars.c.watch_until <= now),
        )
        .order_by(func.coalesce(calendars.c.watch_until, 0), calendars.c.calendar_id)
        .limit(limit)
    )
    return [WatchState(*row) for row in rows]


async def standing_watches(connection: AsyncConnection, limit: int, *, needless: bool) -> list[WatchState]:
    """All watches; or those that are `needless`: of calendars that are gone, and profiles that are disconnected."""
    statement = _STATES.where(calendars.c.watch_id.is_not(None))
    if needless:
        statement = statement.where(~IS_LIVING)
    rows = await connection.execute(statement.order_by(calendars.c.calendar_id).limit(limit))
    return [WatchState(*row) for row in rows]


async def watches_of(connection: AsyncConnection, application_id: str, profile_id: str) -> list[WatchState]:
    """Those of one profile."""
    rows = await connection.execute(
        _STATES.where(
            calendars.c.application_id == application_id,
            calendars.c.profile_id == profile_id,
            calendars.c.watch_id.is_not(None),
        ).order_by(calendars.c.calendar_id)
    )
    return [WatchState(*row) for row in rows]


async def claim(
    connection: AsyncConnection, application_id: str, calendar_id: str, watch_id: str | None, now: int, lease_s: int
) -> bool:
    """Whether it is still due with this watch, or without one; then it is the caller's until `now` + `lease_s`."""
    claimed = await connection.execute(
        update(calendars)
        .where(
            *_one(application_id, calendar_id),
            calendars.c.watch_id.is_not_distinct_from(watch_id),
            or_(calendars.c.watch_until.is_(None), calendars.c.watch_until <= now),
        )
        .values(watch_until=now + lease_s)
    )
    return claimed.rowcount == 1


async def set_watch(
    connection: AsyncConnection, vault: Vault, application_id: str, calendar_id: str, lease_until: int, watch: NewWatch
) -> bool:
    """Put it in the place of the one before. False when the claim counts no longer."""
    sealed = vault.seal(watch.secret, row_name("calendars", application_id, calendar_id))
    done = await connection.execute(
        update(calendars)
        .where(*_one(application_id, calendar_id), calendars.c.watch_until == lease_until)
        .values(
            watch_id=watch.watch_id,
            watch_remote_id=watch.remote_id,
            sealed_watch_secret=sealed,
            watch_until=watch.until,
        )
    )
    return done.rowcount == 1


async def put_off(
    connection: AsyncConnection, application_id: str, calendar_id: str, lease_until: int, until: int, *, drops: bool
) -> bool:
    """Leave a claimed calendar alone until then. `drops`: there is no watch any more that could be relied on."""
    gone = _NO_WATCH if drops else {}
    done = await connection.execute(
        update(calendars)
        .where(*_one(application_id, calendar_id), calendars.c.watch_until == lease_until)
        .values(watch_until=until, **gone)
    )
    return done.rowcount == 1


async def drop_watch(connection: AsyncConnection, application_id: str, calendar_id: str, watch_id: str) -> bool:
    """Nothing is heard through it any more."""
    done = await connection.execute(
        update(calendars)
        .where(*_one(application_id, calendar_id), calendars.c.watch_id == watch_id)
        .values(watch_until=None, **_NO_WATCH)
    )
    return done.rowcount == 1


async def expire_watch(
    connection: AsyncConnection, application_id: str, calendar_id: str, watch_id: str, now: int
) -> bool:
    """It is due to be renewed at once: the provider says that it will not do much longer."""
    done = await connection.execute(
        update(calendars)
        .where(*_one(application_id, calendar_id), calendars.c.watch_id == watch_id, calendars.c.watch_until > now)
        .values(watch_until=now)
    )
    return done.rowcount == 1


async def find_watches(connection: AsyncConnection, vault: Vault, watch_ids: Sequence[str]) -> list[KnownWatch]:
    """Those of them that we have asked for. The caller compares the secret: the ids themselves prove nothing."""
    rows = await connection.execute(
        select(
            calendars.c.watch_id, calendars.c.application_id, calendars.c.calendar_id, calendars.c.sealed_watch_secret
        ).where(calendars.c.watch_id.in_(watch_ids))
    )
    return [
        KnownWatch(
            row.watch_id,
            row.application_id,
            row.calendar_id,
            vault.open(row.sealed_watch_secret, row_name("calendars", row.application_id, row.calendar_id)),
        )
        for row in rows
    ]


_NO_WATCH: dict[str, Any] = {"watch_id": None, "watch_remote_id": None, "sealed_watch_secret": None}
_STATES: Select[*tuple[Any, ...]] = select(
    calendars.c.application_id,
    calendars.c.calendar_id,
    calendars.c.profile_id,
    calendars.c.remote_id,
    calendars.c.watch_id,
    calendars.c.watch_remote_id,
    profiles.c.connected,
).join(profiles, SAME_PROFILE)


def _one(application_id: str, calendar_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return calendars.c.application_id == application_id, calendars.c.calendar_id == calendar_id
