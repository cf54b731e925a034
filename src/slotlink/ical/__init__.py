"""iCalendar text in, occurrences out, and one event back to text (RFC 5545). Pure: no clock, no network, no files.

lines → moments → rules → zones → events → recurrence → calendars, merging, writing, vtimezones, inviting: each
knows only those before it.
Why we walk recurrence ourselves: docs/decisions/0003-reading-calendars.md.
"""

from slotlink.ical.calendars import MOST_BYTES, CalendarObject, ReadObject, expand, read_calendar, read_object
from slotlink.ical.events import Occurrence
from slotlink.ical.lines import InvalidCalendar, TooManyOccurrences
from slotlink.ical.merging import merge
from slotlink.ical.writing import escaped, mailto, printable, write_event

__all__ = [
    "MOST_BYTES",
    "CalendarObject",
    "InvalidCalendar",
    "Occurrence",
    "ReadObject",
    "TooManyOccurrences",
    "escaped",
    "expand",
    "mailto",
    "merge",
    "printable",
    "read_calendar",
    "read_object",
    "write_event",
]
