"""Whether an event that a server has is the one that we sent. Servers write it in words of their own: properties in
another order, parameters added, lines folded elsewhere. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from slotlink.ical import InvalidCalendar
from slotlink.ical.lines import Component, split_calendar

_LINE = re.compile(r'([A-Za-z0-9-]+)((?:;(?:"[^"]*"|[^":])*)?):(.*)', re.DOTALL)
_TZID = re.compile(r';TZID="?([^";:]*)', re.IGNORECASE)
_NOTES = {"DTSTAMP", "CREATED", "LAST-MODIFIED"}  # of when it was written; servers write their own
_TIMES = {"DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "RRULE", "RDATE", "EXDATE"}


def landed(theirs: str, ours: str) -> bool:
    """Whether all that we sent stands there, and at no other times than ours."""
    try:
        sent, stored = _said(ours), _said(theirs)
    except InvalidCalendar:
        return False
    return sent <= stored and {each for each in stored if each[1] in _TIMES} <= sent


def has_uid(ical: str, key: str) -> bool:
    """Whether it is an event whose UID begins with `key`, and not with a longer one."""
    try:
        uids = [component.text("UID") for component in split_calendar(ical.encode())[2]]
    except InvalidCalendar:
        return False
    return any(uid.startswith(key) and not uid[len(key) : len(key) + 1].isalnum() for uid in map(_unescaped, uids))


def _said(ical: str) -> set[tuple[str, str, str]]:
    """(which event of the object, property, value)."""
    return {each for component in split_calendar(ical.encode())[2] for each in _properties(component)}


def _properties(component: Component) -> Iterator[tuple[str, str, str]]:
    which = component.text("RECURRENCE-ID")
    for line in component.lines:
        if (match := _LINE.fullmatch(line)) and match[1].upper() not in _NOTES:
            name, zone = match[1].upper(), _TZID.search(match[2])
            yield which, name, _unescaped(match[3]) + (f" {zone[1]}" if zone and name in _TIMES else "")


def _unescaped(value: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nN" else found[1], value, flags=re.DOTALL).strip()
