"""New zone data: what was imported with the old is expanded anew, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from slotlink.services import rezoning
from slotlink.services.accounts import known_account
from slotlink.services.deps import Deps
from slotlink.services.events import import_calendar
from tests.center import START, Center

FILE = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//test//EN\r
BEGIN:VEVENT\r
UID:weekly\r
DTSTAMP:20270101T000000Z\r
DTSTART;TZID=Europe/Berlin:20270305T100000\r
DTEND;TZID=Europe/Berlin:20270305T110000\r
RRULE:FREQ=DAILY;COUNT=5\r
SUMMARY:Stand-up\r
END:VEVENT\r
END:VCALENDAR\r
"""


def test_imported_events_follow_new_zone_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Center(tmp_path) as center:
        maya = center.person("maya")

        async def import_file(deps: Deps) -> None:
            await import_calendar(deps, await known_account(deps, maya.sub), None, FILE.encode(), START)

        center.run(import_file)
        assert [event["start"] for event in maya.events()][:1] == ["2027-03-05T09:00:00Z"]
        assert center.run(rezoning.expand_anew) == 1
        assert center.run(rezoning.expand_anew) == 0, "once"

        # Next year's data: Berlin is an hour further east.
        monkeypatch.setattr(rezoning, "ZONE_VERSION", "2028a")
        expand = rezoning.stored_occurrences

        def further_east(text: str, tzid: str, start: int, end: int) -> object:
            moved = text.replace("T100000", "T090000").replace("T110000", "T100000")
            return expand(moved, tzid, start, end)

        monkeypatch.setattr(rezoning, "stored_occurrences", further_east)
        link = center.create_link(maya)
        assert "2027-03-05T09:00:00Z" not in link.page().slots
        assert center.run(rezoning.expand_anew) == 1
        assert [event["start"] for event in maya.events()][:1] == ["2027-03-05T08:00:00Z"]
        assert "2027-03-05T09:00:00Z" in link.page().slots, "what was remembered of her time is not used any more"
