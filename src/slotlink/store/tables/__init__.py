"""The schema, in one place. Both engines are made from these tables; `migrations/` brings a database to them.

Every key leads with the application, so that one application's rows can live together when one machine is not enough.
Columns named `…_at`, `…_until`, `…_from` and all starts and ends are UTC seconds (docs/decisions/0002).
Columns named `sealed_…` are encrypted (`vault.py`); `…_sha256` are digests for look-up. JSON is text.
"""

from __future__ import annotations

from slotlink.store.tables.base import metadata
from slotlink.store.tables.branding import brandings, logos
from slotlink.store.tables.calendars import busy_periods, calendars, event_writes, events, guest_messages
from slotlink.store.tables.hours import availability_rules, available_periods
from slotlink.store.tables.links import booking_events, booking_participants, bookings, link_history, links
from slotlink.store.tables.nodes import idempotency_keys, keys_in_use, request_counts
from slotlink.store.tables.outbox import channels, outbox, outbox_attempts
from slotlink.store.tables.owners import (
    accounts,
    applications,
    authorization_codes,
    client_secrets,
    link_tokens,
    profiles,
    redirect_uris,
    sign_ins,
    tokens,
)

__all__ = [
    "accounts",
    "applications",
    "authorization_codes",
    "availability_rules",
    "available_periods",
    "booking_events",
    "booking_participants",
    "bookings",
    "brandings",
    "busy_periods",
    "calendars",
    "channels",
    "client_secrets",
    "event_writes",
    "events",
    "guest_messages",
    "idempotency_keys",
    "keys_in_use",
    "link_history",
    "link_tokens",
    "links",
    "logos",
    "metadata",
    "outbox",
    "outbox_attempts",
    "profiles",
    "redirect_uris",
    "request_counts",
    "sign_ins",
    "tokens",
]
