"""Who is invited to an event of an application, as calendars elsewhere have it."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.event import mail_address
from slotlink.domain.link import Json
from slotlink.ical.writing import Attendee
from slotlink.store import event_names, managed_events
from slotlink.store.mirrors import Mirror

_PARTSTATS = {"accepted": "ACCEPTED", "declined": "DECLINED", "tentative": "TENTATIVE"}


def attendees_of(details: Json, owner_addresses: Collection[str]) -> list[Attendee]:
    """For the event's iCalendar object. The calendar's owner organises it, and so comes."""
    own = {mail_address(each) for each in owner_addresses}
    return [
        Attendee(
            each["email"],
            each.get("display_name", ""),
            "ACCEPTED"
            if mail_address(each["email"]) in own
            else _PARTSTATS.get(each.get("status", ""), "NEEDS-ACTION"),
        )
        for each in details.get("attendees", [])
    ]


async def note_answers(connection: AsyncConnection, mirror: Mirror, event_uid: str, there: Json, now: int) -> None:
    """Take over what guests of our event have answered. `there`: what the event says in its calendar
    (`occurrences.details_of`). The caller holds the account."""
    event_id = await event_names.id_of(connection, mirror.application_id, mirror.calendar_id, event_uid)
    if event_id is None:
        return
    event = await managed_events.find(connection, mirror.application_id, mirror.calendar_id, event_id)
    if event is None or not event.details.get("attendees"):
        return
    answers = {mail_address(each["email"]): each["status"] for each in there.get("attendees", [])}
    own = {mail_address(each) for each in mirror.owner_addresses}
    guests = [
        each
        if (address := mail_address(each["email"])) in own
        else {**each, "status": answers.get(address, each["status"])}
        for each in event.details["attendees"]
    ]
    if guests != event.details["attendees"]:
        await managed_events.set_details(
            connection, mirror.application_id, event, {**event.details, "attendees": guests}, now
        )
