"""When a callback is tried again."""

from slotlink.domain.retry import next_attempt_at

PAUSES = (15, 60, 300)


def test_pauses_follow_the_schedule_and_then_end() -> None:
    assert [next_attempt_at(attempts, PAUSES, 1000, 0.0) for attempts in range(1, 5)] == [1015, 1060, 1300, None]


def test_luck_adds_up_to_a_tenth_and_never_takes_away() -> None:
    assert next_attempt_at(3, PAUSES, 0, 0.999) == 330
    assert all(300 <= (next_attempt_at(3, PAUSES, 0, luck / 10) or 0) <= 330 for luck in range(10))


def test_without_pauses_there_is_one_attempt() -> None:
    assert next_attempt_at(1, (), 0, 0.5) is None
