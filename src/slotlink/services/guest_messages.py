"""Guests are told by mail what stands in the organiser's calendar, where we invite and not the calendar's provider.

What a guest is told follows from what has just been settled there, in the same transaction: an event that could not be
written invites nobody, and one that was settled twice tells everybody once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cache

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink import ical
from slotlink.domain.event import awaits_room, mail_address
from slotlink.domain.link import Json
from slotlink.errors import NotFound
from slotlink.ical.inviting import (
    Shown,
    cancellation,
    is_cancelled,
    read_message,
    request,
    same_to_guests,
    uid_of,
)
from slotlink.services.deps import Deps
from slotlink.services.guests import attendees_of
from slotlink.services.problems import tell_link
from slotlink.store import brandings, event_writes, guest_messages, managed_events, mirrors, outbox
from slotlink.store.event_writes import EventWrite
from slotlink.store.guest_messages import GuestMessage
from slotlink.store.mirrors import Mirror
from slotlink.store.outbox import OutboxItem

KIND = "guest_message"  # of outbox items

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Mail:
    """One message, ready to go.

    shown   what it says
    name    the same for the same message on every attempt
    locale  the language tag that the application has chosen for its pages"""

    message: GuestMessage
    shown: Shown
    name: str
    locale: str | None


async def tell_guests(
    deps: Deps, connection: AsyncConnection, mirror: Mirror, write: EventWrite, text: str | None, now: int
) -> None:
    """Promise a mail to everybody for whom `text` is new: the event as it stands in the calendar, None once it is gone.

    The caller holds the account, has put down what stands there, and wakes the worker after its commit."""
    if write.invites or deps.settings.invitations == "none" or not deps.settings.mails:
        return
    where = (connection, write.application_id, write.calendar_id, write.event_uid)
    told = await guest_messages.of_event(*where)
    if not told and deps.settings.invitations != "mail":
        return
    wanted: dict[str, str] = {}
    if text is not None:
        found = await managed_events.of_write(*where, None)
        details = found[0].details if found else {}
        if awaits_room(details):
            return  # the write that asks for the room is made again, and then everybody hears of both
        try:
            wanted = _requests(deps, mirror, write, text, details, told, now)
        except ical.InvalidCalendar as error:
            log.warning("guests.not_told", calendar=write.calendar_id, event_uid=write.event_uid, reason=str(error))
            return
    for email in {**wanted, **told}:
        before, message = told.get(email), wanted.get(email)
        if message is None and before is not None and not is_cancelled(before.ical):
            message = cancellation(before.ical, guest=email, stamp=now, sequence=write.revision)
        if message is None or (before is not None and same_to_guests(before.ical, message)):
            continue
        if _is_over(message, now) and (before is None or _is_over(before.ical, now)):
            continue  # whoever tidies up mails nobody
        await _promise(deps, connection, _next(write, email, message), before, now)


def _is_over(message: str, now: int) -> bool:
    shown = read_message(message)
    return shown.end <= now and not shown.repeats


def _requests(
    deps: Deps, mirror: Mirror, write: EventWrite, text: str, details: Json, told: dict[str, GuestMessage], now: int
) -> dict[str, str]:
    """What each guest is to have been told, by address."""
    own = {mail_address(each) for each in mirror.owner_addresses}
    # Answers go to the organiser's mailbox, so nobody here knows one that is still to this time.
    everybody = [
        each if mail_address(each.email) in own else replace(each, answer="NEEDS-ACTION")
        for each in attendees_of(details, mirror.owner_addresses)
    ]
    sender = deps.settings.mail_from
    organizer = next((each for each in mirror.owner_addresses if "@" in each), sender.addr_spec if sender else "")
    conferencing: Json = details.get("conferencing") or {}

    @cache  # most guests are told the same
    def written(uid: str) -> str:
        return request(
            text,
            uid=uid,
            organizer=mail_address(organizer),
            guests=everybody,
            tzid=mirror.tzid,
            room=conferencing.get("join_url") or "",
            stamp=now,
            sequence=write.revision,
        )

    wanted: dict[str, str] = {}
    for email in (mail_address(each.email) for each in everybody):
        if email not in own:
            before = told.get(email)
            # Whoever still has an invitation keeps that one, also where the event was made anew in the calendar.
            keeps = before is not None and not is_cancelled(before.ical)
            wanted[email] = written(uid_of(before.ical) if before and keeps else f"{write.write_key}@slotlink")
    return wanted


def _next(write: EventWrite, email: str, text: str) -> GuestMessage:
    return GuestMessage(write.application_id, write.calendar_id, write.event_uid, email, text, write.revision)


async def _promise(
    deps: Deps, connection: AsyncConnection, message: GuestMessage, before: GuestMessage | None, now: int
) -> None:
    if before is None:
        await guest_messages.insert_new(connection, message)
    else:
        await guest_messages.change(connection, before, ical=message.ical, sequence=message.sequence, problem=None)
    await _promise_again(deps, connection, message, now)


async def _promise_again(deps: Deps, connection: AsyncConnection, message: GuestMessage, now: int) -> None:
    named = {"calendar_id": message.calendar_id, "event_uid": message.event_uid, "email": message.email}
    where = f"mail/{message.calendar_id}"
    await outbox.add(
        connection,
        deps.vault,
        message.application_id,
        None,
        f"{where}/events/{message.event_uid}",
        where,
        msgspec.json.encode(named),
        now,
        kind=KIND,
    )


async def find_mail(deps: Deps, item: OutboxItem) -> Mail | None:
    """What is to be sent to keep a promise; None: nothing any more."""
    async with deps.database.reading() as connection:
        message = await _find(deps, connection, item)
        branding = await brandings.find_shown(connection, item.application_id)
    if message is None or message.done:
        return None
    named = f"{message.application_id}/{message.calendar_id}/{message.event_uid}/{message.email}"
    digest = hashlib.sha256(named.encode()).hexdigest()[:32]
    shown = read_message(message.ical)
    return Mail(message, shown, f"{digest}.{message.sequence}", branding.default_locale if branding else None)


async def note_sent(deps: Deps, message: GuestMessage, now: int) -> None:
    """The mail server has taken it."""
    async with deps.database.transaction() as connection:
        if await guest_messages.change(connection, message, sent_sequence=message.sequence, problem=None):
            return
        newer = await guest_messages.find(
            connection, message.application_id, message.calendar_id, message.event_uid, message.email
        )
        if newer is not None and newer.done:
            # Sent while this one was under way, so nobody knows which arrives last: the newer one is to.
            await guest_messages.change(connection, newer, sent_sequence=message.sequence)
            await _promise_again(deps, connection, newer, now)


async def give_up(deps: Deps, connection: AsyncConnection, item: OutboxItem, outcome: str, now: int) -> None:
    """No further attempt is made: whoever booked it hears of it. In the transaction that settles the item."""
    message = await _find(deps, connection, item)
    if message is None or message.done:
        return
    await guest_messages.change(connection, message, problem=outcome[:500])
    log.warning("guest.not_told", calendar=message.calendar_id, event_uid=message.event_uid, reason=outcome)
    write = await event_writes.find(connection, item.application_id, message.calendar_id, message.event_uid)
    try:
        mirror = await mirrors.get_mirror(connection, item.application_id, message.calendar_id)
    except NotFound:
        return
    if write is not None and write.link_id is not None:
        reason = f"{message.email} could not be told of the event by mail: {outcome}"
        await tell_link(deps, connection, item.application_id, write.link_id, mirror, reason, now)


async def _find(deps: Deps, connection: AsyncConnection, item: OutboxItem) -> GuestMessage | None:
    body = msgspec.json.decode(deps.vault.open(item.sealed_body, item.row), type=dict[str, str])
    named = (body["calendar_id"], body["event_uid"], body["email"])
    return await guest_messages.find(connection, item.application_id, *named)
