"""Google's double: free and busy."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from tests.doubles.google import GoogleDouble
from tests.doubles.google_caller import Caller, reason
from tests.doubles.google_person import GooglePerson
from tests.doubles.google_world import ANN, BEN


def utc(hour: int, day: int = 5, month: int = 3) -> datetime:
    return datetime(2027, month, day, hour, tzinfo=UTC)


def ask(*calendars: str, first: str = "2027-03-05", last: str = "2027-03-06", **more: Any) -> dict[str, Any]:
    bounds = {"timeMin": f"{first}T00:00:00Z", "timeMax": f"{last}T00:00:00Z"}
    return {**bounds, "items": [{"id": name} for name in calendars or ("primary",)], **more}


def busy(api: Caller, **more: Any) -> list[str]:
    """Hours from and to."""
    entry = api("POST", "/freeBusy", ask(**more)).json()["calendars"]["primary"]
    return [f"{period['start'][11:13]}-{period['end'][11:13]}" for period in entry["busy"]]


def test_busy_is_what_blocks(google: GoogleDouble, api: Caller, ann: GooglePerson) -> None:
    ann.creates(utc(8), utc(9))
    ann.creates(utc(9), utc(11))
    ann.creates(utc(10), utc(12), status="tentative")  # fact: freebusy.tentative
    ann.creates(utc(13), utc(14), transparency="transparent")  # fact: freebusy.transparent
    ann.deletes(ann.creates(utc(13), utc(14))["id"])
    invited = google.person(BEN).creates(utc(15), utc(16), attendees=[{"email": ANN}])["id"]
    assert busy(api) == ["08-12", "15-16"]  # fact: freebusy.merged  fact: freebusy.utc
    ann.answers(invited, "declined")
    assert busy(api) == ["08-12"]  # fact: freebusy.declined
    assert busy(api, timeZone="Asia/Tokyo") == ["17-21"]


def test_busy_is_cut_to_the_range_and_knows_days_and_series(api: Caller, ann: GooglePerson) -> None:
    ann.creates(utc(22, day=4), utc(2))
    series = ann.repeats(utc(9, day=4), utc(10, day=4), "Europe/Berlin", "RRULE:FREQ=DAILY;COUNT=3")["id"]
    assert busy(api) == ["00-02", "09-10"]  # fact: freebusy.clipped
    ann.moves(f"{series}_20270305T090000Z", utc(13), utc(14))
    assert busy(api) == ["00-02", "13-14"]
    ann.creates(date(2027, 3, 6), date(2027, 3, 7))
    assert busy(api) == ["00-02", "13-14", "23-00"]  # midnight in Berlin


def test_errors_stand_in_the_calendars_entry(google: GoogleDouble, api: Caller, ann: GooglePerson) -> None:
    google.freebusy.failing[ann.makes_calendar("ill@group.test")] = "internalError"
    answer = api("POST", "/freeBusy", ask("primary", "nobody@example.com", "ill@group.test"))
    assert answer.status_code == 200  # fact: freebusy.error-inside-200
    entries = answer.json()["calendars"]
    assert entries["primary"] == {"busy": []}  # fact: freebusy.key
    assert entries["nobody@example.com"] == {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}
    assert entries["ill@group.test"]["errors"][0]["reason"] == "internalError"
    google.person(BEN).shares("primary", ANN, "freeBusyReader")
    assert api("POST", "/freeBusy", ask(BEN)).json()["calendars"][BEN] == {"busy": []}


def test_fifty_calendars_and_ninety_days(api: Caller) -> None:
    many = [f"c{number}@group.test" for number in range(51)]
    entries = api("POST", "/freeBusy", ask(*many)).json()["calendars"]
    assert {entry["errors"][0]["reason"] for entry in entries.values()} == {"tooManyCalendarsRequested"}
    # fact: freebusy.too-many
    refused = api("POST", "/freeBusy", ask(calendarExpansionMax=51))
    assert reason(refused) == (400, "invalid")  # fact: freebusy.fifty
    assert api("POST", "/freeBusy", ask(last="2027-06-03")).status_code == 200  # fact: freebusy.span
    refused = api("POST", "/freeBusy", ask(last="2027-06-04"))
    assert reason(refused) == (400, "timeRangeTooLong")  # fact: freebusy.too-long
    refused = api("POST", "/freeBusy", ask(last="2027-03-05"))
    assert reason(refused) == (400, "timeRangeEmpty")  # fact: freebusy.range-empty
