"""Guests in iCalendar text: as we write them, and as they survive when we write over what somebody else made of it."""

from __future__ import annotations

from typing import Any

import pytest

from slotlink.ical import expand, merge, read_calendar, write_event
from slotlink.ical.writing import Attendee
from slotlink.services.guests import attendees_of
from slotlink.services.occurrences import details_of, stored

START = 1_804_237_200
BEN, EVE = Attendee("ben@x.test"), Attendee("eve@x.test")


def written(*attendees: Attendee, **members: Any) -> str:
    event: dict[str, Any] = {"uid": "u", "start": START, "end": START + 60, "tzid": "UTC", "summary": "S", "stamp": 0}
    event |= {"organizer": "ann@x.test", **members}
    return write_event(**event, attendees=attendees)


def lines(text: str, name: str) -> list[str]:
    return [line for line in text.replace("\r\n ", "").splitlines() if line.startswith(name)]


def test_whoever_is_invited_is_so_by_the_owner() -> None:
    text = written(Attendee("ben@x.test", "Ben", "ACCEPTED"), EVE)
    assert lines(text, "ORGANIZER") == ["ORGANIZER:mailto:ann@x.test"]
    assert lines(text, "ATTENDEE") == [
        'ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=TRUE;CN="Ben":mailto:ben@x.test',
        "ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:eve@x.test",
    ]


def test_whoever_invites_nobody_is_no_organizer() -> None:
    assert lines(written(), "ORGANIZER") == lines(written(), "ATTENDEE") == []
    assert lines(written(BEN, organizer=""), "ORGANIZER") == []


@pytest.mark.parametrize(
    ("email", "name"),
    [
        ("ben@x.test", 'Ben "B" ^n; Jr.: a, b'),
        ("ben@x.test", "Ben\r\nDTEND:20300101T000000Z"),
        ("ben\r\nDTEND:20300101T000000Z@x.test", "Ben"),
        ('b;e:n,%"^@x.test', "Ben"),
        ("zoë.o'neil+a@x.test", "Zoë\x00\x07" * 50),
        ("ben@x.test", "\u2028\ud800 "),
    ],
    ids=["quotes", "lines-in-names", "lines-in-addresses", "signs", "long", "nothing-to-see"],
)
def test_no_name_and_no_address_says_anything_else(email: str, name: str) -> None:
    text = written(Attendee(email, name, "TENTATIVE"), EVE)
    [item], _ = read_calendar(text)
    [found] = expand(item.text, "UTC", START, START + 60)
    assert (found.start, found.end, found.summary) == (START, START + 60, "S")
    assert len(lines(text, "DTEND")) == 1 and len(lines(text, "ATTENDEE")) == 2
    address = "".join(character for character in email.lower() if character.isprintable())
    assert dict(found.answers) == {address: ["TENTATIVE"], "eve@x.test": ["NEEDS-ACTION"]}


def answered(text: str, answer: str = "ACCEPTED") -> str:
    """A server's own words for it: ben's answer, and that he was told."""
    plain = text.replace("\r\n ", "")
    return plain.replace(
        "PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:ben@", f'PARTSTAT={answer};SCHEDULE-STATUS="1.2":MAILTO:Ben@'
    )


def people(text: str) -> dict[str, list[str]]:
    [found] = expand(text, "UTC", 0, 4_000_000_000)
    return {address: list(answers) for address, answers in found.answers.items()}


def test_an_answer_survives_what_we_change() -> None:
    before = written(BEN, EVE)
    merged = merge(answered(before), before, written(BEN, EVE, summary="New", sequence=2))
    assert people(merged) == {"ben@x.test": ["ACCEPTED"], "eve@x.test": ["NEEDS-ACTION"]}
    assert lines(merged, "SUMMARY") == ["SUMMARY:New"] and len(lines(merged, "ORGANIZER")) == 1


def test_guests_come_and_go_by_our_wish() -> None:
    before = written(BEN, EVE)
    merged = merge(answered(before), before, written(BEN, Attendee("zoe@x.test")))
    assert people(merged) == {"ben@x.test": ["ACCEPTED"], "zoe@x.test": ["NEEDS-ACTION"]}
    assert people(merge(answered(before), before, written(EVE))) == {"eve@x.test": ["NEEDS-ACTION"]}


def test_whom_a_person_has_invited_or_taken_off_stays_so() -> None:
    before = written(BEN)
    theirs = before.replace("ATTENDEE;", "ATTENDEE:mailto:own@x.test\r\nATTENDEE;", 1)
    assert set(people(merge(theirs, before, written(BEN, EVE)))) == {"own@x.test", "ben@x.test", "eve@x.test"}
    assert set(people(merge(written(EVE), written(BEN, EVE), written(BEN, EVE, summary="New")))) == {"eve@x.test"}
    already = merge(answered(before, "DECLINED"), written(), written(BEN))
    assert people(already) == {"ben@x.test": ["DECLINED"]}, "whom a person has invited before us is invited once"


def test_the_first_guest_brings_the_organizer_along_and_the_last_takes_them_off() -> None:
    none = written()
    merged = merge(none, none, written(BEN))
    assert lines(merged, "ORGANIZER") == ["ORGANIZER:mailto:ann@x.test"] and set(people(merged)) == {"ben@x.test"}
    emptied = merge(merged, written(BEN), none)
    assert lines(emptied, "ORGANIZER") == lines(emptied, "ATTENDEE") == []


def test_guests_as_they_are_stored_become_attendees() -> None:
    details = {
        "attendees": [
            {"email": "Ann@x.test", "status": "needs_action"},
            {"email": "ben@x.test", "display_name": "Ben", "status": "declined"},
            {"email": "eve@x.test", "status": "unknown"},
        ]
    }
    assert attendees_of(details, ("ann@x.test",)) == [
        Attendee("Ann@x.test", "", "ACCEPTED"),
        Attendee("ben@x.test", "Ben", "DECLINED"),
        Attendee("eve@x.test", "", "NEEDS-ACTION"),
    ]
    assert attendees_of({}, ()) == []


def occurrence(*more: str) -> Any:
    head = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:u\r\nDTSTART:20270305T090000Z\r\nDURATION:PT1H\r\n"
    text = head + "".join(f"{line}\r\n" for line in more) + "END:VEVENT\r\nEND:VCALENDAR\r\n"
    return expand(text, "UTC", START - 86_400, START + 86_400)[0]


def test_who_is_invited_to_somebody_elses_event_is_read_back() -> None:
    found = occurrence(
        "ATTENDEE;PARTSTAT=DECLINED:mailto:ben@x.test",
        "ATTENDEE;PARTSTAT=TENTATIVE:mailto:eve@x.test",
        "ATTENDEE;PARTSTAT=ACCEPTED:mailto:eve@x.test",
        "ATTENDEE;PARTSTAT=X-LATE:mailto:zoe@x.test",
        "ATTENDEE:urn:uuid:1",
    )
    assert details_of(found)["attendees"] == [
        {"email": "ben@x.test", "status": "declined"},
        {"email": "eve@x.test", "status": "accepted"},
        {"email": "zoe@x.test", "status": "needs_action"},
    ]
    assert "attendees" not in details_of(occurrence())


def test_the_owners_own_answer_goes_with_the_occurrence() -> None:
    invited = ("ATTENDEE;PARTSTAT=DECLINED:mailto:ann@x.test", "ATTENDEE:mailto:ben@x.test")
    single = stored(occurrence(*invited), owner_addresses=["Ann@x.test"])
    assert single.details == {"participation_status": "declined"}
    assert stored(occurrence(*invited), owner_addresses=["eve@x.test"]).details is None
    repeated = stored(occurrence(*invited, "RRULE:FREQ=DAILY;COUNT=2"), owner_addresses=["ann@x.test"])
    assert repeated.details is not None
    assert repeated.details["participation_status"] == "declined" and "attendees" not in repeated.details


def test_of_very_many_guests_the_first_are_read_back() -> None:
    found = occurrence(*(f"ATTENDEE:mailto:{number}@x.test" for number in range(300)))
    assert len(details_of(found)["attendees"]) == 200
