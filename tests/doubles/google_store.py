"""What the double knows: people, their calendars, and every event with its place in the calendar's history."""

from __future__ import annotations

import copy
import hashlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from tests.doubles.google_errors import Json, needs_access, not_found
from tests.doubles.google_times import Instance, instances, moment, wire
from tests.doubles.service import Now

ROLES = ["none", "freeBusyReader", "reader", "writer", "owner"]
DAY_S = 86400


@dataclass
class Stored:
    """An event, a series or an exception to one. `version` counts the changes of the whole calendar."""

    event: Json
    version: int
    former: dict[str, Json] = field(default_factory=dict[str, Json])  # instances it ever had: id → original start

    @property
    def cancelled(self) -> bool:
        return self.event["status"] == "cancelled"

    @property
    def is_series(self) -> bool:
        return bool(self.event.get("recurrence"))


@dataclass
class Calendar:
    id: str
    owner: str
    summary: str
    zone: str
    roles: dict[str, str]
    version: int = 0
    events: dict[str, Stored] = field(default_factory=dict[str, Stored])
    vanished: set[str] = field(default_factory=set[str])  # ids of events that are not even deleted any more

    @property
    def is_primary(self) -> bool:
        return self.id == self.owner


@dataclass
class Entry:
    """A calendar in somebody's list. `version` counts the changes of that list."""

    version: int
    selected: bool = True
    hidden: bool = False
    deleted: bool = False


@dataclass
class Person:
    email: str
    version: int = 0
    entries: dict[str, Entry] = field(default_factory=dict[str, Entry])


class Store:
    """Reads and writes, without any rule of HTTP. `on_change` hears of every calendar that changed."""

    def __init__(self, clock: Now) -> None:
        self.clock = clock
        self.people: dict[str, Person] = {}
        self.calendars: dict[str, Calendar] = {}
        self.on_change: list[Callable[[Calendar], None]] = []
        self.on_share: list[Callable[[str, Calendar], None]] = []
        self.opaque_instance_ids = False  # fact: instance.id-opaque
        self.expansion_days = 730  # how far an endless series is expanded where no timeMax says
        self._etags = 3_000_000_000_000_000

    def add_person(self, email: str, zone: str) -> Person:
        self.people[email] = Person(email)
        self.add_calendar(email, email, email, zone)
        return self.people[email]

    def add_calendar(self, owner: str, calendar_id: str, summary: str, zone: str) -> Calendar:
        calendar = Calendar(calendar_id, owner, summary, zone, {})
        self.calendars[calendar_id] = calendar
        self.share(calendar, owner, "owner")
        return calendar

    def share(self, calendar: Calendar, user: str, role: str | None) -> None:
        if role is None:
            calendar.roles.pop(user, None)
        else:
            calendar.roles[user] = role
        self.list_changed(user, calendar.id, deleted=role is None)
        for hear in self.on_share:
            hear(user, calendar)

    def list_changed(self, user: str, calendar_id: str, **members: bool) -> None:
        if (person := self.people.get(user)) is None:
            return
        person.version += 1
        entry = person.entries.setdefault(calendar_id, Entry(person.version))
        entry.version = person.version
        for name, value in members.items():
            setattr(entry, name, value)

    def calendar(self, user: str, calendar_id: str, role: str = "freeBusyReader") -> Calendar:
        """One that the user may use in that role; who may not even see it gets 404."""
        found = self.calendars.get(user if calendar_id == "primary" else calendar_id)
        had = ROLES.index(found.roles.get(user, "none")) if found else 0
        if found is None or had == 0:  # fact: calendar.no-access
            raise not_found()
        if had < ROLES.index(role):  # fact: calendar.reader-cannot-write
            raise needs_access(role)
        return found

    # Events.

    def find(self, calendar: Calendar, event_id: str) -> Stored | None:
        """What is stored under the id, or an instance of a series that nobody has touched yet."""
        if event_id in calendar.events:
            return calendar.events[event_id]
        for series in list(calendar.events.values()):
            if not series.is_series or series.cancelled:
                continue
            if not self.opaque_instance_ids and not event_id.startswith(series.event["id"]):
                continue
            for instance in self.instances(calendar, series):
                if instance.id == event_id:
                    return Stored(instance_of(series.event, instance), 0)
        return None

    def keep(self, calendar: Calendar, event: Json) -> Stored:
        """Store a new state of an event: new ETag, new place in the history."""
        known = calendar.events.get(event["id"])
        calendar.version += 1
        self._etags += 2000
        event = {**copy.deepcopy(event), "etag": f'"{self._etags}"', "updated": wire(self.clock.now)}
        event.setdefault("created", event["updated"])
        former: dict[str, Json] = {}
        if known is not None:
            former = dict(known.former)
            if known.is_series and not known.cancelled:
                former |= {one.id: one.start for one in self.instances(calendar, known)}
        calendar.events[event["id"]] = stored = Stored(event, calendar.version, former)
        if stored.is_series or former:
            self._keep_exceptions(calendar, stored)
        for hear in self.on_change:
            hear(calendar)
        return stored

    def instances(self, calendar: Calendar, series: Stored, until: int | None = None) -> Iterator[Instance]:
        end = until if until is not None else int(self.clock.now) + self.expansion_days * DAY_S
        for one in instances(series.event, calendar.zone, end):
            opaque = hashlib.sha256(one.id.encode()).hexdigest()[:26]
            yield replace(one, id=opaque) if self.opaque_instance_ids else one

    def exceptions(self, calendar: Calendar, series_id: str) -> list[Stored]:
        return [one for one in calendar.events.values() if one.event.get("recurringEventId") == series_id]

    def _keep_exceptions(self, calendar: Calendar, series: Stored) -> None:
        """Exceptions end with the series, and with the instance that they replace."""  # fact: series.exceptions-end
        repeats = series.is_series and not series.cancelled
        living = {one.id for one in self.instances(calendar, series)} if repeats else set[str]()
        horizon = self.clock.now + self.expansion_days * DAY_S
        for one in self.exceptions(calendar, series.event["id"]):
            beyond = moment(one.event["originalStartTime"], calendar.zone) >= horizon
            if not one.cancelled and one.event["id"] not in living and not (beyond and repeats):
                self.keep(calendar, {**one.event, "status": "cancelled"})


def instance_of(series: Json, instance: Instance) -> Json:
    """The event that an instance is before it is changed."""  # fact: instance.id
    event = {name: value for name, value in copy.deepcopy(series).items() if name != "recurrence"}
    return {
        **event,
        "id": instance.id,
        "start": instance.start,
        "end": instance.end,
        "recurringEventId": series["id"],
        "originalStartTime": instance.start,
    }


def new_event_id() -> str:
    return "".join(secrets.choice("0123456789abcdefghijklmnopqrstuv") for _ in range(26))
