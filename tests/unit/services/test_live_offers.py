"""Followers and the one loop that looks for all of them, over marks and offers that the test makes up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from slotlink.domain.followed import GONE, WORKED_OUT_EVERY_S, AccountMark, News
from slotlink.domain.link import Link, Terms
from slotlink.domain.offer import Offer
from slotlink.domain.query import Group, Member, Query
from slotlink.errors import StoreUnavailable
from slotlink.services import live_offers
from slotlink.services.deps import Deps
from slotlink.services.live_offers import Follower, LiveOffers
from slotlink.settings import Settings
from slotlink.store import followed_links
from slotlink.store.database import open_database
from slotlink.vault import Vault

HOUR = 3600
NINE = 1_804_237_200
NOW = NINE - 6 * HOUR
DEADLINE_S = 20


def link(name: str) -> Link:
    """With one member of the same name."""
    query = Query((Group((Member(name),), None),), HOUR, query_periods=((NINE, NINE + 8 * HOUR),))
    return Link("app", name, "token", "open", NINE + 8 * HOUR, {}, Terms(query, "Etc/UTC", "https://a.test/"), None, 0)


MAYA, JONAS, ADA = link("maya"), link("jonas"), link("ada")


class World:
    """What the database would say: the version of each member, and the offer of each link, which is its version."""

    def __init__(self, deps: Deps, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = NOW
        self.versions = {"maya": 1, "jonas": 1, "ada": 1}
        self.states = dict.fromkeys(self.versions, "open")
        self.looks = 0
        self.worked_out: list[str] = []
        self.before_look: Callable[[], None] = lambda: None
        self.before_offer: dict[str, Callable[[], Any]] = {}
        self.under_way: set[str] = set()
        self.live = LiveOffers(deps, lambda: self.now, lambda: False)
        monkeypatch.setattr(live_offers, "find_offer", self._offer)
        monkeypatch.setattr(followed_links, "states", self._states)
        monkeypatch.setattr(followed_links, "account_marks", self._marks)

    async def _states(self, _connection: Any, _application: str, ids: list[str]) -> dict[str, str]:
        self.looks += 1
        self.before_look()
        return {name: self.states[name] for name in ids if name in self.states}

    async def _marks(self, _connection: Any, _application: str, subs: set[str], _now: int) -> dict[str, AccountMark]:
        return {sub: AccountMark(self.versions[sub], True) for sub in subs}

    async def _offer(self, _deps: Deps, of: Link, _now: int) -> Offer:
        name = of.link_id
        assert name not in self.under_way, "one link is worked out once at a time"
        self.under_way.add(name)
        try:
            self.worked_out.append(name)
            waiting = self.before_offer.get(name, lambda: None)()
            if waiting is not None:
                await waiting
            return self.offer(name)
        finally:
            self.under_way.discard(name)

    def offer(self, name: str) -> Offer:
        return Offer([NINE + 60 * self.versions[name]], everything_read=True)

    def times(self, name: str) -> News:
        return News("times", self.offer(name).digest)

    def change(self, *names: str) -> None:
        for name in names:
            self.versions[name] += 1
        self.live.wake()


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[World]:
    """Running, with no pause that is not asked for."""
    for name in ("PAUSE_S", "RETRY_S"):
        monkeypatch.setattr(live_offers, name, 0.0)
    monkeypatch.setattr(live_offers, "TICK_S", 0.01)
    database = open_database(f"sqlite:///{tmp_path / 'empty.db'}")
    world = World(Deps(database, Vault([b"k" * 32]), Settings()), monkeypatch)
    running = asyncio.create_task(world.live.run())
    yield world
    assert not running.done()
    running.cancel()
    await asyncio.wait([running])
    await database.close()


async def heard(follower: Follower) -> News | None:
    return await follower.next(DEADLINE_S)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not true():
            await asyncio.sleep(0.001)


def raising(error: Exception, times: int) -> Callable[[], None]:
    left = iter([error] * times)

    def act() -> None:
        for each in left:
            raise each

    return act


async def test_a_follower_hears_how_things_are_and_then_what_changes(world: World) -> None:
    with world.live.following(MAYA) as follower:
        assert await heard(follower) == world.times("maya")
        world.change("maya")
        assert await heard(follower) == world.times("maya")


async def test_what_is_another_links_change_is_not_worked_out(world: World) -> None:
    with world.live.following(MAYA) as maya, world.live.following(JONAS) as jonas:
        await heard(maya)
        await heard(jonas)
        world.worked_out.clear()
        world.change("jonas")
        assert await heard(jonas) == world.times("jonas")
        assert world.worked_out == ["jonas"]


async def test_who_comes_later_hears_without_anything_being_worked_out(world: World) -> None:
    with world.live.following(MAYA) as first:
        await heard(first)
        with world.live.following(MAYA) as second:
            assert await heard(second) == world.times("maya")
    assert world.worked_out == ["maya"]


async def test_who_comes_after_a_change_that_nobody_has_told_of_hears_how_things_are(world: World) -> None:
    with world.live.following(MAYA) as first:
        await heard(first)
        world.versions["maya"] += 1
        with world.live.following(MAYA) as second:
            assert await heard(second) == world.times("maya")
        assert await heard(first) == world.times("maya")


async def test_only_the_latest_is_kept_for_a_page_that_is_slow(world: World) -> None:
    with world.live.following(MAYA) as follower, world.live.following(MAYA) as quick:
        await heard(quick)
        for _ in range(3):
            world.change("maya")
            await heard(quick)
        assert await heard(follower) == world.times("maya")
        assert await follower.next(0) is None


async def test_a_change_and_back_is_no_news(world: World) -> None:
    with world.live.following(MAYA) as follower, world.live.following(MAYA) as quick:
        before = await heard(follower)
        await heard(quick)
        world.change("maya")
        assert await heard(quick) != before
        world.versions["maya"] -= 2
        world.change("maya")
        assert await heard(quick) == before
        assert await follower.next(0) is None


async def test_while_nobody_follows_nothing_is_read(world: World) -> None:
    async def look_away() -> int:
        world.live.wake()
        for _ in range(50):
            await asyncio.sleep(live_offers.TICK_S / 10)
        return world.looks

    assert await look_away() == 0
    with world.live.following(MAYA) as follower:
        await heard(follower)
    assert await look_away() == world.looks == 1


async def test_what_has_grown_old_is_worked_out_without_anything_written(world: World) -> None:
    with world.live.following(MAYA) as follower:
        await heard(follower)
        world.now += WORKED_OUT_EVERY_S - 1
        world.versions["maya"] += 1  # what time has changed: nobody tells of it
        assert await follower.next(5 * live_offers.TICK_S) is None
        world.now += 1
        assert await heard(follower) == world.times("maya")


@pytest.mark.parametrize("state", ["disabled", "completed"])
async def test_a_closed_link_is_told_to_all_and_forgotten(world: World, state: str) -> None:
    with world.live.following(MAYA) as one, world.live.following(MAYA) as other:
        await heard(one)
        await heard(other)
        world.states["maya"] = state
        world.live.wake()
        assert await heard(one) == await heard(other) == News("closed", state)
        looks = world.looks
        world.live.wake()
        await asyncio.sleep(5 * live_offers.TICK_S)
        assert world.looks == looks


async def test_a_link_that_is_deleted_is_unknown(world: World) -> None:
    with world.live.following(MAYA) as follower:
        await heard(follower)
        del world.states["maya"]
        world.live.wake()
        assert await heard(follower) == GONE


async def test_a_link_expires_without_anything_written(world: World) -> None:
    with world.live.following(MAYA) as follower:
        await heard(follower)
        world.now = MAYA.expires_at
        assert await heard(follower) == News("closed", "expired")


@pytest.mark.parametrize("where", ["marks", "offer"])
async def test_while_the_database_is_away_nothing_is_said_and_it_is_logged_once(world: World, where: str) -> None:
    with world.live.following(MAYA) as follower, capture_logs() as logs:
        await heard(follower)
        failing = raising(StoreUnavailable("it is away"), 5)
        if where == "marks":
            world.before_look = failing
        else:
            world.before_offer["maya"] = failing
        world.change("maya")
        assert await heard(follower) == world.times("maya")
    assert [entry["event"] for entry in logs] == ["live.store_unavailable"]


async def test_a_link_that_cannot_be_worked_out_silences_itself_alone(world: World) -> None:
    world.before_offer["maya"] = raising(RuntimeError("a bug"), 1)
    with capture_logs() as logs, world.live.following(MAYA) as maya, world.live.following(JONAS) as jonas:
        assert await heard(jonas) == world.times("jonas")
        await until(lambda: bool(logs))
        assert await maya.next(5 * live_offers.TICK_S) is None
        assert world.worked_out.count("maya") == 1, "the same again would break again"
        world.change("maya")
        assert await heard(maya) == world.times("maya")
    assert [(entry["event"], entry["link"]) for entry in logs] == [("live.broke", "maya")]


async def test_a_look_that_breaks_is_followed_by_another(world: World) -> None:
    world.before_look = raising(RuntimeError("a bug"), 2)
    with capture_logs() as logs, world.live.following(MAYA) as follower:
        assert await heard(follower) == world.times("maya")
    assert [entry["event"] for entry in logs] == ["live.broke"] * 2


async def test_what_is_written_while_a_link_is_worked_out_is_worked_out_after_it(world: World) -> None:
    go_on = asyncio.Event()
    world.before_offer["maya"] = go_on.wait
    with world.live.following(MAYA) as maya, world.live.following(JONAS) as jonas:
        await until(lambda: "maya" in world.under_way)
        await heard(jonas)
        for _ in range(3):
            looks = world.looks
            world.change("maya", "jonas")
            await until(lambda looks=looks: world.looks > looks)
            assert await heard(jonas) == world.times("jonas"), "who is slow keeps nobody else waiting"
        go_on.set()
        assert await heard(maya) == world.times("maya")
    assert world.worked_out.count("maya") == 2


async def test_links_have_their_turn_and_what_was_written_comes_before_what_has_grown_old(
    world: World,
) -> None:
    blocked = asyncio.Event()
    names = [f"link{number}" for number in range(live_offers.AT_ONCE)]
    busy = [link(name) for name in names]
    for name in names:
        world.versions[name], world.states[name] = 1, "open"
    with contextlib.ExitStack() as stack:
        everybody = [stack.enter_context(world.live.following(each)) for each in (*busy, MAYA, JONAS, ADA)]
        for follower in everybody:
            await heard(follower)
        world.before_offer = dict.fromkeys(names, blocked.wait)
        world.change(*names)
        await until(lambda: set(names) <= world.under_way)
        world.worked_out.clear()
        world.now += WORKED_OUT_EVERY_S  # all of them are old now
        await asyncio.sleep(5 * live_offers.TICK_S)
        for name in ("ada", "jonas"):
            looks = world.looks
            world.change(name)
            await until(lambda looks=looks: world.looks > looks)
            await asyncio.sleep(5 * live_offers.TICK_S)
        assert world.worked_out == []
        blocked.set()
        await heard(everybody[-1])
        await until(lambda: "maya" in world.worked_out)
        assert [name for name in world.worked_out if name not in names][:3] == ["ada", "jonas", "maya"]


async def test_a_page_that_leaves_takes_nothing_with_it(world: World) -> None:
    go_on = asyncio.Event()
    world.before_offer["maya"] = go_on.wait
    with world.live.following(MAYA):
        await until(lambda: "maya" in world.under_way)
    go_on.set()
    await until(lambda: not world.under_way)
    with world.live.following(MAYA) as follower:
        assert await heard(follower) == world.times("maya")


async def test_all_followings_end_when_the_server_stops(world: World) -> None:
    with world.live.following(MAYA) as follower:
        await heard(follower)
        waiting = asyncio.create_task(follower.next(DEADLINE_S))
        await asyncio.sleep(0)
        world.live.close()
        assert await waiting is None and follower.ended
        with world.live.following(JONAS) as late:
            assert await late.next(DEADLINE_S) is None and late.ended
