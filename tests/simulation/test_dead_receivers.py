"""Receivers that never answer do not keep the callbacks of others waiting: told by the order of deliveries, under a
virtual clock, with the production worker, its schedule and its deadline of ten seconds."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random

import pytest

from slotlink.settings import Settings
from slotlink.store import outbox
from tests.simulation.image import image
from tests.simulation.node import Node
from tests.simulation.predictable import predictable
from tests.simulation.world import World

DEFAULTS = Settings(callback_retries=(15, 60, 300, 900), callback_timeout=10)
SECONDS = 22  # two turns of a receiver that hangs for ten
Delivery = tuple[str, float, float]  # host, when it was promised, when it arrived


@pytest.mark.parametrize(("dead", "items"), [(20, 12), (60, 2)])
def test_a_healthy_receiver_is_not_delayed_by_dead_ones(dead: int, items: int) -> None:
    """Its callbacks come in while the others are being tried: each arrives at once, and in order."""
    hosts = [f"dead-{number}.test" for number in range(dead)]
    arrived = _deliver(backlog=[host for host in hosts for _ in range(items)], dead=hosts)
    healthy = [(promised, at) for host, promised, at in arrived if host == "healthy.test"]
    assert len(healthy) == SECONDS
    assert [promised for promised, _ in healthy] == sorted(promised for promised, _ in healthy)
    assert max(at - promised for promised, at in healthy) < 1.0
    turns = Counter(host for host, *_ in arrived if host != "healthy.test")
    assert set(turns) == set(hosts) and max(turns.values()) <= 3, "the dead are asked all the while, one at a time"


def test_a_slow_receiver_has_places_of_its_own_and_a_quick_one_has_several() -> None:
    """Slow is not dead: what takes two seconds is delivered while dead ones hang; a quick host's backlog goes fast."""
    hosts = [f"dead-{number}.test" for number in range(20)]
    backlog = [host for host in hosts for _ in range(8)] + ["slow.test"] * 10 + ["quick.test"] * 40
    arrived = _deliver(backlog=backlog, dead=hosts, slow=["slow.test"])
    ends = {host: [at for of, _, at in arrived if of == host] for host in ("slow.test", "quick.test")}
    assert len(ends["slow.test"]) == 10 and max(ends["slow.test"]) < 12
    assert len(ends["quick.test"]) == 40 and max(ends["quick.test"]) < 12


def _deliver(*, backlog: list[str], dead: list[str], slow: list[str] = ()) -> list[Delivery]:  # type: ignore[assignment]
    """A worker with this backlog, and then a callback a second for healthy.test."""
    world = World("dead receivers", 1)
    [node] = world.nodes
    world.receivers.moods |= dict.fromkeys(dead, "dead") | dict.fromkeys(slow, "slow")
    promised: dict[str, tuple[str, float]] = {}
    arrived: list[Delivery] = []
    world.arrived = lambda item_id, _body: arrived.append((*promised[item_id], world.loop.time()))  # type: ignore[method-assign]

    async def promise(of: Node, hosts: list[str]) -> None:
        async with of.deps.database.transaction() as connection:
            for host in hosts:
                item_id = await outbox.add(
                    connection,
                    image().vault,
                    image().application_id,
                    "",
                    f"https://{host}/",
                    host,
                    b"{}",
                    int(of.clock()),
                )
                promised[item_id] = (host, world.loop.time())
        of.deps.wake_worker()

    async def story() -> None:
        node.start()
        await asyncio.sleep(0.1)
        await node.ask(lambda of: promise(of, backlog))
        for _ in range(SECONDS):
            await asyncio.sleep(1.0)
            await node.ask(lambda of: promise(of, ["healthy.test"]))
        await asyncio.sleep(1.0)
        node.kill()

    settings = DEFAULTS.model_copy(update={"secret_keys": image().settings.secret_keys})
    node.settings = settings
    with predictable(Random(1), world.wall_here, world.loop.time, world.logged):
        world.committed = lambda *_: None  # type: ignore[method-assign]
        world.loop.run_until_complete(story())
        world.finish()
    assert world.wrong == []
    return arrived
