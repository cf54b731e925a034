"""People whose calendar lives elsewhere, as the store has them once they are connected, and once it has been read."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncConnection

from bench.calendar_objects import OWNER, TZID, CalendarObject
from slotlink.services.mirrored import ZONE_VERSION, horizon
from slotlink.services.providers import to_store
from slotlink.store import mirrors, profiles
from slotlink.store.events import EventTime, Occurrence
from slotlink.store.mirrored_events import MirroredEvent, write_mirrored
from slotlink.store.mirrors import Mirror
from slotlink.vault import Vault

FRESH_S = 30 * 86_400  # longer than anything is measured: nobody reads meanwhile


async def connect_person(
    connection: AsyncConnection, vault: Vault, application_id: str, user: str, address: str, calendar_url: str, now: int
) -> Mirror:
    """A new account with one profile at a CalDAV server and one calendar there, which has never been read."""
    account = await profiles.create_account(connection, application_id, None, None, TZID, now)
    profile = await profiles.create_profile(
        connection,
        application_id,
        account.sub,
        provider_name="caldav",
        provider_service="caldav",
        profile_name=user,
        remote_user=f"{user}@{address}",
        now=now,
    )
    credentials = {"address": address, "user": user, "password": "any"}
    await profiles.connect(connection, vault, application_id, profile, to_store(credentials))
    described = {
        "name": "Work",
        "color": None,
        "tzid": TZID,
        "readonly": False,
        "primary": True,
        "owner_addresses": [OWNER],
        "conferencing": False,
    }
    await mirrors.create_mirror(
        connection, application_id, account.sub, profile.profile_id, calendar_url, described, now
    )
    (mirror,) = await mirrors.list_mirrors(connection, application_id, subs=[account.sub])
    return mirror


async def fill_mirror(
    connection: AsyncConnection, mirror: Mirror, objects: Iterable[CalendarObject], now: int, *, dead: bool = False
) -> None:
    """As if it had been read: events that do not repeat, busy for as long as each lasts.

    dead  its provider has not answered for so long that the copy counts no longer, and is left alone for a while"""
    events = [
        MirroredEvent(
            f"/{each.uid}.ics",
            "1",
            each.text,
            {"summary": "Busy"},
            recurring=False,
            occurrences=[Occurrence(0, EventTime(each.start, each.end, "Etc/UTC"), "busy", None)],
        )
        for each in objects
    ]
    await write_mirrored(connection, mirror, {}, events, now)
    known = horizon(now)
    await mirrors.settle(
        connection,
        mirror,
        changed=True,
        due_at=now if dead else now + FRESH_S,
        cursor="token-1 1",
        fresh_at=now,
        fresh_until=now if dead else now + FRESH_S,
        reconciled_at=now,
        known_from=known.start,
        known_until=known.end,
        zone_version=ZONE_VERSION,
        problem="no answer in time" if dead else None,
    )
    profile = await profiles.get_profile(connection, mirror.application_id, mirror.profile_id)
    await profiles.finish_initial_sync(connection, mirror.application_id, profile)
    if dead:
        await profiles.note_failure(connection, mirror.application_id, mirror.profile_id, 12, now + FRESH_S)
