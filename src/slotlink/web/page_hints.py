"""What the address of a page asked for and the page could not show, as sentences for the visitor."""

from __future__ import annotations

import datetime

from slotlink.web.dates import date_text
from slotlink.web.day_view import Day
from slotlink.web.page_view import PageView

LONGEST_SHOWN = 40
"""Characters of a value that are shown back."""


def hints_of(view: PageView, chosen: Day, month: tuple[int, int]) -> list[str]:
    """`chosen` and `month`: what is shown."""
    choice, gettext = view.choice, view.words.gettext
    texts = {
        "tzid": gettext("We do not know the time zone “%(asked)s”. Times are shown in the zone above."),
        "hours": gettext("“%(asked)s” is no hour format. Choose 12 h or 24 h."),
        "date": gettext("“%(asked)s” is not a date that we can read. A day with free times is shown."),
        "month": gettext("“%(asked)s” is not a month that we can read. A month with free times is shown."),
        "locale": gettext("This page is not written in the language “%(asked)s”."),
    }
    hints = [texts[name] % {"asked": _shortened(value)} for name, value in choice.unread]
    if choice.date is not None and choice.date != chosen.date:
        text = gettext("There are no free times on %(date)s. This is the nearest day that has some.")
        hints.append(text % {"date": date_text(choice.date, "full", view.locale)})
    elif choice.month is not None and choice.month != month:
        text = gettext("There are no free times in %(month)s. This is the nearest month that has some.")
        hints.append(text % {"month": date_text(datetime.date(*choice.month, 1), "month", view.locale)})
    return hints


def _shortened(value: str) -> str:
    return value if len(value) <= LONGEST_SHOWN else f"{value[:LONGEST_SHOWN]}…"
