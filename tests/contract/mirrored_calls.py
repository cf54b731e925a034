"""Everything that the store can be asked of calendars elsewhere, as a foreign application asks it, and somebody who has
one: for tests/contract/test_store_tenants.py, and for tests of what the store keeps of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.account import Profile
from slotlink.domain.event import EventTime
from slotlink.store import (
    calendars,
    due_calendars,
    event_names,
    event_writes,
    guest_messages,
    mirrored_events,
    mirrors,
    profiles,
    provider_credentials,
)
from slotlink.store.event_writes import EventWrite
from slotlink.store.events import Occurrence
from slotlink.store.guest_messages import GuestMessage
from slotlink.store.mirrored_events import Known, MirroredEvent
from slotlink.store.mirrors import Mirror
from slotlink.store.tables import calendars as calendar_rows
from tests.contract.store import DAY, HOUR, NOW, Store

MODULES = (
    calendars,
    due_calendars,
    event_names,
    event_writes,
    guest_messages,
    mirrored_events,
    mirrors,
    profiles,
    provider_credentials,
)
DESCRIBED: dict[str, Any] = {
    "name": "Work",
    "color": None,
    "tzid": "Europe/Berlin",
    "readonly": False,
    "primary": True,
    "owner_addresses": ["maya@example.com"],
    "conferencing": False,
}
TIME = EventTime(NOW, NOW + HOUR, "Etc/UTC")


@dataclass(frozen=True)
class Elsewhere:
    """A connected profile with one calendar: an event of the person's in it, and one of ours that is to be written."""

    sub: str
    profile: Profile
    mirror: Mirror
    event_uid: str  # theirs
    write: EventWrite  # of ours
    message: GuestMessage  # to a guest of it

    def of(self, application_id: str) -> Elsewhere:
        """The same as another application would name it."""
        mirror = replace(self.mirror, application_id=application_id)
        write = replace(self.write, application_id=application_id)
        return replace(self, mirror=mirror, write=write, message=replace(self.message, application_id=application_id))


async def connect_somebody(
    store: Store, connection: AsyncConnection, remote_user: str = "maya@host", *, known_until: int = NOW + 220 * DAY
) -> Elsewhere:
    own = (connection, store.application_id)
    account = await profiles.create_account(*own, "maya@example.com", "Maya", "Europe/Berlin", NOW)
    profile = await profiles.create_profile(
        *own,
        account.sub,
        provider_name="caldav",
        provider_service="caldav",
        profile_name="maya",
        remote_user=remote_user,
        now=NOW,
    )
    await profiles.connect(connection, store.vault, store.application_id, profile, "secret")
    calendar_id = await mirrors.create_mirror(*own, account.sub, profile.profile_id, "/work/", DESCRIBED, NOW)
    known = {"known_from": NOW - 60 * DAY, "known_until": known_until, "fresh_at": NOW, "fresh_until": NOW + 900}
    await connection.execute(
        update(calendar_rows).where(calendar_rows.c.calendar_id == calendar_id).values(cursor="c1", **known)
    )
    mirror = await mirrors.get_mirror(*own, calendar_id)
    events: dict[str, Known] = {}
    await mirrored_events.write_mirrored(connection, mirror, events, [an_event("theirs")], NOW)
    ours = await store.event(connection, calendar_id, "interview-1", NOW + 2 * HOUR, NOW + 3 * HOUR)
    key = event_writes.write_key(store.application_id, calendar_id, ours, 1)
    write = EventWrite(
        application_id=store.application_id,
        calendar_id=calendar_id,
        event_uid=ours,
        write_key=key,
        generation=1,
        revision=1,
        ical="BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
        invites=False,
        mailed=False,
        conference=False,
        link_id=None,
        written_revision=0,
        written_ical=None,
        written_version=None,
        problem=None,
        updated_at=NOW - 1,
    )
    await event_writes.insert_new(connection, write)
    message = GuestMessage(store.application_id, calendar_id, ours, "ben@guests.test", "BEGIN:VCALENDAR\r\n", 1)
    await guest_messages.insert_new(connection, message)
    profile = await profiles.get_profile(*own, profile.profile_id)
    return Elsewhere(account.sub, profile, mirror, events["theirs"].event_uid, write, message)


def an_event(key: str, *starts: int, version: str | None = "v1", recurring: bool = False) -> MirroredEvent:
    times = [EventTime(start, start + HOUR, "Etc/UTC") for start in starts or (NOW,)]
    occurrences = [Occurrence(number, time, "busy") for number, time in enumerate(times)]
    return MirroredEvent(key, version, "BEGIN:VCALENDAR", {"summary": key}, recurring, occurrences)


Call = Callable[[Any], Awaitable[Any]]  # of an `Owned`, whose `elsewhere` is an `Elsewhere` of the owner's


def _there(o: Any) -> Elsewhere:
    return o.elsewhere.of(o.store.foreign_id)


async def _forget(o: Any) -> None:
    """It says how many it was told of, not what it has found."""
    known = {"theirs": Known(o.elsewhere.event_uid, "v1", False)}
    await mirrored_events.forget_mirrored(o.connection, _there(o).mirror, known, ["theirs"], NOW)


async def _write(o: Any, remote_key: str) -> None:
    known = {"theirs": Known(o.elsewhere.event_uid, "v1", False)}
    await mirrored_events.write_mirrored(o.connection, _there(o).mirror, known, [an_event(remote_key, NOW + DAY)], NOW)


def _event(o: Any) -> tuple[Any, str, str, str]:
    return (*o.foreign, o.elsewhere.mirror.calendar_id, o.elsewhere.write.event_uid)


def _profile(o: Any) -> tuple[Any, str, str]:
    return (*o.foreign, o.elsewhere.profile.profile_id)


def _sealing(o: Any) -> tuple[Any, Any, str]:
    return o.connection, o.store.vault, o.store.foreign_id


CALLS: dict[str, Call] = {
    "calendars.set_zone_version": lambda o: calendars.set_zone_version(*o.foreign, o.maya.calendar_id, "2030a"),
    "due_calendars.due_of": lambda o: due_calendars.due_of(*o.foreign, [o.elsewhere.profile.profile_id], NOW + DAY),
    "event_names.details_of": lambda o: event_names.details_of(*_event(o)),
    "event_names.find_uid": lambda o: event_names.find_uid(*o.foreign, o.elsewhere.mirror.calendar_id, "interview-1"),
    "event_names.forget_remote": lambda o: event_names.forget_remote(
        *o.foreign, o.elsewhere.mirror.calendar_id, o.elsewhere.event_uid
    ),
    "event_names.id_of": lambda o: event_names.id_of(*_event(o)),
    "event_names.remote_key_of": lambda o: event_names.remote_key_of(
        *o.foreign, o.elsewhere.mirror.calendar_id, o.elsewhere.event_uid
    ),
    "event_writes.change": lambda o: event_writes.change(*_event(o), ical=None),
    "event_writes.find": lambda o: event_writes.find(*_event(o)),
    "event_writes.find_by_keys": lambda o: event_writes.find_by_keys(
        *o.foreign, o.elsewhere.mirror.calendar_id, [o.elsewhere.write.write_key]
    ),
    "event_writes.find_by_uids": lambda o: event_writes.find_by_uids(
        *o.foreign, o.elsewhere.mirror.calendar_id, [o.elsewhere.write.event_uid]
    ),
    "event_writes.insert_new": lambda o: event_writes.insert_new(o.connection, _there(o).write),
    "guest_messages.change": lambda o: guest_messages.change(o.connection, _there(o).message, ical="other"),
    "guest_messages.find": lambda o: guest_messages.find(*_event(o), "ben@guests.test"),
    "guest_messages.insert_new": lambda o: guest_messages.insert_new(o.connection, _there(o).message),
    "guest_messages.of_event": lambda o: guest_messages.of_event(*_event(o)),
    "event_writes.list_there": lambda o: event_writes.list_there(*o.foreign, o.elsewhere.mirror.calendar_id),
    "event_writes.replace_whole": lambda o: event_writes.replace_whole(
        o.connection, replace(_there(o).write, ical="other", revision=9)
    ),
    "mirrored_events.forget_mirrored": _forget,
    "mirrored_events.known_events": lambda o: mirrored_events.known_events(o.connection, _there(o).mirror),
    "mirrored_events.note_remote": lambda o: mirrored_events.note_remote(
        o.connection, _there(o).mirror, o.elsewhere.event_uid, "x", "x"
    ),
    "mirrored_events.note_series": lambda o: mirrored_events.note_series(
        o.connection, _there(o).mirror, o.elsewhere.event_uid, "x"
    ),
    "mirrored_events.note_updated": lambda o: mirrored_events.note_updated(
        o.connection, _there(o).mirror, o.elsewhere.event_uid, NOW + DAY
    ),
    "mirrored_events.write_mirrored": lambda o: _write(o, "theirs"),
    "mirrors.claim": lambda o: mirrors.claim(o.connection, [_there(o).mirror], NOW + DAY, 400),
    "mirrors.create_mirror": lambda o: mirrors.create_mirror(
        *o.foreign, o.elsewhere.sub, o.elsewhere.profile.profile_id, "/x/", DESCRIBED, NOW
    ),
    "mirrors.describe_mirror": lambda o: mirrors.describe_mirror(
        *o.foreign,
        o.elsewhere.sub,
        o.elsewhere.mirror.calendar_id,
        {**DESCRIBED, "name": "pwned", "tzid": "Asia/Tokyo"},
    ),
    "mirrors.get_mirror": lambda o: mirrors.get_mirror(*o.foreign, o.elsewhere.mirror.calendar_id),
    "mirrors.hasten": lambda o: mirrors.hasten(*o.foreign, [o.elsewhere.mirror.calendar_id], 0),
    "mirrors.list_mirrors": lambda o: mirrors.list_mirrors(*o.foreign, subs=[o.elsewhere.sub]),
    "mirrors.lock_mirror": lambda o: mirrors.lock_mirror(o.connection, _there(o).mirror),
    "mirrors.narrow": lambda o: mirrors.narrow(o.connection, _there(o).mirror, NOW, NOW + DAY),
    "mirrors.note_viewed": lambda o: mirrors.note_viewed(*o.foreign, [o.elsewhere.sub], NOW),
    "mirrors.remote_ids": lambda o: mirrors.remote_ids(*_profile(o)),
    "mirrors.remove_mirror": lambda o: mirrors.remove_mirror(o.connection, _there(o).mirror),
    "mirrors.settle": lambda o: mirrors.settle(
        o.connection, _there(o).mirror, changed=True, due_at=None, problem="pwned"
    ),
    "mirrors.settle_freshness": lambda o: mirrors.settle_freshness(*o.foreign, o.elsewhere.sub),
    "profiles.connect": lambda o: profiles.connect(*_sealing(o), o.elsewhere.profile, "x"),
    "profiles.create_profile": lambda o: profiles.create_profile(
        *o.foreign,
        o.elsewhere.sub,
        provider_name="caldav",
        provider_service="caldav",
        profile_name="x",
        remote_user="x",
        now=NOW,
    ),
    "profiles.disconnect": lambda o: profiles.disconnect(*o.foreign, o.elsewhere.profile, "x"),
    "provider_credentials.end_refresh": lambda o: provider_credentials.end_refresh(*_profile(o), NOW + 30),
    "profiles.find_profile": lambda o: profiles.find_profile(*o.foreign, "caldav", "maya@host"),
    "profiles.finish_initial_sync": lambda o: profiles.finish_initial_sync(*o.foreign, o.elsewhere.profile),
    "profiles.get_profile": lambda o: profiles.get_profile(*_profile(o)),
    "provider_credentials.keep_credentials": lambda o: provider_credentials.keep_credentials(
        *_sealing(o), o.elsewhere.profile.profile_id, "x"
    ),
    "provider_credentials.keep_renewed": lambda o: provider_credentials.keep_renewed(
        *_sealing(o), o.elsewhere.profile.profile_id, "x", NOW + 30
    ),
    "provider_credentials.lease_refresh": lambda o: provider_credentials.lease_refresh(*_profile(o), NOW + DAY, 30),
    "profiles.note_failure": lambda o: profiles.note_failure(*_profile(o), 7, NOW),
    "provider_credentials.read_credentials": lambda o: provider_credentials.read_credentials(
        *_sealing(o), o.elsewhere.profile.profile_id
    ),
    "profiles.remove": lambda o: profiles.remove(*o.foreign, o.elsewhere.profile),
}
MAKERS: dict[str, Call] = {
    "profiles.create_account": lambda o: profiles.create_account(*o.foreign, "m@x.test", "M", "Etc/UTC", NOW),
}
