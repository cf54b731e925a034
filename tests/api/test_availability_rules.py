"""Availability rules: written and read back whole, refused with every fault at once, seen by their account alone."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.api.asking import bearer, change, dump, faults, other_application, rows
from tests.center import Center, Json, Person

RULES = "/v1/availability_rules"
MORNINGS = [{"day": "monday", "start_time": "09:30", "end_time": "12:30"}]


def rule(**changes: Any) -> Json:
    made = {"availability_rule_id": "default", "tzid": "America/Chicago", "weekly_periods": MORNINGS, **changes}
    return {name: value for name, value in made.items() if value is not None}


def write(person: Person, **changes: Any) -> Any:
    return person.center.http.post(RULES, json=rule(**changes), headers=person.key)


def read(person: Person, availability_rule_id: str) -> Any:
    return person.center.http.get(f"{RULES}/{quote(availability_rule_id, safe='')}", headers=person.key)


def remove(person: Person, availability_rule_id: str, **more: Any) -> Any:
    path = f"{RULES}/{quote(availability_rule_id, safe='')}"
    return person.center.http.request("DELETE", path, headers=person.key, **more)


def listed(person: Person) -> list[str]:
    answer = person.center.http.get(RULES, headers=person.key)
    assert answer.status_code == 200
    assert list(answer.json()) == ["availability_rules"], "no paging"
    return [found["availability_rule_id"] for found in answer.json()["availability_rules"]]


def test_a_rule_is_answered_in_its_wrapper_as_it_was_written(center: Center) -> None:
    maya = center.person("maya")
    whole = rule(calendar_ids=[maya.calendar_id])
    answer = write(maya, calendar_ids=[maya.calendar_id])
    assert (answer.status_code, answer.json()) == (200, {"availability_rule": whole})
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert read(maya, "default").json() == {"availability_rule": whole}
    assert center.http.get(RULES, headers=maya.key).json() == {"availability_rules": [whole]}


@pytest.mark.parametrize("sent", [{}, {"calendar_ids": None}])
def test_calendar_ids_are_absent_where_none_were_named(center: Center, sent: Json) -> None:
    maya = center.person("maya")
    answer = center.http.post(RULES, json={**rule(), **sent}, headers=maya.key)
    assert answer.json() == read(maya, "default").json() == {"availability_rule": rule()}
    assert "calendar_ids" not in center.http.get(RULES, headers=maya.key).text


def test_the_same_id_again_replaces_the_whole_rule(center: Center) -> None:
    maya = center.person("maya")
    write(maya, calendar_ids=[maya.calendar_id])
    replacing = rule(tzid="Asia/Tokyo", weekly_periods=[])
    for _ in range(2):
        answer = center.http.post(RULES, json=replacing, headers=maya.key)
        assert (answer.status_code, answer.json()) == (200, {"availability_rule": replacing})
    assert center.http.get(RULES, headers=maya.key).json() == {"availability_rules": [replacing]}


@pytest.mark.parametrize(
    "weekly_periods",
    [
        [],
        [{"day": "friday", "start_time": "22:00", "end_time": "02:00"}],
        [{"day": "saturday", "start_time": "22:00", "end_time": "00:00"}],
        [{"day": "sunday", "start_time": "00:00", "end_time": "24:00"}],
        [{"day": "sunday", "start_time": "23:59", "end_time": "24:00"}],
        [
            {"day": "tuesday", "start_time": "14:00", "end_time": "17:00"},
            {"day": "tuesday", "start_time": "09:00", "end_time": "12:00"},
            {"day": "tuesday", "start_time": "11:00", "end_time": "15:00"},
            {"day": "tuesday", "start_time": "11:00", "end_time": "15:00"},
        ],
        [
            {"day": day, "start_time": "09:00", "end_time": "17:00"}
            for day in ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
        ],
    ],
    ids=["none", "over midnight", "to midnight", "a whole day", "a last minute", "overlapping", "every day"],
)
def test_weekly_periods_are_kept_as_they_were_written(center: Center, weekly_periods: list[Json]) -> None:
    maya = center.person("maya")
    assert write(maya, weekly_periods=weekly_periods).status_code == 200
    assert read(maya, "default").json()["availability_rule"]["weekly_periods"] == weekly_periods


@pytest.mark.parametrize(
    "availability_rule_id",
    [
        "x",
        "work hours",
        "a/b",
        "50%",
        "?x=1&y",
        "#top",
        "pages/x",
        "..x",
        " ",
        "~!@$^*()[]{}|\\\"'`<>,;:",
        "x" * 64,
    ],
)
def test_any_printable_ascii_is_an_id_and_is_found_by_it(center: Center, availability_rule_id: str) -> None:
    maya = center.person("maya")
    assert write(maya, availability_rule_id=availability_rule_id).status_code == 200
    found = read(maya, availability_rule_id)
    assert (found.status_code, found.json()["availability_rule"]["availability_rule_id"]) == (200, availability_rule_id)
    assert remove(maya, availability_rule_id).status_code == 202
    assert read(maya, availability_rule_id).status_code == 404


def test_a_slash_in_an_id_may_also_come_as_it_is(center: Center) -> None:
    """The official clients put the id into the path without encoding it."""
    maya = center.person("maya")
    write(maya, availability_rule_id="team/a")
    assert center.http.get(f"{RULES}/team/a", headers=maya.key).status_code == 200
    assert center.http.delete(f"{RULES}/team/a", headers=maya.key).status_code == 202


def test_an_unknown_rule_is_404_on_get_and_on_delete(center: Center) -> None:
    maya = center.person("maya")
    write(maya, availability_rule_id="Default")
    for availability_rule_id in ("default", "Default ", "é", "x" * 65, "x" * 5000, "%00", "a\x00b"):
        for answer in (read(maya, availability_rule_id), remove(maya, availability_rule_id)):
            assert (answer.status_code, answer.content) == (404, b""), availability_rule_id
    assert listed(maya) == ["Default"]


@pytest.mark.parametrize(
    "more", [{}, {"json": {"availability_rule_id": "other"}}, {"content": b"{"}, {"content": b"[]"}]
)
def test_a_rule_is_deleted_once_whatever_the_body_says(center: Center, more: Json) -> None:
    maya = center.person("maya")
    for name in ("default", "other"):
        write(maya, availability_rule_id=name)
    answer = remove(maya, "default", **more)
    assert (answer.status_code, answer.content) == (202, b"")
    assert listed(maya) == ["other"]
    assert remove(maya, "default").status_code == 404


def test_everything_that_is_missing_is_said_at_once(center: Center) -> None:
    maya = center.person("maya")
    required = {name: ["errors.required"] for name in ("availability_rule_id", "tzid", "weekly_periods")}
    for body in ({}, dict.fromkeys(rule()), {"unknown": 1}):
        assert faults(center.http.post(RULES, json=body, headers=maya.key)) == required
    within = {f"weekly_periods[0].{name}": ["errors.required"] for name in ("day", "start_time", "end_time")}
    assert faults(write(maya, weekly_periods=[{}])) == within


def test_every_wrong_member_is_in_one_answer(center: Center) -> None:
    maya = center.person("maya")
    before = dump(center)
    wrong = {
        "availability_rule_id": "ünïcode",
        "tzid": "Mars/Olympus",
        "calendar_ids": [],
        "weekly_periods": [
            {"day": "Monday", "start_time": "9:00", "end_time": "25:00"},
            {"day": "monday", "start_time": "09:00", "end_time": "09:00"},
            {"day": "monday", "start_time": "24:00", "end_time": "24:01"},
            "monday",
        ],
    }
    assert faults(center.http.post(RULES, json=wrong, headers=maya.key)) == {
        "availability_rule_id": ["errors.invalid_format"],
        "tzid": ["errors.tzid_unrecognized"],
        "calendar_ids": ["errors.required"],
        "weekly_periods[0].day": ["errors.not_recognized"],
        "weekly_periods[0].start_time": ["errors.invalid_format"],
        "weekly_periods[0].end_time": ["errors.invalid_format"],
        "weekly_periods[1].end_time": ["errors.invalid_time_pair"],
        "weekly_periods[2].start_time": ["errors.invalid_format"],
        "weekly_periods[2].end_time": ["errors.invalid_format"],
        "weekly_periods[3]": ["errors.invalid_format"],
    }
    assert dump(center) == before


@pytest.mark.parametrize(
    ("availability_rule_id", "key"),
    [
        ("", "errors.required"),
        ("x" * 65, "errors.too_long"),
        ("café", "errors.invalid_format"),
        ("a\nb", "errors.invalid_format"),
        ("a\tb", "errors.invalid_format"),
        ("a\x7fb", "errors.invalid_format"),
        ("a\x00b", "errors.invalid_format"),
        (7, "errors.invalid_format"),
        (["x"], "errors.invalid_format"),
    ],
)
def test_an_id_is_at_most_64_characters_of_printable_ascii(center: Center, availability_rule_id: Any, key: str) -> None:
    maya = center.person("maya")
    assert faults(write(maya, availability_rule_id=availability_rule_id)) == {"availability_rule_id": [key]}


@pytest.mark.parametrize(
    "start_time", ["", "9:00", "09:00:00", "0900", "24:00", "23:60", "-1:00", "09:00Z", "٠٩:٠٠", 9, 540]
)
def test_a_start_is_a_time_of_day(center: Center, start_time: Any) -> None:
    maya = center.person("maya")
    period = {"day": "monday", "start_time": start_time, "end_time": "17:00"}
    assert faults(write(maya, weekly_periods=[period])) == {"weekly_periods[0].start_time": ["errors.invalid_format"]}


@pytest.mark.parametrize("end_time", ["", "5:00", "24:01", "25:00", "17:00\n", "noon", 17, True])
def test_an_end_is_a_time_of_day_or_24_00(center: Center, end_time: Any) -> None:
    maya = center.person("maya")
    period = {"day": "monday", "start_time": "09:00", "end_time": end_time}
    assert faults(write(maya, weekly_periods=[period])) == {"weekly_periods[0].end_time": ["errors.invalid_format"]}


def test_a_period_of_no_length_is_refused(center: Center) -> None:
    maya = center.person("maya")
    for time in ("00:00", "09:00", "23:59"):
        period = {"day": "monday", "start_time": time, "end_time": time}
        path = "weekly_periods[1].end_time"
        assert faults(write(maya, weekly_periods=[*MORNINGS, period])) == {path: ["errors.invalid_time_pair"]}


@pytest.mark.parametrize("name", ["calendar_ids", "weekly_periods"])
@pytest.mark.parametrize("value", [7, "x", {}, {"0": "x"}, True])
def test_lists_are_lists(center: Center, name: str, value: Any) -> None:
    maya = center.person("maya")
    assert faults(write(maya, **{name: value})) == {name: ["errors.invalid_format"]}


def test_calendars_must_be_living_ones_of_this_account(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    _, stranger = other_application(center)
    body = {"profile_id": maya.profile_id, "name": "Gone"}
    made = center.http.post("/v1/calendars", json=body, headers=maya.key).json()["calendar"]["calendar_id"]
    assert write(maya, calendar_ids=[made, maya.calendar_id]).status_code == 200
    change(center, "UPDATE calendars SET deleted = 1 WHERE calendar_id = ?", made)
    before = dump(center)
    named = [maya.calendar_id, jonas.calendar_id, stranger.calendar_id, "cal_no_such", made]
    unknown = {f"calendar_ids[{number}]": ["errors.not_recognized"] for number in (1, 2, 3, 4)}
    assert faults(write(maya, calendar_ids=named)) == unknown
    assert faults(write(maya, calendar_ids=[7, ""])) == {
        "calendar_ids[0]": ["errors.invalid_format"],
        "calendar_ids[1]": ["errors.required"],
    }
    assert dump(center) == before


def test_limits_are_told_by_the_member_that_exceeds_them(tmp_path: Any) -> None:
    with Center(tmp_path, SLOTLINK_LIMIT_RULES="2", SLOTLINK_LIMIT_WEEKLY_PERIODS="3") as center:
        maya, jonas = center.person("maya"), center.person("jonas")
        assert write(maya, weekly_periods=MORNINGS * 3).status_code == 200
        assert faults(write(maya, weekly_periods=MORNINGS * 4)) == {"weekly_periods": ["errors.too_many"]}
        assert write(maya, availability_rule_id="second").status_code == 200
        too_many = {"availability_rule_id": ["errors.too_many"]}
        assert faults(write(maya, availability_rule_id="third")) == too_many
        assert faults(write(maya, availability_rule_id="third", calendar_ids=["cal_x"])) == {
            "calendar_ids[0]": ["errors.not_recognized"],
            **too_many,
        }
        assert write(maya, availability_rule_id="second", tzid="Etc/UTC").status_code == 200, (
            "a replacement is not more"
        )
        assert write(jonas, availability_rule_id="third").status_code == 200, "another account has room of its own"
        remove(maya, "second")
        assert write(maya, availability_rule_id="third").status_code == 200


def test_the_limits_are_50_rules_of_100_periods_unless_set(center: Center) -> None:
    limits = center.settings.limits
    assert (limits.rules, limits.weekly_periods, limits.available_periods) == (50, 100, 1000)


def test_a_rule_is_seen_by_its_account_alone(center: Center) -> None:
    credentials, stranger = other_application(center)
    maya, jonas = center.person("maya"), center.person("jonas")
    namesake = center.person("maya", credentials=credentials)
    write(maya, tzid="Europe/London")
    for other in (jonas, stranger, namesake):
        assert listed(other) == []
        assert read(other, "default").status_code == remove(other, "default").status_code == 404
        write(other, tzid="Asia/Tokyo")
        assert read(maya, "default").json()["availability_rule"]["tzid"] == "Europe/London"
        assert remove(other, "default").status_code == 202
    assert listed(maya) == ["default"]


def test_rules_take_an_access_token_and_nothing_else(center: Center) -> None:
    maya = center.person("maya")
    write(maya)
    body = {"client_id": center.client_id, "client_secret": center.client_secret, **rule()}
    for method, path in (("POST", RULES), ("GET", RULES), ("GET", f"{RULES}/default"), ("DELETE", f"{RULES}/default")):
        for headers, code in ((center.key, 403), ({}, 401), (bearer("nobody"), 401), (bearer(maya.refresh_token), 401)):
            answer = center.http.request(method, path, json=body, headers=headers)
            assert (answer.status_code, answer.content) == (code, b""), (method, path)
    assert listed(maya) == ["default"]


def test_a_revoked_account_keeps_no_rules(center: Center) -> None:
    maya = center.person("maya")
    write(maya)
    body = {"client_id": center.client_id, "client_secret": center.client_secret, "sub": maya.sub}
    assert center.http.post("/oauth/token/revoke", json=body).status_code == 200
    assert write(maya).status_code == 401
    with rows(center) as connection:
        assert connection.execute("SELECT * FROM availability_rules").fetchall() == []


def test_what_an_account_is_does_not_show_its_rules(center: Center) -> None:
    maya = center.person("maya")
    paths = ("/v1/userinfo", "/v1/account", "/v1/profiles", "/v1/calendars")
    before = [center.http.get(path, headers=maya.key).json() for path in paths]
    write(maya)
    assert [center.http.get(path, headers=maya.key).json() for path in paths] == before
