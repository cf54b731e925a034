"""Bodies that mean harm, at every endpoint that reads one: a clear 4xx, and the database as it was."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.api.asking import dump, wire
from tests.center import Center, Json

JSON = {"Content-Type": "application/json; charset=utf-8"}


@dataclass
class Endpoint:
    """An endpoint with a body that it takes. `path_of_text` leads to a text in that body."""

    method: str
    url: str
    headers: dict[str, str]
    body: Json
    path_of_text: tuple[str | int, ...]


def endpoints(center: Center) -> list[Endpoint]:
    maya = center.person("maya")
    link = center.create_link(maya)
    maya.event("to-delete", 1_804_237_200, 1_804_240_800)
    events = f"/v1/calendars/{maya.calendar_id}/events"
    client = {"client_id": center.client_id, "client_secret": center.client_secret}
    event = {"event_id": "e", "summary": "S", "start": wire(0), "end": wire(1)}
    links = "/v1/real_time_scheduling"
    weekly = [{"day": "monday", "start_time": "09:00", "end_time": "17:00"}]
    rule = {
        "availability_rule_id": "r",
        "tzid": "Etc/UTC",
        "weekly_periods": weekly,
        "calendar_ids": [maya.calendar_id],
    }
    period = {"available_period_id": "p", "start": wire(0), "end": wire(1)}
    refresh = {**client, "grant_type": "refresh_token", "refresh_token": maya.refresh_token}
    return [
        Endpoint("POST", links, center.key, center.link_request(maya), ("event", "summary")),
        Endpoint("POST", links, {}, {**center.link_request(maya), **client}, ("oauth", "redirect_uri")),
        Endpoint("POST", f"{links}/{link.link_id}/disable", center.key, {"display_message": "x"}, ("display_message",)),
        Endpoint("POST", "/v1/availability", center.key, center.query(maya), ("participants", 0, "members", 0, "sub")),
        Endpoint(
            "POST",
            "/v1/application_calendars",
            {},
            {**client, "application_calendar_id": "new"},
            ("application_calendar_id",),
        ),
        Endpoint("POST", "/oauth/token", {}, refresh, ("refresh_token",)),
        Endpoint("POST", "/oauth/token/revoke", {}, {**client, "sub": maya.sub}, ("sub",)),
        Endpoint("POST", "/v1/calendars", maya.key, {"profile_id": maya.profile_id, "name": "New"}, ("name",)),
        Endpoint("POST", events, maya.key, event, ("event_id",)),
        Endpoint("DELETE", events, maya.key, {"event_id": "to-delete"}, ("event_id",)),
        Endpoint("DELETE", "/v1/events", maya.key, {"calendar_ids": [maya.calendar_id]}, ("calendar_ids", 0)),
        Endpoint("POST", "/v1/availability_rules", maya.key, rule, ("availability_rule_id",)),
        Endpoint("POST", "/v1/availability_rules", maya.key, rule, ("weekly_periods", 0, "end_time")),
        Endpoint("POST", "/v1/available_periods", maya.key, period, ("available_period_id",)),
        Endpoint("DELETE", "/v1/available_periods", maya.key, {"available_period_id": "p"}, ("available_period_id",)),
    ]


def send(center: Center, endpoint: Endpoint, content: Any, **headers: str) -> Any:
    return center.http.request(
        endpoint.method, endpoint.url, content=content, headers={**endpoint.headers, **JSON, **headers}
    )


def refuses(center: Center, contents: Callable[[Endpoint], Iterator[bytes]], *codes: int) -> None:
    """Every endpoint answers each of the contents with one of the codes, says why in its form, and changes nothing."""
    every = endpoints(center)
    before = dump(center)
    for endpoint in every:
        for content in contents(endpoint):
            answer = send(center, endpoint, content)
            seen = (endpoint.method, endpoint.url, content[:60], answer.status_code, answer.text[:200])
            # Whose credentials would have been in the body is nobody yet, and learns nothing of what is wrong with it.
            unknown = endpoint.url == "/v1/real_time_scheduling" and not endpoint.headers
            assert answer.status_code in ((*codes, 401) if unknown else codes), seen
            if answer.status_code in (400, 422):
                assert explained(answer.json()), seen
            else:
                assert answer.content == b"", seen
            assert answer.headers["status"].startswith(str(answer.status_code)), seen
    assert dump(center) == before


def explained(body: Any) -> bool:
    """In our form, or in RFC 6749's."""
    if "error" in body:
        return isinstance(body["error"], str)
    return all(fault["key"] and fault["description"] for faults in body["errors"].values() for fault in faults)


def test_the_bodies_that_the_faults_are_put_into_are_good_ones(center: Center) -> None:
    for endpoint in sorted(endpoints(center), key=lambda each: "revoke" in each.url):
        answer = send(center, endpoint, json.dumps(endpoint.body).encode())
        assert answer.status_code in (200, 202), (endpoint.url, answer.text)


def test_what_is_not_json_is_400(center: Center) -> None:
    def contents(endpoint: Endpoint) -> Iterator[bytes]:
        good = json.dumps(endpoint.body)
        yield from (b"{", b"}", b'{"a"', b"{'a': 1}", b"\xff\xfe", b"{}{}", b"nul", b"\xef\xbb\xbf{}", b"\x00", b"{,}")
        yield good[:-1].encode()
        yield good.encode() + b","
        yield good.encode("utf-16")
        yield good.encode().replace(b"{", b'{"x":"\xff",', 1)
        yield good.encode().replace(b"{", b'{"x":"\xed\xa0\x80",', 1)
        yield good.encode().replace(b"{", b'{"x":"a\nb",', 1)

    refuses(center, contents, 400)


def test_what_is_not_an_object_is_400(center: Center) -> None:
    def contents(_endpoint: Endpoint) -> Iterator[bytes]:
        yield from (b"[]", b"[{}]", b'"text"', b"7", b"true", b"null", b"-0.0", b"[[[]]]")

    refuses(center, contents, 400)


def test_numbers_that_are_none_or_too_long_are_400(center: Center) -> None:
    def contents(endpoint: Endpoint) -> Iterator[bytes]:
        good = json.dumps(endpoint.body).encode()
        for number in (b"NaN", b"Infinity", b"-Infinity", b"1" * 5000, b"-" + b"9" * 5000):
            yield good.replace(b"{", b'{"unknown_member":' + number + b",", 1)

    refuses(center, contents, 400)


def test_nesting_beyond_32_levels_is_400(center: Center) -> None:
    def contents(endpoint: Endpoint) -> Iterator[bytes]:
        good = json.dumps(endpoint.body).encode()
        yield b"[" * 100_000
        yield b'{"a":' * 80_000
        yield b"[" * 100_000 + b"]" * 100_000
        yield good.replace(b"{", b'{"unknown_member":' + b"[" * 32 + b"]" * 32 + b",", 1)
        yield good.replace(b"{", b'{"x":"\\"]]",' + b'"y":' + b"[" * 32 + b"]" * 32 + b",", 1)

    refuses(center, contents, 400)


def test_32_levels_are_read_and_brackets_in_texts_are_no_levels(center: Center) -> None:
    maya = center.person("maya")
    body = json.dumps(center.query(maya)).encode()
    for deep in (b"[" * 31 + b"]" * 31, b'{"a":' * 31 + b"1" + b"}" * 31, b'"' + b"[{" * 500 + b'\\"[' + b'"'):
        content = body.replace(b"{", b'{"unknown_member":' + deep + b",", 1)
        answer = center.http.post("/v1/availability", content=content, headers={**center.key, **JSON})
        assert answer.status_code == 200, deep[:10]


def test_ten_megabytes_are_413_announced_or_not(center: Center) -> None:
    every = endpoints(center)
    before = dump(center)
    chunk = b" " * 65_536

    def chunks() -> Iterator[bytes]:
        for _ in range(160):
            yield chunk

    for endpoint in every:
        for content in (b" " * 10_000_000, chunks()):
            answer = send(center, endpoint, content)
            assert (answer.status_code, answer.content) == (413, b""), endpoint.url
        lying = send(center, endpoint, chunks(), **{"Content-Length": "10"})
        assert lying.status_code in (400, 413), endpoint.url
    assert dump(center) == before


def test_the_limit_is_512_kilobytes_to_the_byte(center: Center) -> None:
    maya = center.person("maya")
    body = json.dumps(center.query(maya)).encode()
    for size, code in ((512 * 1024, 200), (512 * 1024 + 1, 413)):
        content = body + b" " * (size - len(body))
        answer = center.http.post("/v1/availability", content=content, headers={**center.key, **JSON})
        assert answer.status_code == code, size


def put(body: Json, path: tuple[str | int, ...], value: Any) -> Json:
    """A copy of `body` with `value` at `path`."""
    changed: Any = copy.deepcopy(body)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return changed


def test_texts_that_no_text_may_be_are_refused(center: Center) -> None:
    def contents(endpoint: Endpoint) -> Iterator[bytes]:
        for value in ("a\x00b", "\ud800", "x\udfffy", 7, 7.5, True, [], {}, ["x"], {"x": "y"}, "", "x" * 100_000):
            if not (endpoint.url == "/v1/calendars" and value is None):
                yield json.dumps(put(endpoint.body, endpoint.path_of_text, value)).encode()

    refuses(center, contents, 400, 422)


def test_an_empty_body_says_what_is_missing(center: Center) -> None:
    def contents(_endpoint: Endpoint) -> Iterator[bytes]:
        yield from (b"", b"  \n", b"{}", b'{"unknown": 1}')

    refuses(center, contents, 400, 401, 422)


def test_every_member_refuses_every_wrong_type(center: Center) -> None:
    """Each member of each body in turn becomes something that it cannot be; nothing breaks."""
    wrong: list[Any] = [7, -1, 1.5, True, "x", "", "\x00", [], [7], [[]], {}, {"x": 7}, 10**400, "9" * 5000]
    every = endpoints(center)
    before = dump(center)
    tried = 0
    for endpoint in every:
        if endpoint.url in ("/oauth/token", "/v1/application_calendars"):
            continue  # their answers write tokens
        for path in paths(endpoint.body):
            for value in wrong[tried % 3 :: 3]:
                tried += 1
                body = put(endpoint.body, path, value)
                # Whatever else may be good about it, this keeps it from being carried out.
                body |= {"display_message": 7, "event": 7} if "event" in body else {"display_message": 7}
                if "event_id" in body or "calendar_ids" in body or "name" in body or "sub" in body:
                    continue
                answer = send(center, endpoint, json.dumps(body).encode())
                assert answer.status_code in (200, 400, 401, 422), (endpoint.url, path, value, answer.text)
    assert tried > 100
    assert dump(center) == before


def paths(value: Any, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    members: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in members:
        yield (*above, name)
        yield from paths(inner, (*above, name))
