"""An event or a series of Graph as one iCalendar object (RFC 5545, [MS-OXCICAL] for what Outlook adds). Pure.

A series is written as what Graph says it has in a window: DTSTART and RDATEs, and each exception by itself. Its rule is
not translated: deleted occurrences, short months and zones of the owner's making are then as Graph sees them. So
nothing is said of what lies outside the window."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime

from slotlink.connectors.graph_json import Event, Recipient
from slotlink.connectors.graph_own import uid_of
from slotlink.connectors.graph_text import plain
from slotlink.connectors.graph_times import day, instant, stamp
from slotlink.errors import NotAccepted
from slotlink.ical import escaped, mailto, printable
from slotlink.ical.lines import HEAD, fold

MOST_TEXT = 10_000  # characters of a description

_STATUS = {"free": "FREE", "tentative": "TENTATIVE", "oof": "OOF", "workingElsewhere": "WORKINGELSEWHERE"}
_ANSWERS = {
    "accepted": "ACCEPTED",
    "declined": "DECLINED",
    "tentativelyAccepted": "TENTATIVE",
    "organizer": "ACCEPTED",
}
_CLASSES = {"private": "PRIVATE", "confidential": "CONFIDENTIAL", "personal": "X-PERSONAL"}

When = int | date
Times = tuple[When, When]


def single_object(event: Event, owner: str) -> str:
    """`owner` is the address of whose calendar it is. Raises NotAccepted for times that cannot be read."""
    return _calendar(_event(event, event, _times(event), owner, []))


def series_object(master: Event, instances: Sequence[Event], owner: str) -> str:
    """`instances` are all that the series has in a window, at least one. Raises NotAccepted."""
    found = [(each, _times(each)) for each in {each.id: each for each in instances}.values()]
    found.sort(key=lambda each: _order(each[1][0]))
    plainly = [_is_plain(each, master, times) for each, times in found]
    like = [each for each, is_plain in zip(found, plainly, strict=True) if is_plain]
    others = [each for each, is_plain in zip(found, plainly, strict=True) if not is_plain]
    names = [_original(event, times) for event, times in others]
    is_mixed = len({type(times[0]) for _, times in found}) > 1
    if not like or is_mixed or len({*names, *(times[0] for _, times in like)}) < len(found):
        # Where an exception has the name of another occurrence, that one would be lost: each is an event of its own.
        if len({times[0] for _, times in found}) < len(found):
            raise NotAccepted("a series of the calendar has two occurrences at the same time that cannot be told apart")
        alone = [_event(each, master, times, owner, [_at("RECURRENCE-ID", times[0])]) for each, times in found]
        return _calendar(*alone)
    first = like[0][1]
    rows = [_event(like[0][0], master, first, owner, _more(first, [times for _, times in like[1:]]))]
    for (each, times), name in zip(others, names, strict=True):
        rows.append(_event(each, master, times, owner, [_at("RECURRENCE-ID", name)]))
    return _calendar(*rows)


def needs_owner(event: Event) -> bool:
    """Whether its object names the owner's own answer."""
    response = (event.response_status and event.response_status.response) or "none"
    return bool(event.attendees) or response not in ("none", "organizer")


def _times(event: Event) -> Times:
    if event.start is None or event.end is None:
        raise NotAccepted("an event of the calendar has no start or no end")
    read = day if event.is_all_day else instant
    try:
        return read(event.start), read(event.end)
    except (ValueError, ArithmeticError) as error:
        raise NotAccepted(f"an event of the calendar has a time that we cannot read: {type(error).__name__}") from error


def _order(when: When) -> tuple[int, str]:
    at = when if isinstance(when, int) else int(datetime(when.year, when.month, when.day, tzinfo=UTC).timestamp())
    return at, type(when).__name__


def _is_plain(event: Event, master: Event, times: Times) -> bool:
    """Whether nothing but the time has to be said of an occurrence."""
    if event.type != "occurrence" or bool(event.is_all_day) != bool(master.is_all_day):
        return False
    if isinstance(times[0], date) and _length(times) != _length(_times(master)):
        return False
    if event.response_status and event.response_status != master.response_status:
        return False
    return event.show_as == master.show_as and bool(event.is_cancelled) == bool(master.is_cancelled)


def _original(event: Event, times: Times) -> When:
    """Where an exception was: the name that no other occurrence can have. For whole days Graph's originalStart may be
    a day off, in the zone that it counts in; but an exception never gets onto the day of another."""
    if isinstance(times[0], date) or not event.original_start:
        return times[0]
    try:
        return stamp(event.original_start)
    except (ValueError, ArithmeticError):
        return times[0]


def _more(first: Times, others: Sequence[Times]) -> list[str]:
    """RDATEs; with an end of their own where the length is another, as over a change of the clock."""
    if isinstance(first[0], date):
        days = ",".join(_value(times[0]) for times in others)
        return [f"RDATE;VALUE=DATE:{days}"] if days else []
    length = _length(first)
    same = ",".join(_value(times[0]) for times in others if _length(times) == length)
    odd = ",".join(f"{_value(start)}/{_value(end)}" for start, end in others if _length((start, end)) != length)
    return [*([f"RDATE:{same}"] if same else []), *([f"RDATE;VALUE=PERIOD:{odd}"] if odd else [])]


def _length(times: Times) -> int:
    return _order(times[1])[0] - _order(times[0])[0]


def _event(event: Event, master: Event, times: Times, owner: str, extra: Sequence[str]) -> list[str]:
    """One VEVENT; what an occurrence does not say is as in its series."""
    status = _STATUS.get(event.show_as or master.show_as or "", "BUSY")  # `unknown` is never free
    tentative = "TENTATIVE" if status == "TENTATIVE" else "CONFIRMED"
    lines = ["BEGIN:VEVENT", f"UID:{escaped(uid_of(master))}", f"DTSTAMP:{_stamped(event, master)}"]
    lines += [_at("DTSTART", times[0]), _at("DTEND", times[1]), *extra]
    lines += [f"STATUS:{'CANCELLED' if event.is_cancelled else tentative}"]
    lines += [f"TRANSP:{'TRANSPARENT' if status == 'FREE' else 'OPAQUE'}", f"X-MICROSOFT-CDO-BUSYSTATUS:{status}"]
    lines += [f"SUMMARY:{escaped(event.subject or '')}"]
    body = event.body or master.body
    if body and (words := plain(body.content or "", body.content_type)):
        lines += [f"DESCRIPTION:{escaped(words[:MOST_TEXT])}"]
    if event.location and event.location.display_name:
        lines += [f"LOCATION:{escaped(event.location.display_name)}"]
    if (kind := _CLASSES.get(event.sensitivity or master.sensitivity or "")) is not None:
        lines += [f"CLASS:{kind}"]
    return [*lines, *_people(event, master, owner), "END:VEVENT"]


def _people(event: Event, master: Event, owner: str) -> list[str]:
    """Who was asked and what they answered. The owner's own answer is the event's responseStatus, whatever the list
    says, and the organizer is not asked."""
    organizer = (event.organizer or master.organizer or Recipient()).email_address
    lines = [f"ORGANIZER{_name(organizer.name)}:{mailto(organizer.address)}"] if organizer and organizer.address else []
    people = event.attendees if event.attendees is not None else master.attendees or []
    answered = event.response_status or master.response_status
    own = (answered and answered.response) or "none"
    for each in people:
        address = each.email_address
        if address is None or not address.address or address.address.lower() == owner.lower():
            continue
        said = (each.status and each.status.response) or "none"
        lines.append(f"ATTENDEE;PARTSTAT={_partstat(said)}{_name(address.name)}:{mailto(address.address)}")
    if owner and own not in ("none", "organizer"):
        lines.append(f"ATTENDEE;PARTSTAT={_partstat(own)}:{mailto(owner)}")
    return lines


def _partstat(response: str) -> str:
    return _ANSWERS.get(response, "NEEDS-ACTION")


def _name(name: str | None) -> str:
    words = re.sub('[";:,^]', " ", printable(name or "").replace("\n", " ")).strip()
    return f';CN="{words}"' if words else ""


def _calendar(*events: Sequence[str]) -> str:
    return fold([*HEAD, *(line for event in events for line in event), "END:VCALENDAR"])


def _at(name: str, when: When) -> str:
    return f"{name}:{_value(when)}" if isinstance(when, int) else f"{name};VALUE=DATE:{_value(when)}"


def _value(when: When) -> str:
    if isinstance(when, int):
        return (
            datetime.fromtimestamp(when, UTC).replace(tzinfo=None).isoformat().replace("-", "").replace(":", "") + "Z"
        )
    return when.isoformat().replace("-", "")


def _stamped(event: Event, master: Event) -> str:
    try:
        return _value(stamp(event.last_modified_date_time or master.last_modified_date_time or ""))
    except (ValueError, ArithmeticError):
        return "19700101T000000Z"
