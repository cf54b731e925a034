"""Microsoft's double: writing events, extended properties, ids, meetings."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote

import pytest

from tests.doubles.graph import GraphDouble
from tests.doubles.graph_caller import Caller, code
from tests.doubles.graph_meetings import Mail
from tests.doubles.graph_person import GraphPerson
from tests.doubles.graph_world import ANN, BEN, DAY, KEY, WEEK, at, caller, keyed
from tests.doubles.service import Clock

TEN = datetime(2027, 3, 5, 10, tzinfo=UTC)
ELEVEN = datetime(2027, 3, 5, 11, tzinfo=UTC)
GUEST: dict[str, Any] = {"attendees": [{"emailAddress": {"address": "guest@example.org"}, "type": "required"}]}
IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}
FIND = "singleValueExtendedProperties/Any(ep: ep/id eq '{}' and ep/value eq '{}')"
EXPAND = f"singleValueExtendedProperties($filter=id eq '{KEY}')"
ONLINE: dict[str, Any] = {"isOnlineMeeting": True, "onlineMeetingProvider": "teamsForBusiness"}


def test_a_new_event_has_all_that_the_page_shows(api: Caller) -> None:
    event = api.create(at("12:00", "14:00", "Pacific Standard Time", **GUEST))  # fact: event.shape
    members = "createdDateTime lastModifiedDateTime changeKey categories originalStartTimeZone iCalUId subject type"
    members += " bodyPreview importance sensitivity isAllDay isCancelled isOrganizer responseRequested seriesMasterId"
    members += " showAs webLink onlineMeetingUrl isOnlineMeeting onlineMeetingProvider onlineMeeting recurrence body"
    members += " responseStatus start end location locations attendees organizer transactionId id @odata.etag"
    assert set(members.split()) - event.keys() == set()
    assert event["@odata.etag"] == f'W/"{event["changeKey"]}"'
    assert event["responseStatus"] == {"response": "organizer", "time": "0001-01-01T00:00:00Z"}
    assert event["responseStatus"]["response"] == "organizer"  # fact: event.response-organizer
    assert event["attendees"][0]["status"]["response"] == "none"
    assert event["originalStartTimeZone"] == "Pacific Standard Time"  # fact: times.original-zone
    assert event["start"] == {"dateTime": "2027-03-05T12:00:00.0000000", "timeZone": "Pacific Standard Time"}
    assert api.create(at("09:00", "10:00"))["responseStatus"]["response"] == "none"  # fact: event.response-none
    # fact: times.created-in-own-zone  fact: times.utc-by-default  fact: times.seven-digits
    assert api.get(event["id"])["start"] == {"dateTime": "2027-03-05T20:00:00.0000000", "timeZone": "UTC"}


def test_busy_states_come_back_as_they_were_set(api: Caller, ann: GraphPerson) -> None:
    for state in ("free", "tentative", "busy", "oof", "workingElsewhere", "unknown"):
        assert api.create(at("09:00", "10:00", showAs=state))["showAs"] == state  # fact: event.show-as
    assert code(api("POST", "/me/events", at("09:00", "10:00", showAs="away")))[0] == 400  # fact: event.enum


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"color": "red"}, "RequestBodyRead"),  # fact: event.unknown-property
        ({"start": None}, "ErrorPropertyValidationFailure"),
        ({"end": {"dateTime": "2027-03-05T08:00:00", "timeZone": "UTC"}}, "ErrorPropertyValidationFailure"),
        ({"start": {"dateTime": "2027-03-05T08:00:00", "timeZone": "Nowhere"}}, "TimeZoneNotSupportedException"),
        ({"attendees": [{"emailAddress": {"address": "nobody"}}]}, "ErrorInvalidRecipients"),
        ({"singleValueExtendedProperties": [{"id": "Key", "value": "1"}]}, "ErrorInvalidProperty"),
        ({"isAllDay": True}, "ErrorInvalidProperty"),
    ],
    ids=["unknown member", "no start", "end first", "unknown zone", "no address", "property id", "not midnight"],
)
def test_what_is_not_an_event_is_refused(api: Caller, wrong: dict[str, Any], expected: str) -> None:
    # fact: event.times-required  fact: event.order  fact: times.unknown-zone  fact: property.id-form
    assert code(api("POST", "/me/events", {**at("09:00", "10:00"), **wrong})) == (400, expected)


def test_a_patch_changes_what_it_names(api: Caller) -> None:
    event = api.create(at("09:00", "10:00", location={"displayName": "Room"}, **GUEST))
    answer = api("PATCH", f"/me/events/{event['id']}", {"location": {"displayName": "Hall"}, "subject": "New"})
    assert answer.status_code == 200
    changed = answer.json()  # fact: event.patch
    assert (changed["subject"], changed["attendees"]) == ("New", event["attendees"])
    assert [one["displayName"] for one in changed["locations"]] == ["Hall"]  # fact: event.locations
    assert changed["changeKey"] != event["changeKey"]  # fact: event.change-key
    assert changed["@odata.etag"] != event["@odata.etag"]


def test_if_match_keeps_from_overwriting(api: Caller, ann: GraphPerson) -> None:
    event = api.create(at("09:00", "10:00"))
    path, old = f"/me/events/{event['id']}", {"If-Match": event["@odata.etag"]}
    assert api("PATCH", path, {"subject": "1"}, headers=old).status_code == 200
    ann.changes(event["id"], subject="by hand")
    answer = api("PATCH", path, {"subject": "2"}, headers=old)
    assert code(answer) == (412, "ErrorIrresolvableConflict")  # fact: event.if-match  fact: event.if-match-code
    assert code(api("DELETE", path, headers=old))[0] == 412  # fact: event.if-match-delete
    body = {"subject": "3", "changeKey": event["changeKey"]}
    assert code(api("PATCH", path, body))[0] == 412  # fact: event.change-key-in-body
    current = api.get(event["id"])
    assert current["subject"] == "by hand"
    assert api("PATCH", path, {"subject": "4"}, headers={"If-Match": current["@odata.etag"]}).status_code == 200
    assert api("PATCH", path, {"subject": "5"}, headers={"If-Match": "*"}).status_code == 200


def test_a_deleted_event_is_not_found(api: Caller) -> None:
    path = f"/me/events/{api.create(at('09:00', '10:00'))['id']}"
    gone = api("DELETE", path)
    assert (gone.status_code, gone.content) == (204, b"")  # fact: event.delete
    for method in ("GET", "PATCH", "DELETE"):
        body = {"subject": "x"} if method == "PATCH" else None
        assert code(api(method, path, body)) == (404, "ErrorItemNotFound")  # fact: event.not-found


def test_a_repeated_transaction_makes_no_second_event(graph: GraphDouble, api: Caller, clock: Clock) -> None:
    body = at("09:00", "10:00", transactionId="7E163156")
    first = api.create(body)
    assert first["transactionId"] == "7E163156"
    again = api.create({**body, "subject": "Other"})
    assert (again["id"], again["subject"]) == (first["id"], "Call")  # fact: event.transaction-answer
    assert len(api.view(*WEEK)) == 1  # fact: event.transaction-repeat
    assert api.create({**body, "transactionId": "other"})["id"] != first["id"]
    graph.events.transaction_memory_s = 60
    clock.advance(61)
    assert api.create(body)["id"] != first["id"]


def test_a_transaction_of_a_deleted_event_counts_no_more(api: Caller) -> None:
    body = at("09:00", "10:00", transactionId="1")
    first = api.create(body)
    api("DELETE", f"/me/events/{first['id']}")
    assert api.create(body)["id"] != first["id"]  # fact: event.transaction-after-delete


def test_our_key_is_kept_beside_the_event_and_found(api: Caller, ann: GraphPerson) -> None:
    event = api.create(at("09:00", "10:00", **keyed("Booking-1")))
    other = ann.makes_calendar("Other")
    elsewhere = ann.creates(TEN, ELEVEN, calendar=other, **keyed("booking-2"))
    assert "singleValueExtendedProperties" not in event
    shown = api.get(event["id"], query={"$expand": EXPAND})["singleValueExtendedProperties"]
    assert shown == [{"id": KEY, "value": "Booking-1"}]  # fact: property.expand
    found = api("GET", "/me/events", query={"$filter": FIND.format(KEY, "booking-1")}).json()["value"]
    assert [one["id"] for one in found] == [event["id"]]  # fact: property.filter
    assert "singleValueExtendedProperties" not in found[0]
    other_case = FIND.format(KEY.replace("Slotlink", "slotlink"), "booking-1")
    assert api("GET", "/me/events", query={"$filter": other_case}).json()["value"] == []  # fact: property.name-case
    upper = KEY.replace("66f5a359-4659-4830-9070-00040ec6ac6e", "66F5A359-4659-4830-9070-00040EC6AC6E")
    assert len(api("GET", "/me/events", query={"$filter": FIND.format(upper, "booking-1")}).json()["value"]) == 1
    found = api("GET", "/me/events", query={"$filter": FIND.format(KEY, "booking-2")}).json()["value"]
    assert [one["id"] for one in found] == [elsewhere]  # fact: events.whole-mailbox
    own = api("GET", f"/me/calendars/{other}/events", query={"$filter": FIND.format(KEY, "booking-1")}).json()
    assert own["value"] == []
    api("PATCH", f"/me/events/{event['id']}", keyed("Booking-3"))  # fact: property.write
    assert api("GET", "/me/events", query={"$filter": FIND.format(KEY, "booking-3")}).json()["value"] != []
    assert api("GET", "/me/events", query={"$filter": FIND.format(KEY, "booking-1")}).json()["value"] == []


def test_a_view_cannot_be_filtered_by_our_key_but_shows_it(graph: GraphDouble, api: Caller) -> None:
    api.create(at("09:00", "10:00", **keyed("1")))
    [seen] = api("GET", f"/me/calendarView?{DAY}&$expand={quote(EXPAND)}").json()["value"]
    assert seen["singleValueExtendedProperties"] == [{"id": KEY, "value": "1"}]  # fact: property.expand-in-view
    graph.listing.expands = False
    [seen] = api("GET", f"/me/calendarView?{DAY}&$expand={quote(EXPAND)}").json()["value"]
    assert "singleValueExtendedProperties" not in seen
    answer = api("GET", f"/me/calendarView?{DAY}&$filter={quote(FIND.format(KEY, '1'))}")
    assert code(answer) == (500, "ErrorInternalServerError")  # fact: property.view-500


def test_a_copied_event_has_our_key_too(api: Caller, ann: GraphPerson) -> None:
    ann.copies(api.create(at("09:00", "10:00", **keyed("1")))["id"])
    assert len(api("GET", "/me/events", query={"$filter": FIND.format(KEY, "1")}).json()["value"]) == 2


def test_immutable_ids_outlive_a_move(api: Caller, ann: GraphPerson) -> None:
    regular = api.create(at("09:00", "10:00"))["id"]
    answer = api("GET", f"/me/events/{regular}", headers=IMMUTABLE)
    assert 'IdType="ImmutableId"' in answer.headers["Preference-Applied"]
    lasting = answer.json()["id"]
    assert lasting != regular == api.get(lasting)["id"]  # fact: id.immutable  fact: id.both-accepted
    moved = ann.moves_to(regular, ann.makes_calendar("Other"))
    assert moved != regular
    assert code(api("GET", f"/me/events/{regular}"))[0] == 404  # fact: id.regular-changes
    assert api.get(lasting)["id"] == moved
    assert code(api("GET", f"/me/events/AAMkAD{moved[6:].swapcase()}"))[0] in (400, 404)  # fact: id.case
    assert code(api("GET", "/me/events/x")) == (400, "ErrorInvalidIdMalformed")  # fact: id.malformed


def test_bodies_come_as_html_or_as_text(api: Caller) -> None:
    event = api.create(at("09:00", "10:00", body={"contentType": "text", "content": "a < b"}))
    assert event["body"]["contentType"] == "html"  # fact: event.body
    assert "a &lt; b" in event["body"]["content"]
    assert event["bodyPreview"] == "a < b"
    text = api.get(event["id"], headers={"Prefer": 'outlook.body-content-type="text"'})
    assert text["body"] == {"contentType": "text", "content": "a < b"}


def test_guests_are_mailed_and_answer(graph: GraphDouble, api: Caller, ann: GraphPerson) -> None:
    ben = graph.person(BEN)
    guests = {"attendees": [{"emailAddress": {"address": name}} for name in (BEN, "guest@example.org")]}
    event = api.create(at("09:00", "10:00", **guests, **keyed("1")))
    both = {Mail(BEN, "Call", "created"), Mail("guest@example.org", "Call", "created")}
    assert set(graph.meetings.mails) == both  # fact: meeting.always-mails
    [copy] = caller(graph, BEN).view(*WEEK)
    assert (copy["isOrganizer"], copy["organizer"]["emailAddress"]["address"]) == (False, ANN)
    assert (copy["responseStatus"]["response"], copy["showAs"]) == ("notResponded", "tentative")
    assert copy["showAs"] == "tentative"  # fact: meeting.unanswered-tentative
    assert copy["iCalUId"] == event["iCalUId"]
    shown = caller(graph, BEN).get(copy["id"], query={"$expand": EXPAND})
    assert "singleValueExtendedProperties" not in shown  # fact: property.not-in-copies
    ben.answers(copy["id"], "accepted")
    statuses = {one["emailAddress"]["address"]: one["status"]["response"] for one in api.get(event["id"])["attendees"]}
    assert statuses == {BEN: "accepted", "guest@example.org": "none"}  # fact: meeting.response-values
    [copy] = caller(graph, BEN).view(*WEEK)
    assert (copy["responseStatus"]["response"], copy["showAs"]) == ("accepted", "busy")
    api("DELETE", f"/me/events/{event['id']}")
    [copy] = caller(graph, BEN).view(*WEEK)  # fact: meeting.cancelled-copy
    assert (copy["isCancelled"], copy["showAs"], copy["subject"]) == (True, "free", "Canceled: Call")
    assert Mail(BEN, "Call", "deleted") in graph.meetings.mails


def test_invitations_from_outside_are_answered_or_cancelled(api: Caller, ann: GraphPerson) -> None:
    kept = ann.invited(TEN, ELEVEN, "boss@example.org")
    dropped = ann.invited(TEN, ELEVEN, "boss@example.org")
    assert api.get(kept)["responseStatus"]["response"] == "notResponded"
    ann.answers(kept, "declined", keep_declined=True)
    ann.answers(dropped, "declined")  # fact: meeting.declined
    assert [(one["id"], one["showAs"]) for one in api.view(*WEEK)] == [(kept, "free")]
    ann.answers(kept, "tentativelyAccepted")
    assert api.get(kept)["showAs"] == "tentative"
    ann.hears_of_cancellation(kept)
    assert api.get(kept)["isCancelled"] is True  # fact: meeting.is-cancelled


def test_an_online_meeting_has_a_link_that_its_body_carries(graph: GraphDouble, api: Caller) -> None:
    event = api.create(at("09:00", "10:00", **ONLINE))
    url = event["onlineMeeting"]["joinUrl"]  # fact: meeting.online
    assert url.startswith("https://teams.microsoft.com/l/meetup-join/")
    assert event["onlineMeetingProvider"] == "teamsForBusiness"
    path = f"/me/events/{event['id']}"
    assert api("PATCH", path, {"isOnlineMeeting": False}).json()["isOnlineMeeting"] is True  # fact: meeting.one-way
    assert api("PATCH", path, {"body": event["body"]}).json()["onlineMeeting"]["joinUrl"] == url
    ended = api("PATCH", path, {"body": {"contentType": "html", "content": "New text"}}).json()
    assert (ended["isOnlineMeeting"], ended["onlineMeeting"]) == (False, None)  # fact: meeting.blob


def test_some_accounts_get_no_link_and_no_error(graph: GraphDouble, api: Caller) -> None:
    graph.person(BEN, personal=True)
    alone = caller(graph, BEN)
    [calendar] = alone("GET", "/me/calendars").json()["value"]
    assert calendar["allowedOnlineMeetingProviders"] == []
    event = alone.create(at("09:00", "10:00", **ONLINE))  # fact: meeting.personal
    assert (event["isOnlineMeeting"], event["onlineMeeting"]) == (False, None)
    graph.meetings.teams_fails = True
    assert api.create(at("09:00", "10:00", **ONLINE))["isOnlineMeeting"] is False  # fact: meeting.silent-failure


def test_all_day_events_are_midnights_wherever_one_looks(api: Caller, ann: GraphPerson) -> None:
    event_id = ann.creates(date(2027, 3, 5), date(2027, 3, 6), subject="Off", showAs="oof")
    for zone in ("UTC", "Tokyo Standard Time", "Pacific Standard Time"):
        event = api.get(event_id, headers={"Prefer": f'outlook.timezone="{zone}"'})
        ends = (event["start"]["dateTime"], event["end"]["dateTime"], event["start"]["timeZone"])
        assert ends == ("2027-03-05T00:00:00.0000000", "2027-03-06T00:00:00.0000000", zone)  # fact: all-day.midnights
    short = at("2027-03-05T00:00:00", "2027-03-05T00:00:00", isAllDay=True)
    assert code(api("POST", "/me/events", short))[0] == 400  # fact: all-day.rules
    # In Berlin the day begins at 23:00 UTC.
    assert api.view("2027-03-04T22:00:00Z", "2027-03-04T23:00:00Z") == []  # fact: all-day.window
    assert len(api.view("2027-03-04T23:00:00Z", "2027-03-04T23:30:00Z")) == 1
