"""One event as iCalendar text, for a visitor to keep. Escaped by hand: a value can never start a line of its own."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from slotlink.ical.lines import HEAD, fold
from slotlink.ical.zones import Zones


@dataclass(frozen=True, slots=True)
class Attendee:
    """Somebody who is invited. `answer` is a PARTSTAT (RFC 5545 3.2.12)."""

    email: str
    name: str = ""
    answer: str = "NEEDS-ACTION"


def write_event(
    *, uid: str, start: int, end: int, tzid: str, summary: str, description: str = "", location: str = "",
    url: str = "", stamp: int, sequence: int = 0, transparent: bool = False, private: bool = False,
    organizer: str = "", attendees: Sequence[Attendee] = (),
) -> str:  # fmt: skip
    """Return a VCALENDAR without METHOD holding one VEVENT. All times are UTC seconds.

    Times are written in UTC, exact in every client and in the doubled hour too; `tzid` goes along as X-WR-TIMEZONE.
    Line breaks in texts become escaped ones, other control characters are dropped.

    organizer  the address of whose calendar it is: servers invite only in their name (RFC 6638 3.2.1)
    """
    Zones({}).find(tzid)
    lines = [*HEAD, f"X-WR-TIMEZONE:{tzid}"]
    lines += ["BEGIN:VEVENT", f"UID:{escaped(uid)}", f"DTSTAMP:{utc(stamp)}", f"SEQUENCE:{sequence}"]
    lines += [f"DTSTART:{utc(start)}", f"DTEND:{utc(end)}", "STATUS:CONFIRMED", f"SUMMARY:{escaped(summary)}"]
    lines += ["TRANSP:TRANSPARENT"] if transparent else []
    lines += ["CLASS:PRIVATE"] if private else []
    lines += [f"DESCRIPTION:{escaped(description)}"] if description else []
    lines += [f"LOCATION:{escaped(location)}"] if location else []
    lines += [f"URL:{printable(url).replace(chr(10), '').strip()}"] if url else []
    if attendees:
        lines += [f"ORGANIZER:{mailto(organizer)}"] if organizer else []
        lines += [attendee_line(each) for each in attendees]
    return fold([*lines, "END:VEVENT", "END:VCALENDAR"])


def attendee_line(guest: Attendee, *, asked: bool = True) -> str:
    """`asked`: to answer."""
    # Quotation marks cannot be written in a parameter (RFC 5545 3.2), and a caret begins an escape (RFC 6868).
    name = re.sub(r"\s+", " ", printable(guest.name).translate({ord('"'): "'", ord("^"): " "})).strip()
    common = f";ROLE=REQ-PARTICIPANT;PARTSTAT={guest.answer}" + (";RSVP=TRUE" if asked else "")
    return f"ATTENDEE{common}" + (f';CN="{name}"' if name else "") + f":{mailto(guest.email)}"


def mailto(address: str) -> str:
    """What an address may have that a URI may not is written by its number (RFC 6068)."""
    return "mailto:" + quote("".join(printable(address).split()), safe="@!$'*+/=")


def printable(text: str) -> str:
    """Only line feeds and tabs stay of the control characters; what some readers take for a line end becomes one."""
    return re.sub("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", "", re.sub("\r\n|[\r\x85\u2028\u2029]", "\n", text))


def escaped(text: str) -> str:
    """A TEXT value (RFC 5545 3.3.11); it can never start a line of its own."""
    # icalendar's own escaping turns a backslash before a capital N into a line break.
    return re.sub(r"([\\;,])", r"\\\1", printable(text)).replace("\n", r"\n")


def utc(instant: int) -> str:
    return datetime.fromtimestamp(instant, UTC).strftime("%Y%m%dT%H%M%SZ")
