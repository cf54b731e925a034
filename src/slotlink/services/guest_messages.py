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
    is_over,
    organizer_of,
    read_message,
    request,
    same_to_guests,
    stamp_of,
    uid_of,
)
from slotlink.services.deps import Deps
from slotlink.services.guests import attendees_of
from slotlink.services.problems import tell_link
from slotlink.services.rooms import WAIT_S
from slotlink.store import brandings, event_writes, guest_messages, managed_events, mirrors, outbox
from slotlink.store.event_writes import EventWrite
from slotlink.store.guest_messages import GuestMessage
from slotlink.store.mirrors import Mirror
from slotlink.store.outbox import OutboxItem

KIND = "guest_message"  # of outbox items
ANOTHER = -1  # in the place of `sent_sequence`: one of the same number, which is another
PLACE = "mail"  # one for all calendars, as there is one mail server

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class NothingToSay(Exception):
    """A message is not sent, now or later. Says why."""


class _Promise(msgspec.Struct):
    """The body of an outbox item. `ical` and `sequence`: of the message that it was made for; the newest is sent."""

    calendar_id: str
    event_uid: str
    email: str
    ical: str
    sequence: int


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
    deps: Deps,
    connection: AsyncConnection,
    mirror: Mirror,
    write: EventWrite,
    text: str | None,
    now: int,
    *,
    may_wait: bool = False,
) -> None:
    """Promise a mail to everybody for whom `text` is new: the event as it stands in the calendar, None once it is gone.

    may_wait  what is still to come of the event, its meeting room, leads here again

    The caller holds the account, has put down what stands there, and wakes the worker after its commit."""
    if not write.mailed or deps.settings.invitations == "none" or not deps.settings.mails:
        return
    where = (connection, write.application_id, write.calendar_id, write.event_uid)
    told = await guest_messages.of_event(*where)
    found = await managed_events.of_write(*where, None) if text is not None else []
    details = found[0].details if found else {}
    try:
        wanted = {} if text is None else _requests(deps, mirror, write, text, details, told, now)
        for email in {**wanted, **told}:
            before, message = told.get(email), wanted.get(email)
            if message is None and before is not None and not is_cancelled(before.ical):
                message = cancellation(before.ical, guest=email, whole=text is None, stamp=now, sequence=write.revision)
            if message is None or (before is not None and same_to_guests(before.ical, message)):
                continue
            known = [each for each in (before and before.ical, message) if each and not is_cancelled(each)]
            if all(is_over(each, now) for each in known):
                continue  # whoever tidies up mails nobody
            if before is None and may_wait and awaits_room(details) and read_message(message).start - now > WAIT_S:
                continue  # one mail that says where, and not a second one in a moment
            await _promise(deps, connection, _next(write, email, message), before, now)
    except ical.InvalidCalendar as error:
        log.warning("guests.not_told", calendar=write.calendar_id, event_uid=write.event_uid, reason=str(error))
        if write.link_id is not None:
            reason = f"the guests could not be told of the event by mail: {error}"
            await tell_link(deps, connection, write.application_id, write.link_id, mirror, reason, now)


def _requests(
    deps: Deps, mirror: Mirror, write: EventWrite, text: str, details: Json, told: dict[str, GuestMessage], now: int
) -> dict[str, str]:
    """What each guest is to have been told, by address. Raises InvalidCalendar."""
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
    def written(uid: str, organizer: str) -> str:
        return request(
            text,
            uid=uid,
            organizer=organizer,
            guests=everybody,
            tzid=mirror.tzid,
            room=conferencing.get("join_url") or "",
            stamp=now,
            sequence=write.revision,
        )

    wanted: dict[str, str] = {}
    for email in (mail_address(each.email) for each in everybody):
        if email in own:
            continue
        before = told.get(email)
        if before is None or _is_taken_back(before):
            wanted[email] = written(f"{write.write_key}@slotlink", mail_address(organizer))
        else:
            # Whoever has an invitation keeps that one, also where the event was made anew in the calendar.
            wanted[email] = written(uid_of(before.ical), organizer_of(before.ical))
    return wanted


def _is_taken_back(message: GuestMessage) -> bool:
    """Whether the guest knows of no event any more."""
    return is_cancelled(message.ical) and message.done


def _next(write: EventWrite, email: str, text: str) -> GuestMessage:
    return GuestMessage(write.application_id, write.calendar_id, write.event_uid, email, text, write.revision)


async def _promise(
    deps: Deps, connection: AsyncConnection, message: GuestMessage, before: GuestMessage | None, now: int
) -> None:
    if before is None:
        await guest_messages.insert_new(connection, message)
    else:
        values = {"ical": message.ical, "sequence": message.sequence}
        anew = {"sent_sequence": 0} if _is_taken_back(before) else {}
        if before.sequence == message.sequence:
            anew = {"sent_sequence": ANOTHER}
        await guest_messages.change(connection, before, **values, **anew)
    await _promise_to_send(deps, connection, message, now)


async def _promise_to_send(deps: Deps, connection: AsyncConnection, message: GuestMessage, now: int) -> None:
    promise = _Promise(message.calendar_id, message.event_uid, message.email, message.ical, message.sequence)
    where = f"{PLACE}/{message.calendar_id}/events/{message.event_uid}"
    body = msgspec.json.encode(promise)
    await outbox.add(connection, deps.vault, message.application_id, None, where, PLACE, body, now, kind=KIND)


async def find_mail(deps: Deps, item: OutboxItem, now: int) -> Mail | str:
    """What is to be sent to keep a promise: always the newest. Or why nothing is. Raises NothingToSay."""
    promise = _read_promise(deps, item)
    async with deps.database.reading() as connection:
        message = await _find(connection, item, promise)
        branding = await brandings.find_shown(connection, item.application_id)
    if message is None:  # the calendar is gone, or was disconnected, and all that was known of its events is deleted
        if "\r\nSTATUS:CANCELLED\r\n" not in promise.ical:
            raise NothingToSay("the calendar is gone or disconnected, and nobody knows whether the event still stands")
        named = (promise.calendar_id, promise.event_uid, promise.email)
        message = GuestMessage(item.application_id, *named, promise.ical, promise.sequence)
    if message.done:
        return "as wanted already"
    if deps.settings.invitations == "none":
        raise NothingToSay("SLOTLINK_INVITATIONS says that nobody is invited")
    if is_over(message.ical, now) and not is_over(message.ical, stamp_of(message.ical)):
        raise NothingToSay("the event is over by now")
    named = f"{message.application_id}/{message.calendar_id}/{message.event_uid}/{message.email}"
    digest = hashlib.sha256(named.encode()).hexdigest()[:32]
    name = f"{digest}.{message.sequence}.{message.sent_sequence}"
    return Mail(message, read_message(message.ical), name, branding.default_locale if branding else None)


async def note_sent(deps: Deps, message: GuestMessage, now: int) -> None:
    """The mail server has taken it."""
    async with deps.database.transaction() as connection:
        if await guest_messages.change(connection, message, sent_sequence=message.sequence):
            return
        newer = await guest_messages.find(
            connection, message.application_id, message.calendar_id, message.event_uid, message.email
        )
        if newer is not None and newer.done:
            # Sent while this one was under way, so nobody knows which arrives last: the newer one is to.
            await guest_messages.change(connection, newer, sent_sequence=message.sequence)
            await _promise_to_send(deps, connection, newer, now)


async def give_up(deps: Deps, connection: AsyncConnection, item: OutboxItem, outcome: str, now: int) -> None:
    """No further attempt is made: whoever booked it hears of it. In the transaction that settles the item."""
    promise = _read_promise(deps, item)
    message = await _find(connection, item, promise)
    if message is None or message.done or message.sequence != promise.sequence:
        return  # a newer message has a promise of its own
    log.warning("guest.not_told", calendar=message.calendar_id, event_uid=message.event_uid, reason=outcome)
    write = await event_writes.find(connection, item.application_id, message.calendar_id, message.event_uid)
    try:
        mirror = await mirrors.get_mirror(connection, item.application_id, message.calendar_id)
    except NotFound:
        return
    if write is not None and write.link_id is not None:
        reason = f"{message.email} could not be told of the event by mail: {outcome}"
        await tell_link(deps, connection, item.application_id, write.link_id, mirror, reason, now)


def _read_promise(deps: Deps, item: OutboxItem) -> _Promise:
    return msgspec.json.decode(deps.vault.open(item.sealed_body, item.row), type=_Promise)


async def _find(connection: AsyncConnection, item: OutboxItem, promise: _Promise) -> GuestMessage | None:
    named = (promise.calendar_id, promise.event_uid, promise.email)
    return await guest_messages.find(connection, item.application_id, *named)
