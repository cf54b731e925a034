"""Google's double: lists of events, and what changed since."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from tests.doubles.google import GoogleDouble
from tests.doubles.google_caller import Caller, events_path, reason
from tests.doubles.google_person import GooglePerson
from tests.doubles.google_world import ANN, BEN, at, caller
from tests.doubles.service import Clock

WINDOW = {"timeMin": "2027-03-01T00:00:00Z", "timeMax": "2027-04-30T00:00:00Z"}
DAY = 86400


def utc(day: int, hour: int, month: int = 3) -> datetime:
    return datetime(2027, month, day, hour, tzinfo=UTC)


def made(ann: GooglePerson, count: int, **members: Any) -> list[str]:
    return [ann.creates(utc(5 + number, 9), utc(5 + number, 10), **members)["id"] for number in range(count)]


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for item in items]


def refused(api: Caller, **query: str) -> tuple[int, str]:
    return reason(api("GET", events_path(), query=query))


def test_a_window_bounds_ends_and_starts(api: Caller, ann: GooglePerson) -> None:  # fact: list.window
    first, second, third = made(ann, 3)
    edges = {"timeMin": "2027-03-05T10:00:00Z", "timeMax": "2027-03-07T09:00:00Z"}
    assert ids(api.events(**edges)["items"]) == [second]
    inside = {"timeMin": "2027-03-05T09:59:59Z", "timeMax": "2027-03-07T09:00:01Z"}
    assert set(ids(api.events(**inside)["items"])) == {first, second, third}
    for wrong in ("2027-03-05T10:00:00", "2027-13-05T10:00:00Z", "yesterday"):
        assert refused(api, timeMin=wrong) == (400, "invalid")
    assert refused(api, timeMin=WINDOW["timeMax"], timeMax=WINDOW["timeMin"]) == (400, "timeRangeEmpty")


def test_pages_end_in_a_sync_token(api: Caller, ann: GooglePerson) -> None:
    known = made(ann, 5)
    page = api.events(maxResults=2)
    assert (len(page["items"]), "nextSyncToken" in page) == (2, False)  # fact: sync.last-page
    items, token = api.all_events(maxResults=2)
    assert (sorted(ids(items)), bool(token)) == (sorted(known), True)
    assert refused(api, pageToken=page["nextPageToken"], q="x") == (400, "invalid")  # fact: list.page-same-query
    assert refused(api, pageToken="nonsense") == (400, "invalid")
    assert refused(api, maxResults="0") == (400, "invalid")  # fact: list.max-results


def test_pages_may_be_short_or_empty(google: GoogleDouble, api: Caller, ann: GooglePerson) -> None:
    known = made(ann, 3)
    google.tokens.page_limit, google.tokens.empty_pages = 1, 1  # fact: list.short-pages
    first = api.events()
    assert (first["items"], "nextPageToken" in first) == ([], True)
    assert sorted(ids(api.all_events()[0])) == sorted(known)


def test_filters(api: Caller, ann: GooglePerson, clock: Clock) -> None:
    plain, *_ = made(ann, 2)
    tagged = made(ann, 1, extendedProperties={"private": {"key": "1", "kind": "a"}})[0]
    away = made(ann, 1, eventType="outOfOffice")[0]
    both = api("GET", events_path(), query={"privateExtendedProperty": ["key=1", "kind=a"]}).json()
    assert ids(both["items"]) == [tagged]  # fact: list.extended-properties
    assert api.events(privateExtendedProperty="key=2")["items"] == []
    assert ids(api.events(eventTypes="outOfOffice")["items"]) == [away]  # fact: list.event-types
    assert len(api.events()["items"]) == 4
    assert ids(api.events(iCalUID=f"{plain}@google.com")["items"]) == [plain]
    assert refused(api, orderBy="startTime") == (400, "invalid")  # fact: list.order-needs-single
    ordered = api.events(singleEvents="true", orderBy="startTime")
    starts = [item["start"]["dateTime"] for item in ordered["items"]]
    assert (starts == sorted(starts), "nextSyncToken" in ordered) == (True, False)  # fact: sync.none-after-order
    assert "nextSyncToken" not in api.events(q="Private")  # fact: sync.none-after-filters
    ann.deletes(plain)
    assert plain not in ids(api.events()["items"])  # fact: list.cancelled-hidden
    assert plain in ids(api.events(showDeleted="true")["items"])


def test_what_was_updated_since(google: GoogleDouble, ann: GooglePerson, clock: Clock) -> None:
    old, deleted, _ = made(ann, 3)
    clock.advance(DAY)
    ann.deletes(deleted)
    api = caller(google)
    assert ids(api.events(updatedMin="2027-03-05T00:00:00Z")["items"]) == [deleted]  # fact: list.updated-min-deleted
    assert old in ids(api.events(updatedMin="2027-03-04T00:00:00Z")["items"])
    clock.advance(27 * DAY)  # fact: list.updated-min-age
    answer = refused(caller(google), updatedMin="2027-03-04T00:00:00Z")
    assert answer == (410, "updatedMinTooLongAgo")  # fact: list.updated-min-too-old


def test_times_come_in_the_zone_that_was_asked_for(api: Caller, ann: GooglePerson) -> None:  # fact: list.time-zone
    made(ann, 1)
    assert api.events()["items"][0]["start"]["dateTime"] == "2027-03-05T10:00:00+01:00"
    assert api.events(timeZone="UTC")["items"][0]["start"]["dateTime"] == "2027-03-05T09:00:00Z"


def test_a_sync_token_tells_what_changed(api: Caller, ann: GooglePerson) -> None:
    changed, deleted, _ = made(ann, 3)
    _, token = api.all_events()
    assert token
    assert api.events(syncToken=token)["items"] == []
    ann.changes(changed, summary="New")
    ann.deletes(deleted)
    new = made(ann, 1)[0]
    items, later = api.all_events(syncToken=token, maxResults=1)  # fact: sync.pages-repeat-token
    assert set(ids(items)) == {changed, deleted, new}  # fact: sync.deleted-told
    [stub] = [item for item in items if item["id"] == deleted]
    assert stub.keys() == {"kind", "etag", "id", "status"}  # fact: sync.stubs
    assert later
    assert api.events(syncToken=later)["items"] == []
    assert ids(api.events(syncToken=token)["items"]) == sorted([changed, deleted, new])  # a token is not used up


def test_nothing_is_lost_while_pages_are_read(api: Caller, ann: GooglePerson) -> None:  # fact: sync.no-loss
    known = made(ann, 3)
    page = api.events(maxResults=2)
    new = made(ann, 1)[0]
    ann.deletes(known[0])
    rest, token = api.all_events(maxResults=2, pageToken=page["nextPageToken"])
    assert token
    seen = set(ids(page["items"])) | set(ids(rest)) | set(ids(api.events(syncToken=token)["items"]))
    assert seen >= {*known[1:], new}
    assert known[0] in ids(api.events(syncToken=token)["items"])


def test_what_a_sync_token_refuses(google: GoogleDouble, api: Caller, ann: GooglePerson, clock: Clock) -> None:
    made(ann, 1)
    _, token = api.all_events(singleEvents="true")
    assert token
    for name in ("iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty"):
        assert (
            refused(api, syncToken=token, singleEvents="true", **{name: "a=b"})[0] == 400
        )  # fact: sync.filters-refused
    for name in ("timeMin", "timeMax", "updatedMin"):
        assert refused(api, syncToken=token, singleEvents="true", **{name: WINDOW["timeMin"]})[0] == 400
    assert refused(api, syncToken=token, singleEvents="true", showDeleted="false")[0] == 400
    # fact: sync.show-deleted-false
    assert refused(api, syncToken=token) == (400, "invalid")  # fact: sync.same-query
    google.tokens.strict = False
    assert "items" in api.events(syncToken=token)
    assert refused(api, syncToken="etag") == (400, "invalid")  # fact: sync.garbage
    clock.advance(28 * DAY)  # fact: sync.lifetime
    assert refused(caller(google), syncToken=token) == (410, "fullSyncRequired")  # fact: sync.expired
    _, fresh = caller(google).all_events()
    google.tokens.forget()
    assert refused(caller(google), syncToken=fresh or "") == (410, "fullSyncRequired")


def test_a_changed_share_ends_the_tokens(google: GoogleDouble, api: Caller) -> None:  # fact: sync.share-changed
    ben = google.person(BEN)
    ben.shares("primary", ANN, "reader")
    _, token = api.all_events(BEN)
    ben.shares("primary", ANN, "writer")
    answer = api("GET", events_path(BEN), query={"syncToken": token or ""})
    assert reason(answer) == (410, "fullSyncRequired")


def test_the_first_window_is_forgotten(api: Caller, ann: GooglePerson) -> None:  # fact: sync.window-forgotten
    made(ann, 1)
    _, token = api.all_events(**WINDOW)
    assert token
    far = ann.creates(utc(1, 9, month=11), utc(1, 10, month=11))["id"]
    assert ids(api.events(syncToken=token)["items"]) == [far]


def test_whole_days_are_dates(api: Caller, ann: GooglePerson) -> None:
    day = ann.creates(date(2027, 3, 5), date(2027, 3, 6))["id"]
    [item] = api.events(**{**WINDOW, "timeMin": "2027-03-05T22:59:00Z"})["items"]  # midnight in Berlin is 23:00
    assert (item["id"], item["start"], item["end"]) == (day, {"date": "2027-03-05"}, {"date": "2027-03-06"})
    assert api.events(**{**WINDOW, "timeMin": "2027-03-05T23:00:00Z"})["items"] == []
    assert at("10:00", "11:00")["start"]["dateTime"].startswith("2027-03-05")
