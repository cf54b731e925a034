"""Revoking a grant, and what the database holds of secrets."""

from __future__ import annotations

import base64
import hashlib
import urllib.parse
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from slotlink.errors import NotFound, TokenRefused
from slotlink.services.accounts import create_calendar, open_application_calendar
from slotlink.services.authorization import refresh
from slotlink.store import accounts, tokens
from tests.api.asking import at, bearer, other_application, rows
from tests.center import Center, Json, Person


def revoke(center: Center, **members: Any) -> Any:
    body = {"client_id": center.client_id, "client_secret": center.client_secret, **members}
    return center.http.post("/oauth/token/revoke", json=body)


def living(person: Person) -> bool:
    return person.center.http.get("/v1/userinfo", headers=person.key).status_code == 200


def test_a_grant_is_revoked_by_either_token_or_by_sub(center: Center) -> None:
    for name, member in (
        ("a", lambda maya: {"token": maya.access_token}),
        ("b", lambda maya: {"token": maya.refresh_token}),
        ("c", lambda maya: {"refresh_token": maya.refresh_token}),
        ("d", lambda maya: {"sub": maya.sub}),
    ):
        maya, again = center.person(name), center.person(name)
        answer = revoke(center, **member(maya))
        assert (answer.status_code, answer.content) == (200, b"")
        assert not living(maya)
        assert not living(again), "the whole grant ends, not the one token"
        body = {"client_id": center.client_id, "client_secret": center.client_secret, "grant_type": "refresh_token"}
        for person in (maya, again):
            answer = center.http.post("/oauth/token", json={**body, "refresh_token": person.refresh_token})
            assert answer.json() == {"error": "invalid_grant"}


def test_the_token_wins_over_sub(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    revoke(center, token=maya.access_token, sub=jonas.sub)
    assert not living(maya)
    assert living(jonas)
    revoke(center, token="unknown", sub=jonas.sub)
    assert living(jonas)


def test_the_unknown_is_revoked_already(center: Center) -> None:
    maya = center.person("maya")
    for members in ({"token": "unknown"}, {"sub": "apc_unknown"}, {"token": "x" * 500}):
        assert revoke(center, **members).status_code == 200
    revoke(center, sub=maya.sub)
    assert revoke(center, sub=maya.sub).status_code == 200


def test_another_applications_grant_cannot_be_revoked(center: Center) -> None:
    _, stranger = other_application(center)
    for members in ({"token": stranger.access_token}, {"token": stranger.refresh_token}, {"sub": stranger.sub}):
        assert revoke(center, **members).status_code == 200
        assert living(stranger)


def test_wrong_credentials_revoke_nothing(center: Center) -> None:
    maya = center.person("maya")
    for wrong in ({"client_secret": "x"}, {"client_id": "x"}):
        answer = revoke(center, token=maya.access_token, **wrong)
        assert (answer.status_code, answer.json()) == (400, {"error": "invalid_client"})
    assert living(maya)


def test_a_revoked_calendar_is_gone_and_its_id_begins_afresh(center: Center) -> None:
    maya = center.person("maya")
    maya.event("secret", at(0), at(1), summary="Nobody must read this again")
    revoke(center, sub=maya.sub)
    again = center.person("maya")
    assert again.sub != maya.sub
    assert again.calendar_id != maya.calendar_id
    assert again.events() == []
    with rows(center) as connection:
        assert "Nobody must read this again" not in "\n".join(connection.iterdump())


def test_a_form_revokes_as_json_does(center: Center) -> None:
    maya = center.person("maya")
    form = {"client_id": center.client_id, "client_secret": center.client_secret, "token": maya.access_token}
    assert center.http.post("/oauth/token/revoke", data=form).status_code == 200
    assert not living(maya)


def spellings(secret: str) -> list[bytes]:
    """The ways in which somebody could have stored a secret without thinking of it as plain."""
    raw = secret.encode()
    return [
        raw,
        raw[::-1],
        raw.hex().encode(),
        raw.hex().upper().encode(),
        base64.b64encode(raw).rstrip(b"="),
        base64.urlsafe_b64encode(raw).rstrip(b"="),
        base64.b32encode(raw).rstrip(b"="),
        urllib.parse.quote(secret).encode(),
        raw.decode().encode("utf-16-le"),
        raw.removeprefix(b"CRN_"),
        *(half for half in (raw[: len(raw) // 2 + 4], raw[len(raw) // 2 - 4 :])),
        hashlib.md5(raw).hexdigest().encode(),
        hashlib.sha1(raw).hexdigest().encode(),
    ]


def test_nothing_secret_lies_in_the_database(center: Center) -> None:
    maya = center.person("maya")
    body: Json = {"callback_urls": {"completed_url": "https://application.test/completed"}}
    link, other = center.create_link(maya, **body), center.create_link(maya, **body)
    link.choose(link.page().slots[0])
    center.http.get("/v1/account", headers=bearer(maya.access_token))
    secrets = [center.client_secret, maya.access_token, maya.refresh_token, other.token]
    cells: list[bytes] = []
    with rows(center) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        assert {"client_secrets", "tokens", "links", "outbox", "bookings"} <= set(tables)
        for table in tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                cells += [cell if isinstance(cell, bytes) else str(cell).encode() for cell in tuple(row)]
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    haystack = b"\n".join(cells)
    path = center.settings.sqlite_path
    assert path is not None
    on_disk = b"".join(file.read_bytes() for file in sorted(path.parent.iterdir()) if file.is_file())
    assert maya.sub.encode() in haystack
    assert maya.sub.encode() in on_disk
    for secret in secrets:
        for spelling in spellings(secret):
            assert spelling not in haystack, (secret, spelling)
            assert spelling not in on_disk, (secret, spelling)
        assert hashlib.sha256(secret.encode()).digest() in haystack, "secrets are looked up by their SHA-256"


def test_nothing_secret_is_in_an_answer_that_does_not_have_to_hold_it(center: Center) -> None:
    maya = center.person("maya")
    link = center.create_link(maya)
    for answer in (
        center.http.get(f"/v1/real_time_scheduling/{link.link_id}", headers=center.key),
        center.http.get("/v1/userinfo", headers=maya.key),
        center.http.get("/v1/calendars", headers=maya.key),
        center.http.get(link.path),
        center.http.get("/healthz"),
    ):
        for secret in (center.client_secret, maya.access_token, maya.refresh_token):
            assert secret not in answer.text + str(answer.headers)


def test_nothing_is_given_to_an_account_that_is_being_revoked(center: Center) -> None:
    """The request was let in, then the account is revoked, then it goes on: what it brings is refused."""
    maya = center.person("maya")

    async def run(deps: Any) -> None:
        async with deps.database.transaction() as connection:
            await accounts.revoke(connection, center.client_id, maya.sub, int(center.clock()))
        with pytest.raises(NotFound):
            await create_calendar(deps, center.client_id, maya.sub, maya.profile_id, "New", None, 1)
        with patch.object(accounts, "find_application_calendar", _finds(maya.sub)):
            grant = await open_application_calendar(deps, center.client_id, "another", int(center.clock()))
        assert grant.account.sub != maya.sub
        with patch.object(tokens, "find", _finds(maya.sub)), pytest.raises(TokenRefused):
            await refresh(deps, center.client_id, maya.refresh_token, int(center.clock()))

    center.run(run)


def _finds(sub: str) -> Any:
    """As if it had been read a moment before the revoke."""

    async def find(*_: Any, **__: Any) -> Any:
        return SimpleNamespace(sub=sub)

    return find
