"""What the processes of one deployment have between them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Index, Integer, LargeBinary, String, Table

from slotlink.store.tables.base import metadata, of_application

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    of_application(),
    Column("key_sha256", LargeBinary(32), primary_key=True),  # of the header's value
    Column("request_sha256", LargeBinary(32), nullable=False),  # of what was asked: caller, path, members
    Column("status_code", Integer, nullable=False),
    Column("sealed_answer", LargeBinary, nullable=False),  # with its headers; answers may hold tokens
    Column("expires_at", BigInteger, nullable=False),
    ForeignKeyConstraint(["application_id"], ["applications.application_id"]),
    Index("ix_idempotency_keys_expires_at", "expires_at"),
)

request_counts = Table(
    "request_counts",
    metadata,
    of_application(),
    Column("seconds", Integer, primary_key=True),  # the length of the window
    Column("window_number", BigInteger, nullable=False),  # since 1970
    Column("requests", Integer, nullable=False),
)

keys_in_use = Table(
    "keys_in_use",
    metadata,
    Column("key_id", String(16), primary_key=True),  # first bytes of the key's SHA-256
    Column("check_value", LargeBinary, nullable=False),  # a known text sealed with it: tells a wrong key at start
    Column("first_used_at", BigInteger, nullable=False),
)
