"""Weekly periods on real calendars: what an organiser means by Monday to Friday, nine to five."""

from collections.abc import Sequence

import pytest

from slotlink.engine.periods import NEVER, Gaps
from slotlink.engine.rules import WEEKDAYS, AvailabilityRule, WeeklyPeriod, expand_rules

from .walked import DAY, HOUR, utc


def rule(tzid: str, *weekly: str) -> AvailabilityRule:
    """Return a rule from texts such as `monday 09:00 17:00`."""
    return AvailabilityRule(tzid, tuple(WeeklyPeriod(*text.split()) for text in weekly))


def expanded(start: str, end: str, *rules: AvailabilityRule) -> Sequence[tuple[str, str]]:
    gaps = expand_rules(rules, utc(start), utc(end))
    return [(text(start), text(end)) for start, end in pairs(gaps)]


def pairs(gaps: Gaps) -> list[tuple[int, int]]:
    return list(zip(gaps.starts, gaps.ends, strict=True))


def text(instant: int) -> str:
    """Return `06-15 09:00` for an instant of 2027."""
    day, seconds = divmod(instant - utc("2027-01-01T00:00"), DAY)
    month = max(month for month in range(1, 13) if utc(f"2027-{month:02}-01T00:00") <= instant)
    day = (instant - utc(f"2027-{month:02}-01T00:00")) // DAY + 1
    return f"{month:02}-{day:02} {seconds // HOUR:02}:{seconds // 60 % 60:02}"


def test_no_rules_are_no_time() -> None:
    assert expand_rules([], 0, DAY) is NEVER
    assert expand_rules([rule("Europe/London")], 0, DAY) is NEVER


def test_a_span_without_length_has_no_periods() -> None:
    always = rule("Etc/UTC", *(f"{day} 00:00 24:00" for day in WEEKDAYS))
    assert expand_rules([always], DAY, DAY) is NEVER
    assert expand_rules([always], DAY, 0) is NEVER


def test_each_day_of_the_week_is_its_own() -> None:
    for day, instant in zip(WEEKDAYS, range(7, 14), strict=True):
        assert expanded("2027-06-07T00:00", "2027-06-14T00:00", rule("Etc/UTC", f"{day} 09:00 17:00")) == [
            (f"06-{instant:02} 09:00", f"06-{instant:02} 17:00")
        ]


def test_several_periods_a_day_stay_apart_and_overlapping_and_touching_ones_are_joined() -> None:
    office = rule("Etc/UTC", "monday 13:30 17:30", "monday 09:00 11:00", "monday 10:00 12:00", "monday 12:00 12:30")
    assert expanded("2027-06-07T00:00", "2027-06-08T00:00", office) == [
        ("06-07 09:00", "06-07 12:30"),
        ("06-07 13:30", "06-07 17:30"),
    ]


def test_rules_of_several_zones_are_united() -> None:
    london, kathmandu = rule("Europe/London", "monday 09:00 12:00"), rule("Asia/Kathmandu", "monday 09:00 15:00")
    assert expanded("2027-06-07T00:00", "2027-06-08T00:00", london, kathmandu) == [("06-07 03:15", "06-07 11:00")]


def test_periods_are_whole_where_the_span_cuts_them_and_absent_where_it_only_touches_them() -> None:
    office = rule("Etc/UTC", "monday 09:00 12:00", "monday 12:00 13:00", "monday 14:00 17:00", "monday 17:00 18:00")
    assert expanded("2027-06-07T12:00", "2027-06-07T17:00", office) == [
        ("06-07 12:00", "06-07 13:00"),
        ("06-07 14:00", "06-07 17:00"),
    ]
    assert expanded("2027-06-07T11:59", "2027-06-07T14:01", office) == [
        ("06-07 09:00", "06-07 13:00"),
        ("06-07 14:00", "06-07 17:00"),
    ]


def test_an_end_that_is_not_after_the_start_is_on_the_next_day() -> None:
    night = rule("Etc/UTC", "sunday 22:00 06:00")
    assert expanded("2027-06-07T05:00", "2027-06-07T05:01", night) == [("06-06 22:00", "06-07 06:00")]
    assert expanded("2027-06-07T06:00", "2027-06-08T00:00", night) == []
    whole_day = rule("Etc/UTC", "sunday 09:00 09:00")
    assert expanded("2027-06-07T08:59", "2027-06-07T09:00", whole_day) == [("06-06 09:00", "06-07 09:00")]


def test_periods_are_found_wherever_on_earth_their_day_begins() -> None:
    # In the far west a period of 24 hours from Sunday evening reaches into Tuesday in UTC.
    night = rule("Pacific/Pago_Pago", "sunday 23:00 22:59")
    assert expanded("2027-06-08T09:58", "2027-06-08T09:59", night) == [("06-07 10:00", "06-08 09:59")]
    # In the far east Monday begins on Sunday in UTC.
    early = rule("Pacific/Kiritimati", "monday 00:00 01:00")
    assert expanded("2027-06-06T00:00", "2027-06-06T10:01", early) == [("06-06 10:00", "06-06 11:00")]


def test_a_night_into_monday_ends_on_the_wall_when_clocks_change_on_monday() -> None:
    night = rule("Asia/Tehran", "sunday 22:00 06:00")
    gaps = expand_rules([night], utc("2021-03-21T12:00"), utc("2021-03-22T12:00"))
    # At 00:00 on Monday 22 March 2021 clocks went to 01:00.
    assert pairs(gaps) == [(utc("2021-03-21T18:30"), utc("2021-03-22T01:30"))]


def test_many_years_are_the_sum_of_their_days() -> None:
    office = rule("America/New_York", "sunday 00:30 09:00", "wednesday 09:00 17:00", "sunday 22:00 02:00")
    first, days = utc("2025-01-01T05:00"), 1500
    by_day = {
        pair for n in range(days) for pair in pairs(expand_rules([office], first + n * DAY, first + (n + 1) * DAY))
    }
    assert pairs(expand_rules([office], first, first + days * DAY)) == sorted(by_day)


def test_midnight_joins_two_days_written_either_way() -> None:
    for midnight in ("24:00", "00:00"):
        evening = rule("Europe/London", f"monday 20:00 {midnight}", "tuesday 00:00 02:00")
        assert expanded("2027-06-07T12:00", "2027-06-08T12:00", evening) == [("06-07 19:00", "06-08 01:00")]


def test_a_week_of_whole_days_has_no_seams_not_even_at_clock_changes() -> None:
    for tzid in ("Europe/London", "Africa/Cairo", "America/Santiago", "Australia/Lord_Howe", "Asia/Kathmandu"):
        always = rule(tzid, *(f"{day} 00:00 24:00" for day in WEEKDAYS))
        assert len(expand_rules([always], utc("2027-01-01T00:00"), utc("2028-01-01T00:00")).starts) == 1


def test_office_hours_in_cairo_stay_on_the_wall_when_clocks_change_at_midnight() -> None:
    office = rule("Africa/Cairo", "thursday 09:00 17:00", "friday 09:00 17:00", "friday 00:00 00:30")
    # At 00:00 on Friday 30 April clocks go to 01:00: the half hour after midnight does not exist.
    assert expanded("2027-04-29T00:00", "2027-05-01T00:00", office) == [
        ("04-29 07:00", "04-29 15:00"),
        ("04-30 06:00", "04-30 14:00"),
    ]


def test_a_period_that_begins_in_time_left_out_begins_at_the_change() -> None:
    santiago = rule("America/Santiago", "sunday 00:30 02:00", "sunday 09:00 17:00")
    # At 00:00 on Sunday 5 September clocks go to 01:00.
    assert expanded("2027-09-05T00:00", "2027-09-06T00:00", santiago) == [
        ("09-05 04:00", "09-05 05:00"),
        ("09-05 12:00", "09-05 20:00"),
    ]
    new_york = rule("America/New_York", "sunday 02:15 02:45", "sunday 02:30 03:30", "sunday 23:00 24:00")
    assert expanded("2027-03-14T00:00", "2027-03-15T12:00", new_york) == [
        ("03-14 07:00", "03-14 07:30"),
        ("03-15 03:00", "03-15 04:00"),
    ]


def test_a_period_over_a_time_that_comes_twice_begins_and_ends_at_first_comings() -> None:
    new_york = rule("America/New_York", "sunday 01:15 01:45", "sunday 01:50 02:10")
    # At 02:00 on Sunday 7 November clocks go to 01:00.
    assert expanded("2027-11-07T00:00", "2027-11-08T00:00", new_york) == [
        ("11-07 05:15", "11-07 05:45"),
        ("11-07 05:50", "11-07 07:10"),
    ]
    lord_howe = rule("Australia/Lord_Howe", "sunday 01:15 01:45", "sunday 01:45 02:15")
    assert expanded("2027-04-03T12:00", "2027-04-04T00:00", lord_howe) == [("04-03 14:15", "04-03 15:45")]


def test_a_day_that_a_zone_left_out_has_no_office_hours() -> None:
    office = rule("Pacific/Apia", *(f"{day} 09:00 17:00" for day in WEEKDAYS))
    start, end = utc("2011-12-29T10:00"), utc("2011-12-31T10:00")
    # Thursday 29 December at -10:00, then Saturday 31 December at +14:00.
    assert pairs(expand_rules([office], start, end)) == [
        (utc("2011-12-29T19:00"), utc("2011-12-30T03:00")),
        (utc("2011-12-30T19:00"), utc("2011-12-31T03:00")),
    ]


def test_equal_rules_share_one_answer() -> None:
    first = expand_rules([rule("Europe/London", "monday 09:00 17:00")], 0, 9 * DAY, "2026f")
    assert expand_rules((rule("Europe/London", "monday 09:00 17:00"),), 0, 9 * DAY, "2026f") is first
    assert expand_rules([rule("Europe/London", "monday 09:00 17:01")], 0, 9 * DAY, "2026f") is not first
    assert expand_rules([rule("Europe/London", "monday 09:00 17:00")], 0, 9 * DAY + 1, "2026f") is not first


def test_new_zone_data_make_a_new_answer() -> None:
    old = expand_rules([rule("Europe/London", "monday 09:00 17:00")], 0, 9 * DAY, "2026f")
    new = expand_rules([rule("Europe/London", "monday 09:00 17:00")], 0, 9 * DAY, "2026g")
    assert new is not old
    assert pairs(new) == pairs(old)


@pytest.mark.parametrize(
    ("weekly", "message"),
    [
        ("funday 09:00 17:00", "'funday' is no day: give one of monday, tuesday"),
        ("Monday 09:00 17:00", "'Monday' is no day"),
        ("monday 9:00 17:00", "'9:00' is no time: give HH:MM"),
        ("monday 09:00 24:01", "'24:01' is no time"),
        ("monday 09:60 17:00", "'09:60' is no time"),
        ("monday 09:00:00 17:00", "'09:00:00' is no time"),
        ("monday 09:00 -1:00", "'-1:00' is no time"),
        ("monday ٠٩:٠٠ 17:00", "is no time"),
        ("monday 24:00 24:00", "cannot start at 24:00"),
    ],
)
def test_a_day_or_time_that_does_not_exist_is_named_in_the_error(weekly: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        expand_rules([rule("Etc/UTC", weekly)], 0, DAY)


def test_a_zone_that_does_not_exist_is_named_in_the_error() -> None:
    with pytest.raises(ValueError, match="'Mars/Olympus' is no time zone"):
        expand_rules([rule("Mars/Olympus", "monday 09:00 17:00")], 0, DAY)
