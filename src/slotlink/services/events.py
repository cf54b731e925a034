"""Events that applications write into calendars, embedded or elsewhere, and calendars imported from files."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from slotlink import ical
from slotlink.domain.account import Account, Calendar
from slotlink.domain.event import EventTime, awaits_room, busy_kind, mail_address, wants_room, with_guests
from slotlink.domain.link import Json
from slotlink.errors import FieldError, InvalidRequest, NotAllowed, NotFound
from slotlink.services.deps import Deps
from slotlink.services.occurrences import WHOLE_TIME, details_of, stored
from slotlink.services.wanted_events import want_event, want_no_event
from slotlink.store import accounts, bookings, events, links, managed_events
from slotlink.store.calendars import get_calendar, list_calendars, set_known, set_tzid, touch_calendar

MOST_FILE_BYTES = ical.MOST_BYTES
KNOWN_BEFORE_S = 60 * 86400  # an import expands repeating events from here …
KNOWN_AHEAD_S = 400 * 86400  # … to here; queries that reach further have it expanded then
MOST_GUESTS = 200  # what Google takes for one event, the fewest of all providers
CANNOT_INVITE = FieldError("errors.event.cannot_set_attendees", "this calendar cannot invite; leave attendees out")
NO_ROOMS = FieldError(
    "errors.integrated_conferencing_not_available",
    "no meeting room can be made in this calendar; use explicit with a join_url",
)


@dataclass(frozen=True, slots=True)
class Imported:
    events: int
    repeating: int
    calendar_id: str


async def write_event(
    deps: Deps, application_id: str, sub: str, calendar_id: str, event_id: str, details: Json, time: EventTime, now: int
) -> None:
    """Create or replace the application's event. `details` name its zone only if the application did, and of its
    attendees whom to `invite` and to `remove`.

    Raises NotFound for the calendar, NotAllowed when it is read-only, InvalidRequest for what it cannot do."""
    async with deps.database.transaction() as connection:
        await bookings.lock_for_release(connection, application_id, [sub], [calendar_id], event_id)
        calendar = _writable(await get_calendar(connection, application_id, sub, calendar_id))
        before = await managed_events.find(connection, application_id, calendar_id, event_id)
        details = _meeting(calendar, details, before.details if before else {}, is_over=time.end <= now)
        kind = busy_kind(transparency=details.get("transparency"), status=None)
        whole = {**details, "tzid": time.tzid}
        await events.upsert_managed(connection, application_id, calendar_id, event_id, whole, time, kind, now)
        # What blocks from here on is the event where it is now, not the booking that first wrote it.
        await bookings.release_event(connection, application_id, calendar_id, event_id)
        await links.follow_event(connection, application_id, calendar_id, event_id, details, time.start, time.end)
        await want_event(deps, connection, application_id, calendar, event_id, whole, time, now)
        await touch_calendar(connection, application_id, calendar_id, now)
    if calendar.mirrored:
        deps.wake_worker()


def _meeting(calendar: Calendar, details: Json, before: Json, *, is_over: bool) -> Json:
    """`details` with everybody who is invited, and with the meeting room: what is not said stays as it was before.

    Raises InvalidRequest."""
    changes: Json = details.get("attendees", {})
    unable: dict[str, list[FieldError]] = {}
    if changes.get("invite") and not calendar.mirrored:
        unable["attendees"] = [CANNOT_INVITE]
    own = {mail_address(each) for each in calendar.owner_addresses}
    guests = [
        {**each, "status": "accepted"} if mail_address(each["email"]) in own else each  # who organises it comes
        for each in with_guests(before.get("attendees", []), changes.get("invite", []), changes.get("remove", []))
    ]
    if len(guests) > MOST_GUESTS:
        unable["attendees.invite"] = [FieldError("errors.too_many", f"an event has at most {MOST_GUESTS} attendees")]
    room: Json | None = details.get("conferencing", before.get("conferencing"))
    if wants_room(details):
        known: Json = before["conferencing"] if wants_room(before) else {}
        room = {**known, **details["conferencing"]}
        if not calendar.conferencing and not room.get("join_url"):
            unable["conferencing.profile_id"] = [NO_ROOMS]
    if unable:
        raise InvalidRequest(unable)
    if is_over and room is not None and awaits_room({"conferencing": room}):
        room = None  # no room is made for what is over
    whole = {name: value for name, value in details.items() if name not in ("attendees", "conferencing")}
    return whole | ({"attendees": guests} if guests else {}) | ({"conferencing": room} if room else {})


async def delete_event(deps: Deps, application_id: str, sub: str, calendar_id: str, event_id: str, now: int) -> None:
    """Delete the application's event; the unknown is deleted already. A link that booked it keeps its last values."""
    async with deps.database.transaction() as connection:
        await bookings.lock_for_release(connection, application_id, [sub], [calendar_id], event_id)
        calendar = _writable(await get_calendar(connection, application_id, sub, calendar_id))
        await want_no_event(deps, connection, application_id, calendar, event_id, now)
        await events.delete_managed(connection, application_id, [calendar_id], event_id, now)
        await bookings.release_event(connection, application_id, calendar_id, event_id)
        await touch_calendar(connection, application_id, calendar_id, now)
    if calendar.mirrored:
        deps.wake_worker()


async def delete_all_events(
    deps: Deps, application_id: str, sub: str, calendar_ids: list[str] | None, now: int
) -> None:
    """Delete every event that the application wrote, in all calendars of the account or in these.

    Raises InvalidRequest for calendars that are not the account's."""
    async with deps.database.transaction() as connection:
        owned = {
            calendar.calendar_id: calendar
            for calendar in await list_calendars(connection, application_id, [sub])
            if not calendar.deleted
        }
        unknown = {
            f"calendar_ids[{i}]": [FieldError("errors.invalid_calendar_ids", "not a calendar of this account")]
            for i, calendar_id in enumerate(calendar_ids or ())
            if calendar_id not in owned
        }
        if unknown:
            raise InvalidRequest(unknown)
        emptied = calendar_ids if calendar_ids is not None else list(owned)
        await bookings.lock_for_release(connection, application_id, [sub], emptied, None)
        for calendar_id in emptied:
            for event_id in await events.managed_ids(connection, application_id, calendar_id):
                await bookings.release_event(connection, application_id, calendar_id, event_id)
                await want_no_event(deps, connection, application_id, owned[calendar_id], event_id, now)
            await events.delete_managed(connection, application_id, [calendar_id], None, now)
            await touch_calendar(connection, application_id, calendar_id, now)
    deps.wake_worker()


def _writable(calendar: Calendar) -> Calendar:
    if calendar.deleted:
        raise NotFound(f"calendar {calendar.calendar_id} is deleted")
    if calendar.readonly:
        raise NotAllowed(f"calendar {calendar.calendar_id} is read-only")
    return calendar


async def import_calendar(deps: Deps, account: Account, calendar_id: str | None, text: bytes, now: int) -> Imported:
    """Put the events of an iCalendar file into an embedded calendar, updating by UID.

    The calendar (the primary one unless named) takes the file's own time zone when it states one.
    Raises InvalidRequest for a file that cannot be read, NotFound for the calendar; then nothing has changed."""
    async with deps.database.reading() as connection:
        calendars = await list_calendars(connection, account.application_id, [account.sub])
    calendar = _import_target(calendars, calendar_id)
    try:
        objects, file_tzid = await asyncio.to_thread(ical.read_calendar, text)
        tzid = file_tzid or calendar.tzid
        within = (now - KNOWN_BEFORE_S, now + KNOWN_AHEAD_S)
        expanded = [
            (item, await asyncio.to_thread(ical.expand, item.text, tzid, *(within if item.recurring else WHOLE_TIME)))
            for item in objects
        ]
    except ical.InvalidCalendar as error:
        raise InvalidRequest.of("file", "errors.invalid_format", str(error)) from error
    repeating = sum(item.recurring for item in objects)
    async with deps.database.transaction() as connection:
        await accounts.lock(connection, account.application_id, [account.sub])
        calendar = await get_calendar(connection, account.application_id, account.sub, calendar.calendar_id)
        await set_tzid(connection, account.application_id, account.sub, calendar.calendar_id, tzid)
        for item, occurrences in expanded:
            await events.upsert_imported(
                connection,
                account.application_id,
                calendar.calendar_id,
                item.uid,
                item.text,
                details_of(occurrences[0]) if occurrences else {"summary": ""},
                item.recurring,
                [stored(occurrence) for occurrence in occurrences],
                now,
            )
        # Known is only what every repeating event of the calendar has been expanded over.
        known_from, known_until = calendar.known_from, calendar.known_until
        if repeating:
            known_from = within[0] if known_from is None else max(known_from, within[0])
            known_until = within[1] if known_until is None else min(known_until, within[1])
        await set_known(connection, account.application_id, calendar.calendar_id, known_from, known_until)
    return Imported(len(objects), repeating, calendar.calendar_id)


def _import_target(calendars: list[Calendar], calendar_id: str | None) -> Calendar:
    for calendar in calendars:
        chosen = calendar.primary if calendar_id is None else calendar.calendar_id == calendar_id
        if chosen and not calendar.deleted and not calendar.readonly:
            return calendar
    raise NotFound(f"no writable calendar {calendar_id or ''} in this account; GET /v1/calendars lists them")
