"""Meeting rooms that a calendar's own provider makes: who makes them, where they are told, what is refused."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from slotlink.domain.event import wire_time
from slotlink.services.deps import Deps
from slotlink.store import links
from tests.api.asking import dump, faults, period, rows
from tests.api.connected import ConnectedPerson, GoogleWorld, GraphWorld
from tests.center import DAY, HOUR, START, Center, Clock, Json, Person
from tests.doubles import google_world, graph_world
from tests.doubles.google import GoogleDouble
from tests.doubles.graph import GraphDouble

TOMORROW = START + DAY
NINE, TEN = TOMORROW, TOMORROW + HOUR
INTEGRATED = {"profile_id": "integrated"}
TEXT = "Join: {{ cronofy.conferencing.join_url }}"
PENDING = "Join: Conferencing details to follow"
NOT_AVAILABLE = ["errors.integrated_conferencing_not_available"]


class Worlds:
    """One account at Google and one at Microsoft, both of an ann."""

    def __init__(self, google: GoogleDouble, graph: GraphDouble) -> None:
        self.google, self.graph = google, graph
        self.at_google, self.at_graph = GoogleWorld(google), GraphWorld(graph)
        self.variables = self.at_google.variables | self.at_graph.variables

    def google_events(self) -> list[Json]:
        found = self.google.store.calendar(google_world.ANN, "primary").events.values()
        return [each.event for each in found if not each.cancelled]

    def graph_events(self) -> list[Json]:
        return [each.event for each in self.graph.store.calendar(graph_world.ANN, None).events.values()]

    def wait(self, center: Center, seconds: float = 5) -> None:
        center.clock.now += seconds
        self.google.clock.now += seconds

    def google_room(self) -> str:
        (event,) = self.google_events()
        return event["hangoutLink"]

    def rooms(self) -> int:
        made = [event for event in self.google_events() if event.get("conferenceData")]
        return len(made) + len([event for event in self.graph_events() if event["isOnlineMeeting"]])


@pytest.fixture
def worlds() -> Generator[Worlds]:
    with GoogleDouble() as google, GraphDouble() as graph:
        yield Worlds(google, graph)


@pytest.fixture
def center(worlds: Worlds, tmp_path: Path) -> Generator[Center]:
    with Center(tmp_path, clock=Clock(START), **worlds.variables) as center:
        yield center


@pytest.fixture
def ann(center: Center, worlds: Worlds) -> ConnectedPerson:
    """At Google."""
    return ConnectedPerson(center, worlds.at_google)


@pytest.fixture
def mary(center: Center, worlds: Worlds) -> ConnectedPerson:
    """At Microsoft."""
    return ConnectedPerson(center, worlds.at_graph)


def write(person: Person, start: int = NINE, **members: Any) -> Any:
    times = {"start": wire_time(start), "end": wire_time(start + HOUR)}
    body = {"event_id": "e", "summary": "Talk", **times, **members}
    return person.center.http.post(f"/v1/calendars/{person.calendar_id}/events", json=body, headers=person.key)


def only(person: Person) -> Json:
    (event,) = person.events()
    return event


def history(center: Center, link_id: str) -> list[str]:
    async def read(deps: Deps) -> list[str]:
        async with deps.database.reading() as connection:
            return [entry[1] for entry in await links.history(connection, center.client_id, link_id)]

    return center.run(read)


def changed_since(center: Center) -> list[float | None]:
    with rows(center) as connection:
        return [each for (each,) in connection.execute("SELECT changed_since FROM channels")]


def book(center: Center, *people: Person, **changes: Any) -> Any:
    asked = {"event_id": "interview-1", "summary": "Interview", "description": TEXT, "conferencing": INTEGRATED}
    link = center.create_link(*people, event=asked, **changes)
    assert link.choose(link.page().slots[0]).code == 303
    return link


@pytest.mark.parametrize("kind", ["default", "integrated"])
def test_a_room_at_microsoft_is_there_at_once(mary: ConnectedPerson, worlds: Worlds, kind: str) -> None:
    assert write(mary, conferencing={"profile_id": kind}, description=TEXT).status_code == 202
    event = only(mary)
    assert (event["conferencing"], event["description"]) == ({"pending": True}, PENDING)
    assert "meeting_url" not in event
    assert mary.work() == ["written"]
    (there,) = worlds.graph_events()
    url = there["onlineMeeting"]["joinUrl"]
    event = only(mary)
    assert event["conferencing"] == {"provider_name": "Microsoft Teams", "join_url": url}
    assert (event["meeting_url"], event["description"]) == (url, f"Join: {url}")
    assert mary.work() == ["written"], "the text names the room"
    (there,) = worlds.graph_events()
    assert url.partition("?")[0] in there["body"]["content"] and there["isOnlineMeeting"]
    assert there["location"]["displayName"] == "", "the provider shows the room by itself"
    assert mary.work() == []


def test_a_room_at_google_is_asked_for_until_it_is_there(center: Center, ann: ConnectedPerson, worlds: Worlds) -> None:
    worlds.google.conferences.delay_s = 60
    channel = {"callback_url": "https://application.test/changes"}
    assert center.http.post("/v1/channels", json=channel, headers=ann.key).status_code == 200
    write(ann, conferencing=INTEGRATED)
    assert ann.work() == ["written"]
    assert only(ann)["conferencing"] == {"pending": True}
    assert ann.work() == [], "not before it can be there"
    assert changed_since(center) == [None]
    for pause in (5, 15):
        worlds.wait(center, pause)
        assert ann.work() == ["written"]
        assert only(ann)["conferencing"] == {"pending": True}
    worlds.wait(center, 60)
    ann.sync()
    assert ann.work() == ["written"]
    assert changed_since(center) == [center.clock.now], "the application's channel is told"
    event = only(ann)
    assert event["conferencing"] == {"provider_name": "Google Meet", "join_url": worlds.google_room()}
    assert event["meeting_url"] == worlds.google_room()
    worlds.wait(center, 1800)
    assert ann.work() == [], "there is nothing left to write or to ask"
    ann.sync()
    assert only(ann)["start"] == wire_time(NINE) and len(worlds.google_events()) == 1


def test_a_room_that_is_never_made_is_waited_for_no_longer_than_an_hour(
    center: Center, ann: ConnectedPerson, worlds: Worlds
) -> None:
    worlds.google.conferences.fails = True
    link = book(center, ann, callback_urls={"problem_url": "https://application.test/problem"})
    tries = 0
    for _ in range(60):
        tries += len(ann.work())
        worlds.wait(center, 120)
    again = ConnectedPerson(center, worlds.at_google)  # the access token is too old by now
    assert "conferencing" not in only(again) and 5 < tries < 25
    assert only(again)["description"] == PENDING
    assert history(center, link.link_id) == ["created", "completed", "problem"]
    assert link.status()["status"] == "completed"


def test_what_an_update_does_not_say_of_the_room_stays(center: Center, ann: ConnectedPerson, worlds: Worlds) -> None:
    write(ann, conferencing=INTEGRATED)
    ann.work()
    worlds.wait(center)
    ann.work()
    room = worlds.google_room()
    for said in ({}, {"conferencing": None}, {"conferencing": {"profile_id": "default"}}):
        write(ann, TEN, **said)
        assert only(ann)["meeting_url"] == room, said
        assert ann.work() == ["written"]
        assert worlds.google_room() == room and only(ann)["meeting_url"] == room
        assert not worlds.google_events()[0].get("location"), "its provider shows the room by itself"
    write(ann, TEN, conferencing={"profile_id": "none"})
    assert "conferencing" not in only(ann) and "meeting_url" not in only(ann)
    write(ann, TEN, conferencing={"profile_id": "explicit", "join_url": "https://meet.test/1"})
    assert only(ann)["meeting_url"] == "https://meet.test/1"


def test_a_url_sent_along_does_not_pass_for_the_room(mary: ConnectedPerson) -> None:
    write(
        mary, conferencing={"profile_id": "integrated", "join_url": "https://evil.test/", "provider_description": "T"}
    )
    assert only(mary)["conferencing"] == {"pending": True}
    mary.work()
    assert only(mary)["conferencing"]["provider_name"] == "T"
    assert only(mary)["meeting_url"].startswith("https://teams.microsoft.com/")


def test_no_room_is_made_for_what_is_over(ann: ConnectedPerson, worlds: Worlds) -> None:
    write(ann, START - DAY, conferencing=INTEGRATED)
    ann.work()
    assert worlds.rooms() == 0
    assert [event for event in ann.events() if "conferencing" in event] == []


def test_a_booking_has_one_room_and_everybody_its_url(
    center: Center, ann: ConnectedPerson, mary: ConnectedPerson, worlds: Worlds
) -> None:
    maya = center.person("maya")
    link = book(center, maya, ann, mary)
    assert sorted(ann.work()) == ["written", "written"]
    worlds.wait(center)
    ann.work()
    room = worlds.google_room()
    assert worlds.rooms() == 1, "the first calendar that can makes it"
    for person in (maya, ann, mary):
        event = only(person)
        assert (event["meeting_url"], event["description"]) == (room, f"Join: {room}")
    assert link.status()["event"]["conferencing"]["join_url"] == room
    assert link.status()["event"]["summary"] == "Interview"
    assert room in center.http.get(f"{link.path}/event.ics").text.replace("\r\n ", "")
    ann.work()
    (at_graph,) = worlds.graph_events()
    assert room in at_graph["body"]["content"] and at_graph["location"]["displayName"] == room
    (at_google,) = worlds.google_events()
    assert room in at_google["description"] and not at_google.get("location")
    worlds.wait(center, 1800)
    assert ann.work() == [] and worlds.rooms() == 1


def test_the_application_moves_an_event_whose_room_is_elsewhere(
    center: Center, ann: ConnectedPerson, mary: ConnectedPerson, worlds: Worlds
) -> None:
    book(center, ann, mary)
    ann.work()
    worlds.wait(center)
    ann.work()
    for said in ({}, {"conferencing": INTEGRATED}):
        write(mary, TEN, event_id="interview-1", **said)
        ann.work()
        assert only(mary)["meeting_url"] == worlds.google_room()
    assert worlds.rooms() == 1


def test_a_booking_that_moves_another_keeps_its_room(center: Center, ann: ConnectedPerson, worlds: Worlds) -> None:
    book(center, ann)
    ann.work()
    worlds.wait(center)
    ann.work()
    room = worlds.google_room()
    ann.work()
    moved = center.query(ann, excluded_events=[{"event_id": "interview-1"}], query_periods=[period(3, 4)])
    link = book(center, ann, availability=moved)
    assert only(ann)["conferencing"] == {"pending": True}
    assert ann.work() == ["written"]
    assert only(ann)["meeting_url"] == worlds.google_room() == room
    assert link.status()["event"]["conferencing"]["join_url"] == room


def test_who_organises_a_single_event_makes_the_room(
    center: Center, ann: ConnectedPerson, mary: ConnectedPerson, worlds: Worlds
) -> None:
    targets = [
        {"sub": mary.sub, "calendar_id": mary.calendar_id, "event": {"conferencing": INTEGRATED}},
        {"sub": ann.sub, "calendar_id": ann.calendar_id, "attendee": {"email": "ann@guests.test"}},
    ]
    asked = {"event_id": "interview-1", "summary": "Interview", "description": TEXT}
    link = center.create_link(ann, mary, event=asked, target_calendars=targets, event_creation="single")
    assert link.choose(link.page().slots[0]).code == 303
    mary.work()
    (there,) = worlds.graph_events()
    assert only(mary)["meeting_url"] == there["onlineMeeting"]["joinUrl"]
    assert only(mary)["description"] == f"Join: {there['onlineMeeting']['joinUrl']}"
    assert link.status()["event"]["conferencing"]["join_url"] == there["onlineMeeting"]["joinUrl"]
    assert worlds.google_events() == []


def test_where_whoever_could_make_it_is_not_booked_nobody_waits(
    center: Center, ann: ConnectedPerson, worlds: Worlds
) -> None:
    """The calendar of the others cannot: its provider makes no rooms for a personal account."""
    worlds.graph.store.people[graph_world.ANN].personal = True
    mary = ConnectedPerson(center, worlds.at_graph)
    assert not center.http.get("/v1/calendars", headers=mary.key).json()["calendars"][0][
        "calendar_integrated_conferencing_available"
    ]
    worlds.at_google.adds(NINE, NINE + 8 * HOUR)
    ann.sync()
    participants = [{"members": [{"sub": ann.sub}, {"sub": mary.sub}], "required": 1}]
    targets = [{"sub": each.sub, "calendar_id": each.calendar_id} for each in (ann, mary)]
    book(center, availability=center.query(participants=participants), target_calendars=targets)
    assert "conferencing" not in only(mary)
    assert mary.work() == ["written"] and "conferencing" not in only(mary)
    assert worlds.rooms() == 0


def test_a_calendar_that_cannot_make_rooms_is_refused(center: Center, ann: ConnectedPerson) -> None:
    maya = center.person("maya")
    before = dump(center)
    for kind in ("default", "integrated"):
        assert faults(write(maya, conferencing={"profile_id": kind})) == {"conferencing.profile_id": NOT_AVAILABLE}
        event = {"event_id": "e", "summary": "S", "conferencing": {"profile_id": kind}}
        refused = center.http.post(
            "/v1/real_time_scheduling", json=center.link_request(maya, event=event), headers=center.key
        )
        assert faults(refused) == {"event.conferencing.profile_id": NOT_AVAILABLE}
        body = center.link_request(maya, ann, event_creation="single")
        body["target_calendars"][0]["event"] = {"conferencing": {"profile_id": kind}}
        refused = center.http.post("/v1/real_time_scheduling", json=body, headers=center.key)
        assert faults(refused) == {"target_calendars[0].event.conferencing.profile_id": NOT_AVAILABLE}
    for kind in ("pro_0123", "zoom"):
        assert faults(write(ann, conferencing={"profile_id": kind})) == {
            "conferencing.profile_id": ["errors.not_recognized"]
        }
    assert faults(write(ann, conferencing={"profile_id": "explicit"})) == {"conferencing.join_url": ["errors.required"]}
    assert dump(center) == before


def test_texts_of_events_are_filled_in_wherever_they_are_read(center: Center) -> None:
    maya = center.person("maya")
    write(maya, description=TEXT, location={"description": "{{cronofy.conferencing.join_url}}"})
    assert (only(maya)["description"], only(maya)["location"]) == (PENDING, {"description": PENDING[6:]})
    write(maya, description=TEXT, conferencing={"profile_id": "explicit", "join_url": "https://meet.test/1"})
    assert only(maya)["description"] == "Join: https://meet.test/1"
    assert only(maya)["conferencing"] == {"provider_name": "explicit", "join_url": "https://meet.test/1"}
