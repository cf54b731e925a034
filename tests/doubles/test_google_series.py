"""Google's double: recurring events, their instances, and exceptions to them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.doubles.google import GoogleDouble
from tests.doubles.google_caller import Caller, reason
from tests.doubles.google_person import GooglePerson

WINDOW = {"timeMin": "2027-03-01T00:00:00Z", "timeMax": "2027-04-30T00:00:00Z"}


def utc(day: int, hour: int, month: int = 3) -> datetime:
    return datetime(2027, month, day, hour, tzinfo=UTC)


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for item in items]


def weekly(ann: GooglePerson, *more: str, zone: str = "Europe/Berlin", **members: Any) -> dict[str, Any]:
    """Thursdays from 4 March 2027, 10 o'clock in Berlin; summer time begins on the 28th."""
    return ann.repeats(utc(4, 9), utc(4, 10), zone, *(more or ("RRULE:FREQ=WEEKLY;COUNT=5",)), **members)


def test_instances_keep_the_local_time(api: Caller, ann: GooglePerson) -> None:
    series = weekly(ann)
    items = api.events(singleEvents="true", orderBy="startTime", **WINDOW)["items"]
    starts = [item["start"]["dateTime"] for item in items]
    assert [start[8:] for start in starts] == [  # fact: series.wall-clock
        *("04T10:00:00+01:00", "11T10:00:00+01:00", "18T10:00:00+01:00", "25T10:00:00+01:00", "01T10:00:00+02:00"),
    ]
    first = items[0]
    assert first["id"] == f"{series['id']}_20270304T090000Z"  # fact: instance.id
    assert (first["recurringEventId"], "recurrence" in first) == (series["id"], False)  # fact: series.instances
    assert first["originalStartTime"] == first["start"]
    assert series["id"] not in ids(items)  # fact: list.single-events
    assert ids(api.events()["items"]) == [series["id"]]
    assert api.event("GET", items[4]["id"]).json() == items[4]


def test_rules_may_have_dates_ends_and_whole_days(api: Caller, ann: GooglePerson) -> None:
    weekly(
        ann, "RRULE:FREQ=WEEKLY;UNTIL=20270318", "EXDATE;TZID=Europe/Berlin:20270311T100000", "RDATE:20270320T090000Z"
    )
    days = {"start": {"date": "2027-03-27"}, "end": {"date": "2027-03-29"}, "recurrence": ["RRULE:FREQ=DAILY;COUNT=2"]}
    whole = api.insert(days).json()["id"]
    items = api.events(singleEvents="true", orderBy="startTime", **WINDOW)["items"]
    starts = [item["start"].get("dateTime") or item["start"]["date"] for item in items]
    assert [start[5:10] for start in starts] == ["03-04", "03-18", "03-20", "03-27", "03-28"]
    assert items[4]["id"] == f"{whole}_20270328"
    assert items[4]["end"] == {"date": "2027-03-30"}


def test_an_instance_is_moved_and_another_deleted(api: Caller, ann: GooglePerson) -> None:
    series = weekly(ann)
    _, token = api.all_events(singleEvents="true")
    assert token
    items = api.events(singleEvents="true", orderBy="startTime", **WINDOW)["items"]
    moved, gone = items[1]["id"], items[2]["id"]
    ann.moves(moved, utc(12, 15), utc(12, 16))
    assert api.event("DELETE", gone).status_code == 204
    listed = api.events(singleEvents="true", orderBy="startTime", **WINDOW)["items"]
    assert ids(listed) == [items[0]["id"], moved, items[3]["id"], items[4]["id"]]
    assert listed[1]["start"]["dateTime"] == "2027-03-12T16:00:00+01:00"  # fact: series.exception
    assert listed[1]["originalStartTime"] == items[1]["start"]
    changes = {item["id"]: item for item in api.events(syncToken=token, singleEvents="true")["items"]}
    assert changes.keys() == {moved, gone}
    stub = changes[gone]
    assert (stub["status"], stub["recurringEventId"]) == ("cancelled", series["id"])  # fact: series.instance-deleted
    assert stub["originalStartTime"] == items[2]["start"]
    assert gone in ids(api.events()["items"])  # fact: list.cancelled-instances
    assert reason(api.event("DELETE", gone)) == (410, "deleted")


def test_a_deleted_series_takes_all_with_it(api: Caller, ann: GooglePerson) -> None:
    series = weekly(ann)
    items = api.events(singleEvents="true", orderBy="startTime", **WINDOW)["items"]
    ann.moves(items[1]["id"], utc(12, 15), utc(12, 16))
    _, single = api.all_events(singleEvents="true")
    _, plain = api.all_events()
    ann.deletes(series["id"])
    assert api.events(singleEvents="true", **WINDOW)["items"] == []
    told = api.events(singleEvents="true", syncToken=single or "")["items"]  # fact: sync.series-deleted
    assert {item["id"]: item["status"] for item in told} == dict.fromkeys(ids(items), "cancelled")
    told = api.events(syncToken=plain or "")["items"]  # fact: series.exceptions-end
    assert {item["id"] for item in told} == {series["id"], items[1]["id"]}
    assert {item["status"] for item in told} == {"cancelled"}


def test_a_shorter_rule_cancels_what_it_lost(api: Caller, ann: GooglePerson) -> None:
    series = weekly(ann)
    items = api.events(singleEvents="true", orderBy="startTime", **WINDOW)["items"]
    _, token = api.all_events(singleEvents="true")
    ann.changes(series["id"], recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"])
    told = api.events(singleEvents="true", syncToken=token or "")["items"]
    lost = {item["id"] for item in told if item["status"] == "cancelled"}
    assert lost == {items[3]["id"], items[4]["id"]}


def test_stubs_of_instances_may_be_sparse(google: GoogleDouble, api: Caller, ann: GooglePerson) -> None:
    series = weekly(ann)
    _, token = api.all_events()
    ann.deletes(f"{series['id']}_20270304T090000Z")
    google.listing.sparse_instances = True  # fact: sync.sparse-instances
    [stub] = api.events(syncToken=token or "")["items"]
    assert stub.keys() == {"kind", "etag", "id", "status"}


def test_ids_of_instances_may_be_opaque(google: GoogleDouble, api: Caller, ann: GooglePerson) -> None:
    google.store.opaque_instance_ids = True  # fact: instance.id-opaque
    series = weekly(ann)
    items = api.events(singleEvents="true", orderBy="startTime", **WINDOW)["items"]
    assert all(series["id"] not in item["id"] for item in items)
    assert api.event("DELETE", items[0]["id"]).status_code == 204
    assert ids(api.events(singleEvents="true", orderBy="startTime", **WINDOW)["items"]) == ids(items)[1:]


def test_an_endless_series_reaches_far(api: Caller, ann: GooglePerson) -> None:  # fact: list.endless-series
    weekly(ann, "RRULE:FREQ=WEEKLY")
    items, _ = api.all_events(singleEvents="true")
    assert 100 < len(items) < 110
