"""Every trap of calendar files as a small sample written by us. Expected times were worked out by hand."""

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from slotlink.ical import InvalidCalendar, Occurrence, TooManyOccurrences, expand, read_calendar, write_event

RECORDED = Path(__file__).parents[1] / "recorded"
DEMO = Path(__file__).parents[2] / "src/slotlink/demo"
BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, zone: ZoneInfo = BERLIN) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())


WINDOW = (at("2026-03-02T00:00"), at("2026-04-06T00:00"))


def event(*lines: str, uid: str = "one@example.org") -> str:
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20260101T000000Z", *lines, "END:VEVENT"])


def calendar(*parts: str) -> str:
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//t//", *parts, "END:VCALENDAR", ""])


def occurrences(text: str, tzid: str = "Europe/Berlin", window: tuple[int, int] = WINDOW) -> list[Occurrence]:
    objects, _ = read_calendar(text)
    found = [o for each in objects for o in expand(each.text, tzid, *window)]
    return sorted(found, key=lambda o: (o.start, o.end))


def times(text: str, tzid: str = "Europe/Berlin", window: tuple[int, int] = WINDOW) -> list[str]:
    """Starts and ends in Berlin, as 'month-day hour:minute/hours'."""
    found = occurrences(text, tzid, window)
    return [f"{datetime.fromtimestamp(o.start, BERLIN):%m-%d %H:%M}/{(o.end - o.start) / 3600:g}" for o in found]


def series(*lines: str) -> str:
    return calendar(
        event("DTSTART;TZID=Europe/Berlin:20260302T090000", "DTEND;TZID=Europe/Berlin:20260302T100000", *lines)
    )


# All-day events


def test_an_all_day_event_lies_between_midnights_of_the_calendar_zone():
    (found,) = occurrences(calendar(event("DTSTART;VALUE=DATE:20260310", "DTEND;VALUE=DATE:20260312")))
    assert (found.start, found.end) == (at("2026-03-10T00:00"), at("2026-03-12T00:00"))
    assert (found.start_date, found.end_date) == (date(2026, 3, 10), date(2026, 3, 12))
    assert found.recurrence_id is None and found.tzid == "Europe/Berlin"


@pytest.mark.parametrize("end", [[], ["DTEND;VALUE=DATE:20260310"], ["DURATION:P1D"], ["DURATION:PT6H"]])
def test_an_all_day_event_without_a_real_end_takes_one_day(end: list[str]):
    assert times(calendar(event("DTSTART;VALUE=DATE:20260310", *end))) == ["03-10 00:00/24"]


def test_all_day_events_have_23_and_25_hours_on_clock_changes():
    daily = calendar(event("DTSTART;VALUE=DATE:20260328", "RRULE:FREQ=DAILY;COUNT=3"))
    assert times(daily) == ["03-28 00:00/24", "03-29 00:00/23", "03-30 00:00/24"]
    autumn = calendar(event("DTSTART;VALUE=DATE:20261025"))
    assert times(autumn, window=(at("2026-10-01T00:00"), at("2026-11-01T00:00"))) == ["10-25 00:00/25"]


def test_an_all_day_series_has_exdates_and_overrides_by_day():
    text = calendar(
        event("DTSTART;VALUE=DATE:20260303", "RRULE:FREQ=DAILY;COUNT=4", "EXDATE;VALUE=DATE:20260304"),
        event("RECURRENCE-ID;VALUE=DATE:20260305", "DTSTART;VALUE=DATE:20260310"),
    )
    assert times(text) == ["03-03 00:00/24", "03-06 00:00/24", "03-10 00:00/24"]
    assert [o.recurrence_id for o in occurrences(text)][2] == at("2026-03-05T00:00")


def test_an_all_day_occurrence_may_become_a_timed_one_in_another_zone():
    text = calendar(
        event("DTSTART;VALUE=DATE:20260303", "RRULE:FREQ=DAILY;COUNT=2"),
        event("RECURRENCE-ID;VALUE=DATE:20260304", "DTSTART;TZID=America/New_York:20260304T080000", "DURATION:PT1H"),
    )
    assert times(text) == ["03-03 00:00/24", "03-04 14:00/1"]
    assert [o.recurrence_id for o in occurrences(text)] == [at("2026-03-03T00:00"), at("2026-03-04T00:00")]


# Status and transparency


@pytest.mark.parametrize(
    ("line", "status", "transparency"),
    [
        ("TRANSP:TRANSPARENT", "confirmed", "transparent"),
        ("TRANSP:OPAQUE", "confirmed", "opaque"),
        ("X-MICROSOFT-CDO-BUSYSTATUS:FREE", "confirmed", "transparent"),
        ("X-MICROSOFT-CDO-BUSYSTATUS:OOF", "confirmed", "opaque"),
        ("X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE", "confirmed", "opaque"),
        ("X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE", "tentative", "opaque"),
        ("STATUS:TENTATIVE", "tentative", "opaque"),
    ],
)
def test_status_and_transparency_are_read(line: str, status: str, transparency: str):
    (found,) = occurrences(calendar(event("DTSTART:20260303T090000Z", "DURATION:PT1H", line)))
    assert (found.status, found.transparency) == (status, transparency)


def test_cancelled_events_are_left_out():
    assert times(calendar(event("DTSTART:20260303T090000Z", "DURATION:PT1H", "STATUS:CANCELLED"))) == []


@pytest.mark.parametrize(("value", "private"), [("PUBLIC", False), ("PRIVATE", True), ("CONFIDENTIAL", True)])
def test_class_says_what_is_private(value: str, private: bool):
    assert occurrences(calendar(event("DTSTART:20260303T090000Z", f"CLASS:{value}")))[0].private is private


def test_texts_are_unescaped_and_unfolded_inside_a_character():
    summary = "SUMMARY:Grüße\\, Welt\\; C:\\\\New\\nzwei".encode()
    cut = summary.index("ü".encode()) + 1
    text = calendar(event("DTSTART:20260303T090000Z", "XX", "LOCATION:Raum 1", "URL:https://example.org/?a=1;b,c"))
    raw = text.encode().replace(b"XX", summary[:cut] + b"\r\n " + summary[cut:])
    (each,), _ = read_calendar(raw)
    (found,) = expand(each.text, "Europe/Berlin", *WINDOW)
    assert found.summary == "Grüße, Welt; C:\\New\nzwei"
    assert (found.location, found.url) == ("Raum 1", "https://example.org/?a=1;b,c")


# Zones


def test_floating_times_are_read_in_the_calendar_zone():
    floating = calendar(event("DTSTART:20260303T090000", "DTEND:20260303T100000", "RRULE:FREQ=DAILY;COUNT=2"))
    assert times(floating) == ["03-03 09:00/1", "03-04 09:00/1"]
    assert times(floating, "America/New_York") == ["03-03 15:00/1", "03-04 15:00/1"]


def test_a_windows_zone_name_is_its_iana_zone():
    text = calendar(event("DTSTART;TZID=Tokyo Standard Time:20260303T180000", "DURATION:PT1H"))
    assert times(text) == ["03-03 10:00/1"]
    assert occurrences(text)[0].tzid == "Asia/Tokyo"


def test_the_outlook_feed_is_read_whole():
    objects, zone = read_calendar((RECORDED / "outlook-feed.ics").read_bytes())
    assert zone == "Europe/Berlin"
    assert [o.recurring for o in objects] == [True, False, False]
    found = [o for each in objects for o in expand(each.text, zone, *WINDOW)]
    assert [(o.summary, o.status, o.transparency) for o in found if o.summary != "Weekly"] == [
        ("Weekly, moved", "tentative", "opaque"),
        ("Working from the lake", "confirmed", "transparent"),
        ("Custom zone", "confirmed", "opaque"),
    ]
    text = (RECORDED / "outlook-feed.ics").read_text()
    weekly = ["03-02 09:00/0.5", "03-09 09:00/0.5", "03-24 14:00/1", "03-30 09:00/0.5"]
    assert times(text) == [*weekly[:1], "03-05 00:00/24", *weekly[1:], "03-30 10:00/1"]


def test_a_private_zone_is_what_its_vtimezone_says():
    text = (RECORDED / "private-zone.ics").read_text()
    utc = [datetime.fromtimestamp(o.start, UTC).strftime("%d %H:%M") for o in occurrences(text)]
    # 02:30 on the 29th does not exist there: an hour later on the wall, as the offset before the gap says.
    assert utc == ["26 21:00", "27 21:00", "28 21:00", "29 20:00"]
    doubled = occurrences(text, window=(at("2026-10-01T00:00"), at("2026-11-01T00:00")))
    assert [o.start for o in doubled] == [at("2026-10-24T20:00", ZoneInfo("UTC"))]
    assert occurrences(text)[0].tzid == "Europe/Berlin"


def test_one_files_private_zone_does_not_decide_anothers():
    def with_offset(offset: str) -> str:
        zone = ["BEGIN:VTIMEZONE", "TZID:Mine", "BEGIN:STANDARD", "DTSTART:19700101T000000"]
        zone += [f"TZOFFSETFROM:{offset}", f"TZOFFSETTO:{offset}", "END:STANDARD", "END:VTIMEZONE"]
        return calendar(*zone, event("DTSTART;TZID=Mine:20260303T090000"))

    assert times(with_offset("+0100")) == ["03-03 09:00/0"]
    assert times(with_offset("+0300")) == ["03-03 07:00/0"]
    with pytest.raises(InvalidCalendar, match="'Mine' is unknown"):
        read_calendar(calendar(event("DTSTART;TZID=Mine:20260303T090000")))


def test_the_tail_of_a_global_zone_name_is_its_iana_zone():
    text = calendar(event("DTSTART;TZID=/freeassociation.sourceforge.net/Asia/Tokyo:20260303T180000"))
    assert times(text) == ["03-03 10:00/0"]


@pytest.mark.parametrize("name", ["Nowhere/City", "localtime", "../../etc/passwd", "Europe", "Customized Time Zone"])
def test_an_unknown_zone_is_an_error_and_never_utc(name: str):
    with pytest.raises(InvalidCalendar, match=r"one@example\.org.*unknown"):
        read_calendar(calendar(event(f"DTSTART;TZID={name}:20260303T090000")))


def test_x_wr_timezone_is_the_zone_of_the_file():
    assert read_calendar(calendar("X-WR-TIMEZONE:America/New_York"))[1] == "America/New_York"
    assert read_calendar(calendar())[1] is None
    with pytest.raises(InvalidCalendar):
        read_calendar(calendar("X-WR-TIMEZONE:Nowhere/City"))


@pytest.mark.parametrize(
    "rule",
    ["FREQ=SECONDLY", "FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=1,2,3,4,5", "FREQ=YEARLY;INTERVAL=0", "FREQ=DAILY"],
)
def test_a_vtimezone_that_could_not_be_searched_is_refused(rule: str):
    zone = ["BEGIN:VTIMEZONE", "TZID:Mine", "BEGIN:STANDARD", "DTSTART:19700101T000000", "TZOFFSETFROM:+0100"]
    zone += ["TZOFFSETTO:+0100", f"RRULE:{rule}", "END:STANDARD", "END:VTIMEZONE"]
    with pytest.raises(InvalidCalendar, match="rule"):
        read_calendar(calendar(*zone, event("DTSTART;TZID=Mine:20260303T090000")))


def test_a_vtimezone_rule_ends_with_its_until_in_utc_included():
    """Summer time was last left on 25 October 2026, at 03:00 on the wall, 00:00 in UTC."""
    zone = ["BEGIN:VTIMEZONE", "TZID:Mine"]
    for kind, month, hour, before, after in (("DAYLIGHT", 3, 3, 2, 3), ("STANDARD", 10, 3, 3, 2)):
        zone += [f"BEGIN:{kind}", f"DTSTART:2000{month:02}01T{hour:02}0000", f"TZOFFSETFROM:+0{before}00"]
        zone += [f"TZOFFSETTO:+0{after}00", f"RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH={month};UNTIL=20261025T000000Z"]
        zone += [f"END:{kind}"]
    text = calendar(*zone, "END:VTIMEZONE", event("DTSTART;TZID=Mine:20261110T090000"))
    assert times(text, window=(at("2026-11-01T00:00"), at("2026-12-01T00:00"))) == ["11-10 08:00/0"]


def test_a_broken_zone_of_the_file_is_an_error():
    broken = "BEGIN:VTIMEZONE\nTZID:Mine\nBEGIN:STANDARD\nDTSTART:20260230T000000\nEND:STANDARD\nEND:VTIMEZONE"
    with pytest.raises(InvalidCalendar, match="X-WR-TIMEZONE"):
        read_calendar(calendar("X-WR-TIMEZONE:Mine", broken))


# Recurrence


def test_exdates_are_compared_as_instants_and_count_counts_them():
    text = series("RRULE:FREQ=WEEKLY;COUNT=4", "EXDATE:20260309T080000Z", "EXDATE;TZID=Europe/London:20260316T080000")
    assert times(text) == ["03-02 09:00/1", "03-23 09:00/1"]


def test_a_bare_date_exdate_takes_out_that_local_day():
    assert times(series("RRULE:FREQ=DAILY;COUNT=3", "EXDATE;VALUE=DATE:20260303")) == ["03-02 09:00/1", "03-04 09:00/1"]


def test_rdates_add_starts_and_may_repeat_the_rule():
    text = series("RRULE:FREQ=WEEKLY;COUNT=2", "RDATE:20260309T080000Z,20260311T080000Z", "RDATE;VALUE=DATE:20260312")
    assert times(text) == ["03-02 09:00/1", "03-09 09:00/1", "03-11 09:00/1", "03-12 09:00/1"]


def test_an_rdate_period_has_its_own_length():
    periods = "20260304T080000Z/20260304T103000Z,20260305T080000Z/PT3H,20260302T080000Z/PT2H"
    text = series(f"RDATE;VALUE=PERIOD:{periods}")
    assert times(text) == ["03-02 09:00/2", "03-04 09:00/2.5", "03-05 09:00/3"]
    assert read_calendar(text)[0][0].recurring


def test_an_override_moves_cancels_or_frees_its_start():
    text = calendar(
        event("DTSTART;TZID=Europe/Berlin:20260302T090000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=4"),
        event("RECURRENCE-ID:20260303T080000Z", "DTSTART;TZID=Europe/Berlin:20260310T150000", "DURATION:PT2H"),
        event("RECURRENCE-ID;TZID=Europe/Berlin:20260304T090000", "DTSTART:20260304T080000Z", "STATUS:CANCELLED"),
        event("RECURRENCE-ID:20260305T090000", "DTSTART:20260305T080000Z", "DURATION:PT1H", "TRANSP:TRANSPARENT"),
    )
    found = occurrences(text)
    assert times(text) == ["03-02 09:00/1", "03-05 09:00/1", "03-10 15:00/2"]
    assert [o.transparency for o in found] == ["opaque", "transparent", "opaque"]
    assert found[2].recurrence_id == at("2026-03-03T09:00")


def test_an_override_moves_into_and_out_of_the_window():
    text = calendar(
        event("DTSTART:20260302T080000Z", "DURATION:PT1H", "RRULE:FREQ=MONTHLY;COUNT=6"),
        event("RECURRENCE-ID:20260702T080000Z", "DTSTART:20260310T080000Z", "DURATION:PT1H"),
        event("RECURRENCE-ID:20260402T080000Z", "DTSTART:20260810T080000Z", "DURATION:PT1H"),
    )
    assert times(text) == ["03-02 09:00/1", "03-10 09:00/1"]


def test_an_override_without_master_is_an_event_of_its_own():
    text = calendar(event("RECURRENCE-ID:20260303T080000Z", "DTSTART:20260303T100000Z", "DURATION:PT1H"))
    assert times(text) == ["03-03 11:00/1"]
    assert occurrences(text)[0].recurrence_id == at("2026-03-03T09:00")


def test_an_override_whose_start_was_deleted_later_is_gone():
    text = calendar(
        event("DTSTART:20260302T080000Z", "RRULE:FREQ=DAILY;COUNT=3", "EXDATE:20260303T080000Z"),
        event("RECURRENCE-ID:20260303T080000Z", "DTSTART:20260303T100000Z"),
    )
    assert times(text) == ["03-02 09:00/0", "03-04 09:00/0"]


def test_this_and_future_shifts_the_rest():
    text = (RECORDED / "this-and-future.ics").read_text()
    late = ["03-16 11:00/1.5", "03-23 11:00/1.5", "03-31 08:00/1"]
    assert times(text) == ["03-02 09:00/1", "03-09 09:00/1", *late]
    assert [o.summary for o in occurrences(text)] == ["Early", "Early", "Late", "Late", "On its own"]
    april = occurrences(text, window=(at("2026-04-06T11:00"), at("2026-04-06T12:00")))
    assert [(o.start, o.recurrence_id) for o in april] == [(at("2026-04-06T11:00"), at("2026-04-06T09:00"))]


def test_this_and_future_may_cancel_the_rest():
    text = calendar(
        event("DTSTART:20260302T080000Z", "RRULE:FREQ=DAILY;COUNT=5"),
        event("RECURRENCE-ID;RANGE=THISANDFUTURE:20260304T080000Z", "DTSTART:20260304T080000Z", "STATUS:CANCELLED"),
    )
    assert times(text) == ["03-02 09:00/0", "03-03 09:00/0"]


def test_an_endless_rule_from_1997_costs_little():
    start = time.thread_time()
    text = calendar(event("DTSTART;TZID=Europe/Berlin:19970901T090000", "DURATION:PT1H", "RRULE:FREQ=DAILY"))
    assert times(text, window=(at("2026-03-28T00:00"), at("2026-03-30T09:00"))) == ["03-28 09:00/1", "03-29 09:00/1"]
    assert time.thread_time() - start < 0.5


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE", ["03-02", "03-04", "03-16", "03-18", "03-30", "04-01"]),
        ("FREQ=DAILY;INTERVAL=10", ["03-12", "03-22", "04-01"]),
        ("FREQ=HOURLY;INTERVAL=240", ["03-12", "03-22", "04-01"]),
        ("FREQ=MONTHLY;BYDAY=-1FR", ["03-27"]),
        ("FREQ=YEARLY;BYMONTH=3;BYDAY=1TU,-1TU", ["03-03", "03-31"]),
    ],
)
def test_a_jump_keeps_the_phase_of_the_rule(rule: str, expected: list[str]):
    # 29 August 2016 was a Monday, an even number of weeks and, less ten days, of tens of days before 2 March 2026.
    begin = "20160829" if "WEEKLY" in rule else f"{date(2026, 3, 2) - timedelta(days=3000):%Y%m%d}"
    text = calendar(event(f"DTSTART;TZID=Europe/Berlin:{begin}T090000", f"RRULE:{rule}"))
    days = [each.split()[0] for each in times(text)]
    assert days == (expected if "INTERVAL=10" not in rule and "240" not in rule else ["03-02", *expected])


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY;UNTIL=21260101T000000Z",
        "FREQ=SECONDLY;COUNT=2000000000",
        "FREQ=MINUTELY",
        "FREQ=SECONDLY;COUNT=-1",
    ],
)
def test_a_rule_of_every_second_fails_quickly(rule: str):
    start = time.thread_time()
    with pytest.raises(TooManyOccurrences):
        times(calendar(event("DTSTART:20260101T000000Z", f"RRULE:{rule}")))
    assert time.thread_time() - start < 1


def test_the_limit_counts_only_the_window():
    text = read_calendar(calendar(event("DTSTART:20200101T000000Z", "RRULE:FREQ=DAILY")))[0][0].text
    assert len(expand(text, "UTC", *WINDOW, max_occurrences=35)) == 35
    with pytest.raises(TooManyOccurrences, match="more than 34"):
        expand(text, "UTC", *WINDOW, max_occurrences=34)


@pytest.mark.parametrize(
    "rule", ["FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=YEARLY;BYWEEKNO=60", "FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30"]
)
def test_a_rule_that_never_comes_true_ends_the_search(rule: str):
    start = time.thread_time()
    assert times(series(f"RRULE:{rule}")) == ["03-02 09:00/1"]
    assert time.thread_time() - start < 1


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=OFTEN",
        "BYDAY=MO",
        "FREQ=DAILY;BYNOON=1",
        "FREQ=WEEKLY;BYDAY=XX",
        "nonsense",
        "FREQ=DAILY;BYHOUR=25",
        "FREQ=DAILY;UNTIL=soon",
        "FREQ=MINUTELY;BYHOUR=23",
        "FREQ=DAILY;INTERVAL=x",
    ],
)
def test_a_rule_we_cannot_read_is_an_error_that_names_the_uid(rule: str):
    with pytest.raises(InvalidCalendar, match=r"one@example\.org"):
        times(series(f"RRULE:{rule}"))


def test_a_start_outside_its_rule_stays():
    assert times(series("RRULE:FREQ=WEEKLY;BYDAY=WE;COUNT=2")) == ["03-02 09:00/1", "03-04 09:00/1", "03-11 09:00/1"]


def test_leap_days_come_in_leap_years_only():
    text = calendar(event("DTSTART;VALUE=DATE:20240229", "RRULE:FREQ=YEARLY"))
    assert times(text, window=(at("2025-01-01T00:00"), at("2033-01-01T00:00"))) == ["02-29 00:00/24"] * 2


@pytest.mark.parametrize(
    ("until", "last"),
    [("20260304T080000Z", "03-04"), ("20260304T075959Z", "03-03"), ("20260304", "03-04"), ("20260304T090000", "03-04")],
)
def test_until_is_inclusive_and_a_bare_date_is_the_whole_local_day(until: str, last: str):
    assert times(series(f"RRULE:FREQ=DAILY;UNTIL={until}"))[-1] == f"{last} 09:00/1"


def test_a_bare_until_includes_the_evening_where_utc_is_a_day_ahead():
    text = calendar(
        event("DTSTART;TZID=America/New_York:20260302T220000", "DURATION:PT1H", "RRULE:FREQ=DAILY;UNTIL=20260303")
    )
    assert times(text) == ["03-03 04:00/1", "03-04 04:00/1"]


# Clock changes


def test_a_missing_local_time_is_shifted_by_the_gap():
    text = calendar(event("DTSTART;TZID=Europe/Berlin:20260328T023000", "DURATION:PT30M", "RRULE:FREQ=DAILY;COUNT=3"))
    assert times(text) == ["03-28 02:30/0.5", "03-29 03:30/0.5", "03-30 02:30/0.5"]


def test_a_doubled_local_time_is_the_first_of_the_two():
    text = calendar(event("DTSTART;TZID=Europe/Berlin:20261024T023000", "DURATION:PT30M", "RRULE:FREQ=DAILY;COUNT=3"))
    found = occurrences(text, window=(at("2026-10-01T00:00"), at("2026-11-01T00:00")))
    assert [datetime.fromtimestamp(o.start, UTC).strftime("%d %H:%M") for o in found] == [
        "24 00:30",
        "25 00:30",
        "26 01:30",
    ]


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        ("DURATION:PT8H", ["03-27 22:00/8", "03-28 22:00/8", "03-29 22:00/8"]),
        ("DURATION:P1D", ["03-27 22:00/24", "03-28 22:00/23", "03-29 22:00/24"]),
        ("DURATION:PT24H", ["03-27 22:00/24", "03-28 22:00/24", "03-29 22:00/24"]),
        ("DURATION:P1DT1H", ["03-27 22:00/25", "03-28 22:00/24", "03-29 22:00/25"]),
        ("DTEND;TZID=Europe/Berlin:20260328T060000", ["03-27 22:00/8", "03-28 22:00/8", "03-29 22:00/8"]),
    ],
)
def test_hours_are_exact_and_days_nominal_in_spring(length: str, expected: list[str]):
    text = calendar(event("DTSTART;TZID=Europe/Berlin:20260327T220000", length, "RRULE:FREQ=DAILY;COUNT=3"))
    assert times(text) == expected


@pytest.mark.parametrize(
    ("length", "hours"),
    [("DURATION:PT8H", [8, 8]), ("DURATION:P1D", [24, 25]), ("DTEND;TZID=Europe/Berlin:20261024T060000", [8, 9])],
)
def test_hours_are_exact_and_days_nominal_in_autumn(length: str, hours: list[int]):
    """A repeated DTEND blocks until the later of the exact and the wall-clock end."""
    text = calendar(event("DTSTART;TZID=Europe/Berlin:20261023T220000", length, "RRULE:FREQ=DAILY;COUNT=2"))
    found = occurrences(text, window=(at("2026-10-01T00:00"), at("2026-11-01T00:00")))
    assert [(o.end - o.start) // 3600 for o in found] == hours


def test_a_single_event_over_a_clock_change_ends_when_it_says():
    text = calendar(event("DTSTART;TZID=Europe/Berlin:20260328T220000", "DTEND;TZID=Europe/London:20260329T060000"))
    assert times(text) == ["03-28 22:00/8"]


# Length and window


def test_no_length_takes_no_time():
    assert times(calendar(event("DTSTART:20260303T090000Z"))) == ["03-03 10:00/0"]


@pytest.mark.parametrize("line", ["DTEND:20260303T080000Z", "DURATION:-PT1H"])
def test_an_end_before_the_start_blocks_the_time_between(line: str):
    assert times(calendar(event("DTSTART:20260303T090000Z", line))) == ["03-03 09:00/1"]


def test_the_window_is_half_open():
    hour = read_calendar(calendar(event("DTSTART:20260303T090000Z", "DURATION:PT1H")))[0][0].text
    nine, ten = at("2026-03-03T10:00"), at("2026-03-03T11:00")
    assert expand(hour, "UTC", ten, ten + 60) == []
    assert expand(hour, "UTC", nine - 60, nine) == []
    assert len(expand(hour, "UTC", ten - 1, ten)) == len(expand(hour, "UTC", nine, nine + 1)) == 1
    moment = read_calendar(calendar(event("DTSTART:20260303T090000Z")))[0][0].text
    assert len(expand(moment, "UTC", nine, nine + 60)) == 1
    assert expand(moment, "UTC", nine - 60, nine) == []


def test_a_long_occurrence_reaches_into_a_later_window():
    text = calendar(event("DTSTART:20250101T090000Z", "DURATION:P100D", "RRULE:FREQ=YEARLY"))
    assert times(text) == ["01-01 10:00/2400"]


# Files


def test_one_uid_twice_keeps_the_highest_sequence_then_the_latest_stamp():
    def version(sequence: int, stamp: str, hour: int) -> str:
        lines = [
            "BEGIN:VEVENT",
            "UID:twice",
            f"DTSTAMP:{stamp}",
            f"SEQUENCE:{sequence}",
            f"DTSTART:20260303T{hour:02}0000Z",
        ]
        return "\n".join([*lines, "END:VEVENT"])

    old, new = version(2, "20260101T000000Z", 8), version(2, "20260102T000000Z", 9)
    stale = version(1, "20260201T000000Z", 10)
    for order in ([old, new, stale], [stale, new, old], [new, stale, old]):
        assert times(calendar(*order)) == ["03-03 10:00/0"]


def test_objects_keep_the_order_of_the_file_and_everything_of_their_uid():
    text = calendar(
        event("DTSTART:20260303T090000Z", "X-KEPT:yes", uid="b"),
        "BEGIN:VTODO\r\nUID:todo\r\nEND:VTODO",
        event("DTSTART:20260303T090000Z", uid="a"),
        event("DTSTART:20260303T090000Z", "RECURRENCE-ID:20260304T090000Z", uid="b"),
    )
    objects, _ = read_calendar(text)
    assert [(o.uid, o.recurring, o.text.count("BEGIN:VEVENT")) for o in objects] == [("b", False, 2), ("a", False, 1)]
    assert "X-KEPT:yes\r\n" in objects[0].text
    assert read_calendar(objects[0].text)[0] == [objects[0]]


def test_a_byte_order_mark_bare_line_feeds_and_a_missing_uid_are_tolerated():
    text = calendar(event("DTSTART:20260303T090000Z", "not a content line", "X-ODD;=:")).replace("\r\n", "\n")
    text = text.replace("UID:one@example.org\n", "")
    assert times("\ufeff" + text) == ["03-03 10:00/0"]
    objects, _ = read_calendar(b"\xef\xbb\xbf" + text.encode())
    assert objects == read_calendar(text)[0]
    assert expand(objects[0].text, "UTC", *WINDOW)[0].uid == objects[0].uid


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  \r\n",
        "<html>",
        "BEGIN:VEVENT\r\nEND:VEVENT",
        "BEGIN:VCALENDAR\r\nVERSION:2.0",
        "\x00\x01",
        "BEGIN:VCARD\nEND:VCARD",
        "BEGIN:VCALENDAR\r\nEND:VEVENT",
        "END:VCALENDAR",
        calendar("BEGIN:VEVENT"),
        calendar("END:VEVENT"),
        calendar("BEGIN:VFREEBUSY\nFREEBUSY:20260303T090000Z/PT1H\nEND:VFREEBUSY"),
    ],
)
def test_what_is_no_calendar_or_cut_off_is_an_error(text: str):
    with pytest.raises(InvalidCalendar):
        read_calendar(text)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["DTSTART:tomorrow"],
        ["DTSTART:20260230T090000Z"],
        ["DTSTART:20260303T090000Z", "DTEND:never"],
        ["DTSTART:20260303T090000Z", "DURATION:long"],
        ["DTSTART:20260303T090000Z", "EXDATE:x"],
        ["DTSTART;=:"],
        ["DTSTART:20260303T090000Z", "RDATE;VALUE=PERIOD:20260303T090000Z/x"],
    ],
)
def test_a_time_we_cannot_read_is_an_error_that_names_the_uid_or_line(lines: list[str]):
    with pytest.raises(InvalidCalendar, match=r"one@example\.org|DTSTART;=:"):
        read_calendar(calendar(event(*lines)))


def test_a_file_too_large_is_refused():
    with pytest.raises(InvalidCalendar, match="more than the 100 bytes allowed"):
        read_calendar(calendar(event("DTSTART:20260303T090000Z")), max_bytes=100)


# Writing


def test_a_written_event_reads_back():
    text = write_event(
        uid="evt_1@slotlink", start=at("2026-03-03T10:00"), end=at("2026-03-03T10:45"), tzid="Europe/Berlin",
        summary="Hello; world, \\N", description="one\r\ntwo", location="Zoë's room " * 20,
        url="https://example.org/\r\nATTENDEE:x", stamp=at("2026-03-01T00:00"), sequence=3,
    )  # fmt: skip
    (each,), zone = read_calendar(text)
    assert zone == "Europe/Berlin" and each.uid == "evt_1@slotlink"
    (found,) = expand(each.text, "Europe/Berlin", *WINDOW)
    assert (found.start, found.end) == (at("2026-03-03T10:00"), at("2026-03-03T10:45"))
    assert (found.summary, found.description) == ("Hello; world, \\N", "one\ntwo")
    assert found.location == "Zoë's room " * 20 and found.url == "https://example.org/ATTENDEE:x"
    assert "METHOD" not in text and "SEQUENCE:3\r\n" in text and "DTSTAMP:20260228T230000Z\r\n" in text
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75


# The demo calendars


def common_starts(monday: date) -> dict[date, int]:
    """How many starts of 45 minutes, every 15, both demo people have on each day of the week of `monday`."""
    begin = int(datetime.combine(monday, datetime.min.time(), UTC).timestamp())
    busy: list[Occurrence] = []
    for name in ("maya", "jonas"):
        objects, tzid = read_calendar((DEMO / f"{name}.ics").read_bytes())
        assert tzid
        busy += [o for each in objects for o in expand(each.text, tzid, begin, begin + 8 * 86_400)]
    blocking = [(o.start, o.end) for o in busy if o.transparency == "opaque"]
    found: dict[date, int] = {}
    for start in range(begin, begin + 7 * 86_400, 900):
        if all(start + 2_700 <= taken or start >= until for taken, until in blocking):
            day = datetime.fromtimestamp(start, ZoneInfo("Europe/London"))
            assert 9 <= day.hour < 17 and day.weekday() < 5, f"{day} is outside office hours"
            found[day.date()] = found.get(day.date(), 0) + 1
    return found


@pytest.mark.parametrize(
    "monday", ["2026-01-05", "2026-03-23", "2026-10-19", "2026-11-23", "2027-03-22", "2027-12-20", "2028-10-23"]
)
def test_the_demo_people_have_common_times_in_every_week(monday: str):
    for week in range(5):
        starts = common_starts(date.fromisoformat(monday) + timedelta(weeks=week))
        assert len(starts) == 5, "every weekday has one"
        assert all(3 <= count <= 10 for count in starts.values()), starts
