"""What a feed says, taken apart: objects that are whole, keys and versions, and whatever else may come."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.connectors.feed_calls import CALENDAR, EVENT

from slotlink.connectors import feed_objects
from slotlink.connectors.base import RemoteObject
from slotlink.connectors.feed_objects import MOST_EVENTS, MOST_LINES, Feed, read_feed
from slotlink.errors import ConnectorError, NotAccepted
from slotlink.ical import InvalidCalendar, expand, read_calendar

RECORDED = Path(__file__).parents[2] / "recorded"
YEARS = (0, 4_102_444_800)


def lines(*each: str) -> bytes:
    return "".join(f"{line}\r\n" for line in each).encode()


def event(uid: str | None = "one", *more: str, start: str = "DTSTART:20270304T090000Z") -> bytes:
    named = [f"UID:{uid}"] if uid is not None else []
    return lines("BEGIN:VEVENT", *named, start, "DURATION:PT1H", *more, "END:VEVENT")


def zone(name: str, offset: str = "+0530", *more: str) -> bytes:
    told = ["DTSTART:19700101T000000", f"TZOFFSETFROM:{offset}", f"TZOFFSETTO:{offset}"]
    return lines("BEGIN:VTIMEZONE", f"TZID:{name}", *more, "BEGIN:STANDARD", *told, "END:STANDARD", "END:VTIMEZONE")


def feed(*parts: bytes) -> Feed:
    return read_feed(CALENDAR % b"".join(parts))


def only(*parts: bytes) -> RemoteObject:
    [found] = feed(*parts).objects
    return found


def test_every_event_of_a_recorded_feed_means_the_same() -> None:
    body = (RECORDED / "outlook-feed.ics").read_bytes()
    found, (whole, tzid) = read_feed(body), read_calendar(body)
    assert found.tzid == tzid == "Europe/Berlin" and found.name is None
    assert [each.remote_key for each in found.objects] == [each.uid for each in whole]
    for ours, theirs in zip(found.objects, whole, strict=True):
        assert expand(ours.ical, tzid, *YEARS) == expand(theirs.text, tzid, *YEARS) != []
        again, own = read_calendar(ours.ical)
        assert [each.text for each in again] == [theirs.text] and own == tzid


def test_an_object_has_the_zones_that_it_needs_and_no_others() -> None:
    away = event("a", "EXDATE;TZID=Away:20270304T090000", start="DTSTART;TZID=Mine:20270304T090000")
    found = feed(zone("Mine"), zone("Away"), zone("Unused"), away, event("b"))
    with_zones, without = (each.ical for each in found.objects)
    assert [f"TZID:{name}\r\n" in with_zones for name in ("Mine", "Away", "Unused")] == [True, True, False]
    assert "VTIMEZONE" not in without
    assert [each.start for each in expand(with_zones, "UTC", *YEARS)] == []
    assert [each.start for each in expand(without, "UTC", *YEARS)] == [1_804_150_800]


def test_the_zone_of_the_feed_goes_with_every_object() -> None:
    found = feed(b"X-WR-TIMEZONE;VALUE=TEXT: Mine \r\n", zone("Mine"), event("a"), event("b"))
    assert found.tzid is None, "a zone of its own has no IANA name"
    for each in found.objects:
        assert "\r\nX-WR-TIMEZONE:Mine\r\n" in each.ical and each.ical.count("\r\nTZID:Mine\r\n") == 1
        assert read_calendar(each.ical)[1] is None
    changed = feed(b"X-WR-TIMEZONE:Mine\r\n", zone("Mine", "+0100"), event("a"), event("b"))
    assert not {each.version for each in changed.objects} & {each.version for each in found.objects}


@pytest.mark.parametrize(
    ("first", "second", "stays"),
    [
        (["SEQUENCE:2", "DTSTAMP:20270101T000000Z"], ["SEQUENCE:1", "DTSTAMP:20270102T000000Z"], "first"),
        (["SEQUENCE:9"], ["SEQUENCE:10"], "second"),
        (["DTSTAMP:20270102T000000Z"], ["DTSTAMP:20270101T000000Z"], "first"),
        (["DTSTAMP:20270101T000000Z"], ["DTSTAMP:20270102T000000Z"], "second"),
        (["SEQUENCE:1"], [], "first"),
    ],
)
def test_one_uid_twice(first: list[str], second: list[str], stays: str) -> None:
    """RFC 5545 3.8.7.4; trap 31 of the guide to providers."""
    found = only(event("one", "SUMMARY:first", *first), event("one", "SUMMARY:second", *second))
    assert [each.summary for each in expand(found.ical, "UTC", *YEARS)] == [stays]


def test_one_override_twice() -> None:
    def moved(hour: int, sequence: int) -> bytes:
        start = f"DTSTART:20270311T{hour}0000Z"
        return event("one", "RECURRENCE-ID:20270311T090000Z", f"SEQUENCE:{sequence}", start=start)

    found = only(moved(12, 3), event("one", "RRULE:FREQ=WEEKLY;COUNT=2", "SEQUENCE:9"), moved(15, 2))
    assert [each.start for each in expand(found.ical, "UTC", *YEARS)] == [1_804_150_800, 1_804_766_400]


def test_stamps_decide_between_two_and_count_for_no_version() -> None:
    def told(first: str, second: str) -> Feed:
        stamps = (f"DTSTAMP:202701{day}T000000Z" for day in (first, second))
        return feed(*(event("one", f"SUMMARY:{at}", stamp) for at, stamp in enumerate(stamps)))

    assert told("01", "02").digest == told("03", "04").digest != told("02", "01").digest
    assert only(event("one", "DTSTAMP:20270101T000000Z")).ical != only(event("one", "DTSTAMP:20270102T000000Z")).ical


@pytest.mark.parametrize(
    "line", ["SUMMARY:x", "TRANSP:TRANSPARENT", "X-OWN:1", "ATTENDEE:mailto:a@b.test", "SEQUENCE:1"]
)
def test_a_version_is_another_for_every_line(line: str) -> None:
    assert only(event("one", line)).version != only(event("one")).version


def test_the_order_of_events_changes_nothing() -> None:
    first, second = feed(event("a"), event("b")), feed(event("b"), event("a"))
    assert first.digest == second.digest and set(first.objects) == set(second.objects)
    assert len({first.digest, feed(event("a")).digest, feed().digest}) == 3


def test_keys() -> None:
    uids = ["a", "A", "x" * 500, "x" * 501, "x" * 500 + "y", "tab\tbell\x07", "sha256:a", "a b@c", "ä🦷", "'\";--"]
    keys = [each.remote_key for each in feed(*map(event, uids)).objects]
    assert len(set(keys)) == len(uids)
    assert [key == uid for key, uid in zip(keys, uids, strict=True)] == [
        len(uid) <= 500 and uid.isprintable() and uid != "sha256:a" for uid in uids
    ]
    assert all(len(key) <= 500 and key.isprintable() for key in keys)
    assert keys == [only(event(uid)).remote_key for uid in uids]


def test_an_event_without_uid_is_there_all_the_same() -> None:
    found = feed(event(None), event(None, start="DTSTART:20270305T090000Z"))
    assert len({each.remote_key for each in found.objects}) == 2
    assert [len(expand(each.ical, "UTC", *YEARS)) for each in found.objects] == [1, 1]


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + CALENDAR % event("one"),
        (CALENDAR % event("one")).replace(b"\r\n", b"\n"),
        (CALENDAR % event("one")).replace(b"\r\n", b"\r\n\r\n"),
        (CALENDAR % event("one")).replace(b"UID:one", b"U\r\n ID:\r\n\tone"),
        (CALENDAR % event("one")).replace(b"VEVENT", b"vevent").replace(b"VCALENDAR", b"vcalendar"),
        b"\r\n\r\n" + (CALENDAR % event("one")).strip(),
        CALENDAR % b"" + CALENDAR % event("one"),
        (CALENDAR % event("one")).replace(b"VERSION", b"X-A:\0\r\nVERSION"),
        CALENDAR % (event("one") + lines("BEGIN:VTODO", "UID:todo", "END:VTODO")),
        (CALENDAR % event("one")).replace(b":VEVENT", b": VEVENT"),
    ],
    ids=[
        *("BOM", "LF", "blank lines", "folded", "lower case", "no last line end", "two calendars", "NUL", "to-do"),
        "a blank after the colon",
    ],
)
def test_ways_to_write_it(body: bytes) -> None:
    [found] = read_feed(body).objects
    plain = only(event("one"))
    assert found.remote_key == "one" and expand(found.ical, "UTC", *YEARS) == expand(plain.ical, "UTC", *YEARS) != []
    assert found.version == plain.version or b"vevent" in body or b": VEVENT" in body


def test_no_text_holds_what_a_database_refuses() -> None:
    found = only(event("o\0ne", "SUMMARY:a\0b\xff"))
    assert found.remote_key == "one" and "\0" not in found.ical
    found.ical.encode()


def test_a_broken_event_spoils_no_other() -> None:
    """Whoever expands it finds out, as with every provider."""
    odd = event("odd", "RRULE:FREQ=NEVER", start="DTSTART;TZID=Nowhere/City:20270304T090000")
    assert [each.remote_key for each in feed(odd, event("one")).objects] == ["odd", "one"]


@pytest.mark.parametrize("broken", ["TZOFFSETFROM:+0100", "TZOFFSETFROM:+9900", "DTSTART:20279999T000000"])
def test_a_zone_of_the_feed_that_cannot_be_read(broken: str) -> None:
    """The feed has none then; and whoever expands an object is told."""
    own = lines("BEGIN:VTIMEZONE", "TZID:Bad", "BEGIN:STANDARD", broken, "END:STANDARD", "END:VTIMEZONE")
    found = feed(b"X-WR-TIMEZONE:Bad\r\n", own, event("one"))
    assert found.tzid is None and [each.remote_key for each in found.objects] == ["one"]
    with pytest.raises(InvalidCalendar):
        read_calendar(found.objects[0].ical)


def test_a_page_is_called_one() -> None:
    for page in (b"<!DOCTYPE html><form>Sign in</form>", b"\xef\xbb\xbf\r\n<html>"):
        assert "page" in str(outcome(page))


def test_what_is_refused_names_nothing_private() -> None:
    for private in ("Operation", "Operation 'x'", 'Operation "x"', "Operation 'x' \"y\""):
        broken = [
            lines("BEGIN:VEVENT", f'SUMMARY;A="{private}:x', "END:VEVENT"),
            lines("BEGIN:VEVENT", f"END:{private}"),
        ]
        for each in broken:
            with pytest.raises(NotAccepted) as caught:
                feed(each)
            assert "peration" not in str(caught.value).lower() and "feed" in str(caught.value)


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    few = lines("BEGIN:VEVENT", "END:VEVENT")
    assert feed(few * MOST_EVENTS)
    odd = lines("BEGIN: VEV", " ENT", "END:VEVENT")
    for body in (few * (MOST_EVENTS + 1), odd * (MOST_EVENTS + 1), event("one") + b"\n" * MOST_LINES):
        with pytest.raises(NotAccepted, match="events or"):
            feed(body)

    many = [event(f"{at}", start="DTSTART;TZID=Long:20270304T090000") for at in range(20)]
    long = zone("Long", "+0100", "X-LONG:" + "x" * 3000)
    monkeypatch.setattr(feed_objects, "MOST_TEXT", 70_000)
    assert len(feed(long, *many).objects) == 20
    monkeypatch.setattr(feed_objects, "MOST_TEXT", 60_000)
    with pytest.raises(NotAccepted, match="with their zones"):
        feed(long, *many)
    with pytest.raises(NotAccepted, match="with their zones"):
        feed(b"X-WR-TIMEZONE:" + b"x" * 4000 + b"\r\n", *map(event, "abcdefghijklmnopqrst"))


def outcome(body: bytes) -> Feed | ConnectorError:
    try:
        return read_feed(body)
    except ConnectorError as error:
        return error


@given(st.binary())
def test_random_bytes(noise: bytes) -> None:
    assert isinstance(outcome(noise), ConnectorError)
    assert isinstance(outcome(CALENDAR % (noise + b"\r\n")), Feed | ConnectorError)


@given(st.integers(0, 2**32))
def test_a_feed_with_bytes_changed(seed: int) -> None:
    """Each object that comes out is UTF-8, has a key of its own, and is no less for the noise in others."""
    chance = random.Random(seed)
    body = bytearray((RECORDED / "outlook-feed.ics").read_bytes())
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(body))
        body[at : at + chance.randrange(4)] = chance.randbytes(chance.randrange(4))
    found = outcome(bytes(body))
    if isinstance(found, Feed):
        keys = [each.remote_key for each in found.objects]
        assert len(set(keys)) == len(keys) and all(each.ical.encode() for each in found.objects)
        assert sum(each.ical.count("BEGIN:VEVENT") for each in found.objects) >= 1


@given(st.text(), st.text())
def test_random_texts(uid: str, text: str) -> None:
    said = event(uid, f"SUMMARY:{text}", f"X-{text}").decode("utf-8", "replace")
    found = outcome(CALENDAR % said.encode())
    assert isinstance(found, Feed | ConnectorError)


@given(st.integers(0, len(CALENDAR % (EVENT % b"one")) - 3))
def test_no_feed_that_is_cut_off_is_read(length: int) -> None:
    """Cut anywhere before its last line end."""
    assert isinstance(outcome((CALENDAR % (EVENT % b"one"))[:length]), ConnectorError)
