"""What a booking does: who is booked, which events are written where, and what blocks afterwards."""

from __future__ import annotations

from typing import Any

from tests.api.asking import at, callbacks, wire
from tests.center import Center, Json, Person

COMPLETED = "https://application.test/completed"


def event(event_id: str = "e", **members: Any) -> Json:
    return {"event_id": event_id, "summary": "Interview", "tzid": "Europe/London", **members}


def targets(*people: Person, **members: Any) -> list[Json]:
    return [{"sub": person.sub, "calendar_id": person.calendar_id, **members} for person in people]


def free_starts(center: Center, *people: Person, **changes: Any) -> list[str]:
    query = center.query(*people, response_format="slots", **changes)
    answer = center.http.post("/v1/availability", json=query, headers=center.key).json()
    return [slot["start"] for slot in answer["available_slots"]]


def book(center: Center, *people: Person, slot: str, **changes: Any) -> Any:
    link = center.create_link(*people, **changes)
    chosen = link.choose(slot)
    assert chosen.code == 303, (chosen.code, chosen.error)
    return link


# Which events are written


def test_by_default_each_person_booked_gets_the_event(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    whole = event(description="Bring a pen", location={"description": "Room 1"}, color="#49BED8", event_private=True)
    book(center, maya, jonas, slot=wire(1), event=whole)
    for person in (maya, jonas):
        (written,) = person.events()
        assert (written["event_id"], written["summary"]) == ("e", "Interview")
        assert (written["start"], written["end"]) == (wire(1), wire(2))
        assert written["description"] == "Bring a pen"
        assert written["location"] == {"description": "Room 1"}
        assert (written["color"], written["event_private"]) == ("#49BED8", True)
        assert "attendees" not in written or written["attendees"] == []


def test_a_target_outside_the_query_always_gets_the_event(center: Center) -> None:
    maya, shared = center.person("maya"), center.person("shared calendar")
    shared.event("does not matter", at(0), at(8))
    book(center, maya, slot=wire(1), target_calendars=targets(maya, shared))
    assert {each["event_id"] for each in shared.events()} == {"does not matter", "interview-1"}


def test_a_target_named_twice_gets_one_event_as_it_was_named_first(center: Center) -> None:
    maya = center.person("maya")
    asked = [*targets(maya, event={"summary": "First"}), *targets(maya, event={"summary": "Second"})]
    book(center, maya, slot=wire(1), target_calendars=asked, event_creation="single")
    assert [each["summary"] for each in maya.events()] == ["First"]
    book(center, maya, slot=wire(3), target_calendars=asked, event=event("another"))
    assert [each["summary"] for each in maya.events()] == ["First", "Interview"]


def test_no_target_writes_nothing_and_still_tells_the_application(center: Center) -> None:
    maya = center.person("maya")
    link = book(center, maya, slot=wire(1), target_calendars=[], callback_urls={"completed_url": COMPLETED})
    assert maya.events() == []
    (told,) = callbacks(center)
    assert told["participants"] == [{"sub": maya.sub}]
    assert told["event"] == link.status()["event"]
    assert told["event"]["start"] == {"time": wire(1), "tzid": "Europe/London"}
    assert told["event"]["end"] == {"time": wire(2), "tzid": "Europe/London"}
    assert told["user"] == {"tzid": "Europe/London"}
    assert told["real_time_scheduling"] == link.status()
    assert told["notification"] == {"type": "real_time_scheduling_completed", "triggered_at": "2027-03-04T09:00:00Z"}


def test_a_single_event_is_the_organizers_with_the_others_as_attendees(center: Center) -> None:
    maya, jonas, ada = (center.person(name) for name in ("maya", "jonas", "ada"))
    asked = [
        *targets(jonas, event={"summary": "Led by Jonas", "location": {"description": "His room"}}),
        *targets(maya, attendee={"email": "maya@x.test", "display_name": "Maya"}, event={"summary": "Never used"}),
        *targets(ada),
    ]
    link = book(center, maya, jonas, ada, slot=wire(1), target_calendars=asked, event_creation="single")
    (written,) = jonas.events()
    assert written["summary"] == "Led by Jonas"
    assert written["location"] == {"description": "His room"}
    assert written["attendees"] == [{"email": "maya@x.test", "display_name": "Maya", "status": "needs_action"}]
    assert maya.events() == ada.events() == []
    assert link.status()["event"]["summary"] == "Interview"
    assert wire(1) not in free_starts(center, maya), "who is in the organizer's event is busy for it"
    assert wire(1) not in free_starts(center, ada)


def test_the_organizer_is_the_first_target_who_is_booked(center: Center) -> None:
    maya, jonas, ada = (center.person(name) for name in ("maya", "jonas", "ada"))
    maya.event("busy", at(1), at(2))
    participants = [{"members": [{"sub": person.sub} for person in (maya, jonas, ada)], "required": 1}]
    book(
        center,
        slot=wire(1),
        availability=center.query(participants=participants),
        target_calendars=targets(ada, maya, jonas),
        event_creation="single",
    )
    assert [each["event_id"] for each in ada.events()] == []
    assert [each["event_id"] for each in jonas.events()] == ["interview-1"]
    assert [each["event_id"] for each in maya.events()] == ["busy"]


def test_the_first_n_free_members_are_booked_in_request_order(center: Center) -> None:
    people = [center.person(name) for name in ("zoe", "adam", "maya", "ben")]
    people[1].event("busy", at(1), at(2))
    participants = [{"members": [{"sub": person.sub} for person in people], "required": 2}]
    book(
        center,
        slot=wire(1),
        availability=center.query(participants=participants),
        target_calendars=targets(*people),
        callback_urls={"completed_url": COMPLETED},
    )
    assert [bool(person.events(only_managed="true")) for person in people] == [True, True, True, False]
    assert [[each["event_id"] for each in person.events()] for person in people] == [
        ["interview-1"],
        ["busy"],
        ["interview-1"],
        [],
    ]
    assert callbacks(center)[0]["participants"] == [{"sub": people[0].sub}, {"sub": people[2].sub}]
    assert wire(1) in free_starts(center, people[3])


def test_join_urls_are_filled_into_the_texts_that_are_written(center: Center) -> None:
    maya = center.person("maya")
    conferencing = {"profile_id": "explicit", "join_url": "https://meet.test/1", "provider_description": "Meet"}
    text = "Join: {{ cronofy.conferencing.join_url }} or {{cronofy.conferencing.invite_block}}"
    link = book(center, maya, slot=wire(1), event=event(description=text, conferencing=conferencing))
    (written,) = maya.events()
    assert written["description"] == "Join: https://meet.test/1 or https://meet.test/1"
    assert written["conferencing"]["join_url"] == "https://meet.test/1"
    assert link.status()["event"]["conferencing"] == conferencing


# What blocks afterwards


def test_a_booked_slot_is_offered_to_nobody_else(center: Center) -> None:
    maya = center.person("maya")
    other = center.create_link(maya, event=event("other"))
    page = other.page()
    book(center, maya, slot=wire(1))
    assert wire(1) not in free_starts(center, maya)
    refused = other.choose(wire(1.75), page)
    assert (refused.code, refused.error) == (409, "taken")
    assert other.choose(wire(2), page).code == 303


def test_a_transparent_booking_blocks_nobody(center: Center) -> None:
    maya = center.person("maya")
    book(center, maya, slot=wire(1), event=event("one", transparency="transparent"))
    book(center, maya, slot=wire(1), event=event("two", transparency="transparent"))
    book(center, maya, slot=wire(1), event=event("three"))
    assert wire(1) not in free_starts(center, maya)
    assert [each["transparency"] for each in maya.events()].count("opaque") == 1


def test_a_participant_without_a_target_is_held_for_ten_minutes(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    book(center, maya, jonas, slot=wire(1), target_calendars=targets(maya))
    assert wire(1) not in free_starts(center, jonas)
    center.clock.now += 599
    assert wire(1) not in free_starts(center, jonas)
    center.clock.now += 1
    assert wire(1) in free_starts(center, jonas)
    assert wire(1) not in free_starts(center, maya), "an event holds for as long as it stands"
    book(center, jonas, slot=wire(1), event=event("next"))


def test_the_hold_is_a_setting(tmp_path: Any) -> None:
    with Center(tmp_path, SLOTLINK_HOLD="60s") as center:
        maya = center.person("maya")
        book(center, maya, slot=wire(1), target_calendars=[])
        center.clock.now += 59
        assert wire(1) not in free_starts(center, maya)
        center.clock.now += 1
        assert wire(1) in free_starts(center, maya)


def test_a_hold_is_not_ended_by_an_event_elsewhere(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    book(center, maya, jonas, slot=wire(1), target_calendars=targets(maya))
    jonas.event("another", at(5), at(6))
    assert wire(1) not in free_starts(center, jonas)
