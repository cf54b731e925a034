"""Stored hours on the wall clock of their zone: over midnight, to 24:00, and across the weekends of clock changes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.api.test_availability_rules import write
from tests.center import Center, Json, Person

EVERY_DAY = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")


def rule(person: Person, tzid: str, days: tuple[str, ...], start_time: str, end_time: str, **more: Any) -> None:
    weekly = [{"day": day, "start_time": start_time, "end_time": end_time} for day in days]
    assert write(person, tzid=tzid, weekly_periods=weekly, **more).status_code == 200


def hours(center: Center, person: Person, start: str, end: str, **query: Any) -> list[str]:
    """The person's available periods, as `05T09:00-05T11:00`: days of the month, in UTC."""
    member = {"sub": person.sub, "managed_availability": True}
    asked: Json = center.query(participants=[{"members": [member]}], query_periods=[{"start": start, "end": end}])
    answer = center.http.post("/v1/availability", json=asked | query, headers=center.key)
    assert answer.status_code == 200, answer.text
    found = answer.json()["available_periods"]
    return ["-".join(f"{_moment(each[end]):%dT%H:%M}" for end in ("start", "end")) for each in found]


def _moment(time: str) -> datetime:
    return datetime.fromisoformat(time).astimezone(UTC)


def test_hours_keep_their_wall_clock_when_new_york_goes_to_summer_time(center: Center) -> None:
    maya = center.person("maya")
    rule(maya, "America/New_York", ("friday", "saturday", "sunday", "monday"), "09:00", "11:00")
    assert hours(center, maya, "2027-03-12T00:00:00Z", "2027-03-16T00:00:00Z") == [
        "12T14:00-12T16:00",
        "13T14:00-13T16:00",
        "14T13:00-14T15:00",
        "15T13:00-15T15:00",
    ]


def test_hours_around_the_lost_hour_are_an_hour_shorter_and_leave_no_hole(center: Center) -> None:
    maya = center.person("maya")
    rule(maya, "America/New_York", ("sunday",), "01:00", "04:00")
    assert hours(center, maya, "2027-03-14T00:00:00Z", "2027-03-15T00:00:00Z") == ["14T06:00-14T08:00"]
    rule(maya, "America/New_York", ("sunday",), "01:00", "02:30")
    rule(maya, "America/New_York", ("sunday",), "02:30", "04:00", availability_rule_id="second")
    assert hours(center, maya, "2027-03-14T00:00:00Z", "2027-03-15T00:00:00Z") == ["14T06:00-14T08:00"]
    rule(maya, "America/New_York", ("sunday",), "02:00", "03:00")
    rule(maya, "America/New_York", (), "00:00", "01:00", availability_rule_id="second")
    assert hours(center, maya, "2027-03-14T00:00:00Z", "2027-03-15T00:00:00Z") == [], "that hour never was"


def test_hours_around_the_hour_that_comes_twice_are_an_hour_longer(center: Center) -> None:
    maya = center.person("maya")
    rule(maya, "America/New_York", ("sunday",), "00:00", "03:00")
    assert hours(center, maya, "2027-11-07T00:00:00Z", "2027-11-08T00:00:00Z") == ["07T04:00-07T08:00"]


def test_hours_over_midnight_belong_to_the_day_they_begin_on(center: Center) -> None:
    maya = center.person("maya")
    rule(maya, "Europe/London", ("friday",), "22:00", "02:00")
    assert hours(center, maya, "2027-03-04T00:00:00Z", "2027-03-08T00:00:00Z") == ["05T22:00-06T02:00"]
    assert hours(center, maya, "2027-03-06T00:30:00Z", "2027-03-06T08:00:00Z") == ["06T00:30-06T02:00"]
    rule(maya, "Europe/London", ("saturday",), "22:00", "02:00")
    # London goes to summer time on Sunday 28 March at 1:00, which ends this night an hour earlier.
    assert hours(center, maya, "2027-03-27T12:00:00Z", "2027-03-28T12:00:00Z") == ["27T22:00-28T01:00"]


def test_24_00_is_the_midnight_that_ends_the_day_and_days_join_there(center: Center) -> None:
    maya = center.person("maya")
    rule(maya, "Asia/Kolkata", ("friday",), "22:30", "24:00")
    assert hours(center, maya, "2027-03-04T00:00:00Z", "2027-03-08T00:00:00Z") == ["05T17:00-05T18:30"]
    rule(maya, "Asia/Kolkata", ("saturday",), "00:00", "01:15", availability_rule_id="second")
    assert hours(center, maya, "2027-03-04T00:00:00Z", "2027-03-08T00:00:00Z") == ["05T17:00-05T19:45"]
    rule(maya, "America/New_York", EVERY_DAY, "00:00", "24:00")
    assert hours(center, maya, "2027-03-12T00:00:00Z", "2027-03-16T00:00:00Z") == ["12T00:00-16T00:00"]


def test_rules_of_different_zones_are_one_persons_hours(center: Center) -> None:
    maya = center.person("maya")
    rule(maya, "America/New_York", ("monday",), "09:00", "10:00")
    rule(maya, "Europe/London", ("monday",), "09:00", "10:00", availability_rule_id="second")
    rule(maya, "Asia/Tokyo", ("monday",), "19:00", "20:00", availability_rule_id="third")
    day = ("2027-03-15T00:00:00Z", "2027-03-16T00:00:00Z")
    # Only New York has summer time by then; London's and Tokyo's hours touch.
    assert hours(center, maya, *day) == ["15T09:00-15T11:00", "15T13:00-15T14:00"]
    assert hours(center, maya, *day, required_duration={"minutes": 90}) == ["15T09:00-15T11:00"]


def test_hours_are_the_same_however_much_of_the_year_is_asked_about(center: Center) -> None:
    maya = center.person("maya")
    rule(maya, "America/New_York", EVERY_DAY, "08:30", "09:45")
    whole = hours(center, maya, "2027-03-01T00:00:00Z", "2027-04-01T00:00:00Z")
    days = [
        found
        for day in range(1, 32)
        for found in hours(center, maya, f"2027-03-{day:02}T06:00:00Z", f"2027-03-{day:02}T18:00:00Z")
    ]
    assert len(whole) == 31
    assert days == whole
    assert (whole[12], whole[13]) == ("13T13:30-13T14:45", "14T12:30-14T13:45")
