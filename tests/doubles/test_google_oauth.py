"""Signing in with Google's double: codes, tokens, scopes, and their ends."""

from __future__ import annotations

import base64
import json
from collections.abc import Generator
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from tests.doubles.google import API, CLIENT_ID, CLIENT_SECRET, SCOPE, GoogleDouble
from tests.doubles.google_caller import Caller, reason
from tests.doubles.google_world import ANN, CALLBACK, caller, register
from tests.doubles.oauth_claims import challenge
from tests.doubles.service import Clock

VERIFIER = "v" * 43


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def google(clock: Clock) -> Generator[GoogleDouble]:
    with GoogleDouble(clock) as google:
        google.person(ANN)
        register(google)
        google.oauth.signed_in = ANN
        yield google


def authorize(google: GoogleDouble, **more: str) -> requests.Response:
    asked = {
        "client_id": CLIENT_ID,
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": f"{SCOPE}calendar {SCOPE}calendar.freebusy",
        "state": "s/1",
        "access_type": "offline",
        "code_challenge": challenge(VERIFIER),
        "code_challenge_method": "S256",
        **more,
    }
    return requests.get(f"{google.url}/o/oauth2/v2/auth", params=asked, allow_redirects=False)


def sent_back(answer: requests.Response) -> dict[str, str]:
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(CALLBACK + "?")
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


def token(google: GoogleDouble, **form: str) -> requests.Response:
    known = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    return requests.post(f"{google.url}/token", data={**known, **form})


def redeem(google: GoogleDouble, code: str, **more: str) -> requests.Response:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    return token(google, **{**form, **more})


def renew(google: GoogleDouble, refresh_token: str) -> requests.Response:
    return token(google, grant_type="refresh_token", refresh_token=refresh_token)


def test_the_journey_ends_in_tokens_that_open_the_api(google: GoogleDouble) -> None:
    back = sent_back(authorize(google))
    assert back["state"] == "s/1"
    tokens = redeem(google, back["code"]).json()
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 3600)
    assert Caller(google.url + API, tokens["access_token"])("GET", "/users/me/calendarList").status_code == 200
    assert renew(google, tokens["refresh_token"]).status_code == 200


def test_only_a_registered_address_is_redirected_to(google: GoogleDouble) -> None:  # fact: oauth.exact-redirect
    for wrong in (CALLBACK + "/", CALLBACK + "?a=1", "https://evil.test/oauth/callback"):
        assert authorize(google, redirect_uri=wrong).status_code == 400
    assert authorize(google, client_id="other").status_code == 401


def test_a_refusal_goes_back_with_the_state(google: GoogleDouble) -> None:  # fact: oauth.denied
    google.oauth.consents = False
    assert sent_back(authorize(google)) == {"error": "access_denied", "state": "s/1"}


def test_a_code_needs_the_verifier_and_the_address(google: GoogleDouble) -> None:  # fact: oauth.pkce
    code = sent_back(authorize(google))["code"]
    assert redeem(google, code, code_verifier="w" * 43).json()["error"] == "invalid_grant"
    assert redeem(google, code, code_verifier="").json()["error"] == "invalid_grant"
    assert redeem(google, code, redirect_uri="https://evil.test/").json()["error"] == "redirect_uri_mismatch"
    assert redeem(google, code).status_code == 200


def test_a_code_is_good_for_one_exchange_and_ten_minutes(google: GoogleDouble, clock: Clock) -> None:
    code = sent_back(authorize(google))["code"]  # fact: oauth.code-once
    assert redeem(google, code).status_code == 200
    assert (redeem(google, code).status_code, redeem(google, code).json()["error"]) == (400, "invalid_grant")
    late = sent_back(authorize(google))["code"]
    clock.advance(601)
    assert redeem(google, late).json()["error"] == "invalid_grant"


def test_who_the_client_is_must_be_right(google: GoogleDouble) -> None:  # fact: oauth.client-unknown
    code = sent_back(authorize(google))["code"]
    for wrong in ({"client_secret": "no"}, {"client_id": "no"}):
        answer = redeem(google, code, **wrong)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    basic = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    assert requests.post(f"{google.url}/token", data=basic, auth=(CLIENT_ID, CLIENT_SECRET)).status_code == 200


def test_refresh_tokens_come_offline_and_with_consent(google: GoogleDouble) -> None:
    def gives(**more: str) -> bool:
        return "refresh_token" in redeem(google, sent_back(authorize(google, **more))["code"]).json()

    assert gives(access_type="online") is False  # fact: oauth.offline
    google.oauth.revoke_grant(ANN)
    assert gives() is True  # fact: oauth.refresh-token-once
    assert gives() is False
    assert gives(prompt="consent") is True


def test_an_unticked_scope_is_not_granted(google: GoogleDouble) -> None:  # fact: oauth.scope-granted
    google.oauth.unticked = frozenset({SCOPE + "calendar"})
    tokens = redeem(google, sent_back(authorize(google))["code"]).json()
    assert tokens["scope"] == SCOPE + "calendar.freebusy"
    api = Caller(google.url + API, tokens["access_token"])
    assert reason(api("GET", "/users/me/calendarList")) == (403, "insufficientPermissions")


def test_access_ends_after_an_hour_and_is_renewed(google: GoogleDouble, clock: Clock) -> None:  # fact: oauth.hour
    tokens = google.oauth.tokens_for(ANN, [SCOPE + "calendar"], CLIENT_ID)
    api = Caller(google.url + API, tokens["access_token"])
    clock.advance(3599)
    assert api("GET", "/users/me/calendarList").status_code == 200
    clock.advance(1)
    assert reason(api("GET", "/users/me/calendarList")) == (401, "authError")  # fact: error.401
    again = renew(google, tokens["refresh_token"]).json()
    assert "refresh_token" not in again  # fact: oauth.no-rotation
    assert Caller(google.url + API, again["access_token"])("GET", "/users/me/calendarList").status_code == 200


def test_with_rotation_the_old_refresh_token_dies(google: GoogleDouble) -> None:
    google.oauth.rotates = True
    first = google.oauth.tokens_for(ANN, [SCOPE + "calendar"], CLIENT_ID)["refresh_token"]
    second = renew(google, first).json()["refresh_token"]
    assert renew(google, first).json()["error"] == "invalid_grant"
    assert renew(google, second).status_code == 200


def test_a_revoked_grant_ends_everything(google: GoogleDouble) -> None:  # fact: oauth.revoked
    api = caller(google)
    refresh = google.oauth.tokens_for(ANN, [SCOPE + "calendar"], CLIENT_ID)["refresh_token"]
    google.person(ANN).revokes()
    answer = renew(google, refresh)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert reason(api("GET", "/users/me/calendarList")) == (401, "authError")  # fact: oauth.revoked-access


def test_the_application_can_revoke_with_either_token(google: GoogleDouble) -> None:  # fact: oauth.revoke
    for kind in ("access_token", "refresh_token"):
        tokens = google.oauth.tokens_for(ANN, [SCOPE + "calendar"], CLIENT_ID)
        assert requests.post(f"{google.url}/revoke", data={"token": tokens[kind]}).status_code == 200
        assert renew(google, tokens["refresh_token"]).status_code == 400
        assert requests.post(f"{google.url}/revoke", data={"token": tokens[kind]}).status_code == 400


def test_refresh_tokens_die_unused_and_beyond_a_hundred(google: GoogleDouble, clock: Clock) -> None:
    scopes = [SCOPE + "calendar"]
    tokens = [google.oauth.tokens_for(ANN, scopes, CLIENT_ID)["refresh_token"] for _ in range(101)]
    assert renew(google, tokens[0]).json()["error"] == "invalid_grant"  # fact: oauth.refresh-limit
    clock.advance(181 * 86400)
    assert renew(google, tokens[1]).status_code == 200
    clock.advance(2 * 86400)  # fact: oauth.refresh-unused
    assert renew(google, tokens[1]).status_code == 200
    assert renew(google, tokens[2]).json()["error"] == "invalid_grant"


def test_openid_tells_who_it_is(google: GoogleDouble) -> None:
    back = sent_back(authorize(google, scope="openid email", nonce="n1"))
    tokens = redeem(google, back["code"]).json()
    claims = json.loads(base64.urlsafe_b64decode(tokens["id_token"].split(".")[1] + "=="))
    assert (claims["email"], claims["aud"], claims["nonce"]) == (ANN, CLIENT_ID, "n1")
    who = requests.get(f"{google.url}/v1/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert who.json()["email"] == ANN
