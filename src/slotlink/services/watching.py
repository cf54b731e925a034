"""Have providers tell us of changes, and hear them. What is told is only that something changed; what, is read as ever.

Notices come late, twice, in any order, or never, so every calendar is polled beside its watch. Nothing here keeps a
calendar from being read: a watch that cannot be had is put off, and the poll goes on.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import random
from collections import defaultdict
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import structlog

from slotlink.connectors.base import Connector, Watch
from slotlink.errors import AccessRevoked, CalendarGone, ConnectorError, NotFound, ProviderUnavailable
from slotlink.services.deps import Deps
from slotlink.services.provider_access import access_to
from slotlink.settings import Settings
from slotlink.store import ids, mirrors, profiles, watches
from slotlink.store.watches import NewWatch, WatchState

PUSH_PATHS: Mapping[str, str] = {"google": "/providers/google/push", "office365": "/providers/microsoft/push"}
# Microsoft may answer 409 to a second subscription to the same resource (its manual, "Create subscription"), so there
# the old one goes first. Whatever changes between the two is found by the read that follows every new watch.
ONE_AT_A_TIME = frozenset({"office365"})
LOOKED_AT = 200  # calendars in one round
AT_ONCE = 8  # profiles: each provider call waits, for Microsoft's own call to us as well
LEASE_S = 600  # longer than a connector takes to stop one watch and to make another
SHORTEST_S = 60  # between two renewals, whatever the provider says of a watch's life
AWAY_S = 300  # a provider that does not answer now
REFUSED_S = 3600  # one that says no, to what may be our address
NONE_S = 86_400  # one that tells nobody of this calendar
STOP_S = 5.0  # for stopping all of a profile, while somebody waits

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Notice:
    """What somebody tells us, whoever it is. `renews`: the watch itself will not do much longer."""

    watch_id: str
    secret: str
    renews: bool = False


def push_base(settings: Settings) -> str | None:
    """The address that providers reach us under; None where they cannot, or shall not: they refuse all but https."""
    parts = urlsplit(settings.api_url)
    host = parts.hostname or ""
    if settings.calendar_push == "off" or parts.scheme != "https" or host == "localhost" or host.endswith(".localhost"):
        return None
    try:
        return None if ipaddress.ip_address(host).is_loopback else settings.api_url
    except ValueError:
        return settings.api_url


async def keep_watches(deps: Deps, now: int) -> bool:
    """Make the watches that are missing, renew those with half of their life left, drop those that are needless.
    Whether there was more to do than fits in one round."""
    base = push_base(deps.settings)
    async with deps.database.reading() as connection:
        ended = await watches.standing_watches(connection, LOOKED_AT, needless=base is not None)
        due = await watches.due_watches(connection, PUSH_PATHS, now, LOOKED_AT) if base is not None else []
    places = asyncio.Semaphore(AT_ONCE)

    async def in_turn(profile_id: str, work: Coroutine[None, None, None]) -> None:
        async with places:
            try:
                await work
            except Exception:  # one profile must not keep the others from theirs
                log.exception("watch.broke", profile=profile_id)

    works = [
        *((owner[1], _stop_in_time(deps, *owner, of_profile)) for owner, of_profile in _by_profile(ended).items()),
        *(
            (owner[1], _keep_profile(deps, base or "", *owner, of_profile, now))
            for owner, of_profile in _by_profile(due).items()
        ),
    ]
    await asyncio.gather(*(in_turn(*work) for work in works))
    return LOOKED_AT in (len(ended), len(due))


async def stop_watching(deps: Deps, application_id: str, profile_id: str) -> None:
    """Before a sign-in is forgotten: without it, nobody can stop what it has asked for. Raises nothing of the
    provider's, and waits STOP_S for it at most."""
    async with deps.database.reading() as connection:
        of_profile = await watches.watches_of(connection, application_id, profile_id)
    await _stop_in_time(deps, application_id, profile_id, of_profile)


async def _stop_in_time(deps: Deps, application_id: str, profile_id: str, of_profile: Sequence[WatchState]) -> None:
    try:
        async with asyncio.timeout(STOP_S):
            await _stop_all(deps, application_id, profile_id, of_profile)
    except TimeoutError:
        log.info("watch.not_stopped", profile=profile_id, reason="no answer in time")


async def heard(deps: Deps, notices: Sequence[Notice], now: int) -> bool:
    """Have the calendars read that these are about. Whether any of them was told by whom we had asked."""
    async with deps.database.reading() as connection:
        found = await watches.find_watches(connection, deps.vault, list({each.watch_id for each in notices}))
    known = {each.watch_id: each for each in found}
    proven = [each for each in notices if each.watch_id in known and _proves(each, known[each.watch_id].secret)]
    if not proven:
        return False
    renewing = {each.watch_id for each in proven if each.renews}
    async with deps.database.transaction() as connection:
        for watch in (known[watch_id] for watch_id in sorted({each.watch_id for each in proven})):
            await mirrors.hasten(connection, watch.application_id, [watch.calendar_id], now)
            if watch.watch_id in renewing:
                owner = (watch.application_id, watch.calendar_id)
                await watches.expire_watch(connection, *owner, watch.watch_id, now)
    deps.wake_worker()
    return True


def _proves(notice: Notice, secret: str) -> bool:
    return hmac.compare_digest(notice.secret.encode("utf-8", "surrogatepass"), secret.encode())


async def _keep_profile(
    deps: Deps, base: str, application_id: str, profile_id: str, due: Sequence[WatchState], now: int
) -> None:
    async with deps.database.reading() as connection:
        profile = await profiles.get_profile(connection, application_id, profile_id)
    left = list(due)
    url = base + PUSH_PATHS[profile.provider_name]
    one_at_a_time = profile.provider_name in ONE_AT_A_TIME
    try:
        async with access_to(deps, application_id, profile) as connector:
            while left:
                await _keep(deps, connector, left.pop(0), url, now, one_at_a_time=one_at_a_time)
    except (ProviderUnavailable, AccessRevoked) as error:
        for each in left:
            await _put_off_unclaimed(deps, each, now, _pause(error))


async def _keep(
    deps: Deps, connector: Connector, state: WatchState, url: str, now: int, *, one_at_a_time: bool
) -> None:
    """Raises ProviderUnavailable and AccessRevoked, after which the profile's others need not be tried."""
    async with deps.database.transaction() as connection:
        if not await watches.claim(connection, state.application_id, state.calendar_id, state.watch_id, now, LEASE_S):
            return
    old, remote_id = _watch_of(state), state.remote_id or ""
    watch_id = ids.new_id("wat")
    secret = f"{watch_id}.{ids.new_bearer_token()}"  # Microsoft sends nothing else of ours
    needless = old
    try:
        if old is not None and one_at_a_time:
            await connector.unwatch(remote_id, old)
            needless = None
        made = await connector.watch(remote_id, watch_id, url, secret)
    except (ProviderUnavailable, AccessRevoked) as error:
        await _put_off(deps, state, now, _pause(error), str(error), drops=needless is not old)
        raise
    except ConnectorError as error:
        await _put_off(deps, state, now, _pause(error), str(error), drops=True)
    else:
        if made is None:
            await _put_off(deps, state, now, NONE_S, "the provider does not tell of it", drops=True)
        elif not await _set(deps, state, made, secret, now):
            needless = made  # somebody else has been quicker
    if needless is not None:
        await _stop(connector, remote_id, needless)


async def _set(deps: Deps, state: WatchState, made: Watch, secret: str, now: int) -> bool:
    """Whether the watch counts. The calendar is read once more: it may have changed before the watch was there."""
    until = now + max((made.expires_at - now) // 2, SHORTEST_S)
    new = NewWatch(made.watch_id, made.remote_id, secret, until)
    owner = (state.application_id, state.calendar_id)
    async with deps.database.transaction() as connection:
        counts = await watches.set_watch(connection, deps.vault, *owner, now + LEASE_S, new)
        if counts:
            await mirrors.hasten(connection, state.application_id, [state.calendar_id], now)
    if counts:
        log.info("watch.made", calendar=state.calendar_id, watch=made.watch_id, expires_at=made.expires_at)
    return counts


async def _put_off(deps: Deps, state: WatchState, now: int, pause: int, reason: str, *, drops: bool) -> None:
    owner = (state.application_id, state.calendar_id)
    async with deps.database.transaction() as connection:
        await watches.put_off(connection, *owner, now + LEASE_S, now + pause, drops=drops)
    log.warning("watch.put_off", calendar=state.calendar_id, pause=pause, reason=reason)


async def _put_off_unclaimed(deps: Deps, state: WatchState, now: int, pause: int) -> None:
    owner = (state.application_id, state.calendar_id)
    async with deps.database.transaction() as connection:
        if await watches.claim(connection, *owner, state.watch_id, now, LEASE_S):
            await watches.put_off(connection, *owner, now + LEASE_S, now + pause, drops=False)


def _pause(error: ConnectorError) -> int:
    match error:
        case ProviderUnavailable():
            return max(error.retry_after or 0, round(AWAY_S * (0.75 + random.random() / 2)))  # noqa: S311 - jitter
        case CalendarGone():
            return NONE_S
        case _:
            return REFUSED_S


async def _stop_all(deps: Deps, application_id: str, profile_id: str, states: Sequence[WatchState]) -> None:
    """Forget these watches, and have them stopped where the provider can still be asked."""
    if any(each.connected for each in states):
        try:
            async with deps.database.reading() as connection:
                profile = await profiles.get_profile(connection, application_id, profile_id)
            async with access_to(deps, application_id, profile) as connector:
                for each in states:
                    if (watch := _watch_of(each)) is not None:
                        await _stop(connector, each.remote_id or "", watch)
        except (ConnectorError, NotFound) as error:
            log.info("watch.not_stopped", profile=profile_id, reason=str(error))
    for each in states:
        async with deps.database.transaction() as connection:
            await watches.drop_watch(connection, application_id, each.calendar_id, each.watch_id or "")
        log.info("watch.dropped", calendar=each.calendar_id, watch=each.watch_id)


async def _stop(connector: Connector, remote_id: str, watch: Watch) -> None:
    """One that cannot be stopped ends by itself; until then its notices are nobody's."""
    try:
        await connector.unwatch(remote_id, watch)
    except ConnectorError as error:
        log.info("watch.not_stopped", watch=watch.watch_id, reason=str(error))


def _watch_of(state: WatchState) -> Watch | None:
    if state.watch_id is None or state.watch_remote_id is None:
        return None
    return Watch(state.watch_id, state.watch_remote_id, 0)


def _by_profile(states: Sequence[WatchState]) -> Mapping[tuple[str, str], list[WatchState]]:
    found: defaultdict[tuple[str, str], list[WatchState]] = defaultdict(list)
    for each in states:
        found[each.application_id, each.profile_id].append(each)
    return found
