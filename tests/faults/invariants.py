"""What must hold whatever happened, read off the database itself: I1 to I5, I7 and I9 of a booking, none of it half."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import select

from slotlink.app import open_deps
from slotlink.domain.event import wire_time
from slotlink.domain.link import Terms
from slotlink.services.deps import Deps
from slotlink.settings import Settings
from slotlink.store import tables

TABLES = ("links", "link_history", "bookings", "booking_participants", "events", "busy_periods", "outbox")


@dataclass(frozen=True)
class Callback:
    """A promise in the outbox."""

    item_id: str
    link_id: str
    kind: str
    body: bytes
    state: str
    attempts: int


@dataclass(frozen=True)
class Truth:
    """What is kept: the rows of each table, and the outbox with its bodies open."""

    rows: Mapping[str, list[Any]]
    outbox: list[Callback]

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Truth:
        async def read() -> Truth:
            deps = open_deps(Settings.from_environ(dict(environ)))
            try:
                return await cls.read(deps)
            finally:
                await deps.database.close()

        return asyncio.run(read())

    @classmethod
    async def read(cls, deps: Deps, application_id: str | None = None) -> Truth:
        """Of one application, or of all."""
        rows: dict[str, list[Any]] = {}
        async with deps.database.reading() as connection:
            for name in TABLES:
                table = tables.metadata.tables[name]
                of = [] if application_id is None else [table.c.application_id == application_id]
                rows[name] = list((await connection.execute(select(table).where(*of))).all())
        outbox: list[Callback] = []
        for row in rows["outbox"]:
            body = deps.vault.open(row.sealed_body, f"outbox/{row.application_id}/{row.item_id}").encode()
            kind = json.loads(body)["notification"]["type"].removeprefix("real_time_scheduling_")
            outbox.append(Callback(row.item_id, row.link_id, kind, body, row.state, row.attempts))
        return cls(rows, outbox)

    @property
    def completed(self) -> set[str]:
        return {link.link_id for link in self.rows["links"] if link.state == "completed"}

    @property
    def waiting(self) -> list[str]:
        return [promise.item_id for promise in self.outbox if promise.state == "waiting"]

    def check(self, acknowledged: Mapping[str, int]) -> None:
        """`acknowledged`: the start that a visitor was told is booked, by link."""
        faults = [*self._faults(), *self._lost(acknowledged)]
        assert not faults, "\n".join(faults)

    def _faults(self) -> Iterator[str]:
        booked = {booking.link_id: booking for booking in self.rows["bookings"]}
        told = Counter((entry.link_id, entry.what) for entry in self.rows["link_history"])
        promised = Counter(each.link_id for each in self.outbox if each.kind == "completed")
        written = self._written()
        held: dict[str, set[str]] = {}
        for each in self.rows["booking_participants"]:
            held.setdefault(each.link_id, set()).add(each.sub)
        for link in self.rows["links"]:
            booking = booked.get(link.link_id)
            completed = link.state == "completed"
            if completed != (booking is not None):
                yield f"{link.link_id} is {link.state}, and its booking is {booking}"
            if told[link.link_id, "completed"] != completed:
                yield f"{link.link_id} is {link.state}; its history says completed {told[link.link_id, 'completed']} x"
            terms = msgspec.json.decode(link.terms, type=Terms)
            if promised[link.link_id] != (completed and terms.callback_urls.completed_url is not None):
                yield f"{link.link_id} is {link.state}, and its completion is promised {promised[link.link_id]} x"
            if held.get(link.link_id, set()) != (set(terms.query.subs) if booking else set()):
                yield f"{link.link_id} holds {held.get(link.link_id)}, of {terms.query.subs}, by {booking}"
            for target in terms.targets:
                times = written.get((target.calendar_id, link.event_id), [])
                if times != ([(booking.start_at, booking.end_at)] if booking else []):
                    yield f"{link.link_id}: the event in {target.calendar_id} is at {times}, and the booking {booking}"
            if booking:
                yield from _untrue(link, terms, booking)
        if len(booked) != len(self.rows["bookings"]) or booked.keys() - {link.link_id for link in self.rows["links"]}:
            yield "a booking twice, or of no link"
        yield from self._overlaps()

    def _written(self) -> dict[tuple[str, str], list[tuple[int, int]]]:
        """When the application's events take place, by calendar and event_id."""
        times: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for period in self.rows["busy_periods"]:
            times.setdefault((period.calendar_id, period.event_uid), []).append((period.start_at, period.end_at))
        written: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for event in self.rows["events"]:
            if event.deleted_at is None:
                found = times.get((event.calendar_id, event.event_uid), [])
                written.setdefault((event.calendar_id, event.event_id), []).extend(found)
        return written

    def _overlaps(self) -> Iterator[str]:
        by_sub: dict[str, list[Any]] = {}
        for held in self.rows["booking_participants"]:
            if held.blocks:
                by_sub.setdefault(held.sub, []).append(held)
        for sub, all_held in by_sub.items():
            for one, other in itertools.pairwise(sorted(all_held, key=lambda held: held.start_at)):
                if one.end_at > other.start_at:
                    yield f"{sub} is booked twice at once: {one.link_id} and {other.link_id}"

    def _lost(self, acknowledged: Mapping[str, int]) -> Iterator[str]:
        starts = {booking.link_id: booking.start_at for booking in self.rows["bookings"]}
        for link_id, start in acknowledged.items():
            if starts.get(link_id) != start:
                yield f"the visitor of {link_id} was told {start}, and what is kept is {starts.get(link_id)}"


def _untrue(link: Any, terms: Terms, booking: Any) -> Iterator[str]:
    """What a completed link says against its booking, and the booking against what was asked for."""
    says = {name: value["time"] for name, value in json.loads(link.event).items() if name in ("start", "end")}
    if says != {"start": wire_time(booking.start_at), "end": wire_time(booking.end_at)}:
        yield f"{link.link_id} says {says}, and its booking {booking}"
    if booking.end_at - booking.start_at != terms.query.required_duration:
        yield f"{link.link_id} was booked for {booking.end_at - booking.start_at} s"
    if not any(start <= booking.start_at < booking.end_at <= end for start, end in terms.query.query_periods):
        yield f"{link.link_id} was booked outside of what was asked for: {booking}"
