"""Guests of events: whom an application invites, what their calendar's provider makes of it, what is read back."""

from __future__ import annotations

from collections.abc import Generator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from slotlink.domain.event import wire_time
from slotlink.services.deps import Deps
from slotlink.services.guests import note_answers
from slotlink.store import event_names, mirrors
from tests.api.asking import dump, faults
from tests.api.connected import CalDavWorld, ConnectedPerson, GoogleWorld, GraphWorld, World
from tests.center import DAY, HOUR, START, Center, Clock, Json, Person
from tests.contract.test_connector_caldav import CalDavServer, Radicale, running
from tests.doubles import google_world, graph_world
from tests.doubles.google import GoogleDouble
from tests.doubles.graph import GraphDouble

TOMORROW = START + DAY
NINE, TEN, ELEVEN = (TOMORROW + hour * HOUR for hour in range(3))
BEN, EVE = "ben@guests.test", "eve@guests.test"
_numbers = count(1)


def write(person: Person, start: int = NINE, **members: Any) -> Any:
    times = {"start": wire_time(start), "end": wire_time(start + HOUR)}
    body = {"event_id": "e", "summary": "Talk", **times, **members}
    return person.center.http.post(f"/v1/calendars/{person.calendar_id}/events", json=body, headers=person.key)


def inviting(*emails: str) -> Json:
    return {"invite": [{"email": email} for email in emails]}


def guests(person: Person) -> dict[str, str]:
    """By address, the answers of the one event's guests."""
    (event,) = person.events()
    return {guest["email"]: guest["status"] for guest in event["attendees"]}


def guests_of(person: Person, event_id: str) -> dict[str, str]:
    (event,) = [each for each in person.events() if each.get("event_id") == event_id]
    return {guest["email"]: guest["status"] for guest in event["attendees"]}


class Provider:
    """A world, and who is invited there."""

    def __init__(self, world: World) -> None:
        self.world = world

    def invited(self) -> list[str]:
        raise NotImplementedError

    def mailed(self) -> list[tuple[str, str]]:
        raise NotImplementedError


class Google(Provider):
    def __init__(self, google: GoogleDouble) -> None:
        super().__init__(GoogleWorld(google))
        self.google = google

    def invited(self) -> list[str]:
        events = self.google.store.calendar(google_world.ANN, "primary").events.values()
        return [each["email"] for event in events for each in event.event.get("attendees", [])]

    def mailed(self) -> list[tuple[str, str]]:
        return [(mail.to, mail.what) for mail in self.google.guests.mails]


class Graph(Provider):
    def __init__(self, graph: GraphDouble) -> None:
        super().__init__(GraphWorld(graph))
        self.graph = graph

    def invited(self) -> list[str]:
        events = self.graph.store.calendar(graph_world.ANN, None).events.values()
        return [each["emailAddress"]["address"] for event in events for each in event.event["attendees"]]

    def mailed(self) -> list[tuple[str, str]]:
        return [(mail.to, mail.what) for mail in self.graph.meetings.mails]


@pytest.fixture(params=["google", "graph"])
def provider(request: pytest.FixtureRequest) -> Generator[Provider]:
    if request.param == "google":
        with GoogleDouble() as google:
            yield Google(google)
    else:
        with GraphDouble() as graph:
            yield Graph(graph)


@pytest.fixture
def center(provider: Provider, tmp_path: Path) -> Generator[Center]:
    with Center(tmp_path, clock=Clock(START), **provider.world.variables) as center:
        yield center


@pytest.fixture
def ann(center: Center, provider: Provider) -> ConnectedPerson:
    return ConnectedPerson(center, provider.world)


def test_guests_are_invited_by_the_provider_once(provider: Provider, ann: ConnectedPerson) -> None:
    answer = write(ann, attendees={"invite": [{"email": BEN, "display_name": "Ben"}, {"email": EVE}]})
    assert answer.status_code == 202
    assert ann.events()[0]["attendees"] == [
        {"email": BEN, "display_name": "Ben", "status": "needs_action"},
        {"email": EVE, "status": "needs_action"},
    ]
    assert ann.work() == ["written"]
    assert provider.invited() == [BEN, EVE]
    assert sorted({to for to, _ in provider.mailed()}) == [BEN, EVE]
    assert len(provider.mailed()) == 2


def test_an_update_leaves_guests_adds_guests_and_takes_guests_off(provider: Provider, ann: ConnectedPerson) -> None:
    write(ann, attendees=inviting(BEN, EVE))
    ann.work()
    write(ann, TEN)
    assert list(guests(ann)) == [BEN, EVE], "nothing said, nothing changed"
    assert ann.work() == ["written"] and provider.invited() == [BEN, EVE]
    write(ann, TEN, attendees={"invite": [{"email": "zoe@guests.test"}], "remove": [{"email": BEN.upper()}]})
    assert list(guests(ann)) == [EVE, "zoe@guests.test"]
    assert ann.work() == ["written"] and provider.invited() == [EVE, "zoe@guests.test"]
    write(ann, TEN, attendees={"reject": [{"email": EVE}, {"email": "zoe@guests.test"}]})
    assert guests(ann) == {}


def test_nobody_is_invited_where_the_operator_says_so(provider: Provider, tmp_path: Path) -> None:
    variables = {**provider.world.variables, "SLOTLINK_INVITATIONS": "none"}
    with Center(tmp_path, clock=Clock(START), **variables) as center:
        ann = ConnectedPerson(center, provider.world)
        write(ann, attendees=inviting(BEN))
        assert ann.work() == ["written"]
        assert (provider.invited(), provider.mailed()) == ([], [])
        assert guests(ann) == {BEN: "needs_action"}


def test_the_owner_among_the_guests_comes(ann: ConnectedPerson) -> None:
    write(ann, attendees=inviting(google_world.ANN.upper(), BEN))
    assert guests(ann) == {google_world.ANN.upper(): "accepted", BEN: "needs_action"}
    ann.work()
    ann.sync()
    [period] = ann.center.http.get("/v1/free_busy?tzid=UTC&include_managed=true", headers=ann.key).json()["free_busy"]
    assert period["free_busy_status"] == "busy"


def test_an_event_written_anew_begins_without_the_guests_of_the_deleted_one(ann: ConnectedPerson) -> None:
    write(ann, attendees=inviting(BEN))
    path = f"/v1/calendars/{ann.calendar_id}/events"
    ann.center.http.request("DELETE", path, json={"event_id": "e"}, headers=ann.key)
    write(ann)
    assert guests(ann) == {}


def test_the_others_of_a_single_event_are_its_guests(provider: Provider, center: Center, ann: ConnectedPerson) -> None:
    ben = center.person("ben")
    targets = [
        {"sub": ann.sub, "calendar_id": ann.calendar_id},
        {"sub": ben.sub, "calendar_id": ben.calendar_id, "attendee": {"email": BEN, "display_name": "Ben"}},
    ]
    link = center.create_link(ann, ben, target_calendars=targets, event_creation="single")
    assert link.choose(link.page().slots[0]).code == 303
    assert ann.work() == ["written"]
    assert provider.invited() == [BEN] and guests(ann) == {BEN: "needs_action"}


def test_answers_are_read_back_and_stay(center: Center, ann: ConnectedPerson) -> None:
    write(ann, attendees=inviting(BEN, EVE))
    there = {"attendees": [{"email": BEN, "status": "accepted"}, {"email": "other@x.test", "status": "declined"}]}

    async def hear(deps: Deps) -> None:
        async with deps.database.transaction() as connection:
            mirror = await mirrors.get_mirror(connection, ann.application_id, ann.calendar_id)
            uid = await event_names.find_uid(connection, ann.application_id, ann.calendar_id, "e")
            assert uid is not None
            await note_answers(connection, mirror, uid, there, int(center.clock()))

    center.run(hear)
    assert guests(ann) == {BEN: "accepted", EVE: "needs_action"}
    write(ann, TEN, attendees=inviting(BEN))
    assert guests(ann) == {BEN: "accepted", EVE: "needs_action"}, "whoever is invited again has answered"


def test_people_in_somebody_elses_event_are_read_back(provider: Provider, ann: ConnectedPerson) -> None:
    if isinstance(provider, Google):
        people = [
            {"email": google_world.ANN, "responseStatus": "tentative", "self": True},
            {"email": BEN, "responseStatus": "declined"},
        ]
        provider.google.person(google_world.ANN).creates(NINE, TEN, attendees=people)
    elif isinstance(provider, Graph):
        people = [
            {"emailAddress": {"address": BEN}, "status": {"response": "declined"}, "type": "required"},
        ]
        name = provider.graph.person(graph_world.ANN).invited(NINE, TEN, BEN, attendees=people)
        provider.graph.person(graph_world.ANN).answers(name, "tentativelyAccepted")
    ann.sync()
    (event,) = ann.events()
    assert {each["email"]: each["status"] for each in event["attendees"]} == {
        google_world.ANN: "tentative",
        BEN: "declined",
    }
    assert event["participation_status"] == "tentative"


def test_a_person_of_an_embedded_calendar_cannot_invite(center: Center) -> None:
    maya = center.person("maya")
    before = dump(center)
    assert faults(write(maya, attendees=inviting(BEN))) == {"attendees": ["errors.event.cannot_set_attendees"]}
    assert dump(center) == before
    for nobody in (None, [], {}, {"invite": []}, {"invite": None, "remove": []}, {"remove": [{"email": BEN}]}):
        assert write(maya, attendees=nobody).status_code == 202, nobody


@pytest.mark.parametrize(
    ("attendees", "expected"),
    {
        "no address": ({"invite": [{"display_name": "Ben"}]}, {"attendees.invite[0].email": ["errors.required"]}),
        "none that is one": (inviting(BEN, "ben"), {"attendees.invite[1].email": ["errors.invalid_email"]}),
        "taking off none": ({"remove": [{"email": "a b@c"}]}, {"attendees.remove[0].email": ["errors.invalid_email"]}),
        "no list": ({"invite": "ben"}, {"attendees.invite": ["errors.invalid_format"]}),
        "no object": ("ben", {"attendees": ["errors.invalid_format"]}),
        "too many at once": (
            inviting(*(f"{n}@guests.test" for n in range(201))),
            {"attendees.invite": ["errors.too_many"]},
        ),
    }.values(),
    ids=["no-address", "not-an-address", "removed", "no-list", "no-object", "too-many"],
)
def test_what_is_no_invitation_is_told(ann: ConnectedPerson, attendees: Any, expected: Json) -> None:
    assert faults(write(ann, attendees=attendees)) == expected


def test_an_event_has_two_hundred_guests_at_most(ann: ConnectedPerson) -> None:
    assert write(ann, attendees=inviting(*(f"{n}@guests.test" for n in range(200)))).status_code == 202
    assert faults(write(ann, attendees=inviting(BEN))) == {"attendees.invite": ["errors.too_many"]}
    swapped = {"invite": [{"email": BEN}], "remove": [{"email": "7@guests.test"}]}
    assert write(ann, attendees=swapped).status_code == 202


@pytest.fixture(scope="module")
def radicale(tmp_path_factory: pytest.TempPathFactory) -> Generator[CalDavServer]:
    with running(Radicale, tmp_path_factory.mktemp("radicale")) as server:
        yield server


@pytest.mark.parametrize(("first", "then"), [("provider", "none"), ("none", "provider"), ("provider", "provider")])
def test_a_caldav_server_is_told_of_guests_only_where_it_invites(
    radicale: CalDavServer, tmp_path: Path, first: str, then: str
) -> None:
    """Some mail whomever they find, and what was settled for an event stays so."""
    world = CalDavWorld(radicale, f"guests{next(_numbers)}")
    with Center(tmp_path, clock=Clock(START), **world.variables, SLOTLINK_INVITATIONS=first) as center:
        ann = ConnectedPerson(center, world)

        def attendees(at: int) -> list[str]:
            text = world.ask("GET", world.name_at(at)).decode().replace("\r\n ", "").replace('"', "")
            return [line for line in text.splitlines() if line.startswith("ATTENDEE")]

        write(ann, attendees={"invite": [{"email": BEN, "display_name": "Ben"}]})
        assert ann.work() == ["written"]
        if first == "provider":
            (line,) = attendees(NINE)
            assert line.endswith(f":mailto:{BEN}") and "CN=Ben" in line
        assert len(attendees(NINE)) == (first == "provider")
        ann.sync()
        center.restart(SLOTLINK_INVITATIONS=then)
        write(ann, TEN)
        assert ann.work() == ["written"]
        assert world.meetings() == [(TEN, ELEVEN)] and len(attendees(TEN)) == (first == "provider")
        write(ann, NINE, event_id="new", attendees=inviting(BEN))
        assert ann.work() == ["written"] and len(attendees(NINE)) == (then == "provider")
        assert guests_of(ann, "new") == {BEN: "needs_action"}
    world.close()
