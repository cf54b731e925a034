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

CONFERENCE = "X-GOOGLE-CONFERENCE"
"""The property of an object that leads to its meeting room, where the provider makes rooms later than events."""


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
    conferencing: bool = False  # the provider can make a meeting room for an event in it


@dataclass(frozen=True, slots=True)
class RemoteObject:
    """One event with everything that belongs to it: its repetitions, exceptions and zones, as one iCalendar object. One
    without any event (a to-do) blocks nothing.

    remote_key  the provider's name for it, unique in its calendar
    version     changes whenever the object does; None where the provider has none
    """

    remote_key: str
    version: str | None
    ical: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What has changed since a cursor. `whole`: these are all objects there are, so whatever else was known is gone.

    `removed` are remote keys; one that was never known is no fault. `until`: UTC seconds from which on the objects say
    nothing, where the provider tells of repetitions one by one; None: they say all there is, for ever."""

    changed: tuple[RemoteObject, ...]
    removed: tuple[str, ...]
    cursor: str | None
    whole: bool
    until: int | None = None


@dataclass(frozen=True, slots=True)
class EventWrite:
    """An event of ours. `key` is ours too, new for every generation and never used again after a deletion: writing it
    twice leaves one event. `ical` is a whole iCalendar object whose UID begins with the key; its bytes are the same on
    every attempt.

    invites     the provider is to invite the attendees; else it is kept from doing so, as far as it lets itself be
    conference  the provider is to make a meeting room of its own for it, one however often it is written
    """

    key: str
    ical: str
    invites: bool = False
    conference: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """`join_url` leads to the meeting room, where one was asked for and is there already."""

    remote_key: str
    version: str | None
    join_url: str | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """What the provider tells us of a calendar's changes. `remote_id` is the provider's name for the watch."""

    watch_id: str
    remote_id: str
    expires_at: int


class TokenSource(Protocol):
    """Where a connector that signs in by OAuth has its access token from; whoever connects keeps the tokens."""

    async def access_token(self, refused: str | None = None) -> str:
        """A living token; where the provider has just refused one, another than that. Raises AccessRevoked,
        ProviderUnavailable."""
        ...


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
        """Create; with `expected`, replace that version. Whoever is unsure whether an earlier attempt arrived calls it
        again: what stands there already as it was sent is done. Anything else that stands under the key was changed by
        a person, and stays: ChangedElsewhere has it."""
        ...

    async def delete(self, remote_id: str, key: str, expected: str | None = None) -> None:
        """Delete what was put under `key`; that it is gone already is no fault."""
        ...

    async def watch(self, remote_id: str, watch_id: str, url: str, secret: str) -> Watch | None:
        """Have changes of a calendar told to `url`, with `secret` in it to show who tells; None where the provider does
        not. It may tell late, twice or never."""
        ...

    async def unwatch(self, remote_id: str, watch: Watch) -> None:
        """Have no more told; that there is no such watch any more is no fault."""
        ...

    async def close(self) -> None: ...
