"""A person in Outlook: what tests do to a calendar behind our back."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from tests.doubles.graph_errors import Json
from tests.doubles.graph_shapes import View
from tests.doubles.graph_store import Found, Stored, new_key
from tests.doubles.graph_times import midnight, wall, windows_name

if TYPE_CHECKING:
    from tests.doubles.graph import GraphDouble

When = datetime | date | int  # aware times, whole days, or UTC seconds


class GraphPerson:
    """Somebody with a mailbox. Events are named by the regular id that an application sees; `calendar` None is the
    default calendar."""

    def __init__(self, graph: GraphDouble, email: str) -> None:
        self._graph = graph
        self.email = email

    @property
    def id(self) -> str:
        return self._graph.store.people[self.email].id

    def makes_calendar(self, name: str, color: str = "auto") -> str:
        with self._graph.lock:
            return self._graph.store.add_calendar(self.email, name, color=color).id

    def creates(self, start: When, end: When, calendar: str | None = None, **members: Any) -> str:
        """A new event; `members` are Graph's own names. Its id."""
        days = {} if isinstance(start, datetime | int) else {"isAllDay": True}
        body = {"subject": "Private matter", "start": when(start), "end": when(end), **days, **members}
        with self._graph.lock:
            store = self._graph.store
            return self._graph.events.create(self.email, store.calendar(self.email, calendar), body).id(False)

    def repeats(self, start: datetime, end: datetime, pattern: Json, span: Json | None = None, **members: Any) -> str:
        """A new series in the zone of `start` (a ZoneInfo); without `span` it has no end. The master's id."""
        name = windows_name(getattr(start.tzinfo, "key", "UTC"))
        recurrence = {
            "pattern": {"interval": 1, **pattern},
            "range": {"type": "noEnd", "startDate": start.date().isoformat(), **(span or {})},
        }
        times = {"start": wall(start, name), "end": wall(end, name)}
        body: Json = {**times, "recurrence": recurrence, "subject": "Every week", **members}
        with self._graph.lock:
            store = self._graph.store
            return self._graph.events.create(self.email, store.calendar(self.email), body).id(False)

    def occurrence(self, series_id: str, day: date) -> str:
        """The id of what a series has on a day."""
        with self._graph.lock:
            return self._find(series_id).stored.id(False, day)

    def changes(self, event_id: str, **members: Any) -> None:
        with self._graph.lock:
            self._graph.events.update(self.email, self._find(event_id), members)

    def moves(self, event_id: str, start: When, end: When) -> None:
        """To another time; an occurrence's id moves that occurrence only."""
        self.changes(event_id, start=when(start), end=when(end))

    def moves_to(self, event_id: str, calendar: str) -> str:
        """Into another calendar. The new id."""
        with self._graph.lock:
            found = self._find(event_id)
            self._graph.store.move(found.calendar, found.stored, self._graph.store.calendar(self.email, calendar))
            return found.stored.id(False)

    def deletes(self, event_id: str) -> None:
        with self._graph.lock:
            self._graph.events.delete(self.email, self._find(event_id))

    def invited(self, start: When, end: When, organizer: str, **members: Any) -> str:
        """A meeting of somebody outside lands in the calendar, not answered. Its id."""
        event_id = self.creates(start, end)
        with self._graph.lock:
            found = self._find(event_id)
            found.stored.event.update(
                organizer={"emailAddress": {"name": organizer, "address": organizer}},
                responseStatus={"response": "notResponded", "time": "0001-01-01T00:00:00Z"},
                showAs="tentative",
                **members,
            )
            self._graph.store.keep(found.calendar, found.stored)
            return event_id

    def answers(self, event_id: str, response: str, *, keep_declined: bool = False) -> None:
        """accepted, tentativelyAccepted or declined."""
        with self._graph.lock:
            self._graph.meetings.respond(self.email, self._find(event_id), response, keep_declined)

    def hears_of_cancellation(self, event_id: str) -> None:
        """The organizer outside cancels; the copy stays, marked."""
        with self._graph.lock:
            found = self._find(event_id)
            self._graph.meetings.cancelled_by_organizer(found.calendar, found.stored)

    def copies(self, event_id: str) -> str:
        """Copy and paste: another event with all that the first has. Its id."""
        with self._graph.lock:
            found = self._find(event_id)
            copied = Stored(new_key(), {**found.stored.event, "iCalUId": f"{found.stored.event['iCalUId'][:-6]}C0FFEE"})
            return self._graph.store.keep(found.calendar, copied).id(False)

    def sees(self, event_id: str, zone: str = "UTC") -> Json:
        with self._graph.lock:
            found = self._find(event_id)
            return self._graph.shapes.event(found.calendar, found.stored, found.day, View(self.email, zone))

    def shares(self, calendar: str, email: str, *, edit: bool = False, private: bool = False) -> None:
        with self._graph.lock:
            self._graph.store.share(self._graph.store.calendar(self.email, calendar), email, edit, private)

    def unshares(self, calendar: str, email: str) -> None:
        with self._graph.lock:
            self._graph.store.calendar(self.email, calendar).rights.pop(email, None)

    def revokes(self) -> None:
        """Takes the access of every application away."""
        self._graph.oauth.revoke_grant(self.email)

    def _find(self, event_id: str) -> Found:
        return self._graph.store.find(self.email, event_id)


def when(value: When) -> Json:
    """An end of an event as Graph has it."""
    if isinstance(value, datetime):
        return wall(value, windows_name(getattr(value.tzinfo, "key", "UTC")))
    if isinstance(value, date):
        return midnight(value, "UTC")
    return wall(datetime.fromtimestamp(value, UTC), "UTC")
