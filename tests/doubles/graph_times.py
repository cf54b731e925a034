"""Times as Graph has them: a wall clock with 7 digits of seconds beside a zone name, and patterned recurrence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, YEARLY, rrule, weekday
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from tests.doubles import graph_errors as errors
from tests.doubles.graph_errors import Json

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
INDEXES = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
KINDS: dict[str, Literal[0, 1, 2, 3]] = {
    "daily": DAILY,
    "weekly": WEEKLY,
    "absoluteMonthly": MONTHLY,
    "relativeMonthly": MONTHLY,
    "absoluteYearly": YEARLY,
    "relativeYearly": YEARLY,
}
WINDOWS_NAMES = {iana: windows for windows, iana in reversed(WINDOWS_TO_OLSON.items())}


def zone(name: str) -> ZoneInfo:
    """By Windows name or by IANA name."""  # fact: times.zone-names
    try:
        return ZoneInfo(WINDOWS_TO_OLSON.get(name, name) if name != "localtime" else "")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise errors.unknown_zone(name) from None


def windows_name(iana: str) -> str:
    return "UTC" if iana == "UTC" else WINDOWS_NAMES.get(iana, iana)


def moment(value: Json) -> datetime:
    """An aware time from {dateTime, timeZone}."""
    try:
        parsed = datetime.fromisoformat(_six_digits(value["dateTime"]))
        named = value.get("timeZone") or "UTC"
    except (KeyError, TypeError, ValueError, AttributeError):
        raise errors.invalid("The value of a date time property is not valid.", "ErrorInvalidProperty") from None
    return parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=zone(named))


def parameter(text: str) -> float:
    """UTC seconds of startDateTime and endDateTime; without an offset they are UTC."""  # fact: view.offsets
    try:
        parsed = datetime.fromisoformat(_six_digits(text))
    except ValueError:  # fact: view.plus-encoded
        message = f"The value '{text}' of parameter 'StartDateTime' or 'EndDateTime' is invalid."
        raise errors.invalid(message, "ErrorInvalidParameter") from None
    return (parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)).timestamp()


def wall(when: datetime, name: str) -> Json:
    """A time in the zone called `name`."""  # fact: times.seven-digits
    return {"dateTime": when.astimezone(zone(name)).strftime("%Y-%m-%dT%H:%M:%S.%f0"), "timeZone": name}


def midnight(day: date, name: str) -> Json:
    return {"dateTime": f"{day.isoformat()}T00:00:00.0000000", "timeZone": name}


def stamp(seconds: float) -> str:
    """As createdDateTime has it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def _six_digits(text: str) -> str:
    return re.sub(r"(\.\d{6})\d+", r"\1", text.strip())


def check_recurrence(recurrence: Json) -> None:
    try:
        next(days(recurrence), None)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise errors.invalid("The recurrence pattern is not valid.", "ErrorPropertyValidationFailure") from None


def days(recurrence: Json) -> Iterator[date]:
    """All days on which the series happens, oldest first; without end where it has none."""  # fact: series.pattern
    pattern, span = recurrence["pattern"], recurrence["range"]
    kind = pattern["type"]
    first = datetime.fromisoformat(span["startDate"])
    named = [weekday(DAYS.index(name.lower())) for name in pattern.get("daysOfWeek", [])]
    is_relative = kind.startswith("relative")
    day = pattern["dayOfMonth"] if kind.startswith("absolute") else 0
    month_days = list(range(28, day + 1)) if day > 28 else day  # fact: series.short-months
    if kind == "weekly" and not named:
        raise ValueError("weekly needs daysOfWeek")
    rule = rrule(
        KINDS[kind],
        dtstart=first,
        interval=pattern["interval"],
        byweekday=named if kind == "weekly" or is_relative else None,
        bymonthday=month_days or None,
        bymonth=pattern["month"] if kind.endswith("Yearly") else None,
        bysetpos=INDEXES[pattern.get("index", "first")] if is_relative else -1 if day > 28 else None,
        wkst=DAYS.index(pattern.get("firstDayOfWeek", "sunday").lower()),
        count=span["numberOfOccurrences"] if span["type"] == "numbered" else None,
        until=datetime.fromisoformat(span["endDate"]) if span["type"] == "endDate" else None,
    )
    return (when.date() for when in rule)


def occurrence_times(master: Json, day: date) -> tuple[Json, Json]:
    """Start and end of the series' occurrence on a day, in the zone of the series."""
    start, end = moment(master["start"]), moment(master["end"])
    named = master["start"].get("timeZone") or "UTC"
    if master.get("isAllDay"):
        return midnight(day, named), midnight(day + (end.date() - start.date()), named)
    begin = datetime.combine(day, start.time(), tzinfo=start.tzinfo)
    length: timedelta = end.astimezone(UTC) - start.astimezone(UTC)
    return wall(begin, named), wall(begin.astimezone(UTC) + length, named)
