"""Microsoft's double: signing in, tokens, who may do what, and people."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests

from tests.doubles.graph import CLIENT_ID, CLIENT_SECRET, GraphDouble
from tests.doubles.graph_caller import Caller, code
from tests.doubles.graph_person import GraphPerson
from tests.doubles.graph_world import ANN, BEN, CALLBACK, DAY, at, caller, register
from tests.doubles.oauth import challenge
from tests.doubles.service import Clock

ASKED = "openid offline_access https://graph.microsoft.com/Calendars.ReadWrite User.Read"
VERIFIER = "a" * 50


@pytest.fixture
def graph(clock: Clock) -> Generator[GraphDouble]:
    with GraphDouble(clock) as graph:
        register(graph)
        graph.oauth.signed_in = graph.person(ANN).email
        yield graph


@pytest.fixture
def ann(graph: GraphDouble) -> GraphPerson:
    return graph.person(ANN)


def authorize(graph: GraphDouble, tenant: str = "common", **changed: str) -> requests.Response:
    asked = {
        "client_id": CLIENT_ID,
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "scope": ASKED,
        "state": "s1",
        "code_challenge": challenge(VERIFIER),
        "code_challenge_method": "S256",
        **changed,
    }
    return requests.get(f"{graph.url}/{tenant}/oauth2/v2.0/authorize?{urlencode(asked)}", allow_redirects=False)


def sent_back(answer: requests.Response) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def token(graph: GraphDouble, **form: str) -> requests.Response:
    form = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **form}
    return requests.post(f"{graph.url}/common/oauth2/v2.0/token", data=form)


def redeem(graph: GraphDouble, answer: requests.Response, **changed: str) -> requests.Response:
    form = {"grant_type": "authorization_code", "code": sent_back(answer)["code"], "redirect_uri": CALLBACK}
    return token(graph, **{**form, "code_verifier": VERIFIER, **changed})


def signed_in(graph: GraphDouble, **changed: str) -> dict[str, Any]:
    answer = redeem(graph, authorize(graph, **changed))
    assert answer.status_code == 200, answer.text
    return answer.json()


def refreshed(graph: GraphDouble, refresh_token: str) -> requests.Response:
    return token(graph, grant_type="refresh_token", refresh_token=refresh_token)


def test_a_person_signs_in_and_the_application_gets_tokens(graph: GraphDouble) -> None:
    tokens = signed_in(graph)
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 3599
    assert "id_token" in tokens  # fact: oauth.id-token
    assert "offline_access" not in tokens["scope"].split()  # fact: oauth.scope-answer
    assert Caller(graph.url, tokens["access_token"])("GET", "/me").status_code == 200  # fact: scope.names
    graph.oauth.signed_in = graph.person(BEN).email
    bare = signed_in(graph, scope="Calendars.Read")
    assert {"id_token", "refresh_token"} & bare.keys() == set()  # fact: oauth.refresh-offline
    for tenant in ("organizations", "consumers"):  # fact: oauth.tenants
        assert sent_back(authorize(graph, tenant))["state"] == "s1"


def test_codes_are_short_lived_and_bound_to_their_verifier(graph: GraphDouble, clock: Clock) -> None:
    answer = authorize(graph)
    assert redeem(graph, answer, code_verifier="b" * 50).json()["error"] == "invalid_grant"  # fact: oauth.pkce
    clock.advance(599)
    assert redeem(graph, answer).status_code == 200
    assert redeem(graph, answer).json()["error"] == "invalid_grant"  # fact: oauth.code-once
    answer = authorize(graph)
    clock.advance(601)  # fact: oauth.code-ten-minutes
    assert redeem(graph, answer).json()["error"] == "invalid_grant"


def test_refusals_of_the_sign_in_page(graph: GraphDouble) -> None:
    wrong = authorize(graph, redirect_uri=CALLBACK + "/x")
    assert (wrong.status_code, "Location" in wrong.headers) == (400, False)  # fact: oauth.redirect-exact
    graph.oauth.consents = False
    assert sent_back(authorize(graph)) == {"error": "access_denied", "state": "s1"}  # fact: oauth.denied


def test_refresh_tokens_rotate_and_the_old_one_still_works(graph: GraphDouble, clock: Clock) -> None:
    first = signed_in(graph)["refresh_token"]
    second = refreshed(graph, first).json()["refresh_token"]
    assert second != first  # fact: oauth.rotates
    assert refreshed(graph, first).status_code == 200  # fact: oauth.old-refresh-works
    clock.advance(90 * 86400 - 1)
    third = refreshed(graph, second).json()["refresh_token"]
    clock.advance(2)  # fact: oauth.refresh-90-days
    assert refreshed(graph, first).json()["error"] == "invalid_grant"
    assert refreshed(graph, third).status_code == 200
    graph.oauth.keeps_rotated = False  # the stricter way that RFC 6749 allows
    assert refreshed(graph, third).status_code == 200
    assert refreshed(graph, third).json()["error"] == "invalid_grant"


def test_a_revoked_grant_ends_every_token(graph: GraphDouble, ann: GraphPerson) -> None:
    tokens = signed_in(graph)
    ann.revokes()
    answer = refreshed(graph, tokens["refresh_token"])
    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"]) == (400, "invalid_grant", [50173])
    assert body["error_description"].startswith("AADSTS50173:")  # fact: oauth.revoked
    assert {"timestamp", "trace_id", "correlation_id"} <= body.keys()  # fact: oauth.error-form
    assert code(Caller(graph.url, tokens["access_token"])("GET", "/me")) == (401, "InvalidAuthenticationToken")


def test_the_application_must_know_its_secret(graph: GraphDouble) -> None:
    answer = redeem(graph, authorize(graph), client_secret="wrong")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")  # fact: oauth.client-secret


def test_access_tokens_expire(graph: GraphDouble, clock: Clock) -> None:
    api = Caller(graph.url, signed_in(graph)["access_token"])
    clock.advance(3598)
    assert api("GET", "/me").status_code == 200
    clock.advance(1)  # fact: oauth.expires-in
    answer = api("GET", "/me")
    assert code(answer) == (401, "InvalidAuthenticationToken")  # fact: error.401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["error"]["innerError"].keys() == {"date", "request-id", "client-request-id"}
    assert answer.json()["error"].keys() == {"code", "message", "innerError"}  # fact: error.form


def test_scopes_decide_what_may_be_done(graph: GraphDouble) -> None:
    reader = caller(graph, ANN, "https://graph.microsoft.com/calendars.read")
    assert reader("GET", f"/me/calendarView?{DAY}").status_code == 200
    assert code(reader("POST", "/me/events", at("10:00", "11:00"))) == (403, "ErrorAccessDenied")  # fact: error.403
    assert code(reader("GET", "/me"))[0] == 403
    assert code(reader("GET", "/me/mailboxSettings"))[0] == 403
    graph.person(BEN)
    writer = caller(graph, BEN)  # fact: scope.calendars
    assert writer("POST", "/me/events", at("10:00", "11:00")).status_code == 201


def test_people_say_who_they_are_and_in_which_zone(graph: GraphDouble) -> None:
    ben = graph.person(BEN, zone="Europe/Berlin")
    api = caller(graph, BEN)
    me = api("GET", "/me").json()  # fact: me.shape
    assert (me["id"], me["mail"], me["userPrincipalName"], me["displayName"]) == (ben.id, BEN, BEN, "Ben")
    assert api("GET", f"/users/{BEN}").json()["id"] == ben.id
    assert code(api("GET", f"/users/{ANN}")) == (403, "ErrorAccessDenied")
    settings = api("GET", "/me/mailboxSettings").json()
    assert settings["timeZone"] == "W. Europe Standard Time"  # fact: mailbox.zone


def test_calendars_say_whose_they_are_and_what_one_may(graph: GraphDouble, ann: GraphPerson) -> None:
    ben = graph.person(BEN)
    own = ann.makes_calendar("Team", color="lightBlue")
    shared, open_ = ben.makes_calendar("Ben's"), ben.makes_calendar("Ben's plans")
    ben.shares(shared, ANN)
    ben.shares(open_, ANN, edit=True, private=True)
    api = caller(graph)
    listed = {one["name"]: one for one in api("GET", "/me/calendars").json()["value"]}
    assert next(iter(listed)) == "Calendar"
    seen = {name: (one["isDefaultCalendar"], one["canEdit"], one["owner"]["address"]) for name, one in listed.items()}
    assert seen == {  # fact: calendar.shape  fact: calendar.owner-of-shared
        "Calendar": (True, True, ANN),
        "Team": (False, True, ANN),
        "Ben's": (False, False, BEN),
        "Ben's plans": (False, True, BEN),
    }
    assert (listed["Team"]["color"], listed["Team"]["id"]) == ("lightBlue", own)
    refused = api("POST", f"/me/calendars/{shared}/events", at("10:00", "11:00"))
    assert code(refused) == (403, "ErrorAccessDenied")  # fact: calendar.can-edit
    assert api("POST", f"/me/calendars/{open_}/events", at("10:00", "11:00")).status_code == 201
    pages = api("GET", "/me/calendars", query={"$top": 3}).json()
    assert len(pages["value"]) == 3
    rest = api("GET", pages["@odata.nextLink"]).json()  # fact: list.next-link
    assert ([one["id"] for one in rest["value"]], "@odata.nextLink" in rest) == ([open_], False)
    ben.unshares(shared, ANN)
    assert code(api("GET", f"/me/calendars/{shared}")) == (404, "ErrorItemNotFound")


def test_calendars_are_made_and_deleted(graph: GraphDouble, ann: GraphPerson) -> None:
    api = caller(graph)
    made = api("POST", "/me/calendars", {"name": "New"})
    assert (made.status_code, made.json()["name"]) == (201, "New")  # fact: calendar.create
    path = f"/me/calendars/{made.json()['id']}"
    assert api("DELETE", path).status_code == 204
    assert code(api("GET", path))[0] == 404
    default = api("GET", "/me/calendar").json()["id"]
    assert code(api("DELETE", f"/me/calendars/{default}"))[0] == 403


def test_private_items_of_a_shared_calendar_show_only_their_times(graph: GraphDouble) -> None:
    ben = graph.person(BEN)
    shared = ben.makes_calendar("Ben's")
    ben.creates(1_804_237_200, 1_804_240_800, calendar=shared, subject="Doctor", sensitivity="private")
    ben.shares(shared, ANN)
    [seen] = caller(graph).view("2027-03-01T00:00:00Z", "2027-03-08T00:00:00Z", shared)
    assert (seen["subject"], seen["showAs"], seen["body"]) == ("Private Appointment", "busy", None)
    ben.shares(shared, ANN, private=True)  # fact: calendar.private  fact: calendar.private-form
    [seen] = caller(graph).view("2027-03-01T00:00:00Z", "2027-03-08T00:00:00Z", shared)
    assert (seen["subject"], seen["sensitivity"]) == ("Doctor", "private")  # fact: event.sensitivity
