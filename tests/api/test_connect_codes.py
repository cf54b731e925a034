"""Codes and the tokens they give: once, soon, for whoever asked, with what was granted (RFC 6749, 7636, 9700)."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from slotlink.domain.redirect_uri import check_redirect_uri
from slotlink.services.authorization import Authorization, grant
from slotlink.store import applications, profiles
from tests.api.asking import bearer
from tests.api.connecting import BACK, CHALLENGE, SCOPE, VERIFIER, allow, read, token, tokens_for
from tests.center import Center, Json

Codes = Callable[..., str]


@pytest.fixture
def center(tmp_path: Path) -> Generator[Center]:
    with Center(tmp_path) as center:
        allow(center)
        yield center


@pytest.fixture
def code(center: Center) -> Codes:
    """A code for an account whose calendars nobody has looked at; the same account every time."""

    async def make(deps: Any) -> Any:
        async with deps.database.transaction() as connection:
            account = await profiles.create_account(connection, center.client_id, None, "Ana", "Etc/UTC", 0)
            return await profiles.create_profile(
                connection,
                center.client_id,
                account.sub,
                provider_name="caldav",
                provider_service="caldav",
                profile_name="ana",
                remote_user="ana@test",
                now=0,
            )

    profile = center.run(make)

    def granted(challenge: str | None = None, scope: str = SCOPE) -> str:
        async def allowed(deps: Any) -> str:
            async with deps.database.reading() as connection:
                application = await applications.get(connection, center.client_id)
            asked = Authorization(application, BACK, scope, None, None, challenge, None)
            return await grant(deps, asked, profile, int(center.clock()))

        return center.run(allowed).rpartition("code=")[2]

    return granted


def refused(answer: Any) -> str:
    assert answer.status_code == 400 and answer.headers["cache-control"] == "no-store"
    assert list(answer.json()) == ["error"]
    return answer.json()["error"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uri": BACK + "/"}, "invalid_grant"),
        ({"redirect_uri": ""}, "invalid_grant"),
        ({"code": "unknown"}, "invalid_grant"),
        ({"code_verifier": VERIFIER}, "invalid_grant"),
        ({"client_secret": "no"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"code": ""}, "invalid_request"),
    ],
    ids=["redirect", "no redirect", "unknown", "unannounced verifier", "client", "type", "no token", "empty"],
)
def test_a_code_is_refused_and_not_used_up(center: Center, code: Codes, changes: Json, error: str) -> None:
    given = code()
    assert refused(token(center, **{"grant_type": "authorization_code", "code": given, **changes})) == error
    assert tokens_for(center, given)["scope"] == SCOPE


@pytest.mark.parametrize(
    "verifier", [None, "w" * 43, "v" * 42, "v" * 44, CHALLENGE], ids=["none", "other", "short", "long", "plain"]
)
def test_a_code_needs_the_verifier_of_its_challenge(center: Center, code: Codes, verifier: str | None) -> None:
    given = code(CHALLENGE)
    more = {"code_verifier": verifier} if verifier is not None else {}
    assert refused(token(center, grant_type="authorization_code", code=given, **more)) == "invalid_grant"
    assert tokens_for(center, given, code_verifier=VERIFIER)


def test_a_code_is_good_for_ten_minutes(center: Center, code: Codes) -> None:
    in_time, late = code(), code()
    center.clock.now += 599
    assert tokens_for(center, in_time)
    center.clock.now += 1
    assert refused(token(center, grant_type="authorization_code", code=late)) == "invalid_grant"


def test_a_second_use_ends_what_the_first_was_given_and_no_more(center: Center, code: Codes) -> None:
    earlier = tokens_for(center, code())
    center.clock.now += 5
    given = code()
    first = tokens_for(center, given)
    center.clock.now += 5
    renewed = token(center, grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    assert refused(token(center, grant_type="authorization_code", code=given)) == "invalid_grant"
    for dead in (first, renewed):
        assert center.http.get("/v1/account", headers=bearer(dead["access_token"])).status_code == 401
    answer = token(center, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert refused(answer) == "invalid_grant"
    assert read(center, "/v1/account", earlier)
    assert token(center, grant_type="refresh_token", refresh_token=earlier["refresh_token"]).status_code == 200


def test_a_code_of_a_revoked_account_is_over(center: Center, code: Codes) -> None:
    given = code()
    sub = tokens_for(center, code())["sub"]
    credentials = {"client_id": center.client_id, "client_secret": center.client_secret}
    assert center.http.post("/oauth/token/revoke", json={**credentials, "sub": sub}).status_code == 200
    assert refused(token(center, grant_type="authorization_code", code=given)) == "invalid_grant"


def test_a_refresh_keeps_the_scope(center: Center, code: Codes) -> None:
    granted = tokens_for(center, code(scope="read_free_busy"))
    renewed = token(center, grant_type="refresh_token", refresh_token=granted["refresh_token"]).json()
    assert renewed == {
        "token_type": "bearer",
        "access_token": renewed["access_token"],
        "expires_in": 3600,
        "refresh_token": granted["refresh_token"],
        "scope": "read_free_busy",
    }
    assert renewed["access_token"] != granted["access_token"]
    assert read(center, "/v1/account", renewed)["account"]["scope"] == "read_free_busy"
    assert read(center, "/v1/userinfo", renewed)["cronofy.data"]["authorization"]["scope"] == "read_free_busy"


EVENTS = "/v1/calendars/cal_1/events"
CALLS: list[tuple[str, str, Json, set[str]]] = [
    ("POST", "/v1/calendars", {}, {"create_calendar"}),
    ("POST", EVENTS, {}, {"create_event"}),
    ("DELETE", EVENTS, {}, {"delete_event"}),
    ("DELETE", "/v1/events", {}, {"delete_event"}),
    ("GET", "/v1/events", {"tzid": "Etc/UTC"}, {"read_events"}),
    ("GET", "/v1/events", {"tzid": "Etc/UTC", "only_managed": "false"}, {"read_events"}),
    ("GET", "/v1/free_busy", {"tzid": "Etc/UTC"}, {"read_events", "read_free_busy"}),
]


def _called(value: object) -> str:
    return " or ".join(sorted(value)) if isinstance(value, set) else str(value)


@pytest.mark.parametrize(("method", "path", "query", "needed"), CALLS, ids=_called)
def test_a_call_needs_its_scope(
    center: Center, code: Codes, method: str, path: str, query: Json, needed: set[str]
) -> None:
    every = {"create_calendar", "read_events", "create_event", "delete_event", "read_free_busy", "list_calendars"}
    lacking = tokens_for(center, code(scope=" ".join(sorted(every - needed))))
    answer = center.http.request(method, path, params=query, headers=bearer(lacking["access_token"]))
    assert (answer.status_code, answer.content) == (403, b"")
    for scope in needed:
        having = tokens_for(center, code(scope=scope))
        answer = center.http.request(method, path, params=query, headers=bearer(having["access_token"]))
        assert answer.status_code in (200, 404, 422), "its members are looked at"


@pytest.mark.parametrize("value", ["true", "True"])
def test_its_own_events_an_application_reads_without_a_scope(center: Center, code: Codes, value: str) -> None:
    granted = tokens_for(center, code(scope="create_event"))
    query = {"tzid": "Etc/UTC", "only_managed": value, "include_managed": "True"}
    answer = center.http.get("/v1/events", params=query, headers=bearer(granted["access_token"]))
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/v1/account", "/v1/userinfo", "/v1/profiles", "/v1/calendars", "/v1/channels"])
def test_who_somebody_is_needs_no_scope(center: Center, code: Codes, path: str) -> None:
    assert read(center, path, tokens_for(center, code(scope="delete_event")))


def test_an_application_calendar_may_do_everything(center: Center) -> None:
    maya = center.person("maya")
    for method, path, query, _ in CALLS:
        answer = center.http.request(method, path, params=query, headers=maya.key)
        assert answer.status_code in (200, 404, 422), (method, path)


@pytest.mark.parametrize(
    "address",
    [
        "application.example/other",
        "https://application.example/#x",
        "https://u@application.example/",
        "ftp://x.example/",
        "https://",
        "https://[/",
        "https://x.example/a b",
        "https://x.example/<",
        "javascript:alert(1)",
        "https://x.example/" + "a" * 2000,
    ],
)
def test_where_nobody_can_be_sent_back_to(address: str) -> None:
    assert check_redirect_uri(address) is not None


@pytest.mark.parametrize("address", ["https://x.example/back?a=1", "http://127.0.0.1:8000/", "https://x.example"])
def test_where_people_can_be_sent_back_to(address: str) -> None:
    assert check_redirect_uri(address) is None
