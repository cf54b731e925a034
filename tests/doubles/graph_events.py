"""Creating, changing and deleting events: what is checked, what is kept, whom it is told."""

from __future__ import annotations

import copy
import html
import re
import secrets
from datetime import UTC, date, timedelta

from tests.doubles import graph_errors as errors
from tests.doubles.graph_errors import Json
from tests.doubles.graph_meetings import Meetings
from tests.doubles.graph_shapes import same_property
from tests.doubles.graph_store import Calendar, Found, Store, Stored, new_key
from tests.doubles.graph_times import check_recurrence, days, moment

CHOICES = {
    "showAs": {"free", "tentative", "busy", "oof", "workingElsewhere", "unknown"},  # fact: event.show-as
    "sensitivity": {"normal", "personal", "private", "confidential"},  # fact: event.sensitivity
    "importance": {"low", "normal", "high"},
}
WRITABLE = {
    *("subject", "body", "start", "end", "location", "locations", "attendees", "categories", "recurrence"),
    *("isAllDay", "isReminderOn", "reminderMinutesBeforeStart", "responseRequested", "hideAttendees"),
    *("allowNewTimeProposals", "isOnlineMeeting", "onlineMeetingProvider", "transactionId", *CHOICES),
}
READ_ONLY = {
    *("id", "changeKey", "createdDateTime", "lastModifiedDateTime", "iCalUId", "uid", "organizer", "type"),
    *("isOrganizer", "isCancelled", "isDraft", "seriesMasterId", "originalStart", "onlineMeeting", "webLink"),
    *("originalStartTimeZone", "originalEndTimeZone", "responseStatus", "hasAttachments", "bodyPreview"),
    *("onlineMeetingUrl", "occurrenceId"),
}
PROPERTY_ID = re.compile(
    r"(String|Integer|Boolean|SystemTime|Double) \{?[0-9a-f-]{36}\}? (Name .+|Id 0x[0-9a-f]+)", re.I
)
NEVER = "0001-01-01T00:00:00Z"


class Events:
    """`user` is who acts, through an application or in Outlook. `transaction_memory_s`: for how long a repeat is
    noticed; nobody documents it."""

    def __init__(self, store: Store, meetings: Meetings) -> None:
        self.store = store
        self.meetings = meetings
        self.transaction_memory_s = float("inf")
        self._transactions: dict[tuple[str, str], tuple[str, float]] = {}

    def create(self, user: str, calendar: Calendar, asked: Json) -> Stored:
        if not calendar.rights[user].edit:  # fact: calendar.can-edit
            raise errors.access_denied()
        transaction = asked.get("transactionId")
        if transaction and (known := self._repeated(calendar.owner, transaction)):
            return known
        stored = Stored(new_key(), self._fresh(calendar))
        _take(stored.event, asked)
        for side in ("start", "end"):
            if not asked.get(side):  # fact: event.times-required
                raise errors.invalid(f"The {side} of the event is missing.", "ErrorPropertyValidationFailure")
        stored.event["transactionId"] = transaction
        stored.event["originalStartTimeZone"] = asked["start"].get("timeZone") or "UTC"  # fact: times.original-zone
        stored.event["originalEndTimeZone"] = asked["end"].get("timeZone") or "UTC"
        _check(stored.event)
        self.meetings.go_online(calendar, stored.event, asked)
        if stored.event["attendees"]:
            stored.event["responseStatus"] = {"response": "organizer", "time": NEVER}  # fact: event.response-organizer
        self.store.keep(calendar, stored)
        if transaction:
            self._transactions[calendar.owner, transaction] = (stored.key, self.store.clock.now)
        self.meetings.tell(calendar, stored, "created")
        return stored

    def update(self, user: str, found: Found, asked: Json, if_match: str | None = None) -> None:
        """Members of the body replace those of the event; collections as a whole."""  # fact: event.patch
        self._may(user, found, if_match)
        if "changeKey" in asked and asked["changeKey"] != found.stored.change_key:  # fact: event.change-key-in-body
            raise errors.conflict()
        calendar, stored = found.calendar, found.stored
        event = copy.deepcopy(found.event)
        event.pop("seriesMasterKey", None)
        _take(event, asked)
        _check(event)
        self.meetings.keep_link(event, asked)
        self.meetings.go_online(calendar, event, asked)
        if found.day is not None:
            self._check_boundary(stored, found.day, event)
            stored.exceptions[found.day] = event
        else:
            if {"start", "end", "recurrence"} & asked.keys():  # fact: series.exceptions-reset
                stored.exceptions.clear()
                stored.cancelled.clear()
            stored.event = {name: value for name, value in event.items() if name != "type"}
        self.store.keep(calendar, stored)
        self.meetings.tell(calendar, stored, "updated")

    def delete(self, user: str, found: Found, if_match: str | None = None) -> None:
        self._may(user, found, if_match)
        if found.day is not None:
            found.stored.exceptions.pop(found.day, None)
            found.stored.cancelled.add(found.day)
            self.store.keep(found.calendar, found.stored)
            self.meetings.tell(found.calendar, found.stored, "updated")
            return
        self.store.drop(found.calendar, found.stored)
        self.meetings.tell(found.calendar, found.stored, "deleted")

    def _repeated(self, owner: str, transaction: str) -> Stored | None:  # fact: event.transaction-repeat
        key, at = self._transactions.get((owner, transaction), ("", 0.0))
        if not key or at + self.transaction_memory_s <= self.store.clock.now:
            return None
        mine = [one for one in self.store.calendars.values() if one.owner == owner]
        # fact: event.transaction-after-delete
        return next((one.events[key] for one in mine if key in one.events), None)

    def _may(self, user: str, found: Found, if_match: str | None) -> None:
        if not found.calendar.rights[user].edit:
            raise errors.access_denied()
        if if_match not in (None, "*", found.stored.etag):  # fact: event.if-match
            raise errors.conflict()

    def _check_boundary(self, stored: Stored, day: date, event: Json) -> None:  # fact: series.boundary
        moved = moment(event["start"]).astimezone(moment(stored.event["start"]).tzinfo).date()
        before = after = None
        for one in days(stored.event["recurrence"]):
            if one < day:
                before = one
            elif one > day:
                after = one
                break
        if (before and moved <= before) or (after and moved >= after):
            message = "Modified occurrence is crossing or overlapping adjacent occurrence."
            raise errors.invalid(message, "ErrorOccurrenceCrossingBoundary")

    def _fresh(self, calendar: Calendar) -> Json:
        """An event with nothing said about it."""  # fact: event.shape
        owner = self.store.people[calendar.owner]
        return {
            "categories": [],
            "transactionId": None,
            "originalStartTimeZone": "UTC",
            "originalEndTimeZone": "UTC",
            "iCalUId": f"040000008200E00074C5B7101A82E008{secrets.token_hex(32).upper()}",
            "reminderMinutesBeforeStart": 15,
            "isReminderOn": True,
            "hasAttachments": False,
            "subject": "",
            "bodyPreview": "",
            "importance": "normal",
            "sensitivity": "normal",
            "isAllDay": False,
            "isCancelled": False,
            "responseRequested": True,
            "showAs": "busy",
            "onlineMeetingUrl": None,
            "isOnlineMeeting": False,
            "onlineMeetingProvider": "unknown",
            "allowNewTimeProposals": True,
            "isDraft": False,
            "hideAttendees": False,
            "recurrence": None,
            "onlineMeeting": None,
            "responseStatus": {"response": "none", "time": NEVER},  # fact: event.response-none
            "body": {"contentType": "html", "content": ""},
            "start": None,
            "end": None,
            "location": _location(""),
            "locations": [],
            "attendees": [],
            "organizer": {"emailAddress": {"name": owner.name, "address": owner.email}},
        }


def _take(event: Json, asked: Json) -> None:
    """Members of a request's body into the event."""
    properties = asked.get("singleValueExtendedProperties", [])
    for name in asked:
        is_known = name in WRITABLE or name in READ_ONLY or name == "singleValueExtendedProperties"
        if not is_known and "@odata." not in name:  # fact: event.unknown-property
            message = f"The property '{name}' does not exist on type 'microsoft.graph.event'. Make sure to only use"
            message += " property names that are defined by the type or mark the type as open type."
            raise errors.invalid(message, "RequestBodyRead")
    for name, value in asked.items():
        if name in WRITABLE - {"transactionId", "isOnlineMeeting", "onlineMeetingProvider"}:
            event[name] = copy.deepcopy(value)
    if "body" in asked:
        event["body"] = _html(asked["body"])
        event["bodyPreview"] = html.unescape(re.sub(r"<[^>]+>", "", event["body"]["content"])).strip()[:255]
    if "location" in asked:  # fact: event.locations
        event["location"] = _location(asked["location"].get("displayName", ""))
        event["locations"] = [event["location"]]
    for attendee in event["attendees"]:
        attendee.setdefault("type", "required")
        attendee.setdefault("status", {"response": "none", "time": NEVER})
        attendee["emailAddress"].setdefault("name", attendee["emailAddress"].get("address", ""))
    _take_properties(event, properties)


def _take_properties(event: Json, properties: list[Json]) -> None:  # fact: property.write
    kept: list[Json] = event.setdefault("singleValueExtendedProperties", [])
    for one in properties:
        if not PROPERTY_ID.fullmatch(one.get("id", "")):  # fact: property.id-form
            raise errors.invalid(f"The property ID '{one.get('id')}' is not valid.", "ErrorInvalidProperty")
        kept[:] = [old for old in kept if not same_property(old["id"], one["id"])]
        kept.append({"id": one["id"], "value": one["value"]})


def _check(event: Json) -> None:
    for name, choices in CHOICES.items():
        if event[name] not in choices:  # fact: event.enum
            raise errors.invalid(f"Requested value '{event[name]}' was not found.", "RequestBodyRead")
    for attendee in event["attendees"]:
        if "@" not in (attendee["emailAddress"].get("address") or ""):
            raise errors.invalid("At least one recipient isn't valid.", "ErrorInvalidRecipients")
    if event["start"] is None or event["end"] is None:
        return
    start, end = moment(event["start"]), moment(event["end"])
    if end < start:  # fact: event.order
        raise errors.invalid("The start date must be before the end date.", "ErrorPropertyValidationFailure")
    if event["isAllDay"]:  # fact: all-day.rules
        for side, value in (("Start", start), ("End", end)):
            if (value.hour, value.minute, value.second) != (0, 0, 0):
                message = f"The Event.{side} property for an all-day event needs to be set to midnight."
                raise errors.invalid(message, "ErrorInvalidProperty")
        if end.replace(tzinfo=UTC) - start.replace(tzinfo=UTC) < timedelta(days=1):
            raise errors.invalid("The duration of an event marked as All day must be at least 24 hours.")
    if event.get("recurrence"):
        check_recurrence(event["recurrence"])
        # fact: series.start-date
        if event["recurrence"]["range"]["startDate"] != start.date().isoformat():
            message = "The start date of the recurrence range does not match the start of the event."
            raise errors.invalid(message, "ErrorPropertyValidationFailure")


def _html(value: Json) -> Json:  # fact: event.body
    content: str = value.get("content") or ""
    if str(value.get("contentType", "text")).lower() == "text":
        content = html.escape(content, quote=False).replace("\n", "<br>")
    if "<body" not in content:
        content = f"<html>\r\n<head>\r\n</head>\r\n<body>\r\n{content}\r\n</body>\r\n</html>\r\n"
    return {"contentType": "html", "content": content}


def _location(name: str) -> Json:
    unique = {"uniqueId": name, "uniqueIdType": "private"} if name else {"uniqueIdType": "unknown"}
    return {"displayName": name, "locationType": "default", **unique}
