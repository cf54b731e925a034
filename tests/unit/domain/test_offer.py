"""The digest of an offer: the same for the same offer everywhere, another for any other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotlink.domain.offer import Offer, digest_of

NINE = 1_804_237_200
STARTS = st.lists(st.integers(-(2**40), 2**40), unique=True, max_size=6)


def test_the_digest_is_the_same_on_every_node_and_in_every_release() -> None:
    """Nodes of two releases run side by side: a page of one may be followed at the other."""
    assert digest_of([NINE, NINE + 900], partial=False) == "92e1eea6e2091086"
    assert digest_of([], partial=True) == "4bf5122f344554c5"


@given(starts=STARTS, others=STARTS, partial=st.booleans(), other_partial=st.booleans())
def test_two_offers_have_one_digest_only_if_they_are_one(
    starts: list[int], others: list[int], partial: bool, other_partial: bool
) -> None:
    same = (set(starts), partial) == (set(others), other_partial)
    assert (digest_of(starts, partial=partial) == digest_of(others, partial=other_partial)) is same


@pytest.mark.parametrize("everything_read", [True, False])
def test_an_offer_knows_its_digest(everything_read: bool) -> None:
    assert Offer([NINE], everything_read).digest == digest_of([NINE], partial=not everything_read)
