"""Dates and times as words of a language: everything the page prints about time, except zones (`zones.py`).

Texts are remembered, because a page prints the same few hundred again and again and Babel takes its time.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time, get_day_names, get_time_format
from babel.units import format_unit
from markupsafe import Markup

from slotlink.web.words import maximised

Hours = Literal[12, 24]
DateStyle = Literal["weekday", "full", "day", "day_year", "month", "cell", "short_weekday", "short_day"]

# What separates a year from the rest of a date: a comma, "de", "年", "г."
_YEAR = re.compile(r"(?:,|\s*'de')?\s*y+(?:年|\s*'г'\.)?,?")
_COLUMN_LETTERS = 4
"""How long the name of a weekday may be above a column of the month, at 320 px."""


def hours_of(locale: Locale) -> Hours:
    """The hour format that people of this locale write."""
    pattern = re.sub("'[^']*'", "", str(get_time_format("short", locale=locale).pattern))
    return 12 if re.search("[hK]", pattern) else 24


@lru_cache(maxsize=256)
def week_start(locale: Locale) -> int:
    """The weekday with which weeks begin, 0 for Monday. A language without a region counts as where most of its
    speakers live (UTS 35): "he" has Sunday, "ar" Saturday as in Egypt."""
    language, _, territory = maximised(locale)
    return (locale if locale.territory else Locale.parse(f"{language}_{territory}")).first_week_day


def in_digits(text: str, locale: Locale) -> str:
    """The text with the digits that people of this locale write. Of our languages only Arabic has others, and only in
    some regions (CLDR: Egypt and the Mashriq, not the Maghreb, the Emirates or "ar" alone)."""
    return text.translate(_ARABIC_INDIC) if locale.default_numbering_system == "arab" else text


_ARABIC_INDIC = dict(zip(map(ord, "0123456789"), "٠١٢٣٤٥٦٧٨٩", strict=True))


def number_text(number: int, locale: Locale) -> str:
    """A count. None on the page is so large that it would be grouped."""
    return in_digits(str(number), locale)


@lru_cache(maxsize=8192)
def time_text(minute: int, hours: Hours, locale: Locale) -> str:
    """`minute` counts from midnight on the clock: 840 is "14:00", "14 h 00" or "2:00 pm"."""
    time = datetime.time(minute // 60, minute % 60)
    if hours == 24:
        return in_digits(str(format_time(time, _skeleton("Hm", locale), locale=locale)), locale)
    moment = datetime.datetime.combine(datetime.date(2000, 1, 1), time)
    return in_digits(str(format_skeleton("hm", moment, locale=locale)), locale)


@lru_cache(maxsize=8192)
def date_text(date: datetime.date, style: DateStyle, locale: Locale) -> str:
    """weekday "Tuesday 9 March", full "Tuesday 9 March 2027", day "9 March", day_year "9 March 2027",
    month "March 2027", cell "9", short_weekday "Tue", short_day "Tue 9 March"."""
    return in_digits(str(format_date(date, _pattern(style, locale), locale=locale)), locale)


@lru_cache(maxsize=1024)
def _pattern(style: DateStyle, locale: Locale) -> str:
    """CLDR's, save that English days before months go without a comma, as in the design."""
    full, long = str(locale.date_formats["full"].pattern), str(locale.date_formats["long"].pattern)
    plain = locale.language == "en" and long.startswith("d")
    match style:
        case "cell":
            return "d"
        case "short_weekday":
            return "ccc"
        case "short_day":
            return "EEE d MMMM" if plain else _skeleton("MMMEd", locale)
        case "month":
            return _skeleton("yMMMM", locale)
        case "day":
            return "d MMMM" if plain else _without_year(long)
        case "day_year":
            return "d MMMM y" if plain else long
        case "weekday":
            return "EEEE d MMMM" if plain else _without_year(full)
        case "full":
            return "EEEE d MMMM y" if plain else full


def _without_year(pattern: str) -> str:
    """CLDR has patterns of weekday, day and month for some locales only, but one with the year for each."""
    return _YEAR.sub("", pattern, count=1).strip()


def _skeleton(name: str, locale: Locale) -> str:
    return str(locale.datetime_skeletons[name].pattern)


@lru_cache(maxsize=64)
def weekday_names(locale: Locale) -> tuple[tuple[str, str], ...]:
    """Seven pairs (short, full) from the day on which the locale's week starts."""

    def names(width: Literal["wide", "abbreviated", "short", "narrow"]) -> dict[int, str]:
        found: Any = get_day_names(width, "stand-alone", locale)
        return {day: str(found[day]) for day in range(7)}

    full, widths = names("wide"), (names("abbreviated"), names("short"), names("narrow"))
    fitting = (short for short in widths if max(map(len, short.values())) <= _COLUMN_LETTERS)
    short = next(fitting, widths[-1])
    days = [(week_start(locale) + offset) % 7 for offset in range(7)]
    return tuple((short[day], full[day]) for day in days)


@lru_cache(maxsize=256)
def duration_text(seconds: int, locale: Locale) -> str:
    """ "45 minutes", "1 hour, 30 minutes". Under a minute counts as nothing: meetings are whole minutes."""
    hours, minutes = divmod(seconds // 60, 60)
    parts: list[str] = []
    if hours:
        parts.append(_quantity(hours, "duration-hour", locale))
    if minutes or not hours:
        parts.append(_quantity(minutes, "duration-minute", locale))
    return in_digits(_list(parts, _list_pattern(locale, "unit", "unit-short")), locale)


def _quantity(number: int, unit: str, locale: Locale) -> str:
    """In the long form, or in the short one where CLDR has the long one by inheritance, which Babel does not follow:
    it would print "1 duration-hour" in Dutch."""
    long = str(format_unit(number, unit, "long", locale=locale))
    return str(format_unit(number, unit, "short", locale=locale)) if unit in long else long


def people_text(names: Sequence[str], style: Literal["standard", "unit"], locale: Locale) -> Markup:
    """ "Maya and Jonas" (standard) or, in English, "Maya, Jonas" (unit), each name escaped and kept apart from its
    neighbours."""
    isolated = [str(Markup("<bdi>{}</bdi>").format(name)) for name in names]
    joined = _list(isolated, _list_pattern(locale, style))
    return Markup(joined)  # noqa: S704 - the names are escaped above, and what joins them is CLDR's


def _list_pattern(locale: Locale, *styles: str) -> Mapping[str, str]:
    """How lists are joined (UTS 35, list patterns), in the first style that the locale has. Babel's own function fails
    where a style inherits some of its patterns, as in Spanish, and repeats the last item in Arabic."""
    patterns: Any = locale.list_patterns
    found: list[dict[str, str]] = [dict(patterns[style]) for style in styles if patterns.get(style)]
    own = found[0] if found else {}
    if "end" in own and "2" not in own:
        own["2"] = own["end"]
    return {**patterns["standard"], **own}


def _list(items: Sequence[str], pattern: Mapping[str, str]) -> str:
    if len(items) < 3:
        return pattern["2"].format(*items) if len(items) == 2 else "".join(items)
    joined = pattern["start"].format(*items[:2])
    for item in items[2:-1]:
        joined = pattern["middle"].format(joined, item)
    return pattern["end"].format(joined, items[-1])
