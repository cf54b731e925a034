"""Links and their bookings."""

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
)

from slotlink.store.tables.base import metadata, of_application

links = Table(
    "links",
    metadata,
    of_application(),
    Column("link_id", String(32), primary_key=True),
    Column("token_sha256", LargeBinary(32), nullable=False),
    Column("sealed_token", LargeBinary, nullable=False),
    Column("state", String(9), nullable=False),  # open | completed | disabled; `expired` is read off the clock
    Column("expires_at", BigInteger, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("event", Text, nullable=False),  # exactly as status answers it
    Column("terms", Text, nullable=False),  # what was asked for at creation (`domain.link.Terms`)
    Column("display_message", Text),
    Column("no_times_displayed_at", BigInteger),
    Column("no_times_suitable_at", BigInteger),
    Column("no_times_suitable_note", Text),
    Column("created_at", BigInteger, nullable=False),
    ForeignKeyConstraint(["application_id"], ["applications.application_id"]),
    CheckConstraint("state IN ('open', 'completed', 'disabled')", name="state"),
    Index("ix_links_token_sha256", "token_sha256"),
    Index("ix_links_application_id_event_id", "application_id", "event_id"),
)

link_history = Table(
    "link_history",
    metadata,
    of_application(),
    Column("link_id", String(32), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("what", String(32), nullable=False),
    Column("details", Text, nullable=False),
    ForeignKeyConstraint(["application_id", "link_id"], ["links.application_id", "links.link_id"]),
)

bookings = Table(
    "bookings",
    metadata,
    of_application(),
    Column("link_id", String(32), primary_key=True),  # the key itself: one booking a link, for ever
    Column("start_at", BigInteger, nullable=False),
    Column("end_at", BigInteger, nullable=False),
    Column("tzid", Text, nullable=False),  # the visitor's
    Column("booked_at", BigInteger, nullable=False),
    # Whose booking this is: looked up by whoever lost the connection while committing it.
    Column("attempt_id", String(32)),
    ForeignKeyConstraint(["application_id", "link_id"], ["links.application_id", "links.link_id"]),
    CheckConstraint("end_at > start_at", name="order"),
)

booking_participants = Table(
    "booking_participants",
    metadata,
    of_application(),
    Column("link_id", String(32), primary_key=True),
    Column("sub", String(40), primary_key=True),
    Column("event_id", Text, nullable=False),
    Column("start_at", BigInteger, nullable=False),
    Column("end_at", BigInteger, nullable=False),
    # While true, the database refuses a second booking of this participant for overlapping time
    # (exclusion constraint on PostgreSQL, trigger on SQLite: migrations/versions/0001).
    Column("blocks", Boolean, nullable=False),
    Column("held_until", BigInteger),  # a hold without an event ends here; NULL: the event ends it
    ForeignKeyConstraint(["application_id", "link_id"], ["bookings.application_id", "bookings.link_id"]),
    Index("ix_booking_participants_sub_end", "application_id", "sub", "end_at"),
)

booking_events = Table(
    "booking_events",
    metadata,
    of_application(),
    Column("link_id", String(32), primary_key=True),
    Column("calendar_id", String(80), primary_key=True),
    Column("event_id", Text, nullable=False),
    Column("sub", String(40), nullable=False),
    ForeignKeyConstraint(["application_id", "link_id"], ["bookings.application_id", "bookings.link_id"]),
    Index("ix_booking_events_event", "application_id", "calendar_id", "event_id"),
)
