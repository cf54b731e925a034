"""Visitors at once, over real HTTP, on both engines: one wins, the others are told, and nothing is half done.

On PostgreSQL four processes answer them. A few rounds in `make test`, 200 in `make faults`.
"""

from __future__ import annotations

import itertools
import queue
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from slotlink.domain.event import wire_time
from tests.center import HOUR, CreatedLink, Person
from tests.faults.campaign import LONG
from tests.faults.live import Answer, LiveCenter, at_once, form_post, send
from tests.postgresql import Cluster
from tests.serving import Receiver, serving

VISITORS = 50
ROUNDS = 200 if LONG else 3
PROCESSES = 4
CALLBACK_S = 15.0


@pytest.fixture(scope="module")
def receiver() -> Generator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def center(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    receiver: Receiver,
) -> Generator[LiveCenter]:
    folder: Path = tmp_path_factory.mktemp("races")
    variables = {"SLOTLINK_CALLBACK_ALLOW": receiver.host, "SLOTLINK_LOG_FORMAT": "json"}
    arguments: tuple[str, ...] = ()
    if request.param == "postgresql":
        cluster: Cluster = request.getfixturevalue("cluster")
        variables["SLOTLINK_DATABASE_URL"] = cluster.migrated_database()
        arguments = ("--workers", str(PROCESSES))
    with (
        serving(folder, arguments=arguments, **variables) as server,
        LiveCenter.at(server, server._environ) as center,
    ):
        yield center
    log = (folder / "server.log").read_text()
    assert "broke" not in log and "deadlock" not in log, "no request and no worker broke on the way"


def test_of_fifty_visitors_at_one_slot_one_books(center: LiveCenter, receiver: Receiver) -> None:
    links: list[CreatedLink] = []
    for number in range(ROUNDS):
        maya, jonas = center.person(f"maya-{number}"), center.person(f"jonas-{number}")
        link = _link(center, receiver, f"fifty-{number}", maya, jonas)
        slot, post = _form(link)
        answers = at_once([post] * VISITORS)
        _one_won(answers, {"taken", "not_open"})
        status = link.status()
        assert status["status"] == "completed" and status["event"]["start"]["time"] == slot
        for person in (maya, jonas):
            assert [event["event_id"] for event in person.events()] == [f"fifty-{number}"]
        links.append(link)
    _one_callback_each(receiver, links)


def test_of_ten_links_at_one_time_of_a_person_one_is_booked(center: LiveCenter, receiver: Receiver) -> None:
    """Each with somebody else as well, named first or second: the locks are taken in one order all the same."""
    booked: list[CreatedLink] = []
    for number in range(ROUNDS):
        maya, jonas = center.person(f"maya-ten-{number}"), center.person(f"jonas-ten-{number}")
        pairs = [(maya, jonas) if index % 2 else (jonas, maya) for index in range(10)]
        links = [_link(center, receiver, f"ten-{number}-{index}", *pair) for index, pair in enumerate(pairs)]
        answers = at_once([_form(link)[1] for link in links])
        _one_won(answers, {"taken"})
        statuses = [link.status()["status"] for link in links]
        assert Counter(statuses) == {"completed": 1, "open": 9}
        won = statuses.index("completed")
        for person in (maya, jonas):
            assert [event["event_id"] for event in person.events()] == [f"ten-{number}-{won}"]
        booked.append(links[won])
    _one_callback_each(receiver, booked)


def test_overlapping_slots_of_one_person_are_booked_once(center: LiveCenter, receiver: Receiver) -> None:
    """Half an hour apart, an hour long: neighbours overlap, and what is booked in the end does not."""
    maya = center.person("maya-overlap")
    links = [_link(center, receiver, f"overlap-{index}", maya) for index in range(8)]
    starts = [center.tomorrow + index * HOUR // 2 for index in range(8)]
    answers = at_once([_form(link, wire_time(start))[1] for link, start in zip(links, starts, strict=True)])
    assert {answer.code for answer in answers} == {303, 409}
    assert {answer.error for answer in answers if answer.code == 409} == {"taken"}
    booked = sorted((event["start"], event["end"]) for event in maya.events())
    assert len(booked) == [answer.code for answer in answers].count(303)
    assert all(earlier[1] <= later[0] for earlier, later in itertools.pairwise(booked))
    _callbacks(receiver, len(booked))


@pytest.mark.parametrize("number", range(4))
def test_a_visitor_against_a_disable_has_one_winner(center: LiveCenter, receiver: Receiver, number: int) -> None:
    maya = center.person(f"maya-disable-{number}")
    link = _link(center, receiver, f"disable-{number}", maya)
    _, post = _form(link)

    def disable(ready: Callable[[], object]) -> Any:
        ready()
        return center.disable(link)

    disabled, *posted = at_once([disable, post, post])
    status = link.status()["status"]
    booked = [answer for answer in posted if answer.code == 303]
    if booked:
        assert status == "completed" and len(booked) == 1 and disabled.status_code == 422
        assert "already_completed" in disabled.text
        assert {answer.error for answer in posted if answer.code != 303} == {"not_open"}
        assert len(maya.events()) == 1
        _one_callback_each(receiver, [link])
    else:
        assert status == "disabled" and disabled.status_code == 200
        assert {(answer.code, answer.error) for answer in posted} == {(409, "disabled")}
        assert maya.events() == []
        _callbacks(receiver, 0)


def test_a_new_application_calendar_asked_for_at_once_is_made_once(center: LiveCenter) -> None:
    body = {"client_id": center.client_id, "client_secret": center.client_secret, "application_calendar_id": "new"}

    def ask(ready: Callable[[], object]) -> Any:
        ready()
        return center.http.post("/v1/application_calendars", json=body)

    answers = at_once([ask] * 8)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["sub"] for answer in answers}) == 1


def test_one_event_id_written_at_once_is_one_event(center: LiveCenter) -> None:
    maya = center.person("maya-upsert")

    def write(ready: Callable[[], object]) -> Any:
        ready()
        maya.event("lunch", center.tomorrow, center.tomorrow + HOUR)

    at_once([write] * 8)
    assert len(maya.events()) == 1


def _link(center: LiveCenter, receiver: Receiver, event_id: str, *people: Person) -> CreatedLink:
    event = {"event_id": event_id, "summary": "Interview", "tzid": "Europe/London"}
    return center.create_link(*people, event=event, callback_urls={"completed_url": f"{receiver.url}/completed"})


def _form(link: CreatedLink, slot: str | None = None) -> tuple[str, Callable[[Callable[[], object]], Answer]]:
    """The slot that the page offers first, and what posts it."""
    page = link.page()
    slot = slot or page.slots[0]
    raw = form_post(link.url, {**page.hidden, "slot": slot})
    return slot, lambda ready: send(link.url, raw, ready)


def _one_won(answers: list[Answer], errors: set[str]) -> None:
    assert Counter(answer.code for answer in answers) == {303: 1, 409: len(answers) - 1}
    assert {answer.error for answer in answers if answer.code == 409} <= errors


def _one_callback_each(receiver: Receiver, links: list[CreatedLink]) -> None:
    received = _callbacks(receiver, len(links))
    called = [callback.content["real_time_scheduling"]["real_time_scheduling_id"] for callback in received]
    assert sorted(called) == sorted(link.link_id for link in links)


def _callbacks(receiver: Receiver, count: int) -> list[Any]:
    received = [receiver.received.get(timeout=CALLBACK_S) for _ in range(count)]
    with pytest.raises(queue.Empty):
        receiver.received.get(timeout=0.5)
    return received
