"""Links over the API against a small model of them: any order of visits, choices, events and hours agrees with it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from slotlink.domain.event import wire_time
from tests.api.asking import at, seconds
from tests.center import HOUR, START, Center, CreatedLink

QUARTER = HOUR // 4
FIRST, LAST = at(0), at(8)
EVENT_IDS = st.sampled_from(["a", "b", "c"])
QUARTERS = st.integers(0, 31)  # of the day that every query asks about


@dataclass
class ModelLink:
    """What a link must be."""

    created: CreatedLink
    event_id: str
    start: int
    end: int
    duration: int
    notice: int
    state: str = "open"
    booked: tuple[int, int] | None = None

    def status(self, now: float) -> str:
        return "expired" if self.state == "open" and now >= self.end else self.state

    def ever(self) -> list[int]:
        """Every start that could be offered if nobody were busy and no time had passed."""
        return [start for start in range(self.start, self.end - self.duration + 1) if start % QUARTER == 0]


@dataclass
class Model:
    """One person's calendar and the links that look at it."""

    events: dict[str, tuple[int, int]] = field(default_factory=dict)
    links: list[ModelLink] = field(default_factory=list)

    def offers(self, link: ModelLink, now: float) -> list[int]:
        return [
            start
            for start in link.ever()
            if start >= int(now) + link.notice
            and all(start + link.duration <= busy or end <= start for busy, end in self.events.values())
        ]

    def write(self, event_id: str, start: int, end: int) -> None:
        """An event is where it was last written, and so say all links that booked it."""
        self.events[event_id] = (start, end)
        for link in self.links:
            if link.state == "completed" and link.event_id == event_id:
                link.booked = (start, end)


class LinkMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.center = Center(Path(self.folder.name)).__enter__()
        self.maya = self.center.person("maya")
        self.model = Model()

    def teardown(self) -> None:
        if hasattr(self, "center"):
            self.center.__exit__()
            self.folder.cleanup()

    @precondition(lambda self: len(self.model.links) < 4)
    @rule(event_id=EVENT_IDS, first=st.integers(0, 16), length=st.integers(8, 16), data=st.data())
    def create(self, event_id: str, first: int, length: int, data: Any) -> None:
        start, end = FIRST + first * QUARTER, FIRST + (first + length) * QUARTER
        duration = data.draw(st.sampled_from([15, 30, 60, 90]), label="minutes")
        notice = data.draw(st.sampled_from([0, 2]), label="hours of notice")
        asked = self.center.query(
            self.maya,
            query_periods=[{"start": wire_time(start), "end": wire_time(end)}],
            required_duration={"minutes": duration},
            start_interval={"minutes": 15},
        )
        created = self.center.create_link(
            self.maya,
            availability=asked,
            event={"event_id": event_id, "summary": "S", "tzid": "Etc/UTC"},
            minimum_notice={"hours": notice},
            selection_mode=data.draw(st.sampled_from(["confirm", "no_confirm"])),
        )
        self.model.links.append(ModelLink(created, event_id, start, end, duration * 60, notice * HOUR))

    def draw_link(self, data: Any) -> ModelLink:
        return data.draw(st.sampled_from(self.model.links), label="link")

    @precondition(lambda self: self.model.links)
    @rule(data=st.data())
    def visit(self, data: Any) -> None:
        self.look(self.draw_link(data))

    def look(self, link: ModelLink) -> None:
        page = link.created.page()
        now = self.center.clock()
        assert (page.code, page.status) == (200, link.status(now))
        offered = self.model.offers(link, now) if link.status(now) == "open" else []
        assert [seconds(slot) for slot in page.slots] == offered

    @precondition(lambda self: self.model.links)
    @rule(data=st.data(), quarter=QUARTERS, offered=st.booleans(), off_grid=st.sampled_from([0, 0, 0, 0, 60]))
    def choose(self, data: Any, quarter: int, offered: bool, off_grid: int) -> None:
        link = self.draw_link(data)
        now = self.center.clock()
        offers = self.model.offers(link, now)
        start = offers[quarter % len(offers)] if offered and offers else FIRST + quarter * QUARTER + off_grid
        token = self.token(link)
        answer = link.created.center.http.post(
            link.created.path, data={"form_token": token, "slot": wire_time(start), "confirmed": "yes"}
        )
        status = link.status(now)
        if status != "open":
            assert answer.status_code == 409
        elif start not in link.ever():
            assert answer.status_code == 422
        elif start not in offers:
            assert answer.status_code == 409
        else:
            assert answer.status_code == 303
            link.state = "completed"
            self.model.write(link.event_id, start, start + link.duration)

    def token(self, link: ModelLink) -> str:
        """A form token as a page of this link signs it: a visitor may have loaded the page at any earlier time."""
        application: Any = self.center.app
        while not hasattr(application, "state"):
            application = application._app
        signer = application.state.web.form_signer
        return str(signer.dumps([self.center.client_id, link.created.link_id]))

    @precondition(lambda self: self.model.links)
    @rule(data=st.data())
    def disable(self, data: Any) -> None:
        link = self.draw_link(data)
        answer = self.center.http.post(
            f"/v1/real_time_scheduling/{link.created.link_id}/disable",
            json={"display_message": "Filled"},
            headers=self.center.key,
        )
        if link.state == "completed":
            assert answer.status_code == 422
        else:
            assert answer.status_code == 200
            link.state = "disabled"

    @rule(seconds_later=st.sampled_from([1, 60, 14 * 60, 2 * HOUR, 7 * HOUR, 23 * HOUR]))
    def time_passes(self, seconds_later: int) -> None:
        self.it_is(self.center.clock.now + seconds_later)

    @precondition(lambda self: self.model.links)
    @rule(data=st.data(), quarter=QUARTERS, second=st.sampled_from([-1, 0, 1]))
    def time_comes_to_an_edge(self, data: Any, quarter: int, second: int) -> None:
        """The second around which a link expires, or one of its starts falls within its notice."""
        link = self.draw_link(data)
        edges = [link.end, *(start - link.notice for start in link.ever())]
        now = self.center.clock.now
        later = [edge + second for edge in edges if edge + second > now]
        if later:
            self.it_is(later[0 if quarter % 4 == 0 else quarter % len(later)])
            self.look(link)

    def it_is(self, now: float) -> None:
        self.center.clock.now = min(now, LAST + HOUR)
        self.maya.access_token = self.center.person("maya").access_token  # the old one lives for an hour

    @rule(event_id=EVENT_IDS, quarter=QUARTERS, length=st.integers(1, 8))
    def application_writes_an_event(self, event_id: str, quarter: int, length: int) -> None:
        start = FIRST + quarter * QUARTER
        self.maya.event(event_id, start, start + length * QUARTER)
        self.model.write(event_id, start, start + length * QUARTER)

    @rule(event_id=EVENT_IDS)
    def application_deletes_an_event(self, event_id: str) -> None:
        url = f"/v1/calendars/{self.maya.calendar_id}/events"
        self.center.http.request("DELETE", url, json={"event_id": event_id}, headers=self.maya.key)
        self.model.events.pop(event_id, None)

    @invariant()
    def every_link_is_as_the_model_says(self) -> None:
        if not hasattr(self, "model"):
            return
        for link in self.model.links:
            shown = link.created.status()
            assert shown["status"] == link.status(self.center.clock())
            times = [seconds(shown["event"][name]["time"]) for name in ("start", "end") if name in shown["event"]]
            assert times == list(link.booked or ())

    @invariant()
    def the_calendar_holds_the_events_of_the_model(self) -> None:
        if not hasattr(self, "model"):
            return
        found = {event["event_id"]: (seconds(event["start"]), seconds(event["end"])) for event in self.maya.events()}
        assert found == self.model.events


TestLinkMachine = LinkMachine.TestCase
TestLinkMachine.settings = settings(
    max_examples=12,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # shrinking takes minutes: add Phase.shrink by hand when it fails
    database=None,
    suppress_health_check=list(HealthCheck),
)


def test_the_model_offers_what_it_should() -> None:
    """The model itself, by hand, so that two equal mistakes do not cancel out."""
    link = ModelLink(None, "a", at(0), at(2), HOUR, 0)  # type: ignore[arg-type]
    model = Model({"x": (at(1.5), at(3))})
    assert model.offers(link, START) == [at(0), at(0.25), at(0.5)]
    assert model.offers(link, at(0) + 1) == [at(0.25), at(0.5)]
    assert [link.status(now) for now in (at(2) - 1, at(2))] == ["open", "expired"]
