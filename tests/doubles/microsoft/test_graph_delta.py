"""Microsoft's double: calendarView/delta."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.doubles.graph import GraphDouble
from tests.doubles.graph_caller import Caller, code, window
from tests.doubles.graph_person import GraphPerson
from tests.doubles.graph_world import ANN, BEN
from tests.doubles.service import Clock

BERLIN = ZoneInfo("Europe/Berlin")
TEN = datetime(2027, 3, 5, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
MARCH = f"/me/calendarView/delta?{window('2027-03-01T00:00:00Z', '2027-04-01T00:00:00Z')}"
FRIDAYS = {"type": "weekly", "daysOfWeek": ["friday"]}
IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}
SPARSE = {"@odata.type", "@odata.etag", "seriesMasterId", "type", "start", "end", "id"}


@pytest.fixture
def fridays(ann: GraphPerson) -> str:
    """Every Friday of March at 10 in Berlin, and on."""
    start = datetime(2027, 3, 5, 10, tzinfo=BERLIN)
    return ann.repeats(start, start + HOUR, FRIDAYS)


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]


def removed(event_id: str) -> dict[str, Any]:
    return {"@odata.type": "#microsoft.graph.event", "id": event_id, "@removed": {"reason": "deleted"}}


def test_a_round_has_everything_and_the_next_what_changed(api: Caller, ann: GraphPerson) -> None:
    kept, changed, dropped = (ann.creates(TEN + n * HOUR, TEN + (n + 1) * HOUR) for n in range(3))
    rows, link = api.round(MARCH)
    assert ids(rows) == [kept, changed, dropped]
    assert (rows[0]["@odata.type"], rows[0]["subject"]) == ("#microsoft.graph.event", "Private matter")
    assert api.round(link)[0] == []
    ann.changes(changed, subject="New")
    ann.deletes(dropped)
    new = ann.creates(TEN, TEN + HOUR)
    rows, after = api.round(link)
    assert removed(dropped) in rows  # fact: delta.removed
    assert set(ids(rows)) == {changed, dropped, new}
    assert api.round(after)[0] == []
    assert set(ids(api.round(link)[0])) == {changed, dropped, new}, "an old link still works"


def test_pages_are_linked_until_the_round_is_over(api: Caller, ann: GraphPerson) -> None:
    made = [ann.creates(TEN + n * HOUR, TEN + (n + 1) * HOUR) for n in range(5)]
    page = api("GET", MARCH, headers={"Prefer": "odata.maxpagesize=2"}).json()
    assert (len(page["value"]), "@odata.deltaLink" in page) == (2, False)  # fact: delta.maxpagesize
    assert "$skiptoken=" in page["@odata.nextLink"]  # fact: delta.links
    late = ann.creates(TEN, TEN + HOUR)
    rows, link = api.round(page["@odata.nextLink"], headers={"Prefer": "odata.maxpagesize=2"})
    assert ids(page["value"] + rows) == made
    assert "$deltatoken=" in link
    assert "DateTime" not in link  # fact: delta.fixed-window
    assert ids(api.round(link)[0]) == [late], "what changed in the middle of a round comes in the next"


def test_the_window_is_the_tokens(api: Caller, ann: GraphPerson) -> None:
    _, link = api.round(MARCH)
    outside = ann.creates(TEN + timedelta(days=60), TEN + timedelta(days=60, hours=1))
    leaves = ann.creates(TEN, TEN + HOUR)
    assert removed(outside) in api.round(link)[0]  # fact: delta.outside-window
    _, link = api.round(link)
    ann.moves(leaves, TEN + timedelta(days=90), TEN + timedelta(days=90, hours=1))
    assert api.round(link)[0] == [removed(leaves)]
    assert code(api("GET", "/me/calendarView/delta")) == (400, "ErrorInvalidParameter")  # fact: delta.window-required


@pytest.mark.parametrize("name", ["$select", "$expand", "$filter", "$orderby", "$search"])
def test_other_parameters_are_not_supported(api: Caller, name: str) -> None:
    answer = api("GET", f"{MARCH}&{name}=subject") if name != "$expand" else None
    if answer is not None:  # fact: delta.parameters  fact: delta.parameters-400
        assert code(answer) == (400, "ErrorInvalidUrlQuery")
    else:
        wanted = "singleValueExtendedProperties($filter=id eq 'String {66f5a359-4659-4830-9070-00040ec6ac6e} Name x')"
        assert code(api("GET", MARCH + f"&$expand={wanted}")) == (400, "ErrorInvalidUrlQuery")


def test_every_calendar_has_its_own_delta(api: Caller, ann: GraphPerson) -> None:
    other = ann.makes_calendar("Other")
    event_id = ann.creates(TEN, TEN + HOUR)
    _, here = api.round(MARCH)
    rows, there = api.round(MARCH.replace("/me/", f"/me/calendars/{other}/"))  # fact: delta.any-calendar
    assert rows == []
    moved = ann.moves_to(event_id, other)
    assert api.round(here)[0] == [removed(event_id)]  # fact: delta.moved
    assert ids(api.round(there)[0]) == [moved]
    wrong = there.replace(f"/me/calendars/{other}/", "/me/")
    assert api("GET", wrong).status_code == 400


def test_both_kinds_of_id_go_with_one_link(api: Caller, ann: GraphPerson) -> None:
    event_id = ann.creates(TEN, TEN + HOUR)
    [row], link = api.round(MARCH, headers=IMMUTABLE)
    ann.changes(event_id, subject="1")
    assert ids(api.round(link)[0]) == [event_id]  # fact: delta.ids
    assert ids(api.round(link, headers=IMMUTABLE)[0]) == [row["id"]]
    ann.moves_to(ann.moves_to(event_id, ann.makes_calendar("Other")), api("GET", "/me/calendar").json()["id"])
    rows, _ = api.round(link, headers=IMMUTABLE)
    assert [(one["id"], "@removed" in one) for one in rows] == [(row["id"], True), (row["id"], False)]


def test_occurrences_are_sparse_and_the_master_leads(graph: GraphDouble, api: Caller, fridays: str) -> None:
    master, *rest = api.round(MARCH)[0]
    assert (master["id"], master["type"], master["showAs"]) == (fridays, "seriesMaster", "busy")  # fact: delta.masters
    assert [row.keys() for row in rest] == [SPARSE] * 4  # fact: delta.sparse-occurrences
    assert {row["seriesMasterId"] for row in rest} == {fridays}
    graph.deltas.masters = False
    assert len(api.round(MARCH)[0]) == 4


def test_a_series_is_on_one_page(api: Caller, ann: GraphPerson, fridays: str) -> None:
    single = ann.creates(TEN, TEN + HOUR)
    page = api("GET", MARCH, headers={"Prefer": "odata.maxpagesize=2"}).json()
    assert len(page["value"]) == 5  # fact: delta.series-whole
    assert ids(api.round(page["@odata.nextLink"])[0]) == [single]


def test_a_changed_series_comes_again_without_what_was_deleted(api: Caller, ann: GraphPerson, fridays: str) -> None:
    _, link = api.round(MARCH)
    ann.deletes(ann.occurrence(fridays, date(2027, 3, 12)))
    moved = ann.occurrence(fridays, date(2027, 3, 19))
    ann.moves(moved, TEN + timedelta(days=13), TEN + timedelta(days=13, hours=1))
    rows, link = api.round(link)  # fact: delta.series-again  fact: delta.deleted-occurrence
    assert [(row["type"], row["start"]["dateTime"][5:16]) for row in rows[1:]] == [
        ("occurrence", "03-05T09:00"),
        ("exception", "03-18T10:00"),
        ("occurrence", "03-26T09:00"),
    ]
    assert rows[2]["showAs"] == "busy", "an exception has all members"
    ann.deletes(fridays)
    assert api.round(link)[0] == [removed(fridays)]  # fact: delta.series-deleted


def test_an_exception_may_leave_the_window(api: Caller, ann: GraphPerson, fridays: str) -> None:
    _, link = api.round(MARCH)
    last = ann.occurrence(fridays, date(2027, 3, 26))
    ann.moves(last, datetime(2027, 4, 1, 10, tzinfo=BERLIN), datetime(2027, 4, 1, 11, tzinfo=BERLIN))
    rows, _ = api.round(link)
    assert removed(last) in rows
    assert len(rows) == 5


def test_tokens_may_be_gone_at_any_time(graph: GraphDouble, api: Caller, ann: GraphPerson, clock: Clock) -> None:
    _, link = api.round(MARCH)
    graph.deltas.forget(BEN)
    assert api("GET", link).status_code == 200
    graph.deltas.forget(ANN)
    assert code(api("GET", link)) == (410, "SyncStateNotFound")  # fact: delta.gone
    _, link = api.round(MARCH)
    graph.deltas.lifetime_s = 60
    clock.advance(59)
    assert api("GET", link).status_code == 200
    clock.advance(1)
    assert code(api("GET", link))[0] == 410
    assert code(api("GET", "/me/calendarView/delta?$deltatoken=x"))[0] == 400  # fact: delta.garbage


def test_pages_may_be_empty_and_items_doubled(graph: GraphDouble, api: Caller, ann: GraphPerson) -> None:
    made = [ann.creates(TEN + n * HOUR, TEN + (n + 1) * HOUR) for n in range(3)]
    graph.deltas.empty_pages = 1
    page = api("GET", MARCH).json()
    assert (page["value"], "@odata.nextLink" in page) == ([], True)  # fact: delta.empty-page
    assert ids(api.round(page["@odata.nextLink"])[0]) == made
    graph.deltas.duplicated, graph.deltas.page_limit = 1, 2
    assert ids(api.round(MARCH)[0]) == [made[0], made[1], made[1], made[2]]  # fact: delta.duplicates


def test_paging_may_break_in_the_middle(graph: GraphDouble, api: Caller, ann: GraphPerson) -> None:
    for n in range(3):
        ann.creates(TEN + n * HOUR, TEN + (n + 1) * HOUR)
    graph.deltas.page_limit = 1
    graph.fail("UnknownError", path="/delta$", skip=1)
    page = api("GET", MARCH).json()
    assert code(api("GET", page["@odata.nextLink"])) == (504, "UnknownError")  # fact: delta.5xx
    assert len(api.round(page["@odata.nextLink"])[0]) == 2, "the link is still good"
