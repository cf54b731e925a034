"""Reading events and busy time: windows, filters, forms of time, and pages."""

from __future__ import annotations

from typing import Any

from slotlink.domain.event import wire_time
from tests.api.asking import at, bearer, change, faults, ics_time, import_ics, other_application, rows, wire
from tests.center import DAY, HOUR, START, Center, Json, Person


def imported(center: Center, person: Person, **events: tuple[int, int]) -> None:
    lines = [
        f"DTSTART:{ics_time(start)}\nDTEND:{ics_time(end)}\nSUMMARY:{name}" for name, (start, end) in events.items()
    ]
    import_ics(center, person, *lines)


def names(person: Person, **parameters: Any) -> list[str]:
    return [event["summary"] for event in person.events(**parameters)]


def free_busy(person: Person, **parameters: Any) -> list[Json]:
    asked = {"tzid": "Etc/UTC", "include_managed": "true", **parameters}
    answer = person.center.http.get("/v1/free_busy", params=asked, headers=person.key)
    assert answer.status_code == 200, answer.text
    return answer.json()["free_busy"]


def test_managed_events_are_left_out_unless_asked_for(center: Center) -> None:
    maya = center.person("maya")
    imported(center, maya, theirs=(at(0), at(1)))
    maya.event("ours", at(2), at(3))
    for parameters, expected in (
        ({"include_managed": "false"}, ["theirs"]),
        ({"include_managed": "true"}, ["theirs", "ours"]),
        ({"include_managed": "True"}, ["theirs", "ours"]),
        ({"only_managed": "true", "include_managed": "false"}, ["ours"]),
        ({"only_managed": "True", "include_managed": "True"}, ["ours"]),
        ({"only_managed": "False", "include_managed": "False"}, ["theirs"]),
    ):
        assert names(maya, **parameters) == expected, parameters
    assert [event.get("event_id") for event in maya.events()] == [None, "ours"]


def test_everything_that_the_python_client_sends_is_taken(center: Center) -> None:
    maya = center.person("maya")
    maya.event("ours", at(2), at(3))
    flags = ("include_deleted", "include_moved", "include_geo", "localized_times", "only_managed")
    assert names(maya, **dict.fromkeys(flags, "False"), include_managed="True") == ["ours"]


def test_a_moved_flag_that_is_set_is_refused_and_not_ignored(center: Center) -> None:
    maya = center.person("maya")
    answer = center.http.get("/v1/events?tzid=Etc/UTC&include_moved=true", headers=maya.key)
    assert faults(answer) == {"include_moved": ["errors.not_supported"]}


def test_a_window_holds_what_ends_on_or_after_from_and_starts_before_to(center: Center) -> None:
    maya = center.person("maya")
    day = START - 9 * HOUR + DAY  # midnight in UTC
    imported(
        center,
        maya,
        before=(day - HOUR, day - 1),
        ends_at=(day - HOUR, day),
        inside=(day + HOUR, day + 2 * HOUR),
        across=(day + DAY - HOUR, day + DAY + HOUR),
        starts_at=(day + DAY, day + DAY + HOUR),
    )
    date, following = wire_time(day)[:10], wire_time(day + DAY)[:10]
    wanted = ["ends_at", "inside", "across"]
    assert names(maya, **{"from": date, "to": following}) == wanted
    assert names(maya, **{"from": wire_time(day), "to": wire_time(day + DAY)}) == wanted
    # The same dates in Tokyo lie nine hours earlier.
    tokyo = names(maya, **{"from": date, "to": following, "tzid": "Asia/Tokyo"})
    assert sorted(tokyo) == ["before", "ends_at", "inside"]


def test_the_window_is_42_days_back_and_201_ahead_unless_said(center: Center) -> None:
    maya = center.person("maya")
    edges = {
        "old": START - 42 * DAY - HOUR,
        "recent": START - 42 * DAY + HOUR,
        "coming": START + 201 * DAY - HOUR,
        "far": START + 201 * DAY + HOUR,
    }
    imported(center, maya, **{name: (moment, moment + 60) for name, moment in edges.items()})
    for name, moment in edges.items():
        maya.event(f"my {name}", moment, moment + 60)
    assert names(maya, include_managed="false") == ["recent", "coming"]
    assert names(maya, only_managed="true") == ["my old", "my recent", "my coming", "my far"]
    everything = ["my old", "my recent", "recent", "coming", "my coming", "my far"]
    assert sorted(names(maya)) == sorted(everything), "managed events are not bound by the default window"
    assert names(maya, only_managed="true", to=wire_time(START)) == ["my old", "my recent"]


def test_deleted_events_are_told_when_asked_for(center: Center) -> None:
    maya = center.person("maya")
    maya.event("kept", at(0), at(1))
    maya.event("gone", at(2), at(3))
    center.clock.now += 5
    body = {"event_id": "gone"}
    center.http.request("DELETE", f"/v1/calendars/{maya.calendar_id}/events", json=body, headers=maya.key)
    assert names(maya) == ["kept"]
    told = {event["summary"]: event for event in maya.events(include_deleted="true")}
    assert told["kept"]["deleted"] is False
    assert told["gone"]["deleted"] is True
    assert told["gone"]["status"] == "cancelled"
    assert told["gone"]["updated"] == wire_time(START + 5)
    assert [row["deleted"] for row in free_busy(maya, include_deleted="true")] == [False, True]
    assert len(free_busy(maya)) == 1


def test_last_modified_lists_what_changed_at_or_after_it(center: Center) -> None:
    maya = center.person("maya")
    for step in range(3):
        center.clock.now = START + step
        maya.event(f"e{step}", at(step), at(step + 1))
    assert names(maya, last_modified=wire_time(START + 1)) == ["e1", "e2"]
    center.clock.now = START + 10
    maya.event("e0", at(0), at(1))
    assert names(maya, last_modified=wire_time(START + 3)) == ["e0"]


def test_localized_times_are_objects_with_the_zones_offset(center: Center) -> None:
    maya = center.person("maya")
    maya.event("e", at(0), at(1), tzid="Asia/Tokyo")
    summer = START + 60 * DAY
    maya.event("summer", summer, summer + HOUR)
    day = {"event_id": "day", "summary": "Day", "start": "2027-03-08", "end": "2027-03-09"}
    center.http.post(f"/v1/calendars/{maya.calendar_id}/events", json=day, headers=maya.key)
    told = {event["event_id"]: event for event in maya.events(localized_times="true", tzid="Europe/London")}
    assert told["e"]["start"] == {"time": "2027-03-05T09:00:00Z", "tzid": "Europe/London"}
    assert told["summer"]["start"] == {"time": "2027-05-03T10:00:00+01:00", "tzid": "Europe/London"}
    assert told["day"]["start"]["time"] == "2027-03-08"
    assert told["day"]["end"]["time"] == "2027-03-09"
    (row, *_) = free_busy(maya, localized_times="True", tzid="America/New_York")
    assert row["start"] == {"time": "2027-03-05T04:00:00-05:00", "tzid": "America/New_York"}


def test_coordinates_are_told_when_asked_for(center: Center) -> None:
    maya = center.person("maya")
    maya.event("e", at(0), at(1), location={"description": "There", "lat": "51.5", "long": "-0.1"})
    assert maya.events()[0]["location"] == {"description": "There"}
    geo = maya.events(include_geo="true")[0]["location"]
    assert geo == {"description": "There", "lat": "51.5", "long": "-0.1"}


def test_calendars_can_be_chosen_and_must_be_the_accounts(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    _, stranger = other_application(center)
    maya.event("e", at(0), at(1))
    assert len(maya.events(**{"calendar_ids[]": [maya.calendar_id]})) == 1
    for path in ("/v1/events", "/v1/free_busy"):
        asked = {"tzid": "Etc/UTC", "calendar_ids[]": [jonas.calendar_id, maya.calendar_id, stranger.calendar_id]}
        assert faults(center.http.get(path, params=asked, headers=maya.key)) == {
            "calendar_ids[0]": ["errors.invalid_calendar_ids"],
            "calendar_ids[2]": ["errors.invalid_calendar_ids"],
        }


def test_wrong_parameters_are_named_together(center: Center) -> None:
    maya = center.person("maya")
    for path in ("/v1/events", "/v1/free_busy"):
        assert list(faults(center.http.get(path, headers=maya.key))) == ["tzid"]
        asked = "?tzid=Mars&from=yesterday&to=2027-02-30&last_modified=now&include_managed=1&localized_times=yes"
        assert faults(center.http.get(path + asked, headers=maya.key)) == {
            "tzid": ["errors.tzid_unrecognized"],
            "from": ["errors.invalid_format"],
            "to": ["errors.must_be_date"],
            "last_modified": ["errors.invalid_format"],
            "include_managed": ["errors.must_be_boolean"],
            "localized_times": ["errors.must_be_boolean"],
        }


def test_free_busy_tells_when_and_not_what(center: Center) -> None:
    maya = center.person("maya")
    maya.event("busy", at(0), at(1), summary="Nobody's business")
    maya.event("free", at(2), at(3), transparency="transparent")
    import_ics(center, maya, f"DTSTART:{ics_time(at(4))}\nDTEND:{ics_time(at(5))}\nSUMMARY:X\nSTATUS:TENTATIVE")
    shown = {"calendar_id": maya.calendar_id}
    busy = {**shown, "start": wire(0), "end": wire(1), "free_busy_status": "busy"}
    tentative = {**shown, "start": wire(4), "end": wire(5), "free_busy_status": "tentative"}
    free = {**shown, "start": wire(2), "end": wire(3), "free_busy_status": "free"}
    assert free_busy(maya) == [busy, tentative]
    assert free_busy(maya, include_free="true") == [busy, free, tentative]
    assert free_busy(maya, include_managed="false") == [tentative]
    uids = {event["start"]: event["event_uid"] for event in maya.events()}
    assert free_busy(maya, include_ids="true") == [
        {**busy, "event_uid": uids[wire(0)], "event_id": "busy"},
        {**tentative, "event_uid": uids[wire(4)]},
    ]


def test_repeating_events_are_listed_one_by_one(center: Center) -> None:
    maya = center.person("maya")
    import_ics(
        center, maya, f"DTSTART:{ics_time(at(0))}\nDTEND:{ics_time(at(1))}\nSUMMARY:Stand-up\nRRULE:FREQ=DAILY;COUNT=3"
    )
    events = maya.events()
    assert [event["start"] for event in events] == [wire(0), wire(24), wire(48)]
    assert {event["recurring"] for event in events} == {True}
    assert len({event["series_identifier"] for event in events}) == 1
    assert {event["options"]["update"] for event in events} == {False}


def fill(center: Center, maya: Person, number: int) -> None:
    """Many events at once, by their rows: the API would take its time."""
    key = (center.client_id, maya.calendar_id)
    with rows(center) as connection:
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO events (application_id, calendar_id, event_uid, details, recurring, created_at, updated_at)"
            " VALUES (?, ?, ?, '{}', 0, 0, 0)",
            [(*key, f"evt_external_{n}") for n in range(number)],
        )
        connection.executemany(
            "INSERT INTO busy_periods (application_id, calendar_id, event_uid, occurrence, start_at, end_at, kind)"
            " VALUES (?, ?, ?, 0, ?, ?, 'busy')",
            [(*key, f"evt_external_{n}", at(n), at(n + 1)) for n in range(number)],
        )
        connection.execute("COMMIT")


def test_more_than_300_come_in_pages_with_absolute_addresses(center: Center) -> None:
    maya = center.person("maya")
    fill(center, maya, 650)
    for kind in ("events", "free_busy"):
        url = f"/v1/{kind}?tzid=Etc/UTC&localized_times=true"
        sizes, starts, pages = [], [], []
        while url:
            # Whatever Host a client sends, the next address is the configured one.
            answer = center.http.get(url, headers={**maya.key, "Host": "evil.test"}).json()
            sizes.append(len(answer[kind]))
            starts += [row["start"]["time"] for row in answer[kind]]
            pages.append((answer["pages"]["current"], answer["pages"]["total"]))
            address = answer["pages"].get("next_page")
            assert address is None or address.startswith(f"https://api.test/v1/{kind}/pages/")
            url = address.removeprefix("https://api.test") if address else ""
        assert sizes == [300, 300, 50]
        assert pages == [(1, 3), (2, 3), (3, 3)]
        assert starts == [wire(n) for n in range(650)]


def test_exactly_300_are_one_page_and_none_at_all_is_one_too(center: Center) -> None:
    maya = center.person("maya")
    for number, listed in ((0, 0), (300, 300)):
        fill(center, maya, number)
        answer = center.http.get("/v1/events?tzid=Etc/UTC", headers=maya.key).json()
        assert len(answer["events"]) == listed
        assert answer["pages"] == {"current": 1, "total": 1}


def test_a_pages_address_works_for_its_own_account_unaltered_and_nothing_else(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    fill(center, maya, 301)
    address = center.http.get("/v1/events?tzid=Etc/UTC", headers=maya.key).json()["pages"]["next_page"]
    path = address.removeprefix("https://api.test")
    token = path.rpartition("/")[2]
    assert center.http.get(path, headers=maya.key).status_code == 200
    _, stranger = other_application(center)
    altered = [token[:-1], token + "A", token[:5] + ("A" if token[5] != "A" else "B") + token[6:], "x", "a.b", "%00"]
    altered += [token.rpartition(".")[0], token.removeprefix("."), "x" * 9000, "%ff%fe", token.swapcase()]
    for page in altered:
        answer = center.http.get(f"/v1/events/pages/{page}", headers=maya.key)
        assert (answer.status_code, answer.content) == (404, b""), page[:30]
    assert center.http.get(f"/v1/free_busy/pages/{token}", headers=maya.key).status_code == 404
    for key in (jonas.key, stranger.key):
        assert center.http.get(path, headers=key).status_code == 404
    assert center.http.get(path, headers=bearer("x")).status_code == 401


def test_a_deleted_calendars_events_are_not_listed(center: Center) -> None:
    maya = center.person("maya")
    maya.event("e", at(0), at(1))
    change(center, "UPDATE calendars SET deleted = 1 WHERE calendar_id = ?", maya.calendar_id)
    assert maya.events() == []
    assert free_busy(maya) == []
