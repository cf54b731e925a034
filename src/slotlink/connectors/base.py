"""What a calendar provider is to us: a page of promises. Whoever keeps them is a connector (docs/add-a-connector.md).

iCalendar is the one language between connectors and everybody else (RFC 5545): a provider that speaks another is
translated where it is read and written. So one reader expands all events, and one function decides what blocks.

A connector decides no policy and keeps no state: cursors, versions and keys are the caller's to keep. No method goes on
beyond the deadline it was given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from slotlink.engine import Period
from slotlink.errors import ConnectorError


@dataclass(frozen=True, slots=True)
class RemoteCalendar:
    """`remote_id` is the provider's own, never taken apart by callers. `owner_addresses`, lower case: whose answers to
    invitations count here. `tzid` is an IANA name, None where the provider names none."""

    remote_id: str
    name: str
    tzid: str | None
    writable: bool
    primary: bool
    owner_addresses: tuple[str, ...]
    color: str | None = None  # #rrggbb


@dataclass(frozen=True, slots=True)
class RemoteObject:
    """One event with everything that belongs to it: its repetitions, exceptions and zones, as one iCalendar object.

    remote_key  the provider's name for it, unique in its calendar
    version     changes whenever the object does; None where the provider has none
    """

    remote_key: str
    version: str | None
    ical: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What has changed since a cursor. `whole`: these are all objects there are, so whatever else was known is gone.

    `removed` are remote keys; one that was never known is no fault."""

    changed: tuple[RemoteObject, ...]
    removed: tuple[str, ...]
    cursor: str | None
    whole: bool


@dataclass(frozen=True, slots=True)
class EventWrite:
    """An event of ours. `key` is ours too, new for every generation and never used again after a deletion: writing it
    twice leaves one event. `ical` is a whole iCalendar object whose UID begins with the key; its bytes are the same on
    every attempt."""

    key: str
    ical: str


@dataclass(frozen=True, slots=True)
class Written:
    remote_key: str
    version: str | None


class Connector(Protocol):
    """One connected account at one provider.

    Raises ProviderUnavailable (the same again may work later), AccessRevoked (not before somebody connects anew),
    CalendarGone (this calendar alone), ChangedElsewhere (the version is not the expected one), NotAccepted (our fault:
    the same again never works). Never anything else, whatever the provider answers.
    """

    async def list_calendars(self) -> list[RemoteCalendar]: ...

    async def changes(self, remote_id: str, cursor: str | None) -> Changes:
        """Everything since `cursor`; all that there is when it is None, or no longer known to the provider."""
        ...

    async def read_live(
        self, remote_ids: Sequence[str], within: Period
    ) -> Mapping[str, Sequence[RemoteObject] | ConnectorError]:
        """What touches `within` right now, for each calendar, or why it cannot be read: an unreadable calendar never
        hides in an empty answer. An object may come whole, with times outside as well."""
        ...

    async def put(self, remote_id: str, write: EventWrite, expected: str | None = None) -> Written:
        """Create or replace. With `expected`, only over that version. Whoever is unsure whether an earlier attempt
        arrived calls it again."""
        ...

    async def delete(self, remote_id: str, key: str, expected: str | None = None) -> None:
        """Delete what was put under `key`; that it is gone already is no fault."""
        ...

    async def close(self) -> None: ...
