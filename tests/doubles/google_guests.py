"""What guests get: a copy in their own calendar when they use Google's, and mail when the caller wants it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.doubles.google_errors import Json
from tests.doubles.google_store import Calendar, Store


@dataclass(frozen=True)
class Mail:
    """A mail that Google would have sent."""

    to: str
    event_id: str
    what: str  # created, updated, deleted


class Guests:
    """`mails` is what was sent so far."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.mails: list[Mail] = []

    def tell(self, user: str, calendar: Calendar, event: Json, what: str, send_updates: str) -> None:
        guests = [one["email"] for one in event.get("attendees", []) if one["email"] not in (calendar.id, user)]
        if event["organizer"]["email"] != calendar.id:
            self._answer_to_organizer(calendar, event)
            return
        for guest in guests:
            knows_google = guest in self._store.people
            if knows_google:  # fact: guests.copies
                self._store.keep(self._store.calendars[guest], _copy(event))
            if send_updates == "all" or (send_updates == "externalOnly" and not knows_google):  # fact: send-updates
                self.mails.append(Mail(guest, event["id"], what))
        self._uninvite(calendar, event, guests)

    def _uninvite(self, calendar: Calendar, event: Json, guests: list[str]) -> None:
        """Who is no longer invited loses the copy."""
        for other in self._store.calendars.values():
            stored = other.events.get(event["id"])
            if stored is None or other.id == calendar.id or other.id in guests or stored.cancelled:
                continue
            if stored.event["organizer"]["email"] == calendar.id:
                self._store.keep(other, {**stored.event, "status": "cancelled"})

    def _answer_to_organizer(self, calendar: Calendar, event: Json) -> None:
        """A guest answered (or deleted the copy, which declines): the organizer's event and all copies know it."""
        organizer = self._store.calendars.get(event["organizer"]["email"])
        stored = organizer.events.get(event["id"]) if organizer else None
        if organizer is None or stored is None or stored.cancelled:
            return
        status = "declined" if event["status"] == "cancelled" else own_answer(event, calendar)
        attendees: list[Json] = [
            {**one, "responseStatus": status} if one["email"] == calendar.id else one
            for one in stored.event.get("attendees", [])
        ]
        self._store.keep(organizer, {**stored.event, "attendees": attendees})


def own_answer(event: Json, calendar: Calendar) -> str | None:
    """What the calendar's own person answered; None when not among the attendees."""
    attendees: list[Json] = event.get("attendees", [])
    return next((one["responseStatus"] for one in attendees if one["email"] == calendar.id), None)


def _copy(event: Json) -> Json:
    """Private properties belong to one copy."""  # fact: extended.private-is-per-copy
    shared = {name: value for name, value in event.get("extendedProperties", {}).items() if name == "shared"}
    copied = {name: value for name, value in event.items() if name not in ("extendedProperties", "reminders")}
    return {**copied, **({"extendedProperties": shared} if shared else {}), "reminders": {"useDefault": True}}
