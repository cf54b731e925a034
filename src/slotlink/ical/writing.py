"""One event as iCalendar text, for a visitor to keep. Escaped by hand: a value can never start a line of its own."""

import re
from datetime import UTC, datetime

from slotlink.ical.lines import HEAD, fold
from slotlink.ical.zones import Zones


def write_event(
    *, uid: str, start: int, end: int, tzid: str, summary: str, description: str = "", location: str = "",
    url: str = "", stamp: int, sequence: int = 0, transparent: bool = False, private: bool = False,
) -> str:  # fmt: skip
    """Return a VCALENDAR without METHOD holding one VEVENT. All times are UTC seconds.

    Times are written in UTC, exact in every client and in the doubled hour too; `tzid` goes along as X-WR-TIMEZONE.
    Line breaks in texts become escaped ones, other control characters are dropped.
    """
    Zones({}).find(tzid)
    lines = [*HEAD, f"X-WR-TIMEZONE:{tzid}"]
    lines += ["BEGIN:VEVENT", f"UID:{_escaped(uid)}", f"DTSTAMP:{_utc(stamp)}", f"SEQUENCE:{sequence}"]
    lines += [f"DTSTART:{_utc(start)}", f"DTEND:{_utc(end)}", "STATUS:CONFIRMED", f"SUMMARY:{_escaped(summary)}"]
    lines += ["TRANSP:TRANSPARENT"] if transparent else []
    lines += ["CLASS:PRIVATE"] if private else []
    lines += [f"DESCRIPTION:{_escaped(description)}"] if description else []
    lines += [f"LOCATION:{_escaped(location)}"] if location else []
    lines += [f"URL:{_printable(url).replace(chr(10), '').strip()}"] if url else []
    return fold([*lines, "END:VEVENT", "END:VCALENDAR"])


def _printable(text: str) -> str:
    """Only line feeds and tabs stay of the control characters; what some readers take for a line end becomes one."""
    return re.sub("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", "", re.sub("\r\n|[\r\x85\u2028\u2029]", "\n", text))


def _escaped(text: str) -> str:
    # icalendar's own escaping turns a backslash before a capital N into a line break.
    return re.sub(r"([\\;,])", r"\\\1", _printable(text)).replace("\n", r"\n")


def _utc(instant: int) -> str:
    return datetime.fromtimestamp(instant, UTC).strftime("%Y%m%dT%H%M%SZ")
