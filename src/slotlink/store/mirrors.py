"""Mirrored calendars: how far each has been read, and when it is to be read again.

To claim one is to move its due time past the lease and raise its fence: a reader that died is followed by another, and
one that was only slow finds that its word counts no longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, case, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.errors import NotFound
from slotlink.store import ids
from slotlink.store.accounts import touch
from slotlink.store.tables import accounts, busy_periods, calendars, events, profiles


@dataclass(frozen=True, slots=True)
class Mirror:
    """A calendar elsewhere and our copy of it. `known_from` and `known_until`: the span that repeating events are
    expanded over. `fence` proves a claim."""

    application_id: str
    calendar_id: str
    profile_id: str
    sub: str
    remote_id: str
    tzid: str
    owner_addresses: tuple[str, ...]
    readonly: bool
    cursor: str | None
    fresh_at: int | None
    fresh_until: int | None
    reconciled_at: int | None
    known_from: int | None
    known_until: int | None
    viewed_at: int | None
    zone_version: str | None
    fence: int
    claimed_until: int | None = None  # when the claim ends; None: nobody has claimed this copy of it
    watched_until: int | None = None  # the provider tells of changes until then; None: it does not


async def create_mirror(
    connection: AsyncConnection,
    application_id: str,
    sub: str,
    profile_id: str,
    remote_id: str,
    described: dict[str, Any],
    now: int,
) -> str:
    """A calendar of which nothing is known yet; it is due at once. `described`: as `describe_mirror` takes it."""
    calendar_id = f"cal_{profile_id.removeprefix('pro_')}_{ids.new_id('c')[2:]}"
    await connection.execute(
        insert(calendars).values(
            application_id=application_id,
            calendar_id=calendar_id,
            profile_id=profile_id,
            sub=sub,
            remote_id=remote_id,
            deleted=False,
            version=1,
            known_from=0,
            known_until=0,
            sync_due_at=now,
            created_at=now,
            **_described(described),
        )
    )
    await settle_freshness(connection, application_id, sub)
    await touch(connection, application_id, [sub])
    return calendar_id


async def describe_mirror(
    connection: AsyncConnection, application_id: str, sub: str, calendar_id: str, described: dict[str, Any]
) -> None:
    """What the provider says of the calendar: name, color, tzid, readonly, primary, owner_addresses, conferencing."""
    values = _described(described)
    await connection.execute(  # whole days and invitations come to something else by now, so all of it is read anew
        update(calendars)
        .where(
            *_one(application_id, calendar_id),
            calendars.c.sync_due_at.is_not(None),
            or_(calendars.c.tzid != values["tzid"], calendars.c.owner_addresses != values["owner_addresses"]),
        )
        .values(sync_due_at=0, zone_version=None, fresh_until=0)
    )
    await connection.execute(
        update(calendars).where(*_one(application_id, calendar_id)).values(deleted=False, **values)
    )
    await connection.execute(  # one that was gone and has come back is read from the beginning
        update(calendars)
        .where(*_one(application_id, calendar_id), calendars.c.sync_due_at.is_(None))
        .values(sync_due_at=0, cursor=None, known_from=0, known_until=0)
    )
    await settle_freshness(connection, application_id, sub)
    await touch(connection, application_id, [sub])


async def remote_ids(connection: AsyncConnection, application_id: str, profile_id: str) -> dict[str, str]:
    """calendar_id by remote_id, of all that the profile has ever shown."""
    rows = await connection.execute(
        select(calendars.c.remote_id, calendars.c.calendar_id).where(
            calendars.c.application_id == application_id,
            calendars.c.profile_id == profile_id,
            calendars.c.remote_id.is_not(None),
        )
    )
    return {row.remote_id: row.calendar_id for row in rows}


async def list_mirrors(
    connection: AsyncConnection,
    application_id: str,
    *,
    subs: Sequence[str] | None = None,
    profile_id: str | None = None,
    calendar_ids: Sequence[str] | None = None,
) -> list[Mirror]:
    """The living ones of connected profiles, of these accounts, this profile or these calendars."""
    chosen = [calendars.c.application_id == application_id]
    if subs is not None:
        chosen.append(calendars.c.sub.in_(subs))
    if profile_id is not None:
        chosen.append(calendars.c.profile_id == profile_id)
    if calendar_ids is not None:
        chosen.append(calendars.c.calendar_id.in_(calendar_ids))
    rows = await connection.execute(_LIVING.where(*chosen).order_by(calendars.c.created_at, calendars.c.calendar_id))
    return [_mirror(row) for row in rows]


async def get_mirror(connection: AsyncConnection, application_id: str, calendar_id: str) -> Mirror:
    """One that has not been deleted, whether its profile is connected or not. Raises NotFound."""
    living = (calendars.c.remote_id.is_not(None), calendars.c.deleted.is_(False))
    row = (await connection.execute(select(calendars).where(*_one(application_id, calendar_id), *living))).one_or_none()
    if row is None:
        raise NotFound(f"no calendar {calendar_id}")
    return _mirror(row)


async def claim(connection: AsyncConnection, mirrors: Sequence[Mirror], now: int, lease_s: int) -> list[Mirror]:
    """Those of them that are due, for the caller alone until the lease ends."""
    claimed: list[Mirror] = []
    for mirror in mirrors:
        row = (
            await connection.execute(
                update(calendars)
                .where(
                    *_one(mirror.application_id, mirror.calendar_id),
                    calendars.c.sync_due_at <= now,
                    calendars.c.sync_fence == mirror.fence,
                )
                .values(sync_due_at=now + lease_s, sync_fence=calendars.c.sync_fence + 1)
                .returning(calendars.c.sync_fence)
            )
        ).one_or_none()
        if row is not None:
            claimed.append(replace(mirror, fence=row.sync_fence, claimed_until=now + lease_s))
    return claimed


async def hasten(connection: AsyncConnection, application_id: str, calendar_ids: Sequence[str], now: int) -> None:
    """Have these read soon: the provider has told of a change, or somebody is about to need them."""
    await connection.execute(
        update(calendars)
        .where(
            calendars.c.application_id == application_id,
            calendars.c.calendar_id.in_(calendar_ids),
            calendars.c.sync_due_at > now,
        )
        .values(sync_due_at=now)
    )


async def note_viewed(connection: AsyncConnection, application_id: str, subs: Sequence[str], now: int) -> None:
    """Somebody looks at their free time: their calendars are read more often for a while, beginning within a minute."""
    soon = now + 60
    await connection.execute(
        update(calendars)
        .where(
            calendars.c.application_id == application_id,
            calendars.c.sub.in_(subs),
            calendars.c.remote_id.is_not(None),
        )
        .values(viewed_at=now, sync_due_at=case((calendars.c.sync_due_at > soon, soon), else_=calendars.c.sync_due_at))
    )


async def lock_mirror(connection: AsyncConnection, mirror: Mirror) -> Mirror | None:
    """The mirror as it is now, held until the transaction ends; None when it is there no longer. The caller holds the
    account. Its fence tells whether a claim is still the latest, its span what repeating events are expanded over.
    """
    statement = _LIVING.where(*_one(mirror.application_id, mirror.calendar_id)).with_for_update(of=calendars)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else _mirror(row)


async def settle(
    connection: AsyncConnection,
    mirror: Mirror,
    *,
    changed: bool,
    due_at: int | None,
    **values: Any,
) -> None:
    """What was found out about a claimed calendar, and when it is read again. The caller holds the account.

    `changed`: its busy time is another now, or whether it can be read."""
    if changed:
        values["version"] = calendars.c.version + 1
    due = calendars.c.sync_due_at
    if due_at is None or mirror.claimed_until is None:
        values["sync_due_at"] = due_at
    else:  # whoever wanted it read soon while it was being read still does: what they know of may have come too late
        values["sync_due_at"] = case((due < mirror.claimed_until, due), else_=due_at)
    await connection.execute(update(calendars).where(*_one(mirror.application_id, mirror.calendar_id)).values(**values))
    await settle_freshness(connection, mirror.application_id, mirror.sub)
    if changed:
        await touch(connection, mirror.application_id, [mirror.sub])


async def narrow(connection: AsyncConnection, mirror: Mirror, known_from: int, known_until: int) -> None:
    """Its repeating events are being expanded anew, and over no more than this: beyond it nothing is known from here
    on. `mirror` is as `lock_mirror` found it."""
    if (mirror.known_from or 0) >= known_from and (mirror.known_until or 0) <= known_until:
        return
    await connection.execute(
        update(calendars)
        .where(*_one(mirror.application_id, mirror.calendar_id))
        .values(
            known_from=max(mirror.known_from or 0, known_from), known_until=min(mirror.known_until or 0, known_until)
        )
    )
    await touch(connection, mirror.application_id, [mirror.sub])


async def remove_mirror(connection: AsyncConnection, mirror: Mirror) -> None:
    """The provider has the calendar no longer, and so nothing that was in it. The caller holds the account."""
    for table in (busy_periods, events):
        await connection.execute(
            delete(table).where(
                table.c.application_id == mirror.application_id, table.c.calendar_id == mirror.calendar_id
            )
        )
    await settle(connection, mirror, changed=True, due_at=None, deleted=True, cursor=None, fresh_until=None)


async def settle_freshness(connection: AsyncConnection, application_id: str, sub: str) -> None:
    """Until when all that is mirrored of the account counts as fresh. No new version: time alone does that."""
    soonest = (
        select(func.min(func.coalesce(calendars.c.fresh_until, 0)))
        .join(profiles, SAME_PROFILE)
        .where(calendars.c.application_id == application_id, calendars.c.sub == sub, IS_LIVING)
        .scalar_subquery()
    )
    await connection.execute(
        update(accounts)
        .where(accounts.c.application_id == application_id, accounts.c.sub == sub)
        .values(fresh_until=soonest)
    )


SAME_PROFILE: ColumnElement[bool] = (profiles.c.application_id == calendars.c.application_id) & (
    profiles.c.profile_id == calendars.c.profile_id
)
IS_LIVING: ColumnElement[bool] = (
    calendars.c.remote_id.is_not(None) & calendars.c.deleted.is_(False) & profiles.c.connected
)
_LIVING = select(calendars).join(profiles, SAME_PROFILE).where(IS_LIVING)


def _one(application_id: str, calendar_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return calendars.c.application_id == application_id, calendars.c.calendar_id == calendar_id


def _described(described: dict[str, Any]) -> dict[str, Any]:
    addresses = msgspec.json.encode(described["owner_addresses"]).decode()
    return {**described, "owner_addresses": addresses}


_READ_OTHERWISE = ("owner_addresses", "fence", "claimed_until", "watched_until")
_AS_STORED = [name for name in Mirror.__dataclass_fields__ if name not in _READ_OTHERWISE]


def _mirror(row: Row[*tuple[Any, ...]]) -> Mirror:
    return Mirror(
        **{name: getattr(row, name) for name in _AS_STORED},
        owner_addresses=tuple(msgspec.json.decode(row.owner_addresses or "[]")),
        fence=row.sync_fence,
        watched_until=row.watch_until if row.watch_id is not None else None,
    )
