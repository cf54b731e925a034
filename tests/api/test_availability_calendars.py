"""Who is free, by what calendars say and by what cannot be known of them."""

from __future__ import annotations

from typing import Any

from slotlink.domain.event import wire_time
from tests.api.asking import at, change, ics_time, import_ics, period, rows, seconds
from tests.center import DAY, HOUR, Center, Json, Person

PATH = "/v1/availability"


def free(center: Center, query: Json) -> list[tuple[float, float]]:
    """When somebody is free, in hours from tomorrow 9:00."""
    answer = center.http.post(PATH, json=query, headers=center.key)
    assert answer.status_code == 200, answer.text
    found = answer.json()["available_periods"]
    return [tuple((seconds(each[end]) - at(0)) / 3600 for end in ("start", "end")) for each in found]  # type: ignore[misc]


def asked(center: Center, person: Person, query: Json | None = None, **member: Any) -> Json:
    participants = [{"members": [{"sub": person.sub, **member}]}]
    return center.query(participants=participants, **(query or {}))


def statuses(center: Center, query: Json) -> dict[str, str]:
    answer = center.http.post(PATH, json=query | {"include_member_statuses": True}, headers=center.key).json()
    return {member["sub"]: member["sync_status"] for member in answer["member_statuses"]}


def second_calendar(center: Center, person: Person) -> str:
    body = {"profile_id": person.profile_id, "name": "Second"}
    answer = center.http.post("/v1/calendars", json=body, headers=person.key)
    return answer.json()["calendar"]["calendar_id"]


def single(start: float, end: float, *more: str) -> str:
    lines = [f"DTSTART:{ics_time(at(start))}", f"DTEND:{ics_time(at(end))}", "SUMMARY:Imported", *more]
    return "\n".join(lines)


def test_every_calendar_counts_unless_some_are_named(center: Center) -> None:
    maya = center.person("maya")
    second = second_calendar(center, maya)
    maya.event("first", at(1), at(2))
    import_ics(center, maya, single(5, 6), calendar_id=second)
    change(center, "UPDATE calendars SET readonly = 1 WHERE calendar_id = ?", second)
    assert free(center, asked(center, maya)) == [(0, 1), (2, 5), (6, 8)]
    assert free(center, asked(center, maya, calendar_ids=[maya.calendar_id])) == [(0, 1), (2, 8)]
    assert free(center, asked(center, maya, calendar_ids=[second])) == [(0, 5), (6, 8)]
    both = [second, maya.calendar_id, second]
    assert free(center, asked(center, maya, calendar_ids=both)) == [(0, 1), (2, 5), (6, 8)]


def test_transparent_cancelled_and_deleted_events_do_not_block(center: Center) -> None:
    maya = center.person("maya")
    import_ics(center, maya, single(1, 2, "TRANSP:TRANSPARENT"), single(3, 4, "STATUS:CANCELLED"), single(5, 6))
    maya.event("free", at(0), at(1), transparency="transparent")
    maya.event("gone", at(7), at(8))
    body = {"event_id": "gone"}
    center.http.request("DELETE", f"/v1/calendars/{maya.calendar_id}/events", json=body, headers=maya.key)
    assert free(center, asked(center, maya)) == [(0, 5), (6, 8)]


def test_a_tentative_event_blocks_unless_it_is_to_be_ignored(center: Center) -> None:
    maya = center.person("maya")
    import_ics(center, maya, single(2, 3, "STATUS:TENTATIVE"), single(5, 6, "STATUS:CONFIRMED"))
    assert free(center, asked(center, maya)) == [(0, 2), (3, 5), (6, 8)]
    assert free(center, asked(center, maya, ignore_tentative=True)) == [(0, 5), (6, 8)]
    assert free(center, asked(center, maya, ignore_tentative=False)) == [(0, 2), (3, 5), (6, 8)]


def test_only_managed_events_may_be_asked_to_count(center: Center) -> None:
    maya = center.person("maya")
    import_ics(center, maya, single(2, 3))
    maya.event("ours", at(5), at(6))
    assert free(center, asked(center, maya, only_managed_events=True)) == [(0, 5), (6, 8)]
    assert free(center, asked(center, maya)) == [(0, 2), (3, 5), (6, 8)]


def test_excluded_events_do_not_count(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    import_ics(center, maya, single(2, 3))
    maya.event("meeting", at(4), at(5))
    jonas.event("meeting", at(4), at(5))
    jonas.event("other", at(6), at(7))
    uid = maya.events(include_managed="false")[0]["event_uid"]
    everybody = center.query(maya, jonas)
    assert free(center, everybody) == [(0, 2), (3, 4), (5, 6), (7, 8)]
    for excluded, expected in (
        ([{"event_id": "meeting"}], [(0, 2), (3, 6), (7, 8)]),
        ([{"event_uid": uid}], [(0, 4), (5, 6), (7, 8)]),
        ([{"event_id": "meeting"}, {"event_uid": uid}, {"event_id": "unknown"}], [(0, 6), (7, 8)]),
        ([], [(0, 2), (3, 4), (5, 6), (7, 8)]),
    ):
        assert free(center, everybody | {"excluded_events": excluded}) == expected, excluded


def test_an_all_day_event_blocks_its_day_in_the_calendars_zone(center: Center) -> None:
    maya = center.person("maya")
    import_ics(center, maya, "DTSTART;VALUE=DATE:20270305\nDTEND;VALUE=DATE:20270306\nSUMMARY:Away")
    query = {"query_periods": [period(-24, 48)]}
    assert free(center, asked(center, maya, query)) == [(-24, -9), (15, 48)]


def test_member_statuses_are_told_when_asked_for_also_of_busy_people(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    maya.event("busy", at(-1), at(9))
    query = center.query(maya, jonas)
    assert "member_statuses" not in center.http.post(PATH, json=query, headers=center.key).json()
    assert statuses(center, query) == {maya.sub: "active", jonas.sub: "active"}


def test_a_disconnected_calendar_is_never_free(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    change(center, "UPDATE profiles SET connected = 0 WHERE sub = ?", maya.sub)
    query = center.query(maya, jonas)
    assert free(center, query) == []
    assert statuses(center, query) == {maya.sub: "disconnected", jonas.sub: "active"}
    either = center.query(participants=[{"members": [{"sub": maya.sub}, {"sub": jonas.sub}], "required": 1}])
    found = center.http.post(PATH, json=either, headers=center.key).json()["available_periods"]
    assert [each["participants"] for each in found] == [[{"sub": jonas.sub}]]


def test_a_calendar_not_yet_read_is_pending_and_never_free(center: Center) -> None:
    maya = center.person("maya")
    change(center, "UPDATE profiles SET initial_sync_required = 1 WHERE sub = ?", maya.sub)
    assert free(center, center.query(maya)) == []
    assert statuses(center, center.query(maya)) == {maya.sub: "pending"}


def test_an_account_revoked_while_a_link_is_open_offers_nothing(center: Center) -> None:
    """A new query that names it is refused; a link made before shows that not every calendar could be read."""
    maya, jonas = center.person("maya"), center.person("jonas")
    link = center.create_link(maya, jonas)
    page = link.page()
    credentials = {"client_id": center.client_id, "client_secret": center.client_secret}
    center.http.post("/oauth/token/revoke", json={**credentials, "sub": maya.sub})
    refused = center.http.post(PATH, json=center.query(maya), headers=center.key)
    assert refused.json()["errors"]["participants[0].members[0].sub"][0]["key"] == "errors.not_recognized"
    assert link.page().slots == []
    chosen = link.choose(page.slots[0], page)
    assert (chosen.code, chosen.error) == (409, "unreadable")
    assert link.status()["status"] == "open"
    assert jonas.events() == []


# How far calendars are known


DAILY = "RRULE:FREQ=DAILY"


def test_a_repeating_event_blocks_however_far_one_asks(center: Center) -> None:
    """Beyond the horizon of the import it is expanded when somebody asks; unexpanded time is never taken for free."""
    maya = center.person("maya")
    import_ics(center, maya, single(2, 3, DAILY))
    for days in (0, 300, 399, 400, 401, 700, 1500, 1200):
        moment = days * 24
        query = asked(center, maya, {"query_periods": [period(moment, moment + 8)]})
        expected = [(moment, moment + 2), (moment + 3, moment + 8)]
        assert free(center, query) == expected, days
    assert statuses(center, query) == {maya.sub: "active"}


def test_time_before_the_import_is_expanded_too(center: Center) -> None:
    maya = center.person("maya")
    import_ics(center, maya, single(2 - 200 * 24, 3 - 200 * 24, DAILY))
    moment = -100 * 24
    query = asked(center, maya, {"query_periods": [period(moment, moment + 8)]})
    assert free(center, query) == [(moment, moment + 2), (moment + 3, moment + 8)]


def test_what_cannot_be_expanded_is_never_free(center: Center) -> None:
    maya = center.person("maya")
    import_ics(center, maya, single(2, 3, DAILY))
    change(center, "UPDATE events SET ical = 'no calendar at all'")
    near = asked(center, maya)
    assert free(center, near) == [(0, 2), (3, 8)]
    far = asked(center, maya, {"query_periods": [period(700 * 24, 700 * 24 + 8)]})
    assert free(center, far) == []
    assert statuses(center, far) == {maya.sub: "pending"}


def test_the_buffer_around_the_last_slot_is_known_too(center: Center) -> None:
    """A query that ends where knowledge ends still looks behind that end, because its buffer does."""
    maya = center.person("maya")
    import_ics(center, maya, single(8, 9, DAILY))
    with rows(center) as connection:
        (known_until,) = connection.execute("SELECT max(known_until) FROM calendars").fetchone()
    day = (known_until - at(8)) // DAY * 24
    last = day + 8 if at(day + 8) <= known_until else day - 16
    change(center, "UPDATE calendars SET known_until = ?", at(last))
    with rows(center) as connection:
        connection.execute("DELETE FROM busy_periods WHERE start_at >= ?", (at(last),))
    query = {"query_periods": [period(last - 2, last)], "buffer": {"after": {"minutes": 30}}}
    assert free(center, asked(center, maya, query)) == [(last - 2, last - 0.5)]


def test_a_link_into_the_far_future_offers_only_what_is_free_there(center: Center) -> None:
    maya = center.person("maya")
    import_ics(center, maya, single(0, 7, DAILY))
    moment = 450 * 24
    query = asked(center, maya, {"query_periods": [period(moment, moment + 8)]})
    link = center.create_link(maya, availability=query)
    assert link.page().slots == [wire_time(at(moment) + 7 * HOUR)]
    assert link.choose(wire_time(at(moment + 3))).error == "taken"
    assert link.choose(wire_time(at(moment + 7))).code == 303
