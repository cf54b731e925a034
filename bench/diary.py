"""Times that nobody has been booked for yet, each with a link of its own, and visitors who take them."""

from __future__ import annotations

import asyncio
import dataclasses
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from bench.load import request, status_of_answer
from bench.processes import LOAD_CORE, pinned
from bench.sweep import HOUR, common_starts
from bench.town import DAY, PAGE_DAYS, Town, link_request
from slotlink import app as composition
from slotlink.domain.event import wire_time
from slotlink.domain.link import Json, Link, Terms
from slotlink.services.deps import Deps
from slotlink.store import links
from slotlink.web.body import check
from slotlink.web.link_request import LinkRequest
from slotlink.web.wire import WireContext

ZONE = "Europe/London"


@dataclass(frozen=True)
class BookingEffort:
    """`bookings` a sample; `draining` of them while as many `callbacks` are delivered. `processes`: how many serve."""

    bookings: int
    draining: int
    callbacks: int
    processes: tuple[int, ...]


WHOLE_BOOKINGS = BookingEffort(bookings=60, draining=120, callbacks=200, processes=(1, 2, 4))
LEAST_BOOKINGS = BookingEffort(bookings=1, draining=2, callbacks=3, processes=(1,))


@dataclass(frozen=True)
class Opening:
    """A link, and a start at which both of its people are free."""

    link: Link
    start: int

    def form(self, deps: Deps) -> bytes:
        """The request of a visitor who books it on the link's page."""
        signer = composition._signer(deps.vault.form_keys, "form token")  # pyright: ignore[reportPrivateUsage]
        form = {
            "slot": wire_time(self.start),
            "tzid": ZONE,
            "form_token": signer.dumps([self.link.application_id, self.link.link_id]),
        }
        return request(
            f"/rts/{self.link.token}",
            method="POST",
            body=urlencode(form).encode(),
            content_type="application/x-www-form-urlencoded",
        )


class Diary:
    """The people of a town, two by two. No time of anybody is given out twice, so every booking can succeed.

    callback_url  told of every booking; None: nobody is told
    """

    def __init__(self, town: Town, callback_url: str | None = None) -> None:
        until = town.begins + PAGE_DAYS * DAY
        self._callback_url = callback_url
        self._town = town
        self._times = [
            (first, start)
            for first in range(0, len(town.subs), 2)
            for start in common_starts(town.busy[first : first + 2], town.begins, until, HOUR, HOUR)
        ]
        random.Random(2).shuffle(self._times)  # so that visitors at once sometimes want the same people
        self._made = 0

    async def open(self, deps: Deps, count: int) -> list[Opening]:
        """So many new openings."""
        opened: list[Opening] = []
        async with deps.database.transaction() as connection:
            for first, start in self._times[:count]:
                event, terms = self._asked(deps, first)
                now = int(time.time())
                link = await links.create(connection, deps.vault, self._town.application_id, event, terms, now)
                opened.append(Opening(link, start))
        del self._times[:count]
        assert len(opened) == count, "no more times in the diary"
        return opened

    def _asked(self, deps: Deps, first: int) -> tuple[Json, Terms]:
        people = slice(first, first + 2)
        asked = link_request(self._town.subs[people], self._town.calendar_ids[people], self._town.begins)
        wanted = check(LinkRequest, asked | {"selection_mode": "no_confirm"}, WireContext(deps.settings.limits, ()))
        self._made += 1
        terms = wanted.terms()
        urls = dataclasses.replace(terms.callback_urls, completed_url=self._callback_url)
        event = wanted.event_template() | {"event_id": f"interview-{id(self)}-{self._made}"}
        return event, dataclasses.replace(terms, callback_urls=urls)


@dataclass(frozen=True)
class Posted:
    """One booking over HTTP: when it was sent (`time.monotonic`), and the seconds until its answer was there."""

    began: float
    took: float


def post_all(port: int, forms: Sequence[bytes], visitors: int) -> list[Posted]:
    """Post every form once, so many at a time, each visitor over one connection. All must succeed."""
    left = iter(forms)
    posted: list[Posted] = []

    async def visit() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for form in left:
            began = time.monotonic()
            writer.write(form)
            status = await status_of_answer(reader)
            posted.append(Posted(began, time.monotonic() - began))
            assert status == 303, f"a booking was answered {status}"
        writer.close()

    async def visit_all() -> None:
        await asyncio.gather(*(visit() for _ in range(visitors)))

    with pinned(LOAD_CORE):
        asyncio.run(visit_all())
    return posted
