"""Whatever Google says: one of our errors, or iCalendar that a reader of ours takes or refuses."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from slotlink.connectors.base import EventWrite
from slotlink.connectors.google_calendars import calendars_of
from slotlink.connectors.google_ical import objects_of
from slotlink.connectors.google_writing import change_of, event_of, stands
from slotlink.errors import ProviderUnavailable
from slotlink.ical import InvalidCalendar, TooManyOccurrences, expand, read_calendar, write_event

Json = dict[str, Any]
OWNER = "ann@example.com"
LOW, HIGH = 1_800_000_000, 1_830_000_000
NINE = {"dateTime": "2027-03-04T10:00:00+01:00", "timeZone": "Europe/Berlin"}
TEN = {"dateTime": "2027-03-04T11:00:00+01:00", "timeZone": "Europe/Berlin"}
EVENT: Json = {"id": "one", "etag": '"1"', "status": "confirmed", "iCalUID": "one@x", "start": NINE, "end": TEN}
OURS = EventWrite("key", write_event(uid="key@x", start=0, end=60, tzid="UTC", summary="x", stamp=0), conference=True)
_NAMES = [
    *("recurrence", "recurringEventId", "originalStartTime", "attendees", "organizer", "conferenceData"),
    *("summary", "eventType", "transparency", "visibility", "sequence", "source", "extendedProperties"),
    *EVENT,
]
_WORDS = st.sampled_from(["cancelled", "one", "RRULE:FREQ=DAILY;COUNT=3", "2027-03-04T10:00:00Z", "a@b", "9999-12-31"])
_PARTS = st.sampled_from(["date", "dateTime", "timeZone", "email", "self", "uri", "entryPoints", "private", "status"])
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_PARTS | st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(_NAMES), _VALUES, max_size=5), min_size=1, max_size=3))
def test_any_event(members: list[Json]) -> None:
    events = [{**EVENT, "id": f"e{number}", **each} for number, each in enumerate(members)]
    try:
        objects = objects_of(events, OWNER)
    except ProviderUnavailable:
        return
    for found in objects.values():
        if found is not None:
            try:
                [split] = read_calendar(found.ical)[0]
                expand(split.text, "Europe/Berlin", LOW, HIGH)
            except (InvalidCalendar, TooManyOccurrences):
                continue


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(["id", "summary", "timeZone", "conferenceProperties", "primary"]), _VALUES))
def test_any_calendar(entry: Json) -> None:
    with suppress(ProviderUnavailable):
        assert all(each.name for each in calendars_of([{"accessRole": "owner", **entry}]))


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(_NAMES), _VALUES))
def test_any_event_under_our_id(there: Json) -> None:
    body = event_of(OURS)
    assert not stands(
        {**body, "summary": "another", **{name: there[name] for name in there if name != "summary"}}, body
    )
    assert change_of(body, there)["summary"] == "x"
