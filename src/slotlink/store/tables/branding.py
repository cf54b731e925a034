"""How an application's pages look, and who may embed them. Their rows go with the application, whoever deletes it: the
version before this one does not know them."""

from __future__ import annotations

from sqlalchemy import (
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

brandings = Table(
    "brandings",
    metadata,
    of_application(),
    Column("name", Text),
    Column("accent", String(7)),  # #rrggbb
    Column("privacy_url", Text),
    Column("support_url", Text),
    Column("default_locale", String(16)),
    Column("embed_origins", Text),
    ForeignKeyConstraint(["application_id"], ["applications.application_id"], ondelete="CASCADE"),
)

# Apart, because every page reads the row above and none reads a picture.
logos = Table(
    "logos",
    metadata,
    of_application(),
    Column("scheme", String(5), primary_key=True),  # light | dark
    Column("logo_sha256", LargeBinary(32), nullable=False),  # its address
    Column("media_type", String(16), nullable=False),
    Column("width", Integer, nullable=False),  # CSS pixels at a height of 28
    Column("content", Text, nullable=False),  # base64
    ForeignKeyConstraint(["application_id"], ["brandings.application_id"], ondelete="CASCADE"),
    CheckConstraint("scheme IN ('light', 'dark')", name="scheme"),
    Index("ix_logos_logo_sha256", "logo_sha256"),
)
