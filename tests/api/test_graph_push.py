"""Microsoft tells us of changes: the address that it tries first, notices in collections, and the subscription's life.

Its connector asks for a life by the real clock, so these tests begin in the real present.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from slotlink.connectors.graph import WATCH_MINUTES
from tests.api.connected import ConnectedPerson, GraphWorld
from tests.api.pushing import API_URL, Door, columns, due, keep, read_due
from tests.center import DAY, HOUR, Center, Clock
from tests.doubles.graph import GraphDouble

PATH = "/providers/microsoft/push"
HALF = WATCH_MINUTES * 30  # seconds


@pytest.fixture
def clock() -> Clock:
    return Clock(int(time.time()))


@pytest.fixture
def soon(clock: Clock) -> int:
    return int(clock.now) // HOUR * HOUR + DAY


@pytest.fixture
def graph(clock: Clock) -> Generator[GraphDouble]:
    with GraphDouble(clock) as graph:
        yield graph


@pytest.fixture
def world(graph: GraphDouble) -> GraphWorld:
    return GraphWorld(graph)


@pytest.fixture
def center(world: GraphWorld, clock: Clock, tmp_path: Path) -> Generator[Center]:
    with Center(tmp_path, clock=clock, SLOTLINK_LIMIT_UNKNOWN="5/m", **world.variables) as center:
        yield center


@pytest.fixture(autouse=True)
def door(center: Center, graph: GraphDouble) -> Generator[Door]:
    door = Door(center)
    graph.push.routes[API_URL] = door.url
    yield door
    door.close()


@pytest.fixture
def ann(center: Center, world: GraphWorld) -> ConnectedPerson:
    """Watched, and read since."""
    ann = ConnectedPerson(center, world)
    keep(center)
    read_due(center)
    return ann


def notice(graph: GraphDouble, **changes: Any) -> dict[str, Any]:
    [subscription] = graph.push.subscriptions.values()
    value = {
        "subscriptionId": subscription.id,
        "clientState": subscription.body["clientState"],
        "changeType": "updated",
    }
    return {**value, **changes}


def test_the_address_is_tried_while_we_wait(center: Center, world: GraphWorld, graph: GraphDouble) -> None:
    ann = ConnectedPerson(center, world)
    keep(center)
    [subscription] = graph.push.subscriptions.values()
    assert subscription.body["notificationUrl"] == subscription.body["lifecycleNotificationUrl"] == API_URL + PATH
    state = subscription.body["clientState"]
    row = columns(center, ann.calendar_id)
    assert state.startswith(row.watch_id + ".") and 64 < len(state) <= 128
    assert row.watch_remote_id == subscription.id
    assert read_due(center) == 1, "once more: it may have changed before the watch was there"


@pytest.mark.parametrize("together", [False, True], ids=["one by one", "in one body"])
@pytest.mark.usefixtures("ann")
def test_changes_are_read_at_once(
    center: Center, world: GraphWorld, graph: GraphDouble, soon: int, together: bool
) -> None:
    graph.push.together, graph.push.shuffled, graph.push.doubled = together, 1, 1
    moved = world.adds(soon, soon + HOUR)
    world.moves(moved, soon + HOUR, soon + 2 * HOUR)
    assert not due(center)
    assert set(graph.push.deliver()) == {202}
    read = len(graph.called("GET", "/delta"))
    assert read_due(center) == 1
    assert len(graph.called("GET", "/delta")) == read + 1


def test_what_changed_is_known_then(
    center: Center, world: GraphWorld, graph: GraphDouble, ann: ConnectedPerson, soon: int
) -> None:
    world.adds(soon, soon + HOUR)
    graph.push.deliver()
    read_due(center)
    assert len(ann.events()) == 1


@pytest.mark.usefixtures("ann")
def test_a_lost_notice_is_made_good_by_the_poll(
    center: Center, world: GraphWorld, graph: GraphDouble, soon: int
) -> None:
    graph.push.lost = 1
    world.adds(soon, soon + HOUR)
    assert graph.push.deliver() == [] and not due(center)
    center.clock.now += 600
    assert read_due(center) == 1


STRANGE: dict[str, Callable[[str], Any]] = {
    "wrong secret": lambda state: state[:-1] + ("b" if state.endswith("a") else "a"),
    "no secret": lambda state: state.partition(".")[0],
    "nothing": lambda _state: "",
    "unknown": lambda _state: "wat_unknown.secret",
    "no text": lambda _state: 1,
    "null": lambda _state: None,
    "NUL": lambda _state: "wat_\x00.secret",
    "half a character": lambda state: state + "\ud800",
    "very long": lambda state: state + "x" * 1000,
}


@pytest.mark.parametrize("strange", STRANGE)
@pytest.mark.usefixtures("ann")
def test_strangers_are_not_heard_and_told_nothing(center: Center, graph: GraphDouble, strange: str) -> None:
    true = notice(graph)
    forged = {**true, "clientState": STRANGE[strange](true["clientState"])}
    answer = center.http.post(PATH, content=json.dumps({"value": [forged]}))
    assert (answer.status_code, answer.content) == (202, b"")
    assert not due(center)
    known = center.http.post(PATH, content=json.dumps({"value": [forged, true]}))
    assert (known.status_code, known.content, known.headers) == (202, b"", answer.headers)
    assert due(center), "one that is true among them is heard"


@pytest.mark.usefixtures("ann")
def test_strangers_have_a_limit_that_keeps_nobody_else_out(center: Center, graph: GraphDouble) -> None:
    forged = {"value": [notice(graph, clientState="wat_1.guess")] * 3}
    codes = [center.http.post(PATH, json=forged).status_code for _ in range(7)]
    assert codes == [202] * 5 + [429] * 2
    assert center.http.post(PATH, json={"value": [notice(graph)]}).status_code == 202 and due(center)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"value": {}}', 400),
        (b'{"value": []}', 202),
        (b'{"value": [1, null, [], {}, "x"]}', 202),
        (b'{"value": ' + b"[" * 100 + b"]" * 100 + b"}", 400),
        (b'{"value": "' + b"x" * 256 * 1024 + b'"}', 413),
        (b'{"value": [' + b",".join([b'{"clientState": "wat_1.x"}'] * 5000) + b"]}", 202),
    ],
    ids=["empty", "cut", "list", "no value", "no list", "none", "no notices", "deep", "large", "many"],
)
def test_strange_bodies(center: Center, body: bytes, code: int) -> None:
    assert center.http.post(PATH, content=body).status_code == code


def test_a_validation_token_comes_back_as_it_was(center: Center) -> None:
    token = "Validation: Testing client application reachability for subscription Request-Id: 5a2b+/=_-%&~"
    answer = center.http.post(PATH, params={"validationToken": token}, content=b"")
    assert (answer.status_code, answer.text) == (200, token)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "token",
    ["", "<script>alert(1)</script>", "a\r\nSet-Cookie: x", "a\x00", "“", "x" * 2049, '"x"'],
    ids=["empty", "markup", "lines", "NUL", "not ASCII", "long", "quote"],
)
def test_a_strange_validation_token_does_not(center: Center, token: str) -> None:
    answer = center.http.post(PATH, params={"validationToken": token}, content=b"")
    assert answer.status_code == 400 and (not token or token not in answer.text)


@pytest.mark.parametrize("event", ["reauthorizationRequired", "subscriptionRemoved"])
def test_a_subscription_that_ends_is_made_anew(
    center: Center, world: GraphWorld, graph: GraphDouble, ann: ConnectedPerson, soon: int, event: str
) -> None:
    [old] = graph.push.subscriptions
    graph.push.lifecycle(old, event)
    assert graph.push.deliver() == [202]
    assert read_due(center) == 1, "what happened meanwhile was perhaps not told"
    keep(center)
    [new] = graph.push.subscriptions
    assert new != old and columns(center, ann.calendar_id).watch_remote_id == new
    read_due(center)
    world.adds(soon, soon + HOUR)
    assert graph.push.deliver() == [202] and due(center)


@pytest.mark.parametrize("event", ["missed", "somethingNew"])
@pytest.mark.usefixtures("ann")
def test_missed_notices_are_made_good_by_a_read(center: Center, graph: GraphDouble, event: str) -> None:
    [subscription] = graph.push.subscriptions
    graph.push.lifecycle(subscription, event)
    assert graph.push.deliver() == [202]
    assert read_due(center) == 1
    keep(center)
    assert list(graph.push.subscriptions) == [subscription]


@pytest.mark.usefixtures("ann")
def test_a_stranger_ends_no_subscription(center: Center, graph: GraphDouble) -> None:
    [subscription] = graph.push.subscriptions
    forged = notice(graph, lifecycleEvent="subscriptionRemoved")
    forged["clientState"] = forged["clientState"][:-4] + "AAAA"
    assert center.http.post(PATH, json={"value": [forged, notice(graph)]}).status_code == 202
    keep(center)
    assert list(graph.push.subscriptions) == [subscription]


@pytest.mark.usefixtures("ann")
def test_with_half_of_its_life_left_the_old_one_goes_first(center: Center, graph: GraphDouble) -> None:
    """Microsoft's manual: a second subscription to the same resource is refused with 409."""
    [old] = graph.push.subscriptions
    center.clock.now += HALF - 30
    keep(center)
    assert list(graph.push.subscriptions) == [old]
    center.clock.now += 60
    keep(center)
    [new] = graph.push.subscriptions
    assert new != old
    asked = [call.method for call in graph.called(path="/subscriptions") if call.status != 401]
    assert asked == ["POST", "DELETE", "POST"]
    assert due(center), "it may have changed between the two"


def test_a_subscription_that_was_stopped_and_not_made_anew_is_not_counted_on(
    center: Center, graph: GraphDouble, ann: ConnectedPerson
) -> None:
    center.clock.now += HALF + 60
    graph.fail("ServiceUnavailable", method="POST", path="subscriptions", times=100)
    keep(center)
    row = columns(center, ann.calendar_id)
    assert row.watch_id is None and row.watch_until > center.clock.now
    graph.faults.clear()
    assert read_due(center) == 1, "by the poll"
    center.clock.now += 450
    keep(center)
    assert len(graph.push.subscriptions) == 1


def test_an_address_that_microsoft_cannot_reach_costs_no_read(
    center: Center, world: GraphWorld, graph: GraphDouble, soon: int
) -> None:
    graph.push.routes[API_URL] = "http://127.0.0.1:1"
    ann = ConnectedPerson(center, world)
    keep(center)
    keep(center)
    assert len(graph.called("POST", "/subscriptions")) == 1, "not again at once"
    assert columns(center, ann.calendar_id).watch_id is None
    world.adds(soon, soon + HOUR)
    center.clock.now += 600
    assert read_due(center) == 1 and len(ann.events()) == 1
