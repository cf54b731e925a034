"""Guests who are invited by mail: who hears of what, and once, whatever calendar the event is in."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from slotlink.domain.event import wire_time
from slotlink.services import write_back
from slotlink.services.deps import Deps
from slotlink.store import links
from tests.api.connected import CalDavWorld, ConnectedPerson, GoogleWorld, GraphWorld, World
from tests.center import DAY, HOUR, START, Center, Clock, Json
from tests.contract.test_connector_caldav import CalDavServer, Radicale, running
from tests.doubles.google import GoogleDouble
from tests.doubles.graph import GraphDouble
from tests.doubles.mail import MailServer

TOMORROW = START + DAY
NINE, TEN, ELEVEN = (TOMORROW + hour * HOUR for hour in range(3))
BEN, EVE, ZOE = "ben@guests.test", "eve@guests.test", "zoe@guests.test"
_numbers = count(1)


@pytest.fixture(scope="module")
def radicale(tmp_path_factory: pytest.TempPathFactory) -> Generator[CalDavServer]:
    with running(Radicale, tmp_path_factory.mktemp("radicale")) as server:
        yield server


@pytest.fixture(params=["caldav", "google", "graph"])
def world(request: pytest.FixtureRequest, radicale: CalDavServer) -> Generator[World]:
    """A provider. Whatever a test does with mail of ours, the provider mails nobody."""
    if request.param == "caldav":
        world = CalDavWorld(radicale, f"mail{next(_numbers)}")
        yield world
        world.close()
    elif request.param == "google":
        with GoogleDouble() as google:
            yield GoogleWorld(google)
            assert google.guests.mails == []
    else:
        with GraphDouble() as graph:
            yield GraphWorld(graph)
            assert graph.meetings.mails == []


@pytest.fixture
def mails() -> Generator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def center(world: World, mails: MailServer, tmp_path: Path) -> Generator[Center]:
    with Center(tmp_path, clock=Clock(START), **world.variables, **mails.variables) as center:
        yield center


@pytest.fixture
def ann(center: Center, world: World) -> ConnectedPerson:
    return ConnectedPerson(center, world)


@pytest.fixture
def at_google(mails: MailServer, tmp_path: Path) -> Generator[tuple[GoogleDouble, ConnectedPerson]]:
    """For what is the same at every provider."""
    with GoogleDouble() as google:
        world = GoogleWorld(google)
        with Center(tmp_path, clock=Clock(START), **world.variables, **mails.variables) as center:
            yield google, ConnectedPerson(center, world)
        assert google.guests.mails == []


def write(person: ConnectedPerson, start: int = NINE, **members: Any) -> None:
    times = {"start": wire_time(start), "end": wire_time(start + HOUR)}
    body = {"event_id": "e", "summary": "Talk", **times, **members}
    answer = person.center.http.post(f"/v1/calendars/{person.calendar_id}/events", json=body, headers=person.key)
    assert answer.status_code == 202, answer.text


def inviting(*emails: str) -> Json:
    return {"invite": [{"email": email} for email in emails]}


def delete(person: ConnectedPerson) -> None:
    path = f"/v1/calendars/{person.calendar_id}/events"
    answer = person.center.http.request("DELETE", path, json={"event_id": "e"}, headers=person.key)
    assert answer.status_code == 202, answer.text


def told(person: ConnectedPerson, mails: MailServer) -> list[tuple[str, str]]:
    """Everything that is to be written is written, and everything that is to be sent is sent. Whom it told what."""
    person.work()
    person.mail()
    return sorted(mails.taken_out())


def sequences(mails: MailServer) -> list[int]:
    lines = [line for each in mails.received for line in each.calendar.splitlines()]
    return [int(line.partition(":")[2]) for line in lines if line.startswith("SEQUENCE:")]


def test_guests_are_told_once_the_event_stands_in_the_calendar(
    world: World, ann: ConnectedPerson, mails: MailServer
) -> None:
    write(ann, attendees={"invite": [{"email": BEN, "display_name": "Ben"}, {"email": EVE}]})
    assert ann.mail() == [], "not before"
    assert ann.work() == ["written"] and world.meetings() == [(NINE, TEN)]
    assert ann.mail() == ["2.0.0 taken", "2.0.0 taken"] and ann.mail() == []
    first = mails.received[0]
    assert (first.shown.start, first.shown.end, first.shown.summary) == (NINE, TEN, "Talk")
    assert (first.sender, first.recipients, first.mail["From"]) == (
        "scheduling@globex.test",
        [BEN],
        "Globex <scheduling@globex.test>",
    )
    if world.provider_name == "caldav":  # this one does not say what its users' addresses are
        assert (first.mail["Reply-To"], first.shown.organizer) == (None, "scheduling@globex.test")
    else:
        assert first.mail["Reply-To"] == first.shown.organizer == "ann@example.com"
    assert mails.taken_out() == [(BEN, "REQUEST"), (EVE, "REQUEST")]
    ann.center.clock.now += 60
    ann.sync()
    assert told(ann, mails) == [], "our own event comes back"


def test_whoever_sees_something_new_hears_of_it(ann: ConnectedPerson, mails: MailServer) -> None:
    write(ann, attendees=inviting(BEN, EVE))
    assert len(told(ann, mails)) == 2
    write(ann)
    assert ann.work() == ["written"] and ann.mail() == [], "nothing is new"
    write(ann, TEN)
    assert told(ann, mails) == [(BEN, "REQUEST"), (EVE, "REQUEST")]
    write(ann, TEN, attendees={**inviting(ZOE), "remove": [{"email": BEN.upper()}]})
    assert told(ann, mails) == [(BEN, "CANCEL"), (ZOE, "REQUEST")]
    write(ann, TEN, attendees=inviting(BEN))
    assert told(ann, mails) == [(BEN, "REQUEST")], "invited anew"
    delete(ann)
    assert told(ann, mails) == [(BEN, "CANCEL"), (EVE, "CANCEL"), (ZOE, "CANCEL")]


def test_what_a_person_does_to_the_event_is_passed_on(
    center: Center, world: World, ann: ConnectedPerson, mails: MailServer
) -> None:
    write(ann, attendees=inviting(BEN))
    assert told(ann, mails) == [(BEN, "REQUEST")]
    ann.sync()
    name = world.name_at(NINE)
    world.moves(name, TEN, ELEVEN)
    center.clock.now += 60
    ann.sync()
    ann.mail()
    assert [each.shown.start for each in mails.received] == [TEN]
    assert sequences(mails) == [2] and mails.taken_out() == [(BEN, "REQUEST")]
    world.deletes(name)
    center.clock.now += 60
    ann.sync()
    assert told(ann, mails) == [(BEN, "CANCEL")]


def test_an_event_that_is_made_anew_is_the_same_to_its_guests(ann: ConnectedPerson, mails: MailServer) -> None:
    """The calendar knows it by another name, because some never take one twice; a guest would have it twice."""
    write(ann, attendees=inviting(BEN))
    ann.work()
    ann.mail()
    before = mails.received[0]
    mails.taken_out()
    delete(ann)
    write(ann, TEN, attendees=inviting(BEN))
    ann.work()
    ann.mail()
    assert [each.uid for each in mails.received] == [before.uid] and mails.received[0].shown.start == TEN
    assert mails.taken_out() == [(BEN, "REQUEST")]
    delete(ann)
    assert told(ann, mails) == [(BEN, "CANCEL")]
    write(ann, attendees=inviting(BEN))
    assert told(ann, mails) == [(BEN, "REQUEST")]


def test_an_event_that_cannot_be_written_invites_nobody(world: World, ann: ConnectedPerson, mails: MailServer) -> None:
    write(ann, attendees=inviting(BEN))
    world.revokes()
    (outcome,) = ann.work()
    assert outcome.startswith("the calendar is connected no longer") and told(ann, mails) == []


def test_a_guest_has_an_event_that_is_made_anew_once(ann: ConnectedPerson, mails: MailServer) -> None:
    """Also where the cancellation of the one before is still on its way."""
    write(ann, attendees=inviting(BEN))
    ann.work()
    ann.mail()
    uid = mails.received[0].uid
    mails.taken_out()
    delete(ann)
    mails.handler.answers = ["451 4.3.0 later"]
    assert ann.work() == ["deleted"] and ann.mail() == ["the mail server answered 451 4.3.0 later"]
    write(ann, TEN, attendees=inviting(BEN))
    ann.work()
    ann.mail()
    assert [(each.uid, each.mail["Subject"]) for each in mails.received] == [(uid, "Changed: Talk")]


def test_what_stands_there_is_told_when_nothing_newer_can_be_written(
    at_google: tuple[GoogleDouble, ConnectedPerson], mails: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    google, ann = at_google
    write(ann, attendees=inviting(BEN))
    settled = write_back._settle

    async def overtaken(*arguments: Any, **named: Any) -> None:
        monkeypatch.setattr(write_back, "_settle", settled)
        await asyncio.to_thread(write, ann, TEN)
        await settled(*arguments, **named)

    monkeypatch.setattr(write_back, "_settle", overtaken)
    assert ann.work() == ["written"] and ann.mail() == [], "something newer is on its way"
    google.faults.answer(403, {"error": {"code": 403, "errors": [{"reason": "forbidden"}]}}, {}, times=20)
    assert len(ann.work()) == 1
    google.faults.clear()
    ann.mail()
    assert [each.shown.start for each in mails.received] == [NINE]


@pytest.mark.parametrize("world", ["caldav"], indirect=True)
def test_guests_are_told_what_is_written_with_a_persons_changes_in_it(
    world: World, ann: ConnectedPerson, mails: MailServer
) -> None:
    """The owner has renamed the event, and the application moves it: it stands there with both."""
    write(ann, attendees=inviting(BEN))
    assert told(ann, mails) == [(BEN, "REQUEST")]
    world.moves(world.name_at(NINE), NINE, TEN)  # to where it was, under another name
    write(ann, TEN)
    ann.work()
    ann.mail()
    assert [(each.shown.start, each.shown.summary) for each in mails.received] == [(TEN, "Theirs")]


def test_only_a_new_guest_hears_of_a_new_guest_in_an_event_that_was_moved_there(
    center: Center, world: World, ann: ConnectedPerson, mails: MailServer
) -> None:
    """Providers say what goes without saying."""
    write(ann, attendees=inviting(BEN), summary="Theirs")
    assert told(ann, mails) == [(BEN, "REQUEST")]
    world.moves(world.name_at(NINE), TEN, ELEVEN)
    center.clock.now += 60
    ann.sync()
    assert told(ann, mails) == [(BEN, "REQUEST")]
    write(ann, TEN, attendees=inviting(EVE), summary="Theirs")
    assert told(ann, mails) == [(EVE, "REQUEST")]


def test_a_deletion_that_cannot_arrive_is_told_all_the_same(
    at_google: tuple[GoogleDouble, ConnectedPerson], mails: MailServer
) -> None:
    """The application says that the event is off."""
    google, ann = at_google
    write(ann, attendees=inviting(BEN))
    assert told(ann, mails) == [(BEN, "REQUEST")]
    delete(ann)
    google.faults.answer(403, {"error": {"code": 403, "errors": [{"reason": "forbidden"}]}}, {}, times=20)
    assert len(ann.work()) == 1
    google.faults.clear()
    assert told(ann, mails) == [(BEN, "CANCEL")]


def test_an_invitation_anew_is_called_one(at_google: tuple[GoogleDouble, ConnectedPerson], mails: MailServer) -> None:
    _, ann = at_google
    write(ann, attendees=inviting(BEN, EVE))
    assert len(told(ann, mails)) == 2
    write(ann, attendees={"remove": [{"email": BEN}]})
    assert told(ann, mails) == [(BEN, "CANCEL")]
    write(ann, attendees=inviting(BEN))
    ann.work()
    ann.mail()
    assert [each.mail["Subject"] for each in mails.received] == ["Invitation: Talk"]


def test_every_change_has_a_higher_number(at_google: tuple[GoogleDouble, ConnectedPerson], mails: MailServer) -> None:
    """By which a guest's calendar knows which mail is the newest (RFC 5546 section 2.1.4)."""
    _, ann = at_google
    for start, summary in ((NINE, "Talk"), (TEN, "Talk"), (TEN, "Tea")):
        write(ann, start, summary=summary, attendees=inviting(BEN))
        ann.work()
        ann.mail()
    delete(ann)
    ann.work()
    ann.mail()
    assert sequences(mails) == sorted(set(sequences(mails))) and len(mails.received) == 4
    assert [each.mail["Subject"] for each in mails.received] == [
        *("Invitation: Talk", "Changed: Talk", "Changed: Tea", "Cancelled: Tea")
    ]
    assert len({each.mail["Message-ID"] for each in mails.received}) == 4


def test_the_organiser_is_not_mailed(at_google: tuple[GoogleDouble, ConnectedPerson], mails: MailServer) -> None:
    _, ann = at_google
    write(ann, attendees=inviting("ANN@example.com", BEN))
    assert told(ann, mails) == [(BEN, "REQUEST")]


def test_nobody_hears_of_what_is_over(at_google: tuple[GoogleDouble, ConnectedPerson], mails: MailServer) -> None:
    """An application that tidies up mails nobody."""
    _, ann = at_google
    write(ann, attendees=inviting(BEN))
    assert told(ann, mails) == [(BEN, "REQUEST")]
    ann.center.clock.now = TEN + 1
    ann = ConnectedPerson(ann.center, ann.world)  # the access token is too old by now
    delete(ann)
    assert told(ann, mails) == []
    write(ann, START - DAY, event_id="past", attendees=inviting(BEN))
    assert told(ann, mails) == []
    write(ann, TEN, event_id="f", attendees=inviting(BEN))
    assert told(ann, mails) == [(BEN, "REQUEST")]
    write(ann, START - DAY, event_id="f")
    assert told(ann, mails) == [(BEN, "REQUEST")], "it will not be when the guest expects it"


def test_a_room_is_told_with_the_invitation(at_google: tuple[GoogleDouble, ConnectedPerson], mails: MailServer) -> None:
    """One mail, not a second one as soon as the provider has made the room."""
    google, ann = at_google
    write(ann, attendees=inviting(BEN), conferencing={"profile_id": "integrated"})
    assert told(ann, mails) == []
    google.clock.now += 5
    ann.center.clock.now += 5
    ann.work()
    ann.mail()
    (event,) = google.store.calendar("ann@example.com", "primary").events.values()
    assert [each.shown.location for each in mails.received] == [event.event["hangoutLink"]]
    assert event.event["hangoutLink"] in mails.received[0].text


def test_a_room_that_is_still_to_be_made_holds_up_no_news(
    at_google: tuple[GoogleDouble, ConnectedPerson], mails: MailServer
) -> None:
    google, ann = at_google
    write(ann, attendees=inviting(BEN))
    assert told(ann, mails) == [(BEN, "REQUEST")]
    write(ann, TEN, attendees=inviting(EVE), conferencing={"profile_id": "integrated"})
    assert told(ann, mails) == [(BEN, "REQUEST")], "who is invited hears of the new time, and EVE waits for the room"
    soon = {"event_id": "soon", "attendees": inviting(ZOE), "conferencing": {"profile_id": "integrated"}}
    write(ann, START + HOUR // 2, **soon)
    assert told(ann, mails) == [(ZOE, "REQUEST")], "there is no time to wait"
    google.clock.now += 5
    ann.center.clock.now += 5
    assert sorted(told(ann, mails)) == [(BEN, "REQUEST"), (EVE, "REQUEST"), (ZOE, "REQUEST")]


@pytest.mark.parametrize("names_room", [False, True], ids=["", "named-in-the-text"])
def test_an_event_that_a_person_moves_while_its_room_is_made(
    at_google: tuple[GoogleDouble, ConnectedPerson], mails: MailServer, names_room: bool
) -> None:
    """Nothing is written over what they made of it; the next read tells of the room."""
    google, ann = at_google
    text = {"description": "{{ cronofy.conferencing.join_url }}"} if names_room else {}
    write(ann, attendees=inviting(BEN), conferencing={"profile_id": "integrated"}, **text)
    assert told(ann, mails) == []
    ann.world.moves(ann.world.name_at(NINE), TEN, ELEVEN)
    ann.center.clock.now += 1
    ann.sync()
    ann.work()
    ann.mail()
    assert [each.shown.start for each in mails.received] == [TEN]
    mails.taken_out()
    google.clock.now += 60
    ann.center.clock.now += 60
    ann.sync()
    ann.work()
    ann.mail()
    (event,) = google.store.calendar("ann@example.com", "primary").events.values()
    url = event.event["hangoutLink"]
    assert ann.events()[0]["meeting_url"] == url
    assert ann.world.meetings() == [(TEN, ELEVEN)]
    assert [url in each.text for each in mails.received] == [True]


def test_guests_are_told_without_a_room_when_none_is_made(
    at_google: tuple[GoogleDouble, ConnectedPerson], mails: MailServer
) -> None:
    google, ann = at_google
    google.conferences.fails = True
    write(ann, TEN + DAY, attendees=inviting(BEN), conferencing={"profile_id": "integrated"})
    for _ in range(60):
        google.clock.now += 120
        ann.center.clock.now += 120
        ann.work()
    assert told(ann, mails) == [(BEN, "REQUEST")]


WAYS = ("provider", "mail", "none")


@pytest.mark.parametrize("is_written", [True, False], ids=["written", "not-yet-written"])
@pytest.mark.parametrize(("first", "then"), [(first, then) for first in WAYS for then in WAYS if first != then])
def test_who_was_to_invite_goes_on_to(
    first: str, then: str, is_written: bool, mails: MailServer, tmp_path: Path
) -> None:
    """The setting is about new events: for one that has guests already, two would invite, or nobody. `none` also ends
    our mail."""
    with GoogleDouble() as google:
        world = GoogleWorld(google)
        variables = {**world.variables, **mails.variables, "SLOTLINK_INVITATIONS": first}
        with Center(tmp_path, clock=Clock(START), **variables) as center:
            ann = ConnectedPerson(center, world)

            def invited() -> str:
                """Who has, since the last look."""
                ann.work()
                ann.mail()
                by_them, by_us = list(google.guests.mails), mails.taken_out()
                google.guests.mails.clear()
                assert not (by_them and by_us)
                return "provider" if by_them else "mail" if by_us else "none"

            write(ann, attendees=inviting(BEN))
            assert not is_written or invited() == first
            center.restart(SLOTLINK_INVITATIONS=then)
            goes_on = "none" if then == "none" and first == "mail" else first
            write(ann, TEN, attendees=inviting(EVE))
            assert invited() == goes_on
            delete(ann)
            write(ann, NINE, attendees=inviting(BEN))
            assert invited() == goes_on, "made anew before it was deleted there"
            delete(ann)
            assert invited() == goes_on
            write(ann, event_id="new", attendees=inviting(BEN))
            assert invited() == then


def test_the_others_of_a_booking_are_told(center: Center, ann: ConnectedPerson, mails: MailServer) -> None:
    ben = center.person("ben")
    link = center.create_link(ann, ben, target_calendars=with_ben(ann, ben), event_creation="single")
    slot = link.page().slots[0]
    assert link.choose(slot).code == 303
    assert told(ann, mails) == [(BEN, "REQUEST")]


def test_a_guest_who_cannot_be_told_is_the_links_problem(
    at_google: tuple[GoogleDouble, ConnectedPerson], mails: MailServer
) -> None:
    _, ann = at_google
    center = ann.center
    ben = center.person("ben")
    mails.handler.refused[BEN] = f"550 5.1.1 <{BEN}>: no such mailbox"
    link = center.create_link(ann, ben, target_calendars=with_ben(ann, ben), event_creation="single")
    link.choose(link.page().slots[0])
    ann.work()
    assert ann.mail() == ["the mail server answered 550 5.1.1 <…>: no such mailbox"] and ann.mail() == []

    async def history(deps: Deps) -> list[Any]:
        async with deps.database.reading() as connection:
            return await links.history(connection, center.client_id, link.link_id)

    what, details = center.run(history)[-1][1:]
    assert (what, details["reason"]) == (
        "problem",
        f"{BEN} could not be told of the event by mail: the mail server answered 550 5.1.1 <…>: no such mailbox",
    )
    assert link.status()["status"] == "completed"


def with_ben(ann: ConnectedPerson, ben: Any) -> list[Json]:
    return [
        {"sub": ann.sub, "calendar_id": ann.calendar_id},
        {"sub": ben.sub, "calendar_id": ben.calendar_id, "attendee": {"email": BEN, "display_name": "Ben"}},
    ]
