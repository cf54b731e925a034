"""What a page writes of a day and of a slot. Made in `page_view.py`, as a page has hundreds of them."""

from __future__ import annotations

from typing import NamedTuple


class DayText(NamedTuple):
    """A day of the list or the month. Without `address` it has no times, without `number` it is outside the month."""

    number: str = ""
    is_today: bool = False
    address: str = ""
    label: str = ""  # its accessible name
    date: str = ""
    short_date: str = ""
    short_weekday: str = ""
    short_day: str = ""  # with its weekday
    free: str = ""  # how many times, in digits
    times: str = ""  # "8 times"
    unit: str = ""  # " times": what follows the digits, where it is short
    is_chosen: bool = False
    iso: str = ""


class SlotText(NamedTuple):
    """A slot's button. `zone` only on a day with two offsets, where each time must name its own."""

    value: str
    time: str
    label: str  # its accessible name
    zone: str
    date: str
    short_date: str
    short_weekday: str
    short_day: str  # with its weekday
