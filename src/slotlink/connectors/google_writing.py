"""An event of ours in Google's words, and whether that is what stands there. Pure.

Only what we have written is compared: what Google adds (reminders, links, a guest's answer) is no change of a person.
"""

from __future__ import annotations

import re
from datetime import UTC
from typing import cast

from slotlink.connectors.base import EventWrite
from slotlink.connectors.google_ical import When, is_cancelled, member_of, read_when, text
from slotlink.connectors.google_own import INVITES, UID, own_id, private_property
from slotlink.connectors.json_answers import Json
from slotlink.domain.event import mail_address, wire_time
from slotlink.errors import NotAccepted, ProviderUnavailable
from slotlink.ical import InvalidCalendar
from slotlink.ical.events import Event, read_events
from slotlink.ical.lines import Component, blaming, split_calendar
from slotlink.ical.moments import Moment
from slotlink.ical.zones import Zones

_ANSWERS = {"ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "tentative"}
_TEXTS = (("summary", "SUMMARY"), ("description", "DESCRIPTION"), ("location", "LOCATION"))
_RECURRENCE = ("RRULE", "RDATE", "EXDATE", "EXRULE")
_WORDS = ("summary", "description", "location")
MEET = "hangoutsMeet"


def event_of(write: EventWrite) -> Json:
    """The event to insert. Raises NotAccepted for an iCalendar object that is not one event, or has one in a zone that
    Google cannot know."""
    try:
        with blaming("our event"):
            component, event, default = _read(write.ical)
            recurrence = [line for line in component.lines if re.split("[:;]", line)[0].upper() in _RECURRENCE]
            times = _times(event, default, repeats=bool(recurrence))
    except InvalidCalendar as error:
        raise NotAccepted("our event cannot be read") from error
    private = {UID: component.text("UID"), INVITES: "1" if write.invites else "0"}
    body: Json = {
        "id": own_id(write.key),
        **{member: value for member, name in _TEXTS if (value := component.text(name))},
        **times,
        "status": "tentative" if component.text("STATUS").upper() == "TENTATIVE" else "confirmed",
        "transparency": "transparent" if component.text("TRANSP").upper() == "TRANSPARENT" else "opaque",
        "visibility": "private" if component.text("CLASS").upper() in ("PRIVATE", "CONFIDENTIAL") else "default",
        "extendedProperties": {"private": private},
    }
    if recurrence:
        body["recurrence"] = recurrence
    if (url := component.text("URL")).startswith(("http://", "https://")):
        body["source"] = {"url": url, "title": body.get("summary", url)}
    if write.invites and (guests := _guests(component)):
        body["attendees"] = guests
    if write.conference:
        key = {"type": MEET}
        body["conferenceData"] = {"createRequest": {"requestId": write.key, "conferenceSolutionKey": key}}
    return body


def change_of(body: Json, there: Json) -> Json:
    """What to PATCH over `there`: a merge, so what is no more has to be taken away by name (null), and what others have
    added stays. Guests keep the answers that they gave."""
    change = {name: value for name, value in body.items() if name != "id"}
    for name in ("description", "location", "recurrence", "source", "summary"):
        if name in there and name not in body:
            change[name] = None
    for side in ("start", "end"):
        change[side] = {"date": None, "dateTime": None, "timeZone": None, **body[side]}
    if "attendees" in body:
        known = {text(each, "email").lower(): each for each in _attendees(there)}
        change["attendees"] = [{**known.get(each["email"], {}), "email": each["email"]} for each in body["attendees"]]
    if has_conference(there):
        change.pop("conferenceData", None)
    return change


def stands(there: Json, body: Json) -> bool:
    """Whether what we would write is there already."""
    if is_cancelled(there) or there.get("recurringEventId"):
        return False
    if any(_squeezed(text(there, name)) != _squeezed(text(body, name)) for name in _WORDS):
        return False
    if text(there, "status") != body["status"] or (text(there, "visibility") or "default") != body["visibility"]:
        return False
    if (text(there, "transparency") or "opaque") != body["transparency"]:
        return False
    if any(_when(there, side) != _when(body, side) for side in ("start", "end")):
        return False
    if _rules(there) != _rules(body) or private_property(there, UID) != private_property(body, UID):
        return False
    if "conferenceData" in body and not has_conference(there):
        return False
    invited = {text(each, "email").lower() for each in _attendees(there)}
    return {text(each, "email").lower() for each in _attendees(body)} <= invited


def has_conference(event: Json) -> bool:
    """Made, or being made."""
    data = member_of(event, "conferenceData")
    return bool(data.get("createRequest") or data.get("entryPoints"))


def _read(ical: str) -> tuple[Component, Event, str]:
    """The one event, and the zone of the object."""
    head, blocks, components = split_calendar(ical.encode("utf-8", "replace"))
    if len(components) != 1:
        raise InvalidCalendar("an event is written alone, without exceptions")
    named = next((line.partition(":")[2].strip() for line in head if line.upper().startswith("X-WR-TIMEZONE")), "UTC")
    zone, tzid = Zones(blocks).find(named)
    return components[0], read_events(components, Zones(blocks, zone))[0], tzid or "UTC"


def _times(event: Event, default: str, *, repeats: bool) -> Json:
    start = event.start
    if start.is_date:
        last = event.length.last_day(start.local)
        return {"start": {"date": start.local.date().isoformat()}, "end": {"date": last.date().isoformat()}}
    tzid = _repeating_zone(start, default) if repeats else start.tzid or default
    instants = {"start": start.instant, "end": max(start.instant, event.length.end(start.local, start.zone))}
    return {side: {"dateTime": wire_time(at), "timeZone": tzid} for side, at in instants.items()}


def _repeating_zone(start: Moment, default: str) -> str:
    """A series keeps to the wall clock of the zone that it is in."""
    if start.tzid or start.zone is UTC:
        return start.tzid or "UTC"
    if start.zone is Zones({}).find(default)[0]:  # a floating time
        return default
    raise InvalidCalendar("the series is in a zone of its own")


def _guests(component: Component) -> list[Json]:
    """Whom Google is to invite: those whom somebody else does not (RFC 6638 7.1)."""
    guests: dict[str, Json] = {}
    for each in component.all("ATTENDEE"):
        address = mail_address(each.value)
        if "@" not in address or each.params.get("SCHEDULE-AGENT", "SERVER").upper() != "SERVER":
            continue
        guests[address] = {
            "email": address,
            "responseStatus": _ANSWERS.get(each.params.get("PARTSTAT", "").upper(), "needsAction"),
            **({"displayName": name} if (name := each.params.get("CN")) else {}),
            **({"optional": True} if each.params.get("ROLE", "").upper() == "OPT-PARTICIPANT" else {}),
        }
    return list(guests.values())


def _attendees(event: Json) -> list[Json]:
    value: object = event.get("attendees")
    several = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("Json", each) for each in several if isinstance(each, dict)]


def _when(event: Json, side: str) -> When | None:
    try:
        return read_when(event, side)
    except ProviderUnavailable:
        return None


def _rules(event: Json) -> set[str]:
    value: object = event.get("recurrence")
    several = cast("list[object]", value) if isinstance(value, list) else []
    return {str(each).upper() for each in several}


def _squeezed(words: str) -> str:
    return " ".join(words.split())
