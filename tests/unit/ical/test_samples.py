"""Every sample through the reader and the one function that decides what an event means."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tests.samples.sample import FOLDER, READABLE, REFUSED, SAMPLES, Sample, Taken, shown, taken_in

from slotlink.ical import InvalidCalendar, expand, read_calendar
from slotlink.services.occurrences import stored_occurrences


def read(sample: Sample, owner: Sequence[str], raw: bytes | None = None) -> Taken:
    objects, feed_zone = read_calendar(sample.raw if raw is None else raw)
    window = sample.window
    rows = [
        row
        for each in objects
        for row in stored_occurrences(
            each.text, feed_zone or sample.zone, window.start, window.end, owner_addresses=owner
        )
    ]
    return taken_in(window, [(row.kind, row.time.start, row.time.end) for row in rows])


def test_every_file_has_its_meaning_and_the_other_way_round() -> None:
    assert sorted(sample.name for sample in SAMPLES) == sorted(path.stem for path in FOLDER.glob("*.ics"))
    assert len({sample.raw for sample in SAMPLES}) == len(SAMPLES) >= 54


@pytest.mark.parametrize("sample", READABLE, ids=lambda sample: sample.name)
def test_a_sample_takes_the_time_it_should(sample: Sample) -> None:
    assert read(sample, sample.owner) == sample.taken


@pytest.mark.parametrize("sample", READABLE, ids=lambda sample: sample.name)
def test_a_sample_where_nobody_knows_the_owner(sample: Sample) -> None:
    assert read(sample, ()) == sample.unowned
    assert read(sample, ["nobody@slotlink.test"]) == sample.unowned, "and neither does an address of somebody else"


@pytest.mark.parametrize("sample", REFUSED, ids=lambda sample: sample.name)
def test_a_sample_that_nobody_can_answer_for_is_refused(sample: Sample) -> None:
    assert sample.error
    with pytest.raises(InvalidCalendar, match=sample.error):
        read_calendar(sample.raw)
    with pytest.raises(InvalidCalendar, match=sample.error):  # as it comes from a server, not split by us before
        expand(sample.raw.decode(), sample.zone, sample.window.start, sample.window.end)


@pytest.mark.parametrize("sample", READABLE, ids=lambda sample: sample.name)
def test_a_sample_means_the_same_in_any_line_ends_and_any_order_of_events(sample: Sample) -> None:
    unix = sample.raw.replace(b"\r\n", b"\n")
    assert read(sample, sample.owner, unix) == sample.taken
    head, *events = unix.split(b"BEGIN:VEVENT\n")
    if events:
        last, end = events.pop().split(b"END:VEVENT\n")
        turned = b"BEGIN:VEVENT\n".join([head, last + b"END:VEVENT\n", *reversed(events)]) + end
        assert read(sample, sample.owner, turned) == sample.taken


@pytest.mark.parametrize("sample", READABLE, ids=lambda sample: sample.name)
def test_a_sample_read_a_day_at_a_time_takes_the_same_time(sample: Sample) -> None:
    """What lies in a window does not depend on where the window begins."""
    objects, feed_zone = read_calendar(sample.raw)
    zone, window = feed_zone or sample.zone, sample.window
    found: list[tuple[str, int, int]] = []
    days = range(window.start, window.end, 86_400) if window.end - window.start < 60 * 86_400 else [window.start]
    for start in days:
        end = min(start + 86_400, window.end) if len(days) > 1 else window.end
        for each in objects:
            rows = stored_occurrences(each.text, zone, start, end, owner_addresses=sample.owner)
            assert all(row.time.end >= start and row.time.start < end for row in rows), shown(start, end)
            found += [(row.kind, row.time.start, row.time.end) for row in rows]
    assert taken_in(window, found) == sample.taken
