"""A VTIMEZONE that we write says what its zone does: read back by dateutil, which has no part in writing it."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from dateutil.tz import tzical

from slotlink.ical.vtimezones import write_zone

BY_RULES = ("Europe/Berlin", "Europe/London", "Europe/Dublin", "America/New_York", "America/St_Johns", "Asia/Beirut")
BY_RULES += ("Australia/Sydney", "Australia/Lord_Howe", "Pacific/Auckland", "Pacific/Chatham", "America/Havana")
BY_DATES = ("Africa/Casablanca", "Asia/Jerusalem", "America/Santiago", "Asia/Gaza", "Asia/Tehran", "Pacific/Fiji")
BY_BOTH = ("America/Nuuk", "Africa/Cairo", "America/Asuncion")
WITHOUT = ("Asia/Kolkata", "America/Sao_Paulo", "Asia/Kathmandu", "Etc/UTC", "Pacific/Kiritimati", "America/Phoenix")
SINCE, DAYS = datetime(2024, 1, 1, 12, 30, tzinfo=UTC), 12 * 365


@pytest.mark.parametrize("tzid", [*BY_RULES, *BY_BOTH, *BY_DATES, *WITHOUT])
def test_a_zone_is_what_it_says(tzid: str) -> None:
    lines = ("BEGIN:VCALENDAR", *write_zone(tzid), "END:VCALENDAR", "")
    read, real = tzical(io.StringIO("\r\n".join(lines))).get(tzid), ZoneInfo(tzid)
    days = [(SINCE + timedelta(days=day)).astimezone(real).replace(tzinfo=None) for day in range(DAYS)]
    differing = [day for day in days if day.replace(tzinfo=read).utcoffset() != day.replace(tzinfo=real).utcoffset()]
    assert differing == []


@pytest.mark.parametrize(("tzids", "rules"), [(BY_RULES, 2), (WITHOUT, 0)])
def test_outlook_reads_rules_and_no_dates(tzids: tuple[str, ...], rules: int) -> None:
    for tzid in tzids:
        assert sum(line.startswith("RRULE:") for line in write_zone(tzid)) == rules, tzid


def test_names() -> None:
    """As the calendar has them, Windows' own among them."""
    windows = write_zone("W. Europe Standard Time")
    assert windows[1] == "TZID:W. Europe Standard Time"
    assert windows[2:] == write_zone("Europe/Berlin")[2:]
    assert write_zone("Nowhere/Land") == ()


def test_every_zone_can_be_written() -> None:
    for tzid in sorted(available_timezones() - {"localtime"})[::10]:
        assert write_zone(tzid)[0] == "BEGIN:VTIMEZONE", tzid
