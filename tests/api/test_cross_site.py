"""Requests that somebody else makes a browser send, and scanners that open every address: neither changes anything."""

from __future__ import annotations

import base64
import hashlib

import pytest

from slotlink.web.visit import OWN_PATHS
from tests.api.asking import at, callbacks, dump, wire
from tests.center import Center, CreatedLink, ReadPage

STATES = ("open", "completed", "disabled", "expired", "full")
CALLBACKS = {"no_times_displayed_url": "https://application.test/none", "no_times_suitable_url": "https://a.test/no"}


def link_in(state: str, center: Center) -> CreatedLink:
    maya = center.person(state)
    link = center.create_link(maya, selection_mode="confirm", callback_urls=CALLBACKS)
    if state == "completed":
        link.post(link.page(), slot=wire(0), confirmed="yes")
    elif state == "disabled":
        path = f"/v1/real_time_scheduling/{link.link_id}/disable"
        center.http.post(path, json={"display_message": "Filled"}, headers=center.key)
    elif state == "full":
        maya.event("all day", at(0), at(8))
    return link


@pytest.mark.parametrize("state", STATES)
def test_looking_changes_nothing(center: Center, state: str) -> None:
    """Save for the one thing that GET may do: tell, once, that a visitor saw no times."""
    link = link_in(state, center)
    page = link.page()
    if state == "expired":
        center.clock.now = at(9)
    fields = {**page.hidden, "slot": wire(0), "confirmed": "yes", "action": "none_suitable", "note": "x"}
    other = {"tzid": "Asia/Tokyo", "month": "2027-03", "_method": "POST"}
    queries: list[dict[str, str]] = [{}, fields, other]
    told = callbacks(center)
    before = dump(center)
    for path in [*(own + link.token for own in OWN_PATHS), f"{link.path}/event.ics", f"/rts/{link.token}x"]:
        for query in queries:
            for method in ("HEAD", "GET", "HEAD"):
                for headers in ({}, {"X-HTTP-Method-Override": "POST"}, {"Purpose": "prefetch"}):
                    answer = center.http.request(method, path, params=query, headers=headers)
                    assert answer.status_code in (200, 404), (method, path)
    for path in (f"/v1/real_time_scheduling/{link.link_id}", f"/v1/real_time_scheduling?token={link.token}"):
        for method in ("GET", "HEAD"):
            assert center.http.request(method, path, headers=center.key).status_code == 200
        assert center.http.get(path + "/disable", headers=center.key).status_code in (404, 405)
    assert callbacks(center) == told and len(told) == (1 if state == "full" else 0)
    assert dump(center) == before


def test_head_tells_nothing_where_get_would(center: Center) -> None:
    maya = center.person("maya")
    link = center.create_link(maya, callback_urls=CALLBACKS)
    maya.event("all day", at(0), at(8))
    before = dump(center)
    for own in OWN_PATHS:
        assert center.http.head(own + link.token).status_code == 200
    assert dump(center) == before
    center.http.get(link.path)
    assert len(callbacks(center)) == 1


def post(link: CreatedLink, page: ReadPage, **headers: str) -> int:
    data = {**page.hidden, "slot": wire(0)}
    return link.center.http.post(link.path, data=data, headers=headers).status_code


def test_a_name_that_somebody_else_points_at_us_is_not_our_origin(center: Center) -> None:
    """DNS rebinding: Host and Origin agree, and both are the attacker's."""
    link = center.create_link(center.person("maya"))
    page = link.page()
    before = dump(center)
    for scheme in ("http", "https"):
        for host in ("evil.test", "evil.test:8000", "127.0.0.1:8000", "app.test.evil.test"):
            assert post(link, page, Host=host, Origin=f"{scheme}://{host}") == 403
    assert dump(center) == before
    assert post(link, page, Host="proxy.internal:8000", Origin="https://app.test") == 303


def test_fetch_metadata_comes_first_then_the_origin_then_the_form_token(center: Center) -> None:
    link = center.create_link(center.person("maya"), selection_mode="confirm")
    page = link.page()
    foreign = {"Origin": "https://evil.test"}
    assert post(link, page, **{"Sec-Fetch-Site": "cross-site"}) == 403
    assert post(link, page, **{"Sec-Fetch-Site": "same-origin"}, **foreign) == 200
    assert post(link, page, **foreign) == 403
    assert post(link, page) == 200
    for form in page.forms:
        form.controls = [(name, "x" if name == "form_token" else value) for name, value in form.controls]
    for headers in ({}, {"Sec-Fetch-Site": "same-origin"}, {"Origin": "https://app.test"}):
        assert post(link, page, **headers) == 403


def test_forms_are_signed_with_sha_256(center: Center) -> None:
    token = center.create_link(center.person("maya")).page().hidden["form_token"]
    signature = token.rpartition(".")[2]
    assert len(base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))) == hashlib.sha256().digest_size


def test_the_api_takes_no_credential_that_a_browser_sends_by_itself(center: Center) -> None:
    maya = center.person("maya")
    cookies = {"Cookie": f"access_token={maya.access_token}; session={center.client_secret}"}
    basic = {"Authorization": "Basic " + center.client_secret}
    for headers in (cookies, basic, cookies | basic):
        assert center.http.get("/v1/userinfo", headers=headers).status_code == 401
    query = {"access_token": maya.access_token, "client_secret": center.client_secret, "client_id": center.client_id}
    assert center.http.get("/v1/userinfo", params=query).status_code == 401
