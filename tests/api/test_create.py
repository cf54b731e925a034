"""Creating a link: every member of it, their aliases and defaults, and the shape of the answer."""

from __future__ import annotations

import re
from typing import Any

from tests.api.asking import at, callbacks, change, dump, faults, period, rows, seconds, wire
from tests.center import Center, CreatedLink, Json, Person

PATH = "/v1/real_time_scheduling"


def create(center: Center, body: Json) -> Any:
    return center.http.post(PATH, json=body, headers=center.key)


def everything(center: Center, maya: Person, jonas: Person) -> Json:
    """A body with every member of section 10."""
    return {
        "oauth": {"redirect_uri": "https://application.test/done", "scope": "read_events", "state": "xyz"},
        "event": {
            "event_id": "e-1",
            "summary": "Interview",
            "description": "Bring a pen\nand paper",
            "tzid": "Europe/Paris",
            "location": {"description": "Room 1", "lat": "48.85", "long": 2.35},
            "url": "https://application.test/e-1",
            "reminders": [{"minutes": 10}, {"minutes": 60}],
            "transparency": "opaque",
            "event_private": True,
            "color": "#49BED8",
            "locale": "fr",
            "categories": ["hiring"],
            "tags": {"private": [{"value": "interview"}]},
            "conferencing": {"profile_id": "explicit", "join_url": "https://meet.test/1", "provider_description": "M"},
            "attendees": {"invite": [], "remove": []},
            "start": "2027-03-05T09:00:00Z",
            "end": {"time": "nonsense"},
        },
        "availability": {
            "participants": [
                {"members": [{"sub": maya.sub, "calendar_ids": [maya.calendar_id]}], "required": "all"},
                {"members": [{"sub": jonas.sub, "available_periods": [period(0, 4)]}], "required": 1},
            ],
            "required_duration": {"hours": 1, "minutes": 0},
            "query_periods": [period(0, 8)],
            "start_interval": {"minutes": 30},
            "buffer": {"before": {"minutes": 5}, "after": {"minimum": {"minutes": 5}}},
            "excluded_events": [{"event_id": "e-0"}],
        },
        "target_calendars": [
            {"sub": maya.sub, "calendar_id": maya.calendar_id, "event": {"summary": "Mine"}},
            {
                "sub": jonas.sub,
                "calendar_id": jonas.calendar_id,
                "attendee": {"email": "j@x.test", "display_name": "J"},
            },
        ],
        "event_creation": "single",
        "callback_urls": {
            "completed_url": "https://application.test/completed",
            "no_times_suitable_url": "https://application.test/none",
            "no_times_displayed_url": "https://application.test/empty",
            "problem_url": "https://application.test/problem",
        },
        "callback_url": "https://application.test/old",
        "redirect_urls": {"completed_url": "https://application.test/thanks"},
        "minimum_notice": {"hours": 4},
        "formatting": {"hour_format": "H"},
        "selection_mode": "no_confirm",
        "tzid": "Asia/Tokyo",
        "client_id": None,
        "a_member_of_tomorrow": {"deep": [1, None]},
    }


def test_a_link_takes_every_member_of_the_documentation(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    answer = create(center, everything(center, maya, jonas))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    created = answer.json()
    link = created["real_time_scheduling"]
    assert sorted(created) == ["real_time_scheduling", "url"]
    assert sorted(link) == ["event", "real_time_scheduling_id", "status", "url"]
    assert re.fullmatch(r"https://app\.test/rts/[A-Za-z0-9_-]{22,}", created["url"])
    assert link["url"] == created["url"]
    assert re.fullmatch(r"sch_[0-9a-f]{24}", link["real_time_scheduling_id"])
    assert link["status"] == "open"
    assert link["event"] == {
        "event_id": "e-1",
        "summary": "Interview",
        "description": "Bring a pen\nand paper",
        "tzid": "Europe/Paris",
        "location": {"description": "Room 1", "lat": "48.85", "long": "2.35"},
        "url": "https://application.test/e-1",
        "reminders": [{"minutes": 10}, {"minutes": 60}],
        "transparency": "opaque",
        "event_private": True,
        "color": "#49BED8",
        "locale": "fr",
        "categories": ["hiring"],
        "tags": {"private": [{"value": "interview"}]},
        "conferencing": {"profile_id": "explicit", "join_url": "https://meet.test/1", "provider_description": "M"},
    }
    assert CreatedLink(center, created).status() == link


def test_the_smallest_body_makes_a_link(center: Center) -> None:
    maya = center.person("maya")
    body = {
        "oauth": {"redirect_uri": "https://application.test/done"},
        "event": {"event_id": "e-1", "summary": "Interview"},
        "availability": {
            "participants": [{"members": [{"sub": maya.sub}]}],
            "required_duration": {"minutes": 60},
            "query_periods": [period(0, 8)],
        },
    }
    answer = create(center, body)
    assert answer.json()["real_time_scheduling"]["event"] == {
        "event_id": "e-1",
        "summary": "Interview",
        "tzid": "Etc/UTC",
        "event_private": False,
    }


def test_nothing_is_written_to_a_calendar_when_a_link_is_made(center: Center) -> None:
    maya = center.person("maya")
    center.create_link(maya)
    assert maya.events() == []
    assert callbacks(center) == []


def test_the_same_body_again_makes_another_link(center: Center) -> None:
    maya = center.person("maya")
    one, other = center.create_link(maya), center.create_link(maya)
    assert one.link_id != other.link_id
    assert one.token != other.token


def test_the_zone_is_the_events_then_the_top_levels_then_utc(center: Center) -> None:
    maya = center.person("maya")
    event = {"event_id": "e", "summary": "S"}
    for zones, expected in [
        (({"tzid": "Europe/London"}, "Asia/Tokyo"), "Europe/London"),
        (({"tzid": None}, "Asia/Tokyo"), "Asia/Tokyo"),
        (({}, "Asia/Tokyo"), "Asia/Tokyo"),
        (({}, None), "Etc/UTC"),
    ]:
        of_event, top_level = zones
        body = {**center.link_request(maya), "event": {**event, **of_event}, "tzid": top_level}
        assert create(center, body).json()["real_time_scheduling"]["event"]["tzid"] == expected


def test_null_is_the_same_as_absent(center: Center) -> None:
    maya = center.person("maya")
    body = center.link_request(maya)
    body |= dict.fromkeys(("tzid", "callback_urls", "callback_url", "redirect_urls", "minimum_notice", "formatting"))
    body["availability"] |= dict.fromkeys(("start_interval", "buffer", "query_slots", "available_periods"))
    body["availability"]["participants"][0] |= {"required": None}
    body["availability"]["participants"][0]["members"][0] |= dict.fromkeys(("calendar_ids", "available_periods"))
    body["event"] |= dict.fromkeys(("description", "location", "attendees", "event_private", "start", "end"))
    body["target_calendars"][0] |= {"event": None, "attendee": None}
    answer = create(center, body)
    assert answer.status_code == 200, answer.text
    assert "null" not in answer.text


def test_a_required_member_that_is_null_is_missing(center: Center) -> None:
    maya = center.person("maya")
    body = {**center.link_request(maya), "oauth": None, "event": {"event_id": None, "summary": "S"}}
    assert faults(create(center, body)) == {"oauth": ["errors.required"], "event.event_id": ["errors.required"]}


def test_available_periods_is_the_older_name_of_query_periods(center: Center) -> None:
    maya = center.person("maya")
    older = center.query(maya, query_periods=None, available_periods=[period(2, 3)])
    assert center.create_link(maya, availability=older).page().slots == [wire(2)]


def test_a_space_may_stand_between_date_and_time(center: Center) -> None:
    """The C# client writes times so."""
    maya = center.person("maya")
    periods = [{"start": wire(2).replace("T", " "), "end": wire(3).replace("Z", "+00:00")}]
    link = center.create_link(maya, availability=center.query(maya, query_periods=periods))
    assert link.page().slots == [wire(2)]


def test_an_offset_is_reckoned_with_and_not_ignored(center: Center) -> None:
    maya = center.person("maya")
    periods = [{"start": "2027-03-05T12:00:00+01:00", "end": "2027-03-05T07:00:00-05:00"}]
    link = center.create_link(maya, availability=center.query(maya, query_periods=periods))
    assert link.page().slots == [wire(2)]


def test_a_bare_number_is_a_length_in_minutes(center: Center) -> None:
    maya = center.person("maya")
    asked = center.query(maya, required_duration=45, query_periods=[period(0, 0.75)])
    link = center.create_link(maya, availability=asked)
    link.choose(link.page().slots[0])
    assert seconds(link.status()["event"]["end"]["time"]) == at(0.75)


def test_the_older_callback_url_is_used_when_the_newer_is_absent(center: Center) -> None:
    maya = center.person("maya")
    old, new = "https://application.test/old", "https://application.test/new"
    link = center.create_link(maya, callback_url=old)
    link.choose(link.page().slots[0])
    assert len(callbacks(center, old)) == 1
    link = center.create_link(maya, callback_url=old, callback_urls={"completed_url": new})
    link.choose(link.page().slots[0])
    assert (len(callbacks(center, old)), len(callbacks(center, new))) == (1, 1)


def test_times_in_the_event_are_ignored_even_when_they_are_nonsense(center: Center) -> None:
    maya = center.person("maya")
    event = {"event_id": "e", "summary": "S", "start": wire(3), "end": {"time": 7, "tzid": "Mars"}}
    link = center.create_link(maya, event=event)
    assert {"start", "end"}.isdisjoint(link.status()["event"])
    link.choose(link.page().slots[0])
    assert link.status()["event"]["start"]["time"] == wire(0)


def test_an_unknown_hour_format_is_left_to_the_server(center: Center) -> None:
    """The PHP client's own test sends "12"."""
    maya = center.person("maya")
    for value in ("12", "x", 7, {}):
        assert create(center, center.link_request(maya, formatting={"hour_format": value})).status_code == 200


def test_a_calendar_named_twice_gets_one_event_where_it_was_named_first(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    targets = [{"sub": person.sub, "calendar_id": person.calendar_id} for person in (maya, jonas, maya)]
    link = center.create_link(maya, jonas, target_calendars=targets, event_creation="single")
    assert link.choose(link.page().slots[0]).code == 303
    assert (len(maya.events()), len(jonas.events())) == (1, 0)


def test_the_link_keeps_its_zone_name_in_every_time_it_tells(center: Center) -> None:
    maya = center.person("maya")
    link = center.create_link(maya, event={"event_id": "e", "summary": "S"}, tzid="America/New_York")
    link.choose(link.page().slots[0])
    event = link.status()["event"]
    assert event["start"] == {"time": wire(0), "tzid": "America/New_York"}


def test_the_token_is_stored_neither_in_plain_nor_in_the_link(center: Center) -> None:
    maya = center.person("maya")
    link = center.create_link(maya)
    text = "\n".join(dump(center))
    assert link.token not in text
    assert link.token.encode().hex() not in text.lower()
    with rows(center) as connection:
        assert connection.execute("SELECT count(*) FROM links").fetchone()[0] == 1


def test_a_wrong_target_is_named_by_what_is_wrong_with_it(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    stranger = center.person("stranger", credentials=center.new_application("Initech"))
    revoked = center.person("revoked")
    credentials = {"client_id": center.client_id, "client_secret": center.client_secret}
    center.http.post("/oauth/token/revoke", json={**credentials, "sub": revoked.sub})
    read_only = center.http.post(
        "/v1/calendars", json={"profile_id": maya.profile_id, "name": "Holidays"}, headers=maya.key
    ).json()["calendar"]["calendar_id"]
    change(center, "UPDATE calendars SET readonly = 1 WHERE calendar_id = ?", read_only)
    targets = [
        {"sub": "acc_unknown", "calendar_id": maya.calendar_id},
        {"sub": stranger.sub, "calendar_id": stranger.calendar_id},
        {"sub": maya.sub, "calendar_id": "cal_unknown"},
        {"sub": maya.sub, "calendar_id": jonas.calendar_id},
        {"sub": maya.sub, "calendar_id": stranger.calendar_id},
        {"sub": revoked.sub, "calendar_id": revoked.calendar_id},
        {"sub": maya.sub, "calendar_id": read_only},
        {"sub": maya.sub, "calendar_id": maya.calendar_id},
    ]
    before = dump(center)
    assert faults(create(center, center.link_request(maya, target_calendars=targets))) == {
        "target_calendars[0].sub": ["errors.not_recognized"],
        "target_calendars[1].sub": ["errors.not_recognized"],
        "target_calendars[2].calendar_id": ["errors.not_recognized"],
        "target_calendars[3].calendar_id": ["errors.not_recognized"],
        "target_calendars[4].calendar_id": ["errors.not_recognized"],
        "target_calendars[5].sub": ["errors.not_recognized"],
        "target_calendars[6].calendar_id": ["errors.not_supported"],
    }
    assert dump(center) == before
