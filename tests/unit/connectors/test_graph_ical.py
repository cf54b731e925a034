"""Events as Graph has them, made iCalendar: what an event means, and what a series has in a window."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotlink.connectors.graph_ical import needs_owner, series_object, single_object
from slotlink.connectors.graph_json import OWN_ID, Event
from slotlink.connectors.graph_own import mark
from slotlink.connectors.graph_times import instant, tzid
from slotlink.errors import NotAccepted
from slotlink.ical import Occurrence, expand, read_calendar

OWNER = "ann@example.com"
START = 1_804_150_800  # Thursday 4 March 2027, 09:00 UTC
HOUR, DAY = 3600, 86_400
YEARS = 20 * 366 * DAY
EXAMPLE: dict[str, Any] = {
    "@odata.etag": 'W/"ZlnW4RIAV06KYYwlrfNZvQAALfZeRQ=="',
    "id": "AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0AjMHkS",
    "iCalUId": "040000008200E00074C5B7101A82E00800000000",
    "type": "singleInstance",
    "subject": "Let's go for lunch; \\now, really",
    "showAs": "busy",
    "start": {"dateTime": "2027-03-04T09:00:00.0000000", "timeZone": "UTC"},
    "end": {"dateTime": "2027-03-04T10:00:00.0000000", "timeZone": "UTC"},
    "body": {"contentType": "html", "content": "<html><head><style>p{}</style></head><body>Hi<br>you</body></html>"},
    "location": {"displayName": "Harry's Bar"},
    "lastModifiedDateTime": "2027-03-01T08:00:00.1234567Z",
}


def event(**members: Any) -> Event:
    return msgspec.convert({**EXAMPLE, **members}, Event)


def seen(text: str, zone: str = "Europe/Berlin") -> list[Occurrence]:
    return expand(text, zone, START - YEARS, START + YEARS)


def zoned(at: str, zone: str = "UTC") -> dict[str, str]:
    return {"dateTime": at, "timeZone": zone}


def test_a_single_event() -> None:
    text = single_object(event(), OWNER)
    [one] = seen(text)
    assert (one.uid, one.start, one.end) == (EXAMPLE["iCalUId"], START, START + HOUR)
    assert (one.summary, one.description, one.location) == (
        "Let's go for lunch; \\now, really",
        "Hi\nyou",
        "Harry's Bar",
    )
    assert (one.recurrence_id, one.answers, one.private) == (None, {}, False)
    assert "DTSTAMP:20270301T080000Z\r\n" in text


@pytest.mark.parametrize(
    ("value", "at"),
    [
        (zoned("2027-03-04T09:00:00.0000000"), START),
        (zoned("2027-03-04T09:00:00.9999999", "tzone://Microsoft/Utc"), START),
        (zoned("2027-03-04T10:00:00", "W. Europe Standard Time"), START),
        (zoned("2027-07-04T10:00:00", "W. Europe Standard Time"), 1_814_688_000),
        (zoned("2027-03-04T10:00:00", "Europe/Berlin"), START),
        (zoned("2027-03-04T10:00:00.0000000+01:00", "Tokyo Standard Time"), START),
        ({"dateTime": "2027-03-04T09:00:00", "timeZone": None}, START),
    ],
    ids=["7 digits", "tzone of UTC", "Windows", "Windows in summer", "IANA", "offset", "no zone"],
)
def test_times(value: dict[str, Any], at: int) -> None:
    found = event(start=value).start
    assert found is not None and instant(found) == at


@pytest.mark.parametrize("zone", ["Middle-Earth Standard Time", "tzone://Microsoft/Custom", "localtime"])
def test_an_unknown_zone_is_never_utc(zone: str) -> None:
    with pytest.raises(NotAccepted):
        single_object(event(start=zoned("2027-03-04T09:00:00", zone)), OWNER)


@pytest.mark.parametrize(
    ("name", "iana"),
    [
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("Asia/Tokyo", "Asia/Tokyo"),
        ("UTC", "UTC"),
        ("tzone://Microsoft/Utc", "UTC"),
        ("tzone://Microsoft/Custom", None),
        ("", None),
        (None, None),
    ],
)
def test_the_zone_of_a_mailbox(name: str | None, iana: str | None) -> None:
    assert tzid(name) == iana


@pytest.mark.parametrize("days", [1, 2, 3])
def test_all_day_events_are_days(days: int) -> None:
    end = zoned(f"2027-03-{4 + days:02}T00:00:00.0000000")
    text = single_object(event(isAllDay=True, start=zoned("2027-03-04T00:00:00.0000000"), end=end), OWNER)
    [one] = seen(text, "America/New_York")
    assert (one.start_date, one.end_date) == (date(2027, 3, 4), date(2027, 3, 4 + days))


@pytest.mark.parametrize(
    ("sensitivity", "line", "private"),
    [
        ("private", "CLASS:PRIVATE", True),
        ("confidential", "CLASS:CONFIDENTIAL", True),
        ("personal", "CLASS:X-PERSONAL", False),
        ("normal", None, False),
    ],
)
def test_sensitivity(sensitivity: str, line: str | None, private: bool) -> None:
    text = single_object(event(sensitivity=sensitivity), OWNER)
    assert (line in text if line else "CLASS" not in text) and seen(text)[0].private is private


def test_people() -> None:
    """The owner's answer is responseStatus; the organizer is named; whoever has no address is left out."""
    people = [
        {"emailAddress": {"name": 'Ben "B"; x:y', "address": "Ben@Example.com"}, "status": {"response": "accepted"}},
        {"emailAddress": {"name": "Ann", "address": "ANN@example.com"}, "status": {"response": "none"}},
        {"emailAddress": {"name": "Room 5"}},
        {"emailAddress": {"address": "evil@example.com\r\nSTATUS:CANCELLED"}},
    ]
    organizer = {"emailAddress": {"name": "Cy", "address": "cy@example.com"}}
    told = event(attendees=people, organizer=organizer, responseStatus={"response": "declined"})
    text = single_object(told, OWNER)
    [one] = seen(text)
    assert one.answers == {
        "ben@example.com": ["ACCEPTED"],
        OWNER: ["DECLINED"],
        "evil@example.comstatus:cancelled": ["NEEDS-ACTION"],
    }
    assert 'ORGANIZER;CN="Cy":mailto:cy@example.com' in text and one.status == "confirmed"
    assert needs_owner(told) and not needs_owner(event(attendees=[], responseStatus={"response": "organizer"}))


def test_the_uid_of_our_own_event_and_of_a_copy() -> None:
    def with_mark(seen_mark: str) -> str:
        value = {"id": OWN_ID, "value": f"{seen_mark} key@slotlink.test and more"}
        return seen(single_object(event(singleValueExtendedProperties=[value]), OWNER))[0].uid

    assert with_mark(mark(EXAMPLE["id"])) == with_mark("-") == "key@slotlink.test and more"
    assert with_mark(mark("another")) == EXAMPLE["iCalUId"]


def test_an_event_without_a_uid() -> None:
    assert seen(single_object(event(iCalUId=None), OWNER))[0].uid == EXAMPLE["id"]


@pytest.mark.parametrize(
    "address", ["50%25off@example.com", "a%40b@example.com", "o'neil+x@example.com", "ü@example.com"]
)
def test_an_address_is_read_back_as_it_is(address: str) -> None:
    told = event(attendees=[{"emailAddress": {"address": address}, "status": {"response": "accepted"}}])
    assert seen(single_object(told, OWNER))[0].answers == {address: ["ACCEPTED"]}


# Series.

MASTER = {"type": "seriesMaster", "id": "master"}


def at(days: int, hour: int = 9, minutes: int = 60, **members: Any) -> Event:
    """What the series has on a day, an occurrence unless said."""
    begin = START + days * DAY + (hour - 9) * HOUR
    times = {"start": _time(begin), "end": _time(begin + minutes * 60)}
    return event(**{"id": f"{days}", "type": "occurrence", "body": None, **times, **members})


def whole(days: int, length: int = 1, **members: Any) -> Event:
    times = {"start": _midnight(days), "end": _midnight(days + length)}
    return event(**{"id": f"{days}", "type": "occurrence", "isAllDay": True, **times, **members})


def test_occurrences_are_what_graph_says() -> None:
    text = series_object(event(**MASTER), [at(7), at(0), at(21), at(7)], OWNER)
    assert [(one.start, one.end - one.start, one.recurrence_id) for one in seen(text)] == [
        (START + days * DAY, HOUR, START + days * DAY) for days in (0, 7, 21)
    ]
    assert seen(text)[2].description == "Hi\nyou", "as in the series"


def test_an_occurrence_of_another_length() -> None:
    """As over a change of the clock."""
    text = series_object(event(**MASTER), [at(0), at(7, minutes=120), at(14)], OWNER)
    assert [one.end - one.start for one in seen(text)] == [HOUR, 2 * HOUR, HOUR]


@pytest.mark.parametrize(
    ("change", "of"),
    [
        ({"showAs": "free"}, "busy_status"),
        ({"isCancelled": True}, None),
        ({"responseStatus": {"response": "declined"}}, "answers"),
        ({"subject": "Other", "type": "exception"}, "summary"),
    ],
    ids=["free", "cancelled", "declined", "renamed"],
)
def test_one_that_is_another_says_so_for_itself(change: dict[str, Any], of: str | None) -> None:
    told = [at(0), at(7, **change), at(14)]
    found = seen(series_object(event(**MASTER), told, OWNER))
    others = [one for one in found if one.start != START + 7 * DAY]
    assert len(others) == 2 and len(found) == (3 if of else 2)
    if of:
        assert getattr(found[1], of) != getattr(found[0], of) == getattr(found[2], of)


def test_a_moved_exception_is_named_by_where_it_was() -> None:
    was = "2027-03-11T09:00:00.0000000Z"
    text = series_object(event(**MASTER), [at(0), at(6, type="exception", originalStart=was), at(14)], OWNER)
    assert [(one.start - START, one.recurrence_id) for one in seen(text)] == [
        (0, START),
        (6 * DAY, START + 7 * DAY),
        (14 * DAY, START + 14 * DAY),
    ]


@pytest.mark.parametrize("was", ["2027-03-18T09:00:00Z", "never", None], ids=["a neighbour's", "nonsense", "nothing"])
def test_no_name_of_an_exception_hides_another_occurrence(was: str | None) -> None:
    told = [at(0), at(6, type="exception", originalStart=was), at(14)]
    assert [one.start - START for one in seen(series_object(event(**MASTER), told, OWNER))] == [0, 6 * DAY, 14 * DAY]


def test_only_exceptions_are_left() -> None:
    told = [at(0, type="exception", originalStart="2027-03-04T08:00:00Z"), at(7, type="exception")]
    assert [one.start - START for one in seen(series_object(event(**MASTER), told, OWNER))] == [0, 7 * DAY]


@pytest.mark.parametrize("kind", ["occurrence", "exception"])
def test_two_at_one_time_are_not_made_one(kind: str) -> None:
    """Each would have the name of the other, and the shorter one might be what stays."""
    told = [at(0), at(7, type=kind), at(7, minutes=120, id="other", type=kind)]
    with pytest.raises(NotAccepted, match="same time"):
        series_object(event(**MASTER), told, OWNER)


def test_two_at_one_time_with_names_of_their_own() -> None:
    was = "2027-03-11T09:00:00Z"
    told = [at(0), at(14), at(14, minutes=120, id="other", type="exception", originalStart=was)]
    found = seen(series_object(event(**MASTER), told, OWNER))
    assert [(one.start - START, one.end - one.start) for one in found] == [
        (0, HOUR),
        (14 * DAY, HOUR),
        (14 * DAY, 2 * HOUR),
    ]


def test_a_series_of_days() -> None:
    master = event(**MASTER, isAllDay=True, start=_midnight(0), end=_midnight(1))
    was = "2027-03-10T23:00:00Z"  # a day off, by the zone that Graph counts in
    told = [whole(0), whole(6), whole(7, 2, type="exception", originalStart=was), whole(14)]
    found = seen(series_object(master, told, OWNER))
    assert [(one.start_date, one.end_date) for one in found] == [
        (date(2027, 3, 4), date(2027, 3, 5)),
        (date(2027, 3, 10), date(2027, 3, 11)),
        (date(2027, 3, 11), date(2027, 3, 13)),
        (date(2027, 3, 18), date(2027, 3, 19)),
    ]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Auckland", "America/Los_Angeles"])
@pytest.mark.parametrize("hour", [0, 9, 23])
def test_days_among_times_and_times_among_days(zone: str, hour: int) -> None:
    """Days are named by the day, times by the instant: one may never be taken for the other."""
    daily = [at(days, hour) for days in (0, 2)]
    mixed = [*daily, whole(1, type="exception", originalStart="2027-03-05T09:00:00Z")]
    assert len(seen(series_object(event(**MASTER), mixed, OWNER), zone)) == 3
    master = event(**MASTER, isAllDay=True, start=_midnight(0), end=_midnight(1))
    assert len(seen(series_object(master, [whole(0), at(1, hour, type="exception"), whole(2)], OWNER), zone)) == 3


TEXTS = st.text(max_size=30)
LENGTHS = st.integers(0, 20_000)


@given(st.lists(st.tuples(LENGTHS, st.booleans(), TEXTS), min_size=1, max_size=8), TEXTS)
@settings(max_examples=100, deadline=None)
def test_every_series_is_one_object_with_every_occurrence(told: list[tuple[int, bool, str]], name: str) -> None:
    """Whatever the texts, and wherever exceptions say that they were."""
    instances = [
        at(
            2 * number,
            minutes=length % 1400,
            subject=text,
            type="exception" if is_other else "occurrence",
            originalStart=text if is_other and length % 2 else f"2027-03-04T09:00:{length % 60:02}Z",
        )
        for number, (length, is_other, text) in enumerate(told)
    ]
    text = series_object(event(**MASTER, subject=name, location={"displayName": name}), instances, OWNER)
    objects, _ = read_calendar(text)
    assert len(objects) == 1
    found = seen(text)
    assert [(one.start - START) // DAY for one in found] == [2 * number for number in range(len(told))]
    assert [one.end - one.start for one in found] == [length % 1400 * 60 for length, _, _ in told]


def _time(instant_: int) -> dict[str, str]:
    return zoned(datetime.fromtimestamp(instant_, UTC).strftime("%Y-%m-%dT%H:%M:%S.0000000"))


def _midnight(days: int) -> dict[str, str]:
    return zoned(f"2027-03-{4 + days:02}T00:00:00.0000000")
