"""Book a slot, once: the story of a booking, with the one decision called by name."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import Mapping

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink import engine
from slotlink.domain.account import Calendar
from slotlink.domain.booking import Booking, EventWrite, decide_booking, question, without_writes
from slotlink.domain.callback import completed_body, problem_body
from slotlink.domain.event import EventTime, busy_kind
from slotlink.domain.link import Link, LinkStatus
from slotlink.domain.offer import Offer
from slotlink.errors import Conflict, OutcomeUnknown, StoreUnavailable
from slotlink.services import callbacks
from slotlink.services.busy import FreeTime, ensure_known, gather_free_time, read_free_time
from slotlink.services.deps import Deps
from slotlink.services.live import look_again
from slotlink.services.wanted_events import want_event
from slotlink.store import bookings, channels, events, ids, links, mirrors
from slotlink.store.calendars import list_calendars, touch_calendar

ATTEMPTS = 3
LOOK_UP_FOR_S = 15
LOOK_UP_PAUSE_S = 0.5

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


async def find_offer(deps: Deps, link: Link, now: int) -> Offer:
    """Every start that the link's page may show. Made by the very function that later checks the chosen one."""
    free_time = await read_free_time(deps, link.application_id, link.terms.query, now)
    await _note_looked_at(deps, link.application_id, free_time, now)
    available = engine.available_slots(
        question(link, free_time.of, now), overlapping=True, cache=deps.cache_for(link.terms.query)
    )
    return Offer([slot.start for slot in available], not free_time.unreadable)


async def _note_looked_at(deps: Deps, application_id: str, free_time: FreeTime, now: int) -> None:
    """Calendars elsewhere are read more often while somebody looks at them."""
    mirrored = [sub for sub, known in free_time.known.items() if any(each.mirrored for each in known.calendars)]
    if due := deps.viewing.due(application_id, mirrored, now):
        with contextlib.suppress(StoreUnavailable):  # the page is shown without it
            async with deps.database.transaction() as connection:
                await mirrors.note_viewed(connection, application_id, due, now)


async def still_offered(deps: Deps, link: Link, start: int, *, now: int) -> None:
    """Whether the slot at `start` could be booked now: returns, or raises what `book_slot` would. Books nothing."""
    await ensure_known(deps, link.application_id, link.terms.query)
    async with deps.database.reading() as connection:
        free_time = await gather_free_time(connection, link.application_id, link.terms.query, now, around=start)
    decide_booking(link, free_time.of, free_time.unreadable, start, visitor_tzid=link.terms.tzid, now=now, hold_s=0)


async def book_slot(deps: Deps, link: Link, start: int, *, visitor_tzid: str, now: int) -> Booking:
    """Book the slot at `start` on the link.

    Raises LinkNotOpen, SlotTaken, SlotNotOffered, CalendarsUnreadable, StoreUnavailable; then nothing has changed, save
    where StoreUnavailable is OutcomeUnknown: then nobody could be asked in time whether it was kept."""
    await ensure_known(deps, link.application_id, link.terms.query)
    looked_at = await _look_again(deps, link, start, now)
    attempt_id = ids.new_id("att")
    for left in reversed(range(ATTEMPTS)):
        booking: Booking | None = None
        try:
            async with deps.database.transaction() as connection:
                booking = await _book(deps, connection, link, start, visitor_tzid, now, attempt_id, looked_at)
        except Conflict:
            if not left:
                raise
            continue
        except OutcomeUnknown as error:
            # Raised by the commit alone, so all was decided. Looked up, never guessed.
            if not await _was_kept(deps, link, attempt_id):
                if not left:
                    raise StoreUnavailable("the connection to the database broke again and again") from error
                continue
        assert booking is not None
        deps.wake_worker()
        log.info("link.completed", link=link.link_id, start=booking.start, participants=len(booking.subs))
        return booking
    raise AssertionError("the last attempt returns or raises")


async def _look_again(deps: Deps, link: Link, start: int, now: int) -> Mapping[str, bool]:
    """Ask calendars elsewhere about this very time, before and outside of the transaction that decides."""
    query = link.terms.query
    return await look_again(deps, link.application_id, query.subs, query.around(start), now)


async def _was_kept(deps: Deps, link: Link, attempt_id: str) -> bool:
    """Whether a commit whose answer was lost came through. Raises OutcomeUnknown when the database stays away."""
    ends = time.monotonic() + LOOK_UP_FOR_S
    while True:
        try:
            async with deps.database.transaction() as connection:
                # Waits for the lost transaction, where it is still under way: it holds the link.
                await links.lock(connection, link.application_id, link.link_id)
                found = await bookings.find_attempt(connection, link.application_id, link.link_id)
            log.warning("booking.looked_up", link=link.link_id, kept=found == attempt_id)
            return found == attempt_id
        except StoreUnavailable as error:
            if time.monotonic() > ends:
                raise OutcomeUnknown("the database went away while committing, and has not come back yet") from error
            await asyncio.sleep(LOOK_UP_PAUSE_S)


async def _book(
    deps: Deps,
    connection: AsyncConnection,
    link: Link,
    start: int,
    visitor_tzid: str,
    now: int,
    attempt_id: str,
    looked_at: Mapping[str, bool],
) -> Booking:
    application_id = link.application_id
    members = {*link.terms.query.subs, *(target.sub for target in link.terms.targets)}
    written = [target.calendar_id for target in link.terms.targets]
    # Beside the members of this link: whoever an earlier booking holds by the event that this one moves.
    moves = await bookings.lock_for_release(connection, application_id, members, written, link.event["event_id"])
    link = await links.get(connection, deps.vault, application_id, link.link_id)
    # Read anew, under the locks: nothing that was remembered decides a booking.
    free_time = await gather_free_time(
        connection, application_id, link.terms.query, now, around=start, looked_at=looked_at
    )
    booking = decide_booking(
        link,
        free_time.of,
        free_time.unreadable,
        start,
        visitor_tzid=visitor_tzid,
        now=now,
        hold_s=round(deps.settings.hold),
    )
    writable = await _writable_calendars(connection, application_id, booking, free_time)
    gone = [write for write in booking.writes if write.calendar_id not in writable]
    lost = frozenset(write.calendar_id for write in gone)
    booking = without_writes(booking, lost, now + round(deps.settings.hold))
    completed = dataclasses.replace(link, state=LinkStatus.COMPLETED, event=booking.event)
    await links.close(
        connection,
        application_id,
        link.link_id,
        LinkStatus.COMPLETED,
        now,
        event=links.event_text(booking.event),
    )
    await _make_room(connection, link, booking, free_time.excluded_event_ids, now, moves=moves)
    await bookings.insert_booking(connection, application_id, link.event["event_id"], booking, now, attempt_id)
    for write in booking.writes:
        await _write_event(deps, connection, link, write, booking, writable[write.calendar_id], now)
        if moves:
            await _tell_earlier(connection, link, write, booking)
    if link.terms.callback_urls.completed_url is not None:
        body = completed_body(
            event=booking.event,
            subs=booking.subs,
            visitor_tzid=visitor_tzid,
            link=callbacks.link_object(deps, completed, now),
            at=now,
        )
        await callbacks.enqueue(deps, connection, link, link.terms.callback_urls.completed_url, body, now)
    for write in gone:
        await _tell_problem(deps, connection, completed, write, now)
    return booking


async def _writable_calendars(
    connection: AsyncConnection, application_id: str, booking: Booking, free_time: FreeTime
) -> dict[str, Calendar]:
    """By id, without those that were deleted, disconnected or made read-only since the link was created."""
    calendars = [calendar for known in free_time.known.values() for calendar in known.calendars]
    others = [write.sub for write in booking.writes if write.sub not in free_time.known]
    if others:
        calendars += await list_calendars(connection, application_id, others)
    return {
        calendar.calendar_id: calendar
        for calendar in calendars
        if calendar.connected and not calendar.deleted and not calendar.readonly
    }


async def _tell_problem(deps: Deps, connection: AsyncConnection, link: Link, write: EventWrite, now: int) -> None:
    """Never a silent half: an event that could not be written stands in the link's history, the log, and a callback."""
    reason = "the event could not be written: the calendar is gone or read-only"
    details = {"reason": reason, "calendar_id": write.calendar_id, "sub": write.sub}
    await links.add_history(connection, link.application_id, link.link_id, now, "problem", details)
    log.warning("link.event_not_written", link=link.link_id, calendar=write.calendar_id)
    url = link.terms.callback_urls.problem_url
    if url is not None:
        body = problem_body(**details, link=callbacks.link_object(deps, link, now), at=now)
        await callbacks.enqueue(deps, connection, link, url, body, now)


async def _make_room(
    connection: AsyncConnection,
    link: Link,
    booking: Booking,
    excluded_event_ids: frozenset[str],
    now: int,
    *,
    moves: bool,
) -> None:
    """What this booking replaces blocks no more: holds that ran out, events it moves, events it was to disregard."""
    application_id = link.application_id
    await bookings.release_ended_holds(connection, application_id, booking.subs, now)
    if excluded_event_ids:
        await bookings.release_excluded(connection, application_id, booking.subs, sorted(excluded_event_ids))
    if moves:
        for write in booking.writes:
            await bookings.release_event(connection, application_id, write.calendar_id, link.event["event_id"])


async def _write_event(
    deps: Deps,
    connection: AsyncConnection,
    link: Link,
    write: EventWrite,
    booking: Booking,
    calendar: Calendar,
    now: int,
) -> None:
    application_id = link.application_id
    details = {name: value for name, value in write.event.items() if name not in ("event_id", "start", "end")}
    time = EventTime(booking.start, booking.end, link.terms.tzid)
    kind = busy_kind(transparency=write.event.get("transparency"), status=None)
    event_id = write.event["event_id"]
    await events.upsert_managed(connection, application_id, write.calendar_id, event_id, details, time, kind, now)
    await touch_calendar(connection, application_id, write.calendar_id, now)
    await channels.note_change(connection, application_id, write.sub, [write.calendar_id], now, managed=True)
    await want_event(deps, connection, application_id, calendar, event_id, details, time, now, link_id=link.link_id)


async def _tell_earlier(connection: AsyncConnection, link: Link, write: EventWrite, booking: Booking) -> None:
    """An earlier link that wrote this event reports where it is now."""
    await links.follow_event(
        connection,
        link.application_id,
        write.calendar_id,
        link.event["event_id"],
        link.event,
        booking.start,
        booking.end,
    )
