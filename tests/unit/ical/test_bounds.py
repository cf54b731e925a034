"""Files made to cost much. Each ends in an error, after work that its size and the window bound."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from slotlink.ical import MOST_BYTES, InvalidCalendar, TooManyOccurrences, expand, read_calendar
from slotlink.ical.calendars import MOST_TIMES_LARGER
from slotlink.ical.events import MAX_DATES
from slotlink.ical.lines import MAX_ZONE_BYTES, MAX_ZONES

WINDOW = (1_772_406_000, 1_775_426_400)  # 2 March to 6 April 2026, Berlin
START = "DTSTART:20260303T090000Z"


def event(*lines: str, uid: str = "bomb@slotlink.test") -> str:
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20260101T000000Z", *lines, "END:VEVENT"])


def calendar(*parts: str) -> str:
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//t//", *parts, "END:VCALENDAR", ""])


def zone(tzid: str, *lines: str) -> str:
    offsets = ["TZOFFSETFROM:+0100", "TZOFFSETTO:+0100"]
    inner = ["BEGIN:STANDARD", "DTSTART:19700101T000000", *offsets, "END:STANDARD"]
    return "\r\n".join(["BEGIN:VTIMEZONE", f"TZID:{tzid}", *lines, *inner, "END:VTIMEZONE"])


def occurrences(text: str) -> int:
    return sum(len(expand(each.text, "Europe/Berlin", *WINDOW)) for each in read_calendar(text)[0])


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=SECONDLY;COUNT=100000000",
        "FREQ=MINUTELY",
        "FREQ=HOURLY;BYMINUTE=0,1,2,3;BYSECOND=0,1,2,3",
    ],
)
def test_a_rule_of_every_second(rule: str) -> None:
    with pytest.raises(TooManyOccurrences):
        occurrences(calendar(event(START, "DURATION:PT1S", f"RRULE:{rule}")))


@pytest.mark.parametrize("rule", ["FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=MINUTELY;BYSECOND=61"])
def test_a_fine_rule_that_never_comes_true_is_not_searched(rule: str) -> None:
    with pytest.raises(InvalidCalendar, match="too fine"):
        read_calendar(calendar(event(START, f"RRULE:{rule}")))


def test_a_long_ago_start_costs_no_more_than_the_window() -> None:
    assert occurrences(calendar(event("DTSTART:00010101T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY"))) == 35


@pytest.mark.parametrize("text", [str, str.encode], ids=["text", "bytes"])
def test_a_feed_of_fifty_megabytes(text: Callable[[str], str | bytes]) -> None:
    with pytest.raises(InvalidCalendar, match=f"more than the {MOST_BYTES} bytes"):
        read_calendar(text(calendar(event(START, "DESCRIPTION:" + "x" * 50_000_000))))


def test_a_file_as_large_as_may_be_is_read_and_one_byte_more_is_not() -> None:
    empty = calendar(event(START, "DESCRIPTION:"))
    full = calendar(event(START, "DESCRIPTION:" + "x" * (MOST_BYTES - len(empty))))
    assert len(full) == MOST_BYTES and occurrences(full) == 1
    with pytest.raises(InvalidCalendar, match="bytes allowed"):
        read_calendar(full.replace("xx", "xxx", 1))


def test_an_object_from_elsewhere_has_a_bound_too() -> None:
    with pytest.raises(InvalidCalendar, match="larger"):
        expand("x" * (MOST_TIMES_LARGER * MOST_BYTES + 1), "UTC", *WINDOW)


@pytest.mark.parametrize(
    "value",
    ["\r\n ".join("x" * 1_200_000), "\r\n ".join("\\n" * 500_000), "\\,ü" * 400_000, "\r\n \r\n " * 500_000],
    ids=["folded at every letter", "folded inside escapes", "one line of escapes", "folds of nothing"],
)
def test_deep_folding_is_read_in_one_go(value: str) -> None:
    assert occurrences(calendar(event(START, f"SUMMARY:{value}"))) == 1


def test_a_start_folded_at_every_letter() -> None:
    assert occurrences(calendar(event("\r\n ".join("DTSTART;TZID=Europe/Berlin:20260303T090000")))) == 1


def test_components_inside_one_another() -> None:
    depth = 150_000
    with pytest.raises(InvalidCalendar, match="cut off"):
        read_calendar("BEGIN:VCALENDAR\r\n" * depth)
    inner = ["BEGIN:VALARM"] * depth + ["END:VALARM"] * depth
    assert occurrences(calendar(event(START, "\r\n".join(inner)))) == 1


@pytest.mark.parametrize("name", ["EXDATE", "RDATE"])
def test_a_million_single_dates(name: str) -> None:
    values = ["20260303T090000Z"] * 1_000_000
    with pytest.raises(InvalidCalendar, match="bytes allowed"):
        read_calendar(calendar(event(START, f"{name}:{','.join(values)}")))
    fitting = values[:280_000]
    for lines in ([f"{name}:{','.join(fitting)}"], [f"{name}:{each}" for each in fitting[:150_000]]):
        with pytest.raises(InvalidCalendar, match=f"more than the {MAX_DATES} single dates"):
            read_calendar(calendar(event(START, *lines)))


def test_as_many_single_dates_as_may_be() -> None:
    dates = f"EXDATE:{','.join(['20260304T090000Z'] * MAX_DATES)}"
    assert occurrences(calendar(event(START, "RRULE:FREQ=DAILY;COUNT=3", dates))) == 2
    with pytest.raises(InvalidCalendar, match="single dates"):
        read_calendar(calendar(event(START, dates, "RDATE:20260305T090000Z")))


def test_overrides_without_number() -> None:
    many = [
        event(f"RECURRENCE-ID:2020{1 + i % 12:02}{1 + i // 12 % 28:02}T{i // 336:02}0000Z", START, "DURATION:PT1H")
        for i in range(3000)
    ]
    text = read_calendar(calendar(*many))[0][0].text
    assert len(expand(text, "UTC", *WINDOW)) == 3000
    with pytest.raises(TooManyOccurrences):
        expand(text, "UTC", *WINDOW, max_occurrences=2999)


def test_more_answers_than_anybody_invites() -> None:
    attendees = [f"ATTENDEE;PARTSTAT=DECLINED:mailto:a{number}@slotlink.test" for number in range(20_000)]
    text = calendar(event(START, "DURATION:PT1H", "RRULE:FREQ=HOURLY;COUNT=800", *attendees))
    assert occurrences(text) == 800
    assert occurrences(calendar(event(START, "ATTENDEE" + ";A=b" * 1_000_000 + ":mailto:a@slotlink.test"))) == 1


def test_a_zone_that_every_event_would_carry_along() -> None:
    """Split by UID, five megabytes of this would be more than fifty thousand."""
    events = [event("DTSTART;TZID=Mine:20260303T090000", uid=str(number)) for number in range(10_000)]
    padding = ["X-PADDING:" + "x" * 60] * 60
    with pytest.raises(InvalidCalendar, match="too large"):
        read_calendar(calendar(zone("Mine", *["X-PADDING:" + "x" * 90] * (MAX_ZONE_BYTES // 100 + 1)), *events))
    with pytest.raises(InvalidCalendar, match="when each event has its zones"):
        read_calendar(calendar(zone("Mine", *padding), *events), max_bytes=2_000_000)
    assert len(read_calendar(calendar(zone("Mine", *padding), *events[:1000]))[0]) == 1000


def test_zones_without_number() -> None:
    zones = [zone(f"Zone {number}") for number in range(MAX_ZONES)]
    assert occurrences(calendar(*zones, event("DTSTART;TZID=Zone 7:20260303T090000"))) == 1
    with pytest.raises(InvalidCalendar, match="one too many"):
        read_calendar(calendar(*zones, zone("Mine"), event(START)))
