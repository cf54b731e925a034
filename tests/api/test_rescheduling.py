"""What becomes of a booking when its event is moved or deleted, by another link or by the application."""

from __future__ import annotations

from tests.api.asking import at, callbacks, import_ics, rows, wire
from tests.api.test_booking import COMPLETED, book, event, free_starts, targets
from tests.center import Center

# Moving, rescheduling, deleting


def test_a_second_link_with_the_same_event_moves_it(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    first = book(center, maya, jonas, slot=wire(1))
    second = center.create_link(maya, jonas)
    assert second.choose(wire(1)).error == "taken", "the old time counts as busy for it"
    assert second.choose(wire(4)).code == 303
    for person in (maya, jonas):
        assert [(each["event_id"], each["start"]) for each in person.events()] == [("interview-1", wire(4))]
        assert wire(1) in free_starts(center, person)
        assert wire(4) not in free_starts(center, person)
    for link in (first, second):
        assert link.status()["status"] == "completed"
        assert link.status()["event"]["start"] == {"time": wire(4), "tzid": "Europe/London"}
        assert link.status()["event"]["end"] == {"time": wire(5), "tzid": "Europe/London"}
    book(center, maya, jonas, slot=wire(1), event=event("fresh"))


def test_a_rescheduling_link_may_take_the_old_time_of_the_event_it_excludes(center: Center) -> None:
    maya = center.person("maya")
    first = book(center, maya, slot=wire(1))
    maya.event("other", at(2), at(3))
    query = center.query(maya, excluded_events=[{"event_id": "interview-1"}])
    second = center.create_link(maya, availability=query)
    offered = second.page().slots
    assert wire(1) in offered
    assert wire(0.5) in offered
    assert wire(1.5) not in offered, "only the excluded event is disregarded"
    assert second.choose(wire(0.75)).code == 303
    assert [(each["event_id"], each["start"]) for each in maya.events()] == [
        ("interview-1", wire(0.75)),
        ("other", wire(2)),
    ]
    assert first.status()["event"]["start"]["time"] == wire(0.75)


def test_another_event_may_take_the_time_of_an_excluded_one(center: Center) -> None:
    maya = center.person("maya")
    book(center, maya, slot=wire(1), event=event("old"))
    query = center.query(maya, excluded_events=[{"event_id": "old"}])
    book(center, maya, slot=wire(1), event=event("new"), availability=query)
    assert sorted((each["event_id"], each["start"]) for each in maya.events()) == [("new", wire(1)), ("old", wire(1))]
    assert wire(1) not in free_starts(center, maya)


def test_an_event_excluded_by_uid_is_disregarded_too(center: Center) -> None:
    maya = center.person("maya")
    book(center, maya, slot=wire(1))
    uid = maya.events()[0]["event_uid"]
    query = center.query(maya, excluded_events=[{"event_uid": uid}])
    second = book(
        center, slot=wire(1.5), availability=query, event=event("interview-1"), target_calendars=targets(maya)
    )
    assert second.status()["event"]["start"]["time"] == wire(1.5)
    assert [each["start"] for each in maya.events()] == [wire(1.5)]


def test_when_the_application_moves_the_event_status_follows(center: Center) -> None:
    maya = center.person("maya")
    link = book(center, maya, slot=wire(1), callback_urls={"completed_url": COMPLETED})
    maya.event("interview-1", at(5), at(6.5), summary="Moved", tzid="Europe/Paris")
    shown = link.status()
    assert shown["status"] == "completed"
    assert shown["event"]["summary"] == "Moved"
    assert shown["event"]["start"] == {"time": wire(5), "tzid": "Europe/Paris"}
    assert shown["event"]["end"] == {"time": wire(6.5), "tzid": "Europe/Paris"}
    assert wire(1) in free_starts(center, maya)
    assert wire(5) not in free_starts(center, maya)
    assert f'datetime="{wire(5)}"' in link.page().text
    assert len(callbacks(center)) == 1, "an application is not told of what it did itself"


def test_a_link_follows_another_one_also_when_its_booking_holds_nobody_any_more(center: Center) -> None:
    maya = center.person("maya")
    first = book(center, maya, slot=wire(1))
    maya.event("interview-1", at(5), at(6))  # from here on, the event is what keeps Maya busy
    second = book(center, maya, slot=wire(3))
    for link in (first, second):
        assert link.status()["event"]["start"]["time"] == wire(3)


def test_an_event_of_another_id_or_calendar_moves_no_link(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    link = book(center, maya, slot=wire(1))
    before = link.status()
    maya.event("another", at(5), at(6))
    jonas.event("interview-1", at(5), at(6))
    assert link.status() == before


def test_a_deleted_event_frees_the_time_and_the_link_keeps_its_values(center: Center) -> None:
    maya = center.person("maya")
    for bulk in (False, True):
        link = book(center, maya, slot=wire(1))
        before = link.status()
        url = "/v1/events" if bulk else f"/v1/calendars/{maya.calendar_id}/events"
        body = {"delete_all": True} if bulk else {"event_id": "interview-1"}
        assert center.http.request("DELETE", url, json=body, headers=maya.key).status_code == 202
        assert link.status() == before
        assert wire(1) in free_starts(center, maya)
    book(center, maya, slot=wire(1), event=event("fresh"))


def test_deleting_the_organizers_event_frees_everybody_in_it(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    book(center, maya, jonas, slot=wire(1), event_creation="single")
    assert wire(1) not in free_starts(center, jonas)
    body = {"event_id": "interview-1"}
    center.http.request("DELETE", f"/v1/calendars/{maya.calendar_id}/events", json=body, headers=maya.key)
    assert wire(1) in free_starts(center, jonas)
    assert wire(1) in free_starts(center, maya)


def test_one_persons_deleted_event_does_not_free_the_other(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    book(center, maya, jonas, slot=wire(1))
    body = {"event_id": "interview-1"}
    center.http.request("DELETE", f"/v1/calendars/{maya.calendar_id}/events", json=body, headers=maya.key)
    assert wire(1) in free_starts(center, maya)
    assert wire(1) not in free_starts(center, jonas)


def test_a_booking_is_whole_or_not_at_all(center: Center) -> None:
    """The second of two links for one time leaves nothing behind: no event, no booking, no callback."""
    maya, jonas = center.person("maya"), center.person("jonas")
    jonas.event("busy", at(1), at(2))
    link = center.create_link(maya, callback_urls={"completed_url": COMPLETED})
    page = link.page()
    import_ics(center, maya, "DTSTART:20270305T100000Z\nDTEND:20270305T110000Z\nSUMMARY:New")
    assert link.choose(wire(1), page).error == "taken"
    assert [each["summary"] for each in maya.events()] == ["New"]
    assert callbacks(center) == []
    with rows(center) as connection:
        assert connection.execute("SELECT count(*) FROM bookings").fetchone()[0] == 0
