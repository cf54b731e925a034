"""Time zones as a visitor reads them: city, abbreviation, distance from UTC, and the list to choose from."""

from __future__ import annotations

import datetime
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale
from babel.dates import get_timezone_location
from markupsafe import Markup

UTC_NAMES = frozenset(
    {"UTC", "Etc/UTC", "Etc/UCT", "UCT", "Zulu", "Etc/Zulu", "Universal", "Etc/Universal", "GMT", "Etc/GMT"}
)


@dataclass(frozen=True)
class ZoneText:
    """A zone on one day. `abbreviation` is empty where people write none ("-03" is no abbreviation)."""

    tzid: str
    city: str
    abbreviation: str
    behind: bool  # west of UTC
    distance: str  # from UTC in hours: "0", "3:30"

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
        return f"{self.city}, {self.offset_text}" if self.has_city else self.city

    @property
    def short(self) -> str:
        """What stands behind a time when a day has two offsets: "BST", "UTC−3"."""
        return self.abbreviation or f"UTC{self.offset}"


def zone_text(tzid: str, moment: int, locale: Locale) -> ZoneText:
    """The zone at `moment` (UTC seconds)."""
    local = datetime.datetime.fromtimestamp(moment, ZoneInfo(tzid))
    offset = local.utcoffset() or datetime.timedelta()
    name = local.tzname() or ""
    hours, minutes = divmod(abs(int(offset.total_seconds())) // 60, 60)
    return ZoneText(
        tzid=tzid,
        city=city_name(tzid, locale),
        abbreviation=name if name[:1].isalpha() and tzid not in UTC_NAMES else "",
        behind=offset < datetime.timedelta(),
        distance=f"{hours}:{minutes:02}" if minutes else f"{hours}",
    )


@lru_cache(maxsize=4096)
def city_name(tzid: str, locale: Locale) -> str:
    """The city by which people know the zone: "London", "São Paulo". Zones without a city keep their own name."""
    if tzid in UTC_NAMES:
        return "UTC"
    if tzid.startswith("Etc/GMT"):
        # Etc/GMT+5 lies five hours *behind* UTC: its name would mislead.
        sign = {"+": "−", "-": "+"}.get(tzid[7:8], "+")
        return f"UTC{sign}{tzid[8:] or '0'}"
    city = str(get_timezone_location(ZoneInfo(tzid), locale=locale, return_city=True))
    # Babel knows no city for a few zones and answers with their id.
    return city.rpartition("/")[2].replace("_", " ")


@lru_cache(maxsize=32)
def zone_options(date: datetime.date, locale: Locale) -> Markup:
    """`<option>` elements for every zone of the tz database that has a country, by city, with the offsets of `date`."""
    noon = int(datetime.datetime.combine(date, datetime.time(12), datetime.UTC).timestamp())
    option = Markup('<option value="{}">{}</option>')
    return Markup("\n").join(option.format(tzid, zone_text(tzid, noon, locale).label) for tzid in _by_city(locale))


@lru_cache(maxsize=64)
def _by_city(locale: Locale) -> tuple[str, ...]:
    def without_accents(tzid: str) -> str:
        return unicodedata.normalize("NFD", city_name(tzid, locale)).casefold()

    return tuple(sorted(_zones_with_a_country(), key=without_accents))


@lru_cache(maxsize=1)
def _zones_with_a_country() -> frozenset[str]:
    # zone.tab names one zone for each country and clock; the rest of the database are links and history.
    table = files("tzdata").joinpath("zoneinfo/zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return frozenset(row[2] for row in rows) & available_timezones()
