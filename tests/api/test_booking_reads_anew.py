"""A booking trusts nothing that was remembered: what a page still offers is looked up again before it is booked.

Rows are changed beneath the server here, in ways that no version tells of; no call of the API can do that.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.asking import at, change, rows, wire
from tests.api.test_availability_calendars import asked
from tests.api.test_availability_rules import write
from tests.center import HOUR, Center, CreatedLink, Person


def versions(center: Center) -> list[tuple[Any, ...]]:
    with rows(center) as connection:
        return [tuple(row) for row in connection.execute("SELECT sub, version FROM accounts ORDER BY sub")]


def refused_though_offered(center: Center, link: CreatedLink, slot: str, error: str) -> None:
    page = link.page()
    assert slot in page.slots, "the page still offers it"
    refused = link.choose(slot, page)
    assert (refused.code, refused.error) == (409, error)
    assert link.status()["status"] == "open"
    with rows(center) as connection:
        assert connection.execute("SELECT count(*) FROM bookings").fetchone()[0] == 0


@pytest.fixture
def maya(center: Center) -> Person:
    return center.person("maya")


@pytest.mark.parametrize("selection_mode", ["confirm", "no_confirm"])
def test_an_event_moved_beneath_is_seen_by_the_booking_and_by_its_confirmation(
    center: Center, maya: Person, selection_mode: str
) -> None:
    maya.event("busy", at(5), at(6))
    link = center.create_link(maya, selection_mode=selection_mode)
    before = link.page().slots
    seen = versions(center)
    change(center, "UPDATE busy_periods SET start_at = ?, end_at = ?", at(1), at(2))
    assert link.page().slots == before
    refused_though_offered(center, link, wire(1), "taken")
    assert wire(5) not in before
    booked = link.post(link.page(), slot=wire(5), confirmed="yes")
    assert booked.code == 303, "what has become free can be booked"
    assert link.status()["event"]["start"]["time"] == wire(5)
    assert versions(center) != seen, "it is the booking that a version tells of"


def test_an_event_put_in_beneath_is_seen_by_a_form_that_was_loaded_before(center: Center, maya: Person) -> None:
    link = center.create_link(maya)
    page = link.page()
    maya.event("busy", at(20), at(21))
    link.page()
    change(center, "UPDATE busy_periods SET start_at = ?, end_at = ?", at(2), at(2) + HOUR // 2)
    for slot in (wire(1.25), wire(2), wire(2.25)):
        assert link.choose(slot, page).error == "taken"
    assert link.choose(wire(2.5), page).code == 303


def test_hours_changed_beneath_are_seen_by_the_booking(center: Center, maya: Person) -> None:
    weekly = [{"day": "friday", "start_time": "09:00", "end_time": "12:00"}]
    assert write(maya, tzid="Etc/UTC", weekly_periods=weekly).status_code == 200
    link = center.create_link(maya, availability=asked(center, maya, managed_availability=True))
    assert link.page().slots[-1] == wire(2)
    change(center, "UPDATE availability_rules SET tzid = 'Europe/Paris'")  # 8:00 to 11:00 UTC
    refused_though_offered(center, link, wire(2), "taken")
    assert link.choose(wire(1)).code == 303


def test_a_hold_put_in_beneath_is_seen_by_the_booking(center: Center, maya: Person) -> None:
    first, second = center.create_link(maya, target_calendars=[]), center.create_link(maya)
    assert first.choose(wire(1)).code == 303
    assert wire(4) in second.page().slots
    change(center, "UPDATE booking_participants SET start_at = ?, end_at = ?", at(4), at(5))
    page = second.page()
    assert wire(4) in page.slots and wire(1) not in page.slots
    assert second.choose(wire(4), page).error == "taken"
    assert second.choose(wire(1), page).code == 303


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE profiles SET connected = 0",
        "UPDATE profiles SET initial_sync_required = 1",
        "UPDATE accounts SET revoked_at = 0",
    ],
)
def test_a_calendar_that_can_no_longer_be_read_is_seen_by_the_booking(
    center: Center, maya: Person, statement: str
) -> None:
    link = center.create_link(maya)
    page = link.page()
    change(center, statement)
    refused = link.choose(wire(1), page)
    assert (refused.code, refused.error) == (409, "unreadable")
    assert link.status()["status"] == "open"
