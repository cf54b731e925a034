"""An event of ours as Graph's JSON, and whether what stands there is that event. Pure.

Times are written in UTC, exact for everybody. Guests and the mark of graph_own.py come in a second write: then Outlook
mails each guest once, and a create that was cut off is known again."""

from __future__ import annotations

from dataclasses import dataclass

from slotlink.connectors.base import EventWrite
from slotlink.connectors.graph_json import Event, Json
from slotlink.connectors.graph_own import finished_property, first_properties, marked, transaction
from slotlink.connectors.graph_text import begins_with, marked_up, squeezed, with_meeting
from slotlink.connectors.graph_times import day, instant, midnight, wall
from slotlink.domain.event import mail_address
from slotlink.errors import NotAccepted
from slotlink.ical import InvalidCalendar, Occurrence, expand
from slotlink.ical.lines import Component, split_calendar

MOST_SUBJECT = 255  # characters that Exchange keeps of one; nowhere documented for events

_EVER = (-62_000_000_000, 250_000_000_000)
_SHOW_AS = {"FREE": "free", "TENTATIVE": "tentative", "OOF": "oof", "WORKINGELSEWHERE": "workingElsewhere"}
_REPEATS = ("RRULE", "RDATE", "RECURRENCE-ID")
ONLINE = {"isOnlineMeeting": True, "onlineMeetingProvider": "teamsForBusiness"}


@dataclass(frozen=True, slots=True)
class Sent:
    """What an EventWrite asks for. `guests`: address in lower case, name, required or optional; all are written only
    where Outlook is to invite them, because it mails whoever is on the list."""

    key: str
    occurrence: Occurrence
    show_as: str
    text: str
    guests: tuple[tuple[str, str, str], ...]
    conference: bool

    @property
    def addresses(self) -> set[str]:
        return {address for address, _, _ in self.guests}


def sent(write: EventWrite) -> Sent:
    """Raises NotAccepted for what is no single event, or cancelled."""
    try:
        components = split_calendar(write.ical.encode())[2]
        if len(components) != 1 or any(components[0].all(name) for name in _REPEATS):
            raise NotAccepted("only a single event can be written to Microsoft's calendar")
        found = expand(write.ical, "UTC", *_EVER)
    except InvalidCalendar as error:
        raise NotAccepted("the event to write is no iCalendar") from error
    if not found:
        raise NotAccepted("a cancelled event is deleted, not written")
    [one], [component] = found, components
    link = one.url if one.url not in one.description else ""
    text = "\n\n".join(part for part in (one.description, link) if part)
    guests = tuple(_guests(component)) if write.invites else ()
    return Sent(write.key, one, _show_as(one), text, guests, write.conference)


def creation(wanted: Sent) -> Json:
    """The first write: everything but guests and mark."""
    first: Json = {**_plain(wanted), "transactionId": transaction(wanted.key), "body": _body(marked_up(wanted.text))}
    first["singleValueExtendedProperties"] = first_properties(wanted.key, wanted.occurrence.uid)
    return {**first, **(ONLINE if wanted.conference else {})}


def finishing(event: Event, wanted: Sent) -> Json:
    """The second: the body stays away, because Teams may have written into it by now."""
    second: Json = {"singleValueExtendedProperties": [finished_property(event.id, wanted.occurrence.uid)]}
    return {**second, **({"attendees": _attendees(wanted)} if wanted.guests else {})}


def changing(event: Event, wanted: Sent) -> Json:
    """Over what stands there: only what is another, so that no guest is told twice and no meeting ends."""
    change: Json = {} if as_sent(event, wanted, members=("plain",)) else _plain(wanted)
    if event.type == "seriesMaster":
        change["recurrence"] = None  # a person had made it one
    if not as_sent(event, wanted, members=("text",)):
        change["body"] = _body(with_meeting(event, wanted.text))
    if not as_sent(event, wanted, members=("guests",)):
        change["attendees"] = _attendees(wanted)
    if wanted.conference and not event.is_online_meeting:
        change |= ONLINE
    return change if marked(event) else {**finishing(event, wanted), **change}


def as_sent(event: Event, wanted: Sent, *, members: tuple[str, ...] = ("plain", "text", "guests")) -> bool:
    """Whether it is what we wrote, though Exchange keeps it in words of its own."""
    tests = {"plain": _plain_as_sent, "text": _text_as_sent, "guests": _guests_as_sent}
    return all(tests[name](event, wanted) for name in members)


def _plain(wanted: Sent) -> Json:
    one = wanted.occurrence
    is_all_day = one.start_date is not None and one.end_date is not None
    return {
        "subject": one.summary[:MOST_SUBJECT],
        "isAllDay": is_all_day,
        "start": midnight(one.start_date) if one.start_date else wall(one.start),
        "end": midnight(one.end_date) if one.end_date else wall(one.end),
        "showAs": wanted.show_as,
        "sensitivity": "private" if one.private else "normal",
        "location": {"displayName": one.location},
    }


def _plain_as_sent(event: Event, wanted: Sent) -> bool:
    one = wanted.occurrence
    location = (event.location and event.location.display_name) or ""
    return (
        event.type in (None, "singleInstance")
        and not event.is_cancelled
        and squeezed(event.subject or "") == squeezed(one.summary[:MOST_SUBJECT])
        and squeezed(location) == squeezed(one.location)
        and event.show_as == wanted.show_as
        and (event.sensitivity or "normal") == ("private" if one.private else "normal")
        and _same_times(event, one)
    )


def _same_times(event: Event, one: Occurrence) -> bool:
    if event.start is None or event.end is None:
        return False
    try:
        if event.is_all_day:
            return (day(event.start), day(event.end)) == (one.start_date, one.end_date)
        return one.start_date is None and (instant(event.start), instant(event.end)) == (one.start, one.end)
    except (ValueError, ArithmeticError):
        return False


def _text_as_sent(event: Event, wanted: Sent) -> bool:
    return begins_with(event, wanted.text)


def _guests_as_sent(event: Event, wanted: Sent) -> bool:
    organizer = event.organizer and event.organizer.email_address and event.organizer.email_address.address
    own = {(organizer or "").lower()}
    people = [each.email_address.address for each in event.attendees or [] if each.email_address]
    return {address.lower() for address in people if address} - own == wanted.addresses - own


def _show_as(one: Occurrence) -> str:
    if one.transparency == "transparent":
        return "free"
    return "tentative" if one.status == "tentative" else _SHOW_AS.get(one.busy_status, "busy")


def _guests(component: Component) -> list[tuple[str, str, str]]:
    found: dict[str, tuple[str, str, str]] = {}
    for each in component.all("ATTENDEE"):
        address = mail_address(each.value)
        kind = "optional" if each.params.get("ROLE", "").upper() == "OPT-PARTICIPANT" else "required"
        if "@" in address:
            found[address] = (address, each.params.get("CN", ""), kind)
    return list(found.values())


def _attendees(wanted: Sent) -> list[Json]:
    people = [({"address": address, **({"name": name} if name else {})}, kind) for address, name, kind in wanted.guests]
    return [{"emailAddress": person, "type": kind} for person, kind in people]


def _body(content: str) -> Json:
    return {"contentType": "html", "content": content}
