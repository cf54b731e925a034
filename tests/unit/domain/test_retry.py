"""When a callback is tried again."""

from slotlink.domain.retry import furthest, next_attempt_at

PAUSES = (15, 60, 300)


def test_pauses_follow_the_schedule_and_then_end() -> None:
    assert [next_attempt_at(attempts, PAUSES, 1000, 0.0) for attempts in range(1, 5)] == [1015, 1060, 1300, None]


def test_luck_adds_up_to_a_tenth_and_never_takes_away() -> None:
    assert next_attempt_at(3, PAUSES, 0, 0.999) == 330
    assert all(300 <= (next_attempt_at(3, PAUSES, 0, luck / 10) or 0) <= 330 for luck in range(10))


def test_without_pauses_there_is_one_attempt() -> None:
    assert next_attempt_at(1, (), 0, 0.5) is None


def test_a_receiver_that_asks_for_time_gets_it_up_to_the_longest_pause() -> None:
    assert next_attempt_at(1, PAUSES, 0, 0.0, retry_after=120) == 120
    assert next_attempt_at(1, PAUSES, 0, 0.999, retry_after=120) == 132
    assert next_attempt_at(2, PAUSES, 0, 0.0, retry_after=10) == 60, "never sooner than the schedule has it"
    assert next_attempt_at(1, PAUSES, 0, 0.0, retry_after=10**9) == 300
    assert next_attempt_at(1, PAUSES, 0, 0.0, retry_after=0) == 15
    assert next_attempt_at(4, PAUSES, 0, 0.0, retry_after=10) is None


def test_nothing_is_due_further_ahead_than_said() -> None:
    assert furthest(PAUSES) == 330 and furthest(()) == 0
    tries = [(attempts, luck, after) for attempts in (1, 2, 3) for luck in (0.0, 0.999) for after in (None, 10**9)]
    assert max(next_attempt_at(a, PAUSES, 0, luck, after) or 0 for a, luck, after in tries) == furthest(PAUSES)
