"""How many meetings a day or a week, and where the day ends."""

from typing import Literal

import pytest

from slotlink.engine.periods import Period
from slotlink.engine.quotas import Quota, full_periods, whole_span

from .walked import DAY, HOUR, utc


def period(start: str, end: str) -> Period:
    return Period(utc(start), utc(end))


def full(kind: Literal["day", "week"], limit: int, tzid: str, span: Period, *events: tuple[str, str]) -> list[Period]:
    return full_periods(Quota(kind, limit, tzid), [period(*event) for event in events], *span)


JUNE = period("2027-06-01T00:00", "2027-07-01T00:00")


def test_a_day_is_full_with_as_many_events_as_the_limit_or_more() -> None:
    morning = ("2027-06-09T09:00", "2027-06-09T10:00")
    noon = ("2027-06-09T12:00", "2027-06-09T13:00")
    wednesday = period("2027-06-09T00:00", "2027-06-10T00:00")
    assert full("day", 2, "Etc/UTC", JUNE, morning) == []
    assert full("day", 2, "Etc/UTC", JUNE, noon, morning) == [wednesday]
    assert full("day", 1, "Etc/UTC", JUNE, noon, morning) == [wednesday]
    assert full("day", 2, "Etc/UTC", JUNE, noon, noon) == [wednesday]


def test_a_week_runs_from_monday_to_sunday() -> None:
    sunday, monday = ("2027-06-13T23:00", "2027-06-14T00:00"), ("2027-06-14T00:00", "2027-06-14T01:00")
    assert full("week", 1, "Etc/UTC", JUNE, sunday) == [period("2027-06-07T00:00", "2027-06-14T00:00")]
    assert full("week", 1, "Etc/UTC", JUNE, monday) == [period("2027-06-14T00:00", "2027-06-21T00:00")]
    assert full("week", 2, "Etc/UTC", JUNE, sunday, monday) == []


def test_an_event_counts_in_every_day_that_it_reaches_into() -> None:
    night = ("2027-06-09T23:00", "2027-06-11T00:01")
    assert full("day", 1, "Etc/UTC", JUNE, night) == [
        period("2027-06-09T00:00", "2027-06-10T00:00"),
        period("2027-06-10T00:00", "2027-06-11T00:00"),
        period("2027-06-11T00:00", "2027-06-12T00:00"),
    ]
    until_midnight = ("2027-06-09T23:00", "2027-06-10T00:00")
    assert full("day", 1, "Etc/UTC", JUNE, until_midnight) == [period("2027-06-09T00:00", "2027-06-10T00:00")]


def test_an_event_without_length_counts_where_it_starts() -> None:
    midnight = ("2027-06-09T00:00", "2027-06-09T00:00")
    assert full("day", 1, "Etc/UTC", JUNE, midnight) == [period("2027-06-09T00:00", "2027-06-10T00:00")]


def test_an_event_that_ends_before_it_starts_counts_where_it_starts() -> None:
    backwards = ("2027-06-09T00:00", "2027-06-08T23:30")
    assert full("day", 1, "Etc/UTC", JUNE, backwards) == [period("2027-06-09T00:00", "2027-06-10T00:00")]


def test_days_end_at_midnight_on_the_wall_of_the_zone() -> None:
    late = ("2027-06-09T23:30", "2027-06-09T23:45")
    assert full("day", 1, "Europe/London", JUNE, late) == [period("2027-06-09T23:00", "2027-06-10T23:00")]
    assert full("day", 1, "Asia/Kathmandu", JUNE, late) == [period("2027-06-09T18:15", "2027-06-10T18:15")]


def test_days_and_weeks_are_whole_where_the_span_cuts_them() -> None:
    span = period("2027-06-09T12:00", "2027-06-09T12:30")
    before = ("2027-06-09T01:00", "2027-06-09T02:00")
    assert full("day", 1, "Etc/UTC", span, before) == [period("2027-06-09T00:00", "2027-06-10T00:00")]
    assert full("week", 1, "Etc/UTC", span, before) == [period("2027-06-07T00:00", "2027-06-14T00:00")]


def test_days_that_the_span_only_touches_are_not_asked_for() -> None:
    span = period("2027-06-09T00:00", "2027-06-10T00:00")
    events = [(f"2027-06-{day:02}T12:00", f"2027-06-{day:02}T13:00") for day in (7, 8, 9, 10, 11)]
    assert full("day", 1, "Etc/UTC", span, *events) == [span]
    assert whole_span(Quota("day", 1, "Etc/UTC"), *span) == span


@pytest.mark.parametrize(
    ("tzid", "start", "hours"),
    [
        ("Europe/London", "2025-03-30T00:00", 23),
        ("Europe/London", "2025-10-25T23:00", 25),
        ("Africa/Cairo", "2027-04-29T22:00", 23),
        ("Africa/Cairo", "2027-10-27T21:00", 25),
        ("Australia/Lord_Howe", "2027-10-02T13:30", 23.5),
        ("Pacific/Kwajalein", "1969-09-29T13:00", 47),
    ],
)
def test_a_day_is_as_long_as_its_clocks_make_it(tzid: str, start: str, hours: float) -> None:
    day = Period(utc(start), int(utc(start) + hours * HOUR))
    quota = Quota("day", 1, tzid)
    for instant in (day.start, day.start + 3 * HOUR, day.end - 1):
        assert whole_span(quota, instant, instant + 1) == day
        assert full_periods(quota, [(instant, instant + 1)], day.start - DAY, day.end + DAY) == [day]
    assert full_periods(quota, [(day.start - 1, day.start), (day.end, day.end + 1)], *day) == []


def test_a_week_over_a_clock_change_is_an_hour_off() -> None:
    span = period("2025-03-26T00:00", "2025-03-26T01:00")
    assert whole_span(Quota("week", 1, "Europe/London"), *span) == period("2025-03-24T00:00", "2025-03-30T23:00")


def test_a_day_that_a_zone_left_out_is_no_day() -> None:
    span = period("2011-12-29T10:00", "2011-12-31T10:00")
    assert full("day", 0, "Pacific/Apia", span) == [
        period("2011-12-29T10:00", "2011-12-30T10:00"),
        period("2011-12-30T10:00", "2011-12-31T10:00"),
    ]


def test_an_empty_span_has_no_days() -> None:
    for span in (Period(DAY + 5, DAY + 5), Period(DAY + 5, DAY)):
        assert full("day", 1, "Etc/UTC", span, ("1970-01-02T00:00", "1970-01-02T10:00")) == []
        assert whole_span(Quota("day", 1, "Etc/UTC"), *span) == span


def test_a_zone_that_does_not_exist_is_named_in_the_error() -> None:
    with pytest.raises(ValueError, match="'Mars/Olympus' is no time zone"):
        full("day", 1, "Mars/Olympus", JUNE)
