"""What is read of a token endpoint's answers, and what an id_token has to be to say who somebody is."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hostile import Floods, hang, says, talking
from tests.unit.connectors.calls import answer

from slotlink.connectors import oauth
from slotlink.connectors.google_oauth import google_provider
from slotlink.connectors.json_answers import Answer
from slotlink.connectors.oauth import Identity, Provider, authorize_url, pkce, read_identity, read_tokens, refusal
from slotlink.errors import AccessRevoked, ConnectorError, NotAccepted, ProviderUnavailable

NOW = 1_804_150_800
TENANT = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
MICROSOFT = "https://login.test/{tenantid}/v2.0"
PROVIDER = Provider(
    "https://login.test/auth?x=1",
    "https://login.test/token",
    None,
    "client",
    "s3cret",
    ("openid", "calendar"),
    ("https://login.test", MICROSOFT),
    {"prompt": "consent"},
)
CLAIMS = {"iss": "https://login.test", "aud": "client", "sub": "42", "exp": NOW + 60, "nonce": "n", "email": "a@x.test"}
GOOD = {"access_token": "at", "expires_in": 3599, "refresh_token": "rt", "scope": "openid mail", "token_type": "bearer"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def token(claims: object) -> str:
    parts = [{"alg": "none"}, claims]
    return ".".join([*(base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in parts), ""])


def answered(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, headers or {}, body if isinstance(body, bytes) else json.dumps(body).encode())


def test_the_address_where_a_browser_is_sent() -> None:
    url = authorize_url(PROVIDER, "https://slotlink.test/cb?a=1", "st&te", "ch", "no", "ann+x@x.test")
    parts = urlsplit(url)
    assert (parts.netloc, parts.path) == ("login.test", "/auth")
    assert dict(parse_qsl(parts.query)) == {
        "x": "1",
        "prompt": "consent",
        "response_type": "code",
        "client_id": "client",
        "redirect_uri": "https://slotlink.test/cb?a=1",
        "scope": "openid calendar",
        "state": "st&te",
        "code_challenge": "ch",
        "code_challenge_method": "S256",
        "nonce": "no",
        "login_hint": "ann+x@x.test",
    }
    assert "login_hint" not in authorize_url(PROVIDER, "https://slotlink.test/cb", "s", "c", "n")


def test_extra_members_replace_none_of_ours() -> None:
    provider = google_provider("id", "secret")
    assert dict(provider.extra) == {"access_type": "offline", "prompt": "consent"}
    assert "https://accounts.google.com" in provider.issuers and "secret" not in repr(provider)


def test_a_verifier_is_new_and_its_challenge_is_its_digest() -> None:
    verifier, challenge = pkce()
    digest = hashlib.sha256(verifier.encode()).digest()
    assert base64.urlsafe_b64decode(challenge + "=") == digest and "=" not in challenge
    assert 43 <= len(verifier) <= 128 and pkce()[0] != verifier


def test_tokens() -> None:
    found = read_tokens(answered({**GOOD, "id_token": token(CLAIMS)}), PROVIDER, "n", NOW)
    assert (found.access_token, found.expires_in, found.refresh_token) == ("at", 3599, "rt")
    assert found.scopes == {"openid", "mail"} and found.identity == Identity("42", "a@x.test", "")
    assert not {"at", "rt"} & {part.strip("'") for part in repr(found).replace("=", " ").split()}


def test_what_may_be_missing() -> None:
    found = read_tokens(answered({"access_token": "at"}), PROVIDER)
    assert (found.expires_in, found.refresh_token, found.identity) == (3600, None, None)
    assert found.scopes == {"openid", "calendar"}, "none named: as asked for"
    assert read_tokens(answered({**GOOD, "expires_in": "3599"}), PROVIDER).expires_in == 3599
    assert read_tokens(answered({**GOOD, "id_token": "of somebody"}), PROVIDER).identity is None, "not asked for"


@pytest.mark.parametrize(
    "wrong",
    [
        {"access_token": None},
        {"access_token": ""},
        {"access_token": "a\r\nb"},
        {"access_token": 7},
        {"token_type": "mac"},
        {"token_type": None},
        {"refresh_token": 7},
        {"refresh_token": ""},
        {"expires_in": -1},
        {"expires_in": True},
        {"expires_in": "soon"},
        {"expires_in": 10**12},
        {"scope": ["mail"]},
        {"id_token": 7},
        {"id_token": "a.b"},
        {"id_token": "a.é.c"},
        {"id_token": token([])},
    ],
    ids=str,
)
def test_tokens_that_are_none(wrong: dict[str, Any]) -> None:
    with pytest.raises(ProviderUnavailable):
        read_tokens(answered({**GOOD, **wrong}), PROVIDER, "n", NOW)


IDENTITIES: dict[str, tuple[dict[str, Any], Identity]] = {
    "several audiences": ({"aud": ["other", "client"], "azp": "client"}, Identity("42", "a@x.test", "")),
    "a tenant's issuer": (
        {"iss": MICROSOFT.replace("{tenantid}", TENANT), "tid": TENANT},
        Identity("42", "a@x.test", ""),
    ),
    "Microsoft's name of an account": ({"email": None, "preferred_username": "b@x"}, Identity("42", "b@x", "")),
    "a name that is no address": ({"email": None, "preferred_username": "+4930"}, Identity("42", "", "")),
    "a name": ({"name": "Ann"}, Identity("42", "a@x.test", "Ann")),
    "over just now": ({"exp": NOW - 60}, Identity("42", "a@x.test", "")),
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_identities(name: str) -> None:
    members, identity = IDENTITIES[name]
    assert read_identity(token({**CLAIMS, **members}), PROVIDER, "n", NOW) == identity


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://evil.test"},
        {"iss": ["https://login.test"]},
        {"iss": MICROSOFT},
        {"iss": MICROSOFT.replace("{tenantid}", TENANT)},
        {"iss": MICROSOFT.replace("{tenantid}", "a/b"), "tid": "a/b"},
        {"iss": MICROSOFT.replace("{tenantid}", TENANT), "tid": TENANT.replace("8", "9")},
        {"aud": "other"},
        {"aud": ["other"]},
        {"aud": ["client", "other"]},
        {"aud": "client", "azp": "other"},
        {"aud": None},
        {"exp": NOW - 121},
        {"exp": None},
        {"exp": True},
        {"nonce": "m"},
        {"nonce": None},
        {"sub": ""},
        {"sub": 42},
    ],
    ids=str,
)
def test_identities_that_are_none(wrong: dict[str, Any]) -> None:
    with pytest.raises(ProviderUnavailable):
        read_identity(token({**CLAIMS, **wrong}), PROVIDER, "n", NOW)


def test_without_a_nonce_nobody_is_known() -> None:
    with pytest.raises(ProviderUnavailable):
        read_identity(token({**CLAIMS, "nonce": ""}), PROVIDER, "", NOW)


REFUSALS: dict[str, tuple[Answer, type[ConnectorError], str]] = {
    "a dead grant": (answered({"error": "invalid_grant"}, 400), AccessRevoked, "invalid_grant"),
    "Microsoft's number": (
        answered({"error": "invalid_grant", "error_codes": [50173]}, 400),
        AccessRevoked,
        "AADSTS50173",
    ),
    "the person has to be there": (answered({"error": "interaction_required"}, 400), AccessRevoked, "interaction"),
    "a wrong secret": (answered({"error": "invalid_client"}, 401), NotAccepted, "client secret"),
    "an unknown client": (answered({"error": "unauthorized_client"}, 400), NotAccepted, "client id"),
    "an unknown callback": (answered({"error": "redirect_uri_mismatch"}, 400), NotAccepted, "callback address"),
    "an unknown scope": (answered({"error": "invalid_scope"}, 400), NotAccepted, "scope"),
    "an unknown error": (answered({"error": "temporarily_unavailable"}, 400), ProviderUnavailable, "temporarily"),
    "words as an error": (answered({"error": "It's s3cret\n"}, 400), ProviderUnavailable, "400"),
    "no error": (answered({}, 400), ProviderUnavailable, "400"),
    "a page": (answered(b"<html>", 401), ProviderUnavailable, "401"),
    "a broken server with an error": (answered({"error": "invalid_grant"}, 500), ProviderUnavailable, "500"),
    "too fast": (answered({"error": "invalid_grant"}, 429, {"Retry-After": "9"}), ProviderUnavailable, "429"),
    "sent elsewhere": (answered(b"", 302, {"Location": "https://evil.test"}), ProviderUnavailable, "302"),
    "nothing": (answered(b"", 204), ProviderUnavailable, "204"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name: str) -> None:
    said, meant, words = REFUSALS[name]
    error = refusal(said)
    assert type(error) is meant and words in str(error) and "s3cret" not in str(error)
    if isinstance(error, ProviderUnavailable):
        assert error.retry_after == (9 if said.status == 429 else None)
    with pytest.raises(meant):
        read_tokens(said, PROVIDER)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from([*GOOD, "id_token", "error"]), _JSON), st.sampled_from([200, 400, 401, 503]))
def test_any_answer(members: dict[str, Any], status: int) -> None:
    with suppress(ConnectorError):
        read_tokens(answered({**GOOD, **members}, status), PROVIDER, "n", NOW)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from([*CLAIMS, "azp", "tid", "name"]), _JSON))
def test_any_claims(members: dict[str, Any]) -> None:
    with suppress(ProviderUnavailable):
        read_identity(token({**CLAIMS, **members}), PROVIDER, "n", NOW)


async def test_silence_and_floods(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oauth, "DEADLINE_S", 1)
    floods = Floods(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 65536)
    sent_on = says(answer("307 Temporary Redirect", "Location: http://127.0.0.1:1/"))
    async with aiohttp.ClientSession() as session:
        for talk, words in ((hang, "in time"), (floods, "200000 bytes"), (sent_on, "307")):
            with talking(talk, buffers=None) as host:
                provider = google_provider("id", "s3cret", oauth_url=f"http://{host}")
                for call in (
                    oauth.refresh(session, provider, "s3cret-rt"),
                    oauth.exchange(session, provider, "s3cret\ud800", "https://slotlink.test/cb", "v", "n"),
                    oauth.revoke(session, provider, "s3cret-rt"),
                ):
                    with pytest.raises(ProviderUnavailable) as caught:
                        await call
                    assert words in str(caught.value) and "s3cret" not in str(caught.value)
