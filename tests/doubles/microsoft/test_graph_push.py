"""Microsoft's double: subscriptions, notices, lifecycle notices."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.responses import PlainTextResponse, Response

from tests.doubles.graph import GraphDouble
from tests.doubles.graph_caller import Caller, code
from tests.doubles.graph_person import GraphPerson
from tests.doubles.graph_push import Notice
from tests.doubles.graph_times import stamp
from tests.doubles.graph_world import ANN, BEN, caller, register
from tests.doubles.service import Asked, Clock, Service

TEN = datetime(2027, 3, 5, 10, tzinfo=UTC)
ELEVEN = datetime(2027, 3, 5, 11, tzinfo=UTC)
OUTSIDE = "https://slotlink.test"
IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}


class Hook(Service):
    """Our side of the notices. `answers` is what validation gets instead of its token."""

    answers: Response | None = None
    status = 202

    def routes(self):
        return [self.route("/hook/{name}", self._hook, "POST")]

    def _hook(self, asked: Asked) -> Response:
        if "validationToken" in asked.query:
            return self.answers or PlainTextResponse(asked.query["validationToken"])
        return Response(status_code=self.status)

    @property
    def values(self) -> list[dict[str, Any]]:
        return [one for call in self.calls if call.body for one in call.json["value"]]


@pytest.fixture
def hook() -> Generator[Hook]:
    with Hook() as hook:
        yield hook


@pytest.fixture
def graph(clock: Clock, hook: Hook) -> Generator[GraphDouble]:
    with GraphDouble(clock) as graph:
        register(graph)
        graph.push.routes = {OUTSIDE: hook.url}
        yield graph


@pytest.fixture
def ann(graph: GraphDouble) -> GraphPerson:
    return graph.person(ANN)


@pytest.fixture
def api(graph: GraphDouble, ann: GraphPerson) -> Caller:
    return caller(graph, ann.email)


def wish(clock: Clock, minutes: float = 4200, **changed: Any) -> dict[str, Any]:
    return {
        "changeType": "created,updated,deleted",
        "notificationUrl": f"{OUTSIDE}/hook/notices?a=1",
        "resource": "/me/events",
        "expirationDateTime": stamp(clock.now + minutes * 60),
        "clientState": "secret",
        **changed,
    }


def subscribe(api: Caller, clock: Clock, minutes: float = 4200, **changed: Any) -> dict[str, Any]:
    answer = api("POST", "/subscriptions", wish(clock, minutes, **changed))
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_an_address_is_validated_before_it_is_used(api: Caller, hook: Hook, clock: Clock) -> None:
    made = subscribe(api, clock, lifecycleNotificationUrl=f"{OUTSIDE}/hook/life")  # fact: subscription.shape
    expected = {"id", "resource", "applicationId", "changeType", "clientState", "notificationUrl"}
    assert expected | {"expirationDateTime", "creatorId"} <= made.keys()
    first, second = hook.calls
    assert (first.path, first.body, first.query["a"]) == ("/hook/notices", b"", "1")
    assert second.path == "/hook/life"  # fact: subscription.lifecycle-validated
    assert first.headers["content-type"].startswith("text/plain")
    assert " " in first.query["validationToken"], "it was encoded and must be decoded"
    for wrong in (PlainTextResponse("x"), Response(status_code=500)):
        hook.answers = wrong
        assert code(api("POST", "/subscriptions", wish(clock))) == (400, "InvalidRequest")
    hook.faults.close_before()
    assert code(api("POST", "/subscriptions", wish(clock)))[0] == 400  # fact: subscription.validation
    assert len(api("GET", "/subscriptions").json()["value"]) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"notificationUrl": "http://slotlink.test/hook/a"},  # fact: subscription.https
        {"clientState": "x" * 129},  # fact: subscription.client-state-length
        {"resource": "/me/messages"},  # fact: subscription.resource
        {"resource": "/users/ben@example.com/events"},  # fact: subscription.own-mailbox
        {"changeType": ""},  # fact: subscription.required
        {"expirationDateTime": None},
    ],
    ids=["no https", "long state", "other resource", "other mailbox", "no type", "no end"],
)
def test_wrong_wishes_are_refused(graph: GraphDouble, api: Caller, clock: Clock, wrong: dict[str, Any]) -> None:
    graph.person(BEN)
    answer = api("POST", "/subscriptions", wish(clock, **wrong))
    assert answer.status_code == (403 if "users/ben" in str(wrong) else 400)


def test_a_subscription_lives_4230_minutes_at_most(graph: GraphDouble, api: Caller, clock: Clock) -> None:
    assert api("POST", "/subscriptions", wish(clock, 4231)).status_code == 400  # fact: subscription.longest-400
    made = subscribe(api, clock, 4230)  # fact: subscription.longest
    path = f"/subscriptions/{made['id']}"
    clock.advance(4229 * 60)
    api = caller(graph)
    later = {"expirationDateTime": stamp(clock.now + 600)}
    assert api("PATCH", path, later).json()["expirationDateTime"] == later["expirationDateTime"]
    clock.advance(599)  # fact: subscription.renew
    assert api("GET", path).status_code == 200
    clock.advance(1)  # fact: subscription.expires
    assert code(api("GET", path))[0] == 404
    assert api("PATCH", path, later).status_code == 404
    assert api("GET", "/subscriptions").json()["value"] == []


def test_notices_tell_which_event_and_nothing_of_it(
    graph: GraphDouble, api: Caller, hook: Hook, ann: GraphPerson, clock: Clock
) -> None:
    made = subscribe(api, clock)
    event_id = ann.creates(TEN, ELEVEN, subject="Secret matter")
    ann.changes(event_id, subject="Secret matter 2")
    ann.deletes(event_id)
    assert graph.push.deliver() == [202, 202, 202]
    assert [value["changeType"] for value in hook.values] == ["created", "updated", "deleted"]
    value = hook.values[0]  # fact: notice.shape
    assert value["resourceData"]["id"] == event_id
    assert value["resource"] == f"Users/{ann.id}/Events/{event_id}"
    assert (value["subscriptionId"], value["clientState"]) == (made["id"], "secret")  # fact: notice.client-state
    assert "tenantId" in value
    assert "Secret matter" not in str(hook.values)
    assert api("DELETE", f"/subscriptions/{made['id']}").status_code == 204  # fact: subscription.delete
    ann.creates(TEN, ELEVEN)
    assert graph.push.notices == []


def test_only_what_was_wished_for_is_told(graph: GraphDouble, api: Caller, ann: GraphPerson, clock: Clock) -> None:
    other = ann.makes_calendar("Other")
    subscribe(api, clock, changeType="deleted", resource=f"me/calendars/{other}/events")
    subscribe(api, clock, changeType="created", resource=f"users/{ann.id}/events")
    event_id = ann.creates(TEN, ELEVEN, calendar=other)  # fact: subscription.calendar-resource
    ann.changes(event_id, subject="x")
    ann.deletes(ann.creates(TEN, ELEVEN))
    ann.deletes(event_id)
    assert [one.value["changeType"] for one in graph.push.notices] == ["created", "created", "deleted"]


def test_notices_get_lost_doubled_and_mixed_up(
    graph: GraphDouble, api: Caller, hook: Hook, ann: GraphPerson, clock: Clock
) -> None:
    subscribe(api, clock)
    graph.push.lost, graph.push.doubled = 1, 1
    events = [ann.creates(TEN, ELEVEN) for _ in range(4)]
    expected = [events[1], events[1], events[2], events[3]]
    assert [one.value["resourceData"]["id"] for one in graph.push.notices] == expected  # fact: notice.doubled
    graph.push.shuffled = 3
    graph.push.deliver()
    seen = [value["resourceData"]["id"] for value in hook.values]
    assert (sorted(seen), seen != expected) == (sorted(expected), True)  # fact: notice.order


def test_one_post_may_bring_many(graph: GraphDouble, api: Caller, hook: Hook, ann: GraphPerson, clock: Clock) -> None:
    subscribe(api, clock)
    ann.deletes(ann.creates(TEN, ELEVEN))
    graph.push.together = True
    assert graph.push.deliver() == [202]  # fact: notice.collection
    assert len(hook.values) == 2


def test_what_is_not_taken_is_sent_again_for_four_hours(
    graph: GraphDouble, api: Caller, hook: Hook, ann: GraphPerson, clock: Clock
) -> None:
    subscribe(api, clock)
    ann.creates(TEN, ELEVEN)
    hook.status = 503
    assert graph.push.deliver() == [503]
    clock.advance(4 * 3600 - 1)
    assert graph.push.deliver() == [503]
    clock.advance(1)
    assert graph.push.deliver() == [503]
    assert graph.push.deliver() == []  # fact: notice.retry


def test_immutable_ids_in_notices(graph: GraphDouble, api: Caller, ann: GraphPerson, clock: Clock) -> None:
    answer = api("POST", "/subscriptions", wish(clock), headers=IMMUTABLE)
    assert answer.status_code == 201
    event_id = ann.creates(TEN, ELEVEN)
    lasting = api.get(event_id, headers=IMMUTABLE)["id"]
    [notice] = graph.push.notices
    assert notice.value["resourceData"]["id"] == lasting != event_id  # fact: notice.immutable


def test_lifecycle_notices(graph: GraphDouble, api: Caller, hook: Hook, ann: GraphPerson, clock: Clock) -> None:
    plain = subscribe(api, clock)["id"]
    graph.push.lifecycle(plain, "missed")
    assert graph.push.notices == []  # fact: lifecycle.url-needed
    api("DELETE", f"/subscriptions/{plain}")
    made = subscribe(api, clock, lifecycleNotificationUrl=f"{OUTSIDE}/hook/life")["id"]
    graph.push.lifecycle(made, "reauthorizationRequired")
    ann.creates(TEN, ELEVEN)
    [notice] = graph.push.notices
    assert isinstance(notice, Notice)
    assert notice.value.keys() == {
        "subscriptionId",
        "subscriptionExpirationDateTime",
        "tenantId",
        "clientState",
        "lifecycleEvent",
    }  # fact: lifecycle.shape
    assert graph.push.deliver() == [202]
    assert (hook.calls[-1].path, hook.values[-1]["lifecycleEvent"]) == ("/hook/life", "reauthorizationRequired")
    before = api("GET", f"/subscriptions/{made}").json()["expirationDateTime"]
    assert api("POST", f"/subscriptions/{made}/reauthorize").status_code == 204
    assert api("GET", f"/subscriptions/{made}").json()["expirationDateTime"] == before  # fact: subscription.reauthorize
    ann.creates(TEN, ELEVEN)
    assert len(graph.push.notices) == 1  # fact: lifecycle.reauthorization
    graph.push.lifecycle(made, "subscriptionRemoved")
    assert code(api("GET", f"/subscriptions/{made}"))[0] == 404  # fact: lifecycle.removed
