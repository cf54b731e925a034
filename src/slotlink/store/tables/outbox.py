"""What is to be done later, and who is told."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
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

outbox = Table(
    "outbox",
    metadata,
    of_application(),
    Column("item_id", String(32), primary_key=True),
    Column("kind", String(16), nullable=False),  # callback | event_write | guest_message
    Column("link_id", String(32)),
    Column("channel_id", String(32)),
    Column("url", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("sealed_body", LargeBinary, nullable=False),  # fixed at commit; every attempt sends what is in it
    Column("state", String(9), nullable=False),  # waiting | delivered | dead
    Column("attempts", Integer, nullable=False),
    # The attempts that were made before an operator asked for a replay: the schedule counts from here.
    Column("replayed_after", Integer, nullable=False, server_default="0"),
    Column("due_at", BigInteger, nullable=False),
    Column("lease_owner", String(32)),
    Column("lease_until", BigInteger),
    Column("fence", Integer, nullable=False),  # grows with every claim; a settle with an older one is refused
    Column("created_at", BigInteger, nullable=False),
    ForeignKeyConstraint(["application_id"], ["applications.application_id"]),
    CheckConstraint("state IN ('waiting', 'delivered', 'dead')", name="state"),
    Index("ix_outbox_state_due_at", "state", "due_at"),
    Index("ix_outbox_application_id_link_id", "application_id", "link_id"),
    Index("ix_outbox_application_id_channel_id", "application_id", "channel_id"),
)

outbox_attempts = Table(
    "outbox_attempts",
    metadata,
    of_application(),
    Column("item_id", String(32), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("took_ms", Integer, nullable=False),
    Column("status_code", Integer),
    Column("outcome", Text, nullable=False),
    ForeignKeyConstraint(["application_id", "item_id"], ["outbox.application_id", "outbox.item_id"]),
)

# Whom to tell of an account's changes.
channels = Table(
    "channels",
    metadata,
    of_application(),
    Column("channel_id", String(32), primary_key=True),
    Column("sub", String(40), nullable=False),
    Column("callback_url", Text, nullable=False),
    Column("filters", Text, nullable=False),  # JSON: the members that differ from the default
    Column("created_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger),
    Column("changed_since", BigInteger),  # the first change that has not been told yet; NULL: none
    Column("tell_at", BigInteger),  # when to tell it: changes that come close together are told once
    ForeignKeyConstraint(["application_id", "sub"], ["accounts.application_id", "accounts.sub"]),
    Index("ix_channels_application_id_sub", "application_id", "sub"),
    Index("ix_channels_tell_at", "tell_at"),
)
