"""What the store keeps of a provider's objects."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from slotlink.connectors.base import RemoteObject
from slotlink.engine import Period
from slotlink.services.mirrored import (
    KNOWN_AHEAD_S,
    KNOWN_BEFORE_S,
    MOST_WORK_S,
    UnreadableObject,
    horizon,
    read_objects,
)
from slotlink.store.mirrors import Mirror

NOW = 1_804_150_800  # Thursday 4 March 2027, 09:00 UTC
HOUR, DAY = 3600, 86_400
WEEK = Period(NOW, NOW + 7 * DAY)


def mirror(tzid: str = "Europe/Berlin", *owner_addresses: str) -> Mirror:
    return Mirror(
        application_id="app",
        calendar_id="cal",
        profile_id="pro",
        sub="acc",
        remote_id="/work/",
        tzid=tzid,
        owner_addresses=owner_addresses,
        readonly=False,
        cursor=None,
        fresh_at=None,
        fresh_until=None,
        reconciled_at=None,
        known_from=WEEK.start,
        known_until=WEEK.end,
        viewed_at=None,
        zone_version=None,
        fence=1,
    )


def found(*lines: str, key: str = "a.ics", version: str | None = "v1") -> RemoteObject:
    return several(lines, key=key, version=version)


def several(*events: tuple[str, ...], key: str = "a.ics", version: str | None = "v1") -> RemoteObject:
    text = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN"]
    for lines in events:
        text += ["BEGIN:VEVENT", "UID:a@host", "DTSTAMP:20270101T000000Z", *lines, "END:VEVENT"]
    return RemoteObject(key, version, "\r\n".join([*text, "END:VCALENDAR", ""]))


def times(of: RemoteObject, tzid: str = "Europe/Berlin", within: Period = WEEK) -> list[tuple[int, int]]:
    [read] = read_objects([of], mirror(tzid), within)
    return [(each.time.start, each.time.end) for each in read.event.occurrences]


def test_the_horizon_reaches_over_the_longest_query_and_its_past() -> None:
    assert horizon(NOW) == Period(NOW - KNOWN_BEFORE_S, NOW + KNOWN_AHEAD_S)


def test_a_single_event_is_kept_whenever_it_is() -> None:
    far = found("DTSTART:20400101T090000Z", "DURATION:PT1H")
    assert len(times(far)) == 1 and times(far, within=Period(0, 0)) == times(far)


def test_what_repeats_is_kept_over_the_span_alone() -> None:
    of = found("DTSTART:20270301T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY")
    assert times(of) == [(NOW + day * DAY, NOW + day * DAY + HOUR) for day in range(7)]
    assert times(of, within=Period(0, 0)) == []
    [read] = read_objects([of], mirror(), WEEK)
    assert read.event.recurring and read.uid == "a@host"


@pytest.mark.parametrize(("tzid", "start"), [("Europe/Berlin", NOW - 10 * HOUR), ("America/New_York", NOW - 4 * HOUR)])
def test_whole_days_are_of_the_calendars_zone(tzid: str, start: int) -> None:
    assert times(found("DTSTART;VALUE=DATE:20270304"), tzid) == [(start, start + DAY)]


def test_the_providers_names_go_along() -> None:
    [read] = read_objects([found("DTSTART:20270304T090000Z", key="k", version="7")], mirror(), WEEK)
    assert (read.event.remote_key, read.event.version) == ("k", "7")


def test_the_owners_answer_decides_whether_it_blocks() -> None:
    of = found("DTSTART:20270304T090000Z", "DURATION:PT1H", "ATTENDEE;PARTSTAT=DECLINED:mailto:Ann@Example.com")
    for addresses, kind in (("ann@example.com",), "free"), (("ben@example.com",), "busy"), ((), "busy"):
        [read] = read_objects([of], mirror("UTC", *addresses), WEEK)
        assert [each.kind for each in read.event.occurrences] == [kind]


def test_an_object_without_an_event_blocks_nothing() -> None:
    todo = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VTODO\r\nUID:t\r\nEND:VTODO\r\nEND:VCALENDAR\r\n"
    [read] = read_objects([RemoteObject("t", None, todo)], mirror(), WEEK)
    assert read.uid == "" and read.event.occurrences == []


def test_two_occurrences_of_one_original_start_are_both_kept() -> None:
    """An override that comes to lie on another, and a server that keeps two: each blocks, and each has a name."""
    first = ("DTSTART:20270304T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=2")
    moved = ("RECURRENCE-ID:20270305T090000Z", "DTSTART:20270304T090000Z", "DURATION:PT1H")
    [read] = read_objects([several(first, moved)], mirror(), WEEK)
    names = [each.original_start for each in read.event.occurrences]
    assert len(names) == 2 == len(set(names))


@pytest.mark.parametrize(
    "line",
    ["DTSTART;TZID=Custom/Nowhere:20270304T090000", "DTSTART:yesterday", "RRULE:FREQ=DAILY"],
    ids=["unknown zone", "no time", "a rule without a start"],
)
def test_one_object_that_cannot_be_understood_is_named(line: str) -> None:
    fine = found("DTSTART:20270304T090000Z")
    with pytest.raises(UnreadableObject, match=r"^odd\.ics: "):
        read_objects([fine, found(line, key="odd.ics")], mirror(), WEEK)


def test_an_object_that_is_cut_off_is_not_read() -> None:
    with pytest.raises(UnreadableObject):
        read_objects([RemoteObject("a", "1", found("DTSTART:20270304T090000Z").ical[:-20])], mirror(), WEEK)


def test_all_objects_together_take_so_much_work_and_no_more() -> None:
    clock: Iterator[float] = iter([0, MOST_WORK_S - 1, MOST_WORK_S, MOST_WORK_S + 1])
    objects = [found("DTSTART:20270304T090000Z", key=str(number)) for number in range(4)]
    with pytest.raises(UnreadableObject, match=r"^2: "):
        read_objects(objects, mirror(), WEEK, lambda: next(clock))
