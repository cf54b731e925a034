"""Notification channels: who is told of an account's changes, and what has yet to be told.

A channel collects changes in its row (`changed_since`), so that many of them are one notification. What is told goes
into the outbox, where its items name their channel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, case, delete, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.channel import Channel, Filters
from slotlink.store import ids
from slotlink.store.outbox import CLOCKS_DIFFER_S, add
from slotlink.store.tables import channels, outbox
from slotlink.vault import Vault

TELL_AFTER_S = 2  # of the first change: what comes until then is told with it
PUT_OFF_S = 300  # changes of a receiver that does not answer are told this far apart, so that they do not pile up


@dataclass(frozen=True, slots=True)
class DueChannel:
    """A channel with changes to tell. `failing_since`: when the latest notification that has failed so far, and is
    still to be tried again, was put into the outbox."""

    channel: Channel
    failing_since: int | None


async def create(
    connection: AsyncConnection, application_id: str, sub: str, callback_url: str, filters: Filters, now: int
) -> Channel:
    channel = Channel(application_id, ids.new_id("chn"), sub, callback_url, filters)
    await connection.execute(
        insert(channels).values(
            application_id=application_id,
            channel_id=channel.channel_id,
            sub=sub,
            callback_url=callback_url,
            filters=_text(filters),
            created_at=now,
        )
    )
    return channel


async def find(connection: AsyncConnection, application_id: str, sub: str, channel_id: str) -> Channel | None:
    """A living channel of the account."""
    row = await connection.execute(
        select(channels).where(*_living(application_id, sub), channels.c.channel_id == channel_id)
    )
    found = row.one_or_none()
    return None if found is None else _channel(found)


async def find_same(
    connection: AsyncConnection, application_id: str, sub: str, callback_url: str, filters: Filters
) -> Channel | None:
    """The living channel that tells this URL the same. The caller holds the account, so that there is one at most."""
    row = await connection.execute(
        select(channels).where(
            *_living(application_id, sub),
            channels.c.callback_url == callback_url,
            channels.c.filters == _text(filters),
        )
    )
    found = row.one_or_none()
    return None if found is None else _channel(found)


async def list_channels(connection: AsyncConnection, application_id: str, sub: str) -> list[Channel]:
    """The living channels of an account, in the order they were made."""
    rows = await connection.execute(
        select(channels).where(*_living(application_id, sub)).order_by(channels.c.created_at, channels.c.channel_id)
    )
    return [_channel(row) for row in rows]


async def close(connection: AsyncConnection, application_id: str, channel_id: str, now: int) -> bool:
    """Tell it nothing any more, not even what waits in the outbox. False when it was closed already, or is unknown.

    An attempt that is being settled at this moment may be followed by others, until it is given up."""
    return bool(
        await _close(connection, now, channels.c.application_id == application_id, channels.c.channel_id == channel_id)
    )


async def close_all(connection: AsyncConnection, application_id: str, sub: str, now: int) -> int:
    """Close every channel of an account. How many there were."""
    return await _close(connection, now, *_living(application_id, sub))


async def _close(connection: AsyncConnection, now: int, *chosen: ColumnElement[bool]) -> int:
    closed = await connection.execute(
        update(channels)
        .where(*chosen, channels.c.closed_at.is_(None))
        .values(closed_at=now, changed_since=None, tell_at=None)
        .returning(channels.c.application_id, channels.c.channel_id)
    )
    rows = closed.all()
    for row in rows:
        # Whoever settles an item holds it and may want the channel next: waiting for the item here would be a deadlock.
        waiting = await connection.execute(
            select(outbox.c.item_id)
            .where(_waiting_for(row.application_id, row.channel_id))
            .with_for_update(skip_locked=True)
        )
        await connection.execute(
            update(outbox)
            .where(outbox.c.application_id == row.application_id, outbox.c.item_id.in_(waiting.scalars().all()))
            .values(state="dead", lease_owner=None, lease_until=None, fence=outbox.c.fence + 1)
        )
    return len(rows)


async def note_change(
    connection: AsyncConnection, application_id: str, sub: str, calendar_ids: Sequence[str], now: int, *, managed: bool
) -> None:
    """Something has changed in these calendars; `managed` when an event that the application manages is concerned.

    `now` is no later than the `updated_at` of what has changed: readers ask for what was updated then or later. The
    caller holds the account."""
    named = [channels.c.filters.contains(f'"{calendar_id}"', autoescape=True) for calendar_id in calendar_ids]
    chosen = [or_(channels.c.filters.not_like('%"calendar_ids"%'), *named)]
    if not managed:
        chosen.append(channels.c.filters.not_like('%"only_managed"%'))
    await connection.execute(
        update(channels)
        .where(*_living(application_id, sub), *chosen)
        .values(
            # The earlier of the two, not the first that came: clocks differ, and transactions overtake each other.
            changed_since=_earlier(channels.c.changed_since, now),
            tell_at=_earlier(channels.c.tell_at, now + TELL_AFTER_S),
        )
    )


async def next_due_at(connection: AsyncConnection, now: int) -> int | None:
    """When there is something to tell next. `now` or before when `due` would find something."""
    earliest = select(func.min(case((_is_due(now), now), else_=channels.c.tell_at))).where(
        channels.c.tell_at.is_not(None)
    )
    return (await connection.execute(earliest)).scalar_one_or_none()


async def due(connection: AsyncConnection, now: int, limit: int) -> list[DueChannel]:
    """Channels of any application that are to be told of changes now, the most overdue first. They are the caller's
    until the transaction ends: a change that is noted meanwhile waits, and is told by the next notification."""
    failing_since = (
        select(func.max(outbox.c.created_at))
        .where(_waiting_for(channels.c.application_id, channels.c.channel_id), outbox.c.attempts > 0)
        .scalar_subquery()
    )
    rows = await connection.execute(
        select(channels, failing_since.label("failing_since"))
        .where(_is_due(now))
        .order_by(channels.c.tell_at, channels.c.channel_id)
        .limit(limit)
        .with_for_update(of=channels, skip_locked=True)
    )
    return [DueChannel(_channel(row), row.failing_since) for row in rows]


async def told(connection: AsyncConnection, channel: Channel) -> None:
    """What it had yet to be told is in the outbox now."""
    await connection.execute(update(channels).where(*_one(channel)).values(changed_since=None, tell_at=None))


async def put_off(connection: AsyncConnection, channel: Channel, tell_at: int) -> None:
    await connection.execute(update(channels).where(*_one(channel)).values(tell_at=tell_at))


async def promise(connection: AsyncConnection, vault: Vault, channel: Channel, host: str, body: bytes, now: int) -> str:
    """Put a notification into the outbox: a callback of no link, which names its channel."""
    application_id = channel.application_id
    where = (application_id, None, channel.callback_url, host)
    return await add(connection, vault, *where, body, now, channel_id=channel.channel_id)


async def forget_closed(connection: AsyncConnection, before: int) -> int:
    """Delete channels closed before then that no item of the outbox names any more. How many there were."""
    named = exists().where(
        outbox.c.application_id == channels.c.application_id, outbox.c.channel_id == channels.c.channel_id
    )
    return (await connection.execute(delete(channels).where(channels.c.closed_at < before, ~named))).rowcount


def _is_due(now: int) -> ColumnElement[bool]:
    """Told at once also when it is to be told later than anything is: that was written by a clock set back since."""
    furthest = now + PUT_OFF_S + CLOCKS_DIFFER_S
    return or_(channels.c.tell_at <= now, channels.c.tell_at > furthest)


def _earlier(column: ColumnElement[Any], instant: int) -> ColumnElement[Any]:
    return case((column < instant, column), else_=instant)


def _living(application_id: str, sub: str) -> tuple[ColumnElement[bool], ...]:
    return channels.c.application_id == application_id, channels.c.sub == sub, channels.c.closed_at.is_(None)


def _one(channel: Channel) -> tuple[ColumnElement[bool], ...]:
    return channels.c.application_id == channel.application_id, channels.c.channel_id == channel.channel_id


def _waiting_for(application_id: str | ColumnElement[str], channel_id: str | ColumnElement[str]) -> ColumnElement[bool]:
    return (
        (outbox.c.application_id == application_id)
        & (outbox.c.channel_id == channel_id)
        & (outbox.c.state == "waiting")
    )


def _text(filters: Filters) -> str:
    """One text for equal filters. Ids of calendars are ours, so that one in quotes is found by a plain comparison."""
    return msgspec.json.encode(filters.given()).decode()


def _channel(row: Row[*tuple[Any, ...]]) -> Channel:
    kept = msgspec.json.decode(row.filters)
    filters = Filters.of(kept.get("calendar_ids"), only_managed=kept.get("only_managed", False))
    return Channel(row.application_id, row.channel_id, row.sub, row.callback_url, filters, row.changed_since)
