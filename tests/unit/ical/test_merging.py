"""Our wish put into an event that a person or a server has changed: what we did not change stays as they have it."""

from __future__ import annotations

import pytest

from slotlink.ical import InvalidCalendar, expand, merge, read_calendar, write_event

START = 1_804_150_800  # Thursday 4 March 2027, 09:00 UTC
HOUR = 3600
UID = "0f4f2b1c-7a51-5b7e-9d6c-0242ac120002@slotlink"


def ours(start: int = START, *, summary: str = "Interview", tzid: str = "Europe/Berlin", **members: object) -> str:
    return write_event(
        uid=UID,
        start=start,
        end=start + HOUR,
        tzid=tzid,
        summary=summary,
        stamp=START,
        **members,  # type: ignore[arg-type]
    )


def with_lines(text: str, *lines: str) -> str:
    return text.replace("END:VEVENT\r\n", "".join(f"{line}\r\n" for line in lines) + "END:VEVENT\r\n")


def lines_of(text: str) -> list[str]:
    return text.replace("\r\n ", "").split("\r\n")


def when(text: str) -> list[tuple[int, int]]:
    return [(each.start, each.end) for each in expand(text, "UTC", 0, 4_000_000_000)]


def test_what_we_changed_is_changed_and_nothing_else() -> None:
    theirs = with_lines(ours(summary="Interview with Ann (moved desk)"), "LOCATION:Room 7", "X-THEIRS:1")
    merged = merge(theirs, ours(), ours(START + HOUR))
    assert when(merged) == [(START + HOUR, START + 2 * HOUR)]
    [event] = expand(merged, "UTC", 0, 4_000_000_000)
    assert (event.summary, event.location) == ("Interview with Ann (moved desk)", "Room 7")
    assert "X-THEIRS:1" in lines_of(merged)


def test_what_we_did_not_change_stays_as_they_put_it() -> None:
    theirs = ours(START + 5 * HOUR)
    merged = merge(theirs, ours(), ours(summary="Second interview"))
    assert when(merged) == [(START + 5 * HOUR, START + 6 * HOUR)]
    assert [each.summary for each in expand(merged, "UTC", 0, 4_000_000_000)] == ["Second interview"]


def test_times_go_together() -> None:
    """Their DURATION beside our new DTSTART and DTEND would be one too many (RFC 5545 section 3.6.1)."""
    theirs = "\r\n".join("DURATION:PT1H" if line.startswith("DTEND") else line for line in lines_of(ours()))
    longer = write_event(
        uid=UID, start=START, end=START + 2 * HOUR, tzid="Europe/Berlin", summary="Interview", stamp=START
    )
    merged = merge(theirs, ours(), longer)
    assert when(merged) == [(START, START + 2 * HOUR)]
    assert not [line for line in lines_of(merged) if line.startswith("DURATION")]


def test_answers_and_alarms_of_theirs_survive() -> None:
    alarm = ("BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:Soon", "TRIGGER:-PT15M", "END:VALARM")
    answer = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ann@example.com"
    theirs = with_lines(ours(description="Before"), answer, *alarm)
    merged = merge(theirs, ours(description="Before"), ours(description="After"))
    found = lines_of(merged)
    assert answer in found
    first = found.index("BEGIN:VALARM")
    assert tuple(found[first : first + 5]) == alarm, "the alarm's own DESCRIPTION is none of ours"
    assert [line for line in found if line.startswith("DESCRIPTION")] in (
        ["DESCRIPTION:Soon", "DESCRIPTION:After"],
        ["DESCRIPTION:After", "DESCRIPTION:Soon"],
    )
    assert read_calendar(merged)[0][0].uid == UID


def test_guests_come_and_go_and_who_stays_keeps_the_answer() -> None:
    def invited(*lines: str) -> str:
        return with_lines(ours(), *(f"ATTENDEE;PARTSTAT={line}" for line in lines))

    asked, answered = "NEEDS-ACTION:mailto:ann@example.com", "ACCEPTED:mailto:Ann@Example.com"
    ben, eve = "NEEDS-ACTION:mailto:ben@example.com", "NEEDS-ACTION:mailto:eve@example.com"
    merged = lines_of(merge(invited(answered, ben), invited(asked, ben), invited(asked, eve)))
    assert sorted(line for line in merged if line.startswith("ATTENDEE")) == sorted(
        f"ATTENDEE;PARTSTAT={line}" for line in (answered, eve)
    )


def test_what_we_take_away_is_gone() -> None:
    before = ours(location="Room 7", url="https://example.com/a")
    merged = merge(before, before, ours(url="https://example.com/a"))
    [event] = expand(merged, "UTC", 0, 4_000_000_000)
    assert not event.location and event.url == "https://example.com/a"


def test_it_is_newer_than_theirs_says_its_sequence() -> None:
    """DTSTAMP and SEQUENCE are ours, once each (RFC 5546 section 2.1.4)."""
    theirs, now = ours(), ours(summary="Second")
    newer = now.replace("SEQUENCE:0", "SEQUENCE:4") if "SEQUENCE" in now else with_lines(now, "SEQUENCE:4")
    found = lines_of(merge(theirs, ours(), newer))
    assert [line for line in found if line.startswith("SEQUENCE")] == ["SEQUENCE:4"]
    assert len([line for line in found if line.startswith("DTSTAMP")]) == 1


@pytest.mark.parametrize("now", ["Asia/Tokyo", "Etc/UTC"])
def test_a_zone_that_they_have_and_one_that_we_bring(now: str) -> None:
    merged = merge(ours(), ours(), ours(START + HOUR, tzid=now))
    assert when(merged) == [(START + HOUR, START + 2 * HOUR)]


def test_a_scheduling_method_is_not_stored() -> None:
    """RFC 4791 section 4.1: no METHOD in what is put into a calendar."""
    theirs = ours().replace("BEGIN:VEVENT", "METHOD:REQUEST\r\nBEGIN:VEVENT", 1)
    assert not [line for line in lines_of(merge(theirs, ours(), ours(START + HOUR))) if line.startswith("METHOD")]


@pytest.mark.parametrize(
    "theirs",
    [
        "",
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n",
        with_lines(ours(), "END:VEVENT", "BEGIN:VEVENT", f"UID:{UID}", "DTSTART:20270304T090000Z"),
        ours()[:-30],
    ],
    ids=["nothing", "no event", "two events", "cut off"],
)
def test_what_is_not_one_event_is_not_merged(theirs: str) -> None:
    with pytest.raises(InvalidCalendar):
        merge(theirs, ours(), ours())
