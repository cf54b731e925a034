"""events.list: filters, instances of series, pages, and what changed since a sync token."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

from tests.doubles import google_errors as errors
from tests.doubles.google_errors import Json
from tests.doubles.google_store import DAY_S, Calendar, Store, Stored, instance_of
from tests.doubles.google_times import instant, moment, shown, span
from tests.doubles.google_tokens import Tokens

Query = dict[str, str]
NO_TOKEN_AFTER = ("iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "updatedMin")
NOT_WITH_TOKEN = (*NO_TOKEN_AFTER, "timeMin", "timeMax")  # fact: sync.filters-refused
PRIVATE = (  # what is left of an event whose details are hidden
    *("id", "status", "start", "end", "kind", "etag", "created", "updated", "iCalUID", "sequence", "eventType"),
    *("organizer", "recurrence", "recurringEventId", "originalStartTime", "transparency"),
)
UPDATED_MIN_DAYS = 28


@dataclass
class _Asked:
    """The query, read."""

    single: bool
    show_deleted: bool
    start: int | None
    end: int | None
    since: int | None  # a version of the calendar: only what changed after it


class Listing:
    """`sparse_instances`: stubs of cancelled instances have nothing but an id, as people report."""

    def __init__(self, store: Store, tokens: Tokens) -> None:
        self._store = store
        self._tokens = tokens
        self.sparse_instances = False

    def events(self, user: str, calendar: Calendar, query: Query, pairs: list[tuple[str, str]]) -> Json:
        role = calendar.roles[user]
        since = self._since(user, calendar, query)
        asked = self._asked(query, since)
        found = [one for one in self._found(calendar, asked) if self._passes(one, calendar, query, pairs)]
        found.sort(key=lambda one: _key(one, query.get("orderBy"), calendar))
        rows = [(_key(one, query.get("orderBy"), calendar), one) for one in found]
        page = self._tokens.page(f"{user} {calendar.id}", query, rows, calendar.version, largest=2500, usual=250)
        items = [self.shown(one, calendar, role, query, since is not None) for one in page.items]
        answer: Json = {
            "kind": "calendar#events",
            "etag": f'"p{calendar.version:016}"',
            "summary": calendar.summary,
            "updated": max((one.event["updated"] for one in calendar.events.values()), default="2027-01-01T00:00:00Z"),
            "timeZone": query.get("timeZone", calendar.zone),
            "accessRole": role,
            "defaultReminders": [],
            "items": items,
        }
        if page.next_token:
            return {**answer, "nextPageToken": page.next_token}
        if any(name in query for name in NO_TOKEN_AFTER):  # fact: sync.none-after-order
            return answer
        return {
            **answer,
            "nextSyncToken": self._tokens.sync(user, calendar.id, page.upto, query),
        }  # fact: sync.last-page

    def shown(self, stored: Stored, calendar: Calendar, role: str, query: Query, stub: bool = False) -> Json:
        """One event as this reader may see it."""
        event: Json = copy.deepcopy(stored.event)
        if stored.cancelled and stub and query.get("showDeleted") != "true":  # fact: sync.stubs
            kept = ("kind", "etag", "id", "status")
            kept = kept if self.sparse_instances else (*kept, "recurringEventId", "originalStartTime")
            event = {name: event[name] for name in kept if name in event}
        hidden = event.get("visibility") in ("private", "confidential") and role == "reader"
        if hidden or role == "freeBusyReader":  # fact: private.hidden-from-reader
            event = {name: event[name] for name in PRIVATE if name in event}
            event["visibility"] = "private"
        for name in ("start", "end", "originalStartTime"):
            if name in event:
                event[name] = shown(event[name], calendar.zone, query.get("timeZone"))
        attendees: list[Json] = event.get("attendees", [])
        for one in [event.get("organizer"), event.get("creator"), *attendees]:
            if one and one["email"] == calendar.id:  # fact: attendee.self
                one["self"] = True
        for one in attendees:
            if one["email"] == event["organizer"]["email"]:
                one["organizer"] = True
        return event

    def _asked(self, query: Query, since: int | None) -> _Asked:
        asked = _Asked(
            query.get("singleEvents") == "true",
            query.get("showDeleted") == "true" or "updatedMin" in query,  # fact: list.updated-min-deleted
            instant(query["timeMin"], "timeMin") if "timeMin" in query else None,
            instant(query["timeMax"], "timeMax") if "timeMax" in query else None,
            since,
        )
        if "updatedMin" in query:
            least = instant(query["updatedMin"], "updatedMin")
            if least < self._store.clock.now - UPDATED_MIN_DAYS * DAY_S:  # fact: list.updated-min-too-old
                raise errors.updated_min_too_long_ago()
        if asked.start is not None and asked.end is not None and asked.start >= asked.end:
            raise errors.time_range_empty()
        if query.get("orderBy") == "startTime" and not asked.single:  # fact: list.order-needs-single
            raise errors.invalid("The requested ordering is not available for the particular query.", "orderBy")
        return asked

    def _since(self, user: str, calendar: Calendar, query: Query) -> int | None:
        if "syncToken" not in query:
            return None
        for name in NOT_WITH_TOKEN:
            if name in query:
                raise errors.invalid("The sync token cannot be combined with this parameter.", name)
        if query.get("showDeleted") == "false":  # fact: sync.show-deleted-false
            raise errors.invalid("showDeleted cannot be false with a sync token.", "showDeleted")
        return self._tokens.since(user, calendar.id, query)

    def _found(self, calendar: Calendar, asked: _Asked) -> Iterator[Stored]:
        for stored in list(calendar.events.values()):
            if asked.since is not None and stored.version <= asked.since:
                continue
            if asked.single and (stored.is_series or stored.former):
                yield from self._instances(calendar, stored, asked)
            elif not stored.cancelled or asked.since is not None or asked.show_deleted:
                yield stored
            else:
                series = calendar.events.get(stored.event.get("recurringEventId", ""))
                if not asked.single and series is not None and not series.cancelled:  # fact: list.cancelled-instances
                    yield stored

    def _instances(self, calendar: Calendar, series: Stored, asked: _Asked) -> Iterator[Stored]:
        """The series itself is not listed. Exceptions are rows of their own."""  # fact: list.single-events
        horizon = int(self._store.clock.now) + self._store.expansion_days * DAY_S  # fact: list.endless-series
        living: set[str] = set()
        replaced = {one.event["id"] for one in self._store.exceptions(calendar, series.event["id"])}
        if series.is_series and not series.cancelled:
            for instance in self._store.instances(calendar, series, asked.end or horizon):
                living.add(instance.id)
                if instance.id not in replaced:
                    yield Stored(instance_of(series.event, instance), series.version)
        if asked.since is not None or asked.show_deleted:
            gone = series.former if asked.since is not None or series.cancelled else {}
            for event_id in sorted(gone.keys() - living - replaced):  # fact: sync.series-deleted
                yield Stored(_gone(series.event, event_id, gone[event_id]), series.version)
        if series.former and not series.is_series and not series.cancelled:  # a series that became a single event
            yield series

    def _passes(self, one: Stored, calendar: Calendar, query: Query, pairs: list[tuple[str, str]]) -> bool:
        event = one.event
        if "timeMin" in query and _end(one, calendar, self._store) <= instant(query["timeMin"], "timeMin"):
            return False
        if "timeMax" in query and _start(one, calendar) >= instant(query["timeMax"], "timeMax"):
            return False
        if "updatedMin" in query and instant(event["updated"], "updated") < instant(query["updatedMin"], "updatedMin"):
            return False
        if "iCalUID" in query and event["iCalUID"] != query["iCalUID"]:
            return False
        if "q" in query and query["q"].lower() not in str(event.get("summary", "")).lower():
            return False
        kinds = [value for name, value in pairs if name == "eventTypes"]
        if kinds and event["eventType"] not in kinds:  # fact: list.event-types
            return False
        return all(_has_property(event, name, value) for name, value in pairs)


def _has_property(event: Json, name: str, value: str) -> bool:
    """All constraints must hold."""  # fact: list.extended-properties
    kind = {"privateExtendedProperty": "private", "sharedExtendedProperty": "shared"}.get(name)
    if kind is None:
        return True
    key, _, wanted = value.partition("=")
    return event.get("extendedProperties", {}).get(kind, {}).get(key) == wanted


def _gone(series: Json, event_id: str, original: Json) -> Json:
    base = {name: value for name, value in series.items() if name not in ("recurrence", "start", "end")}
    times = {"start": original, "end": original, "originalStartTime": original}
    return {**base, **times, "id": event_id, "status": "cancelled", "recurringEventId": series["id"]}


def _start(one: Stored, calendar: Calendar) -> int:
    return moment(one.event["start"], calendar.zone)


def _end(one: Stored, calendar: Calendar, store: Store) -> float:
    """Of a series: when its last instance ends, as far as it is expanded."""
    if not one.is_series:
        return span(one.event, calendar.zone)[1]
    ends = [moment(instance.end, calendar.zone) for instance in store.instances(calendar, one)]
    return ends[-1] if ends else 0


def _key(one: Stored, order: str | None, calendar: Calendar) -> tuple[str, str]:
    """A stable order, so that a page can begin where the last one ended."""
    if order == "startTime":
        return f"{_start(one, calendar):020}", one.event["id"]
    if order == "updated":
        return one.event["updated"], one.event["id"]
    return "", one.event["id"]
