"""Google's double: calendars, writing events, guests, conferences, faults."""

from __future__ import annotations

import pytest

from tests.doubles.google import GoogleDouble
from tests.doubles.google_caller import Caller, events_path, reason
from tests.doubles.google_guests import Mail
from tests.doubles.google_person import GooglePerson
from tests.doubles.google_world import ANN, BEN, at, caller
from tests.doubles.service import Clock

OWN_ID = "0123456789abcdefghijklmnopqrstuv"
TEN = at("10:00", "11:00")
MEET = {"conferenceData": {"createRequest": {"requestId": "r1", "conferenceSolutionKey": {"type": "hangoutsMeet"}}}}


def test_calendars_say_what_they_are(google: GoogleDouble, ann: GooglePerson, api: Caller) -> None:
    ann.makes_calendar("team@group.test", "Team", "Asia/Tokyo")
    ann.makes_calendar("old@group.test")
    ann.unselects("team@group.test")
    ann.hides("old@group.test")
    listed = api("GET", "/users/me/calendarList").json()
    own, team = listed["items"]  # fact: calendar-list.hidden
    assert (own["id"], own["primary"], own["accessRole"], own["timeZone"]) == (ANN, True, "owner", "Europe/Berlin")
    assert own["selected"] is True
    assert {"primary", "selected", "hidden", "deleted"} & team.keys() == set()  # fact: calendar-list.flags
    everything = api("GET", "/users/me/calendarList", query={"showHidden": "true"}).json()["items"]
    assert [one["id"] for one in everything] == [ANN, "old@group.test", "team@group.test"]
    assert api("GET", "/users/me/calendarList/primary").json()["id"] == ANN  # fact: calendar.primary


def test_the_calendar_list_is_paged_and_synchronized(google: GoogleDouble, ann: GooglePerson, api: Caller) -> None:
    google.person(BEN).makes_calendar("ben2@group.test")
    google.person(BEN).shares("ben2@group.test", ANN, "writer")
    first = api("GET", "/users/me/calendarList", query={"maxResults": 1}).json()
    assert "nextSyncToken" not in first  # fact: calendar-list.paging
    query = {"maxResults": 1, "pageToken": first["nextPageToken"]}
    last = api("GET", "/users/me/calendarList", query=query).json()
    assert ([one["id"] for one in last["items"]], "nextPageToken" in last) == (["ben2@group.test"], False)
    google.person(BEN).shares("ben2@group.test", ANN, None)
    query = {"syncToken": last["nextSyncToken"]}
    [gone] = api("GET", "/users/me/calendarList", query=query).json()["items"]  # fact: calendar-list.sync
    assert (gone["id"], gone["deleted"]) == ("ben2@group.test", True)  # fact: calendar-list.deleted
    assert "deleted" not in str(api("GET", "/users/me/calendarList").json())
    refused = api("GET", "/users/me/calendarList", query={**query, "minAccessRole": "writer"})
    assert reason(refused) == (400, "invalid")  # fact: calendar-list.sync-refuses-min-role


def test_rights_decide(google: GoogleDouble, api: Caller) -> None:
    ben = google.person(BEN)
    mine = ben.creates(*_times(), visibility="private", summary="Doctor")
    assert reason(api("GET", events_path(BEN))) == (404, "notFound")  # fact: calendar.no-access
    ben.shares("primary", ANN, "reader")
    assert reason(api.insert(TEN, BEN)) == (403, "requiredAccessLevel")  # fact: calendar.reader-cannot-write
    [seen] = api.events(BEN)["items"]
    assert (seen["visibility"], "summary" in seen) == ("private", False)  # fact: private.hidden-from-reader
    ben.shares("primary", ANN, "writer")
    assert api.event("GET", mine["id"], calendar=BEN).json()["summary"] == "Doctor"
    assert api.insert(TEN, BEN).status_code == 200


def test_scopes_decide(google: GoogleDouble, ann: GooglePerson) -> None:
    busy = {"timeMin": "2027-03-05T00:00:00Z", "timeMax": "2027-03-06T00:00:00Z", "items": [{"id": "primary"}]}

    def codes(scope: str) -> tuple[int, ...]:
        api = caller(google, f"{scope}@example.com", scope)
        google.person(f"{scope}@example.com")
        return (
            api("GET", "/users/me/calendarList").status_code,  # fact: scope.list
            api("GET", events_path()).status_code,  # fact: scope.events-read
            api.insert(TEN).status_code,  # fact: scope.events-write
            api("POST", "/freeBusy", busy).status_code,  # fact: scope.freebusy
        )

    assert codes("calendar") == (200, 200, 200, 200)
    assert codes("calendar.readonly") == (200, 200, 403, 200)
    assert codes("calendar.events") == (403, 200, 200, 403)
    assert codes("calendar.events.readonly") == (403, 200, 403, 403)
    assert codes("calendar.freebusy") == (403, 403, 403, 200)
    refused = caller(google, ANN, "calendar.events")("GET", "/users/me/calendarList")
    assert refused.json()["error"]["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"  # fact: scope.missing


def test_an_event_has_what_google_gives_it(google: GoogleDouble, api: Caller) -> None:
    made = api.insert({**TEN, "summary": "Talk"}).json()
    assert made["start"] == {"dateTime": "2027-03-05T11:00:00+01:00", "timeZone": "Europe/Berlin"}
    assert (made["kind"], made["status"], made["sequence"]) == ("calendar#event", "confirmed", 0)
    assert made["organizer"] == made["creator"] == {"email": ANN, "self": True}  # fact: attendee.self
    assert made["iCalUID"] == f"{made['id']}@google.com"
    got = api.event("GET", made["id"])
    assert (got.json(), got.headers["etag"]) == (made, made["etag"])
    unchanged = api.event("GET", made["id"], headers={"If-None-Match": made["etag"]})
    assert unchanged.status_code == 304  # fact: etag.if-none-match


@pytest.mark.parametrize("wrong", ["abcd", "w" * 10, "ABCDEF", "abc-def", "a" * 1025], ids=["4", "w", "A", "-", "1025"])
def test_an_own_id_has_a_form(api: Caller, wrong: str) -> None:  # fact: event.id-form
    assert reason(api.insert({**TEN, "id": wrong})) == (400, "invalid")  # fact: event.id-invalid


def test_an_own_id_is_taken_for_good(api: Caller) -> None:
    assert api.insert({**TEN, "id": OWN_ID}).json()["id"] == OWN_ID
    assert reason(api.insert({**TEN, "id": OWN_ID})) == (409, "duplicate")  # fact: event.id-taken
    assert api.event("DELETE", OWN_ID).status_code == 204
    assert reason(api.insert({**TEN, "id": OWN_ID})) == (409, "duplicate")  # fact: event.id-of-deleted-taken
    assert reason(api.insert({**TEN, "id": "abcde", "iCalUID": "u"})) == (400, "invalid")  # fact: event.id-or-uid


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        pytest.param({**at("10:00", "11:00", "UTC"), "recurrence": ["RRULE:FREQ=NEVER"]}, "invalid", id="rule"),
        pytest.param({}, "required", id="no-times"),  # fact: event.times-required
        pytest.param({"start": {"dateTime": "2027-03-05T10:00:00Z"}}, "required", id="no-end"),
        pytest.param(at("11:00", "10:00"), "timeRangeEmpty", id="end-first"),  # fact: event.range-empty
        pytest.param(at("2027-03-05T10:00:00", "2027-03-05T11:00:00"), "required", id="no-zone"),
        # fact: event.zone-required
        pytest.param({**TEN, "recurrence": ["RRULE:FREQ=DAILY"]}, "required", id="series-without-zone"),
        pytest.param(
            {**at("10:00", "11:00", "UTC"), "recurrence": ["DTSTART:20270305"]}, "invalid", id="line"
        ),  # fact: event.recurrence-lines
        pytest.param({**TEN, "attendees": [{"displayName": "Ben"}]}, "invalid", id="no-email"),  # fact: attendee.email
        pytest.param({**TEN, "end": {"date": "2027-03-06"}}, "invalid", id="two-kinds"),
        pytest.param([], "parseError", id="no-object"),  # fact: error.parse
    ],
)
def test_wrong_bodies_are_named(api: Caller, body: object, wanted: str) -> None:
    assert reason(api.insert(body)) == (400, wanted)


def test_if_match_holds_off_the_late(api: Caller) -> None:  # fact: etag.if-match
    made = api.insert({**TEN, "summary": "One"}).json()
    moved = api.event("PATCH", made["id"], {"summary": "Two"}, headers={"If-Match": made["etag"]}).json()
    assert moved["etag"] != made["etag"]  # fact: etag.every-change
    for method, body in (("PATCH", {"summary": "Three"}), ("PUT", TEN), ("DELETE", None)):
        late = api.event(method, made["id"], body, headers={"If-Match": made["etag"]})
        assert reason(late) == (412, "conditionNotMet")
    assert api.event("GET", made["id"]).json() == moved
    assert api.event("DELETE", made["id"], headers={"If-Match": moved["etag"]}).status_code == 204


def test_patch_merges_and_put_replaces(api: Caller) -> None:
    body = {**TEN, "summary": "Talk", "location": "Hall", "attendees": [{"email": BEN}, {"email": "eve@other.test"}]}
    made = api.insert({**body, "extendedProperties": {"private": {"key": "1"}}}).json()
    new = {"location": None, "attendees": [{"email": BEN}], "extendedProperties": {"private": {"more": "2"}}}
    patched = api.event("PATCH", made["id"], new).json()  # fact: patch.merges
    assert (patched["summary"], "location" in patched, len(patched["attendees"])) == ("Talk", False, 1)
    assert patched["extendedProperties"]["private"] == {"key": "1", "more": "2"}
    replaced = api.event("PUT", made["id"], at("12:00", "13:00")).json()  # fact: update.replaces
    assert {"summary", "attendees", "extendedProperties"} & replaced.keys() == set()
    assert (replaced["id"], replaced["sequence"], replaced["created"]) == (made["id"], 1, made["created"])
    assert reason(api.event("PATCH", made["id"], {"start": {"date": "2027-03-05"}})) == (400, "invalid")
    # fact: patch.date-and-datetime
    days = {"start": {"date": "2027-03-05", "dateTime": None}, "end": {"date": "2027-03-06", "dateTime": None}}
    assert api.event("PATCH", made["id"], days).json()["end"] == {"date": "2027-03-06"}  # fact: event.all-day
    assert reason(api.event("PATCH", made["id"], {"sequence": 0})) == (400, "invalid")  # fact: event.sequence


def test_the_deleted_stay_readable_and_can_come_back(api: Caller) -> None:
    made = api.insert(TEN).json()
    assert api.event("DELETE", made["id"]).status_code == 204
    assert reason(api.event("DELETE", made["id"])) == (410, "deleted")  # fact: delete.twice
    assert reason(api.event("DELETE", "0" * 26)) == (404, "notFound")
    assert api.event("GET", made["id"]).json()["status"] == "cancelled"  # fact: event.get-cancelled
    assert api.event("PATCH", made["id"], {"summary": "x"}).json()["status"] == "cancelled"  # fact: patch.deleted-stays
    assert (
        api.event("PATCH", made["id"], {"status": "confirmed"}).json()["status"] == "confirmed"
    )  # fact: patch.revives
    assert api.event("DELETE", made["id"]).status_code == 204


def test_the_deleted_vanish_in_the_end(api: Caller, ann: GooglePerson) -> None:  # fact: deleted.vanish
    made = api.insert({**TEN, "id": OWN_ID}).json()
    ann.deletes(made["id"])
    ann.empties_bin()
    assert reason(api.event("GET", made["id"])) == (404, "notFound")
    assert reason(api.event("PATCH", made["id"], {"summary": "x"})) == (404, "notFound")
    assert reason(api.event("DELETE", made["id"])) == (404, "notFound")
    assert reason(api.insert({**TEN, "id": OWN_ID})) == (409, "duplicate")  # fact: deleted.id-stays-taken


def test_guests_get_copies_and_mail_as_wished(google: GoogleDouble, api: Caller) -> None:
    ben, guests = google.person(BEN), [{"email": BEN}, {"email": "eve@other.test"}]
    body = {**TEN, "attendees": guests, "extendedProperties": {"private": {"key": "1"}, "shared": {"s": "2"}}}
    event_id = api.insert(body).json()["id"]
    assert google.guests.mails == []  # fact: send-updates
    copy = ben.sees(event_id)  # fact: guests.copies
    assert copy["extendedProperties"] == {"shared": {"s": "2"}}  # fact: extended.private-is-per-copy
    ben.answers(event_id, "declined")
    seen = api.event("GET", event_id).json()["attendees"][0]
    assert (seen["email"], seen["responseStatus"]) == (BEN, "declined")  # fact: guests.answers
    api.event("PATCH", event_id, {"summary": "New"}, query={"sendUpdates": "externalOnly"})
    api.event("DELETE", event_id, query={"sendUpdates": "all"})
    eve = "eve@other.test"
    assert google.guests.mails == [
        *(Mail(eve, event_id, "updated"), Mail(BEN, event_id, "deleted"), Mail(eve, event_id, "deleted")),
    ]
    assert ben.sees(event_id)["status"] == "cancelled"
    assert reason(api.insert(TEN, sendUpdates="some")) == (400, "invalid")


def test_a_conference_is_made_later(google: GoogleDouble, api: Caller, clock: Clock) -> None:
    assert "conferenceData" not in api.insert({**TEN, **MEET}).json()  # fact: conference.version
    made = api.insert({**TEN, **MEET}, conferenceDataVersion=1).json()
    status = made["conferenceData"]["createRequest"]["status"]["statusCode"]
    assert (status, "entryPoints" in made["conferenceData"]) == ("pending", False)  # fact: conference.pending
    clock.advance(google.conferences.delay_s)
    done = api.event("GET", made["id"]).json()
    assert done["conferenceData"]["createRequest"]["status"]["statusCode"] == "success"
    assert done["conferenceData"]["entryPoints"][0]["uri"] == done["hangoutLink"]
    assert done["etag"] != made["etag"]  # fact: conference.changes-event
    again = api.event("PATCH", made["id"], MEET, query={"conferenceDataVersion": 1}).json()
    assert again["conferenceData"] == done["conferenceData"]  # fact: conference.same-request-ignored


def test_a_conference_can_fail_and_must_be_of_a_known_kind(google: GoogleDouble, api: Caller, clock: Clock) -> None:
    google.conferences.fails = True
    made = api.insert({**TEN, **MEET}, conferenceDataVersion=1).json()
    clock.advance(google.conferences.delay_s)
    data = api.event("GET", made["id"]).json()["conferenceData"]
    assert (data["createRequest"]["status"]["statusCode"], "entryPoints" in data) == ("failure", False)
    other = {"createRequest": {"requestId": "r", "conferenceSolutionKey": {"type": "eventHangout"}}}
    refused = api.insert({**TEN, "conferenceData": other}, conferenceDataVersion=1)
    assert reason(refused) == (400, "invalid")  # fact: conference.type


def test_errors_come_as_told(google: GoogleDouble, api: Caller) -> None:
    for name, wanted in {  # fact: error.form
        "userRateLimitExceeded": (403, "userRateLimitExceeded"),  # fact: error.quota
        "rateLimitExceeded": (403, "rateLimitExceeded"),
        "tooManyRequests": (429, "rateLimitExceeded"),
        "quotaExceeded": (403, "quotaExceeded"),
        "backendError": (500, "backendError"),  # fact: error.500
        "unavailable": (503, "backendError"),  # fact: error.503
    }.items():
        google.fail(name, method="POST", retry_after=7)
        answer = api.insert(TEN)
        error = answer.json()["error"]
        assert (reason(answer), error["code"]) == (wanted, wanted[0])
        assert answer.headers["Retry-After"] == "7"  # fact: error.retry-after
    assert api.insert(TEN).status_code == 200


def test_a_quota_is_over_a_sliding_minute(google: GoogleDouble, api: Caller, clock: Clock) -> None:
    google.calls_a_minute = 2
    assert [api.insert(TEN).status_code for _ in range(3)] == [200, 200, 403]  # fact: quota.sliding
    clock.advance(60)
    assert api.insert(TEN).status_code == 200


def _times() -> tuple[int, int]:
    return 1_804_237_200, 1_804_240_800  # 5 March 2027, 09:00 to 10:00 UTC
