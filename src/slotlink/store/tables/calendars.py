"""Calendars and what is in them; mirrored ones are copies of what a provider has."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from slotlink.store.tables.base import metadata, of_application

calendars = Table(
    "calendars",
    metadata,
    of_application(),
    Column("calendar_id", String(80), primary_key=True),
    Column("profile_id", String(40), nullable=False),
    Column("sub", String(40), nullable=False),
    Column("name", Text, nullable=False),
    Column("color", String(7)),
    Column("tzid", Text, nullable=False),
    Column("readonly", Boolean, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("primary", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),  # grows with every change of busy time
    Column("fresh_at", BigInteger),  # when everything that had changed was last known; NULL: never
    # Busy time is known from here to there; outside, the calendar counts as unreadable. NULL: without bound.
    Column("known_from", BigInteger),
    Column("known_until", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("zone_version", String(16)),  # of the zone data that its events were expanded with; NULL: before it was kept
    # The rest only of calendars that live elsewhere, which the store mirrors.
    Column("remote_id", Text),
    Column("owner_addresses", Text),  # JSON: whose answers to invitations count
    Column("conferencing", Boolean, nullable=False, server_default=false()),
    Column("cursor", Text),  # the provider's; NULL: the next read is whole
    Column("fresh_until", BigInteger),  # what was read at `fresh_at` counts until then; NULL: nothing was read yet
    Column("told_until", BigInteger),  # what it tells says nothing of later times; NULL: it says all there is
    Column("reconciled_at", BigInteger),  # when it last told all that there is
    Column("problem", Text),  # why it cannot be read, for the operator and the owner
    Column("viewed_at", BigInteger),  # when somebody last looked at it through a page: it is read more often then
    Column("sync_due_at", BigInteger),  # NULL: never, as of an embedded calendar
    Column("sync_fence", Integer, nullable=False, server_default="0"),  # grows with every claim to read it
    Column("watch_id", String(40)),
    Column("watch_remote_id", Text),
    Column("sealed_watch_secret", LargeBinary),
    Column("watch_until", BigInteger),
    ForeignKeyConstraint(["application_id", "profile_id"], ["profiles.application_id", "profiles.profile_id"]),
    Index("ix_calendars_application_id_sub", "application_id", "sub"),
    Index("ix_calendars_remote_id", "application_id", "profile_id", "remote_id", unique=True),
    Index("ix_calendars_sync_due_at", "sync_due_at"),
    Index("ix_calendars_watch_id", "watch_id", unique=True),
)

events = Table(
    "events",
    metadata,
    of_application(),
    Column("calendar_id", String(80), primary_key=True),
    Column("event_uid", String(48), primary_key=True),
    Column("event_id", Text),  # the application's own id; NULL for imported events
    Column("ical_uid", Text),
    Column("ical", Text),  # imported events: the whole iCalendar object, the source of its occurrences
    Column("details", Text, nullable=False),  # members as read back (summary, location, …), without start and end
    Column("recurring", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    Column("remote_key", Text),  # mirrored events: the provider's name for it, and the version that `ical` is
    Column("remote_version", Text),
    ForeignKeyConstraint(["application_id", "calendar_id"], ["calendars.application_id", "calendars.calendar_id"]),
    UniqueConstraint("application_id", "calendar_id", "event_id"),
    UniqueConstraint("application_id", "calendar_id", "ical_uid"),
    Index("ix_events_remote_key", "application_id", "calendar_id", "remote_key", unique=True),
)

busy_periods = Table(
    "busy_periods",
    metadata,
    of_application(),
    Column("calendar_id", String(80), primary_key=True),
    Column("event_uid", String(48), primary_key=True),
    Column("occurrence", BigInteger, primary_key=True),  # the occurrence's original start; 0 for a single event
    Column("start_at", BigInteger, nullable=False),
    Column("end_at", BigInteger, nullable=False),
    Column("start_date", String(10)),  # all-day events only, as written
    Column("end_date", String(10)),
    Column("kind", String(9), nullable=False),  # busy | tentative | free
    Column("details", Text),  # an occurrence that differs from its event
    ForeignKeyConstraint(
        ["application_id", "calendar_id", "event_uid"],
        ["events.application_id", "events.calendar_id", "events.event_uid"],
        ondelete="CASCADE",
    ),
    CheckConstraint("end_at >= start_at", name="order"),
    CheckConstraint("kind IN ('busy', 'tentative', 'free')", name="kind"),
    # Answers "what overlaps this span" by start; the span is widened by the calendar's longest event (below).
    Index("ix_busy_periods_calendar_start", "application_id", "calendar_id", "start_at", "end_at"),
    Index("ix_busy_periods_calendar_end", "application_id", "calendar_id", "end_at"),
)

# Events of ours in calendars that live elsewhere: how the provider is to have them, and what it has been told.
event_writes = Table(
    "event_writes",
    metadata,
    of_application(),
    Column("calendar_id", String(80), primary_key=True),
    Column("event_uid", String(48), primary_key=True),
    Column("write_key", String(40), nullable=False),  # our name for it there, new for every generation
    Column("generation", Integer, nullable=False),  # grows when an event is made again after it was deleted
    Column("revision", Integer, nullable=False),  # grows with every change that we want
    Column("ical", Text),  # the object's bytes, the same on every attempt; NULL: it is to be deleted
    Column("invites", Boolean, nullable=False),  # the provider invites guests
    Column("mailed", Boolean, nullable=False, server_default=false()),  # we do, by mail
    Column("conference", Boolean, nullable=False),
    Column("link_id", String(32)),  # whose booking wrote it, and hears of what goes wrong
    Column("written_revision", Integer, nullable=False),  # what the provider has; 0: nothing yet
    Column("written_ical", Text),  # as we sent it: what differs there from it, a person has changed
    Column("written_version", Text),
    Column("problem", Text),  # why the provider does not have it
    Column("updated_at", BigInteger, nullable=False),
    ForeignKeyConstraint(
        ["application_id", "calendar_id", "event_uid"],
        ["events.application_id", "events.calendar_id", "events.event_uid"],
        ondelete="CASCADE",
    ),
    Index("ix_event_writes_write_key", "application_id", "calendar_id", "write_key", unique=True),
)

# What guests of those events were told by mail, one row for each. Only where we invite, and not the provider.
guest_messages = Table(
    "guest_messages",
    metadata,
    of_application(),
    Column("calendar_id", String(80), primary_key=True),
    Column("event_uid", String(48), primary_key=True),
    Column("email", Text, primary_key=True),  # in lower case
    Column("ical", Text, nullable=False),  # the newest message, the same bytes on every attempt
    Column("sequence", Integer, nullable=False),  # which it is: the revision of the event write that it follows
    Column(
        "sent_sequence", Integer, nullable=False
    ),  # the one that the mail server has taken; 0: none yet, -1: one of the same number
    ForeignKeyConstraint(
        ["application_id", "calendar_id", "event_uid"],
        ["events.application_id", "events.calendar_id", "events.event_uid"],
        ondelete="CASCADE",
    ),
)
