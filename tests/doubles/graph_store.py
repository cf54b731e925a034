"""What the double knows: people, their calendars, and every event with the version at which it last changed."""

from __future__ import annotations

import base64
import copy
import re
import secrets
import string
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date

from tests.doubles import graph_errors as errors
from tests.doubles.graph_errors import Json
from tests.doubles.graph_times import days, moment, occurrence_times, stamp, zone
from tests.doubles.service import Now

EVENT_ID = re.compile(r"AA(MkAD|kALg)([0-9A-Za-z]{20})(\d\d)?(?:_(\d{8}))?AAA=")
LETTERS = string.ascii_letters + string.digits


@dataclass
class Stored:
    """A single event or a series. `key` never changes; the regular id does with every move to another calendar."""

    key: str
    event: Json
    version: int = 0
    moves: int = 0
    exceptions: dict[date, Json] = field(default_factory=dict[date, Json])
    cancelled: set[date] = field(default_factory=set[date])

    @property
    def is_series(self) -> bool:
        return bool(self.event.get("recurrence"))

    @property
    def change_key(self) -> str:
        return base64.b64encode(b"DwAAABYAAAC" + self.version.to_bytes(8, "big")).decode()

    @property
    def etag(self) -> str:
        return f'W/"{self.change_key}"'

    def id(self, immutable: bool, day: date | None = None) -> str:  # fact: id.immutable
        part = f"_{day:%Y%m%d}" if day else ""
        return f"AAkALg{self.key}{part}AAA=" if immutable else f"AAMkAD{self.key}{self.moves:02}{part}AAA="

    def days(self) -> Iterator[date]:
        """The days of a series that are still there, exceptions under the day where they were."""
        return (day for day in days(self.event["recurrence"]) if day not in self.cancelled)

    def on(self, day: date | None) -> Json:
        """The event itself, or what happens on one day of the series."""
        if day is None:
            return {**self.event, "type": "seriesMaster" if self.is_series else "singleInstance"}
        start, end = occurrence_times(self.event, day)
        there = {"seriesMasterKey": self.key, "originalStart": stamp(moment(start).timestamp())}
        if day in self.exceptions:
            return {**self.exceptions[day], **there, "type": "exception"}
        return {**self.event, "start": start, "end": end, "recurrence": None, **there, "type": "occurrence"}


@dataclass
class Gone:
    """What is left of an event that was deleted or moved to another calendar."""

    version: int
    stored: Stored


@dataclass
class Right:
    edit: bool
    private: bool = False


@dataclass
class Calendar:
    id: str
    owner: str
    name: str
    color: str
    is_default: bool
    rights: dict[str, Right]
    events: dict[str, Stored] = field(default_factory=dict[str, Stored])
    gone: list[Gone] = field(default_factory=list[Gone])


@dataclass
class Person:
    email: str
    name: str
    zone: str  # a Windows name
    personal: bool
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass
class Found:
    calendar: Calendar
    stored: Stored
    day: date | None

    @property
    def event(self) -> Json:
        return self.stored.on(self.day)


Hears = Callable[[Calendar, Stored, str], None]


class Store:
    """Reads and writes, without any rule of HTTP. `on_change` hears of created, updated and deleted."""

    def __init__(self, clock: Now) -> None:
        self.clock = clock
        self.people: dict[str, Person] = {}
        self.calendars: dict[str, Calendar] = {}
        self.version = 0
        self.on_change: list[Hears] = []

    def add_person(self, email: str, zone_name: str, personal: bool) -> Person:
        name = email.partition("@")[0].title()
        self.people[email] = Person(email, name, zone_name, personal)
        self.add_calendar(email, "Calendar", is_default=True)
        return self.people[email]

    def add_calendar(self, owner: str, name: str, *, color: str = "auto", is_default: bool = False) -> Calendar:
        calendar_id = f"AQMkAD{new_key()}AAAA="
        rights = {owner: Right(edit=True, private=True)}
        self.calendars[calendar_id] = Calendar(calendar_id, owner, name, color, is_default, rights)
        return self.calendars[calendar_id]

    def share(self, calendar: Calendar, email: str, edit: bool, private: bool) -> None:
        calendar.rights[email] = Right(edit, private)

    def of(self, email: str) -> list[Calendar]:
        """The calendars in somebody's list, the own default one first."""
        mine = [one for one in self.calendars.values() if email in one.rights]
        return sorted(mine, key=lambda one: not (one.is_default and one.owner == email))

    def calendar(self, email: str, calendar_id: str | None = None) -> Calendar:
        """By id; None is the default one."""
        for one in self.of(email):
            if one.id == calendar_id or (calendar_id is None and one.is_default and one.owner == email):
                return one
        raise errors.not_found()

    def find(self, email: str, event_id: str, calendar_id: str | None = None) -> Found:
        """By either kind of id, in one calendar or in all that the person sees."""
        parts = EVENT_ID.fullmatch(event_id)  # fact: id.case
        if parts is None:
            raise errors.invalid("Id is malformed.", "ErrorInvalidIdMalformed")
        for calendar in self.of(email):
            stored = calendar.events.get(parts[2])
            if stored is None or calendar_id not in (None, calendar.id):
                continue
            is_old = parts[1] == "MkAD" and parts[3] != f"{stored.moves:02}"
            day = date.fromisoformat(parts[4]) if parts[4] else None
            if not is_old and (day is None or has_day(stored, day)):
                return Found(calendar, stored, day)
        raise errors.not_found()

    def keep(self, calendar: Calendar, stored: Stored) -> Stored:
        """Store a new state of an event: new change key, new place in the history."""
        is_new = stored.key not in calendar.events
        self.version += 1
        stored.version = self.version
        stored.event["lastModifiedDateTime"] = stamp(self.clock.now)
        stored.event.setdefault("createdDateTime", stored.event["lastModifiedDateTime"])
        calendar.events[stored.key] = stored
        self._tell(calendar, stored, "created" if is_new else "updated")
        return stored

    def drop(self, calendar: Calendar, stored: Stored) -> None:
        self.version += 1
        del calendar.events[stored.key]
        calendar.gone.append(Gone(self.version, copy.deepcopy(stored)))
        self._tell(calendar, stored, "deleted")

    def move(self, calendar: Calendar, stored: Stored, to: Calendar) -> None:
        """Into another calendar of the same mailbox."""
        self.drop(calendar, stored)
        stored.moves += 1  # fact: id.regular-changes
        self.keep(to, stored)

    def span(self, calendar: Calendar, event: Json) -> tuple[float, float]:
        """UTC seconds from and to; whole days are those of the owner's zone."""  # fact: all-day.window
        start, end = moment(event["start"]), moment(event["end"])
        if event.get("isAllDay"):
            there = zone(self.people[calendar.owner].zone)
            start, end = start.replace(tzinfo=there), end.replace(tzinfo=there)
        return start.timestamp(), end.timestamp()

    def within(self, calendar: Calendar, stored: Stored, low: float, high: float) -> list[date | None]:
        """What of an event lies in a window: [None] for a single one, days for a series."""
        if not stored.is_series:
            return [None] if self._overlaps(calendar, stored.event, low, high) else []
        found: list[date | None] = []
        for day in stored.days():
            event = stored.on(day)
            if day not in stored.exceptions and self.span(calendar, event)[0] >= high:
                break
            if self._overlaps(calendar, event, low, high):
                found.append(day)
        return found

    def _overlaps(self, calendar: Calendar, event: Json, low: float, high: float) -> bool:  # fact: view.overlap
        start, end = self.span(calendar, event)
        return start < high and (end > low or (start == end and start >= low))

    def _tell(self, calendar: Calendar, stored: Stored, what: str) -> None:
        for hear in self.on_change:
            hear(calendar, stored, what)


def has_day(stored: Stored, day: date) -> bool:
    if not stored.is_series:
        return False
    for one in stored.days():
        if one >= day:
            return one == day
    return False


def new_key() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(20))
