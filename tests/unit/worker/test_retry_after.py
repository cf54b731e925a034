"""What a receiver asks for with Retry-After: seconds or a date; nonsense is as good as nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotlink.domain.retry import seconds_of

NOW = 1_804_150_800.4  # Thu, 04 Mar 2027 09:00:00 GMT, and a bit


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0),
        ("120", 120),
        (" 120 ", 120),
        ("999999999", 999_999_999),
        ("9" * 8000, None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("Thu, 04 Mar 2027 09:02:00 GMT", 120),
        ("Thu, 04 Mar 2027 10:02:00 +0100", 120),
        ("Thursday, 04-Mar-27 09:02:00 GMT", 120),
        ("Thu, 04 Mar 2027 08:00:00 GMT", 0),
        ("Thu, 04 Mar 2027", None),
        ("Thu, 99 Mar 2027 99:99:99 GMT", None),
        ("Thu, 04 Mar 99999999999 09:02:00 GMT", None),
    ],
)
def test_a_pause_is_read_in_every_form_and_nothing_else_is_one(header: str | None, seconds: int | None) -> None:
    assert seconds_of(header, NOW) == seconds


@given(st.one_of(st.text(max_size=60), st.text("ThuMar0129:+-, GMT", max_size=40)))
def test_whatever_is_sent_is_read_or_not(header: str) -> None:
    seconds = seconds_of(header, NOW)
    assert seconds is None or seconds >= 0
