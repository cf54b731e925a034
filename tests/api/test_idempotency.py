"""`Idempotency-Key`: sent again, a request that creates gets the same answer, and nothing is made twice."""

from __future__ import annotations

import json
import uuid
from collections.abc import Generator
from typing import Any

import pytest

from slotlink.store import applications, tables
from tests.api.asking import bearer, faults, wire
from tests.api.repeating import LINKS, center_on, counted, create, keyed, same
from tests.center import DAY, START, Center, Json, Person


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Center]:
    """One center of each engine for all of these tests: every one has keys of its own."""
    with center_on(request, tmp_path_factory.mktemp("idempotency")) as center:
        yield center


@pytest.fixture
def center(shared: Center) -> Center:
    shared.clock.now = START
    return shared


@pytest.fixture
def maya(center: Center) -> Person:
    return center.person(f"maya-{uuid.uuid4()}")


# The same again


def test_every_call_that_makes_something_answers_a_repetition_as_it_did(center: Center, maya: Person) -> None:
    credentials = {"client_id": center.client_id, "client_secret": center.client_secret}
    events = f"/v1/calendars/{maya.calendar_id}/events"
    calls: dict[str, tuple[str, Json, dict[str, str]]] = {
        LINKS: (LINKS, center.link_request(maya), center.key),
        "/v1/application_calendars": (
            "/v1/application_calendars",
            {**credentials, "application_calendar_id": "new"},
            {},
        ),
        "/v1/calendars": ("/v1/calendars", {"profile_id": maya.profile_id, "name": "Interviews"}, maya.key),
        "/v1/calendars/{calendar_id}/events": (
            events,
            {"event_id": "e", "summary": "S", "start": wire(0), "end": wire(1)},
            maya.key,
        ),
        "/v1/availability_rules": (
            "/v1/availability_rules",
            {"availability_rule_id": "r", "tzid": "Etc/UTC", "weekly_periods": []},
            maya.key,
        ),
        "/v1/available_periods": (
            "/v1/available_periods",
            {"available_period_id": "p", "start": wire(0), "end": wire(1)},
            maya.key,
        ),
        "/v1/channels": ("/v1/channels", {"callback_url": "https://application.test/changes"}, maya.key),
    }
    documented = {
        path
        for path, methods in center.http.get("/openapi.json").json()["paths"].items()
        if "Idempotency-Key" in {parameter["name"] for parameter in methods.get("post", {}).get("parameters", ())}
    }
    assert documented == calls.keys()
    given = [(url, body, keyed(key)) for url, body, key in calls.values()]
    firsts = [center.http.post(url, json=body, headers=headers) for url, body, headers in given]
    assert {first.status_code for first in firsts} == {200, 202}
    rows = counted(center, tables.links, tables.tokens, tables.calendars, tables.events)
    for first, (url, body, headers) in zip(firsts, given, strict=True):
        assert same(first, center.http.post(url, json=body, headers=headers)), url
    assert counted(center, tables.links, tables.tokens, tables.calendars, tables.events) == rows


def test_without_a_key_nothing_is_kept_and_everything_is_made_anew(center: Center, maya: Person) -> None:
    kept = counted(center, tables.idempotency_keys)
    assert center.create_link(maya).link_id != center.create_link(maya).link_id
    assert counted(center, tables.idempotency_keys) == kept


def test_a_repetition_does_not_depend_on_what_has_changed_since(center: Center, maya: Person) -> None:
    """The event's calendar is gone, the link was booked: what was answered is answered."""
    headers, of_link = keyed(maya.key), keyed(center.key)
    url, body = f"/v1/calendars/{maya.calendar_id}/events", {"event_id": "e", "summary": "S", "start": wire(4)}
    written = center.http.post(url, json={**body, "end": wire(5)}, headers=headers)
    request = center.link_request(maya)
    made = create(center, request, of_link)

    async def delete_calendar(deps: Any) -> None:
        async with deps.database.transaction() as connection:
            gone = tables.calendars.update().values(deleted=True)
            await connection.execute(gone.where(tables.calendars.c.calendar_id == maya.calendar_id))

    center.run(delete_calendar)
    assert create(center, request, center.key).status_code == 422
    assert same(written, center.http.post(url, json={**body, "end": wire(5)}, headers=headers))
    assert same(made, create(center, request, of_link))


def test_the_order_of_members_and_the_credential_make_no_other_request(center: Center, maya: Person) -> None:
    headers, body = keyed(center.key), center.link_request(maya)
    first = create(center, body, headers)

    async def rotate(deps: Any) -> str:
        async with deps.database.transaction() as connection:
            return await applications.rotate_secret(connection, deps.vault, center.client_id, int(center.clock()))

    turned = dict(reversed(body.items()))
    assert list(turned) != list(body)
    assert same(first, create(center, turned, headers))
    assert same(first, create(center, {**body, "return_url": None}, headers)), "null is the same as absent"
    in_body = {"client_id": center.client_id, "client_secret": center.run(rotate)}
    assert same(first, create(center, {**body, **in_body}, {"Idempotency-Key": headers["Idempotency-Key"]}))


def test_whatever_could_be_read_is_compared(center: Center, maya: Person) -> None:
    """JSON holds more than most encoders write: halves of surrogate pairs, numbers without end."""
    headers, body = keyed(center.key), json.dumps(center.link_request(maya))[:-1].encode()

    def post(more: bytes) -> Any:
        return center.http.post(LINKS, content=body + more, headers=headers)

    odd = b', "unknown": ["\\ud800", %s]}' % (b"9" * 900)
    first = post(odd)
    assert first.status_code == 200
    assert same(first, post(odd))
    assert faults(post(odd.replace(b"ud800", b"ud801"))) == {"Idempotency-Key": ["errors.already_used"]}


def test_an_answer_is_kept_for_24_hours(center: Center, maya: Person) -> None:
    headers, body = keyed(center.key), center.link_request(maya)
    first = create(center, body, headers)
    center.clock.now += DAY - 1
    assert same(first, create(center, body, headers))
    center.clock.now += 1
    anew = create(center, body, headers)
    assert anew.status_code == 200 and anew.json()["url"] != first.json()["url"]
    assert same(anew, create(center, body, headers))


# Another request


def test_a_key_of_another_request_is_refused(center: Center, maya: Person) -> None:
    headers, body = keyed(center.key), center.link_request(maya)
    create(center, body, headers)
    before = counted(center)
    refused = {"Idempotency-Key": ["errors.already_used"]}
    assert faults(create(center, {**body, "tzid": "Europe/Paris"}, headers)) == refused
    jonas = center.person("jonas")
    name = {"Idempotency-Key": headers["Idempotency-Key"]}
    rule = {"availability_rule_id": "r", "tzid": "Etc/UTC", "weekly_periods": []}
    assert faults(center.http.post("/v1/availability_rules", json=rule, headers=jonas.key | name)) == refused
    # The same members for another account, and for another calendar.
    of_maya = keyed(maya.key)
    assert center.http.post("/v1/availability_rules", json=rule, headers=of_maya).status_code == 200
    theirs = {**jonas.key, "Idempotency-Key": of_maya["Idempotency-Key"]}
    assert faults(center.http.post("/v1/availability_rules", json=rule, headers=theirs)) == refused
    more = center.http.post("/v1/calendars", json={"profile_id": maya.profile_id, "name": "More"}, headers=maya.key)
    event = {"event_id": "e", "summary": "S", "start": wire(0), "end": wire(1)}
    of_maya = keyed(maya.key)
    for calendar_id, ours in ((maya.calendar_id, True), (more.json()["calendar"]["calendar_id"], False)):
        written = center.http.post(f"/v1/calendars/{calendar_id}/events", json=event, headers=of_maya)
        assert written.status_code == 202 if ours else faults(written) == refused
    assert counted(center) == before


def test_another_application_has_keys_of_its_own(center: Center, maya: Person) -> None:
    client_id, client_secret = center.new_application("Initech")
    stranger = center.person("stranger", credentials=(client_id, client_secret))
    ours = keyed(center.key)
    theirs = {**bearer(client_secret), "Idempotency-Key": ours["Idempotency-Key"]}
    first = create(center, center.link_request(maya), ours)
    other = create(center, center.link_request(stranger), theirs)
    assert other.status_code == 200 and other.json()["url"] != first.json()["url"]
    assert same(other, create(center, center.link_request(stranger), theirs))
    assert same(first, create(center, center.link_request(maya), ours))


# What keeps nothing


def test_a_refused_request_keeps_nothing_and_may_be_put_right(center: Center, maya: Person) -> None:
    kept = counted(center, tables.idempotency_keys)
    headers, body = keyed(center.key), center.link_request(maya)
    wrong = {**body, "target_calendars": [{"sub": maya.sub, "calendar_id": "cal_unknown"}]}
    assert "target_calendars[0].calendar_id" in faults(create(center, wrong, headers))
    assert "event" in faults(create(center, {**body, "event": None}, headers))
    assert center.http.post(LINKS, content=b"{", headers=headers).status_code == 400
    assert create(center, body, keyed(maya.key)).status_code == 403
    event = {"event_id": "e", "summary": "S", "start": wire(0), "end": wire(1)}
    assert center.http.post("/v1/calendars/cal_no/events", json=event, headers=keyed(maya.key)).status_code == 404
    assert counted(center, tables.idempotency_keys) == kept
    first = create(center, body, headers)
    assert first.status_code == 200 and "idempotent-replayed" not in first.headers
    assert same(first, create(center, body, headers))


@pytest.mark.parametrize("name", ["", "x" * 256, "tab\tin it", "\xe9"])
def test_a_key_of_another_form_is_refused(center: Center, maya: Person, name: str) -> None:
    given: list[tuple[str, Any]] = [("Idempotency-Key", name.encode("latin-1")), *center.key.items()]
    answer = center.http.post(LINKS, json=center.link_request(maya), headers=given)
    assert faults(answer) == {"Idempotency-Key": ["errors.invalid_format"]}
    unknown = center.http.post(LINKS, json={}, headers=[given[0], *bearer("unknown").items()])
    assert (unknown.status_code, unknown.content) == (401, b"")


def test_a_key_may_have_255_characters_and_is_given_once(center: Center, maya: Person) -> None:
    body, name = center.link_request(maya), f"{uuid.uuid4()} ~!{'x' * 300}"[:255]
    assert same(create(center, body, keyed(center.key, name)), create(center, body, keyed(center.key, name)))
    twice = [("Idempotency-Key", name), ("Idempotency-Key", name), *center.key.items()]
    assert faults(center.http.post(LINKS, json=body, headers=twice)) == {"Idempotency-Key": ["errors.invalid_format"]}


def test_calls_that_make_nothing_ignore_the_header(center: Center, maya: Person) -> None:
    kept, link = counted(center, tables.idempotency_keys), center.create_link(maya)
    calls = [
        ("GET", f"{LINKS}/{link.link_id}", None, center.key),
        ("POST", "/v1/availability", center.query(maya), center.key),
        ("POST", f"{LINKS}/{link.link_id}/disable", {"display_message": "one"}, center.key),
        ("POST", f"{LINKS}/{link.link_id}/disable", {"display_message": "two"}, center.key),
        ("GET", "/v1/calendars", None, maya.key),
        (
            "POST",
            "/oauth/token",
            {
                "client_id": center.client_id,
                "client_secret": center.client_secret,
                "grant_type": "refresh_token",
                "refresh_token": maya.refresh_token,
            },
            {},
        ),
    ]
    for name in ("same", "x" * 300):
        for method, url, body, key in calls:
            answer = center.http.request(method, url, json=body, headers=keyed(key, name))
            assert answer.status_code == 200 and "idempotent-replayed" not in answer.headers, url
    assert counted(center, tables.idempotency_keys) == kept
