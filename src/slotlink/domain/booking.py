"""The decision to book: pure, made with the function that offered the slot, and what must follow from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from slotlink import engine
from slotlink.domain.event import awaits_room, fill_in, with_times
from slotlink.domain.link import Json, Link, LinkStatus, TargetCalendar
from slotlink.domain.query import Member, anytime, with_free
from slotlink.errors import CalendarsUnreadable, LinkNotOpen, SlotNotOffered, SlotTaken


@dataclass(frozen=True, slots=True)
class BookedParticipant:
    """One person booked. `blocks`: the database refuses another booking of theirs for this time.

    `held_until` ends the hold of a participant without an event of ours; None: the event ends it."""

    sub: str
    blocks: bool
    held_until: int | None


@dataclass(frozen=True, slots=True)
class EventWrite:
    """One event to put into one calendar. `sub` is the calendar's owner."""

    sub: str
    calendar_id: str
    event: Json


@dataclass(frozen=True, slots=True)
class Booking:
    link_id: str
    start: int
    end: int
    visitor_tzid: str
    event: Json  # as status and callback report it
    participants: tuple[BookedParticipant, ...]
    writes: tuple[EventWrite, ...]

    @property
    def subs(self) -> tuple[str, ...]:
        return tuple(participant.sub for participant in self.participants)


def decide_booking(
    link: Link,
    places: Callable[[Member], Sequence[engine.Member]],
    unreadable: frozenset[str],
    start: int,
    *,
    visitor_tzid: str,
    now: int,
    hold_s: int,
) -> Booking:
    """Book the slot at `start`, or say why not.

    `places` gives the free time of each member around `start`; `unreadable` are the subs whose calendars are not known.
    Raises LinkNotOpen, SlotTaken, SlotNotOffered, CalendarsUnreadable."""
    status = link.status(now)
    if status is not LinkStatus.OPEN:
        raise LinkNotOpen(status)
    asked = question(link, places, now)
    available = engine.offered_slot(asked, start)
    if available is None:
        raise _refusal(link, places, unreadable, start, now)
    booked = tuple(asked.members[index].sub for index in engine.booked_members(asked, available))
    blocks = link.event.get("transparency") != "transparent"
    targets = {target.sub for target in link.terms.targets}
    return Booking(
        link_id=link.link_id,
        start=start,
        end=available.end,
        visitor_tzid=visitor_tzid,
        event=_event(link, start, available.end),
        participants=tuple(
            # A target has the event, or is named in the organiser's: blocked as long as it stands. Anybody else is held
            # for a while, so that the application can write an event of its own; then only calendars speak.
            BookedParticipant(sub, blocks, None if sub in targets else now + hold_s)
            for sub in booked
        ),
        writes=_event_writes(link, booked, start, available.end),
    )


def without_writes(booking: Booking, calendar_ids: frozenset[str], held_until: int) -> Booking:
    """The booking when these calendars cannot be written any more: whoever loses their event is held for a while."""
    kept = tuple(write for write in booking.writes if write.calendar_id not in calendar_ids)
    lost = {write.sub for write in booking.writes} - {write.sub for write in kept}
    return replace(
        booking,
        writes=kept,
        participants=tuple(
            replace(participant, held_until=held_until) if participant.sub in lost else participant
            for participant in booking.participants
        ),
    )


def question(link: Link, places: Callable[[Member], Sequence[engine.Member]], now: int) -> engine.AvailabilityQuery:
    """What a link asks the engine, whoever asks on its behalf: the page, or the booking."""
    return with_free(link.terms.query, places, earliest_start=now + link.terms.minimum_notice)


def _refusal(
    link: Link,
    places: Callable[[Member], Sequence[engine.Member]],
    unreadable: frozenset[str],
    start: int,
    now: int,
) -> SlotTaken | SlotNotOffered | CalendarsUnreadable:
    """Why `start` is not offered: never was, cannot be known, or not any more."""
    # Calendars, stored hours and the clock change; what the link asks for does not.
    ever = with_free(link.terms.query, lambda member: [anytime(member)])
    if engine.offered_slot(ever, start) is None:
        return SlotNotOffered("this time was never offered")
    read = question(link, lambda member: [anytime(member)] if member.sub in unreadable else places(member), now)
    if unreadable and engine.offered_slot(read, start) is not None:
        return CalendarsUnreadable("not every calendar could be read")
    return SlotTaken("this time is no longer free")


def _event(link: Link, start: int, end: int) -> Json:
    return with_times(link.event, start, end, link.terms.tzid)


def _event_writes(link: Link, booked: Sequence[str], start: int, end: int) -> tuple[EventWrite, ...]:
    """Which event goes into which calendar, for the people booked."""
    event = _event(link, start, end)
    targets = link.terms.targets
    if link.terms.event_creation == "single":
        return _single_write(targets, booked, event)
    asked = link.terms.query.subs
    return tuple(
        EventWrite(target.sub, target.calendar_id, _filled_in(event))
        for target in targets
        # A target outside the query, such as a shared calendar, always gets the event.
        if target.sub in booked or target.sub not in asked
    )


def _single_write(targets: Sequence[TargetCalendar], booked: Sequence[str], event: Json) -> tuple[EventWrite, ...]:
    """One event, in the calendar of the first target who is booked, with the other booked targets as attendees."""
    chosen = [target for target in targets if target.sub in booked]
    if not chosen:
        return ()
    organizer = chosen[0]
    attendees: list[dict[str, Any]] = [
        {**target.attendee, "status": "needs_action"} for target in chosen[1:] if target.attendee
    ]
    whole = {**event, **(organizer.event or {})}
    if attendees:
        whole["attendees"] = attendees
    return (EventWrite(organizer.sub, organizer.calendar_id, _filled_in(whole)),)


def _filled_in(event: Json) -> Json:
    """Texts keep the variables of a room that is still to be made: they are filled in wherever they are read."""
    return event if awaits_room(event) else fill_in(event)
