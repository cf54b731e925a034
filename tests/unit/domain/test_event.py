"""What blocks, how times look, and what a booking writes of a template."""

import datetime
from itertools import product
from typing import Any

import pytest

from slotlink.domain.event import (
    busy_kind,
    fill_in,
    local_wire_time,
    mail_address,
    midnight,
    own_answers,
    wire_time,
    with_times,
)


@pytest.mark.parametrize(
    ("transparency", "status", "kind"),
    [
        (None, None, "busy"),
        ("opaque", None, "busy"),
        ("unknown", None, "busy"),
        ("opaque", "confirmed", "busy"),
        ("opaque", "tentative", "tentative"),
        (None, "tentative", "tentative"),
        ("transparent", None, "free"),
        ("transparent", "tentative", "free"),
        ("opaque", "cancelled", "free"),
        (None, "cancelled", "free"),
    ],
)
def test_what_is_neither_transparent_nor_cancelled_blocks(
    transparency: str | None, status: str | None, kind: str
) -> None:
    assert busy_kind(transparency=transparency, status=status) == kind


@pytest.mark.parametrize(
    ("busy_status", "kind"),
    [
        (None, "busy"),
        ("", "busy"),
        ("BUSY", "busy"),
        ("OOF", "busy"),
        ("NOVEL", "busy"),
        ("FREE", "free"),
        ("TENTATIVE", "tentative"),
        ("WORKINGELSEWHERE", "free"),
    ],
)
def test_what_outlook_says_of_an_event(busy_status: str | None, kind: str) -> None:
    assert busy_kind(transparency="opaque", status="confirmed", busy_status=busy_status) == kind


@pytest.mark.parametrize("choice", ["busy", "tentative", "free"])
def test_working_elsewhere_is_what_its_owner_says_it_is(choice: Any) -> None:
    said = {"transparency": "opaque", "status": None, "working_elsewhere": choice}
    assert busy_kind(**said, busy_status="WORKINGELSEWHERE") == choice
    assert busy_kind(**{**said, "transparency": "transparent"}, busy_status="WORKINGELSEWHERE") == choice
    assert busy_kind(**{**said, "transparency": "transparent"}, busy_status="OOF") == "free"
    assert busy_kind(**{**said, "status": "cancelled"}, busy_status="WORKINGELSEWHERE") == "free"
    assert busy_kind(**said, busy_status="OOF") == "busy"
    assert busy_kind(**said, busy_status="FREE") == "free"


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([], "busy"),
        (["ACCEPTED"], "busy"),
        (["DECLINED"], "free"),
        (["DELEGATED"], "free"),
        (["NEEDS-ACTION"], "tentative"),
        (["TENTATIVE"], "tentative"),
        (["X-LATER"], "tentative"),
        ([""], "tentative"),
        (["DECLINED", "ACCEPTED"], "busy"),
        (["ACCEPTED", "NEEDS-ACTION"], "busy"),
        (["DECLINED", "NEEDS-ACTION"], "tentative"),
        (["DELEGATED", "DECLINED"], "free"),
    ],
)
def test_what_the_owner_has_answered(answers: list[str], kind: str) -> None:
    assert busy_kind(transparency=None, status=None, answers=answers) == kind
    assert busy_kind(transparency=None, status=None, answers=answers[::-1]) == kind


def test_what_takes_no_time_blocks_nothing() -> None:
    assert busy_kind(transparency=None, status="confirmed", takes_time=False) == "free"
    assert busy_kind(transparency=None, status="tentative", answers=["ACCEPTED"], takes_time=False) == "free"


def test_free_for_one_reason_is_free_and_tentative_for_one_reason_is_never_busy() -> None:
    transparencies = {"opaque": "busy", "transparent": "free"}
    statuses = {"confirmed": "busy", "tentative": "tentative", "cancelled": "free"}
    outlook = {"BUSY": "busy", "TENTATIVE": "tentative", "FREE": "free"}
    answered = {"ACCEPTED": "busy", "TENTATIVE": "tentative", "DECLINED": "free"}
    for transparency, status, busy_status, answer in product(transparencies, statuses, outlook, answered):
        kind = busy_kind(transparency=transparency, status=status, busy_status=busy_status, answers=[answer])
        kinds = [transparencies[transparency], statuses[status], outlook[busy_status], answered[answer]]
        assert kind == next(each for each in ("free", "tentative", "busy") if each in kinds)


@pytest.mark.parametrize(
    "spelling",
    [
        "ann@example.org",
        "Ann@EXAMPLE.org",
        "mailto:ann@example.org",
        " MAILTO:Ann@Example.ORG ",
        "mailto:ann%40example.org",
        "mailto:ann@example.org?subject=Lunch",
    ],
)
def test_one_person_is_found_in_every_spelling(spelling: str) -> None:
    assert mail_address(spelling) == "ann@example.org"
    everybody = {mail_address(spelling): ["DECLINED"], "bob@example.org": ["ACCEPTED"]}
    assert own_answers(everybody, ["Ann@example.org", "mailto:ann@example.org"]) == ["DECLINED"]
    assert own_answers({"ann@example.org": ["DECLINED"]}, [spelling]) == ["DECLINED"]


def test_nobody_elses_answer_is_the_owners() -> None:
    everybody = {"ann@example.org": ["DECLINED"], "bob@example.org": ["ACCEPTED"]}
    for owner in ([], [""], ["nn@example.org"], ["ann@example.org.test"], ["urn:ann@example.org"]):
        assert own_answers(everybody, owner) == []
    assert sorted(own_answers(everybody, ["bob@example.org", "ann@example.org"])) == ["ACCEPTED", "DECLINED"]


def test_a_time_on_the_wire_is_utc_to_the_second() -> None:
    assert wire_time(0) == "1970-01-01T00:00:00Z"
    assert wire_time(1_804_237_200) == "2027-03-05T09:00:00Z"
    assert wire_time(-1) == "1969-12-31T23:59:59Z"


def test_a_local_time_carries_its_offset() -> None:
    summer = 1_814_000_000
    assert local_wire_time(summer, "Europe/London").endswith("+01:00")
    assert local_wire_time(summer, "Asia/Kolkata").endswith("+05:30")
    assert local_wire_time(summer, "Etc/UTC").endswith("Z")
    assert local_wire_time(1_804_237_200, "Europe/London") == "2027-03-05T09:00:00Z"


def test_a_day_begins_at_its_first_instant_also_where_midnight_is_skipped() -> None:
    assert wire_time(midnight(datetime.date(2027, 3, 5), "Asia/Tokyo")) == "2027-03-04T15:00:00Z"
    # Clocks in Cairo went from 0:00 to 1:00 on 28 April 2023.
    assert wire_time(midnight(datetime.date(2023, 4, 28), "Africa/Cairo")) == "2023-04-27T22:00:00Z"


def test_a_completed_event_is_the_template_and_its_times() -> None:
    template = {"event_id": "e", "summary": "S"}
    assert with_times(template, 0, 60, "Europe/London") == {
        "event_id": "e",
        "summary": "S",
        "start": {"time": "1970-01-01T00:00:00Z", "tzid": "Europe/London"},
        "end": {"time": "1970-01-01T00:01:00Z", "tzid": "Europe/London"},
    }
    assert template == {"event_id": "e", "summary": "S"}


def test_conferencing_variables_are_filled_in_wherever_texts_hold_them() -> None:
    event: dict[str, Any] = {
        "summary": "{{ cronofy.conferencing.join_url }}",
        "description": "Join {{cronofy.conferencing.join_url}}, {{  cronofy.conferencing.invite_block }}. {{ other }}",
        "location": {"description": "{{ cronofy.conferencing.join_url }}", "lat": "1"},
        "conferencing": {"profile_id": "explicit", "join_url": r"https://meet.test/\1"},
    }
    filled = fill_in(event)
    assert filled["summary"] == event["summary"]
    assert filled["description"] == r"Join https://meet.test/\1, https://meet.test/\1. {{ other }}"
    assert filled["location"] == {"description": r"https://meet.test/\1", "lat": "1"}
    assert "cronofy" not in fill_in({**event, "conferencing": None})["description"]
