"""A link: one invitation to choose a slot, and the table of what may become of it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any, Literal

from slotlink.domain.query import Query

Json = dict[str, Any]


class LinkStatus(enum.StrEnum):
    OPEN = "open"
    COMPLETED = "completed"
    DISABLED = "disabled"
    EXPIRED = "expired"  # read off the clock, never stored


TRANSITIONS: dict[LinkStatus, frozenset[LinkStatus]] = {
    LinkStatus.OPEN: frozenset({LinkStatus.COMPLETED, LinkStatus.DISABLED}),
    LinkStatus.COMPLETED: frozenset(),
    LinkStatus.DISABLED: frozenset(),
}


def link_status(state: str, expires_at: int, now: int) -> LinkStatus:
    """The status of a link whose stored state is `state`: completed > disabled > expired > open.

    Expired from the very second of `expires_at` on. Stored states never age: a completed link stays completed."""
    if state == LinkStatus.OPEN and now >= expires_at:
        return LinkStatus.EXPIRED
    return LinkStatus(state)


@dataclass(frozen=True, slots=True)
class TargetCalendar:
    """Where the event is written. `event` overrides members when this account organises; `attendee` is how it is
    invited when it does not."""

    sub: str
    calendar_id: str
    event: Json | None = None
    attendee: Json | None = None


@dataclass(frozen=True, slots=True)
class CallbackUrls:
    completed_url: str | None = None
    no_times_suitable_url: str | None = None
    no_times_displayed_url: str | None = None
    problem_url: str | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What was asked for when the link was created; never changes. Lengths in seconds."""

    query: Query
    tzid: str
    redirect_uri: str
    completed_url: str | None = None
    oauth_state: str | None = None
    oauth_scope: str | None = None
    event_creation: Literal["default", "single"] = "default"
    targets: tuple[TargetCalendar, ...] = ()
    callback_urls: CallbackUrls = field(default_factory=CallbackUrls)
    minimum_notice: int = 0
    hour_format: Literal["h", "H"] | None = None
    selection_mode: Literal["confirm", "no_confirm"] = "confirm"


@dataclass(frozen=True, slots=True)
class Link:
    """A stored link. `event` is its event as status answers it: with `start` and `end` once completed."""

    application_id: str
    link_id: str
    token: str
    state: str
    expires_at: int
    event: Json
    terms: Terms
    display_message: str | None
    created_at: int

    def status(self, now: int) -> LinkStatus:
        return link_status(self.state, self.expires_at, now)
