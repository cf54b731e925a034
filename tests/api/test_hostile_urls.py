"""No URL that leads inside is kept: every spelling, in every member that names where we would call, with a canary."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.api.asking import faults, rows
from tests.center import Center, Json
from tests.hostile import LOCAL, SHAPES, Canary

CALLED = ("completed_url", "no_times_suitable_url", "no_times_displayed_url", "problem_url")


@pytest.fixture(scope="module")
def canary() -> Generator[Canary]:
    with Canary() as canary:
        yield canary
        assert not canary.contacted


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Generator[Center]:
    with Center(tmp_path_factory.mktemp("hostile-urls")) as center:
        yield center


@pytest.mark.parametrize("url", LOCAL + SHAPES)
def test_a_url_that_leads_inside_or_is_none_is_refused_wherever_we_would_call(
    center: Center, canary: Canary, url: str
) -> None:
    url = url.format(port=canary.port)
    body = center.link_request(center.person("maya"), callback_urls=dict.fromkeys(CALLED, url), callback_url=url)
    before = _kept(center)
    refused = faults(center.http.post("/v1/real_time_scheduling", json=body, headers=center.key))
    assert sorted(refused) == ["callback_url", *sorted(f"callback_urls.{name}" for name in CALLED)]
    assert {key for keys in refused.values() for key in keys} <= {"errors.not_supported", "errors.invalid_format"}
    assert _kept(center) == before
    assert not canary.contacted


def test_no_other_member_of_any_body_names_where_we_call(center: Center) -> None:
    """Whoever adds one adds it to `CALLED`, or says here who goes there instead of us."""
    document: Json = center.http.get("/openapi.json").json()
    found: set[str] = set()

    def walk(schema: Json, path: str = "") -> None:
        while "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        for name, member in schema.get("properties", {}).items():
            if name.endswith(("url", "uri", "href")) and "enum" not in member:
                found.add(f"{path}{name}")
            walk(member, f"{path}{name}.")
        for part in [*schema.get("anyOf", []), *schema.get("allOf", []), *schema.get("oneOf", [])]:
            walk(part, path)
        if isinstance(schema.get("items"), dict):
            walk(schema["items"], path)

    for operations in document["paths"].values():
        for operation in operations.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                walk(content["schema"])
    for_people = {
        "url",
        "privacy_url",
        "support_url",
        "event.url",
        "oauth.redirect_uri",
        "redirect_uri",
        "redirect_urls.completed_url",
        "conferencing.join_url",
        "event.conferencing.join_url",
        "target_calendars.event.conferencing.join_url",
    }
    assert found - for_people == {"callback_url", *(f"callback_urls.{name}" for name in CALLED)}


def test_what_the_operator_allows_is_kept_and_nothing_beside_it(tmp_path: Path) -> None:
    with Center(tmp_path, SLOTLINK_CALLBACK_ALLOW="127.0.0.1:8799,hooks.localhost") as center:
        maya = center.person("maya")
        for url, code in {
            "http://127.0.0.1:8799/": 200,
            "http://0x7f.1:8799/": 200,
            "http://hooks.localhost/": 200,
            "http://127.0.0.1:8798/": 422,
            "http://127.0.0.2:8799/": 422,
            "http://[::1]:8799/": 422,
            "http://other.localhost/": 422,
        }.items():
            body = center.link_request(maya, callback_urls={"completed_url": url})
            answer = center.http.post("/v1/real_time_scheduling", json=body, headers=center.key)
            assert answer.status_code == code, url


def _kept(center: Center) -> int:
    with rows(center) as connection:
        return connection.execute("SELECT count(*) FROM links").fetchone()[0]
