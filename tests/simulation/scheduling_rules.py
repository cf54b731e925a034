"""What a commit may change of links, bookings, holds and events. Written without the program's own rules.

Every function yields what is wrong, in words. I1 to I7 are the invariants of the project's reliability guide.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

from tests.simulation.rows import Row, Rows

HOLD_S = 600
NEVER_CHANGES = ("token_sha256", "sealed_token", "expires_at", "event_id", "terms", "created_at")


@cache
def terms_of(text: str) -> Any:
    return json.loads(text)


def broken_by(old: Rows, new: Rows, changed: set[str], calendars: dict[str, str]) -> Iterator[str]:
    """`calendars`: the calendar of each sub."""
    if changed & {"links", "bookings"}:
        yield from _links(old, new)
        yield from _bookings(old, new, calendars)
    if changed & {"booking_participants", "booking_events", "events", "busy_periods"}:
        yield from _holds(new)
    if changed & {"links", "link_history"}:
        yield from _history(new)


def _links(old: Rows, new: Rows) -> Iterator[str]:
    for link_id, before in old.links.items():
        after = new.links.get(link_id)
        if after is None:
            yield f"link {link_id} has vanished"
        elif after is not before and after != before:
            for member in NEVER_CHANGES:
                if getattr(before, member) != getattr(after, member):
                    yield f"{member} of {link_id} changed"
            if before.state != after.state and (before.state, after.state) not in {
                ("open", "completed"),
                ("open", "disabled"),
            }:
                yield f"I5: {link_id} went from {before.state} to {after.state}"
            if before.event != after.event and after.state != "completed":
                yield f"the event of {link_id} changed while it is {after.state}"
    for link_id, link in new.links.items():
        if link is old.links.get(link_id):
            continue
        event = json.loads(link.event)
        if (link.state == "completed") != ("start" in event and "end" in event):
            yield f"I2: {link_id} is {link.state} with the event {link.event}"
        if (link.state == "completed") != (link_id in new.bookings):
            yield f"I1: {link_id} is {link.state}, and its booking is {new.bookings.get(link_id)}"


def _bookings(old: Rows, new: Rows, calendars: dict[str, str]) -> Iterator[str]:
    for link_id, before in old.bookings.items():
        if new.bookings.get(link_id) != before:
            yield f"I5: the booking {before} became {new.bookings.get(link_id)}"
    for link_id, booking in new.bookings.items():
        if link_id not in old.bookings:
            yield from _new_booking(old, new, booking, calendars)


def _new_booking(old: Rows, new: Rows, booking: Row, calendars: dict[str, str]) -> Iterator[str]:
    link_id, start, end, at = booking.link_id, booking.start_at, booking.end_at, booking.booked_at
    before, after = old.links[link_id], new.links[link_id]
    terms = terms_of(after.terms)
    query = terms["query"]
    if before.state != "open":
        yield f"I1: {link_id} was booked while it was {before.state}"
    if at >= before.expires_at:
        yield f"I6: {link_id} was booked at {at}, and had expired at {before.expires_at}"
    event = json.loads(after.event)
    if (seconds(event["start"]["time"]), seconds(event["end"]["time"])) != (start, end):
        yield f"I2: {link_id} is booked for {start}, and says {event['start']}"
    if start not in possible_starts(query, at):
        yield f"I2: {link_id} is booked for {start}, which its query does not name at {at}"
    people = {sub: row for (of, sub), row in new.booking_participants.items() if of == link_id}
    disregarded = {excluded["event_id"] for excluded in query.get("excluded_events", ())}
    for group in query["groups"]:
        members = {member["sub"] for member in group["members"]}
        if len(members & people.keys()) < (group.get("required") or len(members)):
            yield f"I2: {link_id} is booked with {sorted(people)} of {sorted(members)}"
    for sub in people:
        if not old.free_for(sub, {calendars[sub]}, start, end + query.get("buffer_after", 0), at, disregarded):
            yield f"I3: {link_id} is booked for {start}, when {sub} is busy"
    invited = {target["sub"] for target in terms["targets"]}
    for sub, row in people.items():
        if not row.blocks or row.held_until != (None if sub in invited else at + HOLD_S):
            yield f"{link_id} is booked at {at}, and holds {sub} until {row.held_until} ({row.blocks})"
    wanted = {target["calendar_id"]: target["sub"] for target in terms["targets"] if target["sub"] in people}
    if terms["event_creation"] == "single":
        wanted = dict(list(wanted.items())[:1])
    written = {row.calendar_id: row.sub for row in new.booking_events.values() if row.link_id == link_id}
    if written != wanted:
        yield f"{link_id} wrote its event into {written}, not into {wanted}"
    changed = [(row.calendar_id, row.event_id) for key, row in new.events.items() if row != old.events.get(key)]
    if len(changed) > len(set(changed)) or not set(changed) <= {
        (calendar_id, before.event_id) for calendar_id in written
    }:
        yield f"I9: {link_id} wrote {before.event_id} into {written}, and changed {changed}"
    for calendar_id in written:
        if new.event_time(calendar_id, before.event_id) != (start, end):
            yield f"{link_id} is booked for {start}, and its event is not in {calendar_id} then"


def _holds(rows: Rows) -> Iterator[str]:
    """A booking that holds somebody without an end goes with an event that stands there; two never overlap."""
    holding = [row for row in rows.booking_participants.values() if row.blocks]
    for number, one in enumerate(holding):
        for other in holding[:number]:
            if one.sub == other.sub and one.start_at < other.end_at and one.end_at > other.start_at:
                yield f"I3: {one.link_id} and {other.link_id} both hold {one.sub} at {one.start_at}"
        if one.held_until is None:
            wrote = [row for row in rows.booking_events.values() if row.link_id == one.link_id]
            own = [row for row in wrote if row.sub == one.sub] or wrote
            if not any(rows.event_time(row.calendar_id, row.event_id) == (one.start_at, one.end_at) for row in own):
                yield f"{one.link_id} holds {one.sub} at {one.start_at} for an event that is not there"


def _history(rows: Rows) -> Iterator[str]:
    told: dict[str, list[Row]] = {}
    for (link_id, _), row in sorted(rows.link_history.items()):
        told.setdefault(link_id, []).append(row)
    for link_id, link in rows.links.items():
        history = told.get(link_id, [])
        ends = [row.what for row in history if row.what in ("completed", "disabled")]
        if [row.number for row in history] != list(range(1, len(history) + 1)) or history[0].what != "created":
            yield f"the history of {link_id} has gaps: {[(row.number, row.what) for row in history]}"
        if ends != ([] if link.state == "open" else [link.state]):
            yield f"the history of {link_id} tells of {ends}, and it is {link.state}"


def possible_starts(query: Any, now: int) -> set[int]:
    """The starts that a query names, whoever is free: its grid, without the past."""
    duration, interval = query["required_duration"], query["start_interval"]
    return {
        start
        for first, last in query["query_periods"]
        for start in range(first, last - duration + 1, interval)
        if start >= now
    }


def free_starts(rows: Rows, link: Row, now: int, calendars: dict[str, str]) -> list[int]:
    """The starts at which enough people are free for this link, found out one by one."""
    query = terms_of(link.terms)["query"]
    disregarded = {excluded["event_id"] for excluded in query.get("excluded_events", ())}
    length = query["required_duration"] + query.get("buffer_after", 0)

    def fits(start: int) -> bool:
        return all(
            sum(
                rows.free_for(member["sub"], {calendars[member["sub"]]}, start, start + length, now, disregarded)
                for member in group["members"]
            )
            >= (group.get("required") or len(group["members"]))
            for group in query["groups"]
        )

    return [start for start in sorted(possible_starts(query, now)) if fits(start)]


def seconds(wire: str) -> int:
    return int(datetime.fromisoformat(wire).timestamp())
