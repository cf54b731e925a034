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


@dataclass(frozen=True, slots=True)
class Profile:
    profile_id: str
    sub: str
    provider_name: str
    profile_name: str | None
    connected: bool
    initial_sync_required: bool


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

    def sync_status(self) -> Literal["active", "pending", "disconnected"]:
        if not self.connected:
            return "disconnected"
        return "pending" if self.initial_sync_required else "active"

    def knows(self, start: int, end: int) -> bool:
        """Whether the store holds every busy period of [start, end)."""
        return (self.known_from is None or self.known_from <= start) and (
            self.known_until is None or end <= self.known_until
        )
