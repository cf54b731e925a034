"""Who asks the nodes for something: visitors and the application. Each knows what it was told, and holds us to it.

What a node is asked runs there as its handlers would run it; requests and answers get lost on the way (`World.ask`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from slotlink.domain.event import EventTime
from slotlink.domain.link import Link, LinkStatus
from slotlink.errors import (
    InvalidRequest,
    LinkNotOpen,
    OutcomeUnknown,
    SlotNotOffered,
    SlotTaken,
    StillRunning,
    StoreUnavailable,
)
from slotlink.services import callbacks
from slotlink.services.booking import Offer, book_slot, find_offer
from slotlink.services.events import delete_event, write_event
from slotlink.services.links import create_link, disable_link, tell_no_times
from slotlink.store import links
from slotlink.web.auth import Caller
from slotlink.web.idempotency import once
from tests.center import HOUR
from tests.simulation.image import WINDOW, Person, image, link_requests
from tests.simulation.node import Lost, Node
from tests.simulation.scheduling_rules import free_starts
from tests.simulation.world import World

NO_ANSWER = (Lost, StoreUnavailable)


@dataclass
class Told:
    """What clients were told in a run, to be held against what is there in the end."""

    booked: dict[str, tuple[int, str]] = field(default_factory=dict)  # by link: start, whose
    disabled: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)  # attempts that were told that nothing was booked
    created: dict[str, set[str]] = field(default_factory=dict)  # by idempotency key: the links told of


async def visit(world: World, told: Told, link: Link, name: str) -> None:
    """Look, or come with a page opened long ago; book; look again when that was refused."""
    luck = world.luck
    await asyncio.sleep(luck.uniform(0, 3))
    wanted = luck.choice(range(WINDOW[0], WINDOW[1] - HOUR + 1, HOUR // 2)) if luck.random() < 0.4 else None
    for attempt in range(3):
        await asyncio.sleep(luck.uniform(0, 1))
        if wanted is None:
            try:
                status, offer = await world.ask(lambda node: _look(world, node, link.token))
                if offer is None:
                    world.note(name, "sees", status)
                    return
                if not offer.starts:
                    await world.ask(lambda node: _tell_no_times(node, link.token, name))
                    return
            except NO_ANSWER:
                continue
            wanted = luck.choice(offer.starts[:3])
        clicks = 2 if luck.random() < 0.15 else 1
        answers = await asyncio.gather(
            *(_choose(world, told, link, wanted, f"{name}/{attempt}.{click}") for click in range(clicks))
        )
        if "done" in answers:
            return
        if "taken" in answers:
            wanted = None  # looks again


async def _choose(world: World, told: Told, link: Link, start: int, whose: str) -> str:
    """Book, as `whose`: that goes with the booking, and so tells which request made it."""
    try:
        await world.ask(lambda node: _book(world, node, link.token, start, whose))
    except (Lost, OutcomeUnknown):
        world.note(whose, "got no answer")
        return "again"
    except (SlotTaken, LinkNotOpen, StoreUnavailable, SlotNotOffered) as error:
        world.note(whose, type(error).__name__)
        told.refused.add(whose)
        return {LinkNotOpen: "done", StoreUnavailable: "again"}.get(type(error), "taken")
    world.note(whose, "booked", start)
    kept = world.rows.bookings.get(link.link_id)
    if kept is None or (kept.start_at, kept.tzid) != (start, whose):
        world.broken(f"I5: {whose} was told of a booking at {start}, and there is {kept}")
    told.booked[link.link_id] = (start, whose)
    return "done"


async def _look(world: World, node: Node, token: str) -> tuple[LinkStatus, Offer | None]:
    now, changes = int(node.clock()), world.schedule_changes
    async with node.deps.database.reading() as connection:
        link = await links.get_for_visitor(connection, node.deps.vault, token)
    if link.status(now) is not LinkStatus.OPEN:
        return link.status(now), None
    offer = await find_offer(node.deps, link, now)
    if world.schedule_changes == changes:
        free = free_starts(world.rows, world.rows.links[link.link_id], now, world.calendars)
        if offer.starts != free:
            world.broken(f"I2: {link.link_id} offers {offer.starts} at {now}, and free is {free}")
    return LinkStatus.OPEN, offer


async def _book(world: World, node: Node, token: str, start: int, whose: str) -> None:
    now = int(node.clock())
    async with node.deps.database.reading() as connection:
        link = await links.get_for_visitor(connection, node.deps.vault, token)
    if link.status(now) is not LinkStatus.OPEN:
        raise LinkNotOpen(link.status(now))
    changes = world.schedule_changes
    try:
        await book_slot(node.deps, link, start, visitor_tzid=whose, now=now)
    except (SlotTaken, SlotNotOffered):
        free = free_starts(world.rows, world.rows.links[link.link_id], now, world.calendars)
        if world.schedule_changes == changes and start in free:
            world.broken(f"{link.link_id} was refused {start} at {now}, and that is free")
        raise


async def _tell_no_times(node: Node, token: str, note: str) -> bool:
    async with node.deps.database.reading() as connection:
        link = await links.get_for_visitor(connection, node.deps.vault, token)
    return await tell_no_times(
        node.deps, link, "no_times_suitable", visitor_tzid="Etc/UTC", note=note, now=int(node.clock())
    )


async def disable(world: World, told: Told, link: Link) -> None:
    for attempt in range(4):
        try:
            await world.ask(lambda node, text=f"closed {attempt}": _disable(node, link.link_id, text))
        except NO_ANSWER:
            await asyncio.sleep(1)
            continue
        except InvalidRequest:
            if world.rows.links[link.link_id].state != "completed":
                world.broken(f"I7: {link.link_id} could not be disabled, and is not completed")
            return
        told.disabled.add(link.link_id)
        if world.rows.links[link.link_id].state != "disabled":
            world.broken(f"I7: {link.link_id} was disabled, and is not")
        return


async def _disable(node: Node, link_id: str, text: str) -> Link:
    return await disable_link(node.deps, image().application_id, link_id, text, int(node.clock()))


async def read_status(world: World, link: Link) -> None:
    """By id and by token, on any node: both as it was at some moment between the question and the answer."""
    before = world.rows.links[link.link_id]
    try:
        by_id, by_token = await world.ask(lambda node: _read(node, link))
    except NO_ANSWER:
        return
    after = world.rows.links[link.link_id]
    for seen in (by_id, by_token):
        state = "open" if seen["status"] == "expired" else seen["status"]
        if state not in (before.state, after.state):
            world.broken(f"I8: {link.link_id} was read as {state}, and went from {before.state} to {after.state}")
    if before == after and by_id != by_token:
        world.broken(f"I8: {link.link_id} is {by_id} by its id, and {by_token} by its token")


async def _read(node: Node, link: Link) -> tuple[dict[str, Any], dict[str, Any]]:
    now = int(node.clock())
    async with node.deps.database.reading() as connection:
        by_id = await links.get(connection, node.deps.vault, link.application_id, link.link_id)
    async with node.deps.database.reading() as connection:
        by_token = await links.get_by_token(connection, node.deps.vault, link.application_id, link.token)
    for each in (by_id, by_token):
        if (each.status(now) is LinkStatus.EXPIRED) != (each.state == "open" and now >= each.terms.query.latest_end):
            node.world.broken(f"I6: {each.link_id} is {each.status(now)} at {now}")
    return callbacks.link_object(node.deps, by_id, now), callbacks.link_object(node.deps, by_token, now)


async def change_calendar(world: World, person: Person, event_id: str, start: int | None) -> None:
    """Write the event, or delete it (`start` None). Sent again when no answer came."""
    for _ in range(3):
        try:
            await world.ask(lambda node: _change(node, person, event_id, start))
        except NO_ANSWER:
            await asyncio.sleep(0.5)
            continue
        world.note("event", event_id, start)
        return


async def _change(node: Node, person: Person, event_id: str, start: int | None) -> None:
    where, now = (node.deps, image().application_id, person.sub, person.calendar_id, event_id), int(node.clock())
    if start is None:
        await delete_event(*where, now)
    else:
        await write_event(*where, {"summary": "Moved"}, EventTime(start, start + HOUR, "Etc/UTC"), now)


async def create(world: World, told: Told, key: str) -> None:
    """Make a link under an idempotency key, asking until there is an answer."""
    of, (event, terms) = image().application_id, world.luck.choice(link_requests(image().people))

    async def make(node: Node) -> str:
        async def act() -> Response:
            link = await create_link(node.deps, of, {**event, "summary": key}, terms, int(node.clock()))
            return JSONResponse({"link_id": link.link_id})

        answer = await once(_request(node, key), Caller(of, None), {"key": key}, act)
        return bytes(answer.body).decode()

    for _ in range(5):
        try:
            answer = await world.ask(make)
        except (*NO_ANSWER, StillRunning):
            await asyncio.sleep(0.5)
            continue
        told.created.setdefault(key, set()).add(answer)
        return


def _request(node: Node, key: str) -> Request:
    """As much of a request as `once` reads."""
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/real_time_scheduling",
        "headers": [(b"idempotency-key", key.encode())],
        "app": SimpleNamespace(state=SimpleNamespace(web=node.web)),
    }
    return Request(scope)
