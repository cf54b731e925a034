"""Google's events as iCalendar: what a reader of ours makes of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from slotlink.connectors.base import RemoteObject
from slotlink.connectors.google_calendars import calendars_of
from slotlink.connectors.google_ical import join_url, objects_of
from slotlink.connectors.google_own import UID, own_id, own_uid
from slotlink.errors import ProviderUnavailable
from slotlink.ical import InvalidCalendar, Occurrence, expand

OWNER = "ann@example.com"
HOUR, DAY = 3600, 86_400
LOW, HIGH = 1_800_000_000, 1_830_000_000
NINE = {"dateTime": "2027-03-04T10:00:00+01:00", "timeZone": "Europe/Berlin"}
TEN = {"dateTime": "2027-03-04T11:00:00+01:00", "timeZone": "Europe/Berlin"}
START = 1_804_150_800
Json = dict[str, Any]


def made(**members: Any) -> Json:
    return {
        "id": "one",
        "etag": '"1"',
        "status": "confirmed",
        "iCalUID": "one@google.com",
        "updated": "2027-03-01T08:00:00.000Z",
        "start": NINE,
        "end": TEN,
        **members,
    }


def exception(number: int, original: Json, **members: Any) -> Json:
    return made(id=f"opaque{number}", recurringEventId="one", originalStartTime=original, **members)


def only(*events: Json, calendar_id: str = OWNER) -> RemoteObject:
    [found] = objects_of(events, calendar_id).values()
    assert found is not None
    return found


def read(*events: Json, zone: str = "Europe/Berlin") -> list[Occurrence]:
    return expand(only(*events).ical, zone, LOW, HIGH)


def starts(*events: Json) -> list[int]:
    return [each.start for each in read(*events)]


def at(day: int, hour: int = 9) -> Json:
    return {"dateTime": f"2027-03-{day:02}T{hour:02}:00:00Z"}


def test_a_single_event() -> None:
    [found] = read(made(summary="A; b, c\\n\nd", description="e" * 200, location="Ⅷ", sequence=3))
    assert (found.uid, found.start, found.end, found.tzid) == ("one@google.com", START, START + HOUR, "Europe/Berlin")
    assert (found.summary, found.description, found.location) == ("A; b, c\\n\nd", "e" * 200, "Ⅷ")
    assert (found.status, found.transparency, found.private, found.recurrence_id) == (
        "confirmed",
        "opaque",
        False,
        None,
    )


MEANINGS: dict[str, tuple[Json, dict[str, Any]]] = {
    "tentative": ({"status": "tentative"}, {"status": "tentative"}),
    "transparent": ({"transparency": "transparent"}, {"transparency": "transparent"}),
    "private": ({"visibility": "private"}, {"private": True}),
    "confidential": ({"visibility": "confidential"}, {"private": True}),
    "public": ({"visibility": "public"}, {"private": False}),
    "working location": ({"eventType": "workingLocation"}, {"transparency": "transparent"}),
    "birthday": ({"eventType": "birthday"}, {"transparency": "transparent"}),
    "out of office": ({"eventType": "outOfOffice"}, {"busy_status": "OOF", "transparency": "opaque"}),
    "focus time": ({"eventType": "focusTime"}, {"busy_status": "", "transparency": "opaque"}),
    "from mail": ({"eventType": "fromGmail"}, {"transparency": "opaque"}),
    "a type of tomorrow": ({"eventType": "napping"}, {"transparency": "opaque", "status": "confirmed"}),
    "no status": ({"status": None}, {"status": "confirmed"}),
}


@pytest.mark.parametrize("name", MEANINGS)
def test_what_an_event_says(name: str) -> None:
    members, said = MEANINGS[name]
    [found] = read(made(**members))
    assert {member: getattr(found, member) for member in said} == said


@pytest.mark.parametrize(
    ("response", "partstat"),
    [
        ("accepted", "ACCEPTED"),
        ("declined", "DECLINED"),
        ("tentative", "TENTATIVE"),
        ("needsAction", "NEEDS-ACTION"),
        ("new", "NEEDS-ACTION"),
    ],
)
def test_the_own_answer_stands_under_the_calendars_id(response: str, partstat: str) -> None:
    own = {"email": "alias@googlemail.com", "self": True, "responseStatus": response, "displayName": 'A "B"; c:d'}
    other = {"email": "Ben@Example.com", "responseStatus": "accepted"}
    [found] = read(made(attendees=[own, other], organizer={"email": "ben@example.com"}))
    assert found.answers == {OWNER: [partstat], "ben@example.com": ["ACCEPTED"]}


def test_a_calendar_without_an_address_of_its_own() -> None:
    own = {"email": OWNER, "self": True, "responseStatus": "declined"}
    [found] = expand(only(made(attendees=[own]), calendar_id="primary").ical, "UTC", LOW, HIGH)
    assert found.answers == {OWNER: ["DECLINED"]}


def test_addresses_that_have_to_be_escaped() -> None:
    [found] = read(made(attendees=[{"email": "a%40b+c@example.com"}, {"email": "x\r\nATTENDEE:y@example.com"}, {}]))
    assert set(found.answers) == {"a%40b+c@example.com", "xattendee:y@example.com"}


def test_days() -> None:
    [found] = read(made(start={"date": "2027-03-28"}, end={"date": "2027-03-30"}))
    assert (found.start_date, found.end_date) == (date(2027, 3, 28), date(2027, 3, 30))
    assert found.end - found.start == 2 * DAY - HOUR, "the clock changes"


TIMES: dict[str, tuple[Json, int]] = {
    "an offset": ({"dateTime": "2027-03-04T10:00:00+01:00"}, START),
    "UTC": ({"dateTime": "2027-03-04T09:00:00Z"}, START),
    "parts of a second": ({"dateTime": "2027-03-04T09:00:00.999Z"}, START),
    "another zone than the offset's": ({"dateTime": "2027-03-04T10:00:00+01:00", "timeZone": "Asia/Tokyo"}, START),
    "a zone and no offset": ({"dateTime": "2027-03-04T10:00:00", "timeZone": "Europe/Berlin"}, START),
    "an unknown zone": ({"dateTime": "2027-03-04T10:00:00+01:00", "timeZone": "Mars/Olympus"}, START),
    "a zone that breaks lines": ({"dateTime": "2027-03-04T10:00:00+01:00", "timeZone": "UTC\r\nX:1"}, START),
    "the doubled hour, first": ({"dateTime": "2027-10-31T02:30:00+02:00", "timeZone": "Europe/Berlin"}, 1_824_942_600),
    "the doubled hour, second": ({"dateTime": "2027-10-31T02:30:00+01:00", "timeZone": "Europe/Berlin"}, 1_824_946_200),
}


@pytest.mark.parametrize("name", TIMES)
def test_times(name: str) -> None:
    value, instant = TIMES[name]
    end = {"dateTime": datetime.fromtimestamp(instant + HOUR, UTC).isoformat()}
    [found] = read(made(start=value, end=end))
    assert (found.start, found.end) == (instant, instant + HOUR)


@pytest.mark.parametrize(
    "wrong",
    [
        {"start": None},
        {"end": {}},
        {"start": {"dateTime": "tomorrow"}},
        {"start": {"dateTime": "2027-03-04T10:00:00"}},
        {"start": {"dateTime": "2027-03-04T10:00:00", "timeZone": "Mars/Olympus"}},
        {"start": {"date": "2027-13-04"}},
        {"start": {"dateTime": 7}},
        {"start": {"dateTime": "0001-01-01T00:00:00+14:00"}},
        {"id": None},
        {"id": ""},
        {"recurrence": ["X-RULE:FREQ=DAILY"]},
        {"recurrence": ["RRULE:FREQ=DAILY\r\nEND:VEVENT"]},
        {"recurrence": [7]},
        {"recurrence": "RRULE"},
        {"recurringEventId": "series"},
    ],
    ids=str,
)
def test_what_cannot_be_read_is_never_left_out(wrong: Json) -> None:
    with pytest.raises(ProviderUnavailable):
        objects_of([made(), made(**{"id": "two", **wrong})], OWNER)


def test_a_series_in_a_zone_that_nobody_knows_is_refused_by_its_reader() -> None:
    for zone in ("Mars/Olympus", None):
        side = {"dateTime": "2027-03-04T10:00:00+01:00", "timeZone": zone}
        with pytest.raises(InvalidCalendar):
            read(made(start=side, end=side, recurrence=["RRULE:FREQ=DAILY"]))


def test_a_series_and_its_exceptions() -> None:
    series = made(recurrence=["RRULE:FREQ=DAILY;COUNT=6", "EXDATE;TZID=Europe/Berlin:20270306T100000"])
    moved = exception(1, at(5), start=at(5, 14), end=at(5, 15), etag='"2"')
    gone = {"id": "opaque2", "recurringEventId": "one", "originalStartTime": at(7), "status": "cancelled"}
    renamed = exception(3, at(8), start=at(8), end=at(8, 12), transparency="transparent")
    found = read(series, moved, gone, renamed)
    hours = [0, DAY + 5 * HOUR, 4 * DAY, 5 * DAY]
    assert [each.start - START for each in found] == hours
    assert [each.transparency for each in found] == ["opaque", "opaque", "transparent", "opaque"]
    assert {each.uid for each in found} == {"one@google.com"}


def test_a_series_of_days_and_its_exceptions() -> None:
    series = made(start={"date": "2027-03-04"}, end={"date": "2027-03-05"}, recurrence=["RRULE:FREQ=DAILY;COUNT=4"])
    gone = {"id": "x", "recurringEventId": "one", "originalStartTime": {"date": "2027-03-05"}, "status": "cancelled"}
    moved = exception(2, {"date": "2027-03-06"}, start={"date": "2027-03-10"}, end={"date": "2027-03-11"})
    found = [each.start_date for each in read(series, gone, moved)]
    assert found == [date(2027, 3, 4), date(2027, 3, 7), date(2027, 3, 10)]


def test_a_cancelled_instance_that_does_not_say_when_it_was_blocks() -> None:
    gone = {"id": "x", "recurringEventId": "one", "status": "cancelled"}
    assert starts(made(recurrence=["RRULE:FREQ=DAILY;COUNT=2"]), gone) == [START, START + DAY]


def test_exceptions_without_their_series() -> None:
    gone = {"id": "x", "recurringEventId": "one", "originalStartTime": at(7), "status": "cancelled"}
    assert starts(exception(1, at(4)), exception(2, at(5), start=at(6), end=at(6, 10)), gone) == [
        START,
        START + 2 * DAY,
    ]
    assert objects_of([gone], OWNER) == {"one": None}
    assert objects_of([made(status="cancelled")], OWNER) == {"one": None}
    assert objects_of([made(status="cancelled"), exception(1, at(4))], OWNER) == {"one": None}


def test_the_version_changes_with_every_part() -> None:
    series = made(recurrence=["RRULE:FREQ=DAILY"])
    parts = [exception(1, at(5)), exception(2, at(6))]
    versions = [
        only(series).version,
        only({**series, "etag": '"9"'}).version,
        only(series, parts[0]).version,
        only(series, *parts).version,
        only(series, {**parts[0], "etag": '"5"'}, parts[1]).version,
        only(series, {**parts[0], "status": "cancelled"}, parts[1]).version,
    ]
    assert len(set(versions)) == len(versions)
    assert only(series, *parts).version == only(*parts[::-1], series).version
    assert only(made()).version == '"1"'


def test_our_uid_is_taken_from_our_own_event_alone() -> None:
    private = {"extendedProperties": {"private": {UID: "key-1@slotlink.test"}}}
    assert only(made(id=own_id("key-1"), **private)).ical.count("UID:key-1@slotlink.test") == 1
    for other in ("one", own_id("key-2"), own_id("key-1") + "0", ""):
        assert own_uid({"id": other, **private}) is None
    assert own_uid({"id": own_id("key-1"), "extendedProperties": {"shared": {UID: "key-1@x"}}}) is None


@pytest.mark.parametrize("key", ["0f4f2b1c-7a51-5b7e-9d6c-0242ac120002", "key", "ä🦷k"])
def test_own_ids_have_the_letters_that_google_allows(key: str) -> None:
    found = own_id(key)
    assert 5 <= len(found) <= 1024 and set(found) <= set("0123456789abcdefghijklmnopqrstuv")


ROOM = {"entryPointType": "video", "uri": "https://meet.google.com/abc"}
PHONE = {"entryPointType": "phone", "uri": "tel:+1"}


@pytest.mark.parametrize(
    ("data", "url"),
    [
        ({"entryPoints": [PHONE, ROOM], "createRequest": {"status": {"statusCode": "success"}}}, ROOM["uri"]),
        ({"entryPoints": [ROOM]}, ROOM["uri"]),
        ({"entryPoints": [ROOM], "createRequest": {"status": {"statusCode": "pending"}}}, None),
        ({"createRequest": {"status": {"statusCode": "pending"}}}, None),
        ({"createRequest": {"status": {"statusCode": "failure"}}}, None),
        ({"entryPoints": [{**ROOM, "uri": "javascript:alert(1)"}]}, None),
        ({"entryPoints": [{**ROOM, "uri": "https://x\r\nATTENDEE:y"}]}, None),
        ({"entryPoints": 7}, None),
        (None, None),
    ],
    ids=str,
)
def test_meeting_rooms(data: Any, url: str | None) -> None:
    event = made(conferenceData=data)
    assert join_url(event) == url
    assert ("X-GOOGLE-CONFERENCE:" in only(event).ical) == (url is not None)


def test_calendars() -> None:
    entries = [
        {"id": "Ann@Example.com", "summary": "ann", "summaryOverride": "Me", "accessRole": "owner", "primary": True},
        {"id": "x", "accessRole": "reader", "timeZone": "Mars/Olympus", "backgroundColor": "red"},
        {"id": "y", "accessRole": "writer", "timeZone": "Asia/Tokyo", "backgroundColor": "#A1B2C3"},
        {"id": "gone", "deleted": True},
        {"id": "none", "accessRole": "none"},
    ]
    mine, other, third = calendars_of(entries)
    assert (mine.name, mine.primary, mine.writable, mine.owner_addresses) == ("Me", True, True, ("ann@example.com",))
    assert (other.name, other.tzid, other.color, other.writable, other.owner_addresses) == ("x", None, None, False, ())
    assert (third.tzid, third.color, third.conferencing) == ("Asia/Tokyo", "#a1b2c3", False)
    with pytest.raises(ProviderUnavailable):
        calendars_of([{"summary": "no id"}])
