"""The same answers on the other engine, where they could differ: hostile names, order, and one whole journey."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.api.asking import at, bearer, ics_time, import_ics, wire
from tests.center import Center
from tests.postgresql import Cluster


@pytest.fixture
def center(tmp_path: Path, cluster: Cluster) -> Generator[Center]:
    with Center(tmp_path, SLOTLINK_DATABASE_URL=cluster.migrated_database()) as center:
        yield center


def test_names_that_no_text_column_holds_are_404_or_refused(center: Center) -> None:
    maya = center.person("maya")
    event = {"event_id": "e", "summary": "S", "start": wire(0), "end": wire(1)}
    for name in ("%00", "a%00b", "%ff", "%ED%A0%80", "x" * 10_000, "%F0%9F%98%80"):
        for method, url, key, body in (
            ("GET", f"/v1/real_time_scheduling/{name}", center.key, None),
            ("GET", f"/v1/real_time_scheduling?token={name}", center.key, None),
            ("POST", f"/v1/real_time_scheduling/{name}/disable", center.key, {"display_message": "x"}),
            ("POST", f"/v1/calendars/{name}/events", maya.key, event),
            ("DELETE", f"/v1/calendars/{name}/events", maya.key, {"event_id": "e"}),
            ("GET", f"/v1/events/pages/{name}", maya.key, None),
            ("GET", f"/v1/availability_rules/{name}", maya.key, None),
            ("DELETE", f"/v1/availability_rules/{name}", maya.key, None),
            ("GET", f"/v1/available_periods/pages/{name}", maya.key, None),
            ("GET", f"/rts/{name}", {}, None),
            ("POST", f"/rts/{name}", {}, None),
            ("GET", f"/rts/{name}/event.ics", {}, None),
        ):
            assert center.http.request(method, url, json=body, headers=key).status_code == 404, (method, url[:50])
    for secret in ("a\x00b", "x" * 10_000):
        body = {"client_id": "a\x00b", "client_secret": secret, "application_calendar_id": "x"}
        assert center.http.post("/v1/application_calendars", json=body).status_code == 401
        answer = center.http.post("/oauth/token", json={**body, "grant_type": "refresh_token", "refresh_token": "x"})
        assert answer.json() == {"error": "invalid_client"}
    assert center.http.get("/v1/account", headers=bearer("\x01")).status_code == 401


def test_a_journey_ends_as_it_does_on_sqlite(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    import_ics(center, maya, f"DTSTART:{ics_time(at(0))}\nDTEND:{ics_time(at(1))}\nSUMMARY:Daily\nRRULE:FREQ=DAILY")
    link = center.create_link(maya, jonas, callback_urls={"completed_url": "https://application.test/done"})
    by_id = center.http.get(f"/v1/real_time_scheduling/{link.link_id}", headers=center.key)
    by_token = center.http.get("/v1/real_time_scheduling", params={"token": link.token}, headers=center.key)
    assert by_id.content == by_token.content
    page = link.page()
    assert page.slots[0] == wire(1)
    assert link.choose(wire(0), page).error == "taken"
    assert link.choose(wire(2), page).code == 303
    assert link.choose(wire(2), page).error == "not_open"
    assert link.status()["event"]["start"]["time"] == wire(2)
    assert [event["event_id"] for event in jonas.events()] == ["interview-1"]
    second = center.create_link(maya, jonas)
    assert second.choose(wire(2.25)).error == "taken"
    assert second.choose(wire(5)).code == 303
    assert link.status()["event"]["start"]["time"] == wire(5)
    assert [event["start"] for event in jonas.events()] == [wire(5)]
