"""Dates and times as words of a language: everything the page prints about time, except zones (`zones.py`).

Texts are remembered, because a page prints the same few hundred again and again and Babel takes its time.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time, get_day_names, get_time_format
from babel.lists import format_list
from babel.units import format_unit
from markupsafe import Markup

WRITTEN_LANGUAGES = frozenset({"en"})
"""Languages in which the page's own words exist."""

FALLBACK_LOCALE = "en_GB"
"""For everybody else: English words, but day before month, 24 hours and weeks from Monday, as in most of the world."""

Hours = Literal[12, 24]
DateStyle = Literal["weekday", "full", "day", "day_year", "month", "cell", "short_weekday"]


@lru_cache(maxsize=256)
def page_locale(name: str) -> Locale:
    """The locale in which a page answers a visitor who asked for `name` ("en-GB", "pt_BR"). Never raises."""
    try:
        locale = Locale.parse(name.replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        return Locale.parse(FALLBACK_LOCALE)
    return locale if locale.language in WRITTEN_LANGUAGES else Locale.parse(FALLBACK_LOCALE)


def hours_of(locale: Locale) -> Hours:
    """The hour format that people of this locale write."""
    pattern = str(get_time_format("short", locale=locale).pattern)
    return 12 if re.search("[hK]", pattern) else 24


@lru_cache(maxsize=8192)
def time_text(minute: int, hours: Hours, locale: Locale) -> str:
    """`minute` counts from midnight on the clock: 840 is "14:00" or "2:00 pm"."""
    time = datetime.time(minute // 60, minute % 60)
    if hours == 24:
        return str(format_time(time, "HH:mm", locale=locale))
    return str(format_skeleton("hm", datetime.datetime.combine(datetime.date(2000, 1, 1), time), locale=locale))


@lru_cache(maxsize=8192)
def date_text(date: datetime.date, style: DateStyle, locale: Locale) -> str:
    """weekday "Tuesday 9 March", full "Tuesday 9 March 2027", day "9 March", day_year "9 March 2027",
    month "March 2027", cell "9", short_weekday "Tue"."""
    return str(format_date(date, _pattern(style, locale), locale=locale))


@lru_cache(maxsize=256)
def _pattern(style: DateStyle, locale: Locale) -> str:
    day_first = _skeleton("MMMMd", locale).startswith("d")
    match style:
        case "cell":
            return "d"
        case "short_weekday":
            return "EEE"
        case "month":
            return _skeleton("yMMMM", locale)
        case "day":
            return _skeleton("MMMMd", locale)
        case "day_year":
            return "d MMMM y" if day_first else str(locale.date_formats["long"].pattern)
        case "weekday":
            return "EEEE d MMMM" if day_first else re.sub(r"[,\s]*y+", "", str(locale.date_formats["full"].pattern))
        case "full":
            return "EEEE d MMMM y" if day_first else str(locale.date_formats["full"].pattern)


def _skeleton(name: str, locale: Locale) -> str:
    return str(locale.datetime_skeletons[name].pattern)


@lru_cache(maxsize=64)
def weekday_names(locale: Locale) -> tuple[tuple[str, str], ...]:
    """Seven pairs (short, full) from the day on which the locale's week starts."""
    short, full = get_day_names("abbreviated", locale=locale), get_day_names("wide", locale=locale)
    days = [(locale.first_week_day + offset) % 7 for offset in range(7)]
    return tuple((str(short[day]), str(full[day])) for day in days)


@lru_cache(maxsize=256)
def duration_text(seconds: int, locale: Locale) -> str:
    """ "45 minutes", "1 hour, 30 minutes". Under a minute counts as nothing: meetings are whole minutes."""
    hours, minutes = divmod(seconds // 60, 60)
    parts: list[str] = []
    if hours:
        parts.append(str(format_unit(hours, "duration-hour", "long", locale=locale)))
    if minutes or not hours:
        parts.append(str(format_unit(minutes, "duration-minute", "long", locale=locale)))
    return str(format_list(parts, style="unit", locale=locale))


def people_text(names: Sequence[str], style: Literal["standard", "unit"], locale: Locale) -> Markup:
    """ "Maya and Jonas" (standard) or "Maya, Jonas" (unit), each name escaped and kept apart from its neighbours."""
    isolated = [str(Markup("<bdi>{}</bdi>").format(name)) for name in names]
    joined = format_list(isolated, style=style, locale=locale)
    return Markup(joined)  # noqa: S704 - the names are escaped above, and what joins them is CLDR's
