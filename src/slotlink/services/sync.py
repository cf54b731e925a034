"""Keep one profile's mirrors fresh: read those that are due, and draw the consequences of what the provider says."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace

import structlog

from slotlink.connectors.base import Connector
from slotlink.domain.account import Profile
from slotlink.errors import AccessRevoked, CalendarGone, ChangedElsewhere, NotAccepted, ProviderUnavailable
from slotlink.services.channels import tell_profile
from slotlink.services.connecting import refresh_calendars
from slotlink.services.deps import Deps
from slotlink.services.mirror import RECONCILE_S, Poll, put_off, read_mirror
from slotlink.services.own_events import let_all_go
from slotlink.services.provider_access import access_to
from slotlink.services.providers import PROVIDERS
from slotlink.store import accounts, due_calendars, mirrors, profiles
from slotlink.store.mirrors import Mirror

LEASE_S = 400  # longer than any connector reads one calendar for
LONGEST_PAUSE_S = 1800

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


async def sync_profile(deps: Deps, application_id: str, profile_id: str, now: int) -> bool:
    """Read every mirror of the profile that is due. Whether the provider answered: where it is away or refuses us, it
    is left alone for a while. One calendar that cannot be read keeps none of the others from being read."""
    async with deps.database.reading() as connection:
        profile = await profiles.get_profile(connection, application_id, profile_id)
        of_profile = await mirrors.list_mirrors(connection, application_id, profile_id=profile_id)
    async with deps.database.transaction() as connection:
        claimed = await mirrors.claim(connection, of_profile, now, LEASE_S)
    if not claimed:
        return True
    unread = list(claimed)
    try:
        async with access_to(deps, application_id, profile) as connector:
            if _listing_is_due(of_profile[0], unread, now):
                await _list_again(deps, connector, profile, unread, now)
            await _read_all(deps, connector, profile, unread, now)
    except AccessRevoked:
        return False
    except ProviderUnavailable as error:
        await _leave_alone(deps, application_id, profile, unread, error, now)
        return False
    await _succeed(deps, application_id, profile, now)
    return True


def _listing_is_due(first: Mirror, unread: Sequence[Mirror], now: int) -> bool:
    """Once a day for each profile: before its first calendar is read whole, save when it has just been connected."""
    asked = first.calendar_id in {each.calendar_id for each in unread} and first.fresh_at is not None
    return asked and (first.reconciled_at is None or now >= first.reconciled_at + RECONCILE_S)


async def _list_again(deps: Deps, connector: Connector, profile: Profile, unread: list[Mirror], now: int) -> None:
    """Calendars come and go. Leaves in `unread` those that are still there, as they are by now."""
    application_id = unread[0].application_id
    if await _listed(deps, connector, application_id, profile, now) is None:
        return
    async with deps.database.reading() as connection:
        living = await mirrors.list_mirrors(connection, application_id, profile_id=profile.profile_id)
    current = {each.calendar_id: each for each in living}
    claimed = [(each, current[each.calendar_id]) for each in unread if each.calendar_id in current]
    unread[:] = [
        replace(there, claimed_until=each.claimed_until) for each, there in claimed if each.fence == there.fence
    ]


async def _listed(deps: Deps, connector: Connector, application_id: str, profile: Profile, now: int) -> set[str] | None:
    """The calendars that the provider lists, by its names, once ours are in line with it; None where it lists nothing
    that can be believed. Raises AccessRevoked, ProviderUnavailable."""
    try:
        listed = await connector.list_calendars()
    except (CalendarGone, NotAccepted, ChangedElsewhere) as error:
        log.warning("profile.not_listed", profile=profile.profile_id, reason=str(error))
        return None
    there = {each.remote_id for each in listed}
    if listed:
        async with deps.database.reading() as connection:
            living = await mirrors.list_mirrors(connection, application_id, profile_id=profile.profile_id)
        for mirror in living:
            if mirror.remote_id not in there:
                log.warning("mirror.gone", calendar=mirror.calendar_id, profile=profile.profile_id)
                await let_all_go(deps, mirror, now)
    return there if await refresh_calendars(deps, application_id, profile, listed, now) else None


async def _read_all(deps: Deps, connector: Connector, profile: Profile, unread: list[Mirror], now: int) -> None:
    """Takes out of `unread` what was read. Raises AccessRevoked, and ProviderUnavailable once all have been tried."""
    poll = poll_of(deps, profile.provider_name)
    away: ProviderUnavailable | None = None
    for mirror in list(unread):
        try:
            await read_mirror(deps, connector, mirror, poll, now)
            unread.remove(mirror)
        except CalendarGone as error:
            listed = await _listed(deps, connector, mirror.application_id, profile, now)
            unread.remove(mirror)
            if listed is None or mirror.remote_id in listed:
                await put_off(deps, mirror, error, now + LONGEST_PAUSE_S)
        except ProviderUnavailable as error:
            away = error
            if error.retry_after is not None:
                break
    if away is not None:
        raise away


async def _leave_alone(
    deps: Deps, application_id: str, profile: Profile, unread: Sequence[Mirror], error: ProviderUnavailable, now: int
) -> None:
    failures = profile.failures + 1
    pause = max(error.retry_after or 0, pause_after(failures, random.random()))  # noqa: S311 - jitter
    async with deps.database.transaction() as connection:
        await profiles.note_failure(connection, application_id, profile.profile_id, failures, now + pause)
    for mirror in unread:
        await put_off(deps, mirror, error, now + pause)
    log.warning("profile.unavailable", profile=profile.profile_id, failures=failures, pause=pause, reason=str(error))


async def _succeed(deps: Deps, application_id: str, profile: Profile, now: int) -> None:
    if profile.failures:
        async with deps.database.transaction() as connection:
            await profiles.note_failure(connection, application_id, profile.profile_id, 0, None)
    if profile.initial_sync_required:
        async with deps.database.transaction() as connection:
            await accounts.lock(connection, application_id, [profile.sub])
            left = await mirrors.list_mirrors(connection, application_id, profile_id=profile.profile_id)
            if all(each.fresh_at is not None for each in left):
                await profiles.finish_initial_sync(connection, application_id, profile)
                kind = "profile_initial_sync_completed"
                await tell_profile(deps, connection, application_id, profile.sub, kind, now)
                log.info("profile.initial_sync_completed", profile=profile.profile_id, sub=profile.sub)
        deps.wake_worker()


def poll_of(deps: Deps, provider_name: str) -> Poll:
    """What was read is believed for three rounds at least, so that one that fails hides nobody."""
    every_s = PROVIDERS[provider_name].poll_s or round(deps.settings.calendar_poll)
    return Poll(every_s, max(round(deps.settings.calendar_stale), 3 * every_s))


def pause_after(failures: int, luck: float) -> int:
    """Seconds for which a provider that failed so often in a row is left alone: 5, 10, 20 … half an hour, jittered."""
    return round(min(LONGEST_PAUSE_S, 5 * 2 ** min(failures - 1, 10)) * (0.75 + luck / 2))


async def refresh_stale(deps: Deps, application_id: str, subs: Sequence[str], now: int, wait_s: float) -> bool:
    """Somebody looks at these people's time: read what is too old to be believed, all at once and for so long at most.
    Whether anybody was asked and came to an end.

    A provider that has just failed is not asked: the worker finds out when it is back."""
    async with deps.database.reading() as connection:
        stale = [
            each
            for each in await mirrors.list_mirrors(connection, application_id, subs=subs)
            if each.fresh_until is None or each.fresh_until <= now
        ]
        due = set(await due_calendars.due_of(connection, application_id, {each.profile_id for each in stale}, now))
    if not due:
        return False
    reading = [asyncio.create_task(_sync_quietly(deps, application_id, profile_id, now)) for profile_id in due]
    for task in reading:  # those that take longer go on, for whoever looks next
        _UNDER_WAY.add(task)
        task.add_done_callback(_UNDER_WAY.discard)
    done, _ = await asyncio.wait(reading, timeout=wait_s)
    return bool(done)


_UNDER_WAY: set[asyncio.Task[None]] = set()  # the loop itself keeps no task alive


async def _sync_quietly(deps: Deps, application_id: str, profile_id: str, now: int) -> None:
    try:
        await sync_profile(deps, application_id, profile_id, now)
    except Exception:  # a bug must not hide whose calendar it was
        log.exception("sync.broke", profile=profile_id)
