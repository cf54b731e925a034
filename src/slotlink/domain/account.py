"""Who owns what: applications own accounts, accounts own calendars. Plain values, as the store reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

APPLICATION_CALENDAR_SCOPE = "read_write"
ACCESS_TOKEN_LIFE_S = 3600
REFRESH_TOKEN_LIFE_S = 400 * 86_400  # since it was last used


@dataclass(frozen=True, slots=True)
class Application:
    application_id: str
    name: str
    shows_participants: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """A connected calendar owner, known to the outside as `sub`.

    `version` grows with every change of anything that decides when its owner is available: the same version, the same
    availability, save for what time alone changes."""

    application_id: str
    sub: str
    application_calendar_id: str | None
    display_name: str | None
    tzid: str
    revoked: bool
    version: int
    email: str | None = None
    fresh_until: int | None = (
        None  # of its mirrored calendars the one that is read again soonest; None: none is mirrored
    )

    def fresh(self, now: int) -> bool:
        return self.fresh_until is None or now < self.fresh_until


@dataclass(frozen=True, slots=True)
class Profile:
    """One sign-in at one provider. `remote_user` is who signed in, as the provider knows them; None: embedded."""

    profile_id: str
    sub: str
    provider_name: str
    profile_name: str | None
    connected: bool
    initial_sync_required: bool
    provider_service: str | None = None
    remote_user: str | None = None
    disconnected_reason: str | None = None
    failures: int = 0
    retry_at: int | None = None


@dataclass(frozen=True, slots=True)
class Calendar:
    """`known_from` and `known_until` bound the time for which busy periods are in the store; None is without bound."""

    calendar_id: str
    profile_id: str
    sub: str
    name: str
    color: str | None
    tzid: str
    readonly: bool
    deleted: bool
    primary: bool
    version: int
    known_from: int | None
    known_until: int | None
    provider_name: str
    profile_name: str | None
    connected: bool
    initial_sync_required: bool
    mirrored: bool = False  # lives elsewhere; the store has a copy
    conferencing: bool = False
    fresh_until: int | None = None  # mirrored ones: from then on the copy says nothing any more; None: never read
    told_until: int | None = None  # mirrored ones: the provider's objects say nothing of later times
    owner_addresses: tuple[str, ...] = ()  # mirrored ones: whose answers to invitations count
    unread: bool = False  # whoever read it found that its copy is out of date

    def sync_status(self) -> Literal["active", "pending", "disconnected"]:
        if not self.connected:
            return "disconnected"
        return "pending" if self.initial_sync_required or self.unread else "active"

    def fresh(self, now: int) -> bool:
        return not self.mirrored or (self.fresh_until is not None and now < self.fresh_until)

    def knows(self, start: int, end: int) -> bool:
        """Whether the store holds every busy period of [start, end)."""
        return (self.known_from is None or self.known_from <= start) and (
            self.known_until is None or end <= self.known_until
        )
