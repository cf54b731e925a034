"""A link's status, as a pure function of what is stored and the clock."""

import pytest

from slotlink.domain.link import TRANSITIONS, Link, LinkStatus, Terms, link_status
from slotlink.domain.query import Group, Member, Query

END = 1_804_266_000
QUERY = Query((Group((Member("apc_1"),)),), 3600, query_periods=((END - 7200, END),))


def link(state: str, query: Query = QUERY) -> Link:
    return Link(
        application_id="app",
        link_id="sch_1",
        token="t",
        state=state,
        expires_at=query.latest_end,
        event={},
        terms=Terms(query, "Etc/UTC", "https://application.test"),
        display_message=None,
        created_at=0,
    )


@pytest.mark.parametrize(
    ("state", "before", "at", "after"),
    [
        ("open", "open", "expired", "expired"),
        ("completed", "completed", "completed", "completed"),
        ("disabled", "disabled", "disabled", "disabled"),
    ],
)
def test_only_an_open_link_expires_from_the_second_of_its_end_on(state: str, before: str, at: str, after: str) -> None:
    assert link_status(state, END, END - 1) == before
    assert link_status(state, END, END) == at
    assert link_status(state, END, END + 1) == after
    assert link(state).status(END - 1) == before
    assert link(state).status(END) == at


@pytest.mark.parametrize("now", [0, END - 1, END, 2**40])
def test_completed_and_disabled_win_over_the_clock(now: int) -> None:
    assert link_status("completed", END, now) is LinkStatus.COMPLETED
    assert link_status("disabled", END, now) is LinkStatus.DISABLED


def test_an_unknown_state_is_refused() -> None:
    with pytest.raises(ValueError, match="pending"):
        link_status("pending", END, END - 1)


def test_a_link_expires_with_the_latest_of_its_unsorted_periods() -> None:
    query = Query(QUERY.groups, 3600, query_periods=((50, 60), (10, 90), (70, 80)))
    assert query.latest_end == 90
    assert query.first_start == 10


def test_a_link_with_query_slots_expires_with_the_start_of_the_last() -> None:
    query = Query(QUERY.groups, 3600, query_slots=(300, 900, 600))
    assert query.latest_end == 900
    assert query.first_start == 300


def test_nothing_follows_a_completed_or_a_disabled_link() -> None:
    assert {
        LinkStatus.OPEN: {LinkStatus.COMPLETED, LinkStatus.DISABLED},
        LinkStatus.COMPLETED: frozenset(),
        LinkStatus.DISABLED: frozenset(),
    } == TRANSITIONS


def test_expired_is_no_stored_state() -> None:
    assert LinkStatus.EXPIRED not in TRANSITIONS
    assert all(LinkStatus.EXPIRED not in following for following in TRANSITIONS.values())


def test_the_wire_knows_four_words_for_a_status() -> None:
    assert sorted(LinkStatus) == ["completed", "disabled", "expired", "open"]
