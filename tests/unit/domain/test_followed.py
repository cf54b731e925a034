"""What the followers of a link are told, and when its offer has to be worked out again."""

from __future__ import annotations

import pytest

from slotlink.domain.followed import WORKED_OUT_EVERY_S, AccountMark, Followed, Mark, News
from slotlink.domain.link import Link, Terms
from slotlink.domain.offer import Offer
from slotlink.domain.query import Group, Member, Query

HOUR = 3600
NINE = 1_804_237_200
NOON = NINE + 3 * HOUR
NOW = NINE - 6 * HOUR
OPEN = Mark("open", (AccountMark(1, True), None))
OFFER = Offer([NINE, NINE + HOUR], everything_read=True)


def link(notice: int = 0) -> Link:
    query = Query((Group((Member("maya"), Member("jonas")), None),), HOUR, query_periods=((NINE, NOON),))
    terms = Terms(query, "Etc/UTC", "https://application.test/", minimum_notice=notice)
    return Link("app", "sch_1", "token", "open", NOON, {}, terms, None, 0)


def followed(notice: int = 0, offer: Offer | None = OFFER, now: int = NOW) -> Followed:
    """Looked at, and worked out."""
    one = Followed(link(notice))
    one.see(OPEN)
    one.take(OPEN, offer, now)
    return one


def is_due(one: Followed, now: int) -> bool:
    return one.is_changed() or one.is_old(now)


def test_nothing_is_known_of_a_link_that_nobody_has_looked_at() -> None:
    one = Followed(link())
    assert one.news(NOW) is None and not is_due(one, NOW)


def test_a_link_that_was_looked_at_is_worked_out_and_then_told() -> None:
    one = Followed(link())
    one.see(OPEN)
    assert one.is_changed() and one.news(NOW) is None
    one.take(OPEN, OFFER, NOW)
    assert not is_due(one, NOW)
    assert one.news(NOW) == News("times", OFFER.digest)


@pytest.mark.parametrize(
    "mark",
    [
        pytest.param(Mark("open", (AccountMark(2, True), None)), id="somebody's time has changed"),
        pytest.param(Mark("open", (AccountMark(1, False), None)), id="a mirror is out of date"),
        pytest.param(Mark("open", (AccountMark(1, True), AccountMark(1, True))), id="somebody is there now"),
        pytest.param(Mark("open", (None, None)), id="somebody is gone"),
    ],
)
def test_what_was_written_is_worked_out_before_anything_is_told(mark: Mark) -> None:
    one = followed()
    one.see(mark)
    assert one.is_changed() and one.news(NOW) is None
    one.take(mark, Offer([], everything_read=False), NOW)
    assert not is_due(one, NOW)
    assert one.news(NOW) == News("times", Offer([], everything_read=False).digest)


def test_what_is_written_while_an_offer_is_worked_out_is_worked_out_too() -> None:
    one = Followed(link())
    one.see(OPEN)
    newer = Mark("open", (AccountMark(2, True), None))
    one.see(newer)
    one.take(OPEN, OFFER, NOW)  # read some time after OPEN: it may be as of the newer one, or not
    assert one.is_changed() and one.news(NOW) is None


def test_the_same_mark_again_changes_nothing() -> None:
    one = followed()
    one.see(OPEN)
    assert not is_due(one, NOW) and one.news(NOW) == News("times", OFFER.digest)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        pytest.param(NOW + WORKED_OUT_EVERY_S - 1, False, id="within a minute"),
        pytest.param(NOW + WORKED_OUT_EVERY_S, True, id="after a minute"),
        pytest.param(NOW - 1, True, id="the clock was set back"),
    ],
)
def test_time_alone_may_change_an_offer(now: int, due: bool) -> None:
    one = followed()
    assert one.is_old(now) is due
    assert (one.news(now) is None) is due


@pytest.mark.parametrize("notice", [0, HOUR])
def test_a_start_that_comes_too_near_is_taken_back_in_that_second(notice: int) -> None:
    last_moment = NINE - notice
    one = followed(notice, now=last_moment - 5)
    assert not is_due(one, last_moment)
    assert one.is_old(last_moment + 1)


def test_an_offer_of_nothing_grows_old_as_well() -> None:
    assert followed(offer=Offer([], everything_read=True)).is_old(NOW + WORKED_OUT_EVERY_S)


def test_what_cannot_be_worked_out_is_left_alone_for_a_while_and_never_told() -> None:
    one = followed(offer=None)
    assert not is_due(one, NOW) and one.news(NOW) is None
    assert one.is_old(NOW + WORKED_OUT_EVERY_S)


@pytest.mark.parametrize("state", ["completed", "disabled"])
def test_a_closed_link_is_told_as_closed_and_nothing_is_worked_out(state: str) -> None:
    one = followed()
    one.see(OPEN._replace(state=state))
    assert one.news(NOW) == News("closed", state)


def test_a_link_expires_by_the_clock_alone() -> None:
    one = followed(now=NOON - 1)
    assert one.news(NOON) == News("closed", "expired")
    assert one.news(NOON - 1) != News("closed", "expired")
