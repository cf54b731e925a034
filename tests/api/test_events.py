"""Events of a calendar: written, replaced, deleted and read back."""

from __future__ import annotations

from typing import Any

from slotlink.domain.event import wire_time
from tests.api.asking import at, change, dump, faults, ics_time, import_ics, other_application, seconds, wire
from tests.center import DAY, HOUR, START, Center, Json, Person


def write(person: Person, calendar_id: str | None = None, **members: Any) -> Any:
    body = {"event_id": "e", "summary": "S", "start": wire(0), "end": wire(1), **members}
    url = f"/v1/calendars/{calendar_id or person.calendar_id}/events"
    kept = {name: value for name, value in body.items() if value is not None}
    return person.center.http.post(url, json=kept, headers=person.key)


def delete(person: Person, body: Json, calendar_id: str | None = None) -> Any:
    url = f"/v1/calendars/{calendar_id or person.calendar_id}/events"
    return person.center.http.request("DELETE", url, json=body, headers=person.key)


def only(person: Person, **parameters: Any) -> Json:
    (event,) = person.events(**parameters)
    return event


def test_an_event_is_read_back_as_it_was_written(center: Center) -> None:
    maya = center.person("maya")
    answer = write(
        maya,
        description="Bring a pen",
        tzid="Europe/London",
        location={"description": "Room 1", "lat": "51.5", "long": -0.1},
        url="https://application.test/e",
        reminders=[{"minutes": 10}],
        color="#49BED8",
        event_private=True,
        transparency="opaque",
    )
    assert (answer.status_code, answer.content) == (202, b"")
    event = only(maya)
    uid = event.pop("event_uid")
    assert uid.startswith("evt_external_")
    assert event == {
        "calendar_id": maya.calendar_id,
        "event_id": "e",
        "summary": "S",
        "description": "Bring a pen",
        "start": wire(0),
        "end": wire(1),
        "deleted": False,
        "created": wire_time(START),
        "updated": wire_time(START),
        "location": {"description": "Room 1"},
        "url": "https://application.test/e",
        "reminders": [{"minutes": 10}],
        "color": "#49BED8",
        "event_private": True,
        "participation_status": "accepted",
        "attendees": [],
        "transparency": "opaque",
        "status": "confirmed",
        "categories": [],
        "recurring": False,
        "options": {"delete": True, "update": True, "change_participation_status": False},
    }


def test_the_same_id_again_replaces_the_event(center: Center) -> None:
    maya = center.person("maya")
    write(maya, description="old", location={"description": "there"})
    first = only(maya)
    center.clock.now += 60
    write(maya, summary="New", start=wire(3), end=wire(4))
    second = only(maya)
    assert second["event_uid"] == first["event_uid"]
    assert (second["summary"], second["start"], second["end"]) == ("New", wire(3), wire(4))
    assert second["description"] == ""
    assert "location" not in second
    assert (second["created"], second["updated"]) == (first["created"], wire_time(START + 60))


def test_each_calendar_has_its_own_ids(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    write(maya, summary="Hers")
    write(jonas, summary="His")
    assert only(maya)["summary"] == "Hers"
    assert only(jonas)["summary"] == "His"
    delete(maya, {"event_id": "e"})
    assert maya.events() == []
    assert only(jonas)["summary"] == "His"


def test_a_deleted_event_is_gone_and_deleting_again_is_no_fault(center: Center) -> None:
    maya = center.person("maya")
    write(maya)
    for _ in range(2):
        answer = delete(maya, {"event_id": "e"})
        assert (answer.status_code, answer.content) == (202, b"")
        assert maya.events() == []
    write(maya, summary="Back")
    assert only(maya)["summary"] == "Back"


def test_deleting_names_one_event_that_was_written_here(center: Center) -> None:
    maya = center.person("maya")
    write(maya)
    assert faults(delete(maya, {})) == {"event_id": ["errors.required"]}
    uid = only(maya)["event_uid"]
    assert faults(delete(maya, {"event_uid": uid})) == {"event_uid": ["errors.must_be_external_event_uid"]}
    assert len(maya.events()) == 1


def test_a_calendar_that_is_not_the_accounts_is_404(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    _, stranger = other_application(center)
    before = dump(center)
    for calendar_id in (jonas.calendar_id, stranger.calendar_id, "cal_unknown", "x" * 5000, "%00", "%ff"):
        for answer in (write(maya, calendar_id), delete(maya, {"event_id": "e"}, calendar_id)):
            assert (answer.status_code, answer.content) == (404, b""), calendar_id[:20]
    assert dump(center) == before


def test_a_read_only_calendar_is_403_for_writing(center: Center) -> None:
    maya = center.person("maya")
    write(maya)
    change(center, "UPDATE calendars SET readonly = 1 WHERE calendar_id = ?", maya.calendar_id)
    before = dump(center)
    assert write(maya, event_id="new").status_code == 403
    assert delete(maya, {"event_id": "e"}).status_code == 403
    assert dump(center) == before


def test_an_event_is_all_day_in_its_own_zone_or_the_calendars(center: Center) -> None:
    maya = center.person("maya")
    change(center, "UPDATE calendars SET tzid = 'Asia/Tokyo' WHERE calendar_id = ?", maya.calendar_id)
    write(maya, event_id="of the calendar", start="2027-03-08", end="2027-03-10")
    write(maya, event_id="of the event", start="2027-03-15", end="2027-03-16", tzid="America/New_York")
    by_id = {event["event_id"]: event for event in maya.events()}
    assert (by_id["of the calendar"]["start"], by_id["of the calendar"]["end"]) == ("2027-03-08", "2027-03-10")
    assert by_id["of the event"]["start"] == "2027-03-15"
    query = center.query(maya, query_periods=[{"start": "2027-03-07T00:00:00Z", "end": "2027-03-17T00:00:00Z"}])
    free = center.http.post("/v1/availability", json=query, headers=center.key).json()["available_periods"]
    assert [(each["start"], each["end"]) for each in free] == [
        ("2027-03-07T00:00:00Z", "2027-03-07T15:00:00Z"),
        ("2027-03-09T15:00:00Z", "2027-03-15T04:00:00Z"),
        ("2027-03-16T04:00:00Z", "2027-03-17T00:00:00Z"),
    ]


def test_times_are_taken_in_every_form(center: Center) -> None:
    maya = center.person("maya")
    for start, end in (
        (wire(0), wire(1)),
        (wire(0).replace("T", " "), wire(1).replace("Z", "+00:00")),
        ("2027-03-05T10:00:00+01:00", "2027-03-05T05:00:00-05:00"),
        ({"time": wire(0), "tzid": "Asia/Tokyo"}, {"time": wire(1), "tzid": "Asia/Tokyo"}),
        ("2027-03-05T09:00:00.000Z", "2027-03-05T10:00:00UTC"),
    ):
        assert write(maya, start=start, end=end).status_code == 202, start
        assert (only(maya)["start"], only(maya)["end"]) == (wire(0), wire(1)), start


def test_wrong_members_of_an_event_are_named_together(center: Center) -> None:
    maya = center.person("maya")
    before = dump(center)
    assert faults(write(maya, event_id=None, summary=None, start=None, end=None)) == {
        "event_id": ["errors.required"],
        "summary": ["errors.required"],
        "start": ["errors.required"],
        "end": ["errors.required"],
    }
    pair = {"end": ["errors.invalid_time_pair"]}
    assert faults(write(maya, end=wire(0))) == pair
    assert faults(write(maya, end=wire(-1))) == pair
    assert faults(write(maya, start="2027-03-08", end="2027-03-08")) == pair
    assert faults(write(maya, start="2027-03-08", end=wire(0))) == pair
    assert faults(write(maya, start={"time": wire(0), "tzid": "Mars"})) == {"start": ["errors.tzid_unrecognized"]}
    assert faults(write(maya, tzid="Europe/Atlantis")) == {"tzid": ["errors.tzid_unrecognized"]}
    assert faults(write(maya, start="2027-02-30", end="2027-03-08")) == {"start": ["errors.must_be_date"]}
    for time in ("2027-03-05T09:00:00", "2027-03-05T09:00:00.5Z", "2027-13-05T09:00:00Z", "1899-12-31T00:00:00Z", 7):
        assert faults(write(maya, start=time)) == {"start": ["errors.invalid_format"]}, time
    invited = {"invite": [{"email": "a@b.test"}]}
    assert faults(write(maya, attendees=invited)) == {"attendees": ["errors.event.cannot_set_attendees"]}
    assert faults(write(maya, event_id=None, event_uid="evt_external_1")) == {
        "event_id": ["errors.required"],
        "event_uid": ["errors.not_supported"],
    }
    assert dump(center) == before


def test_all_of_the_applications_events_go_at_once(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    second = center.http.post(
        "/v1/calendars", json={"profile_id": maya.profile_id, "name": "Second"}, headers=maya.key
    ).json()["calendar"]["calendar_id"]
    import_ics(center, maya, f"DTSTART:{ics_time(at(5))}\nDTEND:{ics_time(at(6))}\nSUMMARY:Imported")

    def bulk(body: Json | None = None, query: str = "") -> Any:
        return center.http.request("DELETE", f"/v1/events{query}", json=body or {}, headers=maya.key)

    def fill() -> None:
        write(maya)
        write(maya, second)
        write(jonas)

    for body, query, left in (
        ({"delete_all": True}, "", []),
        (None, "?delete_all=True", []),
        ({"calendar_ids": [maya.calendar_id]}, "", [second]),
        (None, f"?calendar_ids[]={maya.calendar_id}&calendar_ids[]={second}", []),
        (None, f"?calendar_ids%5B%5D={second}", [maya.calendar_id]),
    ):
        fill()
        answer = bulk(body, query)
        assert (answer.status_code, answer.content) == (202, b""), answer.text
        managed = maya.events(only_managed="true")
        assert [event["calendar_id"] for event in managed] == left, (body, query)
        assert [event["summary"] for event in maya.events(include_managed="false")] == ["Imported"]
        assert len(jonas.events()) == 1

    before = dump(center)
    assert faults(bulk({})) == {"delete_all": ["errors.required"]}
    assert faults(bulk({"delete_all": False})) == {"delete_all": ["errors.must_be_boolean"]}
    assert faults(bulk({"delete_all": "yes"})) == {"delete_all": ["errors.must_be_boolean"]}
    both = {"delete_all": True, "calendar_ids": [second]}
    assert faults(bulk(both)) == {"calendar_ids": ["errors.mutually_exclusive"]}
    assert faults(bulk({"calendar_ids": []})) == {"calendar_ids": ["errors.required"]}
    foreign = {"calendar_ids": [second, jonas.calendar_id, "cal_x"]}
    assert faults(bulk(foreign)) == {
        "calendar_ids[1]": ["errors.invalid_calendar_ids"],
        "calendar_ids[2]": ["errors.invalid_calendar_ids"],
    }
    assert dump(center) == before


def test_a_transparent_event_is_read_but_not_busy(center: Center) -> None:
    maya = center.person("maya")
    write(maya, transparency="transparent")
    assert only(maya)["transparency"] == "transparent"
    assert center.create_link(maya).page().slots[0] == wire(0)
    write(maya, transparency=None, extended_transparency="transparent")
    assert only(maya)["transparency"] == "transparent"
    write(maya, transparency=None, extended_transparency="out_of_office")
    assert only(maya)["transparency"] == "opaque"
    assert center.create_link(maya).page().slots[0] == wire(1)


def test_an_event_far_away_is_kept_to_the_second(center: Center) -> None:
    maya = center.person("maya")
    far = START + 50 * 365 * DAY + 1
    write(maya, start=wire_time(far), end=wire_time(far + HOUR))
    assert seconds(only(maya, only_managed="true")["start"]) == far
