"""Values that mean harm: numbers at the edge, periods that are none, forms, headers and query strings."""

from __future__ import annotations

import json

from tests.api.asking import dump, wire
from tests.center import Center

JSON = {"Content-Type": "application/json; charset=utf-8"}


def test_numbers_at_the_edge_break_nothing(center: Center) -> None:
    maya = center.person("maya")
    before = dump(center)
    for number in (0, -1, 2**31, 2**63, 2**64, 10**300, -(2**63), 1e308, 1e999, True, 10**4000):
        for name in ("required_duration", "start_interval", "max_results"):
            for value in (number, {"minutes": number}, {"hours": number}):
                body = center.query(maya, **{name: value})
                content = json.dumps(body).replace("Infinity", "1e999").encode()
                answer = center.http.post("/v1/availability", content=content, headers={**center.key, **JSON})
                assert answer.status_code == (400 if number == 1e999 else 422), (name, str(value)[:40])
    assert dump(center) == before


def test_periods_that_are_none_are_refused(center: Center) -> None:
    maya = center.person("maya")
    before = dump(center)
    for start, end in (
        (wire(1), wire(0)),
        (wire(0), wire(0)),
        ("2027-03-05T10:00:00Z", "2027-03-05T11:00:00+02:00"),
        ("", ""),
        ("2027-02-30T00:00:00Z", wire(0)),
        ("0000-01-01T00:00:00Z", wire(0)),
        ("0001-01-01T00:00:00+14:00", wire(0)),
        (wire(0), "9999-12-31T23:59:59-14:00"),
        (wire(0), "2027-03-05T24:00:00Z"),
        (wire(0), "2027-03-05T23:59:60Z"),
        (wire(0), "2027-03-05T10:00:00+99:99"),
        (wire(0), "２０２７-03-05T10:00:00Z"),
        (7, 8),
        (None, None),
        ({}, []),
    ):
        for method, url, key, body in (
            ("POST", "/v1/availability", center.key, center.query(maya, query_periods=[{"start": start, "end": end}])),
            (
                "POST",
                f"/v1/calendars/{maya.calendar_id}/events",
                maya.key,
                {"event_id": "e", "summary": "S", "start": start, "end": end},
            ),
            (
                "POST",
                "/v1/available_periods",
                maya.key,
                {"available_period_id": "p", "start": start, "end": end},
            ),
        ):
            answer = center.http.request(method, url, json=body, headers=key)
            assert answer.status_code == 422, (url, start, end)
    assert dump(center) == before


def test_a_form_is_read_within_the_same_bounds(center: Center) -> None:
    maya = center.person("maya")
    form = {**maya.key, "Content-Type": "application/x-www-form-urlencoded"}
    url = f"/v1/calendars/{maya.calendar_id}/events"
    before = dump(center)
    for content, code in (
        (b"event_id=%ff%fe", 400),
        (b"\xff", 400),
        (b"&".join(b"a%d=b" % n for n in range(2000)), 400),
        (b"a=" + b"x" * 600_000, 413),
        (b"event_id[]=a&event_id=b", 422),
        (b"event_id=a&event_id[]=b", 422),
        (b"=&&==&[]=", 422),
        (b"event_id=a%00b&summary=S", 422),
    ):
        answer = center.http.post(url, content=content, headers=form)
        assert answer.status_code == code, (content[:40], answer.text)
    assert dump(center) == before


def test_declared_compressions_and_types_are_ignored(center: Center) -> None:
    """The C# client declares `gzip` on plain JSON; others send no type, or a wrong one."""
    maya = center.person("maya")
    body = json.dumps(center.query(maya)).encode()
    for headers in (
        {"Content-Encoding": "gzip;q=1.0,deflate;q=0.6,identity;q=0.3"},
        {"Content-Encoding": "gzip"},
        {"Content-Type": "text/plain"},
        {"Content-Type": ""},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "nonsense"},
    ):
        answer = center.http.post("/v1/availability", content=body, headers={**center.key, **headers})
        assert answer.status_code == 200, headers


def test_hostile_query_strings_break_nothing(center: Center) -> None:
    maya = center.person("maya")
    before = dump(center)
    for query in (
        "%ff=%fe",
        "tzid=%00",
        "tzid[]=x",
        "&" * 5000,
        "a=b&" * 5000,
        "tzid=" + "x" * 50_000,
        "calendar_ids=x",
    ):
        for path in ("/v1/events", "/v1/free_busy"):
            answer = center.http.get(f"{path}?{query}", headers=maya.key)
            assert answer.status_code in (400, 422), (path, query[:20], answer.text)
        answer = center.http.get(f"/v1/available_periods?{query}", headers=maya.key)
        assert answer.status_code in (200, 422), (query[:20], answer.text)
        for path in ("/v1/account", "/v1/availability_rules"):
            assert center.http.get(f"{path}?{query}", headers=maya.key).status_code == 200
    assert dump(center) == before
