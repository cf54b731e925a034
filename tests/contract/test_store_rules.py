"""Availability rules and available periods: written by id, read back whole, and read for availability."""

from __future__ import annotations

import pytest

from slotlink.domain.rules import AvailablePeriod, StoredRule
from slotlink.errors import NotFound
from slotlink.store import available_periods, rules
from slotlink.store.available_periods import Window
from tests.contract.store import HOUR, NOW, Store

TEN, ELEVEN, TWELVE = NOW + HOUR, NOW + 2 * HOUR, NOW + 3 * HOUR
WEEKLY = [
    {"day": "friday", "start_time": "22:00", "end_time": "02:00"},
    {"day": "monday", "start_time": "09:30", "end_time": "24:00"},
    {"day": "monday", "start_time": "09:00", "end_time": "10:00"},
]
NIGHTS = StoredRule.of("nights", "Europe/London", WEEKLY, ["cal_2", "cal_1"])
ALWAYS_SHUT = StoredRule.of("a/b ~", "Etc/UTC", [], None)


async def test_a_rule_is_read_back_as_it_was_written(store: Store) -> None:
    async with store.transaction() as connection:
        maya = await store.person(connection)
        for rule in (NIGHTS, ALWAYS_SHUT):
            await rules.upsert(connection, store.application_id, maya.sub, rule, NOW)
            read = await rules.get(connection, store.application_id, maya.sub, rule.availability_rule_id)
            assert read == rule and read.weekly_periods() == rule.weekly_periods()


async def test_the_same_id_again_replaces_the_whole_rule(store: Store) -> None:
    replaced = StoredRule.of("nights", "Asia/Tokyo", WEEKLY[:1], None)
    async with store.transaction() as connection:
        maya = await store.person(connection)
        for rule in (NIGHTS, replaced):
            await rules.upsert(connection, store.application_id, maya.sub, rule, NOW)
        assert await rules.list_rules(connection, store.application_id, maya.sub) == [replaced]


async def test_rules_are_listed_in_the_order_they_were_first_made(store: Store) -> None:
    made = [StoredRule.of(name, "Etc/UTC", [], None) for name in ("c", "a", "b")]
    async with store.transaction() as connection:
        maya = await store.person(connection)
        for later, rule in enumerate([*made, made[0]]):
            await rules.upsert(connection, store.application_id, maya.sub, rule, NOW + later)
        assert await rules.list_rules(connection, store.application_id, maya.sub) == made


async def test_a_rule_belongs_to_its_account(store: Store) -> None:
    async with store.transaction() as connection:
        maya, jonas = await store.person(connection, "maya"), await store.person(connection, "jonas")
        await rules.upsert(connection, store.application_id, maya.sub, NIGHTS, NOW)
        for act in (rules.get, rules.remove):
            with pytest.raises(NotFound):
                await act(connection, store.application_id, jonas.sub, "nights")
        assert await rules.list_rules(connection, store.application_id, jonas.sub) == []
        await rules.upsert(connection, store.application_id, jonas.sub, ALWAYS_SHUT, NOW)
        await rules.remove(connection, store.application_id, maya.sub, "nights")
        with pytest.raises(NotFound):
            await rules.remove(connection, store.application_id, maya.sub, "nights")
        found = await rules.rules_of(connection, store.application_id, [maya.sub, jonas.sub])
        assert found == {jonas.sub: [ALWAYS_SHUT]}


async def test_the_same_id_again_moves_the_period(store: Store) -> None:
    async with store.transaction() as connection:
        maya = await store.person(connection)
        first = AvailablePeriod("once", TEN, ELEVEN, "Europe/Paris")
        moved = AvailablePeriod("once", ELEVEN, TWELVE, "Asia/Tokyo")
        assert not await available_periods.has(connection, store.application_id, maya.sub, "once")
        for period in (first, moved):
            await available_periods.upsert(connection, store.application_id, maya.sub, period)
            assert await available_periods.has(connection, store.application_id, maya.sub, "once")
            assert await available_periods.read_page(connection, store.application_id, maya.sub, Window(), None, 9) == [
                period
            ]


@pytest.mark.parametrize(
    ("window", "listed"),
    [
        (Window(), True),
        (Window(start=ELEVEN), True),  # ends on it
        (Window(start=ELEVEN + 1), False),
        (Window(end=TEN), False),  # starts at it
        (Window(end=TEN + 1), True),
        (Window(TEN + 60, TEN + 120), True),  # around it
    ],
)
async def test_a_window_holds_what_starts_before_its_end_and_ends_on_or_after_its_start(
    store: Store, window: Window, listed: bool
) -> None:
    async with store.transaction() as connection:
        maya, jonas = await store.person(connection, "maya"), await store.person(connection, "jonas")
        for owner in (maya, jonas):
            period = AvailablePeriod("once", TEN, ELEVEN)
            await available_periods.upsert(connection, store.application_id, owner.sub, period)
        page = await available_periods.read_page(connection, store.application_id, maya.sub, window, None, 9)
        assert len(page) == listed
        assert await available_periods.count(connection, store.application_id, maya.sub, window) == listed


async def test_pages_follow_each_other_by_start_and_id(store: Store) -> None:
    made = [AvailablePeriod(name, start, TWELVE) for start, name in ((TEN, "b"), (TEN, "c"), (ELEVEN, "a"))]
    async with store.transaction() as connection:
        maya = await store.person(connection)
        for period in reversed(made):
            await available_periods.upsert(connection, store.application_id, maya.sub, period)
        place, read = None, []
        while page := await available_periods.read_page(connection, store.application_id, maya.sub, Window(), place, 1):
            read += page
            place = (page[-1].start, page[-1].available_period_id)
    assert read == made


async def test_availability_reads_the_periods_that_overlap_its_span(store: Store) -> None:
    async with store.transaction() as connection:
        people = [await store.person(connection, name) for name in ("maya", "jonas", "ada")]
        for owner in people[:2]:
            for period in (AvailablePeriod("late", ELEVEN, TWELVE), AvailablePeriod("early", TEN, ELEVEN)):
                await available_periods.upsert(connection, store.application_id, owner.sub, period)
        asked = [owner.sub for owner in people if owner is not people[1]]

        async def found(start: int, end: int) -> dict[str, list[str]]:
            periods = await available_periods.available_periods_of(connection, store.application_id, asked, start, end)
            return {sub: [period.available_period_id for period in listed] for sub, listed in periods.items()}

        maya = people[0].sub
        assert await found(TEN, TWELVE) == {maya: ["early", "late"]}
        assert await found(ELEVEN, ELEVEN + 1) == {maya: ["late"]}, "half open: the early one has ended"
        assert await found(TEN - 60, TEN) == {}
        assert await found(TEN - 60, TEN + 1) == {maya: ["early"]}


async def test_periods_are_removed_one_or_all_and_only_the_accounts_own(store: Store) -> None:
    async with store.transaction() as connection:
        maya, jonas = await store.person(connection, "maya"), await store.person(connection, "jonas")
        for owner in (maya, jonas):
            for number in range(3):
                period = AvailablePeriod(f"p{number}", TEN, ELEVEN)
                await available_periods.upsert(connection, store.application_id, owner.sub, period)

        async def counts() -> list[int]:
            return [
                await available_periods.count(connection, store.application_id, owner.sub, Window())
                for owner in (maya, jonas)
            ]

        await available_periods.remove(connection, store.application_id, maya.sub, "p1")
        await available_periods.remove(connection, store.application_id, maya.sub, "p1")
        assert await counts() == [2, 3]
        await available_periods.remove_all(connection, store.application_id, maya.sub)
        assert await counts() == [0, 3]


async def test_whoever_has_a_period_at_all_is_known(store: Store) -> None:
    async with store.transaction() as connection:
        ruled, timed, both, neither = [await store.person(connection, name) for name in ("a", "b", "c", "d")]
        for owner in (ruled, both):
            await rules.upsert(connection, store.application_id, owner.sub, ALWAYS_SHUT, NOW)
        for owner in (timed, both):
            period = AvailablePeriod("long ago", 0, 1)
            await available_periods.upsert(connection, store.application_id, owner.sub, period)
        everybody = [owner.sub for owner in (ruled, timed, both, neither)]
        known = await available_periods.subs_with_any(connection, store.application_id, everybody)
        assert known == {timed.sub, both.sub}
        assert await available_periods.subs_with_any(connection, store.application_id, [neither.sub]) == set()
        assert await available_periods.subs_with_any(connection, store.application_id, []) == set()
