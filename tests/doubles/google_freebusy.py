"""freeBusy.query: times only, and what went wrong with one calendar stands inside the 200."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.doubles import google_errors as errors
from tests.doubles.google_errors import Json
from tests.doubles.google_guests import own_answer
from tests.doubles.google_store import DAY_S, ROLES, Calendar, Store, instance_of
from tests.doubles.google_times import instant, shown, span

MOST_CALENDARS = 50  # fact: freebusy.fifty


class FreeBusy:
    """`span_days`: the longest query that is answered. `failing`: calendar id → reason it fails with, next times."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.span_days = 90  # fact: freebusy.span
        self.failing: dict[str, str] = {}

    def query(self, user: str, body: Json) -> Json:
        for name in ("timeMin", "timeMax"):
            if not body.get(name):
                raise errors.required(f"Missing {name} parameter.", name)
        start, end = instant(body["timeMin"], "timeMin"), instant(body["timeMax"], "timeMax")
        if start >= end:
            raise errors.time_range_empty()
        if end - start > self.span_days * DAY_S:
            raise errors.time_range_too_long()
        most = body.get("calendarExpansionMax", MOST_CALENDARS)
        if not 1 <= most <= MOST_CALENDARS:
            raise errors.invalid("Invalid value for: calendarExpansionMax", "calendarExpansionMax")
        wanted = [item["id"] for item in body.get("items", [])]
        zone = body.get("timeZone", "UTC")
        return {
            "kind": "calendar#freeBusy",
            "timeMin": _wire(start),
            "timeMax": _wire(end),
            "calendars": {
                name: _failed("tooManyCalendarsRequested")  # fact: freebusy.too-many
                if len(wanted) > most
                else self._calendar(user, name, start, end, zone)
                for name in wanted
            },
        }

    def _calendar(self, user: str, name: str, start: int, end: int, zone: str) -> Json:
        calendar = self._store.calendars.get(user if name == "primary" else name)
        if calendar is None or ROLES.index(calendar.roles.get(user, "none")) == 0:
            return _failed("notFound")  # fact: freebusy.error-inside-200
        if calendar.id in self.failing:
            return _failed(self.failing[calendar.id])
        busy = [period for event in self._events(calendar, end) if (period := _blocked(event, calendar, start, end))]
        return {"busy": [{"start": _in(low, zone), "end": _in(high, zone)} for low, high in _merged(busy)]}

    def _events(self, calendar: Calendar, end: int) -> list[Json]:
        found: list[Json] = []
        for stored in calendar.events.values():
            if stored.cancelled:
                continue
            if not stored.is_series:
                found.append(stored.event)
                continue
            replaced = {one.event["id"] for one in self._store.exceptions(calendar, stored.event["id"])}
            for instance in self._store.instances(calendar, stored, end):
                if instance.id not in replaced:
                    found.append(instance_of(stored.event, instance))
        return found


def _blocked(event: Json, calendar: Calendar, start: int, end: int) -> tuple[int, int] | None:
    if event.get("transparency") == "transparent":  # fact: freebusy.transparent
        return None
    if own_answer(event, calendar) == "declined":  # fact: freebusy.declined
        return None
    low, high = span(event, calendar.zone)
    low, high = max(low, start), min(high, end)  # fact: freebusy.clipped
    return (low, high) if low < high else None


def _merged(periods: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Overlapping and touching ones are one."""  # fact: freebusy.merged
    result: list[tuple[int, int]] = []
    for low, high in sorted(periods):
        if result and low <= result[-1][1]:
            result[-1] = (result[-1][0], max(high, result[-1][1]))
        else:
            result.append((low, high))
    return result


def _failed(reason: str) -> Json:
    return {"errors": [{"domain": "global", "reason": reason}], "busy": []}


def _in(seconds: int, zone: str) -> str:
    return shown({"dateTime": _wire(seconds)}, "UTC", zone)["dateTime"]


def _wire(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
