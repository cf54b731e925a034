"""Times of events: a `date` or a `dateTime` with its zone, and the instances of a recurrence."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil.rrule import rrule, rruleset, rrulestr

from tests.doubles.google_errors import Json, invalid, required, time_range_empty

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def wire(seconds: float) -> str:
    """UTC seconds as `created` and `updated` have them."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(seconds % 1 * 1000):03}Z"


def instant(text: str, at: str) -> int:
    """UTC seconds of a parameter; the offset is mandatory, and parts of a second are ignored."""
    if RFC3339.fullmatch(text):
        with contextlib.suppress(ValueError):
            return int(datetime.fromisoformat(text).timestamp())
    raise invalid(f"Invalid value for: {at}: {text}", at)


def zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise invalid(f"Invalid time zone definition: {name}") from None


def check_times(event: Json, calendar_zone: str) -> None:
    """Both ends, of one kind, in order, and with a zone where one is needed."""
    for side in ("start", "end"):
        value = event.get(side)
        if not value or not (value.get("date") or value.get("dateTime")):
            raise required(f"Missing {side} time.")
        if value.get("date") and value.get("dateTime"):  # fact: patch.date-and-datetime
            raise invalid(f"Invalid {side} time.")
        if "date" in value and not re.fullmatch(r"\d{4}-\d\d-\d\d", value["date"]):
            raise invalid(f"Invalid {side} time.")
        if "dateTime" in value:
            named = value.get("timeZone")
            has_offset = bool(RFC3339.fullmatch(value["dateTime"]))
            if (not named and (event.get("recurrence") or not has_offset)) or (named and not zone(named)):
                raise required(f"Missing time zone definition for {side} time.")
            try:
                datetime.fromisoformat(value["dateTime"])
            except ValueError:
                raise invalid(f"Invalid {side} time.") from None
    if ("date" in event["start"]) != ("date" in event["end"]):
        raise invalid("Start and end times must either both be date or both be dateTime.")
    if moment(event["end"], calendar_zone) < moment(event["start"], calendar_zone):
        raise time_range_empty()


def local(value: Json, calendar_zone: str) -> datetime:
    """The wall clock of an end of an event, aware; a date is midnight in the calendar's zone."""
    if "date" in value:
        day = date.fromisoformat(value["date"])
        return datetime(day.year, day.month, day.day, tzinfo=zone(calendar_zone))
    parsed = datetime.fromisoformat(value["dateTime"])
    named = zone(value.get("timeZone") or calendar_zone)
    return parsed.replace(tzinfo=named) if parsed.tzinfo is None else parsed.astimezone(named)


def moment(value: Json, calendar_zone: str) -> int:
    return int(local(value, calendar_zone).timestamp())


def span(event: Json, calendar_zone: str) -> tuple[int, int]:
    """UTC seconds from and to."""
    return moment(event["start"], calendar_zone), moment(event["end"], calendar_zone)


def shown(value: Json, calendar_zone: str, wanted: str | None) -> Json:
    """An end of an event as answers have it: in the zone that was asked for, or the calendar's."""
    if "date" in value:
        return {"date": value["date"]}
    there = local(value, calendar_zone).astimezone(zone(wanted or calendar_zone))
    text = there.isoformat(timespec="seconds").replace("+00:00", "Z")
    return {"dateTime": text, "timeZone": value.get("timeZone") or calendar_zone}


@dataclass(frozen=True)
class Instance:
    """One occurrence by the rule: its id, and its times before anybody moved it."""

    id: str
    start: Json
    end: Json


def instances(master: Json, calendar_zone: str, until: int) -> Iterator[Instance]:
    """All that start before `until` (UTC seconds), oldest first."""
    first = local(master["start"], calendar_zone)
    last = local(master["end"], calendar_zone)
    whole_days = "date" in master["start"]
    length = last.replace(tzinfo=None) - first.replace(tzinfo=None) if whole_days else _exact(first, last)
    for start in _rule(master["recurrence"], first, whole_days):
        if start.timestamp() >= until:
            return
        if whole_days:
            begin, end = start.date(), (start.replace(tzinfo=None) + length).date()
            yield Instance(f"{master['id']}_{begin:%Y%m%d}", {"date": str(begin)}, {"date": str(end)})
            continue
        named = master["start"].get("timeZone") or calendar_zone
        ends = (start.astimezone(UTC) + length).astimezone(start.tzinfo)
        stamp = start.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        yield Instance(f"{master['id']}_{stamp}", _timed(start, named), _timed(ends, named))


def _timed(when: datetime, named: str) -> Json:
    return {"dateTime": when.isoformat(timespec="seconds"), "timeZone": named}


def _exact(first: datetime, last: datetime) -> timedelta:
    return last.astimezone(UTC) - first.astimezone(UTC)


def _rule(lines: list[str], first: datetime, whole_days: bool) -> rruleset:
    rules = rruleset()
    if not any(line.upper().startswith("RRULE") for line in lines):
        rules.rdate(first)
    for line in lines:
        head, _, value = line.partition(":")
        name, *parameters = head.upper().split(";")
        if name in ("RRULE", "EXRULE"):
            parsed = rrulestr(_with_until(value, first, whole_days), dtstart=first)
            assert isinstance(parsed, rrule)
            rules.rrule(parsed) if name == "RRULE" else rules.exrule(parsed)
        elif name in ("RDATE", "EXDATE"):
            for part in value.split(","):
                when = _listed(part, parameters, head, first)
                rules.rdate(when) if name == "RDATE" else rules.exdate(when)
        else:
            raise invalid("Invalid recurrence rule.")
    return rules


def _with_until(rule: str, first: datetime, whole_days: bool) -> str:
    """dateutil wants UNTIL in UTC beside an aware start; a bare date means the whole local day."""
    found = re.search(r"UNTIL=(\d{8})(T\d{6}Z?)?", rule, re.IGNORECASE)
    if found is None:
        return rule
    day = _clock(found[1], "%Y%m%d")
    if whole_days or not found[2]:
        end = day.replace(hour=23, minute=59, second=59, tzinfo=first.tzinfo).astimezone(UTC)
    else:
        at = _clock(found[1] + found[2].rstrip("Z"))
        end = at.replace(tzinfo=UTC if found[2].endswith("Z") else first.tzinfo).astimezone(UTC)
    return rule.replace(found[0], f"UNTIL={end:%Y%m%dT%H%M%SZ}")


def _listed(part: str, parameters: list[str], head: str, first: datetime) -> datetime:
    if "T" not in part:
        return _clock(part, "%Y%m%d").replace(hour=first.hour, minute=first.minute, tzinfo=first.tzinfo)
    when = _clock(part.rstrip("Z"))
    if part.endswith("Z"):
        return when.replace(tzinfo=UTC)
    named = re.search(r"TZID=([^;:]+)", head)
    return when.replace(tzinfo=zone(named[1]) if named and parameters else first.tzinfo)


def _clock(text: str, form: str = "%Y%m%dT%H%M%S") -> datetime:
    """A wall clock that gets its zone from the caller."""
    return datetime.strptime(text, form)  # noqa: DTZ007
