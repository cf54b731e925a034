"""What goes out to guests, read back by another library, icalendar, as their calendars would."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotlink.ical import InvalidCalendar, expand, write_event
from slotlink.ical.inviting import (
    cancellation,
    is_cancelled,
    is_over,
    read_message,
    request,
    same_to_guests,
    stamp_of,
    uid_of,
)
from slotlink.ical.writing import Attendee

NINE = int(datetime(2027, 3, 5, 9, tzinfo=UTC).timestamp())
HOUR = 3600
ANN, BEN, EVE = "ann@host.test", "ben@guests.test", "eve@guests.test"
GUESTS = [Attendee(BEN, "Ben"), Attendee(EVE, answer="ACCEPTED")]
TEXT = st.text(max_size=300)


def ours(**members: Any) -> str:
    whole: dict[str, Any] = {"start": NINE, "end": NINE + HOUR, "tzid": "Europe/Berlin", "summary": "Talk"}
    whole |= {"uid": "k@slotlink", "stamp": 1, "organizer": ANN, "attendees": GUESTS}
    return write_event(**{**whole, **members})


def theirs(*lines: str, tzid: str = "Europe/Berlin") -> str:
    """As a person's calendar has it."""
    start = (f"DTSTART;TZID={tzid}:20270305T100000", f"DTEND;TZID={tzid}:20270305T110000")
    when = () if any(line.startswith("DTSTART") for line in lines) else start
    event = ("BEGIN:VEVENT", "UID:theirs", "SUMMARY:Talk", *when, *lines, "END:VEVENT")
    return "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", *event, "END:VCALENDAR", ""))


def message(text: str, **members: Any) -> str:
    whole = {
        "uid": "k@slotlink",
        "organizer": ANN,
        "guests": GUESTS,
        "tzid": "Europe/Berlin",
        "stamp": 7,
        "sequence": 3,
    }
    return request(text, **{**whole, **members})


def read(text: str) -> tuple[Any, Any]:
    """The calendar and its one event, as icalendar reads them."""
    calendar = icalendar.Calendar.from_ical(text)
    (event,) = calendar.events
    return calendar, event


def test_a_request_has_all_that_guests_need() -> None:
    text = message(ours(description="a\nb", location="Room 1", url="https://x.test/", private=True))
    calendar, event = read(text)
    assert (calendar["METHOD"], calendar["VERSION"]) == ("REQUEST", "2.0")
    assert (event["UID"], int(event["SEQUENCE"]), event["ORGANIZER"]) == ("k@slotlink", 3, f"mailto:{ANN}")
    assert (event.start, event.end) == (
        datetime(2027, 3, 5, 9, tzinfo=UTC),
        datetime(2027, 3, 5, 10, tzinfo=UTC),
    )
    assert [str(event[name]) for name in ("SUMMARY", "DESCRIPTION", "LOCATION", "URL", "CLASS", "STATUS")] == [
        *("Talk", "a\nb", "Room 1", "https://x.test/", "PRIVATE", "CONFIRMED")
    ]
    people = {str(each): dict(each.params) for each in event["ATTENDEE"]}
    assert list(people) == [f"mailto:{BEN}", f"mailto:{EVE}"]
    assert (
        people[f"mailto:{BEN}"] | {"PARTSTAT": "NEEDS-ACTION", "RSVP": "TRUE", "CN": "Ben"} == people[f"mailto:{BEN}"]
    )
    assert people[f"mailto:{EVE}"]["PARTSTAT"] == "ACCEPTED"


def test_a_cancellation_names_the_one_whom_it_is_for() -> None:
    asked = message(ours(), room="https://meet.test/1")
    text = cancellation(asked, guest=BEN, whole=True, stamp=9, sequence=5)
    calendar, event = read(text)
    assert (calendar["METHOD"], event["STATUS"], int(event["SEQUENCE"])) == ("CANCEL", "CANCELLED", 5)
    assert (event["UID"], event["SUMMARY"], event["ORGANIZER"]) == ("k@slotlink", "Talk", f"mailto:{ANN}")
    assert str(event["ATTENDEE"]) == f"mailto:{BEN}" and "RSVP" not in event["ATTENDEE"].params
    assert event.start == datetime(2027, 3, 5, 9, tzinfo=UTC)
    assert (stamp_of(text), stamp_of(asked)) == (9, 7)
    assert is_cancelled(text) and not is_cancelled(asked) and uid_of(text) == uid_of(asked) == "k@slotlink"
    taken_off = cancellation(asked, guest=BEN, whole=False, stamp=9, sequence=5)
    assert read(taken_off)[0]["METHOD"] == "CANCEL"
    assert "STATUS" not in read(taken_off)[1], "the event goes on without them (RFC 5546 section 3.2.5)"


def test_what_a_guest_sees_decides_whether_two_messages_are_the_same() -> None:
    first = message(ours())
    again = message(ours(stamp=99), guests=[Attendee(BEN, answer="DECLINED")], stamp=9, sequence=8)
    assert same_to_guests(first, again)
    for change in ({"summary": "Tea"}, {"location": "Here"}, {"description": "More"}, {"url": "https://x.test/"}):
        other = message(ours(**change))
        assert not same_to_guests(first, other), change
    later = message(ours(end=NINE + 2 * HOUR))
    assert not same_to_guests(first, later)
    for asked in (first, message(theirs())):  # which has no STATUS either
        assert not same_to_guests(asked, cancellation(asked, guest=BEN, whole=False, stamp=1, sequence=9))
    assert not same_to_guests(first, message(ours(), uid="another@slotlink"))


def test_the_room_stands_where_no_place_does() -> None:
    assert read(message(ours(), room="https://meet.test/1,2"))[1]["LOCATION"] == "https://meet.test/1,2"
    assert read(message(ours(location="Room 1"), room="https://meet.test/1"))[1]["LOCATION"] == "Room 1"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((), NINE),
        (("DTSTART:20270305T100000", "DURATION:PT1H"), NINE),  # floating, so in the calendar's own zone
        (("DTSTART;TZID=W. Europe Standard Time:20270305T100000", "DURATION:PT1H"), NINE),
    ],
)
def test_one_event_is_told_in_instants_whatever_zone_its_calendar_has(lines: tuple[str, ...], expected: int) -> None:
    _, event = read(message(theirs(*lines)))
    assert (event.start, event.end) == tuple(datetime.fromtimestamp(at, UTC) for at in (expected, expected + HOUR))
    assert read_message(message(theirs(*lines))).tzid == "Europe/Berlin"


def test_whole_days_stay_days() -> None:
    text = message(theirs("DTSTART;VALUE=DATE:20270305", "DTEND;VALUE=DATE:20270307"))
    _, event = read(text)
    assert (event.start, event.end) == (date(2027, 3, 5), date(2027, 3, 7))
    shown = read_message(text)
    assert (shown.start_date, shown.end_date) == (date(2027, 3, 5), date(2027, 3, 7))


@pytest.mark.parametrize("tzid", ["Europe/Berlin", "W. Europe Standard Time"])
def test_what_a_person_made_repeat_brings_its_zone_along(tzid: str) -> None:
    """The guest's calendar may know no zone of that name."""
    text = message(theirs("RRULE:FREQ=WEEKLY;COUNT=9", tzid=tzid))
    calendar, event = read(text)
    assert [str(zone["TZID"]) for zone in calendar.walk("VTIMEZONE")] == [tzid]
    assert event["RRULE"]["FREQ"] == ["WEEKLY"] and read_message(text).repeats
    summer = expand(text, "UTC", NINE, NINE + 60 * 86400)[-1].start
    assert datetime.fromtimestamp(summer, ZoneInfo("Europe/Berlin")).hour == 10


def test_an_exception_of_a_series_goes_along() -> None:
    other = theirs("RECURRENCE-ID;TZID=Europe/Berlin:20270312T100000", "DTSTART;TZID=Europe/Berlin:20270312T150000")
    event = other[other.index("BEGIN:VEVENT") : other.index("END:VCALENDAR")]
    text = theirs("RRULE:FREQ=WEEKLY;COUNT=2").replace("END:VCALENDAR", event + "END:VCALENDAR")
    sent = message(text)
    assert [each.start for each in expand(sent, "UTC", NINE, NINE + 30 * 86400)] == [NINE, NINE + 7 * 86400 + 5 * HOUR]
    for line in ("UID:k@slotlink", "SEQUENCE:3", f"ORGANIZER:mailto:{ANN}"):
        assert sent.split("\r\n").count(line) == 2, line


def test_alarms_and_what_the_provider_adds_stay_at_home() -> None:
    alarm = ("BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:Wake up", "TRIGGER:-PT5M", "END:VALARM")
    text = message(theirs("DESCRIPTION:For all", "X-SECRET:1", "ATTENDEE:mailto:stranger@x.test", *alarm))
    assert "DESCRIPTION:For all" in text
    for word in ("VALARM", "Wake up", "X-SECRET", "stranger"):
        assert word not in text


def test_a_series_without_a_zone_gets_that_of_its_calendar() -> None:
    """Elsewhere it would be at another time."""
    lines = ("DTSTART:20270305T100000", "DTEND:20270305T110000", "EXDATE:20270312T100000", "RRULE:FREQ=WEEKLY;COUNT=3")
    sent = message(theirs(*lines))
    assert "DTSTART;TZID=Europe/Berlin:20270305T100000" in sent and "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\n" in sent
    starts = [each.start for each in expand(sent, "America/New_York", NINE, NINE + 30 * 86400)]
    assert starts == [NINE, NINE + 14 * 86400]
    assert message(theirs("DTSTART;VALUE=DATE:20270305", "RRULE:FREQ=WEEKLY;COUNT=3")).count("TZID") == 0


@pytest.mark.parametrize("named", ["Nowhere/Land", "My Zone", "America/New_York", "Broken"])
def test_a_calendar_whose_file_names_another_zone(named: str) -> None:
    """It may explain that name or not. Where a time names no zone, we take it to be in that of the calendar: so do the
    guests (`read_object`)."""
    zone = ("BEGIN:VTIMEZONE", "TZID:My Zone", "BEGIN:STANDARD", "DTSTART:19700101T000000", "TZOFFSETFROM:+0300")
    broken = ("BEGIN:VTIMEZONE", "TZID:Broken", "BEGIN:STANDARD", "TZOFFSETTO:+0300", "END:STANDARD", "END:VTIMEZONE")
    blocks = (*zone, "TZOFFSETTO:+0300", "END:STANDARD", "END:VTIMEZONE", *broken)
    head = "\r\n".join((f"X-WR-TIMEZONE:{named}", *blocks, "BEGIN:VEVENT"))
    plain = theirs("DTSTART:20270305T090000Z", "DTEND:20270305T100000Z").replace("BEGIN:VEVENT", head, 1)
    shown = read_message(message(plain))
    assert (shown.start, shown.tzid) == (NINE, named if "/New_York" in named else "Europe/Berlin")
    lines = ("DTSTART:20270305T100000", "DTEND:20270305T110000")
    for floating in (theirs(*lines), theirs(*lines, "RRULE:FREQ=DAILY;COUNT=2")):
        text = floating.replace("BEGIN:VEVENT", head, 1)
        read_there = expand(text, "Europe/Berlin", NINE - 86400, NINE + 86400)[0].start
        assert read_message(message(text)).start == read_there == NINE


def test_what_goes_without_saying_is_nothing_new() -> None:
    said = theirs("TRANSP:OPAQUE", "CLASS:PUBLIC", "STATUS:CONFIRMED")
    assert same_to_guests(message(theirs()), message(said))
    assert not same_to_guests(message(theirs()), message(theirs("TRANSP:TRANSPARENT")))


def test_what_is_over() -> None:
    once = message(ours())
    assert [is_over(once, now) for now in (NINE, NINE + HOUR - 1, NINE + HOUR)] == [False, False, True]
    weekly = message(theirs("RRULE:FREQ=WEEKLY;COUNT=3"))
    assert [is_over(weekly, NINE + weeks * 7 * 86400 + HOUR) for weeks in range(3)] == [False, False, True]
    assert not is_over(message(theirs("RRULE:FREQ=SECONDLY")), NINE + HOUR)


def test_what_another_program_wrote_cannot_add_a_line() -> None:
    """A carriage return alone is a line end to what puts mails together, and a few more signs are to Python."""
    hostile = theirs(
        "DESCRIPTION:a\rATTENDEE:mailto:evil@x.test\rURL:x\x0bMETHOD:CANCEL\x85METHOD:CANCEL\u2028METHOD:CANCEL"
    )
    sent = message(hostile)
    assert sorted(set(sent) & set("\r\x0b\x00")) == ["\r"] and "\r" not in sent.replace("\r\n", "")
    assert not is_cancelled(sent) and not read_message(sent).cancels
    _, event = read(sent)
    assert {str(each) for each in event["ATTENDEE"]} == {f"mailto:{BEN}", f"mailto:{EVE}"} and "URL" not in event


def test_nothing_to_invite_to_is_refused() -> None:
    with pytest.raises(InvalidCalendar, match="no event"):
        message("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n")
    with pytest.raises(InvalidCalendar):
        message(theirs(tzid="Nowhere/Land"))


@given(summary=TEXT, description=TEXT, location=TEXT, name=TEXT, room=TEXT)
def test_no_text_can_add_a_line(summary: str, description: str, location: str, name: str, room: str) -> None:
    text = message(
        ours(summary=summary, description=description, location=location),
        guests=[Attendee(BEN, name)],
        room=room,
    )
    calendar, event = read(text)
    assert [str(each) for each in [event["ATTENDEE"]]] == [f"mailto:{BEN}"]
    assert len(calendar.subcomponents) == 1 and len(event.subcomponents) == 0
    names = {"UID", "DTSTAMP", "SEQUENCE", "DTSTART", "DTEND", "SUMMARY", "DESCRIPTION", "LOCATION", "STATUS"}
    assert set(event) <= names | {"ORGANIZER", "ATTENDEE"}
    assert (
        same_to_guests(text, text)
        and uid_of(cancellation(text, guest=BEN, whole=True, stamp=1, sequence=9)) == "k@slotlink"
    )
    read_message(text)
