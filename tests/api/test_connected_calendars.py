"""Calendars of a connected account come and go at the provider: what is gone blocks nobody, what is new counts, and an
application is told rather than left guessing."""

from __future__ import annotations

from typing import Any

from slotlink.domain.event import wire_time
from tests.api.connected import ConnectedPerson
from tests.api.faulty import FaultyGoogle, FaultyWorld, asked
from tests.api.looking import history, new_access, problem, sync_due
from tests.center import DAY, HOUR, START, Center

LONG = {"times": 1000}
TOMORROW = START + DAY
NINE, TEN, ELEVEN = (TOMORROW + hour * HOUR for hour in range(3))


def next_day(center: Center, ann: ConnectedPerson) -> None:
    """A day later everything is read once more. Access to our own API has ended meanwhile."""
    center.clock.now += DAY + 1
    ann.access_token = center.run(lambda deps: new_access(deps, center, ann))


def listed(ann: ConnectedPerson) -> dict[str, Any]:
    calendars = ann.center.http.get("/v1/calendars", headers=ann.key).json()["calendars"]
    return {each["calendar_id"]: each for each in calendars}


def first_slot(center: Center, ann: ConnectedPerson, day: int) -> str | None:
    periods = [{"start": wire_time(day), "end": wire_time(day + 8 * HOUR)}]
    link = center.create_link(ann, availability=center.query(ann, query_periods=periods))
    return next(iter(link.page().slots), None)


def test_a_calendar_made_there_counts_from_the_next_days_listing_on(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson
) -> None:
    before = len(asked(faulty, faulty.lists))
    second = faulty.makes_calendar("second")
    faulty.adds_to(second, TOMORROW + DAY, TOMORROW + DAY + HOUR)
    faulty_center.clock.now += 600
    faulty_ann.sync()
    assert len(listed(faulty_ann)) == 1 and len(asked(faulty, faulty.lists)) == before, "once a day is enough"
    next_day(faulty_center, faulty_ann)
    faulty_ann.sync()
    daily = len(asked(faulty, faulty.lists))
    assert daily > before
    sync_due(faulty_center, faulty_ann)
    assert len(listed(faulty_ann)) == 2
    assert first_slot(faulty_center, faulty_ann, TOMORROW + DAY) == wire_time(TOMORROW + DAY + HOUR)
    faulty_center.clock.now += 600
    faulty_ann.sync()
    assert len(asked(faulty, faulty.lists)) == daily


def test_a_calendar_deleted_there_is_deleted_here_and_blocks_nobody(faulty_center: Center, faulty: FaultyWorld) -> None:
    second = faulty.makes_calendar("second")
    faulty.adds_to(second, NINE, TEN)
    ann = ConnectedPerson(faulty_center, faulty)
    assert len(listed(ann)) == 2 and first_slot(faulty_center, ann, TOMORROW) == wire_time(TEN)
    faulty.removes_calendar(second)
    faulty_center.clock.now += 600
    ann.sync()
    deleted = [each for each in listed(ann).values() if each["calendar_deleted"]]
    assert len(deleted) == 1
    ann.calendar_id = next(iter(listed(ann).keys() - {deleted[0]["calendar_id"]}))
    assert first_slot(faulty_center, ann, TOMORROW) == wire_time(NINE)
    members = [{"sub": ann.sub, "calendar_ids": [deleted[0]["calendar_id"]]}]
    asked_for = faulty_center.query(ann, participants=[{"members": members, "required": "all"}])
    refused = faulty_center.http.post("/v1/availability", json=asked_for, headers=faulty_center.key)
    assert refused.status_code == 422 and "participants[0].members[0].calendar_ids" in refused.text


def test_what_was_booked_into_a_calendar_that_is_deleted_there_is_told(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson
) -> None:
    """Whether the event had been written by then or not."""
    second = faulty.makes_calendar("second")
    next_day(faulty_center, faulty_ann)
    for _ in range(2):
        faulty_ann.sync()
    [calendar_id] = listed(faulty_ann).keys() - {faulty_ann.calendar_id}
    day = TOMORROW + 2 * DAY
    periods = [{"start": wire_time(day), "end": wire_time(day + 8 * HOUR)}]
    targets = [{"sub": faulty_ann.sub, "calendar_id": calendar_id}]
    query = faulty_center.query(faulty_ann, query_periods=periods)
    written, unwritten = (
        faulty_center.create_link(
            faulty_ann, target_calendars=targets, availability=query, event={"event_id": name, "summary": name}
        )
        for name in ("written", "unwritten")
    )
    assert written.choose(written.page().slots[0]).code == 303
    assert faulty_ann.work() == ["written"]
    assert unwritten.choose(unwritten.page().slots[0]).code == 303
    faulty.removes_calendar(second)
    faulty_center.clock.now += 600
    faulty_ann.sync()
    for link in (written, unwritten):
        assert history(faulty_center, link.link_id) == ["created", "completed", "problem"]
    assert faulty_ann.work() == ["as wanted already"], "there is nothing left to write"
    assert first_slot(faulty_center, faulty_ann, day) == wire_time(day), "and nobody is held for what is gone"


def test_a_calendar_that_is_listed_and_not_shown_is_unreadable_and_kept(
    faulty_google: FaultyGoogle, tmp_path: Any
) -> None:
    """403 by right of one calendar: its owner is not free, and it is asked for again after a while."""
    with Center(tmp_path, **faulty_google.variables) as center:
        ann = ConnectedPerson(center, faulty_google)
        faulty_google.google.fail("requiredAccessLevel", **faulty_google.changes, **LONG)
        center.clock.now += 600
        ann.sync()
        assert "requiredAccessLevel" in (problem(center, ann) or "")
        assert [each["calendar_deleted"] for each in listed(ann).values()] == [False]
        center.clock.now += 600
        assert first_slot(center, ann, TOMORROW) is None
        faulty_google.comes_back()
        center.clock.now += 1800
        sync_due(center, ann)
        assert problem(center, ann) is None and first_slot(center, ann, TOMORROW) == wire_time(NINE)


def test_403_for_being_too_fast_is_no_lost_calendar(faulty_google: FaultyGoogle, tmp_path: Any) -> None:
    with Center(tmp_path, **faulty_google.variables) as center:
        ann = ConnectedPerson(center, faulty_google)
        faulty_google.google.fail("userRateLimitExceeded", **faulty_google.changes)
        before = len(asked(faulty_google, faulty_google.lists))
        center.clock.now += 600
        ann.sync()
        assert len(asked(faulty_google, faulty_google.lists)) == before, "nobody asks whether it is still there"
        center.clock.now += 60
        sync_due(center, ann)
        assert problem(center, ann) is None


def test_an_empty_listing_is_not_believed(faulty_google: FaultyGoogle, tmp_path: Any) -> None:
    """Without any calendar its owner would look free at all times."""
    faulty_google.adds(NINE, TEN)
    with Center(tmp_path, **faulty_google.variables) as center:
        ann = ConnectedPerson(center, faulty_google)
        empty = {"kind": "calendar#calendarList", "items": []}
        faulty_google.service.faults.answer(200, empty, **faulty_google.lists, **LONG)
        faulty_google.google.fail("notFound", **faulty_google.changes, **LONG)
        center.clock.now += 600
        ann.sync()
        assert "notFound" in (problem(center, ann) or ""), "told, and tried again in its time"
        assert [each["calendar_deleted"] for each in listed(ann).values()] == [False]
        center.clock.now += 600
        assert first_slot(center, ann, TOMORROW) is None


def test_a_listing_that_fails_keeps_no_calendar_from_being_read(faulty_google: FaultyGoogle, tmp_path: Any) -> None:
    with Center(tmp_path, **faulty_google.variables) as center:
        ann = ConnectedPerson(center, faulty_google)
        faulty_google.service.faults.answer(400, {"error": {"code": 400}}, **faulty_google.lists, **LONG)
        faulty_google.adds(TOMORROW + DAY, TOMORROW + DAY + HOUR)
        next_day(center, ann)
        ann.sync()
        assert first_slot(center, ann, TOMORROW + DAY) == wire_time(TOMORROW + DAY + HOUR)


def test_a_provider_that_is_away_when_it_is_to_list_is_asked_to_list_again(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson
) -> None:
    faulty.makes_calendar("second")
    next_day(faulty_center, faulty_ann)
    faulty.service.faults.answer(503, b"", **faulty.lists, **LONG)
    faulty_ann.sync()
    faulty.comes_back()
    assert len(listed(faulty_ann)) == 1 and problem(faulty_center, faulty_ann)
    faulty_center.clock.now += 60
    sync_due(faulty_center, faulty_ann)
    assert len(listed(faulty_ann)) == 2 and problem(faulty_center, faulty_ann) is None


def test_an_account_whose_last_profile_was_revoked_is_never_free(
    faulty_center: Center, faulty: FaultyWorld, faulty_ann: ConnectedPerson
) -> None:
    """Nothing is left that could say when its owner is busy."""
    link = faulty_center.create_link(faulty_ann)
    page = link.page()
    assert page.slots
    path = f"/v1/profiles/{faulty_ann.profile_id}/revoke"
    assert faulty_center.http.post(path, headers=faulty_ann.key).status_code == 202
    assert link.page().slots == [] and link.choose(page.slots[0], page).code == 409
    answer = faulty_center.http.post(
        "/v1/availability", json=faulty_center.query(faulty_ann), headers=faulty_center.key
    ).json()
    assert answer["available_periods"] == []
