"""Events of Google's Calendar API as iCalendar (RFC 5545). Pure. What an event means is not decided here.

A series is one object: the master, each changed instance by its RECURRENCE-ID, each cancelled one as an EXDATE
(developers.google.com/workspace/calendar/api/v3/reference/events).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import cast

from slotlink.connectors.base import CONFERENCE, RemoteObject
from slotlink.connectors.google_own import own_uid
from slotlink.connectors.json_answers import Json
from slotlink.errors import ProviderUnavailable
from slotlink.ical import InvalidCalendar, escaped, mailto, printable
from slotlink.ical.lines import HEAD, fold
from slotlink.ical.moments import instant_of, local_of
from slotlink.ical.zones import Zones

_ANSWERS = {"accepted": "ACCEPTED", "declined": "DECLINED", "tentative": "TENTATIVE"}
_CLASSES = {"private": "PRIVATE", "confidential": "CONFIDENTIAL", "public": "PUBLIC"}
_TAKES_NO_TIME = ("workingLocation", "birthday")
_RECURRENCE = re.compile(r"(?:RRULE|EXRULE|RDATE|EXDATE)[;:][^\x00-\x1f\x7f]+", re.IGNORECASE)

When = int | date  # UTC seconds, or a whole day


def series_of(event: Json) -> str:
    """The id under which an event is gathered: its series', or its own. Ids of instances are never taken apart."""
    return text(event, "recurringEventId") or event_id(event)


def is_single(event: Json) -> bool:
    """Whether it is all that there is of its object."""
    return not event.get("recurrence") and not event.get("recurringEventId")


def is_cancelled(event: Json) -> bool:
    return event.get("status") == "cancelled"


def objects_of(events: Iterable[Json], calendar_id: str) -> dict[str, RemoteObject | None]:
    """One object for each series and single event, by its key; None for what is cancelled. Everything that belongs to
    an object is among `events`. Raises ProviderUnavailable for what cannot be read: left out, it would be free."""
    groups: dict[str, dict[str, Json]] = {}
    for event in events:
        groups.setdefault(series_of(event), {})[event_id(event)] = event
    try:
        return {key: _object(key, list(group.values()), calendar_id) for key, group in groups.items()}
    except (ValueError, ArithmeticError) as error:
        raise ProviderUnavailable("the answer has an event that cannot be written as iCalendar") from error


def _object(key: str, group: Sequence[Json], calendar_id: str) -> RemoteObject | None:
    master = next((each for each in group if event_id(each) == key), None)
    others = sorted((each for each in group if event_id(each) != key), key=event_id)
    if master is not None and is_cancelled(master):
        return None
    living = [each for each in others if not is_cancelled(each)]
    first = master or next(iter(living), None)
    if first is None:
        return None
    uid = own_uid(first) or text(first, "iCalUID") or f"{key}@google.com"
    lines: list[str] = []
    if master is not None:
        lines += _event(master, uid, calendar_id, _recurrence(master, [each for each in others if is_cancelled(each)]))
    for each in living:
        lines += _event(each, uid, calendar_id, [_line("RECURRENCE-ID", original_start(each), None)])
    return RemoteObject(key, version_of(master, others) or None, fold([*HEAD, *lines, "END:VCALENDAR"]))


def version_of(master: Json | None, others: Sequence[Json] = ()) -> str:
    """The ETag, and a digest of the ETags of all exceptions, whose changes leave the master's ETag as it is."""
    etag = text(master, "etag") if master else ""
    if not others:
        return etag
    told = "\n".join(f"{event_id(each)} {text(each, 'etag')} {each.get('status')}" for each in others)
    return f"{etag} {sha256(told.encode('utf-8', 'replace')).hexdigest()[:32]}"


def _event(event: Json, uid: str, calendar_id: str, extra: Sequence[str]) -> list[str]:
    start, end, kind = read_when(event, "start"), read_when(event, "end"), event.get("eventType")
    tzid = _zone_of(event, "start")
    repeats = bool(event.get("recurrence"))
    free = event.get("transparency") == "transparent" or kind in _TAKES_NO_TIME
    lines = ["BEGIN:VEVENT", f"UID:{escaped(uid)}", f"DTSTAMP:{_stamp(event)}"]
    sequence = event.get("sequence")
    lines += [f"SEQUENCE:{sequence}"] if isinstance(sequence, int) and 0 <= sequence < 2**31 else []
    lines += [_line("DTSTART", start, tzid, always_local=repeats), _line("DTEND", end, tzid, always_local=repeats)]
    lines += extra
    lines += [f"STATUS:{'TENTATIVE' if event.get('status') == 'tentative' else 'CONFIRMED'}"]
    lines += [f"TRANSP:{'TRANSPARENT' if free else 'OPAQUE'}"]
    lines += ["X-MICROSOFT-CDO-BUSYSTATUS:OOF"] if kind == "outOfOffice" else []
    lines += [f"CLASS:{_CLASSES[said]}"] if (said := text(event, "visibility")) in _CLASSES else []
    for name, member in (("SUMMARY", "summary"), ("DESCRIPTION", "description"), ("LOCATION", "location")):
        lines += [f"{name}:{escaped(value)}"] if (value := text(event, member)) else []
    lines += [f"URL:{uri}"] if (uri := _uri(member_of(event, "source").get("url"))) else []
    lines += [f"{CONFERENCE}:{uri}"] if (uri := join_url(event)) else []
    return [*lines, *_people(event, calendar_id), "END:VEVENT"]


def join_url(event: Json) -> str | None:
    """Where the meeting room is; None while it is still being made."""
    data = member_of(event, "conferenceData")
    status = member_of(member_of(data, "createRequest"), "status").get("statusCode")
    points: object = data.get("entryPoints")
    if status in ("pending", "failure") or not isinstance(points, list):
        return None
    rooms = [cast("Json", each) for each in cast("list[object]", points) if isinstance(each, dict)]
    return next(
        (uri for each in rooms if each.get("entryPointType") == "video" and (uri := _uri(each.get("uri")))), None
    )


def _recurrence(master: Json, cancelled: Sequence[Json]) -> list[str]:
    rules: object = master.get("recurrence") or []
    lines = cast("list[object]", rules) if isinstance(rules, list) else [rules]
    found = [line for line in lines if isinstance(line, str) and _RECURRENCE.fullmatch(line)]
    if len(found) < len(lines):
        raise ProviderUnavailable("the answer has a recurrence that cannot be read")
    originals = [original_start(each) for each in cancelled if each.get("originalStartTime")]
    days = ",".join(_value(each) for each in originals if isinstance(each, date))
    times = ",".join(_value(each) for each in originals if isinstance(each, int))
    return [*found, *([f"EXDATE;VALUE=DATE:{days}"] if days else []), *([f"EXDATE:{times}"] if times else [])]


def _people(event: Json, calendar_id: str) -> list[str]:
    """Who is invited. `self` is whose calendar it is, under whatever address; readers know that one as the calendar's
    id, so the answer stands under it."""
    people: object = event.get("attendees")
    several = cast("list[object]", people) if isinstance(people, list) else []
    lines: list[str] = []
    for each in (cast("Json", each) for each in several if isinstance(each, dict)):
        own = each.get("self") is True and "@" in calendar_id
        if address := _address(calendar_id if own else text(each, "email")):
            answer = _ANSWERS.get(text(each, "responseStatus"), "NEEDS-ACTION")
            lines.append(f"ATTENDEE;PARTSTAT={answer}{_name(each)}:{address}")
    organizer = member_of(event, "organizer")
    address = _address(text(organizer, "email"))
    return [f"ORGANIZER{_name(organizer)}:{address}", *lines] if lines and address else lines


def read_when(event: Json, side: str) -> When:
    """UTC seconds, or the day of an all-day event. Raises ProviderUnavailable."""
    value = member_of(event, side)
    day, time = value.get("date"), value.get("dateTime")
    try:
        if isinstance(time, str):
            moment = datetime.fromisoformat(time)
            if moment.tzinfo is not None:
                return int(moment.timestamp())
            return instant_of(moment, Zones({}).find(text(value, "timeZone"))[0])
        if isinstance(day, str):
            return date.fromisoformat(day)
    except (ValueError, ArithmeticError) as error:
        raise ProviderUnavailable(f"the answer has an event whose {side} cannot be read") from error
    raise ProviderUnavailable(f"the answer has an event without {side}")


def original_start(event: Json) -> When:
    return read_when(event, "originalStartTime")


def event_id(event: Json) -> str:
    if not (found := text(event, "id")):
        raise ProviderUnavailable("the answer has an event without id")
    return found


def text(event: Json, name: str) -> str:
    value = event.get(name)
    return value if isinstance(value, str) else ""


def member_of(event: Json, name: str) -> Json:
    value: object = event.get(name)
    return cast("Json", value) if isinstance(value, dict) else {}


def _zone_of(event: Json, side: str) -> str:
    return re.sub("[^A-Za-z0-9_+/-]", "", text(member_of(event, side), "timeZone"))[:64]


def _line(name: str, when: When, tzid: str | None, *, always_local: bool = False) -> str:
    """On the wall clock of its zone, for a series has to keep to that; in UTC where the wall clock says it twice.

    A series in a zone that nobody knows keeps the zone's name, so that its reader refuses it."""
    if isinstance(when, date):
        return f"{name};VALUE=DATE:{_value(when)}"
    try:
        zone, _ = Zones({}).find(tzid or "")
    except InvalidCalendar:
        return f"{name};TZID={tzid or 'unknown'}:{_value(when)[:-1]}" if always_local else f"{name}:{_value(when)}"
    local = local_of(when, zone)
    if instant_of(local, zone) != when and not always_local:
        return f"{name}:{_value(when)}"
    return f"{name};TZID={tzid}:{local:%Y%m%dT%H%M%S}"


def _value(when: When) -> str:
    if isinstance(when, date):
        return f"{when.year:04}{when.month:02}{when.day:02}"
    return f"{datetime.fromtimestamp(when, UTC):%Y%m%dT%H%M%SZ}"


def _stamp(event: Json) -> str:
    try:
        return _value(int(datetime.fromisoformat(text(event, "updated")).timestamp()))
    except (ValueError, ArithmeticError):
        return "19700101T000000Z"


def _address(email: str) -> str:
    return mailto(email) if "@" in email else ""


def _name(person: Json) -> str:
    words = re.sub('[";:,^\n]', " ", printable(text(person, "displayName"))).strip()
    return f';CN="{words}"' if words else ""


def _uri(value: object) -> str | None:
    found = isinstance(value, str) and re.fullmatch(r"https?://[^\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+", value)
    return value if found and isinstance(value, str) else None
