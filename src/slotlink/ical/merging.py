"""Three versions of one event: what we wrote, what a person or a server made of it, and what we want now. Pure."""

from __future__ import annotations

from slotlink.domain.event import mail_address
from slotlink.ical.lines import Component, InvalidCalendar, fold, properties, split_calendar

_TIMES = ("DTSTART", "DTEND", "DURATION")
_COMPARED = ("SUMMARY", "DESCRIPTION", "LOCATION", "URL", "TRANSP", "CLASS", "STATUS", "ORGANIZER", *_TIMES)
_ALWAYS_OURS = {"DTSTAMP", "SEQUENCE"}


def merge(theirs: str, before: str, now: str) -> str:
    """Their event with what differs between `before` and `now` put in; all else stays as they have it.

    Each holds one event without exceptions. Raises InvalidCalendar."""
    head, zones, event = _only(theirs)
    old, new = _only(before)[2], _only(now)[2]
    changed = {name for name in _COMPARED if _own(old, name) != _own(new, name)}
    if changed & set(_TIMES):
        changed |= set(_TIMES)
    changed |= _ALWAYS_OURS
    # Whoever stays invited stays as they have it: with the answer that was given.
    gone, come = _guests(old) - _guests(new), _guests(new) - _guests(old) - _guests(event)
    kept = [line for line, own in _marked(event) if not (own and (_name(line) in changed or _guest(line) in gone))]
    added = [line for line, own in _marked(new) if own and (_name(line) in changed or _guest(line) in come)]
    head = [line for line in head if _name(line) not in ("END", "METHOD")]
    return fold([*head, *zones, *kept[:-1], *added, kept[-1], "END:VCALENDAR"])


def _only(text: str) -> tuple[list[str], list[str], Component]:
    head, zones, events = split_calendar(text.encode("utf-8", "replace"))
    if len(events) != 1:
        raise InvalidCalendar(f"there are {len(events)} events where one is expected")
    return head, [line for lines in zones.values() for line in lines], events[0]


def _own(event: Component, name: str) -> list[str]:
    return [line for line, own in _marked(event) if own and _name(line) == name]


def _guests(event: Component) -> set[str]:
    return {guest for line, own in _marked(event) if own and (guest := _guest(line))}


def _guest(line: str) -> str:
    """Who is invited by the line; empty where it invites nobody."""
    if _name(line) != "ATTENDEE":
        return ""
    return next((mail_address(found.value) for found in properties([line]).get("ATTENDEE", [])), "")


def _marked(event: Component) -> list[tuple[str, bool]]:
    """Every line of the event, and whether it is a property of its own and not of an alarm inside it."""
    marked: list[tuple[str, bool]] = []
    depth = 0
    for line in event.lines:
        name = _name(line)
        depth += name == "BEGIN"
        marked.append((line, depth == 1 and name not in ("BEGIN", "END")))
        depth -= name == "END"
    return marked


def _name(line: str) -> str:
    return line.partition(":")[0].partition(";")[0].strip().upper()
