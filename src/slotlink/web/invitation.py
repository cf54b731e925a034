"""What a page is about, what its visitor wants to see of it, and what went wrong before: validated, without words."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Literal

from slotlink.web.brand_view import BrandView
from slotlink.web.dates import Hours

Asked = Literal["tzid", "hours", "date", "month", "locale"]


@dataclass(frozen=True)
class Invitation:
    """What the page may show about a link. The caller has already left out what `event_private` hides."""

    application_name: str
    summary: str
    description: str | None
    place: str | None
    people: tuple[str, ...]
    duration_s: int
    path: str  # of the link's page, "/rts/TOKEN": every link and form leads there
    leads_to: str = ""  # the host that the booking leads on to; none where it stays on the page's own
    brand: BrandView | None = None


@dataclass(frozen=True)
class Choice:
    """What the visitor asked to see, validated. `hours` is None where the locale decides."""

    tzid: str
    hours: Hours | None
    date: datetime.date | None
    month: tuple[int, int] | None
    locale: str
    organiser_tzid: str
    keep_locale: bool = False  # the locale was asked for in the address, so links carry it on
    unread: tuple[tuple[Asked, str], ...] = ()  # asked for, and not understood
    detect_zone: bool = False  # nobody asked for a zone: script may put the device's in its place


@dataclass(frozen=True)
class Notice:
    """Why a booking was refused, and the slot (UTC seconds) that was asked for."""

    reason: Literal["taken", "not_open", "expired", "disabled", "invalid", "unreadable"]
    slot: int | None
