"""pycronofy, unmodified, does the whole journey against `slotlink serve`. Only its own settings say where that is."""

from __future__ import annotations

import datetime
import json
from collections.abc import Generator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pycronofy
import pytest
from pycronofy import settings
from pycronofy.exceptions import PyCronofyRequestError, PyCronofyValidationError

from tests.sdk.site import CROWD, Json, Site, Visitor, at, callback, moment
from tests.serving import Receiver

REDIRECT = "https://application.example/done"


@pytest.fixture(autouse=True)
def pointed_here(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "API_BASE_URL", site.url)
    monkeypatch.setattr(settings, "APP_BASE_URL", site.url)
    monkeypatch.setattr(settings, "API_REGION_FORMAT", "http://%s")
    monkeypatch.setattr(settings, "APP_REGION_FORMAT", "http://%s")


@pytest.fixture
def statuses() -> Generator[list[int]]:
    """Every status code that the client receives, by its own hook."""
    seen: list[int] = []
    pycronofy.set_request_hook(lambda response, *_arguments, **_options: seen.append(response.status_code))
    yield seen
    pycronofy.set_request_hook(None)


class Person:
    """An application calendar with a client of its own, as an application keeps one per user."""

    def __init__(self, site: Site, name: str) -> None:
        self.client = pycronofy.Client(client_id=site.client_id, client_secret=site.client_secret)
        self.granted = self.client.application_calendar(name)
        self.sub: str = self.granted["sub"]
        calendar = self.client.list_calendars()[0]
        self.calendar_id: str = calendar["calendar_id"]
        self.profile_id: str = calendar["profile_id"]

    def event(self, event_id: str, start: Any, end: Any, **members: Any) -> None:
        event = {"event_id": event_id, "summary": event_id, "start": start, "end": end, **members}
        self.client.upsert_event(self.calendar_id, event)

    @property
    def target(self) -> Json:
        return {"sub": self.sub, "calendar_id": self.calendar_id}


def link_arguments(*people: Person, **changes: Any) -> Json:
    arguments = {
        "availability": {
            "participants": [{"members": [person.sub for person in people], "required": "all"}],
            "required_duration": 60,
            "available_periods": [{"start": moment(3, 9), "end": moment(3, 17)}],
        },
        "oauth": {"redirect_uri": REDIRECT},
        "event": {"event_id": "interview", "summary": "Interview", "tzid": "Europe/London"},
        "target_calendars": [person.target for person in people],
    }
    return {**arguments, **changes}


def refused(excinfo: pytest.ExceptionInfo[PyCronofyRequestError], status: int) -> Any:
    """The answer behind the client's one kind of error, which must have this status."""
    assert excinfo.value.response.status_code == status, excinfo.value.message
    return excinfo.value.response


def test_the_journey_from_an_application_calendar_to_a_booked_slot(
    site: Site, receiver: Receiver, statuses: list[int]
) -> None:
    maya, jonas = Person(site, "journey-maya"), Person(site, "journey-jonas")
    assert maya.sub.startswith("apc_") and maya.granted["application_calendar_id"] == "journey-maya"
    assert not maya.client.is_authorization_expired()

    maya.event("busy-1", moment(3, 9), moment(3, 12))
    jonas.event("busy-2", moment(3, 14), moment(3, 16, 30))
    free = maya.client.availability(
        participants=[{"members": [maya.sub, jonas.sub]}],
        required_duration=60,
        available_periods=[{"start": moment(3, 9), "end": moment(3, 17)}],
    )
    both = [{"sub": maya.sub}, {"sub": jonas.sub}]
    assert free == [{"start": at(3, 12), "end": at(3, 14), "participants": both}]

    created = maya.client.real_time_scheduling(
        **link_arguments(
            maya,
            jonas,
            callback_urls={"completed_url": f"{receiver.url}/journey"},
            redirect_urls={"completed_url": "https://application.example/thanks?from=mail"},
            minimum_notice={"hours": 1},
        )
    )
    link = created["real_time_scheduling"]
    assert created["url"] == link["url"] and link["url"].startswith(f"{site.url}/")
    token = link["url"].rpartition("/")[2]
    by_id = maya.client.get_real_time_scheduling_status(real_time_scheduling_id=link["real_time_scheduling_id"])
    by_token = maya.client.get_real_time_scheduling_status(token=token)
    assert by_id == by_token == {"real_time_scheduling": link}
    assert link["status"] == "open" and "start" not in link["event"]

    visitor = Visitor(created["url"])
    page = visitor.open()
    assert page.code == 200 and page.status == "open"
    assert page.slots == [at(3, 12), at(3, 12, 15), at(3, 12, 30), at(3, 12, 45), at(3, 13)]
    asked = visitor.post(page, page.slots[2], tzid="America/Chicago")
    assert asked.code == 200 and asked.slots == [at(3, 12, 30)], "confirm is the default: nothing is booked yet"
    assert site.status(link["real_time_scheduling_id"])["status"] == "open"
    booked = visitor.post(asked, asked.slots[0])
    assert booked.code == 303
    assert booked.headers["location"] == f"https://application.example/thanks?from=mail&token={token}"

    completed = maya.client.get_real_time_scheduling_status(token=token)["real_time_scheduling"]
    assert completed == {
        **link,
        "status": "completed",
        "event": {
            **link["event"],
            "start": {"time": at(3, 12, 30), "tzid": "Europe/London"},
            "end": {"time": at(3, 13, 30), "tzid": "Europe/London"},
        },
    }
    for person in (maya, jonas):
        written = [event for event in person.client.read_events() if event["event_id"] == "interview"]
        assert [(event["summary"], event["start"], event["end"]) for event in written] == [
            ("Interview", at(3, 12, 30), at(3, 13, 30))
        ]

    received = callback(receiver, "/journey")
    signature, body = received.headers["cronofy-hmac-sha256"], received.body.decode()
    assert maya.client.hmac_valid(signature, body)
    assert not maya.client.hmac_valid(signature, body + " ")
    assert received.content["event"]["start"] == {"time": at(3, 12, 30), "tzid": "Europe/London"}
    assert received.content["participants"] == both
    assert received.content["user"] == {"tzid": "America/Chicago"}

    again = maya.client.availability(
        participants=[{"members": [maya.sub, jonas.sub]}],
        required_duration=60,
        available_periods=[{"start": moment(3, 9), "end": moment(3, 17)}],
    )
    assert again == [], "what was booked is busy"
    assert set(statuses) == {200, 202}, "the client raises on anything else"


def test_a_second_link_is_disabled_and_tells_its_visitors_why(site: Site) -> None:
    maya = Person(site, "disabled-maya")
    link = maya.client.real_time_scheduling(**link_arguments(maya))["real_time_scheduling"]
    link_id = link["real_time_scheduling_id"]
    disabled = maya.client.disable_real_time_scheduling_link(link_id, "We found somebody.\nThank you <all>!")
    assert disabled == {"real_time_scheduling": {**link, "status": "disabled"}}
    assert maya.client.get_real_time_scheduling_status(real_time_scheduling_id=link_id) == disabled
    page = Visitor(link["url"]).open()
    assert page.status == "disabled" and page.slots == []
    assert "Thank you &lt;all&gt;!" in page.text


def test_a_completed_link_cannot_be_disabled(site: Site) -> None:
    maya = Person(site, "completed-maya")
    link = maya.client.real_time_scheduling(**link_arguments(maya))["real_time_scheduling"]
    Visitor(link["url"]).book()
    with pytest.raises(PyCronofyRequestError) as raised:
        maya.client.disable_real_time_scheduling_link(link["real_time_scheduling_id"], "Too late")
    assert refused(raised, 422).json()["errors"]["base"][0]["key"] == "errors.already_completed"


def test_the_single_event_lands_in_the_first_calendar_only(site: Site) -> None:
    maya, jonas = Person(site, "single-maya"), Person(site, "single-jonas")
    created = maya.client.real_time_scheduling(**link_arguments(maya, jonas, event_creation="single"))
    Visitor(created["url"]).book()
    assert [event["event_id"] for event in maya.client.read_events()] == ["interview"]
    assert list(jonas.client.read_events()) == []


def test_the_deprecated_callback_url_is_called_too(site: Site, receiver: Receiver) -> None:
    maya = Person(site, "deprecated-maya")
    created = maya.client.real_time_scheduling(**link_arguments(maya, callback_url=f"{receiver.url}/deprecated"))
    Visitor(created["url"]).book()
    received = callback(receiver, "/deprecated")
    assert maya.client.hmac_valid(received.headers["cronofy-hmac-sha256"], received.body.decode())


def test_a_callback_during_a_rotation_is_valid_for_either_secret(
    site: Site, receiver: Receiver, statuses: list[int]
) -> None:
    client_id, old_secret = site.new_application("Rotating")
    new_secret = site.rotate_secret(client_id)
    old, new = (pycronofy.Client(client_id=client_id, client_secret=secret) for secret in (old_secret, new_secret))
    sub = old.application_calendar("rotating-maya")["sub"]
    arguments = link_arguments(callback_urls={"completed_url": f"{receiver.url}/rotating"})
    arguments["availability"]["participants"] = {"members": [sub]}
    created = new.real_time_scheduling(**arguments)
    Visitor(created["url"]).book()
    received = callback(receiver, "/rotating")
    header = received.headers["cronofy-hmac-sha256"]
    # The client splits at the comma without trimming, so a space would make the second digest unreadable.
    assert header.count(",") == 1 and " " not in header
    assert old.hmac_valid(header, received.body.decode()) and new.hmac_valid(header, received.body.decode())
    stranger = pycronofy.Client(client_id=client_id, client_secret="CRN_somebody_elses")
    assert not stranger.hmac_valid(header, received.body.decode())


def test_it_says_who_an_application_calendar_is(site: Site) -> None:
    maya = Person(site, "who-maya")
    account, userinfo = maya.client.account(), maya.client.userinfo()
    assert account["account_id"] == userinfo["sub"] == maya.sub
    assert account["default_tzid"] == userinfo["zoneinfo"] == "Etc/UTC"
    assert userinfo["slotlink"] == {"data_center": "us"}
    [profile] = userinfo["cronofy.data"]["profiles"]
    assert profile["provider_name"] == "cronofy" and profile["profile_connected"] is True
    assert [calendar["calendar_id"] for calendar in profile["profile_calendars"]] == [maya.calendar_id]
    assert [profile["profile_id"] for profile in maya.client.list_profiles()] == [profile["profile_id"]]
    [calendar] = maya.client.list_calendars()
    assert calendar["calendar_primary"] is True and calendar["calendar_readonly"] is False
    assert calendar["profile_id"] == profile["profile_id"] and calendar["provider_name"] == "cronofy"


def test_the_same_application_calendar_comes_back_for_the_same_id(site: Site) -> None:
    first, second = Person(site, "same-maya"), Person(site, "same-maya")
    assert (first.sub, first.calendar_id) == (second.sub, second.calendar_id)
    assert first.granted["access_token"] != second.granted["access_token"]
    assert first.client.account()["account_id"] == second.sub, "the earlier token lives on"


def test_events_are_read_over_several_pages(crowded: Json) -> None:
    client = pycronofy.Client(access_token=crowded["access_token"])
    pages = client.read_events(from_date=moment(19).date(), to_date=moment(40).date(), tzid="Etc/UTC")
    assert (pages.current, pages.total, len(pages)) == (1, 2, 300)
    names = [event["event_id"] for event in pages]
    assert names == [f"crowd-{number:03}" for number in range(CROWD)], "each once, by start"
    assert (pages.current, len(pages)) == (2, CROWD - 300)


def test_all_pages_of_events_come_at_once_when_asked_for(crowded: Json) -> None:
    client = pycronofy.Client(access_token=crowded["access_token"])
    assert len(client.read_events(only_managed=True).all()) == CROWD


def test_pages_are_turned_by_hand_when_asked_for(crowded: Json) -> None:
    client = pycronofy.Client(access_token=crowded["access_token"])
    pages = client.read_events(automatic_pagination=False)
    assert len(list(pages)) == 300
    pages.fetch_next_page()
    assert len(list(pages)) == CROWD - 300
    assert pages.next_page_url is None, "the last page names no next one"


def test_free_busy_is_read_over_several_pages(crowded: Json) -> None:
    client = pycronofy.Client(access_token=crowded["access_token"])
    pages = client.read_free_busy(from_date=moment(19).date(), to_date=moment(40).date())
    assert (pages.current, pages.total) == (1, 2)
    busy = list(pages)
    assert [period["start"] for period in busy] == [at(20, 0, 15 * number) for number in range(CROWD)]
    assert {period["free_busy_status"] for period in busy} == {"busy"}
    assert {period["calendar_id"] for period in busy} == {crowded["calendar_id"]}


def test_a_page_of_another_account_is_not_found(site: Site, crowded: Json) -> None:
    pages = pycronofy.Client(access_token=crowded["access_token"]).read_events()
    stranger = Person(site, "page-stranger").client
    with pytest.raises(PyCronofyRequestError) as raised:
        stranger.request_handler.get(url=pages.next_page_url)
    refused(raised, 404)


def test_events_are_selected_by_window_calendar_and_kind(site: Site) -> None:
    maya = Person(site, "selected-maya")
    second = maya.client.create_calendar(maya.profile_id, "Second")["calendar"]["calendar_id"]
    maya.event("early", moment(3, 9), moment(3, 10))
    maya.event("late", moment(8, 9), moment(8, 10))
    maya.client.upsert_event(
        second, {"event_id": "other", "summary": "other", "start": moment(3, 11), "end": moment(3, 12)}
    )

    def names(**asked: Any) -> list[str]:
        return [event["event_id"] for event in maya.client.read_events(**asked)]

    assert names() == ["early", "other", "late"]
    assert names(from_date=moment(3).date(), to_date=moment(8).date()) == ["early", "other"]
    assert names(from_date=moment(3, 10, 30), to_date=at(8, 9, 30)) == ["other", "late"]
    assert names(calendar_ids=(second,)) == ["other"]
    assert names(calendar_ids=[second, maya.calendar_id]) == ["early", "other", "late"]
    assert names(include_managed=False) == []
    assert names(only_managed=True) == ["early", "other", "late"]
    assert names(last_modified=moment(1)) == []
    maya.client.delete_event(maya.calendar_id, "early")
    assert names() == ["other", "late"]
    deleted = [event for event in maya.client.read_events(include_deleted=True) if event["deleted"]]
    assert [event["event_id"] for event in deleted] == ["early"]


def test_an_event_is_read_as_it_was_written(site: Site) -> None:
    maya = Person(site, "written-maya")
    maya.event(
        "whole",
        {"time": moment(3, 9), "tzid": "Europe/Paris"},
        {"time": at(3, 10), "tzid": "Europe/Paris"},
        description="Bring the plans",
        location={"description": "Board room", "lat": "1.2345", "long": "0.1234"},
        transparency="transparent",
        reminders=[{"minutes": 30}],
    )
    maya.event("day", moment(4).date(), moment(6).date())
    whole, day = maya.client.read_events(include_geo=True)
    assert (whole["start"], whole["end"]) == (at(3, 9), at(3, 10))
    assert whole["description"] == "Bring the plans" and whole["transparency"] == "transparent"
    assert whole["location"] == {"description": "Board room", "lat": "1.2345", "long": "0.1234"}
    assert (day["start"], day["end"]) == (f"{moment(4):%Y-%m-%d}", f"{moment(6):%Y-%m-%d}")
    assert maya.client.read_events()[0]["location"] == {"description": "Board room"}
    localized = maya.client.read_events(localized_times=True, tzid="Asia/Tokyo")[0]
    assert localized["start"]["tzid"] == "Asia/Tokyo" and localized["start"]["time"].endswith("+09:00")
    busy = list(maya.client.read_free_busy())
    assert [period["start"] for period in busy] == [f"{moment(4):%Y-%m-%d}"], "a transparent event is not busy"


def test_writing_an_event_again_moves_it(site: Site) -> None:
    maya = Person(site, "moved-maya")
    maya.event("moving", moment(3, 9), moment(3, 10))
    [before] = maya.client.read_events()
    maya.event("moving", at(3, 11).replace("Z", "+00:00"), at(3, 12).replace("Z", "UTC"))
    [after] = maya.client.read_events()
    assert (after["start"], after["end"]) == (at(3, 11), at(3, 12)), "both other spellings of UTC that it lets through"
    assert after["event_uid"] == before["event_uid"]


def test_all_events_are_deleted_in_one_or_in_every_calendar(site: Site) -> None:
    maya = Person(site, "cleared-maya")
    second = maya.client.create_calendar(maya.profile_id, "Second")["calendar"]["calendar_id"]
    for calendar_id in (maya.calendar_id, second):
        maya.client.upsert_event(
            calendar_id, {"event_id": "e", "summary": "e", "start": moment(3, 9), "end": moment(3, 10)}
        )
    maya.client.delete_all_events(calendar_ids=(second,))
    assert [event["calendar_id"] for event in maya.client.read_events()] == [maya.calendar_id]
    maya.client.delete_all_events()
    assert list(maya.client.read_events()) == []


@pytest.mark.parametrize(
    ("response_format", "expected"),
    [
        (None, [((9, 0), (10, 0)), ((11, 0), (13, 0))]),
        ("periods", [((9, 0), (10, 0)), ((11, 0), (13, 0))]),
        ("slots", [((9, 0), (10, 0)), ((11, 0), (12, 0)), ((12, 0), (13, 0))]),
        ("overlapping_slots", [((9, 0), (10, 0)), *(((11, m), (12, m)) for m in (0, 15, 30, 45)), ((12, 0), (13, 0))]),
    ],
)
def test_availability_is_read_in_every_format(
    site: Site, response_format: str | None, expected: list[tuple[tuple[int, int], tuple[int, int]]]
) -> None:
    maya = Person(site, "formats-maya")
    maya.event("middle", moment(3, 10), moment(3, 11))
    free = maya.client.availability(
        participants={"members": [maya.sub], "required": 1},
        required_duration={"minutes": 60},
        available_periods=[{"start": moment(3, 9), "end": moment(3, 13)}],
        response_format=response_format,
    )
    assert free == [
        {"start": at(3, *start), "end": at(3, *end), "participants": [{"sub": maya.sub}]} for start, end in expected
    ]


@pytest.mark.parametrize("response_format", [None, "periods", "slots", "overlapping_slots"])
def test_availability_with_nothing_free_is_an_empty_list_in_every_format(
    site: Site, response_format: str | None
) -> None:
    maya = Person(site, "nothing-maya")
    maya.event("all", moment(3, 8), moment(3, 18))
    free = maya.client.availability(
        participants=[{"members": [maya.sub]}],
        required_duration=60,
        available_periods=[{"start": moment(3, 9), "end": moment(3, 13)}],
        response_format=response_format,
    )
    assert free == []


def test_availability_takes_intervals_buffers_limits_and_query_slots(site: Site) -> None:
    maya = Person(site, "options-maya")
    maya.event("middle", moment(3, 11), moment(3, 12))

    def starts(**asked: Any) -> list[str]:
        asked = {
            "participants": [{"members": [maya.sub]}],
            "required_duration": 30,
            "response_format": "slots",
            **asked,
        }
        return [slot["start"] for slot in maya.client.availability(**asked)]

    def window() -> list[Json]:
        return [{"start": moment(3, 9), "end": moment(3, 13)}]

    hourly = {"start_interval": 60, "response_format": "overlapping_slots"}
    assert starts(available_periods=window(), **hourly) == [at(3, 9), at(3, 10), at(3, 12)]
    buffered = {"before": {"minimum": 30}, "after": {"minutes": 60}}
    assert starts(available_periods=window(), buffer=buffered, **hourly) == [at(3, 9)]
    assert starts(available_periods=window(), max_results=2) == [at(3, 9), at(3, 9, 30)]
    slots = [{"start": moment(3, hour)} for hour in (10, 11, 12)]
    assert starts(query_slots=slots) == [at(3, 10), at(3, 12)]
    own = {"sub": maya.sub, "available_periods": [{"start": moment(3, 12), "end": moment(3, 18)}]}
    assert starts(participants=[{"members": [own]}], available_periods=window()) == [at(3, 12), at(3, 12, 30)]


def test_one_member_of_a_group_is_enough_where_the_query_says_so(site: Site) -> None:
    maya, jonas = Person(site, "group-maya"), Person(site, "group-jonas")
    jonas.event("away", moment(3, 9), moment(3, 11))
    free = maya.client.availability(
        participants=[{"members": [maya.sub, jonas.sub], "required": 1}],
        required_duration=60,
        available_periods=[{"start": moment(3, 9), "end": moment(3, 12)}],
        response_format="slots",
    )
    assert [[member["sub"] for member in slot["participants"]] for slot in free] == [
        [maya.sub],
        [maya.sub],
        [maya.sub, jonas.sub],
    ]


def test_tokens_are_refreshed_and_revoked(site: Site) -> None:
    maya = Person(site, "tokens-maya")
    old = maya.client.auth.access_token
    refreshed = maya.client.refresh_authorization()
    assert refreshed["access_token"] == maya.client.auth.access_token != old
    assert refreshed["refresh_token"] == maya.granted["refresh_token"]
    assert maya.client.account()["account_id"] == maya.sub
    spare = pycronofy.Client(access_token=old)
    assert spare.account()["account_id"] == maya.sub
    maya.client.revoke_authorization()
    for client in (maya.client, spare):
        with pytest.raises(PyCronofyRequestError) as raised:
            client.account()
        assert refused(raised, 401).content == b"", "the whole grant is gone"


def test_a_refresh_token_that_was_revoked_is_an_invalid_grant(site: Site) -> None:
    maya = Person(site, "revoked-maya")
    dead = pycronofy.Client(site.client_id, site.client_secret, refresh_token=maya.granted["refresh_token"])
    maya.client.revoke_authorization()
    with pytest.raises(PyCronofyRequestError) as raised:
        dead.refresh_authorization()
    assert refused(raised, 400).json() == {"error": "invalid_grant"}


def test_a_code_that_nobody_was_given_is_an_invalid_grant(site: Site) -> None:
    client = pycronofy.Client(site.client_id, site.client_secret)
    with pytest.raises(PyCronofyRequestError) as raised:
        client.get_authorization_from_code("code", redirect_uri=REDIRECT)
    assert refused(raised, 400).json() == {"error": "invalid_grant"}


def test_a_wrong_secret_is_401_everywhere(site: Site) -> None:
    client = pycronofy.Client(site.client_id, "CRN_wrong", access_token="wrong")
    calls = [
        lambda: client.application_calendar("anybody"),
        lambda: client.get_real_time_scheduling_status(real_time_scheduling_id="sch_000000000000000000000000"),
        lambda: client.get_real_time_scheduling_status(token="anything"),
        lambda: client.real_time_scheduling(**link_arguments()),
        lambda: client.disable_real_time_scheduling_link("sch_000000000000000000000000", "no"),
        lambda: client.availability(required_duration=60),
        client.list_calendars,
        client.account,
        client.userinfo,
        client.read_events,
        client.read_free_busy,
        lambda: client.delete_event("cal_x_y", "e"),
    ]
    for call in calls:
        with pytest.raises(PyCronofyRequestError) as raised:
            call()
        answer = refused(raised, 401)
        assert answer.content == b"" and answer.headers["WWW-Authenticate"].startswith("Bearer")
    with pytest.raises(PyCronofyRequestError) as raised:
        client.refresh_authorization()
    assert refused(raised, 400).json() == {"error": "invalid_client"}


def test_the_wrong_kind_of_credential_is_403(site: Site) -> None:
    maya = Person(site, "kind-maya")
    swapped = pycronofy.Client(
        site.client_id, client_secret=maya.client.auth.access_token, access_token=site.client_secret
    )
    for call in (lambda: swapped.get_real_time_scheduling_status(token="anything"), swapped.list_calendars):
        with pytest.raises(PyCronofyRequestError) as raised:
            call()
        assert refused(raised, 403).content == b""


def test_unknown_things_are_404(site: Site) -> None:
    maya = Person(site, "unknown-maya")
    elsewhere = Person(site, "unknown-jonas")
    calls = [
        lambda: maya.client.get_real_time_scheduling_status(real_time_scheduling_id="sch_000000000000000000000000"),
        lambda: maya.client.get_real_time_scheduling_status(real_time_scheduling_id="malformed id"),
        lambda: maya.client.get_real_time_scheduling_status(token="nobody-has-this-token"),
        lambda: maya.client.disable_real_time_scheduling_link("sch_000000000000000000000000", "no"),
        lambda: maya.client.upsert_event(
            elsewhere.calendar_id, {"event_id": "e", "summary": "e", "start": at(3, 9), "end": at(3, 10)}
        ),
        lambda: maya.client.delete_event(elsewhere.calendar_id, "e"),
    ]
    for call in calls:
        with pytest.raises(PyCronofyRequestError) as raised:
            call()
        assert refused(raised, 404).content == b""


def test_the_link_of_another_application_is_404(site: Site) -> None:
    link = Person(site, "foreign-maya").client.real_time_scheduling(**link_arguments_of_nobody(site))
    stranger = pycronofy.Client(*site.new_application("Initech"))
    for asked in (
        {"real_time_scheduling_id": link["real_time_scheduling"]["real_time_scheduling_id"]},
        {"token": link["url"].rpartition("/")[2]},
    ):
        with pytest.raises(PyCronofyRequestError) as raised:
            stranger.get_real_time_scheduling_status(**asked)
        assert refused(raised, 404).content == b""


def link_arguments_of_nobody(site: Site) -> Json:
    """For a link without a target calendar."""
    return link_arguments(Person(site, "nobody-maya"), target_calendars=())


def test_every_wrong_member_is_in_one_422(site: Site) -> None:
    maya = Person(site, "invalid-maya")
    arguments = link_arguments(maya, oauth={"redirect_uri": "ftp://application.example"}, event={"event_id": "e"})
    arguments["availability"]["participants"] = [{"members": ["apc_000000000000000000000000"], "required": "some"}]
    arguments["availability"]["available_periods"] = [{"start": at(3, 9), "end": at(3, 9)}]
    with pytest.raises(PyCronofyRequestError) as raised:
        maya.client.real_time_scheduling(**arguments)
    errors = refused(raised, 422).json()["errors"]
    assert {path: [error["key"] for error in found] for path, found in errors.items()} == {
        "oauth.redirect_uri": ["errors.invalid_format"],
        "event.summary": ["errors.required"],
        "availability.participants[0].required": ["errors.invalid_format"],
        "availability.available_periods[0].end": ["errors.invalid_time_pair"],
    }
    assert all(error["description"] for found in errors.values() for error in found)
    assert b"errors.invalid_time_pair" in raised.value.message.encode(), "the client shows the body in its message"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda p: p.event("e", at(3, 10), at(3, 9)), {"end": "errors.invalid_time_pair"}),
        (lambda p: p.event("e", at(3, 9), at(3, 10), summary=None), {"summary": "errors.required"}),
        (lambda p: p.client.read_events(tzid="Mars/Phobos"), {"tzid": "errors.tzid_unrecognized"}),
        (lambda p: p.client.read_free_busy(tzid=None), {"tzid": "errors.tzid_unrecognized"}),
        (lambda p: p.client.read_events(calendar_ids=("cal_x",)), {"calendar_ids[0]": "errors.invalid_calendar_ids"}),
        (
            lambda p: p.client.delete_external_event(p.calendar_id, "u"),
            {"event_uid": "errors.must_be_external_event_uid"},
        ),
        (
            lambda p: p.client.availability(participants=[{"members": ["apc_x"]}], required_duration=0),
            {"required_duration": "errors.invalid_format", "query_periods": "errors.required"},
        ),
    ],
)
def test_a_422_names_the_member_and_the_reason(site: Site, call: Any, expected: dict[str, str]) -> None:
    with pytest.raises(PyCronofyRequestError) as raised:
        call(Person(site, "reasons-maya"))
    errors = refused(raised, 422).json()["errors"]
    assert errors.keys() == expected.keys()
    assert all(key in [error["key"] for error in errors[path]] for path, key in expected.items())


def test_a_disable_without_a_message_is_422(site: Site) -> None:
    maya = Person(site, "silent-maya")
    link = maya.client.real_time_scheduling(**link_arguments(maya))["real_time_scheduling"]
    for message, key in (("", "errors.required"), (None, "errors.required"), ("x" * 501, "errors.too_long")):
        with pytest.raises(PyCronofyRequestError) as raised:
            maya.client.disable_real_time_scheduling_link(link["real_time_scheduling_id"], message)
        assert refused(raised, 422).json()["errors"]["display_message"][0]["key"] == key
    assert site.status(link["real_time_scheduling_id"])["status"] == "open"


def test_a_calendar_name_that_is_taken_is_an_error_or_the_calendar_itself(site: Site) -> None:
    maya = Person(site, "names-maya")
    made = maya.client.create_calendar(maya.profile_id, "Interviews")["calendar"]
    assert made["calendar_name"] == "Interviews" and made["calendar_readonly"] is False
    with pytest.raises(PyCronofyRequestError) as raised:
        maya.client.create_calendar(maya.profile_id, "Interviews")
    assert refused(raised, 422).json()["errors"]["name"][0]["key"] == "errors.duplicate_calendar_name"
    found = maya.client.create_calendar(maya.profile_id, "Interviews", error_on_duplicate=False)
    assert found["calendar_id"] == made["calendar_id"]
    assert [calendar["calendar_name"] for calendar in maya.client.list_calendars()].count("Interviews") == 1


def test_the_client_itself_wants_one_of_token_and_id(site: Site) -> None:
    client = pycronofy.Client(site.client_id, site.client_secret)
    for asked in ({}, {"token": "t", "real_time_scheduling_id": "sch_1"}):
        with pytest.raises(PyCronofyValidationError):
            client.get_real_time_scheduling_status(**asked)


def test_a_named_data_center_is_reached_by_its_region_format(site: Site) -> None:
    host = urlsplit(site.url).netloc
    client = pycronofy.Client(site.client_id, site.client_secret, data_center=host)
    assert client.application_calendar("region-maya")["sub"].startswith("apc_")
    link = urlsplit(client.user_auth_link(REDIRECT))
    assert (link.netloc, link.path) == (host, "/oauth/authorize")
    assert parse_qs(link.query)["client_id"] == [site.client_id]


def test_what_the_client_sends_needlessly_is_ignored(site: Site, statuses: list[int]) -> None:
    """An empty JSON object with every GET and DELETE, and members that no endpoint knows."""
    maya = Person(site, "needless-maya")
    maya.event("e", at(3, 9), at(3, 10), unheard_of={"deep": [1]}, event_classes=["private"])
    arguments = link_arguments(maya)
    # As the client's own test does: times in a template, which the chosen slot replaces.
    arguments["event"] |= {"start": at(9, 9), "end": at(9, 10), "unheard_of": None}
    arguments["availability"] |= {"max_results": 3, "response_format": "slots"}
    created = maya.client.real_time_scheduling(**arguments)
    assert not {"start", "end", "unheard_of"} & created["real_time_scheduling"]["event"].keys()
    assert set(statuses) == {200, 202}


def test_times_are_whole_seconds_in_utc(site: Site) -> None:
    """What the client makes of a datetime with a zone, and of one with fractions, is one and the same instant."""
    maya = Person(site, "seconds-maya")
    eastern = datetime.timezone(datetime.timedelta(hours=-5))
    maya.event("zoned", moment(3, 9).astimezone(eastern), moment(3, 10).replace(microsecond=5))
    [event] = maya.client.read_events()
    assert (event["start"], event["end"]) == (at(3, 9), at(3, 10))
    assert "." not in json.dumps([event["created"], event["updated"]])


def test_availability_rules_are_kept_for_the_account(site: Site, statuses: list[int]) -> None:
    maya = Person(site, "rules-maya")
    weekly = [
        {"day": "monday", "start_time": "09:30", "end_time": "12:30"},
        {"day": "friday", "start_time": "22:00", "end_time": "02:00"},
    ]
    rule = {"availability_rule_id": "default", "tzid": "America/Chicago", "weekly_periods": weekly}
    named = {**rule, "availability_rule_id": "two words", "calendar_ids": [maya.calendar_id]}
    assert maya.client.upsert_availability_rule(rule) == rule
    assert maya.client.upsert_availability_rule(named) == named
    assert maya.client.get_availability_rule("default") == rule
    assert maya.client.get_availability_rule("two words") == named
    assert sorted(found["availability_rule_id"] for found in maya.client.list_availability_rules()) == [
        "default",
        "two words",
    ]
    assert maya.client.upsert_availability_rule({**rule, "weekly_periods": []})["weekly_periods"] == []
    maya.client.delete_availability_rule("two words")
    assert [found["availability_rule_id"] for found in maya.client.list_availability_rules()] == ["default"]
    assert set(statuses) == {200, 202}
    for call in (maya.client.get_availability_rule, maya.client.delete_availability_rule):
        with pytest.raises(PyCronofyRequestError) as raised:
            call("two words")
        assert refused(raised, 404).content == b""
    with pytest.raises(PyCronofyRequestError) as raised:
        maya.client.upsert_availability_rule({"availability_rule_id": "default"})
    assert set(refused(raised, 422).json()["errors"]) == {"tzid", "weekly_periods"}
