"""Two processes over one database, as with PostgreSQL: leases keep their workers apart, and nobody clears up after one
that died. They freeze for longer than a lease and come back, their clocks differ, and answers to commits get lost."""

from __future__ import annotations

import pytest

from tests.simulation.seeds import PARTS, Flavour

MANY_NODES = Flavour("many", 2)


@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_happens_to_some_nodes_every_promise_holds(part: int) -> None:
    MANY_NODES.play_part(part)


def test_enough_has_happened_to_some_nodes() -> None:
    MANY_NODES.saw("crash", "freeze", "stop", "the wall clock is set by", "duplicated", "got no answer", "lease lost")
    MANY_NODES.saw("commit kept, answer lost", "commit undone, answer lost", "booking.looked_up", "SlotTaken", "twice")
