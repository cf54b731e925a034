"""When an account is available at all."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKeyConstraint, Index, String, Table, Text

from slotlink.store.tables.base import metadata, of_application

availability_rules = Table(
    "availability_rules",
    metadata,
    of_application(),
    Column("sub", String(40), primary_key=True),
    Column("availability_rule_id", String(64), primary_key=True),  # the application's own id
    Column("tzid", Text, nullable=False),
    Column("calendar_ids", Text),  # NULL: none were named, so all of them count
    Column("weekly_periods", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    ForeignKeyConstraint(["application_id", "sub"], ["accounts.application_id", "accounts.sub"]),
)

available_periods = Table(
    "available_periods",
    metadata,
    of_application(),
    Column("sub", String(40), primary_key=True),
    Column("available_period_id", String(64), primary_key=True),  # the application's own id
    Column("start_at", BigInteger, nullable=False),
    Column("end_at", BigInteger, nullable=False),
    Column("tzid", Text, nullable=False),  # as written; only says how the period is read back
    ForeignKeyConstraint(["application_id", "sub"], ["accounts.application_id", "accounts.sub"]),
    CheckConstraint("end_at > start_at", name="order"),
    Index("ix_available_periods_sub_start", "application_id", "sub", "start_at", "end_at"),
)
