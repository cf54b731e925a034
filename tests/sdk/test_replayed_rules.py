"""Availability rules and available periods as the Ruby, C# and PHP clients send and read them, byte by byte."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from tests.sdk import csharp
from tests.sdk.site import Json, Site, at, moment, spaced
from tests.sdk.test_replayed_clients import CSharp, Php, Ruby

WEEKLY = [
    {"day": "monday", "start_time": "09:30", "end_time": "12:30"},
    {"day": "monday", "start_time": "14:00", "end_time": "17:00"},
    {"day": "wednesday", "start_time": "09:30", "end_time": "24:00"},
]


def read_rule(rule: Json) -> Json:
    """As the C# client reads one: texts, and a list of periods that are texts throughout."""
    for name in ("availability_rule_id", "tzid"):
        csharp.text_in(rule, name)
    for period in csharp.list_in(rule, "weekly_periods"):
        for name in ("day", "start_time", "end_time"):
            csharp.text_in(period, name)
    if "calendar_ids" in rule:
        csharp.demand(all(isinstance(each, str) for each in csharp.list_in(rule, "calendar_ids")), "not texts")
    return rule


def test_csharp_keeps_rules(site: Site) -> None:
    client = CSharp(site)
    person = client.application_calendar("csharp-rules")
    token, path = person["access_token"], "/v1/availability_rules"
    named = {"calendar_ids": [person["calendar_id"]]}
    for rule in (
        {"availability_rule_id": "default", "tzid": "America/Chicago", **named, "weekly_periods": WEEKLY},
        {"availability_rule_id": "default", "tzid": "America/Chicago", "weekly_periods": WEEKLY},
    ):
        written = csharp.read(client.send("POST", path, rule, bearer=token))
        assert read_rule(csharp.object_in(written, "availability_rule")) == rule
        one = csharp.read(client.send("GET", f"{path}/default", bearer=token))
        assert read_rule(csharp.object_in(one, "availability_rule")) == rule
        listed = csharp.read(client.send("GET", path, bearer=token))
        assert [read_rule(found) for found in csharp.list_in(listed, "availability_rules")] == [rule]
    assert client.send("DELETE", f"{path}/default", bearer=token).status == 202
    assert client.send("GET", f"{path}/default", bearer=token).status == 404


def test_csharp_writes_times_with_a_space(site: Site) -> None:
    client = CSharp(site)
    token = client.application_calendar("csharp-periods")["access_token"]
    body = {"available_period_id": "once", "start": spaced(3, 9), "end": spaced(3, 10)}
    assert client.send("POST", "/v1/available_periods", body, bearer=token).status == 202
    read = csharp.read(client.send("GET", "/v1/available_periods", bearer=token))
    assert read["available_periods"] == [{"available_period_id": "once", "start": at(3, 9), "end": at(3, 10)}]


def test_php_keeps_rules_with_nulls_for_what_it_was_not_given(site: Site) -> None:
    client = Php(site, site.application_calendar("php-rules")["access_token"])
    rule = {"availability_rule_id": "default", "tzid": "Europe/London", "weekly_periods": WEEKLY}
    written = client.post("/v1/availability_rules", {**rule, "calendar_ids": None})
    assert (written.status, written.content) == (200, {"availability_rule": rule})
    assert client.get("/v1/availability_rules/default").content == {"availability_rule": rule}
    assert client.get("/v1/availability_rules").content == {"availability_rules": [rule]}
    deleted = client.send("DELETE", "/v1/availability_rules/default", b"[]", bearer=client.access_token)
    assert (deleted.status, deleted.body) == (202, b"")


def test_php_deletes_one_period_with_a_slash_at_the_end_and_all_without(site: Site) -> None:
    client = Php(site, site.application_calendar("php-periods")["access_token"])
    for name in ("a", "b", "c"):
        body = {"available_period_id": name, "start": at(3, 9), "end": at(3, 10), "tzid": None}
        assert client.post("/v1/available_periods", body).status == 202

    def left() -> list[str]:
        asked = {"from": f"{moment(3):%Y-%m-%d}", "to": f"{moment(4):%Y-%m-%d}", "tzid": "Etc/UTC"}
        answer = client.get("/v1/available_periods", **asked, localized_times=False)
        return [period["available_period_id"] for period in answer.content["available_periods"]]

    one: Json = {"available_period_id": "b"}
    deleted = client.send("DELETE", "/v1/available_periods/", one, bearer=client.access_token)
    assert (deleted.status, deleted.body, deleted.headers.get("location")) == (202, b"", None)
    assert left() == ["a", "c"]
    deleted = client.send("DELETE", "/v1/available_periods", {"delete_all": True}, bearer=client.access_token)
    assert (deleted.status, left()) == (202, [])


def test_pages_of_periods_are_followed_and_ruby_finds_most_on_the_first(site: Site) -> None:
    person = site.application_calendar("many-periods")
    client, token = Ruby(site), person["access_token"]

    def write(number: int) -> int:
        start, end = at(3, 0, number), at(3, 0, number + 15)
        body = {"available_period_id": f"p{number:03}", "start": start, "end": end}
        return client.send("POST", "/v1/available_periods", body, bearer=token).status

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(write, range(301))) == {202}
    first = client.send("GET", "/v1/available_periods?localized_times=false", bearer=token)
    assert first.status == 200 and len(first.content["available_periods"]) == 300
    url = first.content["pages"]["next_page"]
    assert url.startswith(f"{site.url}/v1/available_periods/pages/")
    php = Php(site, token)
    second = php.get(urlsplit(url).path)
    assert second.content["pages"] == {"current": 2, "total": 2}
    every = [*first.content["available_periods"], *second.content["available_periods"]]
    assert [period["available_period_id"] for period in every] == [f"p{number:03}" for number in range(301)]


def test_ruby_keeps_rules_and_reads_them_in_their_wrapper(site: Site) -> None:
    client = Ruby(site)
    person = site.application_calendar("ruby-rules")
    rule = {"availability_rule_id": "default", "tzid": "America/Chicago", "weekly_periods": WEEKLY}

    def send(method: str, path: str, body: Any = None) -> Any:
        return client.send(method, path, body, bearer=person["access_token"])

    assert send("POST", "/v1/availability_rules", rule).content["availability_rule"] == rule
    assert send("GET", "/v1/availability_rules").content["availability_rules"] == [rule]
    unknown = send("GET", "/v1/availability_rules/no_such")
    assert (unknown.status, unknown.headers["status"], unknown.body) == (404, "404 Not Found", b"")
    refused = send("POST", "/v1/availability_rules", {**rule, "tzid": None})
    assert refused.content["errors"]["tzid"][0]["key"] == "errors.required"
    asked = urlencode({"from": f"{moment(3):%Y-%m-%d}", "tzid": "Etc/UTC"})
    assert send("GET", f"/v1/available_periods?{asked}").content["available_periods"] == []


def test_an_id_reaches_us_as_it_was_encoded(site: Site) -> None:
    client = Ruby(site)
    token = site.application_calendar("encoded-rules")["access_token"]
    for name in ("a/b", "%2F", "50% off", "a%20b", "x?y=z", "+", "a;b=c"):
        rule = {"availability_rule_id": name, "tzid": "Etc/UTC", "weekly_periods": []}
        assert client.send("POST", "/v1/availability_rules", rule, bearer=token).status == 200
        path = f"/v1/availability_rules/{quote(name, safe='')}"
        assert client.send("GET", path, bearer=token).content["availability_rule"]["availability_rule_id"] == name
        assert client.send("DELETE", path, bearer=token).status == 202
    assert client.send("GET", "/v1/availability_rules", bearer=token).content == {"availability_rules": []}
