"""The last look before a booking: every participant's calendars elsewhere, asked anew about the time in question.

All of them at once and under one deadline. What they say is taken into the mirrors, so that the decision is made where
every other is; a calendar that does not answer is unreadable for it, and so is its owner.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import structlog

from slotlink.connectors.base import RemoteObject
from slotlink.engine import Period
from slotlink.errors import AccessRevoked, ConnectorError, NotFound
from slotlink.services.deps import Deps
from slotlink.services.mirror import Outdated, apply_live
from slotlink.services.mirrored import UnreadableObject
from slotlink.services.provider_access import access_to
from slotlink.store import mirrors, profiles
from slotlink.store.mirrors import Mirror

ATTEMPTS = 2  # to take in what was read, while the mirror is read further by somebody else

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


async def look_again(
    deps: Deps, application_id: str, subs: Sequence[str], within: Period, now: int
) -> Mapping[str, bool]:
    """For every mirrored calendar of these people whether it answered, and what it said is in its mirror."""
    async with deps.database.reading() as connection:
        of_all = await mirrors.list_mirrors(connection, application_id, subs=subs)
    by_profile: dict[str, list[Mirror]] = {}
    for mirror in of_all:
        by_profile.setdefault(mirror.profile_id, []).append(mirror)
    looking = [
        asyncio.create_task(_look(deps, application_id, profile_id, of_profile, within, now))
        for profile_id, of_profile in by_profile.items()
    ]
    answered = {mirror.calendar_id: False for mirror in of_all}
    if looking:
        done, late = await asyncio.wait(looking, timeout=deps.settings.calendar_timeout)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        for task in done:
            answered |= task.result()
    return answered


async def _look(
    deps: Deps, application_id: str, profile_id: str, of_profile: Sequence[Mirror], within: Period, now: int
) -> dict[str, bool]:
    try:
        async with deps.database.reading() as connection:
            profile = await profiles.get_profile(connection, application_id, profile_id)
        async with access_to(deps, application_id, profile) as connector:
            found = await connector.read_live([mirror.remote_id for mirror in of_profile], within)
            if revoked := next((each for each in found.values() if isinstance(each, AccessRevoked)), None):
                raise revoked
        return {mirror.calendar_id: await _take_in(deps, mirror, found[mirror.remote_id], now) for mirror in of_profile}
    except (ConnectorError, NotFound) as error:
        log.warning("live.unavailable", profile=profile_id, reason=str(error))
    except Exception:  # a bug must not let a time through that nobody has looked at
        log.exception("live.broke", profile=profile_id)
    return {mirror.calendar_id: False for mirror in of_profile}


async def _take_in(deps: Deps, mirror: Mirror, found: Sequence[RemoteObject] | ConnectorError, now: int) -> bool:
    """Whether the calendar answered, and all of it was understood."""
    if isinstance(found, ConnectorError):
        log.warning("live.unreadable", calendar=mirror.calendar_id, reason=str(found))
        return False
    for left in reversed(range(ATTEMPTS)):
        try:
            taken_in = await apply_live(deps, mirror, found, now)
        except UnreadableObject as error:
            log.warning("live.unreadable", calendar=mirror.calendar_id, reason=str(error))
            return False
        except Outdated:
            async with deps.database.reading() as connection:
                there = await mirrors.list_mirrors(connection, mirror.application_id, calendar_ids=[mirror.calendar_id])
            if not there or not left:
                return False
            mirror = there[0]
        else:
            if not taken_in:
                log.warning("live.unreadable", calendar=mirror.calendar_id, reason="an event of ours is being written")
            return taken_in
    return False
