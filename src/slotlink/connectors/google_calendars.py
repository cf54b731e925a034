"""Entries of Google's calendarList as calendars of ours. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import cast

from slotlink.connectors.base import RemoteCalendar
from slotlink.connectors.google_ical import member_of, text
from slotlink.connectors.google_writing import MEET
from slotlink.connectors.json_answers import Json
from slotlink.errors import ProviderUnavailable
from slotlink.ical.zones import iana_name

KIND = "calendar#calendarList"
_WRITERS = ("writer", "owner")


def calendars_of(entries: Iterable[Json]) -> list[RemoteCalendar]:
    """Those whose events the account may read; hidden ones are not among the entries. Raises ProviderUnavailable."""
    return list({each.remote_id: each for each in (_calendar(entry) for entry in entries) if each}.values())


def _calendar(entry: Json) -> RemoteCalendar | None:
    remote_id, role = text(entry, "id"), text(entry, "accessRole")
    if not remote_id:
        raise ProviderUnavailable("the answer lists a calendar without id")
    if entry.get("deleted") is True or role == "none":
        return None
    allowed: object = member_of(entry, "conferenceProperties").get("allowedConferenceSolutionTypes")
    solutions = cast("list[object]", allowed) if isinstance(allowed, list) else []
    color = text(entry, "backgroundColor").lower()
    return RemoteCalendar(
        remote_id=remote_id,
        name=text(entry, "summaryOverride") or text(entry, "summary") or remote_id,
        tzid=iana_name(text(entry, "timeZone")),
        writable=role in _WRITERS,
        primary=entry.get("primary") is True,
        # Google marks the calendar's own answer with `self`, whatever the address; it is told under the calendar's id.
        owner_addresses=(remote_id.lower(),) if "@" in remote_id else (),
        color=color if re.fullmatch("#[0-9a-f]{6}", color) else None,
        conferencing=role in _WRITERS and MEET in solutions,
    )
