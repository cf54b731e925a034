"""The traps of `guides/engine.md` section 9 that lie in the engine, one example each. Times are h(9, 30) of one day."""

import dataclasses
from typing import Any

import pytest

from slotlink.engine import (
    ALWAYS,
    NEVER,
    AvailabilityQuery,
    Available,
    Gaps,
    Member,
    ParticipantGroup,
    Period,
    available_periods,
    available_slots,
    booked_members,
    free_gaps,
    gaps_of,
    offered_slot,
)

DAY = 1_736_899_200  # 2025-01-15T00:00:00Z
HOUR = 3600
MINUTE = 60


def h(hour: int, minute: int = 0, second: int = 0) -> int:
    return DAY + hour * HOUR + minute * MINUTE + second


def busy(*blocks: tuple[int, int]) -> Gaps:
    return free_gaps(blocks)


def everybody(*members: Member) -> tuple[ParticipantGroup, ...]:
    return (ParticipantGroup(tuple(range(len(members))), len({member.sub for member in members})),)


def asked(*members: Member, required: int | None = None, **rest: Any) -> AvailabilityQuery:
    """One group of `members`, all of them unless `required` is given, for an hour between 9:00 and 12:00."""
    groups = everybody(*members) if required is None else (ParticipantGroup(tuple(range(len(members))), required),)
    given = {"participants": groups, "required_duration": HOUR, "query_periods": (Period(h(9), h(12)),)} | rest
    return AvailabilityQuery(members=members, **given)


def starts(query: AvailabilityQuery, *, overlapping: bool = True) -> list[int]:
    return [available.start for available in available_slots(query, overlapping=overlapping)]


def spans(query: AvailabilityQuery) -> list[tuple[int, int]]:
    return [(available.start, available.end) for available in available_periods(query)]


ANN = Member("ann", ALWAYS)


# Half-open time


def test_back_to_back_is_allowed_on_both_sides() -> None:
    query = asked(Member("ann", busy((h(9), h(10)), (h(11), h(12)))))
    assert spans(query) == [(h(10), h(11))]
    assert starts(query) == [h(10)]


def test_a_meeting_may_end_where_the_query_period_ends() -> None:
    query = asked(ANN, query_periods=(Period(h(9), h(10)),))
    assert available_slots(query, overlapping=True) == [Available(h(9), h(10), (0,))]


def test_a_gap_one_second_short_is_not_offered() -> None:
    query = asked(Member("ann", busy((h(8), h(9, 30)), (h(10, 29, 59), h(13)))))
    assert spans(query) == []
    assert starts(query) == []


def test_a_gap_between_odd_seconds_that_fits_exactly_is_offered() -> None:
    query = asked(Member("ann", busy((h(8), h(10, 0, 30)), (h(11, 0, 30), h(13)))))
    assert spans(query) == [(h(10, 0, 30), h(11, 0, 30))]
    assert starts(query) == []
    requested = dataclasses.replace(query, query_periods=(), query_slots=(h(10, 0, 29), h(10, 0, 30), h(10, 0, 31)))
    assert starts(requested) == [h(10, 0, 30)]


def test_a_zero_length_event_blocks_nothing_and_splits_nothing() -> None:
    query = asked(Member("ann", busy((h(10, 30), h(10, 30)))))
    assert spans(query) == [(h(9), h(12))]


# Buffers


def test_a_buffer_keeps_distance_from_busy_time() -> None:
    query = asked(Member("ann", busy((h(10, 30), h(10, 45)))), required_duration=30 * MINUTE)
    assert spans(query) == [(h(9), h(10, 30)), (h(10, 45), h(12))]
    buffered = dataclasses.replace(query, buffer_before=10 * MINUTE, buffer_after=20 * MINUTE)
    assert spans(buffered) == [(h(9), h(10, 10)), (h(10, 55), h(12))]


def test_a_buffer_is_not_measured_against_the_edges_of_the_query() -> None:
    query = asked(ANN, buffer_before=2 * HOUR, buffer_after=2 * HOUR)
    assert spans(query) == [(h(9), h(12))]


def test_a_buffer_may_lie_outside_the_available_periods() -> None:
    query = asked(Member("ann", ALWAYS, gaps_of([Period(h(10), h(11))])), buffer_before=HOUR, buffer_after=HOUR)
    assert spans(query) == [(h(10), h(11))]


def test_a_buffer_looks_at_busy_time_past_the_edge_of_the_query() -> None:
    query = asked(Member("ann", busy((h(8), h(8, 50)), (h(12, 5), h(13)))), buffer_before=900, buffer_after=900)
    assert spans(query) == [(h(9, 5), h(11, 50))]


def test_a_zero_length_event_inside_a_buffer_blocks_nothing() -> None:
    query = asked(Member("ann", busy((h(8, 55), h(8, 55)))), buffer_before=900)
    assert spans(query) == [(h(9), h(12))]


def test_a_gap_too_short_for_its_buffers_is_dropped() -> None:
    query = asked(Member("ann", busy((h(8), h(9, 30)), (h(10, 40), h(13)))), buffer_before=HOUR, buffer_after=HOUR)
    assert spans(query) == []


def test_a_member_may_have_a_buffer_of_their_own() -> None:
    ann = Member("ann", busy((h(8), h(9))), buffer_before=0)
    bob = Member("bob", busy((h(8), h(9))), buffer_before=30 * MINUTE)
    cat = Member("cat", busy((h(8), h(9))))
    assert spans(asked(ann, buffer_before=900)) == [(h(9), h(12))]
    assert spans(asked(bob, buffer_before=900)) == [(h(9, 30), h(12))]
    assert spans(asked(cat, buffer_before=900)) == [(h(9, 15), h(12))]


def test_a_members_buffer_of_nothing_is_a_buffer_of_their_own_after_too() -> None:
    ann = Member("ann", busy((h(12), h(13))), buffer_after=0)
    bob = Member("bob", busy((h(12), h(13))), buffer_after=30 * MINUTE)
    assert spans(asked(ann, buffer_after=900)) == [(h(9), h(12))]
    assert spans(asked(bob, buffer_after=900)) == [(h(9), h(11, 30))]


# Available periods


def test_no_available_periods_named_is_unrestricted_and_an_empty_list_is_never() -> None:
    assert spans(asked(Member("ann", ALWAYS, None))) == [(h(9), h(12))]
    assert spans(asked(Member("ann", ALWAYS, NEVER))) == []


def test_available_periods_may_be_unsorted_and_touching() -> None:
    raw = (Period(h(10, 30), h(11, 30)), Period(h(9, 30), h(10, 30)), Period(h(10), h(10, 45)))
    assert spans(asked(Member("ann", ALWAYS, gaps_of(raw)), required_duration=2 * HOUR)) == [(h(9, 30), h(11, 30))]


def test_a_member_who_is_never_free_leaves_nothing() -> None:
    assert spans(asked(ANN, Member("bob", NEVER))) == []


# Query periods


def test_a_meeting_may_span_the_joint_of_touching_query_periods() -> None:
    query = asked(ANN, query_periods=(Period(h(10), h(10, 30)), Period(h(9, 30), h(10))))
    assert spans(query) == [(h(9, 30), h(10, 30))]
    assert starts(query) == [h(9, 30)]


def test_a_meeting_may_not_span_a_hole_between_query_periods() -> None:
    query = asked(ANN, query_periods=(Period(h(9), h(9, 59, 59)), Period(h(10), h(10, 59))))
    assert spans(query) == []


def test_overlapping_query_periods_give_each_slot_once() -> None:
    query = asked(ANN, query_periods=(Period(h(9), h(11)), Period(h(9), h(10, 30)), Period(h(10), h(11))))
    assert starts(query) == [h(9), h(9, 15), h(9, 30), h(9, 45), h(10)]


def test_max_results_counts_after_the_union() -> None:
    query = asked(ANN, query_periods=(Period(h(11), h(12)), Period(h(9), h(10))), max_results=1)
    assert starts(query) == [h(9)]
    assert spans(query) == [(h(9), h(10))]


# The grid


def test_starts_lie_on_quarters_of_an_hour_by_default() -> None:
    query = asked(ANN, query_periods=(Period(h(9, 7), h(10, 31)),))
    assert starts(query) == [h(9, 15), h(9, 30)]


def test_short_meetings_start_every_duration_by_default() -> None:
    query = asked(ANN, required_duration=10 * MINUTE, query_periods=(Period(h(9, 7), h(9, 40)),))
    assert starts(query) == [h(9, 10), h(9, 20), h(9, 30)]


def test_an_interval_that_does_not_divide_the_day_counts_from_the_joined_query_period() -> None:
    query = asked(
        ANN,
        start_interval=35 * MINUTE,
        query_periods=(Period(h(10), h(12)), Period(h(9, 7), h(10)), Period(h(20), h(21))),
    )
    assert starts(query) == [h(9, 7), h(9, 42), h(10, 17), h(10, 52), h(20)]


def test_an_hourly_grid_is_hourly_in_utc() -> None:
    query = asked(ANN, start_interval=HOUR, query_periods=(Period(h(9, 30), h(12, 30)),))
    assert starts(query) == [h(10), h(11)]


def test_periods_begin_on_the_grid_only_when_an_interval_was_asked_for() -> None:
    query = asked(Member("ann", busy((h(9), h(9, 7)), (h(11, 50), h(12)))))
    assert spans(query) == [(h(9, 7), h(11, 50))]
    assert spans(dataclasses.replace(query, start_interval=900)) == [(h(9, 15), h(11, 50))]


def test_a_period_without_a_start_on_the_grid_is_left_out() -> None:
    query = asked(ANN, start_interval=900, query_periods=(Period(h(9, 1), h(10, 14)), Period(h(12), h(13))))
    assert spans(query) == [(h(12), h(13))]


# Slots


def test_slots_do_not_overlap_and_the_earliest_come_first() -> None:
    query = asked(Member("ann", busy((h(10, 5), h(10, 20)))))
    assert starts(query, overlapping=False) == [h(9), h(10, 30)]
    assert starts(query) == [h(9), h(10, 30), h(10, 45), h(11)]


def test_the_next_slot_aligns_upward_after_the_end_of_the_one_before() -> None:
    query = asked(ANN, required_duration=50 * MINUTE, start_interval=20 * MINUTE)
    assert starts(query, overlapping=False) == [h(9), h(10), h(11)]


def test_slots_go_on_across_changes_of_who_is_free() -> None:
    ann = Member("ann", busy((h(10, 15), h(12))))
    query = asked(ann, Member("bob", ALWAYS), required=1)
    assert available_slots(query, overlapping=False) == [
        Available(h(9), h(10), (0, 1)),
        Available(h(10), h(11), (1,)),
        Available(h(11), h(12), (1,)),
    ]


def test_within_limits_starts_and_leaves_the_grid_where_it_was() -> None:
    query = asked(ANN, start_interval=35 * MINUTE)
    part = Period(h(9, 10), h(10, 45))
    assert [slot.start for slot in available_slots(query, overlapping=True, within=part)] == [h(9, 35), h(10, 10)]
    assert [slot.start for slot in available_slots(query, overlapping=False, within=part)] == [h(9, 35)]


def test_within_may_cut_a_joint_and_a_meeting_still_spans_it() -> None:
    query = asked(ANN, query_periods=(Period(h(9), h(10)), Period(h(10), h(11))))
    part = Period(h(9, 30), h(10))
    assert [slot.start for slot in available_slots(query, overlapping=True, within=part)] == [h(9, 30), h(9, 45)]


# Minimum notice


def test_a_start_clipped_by_the_earliest_start_aligns_upward() -> None:
    query = asked(ANN, earliest_start=h(10, 31, 7))
    assert starts(query) == [h(10, 45), h(11)]
    assert spans(query) == [(h(10, 31, 7), h(12))]
    assert spans(dataclasses.replace(query, start_interval=900)) == [(h(10, 45), h(12))]


def test_the_earliest_start_itself_is_allowed() -> None:
    assert starts(asked(ANN, earliest_start=h(11))) == [h(11)]


def test_the_earliest_start_does_not_move_a_grid_counted_from_the_query_period() -> None:
    query = asked(ANN, start_interval=35 * MINUTE, earliest_start=h(9, 20))
    assert starts(query) == [h(9, 35), h(10, 10), h(10, 45)]


def test_requested_slots_before_the_earliest_start_are_not_offered() -> None:
    query = asked(ANN, query_periods=(), query_slots=(h(9), h(10)), earliest_start=h(9, 0, 1))
    assert starts(query) == [h(10)]


def test_a_requested_slot_at_the_earliest_start_itself_is_allowed() -> None:
    query = asked(ANN, query_periods=(), query_slots=(h(9), h(9, 0, 1)), earliest_start=h(9, 0, 1))
    assert starts(query) == [h(9, 0, 1)]


# Requested slots


def test_requested_slots_come_ascending_each_once_and_ignore_the_grid() -> None:
    query = asked(ANN, query_periods=(), query_slots=(h(11, 3), h(9, 1), h(11, 3), h(9, 31)), start_interval=900)
    assert starts(query) == starts(query, overlapping=False) == [h(9, 1), h(9, 31), h(11, 3)]
    assert spans(query) == [(h(9, 1), h(10, 1)), (h(9, 31), h(10, 31)), (h(11, 3), h(12, 3))]


def test_no_requested_slots_is_nothing() -> None:
    assert starts(asked(ANN, query_periods=(), query_slots=())) == []


# Groups


def test_two_people_free_for_half_each_do_not_make_one() -> None:
    ann, bob = Member("ann", busy((h(9, 30), h(12)))), Member("bob", busy((h(8), h(9, 30))))
    query = asked(ann, bob, required=1, query_periods=(Period(h(9), h(10)),))
    assert spans(query) == []
    assert starts(query) == []


def test_everybody_who_is_free_is_listed_and_only_they() -> None:
    query = asked(ANN, Member("bob", busy((h(9), h(12)))), Member("cat", ALWAYS), required=1)
    assert available_periods(query) == [Available(h(9), h(12), (0, 2))]


def test_periods_are_cut_where_the_people_change_and_no_start_is_lost() -> None:
    query = asked(ANN, Member("bob", busy((h(10, 30), h(12)))), required=1)
    assert available_periods(query) == [
        Available(h(9), h(10, 30), (0, 1)),
        Available(h(9, 30, 1), h(12), (0,)),
    ]


def test_a_change_of_people_who_matter_to_no_group_cuts_nothing() -> None:
    bob = Member("bob", busy((h(10), h(10, 30))))
    query = asked(ANN, bob, participants=(ParticipantGroup((0,), 1),))
    assert available_periods(query) == [Available(h(9), h(12), (0,))]


def test_all_groups_must_be_satisfied_at_once() -> None:
    ann, bob = Member("ann", busy((h(9), h(10)))), Member("bob", busy((h(11), h(12))))
    query = asked(ann, bob, participants=(ParticipantGroup((0,), 1), ParticipantGroup((1,), 1)))
    assert available_periods(query) == [Available(h(10), h(11), (0, 1))]


def test_duplicate_subs_in_a_group_count_once() -> None:
    twice = asked(ANN, Member("ann", ALWAYS), required=2)
    assert spans(twice) == []
    assert available_periods(dataclasses.replace(twice, participants=(ParticipantGroup((0, 1), 1),))) == [
        Available(h(9), h(12), (0,))
    ]
    assert spans(dataclasses.replace(twice, participants=(ParticipantGroup((0, 0), 2),))) == []


def test_more_required_than_members_is_empty() -> None:
    assert spans(asked(ANN, required=2)) == []


def test_the_same_member_in_two_groups_counts_in_both_and_is_listed_once() -> None:
    query = asked(ANN, Member("bob", ALWAYS), participants=(ParticipantGroup((0,), 1), ParticipantGroup((1, 0), 2)))
    assert available_periods(query) == [Available(h(9), h(12), (0, 1))]


def test_the_same_sub_may_have_other_restrictions_in_another_group() -> None:
    members = (
        Member("ann", ALWAYS, gaps_of([Period(h(9), h(11))])),
        Member("ann", ALWAYS, gaps_of([Period(h(10), h(12))])),
    )
    query = asked(*members, participants=(ParticipantGroup((0,), 1), ParticipantGroup((1,), 1)))
    assert available_periods(query) == [Available(h(10), h(11), (0,))]


def test_a_sub_is_listed_by_its_first_place_whichever_is_free() -> None:
    members = (Member("bob", ALWAYS), Member("ann", NEVER), Member("ann", ALWAYS))
    query = asked(*members, participants=(ParticipantGroup((0, 1), 1), ParticipantGroup((2,), 1)))
    assert available_periods(query) == [Available(h(9), h(12), (0, 1))]


def test_a_period_is_not_cut_where_one_sub_goes_from_one_place_to_another() -> None:
    early = Member("ann", ALWAYS, gaps_of([Period(h(9), h(11))]))
    late = Member("ann", ALWAYS, gaps_of([Period(h(10), h(12))]))
    query = asked(early, late, required=1, query_periods=(Period(h(8), h(13)),))
    assert available_periods(query) == [Available(h(9), h(12), (0,))]


# The chosen start


def test_an_offered_start_is_accepted_and_a_neighbour_is_refused() -> None:
    query = asked(Member("ann", busy((h(10), h(10, 30)))))
    assert offered_slot(query, h(9)) == Available(h(9), h(10), (0,))
    for refused in (h(9) - 900, h(9) - 1, h(9) + 1, h(9, 15), h(10, 15), h(11, 15), h(12)):
        assert offered_slot(query, refused) is None


def test_max_results_cuts_the_list_and_forbids_no_start() -> None:
    query = asked(ANN, max_results=1)
    assert starts(query) == [h(9)]
    assert offered_slot(query, h(10)) == Available(h(10), h(11), (0,))


def test_a_greedy_slot_is_among_the_offered_starts() -> None:
    query = asked(Member("ann", busy((h(9), h(9, 20)))), required_duration=40 * MINUTE)
    for available in available_slots(query, overlapping=False):
        assert offered_slot(query, available.start) == available


# Who is booked


def booked(query: AvailabilityQuery, start: int) -> tuple[int, ...]:
    available = offered_slot(query, start)
    assert available is not None
    return booked_members(query, available)


def test_everybody_is_booked_when_all_are_required() -> None:
    assert booked(asked(ANN, Member("bob", ALWAYS)), h(9)) == (0, 1)


def test_the_first_free_members_are_booked_when_some_are_required() -> None:
    query = asked(Member("bob", NEVER), ANN, Member("cat", ALWAYS), Member("dan", ALWAYS), required=2)
    assert booked(query, h(9)) == (1, 2)


def test_a_sub_that_serves_two_groups_is_booked_once() -> None:
    members = (ANN, Member("bob", ALWAYS), Member("ann", ALWAYS))
    query = asked(*members, participants=(ParticipantGroup((0, 1), 1), ParticipantGroup((2, 1), 2)))
    assert booked(query, h(9)) == (0, 1)


def test_a_duplicate_does_not_take_the_place_of_another_member() -> None:
    query = asked(ANN, Member("ann", ALWAYS), Member("bob", ALWAYS), required=2)
    assert booked(query, h(9)) == (0, 2)


def test_nobody_is_booked_for_a_time_that_is_not_free() -> None:
    with pytest.raises(ValueError, match="free"):
        booked_members(asked(Member("ann", NEVER)), Available(h(9), h(10), (0,)))


# Queries that make no sense


@pytest.mark.parametrize(
    "wrong",
    [
        {"required_duration": 0},
        {"start_interval": 0},
        {"buffer_before": -1},
        {"buffer_after": -1},
        {"max_results": -1},
        {"participants": ()},
        {"participants": (ParticipantGroup((1,), 1),)},
        {"participants": (ParticipantGroup((-1,), 1),)},
    ],
)
def test_a_query_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        asked(ANN, **wrong)


def test_a_group_that_requires_nobody_and_a_negative_buffer_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        ParticipantGroup((0,), 0)
    with pytest.raises(ValueError, match="negative"):
        Member("ann", ALWAYS, buffer_after=-1)
