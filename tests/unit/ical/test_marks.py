"""BEGIN and END are found however they are written; nothing else is taken for one."""

import pytest

from slotlink.ical import InvalidCalendar, expand

LINES = ("BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:x", "DTSTART:20270301T090000Z", "END:VEVENT", "END:VCALENDAR")


@pytest.mark.parametrize("spelt", [str.lower, str.title, lambda line: f" {line}"], ids=["lower", "mixed", "indented"])
def test_marks_are_found_however_they_are_written(spelt) -> None:
    lines = [LINES[0], *(spelt(line) if ":V" in line else line for line in LINES[1:])]
    text = "\n\n".join(lines)  # a blank line before each, so that no indented one is a fold
    assert len(expand(text, "UTC", 1_800_000_000, 1_810_000_000)) == 1


@pytest.mark.parametrize(
    "spelt",
    [("BEGIN: VEVENT", "END: VEVENT"), ("BEGIN :VEVENT", "END :VEVENT"), ("BEGIN\t:\tVEVENT ", "END:VEVENT\t")],
    ids=["after the colon", "before it", "tabs"],
)
def test_blanks_in_a_mark_hide_no_event(spelt: tuple[str, str]) -> None:
    """Passed over, a calendar of such events would be empty, and its owner free."""
    begin, end = spelt
    text = "\n".join([LINES[0], begin, *LINES[2:4], end, LINES[5]])
    assert len(expand(text, "UTC", 1_800_000_000, 1_810_000_000)) == 1


@pytest.mark.parametrize("begin", ["BEGIN: DAYLIGHT", "BEGIN :DAYLIGHT", "BEGIN:DAYLIGHT "])
def test_blanks_in_a_mark_hide_no_half_of_a_zone(begin: str) -> None:
    """Without its summer, every time in it would be an hour off."""
    half = ("DTSTART:20270301T000000", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200")
    winter = ("BEGIN:STANDARD", "DTSTART:19701001T000000", "TZOFFSETFROM:+0200", "TZOFFSETTO:+0100", "END:STANDARD")
    zone = ("BEGIN:VTIMEZONE", "TZID:Own", *winter, begin, *half, "END:DAYLIGHT", "END:VTIMEZONE")
    text = "\n".join([LINES[0], *zone, *LINES[1:3], "DTSTART;TZID=Own:20270501T090000", *LINES[4:]])
    assert expand(text, "UTC", 1_800_000_000, 1_810_000_000)[0].start == 1_809_154_800


@pytest.mark.parametrize("line", ["BEGINNING:VALARM", "ENDED:VEVENT", "B:1", "e:1", "DESCRIPTION:END:VEVENT"])
def test_nothing_else_is_a_mark(line: str) -> None:
    text = "\n".join([*LINES[:3], line, *LINES[3:]])
    assert len(expand(text, "UTC", 1_800_000_000, 1_810_000_000)) == 1


def test_an_end_in_lower_case_that_fits_nothing_is_refused() -> None:
    with pytest.raises(InvalidCalendar, match="not open"):
        expand("\n".join([*LINES[:3], "end:VALARM", *LINES[3:]]), "UTC", 0, 1)


@pytest.mark.parametrize(
    ("written", "read"),
    [("a\\nb\\, c\\; d\\\\", "a\nb, c; d\\"), ("end\\", "end\\"), ("http://x\\,y", "http://x,y")],
    ids=["all escapes", "a lone backslash", "a colon before it"],
)
def test_escapes_are_read_without_parameters_and_with(written: str, read: str) -> None:
    for name in ("SUMMARY", "SUMMARY;LANGUAGE=en"):
        text = "\n".join([*LINES[:3], f"{name}:{written}", *LINES[3:]])
        assert expand(text, "UTC", 1_800_000_000, 1_810_000_000)[0].summary == read
