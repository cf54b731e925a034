"""A person in Google's own pages: what tests do to a calendar behind our back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from tests.doubles.google_errors import Json
from tests.doubles.google_store import Calendar

if TYPE_CHECKING:
    from tests.doubles.google import GoogleDouble

When = datetime | date | int  # aware times, whole days, or UTC seconds


class GooglePerson:
    """Somebody with an account. Calendars are named by id; "primary" is the person's own."""

    def __init__(self, google: GoogleDouble, email: str) -> None:
        self._google = google
        self.email = email

    def makes_calendar(self, calendar_id: str, summary: str = "", zone: str = "UTC") -> str:
        with self._google.lock:
            return self._google.store.add_calendar(self.email, calendar_id, summary or calendar_id, zone).id

    def creates(self, start: When, end: When, calendar: str = "primary", **members: Any) -> Json:
        """A new event; `members` are Google's own names."""
        body = {"start": when(start), "end": when(end), "summary": "Private matter", **members}
        with self._google.lock:
            return self._google.events.insert(self.email, self._calendar(calendar), body, {}).event

    def repeats(self, start: datetime, end: datetime, zone: str, *rules: str, **members: Any) -> Json:
        """A new series of timed events."""
        times = {"start": {**when(start), "timeZone": zone}, "end": {**when(end), "timeZone": zone}}
        body = {**times, "recurrence": list(rules), "summary": "Every week", **members}
        with self._google.lock:
            return self._google.events.insert(self.email, self._calendar("primary"), body, {}).event

    def changes(self, event_id: str, calendar: str = "primary", **members: Any) -> Json:
        with self._google.lock:
            return self._google.events.patch(self.email, self._calendar(calendar), event_id, members, {}).event

    def moves(self, event_id: str, start: When, end: When, calendar: str = "primary") -> Json:
        """To another time; an instance id moves that instance only."""
        nothing = {"date": None, "dateTime": None}
        return self.changes(event_id, calendar, start={**nothing, **when(start)}, end={**nothing, **when(end)})

    def deletes(self, event_id: str, calendar: str = "primary") -> None:
        with self._google.lock:
            self._google.events.delete(self.email, self._calendar(calendar), event_id, {})

    def empties_bin(self, calendar: str = "primary") -> None:
        """Deleted events vanish, as they do by themselves after a time; sync tokens from before are not good then."""
        with self._google.lock:
            found = self._calendar(calendar)
            gone = [key for key, one in found.events.items() if one.cancelled and "recurringEventId" not in one.event]
            for event_id in gone:
                del found.events[event_id]
                found.vanished.add(event_id)
            self._google.tokens.forget(list_id=found.id)

    def answers(self, event_id: str, status: str) -> Json:
        """accepted, declined, tentative: to an invitation in the own calendar."""
        with self._google.lock:
            attendees: Sequence[Json] = self.sees(event_id)["attendees"]
            mine = [{**one, "responseStatus": status} if one["email"] == self.email else one for one in attendees]
            return self.changes(event_id, attendees=mine)

    def sees(self, event_id: str, calendar: str = "primary") -> Json:
        with self._google.lock:
            return self._google.events.get(self._calendar(calendar), event_id).event

    def shares(self, calendar: str, email: str, role: str | None) -> None:
        """Give somebody a role (freeBusyReader, reader, writer, owner), or with None take every right away."""
        with self._google.lock:
            self._google.store.share(self._calendar(calendar), email, role)

    def hides(self, calendar: str) -> None:
        with self._google.lock:
            self._google.store.list_changed(self.email, self._calendar(calendar).id, hidden=True)

    def unselects(self, calendar: str) -> None:
        with self._google.lock:
            self._google.store.list_changed(self.email, self._calendar(calendar).id, selected=False)

    def revokes(self) -> None:
        """Takes the access of every application away."""
        self._google.oauth.revoke_grant(self.email)

    def _calendar(self, name: str) -> Calendar:
        return self._google.store.calendar(self.email, name)


def when(value: When) -> Json:
    """An end of an event as Google writes it."""
    if isinstance(value, datetime):
        return {"dateTime": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    return {"dateTime": datetime.fromtimestamp(value, UTC).isoformat()}
