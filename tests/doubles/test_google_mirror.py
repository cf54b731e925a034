"""Whoever follows the sync tokens of Google's double holds what a full list gives, whatever happens in between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.doubles.google import GoogleDouble
from tests.doubles.google_person import GooglePerson
from tests.doubles.google_world import ANN

Act = tuple[str, int]
ACTS = ["creates", "changes", "deletes", "repeats", "shortens", "moves one", "deletes one", "revives"]
acts = st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 7)), max_size=6)
FIRST = datetime(2027, 3, 5, 9, tzinfo=UTC)


class Follower:
    """A client that lists page by page, and then follows the token."""

    def __init__(self, google: GoogleDouble, single: bool) -> None:
        self._google = google
        self._query = {"singleEvents": "true"} if single else {}
        self._token: str | None = None
        self.held: dict[str, Any] = {}

    def read(self, between: list[Act], person: GooglePerson) -> None:
        """All pages of two, with something happening after each."""
        query = {**self._query, "maxResults": "2", **({"syncToken": self._token} if self._token else {})}
        while True:
            page = self._list(query)
            for item in page["items"]:
                if item["status"] == "cancelled":
                    self.held.pop(item["id"], None)
                else:
                    self.held[item["id"]] = item
            if between:
                happen(self._google, person, between.pop(0))
            if "nextPageToken" not in page:
                self._token = page["nextSyncToken"]
                return
            query["pageToken"] = page["nextPageToken"]

    def all(self) -> dict[str, Any]:
        items = self._list({**self._query, "maxResults": "2500"})["items"]
        return {item["id"]: item for item in items if item["status"] != "cancelled"}

    def _list(self, query: dict[str, str]) -> Any:
        return self._google.listing.events(ANN, self._google.store.calendars[ANN], query, list(query.items()))


def happen(google: GoogleDouble, person: GooglePerson, act: Act) -> None:
    """Do it to one of the events there are, if there is one that it can be done to."""
    kind, number = act
    start = FIRST + timedelta(days=number)
    if kind == "creates":
        person.creates(start, start + timedelta(hours=1))
        return
    if kind == "repeats":
        person.repeats(start, start + timedelta(hours=1), "Europe/Berlin", f"RRULE:FREQ=WEEKLY;COUNT={2 + number}")
        return
    stored = google.store.calendars[ANN].events
    living = [key for key, one in stored.items() if not one.cancelled]
    gone = [key for key, one in stored.items() if one.cancelled and "recurringEventId" not in one.event]
    series = [key for key in living if stored[key].is_series]
    chosen = {"revives": gone, "changes": living, "deletes": living}.get(kind, series)
    if not chosen:
        return
    event_id = chosen[number % len(chosen)]
    calendar = google.store.calendars[ANN]
    one = next((one.id for one in google.store.instances(calendar, stored[event_id])), "") if event_id in series else ""
    {
        "changes": lambda: person.changes(event_id, summary=f"New {number}"),
        "deletes": lambda: person.deletes(event_id),
        "revives": lambda: person.changes(event_id, status="confirmed"),
        "shortens": lambda: person.changes(event_id, recurrence=["RRULE:FREQ=WEEKLY;COUNT=2"]),
        "moves one": lambda: person.moves(one, start, start + timedelta(hours=2)),
        "deletes one": lambda: stored[one].cancelled if one in stored else person.deletes(one),
    }[kind]()


@pytest.mark.parametrize("single", [True, False], ids=["instances", "series"])
@settings(max_examples=40, deadline=None)
@given(before=acts, during=acts, after=acts, later=acts)
def test_a_follower_holds_what_a_full_list_gives(
    single: bool, before: list[Act], during: list[Act], after: list[Act], later: list[Act]
) -> None:
    google = GoogleDouble()
    person = google.person(ANN, zone="Europe/Berlin")
    follower = Follower(google, single)
    for act in before:
        happen(google, person, act)
    follower.read(during, person)
    for act in after:
        happen(google, person, act)
    follower.read(later, person)
    follower.read([], person)
    assert follower.held == follower.all()
