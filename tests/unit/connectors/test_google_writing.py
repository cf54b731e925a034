"""Our events in Google's words, and whether what stands there is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from slotlink.connectors.base import EventWrite
from slotlink.connectors.google_own import own_id
from slotlink.connectors.google_writing import change_of, event_of, stands
from slotlink.errors import NotAccepted
from slotlink.ical import write_event

Json = dict[str, Any]
START = 1_804_150_800
VTIMEZONE = """BEGIN:VTIMEZONE
TZID:Own
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0300
TZOFFSETTO:+0300
END:STANDARD
END:VTIMEZONE
"""


def write(extra: Sequence[str] = (), *, times: Sequence[str] = (), before: str = "", **options: Any) -> EventWrite:
    """`times` instead of DTSTART and DTEND; `before` stands before the event."""
    texts = {name: options.pop(name) for name in ("description", "location", "url") if name in options}
    zone = options.pop("tzid", "Europe/Berlin")
    ical = write_event(
        uid="key@slotlink.test", start=START, end=START + 3600, tzid=zone, summary="Meeting", stamp=0, **texts
    )
    lines = ical.split("\r\n")
    if times:
        lines = [line for line in lines if not line.startswith(("DTSTART", "DTEND"))]
    at = lines.index("END:VEVENT")
    text = "\r\n".join([*lines[:at], *times, *extra, *lines[at:]])
    return EventWrite("key", text.replace("BEGIN:VEVENT", before + "BEGIN:VEVENT"), **options)


def test_a_plain_event() -> None:
    assert event_of(write(description="a, b\n\\c", location="Hall", url="https://x.test/1")) == {
        "id": own_id("key"),
        "summary": "Meeting",
        "description": "a, b\n\\c",
        "location": "Hall",
        "start": {"dateTime": "2027-03-04T09:00:00Z", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": "2027-03-04T10:00:00Z", "timeZone": "Europe/Berlin"},
        "status": "confirmed",
        "transparency": "opaque",
        "visibility": "default",
        "source": {"url": "https://x.test/1", "title": "Meeting"},
        "extendedProperties": {"private": {"slotlinkUid": "key@slotlink.test", "slotlinkInvites": "0"}},
    }


def timed(start: str, end: str, zone: str) -> Json:
    return {"start": {"dateTime": start, "timeZone": zone}, "end": {"dateTime": end, "timeZone": zone}}


TIMES: dict[str, tuple[EventWrite, Json]] = {
    "a zone": (
        write(times=["DTSTART;TZID=Asia/Tokyo:20270304T180000", "DTEND;TZID=Asia/Tokyo:20270304T190000"]),
        timed("2027-03-04T09:00:00Z", "2027-03-04T10:00:00Z", "Asia/Tokyo"),
    ),
    "floating, in the object's zone": (
        write(times=["DTSTART:20270304T100000", "DURATION:PT30M"]),
        timed("2027-03-04T09:00:00Z", "2027-03-04T09:30:00Z", "Europe/Berlin"),
    ),
    "a zone of its own": (
        write(times=["DTSTART;TZID=Own:20270304T120000", "DURATION:PT1H"], before=VTIMEZONE),
        timed("2027-03-04T09:00:00Z", "2027-03-04T10:00:00Z", "Europe/Berlin"),
    ),
    "no length": (
        write(times=["DTSTART:20270304T090000Z"]),
        timed("2027-03-04T09:00:00Z", "2027-03-04T09:00:00Z", "Europe/Berlin"),
    ),
    "days": (
        write(times=["DTSTART;VALUE=DATE:20270304", "DTEND;VALUE=DATE:20270306"]),
        {"start": {"date": "2027-03-04"}, "end": {"date": "2027-03-06"}},
    ),
    "a day": (
        write(times=["DTSTART;VALUE=DATE:20270304"]),
        {"start": {"date": "2027-03-04"}, "end": {"date": "2027-03-05"}},
    ),
    "a series in UTC": (
        write(["RRULE:FREQ=DAILY", "EXDATE:20270305T090000Z"]),
        {
            **timed("2027-03-04T09:00:00Z", "2027-03-04T10:00:00Z", "UTC"),
            "recurrence": ["RRULE:FREQ=DAILY", "EXDATE:20270305T090000Z"],
        },
    ),
    "a floating series": (
        write(["RRULE:FREQ=DAILY"], times=["DTSTART:20270304T100000", "DURATION:PT1H"]),
        {
            **timed("2027-03-04T09:00:00Z", "2027-03-04T10:00:00Z", "Europe/Berlin"),
            "recurrence": ["RRULE:FREQ=DAILY"],
        },
    ),
}


@pytest.mark.parametrize("name", TIMES)
def test_times(name: str) -> None:
    sent, said = TIMES[name]
    body = event_of(sent)
    assert {member: body[member] for member in ("start", "end", "recurrence") if member in body} == said


@pytest.mark.parametrize(
    "wrong",
    [
        replace(write(), ical="nonsense"),
        replace(write(), ical=write().ical.replace("END:VCALENDAR", "BEGIN:VEVENT\r\nEND:VEVENT\r\nEND:VCALENDAR")),
        write(times=["DTSTART;TZID=Nowhere:20270304T090000"]),
        write(["RRULE:FREQ=DAILY"], times=["DTSTART;TZID=Own:20270304T120000"], before=VTIMEZONE),
        write(times=["SUMMARY:twice"]),
    ],
    ids=["no iCalendar", "two events", "an unknown zone", "a series in a zone of its own", "no start"],
)
def test_what_cannot_be_written(wrong: EventWrite) -> None:
    with pytest.raises(NotAccepted):
        event_of(wrong)


MEMBERS: dict[str, tuple[EventWrite, Json]] = {
    "tentative": (replace(write(), ical=write().ical.replace(":CONFIRMED", ":TENTATIVE")), {"status": "tentative"}),
    "transparent": (write(["TRANSP:TRANSPARENT"]), {"transparency": "transparent"}),
    "private": (write(["CLASS:PRIVATE"]), {"visibility": "private"}),
    "an address that is no page": (write(url="mailto:x@y"), {"source": None}),
    "guests, whom nobody invites": (write(["ATTENDEE:mailto:b@x.test"]), {"attendees": None}),
    "guests": (
        write(
            [
                'ATTENDEE;CN="Ben";PARTSTAT=ACCEPTED:mailto:B@x.test',
                "ATTENDEE;ROLE=OPT-PARTICIPANT:mailto:c@x.test",
                "ATTENDEE:mailto:b@x.test",
                "ATTENDEE;SCHEDULE-AGENT=CLIENT:mailto:d@x.test",
                "ATTENDEE:urn:uuid:1",
            ],
            invites=True,
        ),
        {
            "attendees": [
                {"email": "b@x.test", "responseStatus": "needsAction"},
                {"email": "c@x.test", "responseStatus": "needsAction", "optional": True},
            ]
        },
    ),
    "a guest with a name": (
        write(['ATTENDEE;CN="Ben B.";PARTSTAT=ACCEPTED:mailto:b@x.test'], invites=True),
        {"attendees": [{"email": "b@x.test", "responseStatus": "accepted", "displayName": "Ben B."}]},
    ),
    "no meeting room": (write(), {"conferenceData": None}),
    "a meeting room": (
        write(conference=True),
        {"conferenceData": {"createRequest": {"requestId": "key", "conferenceSolutionKey": {"type": "hangoutsMeet"}}}},
    ),
}


@pytest.mark.parametrize("name", MEMBERS)
def test_members(name: str) -> None:
    sent, said = MEMBERS[name]
    body = event_of(sent)
    assert {member: body.get(member) for member in said} == said


def there(**members: Any) -> Json:
    """As Google keeps it: times in another zone, words and members of its own, a guest more."""
    body = event_of(write(["ATTENDEE:mailto:b@x.test"], description="a\n b", invites=True))
    return {
        **{name: value for name, value in body.items() if name not in ("transparency", "visibility")},
        "description": "a \r\nb\n",
        "start": {"dateTime": "2027-03-04T10:00:00+01:00", "timeZone": "Europe/Berlin"},
        "attendees": [{"email": "B@x.test", "responseStatus": "accepted", "comment": "ok"}, {"email": "c@x.test"}],
        "reminders": {"useDefault": True},
        "etag": '"7"',
        **members,
    }


OURS = write(["ATTENDEE:mailto:b@x.test"], description="a\n b", invites=True)
ANOTHER: dict[str, Json] = {
    "another time": {"start": {"dateTime": "2027-03-04T09:00:01Z"}},
    "another end": {"end": {"dateTime": "2027-03-04T09:30:00Z"}},
    "a whole day": {"start": {"date": "2027-03-04"}, "end": {"date": "2027-03-05"}},
    "no time": {"start": {}},
    "another name": {"summary": "Lunch"},
    "another text": {"description": "a b c"},
    "a place": {"location": "Hall"},
    "transparent": {"transparency": "transparent"},
    "private": {"visibility": "private"},
    "tentative": {"status": "tentative"},
    "cancelled": {"status": "cancelled"},
    "repeating": {"recurrence": ["RRULE:FREQ=DAILY"]},
    "an instance": {"recurringEventId": "x"},
    "without the guest": {"attendees": [{"email": "c@x.test"}]},
    "without a mark of ours": {"extendedProperties": {}},
}


def test_what_stands_there_as_it_was_sent() -> None:
    assert stands(there(), event_of(OURS))


@pytest.mark.parametrize("name", ANOTHER)
def test_what_a_person_has_made_of_it(name: str) -> None:
    assert not stands(there(**ANOTHER[name]), event_of(OURS))


@pytest.mark.parametrize(
    ("data", "is_there"),
    [(None, False), ({}, False), ({"createRequest": {"requestId": "key"}}, True), ({"entryPoints": [7]}, True)],
    ids=str,
)
def test_a_meeting_room_is_asked_for_once(data: Any, is_there: bool) -> None:
    body, event = event_of(write(conference=True)), event_of(write())
    event["conferenceData"] = data
    assert stands(event, body) is is_there
    assert ("conferenceData" in change_of(body, event)) is not is_there


def test_a_change_takes_away_what_is_no_more() -> None:
    event = there(location="Hall", source={"url": "https://x.test"}, recurrence=["RRULE:FREQ=DAILY"], colorId="7")
    change = change_of(event_of(OURS), event)
    assert {name for name, value in change.items() if value is None} == {"location", "source", "recurrence"}
    assert change["start"] == {"date": None, "dateTime": "2027-03-04T09:00:00Z", "timeZone": "Europe/Berlin"}
    assert not {"id", "colorId", "etag"} & change.keys()
    assert change["attendees"] == [{"email": "b@x.test", "responseStatus": "accepted", "comment": "ok"}]


def test_a_change_to_a_whole_day_leaves_no_time_behind() -> None:
    change = change_of(event_of(write(times=["DTSTART;VALUE=DATE:20270304"])), there())
    assert change["start"] == {"date": "2027-03-04", "dateTime": None, "timeZone": None}
