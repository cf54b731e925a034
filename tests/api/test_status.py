"""Reading a link's status: by id and by token, in every state, and on both sides of every boundary."""

from __future__ import annotations

from typing import Any

import pytest

from slotlink.domain.event import wire_time
from tests.api.asking import at, bearer, faults, other_application, period, wire
from tests.center import HOUR, Center, CreatedLink

PATH = "/v1/real_time_scheduling"
END = at(8)  # of the query that `Center.query` asks


def by_id(center: Center, link_id: str, key: dict[str, str] | None = None, **headers: str) -> Any:
    return center.http.get(f"{PATH}/{link_id}", headers={**(center.key if key is None else key), **headers})


def by_token(center: Center, token: str, key: dict[str, str] | None = None, **headers: str) -> Any:
    return center.http.get(PATH, params={"token": token}, headers={**(center.key if key is None else key), **headers})


def status_of(link: CreatedLink) -> str:
    """The status, once both forms have given the same bytes."""
    one, other = by_id(link.center, link.link_id), by_token(link.center, link.token)
    assert one.status_code == other.status_code == 200, (one.text, other.text)
    assert one.content == other.content
    assert one.headers["etag"] == other.headers["etag"]
    content = one.json()
    assert list(content) == ["real_time_scheduling"]
    assert list(content["real_time_scheduling"]) == ["real_time_scheduling_id", "url", "event", "status"]
    assert content["real_time_scheduling"]["url"] == link.url
    assert content["real_time_scheduling"]["real_time_scheduling_id"] == link.link_id
    return content["real_time_scheduling"]["status"]


def disable(center: Center, link: CreatedLink) -> None:
    answer = center.http.post(f"{PATH}/{link.link_id}/disable", json={"display_message": "Filled"}, headers=center.key)
    assert answer.status_code == 200


# States and boundaries


def test_both_forms_give_the_same_bytes_in_every_state(center: Center) -> None:
    maya = center.person("maya")
    open_link, chosen, disabled = (center.create_link(maya, event=event(n)) for n in range(3))
    assert chosen.choose(chosen.page().slots[0]).code == 303
    disable(center, disabled)
    assert [status_of(link) for link in (open_link, chosen, disabled)] == ["open", "completed", "disabled"]
    center.clock.now = END
    assert [status_of(link) for link in (open_link, chosen, disabled)] == ["expired", "completed", "disabled"]


def event(number: int) -> dict[str, Any]:
    return {"event_id": f"interview-{number}", "summary": "Interview", "tzid": "Europe/London"}


@pytest.mark.parametrize(
    ("asked", "boundary"),
    [
        ({"query_periods": [period(0, 8)]}, at(8)),
        ({"query_periods": [period(30, 31), period(0, 50), period(40, 45), period(2, 4)]}, at(50)),
        ({"query_periods": [period(0, 1), period(70, 80), period(5, 6)]}, at(80)),
        ({"query_periods": None, "query_slots": [{"start": wire(h)} for h in (3, 26, 9)]}, at(26)),
        ({"query_periods": None, "available_periods": [period(5, 9), period(0, 2)]}, at(9)),
    ],
    ids=["one period", "the longest is not last", "unsorted periods", "the last slot's start", "older name"],
)
def test_an_open_link_expires_at_its_very_end(center: Center, asked: dict[str, Any], boundary: int) -> None:
    maya = center.person("maya")
    link = center.create_link(maya, availability=center.query(maya, **asked))
    for now, expected in [(-1, "open"), (-0.001, "open"), (0, "expired"), (0.999, "expired"), (1, "expired")]:
        center.clock.now = boundary + now
        assert status_of(link) == expected, now


@pytest.mark.parametrize("state", ["completed", "disabled"])
def test_a_closed_link_stays_as_it_is_across_the_boundary(center: Center, state: str) -> None:
    maya = center.person("maya")
    link = center.create_link(maya)
    if state == "completed":
        link.choose(link.page().slots[0])
    else:
        disable(center, link)
    bodies = set()
    for now in (END - 1, END, END + 1, END + 1000 * HOUR):
        center.clock.now = now
        assert status_of(link) == state
        bodies.add(by_id(center, link.link_id).content)
    assert len(bodies) == 1


def test_a_link_over_the_past_is_expired_at_once(center: Center) -> None:
    maya = center.person("maya")
    past = center.query(maya, query_periods=[period(-80, -70)])
    created = center.create_link(maya, availability=past)
    assert created.created["real_time_scheduling"]["status"] == "expired"
    assert status_of(created) == "expired"


def test_a_long_notice_does_not_bring_expiry_forward(center: Center) -> None:
    maya = center.person("maya")
    link = center.create_link(maya, minimum_notice={"hours": 1000})
    center.clock.now = END - 1
    assert status_of(link) == "open"


def test_a_link_without_free_times_is_still_open(center: Center) -> None:
    maya = center.person("maya")
    link = center.create_link(maya)
    maya.event("whole-day", at(-1), at(9))
    assert link.page().slots == []
    assert status_of(link) == "open"


def test_only_a_completed_event_has_times(center: Center) -> None:
    maya = center.person("maya")
    link = center.create_link(maya)
    assert {"start", "end"}.isdisjoint(link.status()["event"])
    slot = link.page().slots[0]
    link.choose(slot)
    completed = link.status()["event"]
    assert completed["start"] == {"time": slot, "tzid": "Europe/London"}
    assert completed["end"] == {"time": wire_time(at(1)), "tzid": "Europe/London"}


def test_a_disabled_and_an_expired_event_have_no_times(center: Center) -> None:
    maya = center.person("maya")
    link, other = center.create_link(maya), center.create_link(maya)
    disable(center, link)
    center.clock.now = END
    for shown in (link, other):
        assert {"start", "end"}.isdisjoint(shown.status()["event"])


# Ids and tokens that are nobody's

HOSTILE = [
    "nothing",
    "sch_" + "0" * 24,
    "-",
    "..",
    "%00",
    "%2e%2e%2f",
    "%ff%fe",
    "%ED%A0%80",
    "a%00b",
    "%25",
    "sch_%F0%9F%98%80",
    "'%20OR%20'1'%3D'1",
    "x" * 10_000,
]


def test_an_id_or_token_that_is_nobodys_is_an_empty_404(center: Center) -> None:
    for text in HOSTILE:
        for url in (f"{PATH}/{text}", f"{PATH}?token={text}"):
            answer = center.http.get(url, headers=center.key)
            assert answer.status_code == 404, url[:60]
            assert answer.content == b""


def test_a_links_id_is_no_token_and_its_token_no_id(center: Center) -> None:
    link = center.create_link(center.person("maya"))
    assert by_id(center, link.token).status_code == 404
    assert by_token(center, link.link_id).status_code == 404
    assert by_id(center, link.link_id.upper()).status_code == 404
    assert by_token(center, link.token + "A").status_code == 404
    assert by_token(center, link.token[:-1]).status_code == 404
    assert center.http.get(f"{PATH}/{link.link_id}/", headers=center.key).status_code == 404


def test_a_percent_encoded_id_is_the_same_id(center: Center) -> None:
    link = center.create_link(center.person("maya"))
    encoded = "".join(f"%{ord(character):02X}" for character in link.link_id)
    assert center.http.get(f"{PATH}/{encoded}", headers=center.key).status_code == 200
    token = "".join(f"%{ord(character):02x}" for character in link.token)
    assert center.http.get(f"{PATH}?token={token}", headers=center.key).status_code == 200


def test_another_applications_link_is_the_same_404_as_an_unknown_one(center: Center) -> None:
    link = center.create_link(center.person("maya"))
    (_, secret), _stranger = other_application(center)
    unknown = by_id(center, "sch_" + "0" * 24)
    for foreign in (by_id(center, link.link_id, bearer(secret)), by_token(center, link.token, bearer(secret))):
        assert foreign.status_code == unknown.status_code == 404
        assert foreign.content == unknown.content == b""
        assert dict(foreign.headers) == dict(unknown.headers)


def test_a_missing_or_empty_token_is_named(center: Center) -> None:
    for query in ("", "?token=", "?token", "?id=x", "?Token=x"):
        assert faults(center.http.get(PATH + query, headers=center.key)) == {"token": ["errors.required"]}, query


def test_unknown_query_parameters_are_ignored(center: Center) -> None:
    link = center.create_link(center.person("maya"))
    plain = by_id(center, link.link_id).content
    for url in (f"{PATH}/{link.link_id}?expand=all&token=x", f"{PATH}?a[]=1&token={link.token}&b=%ff&=&&c"):
        answer = center.http.get(url, headers=center.key)
        assert answer.status_code == 200
        assert answer.content == plain


def test_a_body_sent_with_the_read_is_ignored(center: Center) -> None:
    """The Python client sends `{}` with every GET."""
    link = center.create_link(center.person("maya"))
    for body in (b"{}", b"{", b"\xff"):
        headers = {**center.key, "Content-Type": "application/json"}
        answer = center.http.request("GET", f"{PATH}/{link.link_id}", content=body, headers=headers)
        assert answer.status_code == 200
