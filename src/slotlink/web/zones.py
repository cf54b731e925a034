"""Time zones as a visitor reads them: city, abbreviation, distance from UTC, and the list to choose from."""

from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Literal, cast
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale
from babel.dates import get_timezone_location, get_timezone_name
from markupsafe import Markup

from slotlink.web.dates import in_digits
from slotlink.web.words import words_of

UTC_NAMES = frozenset(
    {"UTC", "Etc/UTC", "Etc/UCT", "UCT", "Zulu", "Etc/Zulu", "Universal", "Etc/Universal", "GMT", "Etc/GMT"}
)

LONGEST_ABBREVIATION = 5
"""In letters. What is longer is a name ("Eastern Daylight Time"), which Babel gives where it has nothing shorter."""


@dataclass(frozen=True)
class ZoneText:
    """A zone on one day, in the words of a locale. `abbreviation` is empty where people write none ("-03" is none)."""

    tzid: str
    city: str
    abbreviation: str
    behind: bool  # west of UTC
    distance: str  # from UTC in hours: "0", "3:30"
    locale: Locale

    @property
    def is_utc(self) -> bool:
        return self.tzid in UTC_NAMES

    @property
    def has_city(self) -> bool:
        return not self.is_utc and not self.tzid.startswith("Etc/")

    @property
    def offset(self) -> str:
        """ "+0", "−3:30", with a true minus."""
        return f"{'−' if self.behind else '+'}{self.distance}"

    @property
    def offset_text(self) -> str:
        return f"{self.abbreviation} (UTC{self.offset})" if self.abbreviation else f"UTC{self.offset}"

    @property
    def label(self) -> str:
        """For where no element can keep the offset's direction to itself: an option of a list."""
        if not self.has_city:
            return self.city
        # translators: a time zone in a list: "London, GMT (UTC+0)"
        text = words_of(self.locale).gettext("%(city)s, %(offset)s")
        isolated = f"\u2068{self.offset_text}\u2069" if self.locale.text_direction == "rtl" else self.offset_text
        return text % {"city": self.city, "offset": isolated}

    @property
    def short(self) -> str:
        """What stands behind a time when a day has two offsets: "BST", "UTC−3"."""
        return self.abbreviation or f"UTC{self.offset}"


def zone_text(tzid: str, moment: int, locale: Locale) -> ZoneText:
    """The zone at `moment` (UTC seconds)."""
    local = datetime.datetime.fromtimestamp(moment, ZoneInfo(tzid))
    offset = local.utcoffset() or datetime.timedelta()
    hours, minutes = divmod(abs(int(offset.total_seconds())) // 60, 60)
    return ZoneText(
        tzid=tzid,
        city=city_name(tzid, locale),
        abbreviation="" if tzid in UTC_NAMES else _abbreviation(tzid, local, locale),
        behind=offset < datetime.timedelta(),
        distance=in_digits(f"{hours}:{minutes:02}" if minutes else f"{hours}", locale),
        locale=locale,
    )


def _abbreviation(tzid: str, local: datetime.datetime, locale: Locale) -> str:
    """The tz database's in English; in other languages CLDR's, which has few: "MEZ" in German, none in French."""
    if locale.language == "en":
        name = local.tzname() or ""
        return name if name[:1].isalpha() else ""
    return _translated_abbreviation(tzid, "daylight" if local.dst() else "standard", locale)


@lru_cache(maxsize=8192)
def _translated_abbreviation(tzid: str, variant: Literal["daylight", "standard"], locale: Locale) -> str:
    name = str(get_timezone_name(ZoneInfo(tzid), width="short", zone_variant=variant, locale=locale))
    return name if name.isalpha() and len(name) <= LONGEST_ABBREVIATION else ""


@lru_cache(maxsize=16384)
def city_name(tzid: str, locale: Locale) -> str:
    """The city by which people know the zone: "London", "São Paulo". Zones without a city keep their own name."""
    if tzid in UTC_NAMES:
        return "UTC"
    if tzid.startswith("Etc/GMT"):
        # Etc/GMT+5 lies five hours *behind* UTC: its name would mislead.
        sign = {"+": "−", "-": "+"}.get(tzid[7:8], "+")
        return f"UTC{sign}{in_digits(tzid[8:] or '0', locale)}"
    city = str(get_timezone_location(ZoneInfo(tzid), locale=locale, return_city=True))
    # Babel knows no city for a few zones and answers with their id.
    return city.rpartition("/")[2].replace("_", " ")


@lru_cache(maxsize=64)
def zone_options(date: datetime.date, locale: Locale) -> Markup:
    """`<option>` elements for every zone of the tz database that has a country, by city, with the offsets of `date`."""
    noon = int(datetime.datetime.combine(date, datetime.time(12), datetime.UTC).timestamp())
    option = Markup('<option value="{}">{}</option>')
    return Markup("\n").join(option.format(tzid, zone_text(tzid, noon, locale).label) for tzid in _by_city(locale))


def zone_names_of(locale: Locale) -> list[tuple[str, str, str]]:
    """(zone, city, country) of every zone that can be chosen, by city: what script searches."""
    return [
        ("Etc/UTC", "UTC", ""),
        *((tzid, city_name(tzid, locale), _countries(locale).get(tzid, "")) for tzid in _by_city(locale)),
    ]


@lru_cache(maxsize=64)
def _countries(locale: Locale) -> dict[str, str]:
    names = cast("Mapping[str, str]", locale.territories)
    return {tzid: names.get(code, "") for code, tzid in _zone_table()}


@lru_cache(maxsize=64)
def _by_city(locale: Locale) -> tuple[str, ...]:
    def without_accents(tzid: str) -> str:
        return unicodedata.normalize("NFD", city_name(tzid, locale)).casefold()

    return tuple(sorted({tzid for _, tzid in _zone_table()}, key=without_accents))


@lru_cache(maxsize=1)
def _zone_table() -> tuple[tuple[str, str], ...]:
    """(country, zone): zone.tab names one zone for each country and clock; the rest of the database are links and
    history."""
    table = files("tzdata").joinpath("zoneinfo/zone.tab").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in table.splitlines() if line and not line.startswith("#")]
    known = available_timezones()
    return tuple((row[0], row[2]) for row in rows if row[2] in known)
