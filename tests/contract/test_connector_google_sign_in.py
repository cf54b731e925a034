"""Signing in to Google, from the browser's first redirect to the revocation, against the double."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest
import requests

from slotlink.connectors.google_oauth import SCOPES, google_provider
from slotlink.connectors.oauth import Provider, authorize_url, exchange, pkce, refresh, revoke
from slotlink.errors import AccessRevoked, NotAccepted, ProviderUnavailable
from tests.doubles import google_world
from tests.doubles.google import API, CLIENT_ID, CLIENT_SECRET, SCOPE, GoogleDouble
from tests.doubles.google_world import ANN, CALLBACK
from tests.doubles.oauth_claims import subject


@pytest.fixture
def google() -> Generator[GoogleDouble]:
    with GoogleDouble() as google:
        google_world.register(google)
        google.person(ANN)
        google.oauth.signed_in = ANN
        yield google


@pytest.fixture
async def session() -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def provider(google: GoogleDouble) -> Provider:
    return google_provider(CLIENT_ID, CLIENT_SECRET, accounts_url=google.url, oauth_url=google.url)


def browsed(url: str) -> dict[str, str]:
    """What comes back to the callback address."""
    answer = requests.get(url, allow_redirects=False, timeout=20)
    assert answer.status_code == 302 and answer.headers["Location"].startswith(CALLBACK)
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def code_of(provider: Provider, challenge: str, nonce: str) -> str:
    found = browsed(authorize_url(provider, CALLBACK, "state", challenge, nonce, ANN))
    assert found["state"] == "state"
    return found["code"]


async def test_the_whole_way(google: GoogleDouble, session: aiohttp.ClientSession, provider: Provider) -> None:
    for _ in ("the first time", "and again"):
        verifier, challenge = pkce()
        now = google.clock.now
        tokens = await exchange(session, provider, code_of(provider, challenge, "n"), CALLBACK, verifier, "n", now=now)
        assert tokens.identity is not None and tokens.refresh_token is not None
        assert (tokens.identity.subject, tokens.identity.email) == (subject(ANN), ANN)
        assert (tokens.scopes, tokens.expires_in) == (set(SCOPES), 3600)
    renewed = await refresh(session, provider, tokens.refresh_token)
    assert renewed.access_token != tokens.access_token and renewed.refresh_token is None
    listed = requests.get(
        f"{google.url}{API}/users/me/calendarList",
        headers={"Authorization": f"Bearer {renewed.access_token}"},
        timeout=20,
    )
    assert listed.status_code == 200, "the scopes are enough"
    for _ in ("living", "dead already"):
        await revoke(session, provider, tokens.refresh_token)
    with pytest.raises(AccessRevoked):
        await refresh(session, provider, tokens.refresh_token)


async def test_a_code_is_good_once_and_for_its_verifier_alone(
    google: GoogleDouble, session: aiohttp.ClientSession, provider: Provider
) -> None:
    verifier, challenge = pkce()
    code = code_of(provider, challenge, "n")
    now = google.clock.now
    with pytest.raises(AccessRevoked):
        await exchange(session, provider, code, CALLBACK, pkce()[0], "n", now=now)
    assert await exchange(session, provider, code, CALLBACK, verifier, "n", now=now)
    with pytest.raises(AccessRevoked):
        await exchange(session, provider, code, CALLBACK, verifier, "n", now=now)


async def test_another_sign_in_is_not_this_one(
    google: GoogleDouble, session: aiohttp.ClientSession, provider: Provider
) -> None:
    verifier, challenge = pkce()
    with pytest.raises(ProviderUnavailable):
        await exchange(
            session, provider, code_of(provider, challenge, "theirs"), CALLBACK, verifier, "ours", now=google.clock.now
        )
    with pytest.raises(ProviderUnavailable):
        late = google.clock.now + 2 * 3600
        await exchange(session, provider, code_of(provider, challenge, "n"), CALLBACK, verifier, "n", now=late)


async def test_scopes_that_were_unticked(
    google: GoogleDouble, session: aiohttp.ClientSession, provider: Provider
) -> None:
    google.oauth.unticked = frozenset({SCOPE + "calendar.events"})
    verifier, challenge = pkce()
    code = code_of(provider, challenge, "n")
    tokens = await exchange(session, provider, code, CALLBACK, verifier, "n", now=google.clock.now)
    assert tokens.scopes == set(SCOPES) - {SCOPE + "calendar.events"}


async def test_whoever_refuses_is_sent_back(google: GoogleDouble, provider: Provider) -> None:
    google.oauth.consents = False
    found = browsed(authorize_url(provider, CALLBACK, "state", pkce()[1], "n"))
    assert found == {"error": "access_denied", "state": "state"}


async def test_faults_of_the_operator(google: GoogleDouble, session: aiohttp.ClientSession, provider: Provider) -> None:
    refresh_token = google.oauth.tokens_for(ANN, SCOPES, CLIENT_ID)["refresh_token"]
    for wrong in (replace(provider, client_secret="x"), replace(provider, client_id="x")):
        with pytest.raises(NotAccepted, match="client id"):
            await refresh(session, wrong, refresh_token)
    verifier, challenge = pkce()
    with pytest.raises(NotAccepted, match="callback address"):
        await exchange(session, provider, code_of(provider, challenge, "n"), CALLBACK + "2", verifier, "n")


async def test_a_provider_without_revocation(session: aiohttp.ClientSession, provider: Provider) -> None:
    await revoke(session, replace(provider, revoke_url=None), "token")
