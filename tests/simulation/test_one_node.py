"""One process that owns its database, as with SQLite: it crashes at any statement, stops, and starts again."""

from __future__ import annotations

import pytest

from tests.simulation.seeds import PARTS, Flavour

ONE_NODE = Flavour("one", 1)


@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_happens_to_one_node_every_promise_holds(part: int) -> None:
    ONE_NODE.play_part(part)


def test_enough_has_happened_to_one_node() -> None:
    ONE_NODE.saw("crash", "stop", "the wall clock is set by", "disk", "duplicated", "got no answer", "lose answer")
    ONE_NODE.saw("SlotTaken", "LinkNotOpen", "StoreUnavailable", "event", "fail", "slow down", "hang", "gone", "twice")
