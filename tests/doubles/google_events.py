"""events.insert, get, patch, update and delete: what they check, what they keep, whom they tell."""

from __future__ import annotations

import copy
import re
from typing import Any, cast

from tests.doubles import google_errors as errors
from tests.doubles.google_conference import Conferences
from tests.doubles.google_errors import Json
from tests.doubles.google_guests import Guests
from tests.doubles.google_store import Calendar, Store, Stored, new_event_id
from tests.doubles.google_times import check_times, moment

EVENT_ID = re.compile(r"[0-9a-v]{5,1024}")  # fact: event.id-form
READ_ONLY = {
    *("kind", "etag", "id", "htmlLink", "created", "updated", "creator", "organizer", "recurringEventId"),
    *("originalStartTime", "hangoutLink", "locked", "iCalUID", "conferenceData", "sequence"),
}
STATUSES = {"confirmed", "tentative", "cancelled"}
SEND_UPDATES = {"all", "externalOnly", "none"}


class Events:
    """Rules of writing. `user` is who acts, through an application or in Google's own pages."""

    def __init__(self, store: Store, conferences: Conferences, guests: Guests) -> None:
        self.store = store
        self.conferences = conferences
        self.guests = guests

    def get(self, calendar: Calendar, event_id: str) -> Stored:
        """Also cancelled ones."""  # fact: event.get-cancelled
        found = self.store.find(calendar, event_id)
        if found is None:
            raise errors.not_found()
        return found

    def insert(self, user: str, calendar: Calendar, body: Json, query: dict[str, str]) -> Stored:
        _check_query(query)
        chosen = body.get("id")
        if chosen is not None and not (isinstance(chosen, str) and EVENT_ID.fullmatch(chosen)):
            raise errors.invalid("Invalid resource id value.")  # fact: event.id-invalid
        if chosen is not None and "iCalUID" in body:  # fact: event.id-or-uid
            raise errors.invalid("Invalid resource id value.")
        event: Json = {
            "kind": "calendar#event",
            "id": chosen or new_event_id(),
            "status": "confirmed",
            "sequence": 0,
            "creator": {"email": user},
            "organizer": {"email": calendar.id, **({} if calendar.is_primary else {"displayName": calendar.summary})},
            "eventType": "default",
            "reminders": {"useDefault": True},
            **_writable(body),
        }
        event["iCalUID"] = body.get("iCalUID") or f"{event['id']}@google.com"
        event["htmlLink"] = f"https://www.google.com/calendar/event?eid={event['id']}"
        self._check(event, calendar)
        # fact: event.id-taken  fact: event.id-of-deleted-taken  fact: deleted.id-stays-taken
        if chosen in calendar.events or chosen in calendar.vanished:
            raise errors.duplicate()
        if query.get("conferenceDataVersion") == "1":  # fact: conference.version
            self.conferences.ask(event, body.get("conferenceData"))
        return self._keep(user, calendar, event, query, "created")

    def update(self, user: str, calendar: Calendar, event_id: str, body: Json, query: dict[str, str]) -> Stored:
        """PUT: what the body leaves out is gone."""  # fact: update.replaces
        old = self.get(calendar, event_id).event
        kept = {name: value for name, value in old.items() if name in READ_ONLY}
        default = {"status": "confirmed", "eventType": old["eventType"], "reminders": {"useDefault": True}}
        event = {**kept, **default, **_writable(body)}
        return self._change(user, calendar, old, event, body, query)

    def patch(self, user: str, calendar: Calendar, event_id: str, body: Json, query: dict[str, str]) -> Stored:
        """Members merge, arrays are replaced, null takes away."""  # fact: patch.merges
        old = self.get(calendar, event_id).event
        event = merged(old, _writable(body))
        event.setdefault("status", "confirmed")
        return self._change(user, calendar, old, event, body, query)

    def delete(self, user: str, calendar: Calendar, event_id: str, query: dict[str, str]) -> None:
        _check_query(query)
        found = self.get(calendar, event_id)
        if found.cancelled:  # fact: delete.twice
            raise errors.deleted()
        self._keep(user, calendar, {**found.event, "status": "cancelled"}, query, "deleted")

    def match(self, stored: Stored, if_match: str | None) -> None:  # fact: etag.if-match
        if if_match not in (None, "*", stored.event["etag"]):
            raise errors.precondition_failed()

    def _change(
        self, user: str, calendar: Calendar, old: Json, event: Json, body: Json, query: dict[str, str]
    ) -> Stored:
        _check_query(query)
        self._check(event, calendar)
        if body.get("sequence", old["sequence"]) < old["sequence"]:  # fact: event.sequence
            message = "Invalid sequence value. The specified sequence number is below the current sequence number of"
            raise errors.invalid(f"{message} the resource. Re-fetch the resource and use its sequence number.")
        event["sequence"] = max(old["sequence"] + (_times(old) != _times(event)), body.get("sequence", 0))
        if query.get("conferenceDataVersion") == "1" and "conferenceData" in body:
            self.conferences.ask(event, body["conferenceData"])
        return self._keep(user, calendar, event, query, "updated")

    def _check(self, event: Json, calendar: Calendar) -> None:
        check_times(event, calendar.zone)
        if event["status"] not in STATUSES:
            raise errors.invalid("Invalid value for: status")
        for attendee in event.get("attendees", []):
            if "@" not in attendee.get("email", ""):  # fact: attendee.email
                raise errors.invalid("Invalid attendee email.")
            attendee.setdefault("responseStatus", "needsAction")
        if event.get("recurrence"):
            try:  # a rule is read when its first instance is wanted
                next(self.store.instances(calendar, Stored(event, 0), moment(event["start"], calendar.zone) + 1), None)
            except ValueError:
                raise errors.invalid("Invalid recurrence rule.") from None

    def _keep(self, user: str, calendar: Calendar, event: Json, query: dict[str, str], what: str) -> Stored:
        stored = self.store.keep(calendar, event)
        self.guests.tell(user, calendar, stored.event, what, query.get("sendUpdates", "none"))
        return stored


def merged(old: Any, new: Any) -> Any:
    """RFC 7396, which is Google's patch semantics."""
    if not isinstance(new, dict):
        return copy.deepcopy(new)
    result: Json = copy.deepcopy(cast(Json, old)) if isinstance(old, dict) else {}
    for name, value in cast(Json, new).items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def _writable(body: Json) -> Json:
    return {name: copy.deepcopy(value) for name, value in body.items() if name not in READ_ONLY}


def _times(event: Json) -> tuple[Any, ...]:
    return event.get("start"), event.get("end"), event.get("recurrence"), event.get("status") == "cancelled"


def _check_query(query: dict[str, str]) -> None:
    if query.get("sendUpdates", "none") not in SEND_UPDATES:
        raise errors.invalid(f"Invalid value for: sendUpdates: {query['sendUpdates']}", "sendUpdates")
    if query.get("conferenceDataVersion", "0") not in ("0", "1"):
        raise errors.invalid("Invalid value for: conferenceDataVersion", "conferenceDataVersion")
