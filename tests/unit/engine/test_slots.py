"""The start grid."""

import pytest

from slotlink.engine import Period
from slotlink.engine.slots import default_interval, start_grid


@pytest.mark.parametrize("interval", [1, 45, 300, 900, 3600, 43_200, 86_400])
def test_an_interval_that_divides_the_day_lies_on_its_multiples_in_epoch_time(interval: int) -> None:
    grid = start_grid(interval, Period(1_700_000_001, 1_800_000_000))
    start = grid.at_or_after(1_700_000_001)
    assert start % interval == 0
    assert 0 <= start - 1_700_000_001 < interval


@pytest.mark.parametrize("interval", [7, 420, 2100, 7 * 3600, 2 * 86_400])
def test_any_other_interval_is_counted_from_the_start_of_the_query_period(interval: int) -> None:
    period = Period(1_700_000_001, 1_800_000_000)
    grid = start_grid(interval, period)
    assert grid.at_or_after(period.start) == period.start
    assert grid.at_or_after(period.start + 1) == period.start + interval
    assert grid.at_or_after(period.start + interval) == period.start + interval


def test_the_grid_goes_on_before_1970() -> None:
    assert start_grid(900, Period(-5000, 0)).at_or_after(-1000) == -900


def test_the_default_interval_is_the_duration_but_at_most_a_quarter_of_an_hour() -> None:
    assert default_interval(600) == 600
    assert default_interval(3600) == 900
