"""Who has answered an invitation, and what Outlook says, as the reader finds it and the services pass it on."""

from __future__ import annotations

import pytest

from slotlink.domain.event import BusyKind
from slotlink.ical import Occurrence, expand, read_calendar
from slotlink.services.occurrences import details_of, stored, stored_occurrences

WINDOW = (1_772_406_000, 1_775_426_400)  # 2 March to 6 April 2026, Berlin


def calendar(*lines: str) -> str:
    event = ["BEGIN:VEVENT", "UID:one@slotlink.test", "DTSTART:20260303T090000Z", "DURATION:PT1H", *lines, "END:VEVENT"]
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//t//", *event, "END:VCALENDAR", ""])


def occurrence(*lines: str) -> Occurrence:
    [item], _ = read_calendar(calendar(*lines))
    [found] = expand(item.text, "UTC", *WINDOW)
    return found


@pytest.mark.parametrize(
    ("line", "answers"),
    [
        ("ATTENDEE;PARTSTAT=DECLINED:mailto:ann@slotlink.test", {"ann@slotlink.test": ["DECLINED"]}),
        ("attendee;partstat=Declined:MAILTO:Ann@Slotlink.Test", {"ann@slotlink.test": ["DECLINED"]}),
        ('ATTENDEE;PARTSTAT="DECLINED":mailto:ann@slotlink.test', {"ann@slotlink.test": ["DECLINED"]}),
        ("ATTENDEE;PARTSTAT=DECLINED:ann@slotlink.test", {"ann@slotlink.test": ["DECLINED"]}),
        ("ATTENDEE:mailto:ann@slotlink.test", {"ann@slotlink.test": ["NEEDS-ACTION"]}),
        ("ATTENDEE;PARTSTAT=:mailto:ann@slotlink.test", {"ann@slotlink.test": ["NEEDS-ACTION"]}),
        ("ATTENDEE;PARTSTAT=X-LATER:mailto:ann@slotlink.test", {"ann@slotlink.test": ["NEEDS-ACTION"]}),
        (
            'ATTENDEE;CN="Doe: ;PARTSTAT=DECLINED";PARTSTAT=ACCEPTED:mailto:ann@slotlink.test',
            {"ann@slotlink.test": ["ACCEPTED"]},
        ),
        (
            'ATTENDEE;DELEGATED-TO="mailto:a@slotlink.test","mailto:b@slotlink.test";PARTSTAT=DELEGATED:mailto:c@slotlink.test',
            {"c@slotlink.test": ["DELEGATED"]},
        ),
        (
            "ATTENDEE;EMAIL=Ann@slotlink.test;PARTSTAT=TENTATIVE:/principals/ann/",
            {"/principals/ann/": ["TENTATIVE"], "ann@slotlink.test": ["TENTATIVE"]},
        ),
    ],
)
def test_an_answer_is_found(line: str, answers: dict[str, list[str]]) -> None:
    assert occurrence(line).answers == answers


@pytest.mark.parametrize(
    "line",
    [
        "ATTENDEE",
        "ATTENDEE;",
        "ATTENDEE;PARTSTAT=DECLINED",
        'ATTENDEE;CN="Ann;PARTSTAT=DECLINED:mailto:ann@slotlink.test',
        "ATTENDEE;PARTSTAT:mailto:ann@slotlink.test",
        "ATTENDEE-X;PARTSTAT=DECLINED:mailto:ann@slotlink.test",
        "ATTENDEE;PARTSTAT=DECLINED:",
    ],
)
def test_an_attendee_that_cannot_be_read_frees_nobody(line: str) -> None:
    text = read_calendar(calendar(line))[0][0].text
    for owner in (["ann@slotlink.test"], [""]):
        assert [row.kind for row in stored_occurrences(text, "UTC", *WINDOW, owner_addresses=owner)] == ["busy"]


def test_one_address_twice_has_each_of_its_answers_once() -> None:
    said = ["DECLINED", "ACCEPTED", "DECLINED"]
    found = occurrence(*(f"ATTENDEE;PARTSTAT={each}:mailto:ann@slotlink.test" for each in said))
    assert found.answers == {"ann@slotlink.test": ["DECLINED", "ACCEPTED"]}


@pytest.mark.parametrize(
    ("lines", "busy_status"),
    [
        ([], ""),
        (["X-MICROSOFT-CDO-BUSYSTATUS: oof "], "OOF"),
        (["X-MICROSOFT-MSNCALENDAR-BUSYSTATUS:FREE"], "FREE"),
        (["X-MICROSOFT-CDO-INTENDEDSTATUS:FREE"], "FREE"),
        (["X-MICROSOFT-CDO-INTENDEDSTATUS:FREE", "X-MICROSOFT-CDO-BUSYSTATUS:BUSY"], "BUSY"),
        (["X-MICROSOFT-MSNCALENDAR-BUSYSTATUS:FREE", "X-MICROSOFT-CDO-BUSYSTATUS:BUSY"], "BUSY"),
        (["X-MICROSOFT-CDO-INTENDEDSTATUS:OOF", "X-MICROSOFT-MSNCALENDAR-BUSYSTATUS:TENTATIVE"], "TENTATIVE"),
    ],
)
def test_which_of_outlooks_words_counts(lines: list[str], busy_status: str) -> None:
    assert occurrence(*lines).busy_status == busy_status


@pytest.mark.parametrize("choice", ["busy", "tentative", "free"])
def test_the_owners_choice_about_working_elsewhere_reaches_the_store(choice: BusyKind) -> None:
    lines = ["X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE", "TRANSP:TRANSPARENT"]
    assert stored(occurrence(*lines), working_elsewhere=choice).kind == choice
    [row] = stored_occurrences(calendar(*lines), "UTC", *WINDOW, working_elsewhere=choice)
    assert row.kind == choice
    assert stored(occurrence(*lines)).kind == "free"


@pytest.mark.parametrize("line", ["STATUS: Tentative ", "status:tentative"])
def test_words_from_a_list_are_read_in_any_spelling(line: str) -> None:
    found = occurrence(line, "TRANSP: transparent ", "CLASS: private ")
    assert (found.status, found.transparency, found.private) == ("tentative", "transparent", True)


def test_an_event_is_read_back_as_it_was_written_whatever_its_owner_answered() -> None:
    found = occurrence("ATTENDEE;PARTSTAT=DECLINED:mailto:ann@slotlink.test", "CLASS:PRIVATE")
    assert stored(found, owner_addresses=["ann@slotlink.test"]).kind == "free"
    details = details_of(found)
    assert (details["transparency"], details["status"], details["event_private"]) == ("opaque", "confirmed", True)
