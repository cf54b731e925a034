"""The Ruby, C# and PHP clients, replayed request by request: their bytes, their headers, their reading of the answers.

Bodies are written out as the clients write them (their sources and tests; `scheduling.md` section 2, `calendars.md` 1).
The C# client's reading is `csharp.py`.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from uuid import uuid4

import pytest

from tests.sdk import csharp
from tests.sdk.site import CROWD, Answer, Json, Site, Visitor, at, callback, moment, send, spaced
from tests.serving import Receiver

JSON = {"Content-Type": "application/json; charset=utf-8"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
REDIRECT = "http://application.example/redirectUri"


class Client:
    """A foreign client: its headers on every request, and its way to write a body."""

    def __init__(self, site: Site, **headers: str) -> None:
        self.site = site
        self.url = site.url
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def send(
        self, method: str, path: str, content: Any = None, *, bearer: str | None = None, headers: Json | None = None
    ) -> Answer:
        sent = {**self.headers, **(headers or {})}
        if bearer is not None:
            sent["Authorization"] = f"Bearer {bearer}"
        body = content if isinstance(content, bytes | None) else self.encode(content)
        if body is not None and "Content-Type" not in sent:
            sent |= JSON
        return send(self.url, method, path, sent, body)

    def encode(self, content: Any) -> bytes:
        return json.dumps(content, separators=(",", ":")).encode()


class CSharp(Client):
    def __init__(self, site: Site) -> None:
        # Content-Encoding on requests, although their bodies are plain.
        super().__init__(
            site, User_Agent="Cronofy .NET 1.12.8", Content_Encoding="gzip;q=1.0,deflate;q=0.6,identity;q=0.3"
        )

    def application_calendar(self, name: str) -> Json:
        body = {**self.site.credentials, "application_calendar_id": name}
        granted = csharp.read_token(self.send("POST", "/v1/application_calendars", body))
        calendars = csharp.read(self.send("GET", "/v1/calendars", bearer=granted["access_token"]))["calendars"]
        return {**granted, **csharp.read_calendar(calendars[0])}

    def link_request(self, person: Json, **changes: Any) -> Json:
        """As its builder makes it: no `required` in a group, times with a space, the zone at the top."""
        return {
            "availability": {
                "participants": [{"members": [{"sub": person["sub"]}]}],
                "required_duration": {"minutes": 60},
                "available_periods": [{"start": spaced(3, 9), "end": spaced(3, 17)}],
            },
            **self.site.credentials,
            "oauth": {"redirect_uri": REDIRECT, "scope": "test_scope"},
            "event": {"event_id": "testEventId", "summary": "Test Summary"},
            "target_calendars": [{"sub": person["sub"], "calendar_id": person["calendar_id"]}],
            "formatting": {"hour_format": "H"},
            "tzid": "Europe/London",
            **changes,
        }


class Php(Client):
    """It names the host that it believes in, and keeps an account's token in every header."""

    def __init__(self, site: Site, access_token: str | None = None) -> None:
        super().__init__(site, User_Agent="Cronofy PHP 1.0.0", Host="api.cronofy.com")
        self.access_token = access_token

    def encode(self, content: Any) -> bytes:
        """`json_encode`: slashes escaped, and an empty array is a list whatever it was meant to be."""
        return json.dumps(content, separators=(",", ":")).replace("/", "\\/").encode() if content else b"[]"

    def post(self, path: str, content: Any) -> Answer:
        return self.send("POST", path, content, bearer=self.access_token)

    def post_with_key(self, path: str, content: Any) -> Answer:
        return self.send("POST", path, content, bearer=self.site.client_secret)

    def get(self, path: str, **asked: Any) -> Answer:
        """Its own query strings: brackets as they are, booleans as words."""
        pairs: list[str] = []
        for name, value in asked.items():
            if isinstance(value, list):
                pairs += [f"{name}[]={quote(item, safe='')}" for item in value]
            else:
                pairs.append(f"{name}={str(value).lower() if isinstance(value, bool) else quote(value, safe='')}")
        return self.send("GET", f"{path}?{'&'.join(pairs)}" if pairs else path, bearer=self.access_token)

    def link_request(self, person: Json, **changes: Any) -> Json:
        """`realTimeScheduling`: body credentials, and the zone at the top even where there is none."""
        return {
            **self.site.credentials,
            "oauth": {"redirect_uri": "http://application.example/", "scope": "test_scope"},
            "event": {"event_id": "test_event_id", "summary": "Add to Calendar test event"},
            "availability": {
                "participants": [
                    {
                        "members": [{"sub": person["sub"], "calendar_ids": [person["calendar_id"]]}],
                        "required": "all",
                    }
                ],
                "required_duration": {"minutes": 60},
                "start_interval": {"minutes": 60},
                "buffer": {"before": {"minutes": 60}},
                "available_periods": [{"start": at(3, 9), "end": at(3, 17)}],
            },
            "target_calendars": [{"sub": person["sub"], "calendar_id": person["calendar_id"]}],
            "tzid": "Europe/London",
            **changes,
        }


class Ruby(Client):
    def __init__(self, site: Site) -> None:
        super().__init__(site, User_Agent="Cronofy Ruby 0.41.2", Accept="*/*")

    def form(self, path: str, **members: str) -> Answer:
        """What the oauth2 gem posts: a form, without an Authorization header."""
        return self.send("POST", path, urlencode(members).encode(), headers=FORM)

    def link_request(self, person: Json, **availability: Any) -> Json:
        return {
            **self.site.credentials,
            "oauth": {"redirect_uri": REDIRECT, "scope": "read_events delete_events", "state": "a state"},
            "event": {
                "event_id": "ruby-event",
                "summary": "Board meeting",
                "description": "Discuss plans for the next quarter.",
                "url": "http://application.example",
                "location": {"description": "Board room"},
                "transparency": "opaque",
                "reminders": [{"minutes": 30}],
            },
            "availability": {
                "participants": [{"members": [{"sub": person["sub"]}], "required": "all"}],
                "required_duration": {"minutes": 60},
                **availability,
            },
            "target_calendars": [{"sub": person["sub"], "calendar_id": person["calendar_id"]}],
        }


@pytest.fixture
def c_sharp(site: Site) -> CSharp:
    return CSharp(site)


@pytest.fixture
def ruby(site: Site) -> Ruby:
    return Ruby(site)


# C#


def test_csharp_writes_and_reads_events(c_sharp: CSharp) -> None:
    person = c_sharp.application_calendar("csharp-events")
    token, path = person["access_token"], f"/v1/calendars/{person['calendar_id']}/events"
    for event in (
        {
            "event_id": "timed",
            "summary": "Board meeting",
            "description": "",
            "start": {"time": spaced(3, 9), "tzid": "Europe/Berlin"},
            "end": {"time": spaced(3, 10), "tzid": "Europe/Berlin"},
            "location": {"description": "Board room", "lat": "1.2345", "long": "0.1234"},
            "url": None,
            "reminders": [{"minutes": 10}],
            "transparency": "transparent",
            "attendees": {"invite": [], "remove": []},
            "event_private": True,
        },
        {
            "event_id": "whole-day",
            "summary": "Away",
            "start": {"time": f"{moment(4):%Y-%m-%d}", "tzid": "Etc/UTC"},
            "end": {"time": f"{moment(5):%Y-%m-%d}", "tzid": "Etc/UTC"},
        },
    ):
        written = c_sharp.send("POST", path, event, bearer=token)
        assert (written.status, written.body) == (202, b"")
    asked = "tzid=Europe%2FBerlin&localized_times=true&include_managed=true&include_deleted=false&include_moved=false"
    found, next_page = csharp.read_page(c_sharp.send("GET", f"/v1/events?{asked}", bearer=token), "events")
    timed, whole_day = found
    assert next_page is None
    assert timed["event_private"] is True and timed["transparency"] == "transparent" and "url" not in timed
    assert timed["start"]["tzid"] == "Europe/Berlin" and timed["start"]["time"][-6:] in ("+01:00", "+02:00")
    assert whole_day["start"]["time"] == f"{moment(4):%Y-%m-%d}"
    busy, _ = csharp.read_page(c_sharp.send("GET", f"/v1/free_busy?{asked}", bearer=token), "free_busy")
    assert [period["free_busy_status"] for period in busy] == ["busy"]


def test_csharp_deletes_events_with_a_body(c_sharp: CSharp) -> None:
    person = c_sharp.application_calendar("csharp-deletes")
    token, path = person["access_token"], f"/v1/calendars/{person['calendar_id']}/events"
    for event_id in ("one", "two", "three"):
        event = {"event_id": event_id, "summary": event_id, "start": spaced(3, 9), "end": spaced(3, 10)}
        assert c_sharp.send("POST", path, event, bearer=token).status == 202
    assert c_sharp.send("DELETE", path, {"event_id": "one"}, bearer=token).status == 202
    assert sorted(event["event_id"] for event in c_sharp.site.events(person)) == ["three", "two"]
    assert c_sharp.send("DELETE", "/v1/events", {"delete_all": True}, bearer=token).status == 202
    assert c_sharp.site.events(person) == []
    refused = c_sharp.send("DELETE", "/v1/events", {"delete_all": False}, bearer=token)
    assert refused.content["errors"]["delete_all"][0] == {
        "key": "errors.must_be_boolean",
        "description": "must be true; to delete less, name calendar_ids",
    }


def test_csharp_asks_for_availability_with_an_access_token(c_sharp: CSharp) -> None:
    person = c_sharp.application_calendar("csharp-availability")
    token = person["access_token"]
    event = {"event_id": "e", "summary": "e", "start": spaced(3, 11), "end": spaced(3, 12)}
    c_sharp.send("POST", f"/v1/calendars/{person['calendar_id']}/events", event, bearer=token)
    query = {
        "participants": [{"members": [{"sub": person["sub"]}]}],
        "required_duration": {"minutes": 60},
        "available_periods": [{"start": spaced(3, 9), "end": spaced(3, 14)}],
        "buffer": {"before": {"minimum": {"minutes": 30}}, "after": {"minimum": {"minutes": 15}}},
        "max_results": 10,
    }
    periods = csharp.read_available_periods(c_sharp.send("POST", "/v1/availability", query, bearer=token))
    assert [(period["start"], period["end"]) for period in periods] == [
        (at(3, 9), at(3, 10, 45)),
        (at(3, 12, 30), at(3, 14)),
    ]
    query["available_periods"] = [{"start": spaced(3, 11), "end": spaced(3, 12)}]
    assert csharp.read_available_periods(c_sharp.send("POST", "/v1/availability", query, bearer=token)) == []


def test_csharp_creates_a_link_with_body_credentials_and_follows_it(c_sharp: CSharp) -> None:
    person = c_sharp.application_calendar("csharp-link")
    answer = c_sharp.send("POST", "/v1/real_time_scheduling", c_sharp.link_request(person))
    link = csharp.read_link(answer)
    assert csharp.text_in(answer.content, "url") == link["url"]
    assert link["event"] == {
        "event_id": "testEventId",
        "summary": "Test Summary",
        "event_private": False,
        "tzid": "Europe/London",
    }
    key, by_id = c_sharp.site.client_secret, f"/v1/real_time_scheduling/{link['real_time_scheduling_id']}"
    by_token = f"/v1/real_time_scheduling?token={link['url'].rpartition('/')[2]}"
    open_link = csharp.read_link(c_sharp.send("GET", by_id, bearer=key))
    assert open_link == csharp.read_link(c_sharp.send("GET", by_token, bearer=key)) == link
    slot = Visitor(link["url"]).book()
    completed = csharp.read_link(c_sharp.send("GET", by_token, bearer=key))
    assert completed["status"] == "completed"
    assert completed["event"]["start"] == {"time": slot, "tzid": "Europe/London"}


def test_csharp_disables_a_link(c_sharp: CSharp) -> None:
    person = c_sharp.application_calendar("csharp-disable")
    link = csharp.read_link(c_sharp.send("POST", "/v1/real_time_scheduling", c_sharp.link_request(person)))
    path = f"/v1/real_time_scheduling/{link['real_time_scheduling_id']}/disable"
    body = {"display_message": "No longer needed"}
    disabled = csharp.read_link(c_sharp.send("POST", path, body, bearer=c_sharp.site.client_secret))
    assert disabled == {**link, "status": "disabled"}


def test_csharp_throws_on_an_expired_link_and_on_nothing_else_in_it(c_sharp: CSharp) -> None:
    """Its enum lacks the word; the documentation of the API has it, so it is sent."""
    person = c_sharp.application_calendar("csharp-expired")
    request = c_sharp.link_request(person)
    request["availability"]["available_periods"] = [{"start": spaced(-2, 9), "end": spaced(-2, 17)}]
    answer = c_sharp.send("POST", "/v1/real_time_scheduling", request)
    with pytest.raises(csharp.Thrown, match="expired"):
        csharp.read_link(answer)
    assert csharp.read_event(csharp.read(answer)["real_time_scheduling"]["event"])


def test_csharp_reads_a_link_that_has_everything(c_sharp: CSharp, receiver: Receiver) -> None:
    person = c_sharp.application_calendar("csharp-everything")
    event = {
        "event_id": "e",
        "summary": "s",
        "description": "d",
        "location": {"description": "Board room", "lat": "1.2", "long": "3.4"},
        "url": "https://application.example",
        "reminders": [{"minutes": 5}],
        "transparency": "opaque",
        "event_private": True,
        "conferencing": {"profile_id": "explicit", "join_url": "https://meet.example/1", "provider_description": "M"},
        "attendees": {"invite": []},
        "color": None,
    }
    request = c_sharp.link_request(
        person,
        event=event,
        callback_url=f"{receiver.url}/csharp",
        redirect_urls={"completed_url": "https://application.example/done"},
        event_creation="single",
        minimum_notice={"minutes": 60},
    )
    link = csharp.read_link(c_sharp.send("POST", "/v1/real_time_scheduling", request))
    assert "attendees" not in link["event"] and "color" not in link["event"]
    assert link["event"]["location"] == event["location"]
    Visitor(link["url"]).book()
    assert callback(receiver, "/csharp").content["event"]["event_id"] == "e"
    path = f"/v1/real_time_scheduling/{link['real_time_scheduling_id']}"
    completed = csharp.read_link(c_sharp.send("GET", path, bearer=c_sharp.site.client_secret))
    csharp.read_event_time(completed["event"]["start"])
    listed, _ = csharp.read_page(
        c_sharp.send("GET", "/v1/events?tzid=Etc%2FUTC&only_managed=true", bearer=person["access_token"]), "events"
    )
    assert [found["event_id"] for found in listed] == ["e"]


def test_csharp_reads_several_pages(c_sharp: CSharp, crowded: Json) -> None:
    token, url, count = crowded["access_token"], "/v1/events?tzid=Etc%2FUTC&localized_times=true&only_managed=true", 0
    for _ in range(2):
        found, next_page = csharp.read_page(c_sharp.send("GET", url, bearer=token), "events")
        count += len(found)
        if next_page is None:
            break
        url = next_page.removeprefix(c_sharp.url)
    assert (count, next_page) == (CROWD, None)


def test_csharp_refreshes_and_revokes_in_json(c_sharp: CSharp) -> None:
    person = c_sharp.application_calendar("csharp-tokens")
    refresh = {**c_sharp.site.credentials, "grant_type": "refresh_token", "refresh_token": person["refresh_token"]}
    refreshed = csharp.read_token(c_sharp.send("POST", "/oauth/token", refresh))
    assert refreshed["access_token"] != person["access_token"]
    revocation = {**c_sharp.site.credentials, "token": person["refresh_token"], "request_pii_erasure": True}
    assert c_sharp.send("POST", "/oauth/token/revoke", revocation).status == 200
    assert c_sharp.send("GET", "/v1/userinfo", bearer=refreshed["access_token"]).status == 401


def test_csharp_reads_who_an_account_is(c_sharp: CSharp) -> None:
    person = c_sharp.application_calendar("csharp-who")
    userinfo = csharp.read(c_sharp.send("GET", "/v1/userinfo", bearer=person["access_token"]))
    assert csharp.text_in(userinfo, "sub") == person["sub"]
    data = csharp.object_in(userinfo, "cronofy.data")
    assert csharp.object_in(data, "authorization")["status"] == "active"
    for profile in csharp.list_in(data, "profiles"):
        assert profile["profile_connected"] is True and profile["profile_calendars"]
    account = csharp.object_in(
        csharp.read(c_sharp.send("GET", "/v1/account", bearer=person["access_token"])), "account"
    )
    assert csharp.text_in(account, "account_id") == person["sub"]


def test_csharp_creates_a_calendar(c_sharp: CSharp) -> None:
    person = c_sharp.application_calendar("csharp-calendar")
    body = {"profile_id": person["profile_id"], "name": "New", "color": "#49BED8"}
    made = csharp.read(c_sharp.send("POST", "/v1/calendars", body, bearer=person["access_token"]))["calendar"]
    assert csharp.read_calendar(made)["calendar_name"] == "New"


def test_csharp_reads_the_errors_of_a_422(c_sharp: CSharp) -> None:
    person = c_sharp.application_calendar("csharp-errors")
    refused = c_sharp.send("POST", "/v1/real_time_scheduling", c_sharp.link_request(person, tzid="Mars/Phobos"))
    errors = csharp.read(refused, status=422)["errors"]
    assert errors == {"tzid": [{"key": "errors.tzid_unrecognized", "description": errors["tzid"][0]["description"]}]}


# PHP


@pytest.fixture
def php(site: Site) -> Php:
    return Php(site)


def php_person(php: Php, name: str) -> Json:
    """`applicationCalendar`, which keeps the granted token for every later header."""
    granted = php.post("/v1/application_calendars", {**php.site.credentials, "application_calendar_id": name}).content
    php.access_token = granted["access_token"]
    calendar = php.get("/v1/calendars").content["calendars"][0]
    return {**granted, "calendar_id": calendar["calendar_id"]}


def test_php_believes_in_another_host_and_still_gets_our_addresses(php: Php) -> None:
    person = php_person(php, "php-host")
    link = php.post("/v1/real_time_scheduling", php.link_request(person)).content
    assert link["url"].startswith(f"{php.url}/rts/")


def test_php_sends_an_accounts_token_beside_its_body_credentials(php: Php) -> None:
    person = php_person(php, "php-both")
    assert php.access_token, "the header names an account, not the application"
    created = php.post("/v1/real_time_scheduling", php.link_request(person))
    assert created.status == 200
    assert created.content["real_time_scheduling"]["status"] == "open"


@pytest.mark.parametrize("header", [None, "Bearer undefined", "Bearer None", "Bearer ", "Basic eDp5", "foreign"])
def test_body_credentials_win_over_whatever_the_header_says(php: Php, header: str | None) -> None:
    person = php_person(php, "php-header")
    if header == "foreign":
        client_id, client_secret = php.site.new_application("Foreign")
        foreign = php.site.application_calendar("foreign", client_id=client_id, client_secret=client_secret)
        header = f"Bearer {foreign['access_token']}"
    headers = {} if header is None else {"Authorization": header}
    for path, body in (
        ("/v1/real_time_scheduling", php.link_request(person)),
        ("/v1/application_calendars", {**php.site.credentials, "application_calendar_id": "php-header"}),
        ("/oauth/token/revoke", {**php.site.credentials, "token": "nobody"}),
    ):
        answer = php.send("POST", path, body, headers=headers)
        assert answer.status == 200, (path, answer)


def test_wrong_body_credentials_lose_in_spite_of_a_right_header(php: Php) -> None:
    person = php_person(php, "php-wrong")
    refused = php.post_with_key("/v1/real_time_scheduling", php.link_request(person, client_secret="CRN_wrong"))
    assert (refused.status, refused.body) == (401, b"")


def test_php_sends_everything_its_own_test_sends(php: Php, receiver: Receiver) -> None:
    person = php_person(php, "php-everything")
    request = php.link_request(
        person,
        callback_urls={"completed_url": f"{receiver.url}/php"},
        redirect_urls={"completed_url": "http://application.example/redirect"},
        formatting={"hour_format": "12"},
        minimum_notice={"hours": 2},
        event_creation="single",
    )
    created = php.post("/v1/real_time_scheduling", request)
    assert created.status == 200, created
    visitor = Visitor(created.content["url"])
    assert visitor.open().slots == [at(3, hour) for hour in range(9, 17)]
    visitor.book()
    assert callback(receiver, "/php").content["event"]["event_id"] == "test_event_id"


@pytest.mark.parametrize(
    ("tzid", "event_tzid", "effective"),
    [
        ("Europe/London", None, "Europe/London"),
        ("Europe/London", "Asia/Tokyo", "Asia/Tokyo"),
        (None, "Asia/Tokyo", "Asia/Tokyo"),
        (None, None, "Etc/UTC"),
    ],
)
def test_php_names_the_zone_at_the_top_or_not_at_all(
    php: Php, tzid: str | None, event_tzid: str | None, effective: str
) -> None:
    request = php.link_request(php_person(php, "php-zone"), tzid=tzid)
    if event_tzid is not None:
        request["event"]["tzid"] = event_tzid
    created = php.post("/v1/real_time_scheduling", request)
    assert created.content["real_time_scheduling"]["event"]["tzid"] == effective


@pytest.mark.parametrize(
    ("members", "called"),
    [
        ({"callback_url": "old"}, "old"),  # a request that was not folded
        ({"callback_urls": {"completed_url": "new"}}, "new"),
        ({"callback_url": "old", "callback_urls": {"completed_url": "new"}}, "new"),
        ({"callback_url": "old", "callback_urls": {"no_times_suitable_url": "other"}}, "old"),
        ({"callback_urls": {"no_times_suitable_url": "other", "completed_url": "old"}}, "old"),  # as it folds that one
    ],
)
def test_php_folds_the_old_callback_url_into_the_new_member(
    php: Php, receiver: Receiver, members: Json, called: str
) -> None:
    own = f"/{uuid4()}"  # each case listens to itself only

    def addressed(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: addressed(member) for name, member in value.items()}
        return f"{receiver.url}{own}/{value}"

    created = php.post("/v1/real_time_scheduling", php.link_request(php_person(php, "php-folds"), **addressed(members)))
    Visitor(created.content["url"]).book()
    callback(receiver, f"{own}/{called}")


def test_php_sends_nulls_for_what_it_was_not_given(php: Php) -> None:
    person = php_person(php, "php-nulls")
    request = php.link_request(person, tzid=None, callback_urls=None, formatting=None, minimum_notice=None)
    request["availability"]["participants"][0]["members"][0]["calendar_ids"] = None
    request["availability"]["max_results"] = None
    assert php.post("/v1/real_time_scheduling", request).status == 200


def test_php_disables_with_its_key(php: Php) -> None:
    created = php.post("/v1/real_time_scheduling", php.link_request(php_person(php, "php-disable"))).content
    path = f"/v1/real_time_scheduling/{created['real_time_scheduling']['real_time_scheduling_id']}/disable"
    disabled = php.post_with_key(path, {"display_message": "rtsDisplayMessage"})
    assert (disabled.status, disabled.content["real_time_scheduling"]["status"]) == (200, "disabled")
    assert php.post(path, {"display_message": "with an account's token"}).status == 403


def test_php_asks_for_availability_with_its_key(php: Php) -> None:
    person = php_person(php, "php-availability")
    query = {
        "available_periods": [{"start": at(3, 9), "end": at(3, 11)}],
        "participants": [{"members": [{"sub": person["sub"]}], "required": "all"}],
        "required_duration": {"minutes": 60},
        "buffer": {"before": {"minutes": 30}, "after": {"minutes": 30}},
        "start_interval": {"minutes": 60},
        "response_format": "slots",
        "include_member_statuses": True,
        "excluded_events": [{"event_id": "moving"}],
    }
    busy = {"event_id": "moving", "summary": "m", "start": at(3, 9), "end": at(3, 10)}
    php.post(f"/v1/calendars/{person['calendar_id']}/events", busy)
    answer = php.post_with_key("/v1/availability", query)
    assert [slot["start"] for slot in answer.content["available_slots"]] == [at(3, 9), at(3, 10)]
    assert answer.content["member_statuses"] == [{"sub": person["sub"], "sync_status": "active"}]
    del query["excluded_events"]
    assert php.post_with_key("/v1/availability", query).content["available_slots"] == []


def test_php_reads_events_with_plain_brackets_and_spelled_booleans(php: Php) -> None:
    person = php_person(php, "php-reads")
    event = {"event_id": "e", "summary": "e", "start": at(3, 9), "end": at(3, 10), "tzid": "Etc/UTC"}
    assert php.post(f"/v1/calendars/{person['calendar_id']}/events", event).status == 202
    asked = {
        "tzid": "Etc/UTC",
        "calendar_ids": [person["calendar_id"]],
        "include_managed": True,
        "include_deleted": False,
        "include_moved": False,
        "only_managed": False,
        "localized_times": True,
    }
    [found] = php.get("/v1/events", **asked).content["events"]
    assert found["event_id"] == "e" and found["start"] == {"time": at(3, 9), "tzid": "Etc/UTC"}
    refused = php.get("/v1/events", **{**asked, "calendar_ids": [person["calendar_id"], "cal_x"]})
    assert refused.content["errors"].keys() == {"calendar_ids[1]"}
    deleted = php.send(
        "DELETE", f"/v1/calendars/{person['calendar_id']}/events", {"event_id": "e"}, bearer=php.access_token
    )
    assert (deleted.status, deleted.body) == (202, b"")


def test_php_follows_next_page_as_it_stands(php: Php, crowded: Json) -> None:
    php.access_token = crowded["access_token"]
    page, found = php.get("/v1/free_busy", tzid="Etc/UTC", include_managed=True).content, 0
    while True:
        found += len(page["free_busy"])
        if "next_page" not in page["pages"]:
            break
        url = urlsplit(page["pages"]["next_page"])
        assert f"{url.scheme}://{url.netloc}" == php.url, "not the host that the client believes in"
        page = php.get(url.path).content
    assert found == CROWD


def test_php_refreshes_and_revokes_by_sub(php: Php) -> None:
    person = php_person(php, "php-tokens")
    refresh = {**php.site.credentials, "grant_type": "refresh_token", "refresh_token": person["refresh_token"]}
    refreshed = php.post("/oauth/token", refresh)
    assert refreshed.content["expires_in"] == 3600 and refreshed.headers["cache-control"] == "no-store"
    revoked = php.post("/oauth/token/revoke", {**php.site.credentials, "sub": person["sub"]})
    assert (revoked.status, revoked.body) == (200, b"")
    for token in (person["access_token"], refreshed.content["access_token"]):
        assert php.send("GET", "/v1/userinfo", bearer=token).status == 401


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/userinfo", 200),
        ("GET", "/v1/calendars", 200),
        ("GET", "/v1/events?tzid=Etc%2FUTC", 200),
        ("GET", "/v1/profiles", 200),
        ("POST", "/v1/link_tokens", 403),  # an embedded account
        ("POST", "/v1/profiles/pro_x/revoke", 404),
        ("DELETE", "/v1/channels/chn_x", 404),
    ],
)
def test_php_sends_an_empty_list_where_it_has_no_body(php: Php, method: str, path: str, status: int) -> None:
    php_person(php, "php-empty")
    answer = php.send(method, path, b"[]", bearer=php.access_token)
    assert answer.status == status, answer


def test_an_empty_list_is_no_object_where_one_is_needed(php: Php) -> None:
    php_person(php, "php-list")
    refused = php.post("/v1/calendars", [])
    assert (refused.status, refused.content["errors"]["base"][0]["key"]) == (400, "errors.invalid_format")


# Ruby


def ruby_person(ruby: Ruby, name: str) -> Json:
    granted = ruby.form("/v1/application_calendars", **ruby.site.credentials, application_calendar_id=name)
    assert granted.status == 200, granted
    calendars = ruby.send("GET", "/v1/calendars", bearer=granted.content["access_token"]).content["calendars"]
    return {**granted.content, "calendar_id": calendars[0]["calendar_id"]}


def test_ruby_gets_an_application_calendar_by_a_form(ruby: Ruby) -> None:
    first, second = ruby_person(ruby, "ruby ä&=?"), ruby_person(ruby, "ruby ä&=?")
    assert first["application_calendar_id"] == "ruby ä&=?" and first["sub"] == second["sub"]


def test_ruby_refreshes_and_revokes_by_forms(ruby: Ruby) -> None:
    person = ruby_person(ruby, "ruby-tokens")
    refreshed = ruby.form(
        "/oauth/token", **ruby.site.credentials, grant_type="refresh_token", refresh_token=person["refresh_token"]
    )
    assert refreshed.status == 200 and refreshed.content["token_type"] == "bearer"
    token = refreshed.content["access_token"]
    assert ruby.send("GET", "/v1/account", bearer=token).content["account"]["account_id"] == person["sub"]
    revoked = ruby.form("/oauth/token/revoke", **ruby.site.credentials, token=person["refresh_token"])
    assert (revoked.status, revoked.body) == (200, b"")
    assert ruby.send("GET", "/v1/account", bearer=token).status == 401
    refused = ruby.form(
        "/oauth/token", **ruby.site.credentials, grant_type="refresh_token", refresh_token=person["refresh_token"]
    )
    assert (refused.status, refused.content) == (400, {"error": "invalid_grant"})


@pytest.mark.parametrize("member", ["query_periods", "available_periods", "query_slots"])
def test_ruby_passes_any_kind_of_query_through(ruby: Ruby, member: str) -> None:
    person = ruby_person(ruby, "ruby-link")
    when = {"start": at(3, 9)} if member == "query_slots" else {"start": at(3, 9), "end": at(3, 10)}
    created = ruby.send("POST", "/v1/real_time_scheduling", ruby.link_request(person, **{member: [when]}))
    assert created.status == 200, created
    link = created.content["real_time_scheduling"]
    assert link["event"]["location"] == {"description": "Board room"}
    page = Visitor(link["url"]).open()
    assert page.slots == [at(3, 9)]
    path = f"/v1/real_time_scheduling?token={link['url'].rpartition('/')[2]}"
    status = ruby.send("GET", path, bearer=ruby.site.client_secret)
    assert status.status == 200 and status.content["real_time_scheduling"] == link


def test_ruby_returns_the_state_it_gave(ruby: Ruby) -> None:
    request = ruby.link_request(ruby_person(ruby, "ruby-state"), query_periods=[{"start": at(3, 9), "end": at(3, 10)}])
    visitor = Visitor(ruby.send("POST", "/v1/real_time_scheduling", request).content["url"])
    page = visitor.open()
    booked = visitor.post(visitor.post(page, page.slots[0]), page.slots[0])
    token = visitor.url.rpartition("/")[2]
    assert booked.headers["location"] == f"{REDIRECT}?token={token}&state=a+state"


@pytest.mark.parametrize("with_token", [True, False])
def test_ruby_asks_for_availability_with_whichever_credential_it_has(ruby: Ruby, with_token: bool) -> None:
    person = ruby_person(ruby, "ruby-availability")
    query = {
        "participants": [{"members": [{"sub": person["sub"]}], "required": "all"}],
        "required_duration": {"minutes": 60},
        "query_periods": [{"start": at(3, 9), "end": at(3, 10)}],
    }
    bearer = person["access_token"] if with_token else ruby.site.client_secret
    answer = ruby.send("POST", "/v1/availability", query, bearer=bearer)
    assert answer.status == 200
    assert answer.content["available_periods"] == [
        {"start": at(3, 9), "end": at(3, 10), "participants": [{"sub": person["sub"]}]}
    ]


@pytest.mark.parametrize("items", ["events", "free_busy"])
def test_ruby_takes_exactly_200_and_follows_next_page(ruby: Ruby, crowded: Json, items: str) -> None:
    asked = {
        "tzid": "Etc/UTC",
        "include_managed": "true",
        "calendar_ids[]": crowded["calendar_id"],
        "from": f"{moment(19):%Y-%m-%d}",
        "to": f"{moment(40):%Y-%m-%d}",
    }
    path, found = f"/v1/{items}?{urlencode(asked)}", []
    assert "calendar_ids%5B%5D=" in path
    while path:
        answer = ruby.send("GET", path, bearer=crowded["access_token"])
        assert answer.status == 200, "anything else is an error to it"
        found += [item["start"] for item in answer.content[items]]
        path = answer.content["pages"].get("next_page", "").removeprefix(ruby.url)
    assert found == [at(20, 0, 15 * number) for number in range(CROWD)]


def test_ruby_reads_a_short_list_from_one_page(ruby: Ruby) -> None:
    """Where it does not follow pages, there must be no second one to miss."""
    person = ruby_person(ruby, "ruby-short")
    answer = ruby.send("GET", "/v1/events?tzid=Etc%2FUTC", bearer=person["access_token"])
    assert answer.content == {"pages": {"current": 1, "total": 1}, "events": []}


@pytest.mark.parametrize(
    ("status", "line", "call"),
    [
        (400, "400 Bad Request", lambda r, p: r.form("/oauth/token", **r.site.credentials, grant_type="refresh_token")),
        (401, "401 Unauthorized", lambda r, p: r.send("GET", "/v1/calendars", bearer="nobody")),
        (401, "401 Unauthorized", lambda r, p: r.form("/v1/application_calendars", application_calendar_id="x")),
        (403, "403 Forbidden", lambda r, p: r.send("GET", "/v1/calendars", bearer=r.site.client_secret)),
        (404, "404 Not Found", lambda r, p: r.send(
            "GET", "/v1/real_time_scheduling/sch_000000000000000000000000", bearer=r.site.client_secret)),
        (404, "404 Not Found", lambda r, p: r.send(
            "DELETE", "/v1/calendars/cal_x/events", {"event_id": "e"}, bearer=p["access_token"])),
        (404, "404 Not Found", lambda r, p: r.send("GET", "/v1/availability_rules/x", bearer=p["access_token"])),
        (422, "422 Unprocessable", lambda r, p: r.send("GET", "/v1/events", bearer=p["access_token"])),
    ],
)  # fmt: skip
def test_ruby_takes_its_error_text_from_the_status_header(ruby: Ruby, status: int, line: str, call: Any) -> None:
    answer = call(ruby, ruby_person(ruby, "ruby-errors"))
    assert answer.status == status
    assert answer.headers["status"].startswith(line)
    if status == 422:
        assert all(
            error["key"] and error["description"] for found in answer.content["errors"].values() for error in found
        )
    elif status != 400:
        assert answer.body == b""


def test_ruby_deletes_in_bulk_with_a_json_body(ruby: Ruby) -> None:
    person = ruby_person(ruby, "ruby-bulk")
    event = {"event_id": "e", "summary": "e", "start": at(3, 9), "end": at(3, 10), "transparency": None}
    path = f"/v1/calendars/{person['calendar_id']}/events"
    assert ruby.send("POST", path, event, bearer=person["access_token"]).status == 202
    body = {"calendar_ids": [person["calendar_id"]]}
    assert ruby.send("DELETE", "/v1/events", body, bearer=person["access_token"]).status == 202
    assert ruby.site.events(person) == []
