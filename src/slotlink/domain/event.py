"""Events: what blocks, how times look on the wire, and the event that a booking writes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal
from urllib.parse import unquote
from zoneinfo import ZoneInfo

Json = dict[str, Any]
BusyKind = Literal["busy", "tentative", "free"]

_WEIGHTS: tuple[BusyKind, ...] = ("free", "tentative", "busy")
_BUSY_STATUS: dict[str, BusyKind] = {"FREE": "free", "TENTATIVE": "tentative"}  # and BUSY, OOF
_ANSWERS: dict[str, BusyKind] = {"ACCEPTED": "busy", "DECLINED": "free", "DELEGATED": "free"}
"""Whoever delegates has somebody else go. Any other answer is tentative: NEEDS-ACTION, TENTATIVE, and what we do not
know, to be taken as NEEDS-ACTION (RFC 5545 3.2.12)."""

JOIN_URL_VARIABLE = re.compile(r"\{\{\s*cronofy\.conferencing\.(?:join_url|invite_block)\s*\}\}")
JOIN_URL_PENDING = "Conferencing details to follow"
INTEGRATED = ("default", "integrated")
"""The `profile_id`s of a meeting room that the calendar's own provider makes. Nothing else is connected, so the default
is that."""


@dataclass(frozen=True, slots=True)
class EventTime:
    """When an event is. All-day events carry their dates (end exclusive) beside the instants they cover."""

    start: int
    end: int
    tzid: str
    start_date: str | None = None
    end_date: str | None = None


def busy_kind(
    *,
    transparency: str | None,
    status: str | None,
    busy_status: str | None = None,
    answers: Collection[str] = (),
    takes_time: bool = True,
    working_elsewhere: BusyKind = "free",
) -> BusyKind:
    """The one place that decides whether an event blocks (docs/decisions/0016-what-an-event-means.md).

    transparency       "transparent" is free; none stated means opaque (RFC 5545 3.8.2.7), for all-day events too
    status             "cancelled" is free, "tentative" tentative
    busy_status        Outlook's: FREE, TENTATIVE, BUSY, OOF, WORKINGELSEWHERE; an unknown one says nothing
    answers            PARTSTATs of the calendar's owner, who may be invited under several addresses; empty: not invited
    takes_time         False for what ends when it starts
    working_elsewhere  what WORKINGELSEWHERE is to its owner; Outlook shows it as free

    Free for any reason is free; else tentative for any reason is tentative. Who may see an event changes nothing."""
    outlook: dict[str, BusyKind] = {**_BUSY_STATUS, "WORKINGELSEWHERE": working_elsewhere}
    # Outlook writes TRANSPARENT beside WORKINGELSEWHERE, and that must not take the choice away.
    transparent = transparency == "transparent" and busy_status != "WORKINGELSEWHERE"
    own: list[BusyKind] = [_ANSWERS.get(each, "tentative") for each in answers]
    reasons: list[BusyKind] = [
        "busy" if takes_time and not transparent and status != "cancelled" else "free",
        "tentative" if status == "tentative" else "busy",
        outlook.get(busy_status or "", "busy"),
    ]
    if own:  # whoever has accepted under one address is expected, whatever the others say
        reasons.append(max(own, key=_WEIGHTS.index))
    return min(reasons, key=_WEIGHTS.index)


def own_answers(answers: Mapping[str, Iterable[str]], owner_addresses: Iterable[str]) -> list[str]:
    """The PARTSTATs of the owner among everybody's, which are by `mail_address`; none when the owner is not invited."""
    own = {mail_address(each) for each in owner_addresses}
    return [answer for address in own for answer in answers.get(address, ())]


def mail_address(text: str) -> str:
    """`Mailto:Ann%40Example.org` as `ann@example.org`, so that one person is found in every spelling (RFC 6068)."""
    scheme, colon, address = text.strip().partition(":")
    if colon and scheme.lower() == "mailto":
        return unquote(address.partition("?")[0]).strip().lower()
    return text.strip().lower()


def wire_time(instant: int) -> str:
    """`YYYY-MM-DDTHH:MM:SSZ`, the only form that every official client reads."""
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def local_wire_time(instant: int, tzid: str) -> str:
    """The same instant with the offset of `tzid`, as `localized_times` wants it; `Z` where the offset is none."""
    local = datetime.fromtimestamp(instant, ZoneInfo(tzid)).replace(microsecond=0)
    return local.isoformat().replace("+00:00", "Z")


def midnight(day: date, tzid: str) -> int:
    """The first instant of `day` in `tzid`. Where clocks skip midnight that is the change itself (PEP 495, fold 0)."""
    return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(tzid)).timestamp())


def object_time(instant: int, tzid: str) -> Json:
    return {"time": wire_time(instant), "tzid": tzid}


def with_times(event: Json, start: int, end: int, tzid: str) -> Json:
    """The event of a completed link: the template and its chosen times."""
    return {**event, "start": object_time(start, tzid), "end": object_time(end, tzid)}


def fill_in(event: Json) -> Json:
    """Replace the conferencing variables of the texts with what is known (Cronofy's "conference detail templates")."""
    conferencing: Json = event.get("conferencing") or {}
    join_url = str(conferencing.get("join_url") or JOIN_URL_PENDING)

    def filled(text: str) -> str:
        return JOIN_URL_VARIABLE.sub(lambda _: join_url, text)

    changed = dict(event)
    if isinstance(event.get("description"), str):
        changed["description"] = filled(event["description"])
    location: Json | None = event.get("location")
    if location and isinstance(location.get("description"), str):
        changed["location"] = {**location, "description": filled(location["description"])}
    return changed


def wants_room(event: Mapping[str, Any]) -> bool:
    """Whether its calendar's provider is to make the meeting room, or has made it."""
    conferencing: Json = event.get("conferencing") or {}
    return conferencing.get("profile_id") in INTEGRATED


def awaits_room(event: Mapping[str, Any]) -> bool:
    """Whether nobody knows yet where that room is."""
    return wants_room(event) and not event["conferencing"].get("join_url")


def with_room(event: Json, join_url: str, made_by: str) -> Json:
    """The event once its room is known; the texts name it by their variables. `made_by`, for people: Google Meet."""
    return {**event, "conferencing": {"provider_description": made_by, **event["conferencing"], "join_url": join_url}}


def with_guests(guests: Iterable[Json], invited: Iterable[Json], removed: Iterable[Json]) -> list[Json]:
    """Who is invited after a change, as they are read back. Who was before keeps the answer; one address, one guest."""
    named = {mail_address(each["email"]): each for each in guests}
    for each in removed:
        named.pop(mail_address(each["email"]), None)
    for each in invited:
        address = mail_address(each["email"])
        named[address] = {"status": "needs_action", **named.get(address, {}), **each}
    return list(named.values())
