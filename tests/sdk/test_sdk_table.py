"""The table of behaviours that the server must tolerate (`scheduling.md` section 2), row by row.

A row about an endpoint that is built is a test whose name is the row's demand. A row about one that is not stands in
`WAITING` with the issue that brings it; until then its path answers 404.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from typing import Any

import pytest

from slotlink.domain.callback import signature_headers
from slotlink.domain.event import wire_time
from slotlink.store import applications
from slotlink.store.tables import outbox
from slotlink.web import api_calendars, api_rules
from tests.center import DAY, HOUR, START, Center, CreatedLink, Person
from tests.sdk import csharp
from tests.sdk.site import Answer, Json

TOMORROW = START + DAY
RULE = {
    "availability_rule_id": "default",
    "tzid": "Europe/London",
    "weekly_periods": [{"day": "monday", "start_time": "09:30", "end_time": "24:00"}],
}
JSON = {"Content-Type": "application/json; charset=utf-8"}
CONTENT_ENCODING = {"Content-Encoding": "gzip;q=1.0,deflate;q=0.6,identity;q=0.3"}

NO_ISSUE_YET = "a later issue that is not written yet"
WAITING = (
    # client, what the row says, method, path, who brings it
    ("csharp", "availablity, misspelt, is an alias", "POST", "/v1/real_time_sequencing", NO_ISSUE_YET),
    ("csharp", "sequencing answers a top-level url", "POST", "/v1/real_time_sequencing", NO_ISSUE_YET),
    ("csharp", "add to calendar answers a top-level url", "POST", "/v1/add_to_calendar", NO_ISSUE_YET),
    ("node", "bearer_token in a bookable event is ignored", "POST", "/v1/bookable_events", NO_ISSUE_YET),
    ("node", "bearer_token in a query is ignored", "GET", "/v1/bookable_events/x?bearer_token=x", NO_ISSUE_YET),
    ("elements", "a browser asks before it calls", "OPTIONS", "/v1/element_tokens", NO_ISSUE_YET),
    ("elements", "an element token is granted", "POST", "/v1/element_tokens", NO_ISSUE_YET),
)  # fmt: skip


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Generator[Center]:
    """One data center for the whole table: each test opens a person of its own, and puts the clock back."""
    with Center(tmp_path_factory.mktemp("table")) as center:
        yield center


@pytest.fixture(autouse=True)
def clock_put_back(center: Center) -> Generator[None]:
    yield
    center.clock.now = START


@pytest.fixture
def maya(center: Center, request: pytest.FixtureRequest) -> Person:
    return center.person(request.node.name)


def spaced(instant: int) -> str:
    return wire_time(instant).replace("T", " ")


def hours(first: int, last: int) -> list[Json]:
    return [{"start": wire_time(TOMORROW + first * HOUR), "end": wire_time(TOMORROW + last * HOUR)}]


def seen_by_csharp(answer: Any) -> Answer:
    return Answer(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.content)


def ask(center: Center, query: Json, **headers: str) -> Json:
    answer = center.http.post("/v1/availability", json=query, headers={**center.key, **headers})
    assert answer.status_code == 200, answer.text
    return answer.json()


def ask_sequence(center: Center, *items: Json) -> Json:
    body = {"sequence": list(items), "available_periods": hours(0, 2)}
    answer = center.http.post("/v1/sequenced_availability", json=body, headers=center.key)
    assert answer.status_code == 200, answer.text
    return answer.json()


# csharp


def test_times_in_requests_may_have_a_space_for_the_t(center: Center, maya: Person) -> None:
    period = {"start": spaced(TOMORROW), "end": spaced(TOMORROW + 2 * HOUR)}
    assert ask(center, center.query(maya, query_periods=[period])) == ask(
        center, center.query(maya, query_periods=hours(0, 2))
    )
    start, end = ({"time": spaced(TOMORROW + hour * HOUR), "tzid": "Etc/UTC"} for hour in (1, 2))
    body = {"event_id": "e", "summary": "e", "start": start, "end": end}
    written = center.http.post(f"/v1/calendars/{maya.calendar_id}/events", json=body, headers=maya.key)
    assert written.status_code == 202
    assert [event["start"] for event in maya.events()] == [wire_time(TOMORROW + HOUR)]
    left = ask(center, center.query(maya, available_periods=[period], query_periods=None))
    assert [found["end"] for found in left["available_periods"]] == [wire_time(TOMORROW + HOUR)]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/v1/real_time_scheduling", 200),
        ("GET", "/v1/real_time_scheduling/{link_id}", 200),
        ("GET", "/v1/real_time_scheduling?token={token}", 200),
        ("POST", "/v1/real_time_scheduling/{link_id}/disable", 200),
        ("POST", "/v1/availability", 200),
        ("POST", "/v1/application_calendars", 200),
        ("POST", "/oauth/token", 200),
        ("POST", "/oauth/token/revoke", 200),
        ("GET", "/v1/account", 200),
        ("GET", "/v1/userinfo", 200),
        ("GET", "/v1/calendars", 200),
        ("POST", "/v1/calendars", 200),
        ("POST", "/v1/calendars/{calendar_id}/events", 202),
        ("DELETE", "/v1/calendars/{calendar_id}/events", 202),
        ("GET", "/v1/events?tzid=Etc%2FUTC", 200),
        ("DELETE", "/v1/events", 202),
        ("GET", "/v1/free_busy?tzid=Etc%2FUTC", 200),
        ("POST", "/v1/availability_rules", 200),
        ("POST", "/v1/available_periods", 202),
        ("DELETE", "/v1/available_periods", 202),
    ],
)
def test_a_content_encoding_header_on_plain_json_is_ignored(
    center: Center, maya: Person, method: str, path: str, expected: int
) -> None:
    answer = call_everything(center, maya, method, path, **CONTENT_ENCODING)
    assert answer.status_code == expected, answer.text


def call_everything(center: Center, person: Person, method: str, path: str, **headers: str) -> Any:
    """A valid call of any endpoint, with the credential that it takes."""
    credentials = {"client_id": center.client_id, "client_secret": center.client_secret}
    bodies: dict[tuple[str, str], Json] = {
        ("POST", "/v1/real_time_scheduling"): center.link_request(person),
        ("POST", "/v1/real_time_scheduling/{link_id}/disable"): {"display_message": "no"},
        ("POST", "/v1/availability"): center.query(person),
        ("POST", "/v1/application_calendars"): {**credentials, "application_calendar_id": "somebody"},
        ("POST", "/oauth/token"): {
            **credentials,
            "grant_type": "refresh_token",
            "refresh_token": person.refresh_token,
        },
        ("POST", "/oauth/token/revoke"): {**credentials, "token": "nobody"},
        ("POST", "/v1/calendars"): {"profile_id": person.profile_id, "name": "Second"},
        ("POST", "/v1/calendars/{calendar_id}/events"): {
            "event_id": "e",
            "summary": "e",
            "start": wire_time(TOMORROW),
            "end": wire_time(TOMORROW + HOUR),
        },
        ("DELETE", "/v1/calendars/{calendar_id}/events"): {"event_id": "e"},
        ("DELETE", "/v1/events"): {"delete_all": True},
        ("POST", "/v1/availability_rules"): RULE,
        ("POST", "/v1/available_periods"): {
            "available_period_id": "p",
            "start": wire_time(TOMORROW),
            "end": wire_time(TOMORROW + HOUR),
        },
        ("DELETE", "/v1/available_periods"): {"available_period_id": "p"},
        ("DELETE", "/v1/available_periods/"): {"available_period_id": "p"},
    }
    by_key = "real_time_scheduling" in path or path == "/v1/availability"
    link = center.create_link(person)
    return center.http.request(
        method,
        path.format(link_id=link.link_id, token=link.token, calendar_id=person.calendar_id),
        content=json.dumps(bodies.get((method, path), {})).encode(),
        headers={**JSON, **(center.key if by_key else person.key), **headers},
    )


def test_a_group_without_required_needs_all_its_members(center: Center, maya: Person) -> None:
    jonas = center.person("required-jonas")
    jonas.event("busy-required", TOMORROW, TOMORROW + 2 * HOUR)
    group = {"members": [{"sub": maya.sub}, {"sub": jonas.sub}]}
    found = ask(center, center.query(participants=[group], query_periods=hours(0, 4)))
    assert [period["start"] for period in found["available_periods"]] == [wire_time(TOMORROW + 2 * HOUR)]
    assert found == ask(center, center.query(participants=[{**group, "required": "all"}], query_periods=hours(0, 4)))
    assert found != ask(center, center.query(participants=[{**group, "required": 1}], query_periods=hours(0, 4)))


def test_a_buffer_may_have_a_minimum_and_no_maximum(center: Center, maya: Person) -> None:
    maya.event("busy", TOMORROW + 2 * HOUR, TOMORROW + 3 * HOUR)
    buffer = {"before": {"minimum": {"minutes": 30}}}
    found = ask(center, center.query(maya, query_periods=hours(0, 6), buffer=buffer))
    assert [period["start"] for period in found["available_periods"]] == [
        wire_time(TOMORROW),
        wire_time(TOMORROW + 3 * HOUR + 1800),
    ]


def test_an_empty_list_in_a_sequence_item_is_absent(center: Center, maya: Person) -> None:
    item = {
        "sequence_id": "1",
        "participants": [{"members": [{"sub": maya.sub}]}],
        "required_duration": {"minutes": 60},
    }
    found = [
        ask_sequence(center, {**item, **more})
        for more in ({}, {"available_periods": []}, {"query_periods": [], "available_periods": []})
    ]
    assert found[0]["sequences"] and found[0] == found[1] == found[2]


def test_periods_are_the_format_of_a_query_that_names_none(center: Center, maya: Person) -> None:
    assert ask(center, center.query(maya)) == ask(center, center.query(maya, response_format="periods"))
    assert list(ask(center, center.query(maya))) == ["available_periods"]


def test_no_answer_has_a_null_or_a_fraction_of_a_second(center: Center, maya: Person) -> None:
    maya.event("e", TOMORROW, TOMORROW + HOUR)
    center.clock.now = START + 0.123456
    link = center.create_link(maya)
    link.choose(link.page().slots[0])
    bare = center.create_link(maya, target_calendars=[], selection_mode=None, event={"event_id": "e", "summary": "e"})
    answers = [
        center.http.get(f"/v1/real_time_scheduling/{link.link_id}", headers=center.key),
        center.http.get(f"/v1/real_time_scheduling/{bare.link_id}", headers=center.key),
        center.http.post("/v1/availability", json=center.query(maya), headers=center.key),
        *(
            center.http.get(path, headers=maya.key)
            for path in (
                "/v1/account",
                "/v1/userinfo",
                "/v1/profiles",
                "/v1/calendars",
                "/v1/events?tzid=Etc/UTC&include_managed=true&include_deleted=true&localized_times=true",
                "/v1/free_busy?tzid=Etc/UTC&include_managed=true&include_ids=true",
            )
        ),
    ]
    for answer in answers:
        csharp.read(seen_by_csharp(answer))
        assert not re.search(r"\d\d:\d\d:\d\d\.", answer.text)


def test_create_status_and_disable_have_a_status_and_an_event(center: Center, maya: Person) -> None:
    created = center.http.post("/v1/real_time_scheduling", json=center.link_request(maya), headers=center.key)
    link = csharp.read_link(seen_by_csharp(created))
    path = f"/v1/real_time_scheduling/{link['real_time_scheduling_id']}"
    assert csharp.read_link(seen_by_csharp(center.http.get(path, headers=center.key))) == link
    disabled = center.http.post(f"{path}/disable", json={"display_message": "no"}, headers=center.key)
    assert csharp.read_link(seen_by_csharp(disabled)) == {**link, "status": "disabled"}


def test_expired_is_sent_although_csharp_has_no_word_for_it(center: Center, maya: Person) -> None:
    link = center.create_link(maya)
    center.clock.now = TOMORROW + 8 * HOUR
    assert link.status()["status"] == "expired"


@pytest.mark.parametrize(
    "attendees", [{"invite": []}, {"invite": [], "remove": []}, {"invite": [], "reject": []}, [], {}, None]
)
def test_the_upsert_form_of_attendees_is_not_echoed(center: Center, maya: Person, attendees: Any) -> None:
    event = {"event_id": "e", "summary": "e", "attendees": attendees}
    link = center.create_link(maya, event=event)
    link.choose(link.page().slots[0])
    assert "attendees" not in link.created["real_time_scheduling"]["event"]
    assert "attendees" not in link.status()["event"]
    assert [found["attendees"] for found in maya.events()] == [[]], "an array where events are listed"


def test_an_event_has_members_of_the_types_that_csharp_reads(center: Center, maya: Person) -> None:
    event = {
        "event_id": "e",
        "summary": "e",
        "location": {"description": "Board room", "lat": "1.2"},
        "conferencing": {"profile_id": "explicit", "join_url": "https://meet.example/1"},
    }
    link = center.create_link(maya, event=event)
    link.choose(link.page().slots[0])
    completed = csharp.read_event(link.status()["event"])
    assert completed["event_private"] is False and completed["start"].keys() == {"time", "tzid"}
    [listed] = maya.events()
    csharp.read_event(listed)
    assert {type(listed[name]) for name in ("event_private", "deleted", "recurring")} == {bool}


def test_create_answers_a_top_level_url(center: Center, maya: Person) -> None:
    created = center.create_link(maya).created
    assert created["url"] == created["real_time_scheduling"]["url"]


def test_status_is_asked_for_by_a_token_in_the_query_string(center: Center, maya: Person) -> None:
    link = center.create_link(maya)
    answer = center.http.get("/v1/real_time_scheduling", params={"token": link.token}, headers=center.key)
    assert answer.json()["real_time_scheduling"] == link.status()


# python


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/real_time_scheduling/{link_id}"),
        ("GET", "/v1/real_time_scheduling?token={token}"),
        ("GET", "/v1/account"),
        ("GET", "/v1/userinfo"),
        ("GET", "/v1/profiles"),
        ("GET", "/v1/calendars"),
        ("GET", "/v1/events?tzid=Etc%2FUTC"),
        ("GET", "/v1/free_busy?tzid=Etc%2FUTC"),
        ("GET", "/v1/availability_rules"),
        ("GET", "/v1/available_periods"),
        ("DELETE", "/v1/events?delete_all=True"),
        ("DELETE", "/v1/events?calendar_ids%5B%5D={calendar_id}"),
    ],
)
def test_an_empty_object_with_get_and_delete_is_ignored(center: Center, maya: Person, method: str, path: str) -> None:
    answer = call_everything(center, maya, method, path)
    assert answer.request.content == b"{}"
    assert answer.status_code == (200 if method == "GET" else 202), answer.text


@pytest.mark.parametrize(
    ("response_format", "key"),
    [
        (None, "available_periods"),
        ("periods", "available_periods"),
        ("slots", "available_slots"),
        ("overlapping_slots", "available_slots"),
    ],
)
@pytest.mark.parametrize("asked", ["periods", "slots"])
def test_an_empty_result_still_has_its_key(
    center: Center, maya: Person, asked: str, response_format: str | None, key: str
) -> None:
    maya.event("busy", TOMORROW - DAY, TOMORROW + 2 * DAY)
    slots = {"query_slots": [{"start": wire_time(TOMORROW)}], "query_periods": None} if asked == "slots" else {}
    assert ask(center, center.query(maya, response_format=response_format, **slots)) == {key: []}


@pytest.mark.parametrize("buffer", [{}, {"before": {}, "after": {}}, {"before": None}, None])
def test_an_empty_buffer_and_a_null_interval_are_as_if_absent(
    center: Center, maya: Person, buffer: Json | None
) -> None:
    maya.event("busy", TOMORROW + HOUR, TOMORROW + 2 * HOUR)
    availability = {**center.query(maya), "buffer": buffer, "start_interval": None}
    plain, needless = center.create_link(maya), center.create_link(maya, availability=availability)
    assert needless.page().slots == plain.page().slots != []


def test_available_periods_are_query_periods_by_an_older_name(center: Center, maya: Person) -> None:
    older = center.query(maya, query_periods=None, available_periods=hours(0, 2))
    assert ask(center, older) == ask(center, center.query(maya, query_periods=hours(0, 2)))
    assert (
        center.create_link(maya, availability=older).page().slots
        == center.create_link(maya, availability=center.query(maya, query_periods=hours(0, 2))).page().slots
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/real_time_scheduling"),
        ("POST", "/v1/real_time_scheduling/{link_id}/disable"),
        ("POST", "/v1/availability"),
        ("POST", "/v1/application_calendars"),
        ("POST", "/v1/calendars"),
        ("POST", "/v1/calendars/{calendar_id}/events"),
        ("DELETE", "/v1/calendars/{calendar_id}/events"),
        ("DELETE", "/v1/events"),
        ("POST", "/v1/availability_rules"),
        ("POST", "/v1/available_periods"),
        ("DELETE", "/v1/available_periods"),
        ("POST", "/oauth/token"),
        ("POST", "/oauth/token/revoke"),
    ],
)
def test_success_is_200_with_a_body_or_202_without(center: Center, maya: Person, method: str, path: str) -> None:
    answer = call_everything(center, maya, method, path)
    if path == "/oauth/token/revoke":
        assert (answer.status_code, answer.content) == (200, b""), "the one 200 without"
    elif answer.status_code == 200:
        assert isinstance(answer.json(), dict)
    else:
        assert (answer.status_code, answer.content) == (202, b"")


def test_digests_are_joined_by_a_bare_comma(center: Center) -> None:
    client_id, old = center.new_application("Rotating")

    async def rotate(deps: Any) -> list[str]:
        async with deps.database.transaction() as connection:
            await applications.rotate_secret(connection, deps.vault, client_id, START)
            return await applications.active_secrets(connection, deps.vault, client_id)

    secrets = center.run(rotate)
    assert old in secrets and len(secrets) == 2
    header = signature_headers(b"{}", "msg_1", secrets, START)["Cronofy-HMAC-SHA256"]
    assert re.fullmatch(r"[A-Za-z0-9+/]{43}=,[A-Za-z0-9+/]{43}=", header)


# ruby


@pytest.mark.parametrize(
    "members",
    [
        {"query_periods": hours(0, 1)},
        {"available_periods": hours(0, 1)},
        {"query_slots": [{"start": wire_time(TOMORROW)}]},
    ],
)
def test_a_link_takes_either_name_of_its_periods_and_query_slots(center: Center, maya: Person, members: Json) -> None:
    link = center.create_link(maya, availability=center.query(maya, **{"query_periods": None, **members}))
    assert link.page().slots == [wire_time(TOMORROW)]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (400, "Bad Request"),
        (401, "Unauthorized"),
        (403, "Forbidden"),
        (404, "Not Found"),
        (422, "Unprocessable"),
    ],
)
def test_an_error_has_its_own_code_and_names_it_in_a_status_header(
    center: Center, maya: Person, code: int, text: str
) -> None:
    post, key = center.http.post, center.key
    answer = {
        400: lambda: post("/v1/real_time_scheduling", content=b"{", headers=key),
        401: lambda: post("/v1/real_time_scheduling", json={}, headers={"Authorization": "Bearer nobody"}),
        403: lambda: post("/v1/real_time_scheduling", json={}, headers=maya.key),
        404: lambda: post("/v1/real_time_scheduling/sch_x/disable", json={"display_message": "x"}, headers=key),
        422: lambda: post("/v1/real_time_scheduling", json={}, headers=key),
    }[code]()
    assert answer.status_code == code
    assert answer.headers["status"].startswith(f"{code} {text}")


def test_a_422_lists_its_errors_by_member(center: Center) -> None:
    errors = center.http.post("/v1/real_time_scheduling", json={}, headers=center.key).json()["errors"]
    assert {path: [error["key"] for error in found] for path, found in errors.items()} == {
        "oauth": ["errors.required"],
        "event": ["errors.required"],
        "availability": ["errors.required"],
    }


def test_a_sequence_id_comes_back_with_its_json_type(center: Center, maya: Person) -> None:
    item = {"participants": [{"members": [{"sub": maya.sub}]}], "required_duration": {"minutes": 60}}
    steps = ask_sequence(
        center, {**item, "sequence_id": 1234, "ordinal": 1}, {**item, "sequence_id": "1234", "ordinal": 2}
    )["sequences"][0]["sequence"]
    assert [step["sequence_id"] for step in steps] == [1234, "1234"]


# node


@pytest.mark.parametrize("member", ["access_token", "bearer_token"])
def test_credentials_in_a_links_body_that_mean_nothing_are_ignored(center: Center, maya: Person, member: str) -> None:
    body = {**center.link_request(maya), member: maya.access_token}
    created = center.http.post("/v1/real_time_scheduling", json=body, headers=center.key)
    assert created.status_code == 200
    assert maya.access_token not in created.text


def test_a_query_may_carry_a_bearer_token_that_means_nothing(center: Center, maya: Person) -> None:
    answer = center.http.get("/v1/calendars?bearer_token=nobody&access_token=nobody", headers=maya.key)
    assert answer.status_code == 200
    assert center.http.get(f"/v1/calendars?bearer_token={maya.access_token}").status_code == 401


@pytest.mark.parametrize("brackets", ["[]", "%5B%5D", "%5b%5d"])
def test_arrays_in_a_query_string_are_repeated_keys_with_brackets(center: Center, maya: Person, brackets: str) -> None:
    made = center.http.post(
        "/v1/calendars", json={"profile_id": maya.profile_id, "name": "Second"}, headers=maya.key
    ).json()["calendar"]
    for number, calendar_id in enumerate((maya.calendar_id, made["calendar_id"])):
        body = {
            "event_id": f"e{number}",
            "summary": "e",
            "start": wire_time(TOMORROW + number * HOUR),
            "end": wire_time(TOMORROW + (number + 1) * HOUR),
        }
        center.http.post(f"/v1/calendars/{calendar_id}/events", json=body, headers=maya.key)
    first, second = (f"calendar_ids{brackets}={calendar_id}" for calendar_id in (maya.calendar_id, made["calendar_id"]))

    def listed(*asked: str) -> list[str]:
        path = "/v1/events?" + "&".join(["tzid=Etc%2FUTC", "include_managed=true", *asked])
        return [event["event_id"] for event in center.http.get(path, headers=maya.key).json()["events"]]

    assert listed(first) == ["e0"]
    assert listed(second) == ["e1"]
    assert listed(first, second) == ["e0", "e1"]


@pytest.mark.parametrize("items", ["events", "free_busy", "available_periods"])
def test_next_page_is_absolute_whatever_the_host_header_says(
    center: Center, maya: Person, items: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (api_calendars, api_rules):
        monkeypatch.setattr(module, "PAGE_SIZE", 2)
    for number in range(3):
        start, end = TOMORROW + number * HOUR, TOMORROW + (number + 1) * HOUR
        maya.event(f"e{number}", start, end)
        period = {"available_period_id": f"p{number}", "start": wire_time(start), "end": wire_time(end)}
        assert center.http.post("/v1/available_periods", json=period, headers=maya.key).status_code == 202
    path = f"/v1/{items}?tzid=Etc%2FUTC&include_managed=true"
    pages = center.http.get(path, headers={**maya.key, "Host": "evil.example"}).json()["pages"]
    assert pages["next_page"].startswith(f"https://api.test/v1/{items}/pages/")
    following = center.http.get(pages["next_page"], headers=maya.key).json()
    assert following["pages"] == {"current": 2, "total": 2} and len(following[items]) == 1


# php


@pytest.mark.parametrize(
    ("tzid", "effective"), [("Asia/Tokyo", "Asia/Tokyo"), (None, "Etc/UTC")], ids=["named", "null"]
)
def test_the_zone_at_the_top_serves_an_event_without_one(
    center: Center, maya: Person, tzid: str | None, effective: str
) -> None:
    body = {**center.link_request(maya, event={"event_id": "e", "summary": "e"}), "tzid": tzid}
    created = center.http.post("/v1/real_time_scheduling", json=body, headers=center.key)
    assert created.json()["real_time_scheduling"]["event"]["tzid"] == effective


@pytest.mark.parametrize(
    ("members", "called"),
    [
        ({"callback_url": "https://application.test/old"}, "https://application.test/old"),
        (
            {
                "callback_url": "https://application.test/old",
                "callback_urls": {"completed_url": "https://application.test/new"},
            },
            "https://application.test/new",
        ),
    ],
)
def test_the_newer_name_of_the_callback_url_wins(center: Center, maya: Person, members: Json, called: str) -> None:
    link = center.create_link(maya, **members)
    link.choose(link.page().slots[0])
    assert addresses_called(center, link) == [called]


def addresses_called(center: Center, link: CreatedLink) -> list[str]:
    """Where the outbox is going to send what happened on this link."""

    async def read(deps: Any) -> list[str]:
        async with deps.database.reading() as connection:
            return [row.url for row in await connection.execute(outbox.select()) if row.link_id == link.link_id]

    return center.run(read)


@pytest.mark.parametrize("hour_format", ["12", "24", "", 12, None, ["h"]])
def test_an_unknown_hour_format_is_no_reason_to_refuse(center: Center, maya: Person, hour_format: Any) -> None:
    link = center.create_link(maya, formatting={"hour_format": hour_format})
    assert link.page().code == 200


@pytest.mark.parametrize(("hour_format", "written"), [("h", "9:00 am"), ("H", "09:00")])
def test_the_known_hour_formats_are_obeyed(center: Center, maya: Person, hour_format: str, written: str) -> None:
    event = {"event_id": "e", "summary": "e", "tzid": "Etc/UTC"}
    page = center.create_link(maya, formatting={"hour_format": hour_format}, event=event).page()
    assert written in page.text.replace("\u202f", " ").replace("\xa0", " ").replace("AM", "am")


def test_member_statuses_are_told_when_asked_for(center: Center, maya: Person) -> None:
    found = ask(center, center.query(maya, include_member_statuses=True))
    assert found["member_statuses"] == [{"sub": maya.sub, "sync_status": "active"}]
    assert "member_statuses" not in ask(center, center.query(maya))


def test_excluded_events_do_not_block(center: Center, maya: Person) -> None:
    maya.event("moving", TOMORROW, TOMORROW + 8 * HOUR)
    assert ask(center, center.query(maya)) == {"available_periods": []}
    [event] = maya.events()
    for excluded in ({"event_id": "moving"}, {"event_uid": event["event_uid"]}):
        found = ask(center, center.query(maya, excluded_events=[excluded]))
        assert [period["end"] for period in found["available_periods"]] == [wire_time(TOMORROW + 8 * HOUR)]
    assert center.create_link(maya, availability=center.query(maya)).page().slots == []
    rescheduling = center.create_link(maya, availability=center.query(maya, excluded_events=[{"event_id": "moving"}]))
    assert len(rescheduling.page().slots) == 29


# availability rules and available periods


def test_an_availability_rule_comes_in_its_wrapper(center: Center, maya: Person) -> None:
    path = "/v1/availability_rules"
    assert center.http.post(path, json=RULE, headers=maya.key).json() == {"availability_rule": RULE}
    assert center.http.get(f"{path}/default", headers=maya.key).json() == {"availability_rule": RULE}
    assert center.http.get(path, headers=maya.key).json() == {"availability_rules": [RULE]}


def test_300_available_periods_fit_the_first_page(center: Center, maya: Person) -> None:
    assert api_rules.PAGE_SIZE == 300
    answer = center.http.get("/v1/available_periods", headers=maya.key)
    assert answer.json() == {"pages": {"current": 1, "total": 1}, "available_periods": []}


def test_the_body_of_a_rules_delete_is_ignored(center: Center, maya: Person) -> None:
    path = "/v1/availability_rules"
    for body in (b'{"availability_rule_id":"another"}', b"{}", b"[]", b""):
        center.http.post(path, json=RULE, headers=maya.key)
        answer = center.http.request("DELETE", f"{path}/default", content=body, headers={**JSON, **maya.key})
        assert (answer.status_code, answer.content) == (202, b"")


def test_a_periods_delete_may_have_a_slash_at_the_end(center: Center, maya: Person) -> None:
    answer = call_everything(center, maya, "DELETE", "/v1/available_periods/")
    assert (answer.status_code, answer.content) == (202, b"")


# what waits


@pytest.mark.parametrize(
    ("client", "row", "method", "path", "brought_by"),
    WAITING,
    ids=[f"{row[0]}: {row[1]}" for row in WAITING],
)
def test_what_waits_for_a_later_issue_is_not_found_today(
    center: Center, maya: Person, client: str, row: str, method: str, path: str, brought_by: str
) -> None:
    for credential in (center.key, maya.key):
        answer = center.http.request(method, path, json={}, headers=credential)
        assert (answer.status_code, answer.content) == (404, b""), f"{path} is there: move the row out of WAITING"


ROWS = (
    # every row of the table in its order: client, behaviour, the test that holds it (None: it stands in WAITING)
    ("csharp", "times with a space", "test_times_in_requests_may_have_a_space_for_the_t"),
    ("csharp", "Content-Encoding on requests", "test_a_content_encoding_header_on_plain_json_is_ignored"),
    ("csharp", "availablity", None),
    ("csharp", "groups without required", "test_a_group_without_required_needs_all_its_members"),
    ("csharp", "minimum without maximum", "test_a_buffer_may_have_a_minimum_and_no_maximum"),
    ("csharp", "available_periods: []", "test_an_empty_list_in_a_sequence_item_is_absent"),
    ("csharp", "never a response_format", "test_periods_are_the_format_of_a_query_that_names_none"),
    ("csharp", "one timestamp format, no null", "test_no_answer_has_a_null_or_a_fraction_of_a_second"),
    ("csharp", "one parser of links", "test_create_status_and_disable_have_a_status_and_an_event"),
    ("csharp", "no expired", "test_expired_is_sent_although_csharp_has_no_word_for_it"),
    ("csharp", "attendees", "test_the_upsert_form_of_attendees_is_not_echoed"),
    ("csharp", "types in the event", "test_an_event_has_members_of_the_types_that_csharp_reads"),
    ("csharp", "top-level url", "test_create_answers_a_top_level_url"),
    ("csharp", "token in the query string", "test_status_is_asked_for_by_a_token_in_the_query_string"),
    ("python", "{} with GET and DELETE", "test_an_empty_object_with_get_and_delete_is_ignored"),
    ("python", "reads by key", "test_an_empty_result_still_has_its_key"),
    ("python", "buffer {}, start_interval null", "test_an_empty_buffer_and_a_null_interval_are_as_if_absent"),
    ("python", "always available_periods", "test_available_periods_are_query_periods_by_an_older_name"),
    ("python", "200 and 202", "test_success_is_200_with_a_body_or_202_without"),
    ("python, ruby, php", "no trimming of digests", "test_digests_are_joined_by_a_bare_comma"),
    ("python", "availability_rule(s)", "test_an_availability_rule_comes_in_its_wrapper"),
    ("ruby", "any member passed through", "test_a_link_takes_either_name_of_its_periods_and_query_slots"),
    ("ruby", "Status header", "test_an_error_has_its_own_code_and_names_it_in_a_status_header"),
    ("ruby", "errors of a 422", "test_a_422_lists_its_errors_by_member"),
    ("ruby", "first page of available periods", "test_300_available_periods_fit_the_first_page"),
    ("ruby", "sequence_id", "test_a_sequence_id_comes_back_with_its_json_type"),
    ("node", "deleteAvailabilityRule, next_page", "test_the_body_of_a_rules_delete_is_ignored"),
    ("node", "next_page is absolute", "test_next_page_is_absolute_whatever_the_host_header_says"),
    ("node", "access_token in a link's body", "test_credentials_in_a_links_body_that_mean_nothing_are_ignored"),
    ("node", "bearer_token", "test_a_query_may_carry_a_bearer_token_that_means_nothing"),
    ("node", "key[]=", "test_arrays_in_a_query_string_are_repeated_keys_with_brackets"),
    ("php", "tzid at the top", "test_the_zone_at_the_top_serves_an_event_without_one"),
    ("php", "callback_url", "test_the_newer_name_of_the_callback_url_wins"),
    ("php", "trailing slash", "test_a_periods_delete_may_have_a_slash_at_the_end"),
    ("php", 'hour_format "12"', "test_an_unknown_hour_format_is_no_reason_to_refuse"),
    ("php", "include_member_statuses", "test_member_statuses_are_told_when_asked_for"),
    ("php", "excluded_events", "test_excluded_events_do_not_block"),
    ("elements", "Cronofy-Element", None),
)


def test_every_row_of_the_table_is_held_by_a_test_or_waits() -> None:
    for client, behaviour, name in ROWS:
        if name is None:
            assert client in {waiting[0] for waiting in WAITING}, behaviour
        else:
            assert callable(globals().get(name)), f"{client}: {behaviour}"
