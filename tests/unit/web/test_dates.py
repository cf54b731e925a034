"""Dates, times and lists as CLDR 46 writes them.

All 162 values were compared on 26 November 2026 with another implementation's, ICU 78.2 with CLDR 48 (`Intl` of Node):
156 are equal. What differs: CLDR 48 has "Tuesday, 9 March 2027" in British English, "Mawrth 9" in Welsh, another comma
in Arabic durations and another "and" in Hebrew ones; Polish columns are ours, as "niedz." does not fit.
"""

from __future__ import annotations

import datetime

import pytest
from babel import Locale
from babel.localedata import locale_identifiers
from tests.pseudo import LANGUAGES

from slotlink.web.dates import (
    DateStyle,
    date_text,
    duration_text,
    hours_of,
    people_text,
    time_text,
    week_start,
    weekday_names,
)

DAY = datetime.date(2027, 3, 9)

# locale: full, weekday, day, month, 14:05 as most write it there, the first day of the week (0: Monday)
WRITTEN = {
    "ar": ("الثلاثاء، 9 مارس 2027", "الثلاثاء، 9 مارس", "9 مارس", "مارس 2027", "2:05 م", 5),
    "ar_EG": ("الثلاثاء، ٩ مارس ٢٠٢٧", "الثلاثاء، ٩ مارس", "٩ مارس", "مارس ٢٠٢٧", "٢:٠٥ م", 5),
    "ar_MA": ("الثلاثاء، 9 مارس 2027", "الثلاثاء، 9 مارس", "9 مارس", "مارس 2027", "14:05", 0),
    "cs": ("úterý 9. března 2027", "úterý 9. března", "9. března", "březen 2027", "14:05", 0),
    "cy": ("Dydd Mawrth, 9 Mawrth 2027", "Dydd Mawrth, 9 Mawrth", "9 Mawrth", "Mawrth 2027", "14:05", 0),
    "de": ("Dienstag, 9. März 2027", "Dienstag, 9. März", "9. März", "März 2027", "14:05", 0),
    "de_AT": ("Dienstag, 9. März 2027", "Dienstag, 9. März", "9. März", "März 2027", "14:05", 0),
    "en": ("Tuesday, March 9, 2027", "Tuesday, March 9", "March 9", "March 2027", "2:05 PM", 6),
    "en_GB": ("Tuesday 9 March 2027", "Tuesday 9 March", "9 March", "March 2027", "14:05", 0),
    "en_US": ("Tuesday, March 9, 2027", "Tuesday, March 9", "March 9", "March 2027", "2:05 PM", 6),
    "es": ("martes, 9 de marzo de 2027", "martes, 9 de marzo", "9 de marzo", "marzo de 2027", "14:05", 0),
    "fr": ("mardi 9 mars 2027", "mardi 9 mars", "9 mars", "mars 2027", "14:05", 0),
    "fr_CA": ("mardi 9 mars 2027", "mardi 9 mars", "9 mars", "mars 2027", "14 h 05", 6),
    "he": ("יום שלישי, 9 במרץ 2027", "יום שלישי, 9 במרץ", "9 במרץ", "מרץ 2027", "14:05", 6),
    "it": ("martedì 9 marzo 2027", "martedì 9 marzo", "9 marzo", "marzo 2027", "14:05", 0),
    "ja": ("2027年3月9日火曜日", "3月9日火曜日", "3月9日", "2027年3月", "14:05", 6),
    "nl": ("dinsdag 9 maart 2027", "dinsdag 9 maart", "9 maart", "maart 2027", "14:05", 0),
    "pl": ("wtorek, 9 marca 2027", "wtorek, 9 marca", "9 marca", "marzec 2027", "14:05", 0),
    "pt_BR": (
        *("terça-feira, 9 de março de 2027", "terça-feira, 9 de março", "9 de março", "março de 2027"),
        *("14:05", 6),
    ),
    "ru": ("вторник, 9 марта 2027 г.", "вторник, 9 марта", "9 марта", "март 2027 г.", "14:05", 0),
    "sv": ("tisdag 9 mars 2027", "tisdag 9 mars", "9 mars", "mars 2027", "14:05", 0),
    "tr": ("9 Mart 2027 Salı", "9 Mart Salı", "9 Mart", "Mart 2027", "14:05", 0),
    "zh_CN": ("2027年3月9日星期二", "3月9日星期二", "3月9日", "2027年3月", "14:05", 0),
}
DURATIONS = {
    "ar": "ساعة، و30 دقيقة",
    "ar_EG": "ساعة، و٣٠ دقيقة",
    "cs": "1 hodina a 30 minut",
    "cy": "1 awr, 30 munud",
    "de": "1 Stunde, 30 Minuten",
    "en_GB": "1 hour, 30 minutes",
    "es": "1 hora y 30 minutos",
    "fr": "1 heure et 30 minutes",
    "he": "1 שעה ו-30 דקות",
    "it": "1 ora e 30 minuti",
    "ja": "1 時間 30 分",
    "nl": "1 uur en 30 minuten",
    "pl": "1 godzina i 30 minut",
    "pt_BR": "1 hora e 30 minutos",
    "ru": "1 час 30 минут",
    "sv": "1 timme, 30 minuter",
    "tr": "1 saat 30 dakika",
    "zh_CN": "1小时30分钟",
}
COLUMNS = {
    "ar": "س ح ن ث ر خ ج",
    "de": "Mo Di Mi Do Fr Sa So",
    "en_US": "Sun Mon Tue Wed Thu Fri Sat",
    "he": "א׳ ב׳ ג׳ ד׳ ה׳ ו׳ ש׳",
    "ja": "日 月 火 水 木 金 土",
    "pl": "pon wto śro czw pią sob nie",
}
OURS = [name for name in locale_identifiers() if Locale.parse(name).language in {"en", *(own[:2] for own in LANGUAGES)}]


def plain(text: str) -> str:
    """Which kind of space CLDR prefers changes from version to version."""
    return " ".join(text.split())


@pytest.mark.parametrize("name", WRITTEN)
def test_dates_and_times_are_those_of_the_locale(name: str) -> None:
    locale = Locale.parse(name)
    texts = [date_text(DAY, style, locale) for style in ("full", "weekday", "day", "month")]
    time = time_text(14 * 60 + 5, hours_of(locale), locale)
    assert (*map(plain, texts), plain(time), week_start(locale)) == WRITTEN[name]


@pytest.mark.parametrize("name", DURATIONS)
def test_durations_are_quantities_joined_as_the_locale_joins_them(name: str) -> None:
    assert plain(duration_text(5400, Locale.parse(name))) == DURATIONS[name]


@pytest.mark.parametrize("name", COLUMNS)
def test_the_months_columns_begin_with_the_locales_first_day_and_are_narrow(name: str) -> None:
    assert " ".join(short for short, _ in weekday_names(Locale.parse(name))) == COLUMNS[name]


def test_no_locale_of_ours_is_left_with_half_a_pattern() -> None:
    """Regions included: a weekday and a day without its year, without what separated the year from them."""
    assert len(OURS) > 200
    for name in OURS:
        locale = Locale.parse(name)
        styles: tuple[DateStyle, ...] = ("weekday", "day", "short_day")
        for text in (date_text(DAY, style, locale) for style in styles):
            assert "27" not in text and "٢٧" not in text, (name, text)
            assert text == text.strip(" ,،年") and "'" not in text and not text.endswith((" de", "г.")), (name, text)
        assert sum(part.isdigit() for part in date_text(DAY, "full", locale)) >= 5, name
        assert "duration" not in duration_text(5460, locale), name
        assert len(weekday_names(locale)) == 7, name
        assert all(len(short) <= 4 for short, _ in weekday_names(locale)), name
        people = people_text(["<1>", "2", "3"], "unit", locale)
        assert people.count("<bdi>") == 3 and "<1>" not in people, name


def test_one_text_has_one_kind_of_digits() -> None:
    for name in OURS:
        locale = Locale.parse(name)
        texts = [date_text(DAY, "full", locale), time_text(845, 24, locale), duration_text(2700, locale)]
        arabic = [any("٠" <= letter <= "٩" for letter in text) for text in texts]
        latin = [any("0" <= letter <= "9" for letter in text) for text in texts]
        assert arabic == [locale.default_numbering_system == "arab"] * 3, name
        assert latin == [locale.default_numbering_system != "arab"] * 3, name
