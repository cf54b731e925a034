"""Available periods: written by id, read in windows and pages, deleted one or all, seen by their account alone."""

from __future__ import annotations

from typing import Any

import pytest

from slotlink.web import api_rules
from tests.api.asking import at, bearer, dump, faults, other_application, rows, wire
from tests.center import Center, Json, Person

PERIODS = "/v1/available_periods"


def period(available_period_id: str = "once", first: float = 0, last: float = 1, **changes: Any) -> Json:
    """A period of the wire, in hours from tomorrow 9:00."""
    made = {"available_period_id": available_period_id, "start": wire(first), "end": wire(last), **changes}
    return {name: value for name, value in made.items() if value is not None}


def write(person: Person, *arguments: Any, **changes: Any) -> Any:
    return person.center.http.post(PERIODS, json=period(*arguments, **changes), headers=person.key)


def read(person: Person, **asked: str) -> Any:
    return person.center.http.get(PERIODS, params=asked, headers=person.key)


def listed(person: Person, **asked: str) -> list[str]:
    answer = read(person, **asked)
    assert answer.status_code == 200, answer.text
    return [found["available_period_id"] for found in answer.json()["available_periods"]]


def remove(person: Person, body: Json, path: str = PERIODS) -> Any:
    return person.center.http.request("DELETE", path, json=body, headers=person.key)


def test_a_period_is_written_with_202_and_read_back(center: Center) -> None:
    maya = center.person("maya")
    answer = write(maya)
    assert (answer.status_code, answer.content) == (202, b"")
    answer = read(maya)
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json() == {"pages": {"current": 1, "total": 1}, "available_periods": [period()]}


def test_an_account_without_periods_has_one_empty_page(center: Center) -> None:
    assert read(center.person("maya")).json() == {"pages": {"current": 1, "total": 1}, "available_periods": []}


def test_the_same_id_again_moves_the_period(center: Center) -> None:
    maya = center.person("maya")
    for hours in ((0, 1), (5, 7), (5, 7)):
        assert write(maya, "once", *hours).status_code == 202
    assert read(maya).json()["available_periods"] == [period("once", 5, 7)]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2027-03-05 09:00:00Z", "2027-03-05 10:00:00Z"),  # C#
        ("2027-03-05T10:00:00+01:00", "2027-03-05T05:00:00-05:00"),
        ({"time": "2027-03-05T09:00:00Z", "tzid": "Europe/Paris"}, {"time": "2027-03-05T10:00:00Z"}),
        ({"time": "2027-03-05 09:00:00Z", "tzid": None}, {"time": "2027-03-05T10:00:00Z", "tzid": "Asia/Tokyo"}),
    ],
)
def test_times_may_be_simple_or_have_a_zone_and_are_read_in_utc(center: Center, start: Any, end: Any) -> None:
    maya = center.person("maya")
    body = {"available_period_id": "once", "start": start, "end": end, "tzid": None}
    assert center.http.post(PERIODS, json=body, headers=maya.key).status_code == 202
    assert read(maya).json()["available_periods"] == [period()]


def test_localized_times_have_the_zone_asked_for_or_the_one_they_were_written_in(center: Center) -> None:
    maya = center.person("maya")
    write(maya, "a", 0, 1, start={"time": wire(0), "tzid": "Asia/Tokyo"}, tzid="Europe/Paris")
    write(maya, "b", 1, 2, tzid="America/Chicago")
    write(maya, "c", 2, 3)

    def starts(**asked: str) -> list[Any]:
        return [found["start"] for found in read(maya, **asked).json()["available_periods"]]

    assert starts(localized_times="false", tzid="Asia/Tokyo") == starts() == [wire(0), wire(1), wire(2)]
    assert starts(localized_times="true", tzid="Europe/Paris") == [
        {"time": f"2027-03-05T{hour}:00:00+01:00", "tzid": "Europe/Paris"} for hour in (10, 11, 12)
    ]
    assert starts(localized_times="True") == [
        {"time": "2027-03-05T18:00:00+09:00", "tzid": "Asia/Tokyo"},
        {"time": "2027-03-05T04:00:00-06:00", "tzid": "America/Chicago"},
        {"time": "2027-03-05T11:00:00Z", "tzid": "Etc/UTC"},
    ]


def test_a_window_holds_what_starts_before_to_and_ends_on_or_after_from(center: Center) -> None:
    maya = center.person("maya")
    for name, start, end in (  # tomorrow 9:00 is 5 March
        ("before", -10, -9.5),
        ("ends at midnight", -10, -9),
        ("across", -10, 20),
        ("within", 0, 1),
        ("starts at the next", 15, 16),
    ):
        assert write(maya, name, start, end).status_code == 202
    utc = {"tzid": "Etc/UTC"}
    day = {**utc, "from": "2027-03-05", "to": "2027-03-06"}
    assert listed(maya, **day) == ["across", "ends at midnight", "within"]
    assert listed(maya, **utc, **{"from": "2027-03-06"}) == ["across", "starts at the next"]
    assert listed(maya, **utc, to="2027-03-05") == ["across", "before", "ends at midnight"]
    assert listed(maya, **{**day, "to": "2027-03-05"}) == ["across", "ends at midnight"], "to itself is not in it"
    assert listed(maya, **{**day, "tzid": "Asia/Tokyo"}) == ["across", "before", "ends at midnight", "within"]
    assert listed(maya, **{**day, "tzid": "America/Chicago"}) == ["across", "within", "starts at the next"]
    assert len(listed(maya)) == len(listed(maya, **utc)) == 5
    assert listed(maya, **utc, **{"from": wire(1), "to": wire(2)}) == ["across", "within"], "times are taken too"


def test_a_zone_is_required_with_dates(center: Center) -> None:
    maya = center.person("maya")
    for asked in ({"from": "2027-03-05"}, {"to": "2027-03-05"}, {"from": "2027-03-05", "to": "2027-03-06"}):
        assert faults(read(maya, **asked)) == {"tzid": ["errors.required"]}
    wrong = {"from": "yesterday", "to": "2027-02-30", "tzid": "Mars/Olympus", "localized_times": "maybe"}
    assert faults(read(maya, **wrong)) == {
        "from": ["errors.invalid_format"],
        "to": ["errors.must_be_date"],
        "tzid": ["errors.tzid_unrecognized"],
        "localized_times": ["errors.must_be_boolean"],
    }


def test_more_than_a_page_come_in_pages_by_start(center: Center, monkeypatch: pytest.MonkeyPatch) -> None:
    assert api_rules.PAGE_SIZE == 300
    monkeypatch.setattr(api_rules, "PAGE_SIZE", 30)
    maya = center.person("maya")
    made = [(f"p{number}", number // 3, number // 3 + 1) for number in range(65)]
    for chosen in reversed(made):
        assert write(maya, *chosen).status_code == 202
    utc = {"tzid": "Etc/UTC", "from": "2027-03-05", "localized_times": "true"}
    pages = [read(maya, **utc).json()]
    while "next_page" in pages[-1]["pages"]:
        url = pages[-1]["pages"]["next_page"]
        assert url.startswith("https://api.test/v1/available_periods/pages/")
        pages.append(center.http.get(url, headers=maya.key).json())
    assert [page["pages"]["current"] for page in pages] == [1, 2, 3]
    assert [page["pages"]["total"] for page in pages] == [3, 3, 3]
    assert [len(page["available_periods"]) for page in pages] == [30, 30, 5]
    every = [found for page in pages for found in page["available_periods"]]
    assert [(found["start"]["time"], found["available_period_id"]) for found in every] == sorted(
        (wire(start), name) for name, start, _ in made
    ), "each once, and localized on every page"


def test_exactly_a_page_is_one_page(center: Center, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_rules, "PAGE_SIZE", 30)
    maya = center.person("maya")
    for number in range(30):
        write(maya, f"p{number}")
    answer = read(maya).json()
    assert answer["pages"] == {"current": 1, "total": 1} and len(answer["available_periods"]) == 30


def test_a_page_is_its_accounts_alone_and_cannot_be_made_up(center: Center, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slotlink.web.api_rules.PAGE_SIZE", 1)
    monkeypatch.setattr("slotlink.web.api_calendars.PAGE_SIZE", 1)
    maya, jonas = center.person("maya"), center.person("jonas")
    _, stranger = other_application(center)
    for number in range(2):
        write(maya, f"p{number}")
        maya.event(f"e{number}", at(number), at(number + 1))
    url = read(maya).json()["pages"]["next_page"]
    events = center.http.get("/v1/events?tzid=Etc/UTC&only_managed=true", headers=maya.key).json()["pages"]["next_page"]
    token, of_events = (address.rpartition("/")[2] for address in (url, events))
    assert center.http.get(url, headers=maya.key).status_code == 200
    for other in (jonas, stranger):
        assert center.http.get(url, headers=other.key).status_code == 404
    assert center.http.get(url, headers=center.key).status_code == 403
    assert center.http.get(url).status_code == 401
    for made_up in (f"{token}x", token[1:], of_events, "x", "%00"):
        answer = center.http.get(f"{PERIODS}/pages/{made_up}", headers=maya.key)
        assert (answer.status_code, answer.content) == (404, b""), made_up
    for listing in ("events", "free_busy"):
        assert center.http.get(f"/v1/{listing}/pages/{token}", headers=maya.key).status_code == 404


@pytest.mark.parametrize("path", [PERIODS, f"{PERIODS}/"])
def test_one_is_deleted_by_its_id_and_all_together(center: Center, path: str) -> None:
    maya = center.person("maya")
    for name in ("a", "b", "c"):
        write(maya, name)
    for _ in range(2):
        answer = remove(maya, {"available_period_id": "b"}, path)
        assert (answer.status_code, answer.content) == (202, b""), "again is no error"
        assert listed(maya) == ["a", "c"]
    assert remove(maya, {"available_period_id": "no such"}, path).status_code == 202
    for _ in range(2):
        answer = remove(maya, {"delete_all": True}, path)
        assert (answer.status_code, answer.content) == (202, b"")
        assert listed(maya) == []


def test_the_slash_at_the_end_is_for_deleting_only(center: Center) -> None:
    maya = center.person("maya")
    for method in ("GET", "POST"):
        answer = center.http.request(method, f"{PERIODS}/", json=period(), headers=maya.key)
        assert answer.status_code == 405 and "location" not in answer.headers
    assert listed(maya) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {"available_period_id": ["errors.required"]}),
        ({"available_period_id": None, "delete_all": None}, {"available_period_id": ["errors.required"]}),
        ({"delete_all": False}, {"delete_all": ["errors.must_be_boolean"]}),
        ({"delete_all": "yes"}, {"delete_all": ["errors.must_be_boolean"]}),
        ({"delete_all": 1}, {"delete_all": ["errors.must_be_boolean"]}),
        ({"delete_all": True, "available_period_id": "a"}, {"delete_all": ["errors.mutually_exclusive"]}),
        (
            {"delete_all": False, "available_period_id": "é"},
            {
                "delete_all": ["errors.must_be_boolean", "errors.mutually_exclusive"],
                "available_period_id": ["errors.invalid_format"],
            },
        ),
        ({"available_period_id": ""}, {"available_period_id": ["errors.required"]}),
        ({"available_period_id": ["a"]}, {"available_period_id": ["errors.invalid_format"]}),
    ],
)
def test_deleting_takes_one_id_or_the_word_for_all(center: Center, body: Json, expected: Json) -> None:
    maya = center.person("maya")
    write(maya, "a")
    assert faults(remove(maya, body)) == expected
    assert listed(maya) == ["a"]


def test_everything_that_is_missing_is_said_at_once(center: Center) -> None:
    maya = center.person("maya")
    required = {name: ["errors.required"] for name in ("available_period_id", "start", "end")}
    for body in ({}, dict.fromkeys(period()), {"unknown": 1}):
        assert faults(center.http.post(PERIODS, json=body, headers=maya.key)) == required


def test_every_wrong_member_is_in_one_answer(center: Center) -> None:
    maya = center.person("maya")
    before = dump(center)
    wrong = {"available_period_id": "x" * 65, "start": "9:00", "end": {"time": wire(1), "tzid": "Mars"}, "tzid": "Mars"}
    assert faults(center.http.post(PERIODS, json=wrong, headers=maya.key)) == {
        "available_period_id": ["errors.too_long"],
        "start": ["errors.invalid_format"],
        "end": ["errors.tzid_unrecognized"],
        "tzid": ["errors.tzid_unrecognized"],
    }
    assert dump(center) == before


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (wire(1), wire(1), {"end": ["errors.invalid_time_pair"]}),
        (wire(2), {"time": wire(1), "tzid": "Etc/UTC"}, {"end": ["errors.invalid_time_pair"]}),
        ("2027-03-05", wire(1), {"start": ["errors.invalid_format"]}),
        (wire(0), "2027-03-06", {"end": ["errors.invalid_format"]}),
        ({"tzid": "Etc/UTC"}, wire(1), {"start": ["errors.invalid_format"]}),
        ({"time": wire(0), "tzid": 7}, wire(1), {"start": ["errors.tzid_unrecognized"]}),
        ({}, [], {"start": ["errors.invalid_format"], "end": ["errors.invalid_format"]}),
        (7, True, {"start": ["errors.invalid_format"], "end": ["errors.invalid_format"]}),
        ("2027-03-05T09:00:00", wire(1), {"start": ["errors.invalid_format"]}),
        ("3000-03-05T09:00:00Z", wire(1), {"start": ["errors.invalid_format"]}),
    ],
)
def test_times_that_are_none_are_refused(center: Center, start: Any, end: Any, expected: Json) -> None:
    maya = center.person("maya")
    body = {"available_period_id": "once", "start": start, "end": end}
    assert faults(center.http.post(PERIODS, json=body, headers=maya.key)) == expected
    assert listed(maya) == []


def test_an_account_has_room_for_as_many_as_the_limit(tmp_path: Any) -> None:
    with Center(tmp_path, SLOTLINK_LIMIT_AVAILABLE_PERIODS="2") as center:
        maya, jonas = center.person("maya"), center.person("jonas")
        for name in ("a", "b"):
            assert write(maya, name).status_code == 202
        assert faults(write(maya, "c")) == {"available_period_id": ["errors.too_many"]}
        assert write(maya, "b", 3, 4).status_code == 202, "a replacement is not more"
        assert write(jonas, "c").status_code == 202, "another account has room of its own"
        remove(maya, {"available_period_id": "a"})
        assert write(maya, "c").status_code == 202
        assert listed(maya) == ["c", "b"]


def test_a_period_is_seen_by_its_account_alone(center: Center) -> None:
    credentials, stranger = other_application(center)
    maya, jonas = center.person("maya"), center.person("jonas")
    namesake = center.person("maya", credentials=credentials)
    write(maya)
    for other in (jonas, stranger, namesake):
        assert listed(other) == []
        write(other, "once", 5, 6)
        for body in ({"available_period_id": "once"}, {"delete_all": True}):
            assert remove(other, body).status_code == 202
        assert read(maya).json()["available_periods"] == [period()]


def test_periods_take_an_access_token_and_nothing_else(center: Center) -> None:
    maya = center.person("maya")
    write(maya)
    body = {"client_id": center.client_id, "client_secret": center.client_secret, "delete_all": True, **period()}
    for method, path in (("POST", PERIODS), ("GET", PERIODS), ("DELETE", PERIODS), ("DELETE", f"{PERIODS}/")):
        for headers, code in ((center.key, 403), ({}, 401), (bearer("nobody"), 401), (bearer(maya.refresh_token), 401)):
            answer = center.http.request(method, path, json=body, headers=headers)
            assert (answer.status_code, answer.content) == (code, b""), (method, path)
    assert listed(maya) == ["once"]


def test_a_revoked_account_keeps_no_periods(center: Center) -> None:
    maya = center.person("maya")
    write(maya)
    body = {"client_id": center.client_id, "client_secret": center.client_secret, "sub": maya.sub}
    assert center.http.post("/oauth/token/revoke", json=body).status_code == 200
    assert write(maya).status_code == 401
    with rows(center) as connection:
        assert connection.execute("SELECT * FROM available_periods").fetchall() == []
