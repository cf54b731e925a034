"""Whoever watches over a server sees who was refused, and from where; nothing of what was in the request."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from structlog.testing import capture_logs

from slotlink.errors import ConfigurationError
from slotlink.store import links
from tests.api.asking import bearer
from tests.center import Center

SECRET = "canary-of-a-secret-5f3a"


def post_form(center: Center, headers: dict[str, str], **fields: str) -> Any:
    link = center.create_link(center.person("maya"))
    page = link.page()
    return center.http.post(link.path, data={**page.hidden, "slot": page.slots[0], **fields}, headers=headers)


CASES: dict[str, tuple[str, int, Callable[[Center], Any]]] = {
    "a wrong key": ("auth.refused", 401, lambda c: c.http.get("/v1/account", headers=bearer(SECRET))),
    "no key": ("auth.refused", 401, lambda c: c.http.get(f"/v1/account?x={SECRET}")),
    "a wrong client secret": (
        "auth.refused",
        400,
        lambda c: c.http.post("/oauth/token", json={"client_id": c.client_id, "client_secret": SECRET}),
    ),
    "a key for the wrong thing": ("access.refused", 403, lambda c: c.http.get("/v1/calendars", headers=c.key)),
    "no JSON": ("request.refused", 400, lambda c: c.http.post("/v1/availability", content=SECRET, headers=c.key)),
    "a huge body": (
        "request.refused",
        413,
        lambda c: c.http.post("/v1/availability", content=SECRET * 30_000, headers=c.key),
    ),
    "another site's form": ("form.refused", 403, lambda c: post_form(c, {"Sec-Fetch-Site": "cross-site"})),
    "a forged form": ("form.refused", 403, lambda c: post_form(c, {}, form_token=SECRET)),
}


@pytest.mark.parametrize("name", CASES)
def test_a_refusal_is_told_with_where_it_came_from(center: Center, name: str) -> None:
    event, status, act = CASES[name]
    with capture_logs() as logs:
        assert act(center).status_code == status
    [line] = [line for line in logs if line["event"] == event]
    assert line["client"] and SECRET not in repr(logs)


def test_a_refused_rate_is_told(tmp_path: Path) -> None:
    with Center(tmp_path, SLOTLINK_RATE_LIMIT="1/m") as center, capture_logs() as logs:
        codes = [center.http.get("/v1/real_time_scheduling/x", headers=center.key).status_code for _ in range(3)]
    assert 429 in codes and "rate.refused" in {line["event"] for line in logs}


def test_settings_at_fault_are_told_and_not_shown(center: Center) -> None:
    link = center.create_link(center.person("maya"))

    def fail(*_: Any) -> str:
        raise ConfigurationError("a stored secret was sealed with key 5f3a, which SLOTLINK_SECRET_KEYS does not hold")

    with patch.object(links, "open_token", fail), capture_logs() as logs:
        answer = center.http.post(
            f"/v1/real_time_scheduling/{link.link_id}/disable", json={"display_message": "x"}, headers=center.key
        )
    assert answer.status_code == 500 and "SLOTLINK" not in answer.text
    [line] = [line for line in logs if line["event"] == "request.broke"]
    assert "SLOTLINK_SECRET_KEYS" in line["reason"] and line["log_level"] == "error"


def test_what_an_account_is_given_and_loses_is_told(center: Center) -> None:
    with capture_logs() as logs:
        maya = center.person("maya")
        credentials = {"client_id": center.client_id, "client_secret": center.client_secret}
        refresh = {"grant_type": "refresh_token", "refresh_token": maya.refresh_token}
        assert center.http.post("/oauth/token", json=credentials | refresh).status_code == 200
        center.http.post("/oauth/token/revoke", json=credentials | {"token": maya.refresh_token})
        link = center.create_link(center.person("jonas"))
        center.http.post(
            f"/v1/real_time_scheduling/{link.link_id}/disable", json={"display_message": "x"}, headers=center.key
        )
    told = [line["event"] for line in logs]
    for event in ("grant.opened", "grant.refreshed", "grant.revoked", "link.created", "link.disabled"):
        assert event in told
    everything = repr(logs)
    for secret in (maya.access_token, maya.refresh_token, center.client_secret, link.token):
        assert secret not in everything
