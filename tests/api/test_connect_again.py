"""A profile whose access was taken away is connected anew: by its own address, and by nobody but the same person. And
what the daily listing finds: new calendars, and those that are gone."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slotlink.connectors.base import RemoteCalendar
from slotlink.services import connecting, sign_in
from slotlink.store import profiles
from tests.api.asking import bearer, capture_log, change, dump, rows
from tests.api.connecting import PASSWORD, Browser, allow, make_calendar, read, tokens_for
from tests.center import Center, Json, ReadPage
from tests.contract.test_connector_caldav import CalDavServer, Radicale, running


@pytest.fixture
def server(tmp_path: Path) -> Generator[CalDavServer]:
    folder = tmp_path / "radicale"
    folder.mkdir()
    with running(Radicale, folder) as server:
        (folder / "users").write_text("alice:pw1\nbob:pw1\n")
        make_calendar(server, "Work")
        make_calendar(server, "Bob", user="bob")
        yield server


@pytest.fixture
def center(tmp_path: Path, server: CalDavServer) -> Generator[Center]:
    with Center(tmp_path, SLOTLINK_CALENDAR_ALLOW=server.url.removeprefix("http://")) as center:
        allow(center)
        yield center


@pytest.fixture
def granted(center: Center, server: CalDavServer) -> Json:
    return tokens_for(center, Browser(center).connect(server))


def disconnect(center: Center, granted: Json) -> str:
    """As the worker does it when the provider refuses the password. The address to connect it anew."""

    async def act(deps: Any) -> None:
        async with deps.database.transaction() as connection:
            profile_id = granted["linking_profile"]["profile_id"]
            found = await profiles.get_profile(connection, center.client_id, profile_id)
            await profiles.disconnect(connection, center.client_id, found, "the password was refused")

    center.run(act)
    [profile] = read(center, "/v1/profiles", granted)["profiles"]
    assert profile["profile_connected"] is False
    [shown] = read(center, "/v1/userinfo", granted)["cronofy.data"]["profiles"]
    assert shown["profile_relink_url"] == profile["profile_relink_url"]
    assert profile["profile_relink_url"].startswith("https://app.test/oauth/relink/")
    return profile["profile_relink_url"].removeprefix("https://app.test")


def test_the_owner_connects_it_anew(center: Center, server: CalDavServer, granted: Json) -> None:
    before = read(center, "/v1/calendars", granted)
    relink = disconnect(center, granted)
    server.let_in("new password")
    later = int(center.clock()) + 9999
    change(center, "UPDATE calendars SET sync_due_at = ? WHERE remote_id IS NOT NULL", later)
    change(center, "UPDATE profiles SET failures = 3, retry_at = ?", later)
    browser = Browser(center).open(relink)
    assert "Globex" in browser.answer.text and "has lost access" in browser.answer.text
    assert "form-action 'self'" in browser.answer.headers["content-security-policy"]
    assert "Back without connecting" not in browser.answer.text, "there is no application to go back to"
    browser.post(address=server.url, user="alice", password="new password")
    assert browser.target == f"{relink}?done=yes"
    assert "Your calendar is connected again" in center.http.get(browser.target).text
    [profile] = read(center, "/v1/profiles", granted)["profiles"]
    assert profile["profile_connected"] is True and "profile_relink_url" not in profile
    assert read(center, "/v1/calendars", granted) == before
    with rows(center) as connection:
        due = connection.execute("SELECT sync_due_at FROM calendars WHERE remote_id IS NOT NULL").fetchall()
        failed = connection.execute("SELECT failures, retry_at, disconnected_reason FROM profiles").fetchall()
    assert all(row[0] <= center.clock.now for row in due) and [tuple(row) for row in failed] == [(0, None, None)]


def test_the_language_of_the_address_lasts_to_the_end(center: Center, server: CalDavServer, granted: Json) -> None:
    relink = disconnect(center, granted)
    browser = Browser(center).open(f"{relink}?locale=sv")
    browser.post(address=server.url, user="alice", password="wrong")
    assert '<html lang="sv"' in browser.answer.text
    browser.post(address=server.url, user="alice", password=PASSWORD)
    assert browser.target == f"{relink}?locale=sv&done=yes"
    assert '<html lang="sv"' in center.http.get(browser.target).text


def test_a_code_connects_it_anew_as_well(center: Center, server: CalDavServer, granted: Json) -> None:
    disconnect(center, granted)
    again = tokens_for(center, Browser(center).connect(server))
    assert again["sub"] == granted["sub"]
    assert read(center, "/v1/profiles", granted)["profiles"][0]["profile_connected"] is True


def test_nobody_else_does(center: Center, server: CalDavServer, granted: Json) -> None:
    relink = disconnect(center, granted)
    before = dump(center)
    browser = Browser(center).open(relink)
    browser.post(address=server.url, user="bob", password="pw1")
    assert (browser.answer.status_code, browser.page.error) == (422, "other_person")
    assert "Sign in as alice." in browser.answer.text
    assert dump(center) == before
    assert "has lost access" in center.http.get(f"{relink}?done=yes").text, "it is not done because somebody says so"


def test_a_wrong_password_leaves_it_disconnected(center: Center, server: CalDavServer, granted: Json) -> None:
    relink = disconnect(center, granted)
    before = dump(center)
    browser = Browser(center).open(relink)
    browser.post(address=server.url, user="alice", password="wrong")
    assert browser.page.error == "wrong_password" and dump(center) == before


def test_an_address_that_is_over_or_altered(center: Center, server: CalDavServer, granted: Json) -> None:
    relink = disconnect(center, granted)
    form = next(value for f in Browser(center).open(relink).page.forms for value in f.values("form_token"))
    token = relink.rpartition("/")[2]
    for wrong in (token[:-1], token + "x", "x" + token, form, token.replace(".", "")):
        assert center.http.get(f"/oauth/relink/{wrong}").status_code == 404
    profile_id = granted["linking_profile"]["profile_id"]
    center.http.post(f"/v1/profiles/{profile_id}/revoke", headers=bearer(granted["access_token"]))
    assert center.http.get(relink).status_code == 404


def test_an_address_of_a_revoked_account(center: Center, server: CalDavServer, granted: Json) -> None:
    relink = disconnect(center, granted)
    credentials = {"client_id": center.client_id, "client_secret": center.client_secret}
    center.http.post("/oauth/token/revoke", json={**credentials, "sub": granted["sub"]})
    assert center.http.get(relink).status_code == 404
    assert Browser(center).http.post(relink, data={"user": "alice"}).status_code == 404


def test_a_provider_that_is_no_longer_offered(center: Center, granted: Json) -> None:
    relink = disconnect(center, granted)
    change(center, "UPDATE profiles SET provider_name = 'google'")
    assert center.http.get(relink).status_code == 404


def test_another_site_connects_nothing_anew(center: Center, server: CalDavServer, granted: Json) -> None:
    relink = disconnect(center, granted)
    fields = {"address": server.url, "user": "alice", "password": "pw1"}
    for url in (relink, relink + "?done=yes"):
        assert center.http.post(url, data=fields).status_code == 403


def remote(remote_id: str, **changes: Any) -> RemoteCalendar:
    made = RemoteCalendar(remote_id, remote_id, None, writable=True, primary=False, owner_addresses=())
    return replace(made, **changes)


def refresh(center: Center, granted: Json, *listed: RemoteCalendar) -> bool:
    async def act(deps: Any) -> bool:
        async with deps.database.reading() as connection:
            profile_id = granted["linking_profile"]["profile_id"]
            profile = await profiles.get_profile(connection, center.client_id, profile_id)
        return await connecting.refresh_calendars(deps, center.client_id, profile, listed, int(center.clock()))

    return center.run(act)


def described(center: Center, granted: Json) -> dict[str, tuple[str, bool]]:
    calendars = read(center, "/v1/calendars", granted)["calendars"]
    return {each["calendar_name"]: (each["calendar_id"], each["calendar_deleted"]) for each in calendars}


def test_a_listing_brings_new_calendars_and_takes_those_that_are_gone(center: Center, granted: Json) -> None:
    [work] = described(center, granted).values()
    with rows(center) as connection:
        [remote_id] = connection.execute("SELECT remote_id FROM calendars WHERE remote_id IS NOT NULL").fetchone()
    assert refresh(center, granted, remote(remote_id, name="Renamed", color="#112233"), remote("new"))
    seen = described(center, granted)
    assert seen.keys() == {"Renamed", "new"} and seen["Renamed"] == work
    assert refresh(center, granted, remote("new"))
    assert described(center, granted)["Renamed"] == (work[0], True)
    assert refresh(center, granted, remote(remote_id, name="Back"), remote("new"))
    assert described(center, granted)["Back"] == work, "one that comes back is the one it was"


def test_an_empty_listing_frees_nobody(center: Center, granted: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    log = capture_log(monkeypatch, connecting)
    before = dump(center)
    assert not refresh(center, granted)
    assert dump(center) == before
    assert [entry["event"] for entry in log.entries] == ["profile.listing_empty"]


def test_a_listing_of_a_profile_that_was_taken_away_meanwhile(center: Center, granted: Json) -> None:
    disconnect(center, granted)
    before = dump(center)
    assert not refresh(center, granted, remote("new"))
    assert dump(center) == before
    change(center, "UPDATE accounts SET revoked_at = 1 WHERE sub = ?", granted["sub"])
    assert not refresh(center, granted, remote("new"))


def test_what_a_calendar_is_described_by(center: Center, granted: Json) -> None:
    refresh(
        center,
        granted,
        remote("a", tzid="Asia/Tokyo", color="#123456", owner_addresses=("a@b.test",), conferencing=True),
        remote("b", writable=False, primary=True),
    )
    calendars = {each["calendar_name"]: each for each in read(center, "/v1/calendars", granted)["calendars"]}
    shown = ("calendar_readonly", "calendar_primary", "calendar_integrated_conferencing_available")
    assert [calendars["a"][name] for name in shown] == [False, False, True]
    assert [calendars["b"][name] for name in shown] == [True, True, False]
    with rows(center) as connection:
        found = connection.execute("SELECT tzid, owner_addresses, color FROM calendars WHERE name = 'a'").fetchone()
    assert tuple(found) == ("Asia/Tokyo", '["a@b.test"]', "#123456")


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("cloud.example.com", "cloud.example.com"),
        (" HTTPS://Cloud.Example.com:443/remote.php/dav/ ", "cloud.example.com"),
        ("http://cloud.example.com:8080", "cloud.example.com:8080"),
        ("https://cloud.example.com./", "cloud.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("https://[::1]:5232/", "[::1]:5232"),
        ("https://[::1]/", "[::1]"),
        ("https://host:99999/", ""),
        ("https://[", ""),
        ("", ""),
    ],
)
def test_the_host_of_an_address(address: str, host: str) -> None:
    assert sign_in.host_of(address) == host


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Alice@Example.com", "alice@example.com", True),
        (" alice ", "alice", True),
        ("Alice", "alice", False),
    ],
)
def test_who_is_the_same_person(one: str, other: str, same: bool) -> None:
    assert (sign_in.remote_user_of(one, "h") == sign_in.remote_user_of(other, "h")) is same
    assert sign_in.remote_user_of(one, "h") != sign_in.remote_user_of(one, "i")
    assert sign_in.remote_user_of(one, "h", "/a") != sign_in.remote_user_of(one, "h", "/b")


def test_relinking_shows_nothing_of_another_page(center: Center, granted: Json) -> None:
    page = ReadPage(center.http.get(disconnect(center, granted)))
    assert page.headers["cache-control"] == "no-store" and "<script" not in page.text
    assert "All calendars" not in page.text, "the provider is the profile's"
