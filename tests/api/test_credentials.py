"""Who may call what: API keys, access tokens, credentials in the body, and how they end."""

from __future__ import annotations

from typing import Any

from slotlink.store import applications
from tests.api.asking import bearer, other_application
from tests.center import Center, Json, Person

LINKS = "/v1/real_time_scheduling"


def credentials(center: Center) -> Json:
    return {"client_id": center.client_id, "client_secret": center.client_secret}


def rotate(center: Center) -> str:
    async def add(deps: Any) -> str:
        async with deps.database.transaction() as connection:
            return await applications.rotate_secret(connection, deps.vault, center.client_id, int(center.clock()))

    return center.run(add)


def end_rotation(center: Center) -> None:
    async def end(deps: Any) -> None:
        async with deps.database.transaction() as connection:
            await applications.revoke_oldest_secret(connection, center.client_id, int(center.clock()))

    center.run(end)


# Which credential each call takes


def test_every_call_takes_the_credential_of_the_table_and_no_other(center: Center) -> None:
    maya = center.person("maya")
    link = center.create_link(maya)
    event = {"event_id": "e", "summary": "S", "start": "2027-03-05T09:00:00Z", "end": "2027-03-05T10:00:00Z"}
    of_application: list[tuple[str, str, Any]] = [
        ("GET", f"{LINKS}/{link.link_id}", None),
        ("GET", f"{LINKS}?token={link.token}", None),
        ("POST", LINKS, center.link_request(maya)),
        ("POST", f"{LINKS}/{link.link_id}/disable", {"display_message": "x"}),
    ]
    of_account: list[tuple[str, str, Any]] = [
        ("GET", "/v1/account", None),
        ("GET", "/v1/userinfo", None),
        ("GET", "/v1/profiles", None),
        ("GET", "/v1/calendars", None),
        ("POST", "/v1/calendars", {"profile_id": maya.profile_id, "name": "Second"}),
        ("POST", f"/v1/calendars/{maya.calendar_id}/events", event),
        ("DELETE", f"/v1/calendars/{maya.calendar_id}/events", {"event_id": "e"}),
        ("GET", "/v1/events?tzid=Etc/UTC", None),
        ("DELETE", "/v1/events", {"delete_all": True}),
        ("GET", "/v1/free_busy?tzid=Etc/UTC", None),
        ("POST", "/v1/availability_rules", {"availability_rule_id": "r", "tzid": "Etc/UTC", "weekly_periods": []}),
        ("GET", "/v1/availability_rules", None),
        ("GET", "/v1/availability_rules/r", None),
        ("DELETE", "/v1/availability_rules/r", None),
        ("POST", "/v1/available_periods", {"available_period_id": "p", "start": event["start"], "end": event["end"]}),
        ("GET", "/v1/available_periods", None),
        ("DELETE", "/v1/available_periods", {"available_period_id": "p"}),
        ("DELETE", "/v1/available_periods/", {"available_period_id": "p"}),
    ]
    of_both = [("POST", "/v1/availability", center.query(maya))]
    for calls, allowed in ((of_application, [center.key]), (of_account, [maya.key]), (of_both, [center.key, maya.key])):
        for method, url, body in calls:
            for headers, refusal in ((center.key, 403), (maya.key, 403), (bearer(maya.refresh_token), 401), ({}, 401)):
                answer = center.http.request(method, url, json=body, headers=headers)
                if headers in allowed:
                    assert answer.status_code in (200, 202), (method, url, answer.text)
                    continue
                assert answer.status_code == refusal, (method, url, headers)
                assert answer.content == b""
                assert ("www-authenticate" in answer.headers) == (refusal == 401)


def test_credentials_are_asked_for_before_anything_else_is_told(center: Center) -> None:
    """Whoever is nobody learns neither what exists nor what a body lacks."""
    maya = center.person("maya")
    for method, url in (
        ("GET", f"{LINKS}/x"),
        ("GET", LINKS),
        ("POST", LINKS),
        ("POST", f"{LINKS}/x/disable"),
        ("POST", "/v1/availability"),
        ("POST", "/v1/calendars"),
        ("POST", f"/v1/calendars/{maya.calendar_id}/events"),
        ("DELETE", f"/v1/calendars/{maya.calendar_id}/events"),
        ("DELETE", "/v1/events"),
        ("GET", "/v1/events"),
        ("GET", "/v1/free_busy"),
        ("GET", "/v1/events/pages/x"),
    ):
        for content in (b"", b"{}", b"{"):
            answer = center.http.request(method, url, content=content, headers=bearer("nobody"))
            assert (answer.status_code, answer.content) == (401, b""), (method, url, content)


# Credentials in the body


def test_body_credentials_win_over_every_header(center: Center) -> None:
    maya = center.person("maya")
    (_, other_secret), stranger = other_application(center)
    body = center.link_request(maya) | credentials(center)
    for headers in (
        {},
        bearer("undefined"),
        bearer("None"),
        maya.key,
        stranger.key,
        bearer(other_secret),
        {"Authorization": "Basic x"},
    ):
        answer = center.http.post(LINKS, json=body, headers=headers)
        assert answer.status_code == 200, headers
        link_id = answer.json()["real_time_scheduling"]["real_time_scheduling_id"]
        assert center.http.get(f"{LINKS}/{link_id}", headers=center.key).status_code == 200


def test_wrong_body_credentials_are_not_saved_by_a_good_header(center: Center) -> None:
    maya = center.person("maya")
    (other_id, other_secret), _ = other_application(center)
    for wrong in (
        {"client_id": center.client_id, "client_secret": "CRN_wrong"},
        {"client_id": "nobody", "client_secret": center.client_secret},
        {"client_id": other_id, "client_secret": center.client_secret},
        {"client_id": center.client_id, "client_secret": other_secret},
        {"client_id": "", "client_secret": ""},
        {"client_id": 7, "client_secret": center.client_secret},
        {"client_id": center.client_id, "client_secret": [center.client_secret]},
        {"client_id": center.client_id, "client_secret": True},
    ):
        answer = center.http.post(LINKS, json=center.link_request(maya) | wrong, headers=center.key)
        assert (answer.status_code, answer.content) == (401, b""), wrong
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_one_of_the_two_alone_counts_for_nothing(center: Center) -> None:
    maya = center.person("maya")
    for alone in (
        {"client_id": center.client_id},
        {"client_secret": center.client_secret},
        {"client_id": "nobody"},
        {"client_secret": "nothing"},
        {"client_id": center.client_id, "client_secret": None},
    ):
        body = center.link_request(maya) | alone
        assert center.http.post(LINKS, json=body, headers=center.key).status_code == 200
        assert center.http.post(LINKS, json=body).status_code == 401
        assert center.http.post(LINKS, json=body, headers=maya.key).status_code == 403


def test_availability_ignores_credentials_in_the_body(center: Center) -> None:
    maya = center.person("maya")
    body = center.query(maya) | credentials(center)
    assert center.http.post("/v1/availability", json=body).status_code == 401
    wrong = center.query(maya) | {"client_id": "x", "client_secret": "y"}
    assert center.http.post("/v1/availability", json=wrong, headers=maya.key).status_code == 200


# Rotation


def test_two_secrets_work_during_a_rotation_and_one_after_it(center: Center) -> None:
    maya = center.person("maya")
    link = center.create_link(maya)
    center.clock.now += 10
    second = rotate(center)

    def works(secret: str) -> list[bool]:
        body = {"client_id": center.client_id, "client_secret": secret}
        return [
            center.http.get(f"{LINKS}/{link.link_id}", headers=bearer(secret)).status_code == 200,
            center.http.head(f"{LINKS}/{link.link_id}", headers=bearer(secret)).status_code == 200,
            center.http.post(LINKS, json=center.link_request(maya) | body).status_code == 200,
            center.http.post("/v1/application_calendars", json={**body, "application_calendar_id": "x"}).is_success,
        ]

    assert works(center.client_secret) == works(second) == [True] * 4
    end_rotation(center)
    assert works(center.client_secret) == [False] * 4
    assert works(second) == [True] * 4
    assert center.http.get("/v1/account", headers=maya.key).status_code == 200


# Tokens of accounts


def refresh(center: Center, token: str, **changes: Any) -> Any:
    body = credentials(center) | {"grant_type": "refresh_token", "refresh_token": token} | changes
    return center.http.post("/oauth/token", json={name: value for name, value in body.items() if value is not None})


def account_status(person: Person) -> int:
    return person.center.http.get("/v1/account", headers=person.key).status_code


def test_an_access_token_lives_for_an_hour(center: Center) -> None:
    maya = center.person("maya")
    assert maya.granted["expires_in"] == 3600
    center.clock.now += 3599
    assert account_status(maya) == 200
    center.clock.now += 1
    assert account_status(maya) == 401


def test_a_refresh_answers_a_new_access_token_and_the_same_refresh_token(center: Center) -> None:
    maya = center.person("maya")
    center.clock.now += 10 * 86400
    answer = refresh(center, maya.refresh_token)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    granted = answer.json()
    assert granted == {
        "token_type": "bearer",
        "access_token": granted["access_token"],
        "expires_in": 3600,
        "refresh_token": maya.refresh_token,
        "scope": "read_write",
    }
    assert center.http.get("/v1/account", headers=bearer(granted["access_token"])).status_code == 200
    assert account_status(maya) == 401


def test_earlier_tokens_live_on_when_a_calendar_is_asked_for_again(center: Center) -> None:
    first, second = center.person("maya"), center.person("maya")
    assert first.sub == second.sub
    assert first.access_token != second.access_token
    assert account_status(first) == account_status(second) == 200
    assert refresh(center, first.refresh_token).status_code == refresh(center, second.refresh_token).status_code == 200


def test_the_token_endpoint_ignores_the_authorization_header(center: Center) -> None:
    maya = center.person("maya")
    body = credentials(center) | {"grant_type": "refresh_token", "refresh_token": maya.refresh_token}
    for header in ("Bearer undefined", "Bearer None", "nonsense"):
        assert center.http.post("/oauth/token", json=body, headers={"Authorization": header}).status_code == 200


def test_the_token_endpoint_refuses_in_the_form_of_rfc_6749(center: Center) -> None:
    maya = center.person("maya")
    other, stranger = other_application(center)
    for changes, error in (
        ({"client_secret": "CRN_wrong"}, "invalid_client"),
        ({"client_id": other[0]}, "invalid_client"),
        ({"client_id": None}, "invalid_client"),
        ({"client_secret": None}, "invalid_client"),
        ({"client_secret": 7}, "invalid_client"),
        ({"refresh_token": "unknown"}, "invalid_grant"),
        ({"refresh_token": maya.access_token}, "invalid_grant"),
        ({"refresh_token": stranger.refresh_token}, "invalid_grant"),
        ({"client_id": other[0], "client_secret": other[1]}, "invalid_grant"),
        ({"grant_type": "authorization_code", "code": "x"}, "invalid_grant"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": 7}, "invalid_request"),
        ({"refresh_token": None}, "invalid_request"),
        ({"refresh_token": [1]}, "invalid_request"),
        ({"refresh_token": ""}, "invalid_request"),
        ({"refresh_token": "a\x00"}, "invalid_request"),
    ):
        answer = refresh(center, maya.refresh_token, **changes)
        assert (answer.status_code, answer.json()) == (400, {"error": error}), changes
        assert answer.headers["cache-control"] == "no-store"


def test_a_form_refreshes_as_json_does(center: Center) -> None:
    """The Ruby client sends forms here."""
    maya = center.person("maya")
    form = credentials(center) | {"grant_type": "refresh_token", "refresh_token": maya.refresh_token}
    assert center.http.post("/oauth/token", data=form).status_code == 200
    assert center.http.post("/oauth/token", data=form | {"client_secret": "x"}).json() == {"error": "invalid_client"}


def test_token_endpoints_refuse_what_they_cannot_read_in_the_form_of_rfc_6749(center: Center) -> None:
    json_type = {"Content-Type": "application/json"}
    for path in ("/oauth/token", "/oauth/token/revoke"):
        for answer in (
            center.http.post(path, json=credentials(center)),
            center.http.post(path, content=b"{", headers=json_type),
            center.http.post(path, content=b"[]", headers=json_type),
        ):
            assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})
