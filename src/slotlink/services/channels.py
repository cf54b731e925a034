"""Notification channels: open and close them, and put what they are told into the outbox."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.channel import Channel, Filters, NoticeKind, ProfileNotice, notice_body
from slotlink.errors import FieldError, InvalidRequest, NotFound
from slotlink.services.callbacks import host_of
from slotlink.services.deps import Deps
from slotlink.store import accounts, channels
from slotlink.store.calendars import list_calendars

MOST_CHANNELS = 128  # of an account
TOLD_AT_ONCE = 50  # channels in one transaction: nobody waits long for the write lock

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


async def open_channel(
    deps: Deps,
    application_id: str,
    sub: str,
    callback_url: str,
    calendar_ids: Sequence[str] | None,
    now: int,
    *,
    only_managed: bool,
) -> Channel:
    """A new channel, which is sent a `verification` at once; or the living one that tells the same URL the same.

    Raises InvalidRequest for calendars that are not the account's, and for one channel more than it may have. The
    caller wakes the worker once all is committed."""
    filters = Filters.of(calendar_ids, only_managed=only_managed)
    async with deps.database.transaction() as connection:
        await accounts.lock_living(connection, application_id, sub)
        await _check_calendars(connection, application_id, sub, calendar_ids or ())
        same = await channels.find_same(connection, application_id, sub, callback_url, filters)
        if same is not None:
            return same
        if len(await channels.list_channels(connection, application_id, sub)) >= MOST_CHANNELS:
            limit = f"an account may have {MOST_CHANNELS} channels; close one first"
            raise InvalidRequest.of("base", "errors.too_many", limit)
        channel = await channels.create(connection, application_id, sub, callback_url, filters, now)
        await _promise(deps, connection, channel, "verification", now)
    log.info("channel.opened", channel=channel.channel_id, sub=sub)
    return channel


async def close_channel(deps: Deps, application_id: str, sub: str, channel_id: str, now: int) -> None:
    """Raises NotFound, also for a channel that is closed already."""
    async with deps.database.transaction() as connection:
        found = await channels.find(connection, application_id, sub, channel_id)
        if found is None or not await channels.close(connection, application_id, channel_id, now):
            raise NotFound(f"no channel {channel_id}")
    log.info("channel.closed", channel=channel_id, sub=sub)


async def tell_due(deps: Deps, now: int) -> int:
    """Put a `change` notification into the outbox for every channel that is due, up to `TOLD_AT_ONCE`. How many.

    A receiver that has not answered lately is told later: its notifications would only pile up."""
    count = 0
    async with deps.database.transaction() as connection:
        for each in await channels.due(connection, now, TOLD_AT_ONCE):
            tell_at = now if each.failing_since is None else each.failing_since + channels.PUT_OFF_S
            if tell_at > now:
                await channels.put_off(connection, each.channel, tell_at)
                continue
            await _promise(deps, connection, each.channel, "change", now, each.channel.changed_since)
            await channels.told(connection, each.channel)
            count += 1
    if count:
        log.info("channels.told", channels=count)
    return count


async def tell_profile(
    deps: Deps, connection: AsyncConnection, application_id: str, sub: str, kind: ProfileNotice, now: int
) -> None:
    """Tell every living channel of the account, whatever its filters, about one of its profiles. Inside the caller's
    transaction; the caller wakes the worker after it."""
    for channel in await channels.list_channels(connection, application_id, sub):
        await _promise(deps, connection, channel, kind, now)


async def close_after_failure(connection: AsyncConnection, application_id: str, channel_id: str, now: int) -> None:
    """A notification was given up: nobody listens there any more. In the transaction that settles the delivery."""
    if await channels.close(connection, application_id, channel_id, now):
        log.warning("channel.given_up", channel=channel_id)


async def _promise(
    deps: Deps,
    connection: AsyncConnection,
    channel: Channel,
    kind: NoticeKind,
    now: int,
    changes_since: int | None = None,
) -> None:
    """Promise one notification. Its bytes are fixed here; only the signature is made when it is sent."""
    host = host_of(channel.callback_url)
    body = msgspec.json.encode(notice_body(channel, kind, changes_since))
    await channels.promise(connection, deps.vault, channel, host, body, now)


async def _check_calendars(
    connection: AsyncConnection, application_id: str, sub: str, calendar_ids: Sequence[str]
) -> None:
    if not calendar_ids:
        return
    found = await list_calendars(connection, application_id, [sub])
    owned = {calendar.calendar_id for calendar in found if not calendar.deleted}
    fault = FieldError("errors.invalid_calendar_ids", "not a calendar of this account; GET /v1/calendars lists them")
    unknown = {
        f"filters.calendar_ids[{number}]": [fault]
        for number, calendar_id in enumerate(calendar_ids)
        if calendar_id not in owned
    }
    if unknown:
        raise InvalidRequest(unknown)
