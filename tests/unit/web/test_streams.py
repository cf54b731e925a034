"""How many streams there may be, and whose."""

from __future__ import annotations

import contextlib

import pytest

from slotlink.settings import Settings
from slotlink.web.streams import Streams


def streams(**given: str) -> Streams:
    return Streams(Settings.model_validate(given))


def taken(of: Streams, hosts: list[str]) -> list[bool]:
    with contextlib.ExitStack() as stack:
        return [stack.enter_context(of.place(host)) for host in hosts]


def test_one_address_has_so_many() -> None:
    of = streams(limit_streams_per_address="2")
    assert taken(of, ["192.0.2.1"] * 3 + ["192.0.2.2"]) == [True, True, False, True]
    assert taken(of, ["2001:db8::1", "2001:db8::2", "2001:db8::3"]) == [True, True, False], "a /64 is one client"


def test_a_place_is_free_again_when_its_stream_ends() -> None:
    of = streams(limit_streams="1")
    with of.place("192.0.2.1") as first, of.place("192.0.2.2") as second:
        assert (first, second, of.open) == (True, False, 1)
    assert of.open == 0
    assert taken(of, ["192.0.2.2"]) == [True]


def test_a_place_is_free_again_when_its_stream_breaks() -> None:
    of = streams(limit_streams="1", limit_streams_per_address="1")
    with pytest.raises(RuntimeError, match="on purpose"), of.place("192.0.2.1"):
        raise RuntimeError("on purpose")
    assert taken(of, ["192.0.2.1"]) == [True]


def test_the_loopback_and_trusted_proxies_speak_for_many() -> None:
    of = streams(limit_streams_per_address="1", trusted_proxies="10.1.0.0/16")
    assert taken(of, ["127.0.0.1"] * 3 + ["10.1.2.3"] * 3) == [True] * 6
    assert taken(of, ["10.2.0.1"] * 2) == [True, False]


@pytest.mark.parametrize(("connections", "most"), [(1000, 500), (20, 10), (1, 1)])
def test_streams_leave_half_of_the_connections_to_pages(connections: int, most: int) -> None:
    of = streams(limit_streams="500", limit_connections=str(connections))
    assert sum(taken(of, ["127.0.0.1"] * (most + 2))) == most
