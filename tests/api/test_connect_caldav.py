"""A person connects a CalDAV account through the page, and the application reaches it: against a real Radicale."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.api.asking import bearer
from tests.api.connecting import (
    BACK,
    CHALLENGE,
    SCOPE,
    VERIFIER,
    Browser,
    allow,
    authorize_url,
    dav,
    make_calendar,
    read,
    token,
    tokens_for,
)
from tests.center import Center
from tests.contract.test_connector_caldav import CalDavServer, Radicale, running


@pytest.fixture
def server(tmp_path: Path) -> Generator[CalDavServer]:
    folder = tmp_path / "radicale"
    folder.mkdir()
    with running(Radicale, folder) as server:
        (folder / "users").write_text("alice:pw1\nbob:pw1\nalice@example.com:pw1\n")
        make_calendar(server, "Work", zone="Europe/Berlin")
        make_calendar(server, "Home")
        make_calendar(server, "Bob", user="bob")
        yield server


@pytest.fixture
def center(tmp_path: Path, server: CalDavServer) -> Generator[Center]:
    with Center(tmp_path, SLOTLINK_CALENDAR_ALLOW=server.url.removeprefix("http://")) as center:
        allow(center)
        yield center


def test_the_journey_from_the_request_to_the_calendars(center: Center, server: CalDavServer) -> None:
    browser = Browser(center).open(authorize_url(center, code_challenge=CHALLENGE, code_challenge_method="S256"))
    assert browser.answer.status_code == 200 and "Globex" in browser.answer.text
    assert "provider_name=caldav" in browser.answer.text and "provider_name=google" not in browser.answer.text
    url = authorize_url(center, code_challenge=CHALLENGE, code_challenge_method="S256", provider_name="caldav")
    browser.open(url)
    browser.post(provider_name="caldav", address=f" {server.url} ", user="alice", password="pw1")
    brought = browser.brought
    assert brought == {"code": brought["code"], "state": "st te/+&=é"}

    granted = tokens_for(center, brought["code"], code_verifier=VERIFIER)
    sub, profile_id = granted["sub"], granted["linking_profile"]["profile_id"]
    assert granted == {
        "token_type": "bearer",
        "access_token": granted["access_token"],
        "expires_in": 3600,
        "refresh_token": granted["refresh_token"],
        "scope": SCOPE,
        "account_id": sub,
        "sub": sub,
        "linking_profile": {"provider_name": "caldav", "profile_id": profile_id, "profile_name": "alice"},
    }
    assert sub.startswith("acc_") and len(sub) == 28

    account = read(center, "/v1/account", granted)["account"]
    zone = account["default_tzid"]
    assert account == {"account_id": sub, "name": None, "scope": SCOPE, "default_tzid": zone}
    [profile] = read(center, "/v1/profiles", granted)["profiles"]
    assert profile == {
        "provider_name": "caldav",
        "provider_service": "caldav",
        "profile_id": profile_id,
        "profile_name": "alice",
        "profile_connected": True,
        "profile_initial_sync_required": True,
    }
    listed = read(center, "/v1/calendars", granted)
    assert listed["sub"] == sub
    assert {each["calendar_name"] for each in listed["calendars"]} == {"Work", "Home"}
    assert [each["calendar_primary"] for each in listed["calendars"]] == [True, False], "the primary one first"
    assert zone == ("Europe/Berlin" if listed["calendars"][0]["calendar_name"] == "Work" else "Etc/UTC")
    info = read(center, "/v1/userinfo", granted)
    assert info["sub"] == sub and info["zoneinfo"] == zone and info["cronofy.type"] == "account"
    assert info["cronofy.data"]["authorization"] == {"scope": SCOPE, "status": "active"}
    [shown] = info["cronofy.data"]["profiles"]
    assert {each["calendar_id"] for each in shown.pop("profile_calendars")} == {
        each["calendar_id"] for each in listed["calendars"]
    }
    assert shown == profile


def test_the_same_person_again_is_the_same_account(center: Center, server: CalDavServer) -> None:
    first = tokens_for(center, Browser(center).connect(server))
    before = {each["calendar_name"]: each["calendar_id"] for each in read(center, "/v1/calendars", first)["calendars"]}
    make_calendar(server, "New")
    dav(server, "DELETE", "/alice/home/")
    second = tokens_for(center, Browser(center).connect(server))
    assert (second["sub"], second["linking_profile"]) == (first["sub"], first["linking_profile"])
    calendars = {each["calendar_name"]: each for each in read(center, "/v1/calendars", second)["calendars"]}
    assert {name: each["calendar_deleted"] for name, each in calendars.items()} == {
        "Work": False,
        "Home": False,  # what is gone there is taken away by the next reading (test_connected_calendars.py)
        "New": False,
    }
    assert calendars["Work"]["calendar_id"] == before["Work"], "the same calendar keeps its id"
    assert len(read(center, "/v1/profiles", second)["profiles"]) == 1
    assert read(center, "/v1/account", first), "the tokens from before are good"


def test_mail_addresses_are_one_person_in_any_case_and_other_names_are_not(
    center: Center, server: CalDavServer
) -> None:
    make_calendar(server, "Mail", user="alice@example.com")
    plain = tokens_for(center, Browser(center).connect(server, user="alice"))
    mail = tokens_for(center, Browser(center).connect(server, user="alice@example.com"))
    assert plain["sub"] != mail["sub"]
    account = read(center, "/v1/account", mail)["account"]
    assert account["email"] == "alice@example.com"
    assert read(center, "/v1/userinfo", mail)["email"] == "alice@example.com"


def test_another_profile_of_the_same_account(center: Center, server: CalDavServer) -> None:
    first = tokens_for(center, Browser(center).connect(server))
    answer = center.http.post("/v1/link_tokens", json={}, headers=bearer(first["access_token"]))
    assert answer.status_code == 200 and list(answer.json()) == ["link_token"]
    link_token = answer.json()["link_token"]
    center.clock.now += 1
    second = tokens_for(center, Browser(center).connect(server, user="bob", link_token=link_token))
    assert second["sub"] == first["sub"]
    assert second["linking_profile"]["profile_name"] == "bob"
    names = [each["profile_name"] for each in read(center, "/v1/profiles", first)["profiles"]]
    assert names == ["alice", "bob"]
    assert {each["calendar_name"] for each in read(center, "/v1/calendars", first)["calendars"]} == {
        "Work",
        "Home",
        "Bob",
    }
    again = Browser(center).open(authorize_url(center, provider_name="caldav", link_token=link_token))
    assert again.brought["error"] == "invalid_request", "a link token is good once"


def test_without_a_link_token_nothing_is_linked(center: Center, server: CalDavServer) -> None:
    first = tokens_for(center, Browser(center).connect(server))
    other = tokens_for(center, Browser(center).connect(server, user="bob", avoid_linking="False"))
    assert other["sub"] != first["sub"]


def test_a_profile_is_not_moved_to_another_account(center: Center, server: CalDavServer) -> None:
    alice = tokens_for(center, Browser(center).connect(server))
    bob = tokens_for(center, Browser(center).connect(server, user="bob"))
    link_token = center.http.post("/v1/link_tokens", headers=bearer(bob["access_token"])).json()["link_token"]
    browser = Browser(center).open(authorize_url(center, provider_name="caldav", link_token=link_token))
    browser.post(provider_name="caldav", address=server.url, user="alice", password="pw1")
    assert (browser.answer.status_code, browser.page.error) == (422, "other_account")
    assert [each["profile_name"] for each in read(center, "/v1/profiles", alice)["profiles"]] == ["alice"]
    browser.post(provider_name="caldav", address=server.url, user="bob", password="pw1")
    assert tokens_for(center, browser.brought["code"])["sub"] == bob["sub"], "the link token was not used up"


def test_a_link_token_is_good_for_five_minutes(center: Center, server: CalDavServer) -> None:
    granted = tokens_for(center, Browser(center).connect(server))
    link_token = center.http.post("/v1/link_tokens", headers=bearer(granted["access_token"])).json()["link_token"]
    browser = Browser(center).open(authorize_url(center, provider_name="caldav", link_token=link_token))
    center.clock.now += 300
    browser.post(provider_name="caldav", address=server.url, user="bob", password="pw1")
    assert browser.brought["error"] == "invalid_request"


def test_a_profile_is_revoked_and_connected_afresh(center: Center, server: CalDavServer) -> None:
    first = tokens_for(center, Browser(center).connect(server))
    profile_id = first["linking_profile"]["profile_id"]
    path = f"/v1/profiles/{profile_id}/revoke"
    answer = center.http.post(path, json={}, headers=bearer(first["access_token"]))
    assert (answer.status_code, answer.content) == (202, b"")
    assert read(center, "/v1/profiles", first)["profiles"] == []
    assert all(each["calendar_deleted"] for each in read(center, "/v1/calendars", first)["calendars"])
    assert center.http.post(path, json={}, headers=bearer(first["access_token"])).status_code == 404
    stranger = tokens_for(center, Browser(center).connect(server, user="bob"))
    foreign = f"/v1/profiles/{stranger['linking_profile']['profile_id']}/revoke"
    assert center.http.post(foreign, headers=bearer(first["access_token"])).status_code == 404
    again = tokens_for(center, Browser(center).connect(server))
    assert again["linking_profile"]["profile_id"] != profile_id
    assert again["sub"] != first["sub"], "nothing names the account any more"


def test_whoever_comes_back_after_the_grant_was_revoked_begins_anew(center: Center, server: CalDavServer) -> None:
    first = tokens_for(center, Browser(center).connect(server))
    credentials = {"client_id": center.client_id, "client_secret": center.client_secret}
    center.http.post("/oauth/token/revoke", json={**credentials, "token": first["refresh_token"]})
    assert token(center, grant_type="refresh_token", refresh_token=first["refresh_token"]).status_code == 400
    again = tokens_for(center, Browser(center).connect(server))
    assert again["sub"] != first["sub"]
    assert {each["calendar_name"] for each in read(center, "/v1/calendars", again)["calendars"]} == {"Work", "Home"}


def test_another_application_has_an_account_of_its_own(center: Center, server: CalDavServer) -> None:
    ours = tokens_for(center, Browser(center).connect(server))
    client_id, secret = center.new_application("Initech")
    allow(center, client_id=client_id)
    code = Browser(center).connect(server, client_id=client_id)
    body = {"client_id": client_id, "client_secret": secret, "grant_type": "authorization_code", "redirect_uri": BACK}
    assert token(center, grant_type="authorization_code", code=code).json() == {"error": "invalid_grant"}
    theirs = center.http.post("/oauth/token", data={**body, "code": code}).json()
    assert theirs["sub"] != ours["sub"]


def test_an_embedded_account_has_one_profile(center: Center) -> None:
    maya = center.person("maya")
    assert center.http.post("/v1/link_tokens", headers=maya.key).status_code == 403
    assert center.http.post(f"/v1/profiles/{maya.profile_id}/revoke", headers=maya.key).status_code == 403
