"""Creating a link from a wrong body: every wrong member in one answer, by its path; nothing is stored."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.asking import dump, faults, other_application, period, wire
from tests.center import Center, Json

PATH = "/v1/real_time_scheduling"


def create(center: Center, body: Json) -> Any:
    return center.http.post(PATH, json=body, headers=center.key)


def test_twenty_faults_come_in_one_answer(center: Center) -> None:
    maya = center.person("maya")
    body = {
        "oauth": {"redirect_uri": "ftp://application.test/", "state": 7},
        "event": {
            "summary": "",
            "tzid": "Mars/Olympus",
            "description": "x" * 4097,
            "location": {"description": 5},
            "reminders": [{"minutes": -1}, {"minutes": True}, {}],
            "transparency": "glassy",
            "event_private": "maybe",
            "color": "blue",
            "attendees": {"invite": [{"email": "a@b.test"}]},
        },
        "availability": {
            "participants": [
                {"members": [{"calendar_ids": "cal"}], "required": 0},
                {"members": [], "required": "most"},
                {"members": [{"sub": maya.sub, "ignore_tentative": 1, "managed_availability": 1}], "required": 2},
            ],
            "required_duration": {"minutes": 0},
            "query_periods": [period(8, 0), {"start": "tomorrow", "end": wire(8)}, {"start": wire(0)}],
            "available_periods": [period(0, 8)],
            "start_interval": {"minutes": 7},
            "buffer": {"before": {"minutes": -5}, "after": {"minimum": {"minutes": 9}, "maximum": {"minutes": 5}}},
            "excluded_events": [{}],
        },
        "target_calendars": [{"sub": maya.sub}, {"calendar_id": "c", "attendee": {"email": "nobody"}}],
        "event_creation": "double",
        "selection_mode": "maybe",
        "callback_urls": {"completed_url": "http://127.0.0.1/", "no_times_suitable_url": "javascript:alert(1)"},
        "callback_url": "/relative",
        "redirect_urls": {"completed_url": "javascript:alert(1)"},
        "minimum_notice": {"minutes": -1},
        "tzid": 7,
    }
    before = dump(center)
    assert faults(create(center, body)) == {
        "oauth.redirect_uri": ["errors.invalid_format"],
        "oauth.state": ["errors.invalid_format"],
        "event.event_id": ["errors.required"],
        "event.summary": ["errors.required"],
        "event.tzid": ["errors.tzid_unrecognized"],
        "event.description": ["errors.too_long"],
        "event.location.description": ["errors.invalid_format"],
        "event.reminders[0].minutes": ["errors.invalid_format"],
        "event.reminders[1].minutes": ["errors.invalid_format"],
        "event.reminders[2].minutes": ["errors.required"],
        "event.transparency": ["errors.not_recognized"],
        "event.event_private": ["errors.must_be_boolean"],
        "event.color": ["errors.invalid_format"],
        "event.attendees": ["errors.not_supported"],
        "availability.participants[0].members[0].sub": ["errors.required"],
        "availability.participants[0].members[0].calendar_ids": ["errors.invalid_format"],
        "availability.participants[0].required": ["errors.invalid_format"],
        "availability.participants[1].members": ["errors.required"],
        "availability.participants[1].required": ["errors.invalid_format"],
        "availability.participants[2].members[0].ignore_tentative": ["errors.must_be_boolean"],
        "availability.participants[2].members[0].managed_availability": ["errors.must_be_boolean"],
        "availability.participants[2].required": ["errors.invalid_format"],
        "availability.required_duration": ["errors.invalid_format"],
        "availability.query_periods[0].end": ["errors.invalid_time_pair"],
        "availability.query_periods[1].start": ["errors.invalid_format"],
        "availability.query_periods[2].end": ["errors.required"],
        "availability.available_periods": ["errors.mutually_exclusive"],
        "availability.start_interval": ["errors.invalid_format"],
        "availability.buffer.before": ["errors.invalid_format"],
        "availability.buffer.after": ["errors.invalid_format"],
        "availability.excluded_events[0].event_id": ["errors.required"],
        "target_calendars[0].calendar_id": ["errors.required"],
        "target_calendars[1].sub": ["errors.required"],
        "target_calendars[1].attendee.email": ["errors.invalid_format"],
        "event_creation": ["errors.not_recognized"],
        "selection_mode": ["errors.not_recognized"],
        "callback_urls.completed_url": ["errors.not_supported"],
        "callback_urls.no_times_suitable_url": ["errors.invalid_format"],
        "callback_url": ["errors.invalid_format"],
        "redirect_urls.completed_url": ["errors.invalid_format"],
        "minimum_notice": ["errors.invalid_format"],
        "tzid": ["errors.invalid_format"],
    }
    assert dump(center) == before


def test_an_empty_body_names_what_must_be_there(center: Center) -> None:
    wanted = {"oauth": ["errors.required"], "event": ["errors.required"], "availability": ["errors.required"]}
    assert faults(create(center, {})) == wanted
    assert faults(center.http.post(PATH, headers=center.key)) == wanted
    inner = faults(create(center, {"oauth": {}, "event": {}, "availability": {}}))
    assert sorted(inner) == [
        "availability.participants",
        "availability.query_periods",
        "availability.required_duration",
        "event.event_id",
        "event.summary",
        "oauth.redirect_uri",
    ]
    assert set(map(tuple, inner.values())) == {("errors.required",)}


def test_members_of_the_wrong_type_are_named(center: Center) -> None:
    for wrong in (7, "x", [1], True):
        body = {"oauth": wrong, "event": wrong, "availability": wrong, "target_calendars": wrong, "buffer": wrong}
        body["target_calendars"] = {"a": wrong}
        assert sorted(faults(create(center, body))) == ["availability", "event", "oauth", "target_calendars"]


def test_what_is_not_built_yet_is_refused_and_not_ignored(center: Center) -> None:
    maya = center.person("maya")
    body = center.link_request(maya)
    body["availability"]["bookable_events"] = [{"bookable_event_id": "x"}]
    body["event"] |= {
        "recurrence": {"rules": [{"frequency": "daily"}]},
        "subscriptions": [{"type": "webhook"}],
        "attachments": [{"attachment_id": "a"}],
        "attendees": [{"email": "a@b.test"}],
    }
    assert faults(create(center, body)) == {
        "availability.bookable_events": ["errors.not_supported"],
        "event.recurrence": ["errors.not_supported"],
        "event.subscriptions": ["errors.not_supported"],
        "event.attachments": ["errors.not_supported"],
        "event.attendees": ["errors.not_supported"],
    }


@pytest.mark.parametrize("kind", ["default", "integrated"])
def test_conferencing_that_nothing_provides_is_refused(center: Center, kind: str) -> None:
    maya = center.person("maya")
    event = {"event_id": "e", "summary": "S", "conferencing": {"profile_id": kind}}
    expected = {"event.conferencing.profile_id": ["errors.integrated_conferencing_not_available"]}
    assert faults(create(center, center.link_request(maya, event=event))) == expected


def test_a_single_event_needs_a_calendar(center: Center) -> None:
    maya = center.person("maya")
    body = center.link_request(maya, event_creation="single", target_calendars=[])
    assert faults(create(center, body)) == {"target_calendars": ["errors.required"]}


def test_unknown_people_are_told_from_foreign_ones_by_nobody(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    _, stranger = other_application(center)
    body = center.link_request(maya)
    body["availability"]["participants"] = [
        {"members": [{"sub": maya.sub}, {"sub": stranger.sub}]},
        {"members": [{"sub": "acc_000000000000000000000000"}, {"sub": maya.sub, "calendar_ids": [jonas.calendar_id]}]},
        {"members": [{"sub": maya.sub, "calendar_ids": [maya.calendar_id, "cal_x", stranger.calendar_id]}]},
    ]
    answer = create(center, body)
    assert faults(answer) == {
        "availability.participants[0].members[1].sub": ["errors.not_recognized"],
        "availability.participants[1].members[0].sub": ["errors.not_recognized"],
        "availability.participants[1].members[1].calendar_ids[0]": ["errors.not_recognized"],
        "availability.participants[2].members[0].calendar_ids[1]": ["errors.not_recognized"],
        "availability.participants[2].members[0].calendar_ids[2]": ["errors.not_recognized"],
    }
    errors = answer.json()["errors"]
    foreign, unknown = (errors[f"availability.participants[{i}].members[{1 - i}].sub"] for i in (0, 1))
    assert foreign == unknown


INTERNAL = [
    "http://localhost/",
    "https://LOCALHOST:8443/x",
    "http://localhost./",
    "http://callbacks.localhost/",
    "http://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://127.0.0.1./",
    "http://0/",
    "http://0.0.0.0/",
    "http://10.1.2.3/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://168.63.129.16/",
    "http://100.64.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[fe80::1]/",
    "http://[fc00::1]/",
    "http://[ff02::1]/",
]
NO_URLS = [
    "",
    " ",
    "application.test",
    "//application.test/",
    "/done",
    "ftp://application.test/",
    "javascript:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "http://",
    "http:///path",
    "http://user:pw@application.test/",
    "http://user@application.test/",
    "http://application.test:99999/",
    "http://application.test:0/",
    "http://application.test:x/",
    "http://application.test/a b",
    "http://application.test/\r\nX: y",
    "http://application.test\\@evil.test/",
    "http://[::1/",
    "https://application.test/" + "x" * 2048,
    7,
    ["https://application.test/"],
]


def test_callbacks_to_internal_addresses_are_refused_however_they_are_spelt(center: Center) -> None:
    maya = center.person("maya")
    for url in INTERNAL:
        urls = dict.fromkeys(("completed_url", "no_times_suitable_url", "no_times_displayed_url", "problem_url"), url)
        refused = faults(create(center, center.link_request(maya, callback_urls=urls, callback_url=url)))
        assert sorted(refused) == ["callback_url", *sorted(f"callback_urls.{name}" for name in urls)], url
        assert set(map(tuple, refused.values())) == {("errors.not_supported",)}, url


def test_what_is_no_http_url_is_refused_in_every_place_for_one(center: Center) -> None:
    maya = center.person("maya")
    for url in NO_URLS:
        body = center.link_request(
            maya,
            oauth={"redirect_uri": url},
            callback_urls={"completed_url": url},
            callback_url=url,
            redirect_urls={"completed_url": url},
        )
        places = ["callback_url", "callback_urls.completed_url", "oauth.redirect_uri", "redirect_urls.completed_url"]
        assert sorted(faults(create(center, body))) == places, url


def test_visitors_may_be_sent_to_internal_addresses(center: Center) -> None:
    """A redirect is followed by the visitor's browser, not by us."""
    maya = center.person("maya")
    for url in ("http://localhost:3000/done", "http://192.168.1.5/", "http://[::1]:8080/"):
        body = center.link_request(maya, oauth={"redirect_uri": url}, redirect_urls={"completed_url": url})
        assert create(center, body).status_code == 200, url
