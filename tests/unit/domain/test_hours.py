"""What a member's hours consist of depends on what is stored and asked, never on how much of the time is looked at."""

from __future__ import annotations

from slotlink import engine
from slotlink.domain.hours import Stored, hours_of
from slotlink.domain.query import Group, Member, Query
from slotlink.domain.rules import AvailablePeriod, StoredRule
from slotlink.domain.sequence import Gap, Step, sequence_steps, work_of

MONDAY = 1_803_859_200  # 1 March 2027, 00:00 UTC
DAY = 86_400
MANAGED = Member("ann", managed_availability=True)


def rule(name: str, start: str, end: str, *calendar_ids: str) -> StoredRule:
    weekly = [{"day": "monday", "start_time": start, "end_time": end}]
    return StoredRule.of(name, "Etc/UTC", weekly, calendar_ids or None)


def test_a_stored_period_elsewhere_in_time_does_not_change_whose_calendars_count() -> None:
    """Found in review: a booking looks at less time than the page, and took other calendars to count."""
    rules = (rule("am", "09:00", "12:00", "cal_1"), rule("pm", "12:00", "17:00", "cal_2"))
    far = AvailablePeriod("far", MONDAY + 20 * DAY, MONDAY + 20 * DAY + 3600)
    page = hours_of(MANAGED, Stored(rules, (far,), has_periods=True), engine.Period(MONDAY, MONDAY + 28 * DAY))
    booking = hours_of(MANAGED, Stored(rules, (), has_periods=True), engine.Period(MONDAY, MONDAY + DAY))
    assert [hours.calendar_ids for hours in page] == [hours.calendar_ids for hours in booking]
    assert None in [hours.calendar_ids for hours in page]


def test_a_named_rule_that_is_gone_leaves_no_time_at_all() -> None:
    within = engine.Period(MONDAY, MONDAY + DAY)
    (named,) = hours_of(Member("ann", managed_availability=True, availability_rule_ids=("work",)), Stored(), within)
    assert engine.periods_of(named.restrictions[0].allowed) == ()
    (anything,) = hours_of(MANAGED, Stored(), within)
    assert anything.restrictions == ()


def test_rules_are_told_one_by_one_only_when_that_is_asked_for() -> None:
    stored = Stored((rule("am", "09:00", "12:00"), rule("pm", "13:00", "17:00")))
    within = engine.Period(MONDAY, MONDAY + DAY)
    (plain,), (told,) = hours_of(MANAGED, stored, within), hours_of(MANAGED, stored, within, in_parts=True)
    assert plain.restrictions[0].parts == ()
    assert [part.name for part in told.restrictions[0].parts] == ["am", "pm"]
    assert plain.restrictions[0].allowed is told.restrictions[0].allowed


def _step(number: int, *, ordinal: int | None) -> Step:
    query = Query((Group((Member("ann"),)),), 1800, ((MONDAY, MONDAY + 7 * DAY),))
    return Step(number, query, query, ordinal=ordinal)


def test_free_orders_are_work_even_when_little_time_is_asked_about() -> None:
    ordered = work_of([_step(number, ordinal=number) for number in range(1, 10)])
    free = work_of([_step(number, ordinal=None) for number in range(1, 10)])
    assert ordered < 25_000_000 < free


def test_a_chain_with_one_way_out_is_found_without_walking_every_start() -> None:
    """Found in review: starts that lead nowhere were walked again for every way that came by."""
    day = ((MONDAY, MONDAY + 40 * DAY),)
    group = (Group((Member("ann"),)),)
    wide = Query(group, 60, day)
    last = Query(group, 60, ((MONDAY + 40 * DAY - 60, MONDAY + 40 * DAY),))
    steps = [Step(1, wide, wide, 1), Step(2, wide, wide, 2, after=Gap(0, 0)), Step(3, wide, last, 3)]
    asked = sequence_steps(steps, lambda member: [engine.Member(member.sub, engine.ALWAYS)])
    assert asked is not None
    found = engine.available_sequences(asked, 512)
    assert len(found) == 512
    assert {sequence[1][1].start for sequence in found} == {MONDAY + 40 * DAY - 120}
