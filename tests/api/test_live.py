"""An open page is told within moments when what its link offers has changed, whoever changed it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from unittest.mock import patch

import pytest

from slotlink.domain.link import Link
from slotlink.domain.offer import Offer
from slotlink.services import live_offers
from slotlink.services.booking import find_offer
from slotlink.services.deps import Deps
from slotlink.web import live
from tests.api.asking import at, wire
from tests.api.following import DEADLINE_S, Following, Heard, Stream
from tests.center import START, Clock, CreatedLink, Json, Person

MINUTE = 60


@pytest.fixture
def served(on_engine: dict[str, str], tmp_path: Path) -> Generator[Following]:
    with Following(tmp_path, clock=Clock(START), **on_engine) as served:
        yield served


@pytest.fixture
def one(tmp_path: Path) -> Generator[Following]:
    """On SQLite alone: where the engine makes no difference."""
    with Following(tmp_path, clock=Clock(START)) as served:
        yield served


def rule(end_time: str) -> Json:
    weekly = {"day": "friday", "start_time": "09:00", "end_time": end_time}
    return {"availability_rule_id": "office", "tzid": "Etc/UTC", "weekly_periods": [weekly]}


def managed(served: Following) -> tuple[Person, CreatedLink]:
    """Maya, on Friday from nine to three but for lunch, and a link with her from nine to five."""
    maya = served.person("maya")
    assert served.http.post("/v1/availability_rules", json=rule("15:00"), headers=maya.key).status_code == 200
    maya.event("lunch", at(3), at(4))
    members = [{"sub": maya.sub, "managed_availability": True}]
    asked = served.query(participants=[{"members": members, "required": "all"}])
    return maya, served.create_link(maya, availability=asked)


def book(served: Following, maya: Person) -> None:
    other = served.create_link(maya, event={"event_id": "other", "summary": "Other", "tzid": "Etc/UTC"})
    assert other.choose(other.page().slots[0]).code == 303


def write_event(served: Following, maya: Person) -> None:
    maya.event("dentist", at(2), at(3))


def delete_event(served: Following, maya: Person) -> None:
    path = f"/v1/calendars/{maya.calendar_id}/events"
    assert served.http.request("DELETE", path, json={"event_id": "lunch"}, headers=maya.key).status_code == 202


def write_rule(served: Following, maya: Person) -> None:
    assert served.http.post("/v1/availability_rules", json=rule("11:00"), headers=maya.key).status_code == 200


def write_period(served: Following, maya: Person) -> None:
    body = {"available_period_id": "late", "start": wire(5), "end": wire(7)}
    assert served.http.post("/v1/available_periods", json=body, headers=maya.key).is_success


def revoke(served: Following, maya: Person) -> None:
    body = {"client_id": served.client_id, "client_secret": served.client_secret, "token": maya.refresh_token}
    assert served.http.post("/oauth/token/revoke", json=body).status_code == 200


CHANGES = [book, write_event, delete_event, write_rule, write_period, revoke]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_page_hears_of_every_change_of_what_is_offered(
    served: Following, change: Callable[[Following, Person], None]
) -> None:
    maya, link = managed(served)
    before = served.digest(link)
    with served.follow(link) as stream:
        assert stream.next() == Heard("times", before)
        change(served, maya)
        after = served.digest(link)
        assert after != before
        assert stream.next() == Heard("times", after)


def test_what_is_taken_and_given_back_is_told_twice(one: Following) -> None:
    maya, link = managed(one)
    with one.follow(link) as stream:
        before = stream.next()
        write_event(one, maya)
        taken = stream.next()
        assert taken is not None and taken.event == "times" and taken != before
        path = f"/v1/calendars/{maya.calendar_id}/events"
        assert one.http.request("DELETE", path, json={"event_id": "dentist"}, headers=maya.key).status_code == 202
        assert stream.next() == before


def test_a_page_without_times_is_followed_too(one: Following) -> None:
    maya = one.person("maya")
    maya.event("away", at(0), at(8))
    link = one.create_link(maya)
    assert not link.page().slots
    with one.follow(link) as stream:
        assert stream.next() == Heard("times", one.digest(link))
        one.http.request(
            "DELETE", f"/v1/calendars/{maya.calendar_id}/events", json={"event_id": "away"}, headers=maya.key
        )
        assert stream.next() == Heard("times", one.digest(link))
        assert link.page().slots


def test_a_page_says_where_it_is_followed(tmp_path: Path) -> None:
    with Following(tmp_path, SLOTLINK_APP_URL="https://app.test/meet") as served:
        link = served.create_link(served.person("maya"))
        text = link.page().text
        assert f' data-live="/meet{link.path}/live" data-times="{served.digest(link)}">' in text
        assert link.choose(link.page().slots[0]).code == 303
        assert "data-live" not in link.page().text


def disable(served: Following, link: CreatedLink) -> None:
    path = f"/v1/real_time_scheduling/{link.link_id}/disable"
    assert served.http.post(path, json={"display_message": "x"}, headers=served.key).status_code == 200


def complete(_served: Following, link: CreatedLink) -> None:
    assert link.choose(link.page().slots[0]).code == 303


def expire(served: Following, _link: CreatedLink) -> None:
    served.clock.now = at(8)


@pytest.mark.parametrize(
    ("close", "status"),
    [(disable, "disabled"), (complete, "completed"), (expire, "expired")],
    ids=["disabled", "completed", "expired"],
)
def test_a_page_hears_that_its_link_is_closed_and_the_stream_ends(
    served: Following, close: Callable[[Following, CreatedLink], None], status: str
) -> None:
    link = served.create_link(served.person("maya"))
    with served.follow(link) as stream, served.follow(link) as another:
        assert stream.next() == another.next()
        close(served, link)
        for each in (stream, another):
            assert each.next() == Heard("closed", status)
            assert each.next() is None
    # A browser comes by itself once more, unless its page has heard; whoever comes for the first time is told.
    with served.follow(link, Last_Event_ID="closed") as again:
        assert (again.code, again.everything()) == (204, b"")
    with served.follow(link) as first:
        assert (first.next(), first.next()) == (Heard("closed", status), None)


def test_a_start_that_comes_too_near_disappears_by_the_clock_alone(one: Following) -> None:
    link = one.create_link(one.person("maya"), minimum_notice={"hours": 2})
    one.clock.now = at(-2)
    with one.follow(link) as stream:
        before = stream.next()
        one.clock.now += 1
        after = stream.next()
        assert after not in (None, before)
        assert after == Heard("times", one.digest(link))


def test_what_was_said_is_not_said_again(one: Following) -> None:
    """An event outside of what is asked for changes an account, and no offer."""
    maya, link = managed(one)
    counted = Counted()
    with patch.object(live_offers, "find_offer", counted), one.follow(link) as stream:
        stream.next()
        maya.event("elsewhere", at(30), at(31))
        counted.wait_for(2)
        write_event(one, maya)
        assert stream.next() == Heard("times", one.digest(link))


class Counted:
    """Counts the offers that are worked out, by link, and passes them on."""

    def __init__(self) -> None:
        self.of: list[str] = []
        self._more = threading.Condition()

    async def __call__(self, deps: Deps, link: Link, now: int) -> Offer:
        offer = await find_offer(deps, link, now)
        with self._more:
            self.of.append(link.link_id)
            self._more.notify_all()
        return offer

    def wait_for(self, count: int) -> None:
        with self._more:
            assert self._more.wait_for(lambda: len(self.of) >= count, DEADLINE_S), self.of


def test_many_followers_of_one_link_cost_one_look_at_its_calendars(one: Following) -> None:
    maya, link = managed(one)
    jonas = one.person("jonas")
    other = one.create_link(jonas)
    counted = Counted()
    with patch.object(live_offers, "find_offer", counted), contextlib.ExitStack() as stack:
        streams = [stack.enter_context(one.follow(link)) for _ in range(20)]
        apart = stack.enter_context(one.follow(other))
        assert len({stream.next() for stream in streams}) == 1 and apart.next() is not None
        assert sorted(counted.of) == sorted([link.link_id, other.link_id])
        write_event(one, maya)
        told = {stream.next() for stream in streams}
        assert told == {Heard("times", one.digest(link))}
        assert counted.of.count(link.link_id) == 2 and counted.of.count(other.link_id) == 1


def test_other_methods_and_unknown_tokens_are_answered_as_elsewhere(one: Following) -> None:
    link = one.create_link(one.person("maya"))
    path = f"{link.path}/live"
    with Stream(one.address, path, "HEAD") as head:
        assert (head.code, head.everything()) == (200, b"")
        assert head.answer.headers.get_content_type() == "text/event-stream"
    posted = one.http.post(path)
    assert (posted.status_code, posted.headers["Allow"]) == (405, "GET, HEAD")
    unknown = one.http.get("/rts/AAAAAAAAAAAAAAAAAAAAAA/live")
    assert (unknown.status_code, unknown.content) == (404, b"")


def test_no_proxy_keeps_the_events_and_no_browser(one: Following) -> None:
    with one.follow(one.create_link(one.person("maya"))) as stream:
        assert stream.answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert stream.answer.headers["Cache-Control"] == "no-store"
        assert stream.answer.headers["X-Accel-Buffering"] == "no"
        assert "Content-Encoding" not in stream.answer.headers
        stream.next()
        assert stream.retry_ms is not None and 1500 <= stream.retry_ms <= 3000


def test_a_quiet_stream_is_kept_alive_and_ends_after_its_time(one: Following) -> None:
    link = one.create_link(one.person("maya"))
    with patch.object(live, "COMMENT_S", 0.05), patch.object(live, "STREAM_S", 0.5), one.follow(link) as stream:
        assert stream.next() is not None
        assert stream.next() is None
        assert stream.comments > 1
