"""Laws of iCalendar reading and writing, with recurring-ical-events and icalendar as independent readers."""

from datetime import UTC, datetime, timedelta

import icalendar
import recurring_ical_events
from hypothesis import given, settings
from hypothesis import strategies as st

from slotlink.ical import InvalidCalendar, expand, read_calendar, write_event

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECOND = int(START.timestamp())
WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]


@st.composite
def rules(draw: st.DrawFn) -> str:
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    parts = [f"FREQ={frequency}", f"INTERVAL={draw(st.integers(1, 4))}"]
    days = ",".join(draw(st.lists(st.sampled_from(WEEKDAYS), unique=True, max_size=3)))
    parts += [f"BYDAY={days}"] if days else []
    months = ",".join(str(m) for m in draw(st.lists(st.integers(1, 12), unique=True, max_size=2)))
    parts += [f"BYMONTH={months}"] if months else []
    if frequency == "MONTHLY" and days and draw(st.booleans()):
        parts.append(f"BYSETPOS={draw(st.sampled_from([1, 2, -1]))}")
    end = draw(st.sampled_from(["", "COUNT", "UNTIL"]))
    if end == "COUNT":
        parts.append(f"COUNT={draw(st.integers(1, 40))}")
    if end == "UNTIL":
        parts.append(f"UNTIL={START + timedelta(days=draw(st.integers(0, 400))):%Y%m%dT%H%M%SZ}")
    return ";".join(parts)


@settings(max_examples=120, deadline=None)
@given(rule=rules(), age=st.integers(0, 4_000), span=st.integers(1, 400), data=st.data())
def test_expansion_agrees_with_another_library(rule: str, age: int, span: int, data: st.DataObject):
    first = START - timedelta(days=age)
    excluded = [first + timedelta(days=d) for d in data.draw(st.lists(st.integers(0, 600), max_size=3))]
    added = [first + timedelta(days=d, hours=3) for d in data.draw(st.lists(st.integers(0, 600), max_size=3))]
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "BEGIN:VEVENT",
        "UID:x",
        f"DTSTART:{first:%Y%m%dT%H%M%SZ}",
        "DURATION:PT1H",
    ]
    lines += [f"EXDATE:{each:%Y%m%dT%H%M%SZ}" for each in excluded]
    lines += [f"RDATE:{each:%Y%m%dT%H%M%SZ}" for each in added]
    text = "\r\n".join([*lines, f"RRULE:{rule}", "END:VEVENT", "END:VCALENDAR", ""])
    theirs = recurring_ical_events.of(icalendar.Calendar.from_ical(text)).between(START, START + timedelta(days=span))
    # They leave out a DTSTART that lies after UNTIL; for us it stays, as the first instance always does.
    ours = [o.start for o in expand(text, "UTC", SECOND, SECOND + span * 86_400)]
    expected = sorted(int(each["DTSTART"].dt.timestamp()) for each in theirs)
    assert [s for s in ours if s != int(first.timestamp())] == [s for s in expected if s != int(first.timestamp())]
    assert ours == sorted(ours)


@given(start=st.integers(-60, 500), length=st.integers(1, 100))
def test_a_smaller_window_shows_the_same_occurrences(start: int, length: int):
    text = (
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:x\nDTSTART;TZID=Europe/Berlin:20250101T220000\n"
        "DTEND;TZID=Europe/Berlin:20250102T060000\nRRULE:FREQ=DAILY;INTERVAL=3\nEND:VEVENT\nEND:VCALENDAR"
    )
    begin = SECOND + start * 3_600
    end = begin + length * 3_600
    wide = expand(text, "UTC", SECOND - 90 * 86_400, SECOND + 90 * 86_400)
    assert expand(text, "UTC", begin, end) == [o for o in wide if o.start < end and o.end > begin]


def clean(text: str) -> str:
    """What is promised of a text: line ends are line feeds, other control characters are gone."""
    for ending in ("\r\n", "\r", "\x85", "\u2028", "\u2029"):
        text = text.replace(ending, "\n")
    return "".join(
        c for c in text if c in "\n\t" or not (ord(c) < 32 or 127 <= ord(c) < 160 or 0xD800 <= ord(c) < 0xE000)
    )


any_text = st.text(st.characters(), max_size=60) | st.text("\r\n\t\\;,:nN\x00\x0b\u2028\ud800A é😀", max_size=90)


@settings(max_examples=80, deadline=None)
@given(summary=any_text, description=any_text, location=any_text, uid=st.uuids(), start=st.integers(0, 4_000_000_000))
def test_any_text_survives_writing_and_injects_nothing(summary, description, location, uid, start):
    text = write_event(
        uid=str(uid), start=start, end=start + 2_700, tzid="Europe/Berlin", summary=summary,
        description=description, location=location, stamp=start,
    )  # fmt: skip
    names = [line.split(":")[0].split(";")[0] for line in text.replace("\r\n ", "").split("\r\n")]
    optional = [n for n, value in (("DESCRIPTION", description), ("LOCATION", location)) if value]
    head = "BEGIN VERSION PRODID X-WR-TIMEZONE BEGIN UID DTSTAMP SEQUENCE DTSTART DTEND STATUS SUMMARY"
    assert " ".join(names).strip() == " ".join([head, *optional, "END END"])
    assert not [c for c in text.replace("\r\n", "") if (ord(c) < 32 and c != "\t") or ord(c) == 127]
    (each,), _ = read_calendar(text)
    (found,) = expand(each.text, "Europe/Berlin", start, start + 1)
    assert (found.start, found.end) == (start, start + 2_700)
    assert (found.summary, found.description, found.location) == (clean(summary), clean(description), clean(location))
    assert str(icalendar.Calendar.from_ical(text).walk("VEVENT")[0]["UID"]) == str(uid)


LINES = """BEGIN:VEVENT|END:VEVENT|BEGIN:VALARM|END:VALARM|UID:x|DTSTART;TZID=X:1|SEQUENCE:x| folded|
DTSTART:20260303T090000Z|
DTSTART;VALUE=DATE:00010101|DTSTART:99991231T235959|DTEND;VALUE=DATE:20260303|DURATION:P99999999999D|DURATION:PT1H|
RECURRENCE-ID:20260303|EXDATE:20260310|RDATE:20260303/PT|RRULE:|RRULE:FREQ=WEEKLY|RRULE:FREQ=YEARLY;UNTIL=00010101|
RRULE:FREQ=DAILY;INTERVAL=99999999999999999999|DTSTART:20260303T090000|RECURRENCE-ID;RANGE=THISANDFUTURE:20260303T090000"""
lines = st.sampled_from(LINES.replace("|\n", "|").split("|"))


@settings(max_examples=200, deadline=None)
@given(body=st.lists(lines | st.text(max_size=20), max_size=12))
def test_whatever_is_inside_is_read_or_refused(body: list[str]):
    text = "\r\n".join(["BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:x", *body, "END:VEVENT", "END:VCALENDAR"])
    try:
        for each in read_calendar(text)[0]:
            for occurrence in expand(each.text, "Europe/Berlin", SECOND, SECOND + 86_400 * 40):
                assert occurrence.start <= occurrence.end
    except InvalidCalendar as error:
        assert str(error)
