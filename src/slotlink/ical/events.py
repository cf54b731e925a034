"""Events: a VEVENT with its values read, and one happening of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from typing import Literal

from slotlink.domain.event import mail_address
from slotlink.ical.lines import BUSY_STATUS, Component, InvalidCalendar
from slotlink.ical.moments import Length, Moment, instant_of, parse_length
from slotlink.ical.rules import Rule, parse_rule
from slotlink.ical.zones import Zones

MAX_RULES = 4
"""RRULEs in one event; RFC 5545 3.8.5.3 advises against a second."""

MAX_DATES = 20_000
"""EXDATEs and RDATEs of one event: every day of fifty years."""

_PARTSTATS = ("NEEDS-ACTION", "ACCEPTED", "DECLINED", "TENTATIVE", "DELEGATED")


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One happening of an event. `start` and `end` are UTC seconds, half-open; `start == end` takes no time.

    start_date, end_date  only for all-day events, end exclusive; start and end are midnights in the calendar's zone
    recurrence_id         UTC seconds of the original start, None for a single event
    tzid                  IANA name of the zone of the event's own start, else of the calendar's
    status, transparency  in the words of RFC 5545; where only Outlook's own property says so, translated from that
    busy_status           Outlook's, in capitals: FREE, TENTATIVE, BUSY, OOF, WORKINGELSEWHERE, or empty
    answers               the different PARTSTATs, in capitals, of each who is invited, by `mail_address`

    None of it is a decision: what blocks is for `slotlink.domain.event.busy_kind` to say.
    """

    uid: str
    start: int
    end: int
    start_date: date | None
    end_date: date | None
    recurrence_id: int | None
    status: Literal["confirmed", "tentative", "cancelled"]
    transparency: Literal["opaque", "transparent"]
    summary: str
    description: str
    location: str
    url: str
    private: bool
    tzid: str
    busy_status: str = ""
    answers: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]], hash=False)


@dataclass(frozen=True, slots=True)
class Said:
    """What is the same of every happening of an event, in the words of `Occurrence`."""

    uid: str
    status: Literal["confirmed", "tentative", "cancelled"]
    transparency: Literal["opaque", "transparent"]
    summary: str
    description: str
    location: str
    url: str
    private: bool
    busy_status: str


@dataclass(frozen=True, slots=True)
class Event:
    """A VEVENT with its values read. `extra` are the RDATEs, each with its own length if it was a PERIOD."""

    said: Said
    start: Moment
    length: Length
    recurrence: Moment | None
    and_future: bool
    rules: list[Rule]
    extra: list[tuple[Moment, Length | None]]
    excluded: list[Moment]
    answers: Mapping[str, Sequence[str]]

    def moved(self, original: Moment) -> datetime:
        """Where THISANDFUTURE puts a later start: as far away as this event is from its own RECURRENCE-ID."""
        by = self.start.local - self.recurrence.seen_from(self.start) if self.recurrence else timedelta()
        return original.seen_from(self.start) + by

    def occurrence(self, local: datetime, recurrence_id: int | None, length: Length, tzid: str) -> Occurrence:
        """The happening that starts at `local` on the event's own wall clock."""
        zone, is_date, said = self.start.zone, self.start.is_date, self.said
        start, end = sorted((instant_of(local, zone), length.end(local, zone)))  # an end before the start blocks too
        return Occurrence(
            uid=said.uid,
            start=start,
            end=end,
            start_date=local.date() if is_date else None,
            end_date=length.last_day(local).date() if is_date else None,
            recurrence_id=recurrence_id,
            status=said.status,
            transparency=said.transparency,
            summary=said.summary,
            description=said.description,
            location=said.location,
            url=said.url,
            private=said.private,
            tzid=self.start.tzid or tzid,
            busy_status=said.busy_status,
            answers=self.answers,
        )


def read_events(group: Sequence[Component], zones: Zones) -> list[Event]:
    """Read what belongs to one UID; the master, if there is one, comes first."""
    ordered = sorted(group, key=lambda component: bool(component.all("RECURRENCE-ID")))
    first = _event(ordered[0], zones)
    series = None if first.recurrence or first.start.is_date else first.start.zone
    return [first, *(_event(component, zones, series) for component in ordered[1:])]


def _event(component: Component, zones: Zones, series: tzinfo | None = None) -> Event:
    """`series` is the zone of the master, in which a floating RECURRENCE-ID is read."""
    start = next((zones.moment(p.value, p.params) for p in component.all("DTSTART")), None)
    if start is None:
        raise InvalidCalendar("the event has no DTSTART")

    def moments(name: str, zone: tzinfo) -> list[Moment]:
        return [zones.moment(each, p.params, zone) for p in component.all(name) for each in p.values()]

    if sum(p.value.count(",") + 1 for name in ("EXDATE", "RDATE") for p in component.all(name)) > MAX_DATES:
        raise InvalidCalendar(f"the event has more than the {MAX_DATES} single dates we read")
    # Floating times beside a DTSTART with a zone are sloppy writing for the same zone.
    ends, recurrences = moments("DTEND", start.zone), moments("RECURRENCE-ID", series or start.zone)
    extra: list[tuple[Moment, Length | None]] = []
    for p in component.all("RDATE"):
        for first, _, last in (each.partition("/") for each in p.values()):
            at = zones.moment(first, p.params, start.zone)
            end = zones.moment(last, p.params, start.zone) if last[:1].isdigit() else None
            extra.append((at, parse_length(at, end, last) if last else None))
    if len(component.all("RRULE")) > MAX_RULES:
        raise InvalidCalendar(f"the event has more than the {MAX_RULES} rules we search")
    return Event(
        said=_said(component),
        start=start,
        length=parse_length(start, ends[0] if ends else None, component.text("DURATION")),
        recurrence=recurrences[0] if recurrences else None,
        and_future=any(p.params.get("RANGE") == "THISANDFUTURE" for p in component.all("RECURRENCE-ID")),
        rules=[parse_rule(p.value, start) for p in component.all("RRULE")],
        extra=extra,
        excluded=moments("EXDATE", start.zone),
        answers=_answers(component),
    )


def _said(component: Component) -> Said:
    text = component.text
    status, busy = component.word("STATUS"), component.word(*BUSY_STATUS)
    transparent = component.word("TRANSP") == "TRANSPARENT" or busy == "FREE"
    tentative = status == "TENTATIVE" or busy == "TENTATIVE"
    return Said(
        uid=text("UID"),
        status="cancelled" if status == "CANCELLED" else "tentative" if tentative else "confirmed",
        transparency="transparent" if transparent else "opaque",
        summary=text("SUMMARY"),
        description=text("DESCRIPTION"),
        location=text("LOCATION"),
        url=text("URL"),
        private=component.word("CLASS") in ("PRIVATE", "CONFIDENTIAL"),
        busy_status=busy,
    )


def _answers(component: Component) -> dict[str, list[str]]:
    """Who is invited may be named by an address, or by something else with the address beside it (RFC 7986 6.2).

    No PARTSTAT means NEEDS-ACTION, and so does one that we do not know (RFC 5545 3.2.12)."""
    found: dict[str, list[str]] = {}
    for p in component.all("ATTENDEE"):
        said = p.params.get("PARTSTAT", "").strip().upper()
        answer = said if said in _PARTSTATS else "NEEDS-ACTION"
        for address in {mail_address(named) for named in (p.value, p.params.get("EMAIL", "")) if named}:
            if answer not in (listed := found.setdefault(address, [])):
                listed.append(answer)
    return found
