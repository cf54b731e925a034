"""What every answer tells browsers, whoever gives it: the fast path, the API, a page, a file, a refusal, a fault."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from starlette.testclient import TestClient

from slotlink.web import page
from tests.api.asking import bearer, wire
from tests.center import Center, CreatedLink

NEVER = ("server", "x-powered-by", "access-control-allow-origin", "access-control-allow-credentials", "set-cookie")


def answers(center: Center) -> dict[str, Any]:
    """Every address, in success and refusal, by GET and POST."""
    maya = center.person("maya")
    links = {name: center.create_link(maya, selection_mode="confirm") for name in ("open", "disabled", "completed")}
    disable = f"/v1/real_time_scheduling/{links['disabled'].link_id}/disable"
    get, post = center.http.get, center.http.post
    found = {"disable": post(disable, json={"display_message": "Filled"}, headers=center.key)}
    shown = links["completed"].page()
    found["confirm"] = links["completed"].post(shown, slot=wire(0)).answer
    found["booked"] = links["completed"].post(shown, slot=wire(0), confirmed="yes").answer
    found["taken"] = links["open"].post(links["open"].page(), slot=wire(0), confirmed="yes").answer
    for name, link in links.items():
        found[f"page {name}"] = get(link.path)
        found[f"head {name}"] = center.http.head(link.path)
        found[f"status {name}"] = get(f"/v1/real_time_scheduling/{link.link_id}", headers=center.key)
    found["event.ics"] = get(f"{links['completed'].path}/event.ics")
    status = f"/v1/real_time_scheduling/{links['open'].link_id}"
    tag = found["status open"].headers["etag"]
    found["not modified"] = get(status, headers={**center.key, "If-None-Match": tag})
    slow_key = {"Authorization": "bearer " + center.client_secret}
    found["status, the general way"] = get(status, headers=slow_key)
    found["not modified, the general way"] = get(status, headers={**slow_key, "If-None-Match": tag})
    for path in (
        "/docs",
        "/openapi.json",
        "/healthz",
        "/readyz",
        "/robots.txt",
        "/",
        "/nowhere",
        "/rts/x",
        "/static/x",
    ):
        found[path] = get(path)
    for path in ("/static/page.css", "/static/docs.css"):
        found[path] = get(path)
    for path in ("/v1/account", "/v1/userinfo", "/v1/profiles", "/v1/calendars", "/v1/events?tzid=Etc/UTC"):
        found[path] = get(path, headers=maya.key)
    found["401"] = get("/v1/userinfo", headers=bearer("x"))
    found["403"] = get("/v1/userinfo", headers=center.key)
    found["403 page"] = post(links["open"].path, data={"slot": "x"})
    found["404"] = get("/v1/real_time_scheduling/sch_x", headers=center.key)
    found["405"] = center.http.put("/v1/userinfo")
    found["400"] = post("/v1/availability", content=b"{", headers=center.key)
    found["422"] = post("/v1/availability", json={}, headers=center.key)
    client = {"client_id": center.client_id, "client_secret": center.client_secret}
    found["grant"] = post("/v1/application_calendars", json={**client, "application_calendar_id": "z"})
    found["token"] = post(
        "/oauth/token", json={**client, "grant_type": "refresh_token", "refresh_token": maya.refresh_token}
    )
    found["no token"] = post("/oauth/token", json={**client, "grant_type": "refresh_token"})
    found["link"] = post("/v1/real_time_scheduling", json=center.link_request(maya), headers=center.key)
    found["availability"] = post("/v1/availability", json=center.query(maya), headers=center.key)
    return found


def test_every_answer_says_what_it_is_not(center: Center) -> None:
    for name, answer in answers(center).items():
        headers: Mapping[str, str] = answer.headers
        assert headers["x-content-type-options"] == "nosniff", name
        assert headers["x-frame-options"] == "DENY", name
        assert "noindex" in headers["x-robots-tag"], name
        policy = policy_of(headers)
        assert policy["default-src"] == "'none'" and policy["frame-ancestors"] == "'none'", name
        assert policy["base-uri"] == "'none'", name
        assert not set(headers) & set(NEVER), name
        for header in ("x-content-type-options", "content-security-policy", "cache-control", "x-robots-tag"):
            assert len(headers.get_list(header)) == 1, (name, header)  # type: ignore[attr-defined]


def test_nothing_is_kept_but_what_is_nobodys_secret(center: Center) -> None:
    for name, answer in answers(center).items():
        kept = answer.headers["cache-control"]
        if name.startswith("/static") and answer.status_code == 200:
            assert kept == "public, max-age=86400"
        elif name in ("/docs", "/openapi.json"):
            assert kept == "no-cache"
        elif name.startswith(("status", "not modified")):
            assert kept == "private, no-cache"
        else:
            assert kept == "no-store", name


def test_html_says_more(center: Center) -> None:
    pages = {
        name: answer
        for name, answer in answers(center).items()
        if answer.headers.get("content-type", "").startswith("text/html")
    }
    assert len(pages) > 10
    for name, answer in pages.items():
        headers = answer.headers
        assert headers["referrer-policy"] == ("no-referrer" if name == "/docs" else "same-origin"), name
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "camera=()" in headers["permissions-policy"] and "geolocation=()" in headers["permissions-policy"]
        policy = policy_of(headers)
        of_links = "script-src" in policy
        assert policy["style-src"] == "'self'" and policy.get("script-src", "'self'") == "'self'"
        assert of_links is ("connect-src" in policy), "what runs may ask us, and nobody else"
        assert "unsafe" not in headers["content-security-policy"] and "*" not in headers["content-security-policy"]
        files = re.findall(r"<script[^>]*>", answer.text)
        assert all(each.startswith(('<script src="/static/', '<script type="application/json"')) for each in files), (
            name
        )
        assert of_links or not files, name
        assert not re.search(r"\sstyle=|\son[a-z]+=|javascript:|<style", answer.text), name


def test_a_page_posts_to_us_and_leads_on_to_its_links_target_alone(center: Center) -> None:
    maya = center.person("maya")
    link = center.create_link(maya, redirect_urls={"completed_url": "https://shop.test:8443/done?a=b"})
    other = center.create_link(maya)
    unknown = center.http.get("/rts/x")
    actions = [policy_of(answer.headers)["form-action"] for answer in (link.page(), other.page(), unknown)]
    assert actions == ["'self' https://shop.test:8443", "'self' https://application.test", "'self'"]
    assert policy_of(center.http.get("/docs").headers)["form-action"] == "'none'"


def test_a_fault_of_ours_says_nothing_but_a_reference_and_all_of_the_headers(
    center: Center, capsys: pytest.CaptureFixture[str]
) -> None:
    link = center.create_link(center.person("maya"))

    async def break_down(*_: Any, **__: Any) -> None:
        raise RuntimeError(f"a secret in a traceback: {center.client_secret}")

    quiet = TestClient(center.app, base_url="https://app.test", raise_server_exceptions=False)
    with patch.object(page, "open_visit", break_down), patch("slotlink.web.api_links.create_link", break_down):
        shown = quiet.get(link.path)
        body = center.link_request(center.person("maya"))
        told = quiet.post("/v1/real_time_scheduling", json=body, headers=center.key)
    logged = capsys.readouterr().out
    for answer in (shown, told):
        assert answer.status_code == 500
        reference = re.search(r"reference (?:<bdi>)?(\w{8})\b", answer.text)
        assert reference and reference[1] in logged, "the operator finds it"
        for leak in ("secret", "Traceback", "RuntimeError", "slotlink/", "site-packages", ".py"):
            assert leak not in answer.text, leak
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_no_site_may_ask_from_a_browser(center: Center) -> None:
    """No CORS: neither a preflight nor an answer lets another site's script in."""
    asked = {"Origin": "https://evil.test", "Access-Control-Request-Method": "POST"}
    for path in ("/v1/availability", "/v1/real_time_scheduling", "/rts/x", "/oauth/token", "/openapi.json"):
        preflight = center.http.options(path, headers=asked)
        assert preflight.status_code in (404, 405)
        for answer in (preflight, center.http.get(path, headers=asked)):
            assert not [name for name in answer.headers if name.startswith("access-control")]


def test_base_urls_come_from_the_settings_whatever_the_request_says(tmp_path: Path) -> None:
    with Center(tmp_path) as center:
        center.http.headers.update(
            {"Host": "evil.test", "X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "gopher"}
        )
        link: CreatedLink = center.create_link(center.person("maya"))
        texts = [link.url, center.http.get(link.path).text, center.http.get("/openapi.json").text]
        texts += [center.http.get("/docs").text, str(center.http.get("/").headers)]
    assert link.url.startswith("https://app.test/rts/")
    assert not [text for text in texts if "evil.test" in text or "gopher:" in text]


def policy_of(headers: Mapping[str, str]) -> dict[str, str]:
    parts = headers["content-security-policy"].split(";")
    return {name: value for name, _, value in (part.strip().partition(" ") for part in parts)}
