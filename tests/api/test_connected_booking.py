"""The whole way with calendars elsewhere: connect, be busy, get a link, be booked, find the event there, and what
follows from what people do to it. The same at Radicale, Xandikos, Google and Microsoft (the last two by
their doubles)."""

from __future__ import annotations

from collections.abc import Generator
from itertools import count
from pathlib import Path

import pytest

from slotlink.domain.event import wire_time
from slotlink.services.deps import Deps
from slotlink.store import links
from tests.api.connected import CalDavWorld, ConnectedPerson, GoogleWorld, GraphWorld, World
from tests.center import DAY, HOUR, START, Center, Clock
from tests.contract.test_connector_caldav import CalDavServer, Radicale, Xandikos, running
from tests.doubles.google import GoogleDouble
from tests.doubles.graph import GraphDouble

TOMORROW = START + DAY
NINE, TEN, ELEVEN = (TOMORROW + hour * HOUR for hour in range(3))
_numbers = count(1)


@pytest.fixture(scope="module")
def radicale(tmp_path_factory: pytest.TempPathFactory) -> Generator[CalDavServer]:
    with running(Radicale, tmp_path_factory.mktemp("radicale")) as server:
        yield server


@pytest.fixture(scope="module")
def xandikos(tmp_path_factory: pytest.TempPathFactory) -> Generator[CalDavServer]:
    with running(Xandikos, tmp_path_factory.mktemp("xandikos")) as server:
        yield server


@pytest.fixture(params=["radicale", "xandikos", "google", "graph"])
def world(request: pytest.FixtureRequest) -> Generator[World]:
    if request.param in ("radicale", "xandikos"):
        world = CalDavWorld(request.getfixturevalue(request.param), f"work{next(_numbers)}")
        yield world
        world.close()
    elif request.param == "google":
        with GoogleDouble() as google:
            yield GoogleWorld(google)
    else:
        with GraphDouble() as graph:
            yield GraphWorld(graph)


@pytest.fixture
def center(world: World, tmp_path: Path) -> Generator[Center]:
    with Center(tmp_path, clock=Clock(START), **world.variables) as center:
        yield center


@pytest.fixture
def ann(center: Center, world: World) -> ConnectedPerson:
    return ConnectedPerson(center, world)


def test_from_connecting_to_the_event_on_the_server(center: Center, world: World) -> None:
    world.adds(NINE, TEN)
    ann = ConnectedPerson(center, world)
    link = center.create_link(ann)
    page = link.page()
    assert page.slots[0] == wire_time(TEN), "what the calendar says is busy"
    assert link.choose(page.slots[0], page).code == 303
    assert link.status()["status"] == "completed"
    assert world.meetings() == [(NINE, TEN)], "the event is written by the worker"
    assert ann.work() == ["written"]
    assert world.meetings() == [(NINE, TEN), (TEN, ELEVEN)]
    ann.sync()
    assert [(event["start"], event["event_id"]) for event in ann.events(only_managed="true")] == [
        (wire_time(TEN), "interview-1")
    ], "its echo is the event itself, not a second one"
    assert len(ann.events()) == 2
    assert center.create_link(ann, event={"event_id": "next", "summary": "Next"}).page().slots[0] == wire_time(ELEVEN)


def test_a_time_taken_there_since_the_page_was_shown_is_refused(
    center: Center, world: World, ann: ConnectedPerson
) -> None:
    link = center.create_link(ann)
    page = link.page()
    assert page.slots[0] == wire_time(NINE)
    world.adds(NINE + HOUR // 2, TEN)
    refused = link.choose(page.slots[0], page)
    assert (refused.code, refused.error) == (409, "taken")
    assert refused.slots[0] == wire_time(TEN), "and the page knows why"
    assert link.status()["status"] == "open" and ann.work() == []


def test_a_calendar_that_cannot_be_asked_is_not_free(center: Center, world: World, ann: ConnectedPerson) -> None:
    link = center.create_link(ann)
    page = link.page()
    world.goes_away()
    try:
        refused = link.choose(page.slots[0], page)
    finally:
        world.comes_back()
    assert (refused.code, refused.error) == (409, "unreadable")
    assert link.status()["status"] == "open"
    assert link.choose(page.slots[0]).code == 303


def test_a_copy_that_is_too_old_is_read_again_or_counts_for_nothing(
    center: Center, world: World, ann: ConnectedPerson
) -> None:
    center.clock.now += HOUR
    world.adds(NINE, TEN)
    link = center.create_link(ann)
    assert link.page().slots[0] == wire_time(TEN), "read again, because somebody looked"
    center.clock.now += HOUR
    world.goes_away()
    try:
        assert link.page().slots == []
        assert "cannot be shown just now" in link.page().text
    finally:
        world.comes_back()


def test_what_a_person_moves_there_is_followed(center: Center, world: World, ann: ConnectedPerson) -> None:
    link = center.create_link(ann)
    link.choose(link.page().slots[0])
    ann.work()
    ann.sync()
    world.moves(world.name_at(NINE), TEN, ELEVEN)
    center.clock.now += 60
    ann.sync()
    status = link.status()
    assert (status["status"], status["event"]["start"]["time"]) == ("completed", wire_time(TEN))
    other = center.create_link(ann, event={"event_id": "next", "summary": "Next"})
    assert wire_time(NINE) in other.page().slots and wire_time(TEN) not in other.page().slots
    assert ann.work() == [] and world.meetings() == [(TEN, ELEVEN)]


def test_what_a_person_deletes_there_stays_deleted(center: Center, world: World, ann: ConnectedPerson) -> None:
    link = center.create_link(ann)
    link.choose(link.page().slots[0])
    ann.work()
    ann.sync()
    world.deletes(world.name_at(NINE))
    center.clock.now += 60
    ann.sync()
    assert ann.events() == [] and ann.work() == [] and world.meetings() == []
    other = center.create_link(ann, event={"event_id": "next", "summary": "Next"})
    assert other.page().slots[0] == wire_time(NINE)


def test_what_the_application_moves_and_deletes_follows(center: Center, world: World, ann: ConnectedPerson) -> None:
    ann.event("interview-1", NINE, TEN)
    ann.event("interview-1", TEN, ELEVEN)
    assert ann.work() == ["written", "as wanted already"]
    assert world.meetings() == [(TEN, ELEVEN)]
    ann.sync()
    ann.event("interview-1", ELEVEN, ELEVEN + HOUR)
    assert ann.work() == ["written"]
    assert world.meetings() == [(ELEVEN, ELEVEN + HOUR)]
    path = f"/v1/calendars/{ann.calendar_id}/events"
    assert center.http.request("DELETE", path, json={"event_id": "interview-1"}, headers=ann.key).status_code == 202
    assert ann.work() == ["deleted"]
    assert world.meetings() == []
    ann.sync()
    ann.event("interview-1", NINE, TEN)
    assert ann.work() == ["written"], "under another key: one that was deleted is never used again"
    assert world.meetings() == [(NINE, TEN)]


def test_where_both_moved_it_the_person_wins(center: Center, world: World, ann: ConnectedPerson) -> None:
    ann.event("interview-1", NINE, TEN)
    ann.work()
    center.clock.now += 60
    world.moves(world.name_at(NINE), TEN, ELEVEN)
    ann.event("interview-1", ELEVEN, ELEVEN + HOUR)
    assert ann.work() == ["a person moved it there, so it stays where they put it"]
    assert world.meetings() == [(TEN, ELEVEN)]
    assert [event["start"] for event in ann.events()] == [wire_time(TEN)]


def test_a_provider_that_is_away_gets_the_event_later(center: Center, world: World, ann: ConnectedPerson) -> None:
    ann.event("interview-1", NINE, TEN)
    world.goes_away()
    try:
        [outcome] = ann.work()
        assert outcome not in ("written", "as wanted already")
    finally:
        world.comes_back()
    assert ann.work() == [], "not before its time"
    center.clock.now += HOUR
    assert ann.work() == ["written"] and world.meetings() == [(NINE, TEN)]


@pytest.mark.parametrize("world", ["radicale", "google", "graph"], indirect=True)  # Xandikos has no sign-in
def test_revoked_access_is_told_and_connecting_anew_mends_it(
    center: Center, world: World, ann: ConnectedPerson
) -> None:
    link = center.create_link(ann)
    page = link.page()
    world.revokes()
    refused = link.choose(page.slots[0], page)
    assert (refused.code, refused.error) == (409, "unreadable")
    [profile] = center.http.get("/v1/profiles", headers=ann.key).json()["profiles"]
    assert profile["profile_connected"] is False and profile["profile_relink_url"].startswith("https://app.test/")
    assert link.page().slots == []
    if isinstance(world, CalDavWorld):
        world.let_in("pw1")
    again = ConnectedPerson(center, world)
    assert (again.sub, again.profile_id, again.calendar_id) == (ann.sub, ann.profile_id, ann.calendar_id)
    assert link.choose(link.page().slots[0]).code == 303


def test_an_event_that_slipped_in_while_it_was_booked_is_told(
    center: Center, world: World, ann: ConnectedPerson
) -> None:
    """Nobody can keep it from happening: no provider creates an event only if the time is free."""
    urls = {"problem_url": "https://application.test/problem"}
    link = center.create_link(ann, callback_urls=urls)
    assert link.choose(link.page().slots[0]).code == 303
    world.adds(NINE, TEN)  # after our last look, before our event is there
    ann.work()
    center.clock.now += 5
    ann.sync()
    assert _history(center, link.link_id) == ["created", "completed", "conflict"]
    world.adds(NINE, TEN + 60)  # later: somebody puts a second thing there, and knows why
    center.clock.now += 60
    ann.sync()
    assert _history(center, link.link_id) == ["created", "completed", "conflict"]


def _history(center: Center, link_id: str) -> list[str]:
    async def read(deps: Deps) -> list[str]:
        async with deps.database.reading() as connection:
            return [entry[1] for entry in await links.history(connection, center.client_id, link_id)]

    return center.run(read)
