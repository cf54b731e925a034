"""How our events in calendars elsewhere are to be: put down with the fact it follows from, and carried out later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink import ical
from slotlink.domain.account import Calendar
from slotlink.domain.event import EventTime, fill_in
from slotlink.domain.link import Json
from slotlink.services.deps import Deps
from slotlink.services.guests import attendees_of
from slotlink.services.room_choice import makes_room
from slotlink.store import event_names, event_writes, outbox
from slotlink.store.event_writes import EventWrite

KIND = "event_write"  # of outbox items


async def want_event(
    deps: Deps,
    connection: AsyncConnection,
    application_id: str,
    calendar: Calendar,
    event_id: str,
    details: Json,
    time_of: EventTime,
    now: int,
    *,
    link_id: str | None = None,
) -> None:
    """The application's event is to be in a calendar elsewhere as it is now in the store. Nothing for embedded ones.

    The caller holds the account, and wakes the worker after its commit."""
    if not calendar.mirrored:
        return
    event_uid = await event_names.find_uid(connection, application_id, calendar.calendar_id, event_id)
    assert event_uid is not None, "the event has just been written"
    before = await event_writes.find(connection, application_id, calendar.calendar_id, event_uid)
    # A key is never used again after a deletion, which may have arrived whatever we heard of it: some servers refuse it
    # (docs/add-a-connector.md). The deletion goes on by its own promise.
    generation = 1 if before is None else before.generation + (before.ical is None)
    key = event_writes.write_key(application_id, calendar.calendar_id, event_uid, generation)
    revision = 1 if before is None else before.revision + 1
    booked_on = link_id or (before.link_id if before else None)
    conference = await makes_room(connection, application_id, calendar, event_id, details, before, booked_on, now)
    invites, mailed = deps.settings.invitations == "provider", deps.settings.invitations == "mail"
    if before is not None and (before.ical is not None or not before.done):
        # Guests may have this event. Who was to invite them goes on to, whatever the setting says by now: never both.
        invites, mailed = before.invites, before.mailed
    text = _ical(
        key,
        details,
        time_of,
        stamp=now,
        sequence=revision,
        own_room=conference,
        owner_addresses=calendar.owner_addresses,
        with_guests=invites,
    )
    wanted = EventWrite(
        application_id=application_id,
        calendar_id=calendar.calendar_id,
        event_uid=event_uid,
        write_key=key,
        generation=generation,
        revision=revision,
        ical=text,
        invites=invites,
        mailed=mailed,
        conference=conference,
        link_id=booked_on,
        written_revision=0,
        written_ical=None,
        written_version=None,
        problem=None,
        updated_at=now - 1,
    )
    if before is None:
        await event_writes.insert_new(connection, wanted)
    elif generation != before.generation:
        await event_writes.replace_whole(connection, wanted)
        await event_names.forget_remote(connection, application_id, calendar.calendar_id, event_uid)
    else:
        await event_writes.change(
            connection,
            application_id,
            calendar.calendar_id,
            event_uid,
            ical=text,
            revision=revision,
            conference=wanted.conference,
            link_id=wanted.link_id,
        )
    await _promise(deps, connection, wanted, now)


async def want_no_event(
    deps: Deps, connection: AsyncConnection, application_id: str, calendar: Calendar, event_id: str, now: int
) -> None:
    """The application's event is to be gone from a calendar elsewhere too."""
    if not calendar.mirrored:
        return
    event_uid = await event_names.find_uid(connection, application_id, calendar.calendar_id, event_id)
    before = event_uid and await event_writes.find(connection, application_id, calendar.calendar_id, event_uid)
    if not before or before.ical is None:
        return
    wanted = replace(before, ical=None, revision=before.revision + 1)
    await event_writes.change(
        connection, application_id, calendar.calendar_id, before.event_uid, ical=None, revision=wanted.revision
    )
    await _promise(deps, connection, wanted, now)


async def ask_again(deps: Deps, connection: AsyncConnection, write: EventWrite, at: int) -> None:
    """Write the same once more at `at`, because its answer said too little. The caller holds the account."""
    await event_writes.change(
        connection, write.application_id, write.calendar_id, write.event_uid, revision=write.revision + 1
    )
    await _promise(deps, connection, write, at)


async def _promise(deps: Deps, connection: AsyncConnection, write: EventWrite, now: int) -> None:
    named = {"calendar_id": write.calendar_id, "event_uid": write.event_uid, "write_key": write.write_key}
    body = msgspec.json.encode(named)
    where = f"calendars/{write.calendar_id}"
    # Not the link's: those are its callbacks. One place for each calendar, so that a slow one delays no other.
    await outbox.add(
        connection,
        deps.vault,
        write.application_id,
        None,
        f"{where}/events/{write.event_uid}",
        where,
        body,
        now,
        kind=KIND,
    )


def _ical(
    key: str,
    details: Json,
    time_of: EventTime,
    *,
    stamp: int,
    sequence: int,
    own_room: bool,
    owner_addresses: Sequence[str],
    with_guests: bool,
) -> str:
    """own_room     the provider puts the meeting room into the event by itself
    with_guests  only where the provider is to invite them: SOGo mails whoever is named, SCHEDULE-AGENT or not
    """
    shown = fill_in(details)
    location: Json = shown.get("location") or {}
    conferencing: Json = shown.get("conferencing") or {}
    room = "" if own_room else conferencing.get("join_url") or ""
    return ical.write_event(
        uid=f"{key}@slotlink",
        start=time_of.start,
        end=time_of.end,
        tzid=time_of.tzid,
        summary=shown.get("summary") or "",
        description=shown.get("description") or "",
        location=location.get("description") or room,
        url=shown.get("url") or "",
        stamp=stamp,
        sequence=sequence,
        transparent=shown.get("transparency") == "transparent",
        private=bool(shown.get("event_private")),
        organizer=next(iter(owner_addresses), ""),
        attendees=attendees_of(shown, owner_addresses) if with_guests else [],
    )
