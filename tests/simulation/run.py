"""One run: what happens in it is drawn from its seed. Played, drained, and held against everything it promised."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.center import DAY, HOUR
from tests.simulation import actors
from tests.simulation.actors import Told
from tests.simulation.image import HOSTS, WINDOW, image
from tests.simulation.predictable import predictable
from tests.simulation.receivers import MOODS
from tests.simulation.remembered import remembering
from tests.simulation.virtual_loop import Stuck
from tests.simulation.world import World

BUSY_S = 8.0  # faults happen in this time; then they end
DRAINED_S = 200.0  # after which nothing may be left to do


class Broken(AssertionError):
    """A run in which something promised did not hold."""


@dataclass(frozen=True)
class Played:
    digest: str  # of everything that happened, and when
    happened: Counter[str]  # how often each kind of thing did


def play(seed: str, nodes: int, *, show: bool = False) -> Played:
    """Play one run. Raises Broken, with the way to play it again."""
    world = World(seed, nodes)
    ids = Random(f"ids {seed}")
    told = Told()
    with predictable(ids, world.wall_here, world.loop.time, world.logged), remembering():
        try:
            world.loop.run_until_complete(_story(world, told))
        except Stuck:
            world.broken("everybody waits for ever")
        except Exception as error:
            world.broken(f"unexpected: {error!r}")
        digest = hashlib.sha256(repr((world.trace, world.loop.rounds)).encode()).hexdigest()
        world.finish()
    if show:
        print("\n".join(" ".join(map(str, line)) for line in world.trace))
    if world.wrong:
        tail = "\n".join(" ".join(map(str, line)) for line in world.trace[-12:])
        raise Broken(
            f"{world.wrong[0]}\nplay it again, with everything that happened: "
            f"SLOTLINK_SIMULATION_SEED={seed} pytest -s tests/simulation\n...\n{tail}"
        )
    happened = Counter(word for line in world.trace for word in line[1:] if isinstance(word, str))
    happened += Counter(item.state for item in world.rows.outbox.values())
    return Played(digest, happened)


async def _story(world: World, told: Told) -> None:
    luck = world.luck
    for node in world.nodes:
        if len(world.nodes) > 1:
            node.loses_commits = luck.choice((0, 0, 0.03))
            node.clock_ahead = luck.uniform(0, 5)
        world.outside(world.restart(node, 0))
    for host in HOSTS:
        world.receivers.moods[host] = luck.choice(list(MOODS))
    world.clock_set_by = luck.choice((0, 0, 1.5 * HOUR, 4 * HOUR))  # a day later, links have half or wholly expired
    world.slowness = luck.choice((0.05, 0.2, 0.5))
    if luck.random() < 0.5:
        world.request_loss, world.answer_loss = luck.uniform(0, 0.2), luck.uniform(0, 0.3)
        world.duplication = luck.choice((0, 0.15))
    faults = asyncio.ensure_future(_faults(world))
    await asyncio.sleep(0.1)
    await asyncio.gather(*_cast(world, told))
    await faults
    await _drain(world)
    _hold_against(world, told)


def _cast(world: World, told: Told) -> list[Coroutine[Any, Any, Any]]:
    """Who does what: visitors of two links that may share people, and the application behind them."""
    luck = world.luck
    chosen = luck.sample(image().links, 2)
    play: list[Coroutine[Any, Any, Any]] = []
    for number in range(luck.choice((2, 2, 3))):
        play.append(actors.visit(world, told, chosen[number % len(chosen)], f"visitor {number}"))
    for _ in range(luck.choice((1, 2))):
        play.append(_at(world, 6, actors.read_status, world, luck.choice(chosen)))
    if luck.random() < 0.25:
        play.append(_at(world, 5, actors.disable, world, told, luck.choice(chosen)))
    for _ in range(luck.choice((0, 0, 1, 2))):
        person = luck.choice(list(image().people.values()))
        event_id = luck.choice([link.event["event_id"] for link in chosen] * 2 + ["lunch"])
        start = luck.choice((None, *range(WINDOW[0], WINDOW[1], HOUR // 2)))
        play.append(_at(world, 7, actors.change_calendar, world, person, event_id, start))
    if luck.random() < 0.2:
        play.append(_at(world, 4, actors.create, world, told, "key 1"))
        play.append(_at(world, 4, actors.create, world, told, "key 1"))
    return play


async def _at(world: World, latest: float, act: Callable[..., Coroutine[Any, Any, Any]], *arguments: object) -> None:
    await asyncio.sleep(world.luck.uniform(0, latest))
    await act(*arguments)


async def _faults(world: World) -> None:
    """What breaks, while the run is busy. At the end of it everything is well again."""
    luck = world.luck
    began = world.loop.time()
    kinds = ("crash", "crash", "clock", "disk", "stop") + ("freeze",) * (5 if len(world.nodes) > 1 else 0)
    for at in sorted(luck.uniform(0, BUSY_S) for _ in range(luck.choice((0, 1, 2, 3)))):
        await asyncio.sleep(began + at - world.loop.time())
        node = luck.choice(world.nodes)
        kind = luck.choice(kinds)
        world.note("fault", kind, node.number)
        match kind:
            case "clock":
                world.set_clock(luck.choice((-DAY, -HOUR, HOUR, DAY)))
            case "disk":
                node.disk_full = True
            case "stop":
                world.outside(world.restart_cleanly(node))
            case _:  # at some statement to come
                node.freezes_for = luck.choice((3.0, luck.uniform(34, 46))) if kind == "freeze" else 0.0
                node.fuse = luck.randrange(1, 60)
    await asyncio.sleep(began + BUSY_S - world.loop.time())
    world.note("faults end")
    world.request_loss = world.answer_loss = world.duplication = 0
    for host in HOSTS:  # who was frozen for longer than a lease comes back while others deliver
        world.receivers.moods[host] = luck.choice(("well", "slow"))
    for node in world.nodes:
        node.fuse, node.disk_full, node.loses_commits = None, False, 0
        if not node.alive:
            await world.restart(node, 0)


async def _drain(world: World) -> None:
    ends = world.loop.time() + DRAINED_S
    while any(item.state == "waiting" for item in world.rows.outbox.values()):
        if world.loop.time() > ends:
            waiting = [item for item in world.rows.outbox.values() if item.state == "waiting"]
            world.broken(f"I4: {waiting[0]._replace(sealed_body=b'')} is left")
            return
        await asyncio.sleep(1.0)


def _hold_against(world: World, told: Told) -> None:
    rows = world.rows
    for link_id, (start, whose) in told.booked.items():
        booking = rows.bookings.get(link_id)
        if booking is None or (booking.start_at, booking.tzid) != (start, whose):
            world.broken(f"I5: {whose} was told of {start} on {link_id}, and there is {booking}")
    for booking in rows.bookings.values():
        if booking.tzid in told.refused and "duplicated" not in {line[1] for line in world.trace}:
            world.broken(f"{booking.tzid} was told that nothing was booked, and there is {booking}")
    for link_id in told.disabled:
        if rows.links[link_id].state != "disabled":
            world.broken(f"I7: {link_id} was disabled, and is {rows.links[link_id].state}")
    for key, answers in told.created.items():
        made = [link for link in rows.links.values() if f'"{key}"' in link.event]
        if (len(answers) != 1 or len(made) != 1) and not world.a_day_passed:
            world.broken(f"I11: {key} made {len(made)} links and was answered {answers}")
    for item in rows.outbox.values():
        if item.state == "dead":
            world.note("given up", item.item_id, item.attempts)
        if item.lease_owner is not None:
            world.broken(f"{item.item_id} is {item.state}, and {item.lease_owner} holds it")
