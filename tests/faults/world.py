"""Visitors of servers that may die at any moment: what they ask for, what they were told, and what is called back."""

from __future__ import annotations

import itertools
import queue
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from slotlink.domain.event import wire_time
from slotlink.web.wire import parse_time
from tests.center import DAY, HOUR, CreatedLink, Person
from tests.faults.invariants import Truth
from tests.faults.live import Answer, LiveCenter, form_post, send
from tests.faults.mortal import Mortal
from tests.serving import Received, Receiver

LINKS_OF_A_PAIR = 800  # an hour each, eight a day


class World:
    """One database, the servers over it, an application, and its receiver of callbacks."""

    def __init__(
        self,
        folder: Path,
        receiver: Receiver,
        variables: dict[str, str],
        **options: Any,
    ) -> None:
        self.folder = folder
        self.receiver = receiver
        self.servers: list[Mortal] = []
        self._variables = variables
        first = self.another(**options)
        self.center = LiveCenter.at(first, first.environ)  # type: ignore[arg-type]
        # No connection outlives its request, as the server at its other end may not.
        self.center.http = httpx2.Client(base_url=first.url, timeout=30, headers={"Connection": "close"})  # type: ignore[assignment]
        self.acknowledged: dict[str, int] = {}  # by link, the start that its visitor was told is booked
        self.calls: dict[str, list[Received]] = {}  # by link
        self.made: list[CreatedLink] = []
        self._numbers = itertools.count()
        self._pair: list[Person] = []

    def another(self, **options: Any) -> Mortal:
        """One more server over the same database, if `options` do not say otherwise."""
        folder = self.folder / str(len(self.servers)) if self.servers else self.folder
        self.servers.append(Mortal(folder, **{**self._variables, **options}))
        return self.servers[-1]

    @property
    def server(self) -> Mortal:
        return self.servers[0]

    def request(self) -> dict[str, Any]:
        """A request for a link of two people with one slot, that nobody else asks for."""
        number = next(self._numbers)
        if number % LINKS_OF_A_PAIR == 0:
            self._pair = [self.center.person(f"{name}-{number}") for name in ("maya", "jonas")]
        day, hour = divmod(number % LINKS_OF_A_PAIR, 8)
        start = self.center.tomorrow + day * DAY + hour * HOUR
        period = {"start": wire_time(start), "end": wire_time(start + HOUR)}
        return self.center.link_request(
            *self._pair,
            event={"event_id": f"interview-{number}", "summary": "Interview", "tzid": "Europe/London"},
            availability=self.center.query(*self._pair, query_periods=[period]),
            callback_urls={"completed_url": f"{self.receiver.url}/completed"},
        )

    def link(self) -> CreatedLink:
        body = self.request()
        headers = {**self.center.key, "Idempotency-Key": body["event"]["event_id"]}
        answer = self.center.http.post("/v1/real_time_scheduling", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        self.made.append(CreatedLink(self.center, answer.json()))
        return self.made[-1]

    def visit(self, link: CreatedLink) -> Answer | None:
        """Open the page and choose; None when the server was gone before its answer."""
        try:
            post = self.form(link)
        except httpx2.TransportError:
            return None
        return post(self.server)

    def form(self, link: CreatedLink) -> Callable[[Mortal], Answer | None]:
        """The page, filled in: what posts it to a server."""
        page = link.page()
        assert page.slots, page.text
        slot = page.slots[0]
        fields = {**page.hidden, "slot": slot}

        def post(server: Mortal) -> Answer | None:
            try:
                answer = send(server.url + link.path, form_post(server.url + link.path, fields))
            except (OSError, IndexError):  # an answer without a first line is none
                return None
            if answer.code == 303:
                self.acknowledged[link.link_id] = parse_time(slot)
            return answer

        return post

    def finish(self, links: Sequence[CreatedLink]) -> None:
        """Book what is still open: another visit finds it so."""
        completed = self.truth().completed
        for link in links:
            if link.link_id not in completed:
                answer = self.visit(link)
                assert answer is not None and answer.code == 303, answer and (answer.code, answer.error)

    def truth(self) -> Truth:
        truth = Truth.of(self.server.environ)
        truth.check(self.acknowledged)
        return truth

    def check_callbacks(self, within: float = 30) -> None:
        """Every completion is called back: with one id and the same bytes, however often."""
        end = time.monotonic() + within
        while waiting := (truth := self.truth()).waiting:
            assert time.monotonic() < end, f"still not called back: {waiting}; {self.server.log()}"
            time.sleep(0.1)
        for call in drained(self.receiver.received):
            self.calls.setdefault(call.content["real_time_scheduling"]["real_time_scheduling_id"], []).append(call)
        promised = {promise.link_id: (promise.item_id, promise.body) for promise in truth.outbox}
        assert promised.keys() == truth.completed
        for link_id, promise in promised.items():
            called = {(call.headers["webhook-id"], call.body) for call in self.calls.get(link_id, [])}
            assert called == {promise}, f"{link_id} was called back as {called}, promised as {promise}"
        assert self.calls.keys() == promised.keys(), "a callback without a completion"


@contextmanager
def world_of(folder: Path, database_url: str | None, **options: Any) -> Generator[World]:
    """A world with one server, on SQLite in `folder`, or on a migrated PostgreSQL database. `options` are Mortal's."""
    receiver = Receiver()
    settings = {
        "SLOTLINK_CALLBACK_ALLOW": receiver.host,
        "SLOTLINK_CALLBACK_TIMEOUT": "1s",
        "SLOTLINK_CALLBACK_RETRIES": ",".join(["1s"] * 60),
        "SLOTLINK_LOG_FORMAT": "json",
        **({"SLOTLINK_DATABASE_URL": database_url} if database_url else {}),
    }
    world = World(folder, receiver, settings, **options)
    try:
        yield world
    finally:
        for server in world.servers:
            server.kill()
        world.center.http.close()
        receiver.close()


def drained(received: queue.Queue[Received]) -> list[Received]:
    return [received.get_nowait() for _ in range(received.qsize())]
