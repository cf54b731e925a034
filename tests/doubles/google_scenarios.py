"""What is asked of Google's service and of its double alike, step by step, to compare the answers."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from tests.doubles.record_google import Recording

Json = dict[str, Any]
CONFERENCE_S = 10.0
ZONE = "Europe/Berlin"
GUEST = "guest@example.com"
BOGUS_TOKEN = "not-a-sync-token"


def drive(recording: Recording) -> None:
    """All scenarios, in an empty calendar that is empty again after them."""
    run = _Run(recording)
    found = run.step("empty calendar", "GET", run.events)
    if found.get("items"):
        raise SystemExit("the calendar is not empty: name one that was made for this")
    try:
        _calendars(run)
        _own_ids(run)
        _wrong_bodies(run)
        _changes(run)
        _guests(run)
        _synchronization(run)
        _series(run)
        _free_busy(run)
        _conference(run)
        if recording.target.push_address:
            _channel(run, recording.target.push_address)
    finally:
        for event_id in run.made:
            recording.clean(f"{run.events}/{event_id}")


class _Run:
    """Bodies and paths of one run. Days count from a month after today, so that nobody's days are touched."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.step = recording.step
        self.fact = recording.fact
        self.calendar = quote(recording.calendar, safe="")
        self.events = f"/calendars/{self.calendar}/events"
        self.made: list[str] = []
        self._first = recording.target.today + timedelta(days=30)

    def own_id(self) -> str:
        self.made.append(uuid.uuid4().hex)
        return self.made[-1]

    def day(self, number: int) -> str:
        return (self._first + timedelta(days=number)).isoformat()

    def body(self, number: int, **more: Any) -> Json:
        times = {
            side: {"dateTime": f"{self.day(number)}T{hour}:00:00Z", "timeZone": ZONE}
            for side, hour in (("start", "09"), ("end", "10"))
        }
        return {**times, "summary": "Slotlink", **more}

    def window(self, first: int, last: int) -> dict[str, str]:
        return {"timeMin": f"{self.day(first)}T00:00:00Z", "timeMax": f"{self.day(last)}T00:00:00Z"}

    def insert(self, name: str, number: int, **more: Any) -> Json:
        return self.step(name, "POST", self.events, self.body(number, id=self.own_id(), **more))

    def at(self, event: Json) -> str:
        return f"{self.events}/{event['id']}"


def _calendars(run: _Run) -> None:
    run.step("calendar list, entry", "GET", f"/users/me/calendarList/{run.calendar}")
    run.step("calendar list, page of one", "GET", "/users/me/calendarList", query={"maxResults": 1}, any_item=True)
    run.step("calendar that is not there", "GET", "/calendars/nobody%40slotlink.invalid/events")


def _own_ids(run: _Run) -> None:
    event = run.insert("insert with own id", 0)
    run.step("insert again", "POST", run.events, run.body(0, id=event["id"]))
    run.step("get", "GET", run.at(event))
    run.step("get, unchanged", "GET", run.at(event), headers={"If-None-Match": event["etag"]})
    run.step("delete", "DELETE", run.at(event))
    run.step("delete again", "DELETE", run.at(event))
    run.step("get the deleted", "GET", run.at(event))
    run.step("insert the deleted id", "POST", run.events, run.body(0, id=event["id"]))
    run.step("delete what never was", "DELETE", f"{run.events}/{uuid.uuid4().hex}")
    run.step("patch what never was", "PATCH", f"{run.events}/{uuid.uuid4().hex}", {"summary": "x"})
    answer = run.step("patch the deleted", "PATCH", run.at(event), {"summary": "x"})
    run.fact("patch the deleted, status", answer.get("status"))
    answer = run.step("revive the deleted", "PATCH", run.at(event), {"status": "confirmed"})
    run.fact("revive the deleted, status", answer.get("status"))
    run.step("delete the revived", "DELETE", run.at(event))


def _wrong_bodies(run: _Run) -> None:
    run.step("insert, id too short", "POST", run.events, run.body(0, id="abc"))
    run.step("insert, id of other letters", "POST", run.events, run.body(0, id="wxyz-wxyz"))
    run.step("insert, id and iCalUID", "POST", run.events, run.body(0, id=uuid.uuid4().hex, iCalUID="uid@slotlink"))
    run.step("insert, no end", "POST", run.events, {"start": run.body(0)["start"]})
    run.step("insert, no times", "POST", run.events, {"summary": "x"})
    turned = {"start": run.body(0)["end"], "end": run.body(0)["start"]}
    run.step("insert, end before start", "POST", run.events, turned)
    bare = {side: {"dateTime": run.body(0)[side]["dateTime"]} for side in ("start", "end")}
    run.step("insert, series without zone", "POST", run.events, {**bare, "recurrence": ["RRULE:FREQ=DAILY;COUNT=2"]})
    run.step("insert, attendee without email", "POST", run.events, run.body(0, attendees=[{"displayName": "x"}]))
    run.step("list, window turned", "GET", run.events, query={"timeMin": run.window(1, 2)["timeMax"], **_before(run)})
    run.step("list, order without singleEvents", "GET", run.events, query={"orderBy": "startTime"})


def _before(run: _Run) -> dict[str, str]:
    return {"timeMax": run.window(1, 2)["timeMin"]}


def _changes(run: _Run) -> None:
    private = {"private": {"slotlink": "1"}}
    event = run.insert("insert with properties", 1, location="Hall", extendedProperties=private)
    patched = run.step("patch", "PATCH", run.at(event), {"location": None, "description": "x"})
    run.fact("patch, location is gone", "location" not in patched)
    late = {"If-Match": event["etag"]}
    run.step("patch, late", "PATCH", run.at(event), {"summary": "late"}, headers=late)
    run.step("put, late", "PUT", run.at(event), run.body(1), headers=late)
    run.step("delete, late", "DELETE", run.at(event), headers=late)
    run.step("patch, in time", "PATCH", run.at(event), {"summary": "x"}, headers={"If-Match": patched["etag"]})
    query = {"privateExtendedProperty": "slotlink=1"}
    run.step("list by property", "GET", run.events, query=query)
    run.step("patch, date beside dateTime", "PATCH", run.at(event), {"start": {"date": run.day(1)}})
    days = {"start": {"date": run.day(1), "dateTime": None, "timeZone": None}}
    days["end"] = {"date": run.day(2), "dateTime": None, "timeZone": None}
    run.step("patch to a whole day", "PATCH", run.at(event), days)
    run.step("patch, sequence below", "PATCH", run.at(event), {"sequence": 0})
    replaced = run.step("put", "PUT", run.at(event), run.body(1))
    run.fact("put, what is left", sorted({"description", "extendedProperties"} & replaced.keys()))
    run.fact("put, sequence", replaced.get("sequence"))


def _guests(run: _Run) -> None:
    body = run.body(2, id=run.own_id(), attendees=[{"email": GUEST}])
    event = run.step("insert with a guest", "POST", run.events, body, {"sendUpdates": "none"})
    run.step("insert, unknown sendUpdates", "POST", run.events, run.body(2), {"sendUpdates": "some"})
    run.step("delete with a guest", "DELETE", run.at(event), query={"sendUpdates": "none"})


def _synchronization(run: _Run) -> None:
    first, second, third = (run.insert(f"insert number {number}", number) for number in (3, 4, 5))
    page = run.step("page of one", "GET", run.events, query={"maxResults": 1}, any_item=True)
    run.step("page token, other query", "GET", run.events, query={"pageToken": page["nextPageToken"], "q": "x"})
    run.step("list ordered", "GET", run.events, query={"singleEvents": "true", "orderBy": "startTime"})
    token = run.step("list in a window", "GET", run.events, query=run.window(0, 40))["nextSyncToken"]
    run.step("nothing changed", "GET", run.events, query={"syncToken": token})
    run.step("patch for the token", "PATCH", run.at(first), {"summary": "New"})
    run.step("delete for the token", "DELETE", run.at(second))
    far = run.insert("insert outside of the window", 200)
    changed = run.step("changes", "GET", run.events, query={"syncToken": token})
    names = {first["id"]: "patched", second["id"]: "deleted", third["id"]: "same", far["id"]: "outside"}
    run.fact("changes, what is told", sorted(names[item["id"]] for item in changed["items"]))
    run.step("changes, with deleted", "GET", run.events, query={"syncToken": token, "showDeleted": "true"})
    run.step("changes, without deleted", "GET", run.events, query={"syncToken": token, "showDeleted": "false"})
    run.step("changes, with a window", "GET", run.events, query={"syncToken": token, **run.window(0, 40)})
    run.step("changes, other singleEvents", "GET", run.events, query={"syncToken": token, "singleEvents": "true"})
    run.step("token that never was", "GET", run.events, query={"syncToken": BOGUS_TOKEN})


def _series(run: _Run) -> None:
    rule = {"recurrence": ["RRULE:FREQ=DAILY;COUNT=4"]}
    series = run.insert("insert a series", 10, **rule)
    query = {"singleEvents": "true", **run.window(9, 20)}
    items = run.step("instances", "GET", run.events, query={**query, "orderBy": "startTime"})["items"]
    run.fact("instances, how many", len(items))
    run.fact("instances, id begins with the series'", items[0]["id"].startswith(series["id"] + "_"))
    single = run.step("instances, token", "GET", run.events, query=query)["nextSyncToken"]
    moved = run.step("move an instance", "PATCH", run.at(items[1]), _times(run.body(18)))
    run.fact("move an instance, id stays", moved["id"] == items[1]["id"])
    run.step("delete an instance", "DELETE", run.at(items[2]))
    changed = run.step("changes of instances", "GET", run.events, query={"syncToken": single, "singleEvents": "true"})
    run.fact("changes of instances, how many", len(changed["items"]))
    run.step("series and exceptions", "GET", run.events, query=run.window(9, 20))
    run.step("delete the series", "DELETE", run.at(series))
    token = changed["nextSyncToken"]
    query = {"syncToken": token, "singleEvents": "true"}
    gone = run.step("changes of a deleted series", "GET", run.events, query=query)
    run.fact("changes of a deleted series, statuses", sorted({item["status"] for item in gone["items"]}))


def _times(body: Json) -> Json:
    return {side: body[side] for side in ("start", "end")}


def _free_busy(run: _Run) -> None:
    run.insert("insert, busy", 21)
    run.insert("insert, free", 22, transparency="transparent")
    items = [{"id": run.recording.calendar}, {"id": "nobody@slotlink.invalid"}]
    answer = run.step("free and busy", "POST", "/freeBusy", {**run.window(21, 23), "items": items[:1]})
    run.fact("free and busy, how many", len(answer["calendars"][run.recording.calendar]["busy"]))
    half = {"timeMin": f"{run.day(21)}T09:30:00Z", "timeMax": f"{run.day(22)}T00:00:00Z"}
    answer = run.step("free and busy, cut", "POST", "/freeBusy", {**half, "items": items[:1]})
    start = answer["calendars"][run.recording.calendar]["busy"][0]["start"]
    run.fact("free and busy, start is cut", start[11:16])
    answer = run.step("free and busy, unknown", "POST", "/freeBusy", {**half, "items": [items[1]]})
    run.fact("free and busy, unknown, reason", answer["calendars"][items[1]["id"]]["errors"][0]["reason"])
    run.step("free and busy, too long", "POST", "/freeBusy", {**run.window(0, 120), "items": items[:1]})
    run.step("free and busy, empty", "POST", "/freeBusy", {**run.window(21, 21), "items": items[:1]})
    run.step("free and busy, no times", "POST", "/freeBusy", {"items": items[:1]})


def _conference(run: _Run) -> None:
    key = {"conferenceSolutionKey": {"type": "hangoutsMeet"}}
    data = {"conferenceData": {"createRequest": {"requestId": uuid.uuid4().hex, **key}}}
    ignored = run.insert("insert, conference version 0", 30, **data)
    run.fact("conference version 0, data", "conferenceData" in ignored)
    body = run.body(30, id=run.own_id(), **data)
    event = run.step("insert a conference", "POST", run.events, body, {"conferenceDataVersion": 1})
    run.recording.target.wait(CONFERENCE_S)
    made = run.step("conference, later", "GET", run.at(event))
    run.fact("conference, later, status", made["conferenceData"]["createRequest"]["status"]["statusCode"])


def _channel(run: _Run, address: str) -> None:
    body = {"id": uuid.uuid4().hex, "type": "web_hook", "address": address, "token": "x"}
    made = run.step("watch", "POST", f"{run.events}/watch", body)
    run.step("watch, same id", "POST", f"{run.events}/watch", body)
    long = {**body, "id": "i" * 65}
    run.step("watch, long id", "POST", f"{run.events}/watch", long)
    plain = {**body, "id": uuid.uuid4().hex, "address": address.replace("https://", "http://")}
    run.step("watch, not HTTPS", "POST", f"{run.events}/watch", plain)
    stop = {"id": made.get("id"), "resourceId": made.get("resourceId")}
    run.step("stop", "POST", "/channels/stop", stop)
    run.step("stop again", "POST", "/channels/stop", stop)
