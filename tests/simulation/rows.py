"""What is committed, read past the program under test: plain rows of the tables that promises are kept in."""

from __future__ import annotations

import sqlite3
from collections import namedtuple
from collections.abc import Callable
from operator import attrgetter
from typing import Any

# By table: how many of its first columns, in this order, are its key.
KEYS = {
    "links": ("link_id",),
    "link_history": ("link_id", "number"),
    "bookings": ("link_id",),
    "booking_participants": ("link_id", "sub"),
    "booking_events": ("link_id", "calendar_id"),
    "events": ("calendar_id", "event_uid"),
    "busy_periods": ("calendar_id", "event_uid", "occurrence"),
    "outbox": ("item_id",),
    "outbox_attempts": ("item_id", "number"),
}
# Whoever can meet when follows from these.
SCHEDULE = {"links", "bookings", "booking_participants", "events", "busy_periods"}

Row = Any
Table = dict[Any, Row]


class Rows:
    """All watched tables at one commit. Sharing what did not change with the one before."""

    def __init__(self, tables: dict[str, Table]) -> None:
        self.links = tables["links"]
        self.link_history = tables["link_history"]
        self.bookings = tables["bookings"]
        self.booking_participants = tables["booking_participants"]
        self.booking_events = tables["booking_events"]
        self.events = tables["events"]
        self.busy_periods = tables["busy_periods"]
        self.outbox = tables["outbox"]
        self.outbox_attempts = tables["outbox_attempts"]
        self.tables = tables

    def event_time(self, calendar_id: str, event_id: str) -> tuple[int, int] | None:
        """When the application's event is; None where it is not, or was deleted."""
        for event in self.events.values():
            if event.calendar_id == calendar_id and event.event_id == event_id and event.deleted_at is None:
                busy = self.busy_periods[(calendar_id, event.event_uid, 0)]
                return busy.start_at, busy.end_at
        return None

    def free_for(self, sub: str, calendar_ids: set[str], start: int, end: int, now: int, disregarded: set[str]) -> bool:
        """Whether nothing blocks `sub` in [start, end): no event in their calendars, no booking that holds them."""
        for busy in self.busy_periods.values():
            if busy.calendar_id in calendar_ids and busy.start_at < end and busy.end_at > start and busy.kind == "busy":
                event = self.events[(busy.calendar_id, busy.event_uid)]
                if event.event_id not in disregarded:
                    return False
        return not any(
            held.sub == sub
            and held.blocks
            and held.start_at < end
            and held.end_at > start
            and (held.held_until is None or held.held_until > now)
            and held.event_id not in disregarded
            for held in self.booking_participants.values()
        )


class Reader:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._row: dict[str, tuple[type[Any], Callable[[Row], Any]]] = {}
        for table, key in KEYS.items():
            columns = [column[0] for column in connection.execute(f"SELECT * FROM {table}").description]
            self._row[table] = namedtuple(table, columns), attrgetter(*key)
        self.first = Rows({table: self._read(table) for table in KEYS})  # of every run

    def read(self, before: Rows, changed: set[str]) -> Rows:
        return Rows(before.tables | {table: self._read(table) for table in changed})

    def _read(self, table: str) -> Table:
        row, key_of = self._row[table]
        rows = map(row._make, self._connection.execute(f"SELECT * FROM {table}"))
        return {key_of(row): row for row in rows}
