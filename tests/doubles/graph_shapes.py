"""What answers look like: an event or a calendar as this reader asked for it."""

from __future__ import annotations

import copy
import html
import re
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import quote

from tests.doubles import graph_errors as errors
from tests.doubles.graph_errors import Json
from tests.doubles.graph_store import Calendar, Person, Store, Stored
from tests.doubles.graph_times import midnight, moment, wall, zone
from tests.doubles.service import Asked

PROPERTY_FILTER = re.compile(r"singleValueExtendedProperties\(\$filter=id eq '([^']*)'\)", re.IGNORECASE)
HIDDEN = ("subject", "bodyPreview", "body", "location", "locations", "attendees", "onlineMeeting", "onlineMeetingUrl")


@dataclass
class View:
    """How somebody wants to read: the Prefer header, $select and $expand."""

    user: str
    zone: str | None = None
    immutable: bool = False
    text: bool = False
    page_size: int | None = None
    select: set[str] = field(default_factory=set[str])
    property_id: str | None = None
    applied: list[str] = field(default_factory=list[str])


def view_of(user: str, asked: Asked, query: dict[str, str]) -> View:
    view = View(user)
    prefer = asked.call.headers.get("prefer", "")
    if found := re.search(r'outlook\.timezone\s*=\s*"?([^",;]+)"?', prefer, re.IGNORECASE):  # fact: times.prefer
        zone(name := found[1].strip())
        view.zone = name
        view.applied.append(f'outlook.timezone="{view.zone}"')
    if re.search(r'IdType\s*=\s*"?ImmutableId"?', prefer, re.IGNORECASE):
        view.immutable = True
        view.applied.append('IdType="ImmutableId"')
    if found := re.search(r'outlook\.body-content-type\s*=\s*"?(text|html)"?', prefer, re.IGNORECASE):
        view.text = found[1].lower() == "text"  # fact: event.body
        view.applied.append(f'outlook.body-content-type="{found[1]}"')
    if found := re.search(r"odata\.maxpagesize\s*=\s*(\d+)", prefer, re.IGNORECASE):
        view.page_size = max(1, int(found[1]))
    view.select = {name.strip() for name in query.get("$select", "").split(",") if name.strip()}
    if expand := query.get("$expand"):  # fact: property.expand
        wanted = PROPERTY_FILTER.fullmatch(expand.strip())
        if wanted is None:
            raise errors.bad_request(f"Could not find a property named '{expand}' on type 'microsoft.graph.event'.")
        view.property_id = wanted[1]
    return view


class Shapes:
    def __init__(self, store: Store) -> None:
        self._store = store

    def event(self, calendar: Calendar, stored: Stored, day: date | None, view: View, *, typed: bool = False) -> Json:
        """All of an event."""
        event = copy.deepcopy(stored.on(day))
        event_id = stored.id(view.immutable, day)
        organizer = event["organizer"]["emailAddress"]["address"]
        is_organizer = organizer.lower() == calendar.owner.lower()
        wanted = view.zone or "UTC"  # fact: times.utc-by-default
        properties: list[Json] = event.pop("singleValueExtendedProperties", [])
        master = event.pop("seriesMasterKey", None)
        shown: Json = {
            **({"@odata.type": "#microsoft.graph.event"} if typed else {}),
            "@odata.etag": stored.etag,
            "id": event_id,
            "changeKey": stored.change_key,
            **event,
            "isOrganizer": is_organizer,
            "seriesMasterId": stored.id(view.immutable) if master else None,
            "webLink": f"https://outlook.office365.com/owa/?itemid={quote(event_id, safe='')}&exvsurl=1"
            "&path=/calendar/item",
            "body": body(event["body"], view.text),
            "start": shown_time(event, "start", wanted),
            "end": shown_time(event, "end", wanted),
        }
        if day is not None:  # fact: event.ical-uid
            shown["iCalUId"] = f"{event['iCalUId'][:32]}{day:%Y%m%d}{event['iCalUId'][40:]}"
        if event["sensitivity"] in ("private", "confidential") and not calendar.rights[view.user].private:
            shown.update(dict.fromkeys(HIDDEN))  # fact: calendar.private
            shown.update(subject="Private Appointment", attendees=[], locations=[])
        if view.select:
            kept = {"@odata.etag", "@odata.type", "id", *view.select}  # fact: query.select
            shown = {name: value for name, value in shown.items() if name in kept}
        if view.property_id is not None:
            found = [one for one in properties if same_property(one["id"], view.property_id)]
            if found:
                shown["singleValueExtendedProperties"] = found
        return shown

    def sparse(self, stored: Stored, day: date, view: View) -> Json:
        """An occurrence as delta has it."""  # fact: delta.sparse-occurrences
        event = stored.on(day)
        wanted = view.zone or "UTC"
        return {
            "@odata.type": "#microsoft.graph.event",
            "@odata.etag": stored.etag,
            "seriesMasterId": stored.id(view.immutable),
            "type": "occurrence",
            "start": shown_time(event, "start", wanted),
            "end": shown_time(event, "end", wanted),
            "id": stored.id(view.immutable, day),
        }

    def calendar(self, calendar: Calendar, user: str) -> Json:  # fact: calendar.shape
        owner, right = self._store.people[calendar.owner], calendar.rights[user]
        mine = calendar.owner == user
        teams = [] if owner.personal else ["teamsForBusiness"]  # fact: meeting.personal
        return {
            "id": calendar.id,
            "name": calendar.name,
            "color": calendar.color,
            "hexColor": "",
            "isDefaultCalendar": calendar.is_default and mine,
            "changeKey": f"nfZyf7VcrEKLNoU3{calendar.id[6:14]}",
            "canShare": mine,
            "canViewPrivateItems": right.private,
            "canEdit": right.edit,
            "allowedOnlineMeetingProviders": teams,
            "defaultOnlineMeetingProvider": teams[0] if teams else "unknown",
            "isTallyingResponses": calendar.is_default and mine,
            "isRemovable": not calendar.is_default,
            "owner": {"name": owner.name, "address": owner.email},
        }


def me(person: Person) -> Json:  # fact: me.shape
    return {
        "businessPhones": [],
        "displayName": person.name,
        "givenName": person.name,
        "jobTitle": None,
        "mail": person.email,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": None,
        "surname": None,
        "userPrincipalName": person.email,
        "id": person.id,
    }


def mailbox_settings(person: Person) -> Json:  # fact: mailbox.zone
    return {
        "timeZone": person.zone,
        "language": {"locale": "en-US", "displayName": "English (United States)"},
        "dateFormat": "yyyy-MM-dd",
        "timeFormat": "HH:mm",
        "workingHours": {
            "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
            "startTime": "08:00:00.0000000",
            "endTime": "17:00:00.0000000",
            "timeZone": {"name": person.zone},
        },
        "userPurpose": {"value": "user"},
    }


def shown_time(event: Json, side: str, wanted: str) -> Json:
    if event.get("isAllDay"):  # fact: all-day.midnights
        return midnight(moment(event[side]).date(), wanted)
    return wall(moment(event[side]), wanted)


def body(value: Json, text: bool) -> Json:
    if not text:
        return value
    plain = re.sub(r"<[^>]+>", "", value["content"])
    return {"contentType": "text", "content": html.unescape(plain).strip()}


def same_property(one: str, other: str) -> bool:
    """The GUID is compared without case, the name with it."""  # fact: property.name-case
    kind, guid, *rest = one.split(" ", 2)
    other_kind, other_guid, *other_rest = (*other.split(" ", 2), "", "")[:3]
    return (kind.lower(), guid.lower(), rest) == (other_kind.lower(), other_guid.lower(), other_rest)
