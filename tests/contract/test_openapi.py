"""The document and the routes name the same operations; it is valid OpenAPI 3.1; real answers fit its schemas; and
`/docs` says it all to people, from this host alone."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import jsonschema_rs
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31

from slotlink.web.routes import API
from tests.center import DAY, START, Center

Json = dict[str, Any]


@pytest.fixture
def document(center: Center) -> Json:
    answer = center.http.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    return answer.json()


def operations(document: Json) -> dict[tuple[str, str], Json]:
    return {
        (method.upper(), path): described
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    }


def schema_of(document: Json, method: str, path: str, code: int = 200) -> Json:
    """The schema of an answer, whole in itself."""
    answer = operations(document)[method, path]["responses"][str(code)]
    if "$ref" in answer:
        answer = document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    return {**answer["content"]["application/json"]["schema"], "components": document["components"]}


def test_the_document_names_every_route_and_no_other(document: Json) -> None:
    assert set(operations(document)) == {(method, path) for method, path, _ in API}


def test_the_document_is_valid_openapi_3_1(document: Json) -> None:
    assert document["openapi"].startswith("3.1")
    jsonschema_rs.validator_for(OPENAPI_31).validate(document)
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)
    assert not re.findall(r"'x-[a-z]+'", str(document)), "something was not written out"


def test_references_lead_somewhere_and_every_schema_is_used(document: Json) -> None:
    named = set(re.findall(r"'#/components/(\w+)/(\w[\w-]*)'", str(document)))
    for kind, name in named:
        assert name in document["components"][kind]
    unused = {name for name in document["components"]["schemas"] if ("schemas", name) not in named}
    assert not unused


def test_operations_are_told_apart_and_grouped(document: Json) -> None:
    described = list(operations(document).values())
    ids = [operation["operationId"] for operation in described]
    assert len(ids) == len(set(ids))
    assert {tag for operation in described for tag in operation["tags"]} == {tag["name"] for tag in document["tags"]}


def test_the_only_server_is_the_one_in_the_settings(center: Center, document: Json) -> None:
    lying = center.http.get("/openapi.json", headers={"Host": "evil.test"}).json()
    assert [server["url"] for server in lying["servers"]] == ["https://api.test"]


def test_examples_fit_their_schemas(document: Json) -> None:
    for (method, path), operation in operations(document).items():
        described = [*operation.get("requestBody", {}).get("content", {}).values()]
        described += [
            content for answer in operation["responses"].values() for content in answer.get("content", {}).values()
        ]
        for content in described:
            if "example" in content:
                schema = {**content["schema"], "components": document["components"]}
                assert fits(schema, content["example"]) == [], (method, path)
        for parameter in operation.get("parameters", ()):
            if "example" in parameter:
                assert fits(parameter["schema"], parameter["example"]) == [], (method, path, parameter["name"])


def test_limits_of_the_deployment_are_in_the_document(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Center(tmp_path_factory.mktemp("limits"), SLOTLINK_LIMIT_MEMBERS="7", SLOTLINK_LIMIT_RESULTS="9") as center:
        schemas = center.http.get("/openapi.json").json()["components"]["schemas"]
    assert schemas["GroupMember"]["properties"]["members"]["maxItems"] == 7
    assert schemas["AvailabilityRequest"]["properties"]["max_results"]["anyOf"][0]["maximum"] == 9


def fits(schema: Json, value: Any) -> list[str]:
    return [str(error) for error in jsonschema_rs.Draft202012Validator(schema).iter_errors(value)]


def test_real_answers_fit_their_schemas(center: Center, document: Json) -> None:
    ana, ben = center.person("ana"), center.person("ben")

    def assert_fits(method: str, path: str, answer: Any, code: int = 200) -> None:
        assert answer.status_code == code, answer.text
        assert fits(schema_of(document, method, path, code), answer.json()) == [], answer.text

    def asked(
        method: str, path: str, *, key: Json | None = None, to: str | None = None, code: int = 200, **more: Any
    ) -> Any:
        answer = center.http.request(method, to or path, headers=center.key if key is None else key, **more)
        assert_fits(method, path, answer, code)
        return answer.json()

    credentials = {"client_id": center.client_id, "client_secret": center.client_secret}
    asked("POST", "/v1/application_calendars", json={**credentials, "application_calendar_id": "ana"})
    refresh = {**credentials, "grant_type": "refresh_token", "refresh_token": ana.refresh_token}
    asked("POST", "/oauth/token", data=refresh)
    asked("POST", "/oauth/token", data={**refresh, "refresh_token": "no"}, code=400)
    for path in ("/v1/account", "/v1/userinfo", "/v1/profiles", "/v1/calendars"):
        asked("GET", path, key=ana.key)
    asked("POST", "/v1/calendars", key=ana.key, json={"profile_id": ana.profile_id, "name": "Interviews"})

    ana.event(
        "everything",
        START + DAY,
        START + DAY + 3600,
        description="",
        tzid="Europe/London",
        location={"description": "Room 1", "lat": 51.5, "long": "-0.1"},
        url="https://globex.test/1",
        reminders=[{"minutes": 5}],
        extended_transparency="out_of_office",
        color="#0f766e",
        conferencing={"profile_id": "explicit", "join_url": "https://meet.test/1", "provider_description": "Meet"},
        locale="en",
        categories=["interview"],
        tags={"private": [{"value": "interview"}]},
    )
    whole_day = {"event_id": "day", "summary": "Day off", "start": "2027-03-10", "end": "2027-03-11"}
    written = center.http.post(
        f"/v1/calendars/{ana.calendar_id}/events", json={**whole_day, "transparency": "transparent"}, headers=ana.key
    )
    assert written.status_code == 202
    reading = {"tzid": "Etc/UTC", "include_managed": "true", "include_geo": "true", "include_deleted": "true"}
    for extra in ({}, {"localized_times": "true"}):
        listed = asked("GET", "/v1/events", key=ana.key, params={**reading, **extra})
        assert len(listed["events"]) == 2
        busy = {"include_ids": "true", "include_free": "true", **reading, **extra}
        assert len(asked("GET", "/v1/free_busy", key=ana.key, params=busy)["free_busy"]) == 2
    asked("GET", "/v1/events", key=ana.key, code=422)

    rule = {"availability_rule_id": "default", "tzid": "Europe/London", "weekly_periods": []}
    weekly = [{"day": "friday", "start_time": "22:00", "end_time": "24:00"}]
    rules = "/v1/availability_rules"
    asked("POST", rules, key=ana.key, json=rule)
    asked("POST", rules, key=ana.key, json={**rule, "weekly_periods": weekly, "calendar_ids": [ana.calendar_id]})
    asked("POST", rules, key=ana.key, json={}, code=422)
    asked("GET", rules, key=ana.key)
    asked("GET", rules + "/{availability_rule_id}", key=ana.key, to=f"{rules}/default")
    periods = "/v1/available_periods"
    once = {"available_period_id": "once", "start": "2027-03-10T09:00:00Z", "end": "2027-03-10T10:00:00Z"}
    assert center.http.post(periods, json=once, headers=ana.key).status_code == 202
    for extra in ({}, {"localized_times": "true", "tzid": "Asia/Tokyo"}):
        assert len(asked("GET", periods, key=ana.key, params=extra)["available_periods"]) == 1

    query = center.query(ana, ben, include_member_statuses=True)
    for form in ("periods", "slots", "overlapping_slots"):
        assert len(asked("POST", "/v1/availability", json={**query, "response_format": form})) == 2
    never = [{"members": [{"sub": ana.sub, "available_periods": []}]}]
    assert "explanation" in asked("POST", "/v1/availability", json={**query, "participants": never, "explain": True})
    step = {"participants": query["participants"], "required_duration": query["required_duration"]}
    sequence = {
        "sequence": [{**step, "sequence_id": each} for each in ("a", 1)],
        "query_periods": query["query_periods"],
    }
    assert asked("POST", "/v1/sequenced_availability", json=sequence)["sequences"]

    asked("GET", "/v1/slotlink/branding")
    asked("PUT", "/v1/slotlink/branding", json={"accent": "#0f766e", "embed_origins": ["https://globex.test"]})
    asked("PUT", "/v1/slotlink/branding", json={"accent": "teal"}, code=422)
    asked("GET", "/v1/slotlink/branding")
    create, status = "/v1/real_time_scheduling", "/v1/real_time_scheduling/{link_id}"
    asked("POST", create, json=center.link_request(ana))
    asked("POST", create, json={}, code=422)
    asked("POST", create, content=b"{", code=400)
    link = center.create_link(ana)
    asked("GET", status, to=f"{create}/{link.link_id}")
    asked("GET", create, params={"token": link.token})
    link.choose(link.page().slots[0])
    assert asked("GET", status, to=f"{create}/{link.link_id}")["real_time_scheduling"]["status"] == "completed"
    other = center.create_link(ana)
    asked("POST", status + "/disable", to=f"{create}/{other.link_id}/disable", json={"display_message": "Filled."})


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/calendars", "GET, HEAD, POST"),
        ("PATCH", "/v1/real_time_scheduling/sch_1", "GET, HEAD"),
        ("GET", "/v1/availability", "POST"),
        ("DELETE", "/rts/abc", "GET, HEAD, POST"),
        ("POST", "/docs", "GET, HEAD"),
        ("POST", "/static/docs.css", "GET, HEAD"),
        ("OPTIONS", "/v1/events", "DELETE, GET, HEAD"),
        ("PUT", "/v1/availability_rules/default", "DELETE, GET, HEAD"),
        ("PUT", "/v1/available_periods", "DELETE, GET, HEAD, POST"),
    ],
)
def test_a_method_that_is_not_there_says_which_are(center: Center, method: str, path: str, allowed: str) -> None:
    answer = center.http.request(method, path)
    assert (answer.status_code, answer.content, answer.headers["allow"]) == (405, b"", allowed)


def test_an_address_that_is_not_there_is_404_and_empty(center: Center) -> None:
    for path in ("/v1/nothing", "/v2", "/v1/calendars/", "/docs/x"):
        answer = center.http.get(path)
        assert (answer.status_code, answer.content) == (404, b"")


def test_the_page_names_every_operation_and_member(center: Center, document: Json) -> None:
    answer = center.http.get("/docs")
    assert answer.status_code == 200
    for (method, path), operation in operations(document).items():
        assert f'id="{operation["operationId"]}"' in answer.text
        assert f"{method}</b> <code>{path}</code>" in answer.text
    for name in document["components"]["schemas"]["LinkRequest"]["properties"]:
        assert f"<code>{name}</code>" in answer.text
    for needed in ("https://api.test", "API_BASE_URL", "client.urls.api", "CRONOFY_API_URL", "expired"):
        assert needed in answer.text


def test_the_page_loads_nothing_from_elsewhere(center: Center) -> None:
    answer = center.http.get("/docs")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self';") and "script" not in policy
    addresses = re.findall(r"(?:href|src|action)=\"([^\"]+)\"", answer.text)
    assert addresses and all(not urlsplit(address).netloc for address in addresses)
    assert "<script" not in answer.text and "style=" not in answer.text
    css = center.http.get("/static/docs.css")
    assert css.status_code == 200 and "url(" not in css.text and "@import" not in css.text
