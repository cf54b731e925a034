"""The npm package `cronofy`, unmodified, in one Node process (`journey.mjs`); what it reports is judged here."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from slotlink.domain.callback import signature_headers
from tests.center import skippable
from tests.sdk.site import CROWD, Json, Site, Visitor, at, callback, moment
from tests.serving import Receiver

HERE = Path(__file__).parent
SIGNED = b'{"example":"well-known"}'
SECRETS = {"old secret": "CRN_old", "new secret": "CRN_new"}


class Report:
    def __init__(self, steps: dict[str, Json], site: Site) -> None:
        self._steps = steps
        self.site = site

    def answer(self, step: str) -> Any:
        assert "answer" in self._steps[step], f"{step}: {self._steps[step]['error']}"
        return self._steps[step]["answer"]

    def error(self, step: str) -> Json:
        assert "error" in self._steps[step], f"{step} went well: {self._steps[step]}"
        return self._steps[step]["error"]

    @property
    def calendar(self) -> Json:
        return self.answer("listCalendars")["calendars"][0]

    @property
    def sub(self) -> str:
        return self.answer("applicationCalendar")["sub"]


def find_node() -> str:
    """Node, with the package installed. Skips loudly when it is not and the caller allowed that."""
    node = shutil.which("node")
    if node is not None and (HERE / "node_modules" / "cronofy").is_dir():
        return node
    missing = "Node is not installed" if node is None else "the npm package cronofy is not in tests/sdk/node_modules"
    if skippable("the Node client"):
        pytest.skip(f"SKIPPED LOUDLY: {missing} (ALLOW_SKIP=1)")
    pytest.fail(f"{missing}; run make test, or npm ci in tests/sdk")


@pytest.fixture(scope="module")
def report(request: pytest.FixtureRequest) -> Report:
    node = find_node()
    site: Site = request.getfixturevalue("site")
    receiver: Receiver = request.getfixturevalue("receiver")
    header = signature_headers(SIGNED, "msg_1", list(SECRETS.values()), 0)["Cronofy-HMAC-SHA256"]
    given = {
        **site.credentials,
        "url": site.url,
        "receiver": receiver.url,
        "crowded": request.getfixturevalue("crowded")["access_token"],
        "at": {str(hour): at(3, hour) for hour in range(9, 14)},
        "weekday": f"{moment(3):%A}".lower(),
        "signed": {
            "header": header,
            "body": SIGNED.decode(),
            "secrets": {**SECRETS, "secret of somebody else": "CRN_else"},
        },
    }
    done = subprocess.run(
        [node, "journey.mjs", json.dumps(given)], cwd=HERE, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return Report(json.loads(done.stdout), site)


def test_an_application_calendar_is_granted(report: Report) -> None:
    granted = report.answer("applicationCalendar")
    assert granted["application_calendar_id"] == "node-maya" and granted["sub"].startswith("apc_")
    assert granted["token_type"] == "bearer" and granted["expires_in"] == 3600
    assert granted["linking_profile"]["provider_name"] == "cronofy"


def test_it_says_who_the_account_is(report: Report) -> None:
    userinfo = report.answer("userInfo")
    assert userinfo["sub"] == report.sub
    assert (
        userinfo["cronofy.data"]["profiles"][0]["profile_calendars"][0]["calendar_id"] == report.calendar["calendar_id"]
    )
    assert report.answer("userInfo with a callback") == userinfo
    assert report.answer("accountInformation")["account"]["account_id"] == report.sub
    assert report.answer("profileInformation")["profiles"][0]["profile_id"] == report.calendar["profile_id"]


def test_a_second_calendar_is_created_once(report: Report) -> None:
    assert report.answer("createCalendar")["calendar"]["calendar_name"] == "Second"
    refused = report.error("createCalendar twice")
    assert refused["statusCode"] == 422
    assert refused["entity"]["errors"]["name"][0]["key"] == "errors.duplicate_calendar_name"


def event_ids(listing: Json) -> list[str]:
    return [event["event_id"] for event in listing["events"]]


def test_events_are_created_read_and_deleted(report: Report) -> None:
    assert report.answer("createEvent") == report.answer("deleteEvent") == "", "202 has no body"
    assert sorted(event_ids(report.answer("readEvents"))) == ["busy", "other"]
    assert event_ids(report.answer("readEvents of one calendar")) == ["other"]
    assert sorted(event_ids(report.answer("readEvents of two calendars"))) == ["busy", "other"]
    assert event_ids(report.answer("readEvents after deleteEvent")) == ["busy"]
    assert report.answer("bulkDeleteEvents") == ""
    assert event_ids(report.answer("readEvents after bulkDeleteEvents")) == []


def test_free_busy_is_read(report: Report) -> None:
    assert report.answer("freeBusy")["free_busy"] == [
        {
            "calendar_id": report.calendar["calendar_id"],
            "start": at(3, 10),
            "end": at(3, 11),
            "free_busy_status": "busy",
        }
    ]


def test_availability_rules_are_kept_and_wrapped(report: Report) -> None:
    rule = {
        "availability_rule_id": "default",
        "tzid": "America/Chicago",
        "weekly_periods": [{"day": "monday", "start_time": "09:30", "end_time": "24:00"}],
    }
    calendar_ids = [report.calendar["calendar_id"]]
    named = {**rule, "availability_rule_id": "two words", "calendar_ids": calendar_ids}
    assert report.answer("upsertAvailabilityRule") == {"availability_rule": rule}
    assert report.answer("upsertAvailabilityRule with calendars") == {"availability_rule": named}
    assert report.answer("readAvailabilityRule") == {"availability_rule": named}
    listed = report.answer("listAvailabilityRules")["availability_rules"]
    assert sorted(found["availability_rule_id"] for found in listed) == ["default", "two words"]
    refused = report.error("upsertAvailabilityRule, 422")["entity"]["errors"]
    assert refused["tzid"][0]["key"] == "errors.tzid_unrecognized"
    assert refused["weekly_periods[0].day"][0]["key"] == "errors.required"
    # It deletes with the id in a body, too.
    assert report.answer("deleteAvailabilityRule") == report.answer("deleteAvailabilityRule of the last") == ""


def test_available_periods_are_kept_and_deleted_one_or_all(report: Report) -> None:
    def ids(step: str) -> list[str]:
        return [period["available_period_id"] for period in report.answer(step)["available_periods"]]

    assert report.answer("upsertAvailablePeriod a") == report.answer("upsertAvailablePeriod b") == ""
    assert report.answer("listAvailablePeriods") == {
        "pages": {"current": 1, "total": 1},
        "available_periods": [
            {"available_period_id": "a", "start": at(3, 9), "end": at(3, 10)},
            {"available_period_id": "b", "start": at(3, 11), "end": at(3, 12)},
        ],
    }
    [first, _] = report.answer("listAvailablePeriods, localized")["available_periods"]
    assert first["start"] == {"time": at(3, 18).replace("Z", "+09:00"), "tzid": "Asia/Tokyo"}
    assert set(report.error("listAvailablePeriods, 422")["entity"]["errors"]) == {"tzid"}
    assert report.answer("deleteAvailablePeriods of one") == report.answer("deleteAvailablePeriods") == ""
    assert ids("listAvailablePeriods after one") == ["b"]
    assert ids("listAvailablePeriods after all") == []


def test_channels_are_opened_listed_and_closed(report: Report, receiver: Receiver) -> None:
    channel = report.answer("createNotificationChannel")["channel"]
    calendar_ids = [report.calendar["calendar_id"]]
    assert channel["callback_url"] == f"{receiver.url}/node-channel"
    assert channel["filters"] == {"calendar_ids": calendar_ids}, "only those that differ from the default"
    assert report.answer("createNotificationChannel again") == {"channel": channel}
    assert report.answer("listNotificationChannels") == {"channels": [channel]}
    refused = report.error("createNotificationChannel, 422")["entity"]["errors"]
    assert set(refused) == {"callback_url", "filters.calendar_ids"}
    assert report.answer("deleteNotificationChannel") == "", "202 has no body"
    assert report.answer("listNotificationChannels after deleteNotificationChannel") == {"channels": []}


@pytest.mark.parametrize(
    ("method", "items"),
    [("readEvents", "events"), ("freeBusy", "free_busy"), ("listAvailablePeriods", "available_periods")],
)
def test_the_next_page_is_followed_by_its_absolute_url(report: Report, method: str, items: str) -> None:
    first, second = report.answer(f"{method}, page 1"), report.answer(f"{method}, page 2")
    assert first["pages"]["next_page"].startswith(f"{report.site.url}/v1/{items}/pages/")
    assert [page["pages"]["current"] for page in (first, second)] == [1, 2]
    assert [page["pages"]["total"] for page in (first, second)] == [2, 2]
    assert "next_page" not in second["pages"]
    assert [item["start"] for page in (first, second) for item in page[items]] == [
        at(20, 0, 15 * number) for number in range(CROWD)
    ]


@pytest.mark.parametrize(
    ("step", "key", "expected"),
    [
        ("availability", "available_periods", [(9, 0), (11, 0)]),
        ("availability as periods", "available_periods", [(9, 0), (11, 0)]),
        ("availability as slots", "available_slots", [(9, 0), (11, 0), (12, 0)]),
        (
            "availability as overlapping_slots",
            "available_slots",
            [(9, 0), (11, 0), (11, 15), (11, 30), (11, 45), (12, 0)],
        ),
        ("availability every hour, with a buffer", "available_slots", [(11, 0), (12, 0)]),
        ("availability of query_slots", "available_slots", [(9, 0), (11, 0)]),
    ],
)
def test_availability_is_answered_in_the_format_asked_for(
    report: Report, step: str, key: str, expected: list[tuple[int, int]]
) -> None:
    answer = report.answer(step)
    assert list(answer) == [key], "never both keys"
    assert [found["start"] for found in answer[key]] == [at(3, *start) for start in expected]
    assert all(found["participants"] == [{"sub": report.sub}] for found in answer[key])


def test_availability_tells_member_statuses_when_asked(report: Report) -> None:
    answer = report.answer("availability with member statuses")
    assert answer["member_statuses"] == [{"sub": report.sub, "sync_status": "active"}]
    assert len(answer["available_periods"]) == 1


def test_managed_availability_lies_in_the_stored_hours(report: Report) -> None:
    found = {"start": at(3, 11), "end": at(3, 12), "participants": [{"sub": report.sub}]}
    assert report.answer("availability, managed") == {"available_periods": [found]}
    refused = report.error("availability, managed by an unknown rule")
    assert list(refused["entity"]["errors"]) == ["participants[0].members[0].availability_rule_ids[0]"]


def test_a_full_day_is_explained(report: Report) -> None:
    (member,) = report.answer("availability, full day")["explanation"]["participants"][0]["members"]
    assert [taken["reason"] for taken in member["taken_by"]] == ["busy", "availability_constraints[0]"]


def test_sequences_are_answered_step_by_step(report: Report) -> None:
    for step in ("sequencedAvailability", "sequencedAvailability with a callback"):
        (way,) = report.answer(step)["sequences"]
        assert way["sequence"] == [
            {"sequence_id": str(n), "start": at(3, 10 + n), "end": at(3, 11 + n), "participants": [{"sub": report.sub}]}
            for n in (1, 2)
        ]
    assert report.answer("sequencedAvailability, nothing") == {"sequences": []}
    errors = set(report.error("sequencedAvailability, 422")["entity"]["errors"])
    assert errors == {"sequence[0].ordinal", "sequence[1].sequence_id"}


def test_its_links_are_open_and_can_be_booked(report: Report, receiver: Receiver) -> None:
    created, called_back = report.answer("realTimeScheduling"), report.answer("realTimeScheduling with a callback")
    assert created["url"] == created["real_time_scheduling"]["url"] != called_back["url"]
    for link in (created["real_time_scheduling"], called_back["real_time_scheduling"]):
        assert link["status"] == "open" and link["event"]["event_id"] == "node-interview"
    slot = Visitor(created["url"]).book()
    booked = report.site.status(created["real_time_scheduling"]["real_time_scheduling_id"])
    assert booked["status"] == "completed"
    assert booked["event"]["start"] == {"time": slot, "tzid": "Europe/London"}
    assert callback(receiver, "/node").content["real_time_scheduling"] == booked


def test_errors_show_status_and_body(report: Report) -> None:
    refused = report.error("realTimeScheduling, 422")
    assert refused["statusCode"] == 422
    assert set(refused["entity"]["errors"]) == {"oauth.redirect_uri", "event.event_id", "event.summary"}
    assert json.loads(refused["message"]) == refused["entity"], "the client makes its message of the body"
    assert report.error("createEvent, 422")["entity"]["errors"]["summary"][0]["key"] == "errors.required"


@pytest.mark.parametrize(
    ("step", "status"),
    [
        ("createEvent, 404", 404),
        ("readAvailabilityRule, 404", 404),
        ("deleteAvailabilityRule, 404", 404),
        ("deleteNotificationChannel, 404", 404),
        ("listCalendars, 401", 401),
        ("listCalendars, 401 with a callback", 401),
        ("realTimeScheduling, 401", 401),
        ("listCalendars, 403", 403),
        ("requestElementToken, not served", 404),
        ("userInfo after revokeAuthorization", 401),
    ],
)
def test_these_errors_have_a_status_and_no_body(report: Report, step: str, status: int) -> None:
    refused = report.error(step)
    assert (refused["statusCode"], refused["entity"]) == (status, "")


@pytest.mark.parametrize("step", ["refreshAccessToken, 400", "requestAccessToken, 400"])
def test_the_token_endpoint_refuses_in_the_words_of_oauth(report: Report, step: str) -> None:
    refused = report.error(step)
    assert (refused["statusCode"], refused["entity"]) == (400, {"error": "invalid_grant"})


def test_tokens_are_refreshed_and_the_grant_is_revoked_by_its_refresh_token(report: Report) -> None:
    """The client says `refresh_token` where the documentation says `token`."""
    refreshed, tokens = report.answer("refreshAccessToken"), report.answer("tokens")
    assert refreshed["access_token"] == tokens["after"] != tokens["before"]
    assert refreshed["refresh_token"] == tokens["refresh_token"]
    assert report.answer("userInfo after refreshAccessToken")["sub"].startswith("apc_")
    assert report.answer("revokeAuthorization") == "", "200, and nothing to say"
    assert report.error("userInfo after revokeAuthorization")["statusCode"] == 401


def test_signatures_of_two_secrets_are_valid_for_each(report: Report) -> None:
    """The client splits the header at commas and does not trim."""
    assert [report.answer(f"hmacValid, {name}") for name in SECRETS] == [True, True]
    assert report.answer("hmacValid, secret of somebody else") is False
