"""What the recorder asks of a service. What it notes must not depend on when and where it asks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import requests

from tests.doubles.graph_caller import Caller, window

KEY = "String {6f1f2a0e-52a5-4d5c-8b5e-0c7d9b9a3f11} Name SlotlinkRecord"
UTC_PLEASE = {"Prefer": 'outlook.timezone="UTC"'}
IMMUTABLE = {"Prefer": 'IdType="ImmutableId", outlook.timezone="UTC"'}
TYPED = {"headers": {"Content-Type": "application/json"}}


@dataclass
class Scene:
    """One scenario at work: a caller, a calendar of its own, and a day in the future (aware, midnight UTC)."""

    api: Caller
    calendar: str
    day: datetime
    seen: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def root(self) -> str:
        return f"/me/calendars/{self.calendar}"

    def see(self, name: str, value: Any) -> None:
        self.seen[name] = value

    def answered(self, name: str, answer: requests.Response) -> requests.Response:
        """Note status and error code."""
        error = answer.json()["error"]["code"] if answer.status_code >= 400 and answer.content else None
        self.see(name, (answer.status_code, error))
        return answer

    def body(self, start: float, end: float, zone: str = "UTC", **members: Any) -> dict[str, Any]:
        """An event from hour to hour of the day."""
        times = [(self.day + timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%M:%S") for hour in (start, end)]
        ends = {name: {"dateTime": at, "timeZone": zone} for name, at in zip(("start", "end"), times, strict=True)}
        return {"subject": "Slotlink record", "isReminderOn": False, **ends, **members}

    def create(self, *args: Any, **members: Any) -> dict[str, Any]:
        return self.api("POST", f"{self.root}/events", self.body(*args, **members), headers=UTC_PLEASE).json()

    def window(self, start: float, end: float) -> str:
        return window(*((self.day + timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%M:%SZ") for hour in (start, end)))

    def view(self, start: float, end: float) -> list[dict[str, Any]]:
        path = f"{self.root}/calendarView?{self.window(start, end)}&$top=100"
        return self.api("GET", path, headers=UTC_PLEASE).json()["value"]

    def hours(self, value: dict[str, Any]) -> float:
        """A time of an answer in hours after the day's midnight, as its wall clock says."""
        at = datetime.fromisoformat(value["dateTime"][:19]).replace(tzinfo=self.day.tzinfo)
        return (at - self.day).total_seconds() / 3600


def people_and_calendars(scene: Scene) -> None:
    me = scene.answered("me", scene.api("GET", "/me")).json()
    scene.see("me has", sorted({"id", "displayName", "mail", "userPrincipalName"} & me.keys()))
    settings = scene.answered("settings", scene.api("GET", "/me/mailboxSettings")).json()
    scene.see("settings have a zone", isinstance(settings.get("timeZone"), str))
    listed = scene.answered("calendars", scene.api("GET", "/me/calendars?$top=100")).json()["value"]
    ours = next(one for one in listed if one["id"] == scene.calendar)
    scene.see("our calendar", {name: ours[name] for name in ("isDefaultCalendar", "canEdit", "color", "isRemovable")})
    scene.see("owner has", sorted(ours["owner"]))
    scene.see("a calendar has", sorted(name for name in ours if not name.startswith("@")))


def a_new_event(scene: Scene) -> None:
    path = f"{scene.root}/events"
    made = scene.answered("create", scene.api("POST", path, scene.body(9, 10, "W. Europe Standard Time"))).json()
    fixed = ("showAs", "sensitivity", "importance", "isAllDay", "isCancelled", "isOrganizer", "type", "seriesMasterId")
    scene.see("members", {name: made.get(name) for name in (*fixed, "isOnlineMeeting", "originalStartTimeZone")})
    scene.see("response", made["responseStatus"]["response"])
    scene.see("etag is the change key", made["@odata.etag"] == f'W/"{made["changeKey"]}"')
    scene.see("zone of the answer", (made["start"]["timeZone"], scene.hours(made["start"])))
    scene.see("digits", len(made["start"]["dateTime"].rpartition(".")[2]))
    path = f"/me/events/{made['id']}"
    scene.see("zone of a GET", scene.api("GET", path).json()["start"]["timeZone"])
    tokyo = scene.api("GET", path, headers={"Prefer": 'outlook.timezone="Tokyo Standard Time"'})
    scene.see("zone that was asked for", tokyo.json()["start"]["timeZone"])
    scene.see("preference applied", "outlook.timezone" in tokyo.headers.get("Preference-Applied", ""))
    iana = scene.api("GET", path, headers={"Prefer": 'outlook.timezone="Asia/Tokyo"'})
    scene.see("IANA zone", iana.json().get("start", {}).get("timeZone"))
    scene.answered("unknown zone", scene.api("GET", path, headers={"Prefer": 'outlook.timezone="Nowhere"'}))
    scene.answered("delete", scene.api("DELETE", path))
    scene.answered("delete again", scene.api("DELETE", path))
    scene.answered("get what is gone", scene.api("GET", path))


def what_is_refused(scene: Scene) -> None:
    path = f"{scene.root}/events"
    for name, changed in {
        "unknown member": {"color": "red"},
        "unknown showAs": {"showAs": "away"},
        "end before start": {"end": scene.body(8, 8)["end"]},
        "unknown zone of a body": {"start": {**scene.body(9, 9)["start"], "timeZone": "Nowhere"}},
        "all day not at midnight": {"isAllDay": True},
        "wrong property id": {"singleValueExtendedProperties": [{"id": "Key", "value": "1"}]},
    }.items():
        scene.answered(name, scene.api("POST", path, {**scene.body(9, 10), **changed}))
    scene.answered("no window", scene.api("GET", f"{scene.root}/calendarView"))
    scene.answered("long window", scene.api("GET", f"{scene.root}/calendarView?{scene.window(0, 24 * 1830)}"))
    scene.answered("$top of 0", scene.api("GET", f"{scene.root}/calendarView?{scene.window(0, 24)}&$top=0"))
    scene.answered("malformed id", scene.api("GET", "/me/events/x"))
    scene.answered("no such segment", scene.api("GET", "/me/nothing"))


def versions(scene: Scene) -> None:
    made = scene.create(11, 12)
    path, old = f"/me/events/{made['id']}", {"If-Match": made["@odata.etag"]}
    scene.answered("right etag", scene.api("PATCH", path, {"subject": "1"}, headers=old))
    scene.answered("old etag", scene.api("PATCH", path, {"subject": "2"}, headers=old))
    scene.answered("old changeKey", scene.api("PATCH", path, {"subject": "3", "changeKey": made["changeKey"]}))
    scene.answered("old etag of DELETE", scene.api("DELETE", path, headers=old))


def repeated_transactions(scene: Scene) -> None:
    path, name = f"{scene.root}/events", f"record-{time.time_ns()}"
    first = scene.api("POST", path, scene.body(13, 14, transactionId=name)).json()
    again = scene.answered("repeat", scene.api("POST", path, scene.body(13, 14, transactionId=name)))
    scene.see("the same event", again.json().get("id") == first["id"])
    other = scene.api("POST", path, scene.body(13, 14, transactionId=name, showAs="free"))
    scene.see("another body", (other.status_code, other.json().get("id") == first["id"], other.json().get("showAs")))
    scene.api("DELETE", f"/me/events/{first['id']}")
    later = scene.answered("after a delete", scene.api("POST", path, scene.body(13, 14, transactionId=name)))
    scene.see("another event then", later.json().get("id") not in (None, first["id"]))


def our_key(scene: Scene) -> None:
    value = f"Key-{time.time_ns()}"
    made = scene.create(15, 16, singleValueExtendedProperties=[{"id": KEY, "value": value}])
    scene.see("shown without $expand", "singleValueExtendedProperties" in made)
    expand = f"singleValueExtendedProperties($filter=id eq '{KEY}')"
    shown = scene.api("GET", f"/me/events/{made['id']}", query={"$expand": expand}).json()
    scene.see("value", shown["singleValueExtendedProperties"][0]["value"] == value)
    wanted = f"singleValueExtendedProperties/Any(ep: ep/id eq '{KEY}' and ep/value eq '{value}')"
    for name, path, text in (
        ("found in the mailbox", "/me/events", wanted),
        ("found in the calendar", f"{scene.root}/events", wanted),
        ("found without case", f"{scene.root}/events", wanted.replace(value, value.lower())),
        (
            "found with another case of the name",
            f"{scene.root}/events",
            wanted.replace("SlotlinkRecord", "slotlinkrecord"),
        ),
    ):
        answer = scene.answered(name, scene.api("GET", path, query={"$filter": text}))
        scene.see(f"{name}, how many", len(answer.json().get("value", [])))
    path = f"{scene.root}/calendarView?{scene.window(0, 24)}&$filter={quote(wanted)}"
    scene.answered("filter over a view", scene.api("GET", path))


def windows(scene: Scene) -> None:
    scene.create(17, 18, subject="edge")
    for name, start, end in (("touches its end", 18, 19), ("touches its start", 16, 17), ("inside", 17.25, 17.5)):
        scene.see(name, sum(one["subject"] == "edge" for one in scene.view(start, end)))


def whole_days(scene: Scene) -> None:
    made = scene.create(24, 48, isAllDay=True, showAs="oof")
    for zone in ("UTC", "Tokyo Standard Time", "Pacific Standard Time"):
        path = f"/me/events/{made['id']}"
        shown = scene.api("GET", path, headers={"Prefer": f'outlook.timezone="{zone}"'}).json()
        scene.see(zone, (scene.hours(shown["start"]), scene.hours(shown["end"]), shown["start"]["timeZone"]))


def a_series(scene: Scene) -> None:
    start = f"{scene.day:%Y-%m-%d}"
    recurrence = {
        "pattern": {"type": "daily", "interval": 1},
        "range": {"type": "numbered", "startDate": start, "numberOfOccurrences": 5},
    }
    made = scene.create(20, 21, recurrence=recurrence, subject="series")
    scene.see("type", made["type"])
    days = [one for one in scene.view(0, 24 * 6) if one["subject"] == "series"]
    scene.see("types in a view", [one["type"] for one in days])
    scene.see("all name the master", {one["seriesMasterId"] for one in days} == {made["id"]})
    moved = scene.api("PATCH", f"/me/events/{days[1]['id']}", scene.body(46, 47, subject="series")).json()
    scene.see("a moved one", (moved.get("type"), moved.get("id") == days[1]["id"]))
    scene.answered("over its neighbour", scene.api("PATCH", f"/me/events/{days[1]['id']}", scene.body(70, 71)))
    scene.answered("delete one", scene.api("DELETE", f"/me/events/{days[3]['id']}"))
    after = [one for one in scene.view(0, 24 * 6) if one["subject"] == "series"]
    scene.see("after that", [(one["type"], scene.hours(one["start"])) for one in after])
    current = scene.api("GET", f"/me/events/{made['id']}").json()["changeKey"]
    scene.see("the master has a new changeKey", current != made["changeKey"])
    later = {name: scene.body(21, 22)[name] for name in ("start", "end")}
    scene.answered("move the whole", scene.api("PATCH", f"/me/events/{made['id']}", later))
    after = [one for one in scene.view(0, 24 * 6) if one["subject"] == "series"]
    scene.see("after all moved", [(one["type"], scene.hours(one["start"])) for one in after])


def changes(scene: Scene) -> None:
    single = scene.create(5, 6, subject="delta")
    link = f"{scene.root}/calendarView/delta?{scene.window(0, 24 * 7)}"
    rows, after = scene.api.round(link, headers=UTC_PLEASE)
    scene.see("has the event", single["id"] in {row["id"] for row in rows})
    scene.see("types", sorted({row.get("type", "") for row in rows}))
    sparse = next(row for row in rows if row.get("type") == "occurrence")
    scene.see("an occurrence has", sorted(sparse))
    scene.see("nothing new", scene.api.round(after)[0])
    outside = scene.create(24 * 20, 24 * 20 + 1, subject="outside")
    scene.api("DELETE", f"/me/events/{single['id']}")
    rows, after = scene.api.round(after)
    gone = {row["id"]: row.get("@removed") for row in rows}
    scene.see("deleted", gone.get(single["id"]))
    scene.see("outside the window", gone.get(outside["id"], "not told"))
    series = next(
        one
        for one in scene.api("GET", f"{scene.root}/events?$top=100").json()["value"]
        if one["type"] == "seriesMaster"
    )
    day = next(one for one in scene.view(0, 24 * 6) if one["seriesMasterId"] == series["id"])
    scene.api("DELETE", f"/me/events/{day['id']}")
    rows, after = scene.api.round(after)
    scene.see("deleted occurrence is told", day["id"] in {row["id"] for row in rows if "@removed" in row})
    scene.see("types of a changed series", sorted({row.get("type", "") for row in rows}))
    scene.api("DELETE", f"/me/events/{series['id']}")
    rows, _ = scene.api.round(after)
    scene.see("deleted series is told by its master", series["id"] in {row["id"] for row in rows})
    scene.see("deleted series is told by how many", len(rows))
    scene.answered("garbage", scene.api("GET", f"{scene.root}/calendarView/delta?$deltatoken=x"))
    scene.answered("$select", scene.api("GET", f"{link}&$select=subject"))
    scene.answered("no window of delta", scene.api("GET", f"{scene.root}/calendarView/delta"))


def ids(scene: Scene) -> None:
    made = scene.create(7, 8)
    lasting = scene.api("GET", f"/me/events/{made['id']}", headers=IMMUTABLE).json()["id"]
    scene.see("differ", lasting != made["id"])
    scene.see("immutable id without Prefer", scene.api("GET", f"/me/events/{lasting}").status_code)


def batches(scene: Scene) -> None:
    body = scene.body(22, 23)
    parts = [
        {"id": "1", "method": "GET", "url": f"{scene.root}/calendarView?{scene.window(22, 23)}"},
        {"id": "2", "method": "GET", "url": "/me/nothing"},
        {"id": "3", "method": "POST", "url": f"{scene.root}/events", "body": body, **TYPED},
        {"id": "4", "method": "GET", "url": "/me", "dependsOn": ["2"]},
    ]
    answer = scene.answered("whole", scene.api("POST", "/$batch", {"requests": parts}))
    scene.see("parts", sorted((one["id"], one["status"]) for one in answer.json()["responses"]))
    many = [{"id": str(number), "method": "GET", "url": "/me"} for number in range(21)]
    scene.see("too many", scene.api("POST", "/$batch", {"requests": many}).status_code)
    twice = [{"id": "1", "method": "GET", "url": "/me"}] * 2
    scene.see("same ids", scene.api("POST", "/$batch", {"requests": twice}).status_code)


def online_meetings(scene: Scene) -> None:
    made = scene.create(3, 4, isOnlineMeeting=True, onlineMeetingProvider="teamsForBusiness")
    meeting: dict[str, Any] = made.get("onlineMeeting") or {}
    scene.see("link at once", bool(meeting.get("joinUrl")))
    scene.see(
        "taken back",
        scene.api("PATCH", f"/me/events/{made['id']}", {"isOnlineMeeting": False}).json().get("isOnlineMeeting"),
    )


def subscriptions(scene: Scene) -> None:
    """Only refusals: nobody can reach the recorder."""
    wish = {"changeType": "created", "notificationUrl": "http://slotlink.example/hook", "resource": "/me/events"}
    later = (datetime.now(scene.day.tzinfo) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    scene.see("no https", scene.api("POST", "/subscriptions", {**wish, "expirationDateTime": later}).status_code)
    scene.see("no end", scene.api("POST", "/subscriptions", wish).status_code)
    scene.see("unknown id", scene.api("GET", "/subscriptions/7f105c7d-2dc5-4530-97cd-4e7ae6534c07").status_code)


SCENARIOS: list[Callable[[Scene], None]] = [
    people_and_calendars,
    a_new_event,
    what_is_refused,
    versions,
    repeated_transactions,
    our_key,
    windows,
    whole_days,
    a_series,
    changes,
    ids,
    batches,
    online_meetings,
    subscriptions,
]
