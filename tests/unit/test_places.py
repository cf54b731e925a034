"""Who gets a place for an attempt: a host that keeps us waiting fills its own room, never that of the others."""

from __future__ import annotations

import pytest
from tests.center import Clock

from slotlink.worker import places
from slotlink.worker.places import PER_HOST, QUICK_PLACES, REMEMBERED, SLOW_PLACES, SLOW_S, Places


@pytest.fixture
def clock() -> Clock:
    return Clock(0)


@pytest.fixture
def all_places(clock: Clock) -> Places:
    return Places(clock)


def test_a_host_has_one_place_until_it_has_accepted_something(all_places: Places) -> None:
    assert _admitted(all_places, ["new.test"] * 9) == ["new.test"]
    place = all_places.take("new.test")
    assert all_places.look().full_hosts == ["new.test"] and _admitted(all_places, ["new.test"]) == []
    all_places.heard(place, accepted=True)
    all_places.leave(place)
    assert _admitted(all_places, ["new.test"] * 9) == ["new.test"] * PER_HOST
    place = all_places.take("new.test")
    all_places.heard(place, accepted=False)
    all_places.leave(place)
    assert _admitted(all_places, ["new.test"] * 9) == ["new.test"]


def test_whoever_takes_long_leaves_the_quick_ones_their_room(all_places: Places, clock: Clock) -> None:
    taken = [all_places.take(host) for host in _hosts(QUICK_PLACES)]
    assert _admitted(all_places, ["other.test"]) == [], "nobody is known to be slow yet"
    clock.now += SLOW_S
    assert all_places.look().free == QUICK_PLACES + SLOW_PLACES - len(taken)
    assert _admitted(all_places, ["other.test"]) == ["other.test"]
    for place in taken:
        all_places.heard(place, accepted=False)
        all_places.leave(place)
    assert len(_admitted(all_places, _hosts(200))) == QUICK_PLACES + len(taken), "one for each that is known, or new"


def test_slow_hosts_share_their_own_room_alone(all_places: Places, clock: Clock) -> None:
    for host in _hosts(SLOW_PLACES + 9):
        place = all_places.take(host)
        clock.now += SLOW_S
        all_places.heard(place, accepted=True)
        all_places.leave(place)
    admitted = _admitted(all_places, _hosts(SLOW_PLACES + 9) * 3)
    assert len(admitted) == SLOW_PLACES
    for host in admitted:
        all_places.take(host)
    room = all_places.look()
    assert room.free == QUICK_PLACES and set(_hosts(SLOW_PLACES + 9)) == set(room.full_hosts)
    assert room.admits("other.test")


def test_a_slow_host_that_accepts_has_as_many_places_as_any_and_is_quick_again_at_once(
    all_places: Places, clock: Clock
) -> None:
    place = all_places.take("slow.test")
    clock.now += SLOW_S
    all_places.heard(place, accepted=True)
    all_places.leave(place)
    assert _admitted(all_places, ["slow.test"] * 9) == ["slow.test"] * PER_HOST
    place = all_places.take("slow.test")
    all_places.heard(place, accepted=True)
    all_places.leave(place)
    taken = _admitted(all_places, [*_hosts(QUICK_PLACES - 1), "slow.test", "slow.test"])
    assert len(taken) == QUICK_PLACES and taken[-1] == "slow.test", "counts among the quick ones again"


def test_a_host_is_not_slow_because_our_database_is(all_places: Places, clock: Clock) -> None:
    place = all_places.take("quick.test")
    all_places.heard(place, accepted=True)
    clock.now += 10 * SLOW_S
    assert len(_admitted(all_places, ["quick.test"] * 9)) == PER_HOST - 1
    assert len(_admitted(all_places, ["quick.test", *_hosts(QUICK_PLACES)])) == QUICK_PLACES - 1, "counts as quick"


def test_only_so_many_hosts_are_remembered(all_places: Places, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr(places, "REMEMBERED", 2)
    for host in _hosts(3):
        place = all_places.take(host)
        all_places.heard(place, accepted=True)
        all_places.leave(place)
    assert _admitted(all_places, _hosts(3) * 2) == [*_hosts(3), *_hosts(3)[1:]], "the first is as if it were new"
    assert REMEMBERED >= 1000


def _hosts(count: int) -> list[str]:
    return [f"h{number:03}.test" for number in range(count)]


def _admitted(all_places: Places, hosts: list[str]) -> list[str]:
    room = all_places.look()
    return [host for host in hosts if room.admits(host)]
